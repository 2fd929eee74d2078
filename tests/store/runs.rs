//! Runs: one live run for each sync, its fence, its row, its log.

use crate::world::*;
use std::collections::BTreeMap;
use tidegate::error::Code;
use tidegate::model::{
    Digest, LogLevel, LogLine, ModelCounts, Outcome, PostMortem, RunRow, RunState, SaveMode,
    SyncKey, Trigger, Usage,
};
use tidegate::store::{DeleteGuard, RunQuery};

pub async fn a_second_run_of_the_same_sync_is_refused(world: World) {
    for outcome in [failed(), interrupted(), cancelled(), Outcome::Success] {
        let run = world.begin("sync").await;
        let second = world.try_begin(&key("sync")).await;
        assert_eq!(code(second), Code::RunConflict);
        // The first keeps its right, and gives it back however it ends.
        world.checkpoint(&run, "{}").await;
        world.end(&run, outcome).await;
    }
    world.begin("sync").await;
}

pub async fn variants_connections_and_syncs_run_side_by_side(world: World) {
    let mut other = key("sync");
    other.connection = connection("umbrella");
    let mut variant = key("sync");
    variant.variant = "trial".parse().unwrap();
    for key in [key("sync"), key("sync2"), other, variant] {
        let begun = world.try_begin(&key).await;
        assert!(begun.is_ok(), "{key}: {begun:?}");
    }
}

pub async fn a_straggler_changes_nothing(world: World) {
    let old = world.begin("sync").await;
    world.save(&old, &["a"], 1).await;
    world.end(&old, cancelled()).await;
    let before = (world.feed().await, world.stats().await);
    for taken_over in [false, true] {
        if taken_over {
            world.begin("sync").await;
        }
        let (store, name) = (world.store(), model(MODEL));
        let batch = batch(&lines(&["a", "b"], 2), &[]);
        let end = ending(Outcome::Success, world.now());
        let answers = [
            (
                "save",
                code(store.save(&old, &name, batch, SaveMode::Override).await),
            ),
            (
                "delete",
                code(store.delete(&old, &name, boxed(&["a"])).await),
            ),
            ("open_pass", code(store.open_pass(&old, &name, true).await)),
            (
                "spoil_pass",
                code(store.spoil_pass(&old, &name, "why").await),
            ),
            (
                "close_pass",
                code(store.close_pass(&old, &name, DeleteGuard::OFF).await),
            ),
            (
                "put_checkpoint",
                code(store.put_checkpoint(&old, Some("{}".into())).await),
            ),
            (
                "append_log",
                code(store.append_log(&old, vec![line("late")]).await),
            ),
            ("finish_run", code(store.finish_run(&old, end).await)),
        ];
        for (what, answer) in answers {
            assert_eq!(
                answer,
                Code::RunCancelled,
                "{what}, taken over: {taken_over}"
            );
        }
        assert_eq!((world.feed().await, world.stats().await), before);
        assert!(store.checkpoint(&key("sync")).await.unwrap().is_none());
        assert!(store.run_log(old.run).await.unwrap().is_empty());
    }
}

pub async fn the_row_tells_the_run(mut world: World) {
    let (run, begun) = world.try_begin(&key("sync")).await.unwrap();
    assert!(begun.checkpoint.is_none());
    let started = world.now();
    let mut expected = RunRow {
        id: run.run,
        key: key("sync"),
        digest: Digest::of(b"component"),
        version: "1.2.3".into(),
        trigger: Trigger::Manual,
        attempt: 1,
        started,
        ended: None,
        state: RunState::Running,
        counts: BTreeMap::new(),
        usage: Usage {
            memory_cap_bytes: 7,
            ..Usage::default()
        },
        checkpoint_before: None,
        checkpoint_after: None,
        blocked_deletes: vec![],
        warnings: vec![],
        post_mortem: None,
    };
    let found = world.store().run(run.run).await.unwrap();
    assert_eq!(found.as_ref(), Some(&expected));
    world.save(&run, &["a"], 1).await;
    world.checkpoint(&run, r#"{"page":2}"#).await;
    world.tick();
    let mut end = ending(failed(), world.now());
    end.usage = Usage {
        memory_cap_bytes: 7,
        calls: 3,
        cpu_us: u64::MAX,
        ..Usage::default()
    };
    end.warnings = vec!["a warning".into()];
    let verdict = "it trapped".into();
    end.post_mortem = Some(PostMortem {
        verdict,
        ..PostMortem::default()
    });
    expected.ended = Some(end.ended);
    expected.state = RunState::Ended(failed());
    expected.counts.insert(
        model(MODEL),
        ModelCounts {
            added: 1,
            ..ModelCounts::default()
        },
    );
    expected.usage = end.usage.clone();
    expected.checkpoint_after = Some(r#"{"page":2}"#.into());
    expected.warnings = end.warnings.clone();
    expected.post_mortem = end.post_mortem.clone();
    assert_eq!(world.store().finish_run(&run, end).await.unwrap(), expected);
    world.reopen().await;
    assert_eq!(world.store().run(run.run).await.unwrap(), Some(expected));
    let (_, begun) = world.try_begin(&key("sync")).await.unwrap();
    assert_eq!(begun.checkpoint.unwrap().json, r#"{"page":2}"#);
}

pub async fn attempts_count_interrupted_executions(mut world: World) {
    let rows = [
        (interrupted(), 1),
        (interrupted(), 2),
        (failed(), 3),
        (interrupted(), 1),
        (Outcome::Success, 2),
        (cancelled(), 1),
        (Outcome::Success, 1),
    ];
    for (nth, (outcome, attempt)) in rows.into_iter().enumerate() {
        let (run, begun) = world.try_begin(&key("sync")).await.unwrap();
        assert_eq!(begun.attempt, attempt, "execution {nth}");
        assert_eq!(world.end(&run, outcome).await.attempt, attempt);
        world.reopen().await;
    }
}

pub async fn executions_without_progress_are_counted(mut world: World) {
    let rows = [
        // outcome, the checkpoint it saves, what the execution is told
        (interrupted(), None, 0),
        (interrupted(), None, 1),
        (interrupted(), Some(r#"{"page":1}"#), 2),
        (interrupted(), None, 0),
        // Only a run that saves a checkpoint is interrupted by its time: the same one
        // over again is no progress.
        (interrupted(), Some(r#"{"page":1}"#), 1),
        (interrupted(), Some(r#"{"page":2}"#), 2),
        (interrupted(), None, 0),
        (interrupted(), None, 1),
        (failed(), None, 2),
        (interrupted(), None, 0),
        (Outcome::Success, None, 1),
        (interrupted(), None, 0),
        (cancelled(), None, 1),
        (Outcome::Success, None, 0),
    ];
    for (nth, (outcome, checkpoint, told)) in rows.into_iter().enumerate() {
        let (run, begun) = world.try_begin(&key("sync")).await.unwrap();
        assert_eq!(begun.interrupted_without_progress, told, "execution {nth}");
        if let Some(json) = checkpoint {
            world.checkpoint(&run, json).await;
        }
        world.end(&run, outcome).await;
        world.reopen().await;
    }
}

pub async fn executions_before_a_long_wait_are_counted_apart(mut world: World) {
    let rows = [
        // outcome, the checkpoint it saves, interruptions and waits that it is told
        (left(), None, (0, 0)),
        (left(), None, (0, 1)),
        (interrupted(), None, (0, 2)),
        (left(), None, (1, 2)),
        (left(), Some(r#"{"page":1}"#), (1, 3)),
        (left(), None, (0, 0)),
        (interrupted(), Some(r#"{"page":2}"#), (0, 1)),
        (left(), None, (0, 0)),
        (failed(), None, (0, 1)),
        (left(), None, (0, 0)),
        (Outcome::Success, None, (0, 1)),
        (Outcome::Success, None, (0, 0)),
    ];
    for (nth, (outcome, checkpoint, told)) in rows.into_iter().enumerate() {
        let (run, begun) = world.try_begin(&key("sync")).await.unwrap();
        let found = (
            begun.interrupted_without_progress,
            begun.waits_without_progress,
        );
        assert_eq!(found, told, "execution {nth}");
        if let Some(json) = checkpoint {
            world.checkpoint(&run, json).await;
        }
        let row = world.end(&run, outcome.clone()).await;
        let until = outcome.wait().and_then(|wait| Some(row.ended? + wait));
        assert_eq!(row.waits_until(), until, "execution {nth}");
        world.reopen().await;
    }
}

pub async fn runs_are_listed_newest_first(mut world: World) {
    let mut ids = Vec::new();
    for sync in ["one", "two", "one", "one", "two"] {
        let run = world.begin(sync).await;
        world.end(&run, Outcome::Success).await;
        ids.push(run.run);
    }
    world.begin("live").await;
    world.reopen().await;
    let list = async |sync: Option<SyncKey>, before: Option<usize>, limit: usize| {
        let before = before.map(|nth| ids[nth]);
        let query = RunQuery {
            key: sync,
            before,
            limit,
        };
        let rows = world.store().runs(query).await.unwrap();
        let place = |row: &RunRow| ids.iter().position(|id| *id == row.id).unwrap_or(9);
        rows.iter().map(place).collect::<Vec<usize>>()
    };
    assert_eq!(list(None, None, 100).await, [9, 4, 3, 2, 1, 0]);
    assert_eq!(list(None, None, 2).await, [9, 4]);
    assert_eq!(list(None, Some(4), 2).await, [3, 2]);
    assert_eq!(list(Some(key("one")), None, 100).await, [3, 2, 0]);
    assert_eq!(list(Some(key("one")), Some(2), 100).await, [0]);
    assert_eq!(
        list(Some(key("one")), Some(4), 1).await,
        [3],
        "before a run of another sync"
    );
    assert_eq!(list(Some(key("two")), None, 1).await, [4]);
    assert!(list(Some(key("nothing")), None, 100).await.is_empty());
}

fn line(message: &str) -> LogLine {
    LogLine {
        at: "2026-01-31T12:00:00.123456Z".parse().unwrap(),
        level: LogLevel::Warn,
        message: message.into(),
        attributes: r#"{"page":3}"#.into(),
        exchange: None,
    }
}

pub async fn a_log_is_read_in_order(mut world: World) {
    let (run, other) = (world.begin("sync").await, world.begin("other").await);
    let append = async |run, lines| world.store().append_log(run, lines).await.unwrap();
    append(&run, vec![line("one"), line("two")]).await;
    append(&other, vec![line("not mine")]).await;
    append(&run, vec![]).await;
    append(&run, vec![line("three")]).await;
    let mut end = ending(Outcome::Success, world.now());
    end.log = vec![line("last")];
    world.store().finish_run(&run, end).await.unwrap();
    world.end(&other, Outcome::Success).await;
    world.reopen().await;
    let log = world.store().run_log(run.run).await.unwrap();
    assert_eq!(log, ["one", "two", "three", "last"].map(line));
    let stranger = tidegate::model::RunId::new(1, 1);
    assert!(world.store().run_log(stranger).await.unwrap().is_empty());
    assert!(world.store().run(stranger).await.unwrap().is_none());
}

/// The row for a store that outlives its process: what was live is live no more.
pub async fn a_run_that_a_restart_cut_is_interrupted(mut world: World) {
    let run = world.begin("sync").await;
    world.save(&run, &["a", "b"], 1).await;
    world.open_pass(&run, false).await;
    world.checkpoint(&run, r#"{"page":2}"#).await;
    world.save(&run, &["a"], 1).await;
    world.reopen().await;
    if !world.restarts() {
        assert_eq!(world.save(&run, &["a"], 1).await, (0, 0, 1));
        return;
    }
    let row = world.store().run(run.run).await.unwrap().unwrap();
    let RunState::Ended(Outcome::Interrupted { error }) = &row.state else {
        panic!("it is {:?}", row.state);
    };
    assert_eq!(error.code, Code::RunInterrupted);
    assert_eq!(row.checkpoint_after.as_deref(), Some(r#"{"page":2}"#));
    assert_eq!(row.counts[&model(MODEL)].added, 2);
    assert!(row.ended.is_some());
    let late = batch(&lines(&["c"], 1), &[]);
    let name = model(MODEL);
    let late = world.store().save(&run, &name, late, SaveMode::Override);
    assert_eq!(code(late.await), Code::RunCancelled);
    let (next, begun) = world.try_begin(&key("sync")).await.unwrap();
    assert_eq!((begun.attempt, begun.interrupted_without_progress), (2, 0));
    world.open_pass(&next, true).await;
    let end = world.close_pass(&next, DeleteGuard::OFF).await;
    assert!(
        matches!(end, tidegate::store::PassEnd::Held(_)),
        "cut in a page, but {end:?}"
    );
}
