//! The durable store on sled. `store/mod.rs` says what it promises.
//!
//! A commit is one frame of the [`journal`], synced once; sled takes the same changes in
//! memory and is flushed now and then. The change log in [`block`]s is the truth; the
//! [`index`] by id and the bitmaps of what is current are derived from it and rebuilt
//! above a watermark when the store is opened.
//!
//! In reading order: [`open`] → [`committer`] (one thread writes) → [`writer`] (stages a
//! group, commits it) → [`records`], [`prune`], [`passes`], [`runs`], [`state`],
//! [`retention`] (what writes do) → [`stream`], [`room`] (what is kept in memory) →
//! [`builder`], [`compact`], [`reclaim`] (index runs and room, beside) → [`reader`].
//! Below: [`map`] (the seam to sled), [`disk`] (the seam to files), [`keys`], [`bytes`].

mod backup;
mod block;
mod builder;
mod bytes;
mod catalog;
mod committer;
mod compact;
mod disk;
mod index;
mod journal;
mod keys;
mod map;
mod open;
mod passes;
mod prune;
mod reader;
mod reclaim;
mod records;
mod retention;
mod room;
mod runs;
mod sequences;
mod shared;
#[doc(hidden)]
pub mod simulation;
mod state;
mod stream;
#[cfg(test)]
mod tests;
mod upkeep;
mod verify;
mod writer;

pub use self::backup::BackupReport;
use self::committer::Queue;
use self::map::lock;
use self::open::{FolderPlatform, Lock, Running};
use self::passes::{Closing, Progress};
use self::records::Batch;
use self::runs::{Finishing, Passes};
use self::shared::{Platform, Shared};
use self::verify::{Check, Pinned};
use super::{
    DeleteGuard, Health, PassEnd, Reset, RunBegun, RunEnd, RunFence, RunQuery, RunStart, Store,
    StreamStats, VerifyReport,
};
use crate::clock::Clock;
use crate::error::{Code, Error, Result};
use crate::limits;
use crate::model::{
    ChangeFilter, ChangePage, Checkpoint, ConnectionKey, Cursor, Deployment, Digest, Environment,
    LogLine, ModelName, RecordBatch, RunId, RunRow, SaveMode, SaveSummary, StoredRecord, StreamKey,
    SyncKey,
};
use async_trait::async_trait;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::watch;

/// Reads between two looks at how much memory the map holds.
const READS_PER_LOOK: usize = 256;

/// The first life of a store; each restore starts the next.
const FIRST_EPOCH: u16 = 1;

/// How a store is opened.
#[derive(Clone, Copy, Debug)]
pub struct OpenOptions {
    /// Free disk in bytes below which runs and records are refused.
    pub disk_free_bytes_min: u64,
    /// Bytes of journal after which the map is flushed and the journal starts anew.
    pub journal_bytes: u64,
    /// Entries of the log that wait for an index run, over all streams, before some
    /// are written.
    pub index_entries_waiting: usize,
    /// Bytes of memory that the map may hold before it is opened anew.
    pub map_bytes: u64,
    /// Time after which opening is given up as `store.damaged`.
    pub open_time: Duration,
    /// Time after which a read is given up as `store.damaged`.
    pub read_time: Duration,
}

impl Default for OpenOptions {
    /// As [`limits`](crate::limits) says.
    fn default() -> Self {
        OpenOptions {
            disk_free_bytes_min: limits::DISK_FREE_BYTES_MIN,
            journal_bytes: limits::STORE_JOURNAL_BYTES,
            index_entries_waiting: limits::STORE_INDEX_ENTRIES_WAITING,
            map_bytes: limits::STORE_MAP_BYTES,
            open_time: limits::STORE_OPEN_TIME,
            read_time: limits::STORE_READ_TIME,
        }
    }
}

/// The durable store.
pub struct SledStore {
    shared: Arc<Shared>,
    queue: Queue,
    threads: Mutex<Option<Threads>>,
}

struct Threads {
    committer: JoinHandle<Result<()>>,
    builder: JoinHandle<()>,
    lock: Option<Lock>,
}

impl SledStore {
    /// Opens the store in `folder`, or creates it. Blocks; at most for a minute.
    ///
    /// `store.locked` if another process has it, `store.damaged` if anything that was
    /// acknowledged is missing, `store.format` if a newer version wrote it. Runs that
    /// were live when the host stopped end as interrupted.
    pub fn open(folder: &Path, options: OpenOptions, clock: Arc<dyn Clock>) -> Result<SledStore> {
        SledStore::open_with_epoch(folder, options, clock, FIRST_EPOCH)
    }

    fn open_with_epoch(
        folder: &Path,
        options: OpenOptions,
        clock: Arc<dyn Clock>,
        epoch: u16,
    ) -> Result<SledStore> {
        let lock = Lock::take(folder)?;
        let platform = Arc::new(FolderPlatform::new(folder));
        let running = open::open(platform, options, clock, epoch)?;
        Ok(SledStore::running(running, Some(lock)))
    }

    /// Opens a store on something that simulates a folder.
    #[doc(hidden)]
    pub fn open_on(
        platform: Arc<dyn Platform>,
        options: OpenOptions,
        clock: Arc<dyn Clock>,
    ) -> Result<SledStore> {
        Ok(SledStore::running(
            open::open(platform, options, clock, FIRST_EPOCH)?,
            None,
        ))
    }

    fn running(running: Running, lock: Option<Lock>) -> Self {
        let Running {
            shared,
            queue,
            committer,
            builder,
        } = running;
        let threads = Mutex::new(Some(Threads {
            committer,
            builder,
            lock,
        }));
        SledStore {
            shared,
            queue,
            threads,
        }
    }

    /// Closes the store: flushes it and gives its folder free. Dropping it does the same,
    /// but says nothing of errors. Blocks.
    pub fn close(self) -> Result<()> {
        self.stop()
    }

    fn stop(&self) -> Result<()> {
        let Some(threads) = lock(&self.threads).take() else {
            return Ok(());
        };
        self.shared.begin_close();
        self.queue.stop();
        let panicked = |_| Err(Error::new(Code::Internal, "the store's thread panicked"));
        let result = threads.committer.join().unwrap_or_else(panicked);
        let _ = threads.builder.join();
        drop(threads.lock);
        result
    }

    /// Runs a read where it may block.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Shared) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (shared, time) = (self.shared.clone(), self.shared.options.read_time);
        if self.shared.reads.fetch_add(1, Ordering::Relaxed) % READS_PER_LOOK == READS_PER_LOOK - 1
        {
            self.queue.care_later(writer::Writer::trim);
        }
        let read = tokio::task::spawn_blocking(move || work(&shared));
        match tokio::time::timeout(time, read).await {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => Err(bytes::damaged(format!("a read panicked: {panic}"))),
            Err(_) => Err(bytes::damaged(format!(
                "a read did not end within {time:?}"
            ))),
        }
    }
}

impl Drop for SledStore {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            tracing::error!(%error, "closing the store");
        }
    }
}

#[async_trait]
impl Store for SledStore {
    async fn put_deployment(&self, deployment: Deployment) -> Result<()> {
        self.queue
            .write(move |writer| writer.put_deployment(&deployment))
            .await
    }

    async fn deployment(&self, digest: &Digest) -> Result<Option<Deployment>> {
        let digest = *digest;
        self.read(move |shared| shared.deployment(&digest)).await
    }

    async fn begin_run(&self, start: RunStart) -> Result<RunBegun> {
        self.queue
            .write(move |writer| writer.begin_run(start))
            .await
    }

    async fn finish_run(&self, fence: &RunFence, mut end: RunEnd) -> Result<RunRow> {
        let mut passes = Passes::default();
        loop {
            let fence = fence.clone();
            let step = move |writer: &mut writer::Writer| writer.finish_run(&fence, end, passes);
            match self.queue.write(step).await? {
                Finishing::Done(row) => return Ok(*row),
                Finishing::More(left) => (end, passes) = *left,
            }
        }
    }

    async fn run(&self, run: RunId) -> Result<Option<RunRow>> {
        self.read(move |shared| shared.run(run)).await
    }

    async fn runs(&self, query: RunQuery) -> Result<Vec<RunRow>> {
        self.read(move |shared| shared.runs(&query)).await
    }

    async fn append_log(&self, fence: &RunFence, lines: Vec<LogLine>) -> Result<()> {
        let fence = fence.clone();
        self.queue
            .write(move |writer| writer.append_log(&fence, &lines))
            .await
    }

    async fn run_log(&self, run: RunId) -> Result<Vec<LogLine>> {
        self.read(move |shared| shared.run_log(run)).await
    }

    async fn save(
        &self,
        fence: &RunFence,
        model: &ModelName,
        batch: RecordBatch,
        mode: SaveMode,
    ) -> Result<SaveSummary> {
        let (fence, model, batch) = (fence.clone(), model.clone(), Batch::new(batch));
        self.queue
            .write(move |writer| writer.save(&fence, &model, &batch, mode))
            .await
    }

    async fn delete(&self, fence: &RunFence, model: &ModelName, ids: Vec<Box<str>>) -> Result<u32> {
        let (fence, model) = (fence.clone(), model.clone());
        self.queue
            .write(move |writer| writer.delete(&fence, &model, &ids))
            .await
    }

    async fn get(&self, stream: &StreamKey, ids: &[Box<str>]) -> Result<Vec<Option<StoredRecord>>> {
        let (stream, ids) = (stream.clone(), ids.to_vec());
        self.read(move |shared| shared.get(&stream, &ids)).await
    }

    async fn changes(
        &self,
        stream: &StreamKey,
        after: Option<Cursor>,
        limit: usize,
        filter: ChangeFilter,
    ) -> Result<ChangePage> {
        let stream = stream.clone();
        self.read(move |shared| shared.changes(&stream, after, limit, filter))
            .await
    }

    fn follow(&self, stream: &StreamKey) -> watch::Receiver<()> {
        self.shared.news.follow(stream)
    }

    async fn stats(&self, stream: &StreamKey) -> Result<StreamStats> {
        let stream = stream.clone();
        self.read(move |shared| shared.stats(&stream)).await
    }

    async fn streams(&self, connection: Option<&ConnectionKey>) -> Result<Vec<StreamKey>> {
        Ok(self.shared.stream_keys(connection))
    }

    async fn open_pass(&self, fence: &RunFence, model: &ModelName, resumed: bool) -> Result<()> {
        let (fence, model) = (fence.clone(), model.clone());
        self.queue
            .write(move |writer| writer.open_pass(&fence, &model, resumed))
            .await
    }

    async fn spoil_pass(&self, fence: &RunFence, model: &ModelName, reason: &str) -> Result<()> {
        let (fence, model, reason) = (fence.clone(), model.clone(), reason.to_owned());
        self.queue
            .write(move |writer| writer.spoil_pass(&fence, &model, &reason))
            .await
    }

    async fn close_pass(
        &self,
        fence: &RunFence,
        model: &ModelName,
        guard: DeleteGuard,
    ) -> Result<PassEnd> {
        let mut progress = Progress::default();
        loop {
            let (fence, model) = (fence.clone(), model.clone());
            let step = move |writer: &mut writer::Writer| {
                writer.live(&fence)?;
                writer.needs_room()?;
                writer.close_pass(&fence, &model, guard, progress)
            };
            match self.queue.write(step).await? {
                Closing::Done(end) => return Ok(end),
                Closing::More(done) => progress = done,
            }
        }
    }

    async fn checkpoint(&self, key: &SyncKey) -> Result<Option<Checkpoint>> {
        let key = key.clone();
        self.read(move |shared| shared.checkpoint(&key)).await
    }

    async fn put_checkpoint(&self, fence: &RunFence, json: Option<String>) -> Result<u64> {
        let fence = fence.clone();
        self.queue
            .write(move |writer| writer.put_checkpoint(&fence, json))
            .await
    }

    async fn metadata(&self, connection: &ConnectionKey) -> Result<String> {
        let connection = connection.clone();
        self.read(move |shared| shared.metadata(&connection)).await
    }

    async fn put_metadata(
        &self,
        connection: &ConnectionKey,
        json: &str,
        merge: bool,
    ) -> Result<String> {
        let (connection, json) = (connection.clone(), json.to_owned());
        self.queue
            .write(move |writer| writer.put_metadata(&connection, &json, merge))
            .await
    }

    async fn reset(&self, key: &SyncKey, models: &[ModelName], what: Reset) -> Result<()> {
        let (key, models) = (key.clone(), models.to_vec());
        self.queue
            .write(move |writer| writer.reset(&key, &models, what))
            .await
    }

    async fn verify(&self) -> Result<VerifyReport> {
        let _pinned = Pinned::new(self.shared.clone());
        let mut report = VerifyReport::default();
        for number in self.shared.numbers() {
            let shared = self.shared.clone();
            let mut check = self
                .read(move |_| Check::new(&shared, number, report))
                .await?;
            let mut more = true;
            while more {
                (check, more) = self
                    .read(move |shared| {
                        let more = check.step(shared)?;
                        Ok((check, more))
                    })
                    .await?;
            }
            report = check.report;
        }
        Ok(report)
    }

    fn stored_bytes(&self, environment: &Environment) -> u64 {
        self.shared.stored_bytes(environment)
    }

    fn health(&self) -> Health {
        self.shared.health()
    }
}
