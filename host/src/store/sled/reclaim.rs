//! Giving back the room of streams that were cleared: the blocks and index runs that only
//! hold what is gone. A row for each such stream says that it is still to do, so that a
//! crash only puts it off.

use super::bytes::Input;
use super::committer::Queue;
use super::keys::{self, Table};
use super::sequences::chunk_of;
use super::shared::{Shared, SharedStream, read, write};
use super::upkeep::{change_manifest, remove_range, remove_scrap};
use crate::error::Result;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Takes up every stream that was cleared.
pub(super) fn reclaim(shared: &Arc<Shared>, queue: &Queue) -> Result<()> {
    let (from, to) = keys::all(Table::Cleared);
    let cleared: Vec<(Vec<u8>, Vec<u8>)> = shared.with_map(|map| {
        map.range(&from, &to)
            .map(|pair| pair.map(|(key, value)| (key.to_vec(), value.to_vec())))
            .collect()
    })?;
    for (key, commit) in cleared {
        // A backup or a check reads the log as it was; the next look comes here again.
        if shared.readers_of_all.load(Ordering::SeqCst) > 0 {
            return Ok(());
        }
        let number = Input::new(key.get(1..).unwrap_or_default(), "a cleared stream").u32()?;
        let stream = shared.stream(number)?;
        let floor = read(&stream).state.floor;
        remove_range(shared, queue, &keys::blocks(number, 0, floor + 1))?;
        let chunks = (
            keys::places(number, 0),
            keys::places(number, chunk_of(floor)),
        );
        remove_range(shared, queue, &chunks)?;
        drop_runs(queue, &stream)?;
        remove_scrap(shared, queue, &stream)?;
        queue.care(move |writer| match writer.get(&key)? {
            // It was not cleared once more meanwhile.
            Some(now) if now == commit => writer.apply(vec![(key, None)]),
            _ => Ok(()),
        })?;
    }
    Ok(())
}

/// Lets go of the index's runs if all they hold is gone.
fn drop_runs(queue: &Queue, stream: &SharedStream) -> Result<()> {
    let stream = stream.clone();
    queue.care(move |writer| {
        {
            let stream = read(&stream);
            let manifest = &stream.index.manifest;
            if manifest.runs.is_empty() || manifest.watermark > stream.state.floor {
                return Ok(());
            }
        }
        change_manifest(writer, &stream, |manifest| {
            let runs = std::mem::take(&mut manifest.runs);
            manifest.scrap.extend(runs.iter().map(|run| run.number));
            manifest.kept.clear();
            manifest.through.clear();
        })?;
        write(&stream).index.runs.clear();
        Ok(())
    })
}
