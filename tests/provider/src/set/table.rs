//! A base with changes laid over it, in the order of (date, number).
//!
//! Unchanged records keep the base's order and changed ones follow, each change dated
//! later than everything before it. So a place in the order is found by a binary search
//! in either part, and nothing is kept for a record that never changed.

use super::base::Base;
use std::collections::HashSet;
use std::ops::Range;

/// Seconds between two changes on the set's own clock, which starts at its last record
/// and does not follow this machine's: the same calls yield the same data.
const CHANGE_SECONDS: i64 = 60;

/// A place in the order: date in seconds since 1970, then number.
pub(crate) type Key = (i64, u64);

/// Where a record is and what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub at: i64,
    pub n: u64,
    pub version: u32,
}

/// A record of the base that is gone from its first place.
struct Gap {
    n: u64,
    /// Records before it that are still in their first place.
    live_before: u64,
}

pub(crate) struct Table {
    base: Box<dyn Base>,
    /// How many records of the base have appeared.
    visible: u64,
    /// Numbers below `visible` that were changed or removed, ascending.
    gaps: Vec<Gap>,
    /// Changed and added records, ascending by (date, number).
    changed: Vec<Entry>,
    clock: i64,
    next_new: u64,
}

impl Table {
    /// The base with its last `held_back` records hidden.
    pub fn new(base: Box<dyn Base>, held_back: u64) -> Self {
        let len = base.len();
        Table {
            visible: len.saturating_sub(held_back),
            gaps: Vec::new(),
            changed: Vec::new(),
            clock: len.checked_sub(1).map_or(0, |last| base.at(last)),
            next_new: len,
            base,
        }
    }

    pub fn len(&self) -> u64 {
        self.unmoved() + self.changed.len() as u64
    }

    pub fn id(&self, n: u64) -> String {
        self.base.id(n)
    }

    /// The record at `rank`, counted from 0 in the set's order.
    pub fn entry(&self, rank: u64) -> Option<Entry> {
        match rank.checked_sub(self.unmoved()) {
            Some(index) => self.changed.get(index as usize).copied(),
            None => {
                let gaps = self.gaps.partition_point(|gap| gap.live_before <= rank);
                let n = rank + gaps as u64;
                let at = self.base.at(n);
                Some(Entry { at, n, version: 0 })
            }
        }
    }

    /// How many records come before `key`.
    pub fn rank(&self, key: Key) -> u64 {
        let first = partition(self.visible, |n| (self.base.at(n), n) < key);
        let gaps = self.gaps.partition_point(|gap| gap.n < first);
        let changed = self.changed.partition_point(|c| (c.at, c.n) < key);
        first - gaps as u64 + changed as u64
    }

    /// Ranks of the records dated within `dates`, both ends included.
    pub fn dated(&self, dates: (i64, i64)) -> Range<u64> {
        let (from, to) = dates;
        let start = self.rank((from, 0));
        start..self.rank((to.saturating_add(1), 0)).max(start)
    }

    /// Appends the records at `ranks` as JSON with commas between them.
    pub fn write(&self, ranks: impl Iterator<Item = u64>, out: &mut Vec<u8>) {
        let entries = ranks.filter_map(|rank| self.entry(rank));
        for (index, entry) in entries.enumerate() {
            if index > 0 {
                out.push(b',');
            }
            self.base.write(entry.n, entry.version, entry.at, out);
        }
    }

    /// The record at `rank` as JSON.
    pub fn json(&self, rank: u64) -> String {
        let mut out = Vec::new();
        self.write(std::iter::once(rank), &mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    /// Gives these records one new date and a version higher by `step`.
    pub fn change(&mut self, numbers: impl IntoIterator<Item = u64>, step: u32) -> u64 {
        let mut taken = self.take(numbers);
        let at = self.tick();
        taken.sort_unstable_by_key(|entry| entry.n);
        let count = taken.len() as u64;
        self.changed.extend(taken.into_iter().map(|entry| Entry {
            at,
            n: entry.n,
            version: entry.version.saturating_add(step),
        }));
        count
    }

    pub fn remove(&mut self, numbers: impl IntoIterator<Item = u64>) -> u64 {
        self.take(numbers).len() as u64
    }

    pub fn add(&mut self, count: u64) -> Range<u64> {
        let at = self.tick();
        let added = self.next_new..self.next_new.saturating_add(count);
        self.next_new = added.end;
        let entries = added.clone().map(|n| Entry { at, n, version: 0 });
        self.changed.extend(entries);
        added
    }

    pub fn release(&mut self, count: u64) -> Range<u64> {
        let start = self.visible;
        self.visible = start.saturating_add(count).min(self.base.len());
        start..self.visible
    }

    /// Takes the present ones of these records out of the order.
    fn take(&mut self, numbers: impl IntoIterator<Item = u64>) -> Vec<Entry> {
        let wanted: HashSet<u64> = numbers.into_iter().collect();
        let mut taken = Vec::new();
        self.changed.retain(|entry| {
            let take = wanted.contains(&entry.n);
            if take {
                taken.push(*entry);
            }
            !take
        });
        let gone: HashSet<u64> = self.gaps.iter().map(|gap| gap.n).collect();
        let fresh = |n: &u64| *n < self.visible && !gone.contains(n);
        let fresh: Vec<u64> = wanted.into_iter().filter(fresh).collect();
        taken.extend(fresh.iter().map(|n| Entry {
            at: self.base.at(*n),
            n: *n,
            version: 0,
        }));
        self.open_gaps(fresh);
        taken
    }

    fn open_gaps(&mut self, numbers: Vec<u64>) {
        let mut all: Vec<u64> = self.gaps.iter().map(|gap| gap.n).collect();
        all.extend(numbers);
        all.sort_unstable();
        let gap = |(index, n): (usize, u64)| Gap {
            n,
            live_before: n - index as u64,
        };
        self.gaps = all.into_iter().enumerate().map(gap).collect();
    }

    /// How many records are still in their first place.
    fn unmoved(&self) -> u64 {
        self.visible - self.gaps.len() as u64
    }

    fn tick(&mut self) -> i64 {
        self.clock = self.clock.saturating_add(CHANGE_SECONDS);
        self.clock
    }
}

/// The first of `0..len` for which `before` no longer holds.
fn partition(len: u64, before: impl Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (0, len);
    while low < high {
        let middle = low + (high - low) / 2;
        if before(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::super::synthetic::Contacts;
    use super::*;

    fn table(len: u64) -> Table {
        Table::new(Box::new(Contacts::new(len, 1)), 0)
    }

    fn order(table: &Table) -> Vec<u64> {
        (0..table.len())
            .map(|rank| table.entry(rank).unwrap().n)
            .collect()
    }

    #[test]
    fn changed_records_move_to_the_end_and_removed_ones_are_gone() {
        let mut table = table(6);
        assert_eq!(table.change([4, 1, 99], 1), 2);
        assert_eq!(order(&table), [0, 2, 3, 5, 1, 4]);
        assert_eq!(table.add(2), 6..8);
        assert_eq!(table.remove([0, 7, 1]), 3);
        assert_eq!(order(&table), [2, 3, 5, 4, 6]);
        assert_eq!(table.change([0, 1, 4], 1), 1, "what is gone stays gone");
        assert_eq!(order(&table), [2, 3, 5, 6, 4]);
        assert_eq!(table.entry(4).unwrap().version, 2);
        assert_eq!(table.entry(5), None);
    }

    #[test]
    fn every_rank_is_found_again_by_its_key() {
        let mut table = table(50);
        table.change((0..50).step_by(7), 1);
        table.remove([2, 3, 49]);
        table.change([10, 7, 21], 0);
        table.add(3);
        for rank in 0..table.len() {
            let entry = table.entry(rank).unwrap();
            assert_eq!(table.rank((entry.at, entry.n)), rank);
            assert_eq!(table.rank((entry.at, entry.n + 1)), rank + 1);
        }
    }

    #[test]
    fn held_back_records_appear_in_order() {
        let base = Contacts::new(5, 1);
        let mut table = Table::new(Box::new(base), 3);
        assert_eq!(table.change([4], 1), 0, "4 has not appeared");
        assert_eq!(order(&table), [0, 1]);
        assert_eq!(table.release(2), 2..4);
        assert_eq!(table.release(9), 4..5);
        assert_eq!(order(&table), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn dates_bound_on_both_sides() {
        let table = table(9);
        let at = |n| table.entry(n).unwrap().at;
        assert_eq!((at(0), at(3)), (at(2), at(5)), "they tie three by three");
        assert_eq!(table.dated((at(3), at(3))), 3..6);
        assert_eq!(table.dated((at(3) + 1, i64::MAX)), 6..9);
        assert_eq!(table.dated((i64::MIN, at(0) - 1)), 0..0);
        assert_eq!(table.dated((at(8), at(0))), 6..6);
    }
}
