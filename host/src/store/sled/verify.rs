//! Reading everything and holding log, places and index against each other.
//!
//! It goes on while others write: each step looks at a few blocks or buckets at one
//! moment. What it asks is that every current record of the log is what the index finds
//! for its id, and that everything the index finds is current.

use super::block::{Block, Slot};
use super::index::{Entry, IdHash, id_hash};
use super::shared::{Shared, SharedStream, read};
use super::stream::Stream;
use crate::error::Result;
use crate::model::Action;
use crate::store::VerifyReport;
use crate::store::sled::builder::Source;
use crate::store::sled::map::OrderedMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Defects told one by one; the rest is only counted, by the last one.
const DEFECTS_TOLD: usize = 100;
/// Index entries looked at in one step.
const ENTRIES_AT_ONCE: usize = 1_024;

/// While it lives, nothing is dropped from the log or the index.
pub(super) struct Pinned {
    shared: Arc<Shared>,
}

impl Pinned {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        shared.readers_of_all.fetch_add(1, Ordering::SeqCst);
        Pinned { shared }
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        self.shared.readers_of_all.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A check of one stream, step by step.
pub(super) struct Check {
    stream: SharedStream,
    number: u32,
    next_block: Option<u64>,
    sources: Vec<Source>,
    pub(super) report: VerifyReport,
}

impl Check {
    pub(super) fn new(shared: &Arc<Shared>, number: u32, report: VerifyReport) -> Result<Self> {
        let stream = shared.stream(number)?;
        let sources = read(&stream)
            .index
            .runs
            .iter()
            .map(|run| Source::new(shared.clone(), number, run.info.number))
            .collect();
        let mut check = Check {
            stream,
            number,
            next_block: Some(0),
            sources,
            report,
        };
        check.report.streams += 1;
        let counts = read(&check.stream).check_counts();
        counts.unwrap_or_else(|error| check.tell(error.message));
        Ok(check)
    }

    /// Takes a step; answers whether there is more to do.
    pub(super) fn step(&mut self, shared: &Shared) -> Result<bool> {
        if let Some(start) = self.next_block.take() {
            let blocks = shared.some_blocks(self.number, start, u64::MAX - 1)?;
            self.next_block = blocks.last().map(|(first, _)| first + 1);
            let mut whole = Vec::new();
            for (first, bytes) in blocks {
                self.report.blocks += 1;
                match Block::unpack(first, &bytes) {
                    Ok(block) => whole.push(block),
                    Err(error) => self.tell(error.message),
                }
            }
            self.look_at(shared, &whole)?;
            return Ok(true);
        }
        while let Some(source) = self.sources.last_mut() {
            let entries = source.take(ENTRIES_AT_ONCE)?;
            if entries.is_empty() {
                self.sources.pop();
                continue;
            }
            let stream = self.stream.clone();
            let stream = read(&stream);
            let defects = shared.with_map(|map| {
                let defects = entries
                    .iter()
                    .map(|(id, entry)| index_defect(&stream, map, id, entry.sequence));
                defects.collect::<Result<Vec<_>>>()
            })?;
            defects
                .into_iter()
                .flatten()
                .for_each(|defect| self.tell(defect));
            return Ok(true);
        }
        Ok(false)
    }

    /// Holds the current records of some blocks against the index.
    fn look_at(&mut self, shared: &Shared, blocks: &[Block]) -> Result<()> {
        let stream = self.stream.clone();
        let stream = read(&stream);
        let slots = blocks
            .iter()
            .flat_map(|block| block.slots.iter().map(move |slot| (block, slot)));
        let mut current = Vec::new();
        for (block, slot) in slots {
            self.report.records += 1;
            if stream.places.is_current(slot.sequence) {
                current.push((id_hash(block.id(slot)), block, slot));
            }
        }
        // In the order of the index, which is much faster.
        current.sort_unstable_by_key(|(id, ..)| *id);
        let found = shared.with_map(|map| {
            let found = current.iter().map(|(id, ..)| stream.find(map, id));
            found.collect::<Result<Vec<_>>>()
        })?;
        for ((_, block, slot), entry) in current.into_iter().zip(found) {
            let live = stream.places.live.contains(slot.sequence);
            if let Some(defect) = record_defect(block, slot, live, entry) {
                self.tell(defect);
            }
        }
        Ok(())
    }

    fn tell(&mut self, defect: String) {
        match self.report.defects.len() {
            ..DEFECTS_TOLD => {
                let defect = format!("stream {}: {defect}", self.number);
                self.report.defects.push(defect);
            }
            DEFECTS_TOLD => self.report.defects.push("and more".into()),
            _ => {}
        }
    }
}

/// What is wrong with a current record, given what the index finds for its id.
fn record_defect(block: &Block, slot: &Slot, live: bool, entry: Option<Entry>) -> Option<String> {
    let (sequence, id) = (slot.sequence, block.id(slot).escape_debug());
    if live != (slot.action != Action::Deleted) {
        return Some(format!(
            "sequence {sequence} is marked as the opposite of what it is"
        ));
    }
    match entry {
        None => Some(format!("the index lacks `{id}`")),
        Some(entry) if entry.sequence != sequence => Some(format!(
            "the index has `{id}` at sequence {}, the log at {sequence}",
            entry.sequence
        )),
        Some(entry) if entry.hash != block.hash(slot) || entry.live != live => {
            Some(format!("the index has another state of `{id}`"))
        }
        Some(_) => None,
    }
}

/// What is wrong with an id that a run of the index holds at `sequence`.
fn index_defect(
    stream: &Stream,
    map: &dyn OrderedMap,
    id: &IdHash,
    sequence: u64,
) -> Result<Option<String>> {
    if sequence <= stream.state.floor {
        return Ok(None);
    }
    let found = stream.find(map, id)?;
    let sound = found.is_some_and(|entry| stream.places.is_current(entry.sequence));
    let defect = || format!("the index points at sequence {sequence}, where no record is current");
    Ok((!sound).then(defect))
}
