//! Where a sync stands: its checkpoint, its connection's metadata, and the way back.

use crate::world::*;
use serde_json::{Value, json};
use tidegate::error::Code;
use tidegate::limits::METADATA_BYTES_MAX;
use tidegate::model::{Action, Outcome, SaveMode};
use tidegate::store::{DeleteGuard, PassEnd, Reset};

async fn checkpoint_of(world: &World, sync: &str) -> Option<(u64, String)> {
    let found = world.store().checkpoint(&key(sync)).await.unwrap();
    found.map(|found| (found.revision, found.json))
}

pub async fn the_checkpoint_counts_its_saves(mut world: World) {
    let run = world.begin("sync").await;
    assert_eq!(checkpoint_of(&world, "sync").await, None);
    assert_eq!(world.checkpoint(&run, r#"{"page":1}"#).await, 1);
    assert_eq!(world.checkpoint(&run, r#"{"page":2}"#).await, 2);
    assert_eq!(
        checkpoint_of(&world, "sync").await,
        Some((2, r#"{"page":2}"#.into()))
    );
    let cleared = world.store().put_checkpoint(&run, None).await;
    assert_eq!(cleared.unwrap(), 3);
    assert_eq!(checkpoint_of(&world, "sync").await, None);
    world.end(&run, Outcome::Success).await;
    world.reopen().await;
    let (run, begun) = world.try_begin(&key("sync")).await.unwrap();
    assert_eq!(begun.checkpoint, None);
    assert_eq!(world.checkpoint(&run, r#"{"page":9}"#).await, 4);
}

pub async fn a_checkpoint_is_kept_whatever_the_outcome(mut world: World) {
    for (nth, outcome) in [failed(), cancelled(), interrupted(), Outcome::Success]
        .into_iter()
        .enumerate()
    {
        let run = world.begin("sync").await;
        let json = format!(r#"{{"page":{nth}}}"#);
        world.checkpoint(&run, &json).await;
        let row = world.end(&run, outcome).await;
        assert_eq!(row.checkpoint_after.as_ref(), Some(&json));
        let before = (nth > 0).then(|| format!(r#"{{"page":{}}}"#, nth - 1));
        assert_eq!(row.checkpoint_before, before);
        world.reopen().await;
        let found = checkpoint_of(&world, "sync").await;
        assert_eq!(found, Some((nth as u64 + 1, json)));
    }
}

pub async fn checkpoints_are_apart(world: World) {
    let mut variant = key("sync");
    variant.variant = "v1".parse().unwrap();
    let mut longer = key("sync");
    longer.variant = "v10".parse().unwrap();
    for key in [key("sync"), variant.clone(), longer.clone()] {
        let (run, begun) = world.try_begin(&key).await.unwrap();
        assert_eq!(begun.checkpoint, None, "{key}");
        world
            .checkpoint(&run, &format!(r#"{{"of":"{key}"}}"#))
            .await;
        world.end(&run, Outcome::Success).await;
    }
    world
        .store()
        .reset(&variant, &[], Reset::Checkpoint)
        .await
        .unwrap();
    assert_eq!(world.store().checkpoint(&variant).await.unwrap(), None);
    for key in [key("sync"), longer] {
        let kept = world.store().checkpoint(&key).await.unwrap();
        assert_eq!(kept.unwrap().json, format!(r#"{{"of":"{key}"}}"#));
    }
}

pub async fn metadata_is_replaced_or_merged(mut world: World) {
    let acme = connection("acme");
    assert_eq!(world.store().metadata(&acme).await.unwrap(), "{}");
    for (json, merge, expected) in [
        (r#"{"a":1}"#, true, json!({ "a": 1 })),
        (
            r#"{"b":{"x":1,"y":2},"a":2}"#,
            true,
            json!({ "a": 2, "b": { "x": 1, "y": 2 } }),
        ),
        // Shallow: a nested object is replaced, and null is a value.
        (
            r#"{"b":{"z":3},"a":null}"#,
            true,
            json!({ "a": null, "b": { "z": 3 } }),
        ),
        (r#"{}"#, true, json!({ "a": null, "b": { "z": 3 } })),
        (r#"{"c":3}"#, false, json!({ "c": 3 })),
        (r#"{}"#, false, json!({})),
        (r#"{"d":"ü\n"}"#, true, json!({ "d": "ü\n" })),
    ] {
        let answer = world
            .store()
            .put_metadata(&acme, json, merge)
            .await
            .unwrap();
        assert_eq!(world.store().metadata(&acme).await.unwrap(), answer);
        world.reopen().await;
        let stored = world.store().metadata(&acme).await.unwrap();
        assert_eq!(stored, answer);
        let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        assert_eq!(read(&answer), expected, "{json}, merge: {merge}");
    }
    let umbrella = world.store().metadata(&connection("umbrella")).await;
    assert_eq!(umbrella.unwrap(), "{}");
}

pub async fn metadata_keeps_its_digits(world: World) {
    let acme = connection("acme");
    let put = async |json: &str| world.store().put_metadata(&acme, json, true).await;
    put(r#"{"price":1.10,"big":18446744073709551616}"#)
        .await
        .unwrap();
    let merged = put(r#"{"next":1e400}"#).await.unwrap();
    for digits in ["1.10", "18446744073709551616", "1e400"] {
        assert!(merged.contains(digits), "{merged} lost {digits}");
    }
}

pub async fn metadata_that_does_not_fit_is_refused(world: World) {
    let acme = connection("acme");
    let put = async |json: &str, merge| world.store().put_metadata(&acme, json, merge).await;
    let half = |field: &str| format!(r#"{{"{field}":"{}"}}"#, "x".repeat(METADATA_BYTES_MAX / 2));
    put(&half("a"), false).await.unwrap();
    assert_eq!(code(put(&half("b"), true).await), Code::MetadataInvalid);
    assert_eq!(world.store().metadata(&acme).await.unwrap(), half("a"));
    put(&half("b"), false).await.unwrap();
    assert_eq!(world.store().metadata(&acme).await.unwrap(), half("b"));
    for (json, merge) in [("[1]", true), ("7", false), ("{", true), ("", false)] {
        assert_eq!(
            code(put(json, merge).await),
            Code::MetadataInvalid,
            "{json}"
        );
    }
    assert_eq!(world.store().metadata(&acme).await.unwrap(), half("b"));
}

pub async fn a_reset_of_the_checkpoint_keeps_the_records(mut world: World) {
    let run = world.begin("sync").await;
    world.save(&run, &["a", "b"], 1).await;
    world.open_pass(&run, false).await;
    world.save(&run, &["a"], 1).await;
    world.checkpoint(&run, r#"{"page":2}"#).await;
    world.end(&run, interrupted()).await;
    let before = world.feed().await;
    world
        .reset("sync", &[MODEL], Reset::Checkpoint)
        .await
        .unwrap();
    world.reopen().await;
    assert_eq!(world.feed().await, before);
    let (run, begun) = world.try_begin(&key("sync")).await.unwrap();
    assert_eq!(begun.checkpoint, None);
    assert_eq!((begun.attempt, begun.interrupted_without_progress), (1, 0));
    let end = world.close_pass(&run, DeleteGuard::OFF).await;
    assert_eq!(end, PassEnd::NotOpen);
    assert_eq!(world.save(&run, &["a", "b"], 1).await, (0, 0, 2));
}

pub async fn a_reset_of_the_records_leaves_no_trace(mut world: World) {
    let run = world.begin("sync").await;
    world.save(&run, &["a", "b"], 1).await;
    world.delete(&run, &["b"]).await;
    world
        .try_save(&run, "Deal", &lines(&["x"], 1), SaveMode::Override)
        .await
        .unwrap();
    world.checkpoint(&run, r#"{"page":2}"#).await;
    world.end(&run, Outcome::Success).await;
    let old = world.page(MODEL, None);
    let old = old.await.unwrap().cursor;
    world
        .reset("sync", &[MODEL], Reset::CheckpointAndRecords)
        .await
        .unwrap();
    for _ in 0..2 {
        assert!(world.feed().await.is_empty());
        let stats = world.stats().await;
        assert_eq!((stats.live, stats.deleted), (0, 0));
        assert_eq!(world.get(&["a", "b"]).await, [None, None]);
        let deal = world.store().stats(&stream("Deal")).await.unwrap();
        assert_eq!(deal.live, 1, "a model that was not named");
        assert_eq!(checkpoint_of(&world, "sync").await, None);
        world.reopen().await;
    }
    let run = world.begin("sync").await;
    assert_eq!(world.save(&run, &["b", "a"], 1).await, (2, 0, 0));
    // An app that goes on with the cursor it has is told that it is stale, or sees what
    // is new; what it must not do is miss something.
    let after = world.page(MODEL, Some(old));
    match after.await {
        Err(error) => assert_eq!(error.code, Code::CursorStale),
        Ok(page) => {
            let found: Vec<String> = page.changes.iter().map(words).collect();
            assert_eq!(found, ["b ADDED 1", "a ADDED 1"]);
        }
    }
    let feed = world.feed().await;
    assert!(feed.iter().all(|change| change.action == Action::Added));
}

pub async fn a_reset_touches_its_own_sync_only(world: World) {
    for sync in ["one", "two"] {
        let run = world.begin(sync).await;
        world.checkpoint(&run, r#"{"page":2}"#).await;
        world.end(&run, interrupted()).await;
    }
    world.reset("one", &[], Reset::Checkpoint).await.unwrap();
    world
        .reset("never-ran", &["Never"], Reset::CheckpointAndRecords)
        .await
        .unwrap();
    assert_eq!(checkpoint_of(&world, "one").await, None);
    assert!(checkpoint_of(&world, "two").await.is_some());
    let (_, begun) = world.try_begin(&key("two")).await.unwrap();
    assert_eq!(begun.attempt, 2);
}

pub async fn a_live_sync_is_not_reset(world: World) {
    let run = world.begin("sync").await;
    world.save(&run, &["a"], 1).await;
    for what in [Reset::Checkpoint, Reset::CheckpointAndRecords] {
        let reset = world.reset("sync", &[MODEL], what);
        assert_eq!(code(reset.await), Code::RunConflict);
    }
    assert_eq!(world.feed_words().await, ["a ADDED 1"]);
    world.end(&run, Outcome::Success).await;
    let reset = world.reset("sync", &[MODEL], Reset::CheckpointAndRecords);
    reset.await.unwrap();
    assert!(world.feed().await.is_empty());
}

pub async fn all_of_it_outlives_a_restart(mut world: World) {
    let run = world.begin("sync").await;
    let ids: Vec<String> = (0..500)
        .map(|nth| format!("id-{}", nth * 7919 % 500))
        .collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    world.save(&run, &ids, 1).await;
    world.save(&run, &ids[100..300], 2).await;
    world.delete(&run, &ids[200..400]).await;
    world.save(&run, &ids[350..360], 2).await;
    world.checkpoint(&run, r#"{"page":5}"#).await;
    world.end(&run, Outcome::Success).await;
    let before = (world.feed().await, world.stats().await);
    for _ in 0..3 {
        world.reopen().await;
        assert_eq!((world.feed().await, world.stats().await), before);
        assert_eq!(
            checkpoint_of(&world, "sync").await,
            Some((1, r#"{"page":5}"#.into()))
        );
        let run = world.begin("sync").await;
        let same = world.save(&run, &ids[..100], 1).await;
        assert_eq!(same, (0, 0, 100), "the index forgot its hashes");
        assert_eq!(world.save(&run, &ids[350..360], 2).await, (0, 0, 10));
        world.end(&run, Outcome::Success).await;
    }
    let run = world.begin("sync").await;
    let last = before.1.last_sequence;
    world.save(&run, &["new"], 1).await;
    assert_eq!(world.stats().await.last_sequence, last + 1);
}
