//! Giving room back: blocks whose records have mostly been superseded are written again
//! without those, in the same place and under the same sequences.
//!
//! What is dropped is what no reader will see and no index needs: only entries below the
//! watermark of the index are looked at, because those above it are read once more when
//! the store is opened.

use super::block::{Block, Packer, Row};
use super::committer::Queue;
use super::keys;
use super::sequences::{CHUNK_SEQUENCES, chunk_of};
use super::shared::{Shared, SharedStream, read};
use super::upkeep::change_manifest;
use crate::error::Result;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Dead entries in a chunk of 65,536 below which it is not worth the work.
const DEAD_ENTRIES_MIN: u64 = 1_024;

/// Compacts the chunks of a stream of whose entries more than half are dead.
pub(super) fn compact(shared: &Arc<Shared>, queue: &Queue, stream: &SharedStream) -> Result<()> {
    let (number, chunks) = {
        let stream = read(stream);
        let manifest = &stream.index.manifest;
        let chunks: Vec<u64> = (0..=chunk_of(manifest.watermark))
            .filter(|chunk| {
                let (first, last) = bounds(*chunk, manifest.watermark);
                // What came since the last time is all there.
                let left = manifest.kept.get(chunk).copied().unwrap_or(0);
                let since = manifest.through.get(chunk).map_or(first, |last| last + 1);
                let kept = left + (last + 1).saturating_sub(since);
                let current = stream.places.current_between(first, last);
                current < kept / 2 && kept - current >= DEAD_ENTRIES_MIN
            })
            .collect();
        (stream.number, chunks)
    };
    for chunk in chunks {
        // A backup or a check reads the log as it was: the next run comes here again.
        if shared.readers_of_all.load(Ordering::SeqCst) > 0 {
            return Ok(());
        }
        compact_chunk(shared, queue, stream, number, chunk)?;
    }
    Ok(())
}

/// First and last sequence of a chunk that may be dropped: the last chunk is still being
/// filled.
fn bounds(chunk: u64, watermark: u64) -> (u64, u64) {
    let first = chunk * CHUNK_SEQUENCES;
    (first, watermark.min(first + CHUNK_SEQUENCES - 1))
}

fn compact_chunk(
    shared: &Arc<Shared>,
    queue: &Queue,
    stream: &SharedStream,
    number: u32,
    chunk: u64,
) -> Result<()> {
    let (first, last, kept) = {
        let stream = read(stream);
        let (first, last) = bounds(chunk, stream.index.manifest.watermark);
        let kept = stream.places.current_between(first, last);
        (first, last, kept)
    };
    let mut packer = Packer::new()?;
    let mut start = first;
    loop {
        let blocks = shared.some_blocks(number, start, last)?;
        let Some((last_read, _)) = blocks.last() else {
            break;
        };
        start = last_read + 1;
        let mut again = Vec::new();
        for (first, bytes) in blocks {
            let block = Block::unpack(first, &bytes)?;
            let current: Vec<Row<'_>> = {
                let stream = read(stream);
                let slots = block.slots.iter();
                let current = slots.filter(|slot| stream.places.is_current(slot.sequence));
                current.map(|slot| block.row(slot)).collect()
            };
            if current.len() * 2 > block.slots.len() {
                continue;
            }
            let value = match current.is_empty() {
                true => None,
                false => Some(packer.pack(first, block.header, &current)?),
            };
            again.push((first, bytes, value));
        }
        queue.write_and_wait(move |writer| {
            // Of what a backup reads as it was when it began, nothing goes any more.
            if writer.shared.readers_of_all.load(Ordering::SeqCst) > 0 {
                return Ok(());
            }
            for (first, before, value) in again {
                // A prune may have written it again meanwhile; the next time will do.
                let now = writer.get(&keys::block(number, first))?;
                if now.is_some_and(|now| *now == *before) {
                    writer.put_block_again(number, first, before.len() as u64, value)?;
                }
            }
            Ok(())
        })?;
    }
    let stream = stream.clone();
    queue.care(move |writer| {
        change_manifest(writer, &stream, |manifest| {
            manifest.kept.insert(chunk, kept);
            manifest.through.insert(chunk, last);
        })
    })
}
