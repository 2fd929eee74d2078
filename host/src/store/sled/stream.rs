//! One stream in memory: its counts, which sequences are current, and its index. All of
//! it is what is durable; a commit changes it only once its frame is synced.

use super::block::{Block, Slot};
use super::bytes::{Input, damaged};
use super::index::{Entries, Entry, Frozen, IdHash, Index, id_hash};
use super::keys;
use super::map::{Op, OrderedMap};
use super::sequences::{Sequences, chunk_of};
use crate::error::{Code, Error, Result};
use crate::model::{Action, ContentHash};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What every commit of a stream writes anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    /// The highest sequence that was given out.
    pub(super) last_sequence: u64,
    /// Live records.
    pub(super) live: u64,
    /// Tombstones.
    pub(super) deleted: u64,
    /// Everything up to this sequence was taken away by a reset.
    pub(super) floor: u64,
    /// Bytes of its blocks in the log, compressed.
    pub(super) bytes: u64,
}

impl State {
    pub(super) fn to_bytes(self) -> Vec<u8> {
        let State {
            last_sequence,
            live,
            deleted,
            floor,
            bytes,
        } = self;
        let numbers = [last_sequence, live, deleted, floor, bytes];
        numbers.into_iter().flat_map(u64::to_be_bytes).collect()
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut input = Input::new(bytes, "the state of a stream");
        Ok(State {
            last_sequence: input.u64()?,
            live: input.u64()?,
            deleted: input.u64()?,
            floor: input.u64()?,
            // Backups of format 1 do not say; their blocks are counted as they come in.
            bytes: match input.rest().is_empty() {
                true => 0,
                false => input.u64()?,
            },
        })
    }
}

/// Which sequences of the log are the latest of their record.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    /// Live records.
    pub(super) live: Sequences,
    /// Tombstones.
    pub(super) gone: Sequences,
    dirty: BTreeSet<u64>,
}

/// A record's way to a new place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Move {
    /// The place that it leaves; 0 for none.
    pub(super) before: u64,
    /// The new one.
    pub(super) sequence: u64,
    /// Whether it is live there.
    pub(super) live: bool,
}

impl Places {
    pub(super) fn apply(&mut self, step: Move) {
        if step.before != 0 {
            self.live.remove(step.before);
            self.gone.remove(step.before);
            self.dirty.insert(chunk_of(step.before));
        }
        match step.live {
            true => self.live.insert(step.sequence),
            false => self.gone.insert(step.sequence),
        };
        self.dirty.insert(chunk_of(step.sequence));
    }

    /// Whether the entry at `sequence` is the latest of its record.
    pub(super) fn is_current(&self, sequence: u64) -> bool {
        self.live.contains(sequence) || self.gone.contains(sequence)
    }

    /// How many of `first..=last` are current.
    pub(super) fn current_between(&self, first: u64, last: u64) -> u64 {
        self.live.count_between(first, last) + self.gone.count_between(first, last)
    }

    fn remove_through(&mut self, last: u64) {
        self.dirty
            .extend(self.live.chunks().chain(self.gone.chunks()));
        self.live.remove_through(last);
        self.gone.remove_through(last);
    }

    fn load(stream: u32, map: &dyn OrderedMap) -> Result<Self> {
        let mut places = Places::default();
        let (from, to) = keys::all_places(stream);
        for pair in map.range(&from, &to) {
            let (key, value) = pair?;
            let number = keys::last_u64(&key)?;
            let mut input = Input::new(&value, "a chunk of places");
            let length = input.u32()? as usize;
            places.live.set_chunk(number, input.take(length)?)?;
            places.gone.set_chunk(number, input.rest())?;
        }
        Ok(places)
    }

    /// Writes back the chunks that changed since the last time.
    pub(super) fn take_dirty(&mut self, stream: u32) -> Vec<Op> {
        std::mem::take(&mut self.dirty)
            .into_iter()
            .map(|number| {
                let live = self.live.chunk_to_bytes(number);
                let mut value = (live.len() as u32).to_be_bytes().to_vec();
                value.extend(live);
                value.extend(self.gone.chunk_to_bytes(number));
                (keys::places(stream, number), Some(value))
            })
            .collect()
    }
}

/// A record that goes to the end of the log.
pub(super) struct NewRow<'a> {
    pub(super) id: &'a str,
    pub(super) key: IdHash,
    pub(super) hash: ContentHash,
    pub(super) action: Action,
    pub(super) first_seen: i64,
    /// The sequence whose place it takes; 0 for none.
    pub(super) before: u64,
    /// When its content was taken away, in microseconds since 1970; 0 if it was not.
    pub(super) pruned: i64,
    pub(super) body: &'a [u8],
}

/// What a commit does to a stream, once it is durable.
#[derive(Default)]
pub(super) struct Changes {
    pub(super) state: State,
    pub(super) entries: Entries,
    pub(super) moves: Vec<Move>,
    /// A reset took away everything up to `state.floor`.
    pub(super) cleared: bool,
    /// What will be pruned, if that changes.
    pub(super) pruned: Option<Sequences>,
}

impl Changes {
    /// Takes every record away, those of this commit too.
    pub(super) fn clear(&mut self) {
        let last_sequence = self.state.last_sequence;
        *self = Changes {
            state: State {
                last_sequence,
                floor: last_sequence,
                ..State::default()
            },
            pruned: Some(Sequences::default()),
            cleared: true,
            ..Changes::default()
        };
    }

    /// Takes in a record of the log whose counts are in the state already.
    pub(super) fn follow(&mut self, id: &str, slot: &Slot, hash: ContentHash) {
        let (sequence, live) = (slot.sequence, slot.action != Action::Deleted);
        self.moves.push(Move {
            before: slot.before,
            sequence,
            live,
        });
        let entry = Entry {
            sequence,
            live,
            first_seen: slot.first_seen,
            hash,
        };
        self.entries.insert(id_hash(id), entry);
    }

    /// Whether it changes which records there are.
    pub(super) fn is_any(&self) -> bool {
        self.cleared || !self.moves.is_empty()
    }

    /// Takes in a record that goes to the end of the log.
    pub(super) fn add(&mut self, row: &NewRow<'_>, sequence: u64) {
        let live = row.action != Action::Deleted;
        let state = &mut self.state;
        state.last_sequence = sequence;
        match row.action {
            // What an added record takes the place of can only be a tombstone.
            Action::Added if row.before != 0 => {
                state.live += 1;
                state.deleted -= 1;
            }
            Action::Added => state.live += 1,
            Action::Updated => {}
            Action::Deleted => {
                state.live -= 1;
                state.deleted += 1;
            }
        }
        self.moves.push(Move {
            before: row.before,
            sequence,
            live,
        });
        let (first_seen, hash) = (row.first_seen, row.hash);
        self.entries.insert(
            row.key,
            Entry {
                sequence,
                live,
                first_seen,
                hash,
            },
        );
    }
}

/// A stream in memory.
pub(super) struct Stream {
    pub(super) number: u32,
    pub(super) state: State,
    pub(super) places: Places,
    /// Which places hold no content any more. Those that are not current mean nothing.
    pub(super) pruned: Sequences,
    pub(super) index: Index,
}

impl Stream {
    /// A stream without records.
    pub(super) fn new(number: u32) -> Self {
        let (state, places, pruned, index) = Default::default();
        Stream {
            number,
            state,
            places,
            pruned,
            index,
        }
    }

    /// Loads a stream and adds to its index and places what the log holds above their
    /// watermark.
    pub(super) fn load(number: u32, map: &dyn OrderedMap) -> Result<Self> {
        let mut stream = Stream::new(number);
        let Some(state) = map.get(&keys::state(number))? else {
            return Err(damaged(format!("stream {number} has a name but no state")));
        };
        stream.state = State::from_bytes(&state)?;
        stream.places = Places::load(number, map)?;
        stream.index = Index::load(number, map)?;
        let (from, to) = keys::all_pruned(number);
        for pair in map.range(&from, &to) {
            let (key, value) = pair?;
            stream.pruned.set_chunk(keys::last_u64(&key)?, &value)?;
        }
        let (from, to) = keys::blocks(number, stream.index.manifest.watermark + 1, u64::MAX);
        for pair in map.range(&from, &to) {
            let (key, value) = pair?;
            let block = Block::unpack(keys::last_u64(&key)?, &value)?;
            for slot in &block.slots {
                let live = slot.action != Action::Deleted;
                stream.places.apply(Move {
                    before: slot.before,
                    sequence: slot.sequence,
                    live,
                });
                let (sequence, first_seen) = (slot.sequence, slot.first_seen);
                let entry = Entry {
                    sequence,
                    live,
                    first_seen,
                    hash: block.hash(slot),
                };
                stream.index.fresh.insert(id_hash(block.id(slot)), entry);
            }
        }
        if stream.state.floor > 0 {
            let floor = stream.state.floor;
            stream.places.remove_through(floor);
            stream.index.fresh.retain(|_, entry| entry.sequence > floor);
        }
        stream.check_counts()?;
        Ok(stream)
    }

    /// The counts of the state and of the places must agree: they are written apart.
    pub(super) fn check_counts(&self) -> Result<()> {
        let (live, deleted) = (self.places.live.len(), self.places.gone.len());
        match (live, deleted) == (self.state.live, self.state.deleted) {
            true => Ok(()),
            false => Err(damaged(format!(
                "stream {} should have {} live records and {} tombstones, but its log tells of \
                 {live} and {deleted}",
                self.number, self.state.live, self.state.deleted
            ))),
        }
    }

    /// Takes in a commit that is durable now.
    pub(super) fn publish(&mut self, changes: Changes) {
        self.state = changes.state;
        if changes.cleared {
            self.places.remove_through(changes.state.floor);
            self.index.fresh.clear();
        }
        for step in changes.moves {
            self.places.apply(step);
        }
        if let Some(pruned) = changes.pruned {
            self.pruned = pruned;
        }
        self.index.fresh.extend(changes.entries);
    }

    /// The latest entry of an id.
    pub(super) fn find(&self, map: &dyn OrderedMap, id: &IdHash) -> Result<Option<Entry>> {
        let entry = self.index.find(self.number, map, id)?;
        Ok(entry.filter(|entry| entry.sequence > self.state.floor))
    }

    /// How many entries of the log no run of the index knows, nor one that is on its way:
    /// as many are read again when the store is opened. Those of one id count each.
    pub(super) fn unindexed(&self) -> usize {
        let frozen = self.index.frozen.first().map(|frozen| frozen.watermark);
        let watermark = frozen.unwrap_or(self.index.manifest.watermark);
        let known = watermark.max(self.state.floor);
        self.state.last_sequence.saturating_sub(known) as usize
    }

    /// Takes the fresh entries away to become a run.
    pub(super) fn freeze(&mut self) -> Arc<Frozen> {
        let entries = std::mem::take(&mut self.index.fresh);
        let frozen = Arc::new(Frozen {
            entries,
            watermark: self.state.last_sequence,
        });
        self.index.frozen.insert(0, frozen.clone());
        frozen
    }
}

/// The block that holds `sequence`, if any can.
pub(super) fn block_at(map: &dyn OrderedMap, stream: u32, sequence: u64) -> Result<Option<Block>> {
    let (from, to) = keys::blocks(stream, 0, sequence.saturating_add(1));
    let Some(pair) = map.range_back(&from, &to).next() else {
        return Ok(None);
    };
    let (key, value) = pair?;
    Block::unpack(keys::last_u64(&key)?, &value).map(Some)
}

/// The error for an index or place that points at nothing.
pub(super) fn missing(number: u32, sequence: u64) -> Error {
    Error::new(
        Code::StoreDamaged,
        format!("the log of stream {number} has no record at sequence {sequence}"),
    )
}
