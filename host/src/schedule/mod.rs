//! The scheduler: starts each sync when it is due, as many at once as there is room for,
//! fairly between environments, and never two of the same sync and connection.
//!
//! One task plans: it moves what is due into the queue and starts what fits. Each run is
//! a task of its own and reports back when it ended. What is known of a sync between runs
//! (when it is due, how often it failed in a row) is derived from the catalog and the
//! last run, so that a restart loses nothing.

mod entry;
mod loader;
mod running;

pub use loader::Loader;

use crate::catalog::Catalog;
use crate::error::{Code, Error, Result};
use crate::model::{Environment, ModelName, Outcome, RunId, RunRow, RunState, SyncKey, Trigger};
use crate::run::Runner;
use crate::store::{Reset, RunQuery};
use entry::{Entry, Live};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};

/// How long the planner sleeps at most: the clock may jump while it does.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

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
}

#[derive(Default)]
struct State {
    entries: HashMap<SyncKey, Entry>,
    /// When each entry that waits for its time is due.
    timeline: BTreeSet<(Timestamp, SyncKey)>,
    /// What is due, by environment, the longest due first.
    queue: BTreeMap<Environment, BTreeSet<(Timestamp, SyncKey)>>,
    /// The environment that had the last turn.
    last_turn: Option<Environment>,
    /// Runs and their memory in bytes, by environment.
    used: HashMap<Environment, (u32, u64)>,
    stopping: bool,
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

    /// Looks at a sync anew: it was added, removed, paused, started, or has another
    /// frequency.
    pub async fn plan(&self, key: &SyncKey) -> Result<()> {
        let last = self.last_run(key).await?;
        let now = self.inner.runner.clock.now();
        let entry = match self.inner.catalog.sync(key) {
            Ok(row) => Some(entry::planned(&self.inner.catalog, &row, last.as_ref(), now).await?),
            Err(_) => None,
        };
        let mut state = self.inner.state();
        state.replan(key, entry);
        drop(state);
        self.inner.wake.notify_one();
        Ok(())
    }

    /// Asks for a run now. With a reset, a run under way is cancelled, what is asked for
    /// is taken away, and a new run starts from nothing.
    pub async fn trigger(&self, key: &SyncKey, options: TriggerOptions) -> Result<Triggered> {
        self.inner.catalog.sync(key)?;
        if let Some(what) = options.reset {
            self.cancel(key, "it is reset").await?;
            let models = self.models(key).await?;
            self.inner.catalog.store().reset(key, &models, what).await?;
        }
        let now = self.inner.runner.clock.now();
        let mut state = self.inner.state();
        if state.stopping {
            return Err(Error::new(
                Code::RunCancelled,
                "the host is stopping; ask again when it is back",
            ));
        }
        let answer = state.ask(key, now);
        drop(state);
        self.inner.wake.notify_one();
        Ok(answer)
    }

    /// Cancels the run under way, if there is one, and waits for its end.
    pub async fn cancel(&self, key: &SyncKey, why: &str) -> Result<Option<RunId>> {
        let mut ended = self.ended();
        let live = self.inner.state().live(key);
        let Some(live) = live else { return Ok(None) };
        live.control.cancel(why);
        while self
            .inner
            .state()
            .live(key)
            .is_some_and(|now| now.run == live.run)
        {
            if ended.changed().await.is_err() {
                break;
            }
        }
        Ok(Some(live.run))
    }

    /// How a sync stands.
    pub fn standing(&self, key: &SyncKey) -> Standing {
        self.inner.state().standing(key)
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

    /// Starts no more runs and lets those under way end at their next checkpoint; after
    /// `grace` they are ended where they stand. Answers when none is left.
    pub async fn stop(&self, grace: Duration) {
        let mut ended = self.ended();
        self.inner.state().stopping = true;
        self.each_live(|live| live.control.stop("the host is stopping"));
        let all_over = async { while self.running() > 0 && ended.changed().await.is_ok() {} };
        if tokio::time::timeout(grace, all_over).await.is_ok() {
            return;
        }
        self.stop_now().await;
    }

    /// Ends all runs where they stand; they are continued at the next start.
    pub async fn stop_now(&self) {
        let mut ended = self.ended();
        self.inner.state().stopping = true;
        self.each_live(|live| live.control.interrupt("the host is stopping"));
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

    /// Starts what is due and fits; answers when to look again.
    fn start_due(self: &Arc<Self>) -> Duration {
        let now = self.runner.clock.now();
        let mut state = self.state();
        state.collect_due(now);
        while !state.stopping && state.total_runs() < self.options.runs {
            let Some(key) = state.next(|environment, used| self.has_room(environment, used)) else {
                break;
            };
            let trigger = state.begin(&key);
            tokio::spawn(running::run(self.clone(), key, trigger));
        }
        let next = state.timeline.first().map(|(at, _)| *at);
        let wait = next.map_or(LOOK_AGAIN, |at| {
            Duration::try_from(at.duration_since(now)).unwrap_or_default()
        });
        wait.clamp(Duration::from_millis(1), LOOK_AGAIN)
    }

    /// Whether an environment that uses this much may start one more run.
    fn has_room(&self, environment: &Environment, (runs, memory): (u32, u64)) -> bool {
        let Ok(row) = self.catalog.environment(environment) else {
            return false;
        };
        let budget = row.resources.memory_mib.saturating_mul(crate::limits::MIB);
        runs < row.resources.runs && (runs == 0 || memory < budget)
    }

    /// Takes in how a run ended, or why it never began, and plans the next.
    fn ended(&self, key: &SyncKey, row: Option<&RunRow>, next: Option<Timestamp>) {
        let now = self.runner.clock.now();
        let mut state = self.state();
        let goes_on = row
            .is_some_and(|row| matches!(row.state, RunState::Ended(Outcome::Interrupted { .. })));
        let succeeded =
            row.is_some_and(|row| matches!(row.state, RunState::Ended(Outcome::Success)));
        state.end(key, succeeded || goes_on);
        if goes_on && !state.stopping {
            state.continue_at_once(key, now);
        } else {
            state.set_due(key, next);
        }
        drop(state);
        self.ended.send_modify(|count| *count += 1);
        self.wake.notify_one();
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

impl State {
    fn total_runs(&self) -> u32 {
        self.used.values().map(|(runs, _)| runs).sum()
    }

    fn live(&self, key: &SyncKey) -> Option<Live> {
        self.entries.get(key)?.live.clone()
    }

    fn standing(&self, key: &SyncKey) -> Standing {
        self.entries
            .get(key)
            .map_or_else(Standing::default, |entry| Standing {
                running: entry.live.as_ref().map(|live| live.run),
                queued: entry.queued.is_some(),
                next: entry.due.filter(|_| !entry.starting),
                failures: entry.failures,
            })
    }

    /// Puts a planned entry in the place of the old one; what runs or was asked for stays.
    fn replan(&mut self, key: &SyncKey, planned: Option<Entry>) {
        self.set_due(key, None);
        match planned {
            None => {
                self.unqueue(key);
                self.entries
                    .retain(|each, entry| each != key || entry.starting);
            }
            Some(planned) => {
                let due = planned.due;
                let entry = self.entries.entry(key.clone()).or_default();
                if !entry.starting && entry.queued.is_none() {
                    entry.trigger = planned.trigger;
                    self.set_due(key, due);
                }
            }
        }
    }

    fn set_due(&mut self, key: &SyncKey, due: Option<Timestamp>) {
        let Some(entry) = self.entries.get_mut(key) else {
            return;
        };
        if let Some(before) = std::mem::replace(&mut entry.due, due) {
            self.timeline.remove(&(before, key.clone()));
        }
        if let Some(at) = due {
            self.timeline.insert((at, key.clone()));
        }
    }

    fn collect_due(&mut self, now: Timestamp) {
        while let Some((at, key)) = self.timeline.first().cloned() {
            if at > now {
                return;
            }
            self.set_due(&key, None);
            self.enqueue(&key, at, None);
        }
    }

    fn enqueue(&mut self, key: &SyncKey, at: Timestamp, trigger: Option<Trigger>) {
        let Some(entry) = self.entries.get_mut(key) else {
            return;
        };
        if let Some(trigger) = trigger {
            entry.trigger = trigger;
        }
        if entry.queued.is_none() && !entry.starting {
            entry.queued = Some(at);
            let environment = key.connection.environment.clone();
            let queue = self.queue.entry(environment).or_default();
            queue.insert((at, key.clone()));
        }
    }

    fn unqueue(&mut self, key: &SyncKey) {
        let Some(at) = self
            .entries
            .get_mut(key)
            .and_then(|entry| entry.queued.take())
        else {
            return;
        };
        let environment = &key.connection.environment;
        if let Some(queue) = self.queue.get_mut(environment) {
            queue.remove(&(at, key.clone()));
            if queue.is_empty() {
                self.queue.remove(environment);
            }
        }
    }

    /// Somebody asks for a run.
    fn ask(&mut self, key: &SyncKey, now: Timestamp) -> Triggered {
        if let Some(live) = self.live(key) {
            return Triggered::Running(live.run);
        }
        self.entries.entry(key.clone()).or_default();
        self.set_due(key, None);
        self.enqueue(key, now, Some(Trigger::Manual));
        Triggered::Queued
    }

    fn continue_at_once(&mut self, key: &SyncKey, now: Timestamp) {
        self.set_due(key, None);
        self.enqueue(key, now, Some(Trigger::Continuation));
    }

    /// The next sync to start: environments take turns, and in each the one that is due
    /// longest comes first.
    fn next(&mut self, room: impl Fn(&Environment, (u32, u64)) -> bool) -> Option<SyncKey> {
        let after = self.last_turn.clone();
        let later = self
            .queue
            .keys()
            .filter(|name| after.as_ref().is_none_or(|last| *name > last));
        let earlier = self
            .queue
            .keys()
            .filter(|name| after.as_ref().is_some_and(|last| *name <= last));
        let environment = later
            .chain(earlier)
            .find(|name| room(name, self.used.get(*name).copied().unwrap_or_default()))?;
        let (_, key) = self.queue.get(environment)?.first().cloned()?;
        self.last_turn = Some(environment.clone());
        Some(key)
    }

    /// Takes a sync out of the queue and counts its run.
    fn begin(&mut self, key: &SyncKey) -> Trigger {
        self.unqueue(key);
        let used = self
            .used
            .entry(key.connection.environment.clone())
            .or_default();
        used.0 += 1;
        let entry = self.entries.entry(key.clone()).or_default();
        entry.starting = true;
        std::mem::replace(&mut entry.trigger, Trigger::Schedule)
    }

    /// The run of a sync that began.
    fn began(&mut self, key: &SyncKey, live: Live) {
        let used = self
            .used
            .entry(key.connection.environment.clone())
            .or_default();
        used.1 = used.1.saturating_add(live.memory);
        if self.stopping {
            live.control.stop("the host is stopping");
        }
        self.entries.entry(key.clone()).or_default().live = Some(live);
    }

    fn end(&mut self, key: &SyncKey, well: bool) {
        let entry = self.entries.entry(key.clone()).or_default();
        let memory = entry.live.take().map_or(0, |live| live.memory);
        entry.starting = false;
        entry.failures = if well {
            0
        } else {
            entry.failures.saturating_add(1)
        };
        let environment = &key.connection.environment;
        if let Some(used) = self.used.get_mut(environment) {
            used.0 = used.0.saturating_sub(1);
            used.1 = used.1.saturating_sub(memory);
            if used.0 == 0 {
                self.used.remove(environment);
            }
        }
    }
}
