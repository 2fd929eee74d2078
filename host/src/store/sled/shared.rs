//! What the committer and the readers share: the map, the streams in memory, and whether
//! the store still takes writes.
//!
//! Order of locks, which is what keeps them from waiting in a circle: the table of
//! streams, then one stream (several only by the committer, in the order of their
//! numbers), then the map.

use super::OpenOptions;
use super::disk::Disk;
use super::map::{OrderedMap, lock};
use super::room::Room;
use super::stream::Stream;
use crate::clock::Clock;
use crate::error::{Code, Error, Result};
use crate::model::{Environment, StreamKey};
use crate::store::Health;
use crate::store::news::News;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// What stands below a store: its folder and its map. The real one is a folder on disk;
/// simulations bring their own.
pub trait Platform: Send + Sync {
    /// The files beside the map.
    fn disk(&self) -> Arc<dyn Disk>;

    /// Whether there is a map already.
    fn has_map(&self) -> Result<bool>;

    /// Opens the map, or creates it. Only one is open at a time.
    fn open_map(&self) -> Result<Box<dyn OrderedMap>>;

    /// How the folder is called in messages.
    fn name(&self) -> String;
}

/// A stream as it is shared.
pub(super) type SharedStream = Arc<RwLock<Stream>>;

/// What the committer and the readers share.
pub(super) struct Shared {
    pub(super) platform: Arc<dyn Platform>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) options: OpenOptions,
    /// The store's own id.
    pub(super) store: String,
    /// Which life of the store this is, for cursors.
    pub(super) epoch: u16,
    map: RwLock<Option<Box<dyn OrderedMap>>>,
    /// Numbers of the streams.
    pub(super) names: RwLock<HashMap<StreamKey, u32>>,
    streams: Mutex<HashMap<u32, SharedStream>>,
    /// What streams take of the disk.
    room: Mutex<Room>,
    health: Mutex<Health>,
    /// Who waits for the next change of a stream.
    pub(super) news: News,
    /// Backups and checks that read the log now: nothing is dropped from it meanwhile.
    pub(super) readers_of_all: AtomicUsize,
    /// Reads since the map's memory was looked at.
    pub(super) reads: AtomicUsize,
    /// The store is being closed: what comes too late is no failure.
    closing: AtomicBool,
}

impl Shared {
    pub(super) fn new(
        platform: Arc<dyn Platform>,
        clock: Arc<dyn Clock>,
        options: OpenOptions,
        (store, epoch): (String, u16),
        map: Box<dyn OrderedMap>,
        names: HashMap<StreamKey, u32>,
        room: Room,
    ) -> Self {
        Shared {
            platform,
            clock,
            options,
            store,
            epoch,
            map: RwLock::new(Some(map)),
            names: RwLock::new(names),
            streams: Mutex::default(),
            room: Mutex::new(room),
            health: Mutex::new(Health::Good),
            news: News::default(),
            readers_of_all: AtomicUsize::new(0),
            reads: AtomicUsize::new(0),
            closing: AtomicBool::new(false),
        }
    }

    /// Notes that the store is being closed.
    pub(super) fn begin_close(&self) {
        self.closing.store(true, Ordering::SeqCst);
    }

    /// Whether the store is being closed.
    pub(super) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::SeqCst)
    }

    /// Reads from the map. Keep it short: the committer waits for it.
    pub(super) fn with_map<T>(&self, read: impl FnOnce(&dyn OrderedMap) -> Result<T>) -> Result<T> {
        let map = self.map.read().unwrap_or_else(PoisonError::into_inner);
        match &*map {
            Some(map) => read(&**map),
            None => Err(self.failure()),
        }
    }

    /// The map, with nobody reading it.
    pub(super) fn map_alone(&self) -> RwLockWriteGuard<'_, Option<Box<dyn OrderedMap>>> {
        self.map.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The stream with this number, loaded if it was not yet.
    pub(super) fn stream(&self, number: u32) -> Result<SharedStream> {
        let mut streams = lock(&self.streams);
        if let Some(stream) = streams.get(&number) {
            return Ok(stream.clone());
        }
        let stream = self.with_map(|map| Stream::load(number, map))?;
        let stream = Arc::new(RwLock::new(stream));
        streams.insert(number, stream.clone());
        Ok(stream)
    }

    /// Adds a stream that a commit created.
    pub(super) fn add_stream(&self, key: StreamKey, stream: SharedStream) {
        let (number, bytes) = {
            let stream = read(&stream);
            (stream.number, stream.state.bytes)
        };
        lock(&self.room).add(number, &key.connection.environment, bytes);
        lock(&self.streams).insert(number, stream);
        let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
        names.insert(key, number);
    }

    /// Notes what streams take of the disk now.
    pub(super) fn note_room(&self, streams: impl Iterator<Item = (u32, u64)>) {
        let mut room = lock(&self.room);
        streams.for_each(|(number, bytes)| room.set(number, bytes));
    }

    /// What the records of an environment take of the disk, in bytes.
    pub(super) fn stored_bytes(&self, environment: &Environment) -> u64 {
        lock(&self.room).of(environment)
    }

    /// The streams that are in memory.
    pub(super) fn loaded(&self) -> Vec<SharedStream> {
        lock(&self.streams).values().cloned().collect()
    }

    /// The numbers of all streams, in order.
    pub(super) fn numbers(&self) -> Vec<u32> {
        let names = self.names.read().unwrap_or_else(PoisonError::into_inner);
        let mut numbers: Vec<u32> = names.values().copied().collect();
        numbers.sort_unstable();
        numbers
    }

    /// The number of a stream.
    pub(super) fn number(&self, key: &StreamKey) -> Option<u32> {
        let names = self.names.read().unwrap_or_else(PoisonError::into_inner);
        names.get(key).copied()
    }

    pub(super) fn health(&self) -> Health {
        lock(&self.health).clone()
    }

    /// Notes that no write may be taken any more. What is open is neither flushed nor
    /// dropped again: after a failed write sled hangs on both.
    pub(super) fn fail(&self, error: Error) {
        *lock(&self.health) = Health::Failed(error);
    }

    /// Notes whether enough disk is free; answers whether it is.
    pub(super) fn note_free(&self, free: u64) -> Result<()> {
        let floor = self.options.disk_free_bytes_min;
        let mut health = lock(&self.health);
        if matches!(*health, Health::Failed(_)) {
            return Ok(());
        }
        if free >= floor {
            *health = Health::Good;
            return Ok(());
        }
        *health = Health::LowDisk { free, floor };
        Err(Error::new(
            Code::LimitStorage,
            format!(
                "{free} bytes are free where the store keeps its files; records are taken only \
                 while {floor} are"
            ),
        ))
    }

    /// The error for work that comes after a failure.
    pub(super) fn failure(&self) -> Error {
        match self.health() {
            Health::Failed(error) => Error::new(
                Code::StoreUnavailable,
                format!("the store stopped after a failed write: {}", error.message),
            ),
            _ => Error::new(Code::StoreUnavailable, "the store is closed"),
        }
    }
}

/// A lock for reading, also after a panic elsewhere: see [`lock`].
pub(super) fn read(stream: &SharedStream) -> RwLockReadGuard<'_, Stream> {
    stream.read().unwrap_or_else(PoisonError::into_inner)
}

/// A lock for writing, also after a panic elsewhere.
pub(super) fn write(stream: &SharedStream) -> RwLockWriteGuard<'_, Stream> {
    stream.write().unwrap_or_else(PoisonError::into_inner)
}
