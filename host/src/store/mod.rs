//! The store: what was saved, what changed, and where each sync stands.
//!
//! [`Store`] speaks in the product's words, not in keys and values, so that another
//! engine (Postgres, one day) can use its own transactions. Nothing but this module
//! touches disk state. Two implementations stand behind the trait: [`sled::SledStore`]
//! and its twin in memory, [`memory::MemoryStore`]; `tests/store` is the definition that
//! both pass.
//!
//! What holds for every write: when it answers `Ok` it is durable, all of it; when it
//! answers an error nothing of it is there, or (after a crash before the answer) all of
//! it. A write never overtakes an earlier one, so a checkpoint is never ahead of the
//! records that were saved before it. A reader sees only what is durable.

pub mod catalog;
pub mod memory;
mod metadata;
mod news;
mod retention;
pub mod sled;

pub use catalog::{CatalogStore, DeliveryQuery, ServiceStore};
pub use retention::{ForgetRuns, Forgotten, PruneQuery, Pruned, RetentionStore};

use crate::error::{Error, Result};
use crate::model::{
    BlockedDelete, ChangeFilter, ChangePage, Checkpoint, ConnectionKey, Cursor, Deployment, Digest,
    Environment, LogLine, ModelName, Outcome, PostMortem, RecordBatch, RunId, RunRow, SaveMode,
    SaveSummary, StoredRecord, StreamKey, SyncKey, Trigger, Usage,
};
use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::watch;

/// The right to write for one live run. The store refuses a write whose run has ended or
/// was taken over (`run.cancelled`), so a straggler changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFence {
    /// The live run.
    pub run: RunId,
    /// What it holds.
    pub key: SyncKey,
}

/// What a run starts with.
#[derive(Clone, Debug)]
pub struct RunStart {
    /// Id of the new run.
    pub run: RunId,
    /// What it will hold.
    pub key: SyncKey,
    /// The deployment that runs.
    pub digest: Digest,
    /// The sync's own version.
    pub version: String,
    /// Why it starts.
    pub trigger: Trigger,
    /// When.
    pub started: Timestamp,
    /// Its memory cap in bytes.
    pub memory_cap_bytes: u64,
}

/// What the store knows as a run begins.
#[derive(Clone, Debug)]
pub struct RunBegun {
    /// 1, or one more than the execution before if that was interrupted.
    pub attempt: u32,
    /// Executions in a row before this one that were interrupted while the checkpoint
    /// stood where it stands now.
    pub interrupted_without_progress: u32,
    /// The same of executions that ended before a long wait, which are not counted there.
    pub waits_without_progress: u32,
    /// Where the sync stands.
    pub checkpoint: Option<Checkpoint>,
}

/// What ends a run: all of it is written in one commit.
#[derive(Clone, Debug)]
pub struct RunEnd {
    /// How it ended.
    pub outcome: Outcome,
    /// When.
    pub ended: Timestamp,
    /// What it used.
    pub usage: Usage,
    /// Passes that were held back, for the report.
    pub blocked_deletes: Vec<BlockedDelete>,
    /// Remarks for the author.
    pub warnings: Vec<String>,
    /// Why it failed.
    pub post_mortem: Option<PostMortem>,
    /// The last lines of its log.
    pub log: Vec<LogLine>,
    /// Models whose delete pass closes with this run (`trackDeletes` in the manifest).
    /// Closed only if `outcome` is success; each under `guard`.
    pub close_passes: Vec<ModelName>,
    /// What holds a delete back.
    pub guard: DeleteGuard,
}

impl RunEnd {
    /// An end that has nothing more to say.
    pub fn new(outcome: Outcome, ended: Timestamp) -> Self {
        RunEnd {
            outcome,
            ended,
            usage: Usage::default(),
            blocked_deletes: Vec::new(),
            warnings: Vec::new(),
            post_mortem: None,
            log: Vec::new(),
            close_passes: Vec::new(),
            guard: DeleteGuard::DEFAULT,
        }
    }
}

/// When a delete pass is held for the operator instead of carried out.
#[derive(Clone, Copy, Debug)]
pub struct DeleteGuard {
    /// Held if more than this share of the live records would go …
    pub share: f64,
    /// … and more than this many.
    pub records: u64,
}

impl DeleteGuard {
    /// The default guard: [`DELETE_GUARD_SHARE`](crate::limits::DELETE_GUARD_SHARE) and
    /// [`DELETE_GUARD_RECORDS`](crate::limits::DELETE_GUARD_RECORDS).
    pub const DEFAULT: DeleteGuard = DeleteGuard {
        share: crate::limits::DELETE_GUARD_SHARE,
        records: crate::limits::DELETE_GUARD_RECORDS,
    };
    /// No guard: the operator has looked and agrees.
    pub const OFF: DeleteGuard = DeleteGuard {
        share: 1.0,
        records: u64::MAX,
    };

    /// Whether a pass that would delete `gone` of `live` records is held.
    pub fn holds(&self, gone: u64, live: u64) -> bool {
        gone > self.records && gone as f64 > self.share * live as f64
    }
}

/// How a delete pass ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PassEnd {
    /// These live records were not seen and are now deleted, in id order.
    Deleted(Vec<Box<str>>),
    /// The guard held it, or the pass had a hole (a run in it was cut in the middle of a
    /// page, or a save in it was refused); nothing was deleted and the pass is over. The
    /// next full pass decides anew.
    Held(BlockedDelete),
    /// No pass was open.
    NotOpen,
}

/// What a reset takes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reset {
    /// The checkpoint and open delete passes; the records stay, so that the next run
    /// reports only real differences.
    Checkpoint,
    /// The records of the given models too, without tombstones.
    CheckpointAndRecords,
}

/// Records of a stream, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct StreamStats {
    /// Live records.
    pub live: u64,
    /// Tombstones.
    pub deleted: u64,
    /// The highest sequence in the feed.
    pub last_sequence: u64,
}

/// Which runs to list, newest first.
#[derive(Clone, Debug, Default)]
pub struct RunQuery {
    /// Only of this sync, connection and variant.
    pub key: Option<SyncKey>,
    /// Only older than this run.
    pub before: Option<RunId>,
    /// At most so many.
    pub limit: usize,
}

/// What `verify` found.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct VerifyReport {
    /// Streams looked at.
    pub streams: u64,
    /// Blocks whose CRC was checked.
    pub blocks: u64,
    /// Records in them, superseded ones included.
    pub records: u64,
    /// Each defect in words, naming the stream and the place; empty when all is well.
    pub defects: Vec<String>,
}

/// Whether the store takes writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// It does.
    Good,
    /// Too little disk is free: no new runs and no records until there is more;
    /// checkpoints and reports still go through.
    LowDisk {
        /// Free bytes.
        free: u64,
        /// Bytes that must be free.
        floor: u64,
    },
    /// A write may not have landed; none is taken until the host was started again.
    Failed(Error),
}

/// The store's operations, in four groups. Every one may answer `store.unavailable`;
/// every write `limit.storage` below the free-space floor, but for checkpoints,
/// metadata, logs and the end of a run.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    // ---- deployments -----------------------------------------------------------------

    /// Keeps a deployment; the same digest again changes nothing.
    async fn put_deployment(&self, deployment: Deployment) -> Result<()>;

    /// The deployment of a component.
    async fn deployment(&self, digest: &Digest) -> Result<Option<Deployment>>;

    // ---- runs ------------------------------------------------------------------------

    /// Starts a run and gives its sync, connection and variant to it; `run.conflict` if
    /// another run is live.
    async fn begin_run(&self, start: RunStart) -> Result<RunBegun>;

    /// Ends a run: closes its passes, writes its report and its last log lines, and
    /// frees its sync, all in one commit. Answers the finished row.
    async fn finish_run(&self, fence: &RunFence, end: RunEnd) -> Result<RunRow>;

    /// A run's row, live or ended.
    async fn run(&self, run: RunId) -> Result<Option<RunRow>>;

    /// Rows of runs, newest first.
    async fn runs(&self, query: RunQuery) -> Result<Vec<RunRow>>;

    /// Adds lines to a run's log. The caller keeps to the log's size.
    async fn append_log(&self, fence: &RunFence, lines: Vec<LogLine>) -> Result<()>;

    /// A run's log, oldest first.
    async fn run_log(&self, run: RunId) -> Result<Vec<LogLine>>;

    // ---- records ---------------------------------------------------------------------

    /// Saves a batch: classifies each record, appends the new and changed ones to the
    /// feed, marks all as seen in an open delete pass, and counts them for the run.
    async fn save(
        &self,
        fence: &RunFence,
        model: &ModelName,
        batch: RecordBatch,
        mode: SaveMode,
    ) -> Result<SaveSummary>;

    /// Deletes the live ones of `ids`; answers how many there were. The last content is
    /// kept under the tombstone.
    async fn delete(&self, fence: &RunFence, model: &ModelName, ids: Vec<Box<str>>) -> Result<u32>;

    /// The records with these ids, in their order; deleted ones included.
    async fn get(&self, stream: &StreamKey, ids: &[Box<str>]) -> Result<Vec<Option<StoredRecord>>>;

    /// A page of the change feed after `after` (from the start if `None`), at most
    /// `limit` entries. `cursor.stale` if the cursor is of another stream, of before a
    /// restore, or from the future. A stream that never was is an empty one.
    async fn changes(
        &self,
        stream: &StreamKey,
        after: Option<Cursor>,
        limit: usize,
        filter: ChangeFilter,
    ) -> Result<ChangePage>;

    /// Changes when the feed of `stream`, which need not exist yet, may have more. A
    /// reader that asks for this first, then reads to the end and then waits misses
    /// nothing; it may be woken for nothing.
    fn follow(&self, stream: &StreamKey) -> watch::Receiver<()>;

    /// How many records a stream has.
    async fn stats(&self, stream: &StreamKey) -> Result<StreamStats>;

    /// The streams of a connection, or all of them.
    async fn streams(&self, connection: Option<&ConnectionKey>) -> Result<Vec<StreamKey>>;

    /// Opens a delete pass. One that is open goes on if `resumed` (the run started from
    /// a checkpoint), and remembers a hole if a run in it was cut after a save that no
    /// checkpoint followed; without `resumed` it starts anew.
    async fn open_pass(&self, fence: &RunFence, model: &ModelName, resumed: bool) -> Result<()>;

    /// Marks that a save in the open pass of `model` was refused, so that the pass
    /// cannot delete what it failed to see. No pass open: nothing happens.
    async fn spoil_pass(&self, fence: &RunFence, model: &ModelName, reason: &str) -> Result<()>;

    /// Closes a pass: deletes the live records that no save in it has seen.
    async fn close_pass(
        &self,
        fence: &RunFence,
        model: &ModelName,
        guard: DeleteGuard,
    ) -> Result<PassEnd>;

    // ---- checkpoint and metadata -----------------------------------------------------

    /// Where a sync stands.
    async fn checkpoint(&self, key: &SyncKey) -> Result<Option<Checkpoint>>;

    /// Moves the checkpoint of the run's sync; `None` clears it. Answers the revision.
    async fn put_checkpoint(&self, fence: &RunFence, json: Option<String>) -> Result<u64>;

    /// A connection's metadata, a JSON object; `{}` where none was set.
    async fn metadata(&self, connection: &ConnectionKey) -> Result<String>;

    /// Replaces (`merge` false) or shallow-merges a connection's metadata in one durable
    /// step; answers the result. `json` is a JSON object.
    async fn put_metadata(
        &self,
        connection: &ConnectionKey,
        json: &str,
        merge: bool,
    ) -> Result<String>;

    // ---- care ------------------------------------------------------------------------

    /// Takes a sync back to its start; `run.conflict` while it runs.
    async fn reset(&self, key: &SyncKey, models: &[ModelName], what: Reset) -> Result<()>;

    /// Reads everything and compares the index with the log.
    async fn verify(&self) -> Result<VerifyReport>;

    /// What the records of an environment take, in bytes as they are kept.
    fn stored_bytes(&self, environment: &Environment) -> u64;

    /// Whether it takes writes.
    fn health(&self) -> Health;
}
