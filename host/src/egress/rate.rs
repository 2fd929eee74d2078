//! Rate limits of providers, kept across runs: who has more to ask than the provider
//! bears waits here instead of being refused there.
//!
//! Each request books its moment when it comes and then waits for it, so that all are
//! served in the order in which they came and each knows its wait beforehand. The rule is
//! the generic cell rate algorithm: a short burst, then evenly, with the two chosen such
//! that no span of the limit's length ever holds more requests than the limit.

use super::SharedRate;
use crate::model::RateLimit;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
    line: Mutex<Line>,
}

/// Who is to go when.
#[derive(Default)]
struct Line {
    /// When the next request is due at the even pace.
    next: Option<Instant>,
    /// Moments that were booked and given back.
    free: BTreeSet<Instant>,
}

/// A moment that was booked. Given back where it was not used in time: another then takes
/// it, and a run that ended rather than wait does not lengthen the line.
pub struct Booking {
    rate: Arc<Rate>,
    at: Instant,
}

impl Booking {
    /// When the request may go.
    pub fn at(&self) -> Instant {
        self.at
    }
}

impl Drop for Booking {
    fn drop(&mut self) {
        if self.at > Instant::now() {
            self.rate.line().free.insert(self.at);
        }
    }
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
            line: Mutex::default(),
        }
    }

    /// Books the next moment that is free: when the caller may send. None if that is after
    /// `latest`; then nothing is booked.
    pub fn book(self: &Arc<Self>, now: Instant, latest: Instant) -> Option<Booking> {
        let at = self.line().take(self, now, latest)?;
        Some(Booking {
            rate: self.clone(),
            at,
        })
    }

    /// Whether it has forgotten all requests, as a new one has.
    fn is_idle(&self, now: Instant) -> bool {
        self.line().next.is_none_or(|next| next <= now)
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    fn take(&mut self, rate: &Rate, now: Instant, latest: Instant) -> Option<Instant> {
        // A moment that has passed is lost: later it would come too near to the next one.
        self.free = self.free.split_off(&now);
        if let Some(at) = self.free.first().copied() {
            return (at <= latest).then(|| self.free.pop_first()).flatten();
        }
        let due = self.next.map_or(now, |next| next.max(now));
        let at = due
            .checked_sub(rate.ahead)
            .map_or(now, |early| early.max(now));
        if at > latest {
            return None;
        }
        self.next = Some(due + rate.interval);
        Some(at)
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

    fn rate(requests: u32, per_seconds: u32) -> Arc<Rate> {
        Arc::new(Rate::new(&limit(requests, per_seconds)))
    }

    fn shared(name: &str) -> SharedRate {
        SharedRate {
            name: name.into(),
            limit: limit(1, 60),
        }
    }

    #[test]
    fn what_is_too_late_books_nothing() {
        let (rate, now) = (rate(1, 10), Instant::now());
        let second = Duration::from_secs(1);
        let book = |latest| {
            let booked = rate.book(now, latest)?;
            let at = booked.at();
            // Not given back.
            std::mem::forget(booked);
            Some(at)
        };
        assert_eq!(book(now), Some(now));
        assert_eq!(book(now + 9 * second), None);
        assert_eq!(book(now + 10 * second), Some(now + 10 * second));
    }

    #[test]
    fn what_is_given_back_is_taken_by_the_next() {
        let (rate, now) = (rate(1, 10), Instant::now());
        let span = Duration::from_secs(10);
        let far = now + 100 * span;
        let mut booked: Vec<Booking> = (0..4).filter_map(|_| rate.book(now, far)).collect();
        assert_eq!(booked[3].at(), now + 3 * span);
        drop(booked.remove(2));
        assert!(rate.book(now, now + span).is_none(), "too late is too late");
        let next = rate.book(now, far).map(|booking| booking.at());
        assert_eq!(next, Some(now + 2 * span), "and given back again");
        let later = rate.book(now + 2 * span + span / 2, far).unwrap();
        assert_eq!(later.at(), now + 4 * span, "what has passed is lost");
    }

    #[test]
    fn idle_rates_are_dropped_and_busy_ones_stay() {
        let rates = Rates::default();
        let busy = rates.of(&shared("busy"));
        let now = Instant::now();
        drop(busy.book(now, now));
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
            let (rate, start) = (rate(requests, per_seconds), Instant::now());
            let far = start + Duration::from_secs(1_000_000);
            let mut now = start;
            let (mut booked, mut times) = (Vec::new(), Vec::new());
            for gap in &gaps {
                now += Duration::from_millis(*gap);
                let booking = rate.book(now, far).unwrap();
                times.push(booking.at());
                booked.push(booking);
            }
            let span = Duration::from_secs(per_seconds.into());
            prop_assert!(times.is_sorted());
            for pair in times.windows(requests as usize + 1) {
                prop_assert!(pair[requests as usize] - pair[0] >= span);
            }
            let all = self::rate(requests, per_seconds);
            let kept: Vec<_> = (0..requests).map(|_| all.book(start, far).unwrap()).collect();
            let last = kept.last().unwrap().at();
            prop_assert!(last - start < span, "a whole limit takes no longer than its span");
        }
    }
}
