//! The stores that the suite runs for.

use crate::world::Factory;
use async_trait::async_trait;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tidegate::clock::ManualClock;
use tidegate::store::ServiceStore;
use tidegate::store::memory::MemoryStore;
use tidegate::store::sled::{OpenOptions, SledStore};

/// The twin in memory. It lives in the factory, so that it "persists" as far as it can.
#[derive(Default)]
pub struct Memory {
    store: Mutex<Option<Arc<MemoryStore>>>,
}

impl Memory {
    pub fn new() -> Self {
        Memory::default()
    }
}

#[async_trait]
impl Factory for Memory {
    async fn open(&self, clock: Arc<ManualClock>) -> Arc<dyn ServiceStore> {
        let mut store = self.store.lock().unwrap();
        store
            .get_or_insert_with(|| Arc::new(MemoryStore::new(clock)))
            .clone()
    }

    fn restarts(&self) -> bool {
        false
    }
}

/// The durable one, in a folder of its own.
pub struct Sled {
    folder: tempfile::TempDir,
}

impl Sled {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Sled { folder }
    }
}

#[async_trait]
impl Factory for Sled {
    async fn open(&self, clock: Arc<ManualClock>) -> Arc<dyn ServiceStore> {
        let folder: PathBuf = self.folder.path().join("store");
        let open = move || SledStore::open(&folder, OpenOptions::default(), clock).unwrap();
        Arc::new(tokio::task::spawn_blocking(open).await.unwrap())
    }

    fn restarts(&self) -> bool {
        true
    }
}
