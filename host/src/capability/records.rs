//! `records`: what a sync saves. A batch is scanned and hashed as bytes, never as a tree
//! of values; the store classifies it and answers when it is durable.

use super::bindings::tidegate::sync::records as wit;
use super::seam::{Answer, Reply, text};
use super::{CALL_TIME, Context};
use crate::error::{Code, Error, Result};
use crate::limits::{BATCH_BYTES_MAX, CHANGE_PAGE_RECORDS_MAX, IDS_PER_CALL_MAX, MIB};
use crate::model::{
    Action, ChangeFilter, LogLevel, ModelName, SaveMode, SaveSummary, StoredRecord, json,
};
use crate::store::PassEnd;
use bytes::Bytes;
use serde_json::{Value, json};
use std::sync::Arc;

/// Ids that `track-deletes-end` hands to the guest at most: each is a string in its
/// memory, and the counts stand in the report.
const DELETED_IDS_ANSWERED_MAX: usize = 10_000;

/// What the host holds for each record of a batch beside its JSON while it saves it, in
/// bytes: where it lies, its hash and its id. A batch of tiny records holds more of that
/// than of JSON.
const RECORD_HELD_BYTES: u64 = 80;

impl Context {
    async fn save(
        &mut self,
        model: &str,
        body: Vec<u8>,
        mode: Option<SaveMode>,
    ) -> Result<wit::SaveSummary> {
        let name = self.manifest.model(model)?.0.clone();
        if body.len() > BATCH_BYTES_MAX {
            let message = format!(
                "a batch of {} bytes is over the limit of {BATCH_BYTES_MAX}; save it in parts",
                body.len()
            );
            return Err(Error::new(Code::InvalidArgument, message));
        }
        let bytes = body.len() as u64;
        let records = memchr::memchr_iter(b'\n', &body).count() as u64 + 1;
        let Some(_held) = self.memory.hold(bytes + records * RECORD_HELD_BYTES) else {
            return Err(self.out_of_memory("a batch", bytes));
        };
        let mode = mode.unwrap_or_else(|| self.strategies.get(&name).copied().unwrap_or_default());
        match self.scan_and_commit(&name, body, mode).await {
            Ok(summary) => {
                self.usage.saves += 1;
                self.leaving.saved();
                self.usage.saved_bytes += bytes;
                self.seam.trail().saved(bytes);
                self.observer.saved(&name, summary);
                Ok(wit::SaveSummary {
                    added: summary.added,
                    updated: summary.updated,
                    unchanged: summary.unchanged,
                })
            }
            Err(error) => {
                if self.open_passes.contains(&name) || self.manifest.track_deletes {
                    self.store
                        .spoil_pass(&self.fence, &name, &format!("a save was refused: {error}"))
                        .await?;
                }
                Err(error)
            }
        }
    }

    async fn scan_and_commit(
        &mut self,
        name: &ModelName,
        body: Vec<u8>,
        mode: SaveMode,
    ) -> Result<SaveSummary> {
        let rules = self.schemas.models.get(name).cloned().unwrap_or_default();
        let rules = match mode {
            SaveMode::Merge => Arc::new(rules.of_patches()),
            _ => rules,
        };
        let mut batch = json::scan(Bytes::from(body), &rules)?;
        self.misfit(name, std::mem::take(&mut batch.misfits));
        if let Some(id) = batch.duplicates.first() {
            let count = batch.duplicates.len();
            let warning = format!(
                "{count} ids of {name} stood more than once in a batch, such as `{}`; the last one was saved",
                id.escape_debug()
            );
            if self.warnings.insert(format!(
                "ids of {name} stood more than once in a batch; the last one was saved"
            )) {
                self.note(LogLevel::Warn, &warning);
            }
        }
        if batch.records.is_empty() {
            return Ok(SaveSummary::default());
        }
        self.has_room()?;
        self.flush_late_log().await?;
        self.store.save(&self.fence, name, batch, mode).await
    }

    /// Refuses a save once the environment's records take what they may. Checkpoints and
    /// deletes still go through, so that nothing that was fetched is fetched again.
    fn has_room(&self) -> Result<()> {
        let environment = &self.fence.key.connection.environment;
        let Some(most) = self.storage_bytes else {
            return Ok(());
        };
        let taken = self.store.stored_bytes(environment);
        if taken < most {
            return Ok(());
        }
        Err(Error::new(
            Code::LimitStorage,
            format!(
                "the records of environment `{environment}` take {} MiB of the {} MiB that it has; \
                 prune records, remove connections, or ask the operator for more",
                taken / MIB,
                most / MIB
            ),
        ))
    }

    /// The error for host memory that the run's cap has no room for.
    pub(super) fn out_of_memory(&self, what: &str, bytes: u64) -> Error {
        let (used, cap) = (self.memory.used(), self.memory.cap());
        Error::new(
            Code::LimitMemory,
            format!("{what} of {bytes} bytes does not fit: {used} of {cap} bytes are in use"),
        )
    }

    fn ids(&self, ids: Vec<String>) -> Result<Vec<Box<str>>> {
        if ids.len() > IDS_PER_CALL_MAX {
            let message = format!(
                "{} ids in one call are over the limit of {IDS_PER_CALL_MAX}; pass them in parts",
                ids.len()
            );
            return Err(Error::new(Code::InvalidArgument, message));
        }
        Ok(ids.into_iter().map(String::into_boxed_str).collect())
    }

    async fn get_records(&mut self, model: &str, ids: Vec<String>) -> Result<Vec<Option<String>>> {
        let name = self.manifest.model(model)?.0.clone();
        let ids = self.ids(ids)?;
        let found = self.store.get(&self.fence.key.stream(name), &ids).await?;
        let live = |record: StoredRecord| has_content(&record).then(|| as_text(&record));
        let records: Vec<_> = found
            .into_iter()
            .map(|record| record.and_then(live))
            .collect();
        self.fits(records.iter().flatten().map(String::len).sum())?;
        Ok(records)
    }

    async fn list_records(
        &mut self,
        model: &str,
        cursor: Option<String>,
        limit: u32,
    ) -> Result<wit::RecordPage> {
        let name = self.manifest.model(model)?.0.clone();
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        if !(1..=CHANGE_PAGE_RECORDS_MAX).contains(&limit) {
            let message =
                format!("a page of {limit} records is not within 1 to {CHANGE_PAGE_RECORDS_MAX}");
            return Err(Error::new(Code::InvalidArgument, message));
        }
        let after = cursor.map(|token| token.parse()).transpose()?;
        let live = ChangeFilter::of(&[Action::Added, Action::Updated]);
        let page = self
            .store
            .changes(&self.fence.key.stream(name), after, limit, live)
            .await?;
        let records: Vec<_> = page.changes.iter().map(as_text).collect();
        self.fits(records.iter().map(String::len).sum())?;
        Ok(wit::RecordPage {
            records,
            next: page.more.then(|| page.cursor.to_string()),
        })
    }

    /// Whether bytes on their way to the guest fit beside what it holds.
    fn fits(&self, bytes: usize) -> Result<()> {
        match self.memory.hold(bytes as u64) {
            Some(_held) => Ok(()),
            None => Err(self.out_of_memory("a page of records", bytes as u64)),
        }
    }

    async fn start_pass(&mut self, model: &str) -> Result<()> {
        let name = self.manifest.model(model)?.0.clone();
        self.store
            .open_pass(&self.fence, &name, self.facts.resumed)
            .await?;
        self.open_passes.insert(name);
        Ok(())
    }

    async fn end_pass(&mut self, model: &str) -> Result<Vec<String>> {
        let name = self.manifest.model(model)?.0.clone();
        let end = self
            .store
            .close_pass(&self.fence, &name, self.guard)
            .await?;
        self.open_passes.remove(&name);
        match end {
            PassEnd::Deleted(ids) => Ok(ids
                .into_iter()
                .take(DELETED_IDS_ANSWERED_MAX)
                .map(String::from)
                .collect()),
            PassEnd::Held(blocked) => {
                self.note(
                    LogLevel::Warn,
                    &format!("the delete pass over {name} was held: {}", blocked.reason),
                );
                self.blocked_deletes.push(blocked);
                Ok(Vec::new())
            }
            PassEnd::NotOpen => Err(Error::new(
                Code::InvalidArgument,
                format!("no delete pass over {name} is open; call track-deletes-start first"),
            )),
        }
    }
}

/// Whether there is anything to hand to a guest: of a record that was deleted or pruned
/// there is not.
fn has_content(record: &StoredRecord) -> bool {
    record.action != Action::Deleted && record.pruned.is_none()
}

/// A stored record's JSON as text; the scanner let only UTF-8 in.
fn as_text(record: &StoredRecord) -> String {
    String::from_utf8_lossy(&record.body).into_owned()
}

impl Reply for wit::SaveSummary {
    fn show(&self) -> Value {
        json!({ "added": self.added, "updated": self.updated, "unchanged": self.unchanged })
    }
}

impl Reply for wit::RecordPage {
    fn show(&self) -> Value {
        json!({ "records": self.records, "next": self.next })
    }
}

impl Context {
    async fn save_through(
        &mut self,
        import: &'static str,
        model: String,
        body: Vec<u8>,
        mode: Option<SaveMode>,
    ) -> Answer<wit::SaveSummary> {
        let shown = self.seam.is_tapped().then(|| text(&body));
        let arguments = || json!({ "model": model, "records": shown });
        self.through(
            import,
            &model,
            arguments,
            Some(CALL_TIME),
            async |context| context.save(&model, body, mode).await,
        )
        .await
    }
}

impl wit::Host for Context {
    async fn batch_save(&mut self, model: String, records: Vec<u8>) -> Answer<wit::SaveSummary> {
        self.save_through("records.batch-save", model, records, None)
            .await
    }

    async fn batch_save_text(
        &mut self,
        model: String,
        records: String,
    ) -> Answer<wit::SaveSummary> {
        self.save_through("records.batch-save-text", model, records.into_bytes(), None)
            .await
    }

    async fn batch_update(&mut self, model: String, records: Vec<u8>) -> Answer<wit::SaveSummary> {
        self.save_through(
            "records.batch-update",
            model,
            records,
            Some(SaveMode::Merge),
        )
        .await
    }

    async fn batch_update_text(
        &mut self,
        model: String,
        records: String,
    ) -> Answer<wit::SaveSummary> {
        self.save_through(
            "records.batch-update-text",
            model,
            records.into_bytes(),
            Some(SaveMode::Merge),
        )
        .await
    }

    async fn batch_delete(&mut self, model: String, ids: Vec<String>) -> Answer<u32> {
        let arguments = || json!({ "model": model, "ids": ids });
        let work = async |context: &mut Self| {
            let name = context.manifest.model(&model)?.0.clone();
            let ids = context.ids(ids.clone())?;
            context.leaving.saved();
            context.store.delete(&context.fence, &name, ids).await
        };
        self.through(
            "records.batch-delete",
            &model,
            arguments,
            Some(CALL_TIME),
            work,
        )
        .await
    }

    async fn get(&mut self, model: String, ids: Vec<String>) -> Answer<Vec<Option<String>>> {
        let arguments = || json!({ "model": model, "ids": ids });
        let work = async |context: &mut Self| context.get_records(&model, ids.clone()).await;
        self.through("records.get", &model, arguments, Some(CALL_TIME), work)
            .await
    }

    async fn list(
        &mut self,
        model: String,
        cursor: Option<String>,
        limit: u32,
    ) -> Answer<wit::RecordPage> {
        let arguments = || json!({ "model": model, "cursor": cursor, "limit": limit });
        let work =
            async |context: &mut Self| context.list_records(&model, cursor.clone(), limit).await;
        self.through("records.list", &model, arguments, Some(CALL_TIME), work)
            .await
    }

    async fn track_deletes_start(&mut self, model: String) -> Answer<()> {
        let arguments = || json!({ "model": model });
        let work = async |context: &mut Self| context.start_pass(&model).await;
        self.through(
            "records.track-deletes-start",
            &model,
            arguments,
            Some(CALL_TIME),
            work,
        )
        .await
    }

    async fn track_deletes_end(&mut self, model: String) -> Answer<Vec<String>> {
        let arguments = || json!({ "model": model });
        let work = async |context: &mut Self| context.end_pass(&model).await;
        self.through("records.track-deletes-end", &model, arguments, None, work)
            .await
    }

    async fn set_merging_strategy(
        &mut self,
        model: String,
        strategy: wit::MergingStrategy,
    ) -> Answer<()> {
        let mode = match strategy {
            wit::MergingStrategy::Override => SaveMode::Override,
            wit::MergingStrategy::IgnoreIfModifiedAfterStart => {
                SaveMode::IgnoreIfModifiedAfterStart
            }
        };
        let arguments = || json!({ "model": model, "strategy": mode });
        let work = |context: &mut Self| {
            let name = context.manifest.model(&model)?.0.clone();
            context.strategies.insert(name, mode);
            Ok(())
        };
        self.through_now("records.set-merging-strategy", &model, arguments, work)
    }
}
