//! One stream in memory: its records by id, and its feed as a map from sequence to id.
//!
//! A change takes the next sequence and drops the record's former place in the feed, so
//! the feed holds each record once, at its latest state.

use crate::error::Result;
use crate::limits::{CHANGE_PAGE_BYTES_MAX, CHANGE_PAGE_RECORDS_MAX};
use crate::model::{
    Action, Change, ChangeFilter, Classified, ContentHash, ModelName, PRUNED, RecordBatch,
    RecordSpan, RunId, SaveMode, SaveSummary, StoredRecord, classify, json,
};
use crate::store::retention::nothing_to_merge_with;
use crate::store::{Pruned, StreamStats};
use bytes::Bytes;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// Who writes, and when.
#[derive(Clone, Copy)]
pub(super) struct Writer {
    /// The live run.
    pub(super) run: RunId,
    /// The number of the commit that began it.
    pub(super) began: u64,
    /// The number of this commit.
    pub(super) commit: u64,
    /// The time of this commit.
    pub(super) now: Timestamp,
}

/// The records of a model on a connection.
pub(super) struct Stream {
    /// The stream's number in cursors, from 1.
    pub(super) number: u32,
    last_sequence: u64,
    rows: BTreeMap<Box<str>, Row>,
    feed: BTreeMap<u64, Box<str>>,
}

/// A record and what decides on its next change.
struct Row {
    record: StoredRecord,
    hash: ContentHash,
    /// The run and the commit that changed it last.
    by: RunId,
    commit: u64,
}

impl Row {
    fn is_live(&self) -> bool {
        self.record.action != Action::Deleted
    }
}

/// What a save will do to one record.
struct Plan<'a> {
    id: &'a str,
    what: Classified,
    body: Bytes,
    hash: ContentHash,
}

impl Stream {
    /// An empty stream.
    pub(super) fn new(number: u32) -> Self {
        Stream {
            number,
            last_sequence: 0,
            rows: BTreeMap::new(),
            feed: BTreeMap::new(),
        }
    }

    /// Saves a batch, whole or (if a merge is refused) not at all.
    pub(super) fn save(
        &mut self,
        model: &ModelName,
        batch: &RecordBatch,
        mode: SaveMode,
        writer: Writer,
    ) -> Result<SaveSummary> {
        let plan = |span| {
            if mode == SaveMode::Merge && self.is_pruned(span) {
                return Err(nothing_to_merge_with(model, &span.id));
            }
            self.plan(batch, span, mode, writer)
        };
        let plans: Vec<Option<Plan>> = batch.records.iter().map(plan).collect::<Result<_>>()?;
        let mut summary = SaveSummary::default();
        for plan in plans.into_iter().flatten() {
            match plan.what {
                Classified::Added => summary.added += 1,
                Classified::Updated => summary.updated += 1,
                Classified::Unchanged => summary.unchanged += 1,
            }
            self.apply(plan, writer);
        }
        Ok(summary)
    }

    /// Deletes the live ones of `ids`, in their order; answers how many there were.
    pub(super) fn delete(&mut self, ids: &[Box<str>], writer: Writer) -> u32 {
        let mut deleted = 0;
        for id in ids {
            let Some(row) = self.rows.get(id).filter(|row| row.is_live()) else {
                continue;
            };
            let (mut record, hash) = (row.record.clone(), row.hash);
            record.action = Action::Deleted;
            record.modified = writer.now;
            record.deleted = Some(writer.now);
            self.put(record, hash, writer);
            deleted += 1;
        }
        deleted
    }

    /// Takes the content of the oldest records away that are in place by `through` and did
    /// not change since `since`; at most `limit` of them.
    pub(super) fn prune(
        &mut self,
        through: u64,
        since: Option<Timestamp>,
        limit: usize,
        now: Timestamp,
    ) -> Pruned {
        let mut wanted: Vec<Box<str>> = self
            .feed
            .range(..=through)
            .filter_map(|(_, id)| self.rows.get(id))
            .map(|row| &row.record)
            .filter(|record| record.pruned.is_none())
            .take_while(|record| since.is_none_or(|since| record.modified < since))
            .map(|record| record.id.clone())
            .take(limit.saturating_add(1))
            .collect();
        let more = wanted.len() > limit;
        wanted.truncate(limit);
        for id in &wanted {
            if let Some(row) = self.rows.get_mut(id) {
                row.record.body = Bytes::from_static(PRUNED);
                row.record.pruned = Some(now);
            }
        }
        Pruned {
            count: wanted.len() as u64,
            more,
        }
    }

    /// Bytes of the contents there are.
    pub(super) fn bytes(&self) -> u64 {
        let bodies = self.rows.values().map(|row| row.record.body.len() as u64);
        bodies.sum()
    }

    /// Drops every record without a trace. Sequences go on, so that no cursor that an
    /// app holds points into the future.
    pub(super) fn clear(&mut self) {
        self.rows.clear();
        self.feed.clear();
    }

    /// A record, deleted or not.
    pub(super) fn get(&self, id: &str) -> Option<&StoredRecord> {
        self.rows.get(id).map(|row| &row.record)
    }

    /// Whether a record is there and not deleted.
    pub(super) fn is_live(&self, id: &str) -> bool {
        self.rows.get(id).is_some_and(Row::is_live)
    }

    /// Ids of the live records, in the order they last changed.
    pub(super) fn live(&self) -> impl Iterator<Item = &Box<str>> {
        self.feed.values().filter(|id| self.is_live(id))
    }

    /// The changes after `sequence`, the last sequence that was looked at for them, and
    /// whether there is more behind that.
    pub(super) fn changes(
        &self,
        sequence: u64,
        limit: usize,
        filter: ChangeFilter,
    ) -> (Vec<Change>, u64, bool) {
        let limit = limit.min(CHANGE_PAGE_RECORDS_MAX);
        let (mut page, mut bytes, mut looked_at): (Vec<Change>, usize, u64) = (vec![], 0, sequence);
        for (next, id) in self.feed.range(sequence.saturating_add(1)..) {
            let change = self.get(id).filter(|change| filter.admits(change.action));
            if let Some(change) = change {
                bytes = bytes.saturating_add(change.body.len());
                let too_large = bytes > CHANGE_PAGE_BYTES_MAX && !page.is_empty();
                if page.len() == limit || too_large {
                    return (page, looked_at, true);
                }
                page.push(change.clone());
            }
            looked_at = *next;
        }
        (page, looked_at, false)
    }

    /// How many records there are.
    pub(super) fn stats(&self) -> StreamStats {
        let live = self.live().count() as u64;
        StreamStats {
            live,
            deleted: self.rows.len() as u64 - live,
            last_sequence: self.last_sequence,
        }
    }

    /// What is wrong with the stream: the feed and the records must tell the same.
    pub(super) fn defects(&self) -> Vec<String> {
        let in_feed = self
            .rows
            .values()
            .filter(|row| self.feed.get(&row.record.sequence) == Some(&row.record.id))
            .count();
        let sound = in_feed == self.rows.len() && in_feed == self.feed.len();
        let defect = || {
            format!(
                "{} records, {} in the feed, {in_feed} in both",
                self.rows.len(),
                self.feed.len()
            )
        };
        (!sound).then(defect).into_iter().collect()
    }

    fn is_pruned(&self, span: &RecordSpan) -> bool {
        let row = self.rows.get(&span.id);
        row.is_some_and(|row| row.is_live() && row.record.pruned.is_some())
    }

    /// What the save of one record does; `None` where a merge finds nothing live.
    fn plan<'a>(
        &self,
        batch: &RecordBatch,
        span: &'a RecordSpan,
        mode: SaveMode,
        writer: Writer,
    ) -> Result<Option<Plan<'a>>> {
        let before = self.rows.get(&span.id);
        let (body, hash) = match (mode, before) {
            (SaveMode::Merge, Some(row)) if row.is_live() => {
                let (body, hash) = json::merge(&row.record.body, batch.json(span), &batch.rules)?;
                (body.into(), hash)
            }
            (SaveMode::Merge, _) => return Ok(None),
            _ => (Bytes::copy_from_slice(batch.json(span)), span.hash),
        };
        let newer_of_another = |row: &Row| row.by != writer.run && row.commit > writer.began;
        let kept =
            mode == SaveMode::IgnoreIfModifiedAfterStart && before.is_some_and(newer_of_another);
        let what = match kept {
            true => Classified::Unchanged,
            false => classify(before.map(|row| (row.record.action, row.hash)), hash),
        };
        Ok(Some(Plan {
            id: &span.id,
            what,
            body,
            hash,
        }))
    }

    fn apply(&mut self, plan: Plan, writer: Writer) {
        let action = match plan.what {
            Classified::Unchanged => return self.bring_back(plan),
            Classified::Added => Action::Added,
            Classified::Updated => Action::Updated,
        };
        let first_seen = match (action, self.rows.get(plan.id)) {
            (Action::Updated, Some(row)) => row.record.first_seen,
            _ => writer.now,
        };
        let record = StoredRecord {
            id: plan.id.into(),
            body: plan.body,
            action,
            sequence: 0,
            first_seen,
            modified: writer.now,
            deleted: None,
            pruned: None,
        };
        self.put(record, plan.hash, writer);
    }

    /// Gives a pruned record its content back, where it stands.
    fn bring_back(&mut self, plan: Plan) {
        if let Some(row) = self.rows.get_mut(plan.id)
            && row.hash == plan.hash
            && row.record.pruned.take().is_some()
        {
            row.record.body = plan.body;
        }
    }

    /// Puts a changed record at the end of the feed.
    fn put(&mut self, mut record: StoredRecord, hash: ContentHash, writer: Writer) {
        self.last_sequence += 1;
        record.sequence = self.last_sequence;
        self.feed.insert(record.sequence, record.id.clone());
        let row = Row {
            record,
            hash,
            by: writer.run,
            commit: writer.commit,
        };
        if let Some(before) = self.rows.insert(row.record.id.clone(), row) {
            self.feed.remove(&before.record.sequence);
        }
    }
}
