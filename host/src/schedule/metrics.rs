//! What the scheduler counts of its runs, since the process started.
//!
//! IMPORTANT: a label's value is text of this program (`&'static str`). What customers
//! name, such as a connection, an environment or a sync, is never a label: each would be
//! a row in the operator's monitoring for ever.

use crate::limits::MIB;
use crate::model::{ModelCounts, RunRow, RunState, Trigger};
use jiff::Timestamp;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use std::sync::atomic::AtomicU64;
use std::time::Duration;

/// Upper bounds of the buckets of a run's wall time, in seconds: a poll that finds nothing
/// takes milliseconds, and the hard limit is a day.
const DURATION_SECONDS: [f64; 13] = [
    0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 900.0, 3_600.0, 86_400.0,
];

/// Upper bounds of the buckets of a run's peak of memory, in MiB: from a Rust sync to the
/// most that a manifest may ask for.
const MEMORY_MIB: [u64; 10] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

/// Upper bounds of the buckets of the wait for room, in seconds.
const LATENESS_SECONDS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0,
];

/// The `outcome` of what was due and never became a run: its component did not load, or
/// the store took no run.
pub(super) const NOT_STARTED: &str = "not_started";

/// Counters and histograms of runs. Clones count together.
#[derive(Clone, Debug)]
pub struct RunMetrics {
    runs: Family<RunLabels, Counter>,
    duration: Histogram,
    memory_peak: Histogram,
    cpu: Counter<f64, AtomicU64>,
    changed: Family<ActionLabels, Counter>,
    lateness: Histogram,
    providers_down: Gauge,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RunLabels {
    outcome: &'static str,
    trigger: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ActionLabels {
    action: &'static str,
}

impl RunMetrics {
    pub(super) fn new() -> Self {
        RunMetrics {
            runs: Family::default(),
            duration: Histogram::new(DURATION_SECONDS),
            memory_peak: Histogram::new(MEMORY_MIB.map(|mib| (mib * MIB) as f64)),
            cpu: Counter::default(),
            changed: Family::default(),
            lateness: Histogram::new(LATENESS_SECONDS),
            providers_down: Gauge::default(),
        }
    }

    /// Adds them to what is shown.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "tidegate_runs",
            "Runs that ended, and what was due but never became a run",
            self.runs.clone(),
        );
        registry.register_with_unit(
            "tidegate_run_duration",
            "Wall time of runs",
            Unit::Seconds,
            self.duration.clone(),
        );
        registry.register_with_unit(
            "tidegate_run_memory_peak",
            "The most memory that a run held at once, host buffers included",
            Unit::Bytes,
            self.memory_peak.clone(),
        );
        registry.register_with_unit(
            "tidegate_run_cpu",
            "CPU time of runs, guest and host calls together",
            Unit::Seconds,
            self.cpu.clone(),
        );
        registry.register(
            "tidegate_records_changed",
            "Records that runs added, updated or deleted, counted when the run ends",
            self.changed.clone(),
        );
        registry.register_with_unit(
            "tidegate_run_lateness",
            "From when a run was due, or asked for, to its start",
            Unit::Seconds,
            self.lateness.clone(),
        );
        registry.register(
            "tidegate_integrations_held_back",
            "Integrations whose provider fails, so that their scheduled runs are held back",
            self.providers_down.clone(),
        );
    }

    /// A provider fails, and its scheduled runs are held back.
    pub(super) fn provider_is_down(&self) {
        self.providers_down.inc();
    }

    /// A provider answers again.
    pub(super) fn provider_is_back(&self) {
        self.providers_down.dec();
    }

    /// A run that was due at `due` began at `now`. A clock that was set back counts as no
    /// wait.
    pub(super) fn began(&self, due: Timestamp, now: Timestamp) {
        let late = Duration::try_from(now.duration_since(due)).unwrap_or_default();
        self.lateness.observe(late.as_secs_f64());
    }

    /// A run ended, or never began (`None`).
    pub(super) fn ended(&self, trigger: Trigger, row: Option<&RunRow>) {
        let outcome = match row.map(|row| &row.state) {
            Some(RunState::Ended(outcome)) => outcome.word(),
            Some(RunState::Running) | None => NOT_STARTED,
        };
        let trigger = word(trigger);
        self.runs
            .get_or_create(&RunLabels { outcome, trigger })
            .inc();
        let Some(row) = row else { return };
        let usage = &row.usage;
        self.duration.observe(seconds(usage.wall_us));
        self.memory_peak.observe(usage.memory_peak_bytes as f64);
        self.cpu.inc_by(seconds(usage.cpu_us));
        let sum = |of: fn(&ModelCounts) -> u64| row.counts.values().map(of).sum::<u64>();
        for (action, count) in [
            ("added", sum(|counts| counts.added)),
            ("updated", sum(|counts| counts.updated)),
            ("deleted", sum(|counts| counts.deleted)),
        ] {
            self.changed
                .get_or_create(&ActionLabels { action })
                .inc_by(count);
        }
    }
}

pub(super) fn word(trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::Manual => "manual",
        Trigger::Schedule => "schedule",
        Trigger::Continuation => "continuation",
    }
}

fn seconds(microseconds: u64) -> f64 {
    Duration::from_micros(microseconds).as_secs_f64()
}
