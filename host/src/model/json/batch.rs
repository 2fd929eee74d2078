//! Batches of records as NDJSON, and single objects.

use super::canonical::{Member, prefix};
use super::rules::RecordRules;
use super::scan::{Fault, Kind, Scratch, Walk, Walked, fault, found};
use super::text;
use crate::error::{Code, Error, Result};
use crate::limits::{BATCH_BYTES_MAX, RECORD_BYTES_MAX, RECORD_ID_CHARS_MAX};
use crate::model::record::{ContentHash, Misfits, RecordBatch, RecordSpan};
use bytes::Bytes;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

/// Scans NDJSON: checks every record, finds its id and hashes its canonical form.
///
/// The id is a string of 1 to 255 characters without control characters, or a whole
/// number, whose id is its shortest plain text: `7`, `7.0` and `70e-1` are all the id `7`,
/// and so is the string `"7"`. Of two records with one id the later is kept, in its
/// place, and the id is listed in `duplicates`.
///
/// # Errors
/// `record.invalid` or `record.schema` for the first bad record: `record 17 (id "x"):
/// nesting is deeper than 64 at byte 640`. Records count from 0 without blank lines, bytes
/// from 0 at the start of the record's line. `invalid.argument` when the batch is over
/// 8 MiB.
pub fn scan(body: Bytes, rules: &Arc<RecordRules>) -> Result<RecordBatch> {
    if body.len() > BATCH_BYTES_MAX {
        let found = body.len();
        let message =
            format!("a batch of {found} bytes, limit {BATCH_BYTES_MAX}; save it in parts");
        return Err(Error::new(Code::InvalidArgument, message));
    }
    let mut scanner = Scanner::new(rules);
    let mut records: Vec<RecordSpan> = Vec::new();
    let mut start = 0;
    let ends = memchr::memchr_iter(b'\n', &body).chain([body.len()]);
    for end in ends {
        let line = body.get(start..end).unwrap_or_default();
        if !line.trim_ascii_start().is_empty() {
            let record = scanner.record(line);
            let mut record = record.map_err(|bad| bad.error(Some(records.len())))?;
            scanner.count_misfit(records.len(), &record.id);
            record.span = record.span.start + start as u32..record.span.end + start as u32;
            records.push(record);
        }
        start = end + 1;
    }
    let misfits = scanner.misfits;
    let duplicates = later_wins(&mut records);
    Ok(RecordBatch {
        body,
        records,
        duplicates,
        misfits,
        rules: rules.clone(),
    })
}

/// Checks that `json` is one object of at most `bytes_max` bytes, by the rules of this
/// module. Errs with `code`.
pub fn check_object(json: &[u8], bytes_max: usize, code: Code) -> Result<()> {
    let checked = sized(json, bytes_max).and_then(|()| {
        let mut scratch = Scratch::default();
        utf8(json)?;
        Walk::new(json, &mut scratch).top()?;
        sorted(&mut scratch, json)
    });
    checked.map_err(|fault| Error::new(code, format!("{} at byte {}", fault.why, fault.at)))
}

/// What one scan keeps from record to record.
pub(super) struct Scanner<'r> {
    rules: &'r RecordRules,
    scratch: Scratch,
    /// The canonical form of the record, as it is hashed.
    hashed: Vec<u8>,
    /// What the last record lacks, under lenient rules.
    misfit: Option<Box<Fault>>,
    /// All records so far that lack something.
    misfits: Misfits,
}

/// A refused record.
pub(super) struct Refused {
    code: Code,
    id: Option<Box<str>>,
    fault: Box<Fault>,
}

impl Refused {
    /// The error, naming the record's `index` in its batch where it has one.
    pub fn error(self, index: Option<usize>) -> Error {
        let index = index.map_or(String::new(), |index| format!(" {index}"));
        let id = self.id.map_or(String::new(), |id| format!(" (id {id:?})"));
        let Fault { at, why } = *self.fault;
        Error::new(self.code, format!("record{index}{id}: {why} at byte {at}"))
    }
}

impl<'r> Scanner<'r> {
    pub fn new(rules: &'r RecordRules) -> Self {
        Scanner {
            rules,
            scratch: Scratch::default(),
            hashed: Vec::new(),
            misfit: None,
            misfits: Misfits::default(),
        }
    }

    /// Scans one record, which is all of `line`; its span counts from there.
    pub fn record(&mut self, line: &[u8]) -> std::result::Result<RecordSpan, Refused> {
        self.scratch.clear();
        self.walk(line).map_err(|(code, fault)| Refused {
            code,
            // Members before the fault are in the scratch, so the id may be known.
            id: self.id(line).ok().flatten(),
            fault,
        })
    }

    /// Counts the record that was scanned last, the one at `index`, if it lacks something.
    fn count_misfit(&mut self, index: usize, id: &str) {
        let Some(fault) = self.misfit.take() else {
            return;
        };
        if self.misfits.count == 0 {
            let refused = Refused {
                code: Code::RecordSchema,
                id: Some(id.into()),
                fault,
            };
            self.misfits.first = refused.error(Some(index)).message;
        }
        self.misfits.count += 1;
    }

    fn walk(&mut self, line: &[u8]) -> std::result::Result<RecordSpan, (Code, Box<Fault>)> {
        let invalid = |fault| (Code::RecordInvalid, fault);
        sized(line, RECORD_BYTES_MAX)
            .and_then(|()| utf8(line))
            .map_err(invalid)?;
        let top = Walk::new(line, &mut self.scratch).top().map_err(invalid)?;
        sorted(&mut self.scratch, line).map_err(invalid)?;
        let id = self.id(line).map_err(invalid)?;
        let id = id
            .map_or_else(|| fault(top.start, "has no `id`"), Ok)
            .map_err(invalid)?;
        let (text, members) = self.scratch.top(line);
        let judged = self.rules.judge(members, text, top.start, &mut self.hashed);
        self.misfit = judged.map_err(|fault| (Code::RecordSchema, fault))?;
        Ok(RecordSpan {
            id,
            hash: hash(&self.hashed),
            span: top.start as u32..top.end as u32,
        })
    }

    /// The id among the top-level members that have been walked, if it is there.
    fn id(&mut self, line: &[u8]) -> Walked<Option<Box<str>>> {
        let (text, members) = self.scratch.top(line);
        let id_prefix = prefix(b"id");
        let is_id = |member: &&Member| member.prefix == id_prefix && member.key(text) == b"id";
        let found = members.iter().find(is_id);
        found.map(|member| id(member, text)).transpose()
    }
}

/// The first 16 bytes of blake3.
fn hash(canonical: &[u8]) -> ContentHash {
    let hash = blake3::hash(canonical);
    ContentHash(hash.as_bytes().first_chunk().copied().unwrap_or_default())
}

fn sized(json: &[u8], bytes_max: usize) -> Walked<()> {
    match json.len() {
        length if length > bytes_max => fault(0, format!("has {length} bytes, limit {bytes_max}")),
        _ => Ok(()),
    }
}

fn utf8(json: &[u8]) -> Walked<()> {
    std::str::from_utf8(json).map(drop).or_else(|error| {
        let at = error.valid_up_to();
        let byte = json.get(at).copied().unwrap_or_default();
        fault(at, format!("is not UTF-8: found 0x{byte:02x}"))
    })
}

/// Sorts the top-level members, unless one is there twice.
fn sorted(scratch: &mut Scratch, source: &[u8]) -> Walked<()> {
    let Scratch { out, members, .. } = scratch;
    members.sort(0, 1, out, source).map(drop).or_else(|twice| {
        fault(
            twice.at,
            format!(
                "has the key `{}` twice in one object",
                twice.key.escape_debug()
            ),
        )
    })
}

/// The text of the id that `member` holds.
fn id(member: &Member, text: &[u8]) -> Walked<Box<str>> {
    let at = member.at as usize;
    let value = member.value(text);
    let whole = |value: &[u8]| !value.contains(&b'.') && !value.contains(&b'e');
    let id = match member.kind {
        Kind::STRING => id_text(value),
        Kind::INTEGER if whole(value) => utf8_text(value),
        _ => {
            let found = found(value);
            return fault(
                at,
                format!("`id` is {found}, but must be a string or a whole number"),
            );
        }
    };
    let plain = |byte: u8| (b' '..DELETE).contains(&byte);
    if !id.is_empty() && id.len() <= RECORD_ID_CHARS_MAX && id.bytes().all(plain) {
        return Ok(id);
    }
    if let Some(control) = id.chars().find(|each| each.is_control()) {
        let control = control.escape_debug();
        return fault(at, format!("`id` has the control character `{control}`"));
    }
    match id.chars().count() {
        0 => fault(at, "`id` is empty"),
        length if length > RECORD_ID_CHARS_MAX => fault(
            at,
            format!("`id` has {length} characters, limit {RECORD_ID_CHARS_MAX}"),
        ),
        _ => Ok(id),
    }
}

/// The last control character of ASCII.
const DELETE: u8 = 0x7f;

/// The text of a canonical string with its quotes.
fn id_text(value: &[u8]) -> Box<str> {
    let inner = value.get(1..value.len() - 1).unwrap_or_default();
    if inner.contains(&b'\\') {
        return text::plain(inner).into();
    }
    utf8_text(inner)
}

/// Text that was checked to be UTF-8 before.
fn utf8_text(bytes: &[u8]) -> Box<str> {
    std::str::from_utf8(bytes).unwrap_or_default().into()
}

/// Removes all but the last record of each id; answers the ids it removed any of.
fn later_wins(records: &mut Vec<RecordSpan>) -> Vec<Box<str>> {
    // Many providers list by id, and then there is nothing to look up.
    if records.is_sorted_by(|a, b| a.id < b.id) {
        return Vec::new();
    }
    // Seeded, because the ids are a stranger's.
    let seed = RandomState::new();
    let mut last: HashTable<u32> = HashTable::with_capacity(records.len());
    let mut lost: Vec<u32> = Vec::new();
    let id = |index: u32| records.get(index as usize).map_or("", |record| &*record.id);
    for index in 0..records.len() as u32 {
        let same = |other: &u32| id(*other) == id(index);
        match last.entry(seed.hash_one(id(index)), same, |other| {
            seed.hash_one(id(*other))
        }) {
            Entry::Vacant(entry) => drop(entry.insert(index)),
            Entry::Occupied(mut entry) => lost.push(std::mem::replace(entry.get_mut(), index)),
        }
    }
    if lost.is_empty() {
        return Vec::new();
    }
    let mut duplicates: Vec<Box<str>> = lost.iter().map(|index| id(*index).into()).collect();
    duplicates.sort_unstable();
    duplicates.dedup();
    lost.sort_unstable();
    let mut lost = lost.into_iter().peekable();
    let mut index = 0;
    records.retain(|_| {
        let keep = lost.next_if_eq(&index).is_none();
        index += 1;
        keep
    });
    duplicates
}
