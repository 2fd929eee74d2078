//! The memory of one run, counted as a *sum*: linear memories, tables and the buffers
//! that the host holds for it (bodies on their way in, batches on their way out).
//!
//! The sandbox's limiter, the capabilities and egress all draw on the same
//! [`MemoryBudget`], so that fifteen memories just under the cap each, or a body that
//! the host holds while the guest is full, cannot pass it. A refusal is remembered: it
//! is what turns a guest's later `unreachable` into `limit.memory`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The counted memory of one run, shared by everything that holds bytes for it.
#[derive(Clone, Debug)]
pub struct MemoryBudget {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    cap: u64,
    used: AtomicU64,
    peak: AtomicU64,
    /// Bytes wanted at the first refusal, all told; 0 while nothing was refused.
    refused: AtomicU64,
}

impl MemoryBudget {
    /// A budget of `cap` bytes, with nothing used yet.
    pub fn new(cap: u64) -> Self {
        let inner = Inner {
            cap,
            used: 0.into(),
            peak: 0.into(),
            refused: 0.into(),
        };
        MemoryBudget {
            inner: Arc::new(inner),
        }
    }

    /// Takes `bytes` from the budget, or refuses and remembers that it did.
    pub fn take(&self, bytes: u64) -> bool {
        let taken = self
            .inner
            .used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                used.checked_add(bytes)
                    .filter(|wanted| *wanted <= self.inner.cap)
            });
        match taken {
            Ok(before) => {
                self.inner.peak.fetch_max(before + bytes, Ordering::Relaxed);
                true
            }
            Err(used) => {
                let wanted = used.saturating_add(bytes);
                let _ = self.inner.refused.compare_exchange(
                    0,
                    wanted,
                    Ordering::Relaxed,
                    Ordering::Relaxed,
                );
                false
            }
        }
    }

    /// Gives `bytes` back.
    pub fn give_back(&self, bytes: u64) {
        let _ = self
            .inner
            .used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                Some(used.saturating_sub(bytes))
            });
    }

    /// Takes `bytes` for as long as the returned [`Held`] lives; `None` when refused.
    pub fn hold(&self, bytes: u64) -> Option<Held> {
        self.take(bytes).then(|| Held {
            budget: self.clone(),
            bytes,
        })
    }

    /// The cap in bytes.
    pub fn cap(&self) -> u64 {
        self.inner.cap
    }

    /// Bytes in use now.
    pub fn used(&self) -> u64 {
        self.inner.used.load(Ordering::Relaxed)
    }

    /// The most bytes that were ever in use at once.
    pub fn peak(&self) -> u64 {
        self.inner.peak.load(Ordering::Relaxed)
    }

    /// Bytes that the run would have held, had the first refused request been granted.
    pub fn refused(&self) -> Option<u64> {
        match self.inner.refused.load(Ordering::Relaxed) {
            0 => None,
            wanted => Some(wanted),
        }
    }
}

/// Bytes held from a [`MemoryBudget`], given back on drop.
#[derive(Debug)]
pub struct Held {
    budget: MemoryBudget,
    bytes: u64,
}

impl Held {
    /// Grows what is held by `bytes`; `false` when the budget refuses.
    pub fn grow(&mut self, bytes: u64) -> bool {
        let granted = self.budget.take(bytes);
        if granted {
            self.bytes += bytes;
        }
        granted
    }

    /// Shrinks what is held to `bytes`, when it turned out to be less than reserved.
    pub fn shrink_to(&mut self, bytes: u64) {
        if bytes < self.bytes {
            self.budget.give_back(self.bytes - bytes);
            self.bytes = bytes;
        }
    }

    /// How many bytes are held.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.budget.give_back(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_capped_and_the_first_refusal_is_remembered() {
        let budget = MemoryBudget::new(100);
        let held = budget.hold(60).unwrap();
        assert!(budget.take(40));
        assert!(!budget.take(1));
        assert!(!budget.take(50));
        assert_eq!(
            (budget.used(), budget.peak(), budget.refused()),
            (100, 100, Some(101))
        );
        drop(held);
        assert_eq!((budget.used(), budget.peak()), (40, 100));
    }

    #[test]
    fn a_request_that_overflows_is_refused() {
        let budget = MemoryBudget::new(u64::MAX);
        assert!(budget.take(u64::MAX));
        assert!(!budget.take(1));
    }
}
