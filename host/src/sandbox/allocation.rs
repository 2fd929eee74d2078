//! Where the memories, tables and stacks of instances come from.

use crate::error::{Code, Error, Result};
use crate::limits::{
    INSTANCES_MAX, KIB, MEMORIES_MAX, MIB, POOLED_RUNS_MAX, POOLED_TABLE_ELEMENTS_MAX, TABLES_MAX,
};
use std::sync::Arc;
use tokio::sync::Semaphore;
use wasmtime::{Enabled, InstanceAllocationStrategy, PoolingAllocationConfig};

/// Fibre stacks for each run: one for the instance, one for its async export, and what
/// is still being unwound.
const STACKS_PER_RUN: u32 = 4;
/// Bytes of a memory that are cleared by hand after a run and not given back to the
/// system: what the next run touches first. What lies beyond is given back.
const MEMORY_KEPT_BYTES: usize = MIB as usize;
/// Bytes of a fibre stack that are cleared by hand, for the same reason.
const STACK_KEPT_BYTES: usize = 64 * KIB as usize;

/// Where the memories, tables and stacks of instances come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Allocation {
    /// Mapped fresh from the system for each run and unmapped after it: no page of one
    /// run is ever seen by another, whatever a fault in wasmtime. The default, because
    /// guests are strangers and a run lasts seconds, not microseconds.
    #[default]
    OnDemand,
    /// Slots that are laid out at the start and used by one run after another, cleared in
    /// between. Starting a run takes a third of the time. For operators with many short
    /// runs: wasmtime's faults in this allocator were ones that showed a run the memory
    /// of the one before.
    Pooled {
        /// Runs at once; more wait for a slot.
        runs: u32,
    },
}

impl Allocation {
    /// wasmtime's name for it. `invalid.argument` for a pool that is empty or larger than
    /// [`POOLED_RUNS_MAX`].
    pub(super) fn strategy(self) -> Result<InstanceAllocationStrategy> {
        match self {
            Allocation::OnDemand => Ok(InstanceAllocationStrategy::OnDemand),
            Allocation::Pooled { runs } if (1..=POOLED_RUNS_MAX).contains(&runs) => {
                Ok(InstanceAllocationStrategy::Pooling(pool(runs)))
            }
            Allocation::Pooled { runs } => Err(Error::new(
                Code::InvalidArgument,
                format!("a pool holds 1 to {POOLED_RUNS_MAX} runs, not {runs}"),
            )),
        }
    }

    /// The slots that runs wait for, if there are only so many.
    pub(super) fn slots(self) -> Option<Arc<Semaphore>> {
        match self {
            Allocation::OnDemand => None,
            Allocation::Pooled { runs } => Some(Arc::new(Semaphore::new(runs as usize))),
        }
    }
}

/// A pool in which no run can take what another needs: each has all that one may have.
fn pool(runs: u32) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(runs)
        .total_core_instances(runs.saturating_mul(INSTANCES_MAX as u32))
        .total_memories(runs.saturating_mul(MEMORIES_MAX as u32))
        .total_tables(runs.saturating_mul(TABLES_MAX as u32))
        .total_stacks(runs.saturating_mul(STACKS_PER_RUN))
        .max_core_instances_per_component(INSTANCES_MAX as u32)
        .max_memories_per_component(MEMORIES_MAX as u32)
        .max_tables_per_component(TABLES_MAX as u32)
        .table_elements(POOLED_TABLE_ELEMENTS_MAX)
        // Linux 6.7 tells which pages were touched, so that only those are cleared.
        .pagemap_scan(Enabled::Auto)
        .linear_memory_keep_resident(MEMORY_KEPT_BYTES)
        .async_stack_keep_resident(STACK_KEPT_BYTES);
    pool
}
