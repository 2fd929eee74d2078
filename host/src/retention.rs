//! Retention: what is old is pruned, erased or forgotten, a little at a time and beside
//! everything else.
//!
//! Records go only where their environment asks for it. Runs and their logs always go one
//! day, or a host that polls every minute would hold nothing else.

use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::error::{Code, Result};
use crate::model::{ConnectionKey, EnvironmentRow, RecordRetention, StreamKey};
use crate::store::{ForgetRuns, Forgotten, PruneQuery, RunQuery, ServiceStore};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Pause between two sweeps. Each looks at every stream whose environment prunes, which
/// takes a fraction of a second for ten thousand.
const BETWEEN_SWEEPS: Duration = Duration::from_secs(15 * 60);
/// Records that are pruned in one call of the store; then others have their turn.
const PRUNED_AT_ONCE: usize = 1_000;
/// Hours of a day.
const DAY_HOURS: i64 = 24;

/// How long runs are kept, by the operator's will.
#[derive(Clone, Copy, Debug)]
pub struct RetentionOptions {
    /// Days that a run is kept.
    pub run_days: u32,
    /// Days that a run's log is kept; never longer than the run.
    pub log_days: u32,
    /// Runs of each sync that are kept.
    pub runs_per_sync: usize,
}

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Records that lost their content.
    pub pruned: u64,
    /// Connections whose records were erased.
    pub erased: u64,
    /// Runs and logs.
    pub forgotten: Forgotten,
}

/// Sweeps now and then, until it is told to stop.
pub struct Retention {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Retention {
    /// Starts sweeping.
    pub fn start(sweeper: Sweeper) -> Self {
        let (stop, mut told) = watch::channel(false);
        let task = tokio::spawn(async move {
            let mut tick = tokio::time::interval(BETWEEN_SWEEPS);
            loop {
                tokio::select! {
                    _ = told.changed() => return,
                    _ = tick.tick() => {}
                }
                let swept = tokio::select! {
                    _ = told.changed() => return,
                    swept = sweeper.sweep() => swept,
                };
                match swept {
                    Ok(swept) if swept == Swept::default() => {}
                    Ok(swept) => tracing::info!(
                        pruned = swept.pruned,
                        erased = swept.erased,
                        runs = swept.forgotten.runs,
                        logs = swept.forgotten.logs,
                        "what was kept long enough is gone"
                    ),
                    Err(error) => {
                        tracing::warn!(%error, "retention did not get through; it goes on later");
                    }
                }
            }
        });
        Retention { stop, task }
    }

    /// Stops; a step that was begun is finished by the store.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        let _ = self.task.await;
    }
}

/// What sweeps.
pub struct Sweeper {
    /// Where records and runs are.
    pub store: Arc<dyn ServiceStore>,
    /// Who owns them.
    pub catalog: Arc<Catalog>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// How long runs are kept.
    pub options: RetentionOptions,
}

impl Sweeper {
    /// Looks at everything once.
    pub async fn sweep(&self) -> Result<Swept> {
        let now = self.clock.now();
        let mut swept = Swept {
            forgotten: self.forget_runs(now).await?,
            ..Swept::default()
        };
        for environment in self.catalog.environments() {
            let RecordRetention {
                prune_after_days,
                erase_after_days,
            } = environment.retention;
            if prune_after_days.is_none() && erase_after_days.is_none() {
                continue;
            }
            let streams = self.streams(&environment).await?;
            if let Some(days) = erase_after_days {
                swept.erased += self.erase(&streams, ago(now, days)).await?;
            }
            if let Some(days) = prune_after_days {
                swept.pruned += self.prune(&streams, ago(now, days)).await?;
            }
        }
        Ok(swept)
    }

    async fn forget_runs(&self, now: Timestamp) -> Result<Forgotten> {
        let RetentionOptions {
            run_days,
            log_days,
            runs_per_sync,
        } = self.options;
        let query = ForgetRuns {
            before: ago(now, run_days),
            logs_before: ago(now, log_days.min(run_days)),
            per_sync: runs_per_sync,
        };
        self.store.forget_runs(query).await
    }

    async fn streams(&self, environment: &EnvironmentRow) -> Result<Vec<StreamKey>> {
        let mut streams = self.store.streams(None).await?;
        streams.retain(|stream| stream.connection.environment == environment.name);
        Ok(streams)
    }

    /// Prunes what did not change since `since`.
    async fn prune(&self, streams: &[StreamKey], since: Timestamp) -> Result<u64> {
        let query = PruneQuery {
            through: None,
            unchanged_since: Some(since),
            limit: PRUNED_AT_ONCE,
        };
        let mut count = 0;
        for stream in streams {
            loop {
                let pruned = self.store.prune(stream, query).await?;
                count += pruned.count;
                if !pruned.more {
                    break;
                }
            }
        }
        Ok(count)
    }

    /// Erases the records of connections none of whose syncs ran since `since`.
    async fn erase(&self, streams: &[StreamKey], since: Timestamp) -> Result<u64> {
        let mut connections = BTreeSet::new();
        for stream in streams {
            let stats = self.store.stats(stream).await?;
            if stats.live + stats.deleted > 0 {
                connections.insert(&stream.connection);
            }
        }
        let mut count = 0;
        for connection in connections {
            if self.ran_since(connection, since).await? {
                continue;
            }
            match self.store.erase(connection).await {
                Ok(()) => {
                    tracing::info!(%connection, "no sync ran for long: its records are erased");
                    count += 1;
                }
                // One has just begun to run.
                Err(error) if error.code == Code::RunConflict => {}
                Err(error) => return Err(error),
            }
        }
        Ok(count)
    }

    async fn ran_since(&self, connection: &ConnectionKey, since: Timestamp) -> Result<bool> {
        if let Ok(row) = self.catalog.connection(connection)
            && row.created >= since
        {
            return Ok(true);
        }
        let (environment, integration) = (&connection.environment, &connection.integration);
        for sync in self
            .catalog
            .syncs(environment, Some(integration), Some(connection))
        {
            let query = RunQuery {
                key: Some(sync.key.clone()),
                before: None,
                limit: 1,
            };
            let last = self.store.runs(query).await?;
            if last.iter().any(|row| row.started >= since) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The time so many days before `now`.
fn ago(now: Timestamp, days: u32) -> Timestamp {
    let hours = i64::from(days).saturating_mul(DAY_HOURS);
    now.checked_sub(SignedDuration::from_hours(hours))
        .unwrap_or(Timestamp::MIN)
}
