//! Providers that are not well: what a run's exchanges say of its provider, told to the
//! scheduler as they end, and what is held back for it. So the first answer after an
//! outage lets the others go on, and not the end of a long run.

use super::breaker::Admitted;
use super::{Inner, State};
use crate::capability::Observer;
use crate::model::{HttpExchange, SyncKey, Trigger};
use jiff::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

const NOTHING: u8 = 0;
const ANSWERED: u8 = 1;
const DOWN: u8 = 2;

/// Watches the exchanges of one run.
pub(super) struct Watch {
    inner: Arc<Inner>,
    key: SyncKey,
    /// What the last exchange said.
    last: AtomicU8,
}

impl Watch {
    pub(super) fn new(inner: Arc<Inner>, key: SyncKey) -> Self {
        Watch {
            inner,
            key,
            last: AtomicU8::new(NOTHING),
        }
    }

    /// Whether the last exchange with the provider found it unwell.
    pub(super) fn found_it_down(&self) -> bool {
        self.last.load(Ordering::Relaxed) == DOWN
    }
}

impl Observer for Watch {
    fn exchanged(&self, exchange: &HttpExchange) {
        let said = match exchange.provider_is_down() {
            true => DOWN,
            // What was refused at the gate, or is over a limit of this host, is no word of
            // the provider's.
            false if exchange.error.is_some() => return,
            false => ANSWERED,
        };
        // Only the first answer in a row is news.
        if self.last.swap(said, Ordering::Relaxed) != said && said == ANSWERED {
            self.inner.provider_answered(&self.key);
        }
    }
}

impl Inner {
    /// The provider gave an answer to a run of this sync: what was held back goes on.
    pub(super) fn provider_answered(&self, key: &SyncKey) {
        let now = self.runner.clock.now();
        let mut state = self.state();
        let Some(held) = state.breakers.answered(key) else {
            return;
        };
        for (each, until) in &held {
            let due = state.entries.get(each).and_then(|entry| entry.due);
            if due.is_some_and(|(at, _)| at == *until) {
                state.set_due(each, Some(now));
            }
        }
        drop(state);
        self.metrics.provider_is_back();
        let (environment, integration) = (&key.connection.environment, &key.connection.integration);
        tracing::info!(%environment, %integration, syncs = held.len(), "the provider answers again; what was held back goes on");
        self.wake.notify_one();
    }

    /// A run failed because the provider is not well, or ended without a word of it.
    pub(super) fn provider_failed(&self, key: &SyncKey, it_is_down: bool) {
        let now = self.runner.clock.now();
        let mut state = self.state();
        if !it_is_down {
            state.breakers.said_nothing(key);
            return;
        }
        let opened = state.breakers.failed(key, now);
        drop(state);
        if opened {
            self.metrics.provider_is_down();
            let (environment, integration) =
                (&key.connection.environment, &key.connection.integration);
            tracing::warn!(%environment, %integration, "the provider fails for many connections; scheduled runs are held back, and one probe goes first");
        }
    }
}

impl State {
    /// Puts a sync off whose turn came, if its provider is not well. What somebody asked for
    /// goes through.
    pub(super) fn hold_back(&mut self, key: &SyncKey, ticket: u64, now: Timestamp) -> bool {
        let Some(entry) = self.entries.get(key) else {
            return false;
        };
        let is_current = entry.due.is_some_and(|(_, mine)| mine == ticket);
        if !is_current || entry.holds > 0 || entry.trigger == Trigger::Manual {
            return false;
        }
        match self.breakers.admit(key, now) {
            Admitted::Yes | Admitted::AsProbe => false,
            Admitted::At(until) => {
                self.set_due(key, Some(until));
                true
            }
        }
    }
}
