//! Data sets: what is served, and how it changes between runs.
//!
//! A [`Set`] is a base (a formula or a file) with changes laid over it, so that a
//! million records cost no memory. Records have numbers from 0 on; a changed one moves
//! to the end of the order with a new date, an added one is numbered on from the base.

mod base;
mod commits;
mod lines;
mod mix;
mod synthetic;
mod table;

pub use commits::Commits;
pub use lines::Records;

pub(crate) use synthetic::{Contacts, Events, Users};
pub(crate) use table::{Key, Table};

use std::ops::Range;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// One data set of a running provider. Changes are seen by the next request.
///
/// Records that one call changes get one new date, later than all others of the set, so
/// that they tie as records of a bulk edit do.
pub struct Set {
    table: RwLock<Table>,
}

impl Set {
    pub(crate) fn new(table: Table) -> Self {
        Set {
            table: RwLock::new(table),
        }
    }

    /// How many records there are now.
    pub fn len(&self) -> u64 {
        self.read().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The id of record `number`, whether or not it is there now.
    pub fn id(&self, number: u64) -> String {
        self.read().id(number)
    }

    /// All records as JSON in the set's order: what a complete sync must hold.
    pub fn records(&self) -> Vec<String> {
        let table = self.read();
        (0..table.len()).map(|rank| table.json(rank)).collect()
    }

    /// All ids in the set's order.
    pub fn ids(&self) -> Vec<String> {
        let table = self.read();
        (0..table.len())
            .filter_map(|rank| table.entry(rank))
            .map(|entry| table.id(entry.n))
            .collect()
    }

    /// Changes the content and the date of these records; answers how many were there.
    pub fn update(&self, numbers: impl IntoIterator<Item = u64>) -> u64 {
        self.write().change(numbers, 1)
    }

    /// Moves the date of these records and nothing else; answers how many were there.
    pub fn touch(&self, numbers: impl IntoIterator<Item = u64>) -> u64 {
        self.write().change(numbers, 0)
    }

    /// Removes these records without a trace, as most APIs do; answers how many were
    /// there.
    pub fn remove(&self, numbers: impl IntoIterator<Item = u64>) -> u64 {
        self.write().remove(numbers)
    }

    /// Adds `count` new records under one new date; answers their numbers.
    pub fn add(&self, count: u64) -> Range<u64> {
        self.write().add(count)
    }

    /// Lets `count` records appear that were held back at the start, the oldest first
    /// and under their own dates; answers their numbers.
    pub fn release(&self, count: u64) -> Range<u64> {
        self.write().release(count)
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Table> {
        self.table.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Table> {
        self.table.write().unwrap_or_else(PoisonError::into_inner)
    }
}
