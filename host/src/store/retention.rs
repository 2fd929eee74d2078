//! How long things are kept: pruning, erasing and forgetting.

use crate::error::{Code, Error, Result};
use crate::model::{ConnectionKey, Cursor, ModelName, StreamKey};
use async_trait::async_trait;
use jiff::Timestamp;

/// Which records of a stream are pruned; the conditions that are given hold together.
#[derive(Clone, Copy, Debug)]
pub struct PruneQuery {
    /// Those up to here in the feed.
    pub through: Option<Cursor>,
    /// Those that did not change since this time.
    pub unchanged_since: Option<Timestamp>,
    /// At most so many, oldest first.
    pub limit: usize,
}

/// What a prune did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Records that lost their content.
    pub count: u64,
    /// Whether there are more that the query wants.
    pub more: bool,
}

/// Which ended runs are forgotten: those that any of the conditions names. The last run of
/// each sync is kept, and so are runs that were not told of yet.
#[derive(Clone, Copy, Debug)]
pub struct ForgetRuns {
    /// Runs that started before this time, with their logs.
    pub before: Timestamp,
    /// Logs, but not the runs, of runs that started before this time.
    pub logs_before: Timestamp,
    /// All but so many of the newest of each sync.
    pub per_sync: usize,
}

/// What was forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Runs.
    pub runs: u64,
    /// Logs of runs that are still known.
    pub logs: u64,
}

/// What makes room. None of it is held up by a disk that is full.
///
/// A whole connection is erased by [`CatalogChange::Erase`](crate::model::CatalogChange),
/// so that it can go in one commit with its row of the catalog.
#[async_trait]
pub trait RetentionStore: Send + Sync + 'static {
    /// Takes the content of records away. Their ids, their places in the feed and what is
    /// known of their content stay: the same content saved again is unchanged, and brings
    /// it back. `cursor.stale` as for reading.
    async fn prune(&self, stream: &StreamKey, query: PruneQuery) -> Result<Pruned>;

    /// Forgets ended runs.
    async fn forget_runs(&self, query: ForgetRuns) -> Result<Forgotten>;

    /// Erases what the syncs of a connection have left, and nothing of the catalog.
    /// `run.conflict` while one of them is live.
    async fn erase(&self, connection: &ConnectionKey) -> Result<()>;
}

/// The error for a merge with a record whose content was taken away.
pub(super) fn nothing_to_merge_with(model: &ModelName, id: &str) -> Error {
    Error::new(
        Code::RecordInvalid,
        format!(
            "record `{}` of {model} was pruned, so there is nothing to merge with: save it whole",
            id.escape_debug()
        ),
    )
}
