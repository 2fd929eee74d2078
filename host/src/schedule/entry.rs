//! What the scheduler knows of one sync, and how it plans one from what is kept.

use crate::capability::control::Control;
use crate::catalog::Catalog;
use crate::error::Result;
use crate::limits::RUN_TIME_HARD;
use crate::model::{
    Frequency, Outcome, RunId, RunRow, RunState, SyncRow, Trigger, retry_after, spread_of,
};
use jiff::Timestamp;
use std::sync::Arc;

/// A sync between and during its runs.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// When it is due, and the ticket of its item in the queue.
    pub(super) due: Option<(Timestamp, u64)>,
    /// A run of it was started and has no id yet, or is under way.
    pub(super) starting: bool,
    /// The run under way.
    pub(super) live: Option<Live>,
    /// Why the next run starts.
    pub(super) trigger: Trigger,
    /// How many keep it from starting.
    pub(super) holds: u32,
    /// Failed runs in a row.
    pub(super) failures: u32,
    /// The memory cap of its next run in bytes.
    pub(super) memory: u64,
    /// The memory in bytes that its present run counts as.
    pub(super) counted: u64,
}

impl Default for Entry {
    fn default() -> Self {
        Entry {
            due: None,
            starting: false,
            live: None,
            trigger: Trigger::Schedule,
            holds: 0,
            failures: 0,
            memory: 0,
            counted: 0,
        }
    }
}

/// When the next run of a sync is due, and why.
pub(super) struct Planned {
    pub(super) due: Option<Timestamp>,
    pub(super) trigger: Trigger,
}

/// A sync whose turn came: why it runs and since when it was due.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    pub(super) trigger: Trigger,
    pub(super) due: Timestamp,
}

/// A run under way.
#[derive(Clone, Debug)]
pub(super) struct Live {
    pub(super) run: RunId,
    pub(super) control: Arc<Control>,
}

/// Plans a sync from its settings and its last run: at once if it never ran, at once or after
/// its wait if it was interrupted, else when its frequency says, and once for all times that were missed.
pub(super) async fn planned(
    catalog: &Catalog,
    row: &SyncRow,
    last: Option<&RunRow>,
    now: Timestamp,
) -> Result<Planned> {
    let mut planned = Planned {
        due: None,
        trigger: Trigger::Schedule,
    };
    if row.paused {
        return Ok(planned);
    }
    match last {
        Some(last) if is_interrupted(last) => {
            planned.trigger = Trigger::Continuation;
            planned.due = Some(continuation_due(last, now));
        }
        None => planned.due = first(catalog, row, now).await?,
        Some(last) => planned.due = next(catalog, row, last.started, now, 0).await?,
    }
    Ok(planned)
}

pub(super) fn is_interrupted(row: &RunRow) -> bool {
    matches!(
        row.state,
        RunState::Running | RunState::Ended(Outcome::Interrupted { .. })
    )
}

/// When an interrupted run goes on: now, or when what it would have waited for is there. No
/// wait is longer than a run, whatever a clock that was set back says.
pub(super) fn continuation_due(last: &RunRow, now: Timestamp) -> Timestamp {
    let latest = now.saturating_add(RUN_TIME_HARD).unwrap_or(Timestamp::MAX);
    last.waits_until()
        .map_or(now, |until| until.clamp(now, latest))
}

/// When a sync that never ran is due: at once, unless its manifest gives no frequency or
/// an expression that names the hour.
async fn first(catalog: &Catalog, row: &SyncRow, now: Timestamp) -> Result<Option<Timestamp>> {
    let frequency = frequency(catalog, row).await?;
    Ok(frequency.map(
        |frequency| match frequency.without_every().starts_with("cron") {
            true => frequency.first_due(now, 0),
            false => now,
        },
    ))
}

/// When a sync is due after a run that began at `began`. A time that has passed since is
/// due now, once; failures push it back.
pub(super) async fn next(
    catalog: &Catalog,
    row: &SyncRow,
    began: Timestamp,
    now: Timestamp,
    failures: u32,
) -> Result<Option<Timestamp>> {
    if row.paused {
        return Ok(None);
    }
    let Some(frequency) = frequency(catalog, row).await? else {
        return Ok(None);
    };
    let spread = spread_of(&row.key);
    // As seen when the run began: what has passed since is due now.
    let due = frequency.next_due(began, began.min(now), spread).at;
    let due = frequency.settle(due, now, spread).max(now);
    if failures == 0 {
        return Ok(Some(due));
    }
    let wait = retry_after(failures, frequency.interval_at(now), rand::random());
    let again = now.saturating_add(wait).unwrap_or(due);
    Ok(Some(match failures {
        // A first failure is tried again before its next time; a lasting one keeps to it.
        1..=RETRIES_BEFORE_NEXT_TIME => due.min(again),
        _ => due.max(again),
    }))
}

/// Failures in a row that are tried again before the next time of the schedule.
const RETRIES_BEFORE_NEXT_TIME: u32 = 3;

/// How often a sync runs: the connection's own setting, or else its manifest's.
pub(super) async fn frequency(catalog: &Catalog, row: &SyncRow) -> Result<Option<Frequency>> {
    let text = match &row.frequency {
        Some(own) => Some(own.clone()),
        None => {
            let digest = catalog.digest_for(&row.key)?;
            catalog
                .deployment(&digest)
                .await?
                .manifest
                .frequency
                .clone()
        }
    };
    Ok(text.map(|text| Frequency::parse(&text)).transpose()?)
}
