//! Rate limits of providers, kept across runs: who has more to ask than the provider
//! bears waits here instead of being refused there.
//!
//! Each request books its moment when it comes and then waits for it, so that all are
//! served in the order in which they came and each knows its wait beforehand. The rule is
//! the generic cell rate algorithm: a short burst, then evenly, with the two chosen such
//! that no span of the limit's length ever holds more requests than the limit.

use super::SharedRate;
use crate::model::RateLimit;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// The share of a limit that may go at once after a pause, as its divisor: a tenth. The
/// rest is spread over the span; a larger burst would leave less for it.
const BURST_DIVISOR: u32 = 10;

/// Rates kept before those that nobody waits for are looked for and dropped.
const RATES_KEPT: usize = 1024;

/// The rates of all connections and integrations.
#[derive(Default)]
pub struct Rates(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    rates: HashMap<SharedRate, Arc<Rate>>,
    /// At how many they are looked through; grows with them, so that a host of many
    /// connections does not look through all at each request.
    look_at: usize,
}

/// One limit, shared by all who are named with it.
pub struct Rate {
    interval: Duration,
    /// How far ahead of the even pace requests may be.
    ahead: Duration,
    /// When the next request is due at the even pace.
    next: Mutex<Option<Instant>>,
}

impl Rates {
    /// The rate of `shared`.
    pub fn of(&self, shared: &SharedRate) -> Arc<Rate> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(rate) = kept.rates.get(shared) {
            return rate.clone();
        }
        if kept.rates.len() >= kept.look_at.max(RATES_KEPT) {
            let now = Instant::now();
            kept.rates
                .retain(|_, rate| Arc::strong_count(rate) > 1 || !rate.is_idle(now));
            kept.look_at = kept.rates.len().saturating_mul(2);
        }
        let rate = Arc::new(Rate::new(&shared.limit));
        kept.rates.insert(shared.clone(), rate.clone());
        rate
    }
}

impl Rate {
    fn new(limit: &RateLimit) -> Self {
        let requests = limit.requests.max(1);
        let burst = (requests / BURST_DIVISOR).max(1);
        let span = Duration::from_secs(limit.per_seconds.into()).as_nanos();
        // Rounded up: `requests - burst + 1` intervals are no shorter than the span, so
        // that of `requests + 1` in a row the first and the last are never in one span.
        let interval = span.div_ceil((requests - burst + 1).into());
        let interval = Duration::from_nanos(u64::try_from(interval).unwrap_or(u64::MAX));
        Rate {
            interval,
            ahead: interval.saturating_mul(burst - 1),
            next: Mutex::new(None),
        }
    }

    /// Books the next moment that is free: when the caller may send. None if that is after
    /// `latest`; then nothing is booked.
    pub fn book(&self, now: Instant, latest: Instant) -> Option<Instant> {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let due = next.map_or(now, |next| next.max(now));
        let at = due
            .checked_sub(self.ahead)
            .map_or(now, |early| early.max(now));
        if at > latest {
            return None;
        }
        *next = Some(due + self.interval);
        Some(at)
    }

    /// Whether it has forgotten all requests, as a new one has.
    fn is_idle(&self, now: Instant) -> bool {
        let next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        next.is_none_or(|next| next <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RateScope;
    use proptest::prelude::*;

    fn limit(requests: u32, per_seconds: u32) -> RateLimit {
        RateLimit {
            requests,
            per_seconds,
            shared_by: RateScope::Connection,
        }
    }

    fn shared(name: &str) -> SharedRate {
        SharedRate {
            name: name.into(),
            limit: limit(1, 60),
        }
    }

    #[test]
    fn what_is_too_late_books_nothing() {
        let (rate, now) = (Rate::new(&limit(1, 10)), Instant::now());
        let second = Duration::from_secs(1);
        assert_eq!(rate.book(now, now), Some(now));
        assert_eq!(rate.book(now, now + 9 * second), None);
        assert_eq!(rate.book(now, now + 10 * second), Some(now + 10 * second));
    }

    #[test]
    fn idle_rates_are_dropped_and_busy_ones_stay() {
        let rates = Rates::default();
        let busy = rates.of(&shared("busy"));
        let now = Instant::now();
        busy.book(now, now);
        drop(busy);
        for name in 0..3 * RATES_KEPT {
            rates.of(&shared(&name.to_string()));
        }
        assert!(rates.0.lock().unwrap().rates.len() <= RATES_KEPT + 1);
        assert!(!rates.of(&shared("busy")).is_idle(now));
    }

    proptest! {
        /// However requests come, no span of the limit's length holds more than it, they
        /// go in their order, and a steady flow gets at least nine tenths of it.
        #[test]
        fn no_span_holds_more_than_the_limit(
            requests in 1u32..60,
            per_seconds in 1u32..100,
            gaps in prop::collection::vec(0u64..3_000, 1..300),
        ) {
            let (rate, start) = (Rate::new(&limit(requests, per_seconds)), Instant::now());
            let far = start + Duration::from_secs(1_000_000);
            let mut now = start;
            let mut times = Vec::new();
            for gap in &gaps {
                now += Duration::from_millis(*gap);
                times.push(rate.book(now, far).unwrap());
            }
            let span = Duration::from_secs(per_seconds.into());
            prop_assert!(times.is_sorted());
            for pair in times.windows(requests as usize + 1) {
                prop_assert!(pair[requests as usize] - pair[0] >= span);
            }
            let all = Rate::new(&limit(requests, per_seconds));
            let last = (0..requests).map(|_| all.book(start, far).unwrap()).last().unwrap();
            prop_assert!(last - start < span, "a whole limit takes no longer than its span");
        }
    }
}
