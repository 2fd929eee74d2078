//! Saving, deleting and reading records.

use crate::world::*;
use tidegate::model::{Action, ChangeFilter, Outcome, SaveMode, StoredRecord};

async fn one(world: &World, id: &str) -> StoredRecord {
    world.get(&[id]).await.remove(0).unwrap()
}

pub async fn a_save_is_classified_by_what_is_there(world: World) {
    let run = world.begin("sync").await;
    assert_eq!(world.save(&run, &["a", "b"], 1).await, (2, 0, 0));
    let first = one(&world, "a").await;
    assert_eq!(world.save(&run, &["a", "b", "c"], 1).await, (1, 0, 2));
    assert_eq!(one(&world, "a").await, first, "an unchanged record moved");
    assert_eq!(world.save(&run, &["b", "a"], 2).await, (0, 2, 0));
    let second = one(&world, "a").await;
    assert_eq!(second.action, Action::Updated);
    assert_eq!(second.first_seen, first.first_seen);
    assert!(second.modified > first.modified && second.deleted.is_none());
    assert_eq!(
        world.feed_words().await,
        ["c ADDED 1", "b UPDATED 2", "a UPDATED 2"]
    );
}

pub async fn the_keys_order_is_no_change(world: World) {
    let run = world.begin("sync").await;
    for (ndjson, expected) in [
        (r#"{"id":"a","v":1,"w":[1.0]}"#, (1, 0, 0)),
        (r#"{ "w":[1.0], "v":1, "id":"a" }"#, (0, 0, 1)),
        (r#"{"id":"a","v":2,"w":[1.0]}"#, (0, 1, 0)),
    ] {
        let saved = world.try_save(&run, MODEL, ndjson, SaveMode::Override);
        assert_eq!(counts(saved.await.unwrap()), expected, "{ndjson}");
    }
}

pub async fn ignored_fields_are_no_change(world: World) {
    let run = world.begin("sync").await;
    for (ndjson, expected) in [
        (r#"{"id":"a","v":1,"etag":"x"}"#, (1, 0, 0)),
        (r#"{"id":"a","v":1,"etag":"y"}"#, (0, 0, 1)),
        (r#"{"id":"a","v":2,"etag":"y"}"#, (0, 1, 0)),
    ] {
        let batch = batch(ndjson, &["etag"]);
        let name = model(MODEL);
        let saved = world.store().save(&run, &name, batch, SaveMode::Override);
        assert_eq!(counts(saved.await.unwrap()), expected, "{ndjson}");
    }
}

pub async fn a_deleted_record_that_comes_back_is_added_and_first_seen_anew(world: World) {
    let run = world.begin("sync").await;
    world.save(&run, &["a"], 1).await;
    let before = one(&world, "a").await;
    assert_eq!(world.delete(&run, &["a"]).await, 1);
    assert_eq!(world.save(&run, &["a"], 1).await, (1, 0, 0));
    let after = one(&world, "a").await;
    assert_eq!(after.action, Action::Added);
    assert_eq!(after.deleted, None);
    assert!(after.first_seen > before.first_seen);
    assert_eq!(after.first_seen, after.modified);
    assert_eq!(
        (world.stats().await.live, world.stats().await.deleted),
        (1, 0)
    );
}

pub async fn of_two_with_one_id_in_a_batch_the_later_wins(world: World) {
    let run = world.begin("sync").await;
    let ndjson = lines(&["a", "b"], 1) + &lines(&["a"], 2);
    let saved = world.try_save(&run, MODEL, &ndjson, SaveMode::Override);
    assert_eq!(counts(saved.await.unwrap()), (2, 0, 0));
    let mut words = world.feed_words().await;
    words.sort();
    assert_eq!(words, ["a ADDED 2", "b ADDED 1"]);
}

pub async fn a_batch_of_many_is_one_commit(world: World) {
    let run = world.begin("sync").await;
    let ids: Vec<String> = (0..3_000)
        .map(|n| format!("{:08x}", 0x9e37_79b1u32.wrapping_mul(n)))
        .collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    assert_eq!(world.save(&run, &ids, 1).await, (3_000, 0, 0));
    let feed = world.feed().await;
    let sequences: Vec<u64> = feed.iter().map(|change| change.sequence).collect();
    assert_eq!(sequences, (1..=3_000).collect::<Vec<u64>>());
    assert!(feed.iter().zip(&ids).all(|(change, id)| *change.id == **id));
    assert_eq!(world.save(&run, &ids, 1).await, (0, 0, 3_000));
    assert_eq!(world.save(&run, &ids[1_000..2_000], 2).await, (0, 1_000, 0));
    assert_eq!(world.stats().await.live, 3_000);
}

pub async fn an_empty_batch_does_nothing(world: World) {
    let run = world.begin("sync").await;
    world.save(&run, &["a"], 1).await;
    let before = world.stats().await;
    assert_eq!(world.save(&run, &[], 1).await, (0, 0, 0));
    assert_eq!(world.stats().await, before);
}

pub async fn bodies_come_back_byte_for_byte(world: World) {
    let run = world.begin("sync").await;
    let large = format!(r#"{{"id":"big","text":"{}"}}"#, "x".repeat(200_000));
    let bodies = [
        r#"{ "id" : 7, "price": 1.10, "big": 18446744073709551616 }"#,
        r#"{"id":"ü/\u0041","tab":"\t","nested":{"b":[],"a":null}}"#,
        r#"{"id":"with spaces and { }"}"#,
        &large,
    ];
    let ids = ["7", "ü/A", "with spaces and { }", "big"];
    let ndjson = bodies.join("\n");
    let saved = world.try_save(&run, MODEL, &ndjson, SaveMode::Override);
    assert_eq!(counts(saved.await.unwrap()), (4, 0, 0));
    for (id, body) in ids.iter().zip(bodies) {
        assert_eq!(one(&world, id).await.body, body, "{id}");
    }
}

pub async fn streams_do_not_mix(world: World) {
    let mut other = key("sync");
    other.connection = connection("umbrella");
    let mut variant = key("sync");
    variant.variant = "trial".parse().unwrap();
    for key in [key("sync"), other, variant] {
        let (run, _) = world.try_begin(&key).await.unwrap();
        for name in [MODEL, "Deal"] {
            let ndjson = lines(&["a"], 1);
            let saved = world.try_save(&run, name, &ndjson, SaveMode::Override);
            assert_eq!(counts(saved.await.unwrap()), (1, 0, 0), "{key} {name}");
            let stats = world.store().stats(&key.stream(model(name))).await.unwrap();
            assert_eq!((stats.live, stats.last_sequence), (1, 1), "{key} {name}");
        }
    }
}

pub async fn two_syncs_share_a_models_stream(world: World) {
    let (one, two) = (world.begin("one").await, world.begin("two").await);
    assert_eq!(world.save(&one, &["a"], 1).await, (1, 0, 0));
    assert_eq!(world.save(&two, &["a", "b"], 1).await, (1, 0, 1));
    assert_eq!(world.feed_words().await, ["a ADDED 1", "b ADDED 1"]);
}

pub async fn get_answers_in_the_order_of_the_ids(world: World) {
    let run = world.begin("sync").await;
    let ids = ["c", "nobody", "a", "c", "b"];
    let none = world.get(&ids).await;
    assert_eq!(none, vec![None; 5]);
    world.save(&run, &["a", "b", "c"], 1).await;
    world.delete(&run, &["b"]).await;
    let found = world.get(&ids).await;
    let found: Vec<_> = found
        .iter()
        .map(|found| found.as_ref().map(words))
        .collect();
    let word = |word: &str| Some(word.to_owned());
    let a = word("a ADDED 1");
    assert_eq!(
        found,
        [
            word("c ADDED 1"),
            None,
            a,
            word("c ADDED 1"),
            word("b DELETED 1")
        ]
    );
    assert!(world.get(&[]).await.is_empty());
}

pub async fn a_delete_keeps_the_last_content(world: World) {
    let run = world.begin("sync").await;
    world.save(&run, &["a", "b"], 1).await;
    world.save(&run, &["a"], 2).await;
    let before = one(&world, "a").await;
    assert_eq!(world.delete(&run, &["nobody", "a", "a"]).await, 1);
    assert_eq!(world.delete(&run, &["a"]).await, 0, "deleted twice");
    let after = one(&world, "a").await;
    assert_eq!(words(&after), "a DELETED 2");
    assert_eq!(after.body, before.body);
    assert_eq!(after.first_seen, before.first_seen);
    assert_eq!(after.deleted, Some(after.modified));
    assert!(after.modified > before.modified);
    let stats = world.stats().await;
    assert_eq!((stats.live, stats.deleted, stats.last_sequence), (1, 1, 4));
}

pub async fn a_merge_goes_deep_into_live_records_only(world: World) {
    let run = world.begin("sync").await;
    let old = r#"{"id":"a","v":1,"deep":{"kept":1,"list":[1,2]}}"#;
    let saved = world.try_save(&run, MODEL, old, SaveMode::Override);
    saved.await.unwrap();
    world.save(&run, &["gone"], 1).await;
    world.delete(&run, &["gone"]).await;
    let patch = concat!(
        r#"{"id":"a","deep":{"list":[3],"new":null}}"#,
        "\n",
        r#"{"id":"gone","v":9}"#,
        "\n",
        r#"{"id":"nobody","v":9}"#,
    );
    let merged = world.try_save(&run, MODEL, patch, SaveMode::Merge).await;
    assert_eq!(counts(merged.unwrap()), (0, 1, 0));
    let body: serde_json::Value = serde_json::from_slice(&one(&world, "a").await.body).unwrap();
    let deep = serde_json::json!({ "kept": 1, "list": [3], "new": null });
    assert_eq!(body, serde_json::json!({ "id": "a", "v": 1, "deep": deep }));
    assert_eq!(world.feed_words().await, ["gone DELETED 1", "a UPDATED 1"]);
    assert_eq!(world.get(&["nobody"]).await, [None]);
}

pub async fn a_merge_that_changes_nothing_is_unchanged(world: World) {
    let run = world.begin("sync").await;
    let whole = r#"{"id":"a","v":2,"w":3}"#;
    for (ndjson, mode, expected) in [
        (r#"{"id":"a","v":1,"w":3}"#, SaveMode::Override, (1, 0, 0)),
        (r#"{"id":"a","w":3}"#, SaveMode::Merge, (0, 0, 1)),
        (r#"{"id":"a","v":2}"#, SaveMode::Merge, (0, 1, 0)),
        // The hash is of the whole record, not of the patch.
        (whole, SaveMode::Override, (0, 0, 1)),
    ] {
        let saved = world.try_save(&run, MODEL, ndjson, mode).await.unwrap();
        assert_eq!(counts(saved), expected, "{ndjson}");
    }
}

pub async fn what_another_run_changed_since_the_start_is_kept(world: World) {
    let ignore = SaveMode::IgnoreIfModifiedAfterStart;
    let early = world.begin("early").await;
    world.save(&early, &["old", "newer", "gone"], 1).await;
    world.end(&early, Outcome::Success).await;
    let slow = world.begin("slow").await;
    let quick = world.begin("quick").await;
    world.save(&quick, &["newer"], 2).await;
    world.delete(&quick, &["gone"]).await;
    let ids = ["old", "newer", "gone", "fresh"];
    let saved = world.try_save(&slow, MODEL, &lines(&ids, 3), ignore).await;
    assert_eq!(counts(saved.unwrap()), (1, 1, 2));
    let own = world
        .try_save(&slow, MODEL, &lines(&["old"], 4), ignore)
        .await;
    assert_eq!(
        counts(own.unwrap()),
        (0, 1, 0),
        "a run's own changes are no obstacle"
    );
    let words = world.feed_words().await;
    assert_eq!(
        words,
        [
            "newer UPDATED 2",
            "gone DELETED 1",
            "fresh ADDED 3",
            "old UPDATED 4"
        ]
    );
    world.end(&slow, Outcome::Success).await;
    let next = world.begin("slow").await;
    let saved = world
        .try_save(&next, MODEL, &lines(&["newer"], 5), ignore)
        .await;
    assert_eq!(
        counts(saved.unwrap()),
        (0, 1, 0),
        "it changed before this run began"
    );
}

pub async fn counts_add_up_per_run_and_model(world: World) {
    let run = world.begin("sync").await;
    world.save(&run, &["a", "b", "c"], 1).await;
    world.save(&run, &["a", "b"], 2).await;
    world.save(&run, &["a"], 2).await;
    world.delete(&run, &["c", "nobody"]).await;
    let deal = lines(&["x"], 1);
    world
        .try_save(&run, "Deal", &deal, SaveMode::Override)
        .await
        .unwrap();
    let live = world.store().run(run.run).await.unwrap().unwrap();
    let row = world.end(&run, failed()).await;
    for counted in [&live.counts, &row.counts] {
        let contact = counted[&model(MODEL)];
        let figures = (
            contact.added,
            contact.updated,
            contact.unchanged,
            contact.deleted,
        );
        assert_eq!(figures, (3, 2, 1, 1));
        assert_eq!(counted[&model("Deal")].added, 1);
    }
    let run = world.begin("sync").await;
    world.save(&run, &["a"], 2).await;
    let row = world.end(&run, Outcome::Success).await;
    assert_eq!(
        row.counts[&model(MODEL)].unchanged,
        1,
        "a run counts from nought"
    );
    assert_eq!(row.counts[&model(MODEL)].added, 0);
    let feed = world.feed_of(&stream(MODEL), 10, ChangeFilter::ALL).await;
    assert_eq!(feed.len(), 3);
}
