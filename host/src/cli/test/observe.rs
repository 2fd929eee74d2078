//! What a run saved and deleted, read off its host calls and the store.

use super::compare::{Ids, Records};
use super::nango::id_of;
use crate::capability::seam::{Call, Tap};
use crate::error::{Error, Result};
use crate::limits::CHANGE_PAGE_RECORDS_MAX;
use crate::model::{Action, ChangeFilter, Cursor, Manifest, ModelName, SyncKey};
use crate::store::Store;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Keeps what a run passes to `records`.
#[derive(Default)]
pub(super) struct Passed(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    saved: Records,
    deleted: Ids,
}

impl Passed {
    /// The records that were passed, in their order.
    pub(super) fn saved(&self) -> Records {
        self.lock().saved.clone()
    }

    /// The ids that were passed to be deleted.
    pub(super) fn deleted(&self) -> Ids {
        self.lock().deleted.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tap for Passed {
    fn before(&self, _: &Call) -> Result<()> {
        Ok(())
    }

    /// Only what the host took counts: a batch that was refused saved nothing.
    fn after(&self, call: &Call, answer: Result<&Value, &Error>) {
        if answer.is_err() {
            return;
        }
        let model = call.arguments["model"].as_str().unwrap_or_default();
        match call.import {
            "records.batch-save"
            | "records.batch-save-text"
            | "records.batch-update"
            | "records.batch-update-text" => {
                let lines = call.arguments["records"].as_str().unwrap_or_default();
                let records = lines
                    .lines()
                    .filter_map(|line| serde_json::from_str(line).ok());
                let mut kept = self.lock();
                kept.saved
                    .entry(model.to_owned())
                    .or_default()
                    .extend(records);
            }
            "records.batch-delete" => {
                let ids = call.arguments["ids"].as_array().into_iter().flatten();
                let ids = ids.filter_map(|id| id.as_str().map(str::to_owned));
                let mut kept = self.lock();
                kept.deleted
                    .entry(model.to_owned())
                    .or_default()
                    .extend(ids);
            }
            _ => {}
        }
    }
}

/// Where the feed of each model stood.
pub(super) struct Mark(BTreeMap<ModelName, Cursor>);

impl Mark {
    /// Where it stands now.
    pub(super) async fn now(store: &dyn Store, key: &SyncKey, manifest: &Manifest) -> Result<Self> {
        let mut cursors = BTreeMap::new();
        for model in manifest.models.keys() {
            let mut after = None;
            loop {
                let stream = key.stream(model.clone());
                let page = store
                    .changes(&stream, after, CHANGE_PAGE_RECORDS_MAX, ChangeFilter::ALL)
                    .await?;
                after = Some(page.cursor);
                if !page.more {
                    break;
                }
            }
            cursors.extend(after.map(|cursor| (model.clone(), cursor)));
        }
        Ok(Mark(cursors))
    }

    /// The ids that were deleted since, in the order of the feed; models without are
    /// missing.
    pub(super) async fn deleted(&self, store: &dyn Store, key: &SyncKey) -> Result<Ids> {
        let mut found = Ids::new();
        for (model, cursor) in &self.0 {
            let (stream, mut after) = (key.stream(model.clone()), *cursor);
            loop {
                let filter = ChangeFilter::of(&[Action::Deleted]);
                let page = store
                    .changes(&stream, Some(after), CHANGE_PAGE_RECORDS_MAX, filter)
                    .await?;
                let ids = page.changes.iter().map(|record| record.id.to_string());
                let ids: Vec<String> = ids.collect();
                if !ids.is_empty() {
                    found.entry(model.to_string()).or_default().extend(ids);
                }
                after = page.cursor;
                if !page.more {
                    break;
                }
            }
        }
        Ok(found)
    }
}

/// The records that a run passed, as they stand in the store after it; those that it
/// deleted again are left out.
pub(super) async fn saved(
    store: &dyn Store,
    key: &SyncKey,
    manifest: &Manifest,
    passed: &Passed,
) -> Result<Records> {
    let mut found = Records::new();
    for (model, records) in passed.saved() {
        let (name, _) = manifest.model(&model)?;
        let mut ids: Vec<Box<str>> = Vec::new();
        let mut seen = std::collections::BTreeSet::new();
        for id in records.iter().map(id_of) {
            if seen.insert(id.clone()) {
                ids.push(id.into());
            }
        }
        let stored = store.get(&key.stream(name.clone()), &ids).await?;
        let live = stored.into_iter().flatten();
        let live = live.filter(|record| record.action != Action::Deleted);
        let records: Vec<Value> = live
            .filter_map(|record| serde_json::from_slice(&record.body).ok())
            .collect();
        if !records.is_empty() {
            found.insert(model, records);
        }
    }
    Ok(found)
}
