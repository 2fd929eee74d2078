//! Saving and deleting records.

use super::block::Block;
use super::index::{Entry, IdHash, id_hash};
use super::prune::Content;
use super::stream::{NewRow, missing};
use super::writer::Writer;
use crate::error::Result;
use crate::model::{
    Action, Classified, ContentHash, ModelName, RecordBatch, RecordSpan, SaveMode, SaveSummary,
    classify, json,
};
use crate::store::RunFence;
use crate::store::retention::nothing_to_merge_with;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

/// A batch with the hashes of its ids, which the caller's thread works out.
pub(super) struct Batch {
    batch: RecordBatch,
    keys: Vec<IdHash>,
}

impl Batch {
    pub(super) fn new(batch: RecordBatch) -> Self {
        let keys = batch
            .records
            .iter()
            .map(|record| id_hash(&record.id))
            .collect();
        Batch { batch, keys }
    }
}

/// What a save will write for one record.
struct Plan<'a> {
    span: &'a RecordSpan,
    key: IdHash,
    before: Option<Entry>,
    action: Action,
    hash: ContentHash,
    body: Cow<'a, [u8]>,
}

impl Writer {
    /// Saves a batch.
    pub(super) fn save(
        &mut self,
        fence: &RunFence,
        model: &ModelName,
        batch: &Batch,
        mode: SaveMode,
    ) -> Result<SaveSummary> {
        self.live(fence)?;
        self.needs_room()?;
        let stream = fence.key.stream(model.clone());
        let known = self.known_stream(&stream);
        let (number, before) = match known {
            Some(number) => (number, self.find(number, &batch.keys)?),
            None => (0, vec![None; batch.keys.len()]),
        };
        let places = before.iter().flatten().map(|entry| entry.sequence);
        let pruned = match known {
            Some(number) => self.pruned_among(number, places)?,
            None => HashSet::new(),
        };
        let is_pruned =
            |entry: Option<Entry>| entry.is_some_and(|entry| pruned.contains(&entry.sequence));
        let mut summary = SaveSummary::default();
        let (mut plans, mut back) = (Vec::new(), BTreeMap::new());
        let mut seen = Vec::with_capacity(before.len());
        let spans = batch.batch.records.iter().zip(&batch.keys).zip(before);
        for ((span, key), before) in spans {
            let (hash, body) = match (mode, before) {
                (SaveMode::Merge, Some(entry)) if entry.live => {
                    if is_pruned(before) {
                        return Err(nothing_to_merge_with(model, &span.id));
                    }
                    let old = self.body_of(number, entry.sequence)?;
                    let patch = batch.batch.json(span);
                    let (body, hash) = json::merge(&old, patch, &batch.batch.rules)?;
                    (hash, Cow::Owned(body))
                }
                (SaveMode::Merge, _) => continue,
                _ => (span.hash, Cow::Borrowed(batch.batch.json(span))),
            };
            let keep = mode == SaveMode::IgnoreIfModifiedAfterStart
                && self.changed_by_another(fence, number, before)?;
            let now = match keep {
                true => Classified::Unchanged,
                false => classify(before.map(|entry| (action_of(entry), entry.hash)), hash),
            };
            let action = match now {
                Classified::Unchanged => {
                    summary.unchanged += 1;
                    let before = before.into_iter();
                    seen.extend(before.clone().map(|entry| entry.sequence));
                    let same = before.filter(|entry| entry.hash == hash && is_pruned(Some(*entry)));
                    let content = Content::Back(batch.batch.json(span));
                    back.extend(same.map(|entry| (entry.sequence, content)));
                    continue;
                }
                Classified::Added => Action::Added,
                Classified::Updated => Action::Updated,
            };
            match action {
                Action::Added => summary.added += 1,
                _ => summary.updated += 1,
            }
            plans.push(Plan {
                span,
                key: *key,
                before,
                action,
                hash,
                body,
            });
        }
        if !back.is_empty() {
            self.rewrite(number, &back)?;
        }
        let now = self.stage.now;
        let rows: Vec<NewRow<'_>> = plans.iter().map(|plan| plan.row(now)).collect();
        if !rows.is_empty() {
            let number = self.stream_number(&stream);
            seen.extend(self.append(number, fence.run, &rows)?);
        }
        self.mark_seen(fence, model, seen);
        let counts = self.live(fence)?.counts_of(model);
        counts.added += u64::from(summary.added);
        counts.updated += u64::from(summary.updated);
        counts.unchanged += u64::from(summary.unchanged);
        self.put_counts(fence, model)?;
        Ok(summary)
    }

    /// Deletes the live ones of `ids`.
    pub(super) fn delete(
        &mut self,
        fence: &RunFence,
        model: &ModelName,
        ids: &[Box<str>],
    ) -> Result<u32> {
        self.live(fence)?;
        self.needs_room()?;
        let mut once = HashSet::new();
        let keys: Vec<IdHash> = ids
            .iter()
            .map(|id| id_hash(id))
            .filter(|key| once.insert(*key))
            .collect();
        let Some(number) = self.known_stream(&fence.key.stream(model.clone())) else {
            return Ok(0);
        };
        let entries = self.find(number, &keys)?;
        let live = entries.into_iter().flatten().filter(|entry| entry.live);
        let sequences: Vec<u64> = live.map(|entry| entry.sequence).collect();
        let deleted = self.bury(number, fence, &sequences)?.len();
        if deleted > 0 {
            self.live(fence)?.counts_of(model).deleted += deleted as u64;
            self.put_counts(fence, model)?;
        }
        Ok(deleted as u32)
    }

    /// Appends tombstones for the records at these places, in the given order; answers
    /// their ids.
    pub(super) fn bury(
        &mut self,
        number: u32,
        fence: &RunFence,
        sequences: &[u64],
    ) -> Result<Vec<Box<str>>> {
        let mut blocks: Vec<Block> = Vec::new();
        let mut at: Vec<(usize, usize)> = Vec::with_capacity(sequences.len());
        for sequence in sequences {
            let held = |block: &Block| {
                block
                    .slots
                    .binary_search_by_key(sequence, |slot| slot.sequence)
                    .ok()
            };
            // Neighbours lie in one block, so that the last one usually fits.
            let place = match blocks.last().and_then(held) {
                Some(slot) => (blocks.len() - 1, slot),
                None => {
                    let block = self.block_at(number, *sequence)?;
                    let block = block.ok_or_else(|| missing(number, *sequence))?;
                    let slot = held(&block).ok_or_else(|| missing(number, *sequence))?;
                    blocks.push(block);
                    (blocks.len() - 1, slot)
                }
            };
            at.push(place);
        }
        let old = at.iter().filter_map(|(block, slot)| {
            let block = blocks.get(*block)?;
            Some(block.row(block.slots.get(*slot)?))
        });
        let rows: Vec<NewRow<'_>> = old
            .map(|row| NewRow {
                id: row.id,
                key: id_hash(row.id),
                hash: row.hash,
                action: Action::Deleted,
                first_seen: row.first_seen,
                before: row.sequence,
                pruned: row.pruned,
                body: row.body,
            })
            .collect();
        self.append(number, fence.run, &rows)?;
        Ok(rows.iter().map(|row| row.id.into()).collect())
    }

    fn body_of(&self, number: u32, sequence: u64) -> Result<Vec<u8>> {
        let block = self.block_at(number, sequence)?;
        let body = block.as_ref().and_then(|block| {
            let slot = block.slot(sequence)?;
            Some(block.body(slot).to_vec())
        });
        body.ok_or_else(|| missing(number, sequence))
    }

    /// Whether another run changed the record since the fence's run began.
    fn changed_by_another(
        &mut self,
        fence: &RunFence,
        number: u32,
        before: Option<Entry>,
    ) -> Result<bool> {
        let Some(entry) = before else {
            return Ok(false);
        };
        let began = self.live(fence)?.began;
        let block = self.block_at(number, entry.sequence)?;
        let block = block.ok_or_else(|| missing(number, entry.sequence))?;
        Ok(block.header.run != fence.run && block.header.commit > began)
    }
}

impl Plan<'_> {
    fn row(&self, now: i64) -> NewRow<'_> {
        let first_seen = match (self.action, self.before) {
            (Action::Updated, Some(entry)) => entry.first_seen,
            _ => now,
        };
        NewRow {
            id: &self.span.id,
            key: self.key,
            hash: self.hash,
            action: self.action,
            first_seen,
            before: self.before.map_or(0, |entry| entry.sequence),
            pruned: 0,
            body: &self.body,
        }
    }
}

/// The change rule only asks whether a record is deleted.
fn action_of(entry: Entry) -> Action {
    match entry.live {
        true => Action::Updated,
        false => Action::Deleted,
    }
}
