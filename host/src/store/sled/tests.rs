//! The way of records through the durable store and back, over a close.

use super::*;
use crate::clock::SystemClock;
use crate::model::json::{RecordRules, scan};
use crate::model::{Action, Outcome, RunState, Trigger, Variant};
use crate::store::RetentionStore;
use jiff::Timestamp;

pub(super) fn sync() -> SyncKey {
    SyncKey {
        connection: ConnectionKey::new("prod", "hubspot", "acme").unwrap(),
        sync: crate::model::SyncName::new("contacts").unwrap(),
        variant: Variant::base(),
    }
}

pub(super) fn model() -> ModelName {
    ModelName::new("Contact").unwrap()
}

pub(super) fn batch(records: impl IntoIterator<Item = (u32, u32)>) -> RecordBatch {
    let lines: String = records
        .into_iter()
        .map(|(id, version)| format!("{{\"id\":\"r{id}\",\"v\":{version}}}\n"))
        .collect();
    scan(lines.into(), &Arc::new(RecordRules::default())).unwrap()
}

pub(super) async fn begin(store: &SledStore, random: u128) -> (RunFence, RunBegun) {
    let run = RunId::new(1_000 + random as u64, random);
    let start = RunStart {
        run,
        key: sync(),
        digest: Digest::of(b"component"),
        version: "1".into(),
        trigger: Trigger::Manual,
        started: Timestamp::now(),
        memory_cap_bytes: 1,
    };
    let begun = store.begin_run(start).await.unwrap();
    (RunFence { run, key: sync() }, begun)
}

pub(super) fn success(close_passes: Vec<ModelName>) -> RunEnd {
    RunEnd {
        close_passes,
        guard: DeleteGuard::OFF,
        ..RunEnd::new(Outcome::Success, Timestamp::now())
    }
}

pub(super) fn open(folder: &Path) -> SledStore {
    let options = OpenOptions {
        disk_free_bytes_min: 0,
        ..OpenOptions::default()
    };
    SledStore::open(folder, options, Arc::new(SystemClock::new())).unwrap()
}

async fn feed(store: &SledStore) -> Vec<(String, Action)> {
    let stream = sync().stream(model());
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = store
            .changes(&stream, after, 7, ChangeFilter::ALL)
            .await
            .unwrap();
        for change in page.changes {
            all.push((
                format!("{}={}", change.id, String::from_utf8_lossy(&change.body)),
                change.action,
            ));
        }
        if !page.more {
            return all;
        }
        after = Some(page.cursor);
    }
}

#[tokio::test]
async fn records_come_back_in_the_order_of_their_changes_also_after_a_close() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let (fence, begun) = begin(&store, 1).await;
    assert_eq!((begun.attempt, begun.checkpoint), (1, None));
    let first = batch((0..50).map(|id| (id, 0)));
    let summary = store
        .save(&fence, &model(), first.clone(), SaveMode::Override)
        .await
        .unwrap();
    assert_eq!(
        (summary.added, summary.updated, summary.unchanged),
        (50, 0, 0)
    );
    let again = store
        .save(&fence, &model(), first, SaveMode::Override)
        .await
        .unwrap();
    assert_eq!((again.added, again.updated, again.unchanged), (0, 0, 50));
    let changed = batch([(3, 1), (60, 0), (4, 0)]);
    let summary = store
        .save(&fence, &model(), changed, SaveMode::Override)
        .await
        .unwrap();
    assert_eq!(
        (summary.added, summary.updated, summary.unchanged),
        (1, 1, 1)
    );
    let gone = vec!["r7".into(), "r8".into(), "none".into(), "r7".into()];
    assert_eq!(store.delete(&fence, &model(), gone).await.unwrap(), 2);
    store
        .put_checkpoint(&fence, Some("{\"at\":1}".into()))
        .await
        .unwrap();
    let before = feed(&store).await;
    assert_eq!(before.len(), 51);
    assert_eq!(
        before.last().unwrap(),
        &("r8={\"id\":\"r8\",\"v\":0}".into(), Action::Deleted)
    );
    drop(store);

    let store = open(folder.path());
    assert_eq!(feed(&store).await, before);
    let row = store.run(fence.run).await.unwrap().unwrap();
    assert!(
        matches!(row.state, RunState::Ended(Outcome::Interrupted { .. })),
        "{row:?}"
    );
    assert_eq!(row.counts[&model()].added, 51);
    assert_eq!(row.counts[&model()].deleted, 2);
    let (fence, begun) = begin(&store, 2).await;
    assert_eq!(begun.attempt, 2);
    assert_eq!(begun.checkpoint.unwrap().json, "{\"at\":1}");
    let again = batch((0..50).map(|id| (id, 0)));
    let summary = store
        .save(&fence, &model(), again, SaveMode::Override)
        .await
        .unwrap();
    assert_eq!(
        (summary.added, summary.updated, summary.unchanged),
        (2, 1, 47)
    );
    let row = store.finish_run(&fence, success(vec![])).await.unwrap();
    assert_eq!(row.state, RunState::Ended(Outcome::Success));
    let stats = store.stats(&sync().stream(model())).await.unwrap();
    assert_eq!((stats.live, stats.deleted), (51, 0));
    assert_eq!(store.health(), Health::Good);
    store.close().unwrap();
}

#[tokio::test]
async fn a_pass_deletes_what_it_did_not_see_across_a_close() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let (fence, _) = begin(&store, 1).await;
    let all = batch((0..2_500).map(|id| (id, 0)));
    store
        .save(&fence, &model(), all, SaveMode::Override)
        .await
        .unwrap();
    store.finish_run(&fence, success(vec![])).await.unwrap();

    let (fence, _) = begin(&store, 2).await;
    store.open_pass(&fence, &model(), false).await.unwrap();
    let some = batch((0..100).map(|id| (id, id % 2)));
    store
        .save(&fence, &model(), some, SaveMode::Override)
        .await
        .unwrap();
    store
        .put_checkpoint(&fence, Some("{}".into()))
        .await
        .unwrap();
    store.close().unwrap();

    let store = open(folder.path());
    let (fence, _) = begin(&store, 3).await;
    store.open_pass(&fence, &model(), true).await.unwrap();
    let rest = batch((100..300).map(|id| (id, 0)));
    store
        .save(&fence, &model(), rest, SaveMode::Override)
        .await
        .unwrap();
    let row = store
        .finish_run(&fence, success(vec![model()]))
        .await
        .unwrap();
    assert_eq!(row.counts[&model()].deleted, 2_200, "{row:?}");
    let stats = store.stats(&sync().stream(model())).await.unwrap();
    assert_eq!((stats.live, stats.deleted), (300, 2_200));
    store.close().unwrap();
}

#[tokio::test]
async fn a_second_opener_is_told_who_has_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let again = SledStore::open(
        folder.path(),
        OpenOptions::default(),
        Arc::new(SystemClock::new()),
    );
    let error = again.err().unwrap();
    assert_eq!(error.code, Code::StoreLocked);
    assert!(
        error.message.contains(&std::process::id().to_string()),
        "{error}"
    );
    drop(store);
    open(folder.path()).close().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_brings_everything_back_under_a_new_epoch() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("old"));
    let (fence, _) = begin(&store, 1).await;
    let records = batch((0..3_000).map(|id| (id, 0)));
    store
        .save(&fence, &model(), records, SaveMode::Override)
        .await
        .unwrap();
    let changed = batch((0..500).map(|id| (id, 1)));
    store
        .save(&fence, &model(), changed, SaveMode::Override)
        .await
        .unwrap();
    store
        .delete(&fence, &model(), vec!["r9".into()])
        .await
        .unwrap();
    store
        .put_checkpoint(&fence, Some("{\"at\":9}".into()))
        .await
        .unwrap();
    store
        .put_metadata(&sync().connection, "{\"a\":1}", false)
        .await
        .unwrap();
    let line = LogLine {
        at: Timestamp::UNIX_EPOCH,
        level: crate::model::LogLevel::Info,
        message: "hello".into(),
        attributes: String::new(),
        exchange: None,
    };
    store.append_log(&fence, vec![line.clone()]).await.unwrap();
    let stream = sync().stream(model());
    let query = crate::store::PruneQuery {
        through: None,
        unchanged_since: None,
        limit: 70,
    };
    store.prune(&stream, query).await.unwrap();
    let stored = store.stored_bytes(&stream.connection.environment);
    let page = store
        .changes(&stream, None, 5, ChangeFilter::ALL)
        .await
        .unwrap();
    let (before, stats) = (feed(&store).await, store.stats(&stream).await.unwrap());
    let mut backup = Vec::new();
    let made = store.backup(&mut backup).unwrap();
    let after = batch([(9_999, 9)]);
    store
        .save(&fence, &model(), after, SaveMode::Override)
        .await
        .unwrap();
    store.close().unwrap();

    let new = folder.path().join("new");
    let clock = || Arc::new(SystemClock::new());
    let options = OpenOptions {
        disk_free_bytes_min: 0,
        ..OpenOptions::default()
    };
    for damaged in [
        &backup[..backup.len() - 1],
        &backup[..backup.len() / 2],
        b"TGBACKUP",
        b"",
    ] {
        let error = SledStore::restore(damaged, &new, options, clock()).unwrap_err();
        assert_eq!(error.code, Code::StoreDamaged, "{error}");
        assert!(!new.exists());
    }
    let restored = SledStore::restore(&backup[..], &new, options, clock()).unwrap();
    assert_eq!(restored, made);
    let error = SledStore::restore(&backup[..], &new, options, clock()).unwrap_err();
    assert_eq!(error.code, Code::InvalidArgument, "{error}");

    let store = open(&new);
    assert_eq!(feed(&store).await, before);
    assert_eq!(store.stats(&stream).await.unwrap(), stats);
    assert_eq!(store.stored_bytes(&stream.connection.environment), stored);
    assert_eq!(
        store.prune(&stream, query).await.unwrap().count,
        70,
        "other records than before"
    );
    assert_eq!(
        store.checkpoint(&sync()).await.unwrap().unwrap().json,
        "{\"at\":9}"
    );
    assert_eq!(
        store.metadata(&sync().connection).await.unwrap(),
        "{\"a\":1}"
    );
    assert_eq!(store.run_log(fence.run).await.unwrap(), vec![line]);
    let row = store.run(fence.run).await.unwrap().unwrap();
    assert_eq!(
        (row.counts[&model()].added, row.counts[&model()].updated),
        (3_000, 500)
    );
    let stale = store
        .changes(&stream, Some(page.cursor), 5, ChangeFilter::ALL)
        .await;
    assert_eq!(stale.unwrap_err().code, Code::CursorStale);
    assert_eq!(store.verify().await.unwrap().defects, Vec::<String>::new());
    let (fence, _) = begin(&store, 2).await;
    let again = batch((0..3_000).map(|id| (id, u32::from(id < 500))));
    let summary = store
        .save(&fence, &model(), again, SaveMode::Override)
        .await
        .unwrap();
    assert_eq!(
        (summary.added, summary.updated, summary.unchanged),
        (1, 0, 2_999)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_superseded_is_dropped_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let options = OpenOptions {
        disk_free_bytes_min: 0,
        index_entries_waiting: 4_000,
        journal_bytes: 1 << 20,
        ..OpenOptions::default()
    };
    let open = || SledStore::open(folder.path(), options, Arc::new(SystemClock::new())).unwrap();
    let store = open();
    let (fence, _) = begin(&store, 1).await;
    // Two chunks of sequences, nearly all of them superseded many times.
    for version in 0..24 {
        for part in 0..6 {
            let ids = part * 1_000..(part + 1) * 1_000;
            let records = batch(ids.map(|id| (id, if id % 100 == 0 { 0 } else { version })));
            store
                .save(&fence, &model(), records, SaveMode::Override)
                .await
                .unwrap();
        }
    }
    store.close().unwrap();
    let store = open();
    let report = store.verify().await.unwrap();
    assert_eq!(report.defects, Vec::<String>::new());
    assert!(report.records < 100_000, "{report:?}: nothing was dropped");
    let stream = sync().stream(model());
    assert_eq!(store.stats(&stream).await.unwrap().live, 6_000);
    let all = feed(&store).await;
    assert_eq!(all.len(), 6_000);
    assert_eq!(all[0].0, "r0={\"id\":\"r0\",\"v\":0}");
    let ids: Vec<Box<str>> = (0..6_000).map(|id| format!("r{id}").into()).collect();
    let found = store.get(&stream, &ids).await.unwrap();
    assert!(found.iter().all(Option::is_some));
}

#[tokio::test]
async fn below_the_floor_of_free_disk_only_reports_and_checkpoints_go_through() {
    let machine = simulation::Machine::new(1);
    let options = OpenOptions {
        disk_free_bytes_min: 100,
        ..OpenOptions::default()
    };
    let store =
        SledStore::open_on(machine.platform(), options, Arc::new(SystemClock::new())).unwrap();
    let (fence, _) = begin(&store, 1).await;
    machine.set_free_bytes(99);
    let one = batch([(1, 1)]);
    let refused = store
        .save(&fence, &model(), one.clone(), SaveMode::Override)
        .await
        .unwrap_err();
    assert_eq!(refused.code, Code::LimitStorage, "{refused}");
    assert_eq!(
        store.health(),
        Health::LowDisk {
            free: 99,
            floor: 100
        }
    );
    store
        .put_checkpoint(&fence, Some("{}".into()))
        .await
        .unwrap();
    store
        .put_metadata(&sync().connection, "{}", true)
        .await
        .unwrap();
    store.finish_run(&fence, success(vec![])).await.unwrap();
    machine.set_free_bytes(100);
    let (fence, _) = begin(&store, 2).await;
    assert_eq!(
        store
            .save(&fence, &model(), one, SaveMode::Override)
            .await
            .unwrap()
            .added,
        1
    );
    assert_eq!(store.health(), Health::Good);
}

#[tokio::test]
async fn a_run_that_is_not_live_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let (old, _) = begin(&store, 1).await;
    store.finish_run(&old, success(vec![])).await.unwrap();
    let (new, _) = begin(&store, 2).await;
    let one = || batch([(1, 1)]);
    let refusals = [
        store
            .save(&old, &model(), one(), SaveMode::Override)
            .await
            .err(),
        store.delete(&old, &model(), vec![]).await.err(),
        store.put_checkpoint(&old, None).await.err(),
        store.open_pass(&old, &model(), false).await.err(),
        store.append_log(&old, vec![]).await.err(),
        store.finish_run(&old, success(vec![])).await.err(),
    ];
    for refused in refusals {
        assert_eq!(refused.unwrap().code, Code::RunCancelled);
    }
    assert_eq!(store.streams(None).await.unwrap(), vec![]);
    store
        .save(&new, &model(), one(), SaveMode::Override)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_reset_takes_the_records_and_the_sequences_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let (fence, _) = begin(&store, 1).await;
    store
        .save(
            &fence,
            &model(),
            batch((0..100).map(|id| (id, 0))),
            SaveMode::Override,
        )
        .await
        .unwrap();
    store
        .put_checkpoint(&fence, Some("{}".into()))
        .await
        .unwrap();
    let live = store
        .reset(&sync(), &[model()], Reset::CheckpointAndRecords)
        .await;
    assert_eq!(live.unwrap_err().code, Code::RunConflict);
    store.finish_run(&fence, success(vec![])).await.unwrap();
    store
        .reset(&sync(), &[model()], Reset::CheckpointAndRecords)
        .await
        .unwrap();
    let stream = sync().stream(model());
    store.close().unwrap();
    for _ in 0..2 {
        let store = open(folder.path());
        let stats = store.stats(&stream).await.unwrap();
        assert_eq!(
            (stats.live, stats.deleted, stats.last_sequence),
            (0, 0, 100)
        );
        assert!(feed(&store).await.is_empty());
        assert_eq!(store.checkpoint(&sync()).await.unwrap(), None);
        assert_eq!(
            store.get(&stream, &["r5".into()]).await.unwrap(),
            vec![None]
        );
        assert_eq!(store.verify().await.unwrap().defects, Vec::<String>::new());
        store.close().unwrap();
    }
    let store = open(folder.path());
    let (fence, _) = begin(&store, 2).await;
    let summary = store
        .save(&fence, &model(), batch([(5, 0)]), SaveMode::Override)
        .await
        .unwrap();
    assert_eq!(summary.added, 1);
    assert_eq!(store.stats(&stream).await.unwrap().last_sequence, 101);
}

#[tokio::test]
async fn work_that_a_close_cut_off_is_not_reported_as_a_failure() {
    #[derive(Clone, Default)]
    struct Said(Arc<Mutex<Vec<u8>>>);
    impl std::io::Write for Said {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            lock(&self.0).extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let said = Said::default();
    let writer = said.clone();
    let log = tracing_subscriber::fmt()
        .with_writer(move || writer.clone())
        .finish();

    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let shared = store.shared.clone();
    let serve_late = || {
        // The committer is gone, as at the end of a close; a task still waits.
        let (sender, _) = std::sync::mpsc::channel();
        let queue = Queue::new(sender, shared.clone());
        let (tasks, todo) = std::sync::mpsc::channel();
        tasks.send(builder::Task::ForgetPass(1)).unwrap();
        drop(tasks);
        tracing::subscriber::with_default(log, || builder::serve(&shared, &queue, &todo));
        String::from_utf8(lock(&said.0).clone()).unwrap()
    };
    store.close().unwrap();
    assert_eq!(serve_late(), "");
}
