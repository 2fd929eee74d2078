//! The seam below the store: an ordered map of bytes that applies a batch whole and keeps
//! everything applied once it was flushed. sled stands behind it, and in crash
//! simulations a tree in memory with faults.
//!
//! One thread applies and flushes; others only read. The store itself never relies on a
//! batch being durable before [`OrderedMap::flush`] answered: the journal is.

use super::bytes::damaged;
use crate::error::{Code, Error, Result};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Bytes that are cheap to clone.
pub type Value = sled::InlineArray;

/// A change of one key: its new value, or `None` to remove it.
pub type Op = (Vec<u8>, Option<Vec<u8>>);

/// Pairs of key and value as they are met.
pub type Pairs<'a> = Box<dyn Iterator<Item = Result<(Value, Value)>> + 'a>;

/// An ordered map of bytes.
pub trait OrderedMap: Send + Sync {
    /// The value of a key.
    fn get(&self, key: &[u8]) -> Result<Option<Value>>;

    /// The pairs from `from` up to, not with, `to`, in order.
    fn range(&self, from: &[u8], to: &[u8]) -> Pairs<'_>;

    /// The same pairs from the end.
    fn range_back(&self, from: &[u8], to: &[u8]) -> Pairs<'_>;

    /// Applies changes as one, in memory.
    fn apply(&self, ops: Vec<Op>) -> Result<()>;

    /// Makes everything applied so far durable. After an error it must not be called
    /// again, and the map must not be dropped.
    fn flush(&self) -> Result<()>;

    /// About how many bytes of memory it holds and will not give back while it is open.
    fn held_bytes(&self) -> u64;
}

/// Entries of one sled leaf. Fixed for a database's life: another value cannot open it.
/// 64 was the best of 16 to 1,024: a leaf is written whole for each change in it.
const LEAF_FANOUT: usize = 64;
/// sled's own timer, put out of the way: the committer alone decides when to flush. With
/// `None` sled would flush whenever a clone is dropped, and hang after an I/O error.
const FLUSH_EVERY_MS: usize = 3_600_000;
/// sled compresses leaves that hold what is compressed already; the fastest level there.
const LEAF_ZSTD_LEVEL: i32 = -7;
/// sled's cache in bytes. It holds for leaves that are only read, which should be the
/// index of a million records; one that was ever changed stays in memory until the map is
/// opened anew.
const CACHE_BYTES: usize = 96 << 20;

/// How long sled's own lock is waited for. The store's lock is held by now, so nobody
/// else has the folder; but a child that was forked while the map was open before holds
/// sled's lock until it has started its program, which takes milliseconds. Past it the
/// map does not open.
const LOCK_TIME: Duration = Duration::from_secs(5);
/// Pause between two tries for it.
const LOCK_PAUSE: Duration = Duration::from_millis(5);

/// Bytes that reading one leaf costs, roughly: 64 buckets of the index are 90 KiB, 64
/// blocks of the log 300.
const LEAF_READ_BYTES: u64 = 100 << 10;

type Tree = sled::Tree<LEAF_FANOUT>;

/// sled 1.0.0-alpha.124 behind the seam. Its trees are not `Sync`, so that each read
/// borrows one from a pool.
pub(super) struct SledMap {
    db: Mutex<sled::Db<LEAF_FANOUT>>,
    pool: Mutex<Vec<Tree>>,
    /// Bytes and number of values applied: a leaf that was once changed stays in memory.
    applied: AtomicU64,
    values: AtomicU64,
    /// Values removed since.
    removed: AtomicU64,
}

impl SledMap {
    /// Opens or creates the map in `folder`. A panic in sled (damage) is an error; a hang
    /// is for the caller to time.
    pub(super) fn open(folder: &Path) -> Result<Self> {
        let config = sled::Config::new()
            .path(folder)
            .cache_capacity_bytes(CACHE_BYTES)
            .zstd_compression_level(LEAF_ZSTD_LEVEL)
            .flush_every_ms(Some(FLUSH_EVERY_MS));
        let db = guard("opening sled", || open_unlocked(&config)).map_err(|error| {
            damaged(format!(
                "the folder `sled` does not open: {}",
                error.message
            ))
        })?;
        Ok(SledMap {
            db: Mutex::new(db),
            pool: Mutex::default(),
            applied: AtomicU64::new(0),
            values: AtomicU64::new(0),
            removed: AtomicU64::new(0),
        })
    }

    fn with_tree<T>(&self, work: impl FnOnce(&Tree) -> T) -> T {
        let pooled = lock(&self.pool).pop();
        let tree = pooled.unwrap_or_else(|| (**lock(&self.db)).clone());
        let result = work(&tree);
        lock(&self.pool).push(tree);
        result
    }
}

fn open_unlocked(config: &sled::Config) -> io::Result<sled::Db<LEAF_FANOUT>> {
    let started = Instant::now();
    loop {
        match config.open() {
            Err(error)
                if error.kind() == io::ErrorKind::WouldBlock && started.elapsed() < LOCK_TIME =>
            {
                std::thread::sleep(LOCK_PAUSE)
            }
            other => return other,
        }
    }
}

impl OrderedMap for SledMap {
    fn get(&self, key: &[u8]) -> Result<Option<Value>> {
        guard("reading", || self.with_tree(|tree| tree.get(key)))
    }

    /// The end is looked for here: sled's own, once it has nothing more to give within its
    /// bounds, reads every leaf up to the end of the tree before it says so.
    fn range(&self, from: &[u8], to: &[u8]) -> Pairs<'_> {
        let mut pairs = self.with_tree(|tree| tree.range(from..));
        let to = to.to_vec();
        pairs_of(move || {
            let pair = pairs.next();
            pair.filter(|pair| pair.as_ref().map_or(true, |(key, _)| **key < *to))
        })
    }

    fn range_back(&self, from: &[u8], to: &[u8]) -> Pairs<'_> {
        let mut pairs = self.with_tree(|tree| tree.range(from..to));
        pairs_of(move || pairs.next_back())
    }

    fn apply(&self, ops: Vec<Op>) -> Result<()> {
        let mut batch = sled::Batch::default();
        let size = |(key, value): &Op| key.len() + value.as_ref().map_or(0, Vec::len);
        let bytes = ops.iter().map(size).sum::<usize>() as u64;
        let removed = ops.iter().filter(|(_, value)| value.is_none()).count() as u64;
        self.applied.fetch_add(bytes, Ordering::Relaxed);
        self.values
            .fetch_add(ops.len() as u64 - removed, Ordering::Relaxed);
        self.removed.fetch_add(removed, Ordering::Relaxed);
        for (key, value) in ops {
            match value {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        guard("writing", || self.with_tree(|tree| tree.apply_batch(batch)))
    }

    fn flush(&self) -> Result<()> {
        guard("flushing", || self.with_tree(|tree| tree.flush().map(drop)))
    }

    fn held_bytes(&self) -> u64 {
        let leaves = self.with_tree(|tree| tree.storage_stats().cache.cache_misses);
        let read = leaves
            .saturating_mul(LEAF_READ_BYTES)
            .min(CACHE_BYTES as u64);
        let [applied, values, removed] =
            [&self.applied, &self.values, &self.removed].map(|count| count.load(Ordering::Relaxed));
        // A removed value is taken to have been an average one.
        let left = values.saturating_sub(removed);
        read + (u128::from(applied) * u128::from(left) / u128::from(values.max(1))) as u64
    }
}

fn pairs_of<'a>(mut next: impl FnMut() -> Option<io::Result<(Value, Value)>> + 'a) -> Pairs<'a> {
    let mut over = false;
    Box::new(std::iter::from_fn(move || {
        if over {
            return None;
        }
        let pair = guard("reading", || next().transpose()).transpose();
        over = !matches!(pair, Some(Ok(_)));
        pair
    }))
}

/// Runs a call into sled; its panics and I/O errors become errors of the store.
fn guard<T>(doing: &str, call: impl FnOnce() -> io::Result<T>) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(io_error(doing, &error)),
        Err(panic) => Err(damaged(format!(
            "{doing}: sled panicked: {}",
            panic_text(&*panic)
        ))),
    }
}

/// An I/O error as the store's: bytes that make no sense are damage, the rest is a disk
/// that does not serve.
pub(super) fn io_error(doing: &str, error: &io::Error) -> Error {
    let code = match error.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => Code::StoreDamaged,
        _ => Code::StoreUnavailable,
    };
    Error::new(code, format!("{doing}: {error}"))
}

/// The text of a panic.
pub(super) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| text.to_string())
        .or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "no message".into())
}

/// A lock that is taken even if a thread panicked while holding it: what it guards is
/// never left half changed.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_reads_only_the_leaves_that_it_lies_in() {
        let folder = tempfile::tempdir().unwrap();
        let map = SledMap::open(folder.path()).unwrap();
        let key = |number: u32| number.to_be_bytes();
        let ops = (0..20_000).map(|number| (key(number).to_vec(), Some(vec![7])));
        map.apply(ops.collect()).unwrap();
        let leaves_read = || map.with_tree(|tree| tree.storage_stats().cache.cache_hits);
        for (from, to) in [(10, 20), (10, 10), (100, 200), (19_990, 30_000)] {
            for back in [false, true] {
                let (low, high) = (key(from), key(to));
                let before = leaves_read();
                let pairs = match back {
                    false => map.range(&low, &high),
                    true => map.range_back(&low, &high),
                };
                let pairs = pairs.collect::<Result<Vec<_>>>().unwrap();
                assert_eq!(pairs.len() as u32, to.min(20_000) - from);
                // Leaves are half full at the least, and one may lie on either side.
                let most = u64::from(to.min(20_000) - from) / (LEAF_FANOUT as u64 / 2) + 3;
                let read = leaves_read() - before;
                assert!(
                    read <= most,
                    "{from}..{to}, {back}: {read} leaves, not {most}"
                );
            }
        }
    }
}
