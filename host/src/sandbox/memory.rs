//! The memory cap of a run: one limiter for all its linear memories and tables, on the
//! same budget as the buffers that the host holds for it.
//!
//! It answers "no" rather than trapping, so that a language with a garbage collector can
//! collect and go on; the budget remembers the refusal, and a run that then ends badly
//! in any way is `limit.memory`.

use crate::capability::trail::Trail;
use crate::limits::{INSTANCES_MAX, MEMORIES_MAX, TABLE_ELEMENT_BYTES, TABLES_MAX};
use crate::memory::MemoryBudget;
use std::sync::Arc;
use wasmtime::ResourceLimiter;

/// Counts what a store's memories and tables grow by.
pub(super) struct RunLimiter {
    budget: MemoryBudget,
    trail: Arc<Trail>,
    /// What the growth under way took, to give back if it fails.
    growing: u64,
}

impl RunLimiter {
    pub(super) fn new(budget: MemoryBudget, trail: Arc<Trail>) -> Self {
        RunLimiter {
            budget,
            trail,
            growing: 0,
        }
    }

    fn grow(&mut self, bytes: u64, past_own_maximum: bool) -> bool {
        let granted = !past_own_maximum && self.budget.take(bytes);
        self.growing = if granted { bytes } else { 0 };
        if bytes > 0 && !past_own_maximum {
            self.trail.grew(self.budget.used(), bytes, !granted);
        }
        granted
    }

    fn failed(&mut self) {
        self.budget.give_back(std::mem::take(&mut self.growing));
    }
}

fn over(desired: usize, maximum: Option<usize>) -> bool {
    maximum.is_some_and(|maximum| desired > maximum)
}

impl ResourceLimiter for RunLimiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.grow(
            desired.saturating_sub(current) as u64,
            over(desired, maximum),
        ))
    }

    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        self.failed();
        Ok(())
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let elements = desired.saturating_sub(current) as u64;
        Ok(self.grow(
            elements.saturating_mul(TABLE_ELEMENT_BYTES),
            over(desired, maximum),
        ))
    }

    fn table_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        self.failed();
        Ok(())
    }

    fn instances(&self) -> usize {
        INSTANCES_MAX
    }

    fn tables(&self) -> usize {
        TABLES_MAX
    }

    fn memories(&self) -> usize {
        MEMORIES_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memories_and_tables_draw_on_one_cap() {
        let budget = MemoryBudget::new(200_000);
        let mut limiter = RunLimiter::new(budget.clone(), Arc::default());
        assert!(limiter.memory_growing(0, 65_536, None).unwrap());
        assert!(limiter.memory_growing(0, 65_536, None).unwrap());
        assert!(!limiter.table_growing(0, 10_000, None).unwrap());
        assert!(limiter.table_growing(0, 1_000, None).unwrap());
        assert_eq!(budget.used(), 2 * 65_536 + 8_000);
        assert_eq!(budget.refused(), Some(2 * 65_536 + 80_000));
    }

    #[test]
    fn a_growth_past_the_memorys_own_maximum_is_no_refusal_of_the_cap() {
        let budget = MemoryBudget::new(1 << 20);
        let mut limiter = RunLimiter::new(budget.clone(), Arc::default());
        assert!(!limiter.memory_growing(0, 131_072, Some(65_536)).unwrap());
        assert_eq!((budget.used(), budget.refused()), (0, None));
    }

    #[test]
    fn a_growth_that_the_machine_failed_is_given_back() {
        let budget = MemoryBudget::new(1 << 20);
        let mut limiter = RunLimiter::new(budget.clone(), Arc::default());
        assert!(limiter.memory_growing(0, 65_536, None).unwrap());
        limiter
            .memory_grow_failed(wasmtime::format_err!("no more"))
            .unwrap();
        assert_eq!(budget.used(), 0);
    }
}
