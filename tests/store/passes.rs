//! Delete passes: what was not seen goes, unless something may have been missed.

use crate::world::*;
use tidegate::limits::DELETE_SAMPLE_IDS;
use tidegate::model::{BlockedDelete, Outcome, SaveMode};
use tidegate::store::{DeleteGuard, PassEnd, RunFence};

const OFF: DeleteGuard = DeleteGuard::OFF;

/// A run in which `a`, `b`, `c` and `d` were saved before the pass.
async fn four(world: &World) -> RunFence {
    let run = world.begin("sync").await;
    world.save(&run, &["a", "b", "c", "d"], 1).await;
    run
}

fn deleted(ids: &[&str]) -> PassEnd {
    PassEnd::Deleted(boxed(ids))
}

#[track_caller]
fn held(end: PassEnd) -> BlockedDelete {
    match end {
        PassEnd::Held(blocked) => blocked,
        other => panic!("{other:?} should have been held"),
    }
}

pub async fn nothing_gone_deletes_nothing(world: World) {
    let run = four(&world).await;
    world.open_pass(&run, false).await;
    world.save(&run, &["d", "c"], 1).await;
    world.save(&run, &["b", "a", "e"], 2).await;
    let before = world.stats().await;
    assert_eq!(
        world.close_pass(&run, DeleteGuard::DEFAULT).await,
        deleted(&[])
    );
    assert_eq!(world.stats().await, before);
    assert_eq!(world.close_pass(&run, OFF).await, PassEnd::NotOpen);
}

pub async fn what_was_not_seen_is_deleted(world: World) {
    let run = four(&world).await;
    world.delete(&run, &["b"]).await;
    world.open_pass(&run, false).await;
    world.save(&run, &["c"], 1).await;
    assert_eq!(world.close_pass(&run, OFF).await, deleted(&["a", "d"]));
    let words = world.feed_words().await;
    assert_eq!(
        words,
        ["c ADDED 1", "b DELETED 1", "a DELETED 1", "d DELETED 1"]
    );
    let row = world.end(&run, Outcome::Success).await;
    assert_eq!(row.counts[&model(MODEL)].deleted, 3);
}

pub async fn unchanged_and_merged_records_are_seen(world: World) {
    let run = four(&world).await;
    world.open_pass(&run, false).await;
    world.save(&run, &["a"], 1).await;
    for (ndjson, mode) in [
        (lines(&["b", "new"], 2), SaveMode::Merge),
        (lines(&["c"], 2), SaveMode::IgnoreIfModifiedAfterStart),
    ] {
        world.try_save(&run, MODEL, &ndjson, mode).await.unwrap();
    }
    assert_eq!(world.close_pass(&run, OFF).await, deleted(&["d"]));
}

pub async fn without_a_pass_nothing_is_deleted(world: World) {
    let run = four(&world).await;
    assert_eq!(world.close_pass(&run, OFF).await, PassEnd::NotOpen);
    let row = world
        .end_closing(&run, Outcome::Success, &[MODEL], OFF)
        .await;
    assert!(row.blocked_deletes.is_empty());
    assert_eq!(world.stats().await.live, 4);
}

pub async fn the_guard_holds_a_large_delete(world: World) {
    let run = world.begin("sync").await;
    let ids: Vec<String> = (0..30).map(|nth| format!("r{nth:02}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    world.save(&run, &ids, 1).await;
    world.open_pass(&run, false).await;
    world.save(&run, &ids[20..], 1).await;
    let guard = DeleteGuard {
        share: 0.5,
        records: 10,
    };
    let blocked = held(world.close_pass(&run, guard).await);
    assert_eq!((blocked.would_delete, blocked.live), (20, 30));
    assert_eq!(blocked.sample, boxed(&ids[..DELETE_SAMPLE_IDS]));
    assert_eq!(blocked.model, model(MODEL));
    assert_eq!(world.stats().await.live, 30);
    assert_eq!(
        world.close_pass(&run, OFF).await,
        PassEnd::NotOpen,
        "the pass is over"
    );
}

pub async fn the_guard_needs_share_and_number(world: World) {
    for (share, records, holds) in [
        (0.4, 1, true),
        (0.5, 1, false),
        (0.4, 2, false),
        (1.0, u64::MAX, false),
        (0.0, 0, true),
    ] {
        let run = four(&world).await;
        world.open_pass(&run, false).await;
        world.save(&run, &["a", "b"], 1).await;
        let end = world.close_pass(&run, DeleteGuard { share, records }).await;
        assert_eq!(
            matches!(end, PassEnd::Held(_)),
            holds,
            "{share} {records}: {end:?}"
        );
        world.end(&run, Outcome::Success).await;
    }
}

pub async fn a_spoiled_pass_deletes_nothing(world: World) {
    let run = four(&world).await;
    world.open_pass(&run, false).await;
    world.save(&run, &["a"], 1).await;
    let reason = "a save was refused: record.invalid";
    world
        .store()
        .spoil_pass(&run, &model(MODEL), reason)
        .await
        .unwrap();
    world.save(&run, &["b"], 1).await;
    let blocked = held(world.close_pass(&run, OFF).await);
    assert_eq!((blocked.would_delete, blocked.live), (2, 4));
    assert!(blocked.reason.contains(reason), "{}", blocked.reason);
    assert_eq!(world.stats().await.live, 4);
    world.open_pass(&run, false).await;
    world.save(&run, &["a", "b", "c"], 1).await;
    assert_eq!(
        world.close_pass(&run, OFF).await,
        deleted(&["d"]),
        "the next pass is whole"
    );
}

pub async fn a_spoil_without_a_pass_does_nothing(world: World) {
    let run = four(&world).await;
    world
        .store()
        .spoil_pass(&run, &model(MODEL), "refused")
        .await
        .unwrap();
    world.open_pass(&run, false).await;
    world.save(&run, &["a", "b", "c"], 1).await;
    assert_eq!(world.close_pass(&run, OFF).await, deleted(&["d"]));
}

pub async fn a_pass_goes_on_over_an_interrupted_run(world: World) {
    for outcome in [interrupted(), failed(), cancelled()] {
        let run = four(&world).await;
        world.open_pass(&run, false).await;
        world.save(&run, &["a"], 1).await;
        world.checkpoint(&run, r#"{"page":2}"#).await;
        world.end(&run, outcome).await;
        let run = world.begin("sync").await;
        world.open_pass(&run, true).await;
        world.save(&run, &["b", "c"], 1).await;
        assert_eq!(world.close_pass(&run, OFF).await, deleted(&["d"]));
        world.end(&run, Outcome::Success).await;
    }
}

pub async fn a_run_cut_in_a_page_leaves_a_hole(world: World) {
    for outcome in [interrupted(), failed(), cancelled()] {
        let run = four(&world).await;
        world.open_pass(&run, false).await;
        world.checkpoint(&run, r#"{"page":1}"#).await;
        world.save(&run, &["a"], 1).await;
        world.end(&run, outcome).await;
        let run = world.begin("sync").await;
        world.open_pass(&run, true).await;
        world.save(&run, &["b", "c"], 1).await;
        world.checkpoint(&run, r#"{"page":2}"#).await;
        let blocked = held(world.close_pass(&run, OFF).await);
        assert_eq!((blocked.would_delete, blocked.live), (1, 4));
        assert_eq!(world.stats().await.live, 4);
        world.end(&run, Outcome::Success).await;
    }
}

pub async fn a_hole_needs_no_second_opening(world: World) {
    for by_the_run in [false, true] {
        let run = four(&world).await;
        world.open_pass(&run, false).await;
        world.save(&run, &["a"], 1).await;
        world.end(&run, failed()).await;
        let run = world.begin("sync").await;
        world.save(&run, &["b", "c"], 1).await;
        world.checkpoint(&run, r#"{"page":2}"#).await;
        if by_the_run {
            let row = world.end_closing(&run, Outcome::Success, &[MODEL], OFF);
            assert_eq!(row.await.blocked_deletes[0].would_delete, 1);
        } else {
            assert_eq!(held(world.close_pass(&run, OFF).await).would_delete, 1);
            world.end(&run, Outcome::Success).await;
        }
        assert_eq!(world.stats().await.live, 4);
    }
}

pub async fn a_fresh_pass_forgets_the_one_before(world: World) {
    let run = four(&world).await;
    world.open_pass(&run, false).await;
    world.save(&run, &["a", "b", "c"], 1).await;
    world.end(&run, failed()).await;
    let run = world.begin("sync").await;
    world.open_pass(&run, false).await;
    world.save(&run, &["a", "d"], 1).await;
    let end = world.close_pass(&run, OFF).await;
    assert_eq!(
        end,
        deleted(&["b", "c"]),
        "neither hole nor seen records are left"
    );
}

pub async fn a_pass_over_two_good_runs_is_whole(world: World) {
    let run = four(&world).await;
    world.open_pass(&run, false).await;
    world.save(&run, &["a"], 1).await;
    world.end(&run, Outcome::Success).await;
    let run = world.begin("sync").await;
    world.open_pass(&run, true).await;
    world.save(&run, &["b", "c"], 1).await;
    assert_eq!(world.close_pass(&run, OFF).await, deleted(&["d"]));
}

pub async fn passes_of_two_models_are_apart(world: World) {
    let run = four(&world).await;
    let deal = model("Deal");
    let save = async |ids: &[&str]| {
        let ndjson = lines(ids, 1);
        world
            .try_save(&run, "Deal", &ndjson, SaveMode::Override)
            .await
            .unwrap();
    };
    save(&["a", "x", "y"]).await;
    world.open_pass(&run, false).await;
    world.store().open_pass(&run, &deal, false).await.unwrap();
    world.save(&run, &["a", "b", "c"], 1).await;
    save(&["x"]).await;
    world
        .store()
        .spoil_pass(&run, &model(MODEL), "refused")
        .await
        .unwrap();
    let end = world.store().close_pass(&run, &deal, OFF).await.unwrap();
    assert_eq!(end, deleted(&["a", "y"]));
    held(world.close_pass(&run, OFF).await);
}

pub async fn passes_close_with_a_successful_run_only(world: World) {
    for (outcome, live) in [
        (interrupted(), 4),
        (failed(), 4),
        (cancelled(), 4),
        (Outcome::Success, 2),
    ] {
        let run = four(&world).await;
        world.open_pass(&run, false).await;
        world.save(&run, &["a", "c"], 1).await;
        let row = world.end_closing(&run, outcome, &[MODEL], OFF).await;
        assert_eq!(world.stats().await.live, live, "{:?}", row.state);
        assert_eq!(row.counts[&model(MODEL)].deleted, 4 - live);
    }
    let words = world.feed_words().await;
    assert_eq!(
        words,
        ["a ADDED 1", "c ADDED 1", "b DELETED 1", "d DELETED 1"]
    );
}

pub async fn a_held_pass_stands_in_the_report(world: World) {
    let run = four(&world).await;
    world.open_pass(&run, false).await;
    world.save(&run, &["a"], 1).await;
    let guard = DeleteGuard {
        share: 0.1,
        records: 1,
    };
    let row = world
        .end_closing(&run, Outcome::Success, &[MODEL], guard)
        .await;
    assert_eq!(row.blocked_deletes.len(), 1);
    assert_eq!(row.blocked_deletes[0].would_delete, 3);
    assert_eq!(row.blocked_deletes[0].sample, boxed(&["b", "c", "d"]));
    let stored = world.store().run(run.run).await.unwrap().unwrap();
    assert_eq!(stored, row);
    assert_eq!(world.stats().await.live, 4);
}

pub async fn the_pass_outlives_a_restart(mut world: World) {
    let run = four(&world).await;
    world.open_pass(&run, false).await;
    world.save(&run, &["a"], 1).await;
    world.checkpoint(&run, r#"{"page":2}"#).await;
    world.end(&run, interrupted()).await;
    world.reopen().await;
    let run = world.begin("sync").await;
    world.open_pass(&run, true).await;
    world.save(&run, &["b"], 1).await;
    assert_eq!(world.close_pass(&run, OFF).await, deleted(&["c", "d"]));
}
