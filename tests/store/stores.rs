//! The stores that the suite runs for.

use crate::world::Factory;
use async_trait::async_trait;
use std::sync::{Arc, Mutex};
use tidegate::clock::ManualClock;
use tidegate::store::Store;
use tidegate::store::memory::MemoryStore;

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
    async fn open(&self, clock: Arc<ManualClock>) -> Arc<dyn Store> {
        let mut store = self.store.lock().unwrap();
        store
            .get_or_insert_with(|| Arc::new(MemoryStore::new(clock)))
            .clone()
    }

    fn restarts(&self) -> bool {
        false
    }
}
