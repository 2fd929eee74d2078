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
                if run.time() >= before {
                    sweep.over = true;
                    break;
                }
                if let Some(row) = shared.run(run)?
                    && shared.may_go(&row)?
                    && !shared.is_last(&row)?
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
        self.sweep(keys::all(Table::Log), move |_, rows| {
            let mut sweep = Sweep::default();
            for key in rows {
                let run = keys::run_of_log(&key)?;
                if run.time() >= before {
                    sweep.over = true;
                    break;
                }
                if last.replace(run) != Some(run) {
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
        let mut numbers = Vec::new();
        for stream in self.streams_of(connection) {
            numbers.extend(self.known_stream(&stream));
        }
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
        // From here on nothing fails: `clear` has read what it needs of known streams.
        for number in numbers {
            self.clear(number)?;
        }
        passes.iter().for_each(|key| self.drop_passes(key));
        gone.into_iter().for_each(|key| self.remove(key));
        Ok(())
    }
}
