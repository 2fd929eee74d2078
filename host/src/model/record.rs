//! A record: opaque JSON bytes with an id and a content hash. It never becomes a tree
//! of values (measured elsewhere at up to 98 times its size).

use super::change::Action;
use super::json::RecordRules;
use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::sync::Arc;

/// First 16 bytes of blake3 over a record's canonical form (keys sorted, numbers and
/// escapes normalised, the model's ignored fields left out). Cryptographic, so that no
/// crafted payload can pass as "unchanged".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ContentHash(pub [u8; 16]);

/// One record inside a [`RecordBatch`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordSpan {
    /// The record's id as text: `7` and `"7"` are the same id.
    pub id: Box<str>,
    /// Hash of the canonical form.
    pub hash: ContentHash,
    /// Where the record's JSON lies in the batch's body.
    pub span: Range<u32>,
}

/// A scanned batch: the guest's bytes, untouched, and what the scanner learnt of them.
#[derive(Clone, Debug, Default)]
pub struct RecordBatch {
    /// The NDJSON as the guest passed it.
    pub body: Bytes,
    /// The records in the guest's order, each id once: of two records with one id in a
    /// batch only the later is here.
    pub records: Vec<RecordSpan>,
    /// Ids that occurred more than once (each named once), for the warning.
    pub duplicates: Vec<Box<str>>,
    /// Records that do not fit their model's schema, where that is not enforced.
    pub misfits: Misfits,
    /// What it was scanned by; a merge hashes by the same rules.
    pub rules: Arc<RecordRules>,
}

/// Records that do not fit their model's schema and are taken all the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Misfits {
    /// How many.
    pub count: u64,
    /// Why the first does not, as an error would say it.
    pub first: String,
}

impl Misfits {
    /// Counts `later` ones too.
    pub fn and(&mut self, later: Misfits) {
        if self.count == 0 {
            self.first = later.first;
        }
        self.count += later.count;
    }
}

impl RecordBatch {
    /// The JSON bytes of `record`.
    pub fn json(&self, record: &RecordSpan) -> &[u8] {
        self.body
            .get(record.span.start as usize..record.span.end as usize)
            .unwrap_or_default()
    }
}

/// How saved records meet the ones that are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SaveMode {
    /// The new record takes the old one's place.
    #[default]
    Override,
    /// Nango's `ignore_if_modified_after_cursor`: a record that changed after the run
    /// began keeps its present content.
    IgnoreIfModifiedAfterStart,
    /// `batch-update`: the new fields are merged deep into the live record (arrays are
    /// replaced); ids that are not live are left alone.
    Merge,
}

/// What one `batch-save` did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaveSummary {
    /// New records, or ones that were deleted before.
    pub added: u32,
    /// Records whose content hash differs from the stored one.
    pub updated: u32,
    /// Records that are as they were; nothing was written but "seen".
    pub unchanged: u32,
}

/// A record as the store gives it back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRecord {
    /// The record's id.
    pub id: Box<str>,
    /// Its JSON exactly as it was saved; for a deleted record the last live content,
    /// for a pruned one [`PRUNED`].
    pub body: Bytes,
    /// What happened to it last.
    pub action: Action,
    /// Its place in the change feed of its stream.
    pub sequence: u64,
    /// When it was first saved; starts anew when a deleted record comes back.
    pub first_seen: Timestamp,
    /// When its content last changed (or it was deleted).
    pub modified: Timestamp,
    /// When it was deleted, if it is.
    pub deleted: Option<Timestamp>,
    /// When its content was taken away to save room, if it is.
    pub pruned: Option<Timestamp>,
}

/// What stands in the place of a pruned record's JSON.
pub const PRUNED: &[u8] = b"{}";
