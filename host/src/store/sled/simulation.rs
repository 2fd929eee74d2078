//! What stands below the store in crash simulations: a map and a disk in memory, which
//! fail when told to and lose what was not made durable.

use super::map::{Op, OrderedMap, Pairs, Value, lock};
use crate::error::Result;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Mutex;

/// An ordered map in memory.
#[derive(Default)]
pub struct TreeMap {
    tree: Mutex<BTreeMap<Vec<u8>, Vec<u8>>>,
}

impl TreeMap {
    fn pairs(&self, from: &[u8], to: &[u8], back: bool) -> Pairs<'_> {
        let mut from = Bound::Included(from.to_vec());
        let mut to = Bound::Excluded(to.to_vec());
        Box::new(std::iter::from_fn(move || {
            if let (Bound::Included(from) | Bound::Excluded(from), Bound::Excluded(to)) =
                (&from, &to)
                && from >= to
            {
                return None;
            }
            let tree = lock(&self.tree);
            let mut range = tree.range((from.clone(), to.clone()));
            let (key, value) = if back {
                range.next_back()
            } else {
                range.next()
            }?;
            let pair = (Value::from(key.as_slice()), Value::from(value.as_slice()));
            match back {
                true => to = Bound::Excluded(key.clone()),
                false => from = Bound::Excluded(key.clone()),
            }
            Some(Ok(pair))
        }))
    }
}

impl OrderedMap for TreeMap {
    fn get(&self, key: &[u8]) -> Result<Option<Value>> {
        Ok(lock(&self.tree)
            .get(key)
            .map(|value| value.as_slice().into()))
    }

    fn range(&self, from: &[u8], to: &[u8]) -> Pairs<'_> {
        self.pairs(from, to, false)
    }

    fn range_back(&self, from: &[u8], to: &[u8]) -> Pairs<'_> {
        self.pairs(from, to, true)
    }

    fn apply(&self, ops: Vec<Op>) -> Result<()> {
        let mut tree = lock(&self.tree);
        for (key, value) in ops {
            match value {
                Some(value) => tree.insert(key, value),
                None => tree.remove(&key),
            };
        }
        Ok(())
    }

    fn flush(&self) -> Result<()> {
        Ok(())
    }
}
