//! Forgetting runs and erasing connections in the durable store.
//!
//! Runs are removed past the journal: one that a crash brings back is forgotten by the
//! next sweep.

use super::SledStore;
use super::keys::{self, Table};
use super::map::Op;
use super::runs::from_json;
use super::shared::Shared;
use super::writer::Writer;
use crate::error::{Code, Error, Result};
use crate::model::{ConnectionKey, RunId, RunRow, RunState, StreamKey, SyncKey};
use crate::store::{ForgetRuns, Forgotten, PruneQuery, Pruned, RetentionStore};
use async_trait::async_trait;
use jiff::Timestamp;

/// Rows that are looked at in one read, so that the committer never waits long.
const ROWS_AT_ONCE: usize = 512;

#[async_trait]
impl RetentionStore for SledStore {
    async fn prune(&self, stream: &StreamKey, query: PruneQuery) -> Result<Pruned> {
        let through = match query.through {
            None => u64::MAX,
            Some(_) => {
                let (key, through) = (stream.clone(), query.through);
                let place = move |shared: &Shared| shared.place_in(&key, through);
                self.read(place).await?
            }
        };
        let mut all = Pruned::default();
        loop {
            let left = PruneQuery {
                limit: query.limit - all.count as usize,
                ..query
            };
            let stream = stream.clone();
            let step = self
                .queue
                .write(move |writer| writer.prune(&stream, through, &left))
                .await?;
            all.count += step.count;
            all.more = step.more;
            if !step.more || all.count as usize >= query.limit {
                return Ok(all);
            }
        }
    }

    async fn forget_runs(&self, query: ForgetRuns) -> Result<Forgotten> {
        // What backups and checks kept from being given back is taken up again.
        self.queue.care_later(|writer| {
            writer.reclaim_later();
            Ok(())
        });
        let mut forgotten = Forgotten::default();
        forgotten.runs += self.forget_old_runs(query.before).await?;
        forgotten.runs += self.forget_surplus_runs(query.per_sync).await?;
        forgotten.logs += self.forget_old_logs(query.logs_before).await?;
        Ok(forgotten)
    }

    async fn erase(&self, connection: &ConnectionKey) -> Result<()> {
        let connection = connection.clone();
        self.queue
            .write(move |writer| writer.erase(&connection))
            .await
    }
}

impl SledStore {
    /// Walks a table in pieces; `look` takes the keys of each and answers what to remove.
    async fn sweep(
        &self,
        range: keys::Range,
        mut look: impl FnMut(&Shared, Vec<Vec<u8>>) -> Result<Sweep> + Send + 'static,
    ) -> Result<()> {
        let (mut from, to) = range;
        loop {
            let until = to.clone();
            let start = from.clone();
            let (back, keys, sweep) = self
                .read(move |shared| {
                    let keys: Vec<Vec<u8>> = shared.with_map(|map| {
                        let pairs = map.range(&start, &until).take(ROWS_AT_ONCE);
                        pairs.map(|pair| Ok(pair?.0.to_vec())).collect()
                    })?;
                    let sweep = look(shared, keys.clone())?;
                    Ok((look, keys, sweep))
                })
                .await?;
            look = back;
            let ops: Vec<Op> = sweep.remove.into_iter().map(|key| (key, None)).collect();
            let queue = self.queue.clone();
            tokio::task::spawn_blocking(move || queue.apply(ops))
                .await
                .map_err(|error| Error::new(Code::Internal, error.to_string()))??;
            match keys.last() {
                Some(last) if !sweep.over => from = [last.as_slice(), &[0]].concat(),
                _ => return Ok(()),
            }
        }
    }

    async fn forget_old_runs(&self, before: Timestamp) -> Result<u64> {
        let (sender, count) = counter();
        self.sweep(keys::all(Table::Run), move |shared, rows| {
            let mut sweep = Sweep::default();
            for run in rows.iter().filter_map(|key| keys::run_at_end(key)) {
                let Some(row) = shared.run(run)? else {
                    continue;
                };
                // Ids rise from run to run, so that what follows started later.
                if row.started >= before {
                    sweep.over = true;
                    break;
                }
                if shared.may_go(&row)? && !shared.is_last(&row)? {
                    sweep.remove.extend(shared.keys_of_run(&row)?);
                    sender.add(1);
                }
            }
            Ok(sweep)
        })
        .await?;
        Ok(count.get())
    }

    async fn forget_surplus_runs(&self, per_sync: usize) -> Result<u64> {
        let (sender, count) = counter();
        let mut sync: Vec<u8> = Vec::new();
        let mut runs: std::collections::VecDeque<RunId> = std::collections::VecDeque::new();
        self.sweep(keys::all(Table::RunOf), move |shared, rows| {
            let mut sweep = Sweep::default();
            for key in rows {
                let Some((names, id)) = key.split_last_chunk::<16>() else {
                    continue;
                };
                if names != sync {
                    sync = names.to_vec();
                    runs.clear();
                }
                runs.push_back(RunId::from_bytes(*id));
                // Of the oldest of more than are kept, one at a time.
                if runs.len() > per_sync.max(1)
                    && let Some(oldest) = runs.pop_front()
                    && let Some(row) = shared.run(oldest)?
                    && shared.may_go(&row)?
                {
                    sweep.remove.extend(shared.keys_of_run(&row)?);
                    sender.add(1);
                }
            }
            Ok(sweep)
        })
        .await?;
        Ok(count.get())
    }

    async fn forget_old_logs(&self, before: Timestamp) -> Result<u64> {
        let (sender, count) = counter();
        let mut last = None;
        self.sweep(keys::all(Table::Log), move |shared, rows| {
            let mut sweep = Sweep::default();
            for key in rows {
                let run = keys::run_of_log(&key)?;
                if last != Some(run) {
                    if shared.run(run)?.is_some_and(|row| row.started >= before) {
                        sweep.over = true;
                        break;
                    }
                    last = Some(run);
                    sender.add(1);
                }
                sweep.remove.push(key);
            }
            Ok(sweep)
        })
        .await?;
        Ok(count.get())
    }
}

/// What one piece of a walk found.
#[derive(Default)]
struct Sweep {
    remove: Vec<Vec<u8>>,
    over: bool,
}

/// Counts from within a walk.
#[derive(Clone, Default)]
struct Counter(std::sync::Arc<std::sync::atomic::AtomicU64>);

impl Counter {
    fn add(&self, count: u64) {
        self.0
            .fetch_add(count, std::sync::atomic::Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(std::sync::atomic::Ordering::Relaxed)
    }
}

fn counter() -> (Counter, Counter) {
    let counter = Counter::default();
    (counter.clone(), counter)
}

impl Shared {
    /// Whether a run is over and was told of.
    fn may_go(&self, row: &RunRow) -> Result<bool> {
        let announced = self.with_map(|map| map.get(&keys::announced(row.id)))?;
        Ok(row.state != RunState::Running && announced.is_none())
    }

    fn is_last(&self, row: &RunRow) -> Result<bool> {
        let (from, to) = keys::runs_of(&row.key);
        self.with_map(|map| match map.range_back(&from, &to).next() {
            Some(pair) => Ok(keys::run_at_end(&pair?.0) == Some(row.id)),
            None => Ok(false),
        })
    }

    /// Every key that a run has.
    fn keys_of_run(&self, row: &RunRow) -> Result<Vec<Vec<u8>>> {
        let mut found = vec![keys::run(row.id), keys::run_of(&row.key, row.id)];
        self.with_map(|map| {
            for (from, to) in [keys::logs(row.id), keys::all_counts(row.id)] {
                for pair in map.range(&from, &to) {
                    found.push(pair?.0.to_vec());
                }
            }
            Ok(found)
        })
    }
}

impl Writer {
    /// Takes away all that the syncs of a connection have left.
    pub(super) fn erase(&mut self, connection: &ConnectionKey) -> Result<()> {
        if let Some((key, live)) = self
            .lives
            .iter()
            .find(|(key, _)| key.connection == *connection)
        {
            return Err(Error::new(
                Code::RunConflict,
                format!("run {} of {key} is live; cancel it first", live.row.id),
            ));
        }
        let streams = self.streams_of(connection);
        let streams = streams.iter().filter_map(|key| self.known_stream(key));
        let streams: Vec<u32> = streams.collect();
        let streams = self.plan_clear(&streams)?;
        let mut gone = vec![keys::metadata(connection)];
        for table in [Table::Checkpoint, Table::Tally] {
            gone.extend(self.keys_in(&keys::of_connection(table, connection))?);
        }
        for key in self.keys_in(&keys::of_connection(Table::RunOf, connection))? {
            let run = keys::run_at_end(&key);
            let row: Option<RunRow> = match run {
                Some(run) => self
                    .get(&keys::run(run))?
                    .map(|row| from_json(&row))
                    .transpose()?,
                None => None,
            };
            if let Some(row) = row {
                gone.extend(self.keys_in(&keys::logs(row.id))?);
                gone.push(keys::run(row.id));
                gone.push(keys::announced(row.id));
            }
            gone.push(key);
        }
        let passes: Vec<SyncKey> = self
            .passes
            .keys()
            .filter(|(key, _)| key.connection == *connection)
            .map(|(key, _)| key.clone())
            .collect();
        // From here on nothing can fail.
        self.clear(streams);
        passes.iter().for_each(|key| self.drop_passes(key));
        gone.into_iter().for_each(|key| self.remove(key));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use crate::model::{ChangeFilter, SaveMode};
    use crate::store::sled::OpenOptions;
    use crate::store::sled::tests::{batch, begin, model, success, sync};
    use crate::store::{Reset, RunFence, Store};
    use std::ops::Range;
    use std::path::Path;
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    /// How long work beside the committer may take.
    const PATIENCE: Duration = Duration::from_secs(30);

    /// A store whose index runs are small.
    fn open(folder: &Path) -> SledStore {
        let options = OpenOptions {
            disk_free_bytes_min: 0,
            index_entries_waiting: 200,
            ..OpenOptions::default()
        };
        SledStore::open(folder, options, Arc::new(SystemClock::new())).unwrap()
    }

    async fn save(store: &SledStore, fence: &RunFence, ids: Range<u32>, version: u32) {
        let records = batch(ids.map(|id| (id, version)));
        let model = model();
        let saved = store.save(fence, &model, records, SaveMode::Override);
        saved.await.unwrap();
    }

    fn keys(store: &SledStore, (from, to): keys::Range) -> usize {
        let count = |map: &dyn crate::store::sled::map::OrderedMap| {
            map.range(&from, &to).map(|pair| pair.map(drop)).collect()
        };
        let pairs: Vec<()> = store.shared.with_map(count).unwrap();
        pairs.len()
    }

    async fn until(what: &str, is_so: impl Fn() -> bool) {
        let start = Instant::now();
        while !is_so() {
            assert!(start.elapsed() < PATIENCE, "{what}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_was_cleared_gives_its_room_back_also_after_a_close() {
        let folder = tempfile::tempdir().unwrap();
        for with_reader in [false, true] {
            let store = open(folder.path());
            let (fence, _) = begin(&store, 1 + u128::from(with_reader)).await;
            for from in 0..20 {
                save(&store, &fence, from * 100..from * 100 + 100, 0).await;
            }
            store.finish_run(&fence, success(vec![])).await.unwrap();
            let [stream] = store.shared.numbers()[..] else {
                panic!("one stream")
            };
            // As if a backup were being written.
            let pinned =
                with_reader.then(|| crate::store::sled::verify::Pinned::new(store.shared.clone()));
            let what = Reset::CheckpointAndRecords;
            store.reset(&sync(), &[model()], what).await.unwrap();
            let is_empty = |store: &SledStore| {
                keys(store, keys::blocks(stream, 0, u64::MAX)) == 0
                    && keys(store, keys::all(Table::Bucket)) == 0
                    && keys(store, keys::all(Table::Filter)) == 0
                    && keys(store, keys::all(Table::Cleared)) == 0
            };
            let store = match pinned {
                None => store,
                Some(pinned) => {
                    // The builder has looked once and left all as it was.
                    store.queue.care(|_| Ok(())).unwrap();
                    assert!(keys(&store, keys::blocks(stream, 0, u64::MAX)) > 0);
                    drop(pinned);
                    store.close().unwrap();
                    open(folder.path())
                }
            };
            until("blocks or runs are left", || is_empty(&store)).await;
            assert_eq!(store.verify().await.unwrap().defects, Vec::<String>::new());
            store.close().unwrap();
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_small_stream_that_keeps_changing_does_not_grow_without_end() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path());
        let (fence, _) = begin(&store, 1).await;
        let environment = sync().connection.environment;
        let mut most = 0;
        for version in 0..200 {
            save(&store, &fence, 0..100, version).await;
            if version == 49 {
                most = store.stored_bytes(&environment);
            }
        }
        // 20,000 entries were written, of which 100 count.
        let stored = || store.stored_bytes(&environment);
        until("the log only grows", || stored() < most).await;
        store.finish_run(&fence, success(vec![])).await.unwrap();
        let stream = sync().stream(model());
        let feed = store.changes(&stream, None, 1_000, ChangeFilter::ALL);
        let feed = feed.await.unwrap().changes;
        assert_eq!(feed.len(), 100);
        assert!(
            feed.iter()
                .all(|change| change.body.ends_with(b"\"v\":199}"))
        );
        assert_eq!(store.verify().await.unwrap().defects, Vec::<String>::new());
        store.close().unwrap();
        let store = open(folder.path());
        assert!(store.stored_bytes(&environment) < most);
        assert_eq!(store.verify().await.unwrap().defects, Vec::<String>::new());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn forgetting_goes_through_tables_of_many_pieces() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path());
        let count = ROWS_AT_ONCE as u128 + 200;
        for run in 0..count {
            let (fence, _) = begin(&store, run).await;
            store.finish_run(&fence, success(vec![])).await.unwrap();
        }
        let query = ForgetRuns {
            before: Timestamp::MIN,
            logs_before: Timestamp::MIN,
            per_sync: 10,
        };
        let forgotten = store.forget_runs(query).await.unwrap();
        assert_eq!(forgotten.runs, count as u64 - 10);
        assert_eq!(keys(&store, keys::all(Table::Run)), 10);
        assert_eq!(keys(&store, keys::all(Table::RunOf)), 10);
        assert_eq!(
            store.forget_runs(query).await.unwrap(),
            Forgotten::default()
        );
    }
}
