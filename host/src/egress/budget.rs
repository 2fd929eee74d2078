//! What all runs of a connection share towards one host: slots for exchanges in flight,
//! and the pause that a rate limit asks for.

use super::{Exchange, Waits};
use crate::error::{Code, Error, Result};
use crate::limits::EXCHANGES_PER_CONNECTION_HOST_MAX;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

/// Budgets kept at once before those that nothing uses are dropped.
const BUDGETS_MAX: usize = 1024;

/// The budgets of all connections and hosts.
#[derive(Default)]
pub struct Budgets {
    hosts: Mutex<HashMap<(String, String), Arc<HostBudget>>>,
}

/// What the runs of one connection share towards one host and port.
pub struct HostBudget {
    slots: Arc<Semaphore>,
    paused_until: Mutex<Option<Instant>>,
}

impl Budgets {
    /// The budget of `connection` towards `authority`.
    pub fn of(&self, connection: &str, authority: &str) -> Arc<HostBudget> {
        let mut hosts = self.hosts.lock().unwrap_or_else(|e| e.into_inner());
        if hosts.len() >= BUDGETS_MAX {
            hosts.retain(|_, budget| Arc::strong_count(budget) > 1 || budget.pause_end().is_some());
        }
        let key = (connection.to_owned(), authority.to_owned());
        hosts
            .entry(key)
            .or_insert_with(|| Arc::new(HostBudget::new()))
            .clone()
    }
}

impl HostBudget {
    fn new() -> Self {
        HostBudget {
            slots: Arc::new(Semaphore::new(EXCHANGES_PER_CONNECTION_HOST_MAX)),
            paused_until: Mutex::new(None),
        }
    }

    /// Waits for the end of a pause and for a free slot, which is held for as long as
    /// the permit lives. Each waiter adds `spread` of its own to a pause, so that they
    /// do not all arrive at once. A pause that would end after `deadline` is not waited
    /// for: the provider's own answer says more than an error of ours. `run.interrupted` if
    /// the request is given up while it waits.
    pub async fn enter(
        &self,
        deadline: Instant,
        spread: Duration,
        exchange: &mut Exchange,
        waits: &Waits,
    ) -> Result<OwnedSemaphorePermit> {
        while let Some(end) = self.pause_end().filter(|end| *end + spread < deadline) {
            let began = Instant::now();
            let waited = waits.wait(end + spread).await;
            exchange.waited += began.elapsed();
            waited?;
        }
        match timeout_at(deadline, self.slots.clone().acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) => Err(Error::new(
                Code::Internal,
                "the slots of a host were closed",
            )),
            Err(_) => Err(Error::new(
                Code::ProviderTimeout,
                format!(
                    "no free slot in time: {EXCHANGES_PER_CONNECTION_HOST_MAX} other exchanges with this host are under way"
                ),
            )),
        }
    }

    /// Lets nothing more start before `end`. A shorter pause never shortens a longer one.
    pub fn pause_until(&self, end: Instant) {
        let mut paused = self.paused_until.lock().unwrap_or_else(|e| e.into_inner());
        *paused = Some(paused.map_or(end, |before| before.max(end)));
    }

    fn pause_end(&self) -> Option<Instant> {
        let paused = self.paused_until.lock().unwrap_or_else(|e| e.into_inner());
        paused.filter(|end| *end > Instant::now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Long enough that the steps before it are over, and short for whoever waits.
    const PAUSE: Duration = Duration::from_millis(200);

    #[tokio::test]
    async fn a_pause_holds_all_but_those_who_cannot_wait() {
        let budgets = Budgets::default();
        let (one, other) = (budgets.of("a", "h:443"), budgets.of("b", "h:443"));
        let now = Instant::now();
        one.pause_until(now + PAUSE);
        one.pause_until(now + PAUSE / 4);
        let mut exchange = Exchange::default();
        assert!(
            one.enter(
                now + PAUSE,
                Duration::ZERO,
                &mut exchange,
                &Waits::default()
            )
            .await
            .is_ok()
        );
        assert!(
            other
                .enter(
                    now + 9 * PAUSE,
                    Duration::ZERO,
                    &mut exchange,
                    &Waits::default()
                )
                .await
                .is_ok()
        );
        assert_eq!(exchange.waited, Duration::ZERO);
        let again = budgets.of("a", "h:443");
        assert!(
            again
                .enter(now + 99 * PAUSE, PAUSE, &mut exchange, &Waits::default())
                .await
                .is_ok()
        );
        assert!(now.elapsed() >= 2 * PAUSE && exchange.waited > Duration::ZERO);
    }

    #[tokio::test]
    async fn slots_are_counted_and_given_back() {
        let budget = Budgets::default().of("a", "h:443");
        let mut exchange = Exchange::default();
        let mut held = Vec::new();
        let far = Instant::now() + Duration::from_secs(60);
        for _ in 0..EXCHANGES_PER_CONNECTION_HOST_MAX {
            held.push(
                budget
                    .enter(far, Duration::ZERO, &mut exchange, &Waits::default())
                    .await
                    .unwrap(),
            );
        }
        let full = budget
            .enter(
                Instant::now() + PAUSE,
                Duration::ZERO,
                &mut exchange,
                &Waits::default(),
            )
            .await;
        assert_eq!(full.unwrap_err().code, Code::ProviderTimeout);
        held.pop();
        assert!(
            budget
                .enter(far, Duration::ZERO, &mut exchange, &Waits::default())
                .await
                .is_ok()
        );
    }

    #[test]
    fn unused_budgets_are_dropped() {
        let budgets = Budgets::default();
        let used = budgets.of("a", "used");
        for host in 0..2 * BUDGETS_MAX {
            budgets.of("a", &host.to_string());
        }
        assert!(budgets.hosts.lock().unwrap().len() <= BUDGETS_MAX);
        assert!(Arc::ptr_eq(&used, &budgets.of("a", "used")));
    }
}
