//! The commit journal: what an acknowledgement rests on.
//!
//! A commit is durable once its frame was appended and synced: one `fdatasync`. The map
//! takes the same changes in memory and is flushed only now and then; after that the
//! journal starts a new segment, whose header names the commit it starts from. On open,
//! the frames above what the map holds are applied again.
//!
//! Each frame carries the running hash over all commits, so that a frame cannot be lost
//! or changed in the middle without notice. The *seal*, a small file written after each
//! sync, names the last acknowledged commit, so that neither can one at the end: only a
//! frame that was never acknowledged may be cut off in silence. The seal needs no sync of
//! its own: it only ever claims what is durable already.

use super::bytes::{Input, damaged, put_varint};
use super::disk::{Disk, DiskFile};
use super::map::{Op, io_error};
use crate::error::Result;
use std::sync::Arc;

#[cfg(test)]
mod tests;

/// Bytes of the running hash.
pub(super) const HASH_BYTES: usize = 16;
/// The running hash over all commits.
pub(super) type Hash = [u8; HASH_BYTES];

/// First bytes of a segment.
const SEGMENT_MAGIC: [u8; 8] = *b"TGJRNL1\n";
/// First bytes of a frame; chosen so that it is no text and no zstd.
const FRAME_MAGIC: [u8; 4] = [0xf5, b'T', b'G', 0xa1];
/// First bytes of a seal.
const SEAL_MAGIC: [u8; 4] = *b"SEAL";
/// Magic, base number, base hash, store id, CRC.
const HEADER_BYTES: usize = 8 + 8 + HASH_BYTES + 16 + 4;
/// Magic, CRC, length, number, hash.
const FRAME_HEAD_BYTES: usize = 4 + 4 + 4 + 8 + HASH_BYTES;
/// Bytes of one slot of the seal; far below a disk's sector, so that it is never torn.
const SLOT_BYTES: usize = 4 + 8 + HASH_BYTES + 4;
/// Where the second slot lies: another sector, so that one always survives.
const SLOT_STEP: u64 = 4096;
/// Name of the seal.
const SEAL: &str = "seal";
/// Front of the names of segments.
const SEGMENT: &str = "journal-";
/// Name of a segment or seal while it is being written.
const UNFINISHED: &str = "unfinished";

/// The number and the running hash of a commit: where the store stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) struct Position {
    pub(super) number: u64,
    pub(super) hash: Hash,
}

impl Position {
    pub(super) fn to_bytes(self) -> Vec<u8> {
        [&self.number.to_be_bytes()[..], &self.hash].concat()
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut input = Input::new(bytes, "the commit number");
        Ok(Position {
            number: input.u64()?,
            hash: input.array()?,
        })
    }

    fn next(self, payload: &[u8]) -> Position {
        let number = self.number + 1;
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.hash);
        hasher.update(&number.to_be_bytes());
        hasher.update(payload);
        let mut hash = [0; HASH_BYTES];
        hasher.finalize_xof().fill(&mut hash);
        Position { number, hash }
    }
}

/// One commit of the journal.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) position: Position,
    pub(super) ops: Vec<Op>,
}

/// The journal, ready to be appended to.
pub(super) struct Journal {
    disk: Arc<dyn Disk>,
    store: [u8; 16],
    file: Box<dyn DiskFile>,
    seal: Box<dyn DiskFile>,
    position: Position,
    bytes: u64,
    buffer: Vec<u8>,
}

impl Journal {
    /// Whether `disk` holds commits, as far as can be told without knowing the store.
    pub(super) fn holds_commits(disk: &dyn Disk) -> Result<bool> {
        for name in names(disk)? {
            let bytes = match name.starts_with(SEGMENT) {
                true => io("reading the journal", disk.read(&name))?,
                false => continue,
            };
            if bytes.len() > HEADER_BYTES || name != segment_name(0) {
                return Ok(true);
            }
        }
        Ok(names(disk)?.iter().any(|name| name == SEAL) && read_seal(disk)?.number > 0)
    }

    /// Starts the journal of a new store.
    pub(super) fn create(disk: Arc<dyn Disk>, store: [u8; 16]) -> Result<Self> {
        Journal::start(&disk, store, Position::default())?;
        let mut seal = io("creating the seal", disk.create(UNFINISHED))?;
        for slot in 0..2 {
            let bytes = slot_bytes(Position::default());
            io("writing the seal", seal.write_at(&bytes, slot * SLOT_STEP))?;
        }
        io("writing the seal", seal.sync())?;
        io("writing the seal", disk.rename(UNFINISHED, SEAL))?;
        io("writing the seal", disk.sync_names())?;
        Journal::at(
            disk,
            store,
            Position::default(),
            Position::default(),
            HEADER_BYTES as u64,
        )
    }

    /// Writes an empty segment that starts from `base`; it is there whole or not at all.
    fn start(disk: &Arc<dyn Disk>, store: [u8; 16], base: Position) -> Result<()> {
        let mut header = SEGMENT_MAGIC.to_vec();
        header.extend(base.to_bytes());
        header.extend(store);
        header.extend(crc32fast::hash(&header).to_be_bytes());
        let doing = "starting a segment of the journal";
        let mut file = io(doing, disk.create(UNFINISHED))?;
        io(doing, file.append(&header))?;
        io(doing, file.sync())?;
        io(doing, disk.rename(UNFINISHED, &segment_name(base.number)))?;
        io(doing, disk.sync_names())
    }

    /// Opens the segment that starts from `base` to append after `position`, cutting off
    /// what lies behind.
    fn at(
        disk: Arc<dyn Disk>,
        store: [u8; 16],
        base: Position,
        position: Position,
        bytes: u64,
    ) -> Result<Self> {
        let mut file = io("opening the journal", disk.open(&segment_name(base.number)))?;
        io("opening the journal", file.truncate(bytes))?;
        io("opening the journal", file.sync())?;
        let seal = io("opening the seal", disk.open(SEAL))?;
        let buffer = Vec::new();
        Ok(Journal {
            disk,
            store,
            file,
            seal,
            position,
            bytes,
            buffer,
        })
    }

    /// The last commit.
    pub(super) fn position(&self) -> Position {
        self.position
    }

    /// Bytes of the present segment.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Appends a commit and makes it durable. After an error the journal must not be
    /// used again: nobody knows what of it is on disk.
    pub(super) fn append(&mut self, payload: &[u8]) -> Result<Position> {
        let position = self.position.next(payload);
        let frame = &mut self.buffer;
        frame.clear();
        frame.extend(FRAME_MAGIC);
        frame.extend([0; 4]);
        frame.extend((payload.len() as u32).to_be_bytes());
        frame.extend(position.to_bytes());
        frame.extend_from_slice(payload);
        let crc = crc32fast::hash(frame.get(8..).unwrap_or_default());
        if let Some(place) = frame.get_mut(4..8) {
            place.copy_from_slice(&crc.to_be_bytes());
        }
        io("appending to the journal", self.file.append(frame))?;
        io("syncing the journal", self.file.sync())?;
        self.bytes += frame.len() as u64;
        self.position = position;
        let slot = (position.number % 2) * SLOT_STEP;
        io(
            "writing the seal",
            self.seal.write_at(&slot_bytes(position), slot),
        )?;
        Ok(position)
    }

    /// Starts a new segment from here and drops the older ones. Only when the map has
    /// been flushed up to here.
    pub(super) fn restart(&mut self) -> Result<()> {
        if self.bytes == HEADER_BYTES as u64 {
            return Ok(());
        }
        Journal::start(&self.disk, self.store, self.position)?;
        let present = segment_name(self.position.number);
        let doing = "dropping a segment of the journal";
        for name in names(&*self.disk)? {
            if name.starts_with(SEGMENT) && name != present {
                io(doing, self.disk.remove(&name))?;
            }
        }
        self.file = io("opening the journal", self.disk.open(&present))?;
        self.bytes = HEADER_BYTES as u64;
        Ok(())
    }

    /// Reads the journal of the store `store` and hands each frame above `applied` (what
    /// the map holds) to `replay`, in order. Refuses a journal that has lost a commit
    /// which was acknowledged.
    pub(super) fn recover(
        disk: Arc<dyn Disk>,
        store: [u8; 16],
        applied: Position,
        mut replay: impl FnMut(Frame) -> Result<()>,
    ) -> Result<Self> {
        let sealed = read_seal(&*disk)?;
        let mut segments: Vec<String> = names(&*disk)?;
        segments.retain(|name| name.starts_with(SEGMENT));
        segments.sort();
        let Some(newest) = segments.last().cloned() else {
            return Err(damaged(format!(
                "the journal is missing; the seal says that commit {} was acknowledged",
                sealed.number
            )));
        };
        let mut check = Check {
            applied,
            sealed,
            met_applied: false,
            met_sealed: false,
        };
        let mut state: Option<(Position, Position, u64)> = None;
        for name in segments {
            let bytes = io("reading the journal", disk.read(&name))?;
            let base = read_header(&name, &bytes, store)?;
            match state {
                None if applied.number < base.number => {
                    return Err(damaged(format!(
                        "the records end at commit {}, but the journal `{name}` goes on from \
                         commit {}: commits {} to {} are missing",
                        applied.number,
                        base.number,
                        applied.number + 1,
                        base.number
                    )));
                }
                Some((_, before, _)) if before != base => {
                    return Err(damaged(format!(
                        "the journal `{name}` does not follow commit {}",
                        before.number
                    )));
                }
                _ => {}
            }
            check.meet(base)?;
            let (end, length) = read_frames(&name, &bytes, base, name == newest, |frame| {
                check.meet(frame.position)?;
                match frame.position.number > applied.number {
                    true => replay(frame),
                    false => Ok(()),
                }
            })?;
            state = Some((base, end, length));
        }
        let Some((base, end, length)) = state else {
            return Err(damaged("the journal is missing"));
        };
        check.finish(end)?;
        Journal::at(disk, store, base, end, length)
    }
}

/// Holds what the journal says against the map and the seal.
struct Check {
    applied: Position,
    sealed: Position,
    met_applied: bool,
    met_sealed: bool,
}

impl Check {
    fn meet(&mut self, position: Position) -> Result<()> {
        for (theirs, met, who) in [
            (self.applied, &mut self.met_applied, "the records"),
            (self.sealed, &mut self.met_sealed, "the seal"),
        ] {
            if theirs.number == position.number {
                *met = true;
                if theirs.hash != position.hash {
                    return Err(damaged(format!(
                        "{who} and the journal tell different histories at commit {}",
                        position.number
                    )));
                }
            }
        }
        Ok(())
    }

    fn finish(&self, end: Position) -> Result<()> {
        let behind = |what: &str, number: u64| {
            damaged(format!(
                "the journal ends at commit {}, but {what} commit {number}: commits {} to \
                 {number} are missing",
                end.number,
                end.number + 1
            ))
        };
        if self.sealed.number > end.number {
            return Err(behind("the seal acknowledges", self.sealed.number));
        }
        if self.applied.number > end.number || !self.met_applied {
            return Err(behind("the records go up to", self.applied.number));
        }
        Ok(())
    }
}

/// The payload of a frame.
pub(super) fn payload_of(ops: &[Op]) -> Vec<u8> {
    let size: usize = ops
        .iter()
        .map(|(key, value)| key.len() + value.as_ref().map_or(0, Vec::len) + 12)
        .sum();
    let mut payload = Vec::with_capacity(size);
    for (key, value) in ops {
        put_varint(&mut payload, key.len() as u64);
        payload.extend_from_slice(key);
        match value {
            None => put_varint(&mut payload, 0),
            Some(value) => {
                put_varint(&mut payload, value.len() as u64 + 1);
                payload.extend_from_slice(value);
            }
        }
    }
    payload
}

fn ops_of(payload: &[u8]) -> Result<Vec<Op>> {
    let mut input = Input::new(payload, "a frame of the journal");
    let mut ops = Vec::new();
    while !input.rest().is_empty() {
        let length = input.varint()? as usize;
        let key = input.take(length)?.to_vec();
        let value = match input.varint()? {
            0 => None,
            length => Some(input.take(length as usize - 1)?.to_vec()),
        };
        ops.push((key, value));
    }
    Ok(ops)
}

fn read_header(name: &str, bytes: &[u8], store: [u8; 16]) -> Result<Position> {
    let mut input = Input::new(bytes, "the header of the journal");
    let head = input.take(HEADER_BYTES - 4)?;
    if input.u32()? != crc32fast::hash(head) || !head.starts_with(&SEGMENT_MAGIC) {
        return Err(damaged(format!(
            "the journal `{name}` has a damaged header"
        )));
    }
    let mut input = Input::new(head, "the header of the journal");
    input.take(SEGMENT_MAGIC.len())?;
    let base = Position {
        number: input.u64()?,
        hash: input.array()?,
    };
    if input.array()? != store || segment_name(base.number) != name {
        return Err(damaged(format!(
            "the journal `{name}` belongs to another store or place"
        )));
    }
    Ok(base)
}

/// Reads the frames of a segment; answers where they end. In the newest segment a last
/// frame that is not whole was never acknowledged and is left out.
fn read_frames(
    name: &str,
    bytes: &[u8],
    base: Position,
    newest: bool,
    mut each: impl FnMut(Frame) -> Result<()>,
) -> Result<(Position, u64)> {
    let (mut position, mut at) = (base, HEADER_BYTES);
    while at < bytes.len() {
        let rest = bytes.get(at..).unwrap_or_default();
        match whole_frame(rest) {
            Some((said, payload)) => {
                let next = position.next(payload);
                if said != next {
                    return Err(damaged(format!(
                        "the journal `{name}` breaks after commit {} at byte {at}",
                        position.number
                    )));
                }
                each(Frame {
                    position: next,
                    ops: ops_of(payload)?,
                })?;
                position = next;
                at += FRAME_HEAD_BYTES + payload.len();
            }
            None if newest && !holds_a_frame(rest) => break,
            None => {
                return Err(damaged(format!(
                    "the journal `{name}` has a damaged frame at byte {at}, after commit {}",
                    position.number
                )));
            }
        }
    }
    Ok((position, at as u64))
}

/// The frame at the front of `bytes`, if it is whole.
fn whole_frame(bytes: &[u8]) -> Option<(Position, &[u8])> {
    let mut input = Input::new(bytes, "a frame");
    if input.array().ok()? != FRAME_MAGIC {
        return None;
    }
    let crc = input.u32().ok()?;
    let covered = input.rest();
    let length = input.u32().ok()? as usize;
    let position = Position {
        number: input.u64().ok()?,
        hash: input.array().ok()?,
    };
    let payload = input.take(length).ok()?;
    let covered = covered.get(..FRAME_HEAD_BYTES - 8 + length)?;
    (crc32fast::hash(covered) == crc).then_some((position, payload))
}

/// Whether a whole frame lies anywhere behind the front of `bytes`.
fn holds_a_frame(bytes: &[u8]) -> bool {
    let mut rest = bytes.get(1..).unwrap_or_default();
    while let Some(at) = rest
        .windows(FRAME_MAGIC.len())
        .position(|window| window == FRAME_MAGIC)
    {
        rest = rest.get(at..).unwrap_or_default();
        if whole_frame(rest).is_some() {
            return true;
        }
        rest = rest.get(1..).unwrap_or_default();
    }
    false
}

fn slot_bytes(position: Position) -> Vec<u8> {
    let mut slot = SEAL_MAGIC.to_vec();
    slot.extend(position.to_bytes());
    slot.extend(crc32fast::hash(&slot).to_be_bytes());
    slot
}

/// The last commit that the seal acknowledges.
fn read_seal(disk: &dyn Disk) -> Result<Position> {
    let bytes = io("reading the file `seal`", disk.read(SEAL)).map_err(|error| {
        damaged(format!(
            "the file `seal`, which says how far the store goes: {error}"
        ))
    })?;
    let slot = |at: usize| -> Option<Position> {
        let slot = bytes.get(at..at + SLOT_BYTES)?;
        let (body, crc) = slot.split_last_chunk::<4>()?;
        (crc32fast::hash(body).to_be_bytes() == *crc && body.starts_with(&SEAL_MAGIC))
            .then(|| Position::from_bytes(body.get(SEAL_MAGIC.len()..)?).ok())?
    };
    [slot(0), slot(SLOT_STEP as usize)]
        .into_iter()
        .flatten()
        .max_by_key(|position| position.number)
        .ok_or_else(|| damaged("the file `seal`, which says how far the store goes, is unreadable"))
}

fn segment_name(base: u64) -> String {
    format!("{SEGMENT}{base:016x}")
}

fn names(disk: &dyn Disk) -> Result<Vec<String>> {
    io("listing the store's folder", disk.names())
}

fn io<T>(doing: &str, result: std::io::Result<T>) -> Result<T> {
    result.map_err(|error| io_error(doing, &error))
}
