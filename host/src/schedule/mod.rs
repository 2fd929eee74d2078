//! The scheduler: starts each sync when it is due, as many at once as there is room for,
//! fairly between environments, and never two of the same sync and connection.
//!
//! One task plans: it moves what is due into the queue and starts what fits. Each run is
//! a task of its own and reports back when it ended. What is known of a sync between runs
//! (when it is due, how often it failed in a row) is derived from the catalog and the
//! last run, so that a restart loses nothing.

mod breaker;
mod entry;
mod loader;
mod metrics;
mod provider;
mod queue;
mod running;
mod state;

pub use breaker::HeldBack;
pub use loader::Loader;
pub use metrics::RunMetrics;

use crate::catalog::Catalog;
use crate::error::{Code, Error, Result};
use crate::limits::{MIB, RUN_MEMORY_BYTES};
use crate::model::{
    ConnectionKey, Environment, Integration, ModelName, Outcome, RunId, RunRow, RunState, SyncKey,
    Trigger,
};
use crate::run::Runner;
use crate::store::{Reset, RunQuery};
use entry::{Entry, Live};
use jiff::Timestamp;
use state::{State, Used};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};

/// How long the planner sleeps at most: the clock may jump while it does.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// How long it sleeps at least, so that a time just passed does not make it spin.
const LOOK_SOON: Duration = Duration::from_millis(1);

/// How often a run that has not begun yet is looked at by who wants to cancel it.
const LOOK_WHILE_STARTING: Duration = Duration::from_millis(20);
/// Why runs are ended when the host stops.
const STOPPING: &str = "the host is stopping";

/// What the scheduler may use.
#[derive(Clone, Copy, Debug)]
pub struct SchedulerOptions {
    /// Runs at once, of all environments together.
    pub runs: u32,
    /// Memory cap of a run in bytes where its manifest asks for more.
    pub memory_ceiling: u64,
}

/// Starts syncs. Cheap to clone.
#[derive(Clone)]
pub struct Scheduler {
    inner: Arc<Inner>,
}

struct Inner {
    runner: Runner,
    catalog: Arc<Catalog>,
    loader: Loader,
    options: SchedulerOptions,
    state: Mutex<State>,
    wake: Notify,
    ended: watch::Sender<u64>,
    /// Whether no more runs are started.
    closing: watch::Sender<bool>,
    metrics: RunMetrics,
}

/// How a run is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TriggerOptions {
    /// What is taken away first; a run under way is cancelled for it.
    pub reset: Option<Reset>,
}

/// What became of a trigger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Triggered {
    /// A run starts as soon as there is room.
    Queued,
    /// This run is under way; none is started.
    Running(RunId),
}

/// How a sync stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// The run under way.
    pub running: Option<RunId>,
    /// Whether it is due and waits for room.
    pub queued: bool,
    /// When it is due next; none while it is paused or runs.
    pub next: Option<Timestamp>,
    /// Failed runs in a row.
    pub failures: u32,
}

impl Scheduler {
    /// Plans every sync of the catalog and starts what is due.
    pub async fn start(
        runner: Runner,
        catalog: Arc<Catalog>,
        options: SchedulerOptions,
    ) -> Result<Self> {
        let loader = Loader::new(runner.sandbox.clone(), catalog.clone());
        let scheduler = Scheduler {
            inner: Arc::new(Inner {
                runner,
                catalog,
                loader,
                options,
                state: Mutex::default(),
                wake: Notify::new(),
                ended: watch::channel(0).0,
                closing: watch::channel(false).0,
                metrics: RunMetrics::new(),
            }),
        };
        for row in scheduler.inner.catalog.all_syncs() {
            scheduler.plan(&row.key).await?;
        }
        tokio::spawn(plan_for_ever(Arc::downgrade(&scheduler.inner)));
        Ok(scheduler)
    }

    /// What loads components.
    pub fn loader(&self) -> &Loader {
        &self.inner.loader
    }

    /// Counts the runs that ended; changes each time one does.
    pub fn ended(&self) -> watch::Receiver<u64> {
        self.inner.ended.subscribe()
    }

    /// Turns true when the host stops: whoever waits for changes then waits in vain.
    pub fn closing(&self) -> watch::Receiver<bool> {
        self.inner.closing.subscribe()
    }

    /// What was counted of the runs since the start.
    pub fn metrics(&self) -> &RunMetrics {
        &self.inner.metrics
    }

    /// Looks at a sync anew: it was added, removed, paused, started, or has another
    /// frequency.
    pub async fn plan(&self, key: &SyncKey) -> Result<()> {
        let last = self.last_run(key).await?;
        let now = self.inner.runner.clock.now();
        let planned = match self.inner.catalog.sync(key) {
            Ok(row) => {
                let planned = entry::planned(&self.inner.catalog, &row, last.as_ref(), now).await?;
                Some((self.inner.memory_cap(key).await?, planned))
            }
            Err(_) => None,
        };
        let due = planned.as_ref().and_then(|(_, planned)| planned.due);
        let entry = planned.map(|(memory, planned)| Entry {
            memory,
            trigger: planned.trigger,
            ..Entry::default()
        });
        self.inner.state().replan(key, entry, due);
        self.inner.wake.notify_one();
        Ok(())
    }

    /// Asks for a run now. With a reset, a run under way is cancelled, what is asked for
    /// is taken away, and a new run starts from nothing.
    pub async fn trigger(&self, key: &SyncKey, options: TriggerOptions) -> Result<Triggered> {
        self.inner.catalog.sync(key)?;
        if let Some(what) = options.reset {
            self.reset(key, what).await?;
        }
        let memory = self.inner.memory_cap(key).await?;
        let now = self.inner.runner.clock.now();
        let mut state = self.inner.state();
        if state.stopping {
            return Err(Error::new(
                Code::RunCancelled,
                "the host is stopping; ask again when it is back",
            ));
        }
        let answer = state.ask(key, memory, now);
        drop(state);
        self.inner.wake.notify_one();
        Ok(answer)
    }

    /// Cancels the run under way and takes away what is asked for, while no run starts.
    async fn reset(&self, key: &SyncKey, what: Reset) -> Result<()> {
        let models = self.models(key).await?;
        let _held = Held::new(&self.inner, key);
        self.cancel(key, "it is reset").await?;
        self.inner.catalog.store().reset(key, &models, what).await
    }

    /// Removes a connection with all that its syncs have left in the store: ends the runs
    /// that are under way, and starts none. `not.found` if there is none.
    pub async fn remove_connection(&self, connection: &ConnectionKey) -> Result<()> {
        let catalog = &self.inner.catalog;
        let (environment, integration) = (&connection.environment, &connection.integration);
        let syncs = catalog.syncs(environment, Some(integration), Some(connection));
        let held: Vec<Held<'_>> = syncs
            .iter()
            .map(|sync| Held::new(&self.inner, &sync.key))
            .collect();
        for sync in &syncs {
            self.cancel(&sync.key, "its connection is removed").await?;
        }
        catalog.remove_connection(connection).await?;
        for sync in &syncs {
            self.plan(&sync.key).await?;
        }
        drop(held);
        Ok(())
    }

    /// Cancels the run under way, if there is one, and waits for its end.
    pub async fn cancel(&self, key: &SyncKey, why: &str) -> Result<Option<RunId>> {
        let mut ended = self.ended();
        let mut cancelled = None;
        loop {
            // Its own statement: the state must not be locked over the wait.
            let under_way = self.inner.state().under_way(key);
            let Some(live) = under_way else { break };
            // One that is starting can be told only once it has begun.
            if let Some(live) = live {
                live.control.cancel(why);
                cancelled = Some(live.run);
            }
            let changed = tokio::time::timeout(LOOK_WHILE_STARTING, ended.changed()).await;
            if matches!(changed, Ok(Err(_))) {
                break;
            }
        }
        Ok(cancelled)
    }

    /// How a sync stands.
    pub fn standing(&self, key: &SyncKey) -> Standing {
        let now = self.inner.runner.clock.now();
        self.inner.state().standing(key, now)
    }

    /// How an integration's provider stands: none, or since when it fails and its scheduled
    /// runs are held back.
    pub fn held_back(
        &self,
        environment: &Environment,
        integration: &Integration,
    ) -> Option<HeldBack> {
        let state = self.inner.state();
        state.breakers.held_back(environment, integration)
    }

    /// Runs under way.
    pub fn running(&self) -> usize {
        let state = self.inner.state();
        state
            .entries
            .values()
            .filter(|entry| entry.starting)
            .count()
    }

    /// Syncs that are due and wait for room.
    pub fn queued(&self) -> usize {
        let now = self.inner.runner.clock.now();
        let state = self.inner.state();
        let due = |entry: &&Entry| entry.due.is_some_and(|(at, _)| at <= now);
        state.entries.values().filter(due).count()
    }

    /// Starts no more runs and lets those under way end at their next checkpoint; after
    /// `grace` they are ended where they stand. Answers when none is left.
    pub async fn stop(&self, grace: Duration) {
        let mut ended = self.ended();
        self.inner.close();
        self.each_live(|live| live.control.stop(STOPPING));
        let all_over = async { while self.running() > 0 && ended.changed().await.is_ok() {} };
        if tokio::time::timeout(grace, all_over).await.is_ok() {
            return;
        }
        self.stop_now().await;
    }

    /// Ends all runs where they stand; they are continued at the next start.
    pub async fn stop_now(&self) {
        let mut ended = self.ended();
        self.inner.close();
        self.each_live(|live| live.control.interrupt(STOPPING));
        while self.running() > 0 && ended.changed().await.is_ok() {}
    }

    fn each_live(&self, tell: impl Fn(&Live)) {
        let state = self.inner.state();
        let lives = state
            .entries
            .values()
            .filter_map(|entry| entry.live.as_ref());
        lives.for_each(tell);
    }

    async fn last_run(&self, key: &SyncKey) -> Result<Option<RunRow>> {
        let query = RunQuery {
            key: Some(key.clone()),
            before: None,
            limit: 1,
        };
        let rows = self.inner.catalog.store().runs(query).await?;
        Ok(rows.into_iter().next())
    }

    async fn models(&self, key: &SyncKey) -> Result<Vec<ModelName>> {
        let digest = self.inner.catalog.digest_for(key)?;
        let deployment = self.inner.catalog.deployment(&digest).await?;
        Ok(deployment.manifest.models.keys().cloned().collect())
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics half way through a change of the state.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        self.state().stopping = true;
        self.closing.send_replace(true);
    }

    /// Starts what is due and fits; answers when to look again.
    fn start_due(self: &Arc<Self>) -> Duration {
        let now = self.runner.clock.now();
        let mut state = self.state();
        while !state.stopping {
            let free = self.options.runs.saturating_sub(state.runs()) as usize;
            let used = std::mem::take(&mut state.used);
            let popped = state.queue.pop(now, free, |name| self.room(name, &used));
            state.used = used;
            let Some((_, (key, ticket))) = popped else {
                break;
            };
            if state.hold_back(&key, ticket, now) {
                continue;
            }
            if let Some(turn) = state.begin(&key, ticket) {
                tokio::spawn(running::run(self.clone(), key, turn));
            }
        }
        let wait = state.queue.wakes_at().map_or(LOOK_AGAIN, |at| {
            Duration::try_from(at.duration_since(now)).unwrap_or_default()
        });
        wait.clamp(LOOK_SOON, LOOK_AGAIN)
    }

    /// Memory in bytes that an environment has left for one more run; 0 if it may start
    /// none.
    fn room(&self, environment: &Environment, used: &HashMap<Environment, Used>) -> u64 {
        let Ok(row) = self.catalog.environment(environment) else {
            return 0;
        };
        let used = used.get(environment).copied().unwrap_or_default();
        match used.runs < row.resources.runs {
            true => self.budget(environment).saturating_sub(used.memory),
            false => 0,
        }
    }

    /// Memory in bytes of all runs of an environment together.
    fn budget(&self, environment: &Environment) -> u64 {
        let row = self.catalog.environment(environment);
        row.map_or(0, |row| row.resources.memory_mib.saturating_mul(MIB))
    }

    /// The memory cap of a run: what its manifest asks for, within what the host and the
    /// environment give.
    async fn memory_cap(&self, key: &SyncKey) -> Result<u64> {
        let digest = self.catalog.digest_for(key)?;
        let wish = self.catalog.deployment(&digest).await?.manifest.memory;
        let wish = wish.map_or(RUN_MEMORY_BYTES, |mib| u64::from(mib) * MIB);
        let budget = self.budget(&key.connection.environment);
        Ok(wish.min(self.options.memory_ceiling).min(budget))
    }

    /// Bytes that the records of an environment may take.
    fn storage(&self, environment: &Environment) -> Option<u64> {
        let resources = self.catalog.environment(environment).ok()?.resources;
        Some(resources.storage_mib?.saturating_mul(MIB))
    }

    /// Takes in how a run ended, or why it never began, and plans the next.
    fn ended(&self, key: &SyncKey, row: Option<&RunRow>, next: Option<Timestamp>) {
        let now = self.runner.clock.now();
        // One that was paused meanwhile goes on once it is started, as after a restart.
        let may_go_on = self.catalog.sync(key).is_ok_and(|row| !row.paused);
        let mut state = self.state();
        let interrupted = row.filter(|row| entry::is_interrupted(row));
        let goes_on = interrupted.filter(|_| may_go_on && !state.stopping);
        let succeeded =
            row.is_some_and(|row| matches!(row.state, RunState::Ended(Outcome::Success)));
        state.end(key, succeeded || interrupted.is_some());
        match goes_on {
            Some(row) => {
                if let Some(entry) = state.entries.get_mut(key) {
                    entry.trigger = Trigger::Continuation;
                }
                state.set_due(key, Some(entry::continuation_due(row, now)));
            }
            None => state.set_due(key, next),
        }
        drop(state);
        self.ended.send_modify(|count| *count += 1);
        self.wake.notify_one();
    }
}

/// Keeps a sync from starting for as long as it lives.
struct Held<'a> {
    inner: &'a Inner,
    key: &'a SyncKey,
}

impl<'a> Held<'a> {
    fn new(inner: &'a Inner, key: &'a SyncKey) -> Self {
        let mut state = inner.state();
        state.entries.entry(key.clone()).or_default().holds += 1;
        drop(state);
        Held { inner, key }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let mut state = self.inner.state();
        if let Some(entry) = state.entries.get_mut(self.key) {
            entry.holds = entry.holds.saturating_sub(1);
            let due = entry.due.map(|(at, _)| at);
            // Its turn may have come and gone meanwhile.
            state.set_due(self.key, due);
        }
        drop(state);
        self.inner.wake.notify_one();
    }
}

/// Plans until the scheduler is dropped.
async fn plan_for_ever(inner: std::sync::Weak<Inner>) {
    loop {
        let Some(strong) = inner.upgrade() else {
            return;
        };
        let wait = strong.start_due();
        let woken = tokio::time::timeout(wait, strong.wake.notified()).await;
        drop((woken, strong));
    }
}
