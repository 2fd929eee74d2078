//! Reading, on any thread, of what is durable.
//!
//! A page of the feed takes blocks a few at a time and asks only then which of their
//! entries are current. An entry that is superseded meanwhile shows up again at its
//! later, durable place, so that a reader misses nothing without holding up the writer.

use super::block::Block;
use super::keys;
use super::map::{OrderedMap, Value};
use super::runs::{CheckpointRow, from_json, unpack_log};
use super::shared::{Shared, read};
use super::stream::{Places, Stream, block_at, missing};
use crate::error::{Code, Error, Result};
use crate::limits::{CHANGE_PAGE_BYTES_MAX, CHANGE_PAGE_RECORDS_MAX};
use crate::model::{
    Change, ChangeFilter, ChangePage, Checkpoint, ConnectionKey, Cursor, Deployment, Digest,
    LogLine, ModelCounts, ModelName, RunId, RunRow, RunState, StoredRecord, StreamKey, SyncKey,
};
use crate::store::metadata;
use crate::store::sled::index::id_hash;
use crate::store::{RunQuery, StreamStats};

/// Blocks that are read at once.
const BLOCKS_AT_ONCE: usize = 16;
/// Ids that are looked up at once.
const IDS_AT_ONCE: usize = 256;
/// Entries that one page looks at: a filter that admits few does not make a reader wait
/// for the whole feed.
const LOOKED_AT_MAX: usize = 20 * CHANGE_PAGE_RECORDS_MAX;

impl Shared {
    pub(super) fn get(
        &self,
        key: &StreamKey,
        ids: &[Box<str>],
    ) -> Result<Vec<Option<StoredRecord>>> {
        let Some(number) = self.number(key) else {
            return Ok(vec![None; ids.len()]);
        };
        let stream = self.stream(number)?;
        let mut records = Vec::with_capacity(ids.len());
        for ids in ids.chunks(IDS_AT_ONCE) {
            let stream = read(&stream);
            records.extend(self.with_map(|map| get_some(&stream, map, ids))?);
        }
        Ok(records)
    }

    pub(super) fn changes(
        &self,
        key: &StreamKey,
        after: Option<Cursor>,
        limit: usize,
        filter: ChangeFilter,
    ) -> Result<ChangePage> {
        let number = self.number(key);
        let stream = number.map(|number| self.stream(number)).transpose()?;
        let state = stream.as_ref().map(|stream| read(stream).state);
        let last = state.map_or(0, |state| state.last_sequence);
        let after = self.place_of(key, after, number, last)?;
        let mut page = Page::new(limit, filter, after);
        if let (Some(number), Some(stream), Some(state)) = (number, stream, state) {
            let mut from = self.first_block(number, after.max(state.floor))?;
            while let Some(start) = from {
                let blocks = self.some_blocks(number, start, last)?;
                from = match blocks.last() {
                    Some((first, _)) if blocks.len() == BLOCKS_AT_ONCE => Some(first + 1),
                    _ => None,
                };
                let blocks = blocks.into_iter();
                let blocks: Vec<Block> = blocks
                    .map(|(first, bytes)| Block::unpack(first, &bytes))
                    .collect::<Result<_>>()?;
                let stream = read(&stream);
                if !blocks
                    .iter()
                    .all(|block| page.take(block, &stream.places, after, last))
                {
                    break;
                }
            }
        }
        let cursor = Cursor {
            epoch: self.epoch,
            stream: number.unwrap_or(0),
            sequence: page.looked_at,
        };
        Ok(ChangePage {
            changes: page.changes,
            cursor,
            more: page.more,
        })
    }

    /// The sequence that a cursor for a stream stands at. `cursor.stale` if it is of
    /// another.
    pub(super) fn place_in(&self, key: &StreamKey, cursor: Option<Cursor>) -> Result<u64> {
        let number = self.number(key);
        let stream = number.map(|number| self.stream(number)).transpose()?;
        let last = stream.map_or(0, |stream| read(&stream).state.last_sequence);
        self.place_of(key, cursor, number, last)
    }

    /// The sequence that a cursor stands at, if it is one of this stream and this life of
    /// the store.
    fn place_of(
        &self,
        key: &StreamKey,
        after: Option<Cursor>,
        number: Option<u32>,
        last: u64,
    ) -> Result<u64> {
        let Some(cursor) = after else {
            return Ok(0);
        };
        // A reader that came before the first record has a cursor without a stream.
        let before_all = cursor.stream == 0 && cursor.sequence == 0;
        let why = if cursor.epoch != self.epoch {
            "is of before the store was restored"
        } else if !before_all && Some(cursor.stream) != number {
            "is of another stream"
        } else if cursor.sequence > last {
            "points behind the end of the feed"
        } else {
            return Ok(cursor.sequence);
        };
        Err(Error::new(
            Code::CursorStale,
            format!("the cursor for {key} {why}"),
        ))
    }

    /// The first sequence of the block that holds or follows what comes after `after`.
    fn first_block(&self, number: u32, after: u64) -> Result<Option<u64>> {
        self.with_map(|map| {
            let (from, to) = keys::blocks(number, 0, after.saturating_add(2));
            match map.range_back(&from, &to).next() {
                Some(pair) => Ok(Some(keys::last_u64(&pair?.0)?)),
                None => Ok(Some(after + 1)),
            }
        })
    }

    /// Some blocks from the one at `start`, packed.
    pub(super) fn some_blocks(
        &self,
        number: u32,
        start: u64,
        last: u64,
    ) -> Result<Vec<(u64, Value)>> {
        self.with_map(|map| {
            let (from, to) = keys::blocks(number, start, last.saturating_add(1));
            map.range(&from, &to)
                .take(BLOCKS_AT_ONCE)
                .map(|pair| pair.and_then(|(key, value)| Ok((keys::last_u64(&key)?, value))))
                .collect()
        })
    }

    pub(super) fn stats(&self, key: &StreamKey) -> Result<StreamStats> {
        let Some(number) = self.number(key) else {
            return Ok(StreamStats::default());
        };
        let state = read(&self.stream(number)?).state;
        Ok(StreamStats {
            live: state.live,
            deleted: state.deleted,
            last_sequence: state.last_sequence,
        })
    }

    pub(super) fn stream_keys(&self, connection: Option<&ConnectionKey>) -> Vec<StreamKey> {
        let names = self.names.read();
        let names = names.unwrap_or_else(std::sync::PoisonError::into_inner);
        let wanted = |key: &&StreamKey| connection.is_none_or(|wanted| key.connection == *wanted);
        let mut keys: Vec<StreamKey> = names.keys().filter(wanted).cloned().collect();
        keys.sort();
        keys
    }

    pub(super) fn deployment(&self, digest: &Digest) -> Result<Option<Deployment>> {
        self.with_map(|map| {
            let value = map.get(&keys::deployment(digest))?;
            value.map(|bytes| from_json(&bytes)).transpose()
        })
    }

    pub(super) fn run(&self, run: RunId) -> Result<Option<RunRow>> {
        self.with_map(|map| row_of(map, run))
    }

    pub(super) fn runs(&self, query: &RunQuery) -> Result<Vec<RunRow>> {
        let (from, mut to) = match &query.key {
            Some(key) => keys::runs_of(key),
            None => keys::all(keys::Table::Run),
        };
        if let Some(before) = query.before {
            to = match &query.key {
                Some(key) => keys::run_of(key, before),
                None => keys::run(before),
            };
        }
        self.with_map(|map| {
            let mut rows = Vec::new();
            for pair in map.range_back(&from, &to).take(query.limit) {
                let (key, _) = pair?;
                if let Some(id) = keys::run_at_end(&key) {
                    rows.extend(row_of(map, id)?);
                }
            }
            Ok(rows)
        })
    }

    pub(super) fn run_log(&self, run: RunId) -> Result<Vec<LogLine>> {
        let (from, to) = keys::logs(run);
        self.with_map(|map| {
            let mut lines = Vec::new();
            for pair in map.range(&from, &to) {
                lines.extend(unpack_log(&pair?.1)?);
            }
            Ok(lines)
        })
    }

    pub(super) fn checkpoint(&self, key: &SyncKey) -> Result<Option<Checkpoint>> {
        let value = self.with_map(|map| map.get(&keys::checkpoint(key)))?;
        let row: Option<CheckpointRow> = value.map(|bytes| from_json(&bytes)).transpose()?;
        Ok(row.and_then(CheckpointRow::checkpoint))
    }

    pub(super) fn metadata(&self, connection: &ConnectionKey) -> Result<String> {
        match self.with_map(|map| map.get(&keys::metadata(connection)))? {
            None => Ok(metadata::NONE.into()),
            Some(bytes) => String::from_utf8(bytes.to_vec()).map_err(|_| {
                super::bytes::damaged(format!("the metadata of {connection} is no text"))
            }),
        }
    }
}

/// A page of the feed while it fills.
struct Page {
    changes: Vec<Change>,
    bytes: usize,
    limit: usize,
    filter: ChangeFilter,
    looked_at: u64,
    looked: usize,
    more: bool,
}

impl Page {
    fn new(limit: usize, filter: ChangeFilter, after: u64) -> Self {
        let limit = limit.min(CHANGE_PAGE_RECORDS_MAX);
        let changes = Vec::new();
        Page {
            changes,
            bytes: 0,
            limit,
            filter,
            looked_at: after,
            looked: 0,
            more: false,
        }
    }

    /// Takes the current entries of a block behind `after`; answers whether the page can
    /// take more.
    fn take(&mut self, block: &Block, places: &Places, after: u64, last: u64) -> bool {
        let slots = block.slots.iter();
        for slot in slots.filter(|slot| slot.sequence > after && slot.sequence <= last) {
            if self.filter.admits(slot.action) && places.is_current(slot.sequence) {
                let bytes = self.bytes + block.body(slot).len();
                let too_large = bytes > CHANGE_PAGE_BYTES_MAX && !self.changes.is_empty();
                if self.changes.len() == self.limit || too_large {
                    self.more = true;
                    return false;
                }
                self.bytes = bytes;
                self.changes.push(block.record(slot));
            }
            self.looked_at = slot.sequence;
            self.looked += 1;
            if self.looked >= LOOKED_AT_MAX {
                self.more = slot.sequence < last;
                return false;
            }
        }
        true
    }
}

/// The records with some ids, all at one moment.
fn get_some(
    stream: &Stream,
    map: &dyn OrderedMap,
    ids: &[Box<str>],
) -> Result<Vec<Option<StoredRecord>>> {
    let mut found = Vec::with_capacity(ids.len());
    for (at, id) in ids.iter().enumerate() {
        if let Some(entry) = stream.find(map, &id_hash(id))? {
            found.push((entry.sequence, at));
        }
    }
    found.sort_unstable();
    let mut records = vec![None; ids.len()];
    let mut block: Option<Block> = None;
    for (sequence, at) in found {
        let holds = |block: &Block| block.slot(sequence).copied();
        if block.as_ref().and_then(holds).is_none() {
            block = block_at(map, stream.number, sequence)?;
        }
        let record = block
            .as_ref()
            .and_then(|block| Some(block.record(&holds(block)?)))
            .ok_or_else(|| missing(stream.number, sequence))?;
        if let Some(place) = records.get_mut(at) {
            *place = Some(record);
        }
    }
    Ok(records)
}

/// A run's row; the counts of a live one lie apart.
fn row_of(map: &dyn OrderedMap, run: RunId) -> Result<Option<RunRow>> {
    let Some(bytes) = map.get(&keys::run(run))? else {
        return Ok(None);
    };
    let mut row: RunRow = from_json(&bytes)?;
    if row.state == RunState::Running {
        let (from, to) = keys::all_counts(run);
        for pair in map.range(&from, &to) {
            let (model, counts): (ModelName, ModelCounts) = from_json(&pair?.1)?;
            row.counts.insert(model, counts);
        }
    }
    Ok(Some(row))
}
