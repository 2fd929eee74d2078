//! Pruning: the content of a record is taken away and comes back with the next save of
//! the same content; its id, its hash and its place in the feed stay all the time.
//!
//! The blocks are written again in their places, in the commit that says so. Which places
//! are pruned is kept beside, so that a save need not read the log to know.

use super::block::{Block, Packer, Row};
use super::keys;
use super::sequences::chunk_of;
use super::shared::read;
use super::stream::missing;
use super::writer::Writer;
use crate::error::Result;
use crate::model::StreamKey;
use crate::store::{PruneQuery, Pruned};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::atomic::Ordering;

/// Records that are pruned in one commit, so that others' writes come between.
pub(super) const PRUNED_AT_ONCE: usize = 1_000;

/// What becomes of the content of a record that stays in its place.
#[derive(Clone, Copy)]
pub(super) enum Content<'a> {
    /// It is taken away.
    Gone,
    /// It is there again.
    Back(&'a [u8]),
}

impl Writer {
    /// Prunes at most [`PRUNED_AT_ONCE`] records; `through` is the last place that may be.
    pub(super) fn prune(
        &mut self,
        key: &StreamKey,
        through: u64,
        query: &PruneQuery,
    ) -> Result<Pruned> {
        let Some(number) = self.known_stream(key) else {
            return Ok(Pruned::default());
        };
        let most = query.limit.min(PRUNED_AT_ONCE);
        let mut wanted = self.unpruned(number, through, most + 1)?;
        if let Some(time) = query.unchanged_since {
            let old_enough = self.older_than(number, &wanted, time.as_microsecond())?;
            wanted.truncate(old_enough);
        }
        let more = wanted.len() > most;
        wanted.truncate(most);
        let gone = wanted.iter().map(|sequence| (*sequence, Content::Gone));
        self.rewrite(number, &gone.collect())?;
        Ok(Pruned {
            count: wanted.len() as u64,
            more,
        })
    }

    /// The first current places up to `through` that are not pruned, in order.
    fn unpruned(&mut self, number: u32, through: u64, most: usize) -> Result<Vec<u64>> {
        let pruned = self.pruned(number)?;
        self.with_places(number, |places| {
            let live = places.live.without(&pruned, through).take(most);
            let gone = places.gone.without(&pruned, through).take(most);
            let mut both: Vec<u64> = live.chain(gone).collect();
            both.sort_unstable();
            both.truncate(most);
            both
        })
    }

    /// How many of some places, from the first on, were written before `time`.
    fn older_than(&self, number: u32, sequences: &[u64], time: i64) -> Result<usize> {
        let mut block: Option<Block> = None;
        for (at, sequence) in sequences.iter().enumerate() {
            if block
                .as_ref()
                .is_none_or(|block| block.slot(*sequence).is_none())
            {
                block = self.block_at(number, *sequence)?;
            }
            let header = block.as_ref().map(|block| block.header);
            let header = header.ok_or_else(|| missing(number, *sequence))?;
            if header.time >= time {
                return Ok(at);
            }
        }
        Ok(sequences.len())
    }

    /// Writes the blocks of some current records again, with other content.
    pub(super) fn rewrite(
        &mut self,
        number: u32,
        contents: &BTreeMap<u64, Content<'_>>,
    ) -> Result<()> {
        let now = self.stage.now;
        let mut blocks = Vec::new();
        let mut left = contents.keys().copied().peekable();
        let mut packer = Packer::new()?;
        while let Some(sequence) = left.peek().copied() {
            let block = self.block_at(number, sequence)?;
            let block = block.ok_or_else(|| missing(number, sequence))?;
            if block.slot(sequence).is_none() {
                return Err(missing(number, sequence));
            }
            let needed = self.needed(number, &block)?;
            let rows: Vec<Row<'_>> = block
                .slots
                .iter()
                .map(|slot| {
                    let row = block.row(slot);
                    match contents.get(&slot.sequence) {
                        Some(Content::Gone) => row.without_content(now),
                        Some(Content::Back(body)) => Row {
                            pruned: 0,
                            body,
                            ..row
                        },
                        None if needed.contains(&slot.sequence) => row,
                        None => Row { body: &[], ..row },
                    }
                })
                .collect();
            let value = packer.pack(block.first, block.header, &rows)?;
            while left
                .next_if(|sequence| block.slot(*sequence).is_some())
                .is_some()
            {}
            blocks.push((block.first, block.stored, value));
        }
        for (first, before, value) in blocks {
            self.put_block_again(number, first, before, Some(value))?;
        }
        let marks = contents.iter();
        self.mark_pruned(
            number,
            marks.map(|(sequence, content)| (*sequence, matches!(content, Content::Gone))),
        );
        Ok(())
    }

    /// The records of a block whose content is needed: what was superseded is dropped
    /// along, unless a backup may still be reading it.
    fn needed(&mut self, number: u32, block: &Block) -> Result<HashSet<u64>> {
        let all = block.slots.iter().map(|slot| slot.sequence);
        if self.shared.readers_of_all.load(Ordering::SeqCst) > 0 {
            return Ok(all.collect());
        }
        self.with_places(number, |places| {
            all.filter(|sequence| places.is_current(*sequence))
                .collect()
        })
    }

    /// Writes a block of the log in the place of what it was, or nothing.
    pub(super) fn put_block_again(
        &mut self,
        number: u32,
        first: u64,
        before: u64,
        value: Option<Vec<u8>>,
    ) -> Result<()> {
        let after = value.as_ref().map_or(0, |value| value.len() as u64);
        self.resize(number, before, after)?;
        match value {
            Some(value) => self.put(keys::block(number, first), value),
            None => self.remove(keys::block(number, first)),
        }
        Ok(())
    }

    /// Which of some places are pruned.
    pub(super) fn pruned_among(
        &mut self,
        number: u32,
        sequences: impl Iterator<Item = u64>,
    ) -> Result<HashSet<u64>> {
        self.look_at_pruned(number, |pruned| match pruned.is_empty() {
            true => HashSet::new(),
            false => sequences
                .filter(|sequence| pruned.contains(*sequence))
                .collect(),
        })
    }

    fn pruned(&mut self, number: u32) -> Result<super::sequences::Sequences> {
        self.look_at_pruned(number, Clone::clone)
    }

    /// Notes which places are pruned, or not any more.
    pub(super) fn mark_pruned(&mut self, number: u32, marks: impl Iterator<Item = (u64, bool)>) {
        let mut marks = marks.peekable();
        if marks.peek().is_none() {
            return;
        }
        let mut rows = Vec::new();
        if let Some((stream, changes)) = self.staged(number) {
            let staged = changes.pruned.take();
            let mut pruned = staged.unwrap_or_else(|| read(stream).pruned.clone());
            let mut chunks = BTreeSet::new();
            for (sequence, is_pruned) in marks {
                chunks.insert(chunk_of(sequence));
                match is_pruned {
                    true => pruned.insert(sequence),
                    false => pruned.remove(sequence),
                };
            }
            rows.extend(
                chunks
                    .into_iter()
                    .map(|chunk| (keys::pruned(number, chunk), pruned.chunk_if_any(chunk))),
            );
            changes.pruned = Some(pruned);
        }
        for (key, row) in rows {
            match row {
                Some(bytes) => self.put(key, bytes),
                None => self.remove(key),
            }
        }
    }
}

impl<'a> Row<'a> {
    fn without_content(self, now: i64) -> Row<'a> {
        Row {
            pruned: now,
            body: &[],
            ..self
        }
    }
}
