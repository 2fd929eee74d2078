//! A block of the change log: up to 32 records of one commit, compressed together.
//!
//! The log is the truth of the store. A block carries all that the index needs to be
//! built again: id, content hash, and which sequence each record takes the place of.
//!
//! Layout: version, CRC-32 of what follows, length unpacked, run, commit, time, then
//! zstd over [count; per record: offset, action, age, way back, lengths; hashes; ids;
//! bodies]. The action of a pruned record has a flag, and the time since follows it; its
//! body is empty.

use super::bytes::{Input, damaged, put_varint, unzigzag, zigzag};
use crate::error::Result;
use crate::model::{Action, ContentHash, PRUNED, RunId, StoredRecord};
use bytes::Bytes;
use jiff::Timestamp;
use std::cell::RefCell;

/// Records in a block. Larger ones compress little better, and sled writes the leaf that
/// is being filled again at each flush.
pub(super) const BLOCK_RECORDS: usize = 32;
/// Unpacked bytes after which a block is closed; a larger record is alone in its block.
pub(super) const BLOCK_BYTES: usize = 64 << 10;
/// zstd level: 3 µs a record; the next levels cost twice for a tenth less.
const ZSTD_LEVEL: i32 = 1;
/// Unpacked bytes of a block that are believed when read: a block of one largest record
/// with its id, ten times over.
const UNPACKED_BYTES_MAX: usize = 16 << 20;
/// First byte of a block.
const VERSION: u8 = 1;
/// The flag of a pruned record, in the top bit of its action.
const PRUNED_FLAG: u8 = 1 << 7;

/// What the records of a block share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// The run that wrote them.
    pub(super) run: RunId,
    /// The number of the commit.
    pub(super) commit: u64,
    /// When, in microseconds since 1970.
    pub(super) time: i64,
}

/// One record on its way into a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row<'a> {
    pub(super) sequence: u64,
    pub(super) action: Action,
    /// When it was first saved, in microseconds since 1970.
    pub(super) first_seen: i64,
    /// The sequence whose place it takes; 0 for none.
    pub(super) before: u64,
    /// When it was pruned, in microseconds since 1970; 0 if it is not.
    pub(super) pruned: i64,
    pub(super) hash: ContentHash,
    pub(super) id: &'a str,
    pub(super) body: &'a [u8],
}

/// Packs blocks, one at a time.
pub(super) struct Packer {
    zstd: zstd::bulk::Compressor<'static>,
    raw: Vec<u8>,
}

impl Packer {
    pub(super) fn new() -> Result<Self> {
        let zstd = zstd::bulk::Compressor::new(ZSTD_LEVEL)
            .map_err(|error| super::map::io_error("starting zstd", &error))?;
        Ok(Packer {
            zstd,
            raw: Vec::new(),
        })
    }

    /// Packs `rows`, which stand in the order of their sequences, into the block whose key
    /// says `first`; none of them lies before it.
    pub(super) fn pack(&mut self, first: u64, header: Header, rows: &[Row<'_>]) -> Result<Vec<u8>> {
        let raw = &mut self.raw;
        raw.clear();
        put_varint(raw, rows.len() as u64);
        for row in rows {
            put_varint(raw, row.sequence - first);
            match row.pruned {
                0 => raw.push(row.action as u8),
                pruned => {
                    raw.push(row.action as u8 | PRUNED_FLAG);
                    put_varint(raw, zigzag(pruned.wrapping_sub(header.time)));
                }
            }
            put_varint(raw, zigzag(header.time.wrapping_sub(row.first_seen)));
            put_varint(
                raw,
                if row.before == 0 {
                    0
                } else {
                    row.sequence - row.before
                },
            );
            put_varint(raw, row.id.len() as u64);
            put_varint(raw, row.body.len() as u64);
        }
        rows.iter()
            .for_each(|row| raw.extend_from_slice(&row.hash.0));
        rows.iter()
            .for_each(|row| raw.extend_from_slice(row.id.as_bytes()));
        rows.iter().for_each(|row| raw.extend_from_slice(row.body));
        let packed = self
            .zstd
            .compress(raw)
            .map_err(|error| super::map::io_error("compressing a block", &error))?;
        let mut body = Vec::with_capacity(packed.len() + 40);
        body.push(VERSION);
        body.extend([0; 4]);
        body.extend((raw.len() as u32).to_be_bytes());
        body.extend(header.run.to_bytes());
        body.extend(header.commit.to_be_bytes());
        body.extend(header.time.to_be_bytes());
        body.extend_from_slice(&packed);
        let crc = body.get(5..).map_or(0, crc32fast::hash).to_be_bytes();
        if let Some(place) = body.get_mut(1..5) {
            place.copy_from_slice(&crc);
        }
        Ok(body)
    }
}

/// A block that was read.
#[derive(Clone, Debug)]
pub(super) struct Block {
    /// The sequence in its key.
    pub(super) first: u64,
    /// Its bytes in the map.
    pub(super) stored: u64,
    pub(super) header: Header,
    pub(super) slots: Vec<Slot>,
    raw: Bytes,
}

/// One record of a block that was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    pub(super) sequence: u64,
    pub(super) action: Action,
    pub(super) first_seen: i64,
    pub(super) before: u64,
    /// When it was pruned, in microseconds since 1970; 0 if it is not.
    pub(super) pruned: i64,
    hash: u32,
    id: (u32, u32),
    body: (u32, u32),
}

impl Block {
    /// Reads a block whose key says that it starts at `first`.
    pub(super) fn unpack(first: u64, bytes: &[u8]) -> Result<Block> {
        Block::parse(first, bytes)
            .map_err(|error| error.context(format!("the block at sequence {first}")))
    }

    fn parse(first: u64, bytes: &[u8]) -> Result<Block> {
        let mut input = Input::new(bytes, "a block");
        if input.byte()? != VERSION {
            return Err(input.wrong("has an unknown version"));
        }
        if input.u32()? != crc32fast::hash(input.rest()) {
            return Err(input.wrong("has a wrong CRC"));
        }
        let length = input.u32()? as usize;
        let header = Header {
            run: RunId::from_bytes(input.array()?),
            commit: input.u64()?,
            time: i64::from_be_bytes(input.array()?),
        };
        if length > UNPACKED_BYTES_MAX {
            return Err(input.wrong("claims to be too large"));
        }
        let raw = decompress(input.rest(), length)?;
        let slots = slots_of(first, header, &raw)?;
        Ok(Block {
            first,
            stored: bytes.len() as u64,
            header,
            slots,
            raw: raw.into(),
        })
    }

    pub(super) fn hash(&self, slot: &Slot) -> ContentHash {
        let start = slot.hash as usize;
        let bytes = self.raw.get(start..start + 16).unwrap_or_default();
        ContentHash(bytes.try_into().unwrap_or_default())
    }

    pub(super) fn id(&self, slot: &Slot) -> &str {
        let bytes = self.raw.get(slot.id.0 as usize..slot.id.1 as usize);
        // Checked to be text when it was read.
        std::str::from_utf8(bytes.unwrap_or_default()).unwrap_or_default()
    }

    pub(super) fn body(&self, slot: &Slot) -> &[u8] {
        let bytes = self.raw.get(slot.body.0 as usize..slot.body.1 as usize);
        bytes.unwrap_or_default()
    }

    /// The slot of a sequence.
    pub(super) fn slot(&self, sequence: u64) -> Option<&Slot> {
        let at = self
            .slots
            .binary_search_by_key(&sequence, |slot| slot.sequence);
        self.slots.get(at.ok()?)
    }

    /// The slot as it goes into a block again.
    pub(super) fn row(&self, slot: &Slot) -> Row<'_> {
        Row {
            sequence: slot.sequence,
            action: slot.action,
            first_seen: slot.first_seen,
            before: slot.before,
            pruned: slot.pruned,
            hash: self.hash(slot),
            id: self.id(slot),
            body: self.body(slot),
        }
    }

    /// The slot as the store gives it back. Bodies share the block's bytes.
    pub(super) fn record(&self, slot: &Slot) -> StoredRecord {
        let deleted = slot.action == Action::Deleted;
        let pruned = slot.pruned != 0;
        let body = slot.body.0 as usize..slot.body.1 as usize;
        StoredRecord {
            id: self.id(slot).into(),
            body: match pruned {
                true => Bytes::from_static(PRUNED),
                false => self.raw.slice(body),
            },
            action: slot.action,
            sequence: slot.sequence,
            first_seen: timestamp(slot.first_seen),
            modified: timestamp(self.header.time),
            deleted: deleted.then(|| timestamp(self.header.time)),
            pruned: pruned.then(|| timestamp(slot.pruned)),
        }
    }
}

fn decompress(packed: &[u8], length: usize) -> Result<Vec<u8>> {
    thread_local! {
        /// Making one costs as much as a block.
        static ZSTD: RefCell<Option<zstd::bulk::Decompressor<'static>>> =
            RefCell::new(zstd::bulk::Decompressor::new().ok());
    }
    let raw = ZSTD.with_borrow_mut(|zstd| match zstd {
        Some(zstd) => zstd.decompress(packed, length),
        None => zstd::bulk::decompress(packed, length),
    });
    raw.map_err(|error| damaged(format!("it does not decompress: {error}")))
}

/// The slots of an unpacked block; every place in them is inside it, every id is text.
fn slots_of(first: u64, header: Header, raw: &[u8]) -> Result<Vec<Slot>> {
    let mut input = Input::new(raw, "a block");
    let count = input.varint()? as usize;
    let mut slots = Vec::with_capacity(count.min(BLOCK_RECORDS));
    for _ in 0..count {
        let sequence = first.saturating_add(input.varint()?);
        let flagged = input.byte()?;
        let action = Action::from_u8(flagged & !PRUNED_FLAG);
        let action = action.ok_or_else(|| input.wrong("holds an unknown action"))?;
        let pruned = match flagged & PRUNED_FLAG {
            0 => 0,
            _ => header.time.wrapping_add(unzigzag(input.varint()?)),
        };
        let first_seen = header.time.wrapping_sub(unzigzag(input.varint()?));
        let back = input.varint()?;
        slots.push(Slot {
            sequence,
            action,
            first_seen,
            before: if back == 0 {
                0
            } else {
                sequence.saturating_sub(back)
            },
            pruned,
            hash: 0,
            id: (0, input.varint()? as u32),
            body: (0, input.varint()? as u32),
        });
    }
    let mut at = (raw.len() - input.rest().len()) as u32;
    for slot in &mut slots {
        slot.hash = at;
        at = at.saturating_add(16);
    }
    for slot in &mut slots {
        slot.id = (at, at.saturating_add(slot.id.1));
        at = slot.id.1;
        let id = raw.get(slot.id.0 as usize..slot.id.1 as usize);
        if id.is_none_or(|id| std::str::from_utf8(id).is_err()) {
            return Err(input.wrong("holds an id that is no text"));
        }
    }
    for slot in &mut slots {
        slot.body = (at, at.saturating_add(slot.body.1));
        at = slot.body.1;
    }
    if at as usize != raw.len() {
        return Err(input.wrong("has lengths that do not add up"));
    }
    Ok(slots)
}

/// Microseconds since 1970 as a time.
pub(super) fn timestamp(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn header() -> Header {
        Header {
            run: RunId::new(5, 6),
            commit: 9,
            time: 1_700_000_000_000_000,
        }
    }

    proptest! {
        #[test]
        fn a_block_reads_back_and_a_changed_one_does_not(
            records in prop::collection::vec((1u64..9, any::<i32>(), any::<u16>(), ".{1,20}", any::<Vec<u8>>()), 1..40),
            flip in any::<(usize, u8)>(),
        ) {
            let mut sequence = 100_000;
            let rows: Vec<Row> = records
                .iter()
                .map(|(step, age, before, id, body)| {
                    sequence += step;
                    Row {
                        sequence,
                        action: Action::from_u8((step % 3 + 1) as u8).unwrap(),
                        first_seen: header().time - i64::from(*age),
                        before: u64::from(*before),
                        pruned: i64::from(step % 2 == 1) * (header().time + i64::from(*age)),
                        hash: ContentHash([*step as u8; 16]),
                        id,
                        body,
                    }
                })
                .collect();
            let first = rows[0].sequence;
            let mut bytes = Packer::new().unwrap().pack(first, header(), &rows).unwrap();
            let block = Block::unpack(first, &bytes).unwrap();
            prop_assert_eq!(block.header, header());
            let back: Vec<Row> = block.slots.iter().map(|slot| block.row(slot)).collect();
            prop_assert_eq!(&back, &rows);
            prop_assert_eq!(block.slot(sequence).map(|slot| slot.sequence), Some(sequence));
            prop_assert!(block.slot(sequence + 1).is_none());

            let at = flip.0 % bytes.len();
            bytes[at] ^= flip.1.max(1);
            prop_assert!(Block::unpack(first, &bytes).is_err());
        }
    }
}
