//! A run: one execution of a deployment for a connection, from start to report.

use super::{ConnectionKey, Digest, HttpExchange, ModelName, RunId, SyncKey};
use crate::error::Error;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;
use utoipa::ToSchema;

/// Why a run was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Trigger {
    /// Somebody asked for it.
    Manual,
    /// Its schedule was due.
    Schedule,
    /// The execution before was interrupted.
    Continuation,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase", tag = "state")]
pub enum Outcome {
    /// The guest returned ok.
    Success,
    /// It ended at a checkpoint, before a long wait, or because the host stopped: the next
    /// execution continues.
    Interrupted {
        /// Code `run.interrupted` and why; with `retry_after_ms` where it goes on no sooner
        /// than so long after its end, because it would only have waited.
        error: Error,
    },
    /// It ended with an error; what was saved stays, and so does the checkpoint.
    Failed {
        /// The code (which knows whose fault it is) and the message.
        error: Error,
    },
    /// It was told to stop.
    Cancelled {
        /// Code `run.cancelled` and who asked.
        error: Error,
    },
}

impl Outcome {
    /// The error behind an outcome that is no success.
    pub fn error(&self) -> Option<&Error> {
        match self {
            Outcome::Success => None,
            Outcome::Interrupted { error }
            | Outcome::Failed { error }
            | Outcome::Cancelled { error } => Some(error),
        }
    }

    /// How long after its end a run that ended before a long wait goes on.
    pub fn wait(&self) -> Option<Duration> {
        let Outcome::Interrupted { error } = self else {
            return None;
        };
        let milliseconds = error.retry_after_ms?;
        Some(Duration::from_millis(milliseconds.into()))
    }

    /// One word for tables.
    pub fn word(&self) -> &'static str {
        match self {
            Outcome::Success => "success",
            Outcome::Interrupted { .. } => "interrupted",
            Outcome::Failed { .. } => "failed",
            Outcome::Cancelled { .. } => "cancelled",
        }
    }
}

/// Whether a run is live, or how it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RunState {
    /// It holds its (connection, sync, variant).
    Running,
    /// It ended.
    Ended(Outcome),
}

/// What a run did to one model. Durable with each commit, so that the figures are exact
/// for a run that was killed too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ModelCounts {
    /// Records added.
    pub added: u64,
    /// Records updated.
    pub updated: u64,
    /// Records that were saved as they were.
    pub unchanged: u64,
    /// Records deleted, by the guest or by a delete pass.
    pub deleted: u64,
}

/// What a run used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Usage {
    /// The memory cap in bytes.
    pub memory_cap_bytes: u64,
    /// The most memory held at once, in bytes, host buffers included.
    pub memory_peak_bytes: u64,
    /// CPU time in microseconds, guest and host calls together.
    pub cpu_us: u64,
    /// Wall time in microseconds.
    pub wall_us: u64,
    /// Host calls.
    pub calls: u64,
    /// HTTP exchanges, retries included.
    pub requests: u64,
    /// Exchanges that were tries after the first.
    pub retries: u64,
    /// Time spent waiting for rate limits and backoff, in milliseconds.
    pub waited_ms: u64,
    /// Responses handed to the guest.
    pub pages: u64,
    /// Bytes of response bodies after decoding.
    pub fetched_bytes: u64,
    /// Bytes of records passed to `batch-save`.
    pub saved_bytes: u64,
    /// `batch-save` and `batch-update` calls that were answered ok.
    pub saves: u64,
    /// Checkpoints saved.
    pub checkpoints: u64,
}

/// A delete pass that was held back, with a sample of what it would have deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BlockedDelete {
    /// The model of the pass.
    pub model: ModelName,
    /// How many live records were not seen.
    pub would_delete: u64,
    /// How many records were live.
    pub live: u64,
    /// Some of the ids.
    pub sample: Vec<Box<str>>,
    /// Why it was held, for people.
    pub reason: String,
}

/// Why a run that ended badly did so: contract §4.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PostMortem {
    /// The verdict in words: what happened and what to do.
    pub verdict: String,
    /// Each growth of memory with the host call before it, oldest first.
    pub growths: Vec<Growth>,
    /// Bytes of response bodies fetched.
    pub fetched_bytes: u64,
    /// Bytes of those that were handed to the guest.
    pub handed_bytes: u64,
    /// Bytes of records saved.
    pub saved_bytes: u64,
    /// Bytes handed to the guest since its last save.
    pub unsaved_bytes: u64,
    /// Responses handed to the guest since its last save.
    pub pages_since_save: u64,
    /// The largest response in bytes.
    pub largest_response_bytes: u64,
    /// The last host calls, oldest first.
    pub last_calls: Vec<String>,
    /// Where the guest stood: names of its functions, innermost first.
    pub backtrace: Vec<String>,
    /// The end of what the guest wrote to stderr.
    pub stderr_tail: String,
    /// The checkpoint that the next run starts from, as JSON.
    pub next_checkpoint: Option<String>,
}

/// One growth of a run's memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Growth {
    /// The sum of the run's memory after it, in bytes (before it, when refused).
    pub total_bytes: u64,
    /// By how much.
    pub by_bytes: u64,
    /// Whether it was refused.
    pub refused: bool,
    /// The host call before it, and which one of the run it was.
    pub after_call: String,
}

/// A checkpoint with its revision, which counts its saves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// How often it was saved or cleared.
    pub revision: u64,
    /// The guest's JSON object.
    pub json: String,
}

/// A run's row: what is listed, and the report once it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RunRow {
    /// Its id.
    pub id: RunId,
    /// What it syncs.
    pub key: SyncKey,
    /// Which deployment ran.
    pub digest: Digest,
    /// The sync's own version, from the manifest.
    pub version: String,
    /// Why it was started.
    pub trigger: Trigger,
    /// 1 for a first try, one more for each continuation.
    pub attempt: u32,
    /// When it started.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Live, or how it ended.
    pub state: RunState,
    /// What it did, per model.
    pub counts: BTreeMap<ModelName, ModelCounts>,
    /// What it used; filled at the end.
    pub usage: Usage,
    /// The checkpoint it started from, as JSON.
    pub checkpoint_before: Option<String>,
    /// The checkpoint at its end, as JSON.
    pub checkpoint_after: Option<String>,
    /// Delete passes that were held back.
    pub blocked_deletes: Vec<BlockedDelete>,
    /// Things the author should know though the run went well.
    pub warnings: Vec<String>,
    /// Why it failed, if it did.
    pub post_mortem: Option<PostMortem>,
}

impl RunRow {
    /// The connection that was synced.
    pub fn connection(&self) -> &ConnectionKey {
        &self.key.connection
    }

    /// When a run that ended before a long wait goes on; none for every other.
    pub fn waits_until(&self) -> Option<Timestamp> {
        let RunState::Ended(outcome) = &self.state else {
            return None;
        };
        let until = self.ended?.saturating_add(outcome.wait()?);
        Some(until.unwrap_or(Timestamp::MAX))
    }
}

/// How loud a log line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// For the author at work.
    Debug,
    /// Progress.
    Info,
    /// Something the author should look at.
    Warn,
    /// Something went wrong.
    Error,
}

/// One line of a run's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogLine {
    /// When it was written.
    pub at: Timestamp,
    /// How loud.
    pub level: LogLevel,
    /// The text, at most 8 KiB.
    pub message: String,
    /// A JSON object of the guest's own, or empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub attributes: String,
    /// The exchange that the host tells of in this line; no guest can write one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange: Option<Box<HttpExchange>>,
}
