//! The thread that builds index runs and merges them, beside the committer: it only reads
//! what does not change any more, and hands what it wrote to the committer in pieces.

use super::committer::Queue;
use super::compact::compact;
use super::index::{Entry, Frozen, IdHash, Run, RunInfo, RunWriter, entries_of};
use super::keys;
use super::map::Op;
use super::reclaim::reclaim;
use super::runs::to_json;
use super::shared::{Shared, SharedStream, read, write};
use super::upkeep::{change_manifest, remove_range, remove_scrap};
use crate::error::Result;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

/// Runs of one level that become one of the next. Fewer would write an entry more
/// often, more would let a lookup ask more filters.
const RUNS_PER_LEVEL: usize = 4;
/// Bytes of changes that are handed over at once: a few milliseconds of the committer.
const PIECE_BYTES: usize = 512 << 10;
/// Buckets read from a run at once while merging.
const READ_BUCKETS: usize = 64;

/// What the builder is asked to do.
pub(super) enum Task {
    /// Make a run of entries.
    Build {
        stream: SharedStream,
        frozen: Arc<Frozen>,
    },
    /// Remove what a pass has seen.
    ForgetPass(u64),
    /// Give back the room of streams that were cleared.
    Reclaim,
}

/// Serves tasks until the store is closed.
pub(super) fn serve(shared: &Arc<Shared>, queue: &Queue, tasks: &Receiver<Task>) {
    for task in tasks {
        let done = match task {
            Task::Build { stream, frozen } => build(queue, &stream, &frozen)
                .and_then(|()| merge_full_levels(shared, queue, &stream))
                .and_then(|()| compact(shared, queue, &stream)),
            Task::ForgetPass(pass) => remove_range(shared, queue, &keys::all_seen(pass)),
            Task::Reclaim => reclaim(shared, queue),
        };
        match done {
            Ok(()) => {}
            // The next start takes it up again.
            Err(_) if shared.is_closing() => return,
            // What is derived can be built again; the committer has noted a failed write.
            Err(error) => tracing::warn!(%error, "care for an index was not finished"),
        }
    }
}

/// Writes pieces of a run as they fill.
struct Output<'a> {
    queue: &'a Queue,
    ops: Vec<Op>,
    bytes: usize,
}

impl<'a> Output<'a> {
    fn new(queue: &'a Queue) -> Self {
        Output {
            queue,
            ops: Vec::new(),
            bytes: 0,
        }
    }

    fn pass_on(&mut self, at_least: usize) -> Result<()> {
        let size = |(key, value): &Op| key.len() + value.as_ref().map_or(0, Vec::len);
        self.bytes = self.ops.iter().map(size).sum();
        match self.bytes >= at_least {
            true => self.queue.apply(std::mem::take(&mut self.ops)),
            false => Ok(()),
        }
    }
}

/// Makes a run of frozen entries.
fn build(queue: &Queue, shared_stream: &SharedStream, frozen: &Arc<Frozen>) -> Result<()> {
    let mut sorted: Vec<(&IdHash, &Entry)> = frozen.entries.iter().collect();
    sorted.sort_unstable_by_key(|(id, _)| **id);
    let number = reserve(queue, shared_stream)?;
    let stream = read(shared_stream).number;
    let info = RunInfo::new(number, 0, sorted.len() as u64);
    let (mut writer, mut output) = (RunWriter::new(stream, info), Output::new(queue));
    for (at, (id, entry)) in sorted.into_iter().enumerate() {
        writer.push(id, entry, &mut output.ops);
        if at % 1024 == 0 {
            output.pass_on(PIECE_BYTES)?;
        }
    }
    let run = writer.finish(&mut output.ops);
    output.pass_on(0)?;
    let (shared_stream, frozen) = (shared_stream.clone(), frozen.clone());
    queue.care(move |writer| {
        let mut stream = write(&shared_stream);
        let number_of_stream = stream.number;
        let mut manifest = stream.index.manifest.clone();
        manifest.scrap.retain(|scrap| *scrap != number);
        manifest.runs.insert(0, run.info);
        manifest.watermark = frozen.watermark;
        let mut ops = stream.places.take_dirty(number_of_stream);
        ops.push((keys::manifest(number_of_stream), Some(to_json(&manifest)?)));
        writer.apply(ops)?;
        let index = &mut stream.index;
        index.manifest = manifest;
        index.runs.insert(0, Arc::new(run));
        index.frozen.retain(|part| !Arc::ptr_eq(part, &frozen));
        Ok(())
    })
}

/// Takes a number for a run that will be written. It is scrap until the run is whole, so
/// that what a crash leaves of it is removed.
fn reserve(queue: &Queue, stream: &SharedStream) -> Result<u32> {
    let (sender, receiver) = std::sync::mpsc::sync_channel(1);
    let stream = stream.clone();
    queue.care(move |writer| {
        let number = change_manifest(writer, &stream, |manifest| {
            let number = manifest.next;
            manifest.next += 1;
            manifest.scrap.push(number);
            number
        })?;
        let _ = sender.send(number);
        Ok(())
    })?;
    receiver
        .recv()
        .map_err(|_| crate::error::Error::new(crate::error::Code::Internal, "no run number"))
}

/// Merges levels that are full, lowest first.
fn merge_full_levels(shared: &Arc<Shared>, queue: &Queue, stream: &SharedStream) -> Result<()> {
    loop {
        let (number, full) = {
            let stream = read(stream);
            (stream.number, full_level(&stream.index.runs))
        };
        let Some(runs) = full else {
            return remove_scrap(shared, queue, stream);
        };
        merge(shared, queue, stream, number, &runs)?;
    }
}

/// The runs of the lowest level that has enough of them, newest first. Levels rise with
/// age, so that they lie side by side.
fn full_level(runs: &[Arc<Run>]) -> Option<Vec<Arc<Run>>> {
    runs.chunk_by(|one, next| one.info.level == next.info.level)
        .find(|level| level.len() >= RUNS_PER_LEVEL)
        .map(<[_]>::to_vec)
}

fn merge(
    shared: &Arc<Shared>,
    queue: &Queue,
    shared_stream: &SharedStream,
    stream: u32,
    runs: &[Arc<Run>],
) -> Result<()> {
    let number = reserve(queue, shared_stream)?;
    let entries = runs.iter().map(|run| run.info.entries).sum();
    let level = runs
        .first()
        .map_or(0, |run| run.info.level)
        .saturating_add(1);
    let floor = read(shared_stream).state.floor;
    let mut sources: Vec<Source> = runs
        .iter()
        .map(|run| Source::new(shared.clone(), stream, run.info.number))
        .collect();
    let info = RunInfo::new(number, level, entries);
    let (mut writer, mut output) = (RunWriter::new(stream, info), Output::new(queue));
    let mut count = 0u64;
    while let Some((id, entry)) = next_of(&mut sources)? {
        if entry.sequence > floor {
            writer.push(&id, &entry, &mut output.ops);
        }
        count += 1;
        if count.is_multiple_of(1024) {
            output.pass_on(PIECE_BYTES)?;
        }
    }
    let run = writer.finish(&mut output.ops);
    output.pass_on(0)?;
    let (shared_stream, old) = (shared_stream.clone(), runs.to_vec());
    queue.care(move |writer| {
        let old: Vec<u32> = old.iter().map(|run| run.info.number).collect();
        let info = run.info;
        change_manifest(writer, &shared_stream, |manifest| {
            let at = manifest
                .runs
                .iter()
                .position(|run| old.contains(&run.number));
            manifest.scrap.retain(|scrap| *scrap != number);
            manifest.scrap.extend(&old);
            manifest.runs.retain(|run| !old.contains(&run.number));
            manifest.runs.insert(at.unwrap_or(0), info);
        })?;
        let mut stream = write(&shared_stream);
        let runs = &mut stream.index.runs;
        let at = runs.iter().position(|run| old.contains(&run.info.number));
        runs.retain(|run| !old.contains(&run.info.number));
        runs.insert(at.unwrap_or(0), Arc::new(run));
        Ok(())
    })
}

/// The next entry over all sources, which stand newest first: of one id the newest wins.
fn next_of(sources: &mut [Source]) -> Result<Option<(IdHash, Entry)>> {
    let mut least: Option<(IdHash, Entry)> = None;
    for source in sources.iter_mut() {
        if let Some((id, entry)) = source.peek()?
            && least.is_none_or(|(other, _)| id < other)
        {
            least = Some((id, entry));
        }
    }
    if let Some((id, _)) = least {
        for source in sources {
            if source.peek()?.is_some_and(|(other, _)| other == id) {
                source.ready.pop_front();
            }
        }
    }
    Ok(least)
}

/// Reads a run in order, some buckets at a time.
pub(super) struct Source {
    shared: Arc<Shared>,
    from: Option<Vec<u8>>,
    to: Vec<u8>,
    ready: VecDeque<(IdHash, Entry)>,
}

impl Source {
    pub(super) fn new(shared: Arc<Shared>, stream: u32, run: u32) -> Self {
        let (from, to) = keys::buckets(stream, run);
        Source {
            shared,
            from: Some(from),
            to,
            ready: VecDeque::new(),
        }
    }

    /// The next entries, at most `count`; none at the end.
    pub(super) fn take(&mut self, count: usize) -> Result<Vec<(IdHash, Entry)>> {
        let mut taken = Vec::new();
        while taken.len() < count
            && let Some(next) = self.peek()?
        {
            self.ready.pop_front();
            taken.push(next);
        }
        Ok(taken)
    }

    fn peek(&mut self) -> Result<Option<(IdHash, Entry)>> {
        while self.ready.is_empty() {
            let Some(from) = self.from.take() else {
                return Ok(None);
            };
            let (ready, to) = (&mut self.ready, &self.to);
            self.from = self.shared.with_map(|map| {
                let mut last = None;
                for pair in map.range(&from, to).take(READ_BUCKETS) {
                    let (key, value) = pair?;
                    ready.extend(entries_of(&value)?);
                    last = Some([&key[..], &[0]].concat());
                }
                Ok(last)
            })?;
        }
        Ok(self.ready.front().copied())
    }
}
