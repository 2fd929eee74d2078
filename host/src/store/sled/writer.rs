//! The writing side: what a group of writes does is staged, made durable by one frame of
//! the journal, and only then shown to readers.
//!
//! A write first works out all that it will do, and may fail while doing so; then it
//! stages that, and cannot fail any more. So a refused write leaves nothing behind.

use super::block::{BLOCK_BYTES, BLOCK_RECORDS, Block, Header, Packer, Row};
use super::builder::Task;
use super::bytes::damaged;
use super::index::{Entry, IdHash};
use super::journal::{Journal, payload_of};
use super::keys::{self, Table};
use super::map::Op;
use super::passes::Pass;
use super::runs::LiveRun;
use super::sequences::Sequences;
use super::shared::{Shared, SharedStream, read, write};
use super::stream::{Changes, NewRow, Places, State, Stream};
use crate::error::{Code, Error, Result};
use crate::model::{ConnectionKey, Digest, ModelName, RunId, StreamKey, SyncKey};
use crate::store::RunFence;
use std::collections::{BTreeMap, HashMap};
use std::sync::mpsc::Sender;
use std::sync::{Arc, RwLock};

/// The writing side of a store; one thread owns it.
pub(super) struct Writer {
    pub(super) shared: Arc<Shared>,
    pub(super) lives: HashMap<SyncKey, LiveRun>,
    pub(super) passes: HashMap<(SyncKey, ModelName), Pass>,
    pub(super) stage: Stage,
    journal: Journal,
    packer: Packer,
    builder: Sender<Task>,
    next_stream: u32,
    /// Entries of the log that wait for an index run, over all streams.
    unindexed: usize,
}

/// A stream whose records are to go, and the keys that tell which of them are pruned.
pub(super) struct PlannedClear {
    number: u32,
    pruned: Vec<Vec<u8>>,
}

/// What the present group of writes will do.
#[derive(Default)]
pub(super) struct Stage {
    /// The time of the commit, in microseconds since 1970.
    pub(super) now: i64,
    /// Delete passes that it opens.
    pub(super) passes_opened: u16,
    /// Numbers of the passes that it ends.
    pub(super) passes_ended: Vec<u64>,
    /// Whether it takes all records of a stream away.
    cleared: bool,
    ops: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    bytes: usize,
    streams: BTreeMap<u32, (SharedStream, Changes)>,
    created: HashMap<StreamKey, u32>,
}

impl Writer {
    pub(super) fn new(
        shared: Arc<Shared>,
        journal: Journal,
        builder: Sender<Task>,
        next_stream: u32,
    ) -> Result<Self> {
        Ok(Writer {
            shared,
            lives: HashMap::new(),
            passes: HashMap::new(),
            stage: Stage::default(),
            journal,
            packer: Packer::new()?,
            builder,
            next_stream,
            unindexed: 0,
        })
    }

    /// Begins a group of writes.
    pub(super) fn begin(&mut self) {
        self.stage = Stage {
            now: self.shared.clock.now().as_microsecond(),
            ..Stage::default()
        };
    }

    /// The number that the present group will have.
    pub(super) fn commit_number(&self) -> u64 {
        self.journal.position().number + 1
    }

    /// Refuses a write that needs room while too little disk is free.
    pub(super) fn needs_room(&self) -> Result<()> {
        match self.shared.platform.disk().free_bytes() {
            Ok(free) => self.shared.note_free(free),
            Err(error) => Err(super::map::io_error("asking for free disk", &error)),
        }
    }

    // ---- single keys ------------------------------------------------------------------

    /// The value of a key as this group will leave it.
    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        match self.stage.ops.get(key) {
            Some(staged) => Ok(staged.clone()),
            None => {
                let value = self.shared.with_map(|map| map.get(key))?;
                Ok(value.map(|value| value.to_vec()))
            }
        }
    }

    /// Bytes that the group has staged.
    pub(super) fn staged_bytes(&self) -> usize {
        self.stage.bytes
    }

    pub(super) fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.stage.bytes += key.len() + value.len();
        self.stage.ops.insert(key, Some(value));
    }

    pub(super) fn remove(&mut self, key: Vec<u8>) {
        self.stage.ops.insert(key, None);
    }

    /// The keys of a range as this group will leave it.
    pub(super) fn keys_in(&self, range: &keys::Range) -> Result<Vec<Vec<u8>>> {
        let mut found: BTreeMap<Vec<u8>, bool> = BTreeMap::new();
        self.shared.with_map(|map| {
            for pair in map.range(&range.0, &range.1) {
                found.insert(pair?.0.to_vec(), true);
            }
            Ok(())
        })?;
        for (key, value) in self.stage.ops.range(range.0.clone()..range.1.clone()) {
            found.insert(key.clone(), value.is_some());
        }
        let present = found.into_iter().filter(|(_, present)| *present);
        Ok(present.map(|(key, _)| key).collect())
    }

    // ---- streams ----------------------------------------------------------------------

    /// The number of a stream, if it was ever written to.
    pub(super) fn known_stream(&self, key: &StreamKey) -> Option<u32> {
        let created = self.stage.created.get(key).copied();
        created.or_else(|| self.shared.number(key))
    }

    /// The streams of a connection.
    pub(super) fn streams_of(&self, connection: &ConnectionKey) -> Vec<StreamKey> {
        let mut keys = self.shared.stream_keys(Some(connection));
        let created = self.stage.created.keys();
        keys.extend(created.filter(|key| key.connection == *connection).cloned());
        keys
    }

    /// The number of a stream, which is created if need be.
    pub(super) fn stream_number(&mut self, key: &StreamKey) -> u32 {
        if let Some(number) = self.known_stream(key) {
            return number;
        }
        let number = self.next_stream;
        self.next_stream += 1;
        self.put(keys::name(key), number.to_be_bytes().to_vec());
        self.stage.created.insert(key.clone(), number);
        let stream = Arc::new(RwLock::new(Stream::new(number)));
        self.stage
            .streams
            .insert(number, (stream, Changes::default()));
        number
    }

    /// Takes a stream into this group.
    fn touch(&mut self, number: u32) -> Result<()> {
        if !self.stage.streams.contains_key(&number) {
            let stream = self.shared.stream(number)?;
            let state = read(&stream).state;
            let changes = Changes {
                state,
                ..Changes::default()
            };
            self.stage.streams.insert(number, (stream, changes));
        }
        Ok(())
    }

    /// The state of a stream as this group will leave it.
    pub(super) fn state(&mut self, number: u32) -> Result<State> {
        self.touch(number)?;
        let staged = self.stage.streams.get(&number);
        Ok(staged.map(|(_, changes)| changes.state).unwrap_or_default())
    }

    /// The latest entries of ids, as this group will leave them. They are looked up in
    /// the order of their hashes, which is that of the buckets they lie in.
    pub(super) fn find(&mut self, number: u32, ids: &[IdHash]) -> Result<Vec<Option<Entry>>> {
        self.touch(number)?;
        let mut found = vec![None; ids.len()];
        let Some((stream, changes)) = self.stage.streams.get(&number) else {
            return Ok(found);
        };
        let mut order: Vec<(&IdHash, &mut Option<Entry>)> = ids.iter().zip(&mut found).collect();
        order.sort_unstable_by_key(|(id, _)| **id);
        let stream = read(stream);
        self.shared.with_map(|map| {
            for (id, place) in order {
                *place = match changes.entries.get(id) {
                    Some(entry) => Some(*entry),
                    None if changes.cleared => None,
                    None => stream.find(map, id)?,
                };
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// The block that holds a sequence of a stream, as this group will leave it.
    pub(super) fn block_at(&self, number: u32, sequence: u64) -> Result<Option<Block>> {
        let (from, to) = keys::blocks(number, 0, sequence.saturating_add(1));
        let there = self.shared.with_map(|map| {
            let last = map.range_back(&from, &to).next();
            last.map(|pair| pair.map(|(key, value)| (key.to_vec(), value)))
                .transpose()
        })?;
        // Of this group are new blocks, behind all others, and ones that it writes again.
        let staged = self.stage.ops.range(from..to).next_back();
        let staged = staged.and_then(|(key, value)| Some((key, value.as_ref()?)));
        match (staged, there) {
            (Some((key, value)), there) if there.as_ref().is_none_or(|(last, _)| last <= key) => {
                Block::unpack(keys::last_u64(key)?, value).map(Some)
            }
            (_, Some((key, value))) => Block::unpack(keys::last_u64(&key)?, &value).map(Some),
            (_, None) => Ok(None),
        }
    }

    /// Which places of a stream are pruned, as this group will leave them.
    pub(super) fn look_at_pruned<T>(
        &mut self,
        number: u32,
        look: impl FnOnce(&Sequences) -> T,
    ) -> Result<T> {
        self.touch(number)?;
        let Some((stream, changes)) = self.stage.streams.get(&number) else {
            return Ok(look(&Sequences::default()));
        };
        Ok(match &changes.pruned {
            Some(pruned) => look(pruned),
            None => look(&read(stream).pruned),
        })
    }

    /// A stream of this group and what the group does to it.
    pub(super) fn staged(&mut self, number: u32) -> Option<(&SharedStream, &mut Changes)> {
        let (stream, changes) = self.stage.streams.get_mut(&number)?;
        Some((stream, changes))
    }

    /// Notes that a block of a stream has other bytes.
    pub(super) fn resize(&mut self, number: u32, before: u64, after: u64) -> Result<()> {
        self.touch(number)?;
        if let Some((_, changes)) = self.stage.streams.get_mut(&number) {
            let bytes = &mut changes.state.bytes;
            *bytes = bytes.saturating_sub(before).saturating_add(after);
        }
        Ok(())
    }

    /// Looks at the places of a stream as this group will leave them.
    pub(super) fn with_places<T>(
        &mut self,
        number: u32,
        look: impl FnOnce(&Places) -> T,
    ) -> Result<T> {
        self.touch(number)?;
        let Some((stream, changes)) = self.stage.streams.get(&number) else {
            return Ok(look(&Places::default()));
        };
        if !changes.is_any() {
            return Ok(look(&read(stream).places));
        }
        let mut places = match changes.cleared {
            true => Places::default(),
            false => read(stream).places.clone(),
        };
        changes.moves.iter().for_each(|step| places.apply(*step));
        Ok(look(&places))
    }

    /// Appends records to the log of a stream and answers their sequences, in order.
    pub(super) fn append(
        &mut self,
        number: u32,
        run: RunId,
        rows: &[NewRow<'_>],
    ) -> Result<Vec<u64>> {
        let first = self.state(number)?.last_sequence + 1;
        let sequences: Vec<u64> = (first..first + rows.len() as u64).collect();
        let header = Header {
            run,
            commit: self.commit_number(),
            time: self.stage.now,
        };
        let mut blocks = Vec::new();
        let mut open: Vec<Row<'_>> = Vec::with_capacity(BLOCK_RECORDS);
        let mut bytes = 0;
        for (row, sequence) in rows.iter().zip(&sequences) {
            bytes += row.body.len() + row.id.len();
            if open.len() == BLOCK_RECORDS || (bytes > BLOCK_BYTES && !open.is_empty()) {
                blocks.push(pack(&mut self.packer, number, header, &open)?);
                open.clear();
                bytes = row.body.len() + row.id.len();
            }
            open.push(Row {
                sequence: *sequence,
                action: row.action,
                first_seen: row.first_seen,
                before: row.before,
                pruned: row.pruned,
                hash: row.hash,
                id: row.id,
                body: row.body,
            });
        }
        if !open.is_empty() {
            blocks.push(pack(&mut self.packer, number, header, &open)?);
        }
        // From here on nothing can fail.
        let bytes: u64 = blocks.iter().map(|(_, block)| block.len() as u64).sum();
        for (key, block) in blocks {
            self.put(key, block);
        }
        if let Some((_, changes)) = self.stage.streams.get_mut(&number) {
            changes.state.bytes += bytes;
            for (row, sequence) in rows.iter().zip(&sequences) {
                changes.add(row, *sequence);
            }
        }
        let pruned = rows
            .iter()
            .zip(&sequences)
            .filter(|(row, _)| row.pruned != 0);
        self.mark_pruned(number, pruned.map(|(_, sequence)| (*sequence, true)));
        self.follow_passes(number, rows, &sequences);
        Ok(sequences)
    }

    /// Looks up what goes with the records of some streams. All that can fail in clearing
    /// them is done here, before anything is staged.
    pub(super) fn plan_clear(&mut self, numbers: &[u32]) -> Result<Vec<PlannedClear>> {
        let mut all = Vec::with_capacity(numbers.len());
        for number in numbers {
            self.touch(*number)?;
            all.push(PlannedClear {
                number: *number,
                pruned: self.keys_in(&keys::all_pruned(*number))?,
            });
        }
        Ok(all)
    }

    /// Takes away every record of some streams; their sequences go on.
    pub(super) fn clear(&mut self, streams: Vec<PlannedClear>) {
        for PlannedClear { number, pruned } in streams {
            pruned.into_iter().for_each(|key| self.remove(key));
            let commit = self.commit_number().to_be_bytes().to_vec();
            self.put(keys::cleared(number), commit);
            self.stage.cleared = true;
            if let Some((_, changes)) = self.stage.streams.get_mut(&number) {
                changes.clear();
            }
        }
    }

    /// Takes in a pair of a backup. A block's records are followed into index and places.
    pub(super) fn restore(
        &mut self,
        names: &BTreeMap<u32, StreamKey>,
        key: Vec<u8>,
        value: Vec<u8>,
    ) -> Result<()> {
        match key.first() {
            Some(table) if *table == Table::State as u8 => {
                let number = keys::stream_of(&key)?;
                let name = names.get(&number).cloned();
                let name = name.ok_or_else(|| damaged("a stream of the backup has no name"))?;
                let state = State {
                    // Its blocks are counted as they come in.
                    bytes: 0,
                    ..State::from_bytes(&value)?
                };
                let changes = Changes {
                    state,
                    ..Changes::default()
                };
                let stream = Arc::new(RwLock::new(Stream::new(number)));
                self.stage.created.insert(name, number);
                self.stage.streams.insert(number, (stream, changes));
                self.next_stream = self.next_stream.max(number + 1);
            }
            Some(table) if *table == Table::Component as u8 => {
                let digest = Digest::of(&value);
                if key != keys::component(&digest) {
                    return Err(damaged("a component of the backup has other bytes"));
                }
                super::catalog::write_component(&*self.shared.platform.disk(), &digest, &value)?;
            }
            Some(table) if *table == Table::Block as u8 => {
                let number = keys::stream_of(&key)?;
                let block = Block::unpack(keys::last_u64(&key)?, &value)?;
                self.touch(number)?;
                if let Some((_, changes)) = self.stage.streams.get_mut(&number) {
                    changes.state.bytes += block.stored;
                    for slot in &block.slots {
                        changes.follow(block.id(slot), slot, block.hash(slot));
                    }
                }
                let pruned = block.slots.iter().filter(|slot| slot.pruned != 0);
                self.mark_pruned(number, pruned.map(|slot| (slot.sequence, true)));
                self.put(key, value);
            }
            _ => self.put(key, value),
        }
        Ok(())
    }

    // ---- fences -----------------------------------------------------------------------

    /// The live run that a fence names.
    pub(super) fn live(&mut self, fence: &RunFence) -> Result<&mut LiveRun> {
        match self.lives.get_mut(&fence.key) {
            Some(live) if live.row.id == fence.run => Ok(live),
            _ => Err(Error::new(
                Code::RunCancelled,
                format!("run {} of {} is not live any more", fence.run, fence.key),
            )),
        }
    }

    // ---- the commit -------------------------------------------------------------------

    /// Makes the group durable and shows it to readers. An error means that nobody knows
    /// what is on disk: the store must stop.
    pub(super) fn commit(&mut self) -> Result<()> {
        let stage = std::mem::take(&mut self.stage);
        let mut ops: Vec<Op> = stage.ops.into_iter().collect();
        for (number, (stream, changes)) in &stage.streams {
            let is_new = stage.created.values().any(|created| created == number);
            if is_new || changes.state != read(stream).state {
                ops.push((keys::state(*number), Some(changes.state.to_bytes())));
            }
        }
        if ops.is_empty() {
            return Ok(());
        }
        let position = self.journal.append(&payload_of(&ops))?;
        ops.push((keys::COMMIT.to_vec(), Some(position.to_bytes())));
        self.publish(ops, stage.streams, stage.created)?;
        self.forget_passes(stage.passes_ended);
        if stage.cleared {
            self.reclaim_later();
        }
        self.freeze_if_full();
        if self.journal.bytes() >= self.shared.options.journal_bytes {
            self.flush()?;
            self.trim()?;
        }
        Ok(())
    }

    fn publish(
        &mut self,
        ops: Vec<Op>,
        streams: BTreeMap<u32, (SharedStream, Changes)>,
        created: HashMap<StreamKey, u32>,
    ) -> Result<()> {
        let changed = streams.iter().filter(|(_, (_, changes))| changes.is_any());
        let changed: Vec<u32> = changed.map(|(number, _)| *number).collect();
        let (streams, changes): (Vec<_>, Vec<_>) = streams.into_values().unzip();
        let mut guards: Vec<_> = streams.iter().map(write).collect();
        self.apply(ops)?;
        for (stream, changes) in guards.iter_mut().zip(changes) {
            self.unindexed += changes.moves.len();
            stream.publish(changes);
        }
        let room = guards
            .iter()
            .map(|stream| (stream.number, stream.state.bytes));
        self.shared.note_room(room);
        drop(guards);
        for (key, number) in created {
            let stream = streams.iter().find(|stream| read(stream).number == number);
            if let Some(stream) = stream {
                self.shared.add_stream(key, stream.clone());
            }
        }
        if !changed.is_empty() {
            let number = |key: &StreamKey| self.shared.number(key);
            let news = &self.shared.news;
            news.tell(|key| number(key).is_some_and(|number| changed.contains(&number)));
        }
        Ok(())
    }

    /// Applies changes to the map, past the journal: only for what the journal holds
    /// already or what is derived from it.
    pub(super) fn apply(&self, ops: Vec<Op>) -> Result<()> {
        match &*self.shared.map_alone() {
            Some(map) => map.apply(ops),
            None => Err(self.shared.failure()),
        }
    }

    /// Flushes the map and starts the journal anew.
    pub(super) fn flush(&mut self) -> Result<()> {
        self.shared.with_map(|map| map.flush())?;
        self.journal.restart()
    }

    /// Opens the map anew if it holds too much memory: sled never gives back what it
    /// once wrote or read.
    pub(super) fn trim(&mut self) -> Result<()> {
        if self.shared.with_map(|map| Ok(map.held_bytes()))? < self.shared.options.map_bytes {
            return Ok(());
        }
        self.flush()?;
        let mut map = self.shared.map_alone();
        drop(map.take());
        *map = Some(self.shared.platform.open_map()?);
        Ok(())
    }

    /// Lets the builder remove what ended passes have seen: nobody waits for that.
    pub(super) fn forget_passes(&self, passes: Vec<u64>) {
        for pass in passes {
            let _ = self.builder.send(Task::ForgetPass(pass));
        }
    }

    /// Lets the builder give back the room of streams that were cleared.
    pub(super) fn reclaim_later(&self) {
        // The builder ends only with the store.
        let _ = self.builder.send(Task::Reclaim);
    }

    /// Lets the builder index the streams of which most waits when too much does, until
    /// half as much does: with thousands of small streams, looking for the largest is the
    /// larger part of the work.
    fn freeze_if_full(&mut self) {
        let most = self.shared.options.index_entries_waiting;
        if self.unindexed < most {
            return;
        }
        let mut streams: Vec<(usize, SharedStream)> = self
            .shared
            .loaded()
            .into_iter()
            .map(|stream| {
                let unindexed = read(&stream).unindexed();
                (unindexed, stream)
            })
            .collect();
        self.unindexed = streams.iter().map(|(unindexed, _)| unindexed).sum();
        if self.unindexed < most {
            return;
        }
        streams.sort_unstable_by_key(|(unindexed, _)| std::cmp::Reverse(*unindexed));
        for (unindexed, stream) in streams {
            if self.unindexed <= most / 2 {
                return;
            }
            let frozen = write(&stream).freeze();
            self.unindexed -= unindexed;
            // The builder ends only with the store.
            let _ = self.builder.send(Task::Build { stream, frozen });
        }
    }
}

fn pack(
    packer: &mut Packer,
    number: u32,
    header: Header,
    rows: &[Row<'_>],
) -> Result<(Vec<u8>, Vec<u8>)> {
    let first = rows.first().map_or(0, |row| row.sequence);
    Ok((
        keys::block(number, first),
        packer.pack(first, header, rows)?,
    ))
}
