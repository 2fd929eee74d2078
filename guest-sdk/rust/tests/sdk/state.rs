use std::cell::RefCell;
use std::rc::Rc;
use tidegate_sdk::prelude::*;
use tidegate_sdk::testing::TestHost;

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
struct Page {
    page: u32,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
struct Settings {
    owner: String,
    #[serde(default)]
    labels: Vec<String>,
}

/// Counts pages to 5 and notes them.
fn counting() -> (DataSync, Rc<RefCell<Vec<u32>>>) {
    let pages = Rc::new(RefCell::new(Vec::new()));
    let notes = pages.clone();
    let sync = DataSync::new("counting", "1", move |run: &Run<Page>| {
        let first = run
            .checkpoint()?
            .map_or(1, |checkpoint| checkpoint.page + 1);
        for page in first..=5 {
            notes.borrow_mut().push(page);
            run.save_checkpoint(&Page { page })?;
        }
        run.clear_checkpoint()
    });
    (sync, pages)
}

#[test]
fn a_run_that_is_stopped_at_a_checkpoint_goes_on_from_it() {
    let (sync, pages) = counting();
    let mut host = TestHost::new();
    host.stop_at_checkpoint(3);
    assert_eq!(*host.run(&sync).unwrap_err().code(), Code::RunInterrupted);
    assert_eq!(host.checkpoint(), json!({"page": 3}));
    host.run(&sync).unwrap();
    assert_eq!(*pages.borrow(), [1, 2, 3, 4, 5]);
    assert_eq!(host.checkpoint(), json!(null));
}

#[test]
fn a_checkpoint_of_another_form_is_an_error_and_never_none() {
    let (sync, pages) = counting();
    let error = TestHost::new()
        .with_checkpoint(json!({"cursor": "x"}))
        .run(&sync)
        .unwrap_err();
    assert_eq!(*error.code(), Code::CheckpointInvalid);
    assert!(
        error.message().contains("missing field `page`")
            && error.message().contains("reset the sync"),
        "{error}"
    );
    assert!(pages.borrow().is_empty());
}

#[test]
fn metadata_is_read_set_and_merged() {
    let sync = DataSync::new("settings", "1", |run: &Run<(), Settings>| {
        assert_eq!(
            run.metadata()?,
            Settings {
                owner: "ada".into(),
                labels: vec![]
            }
        );
        run.merge_metadata(json!({"labels": ["x"], "extra": 1}))?;
        assert_eq!(run.metadata()?.labels, ["x"]);
        run.set_metadata(&Settings {
            owner: "bob".into(),
            labels: vec![],
        })
    });
    let mut host = TestHost::new().with_metadata(json!({"owner": "ada"}));
    host.run(&sync).unwrap();
    assert_eq!(host.metadata(), json!({"owner": "bob", "labels": []}));
    let error = TestHost::new().run(&sync).unwrap_err();
    assert_eq!(*error.code(), Code::MetadataInvalid);
    assert!(error.message().contains("missing field `owner`"), "{error}");
}

#[test]
fn the_run_knows_its_facts() {
    let sync = DataSync::new("facts", "1", |run: &Run| {
        #[derive(Deserialize)]
        struct Config {
            region: String,
        }
        assert_eq!(run.config::<Config>()?.region, "eu");
        assert_eq!(
            (
                run.sync_name().as_str(),
                run.variant().as_str(),
                run.attempt()
            ),
            ("facts", "base", 1)
        );
        assert_eq!(run.today(), date(2024, 3, 31));
        assert_eq!(run.months_ago(1).to_string(), "2024-02-29T00:00:00Z");
        assert_eq!(run.memory().limit_bytes, 128 << 20);
        run.sleep(Duration::from_secs(3_600))?;
        run.progress("half", 1, 2);
        info!("read {}", "all"; rows = 2, name = "x");
        let error = run.config::<Vec<u8>>().unwrap_err();
        assert!(
            error
                .message()
                .starts_with("the connection's configuration does not fit"),
            "{error}"
        );
        Ok(())
    });
    let mut host = TestHost::new()
        .config(json!({"region": "eu"}))
        .now("2024-03-31T23:59:59Z");
    host.run(&sync).unwrap();
    assert_eq!(host.progress(), [("half".to_owned(), 1, Some(2))]);
    assert_eq!(host.logs()[0].message, "read all");
    assert_eq!(host.logs()[0].attributes, json!({"rows": 2, "name": "x"}));
}
