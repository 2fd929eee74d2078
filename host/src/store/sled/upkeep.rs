//! Steps of the work beside the committer, of which it asks for one at a time: a change of
//! an index's manifest, and the removal of keys that nobody needs.

use super::committer::Queue;
use super::index::Manifest;
use super::keys;
use super::map::Op;
use super::runs::to_json;
use super::shared::{Shared, SharedStream, read, write};
use super::writer::Writer;
use crate::error::Result;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Keys that are removed at once, so that the committer is held for a few milliseconds.
const KEYS_REMOVED_AT_ONCE: usize = 512;

/// Writes a stream's manifest as `change` leaves it.
pub(super) fn change_manifest<T>(
    writer: &mut Writer,
    stream: &SharedStream,
    change: impl FnOnce(&mut Manifest) -> T,
) -> Result<T> {
    let mut stream = write(stream);
    let mut manifest = stream.index.manifest.clone();
    let result = change(&mut manifest);
    writer.apply(vec![(
        keys::manifest(stream.number),
        Some(to_json(&manifest)?),
    )])?;
    stream.index.manifest = manifest;
    Ok(result)
}

/// Removes the keys of runs that are not needed, a piece at a time.
pub(super) fn remove_scrap(
    shared: &Arc<Shared>,
    queue: &Queue,
    stream: &SharedStream,
) -> Result<()> {
    let (number, scrap) = {
        let stream = read(stream);
        (stream.number, stream.index.manifest.scrap.clone())
    };
    // Somebody may be reading the runs; the next merge removes them.
    if shared.readers_of_all.load(Ordering::SeqCst) > 0 {
        return Ok(());
    }
    for run in scrap {
        remove_range(shared, queue, &keys::buckets(number, run))?;
        remove_range(shared, queue, &keys::filters(number, run))?;
        let stream = stream.clone();
        queue.care(move |writer| {
            change_manifest(writer, &stream, |manifest| {
                manifest.scrap.retain(|scrap| *scrap != run);
            })
        })?;
    }
    Ok(())
}

/// Removes all keys of a range, a piece at a time.
pub(super) fn remove_range(shared: &Shared, queue: &Queue, (from, to): &keys::Range) -> Result<()> {
    loop {
        let piece: Vec<Op> = shared.with_map(|map| {
            let keys = map.range(from, to).take(KEYS_REMOVED_AT_ONCE);
            keys.map(|pair| Ok((pair?.0.to_vec(), None))).collect()
        })?;
        let is_last = piece.len() < KEYS_REMOVED_AT_ONCE;
        queue.apply(piece)?;
        if is_last {
            return Ok(());
        }
    }
}
