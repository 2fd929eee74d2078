//! Circuit breakers: where a provider fails for many connections, its scheduled runs are
//! held back and one probe goes first. Pure; the scheduler asks and tells.
//!
//! A sync's own backoff spares a provider the runs of one connection. Ten thousand
//! connections would still knock ten thousand times at a door that is shut. A breaker
//! opens after some runs in a row found nobody, from several connections, so that neither
//! one broken account nor one bad minute opens it. It closes with the first answer that
//! the provider gives to any run. It is in memory only: after a restart the first runs
//! find out anew.

use crate::limits::{BREAKER_CONNECTIONS, BREAKER_RUNS, BREAKER_WAIT_FIRST, BREAKER_WAIT_MAX};
use crate::model::{ConnectionId, Environment, Integration, SyncKey};
use jiff::Timestamp;
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

/// The breakers of all integrations whose last runs found their provider unwell.
#[derive(Default)]
pub(super) struct Breakers(HashMap<(Environment, Integration), Breaker>);

/// What is known of a provider that is not well.
#[derive(Default)]
struct Breaker {
    /// Runs in a row that it failed.
    failures: u32,
    /// Connections among them; no more are kept than are asked for.
    connections: BTreeSet<ConnectionId>,
    open: Option<Open>,
}

/// A breaker that holds runs back.
struct Open {
    since: Timestamp,
    /// When a probe may go.
    probe_at: Timestamp,
    /// From the end of a probe that failed to the next.
    wait: Duration,
    /// The probe under way.
    probe: Option<SyncKey>,
    /// What is held, and until when each was put off: it may have been planned anew since.
    held: HashMap<SyncKey, Timestamp>,
}

/// A provider whose scheduled runs are held back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldBack {
    /// Since when.
    pub since: Timestamp,
    /// When the next probe may go; one may be under way.
    pub probe_at: Timestamp,
    /// Runs in a row that found nobody.
    pub failures: u32,
    /// Syncs that were due and wait.
    pub syncs: usize,
}

/// What to do with a scheduled run whose turn came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admitted {
    /// It starts.
    Yes,
    /// It starts, as the probe.
    AsProbe,
    /// It is put off until then.
    At(Timestamp),
}

impl Breakers {
    /// Whether a scheduled run may start. One that is put off is noted.
    pub(super) fn admit(&mut self, key: &SyncKey, now: Timestamp) -> Admitted {
        let Some(open) = self.open(key) else {
            return Admitted::Yes;
        };
        // A clock that was set back must not put a probe off for longer than the rule.
        open.probe_at = open.probe_at.min(after(now, BREAKER_WAIT_MAX));
        let at = match &open.probe {
            None if open.probe_at <= now => {
                open.held.remove(key);
                open.probe = Some(key.clone());
                return Admitted::AsProbe;
            }
            None => open.probe_at,
            Some(_) => after(now, BREAKER_WAIT_FIRST),
        };
        open.held.insert(key.clone(), at);
        Admitted::At(at)
    }

    /// The provider gave an answer to a run. What was held back until now, and until when,
    /// if this closed a breaker.
    pub(super) fn answered(&mut self, key: &SyncKey) -> Option<HashMap<SyncKey, Timestamp>> {
        // Mostly there is nothing: this is on the way of every run.
        if self.0.is_empty() {
            return None;
        }
        let breaker = self.0.remove(&place(key))?;
        breaker.open.map(|open| open.held)
    }

    /// A run failed because the provider is not well. True if that opened the breaker.
    pub(super) fn failed(&mut self, key: &SyncKey, now: Timestamp) -> bool {
        let breaker = self.0.entry(place(key)).or_default();
        breaker.failures = breaker.failures.saturating_add(1);
        if breaker.connections.len() < BREAKER_CONNECTIONS {
            breaker
                .connections
                .insert(key.connection.connection.clone());
        }
        if let Some(open) = &mut breaker.open {
            // Others may end while it is open: only the probe's word counts.
            if open.probe.as_ref() == Some(key) {
                open.probe = None;
                open.wait = open.wait.saturating_mul(2).min(BREAKER_WAIT_MAX);
                open.probe_at = after(now, open.wait);
            }
            return false;
        }
        let opens =
            breaker.failures >= BREAKER_RUNS && breaker.connections.len() >= BREAKER_CONNECTIONS;
        if opens {
            breaker.open = Some(Open {
                since: now,
                probe_at: after(now, BREAKER_WAIT_FIRST),
                wait: BREAKER_WAIT_FIRST,
                probe: None,
                held: HashMap::new(),
            });
        }
        opens
    }

    /// A run ended that says nothing of the provider. If it was the probe, another may go.
    pub(super) fn said_nothing(&mut self, key: &SyncKey) {
        if let Some(open) = self.open(key)
            && open.probe.as_ref() == Some(key)
        {
            open.probe = None;
        }
    }

    /// How an integration stands; none while nothing of it is held back.
    pub(super) fn held_back(
        &self,
        environment: &Environment,
        integration: &Integration,
    ) -> Option<HeldBack> {
        let breaker = self.0.get(&(environment.clone(), integration.clone()))?;
        let open = breaker.open.as_ref()?;
        Some(HeldBack {
            since: open.since,
            probe_at: open.probe_at,
            failures: breaker.failures,
            syncs: open.held.len(),
        })
    }

    fn open(&mut self, key: &SyncKey) -> Option<&mut Open> {
        if self.0.is_empty() {
            return None;
        }
        self.0.get_mut(&place(key))?.open.as_mut()
    }
}

fn place(key: &SyncKey) -> (Environment, Integration) {
    let connection = &key.connection;
    (
        connection.environment.clone(),
        connection.integration.clone(),
    )
}

fn after(now: Timestamp, wait: Duration) -> Timestamp {
    now.saturating_add(wait).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ConnectionKey, Variant};

    fn key(connection: &str) -> SyncKey {
        of("crm", connection)
    }

    fn of(integration: &str, connection: &str) -> SyncKey {
        SyncKey {
            connection: ConnectionKey::new("prod", integration, connection).unwrap(),
            sync: "users".parse().unwrap(),
            variant: Variant::base(),
        }
    }

    fn second(second: u64) -> Timestamp {
        Timestamp::from_second(i64::try_from(second).unwrap()).unwrap()
    }

    fn wait() -> u64 {
        BREAKER_WAIT_FIRST.as_secs()
    }

    /// One that has just opened, at second 0.
    fn open() -> Breakers {
        let mut breakers = Breakers::default();
        for number in 0..BREAKER_RUNS {
            let key = key(&format!("c{}", number as usize % BREAKER_CONNECTIONS));
            let opened = breakers.failed(&key, second(0));
            assert_eq!(opened, number + 1 == BREAKER_RUNS, "{number}");
        }
        breakers
    }

    #[test]
    fn a_few_connections_or_an_answer_between_do_not_open_it() {
        let mut breakers = Breakers::default();
        for number in 0..10 * BREAKER_RUNS {
            let few = key(&format!("c{}", number as usize % (BREAKER_CONNECTIONS - 1)));
            assert!(!breakers.failed(&few, second(0)));
            assert_eq!(breakers.admit(&few, second(0)), Admitted::Yes);
        }
        let mut breakers = Breakers::default();
        for number in 0..10 * BREAKER_RUNS {
            assert!(!breakers.failed(&key(&format!("c{number}")), second(0)));
            if number % (BREAKER_RUNS - 1) == BREAKER_RUNS - 2 {
                assert_eq!(breakers.answered(&key("well")), None);
            }
        }
        assert!(breakers.answered(&of("other", "x")).is_none());
    }

    #[test]
    fn one_probe_goes_first_and_its_failure_doubles_the_wait() {
        let mut breakers = open();
        assert_eq!(breakers.admit(&of("other", "c0"), second(1)), Admitted::Yes);
        let (mut now, mut gap) = (0, wait());
        for _ in 0..12 {
            let due = Admitted::At(second(now + gap));
            assert_eq!(breakers.admit(&key("a"), second(now + 1)), due);
            now += gap;
            assert_eq!(breakers.admit(&key("a"), second(now)), Admitted::AsProbe);
            let later = Admitted::At(second(now + wait()));
            assert_eq!(breakers.admit(&key("b"), second(now)), later);
            // One that was under way when it opened says nothing new.
            assert!(!breakers.failed(&key("b"), second(now)));
            assert_eq!(breakers.admit(&key("b"), second(now)), later);
            assert!(!breakers.failed(&key("a"), second(now)));
            gap = (gap * 2).min(BREAKER_WAIT_MAX.as_secs());
        }
        assert_eq!(gap, BREAKER_WAIT_MAX.as_secs());
        // The clock is set back: a probe goes within the longest wait all the same.
        let longest = Admitted::At(second(gap));
        assert_eq!(breakers.admit(&key("a"), second(0)), longest);
    }

    #[test]
    fn any_answer_closes_it_and_names_what_was_held() {
        let mut breakers = open();
        assert!(matches!(
            breakers.admit(&key("a"), second(1)),
            Admitted::At(_)
        ));
        let (environment, integration) = place(&key("a"));
        let held = breakers.held_back(&environment, &integration).unwrap();
        assert_eq!((held.since, held.syncs), (second(0), 1));
        assert_eq!(held.failures, BREAKER_RUNS);
        let held = breakers.answered(&key("manual")).unwrap();
        assert_eq!(held, [(key("a"), second(wait()))].into());
        assert_eq!(breakers.held_back(&environment, &integration), None);
        assert_eq!(breakers.admit(&key("a"), second(1)), Admitted::Yes);
    }

    #[test]
    fn a_probe_that_says_nothing_makes_room_for_another() {
        let mut breakers = open();
        let now = second(wait());
        assert_eq!(breakers.admit(&key("a"), now), Admitted::AsProbe);
        breakers.said_nothing(&key("b"));
        assert!(matches!(breakers.admit(&key("b"), now), Admitted::At(_)));
        breakers.said_nothing(&key("a"));
        assert_eq!(breakers.admit(&key("b"), now), Admitted::AsProbe);
    }
}
