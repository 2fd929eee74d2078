//! Runs: who may write, what a run did, and its report.

use super::bytes::damaged;
use super::keys;
use super::passes::{Closing, Progress};
use super::writer::Writer;
use crate::error::{Code, Error, Result};
use crate::limits::LOG_BYTES_MAX;
use crate::model::{
    Checkpoint, LogLine, ModelCounts, ModelName, Outcome, RunRow, RunState, SyncKey, Usage,
};
use crate::store::{PassEnd, RunBegun, RunEnd, RunFence, RunStart};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// zstd level of a run's log.
const LOG_ZSTD_LEVEL: i32 = 3;
/// Unpacked bytes of one part of a log that are believed when read: JSON may make the
/// largest log six times as long, and the exchanges beside it take a megabyte.
const LOG_PART_BYTES_MAX: usize = 8 * LOG_BYTES_MAX;

/// A run that holds its sync.
pub(super) struct LiveRun {
    pub(super) row: RunRow,
    /// The number of the commit that began it.
    pub(super) began: u64,
    log_parts: u64,
}

/// What is kept of a live run beside its row.
#[derive(Serialize, Deserialize)]
struct LiveRow {
    run: crate::model::RunId,
}

/// Interruptions in a row, kept from one execution to the next.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
struct Tally {
    /// Which attempt the interrupted execution was.
    attempt: u32,
    /// Executions in a row that did not move the checkpoint.
    without_progress: u32,
    /// The same of those that ended before a long wait.
    #[serde(default)]
    waits: u32,
}

impl Tally {
    /// The tally after an execution that was interrupted; `stood` if its checkpoint did.
    fn after(before: Option<Tally>, attempt: u32, stood: bool, waits: bool) -> Tally {
        // What moved the checkpoint starts both counts anew.
        let before = before.filter(|_| stood).unwrap_or_default();
        let (cut, left) = (u32::from(stood && !waits), u32::from(stood && waits));
        Tally {
            attempt,
            without_progress: before.without_progress.saturating_add(cut),
            waits: before.waits.saturating_add(left),
        }
    }
}

/// A checkpoint as it is kept: one that was cleared keeps its revision.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct CheckpointRow {
    pub(super) revision: u64,
    pub(super) json: Option<String>,
}

impl CheckpointRow {
    pub(super) fn checkpoint(self) -> Option<Checkpoint> {
        let revision = self.revision;
        self.json.map(|json| Checkpoint { revision, json })
    }
}

/// How far the end of a run came.
pub(super) enum Finishing {
    /// A pass has more tombstones to write: ask again.
    More(Box<(RunEnd, Passes)>),
    /// It is over.
    Done(Box<RunRow>),
}

/// The passes that close with a run.
#[derive(Default)]
pub(super) struct Passes {
    closed: usize,
    present: Progress,
}

impl LiveRun {
    /// What the run did to a model so far.
    pub(super) fn counts_of(&mut self, model: &ModelName) -> &mut ModelCounts {
        self.row.counts.entry(model.clone()).or_default()
    }
}

impl Writer {
    pub(super) fn begin_run(&mut self, start: RunStart) -> Result<RunBegun> {
        if let Some(live) = self.lives.get(&start.key) {
            return Err(Error::new(
                Code::RunConflict,
                format!("run {} of {} is live", live.row.id, start.key),
            ));
        }
        self.needs_room()?;
        let checkpoint = self.checkpoint_row(&start.key)?;
        let tally: Option<Tally> = self.read_json(&keys::tally(&start.key))?;
        let attempt = tally.map_or(1, |tally| tally.attempt.saturating_add(1));
        let interrupted_without_progress = tally.map_or(0, |tally| tally.without_progress);
        let waits_without_progress = tally.map_or(0, |tally| tally.waits);
        let checkpoint = checkpoint.checkpoint();
        let row = RunRow {
            id: start.run,
            key: start.key.clone(),
            digest: start.digest,
            version: start.version,
            trigger: start.trigger,
            attempt,
            started: start.started,
            ended: None,
            state: RunState::Running,
            counts: BTreeMap::new(),
            usage: Usage {
                memory_cap_bytes: start.memory_cap_bytes,
                ..Usage::default()
            },
            checkpoint_before: checkpoint
                .as_ref()
                .map(|checkpoint| checkpoint.json.clone()),
            checkpoint_after: None,
            blocked_deletes: Vec::new(),
            warnings: Vec::new(),
            post_mortem: None,
        };
        let (bytes, live_row) = (to_json(&row)?, to_json(&LiveRow { run: row.id })?);
        self.put(keys::run(row.id), bytes);
        self.put(keys::run_of(&row.key, row.id), Vec::new());
        self.put(keys::live(&row.key), live_row);
        let began = self.commit_number();
        self.lives.insert(
            start.key,
            LiveRun {
                row,
                began,
                log_parts: 0,
            },
        );
        Ok(RunBegun {
            attempt,
            interrupted_without_progress,
            waits_without_progress,
            checkpoint,
        })
    }

    /// Writes what the run did to a model so far.
    pub(super) fn put_counts(&mut self, fence: &RunFence, model: &ModelName) -> Result<()> {
        let counts = *self.live(fence)?.counts_of(model);
        self.put(keys::counts(fence.run, model), to_json(&(model, counts))?);
        Ok(())
    }

    pub(super) fn append_log(&mut self, fence: &RunFence, lines: &[LogLine]) -> Result<()> {
        let packed = pack_log(lines)?;
        let live = self.live(fence)?;
        if lines.is_empty() {
            return Ok(());
        }
        let part = live.log_parts;
        live.log_parts += 1;
        self.put(keys::log(fence.run, part), packed);
        Ok(())
    }

    /// Takes one step of ending a run: a commit of tombstones, or the end itself.
    pub(super) fn finish_run(
        &mut self,
        fence: &RunFence,
        mut end: RunEnd,
        mut passes: Passes,
    ) -> Result<Finishing> {
        self.live(fence)?;
        if end.outcome == Outcome::Success {
            while let Some(model) = end.close_passes.get(passes.closed).cloned() {
                let progress = std::mem::take(&mut passes.present);
                match self.close_pass(fence, &model, end.guard, progress)? {
                    Closing::More(progress) => {
                        passes.present = progress;
                        return Ok(Finishing::More(Box::new((end, passes))));
                    }
                    Closing::Done(PassEnd::Held(held)) => end.blocked_deletes.push(held),
                    Closing::Done(_) => {}
                }
                passes.closed += 1;
            }
            self.settle_passes(fence)?;
        }
        self.end_run(fence, end)
            .map(|row| Finishing::Done(Box::new(row)))
    }

    fn end_run(&mut self, fence: &RunFence, end: RunEnd) -> Result<RunRow> {
        let key = &fence.key;
        let checkpoint = self.checkpoint_row(key)?;
        let tally: Option<Tally> = self.read_json(&keys::tally(key))?;
        if !end.log.is_empty() {
            self.append_log(fence, &end.log)?;
        }
        let live = self.live(fence)?;
        let mut row = live.row.clone();
        // By its content: a run that saves the same checkpoint over again gets nowhere.
        let stood = checkpoint.json == row.checkpoint_before;
        row.state = RunState::Ended(end.outcome);
        row.ended = Some(end.ended);
        row.usage = end.usage;
        row.checkpoint_after = checkpoint.json;
        row.blocked_deletes = end.blocked_deletes;
        row.warnings = end.warnings;
        row.post_mortem = end.post_mortem;
        match &row.state {
            RunState::Ended(outcome @ Outcome::Interrupted { .. }) => {
                let waits = outcome.wait().is_some();
                let tally = Tally::after(tally, row.attempt, stood, waits);
                self.put(keys::tally(key), to_json(&tally)?);
            }
            _ => self.remove(keys::tally(key)),
        }
        self.put(keys::run(row.id), to_json(&row)?);
        self.announce(row.id, &row.key.connection.environment)?;
        self.remove(keys::live(key));
        for model in row.counts.keys() {
            self.remove(keys::counts(row.id, model));
        }
        self.lives.remove(key);
        Ok(row)
    }

    /// Ends what was still running when the host stopped.
    pub(super) fn end_lost_runs(&mut self) -> Result<()> {
        for key in self.keys_in(&keys::all(keys::Table::Live))? {
            let Some(live): Option<LiveRow> = self.read_json(&key)? else {
                continue;
            };
            let Some(row): Option<RunRow> = self.read_json(&keys::run(live.run))? else {
                return Err(damaged(format!("run {} is live but has no row", live.run)));
            };
            let mut row = row;
            for counts in self.keys_in(&keys::all_counts(row.id))? {
                let counts: Option<(ModelName, ModelCounts)> = self.read_json(&counts)?;
                row.counts.extend(counts);
            }
            let log_parts = self.keys_in(&keys::logs(row.id))?.len() as u64;
            let fence = RunFence {
                run: row.id,
                key: row.key.clone(),
            };
            let end = RunEnd {
                outcome: Outcome::Interrupted {
                    error: Error::new(Code::RunInterrupted, "the host stopped during this run"),
                },
                ended: super::block::timestamp(self.stage.now),
                usage: row.usage.clone(),
                blocked_deletes: Vec::new(),
                warnings: Vec::new(),
                post_mortem: None,
                log: Vec::new(),
                close_passes: Vec::new(),
                guard: crate::store::DeleteGuard::DEFAULT,
            };
            let live = LiveRun {
                row,
                began: 0,
                log_parts,
            };
            self.lives.insert(fence.key.clone(), live);
            self.end_run(&fence, end)?;
        }
        Ok(())
    }

    // ---- checkpoints ------------------------------------------------------------------

    pub(super) fn checkpoint_row(&self, key: &SyncKey) -> Result<CheckpointRow> {
        Ok(self.read_json(&keys::checkpoint(key))?.unwrap_or_default())
    }

    pub(super) fn put_checkpoint(&mut self, fence: &RunFence, json: Option<String>) -> Result<u64> {
        self.live(fence)?;
        let revision = self.set_checkpoint(&fence.key, json)?;
        self.settle_passes(fence)?;
        Ok(revision)
    }

    pub(super) fn set_checkpoint(&mut self, key: &SyncKey, json: Option<String>) -> Result<u64> {
        let revision = self.checkpoint_row(key)?.revision + 1;
        let row = to_json(&CheckpointRow { revision, json })?;
        self.put(keys::checkpoint(key), row);
        Ok(revision)
    }

    /// A value that is kept as JSON, as this group will leave it.
    pub(super) fn read_json<T: DeserializeOwned>(&self, key: &[u8]) -> Result<Option<T>> {
        self.get(key)?.map(|bytes| from_json(&bytes)).transpose()
    }
}

/// A value as it is kept.
pub(super) fn to_json<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    serde_json::to_vec(value)
        .map_err(|error| Error::new(Code::Internal, format!("a row does not serialize: {error}")))
}

/// A kept value.
pub(super) fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|error| damaged(format!("a row does not read: {error}")))
}

fn pack_log(lines: &[LogLine]) -> Result<Vec<u8>> {
    zstd::bulk::compress(&to_json(&lines)?, LOG_ZSTD_LEVEL)
        .map_err(|error| super::map::io_error("compressing a log", &error))
}

/// The lines of one part of a log.
pub(super) fn unpack_log(bytes: &[u8]) -> Result<Vec<LogLine>> {
    let json = zstd::bulk::decompress(bytes, LOG_PART_BYTES_MAX)
        .map_err(|error| damaged(format!("a part of a log does not decompress: {error}")))?;
    from_json(&json)
}
