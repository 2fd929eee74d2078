//! What the scheduler holds under its lock: every sync, the queue, and what runs take.
//! Pure: it is told the time, and starts nothing itself.

use super::breaker::Breakers;
use super::entry::{Entry, Live, Turn};
use super::queue::FairQueue;
use super::{STOPPING, Standing, Triggered};
use crate::model::{Environment, SyncKey, Trigger};
use jiff::Timestamp;
use std::collections::HashMap;

/// What is known of all syncs.
#[derive(Default)]
pub(super) struct State {
    pub(super) entries: HashMap<SyncKey, Entry>,
    /// What waits for its time and its turn. An item counts only while its ticket is the
    /// entry's: what is planned anew leaves its old item behind.
    pub(super) queue: FairQueue<(SyncKey, u64)>,
    tickets: u64,
    /// Runs and their memory in bytes, by environment.
    pub(super) used: HashMap<Environment, Used>,
    pub(super) breakers: Breakers,
    pub(super) stopping: bool,
}

/// What the runs of an environment take.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Used {
    pub(super) runs: u32,
    pub(super) memory: u64,
}

impl State {
    /// Runs under way.
    pub(super) fn runs(&self) -> u32 {
        self.used.values().map(|used| used.runs).sum()
    }

    /// A run that is starting (none yet) or has begun.
    #[allow(clippy::option_option)]
    pub(super) fn under_way(&self, key: &SyncKey) -> Option<Option<Live>> {
        let entry = self.entries.get(key)?;
        entry.starting.then(|| entry.live.clone())
    }

    /// How a sync stands.
    pub(super) fn standing(&self, key: &SyncKey, now: Timestamp) -> Standing {
        let Some(entry) = self.entries.get(key) else {
            return Standing::default();
        };
        let due = entry.due.map(|(at, _)| at);
        Standing {
            running: entry.live.as_ref().map(|live| live.run),
            queued: entry.starting && entry.live.is_none() || due.is_some_and(|at| at <= now),
            next: due,
            failures: entry.failures,
        }
    }

    /// Puts a planned entry in the place of the old one; what runs stays, and so does a
    /// run that somebody asked for.
    pub(super) fn replan(&mut self, key: &SyncKey, planned: Option<Entry>, due: Option<Timestamp>) {
        let Some(planned) = planned else {
            if self.entries.get(key).is_some_and(|entry| !entry.starting) {
                self.entries.remove(key);
            }
            return;
        };
        let entry = self.entries.entry(key.clone()).or_default();
        entry.memory = planned.memory;
        let asked = entry.due.is_some() && entry.trigger == Trigger::Manual;
        if !entry.starting && !asked {
            entry.trigger = planned.trigger;
            self.set_due(key, due);
        }
    }

    /// Puts a sync into the queue for its next time, or into none.
    pub(super) fn set_due(&mut self, key: &SyncKey, due: Option<Timestamp>) {
        self.tickets += 1;
        let ticket = self.tickets;
        let Some(entry) = self.entries.get_mut(key) else {
            return;
        };
        entry.due = due.map(|at| (at, ticket));
        if let Some(at) = due {
            let environment = &key.connection.environment;
            self.queue
                .push(environment, entry.memory, at, (key.clone(), ticket));
        }
    }

    /// Somebody asks for a run.
    pub(super) fn ask(&mut self, key: &SyncKey, memory: u64, now: Timestamp) -> Triggered {
        let entry = self.entries.entry(key.clone()).or_default();
        if let Some(live) = &entry.live {
            return Triggered::Running(live.run);
        }
        entry.memory = memory;
        if !entry.starting {
            entry.trigger = Trigger::Manual;
            self.set_due(key, Some(now));
        }
        Triggered::Queued
    }

    /// Takes a sync whose turn came, and counts its run; none if its item is an old one.
    pub(super) fn begin(&mut self, key: &SyncKey, ticket: u64) -> Option<Turn> {
        let entry = self.entries.get_mut(key).filter(|entry| entry.holds == 0)?;
        let (due, _) = entry.due.take_if(|(_, mine)| *mine == ticket)?;
        entry.starting = true;
        let environment = key.connection.environment.clone();
        let used = self.used.entry(environment).or_default();
        used.runs += 1;
        used.memory = used.memory.saturating_add(entry.memory);
        entry.counted = entry.memory;
        let trigger = std::mem::replace(&mut entry.trigger, Trigger::Schedule);
        Some(Turn { trigger, due })
    }

    /// The run of a sync that began.
    pub(super) fn began(&mut self, key: &SyncKey, live: Live) {
        if self.stopping {
            live.control.stop(STOPPING);
        }
        if let Some(entry) = self.entries.get_mut(key) {
            entry.live = Some(live);
        }
    }

    /// A run is over, or never began; gives back what it took.
    pub(super) fn end(&mut self, key: &SyncKey, well: bool) {
        let Some(entry) = self.entries.get_mut(key) else {
            return;
        };
        entry.live = None;
        entry.starting = false;
        entry.failures = match well {
            true => 0,
            false => entry.failures.saturating_add(1),
        };
        let environment = &key.connection.environment;
        if let Some(used) = self.used.get_mut(environment) {
            used.runs = used.runs.saturating_sub(1);
            used.memory = used.memory.saturating_sub(entry.counted);
            if used.runs == 0 {
                self.used.remove(environment);
            }
        }
    }
}
