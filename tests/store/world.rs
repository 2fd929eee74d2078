//! What the rows speak in: a store, a clock that stands still until it is turned, and
//! short words for the steps of a run.

use async_trait::async_trait;
use jiff::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tidegate::clock::{Clock, ManualClock};
use tidegate::error::{Code, Error, Result};
use tidegate::model::json::{self, RecordRules};
use tidegate::model::{
    Action, Change, ChangeFilter, ChangePage, ConnectionKey, Cursor, Digest, ModelName, Outcome,
    RecordBatch, RunId, RunRow, SaveMode, SaveSummary, StoredRecord, StreamKey, SyncKey, SyncName,
    Trigger, Variant,
};
use tidegate::store::{
    DeleteGuard, PassEnd, Reset, RunBegun, RunEnd, RunFence, RunStart, ServiceStore, Store,
    StreamStats,
};

/// The model that most rows save.
pub const MODEL: &str = "Contact";

/// Makes the store of one row, and opens it again where it persists.
#[async_trait]
pub trait Factory: Send + std::marker::Sync {
    /// Opens the row's store; a second time finds what the first has left. The caller
    /// has dropped the one before.
    async fn open(&self, clock: Arc<ManualClock>) -> Arc<dyn ServiceStore>;

    /// Whether a run that was live when the store was dropped is live no more.
    fn restarts(&self) -> bool;
}

/// One row's world.
pub struct World {
    clock: Arc<ManualClock>,
    factory: Box<dyn Factory>,
    store: Option<Arc<dyn ServiceStore>>,
    runs: AtomicU64,
}

impl World {
    pub async fn new(factory: Box<dyn Factory>) -> Self {
        let start = "2026-01-31T12:00:00Z".parse().unwrap();
        let clock = Arc::new(ManualClock::new(start));
        let store = Some(factory.open(clock.clone()).await);
        World {
            clock,
            factory,
            store,
            runs: 0.into(),
        }
    }

    pub fn store(&self) -> &dyn Store {
        self.service()
    }

    /// The store with what a host that serves asks of it.
    pub fn service(&self) -> &dyn ServiceStore {
        &**self.store.as_ref().unwrap()
    }

    /// Closes the store and opens it again; nothing happens to one that does not persist.
    pub async fn reopen(&mut self) {
        self.store = None;
        self.store = Some(self.factory.open(self.clock.clone()).await);
    }

    pub fn restarts(&self) -> bool {
        self.factory.restarts()
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Lets a second pass.
    pub fn tick(&self) {
        self.clock.advance(Duration::from_secs(1));
    }

    // ---- runs ------------------------------------------------------------------------

    pub async fn try_begin(&self, key: &SyncKey) -> Result<(RunFence, RunBegun)> {
        self.tick();
        let now = self.now();
        let nth = self.runs.fetch_add(1, Ordering::Relaxed);
        let run = RunId::new(now.as_millisecond() as u64, nth.into());
        let start = RunStart {
            run,
            key: key.clone(),
            digest: Digest::of(b"component"),
            version: "1.2.3".into(),
            trigger: Trigger::Manual,
            started: now,
            memory_cap_bytes: 7,
        };
        let begun = self.store().begin_run(start).await?;
        let key = key.clone();
        Ok((RunFence { run, key }, begun))
    }

    /// Begins a run of `sync` on the one connection.
    pub async fn begin(&self, sync: &str) -> RunFence {
        self.try_begin(&key(sync)).await.unwrap().0
    }

    /// Ends a run without delete passes.
    pub async fn end(&self, fence: &RunFence, outcome: Outcome) -> RunRow {
        self.end_closing(fence, outcome, &[], DeleteGuard::OFF)
            .await
    }

    /// Ends a run, and with it the passes of `models`.
    pub async fn end_closing(
        &self,
        fence: &RunFence,
        outcome: Outcome,
        models: &[&str],
        guard: DeleteGuard,
    ) -> RunRow {
        self.tick();
        let mut end = ending(outcome, self.now());
        end.close_passes = models.iter().map(|name| model(name)).collect();
        end.guard = guard;
        self.store().finish_run(fence, end).await.unwrap()
    }

    // ---- records ---------------------------------------------------------------------

    pub async fn try_save(
        &self,
        fence: &RunFence,
        name: &str,
        ndjson: &str,
        mode: SaveMode,
    ) -> Result<SaveSummary> {
        self.tick();
        let batch = batch(ndjson, &[]);
        self.store().save(fence, &model(name), batch, mode).await
    }

    /// Saves the records of [`MODEL`] with these ids, each with the content `content`;
    /// answers (added, updated, unchanged).
    pub async fn save(&self, fence: &RunFence, ids: &[&str], content: u32) -> (u32, u32, u32) {
        let ndjson = lines(ids, content);
        let summary = self.try_save(fence, MODEL, &ndjson, SaveMode::Override);
        counts(summary.await.unwrap())
    }

    /// Deletes records of [`MODEL`]; answers how many there were.
    pub async fn delete(&self, fence: &RunFence, ids: &[&str]) -> u32 {
        self.tick();
        let model = model(MODEL);
        let deleted = self.store().delete(fence, &model, boxed(ids));
        deleted.await.unwrap()
    }

    pub async fn open_pass(&self, fence: &RunFence, resumed: bool) {
        let model = model(MODEL);
        let opened = self.store().open_pass(fence, &model, resumed);
        opened.await.unwrap();
    }

    pub async fn close_pass(&self, fence: &RunFence, guard: DeleteGuard) -> PassEnd {
        self.tick();
        let model = model(MODEL);
        let closed = self.store().close_pass(fence, &model, guard);
        closed.await.unwrap()
    }

    pub async fn checkpoint(&self, fence: &RunFence, json: &str) -> u64 {
        let put = self.store().put_checkpoint(fence, Some(json.to_owned()));
        put.await.unwrap()
    }

    // ---- reading ---------------------------------------------------------------------

    /// The whole feed of `stream`, read in pages of `limit`. Each page keeps to its
    /// limit, and asking on always gets further.
    pub async fn feed_of(
        &self,
        stream: &StreamKey,
        limit: usize,
        filter: ChangeFilter,
    ) -> Vec<Change> {
        let (mut all, mut cursor) = (Vec::new(), None);
        loop {
            let page = self.store().changes(stream, cursor, limit, filter);
            let page = page.await.unwrap();
            assert!(page.changes.len() <= limit, "a page of {limit} is longer");
            let at = cursor.map_or(0, |cursor| cursor.sequence);
            assert!(!page.more || page.cursor.sequence > at, "stuck at {at}");
            all.extend(page.changes);
            cursor = Some(page.cursor);
            if !page.more {
                return all;
            }
        }
    }

    /// The feed of [`MODEL`].
    pub async fn feed(&self) -> Vec<Change> {
        self.feed_of(&stream(MODEL), 100, ChangeFilter::ALL).await
    }

    /// The feed of [`MODEL`] as words, such as `a ADDED 1`.
    pub async fn feed_words(&self) -> Vec<String> {
        self.feed().await.iter().map(words).collect()
    }

    /// A page of at most nine changes of a model, after `cursor`.
    pub async fn page(&self, name: &str, cursor: Option<Cursor>) -> Result<ChangePage> {
        let (stream, all) = (stream(name), ChangeFilter::ALL);
        self.store().changes(&stream, cursor, 9, all).await
    }

    /// Records of [`MODEL`].
    pub async fn get(&self, ids: &[&str]) -> Vec<Option<StoredRecord>> {
        let (stream, ids) = (stream(MODEL), boxed(ids));
        self.store().get(&stream, &ids).await.unwrap()
    }

    /// Resets a sync of the one connection.
    pub async fn reset(&self, sync: &str, names: &[&str], what: Reset) -> Result<()> {
        let names: Vec<ModelName> = names.iter().map(|name| model(name)).collect();
        self.store().reset(&key(sync), &names, what).await
    }

    pub async fn stats(&self) -> StreamStats {
        self.store().stats(&stream(MODEL)).await.unwrap()
    }
}

/// A sync on the one connection.
pub fn key(sync: &str) -> SyncKey {
    SyncKey {
        connection: connection("acme"),
        sync: SyncName::new(sync).unwrap(),
        variant: Variant::base(),
    }
}

pub fn connection(id: &str) -> ConnectionKey {
    ConnectionKey::new("prod", "github", id).unwrap()
}

pub fn model(name: &str) -> ModelName {
    ModelName::new(name).unwrap()
}

/// The stream of a model on the one connection.
pub fn stream(name: &str) -> StreamKey {
    key("any").stream(model(name))
}

pub fn boxed(ids: &[&str]) -> Vec<Box<str>> {
    ids.iter().map(|id| Box::from(*id)).collect()
}

/// NDJSON of records with these ids and one content.
pub fn lines(ids: &[&str], content: u32) -> String {
    ids.iter()
        .map(|id| format!("{{\"id\":\"{id}\",\"v\":{content}}}\n"))
        .collect()
}

pub fn batch(ndjson: &str, ignore: &[&str]) -> RecordBatch {
    let rules = Arc::new(RecordRules::ignoring(ignore.iter().copied()));
    json::scan(ndjson.to_owned().into(), &rules).unwrap()
}

pub fn counts(summary: SaveSummary) -> (u32, u32, u32) {
    (summary.added, summary.updated, summary.unchanged)
}

/// A change in words: id, action and the content that [`lines`] gave it.
pub fn words(change: &Change) -> String {
    let body: serde_json::Value = serde_json::from_slice(&change.body).unwrap();
    let action = match change.action {
        Action::Added => "ADDED",
        Action::Updated => "UPDATED",
        Action::Deleted => "DELETED",
    };
    format!("{} {action} {}", change.id, body["v"])
}

pub fn interrupted() -> Outcome {
    let error = Error::new(Code::RunInterrupted, "past its soft time limit");
    Outcome::Interrupted { error }
}

/// One that ended before a long wait.
pub fn left() -> Outcome {
    let error = Error::new(Code::RunInterrupted, "waiting for the provider").retry_after(90_000);
    Outcome::Interrupted { error }
}

pub fn failed() -> Outcome {
    let error = Error::new(Code::GuestTrap, "unreachable");
    Outcome::Failed { error }
}

pub fn cancelled() -> Outcome {
    let error = Error::new(Code::RunCancelled, "asked to stop");
    Outcome::Cancelled { error }
}

/// What ends a run that has nothing more to say.
pub fn ending(outcome: Outcome, ended: Timestamp) -> RunEnd {
    RunEnd::new(outcome, ended)
}

/// The code of what must have failed.
#[track_caller]
pub fn code<T>(result: Result<T>) -> Code {
    match result {
        Ok(_) => panic!("went well, but should have failed"),
        Err(error) => error.code,
    }
}
