//! A store that counts the records it is given and drops them; everything else goes to
//! the store in memory.

use anyhow::Result;
use async_trait::async_trait;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tidegate::error;
use tidegate::model::{
    ChangeFilter, ChangePage, Checkpoint, ConnectionKey, Cursor, Deployment, Digest, Environment,
    LogLine, ModelName, RecordBatch, RunId, RunRow, SaveMode, SaveSummary, StoredRecord, StreamKey,
    SyncKey,
};
use tidegate::store::memory::MemoryStore;
use tidegate::store::{
    DeleteGuard, Health, PassEnd, Reset, RunBegun, RunEnd, RunFence, RunQuery, RunStart, Store,
    StreamStats, VerifyReport,
};
use tidegate_tests::host::TestHost;

/// Records dropped so far.
#[derive(Clone, Default)]
pub struct Dropped(Arc<AtomicU64>);

impl Dropped {
    /// How many since the last call.
    pub fn take(&self) -> u64 {
        self.0.swap(0, Ordering::Relaxed)
    }
}

/// A host over such a store, and its count.
pub fn host() -> Result<(TestHost, Dropped)> {
    let dropped = Dropped::default();
    let counted = dropped.clone();
    let host = TestHost::over(|_, clock| {
        Ok(Arc::new(Sink {
            kept: MemoryStore::new(clock),
            dropped: counted,
        }))
    })?;
    Ok((host, dropped))
}

struct Sink {
    kept: MemoryStore,
    dropped: Dropped,
}

#[async_trait]
impl Store for Sink {
    async fn save(
        &self,
        _: &RunFence,
        _: &ModelName,
        batch: RecordBatch,
        _: SaveMode,
    ) -> error::Result<SaveSummary> {
        let added = batch.records.len();
        self.dropped.0.fetch_add(added as u64, Ordering::Relaxed);
        Ok(SaveSummary {
            added: added as u32,
            ..SaveSummary::default()
        })
    }

    async fn put_deployment(&self, deployment: Deployment) -> error::Result<()> {
        self.kept.put_deployment(deployment).await
    }

    async fn deployment(&self, digest: &Digest) -> error::Result<Option<Deployment>> {
        self.kept.deployment(digest).await
    }

    async fn begin_run(&self, start: RunStart) -> error::Result<RunBegun> {
        self.kept.begin_run(start).await
    }

    async fn finish_run(&self, fence: &RunFence, end: RunEnd) -> error::Result<RunRow> {
        self.kept.finish_run(fence, end).await
    }

    async fn run(&self, run: RunId) -> error::Result<Option<RunRow>> {
        self.kept.run(run).await
    }

    async fn runs(&self, query: RunQuery) -> error::Result<Vec<RunRow>> {
        self.kept.runs(query).await
    }

    async fn append_log(&self, fence: &RunFence, lines: Vec<LogLine>) -> error::Result<()> {
        self.kept.append_log(fence, lines).await
    }

    async fn run_log(&self, run: RunId) -> error::Result<Vec<LogLine>> {
        self.kept.run_log(run).await
    }

    async fn delete(
        &self,
        fence: &RunFence,
        model: &ModelName,
        ids: Vec<Box<str>>,
    ) -> error::Result<u32> {
        self.kept.delete(fence, model, ids).await
    }

    async fn get(
        &self,
        stream: &StreamKey,
        ids: &[Box<str>],
    ) -> error::Result<Vec<Option<StoredRecord>>> {
        self.kept.get(stream, ids).await
    }

    async fn changes(
        &self,
        stream: &StreamKey,
        after: Option<Cursor>,
        limit: usize,
        filter: ChangeFilter,
    ) -> error::Result<ChangePage> {
        self.kept.changes(stream, after, limit, filter).await
    }

    fn follow(&self, stream: &StreamKey) -> tokio::sync::watch::Receiver<()> {
        self.kept.follow(stream)
    }

    async fn stats(&self, stream: &StreamKey) -> error::Result<StreamStats> {
        self.kept.stats(stream).await
    }

    async fn streams(&self, connection: Option<&ConnectionKey>) -> error::Result<Vec<StreamKey>> {
        self.kept.streams(connection).await
    }

    async fn open_pass(
        &self,
        fence: &RunFence,
        model: &ModelName,
        resumed: bool,
    ) -> error::Result<()> {
        self.kept.open_pass(fence, model, resumed).await
    }

    async fn spoil_pass(
        &self,
        fence: &RunFence,
        model: &ModelName,
        reason: &str,
    ) -> error::Result<()> {
        self.kept.spoil_pass(fence, model, reason).await
    }

    async fn close_pass(
        &self,
        fence: &RunFence,
        model: &ModelName,
        guard: DeleteGuard,
    ) -> error::Result<PassEnd> {
        self.kept.close_pass(fence, model, guard).await
    }

    async fn checkpoint(&self, key: &SyncKey) -> error::Result<Option<Checkpoint>> {
        self.kept.checkpoint(key).await
    }

    async fn put_checkpoint(&self, fence: &RunFence, json: Option<String>) -> error::Result<u64> {
        self.kept.put_checkpoint(fence, json).await
    }

    async fn metadata(&self, connection: &ConnectionKey) -> error::Result<String> {
        self.kept.metadata(connection).await
    }

    async fn put_metadata(
        &self,
        connection: &ConnectionKey,
        json: &str,
        merge: bool,
    ) -> error::Result<String> {
        self.kept.put_metadata(connection, json, merge).await
    }

    async fn reset(&self, key: &SyncKey, models: &[ModelName], what: Reset) -> error::Result<()> {
        self.kept.reset(key, models, what).await
    }

    async fn verify(&self) -> error::Result<VerifyReport> {
        self.kept.verify().await
    }

    fn stored_bytes(&self, environment: &Environment) -> u64 {
        self.kept.stored_bytes(environment)
    }

    fn health(&self) -> Health {
        self.kept.health()
    }
}
