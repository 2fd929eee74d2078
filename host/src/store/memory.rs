//! The store's twin in memory, for `dev` and as the oracle of the tests: maps under one
//! mutex, short enough to be seen to be right.
//!
//! "Durable" here means "in the map": nothing outlives the process, so nothing is ever
//! interrupted by a restart.

mod catalog;
mod retention;
mod stream;

use super::{
    DeleteGuard, Health, PassEnd, Reset, RunBegun, RunEnd, RunFence, RunQuery, RunStart, Store,
    StreamStats, VerifyReport, metadata, news::News,
};
use crate::clock::Clock;
use crate::error::{Code, Error, Result};
use crate::limits::DELETE_SAMPLE_IDS;
use crate::model::{
    BlockedDelete, ChangeFilter, ChangePage, Checkpoint, ConnectionKey, Cursor, Deployment, Digest,
    Environment, LogLine, ModelCounts, ModelName, Outcome, RecordBatch, RunId, RunRow, RunState,
    SaveMode, SaveSummary, StoredRecord, StreamKey, SyncKey, Usage,
};
use async_trait::async_trait;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use stream::{Stream, Writer};
use tokio::sync::watch;

/// This store has one life only: it is never restored.
const EPOCH: u16 = 1;

/// A store that forgets everything when it is dropped.
pub struct MemoryStore {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    news: News,
}

#[derive(Default)]
struct State {
    deployments: BTreeMap<Digest, Deployment>,
    runs: BTreeMap<RunId, RunRow>,
    logs: BTreeMap<RunId, Vec<LogLine>>,
    syncs: BTreeMap<SyncKey, Standing>,
    passes: BTreeMap<(SyncKey, ModelName), Pass>,
    streams: BTreeMap<StreamKey, Stream>,
    metadata: BTreeMap<ConnectionKey, String>,
    service: catalog::Service,
    /// How many writes there were: what "after" means, whatever the clock says.
    commits: u64,
}

/// Where a sync stands.
#[derive(Default)]
struct Standing {
    /// The live run and the commit that began it.
    live: Option<(RunId, u64)>,
    /// How often the checkpoint was saved or cleared.
    revision: u64,
    checkpoint: Option<String>,
    /// The attempt of the last execution, if that was interrupted.
    interrupted_attempt: u32,
    /// Interrupted executions in a row that did not move the checkpoint.
    without_progress: u32,
    /// The same of those that ended before a long wait.
    waits: u32,
}

/// An open delete pass.
#[derive(Default)]
struct Pass {
    seen: BTreeSet<Box<str>>,
    /// Whether a save happened that no checkpoint followed.
    mid_page: bool,
    /// Why it may not delete.
    hole: Option<String>,
}

impl MemoryStore {
    /// An empty store that reads the time from `clock`.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        MemoryStore {
            clock,
            state: Mutex::default(),
            news: News::default(),
        }
    }

    /// The state, for one operation. No operation panics half way, so a poisoned lock
    /// holds a whole state.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// The state for a write of the live run `fence`, and the writer to mark it with.
    fn write(&self, fence: &RunFence) -> Result<(MutexGuard<'_, State>, Writer)> {
        let mut state = self.lock();
        let live = state.syncs.get(&fence.key).and_then(|sync| sync.live);
        let Some((run, began)) = live.filter(|(run, _)| *run == fence.run) else {
            let message = format!("run {} of {} has ended", fence.run, fence.key);
            return Err(Error::new(Code::RunCancelled, message));
        };
        state.commits += 1;
        // They wait for the lock, and so for the end of this write.
        self.news.tell(|key| key.connection == fence.key.connection);
        let writer = Writer {
            run,
            began,
            commit: state.commits,
            now: self.clock.now(),
        };
        Ok((state, writer))
    }
}

impl State {
    /// The stream of `model`, made if it never was.
    fn stream(&mut self, key: StreamKey) -> &mut Stream {
        let number = self.streams.len() as u32 + 1;
        self.streams
            .entry(key)
            .or_insert_with(|| Stream::new(number))
    }

    /// The run's figures for `model`.
    fn count(&mut self, fence: &RunFence, model: &ModelName, add: impl FnOnce(&mut ModelCounts)) {
        if let Some(row) = self.runs.get_mut(&fence.run) {
            add(row.counts.entry(model.clone()).or_default());
        }
    }

    fn open_pass(&mut self, fence: &RunFence, model: &ModelName) -> Option<&mut Pass> {
        self.passes.get_mut(&(fence.key.clone(), model.clone()))
    }

    fn close_pass(
        &mut self,
        fence: &RunFence,
        model: &ModelName,
        guard: DeleteGuard,
        writer: Writer,
    ) -> PassEnd {
        let key = (fence.key.clone(), model.clone());
        let Some(pass) = self.passes.remove(&key) else {
            return PassEnd::NotOpen;
        };
        let stream = self.stream(fence.key.stream(model.clone()));
        let live = stream.stats().live;
        let mut gone: Vec<Box<str>> = stream
            .live()
            .filter(|id| !pass.seen.contains(*id))
            .cloned()
            .collect();
        let guarded = guard.holds(gone.len() as u64, live).then(|| {
            let gone = gone.len();
            format!("it would delete {gone} of {live} records, more than the guard lets through")
        });
        if let Some(reason) = pass.hole.or(guarded) {
            return PassEnd::Held(BlockedDelete {
                model: model.clone(),
                would_delete: gone.len() as u64,
                live,
                sample: gone.into_iter().take(DELETE_SAMPLE_IDS).collect(),
                reason,
            });
        }
        let deleted = stream.delete(&gone, writer);
        self.count(fence, model, |counts| counts.deleted += u64::from(deleted));
        gone.sort();
        PassEnd::Deleted(gone)
    }

    /// Drops the records of a stream, also from what any pass has seen of them.
    fn clear(&mut self, stream: &StreamKey) {
        if let Some(stream) = self.streams.get_mut(stream) {
            stream.clear();
        }
        for ((sync, model), pass) in &mut self.passes {
            if sync.stream(model.clone()) == *stream {
                pass.seen.clear();
            }
        }
    }

    /// Frees the sync of an ended run, and remembers what the next one must know.
    fn release(&mut self, fence: &RunFence, row: &RunRow) {
        let interrupted = matches!(row.state, RunState::Ended(Outcome::Interrupted { .. }));
        let moved = row.checkpoint_before != row.checkpoint_after;
        if let Some(sync) = self.syncs.get_mut(&fence.key) {
            sync.live = None;
            sync.interrupted_attempt = if interrupted { row.attempt } else { 0 };
            if !interrupted || moved {
                (sync.without_progress, sync.waits) = (0, 0);
            } else if row.waits_until().is_some() {
                sync.waits += 1;
            } else {
                sync.without_progress += 1;
            }
        }
    }

    /// Carries the open passes of an ended run over to the next. A run that did not end
    /// well may have been cut within a page: what it saved since its last checkpoint is a
    /// part only, and the pass cannot know what is missing.
    fn leave_passes(&mut self, fence: &RunFence, ended_well: bool) {
        for ((key, _), pass) in &mut self.passes {
            if *key == fence.key && std::mem::take(&mut pass.mid_page) && !ended_well {
                let run = fence.run;
                let hole = format!("run {run} was cut after a save that no checkpoint followed");
                pass.hole.get_or_insert(hole);
            }
        }
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn put_deployment(&self, deployment: Deployment) -> Result<()> {
        let mut state = self.lock();
        let digest = deployment.digest;
        state.deployments.entry(digest).or_insert(deployment);
        Ok(())
    }

    async fn deployment(&self, digest: &Digest) -> Result<Option<Deployment>> {
        Ok(self.lock().deployments.get(digest).cloned())
    }

    async fn begin_run(&self, start: RunStart) -> Result<RunBegun> {
        let mut state = self.lock();
        let commit = state.commits + 1;
        let sync = state.syncs.entry(start.key.clone()).or_default();
        if let Some((live, _)) = sync.live {
            let message = format!("run {live} of {} is live", start.key);
            return Err(Error::new(Code::RunConflict, message));
        }
        sync.live = Some((start.run, commit));
        let begun = RunBegun {
            attempt: sync.interrupted_attempt + 1,
            interrupted_without_progress: sync.without_progress,
            waits_without_progress: sync.waits,
            checkpoint: sync.checkpoint(),
        };
        let row = started(start, &begun);
        state.commits = commit;
        state.runs.insert(row.id, row);
        Ok(begun)
    }

    async fn finish_run(&self, fence: &RunFence, end: RunEnd) -> Result<RunRow> {
        let (mut state, writer) = self.write(fence)?;
        let ended_well = end.outcome == Outcome::Success;
        let mut held = Vec::new();
        for model in end.close_passes.iter().filter(|_| ended_well) {
            if let PassEnd::Held(blocked) = state.close_pass(fence, model, end.guard, writer) {
                held.push(blocked);
            }
        }
        state.leave_passes(fence, ended_well);
        state.logs.entry(fence.run).or_default().extend(end.log);
        let checkpoint = state
            .syncs
            .get(&fence.key)
            .and_then(|sync| sync.checkpoint.clone());
        let Some(row) = state.runs.get_mut(&fence.run) else {
            return Err(Error::new(Code::Internal, "a live run has no row"));
        };
        row.ended = Some(end.ended);
        row.state = RunState::Ended(end.outcome);
        row.usage = end.usage;
        row.checkpoint_after = checkpoint;
        row.blocked_deletes = end.blocked_deletes;
        row.blocked_deletes.extend(held);
        row.warnings = end.warnings;
        row.post_mortem = end.post_mortem;
        let row = row.clone();
        state.release(fence, &row);
        let environment = &row.key.connection.environment;
        state.service.announce(row.id, environment);
        Ok(row)
    }

    async fn run(&self, run: RunId) -> Result<Option<RunRow>> {
        Ok(self.lock().runs.get(&run).cloned())
    }

    async fn runs(&self, query: RunQuery) -> Result<Vec<RunRow>> {
        let state = self.lock();
        let wanted = state.runs.values().rev().filter(|row| {
            query.key.as_ref().is_none_or(|key| *key == row.key)
                && query.before.is_none_or(|before| row.id < before)
        });
        Ok(wanted.take(query.limit).cloned().collect())
    }

    async fn append_log(&self, fence: &RunFence, lines: Vec<LogLine>) -> Result<()> {
        let (mut state, _) = self.write(fence)?;
        state.logs.entry(fence.run).or_default().extend(lines);
        Ok(())
    }

    async fn run_log(&self, run: RunId) -> Result<Vec<LogLine>> {
        Ok(self.lock().logs.get(&run).cloned().unwrap_or_default())
    }

    async fn save(
        &self,
        fence: &RunFence,
        model: &ModelName,
        batch: RecordBatch,
        mode: SaveMode,
    ) -> Result<SaveSummary> {
        let (mut state, writer) = self.write(fence)?;
        let key = fence.key.stream(model.clone());
        let stream = state.stream(key);
        let summary = stream.save(model, &batch, mode, writer)?;
        let ids = batch.records.into_iter().map(|record| record.id);
        // A merge leaves alone what is not live, so it has not seen that.
        let seen: Vec<Box<str>> = ids
            .filter(|id| mode != SaveMode::Merge || stream.is_live(id))
            .collect();
        if let Some(pass) = state.open_pass(fence, model) {
            pass.seen.extend(seen);
            pass.mid_page = true;
        }
        state.count(fence, model, |counts| {
            counts.added += u64::from(summary.added);
            counts.updated += u64::from(summary.updated);
            counts.unchanged += u64::from(summary.unchanged);
        });
        Ok(summary)
    }

    async fn delete(&self, fence: &RunFence, model: &ModelName, ids: Vec<Box<str>>) -> Result<u32> {
        let (mut state, writer) = self.write(fence)?;
        let stream = state.streams.get_mut(&fence.key.stream(model.clone()));
        let deleted = stream.map_or(0, |stream| stream.delete(&ids, writer));
        state.count(fence, model, |counts| counts.deleted += u64::from(deleted));
        Ok(deleted)
    }

    async fn get(&self, stream: &StreamKey, ids: &[Box<str>]) -> Result<Vec<Option<StoredRecord>>> {
        let state = self.lock();
        let stream = state.streams.get(stream);
        Ok(ids
            .iter()
            .map(|id| stream.and_then(|stream| stream.get(id)).cloned())
            .collect())
    }

    async fn changes(
        &self,
        stream: &StreamKey,
        after: Option<Cursor>,
        limit: usize,
        filter: ChangeFilter,
    ) -> Result<ChangePage> {
        let state = self.lock();
        let never = Stream::new(0);
        let known = state.streams.get(stream).unwrap_or(&never);
        let from = after.map_or(Ok(0), |cursor| place(stream, known, cursor))?;
        let (changes, sequence, more) = known.changes(from, limit, filter);
        let cursor = Cursor {
            epoch: EPOCH,
            stream: known.number,
            sequence,
        };
        Ok(ChangePage {
            changes,
            cursor,
            more,
        })
    }

    fn follow(&self, stream: &StreamKey) -> watch::Receiver<()> {
        self.news.follow(stream)
    }

    async fn stats(&self, stream: &StreamKey) -> Result<StreamStats> {
        let state = self.lock();
        Ok(state
            .streams
            .get(stream)
            .map(Stream::stats)
            .unwrap_or_default())
    }

    async fn streams(&self, connection: Option<&ConnectionKey>) -> Result<Vec<StreamKey>> {
        let state = self.lock();
        let wanted =
            |key: &&StreamKey| connection.is_none_or(|connection| *connection == key.connection);
        Ok(state.streams.keys().filter(wanted).cloned().collect())
    }

    async fn open_pass(&self, fence: &RunFence, model: &ModelName, resumed: bool) -> Result<()> {
        let (mut state, _) = self.write(fence)?;
        let key = (fence.key.clone(), model.clone());
        let pass = state.passes.entry(key).or_default();
        if !resumed {
            *pass = Pass::default();
        }
        Ok(())
    }

    async fn spoil_pass(&self, fence: &RunFence, model: &ModelName, reason: &str) -> Result<()> {
        let (mut state, _) = self.write(fence)?;
        if let Some(pass) = state.open_pass(fence, model) {
            pass.hole.get_or_insert(reason.to_owned());
        }
        Ok(())
    }

    async fn close_pass(
        &self,
        fence: &RunFence,
        model: &ModelName,
        guard: DeleteGuard,
    ) -> Result<PassEnd> {
        let (mut state, writer) = self.write(fence)?;
        Ok(state.close_pass(fence, model, guard, writer))
    }

    async fn checkpoint(&self, key: &SyncKey) -> Result<Option<Checkpoint>> {
        Ok(self.lock().syncs.get(key).and_then(Standing::checkpoint))
    }

    async fn put_checkpoint(&self, fence: &RunFence, json: Option<String>) -> Result<u64> {
        let (mut state, _) = self.write(fence)?;
        for ((key, _), pass) in &mut state.passes {
            if *key == fence.key {
                pass.mid_page = false;
            }
        }
        let sync = state.syncs.entry(fence.key.clone()).or_default();
        sync.revision += 1;
        sync.checkpoint = json;
        Ok(sync.revision)
    }

    async fn metadata(&self, connection: &ConnectionKey) -> Result<String> {
        let state = self.lock();
        let found = state.metadata.get(connection).cloned();
        Ok(found.unwrap_or_else(|| metadata::NONE.into()))
    }

    async fn put_metadata(
        &self,
        connection: &ConnectionKey,
        json: &str,
        merge: bool,
    ) -> Result<String> {
        let mut state = self.lock();
        let before = state.metadata.get(connection);
        let before = before.map_or(metadata::NONE, String::as_str);
        let after = metadata::written(before, json, merge)?;
        state.metadata.insert(connection.clone(), after.clone());
        Ok(after)
    }

    async fn reset(&self, key: &SyncKey, models: &[ModelName], what: Reset) -> Result<()> {
        let mut state = self.lock();
        if let Some(sync) = state.syncs.get_mut(key) {
            if let Some((live, _)) = sync.live {
                let message = format!("run {live} of {key} is live and cannot be reset");
                return Err(Error::new(Code::RunConflict, message));
            }
            sync.revision += u64::from(sync.checkpoint.take().is_some());
            sync.interrupted_attempt = 0;
            (sync.without_progress, sync.waits) = (0, 0);
        }
        state.passes.retain(|(sync, _), _| sync != key);
        if what == Reset::CheckpointAndRecords {
            for model in models {
                state.clear(&key.stream(model.clone()));
            }
        }
        Ok(())
    }

    async fn verify(&self) -> Result<VerifyReport> {
        let state = self.lock();
        let mut report = VerifyReport::default();
        for (key, stream) in &state.streams {
            let stats = stream.stats();
            report.streams += 1;
            report.records += stats.live + stats.deleted;
            let defects = stream.defects().into_iter();
            report
                .defects
                .extend(defects.map(|defect| format!("{key}: {defect}")));
        }
        Ok(report)
    }

    fn stored_bytes(&self, environment: &Environment) -> u64 {
        let state = self.lock();
        let own = state
            .streams
            .iter()
            .filter(|(key, _)| key.connection.environment == *environment);
        own.map(|(_, stream)| stream.bytes()).sum()
    }

    fn health(&self) -> Health {
        Health::Good
    }
}

impl Standing {
    fn checkpoint(&self) -> Option<Checkpoint> {
        let json = self.checkpoint.clone()?;
        Some(Checkpoint {
            revision: self.revision,
            json,
        })
    }
}

/// The row of a run that begins.
fn started(start: RunStart, begun: &RunBegun) -> RunRow {
    RunRow {
        id: start.run,
        key: start.key,
        digest: start.digest,
        version: start.version,
        trigger: start.trigger,
        attempt: begun.attempt,
        started: start.started,
        ended: None,
        state: RunState::Running,
        counts: BTreeMap::new(),
        usage: Usage {
            memory_cap_bytes: start.memory_cap_bytes,
            ..Usage::default()
        },
        checkpoint_before: begun.checkpoint.as_ref().map(|found| found.json.clone()),
        checkpoint_after: None,
        blocked_deletes: Vec::new(),
        warnings: Vec::new(),
        post_mortem: None,
    }
}

/// Where in `stream` a cursor stands. The cursor of a stream that was not there yet
/// (number 0) is before its first entry.
fn place(key: &StreamKey, stream: &Stream, cursor: Cursor) -> Result<u64> {
    let last = stream.stats().last_sequence;
    let why = if cursor.epoch != EPOCH {
        "is of before a restore"
    } else if cursor.stream != stream.number && (cursor.stream, cursor.sequence) != (0, 0) {
        "is of another stream"
    } else if cursor.sequence > last {
        "is of the future"
    } else {
        return Ok(cursor.sequence);
    };
    let message = format!("cursor `{cursor}` for {key} {why}");
    Err(Error::new(Code::CursorStale, message))
}
