use crate::on;
use tidegate_sdk::prelude::*;
use tidegate_sdk::records::Saved;
use tidegate_sdk::testing::TestHost;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
struct Item {
    id: u32,
    text: String,
    seen: u32,
}

impl Model for Item {
    const IGNORE: &'static [&'static str] = &["seen"];
}

fn item(id: u32, text: &str) -> Item {
    Item {
        id,
        text: text.into(),
        seen: 0,
    }
}

/// Runs `work` as a sync of the model `Item`.
fn with_items(work: impl Fn(&Run) -> Result<()> + 'static) -> TestHost {
    let mut host = TestHost::new();
    host.run(&DataSync::new("items", "1", work).model::<Item>())
        .unwrap();
    host
}

#[test]
fn anything_that_yields_models_can_be_saved() {
    with_items(|run| {
        let items = vec![item(1, "a"), item(2, "b")];
        let saved = |added, updated, unchanged| Saved {
            added,
            updated,
            unchanged,
        };
        assert_eq!(run.save(&items)?, saved(2, 0, 0));
        assert_eq!(
            run.save(items.iter().filter(|item| item.id == 2))?,
            saved(0, 0, 1)
        );
        assert_eq!(run.save([item(1, "changed")])?, saved(0, 1, 0));
        assert_eq!(
            run.save(Some(Item {
                seen: 9,
                ..item(2, "b")
            }))?,
            saved(0, 0, 1),
            "`seen` is no change"
        );
        assert_eq!(run.save(Vec::<Item>::new())?, Saved::default());
        assert_eq!(
            run.save(items)?.to_string(),
            "0 added, 1 updated, 1 unchanged"
        );
        Ok(())
    });
}

/// Batches are cut by size: the test host, like the real one, would refuse half a line.
#[test]
fn any_number_of_any_size_is_saved_whole() {
    for (count, bytes) in [(100_000, 500), (3, 3 << 20), (20, 700_000), (1, 8_000_000)] {
        let host = with_items(move |run| {
            let text = "x".repeat(bytes);
            assert_eq!(
                run.save((0..count).map(|id| item(id, &text)))?.added,
                u64::from(count)
            );
            Ok(())
        });
        let records = host.records::<Item>();
        assert_eq!(records.len(), count as usize);
        assert!(records.iter().all(|item| item.text.len() == bytes));
    }
}

#[test]
fn a_record_larger_than_a_call_is_refused_with_its_size() {
    with_items(|run| {
        let error = run.save([item(1, &"x".repeat(9 << 20))]).unwrap_err();
        assert_eq!(*error.code(), Code::RecordInvalid);
        assert!(
            error.message().contains("a call takes at most 8388608"),
            "{error}"
        );
        assert_eq!(
            run.save([item(2, "small")])?.added,
            1,
            "the buffer is clean again"
        );
        Ok(())
    });
}

#[test]
fn an_iterator_may_save_another_model_on_its_way() {
    #[derive(Serialize, JsonSchema)]
    struct Note {
        id: u32,
    }
    impl Model for Note {}
    on(TestHost::new(), |run| {
        let items = (0..3).map(|id| {
            run.save([Note { id }]).unwrap();
            item(id, "a")
        });
        assert_eq!(run.save(items)?.added, 3);
        assert_eq!(run.list::<Item>().count(), 3);
        Ok(())
    });
}

#[test]
fn records_are_updated_found_listed_and_deleted() {
    let host = with_items(|run| {
        run.save((0..2_500).map(|id| item(id, "a")))?;
        assert_eq!(
            run.update::<Item>([
                json!({"id": 7, "text": "b"}),
                json!({"id": 9_999, "text": "b"})
            ])?
            .updated,
            1
        );
        let found = run.find::<Item>([7, 9_999])?;
        assert_eq!(
            (found[0].as_ref().map(|item| item.text.as_str()), &found[1]),
            (Some("b"), &None)
        );
        let listed: Vec<Item> = run.list::<Item>().collect::<Result<_>>()?;
        assert_eq!(
            (listed.len(), listed.last().unwrap().id),
            (2_500, 7),
            "in the order of change"
        );
        assert_eq!(run.delete::<Item>(0..30_000)?, 2_500);
        Ok(())
    });
    assert_eq!(host.records::<Item>(), []);
}

#[test]
fn a_delete_pass_takes_what_was_not_saved_and_outlives_a_broken_run() {
    let sync = DataSync::new("pass", "1", |run: &Run| {
        let pass = run.delete_pass::<Item>()?;
        run.save([item(if run.attempt() == 1 { 1 } else { 2 }, "a")])?;
        run.get("/").any_status().send()?; // the first run is stopped here
        assert_eq!(pass.finish()?, ["3"]);
        Ok(())
    })
    .model::<Item>();
    let mut host = TestHost::new();
    let fill = |run: &Run| run.save((1..=3).map(|id| item(id, "a"))).map(drop);
    host.run(&DataSync::new("fill", "1", fill).model::<Item>())
        .unwrap();
    host.stop_at_request(1);
    host.run(&sync).unwrap_err();
    assert_eq!(
        host.records::<Item>().len(),
        3,
        "nothing is deleted by half a pass"
    );
    host.run(&sync).unwrap();
    assert_eq!(
        host.records::<Item>()
            .iter()
            .map(|item| item.id)
            .collect::<Vec<_>>(),
        [1, 2]
    );
}

#[test]
fn a_model_that_the_manifest_lacks_is_named() {
    #[derive(Serialize, JsonSchema)]
    struct Stray {
        id: u32,
    }
    impl Model for Stray {}
    with_items(|run| {
        let error = run.save([Stray { id: 1 }]).unwrap_err();
        assert_eq!(*error.code(), Code::ModelUnknown);
        assert!(error.message().contains("no model `Stray`"), "{error}");
        assert_eq!(
            *run.save_ndjson("Item", b"{\"id\":1}\n{\"no\":1}")
                .unwrap_err()
                .code(),
            Code::RecordInvalid
        );
        Ok(())
    });
}
