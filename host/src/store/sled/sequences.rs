//! A set of sequences: one bit each where they lie dense, as the live ones of a stream
//! do. Kept in chunks, so that a change writes back only the chunks it touched.

use super::bytes::damaged;
use crate::error::Result;
use roaring::RoaringBitmap;
use std::collections::BTreeMap;

/// A chunk has two to the power of this sequences: one of bits is at most 8 KiB.
const CHUNK_BITS: u32 = 16;

/// Sequences of one chunk.
pub(super) const CHUNK_SEQUENCES: u64 = 1 << CHUNK_BITS;

/// A set of sequences.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Sequences {
    chunks: BTreeMap<u64, RoaringBitmap>,
}

/// The chunk that a sequence lies in.
pub(super) fn chunk_of(sequence: u64) -> u64 {
    sequence >> CHUNK_BITS
}

fn bit_of(sequence: u64) -> u32 {
    (sequence & ((1 << CHUNK_BITS) - 1)) as u32
}

impl Sequences {
    pub(super) fn insert(&mut self, sequence: u64) -> bool {
        let chunk = self.chunks.entry(chunk_of(sequence)).or_default();
        chunk.insert(bit_of(sequence))
    }

    pub(super) fn remove(&mut self, sequence: u64) -> bool {
        let Some(chunk) = self.chunks.get_mut(&chunk_of(sequence)) else {
            return false;
        };
        let was = chunk.remove(bit_of(sequence));
        if chunk.is_empty() {
            self.chunks.remove(&chunk_of(sequence));
        }
        was
    }

    pub(super) fn contains(&self, sequence: u64) -> bool {
        let chunk = self.chunks.get(&chunk_of(sequence));
        chunk.is_some_and(|chunk| chunk.contains(bit_of(sequence)))
    }

    /// Removes every sequence up to `last`.
    pub(super) fn remove_through(&mut self, last: u64) {
        self.chunks = self.chunks.split_off(&chunk_of(last));
        if let Some(chunk) = self.chunks.get_mut(&chunk_of(last)) {
            chunk.remove_range(..=bit_of(last));
        }
        self.chunks.retain(|_, chunk| !chunk.is_empty());
    }

    /// The chunks that hold anything.
    pub(super) fn chunks(&self) -> impl Iterator<Item = u64> + '_ {
        self.chunks.keys().copied()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    pub(super) fn len(&self) -> u64 {
        self.chunks.values().map(RoaringBitmap::len).sum()
    }

    /// How many sequences of `first..=last` are in the set.
    pub(super) fn count_between(&self, first: u64, last: u64) -> u64 {
        let chunks = self.chunks.range(chunk_of(first)..=chunk_of(last));
        chunks
            .map(|(number, chunk)| {
                let from = if *number == chunk_of(first) {
                    bit_of(first)
                } else {
                    0
                };
                let to = if *number == chunk_of(last) {
                    bit_of(last)
                } else {
                    u32::MAX
                };
                chunk.range_cardinality(from..=to)
            })
            .sum()
    }

    /// How many sequences are in both sets.
    pub(super) fn count_both(&self, other: &Sequences) -> u64 {
        let shared = |(number, chunk): (&u64, &RoaringBitmap)| {
            other
                .chunks
                .get(number)
                .map_or(0, |theirs| chunk.intersection_len(theirs))
        };
        self.chunks.iter().map(shared).sum()
    }

    /// The sequences up to `last` that are here and not in `other`, in order.
    pub(super) fn without<'a>(
        &'a self,
        other: &'a Sequences,
        last: u64,
    ) -> impl Iterator<Item = u64> + 'a {
        self.chunks
            .range(..=chunk_of(last))
            .flat_map(move |(number, chunk)| {
                let left = match other.chunks.get(number) {
                    Some(theirs) => chunk - theirs,
                    None => chunk.clone(),
                };
                left.into_iter()
                    .map(move |bit| (number << CHUNK_BITS) | u64::from(bit))
            })
            .take_while(move |sequence| *sequence <= last)
    }

    /// The bytes of one chunk.
    pub(super) fn chunk_to_bytes(&self, number: u64) -> Vec<u8> {
        let empty = RoaringBitmap::new();
        let chunk = self.chunks.get(&number).unwrap_or(&empty);
        let mut bytes = Vec::with_capacity(chunk.serialized_size());
        // Writing to a vector cannot fail.
        let _ = chunk.serialize_into(&mut bytes);
        bytes
    }

    /// The bytes of one chunk, if it holds anything.
    pub(super) fn chunk_if_any(&self, number: u64) -> Option<Vec<u8>> {
        self.chunks
            .contains_key(&number)
            .then(|| self.chunk_to_bytes(number))
    }

    /// Puts back a chunk that [`Sequences::chunk_to_bytes`] wrote.
    pub(super) fn set_chunk(&mut self, number: u64, bytes: &[u8]) -> Result<()> {
        let chunk = RoaringBitmap::deserialize_from(bytes)
            .map_err(|error| damaged(format!("a set of sequences does not read: {error}")))?;
        if !chunk.is_empty() {
            self.chunks.insert(number, chunk);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn set_of(numbers: &BTreeSet<u64>) -> Sequences {
        let mut set = Sequences::default();
        for number in numbers {
            set.insert(*number);
        }
        set
    }

    proptest! {
        #[test]
        fn it_is_a_set(
            a in prop::collection::btree_set(0u64..200_000, 0..60),
            b in prop::collection::btree_set(0u64..200_000, 0..60),
            bounds: (u32, u32),
        ) {
            let (ours, theirs) = (set_of(&a), set_of(&b));
            let (first, last) = (u64::from(bounds.0 % 200_000), u64::from(bounds.1 % 200_000));
            prop_assert_eq!(ours.len(), a.len() as u64);
            prop_assert_eq!(ours.count_both(&theirs), a.intersection(&b).count() as u64);
            let left: Vec<u64> = a.difference(&b).copied().filter(|n| *n <= last).collect();
            prop_assert_eq!(ours.without(&theirs, last).collect::<Vec<_>>(), left);
            if first <= last {
                prop_assert_eq!(ours.count_between(first, last), a.range(first..=last).count() as u64);
            }
            let mut copy = Sequences::default();
            for number in 0..4 {
                copy.set_chunk(number, &ours.chunk_to_bytes(number)).unwrap();
            }
            prop_assert_eq!(&copy, &ours);
            for number in &b {
                prop_assert_eq!(copy.remove(*number), a.contains(number));
                prop_assert!(!copy.contains(*number));
            }
        }
    }
}
