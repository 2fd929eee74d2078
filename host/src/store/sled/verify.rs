//! Reading everything and holding log, places and index against each other.
//!
//! It goes on while others write: each step looks at a few blocks or buckets at one
//! moment. What it asks is that every current record of the log is what the index finds
//! for its id, and that everything the index finds is current.

use super::block::Block;
use super::index::{IdHash, id_hash};
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
const ENTRIES_AT_ONCE: usize = 4_096;

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
            for (first, bytes) in blocks {
                self.report.blocks += 1;
                match Block::unpack(first, &bytes) {
                    Ok(block) => self.look_at(shared, &block)?,
                    Err(error) => self.tell(error.message),
                }
            }
            return Ok(true);
        }
        while let Some(source) = self.sources.last_mut() {
            let entries = source.take(ENTRIES_AT_ONCE)?;
            if entries.is_empty() {
                self.sources.pop();
                continue;
            }
            for (id, entry) in entries {
                let stream = self.stream.clone();
                let stream = read(&stream);
                let defect =
                    shared.with_map(|map| index_defect(&stream, map, &id, entry.sequence))?;
                drop(stream);
                defect.into_iter().for_each(|defect| self.tell(defect));
            }
            return Ok(true);
        }
        Ok(false)
    }

    fn look_at(&mut self, shared: &Shared, block: &Block) -> Result<()> {
        let stream = self.stream.clone();
        let stream = read(&stream);
        for slot in &block.slots {
            self.report.records += 1;
            let sequence = slot.sequence;
            let live = stream.places.live.contains(sequence);
            if !live && !stream.places.gone.contains(sequence) {
                continue;
            }
            if live != (slot.action != Action::Deleted) {
                self.tell(format!(
                    "sequence {sequence} is marked as the opposite of what it is"
                ));
            }
            let id = block.id(slot);
            let entry = shared.with_map(|map| stream.find(map, &id_hash(id)))?;
            match entry {
                Some(entry) if entry.sequence != sequence => self.tell(format!(
                    "the index has `{}` at sequence {}, the log at {sequence}",
                    id.escape_debug(),
                    entry.sequence
                )),
                Some(entry) if entry.hash != block.hash(slot) || entry.live != live => self.tell(
                    format!("the index has another state of `{}`", id.escape_debug()),
                ),
                Some(_) => {}
                None => self.tell(format!("the index lacks `{}`", id.escape_debug())),
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
