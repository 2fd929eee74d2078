//! The id index of a stream: from a record's id to its latest entry in the log.
//!
//! Derived from the log, so that it needs no durability of its own. New entries wait in
//! memory; when there are enough they become a *run*: entries sorted by the hash of
//! their id, cut into buckets of about 24 by the first bits of that hash, with a filter
//! beside it that tells most absent ids without a read. Four runs of a level become one
//! of the next. So an entry is written about once a level, in order, and never is a tree
//! of leaves touched all over, which is what made the cost of a record grow with the
//! number of records.
//!
//! Ids are found by the first 16 bytes of their blake3: no two ids share them.

use super::bytes::{Input, damaged};
use super::keys;
use super::map::{Op, OrderedMap};
use crate::error::Result;
use crate::model::ContentHash;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

/// Entries of a bucket on average: a lookup reads one, a merge writes them all.
const BUCKET_ENTRIES: u64 = 24;
/// Bits of a filter for each entry: 1 in 400 absent ids costs a read in vain, at 2 MB of
/// memory for a million records. Ten bits let 1 in 60 pass, times a dozen runs.
const FILTER_BITS: u64 = 16;
/// Bits of one block of a filter: a cache line, so that a question is one access.
const FILTER_BLOCK_BITS: u64 = 512;
/// Bits set for each entry.
const FILTER_PROBES: u32 = 7;
/// Bytes of a filter in one value.
pub(super) const FILTER_PART_BYTES: usize = 16 << 10;
/// Bytes of an entry: id, content, sequence and its flag, first seen.
const ENTRY_BYTES: usize = 16 + 16 + 8 + 8;
/// The flag of a live entry, in the top bit of its sequence.
const LIVE: u64 = 1 << 63;

/// The hash of a record's id.
pub(super) type IdHash = [u8; 16];

/// The hash by which an id is found.
pub(super) fn id_hash(id: &str) -> IdHash {
    let mut hash = [0; 16];
    blake3::Hasher::new()
        .update(id.as_bytes())
        .finalize_xof()
        .fill(&mut hash);
    hash
}

/// The latest state of one id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Its place in the log.
    pub(super) sequence: u64,
    /// Whether it is live; otherwise a tombstone.
    pub(super) live: bool,
    /// When it was first saved, in microseconds since 1970.
    pub(super) first_seen: i64,
    /// What its content is.
    pub(super) hash: ContentHash,
}

/// Takes a hash's own first bytes: [`IdHash`] needs no hashing again.
#[derive(Default)]
pub(super) struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some(front) = bytes.first_chunk::<8>() {
            self.0 = u64::from_le_bytes(*front);
        }
    }
}

/// Entries in memory.
pub(super) type Entries = HashMap<IdHash, Entry, BuildHasherDefault<AsIs>>;

/// What of the index is in the map.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// Every record up to this sequence is in the runs and the places.
    pub(super) watermark: u64,
    /// The number of the next run.
    pub(super) next: u32,
    /// The runs, newest first.
    pub(super) runs: Vec<RunInfo>,
    /// Runs that are being written, or whose keys are being removed.
    pub(super) scrap: Vec<u32>,
    /// How many entries of the log are left in chunks that were compacted.
    #[serde(default)]
    pub(super) kept: BTreeMap<u64, u64>,
    /// Up to which sequence those chunks were.
    #[serde(default)]
    pub(super) through: BTreeMap<u64, u64>,
}

/// A run in the map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RunInfo {
    /// Its number, in its keys.
    pub(super) number: u32,
    /// How often its entries were merged.
    pub(super) level: u8,
    /// Its buckets are two to the power of this.
    pub(super) bits: u8,
    /// How many entries it has.
    pub(super) entries: u64,
}

impl RunInfo {
    /// A run for `entries` entries.
    pub(super) fn new(number: u32, level: u8, entries: u64) -> Self {
        let buckets = (entries / BUCKET_ENTRIES).max(1).next_power_of_two();
        // Bucket numbers have 32 bits.
        let bits = buckets.trailing_zeros().min(31) as u8;
        RunInfo {
            number,
            level,
            bits,
            entries,
        }
    }

    fn bucket(&self, id: &IdHash) -> u32 {
        let [a, b, c, d, ..] = *id;
        let front = u32::from_be_bytes([a, b, c, d]);
        front.checked_shr(32 - u32::from(self.bits)).unwrap_or(0)
    }
}

/// A run with its filter.
pub(super) struct Run {
    pub(super) info: RunInfo,
    pub(super) filter: Filter,
}

/// Entries that were taken out of the fresh ones to become a run; sorted by their ids.
pub(super) struct Frozen {
    pub(super) entries: Entries,
    /// The last sequence of the stream when they were taken.
    pub(super) watermark: u64,
}

/// The index of one stream.
#[derive(Default)]
pub(super) struct Index {
    /// Entries above all the others.
    pub(super) fresh: Entries,
    /// Entries on their way into runs, newest first.
    pub(super) frozen: Vec<Arc<Frozen>>,
    /// Runs, newest first.
    pub(super) runs: Vec<Arc<Run>>,
    /// What of it is in the map.
    pub(super) manifest: Manifest,
}

impl Index {
    /// Loads the index's runs from the map; what lies above the watermark is the
    /// caller's to add.
    pub(super) fn load(stream: u32, map: &dyn OrderedMap) -> Result<Index> {
        let Some(bytes) = map.get(&keys::manifest(stream))? else {
            return Ok(Index::default());
        };
        let manifest: Manifest = serde_json::from_slice(&bytes)
            .map_err(|error| damaged(format!("the manifest of an index does not read: {error}")))?;
        let load = |info: &RunInfo| {
            let mut words = Vec::new();
            let (from, to) = keys::filters(stream, info.number);
            for pair in map.range(&from, &to) {
                words.extend_from_slice(&pair?.1);
            }
            Ok(Arc::new(Run {
                info: *info,
                filter: Filter::from_bytes(&words),
            }))
        };
        let runs = manifest.runs.iter().map(load).collect::<Result<_>>()?;
        Ok(Index {
            runs,
            manifest,
            ..Index::default()
        })
    }

    /// The latest entry of an id.
    pub(super) fn find(
        &self,
        stream: u32,
        map: &dyn OrderedMap,
        id: &IdHash,
    ) -> Result<Option<Entry>> {
        if let Some(entry) = self.fresh.get(id) {
            return Ok(Some(*entry));
        }
        for frozen in &self.frozen {
            if let Some(entry) = frozen.entries.get(id) {
                return Ok(Some(*entry));
            }
        }
        for run in self.runs.iter().filter(|run| run.filter.may_hold(id)) {
            let key = keys::bucket(stream, run.info.number, run.info.bucket(id));
            if let Some(bytes) = map.get(&key)?
                && let Some(entry) = find_in_bucket(&bytes, id)?
            {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }
}

fn find_in_bucket(bytes: &[u8], id: &IdHash) -> Result<Option<Entry>> {
    let (entries, rest) = bytes.as_chunks::<ENTRY_BYTES>();
    if !rest.is_empty() {
        return Err(damaged("a bucket of an index has a wrong length"));
    }
    let found = entries.binary_search_by(|entry| entry[..16].cmp(id));
    let found = found.ok().and_then(|at| entries.get(at));
    found.map(|entry| Ok(read_entry(entry)?.1)).transpose()
}

fn read_entry(bytes: &[u8; ENTRY_BYTES]) -> Result<(IdHash, Entry)> {
    let mut input = Input::new(bytes, "an entry of an index");
    let id = input.array()?;
    let hash = ContentHash(input.array()?);
    let place = input.u64()?;
    let first_seen = i64::from_be_bytes(input.array()?);
    let entry = Entry {
        sequence: place & !LIVE,
        live: place & LIVE != 0,
        first_seen,
        hash,
    };
    Ok((id, entry))
}

/// The entries of a bucket.
pub(super) fn entries_of(bytes: &[u8]) -> Result<Vec<(IdHash, Entry)>> {
    let (entries, rest) = bytes.as_chunks::<ENTRY_BYTES>();
    if !rest.is_empty() {
        return Err(damaged("a bucket of an index has a wrong length"));
    }
    entries.iter().map(read_entry).collect()
}

/// Writes a run: takes entries in the order of their ids, hands out its buckets.
pub(super) struct RunWriter {
    stream: u32,
    info: RunInfo,
    filter: Filter,
    bucket: u32,
    bytes: Vec<u8>,
    written: u64,
}

impl RunWriter {
    /// A writer of the run `info`, whose number of entries is an upper bound.
    pub(super) fn new(stream: u32, info: RunInfo) -> Self {
        let filter = Filter::new(info.entries);
        RunWriter {
            stream,
            info,
            filter,
            bucket: 0,
            bytes: Vec::new(),
            written: 0,
        }
    }

    /// Adds the next entry; a bucket that it closes goes to `ops`.
    pub(super) fn push(&mut self, id: &IdHash, entry: &Entry, ops: &mut Vec<Op>) {
        let bucket = self.info.bucket(id);
        if bucket != self.bucket {
            self.close_bucket(ops);
            self.bucket = bucket;
        }
        self.filter.add(id);
        self.written += 1;
        let place = entry.sequence | if entry.live { LIVE } else { 0 };
        self.bytes.extend_from_slice(id);
        self.bytes.extend_from_slice(&entry.hash.0);
        self.bytes.extend_from_slice(&place.to_be_bytes());
        self.bytes
            .extend_from_slice(&entry.first_seen.to_be_bytes());
    }

    fn close_bucket(&mut self, ops: &mut Vec<Op>) {
        if !self.bytes.is_empty() {
            let key = keys::bucket(self.stream, self.info.number, self.bucket);
            ops.push((key, Some(std::mem::take(&mut self.bytes))));
        }
    }

    /// Closes the run; the last bucket and the filter go to `ops`.
    pub(super) fn finish(mut self, ops: &mut Vec<Op>) -> Run {
        self.close_bucket(ops);
        let bytes = self.filter.to_bytes();
        for (part, bytes) in bytes.chunks(FILTER_PART_BYTES).enumerate() {
            let key = keys::filter(self.stream, self.info.number, part as u32);
            ops.push((key, Some(bytes.to_vec())));
        }
        let info = RunInfo {
            entries: self.written,
            ..self.info
        };
        Run {
            info,
            filter: self.filter,
        }
    }
}

/// Tells for most ids that a run does not hold them. An id asks one cache line.
pub(super) struct Filter {
    words: Vec<u64>,
}

impl Filter {
    fn new(entries: u64) -> Self {
        let blocks = (entries * FILTER_BITS).div_ceil(FILTER_BLOCK_BITS).max(1);
        Filter {
            words: vec![0; (blocks * FILTER_BLOCK_BITS / 64) as usize],
        }
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.words
            .iter()
            .flat_map(|word| word.to_le_bytes())
            .collect()
    }

    fn from_bytes(bytes: &[u8]) -> Self {
        let (words, _) = bytes.as_chunks::<8>();
        Filter {
            words: words.iter().map(|word| u64::from_le_bytes(*word)).collect(),
        }
    }

    fn add(&mut self, id: &IdHash) {
        for (word, mask) in probes(id, self.words.len()) {
            if let Some(word) = self.words.get_mut(word) {
                *word |= mask;
            }
        }
    }

    fn may_hold(&self, id: &IdHash) -> bool {
        probes(id, self.words.len())
            .all(|(word, mask)| self.words.get(word).is_none_or(|word| word & mask != 0))
    }
}

/// The words and masks that an id sets in a filter of `words` words: the block by one
/// half of the hash (which the buckets do not use up), the bits in it by the other.
fn probes(id: &IdHash, words: usize) -> impl Iterator<Item = (usize, u64)> + use<> {
    let number = u128::from_be_bytes(*id);
    let blocks = words as u64 / (FILTER_BLOCK_BITS / 64);
    let block = ((u128::from(number as u64) * u128::from(blocks)) >> 64) as u64;
    let mut bits = (number >> 64) as u64;
    (0..FILTER_PROBES).map(move |_| {
        let bit = bits % FILTER_BLOCK_BITS;
        bits /= FILTER_BLOCK_BITS;
        let word = block * (FILTER_BLOCK_BITS / 64) + bit / 64;
        (word as usize, 1 << (bit % 64))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sled::simulation::Machine;
    use proptest::prelude::*;

    fn entry(sequence: u64) -> Entry {
        Entry {
            sequence,
            live: !sequence.is_multiple_of(3),
            first_seen: -(sequence as i64),
            hash: ContentHash([sequence as u8; 16]),
        }
    }

    proptest! {
        #[test]
        fn a_run_holds_what_was_pushed_and_nothing_else(count in 1usize..3_000, salt: u32) {
            let map = Machine::new(0).platform().open_map().unwrap();
            let mut ids: Vec<(IdHash, u64)> = (0..count as u64)
                .map(|number| (id_hash(&format!("{salt}-{number}")), number + 1))
                .collect();
            ids.sort();
            let info = RunInfo::new(3, 0, count as u64);
            let (mut writer, mut ops) = (RunWriter::new(7, info), Vec::new());
            for (id, sequence) in &ids {
                writer.push(id, &entry(*sequence), &mut ops);
            }
            let run = writer.finish(&mut ops);
            let manifest = Manifest { runs: vec![run.info], ..Manifest::default() };
            ops.push((keys::manifest(7), Some(serde_json::to_vec(&manifest).unwrap())));
            map.apply(ops).unwrap();

            let index = Index::load(7, &*map).unwrap();
            for (id, sequence) in &ids {
                prop_assert_eq!(index.find(7, &*map, id).unwrap(), Some(entry(*sequence)));
            }
            let absent = (0..1_000).map(|number| id_hash(&format!("absent-{salt}-{number}")));
            let mut passed = 0;
            for id in absent {
                prop_assert_eq!(index.find(7, &*map, &id).unwrap(), None);
                passed += u32::from(run.filter.may_hold(&id));
            }
            prop_assert!(passed < 30, "the filter let {} of 1000 absent ids pass", passed);
        }
    }
}
