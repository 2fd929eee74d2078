//! The bandwidth of an environment, as that of a machine's network card: the bodies of all
//! its runs' requests and responses pass one line.
//!
//! What has come in stands in the line for as long as its bytes take, and the next part of
//! the same body is read only then: the connection's own flow control slows the provider.
//! Nothing is refused. Parts are served in the order in which they came, so that a large
//! body delays a small one by one part and not by all of itself.

use super::SharedLine;
use crate::limits::KIB;
use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep_until, timeout_at};

/// Bytes of a request's body that stand in the line at once, so that others come between.
const PART_BYTES: u64 = 64 * KIB;

/// What a rate counts by.
const SECOND: Duration = Duration::from_secs(1);

/// Lines kept before those that nobody uses are dropped.
const LINES_KEPT: usize = 1024;

/// The lines of all environments.
#[derive(Default)]
pub struct Lines(Mutex<HashMap<SharedLine, Arc<Line>>>);

/// One line, shared by all who are named with it.
pub struct Line {
    bytes_per_second: u64,
    /// When all that stands in it has passed.
    free_at: Mutex<Option<Instant>>,
}

/// The line as one request uses it.
#[derive(Default)]
pub struct Pace {
    line: Option<Arc<Line>>,
    /// How long it had to wait so far, the present wait included.
    waited: Mutex<Duration>,
}

impl Lines {
    /// The pace of a request of `shared`; of nobody's line, it never waits.
    pub fn pace(&self, shared: Option<&SharedLine>) -> Pace {
        Pace {
            line: shared.map(|shared| self.of(shared)),
            waited: Mutex::default(),
        }
    }

    fn of(&self, shared: &SharedLine) -> Arc<Line> {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() >= LINES_KEPT {
            let now = Instant::now();
            lines.retain(|_, line| Arc::strong_count(line) > 1 || line.book(now, 0) > now);
        }
        let line = lines.entry(shared.clone()).or_insert_with(|| {
            Arc::new(Line {
                bytes_per_second: shared.bytes_per_second.max(1),
                free_at: Mutex::default(),
            })
        });
        line.clone()
    }
}

impl Line {
    /// Puts `bytes` at the end of the line; answers when they have passed.
    fn book(&self, now: Instant, bytes: u64) -> Instant {
        let nanos = u128::from(bytes) * SECOND.as_nanos();
        let nanos = nanos.div_ceil(self.bytes_per_second.into());
        let time = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        let mut free_at = self.free_at.lock().unwrap_or_else(PoisonError::into_inner);
        let at = free_at.map_or(now, |free_at| free_at.max(now)) + time;
        *free_at = Some(at);
        at
    }
}

impl Pace {
    /// Waits until `bytes` that have come in have passed.
    pub async fn pass(&self, bytes: u64) {
        let Some(line) = &self.line else { return };
        let now = Instant::now();
        let at = line.book(now, bytes);
        if at > now {
            *self.waited.lock().unwrap_or_else(PoisonError::into_inner) += at - now;
            sleep_until(at).await;
        }
    }

    /// Waits until a request's body may go out, part by part.
    pub async fn pass_all(&self, mut bytes: u64) {
        while bytes > 0 && self.line.is_some() {
            let part = bytes.min(PART_BYTES);
            self.pass(part).await;
            bytes -= part;
        }
    }

    /// How long it had to wait so far.
    pub fn waited(&self) -> Duration {
        *self.waited.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Works until `until`, and for as much longer as the work has to wait for the line, but
    /// not beyond `latest`. None if the time is over.
    pub async fn timeout_at<T>(
        &self,
        until: Instant,
        latest: Instant,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        let before = self.waited();
        let mut end = until;
        let mut work = pin!(work);
        loop {
            if let Ok(done) = timeout_at(end, work.as_mut()).await {
                return Some(done);
            }
            let waited = self.waited().saturating_sub(before);
            let longer = (until + waited).min(latest);
            if longer <= end {
                return None;
            }
            end = longer;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shared(name: &str, bytes_per_second: u64) -> SharedLine {
        SharedLine {
            name: name.into(),
            bytes_per_second,
        }
    }

    #[test]
    fn unused_lines_are_dropped_and_used_ones_stay() {
        let lines = Lines::default();
        let used = lines.of(&shared("used", 1));
        let now = Instant::now();
        lines.of(&shared("busy", 1)).book(now, 3_600);
        for name in 0..2 * LINES_KEPT {
            lines.of(&shared(&name.to_string(), 1));
        }
        assert!(lines.0.lock().unwrap().len() <= LINES_KEPT + 2);
        assert!(Arc::ptr_eq(&used, &lines.of(&shared("used", 1))));
        let busy = lines.of(&shared("busy", 1)).book(now, 1);
        assert!(busy > now + Duration::from_secs(3_600));
    }

    #[tokio::test]
    async fn without_a_line_nothing_waits_and_a_limit_is_a_limit() {
        let pace = Lines::default().pace(None);
        pace.pass_all(u64::MAX / 2).await;
        assert_eq!(pace.waited(), Duration::ZERO);
        let soon = Instant::now() + Duration::from_millis(20);
        let late = soon + Duration::from_secs(3_600);
        let never = pace.timeout_at(soon, late, std::future::pending::<()>());
        assert_eq!(never.await, None);
    }

    /// Work that waits for the line may take longer than its own time, up to the latest.
    #[tokio::test]
    async fn a_limit_does_not_count_the_wait_for_the_line() {
        let lines = Lines::default();
        let pace = lines.pace(Some(&shared("a", 1_000)));
        let now = Instant::now();
        let (soon, late) = (
            now + Duration::from_millis(1),
            now + Duration::from_secs(600),
        );
        let work = async {
            pace.pass(50).await;
            pace.pass(50).await;
        };
        assert_eq!(pace.timeout_at(soon, late, work).await, Some(()));
        assert!(now.elapsed() >= Duration::from_millis(100));
        let too_much = pace.pass(3_600_000);
        assert_eq!(pace.timeout_at(soon, soon, too_much).await, None);
    }

    proptest! {
        /// However parts come, from any time on no more passes than the line bears, they
        /// pass in their order, and it never rests while something stands in it.
        #[test]
        fn no_more_passes_than_the_line_bears(
            bytes_per_second in 1u64..1_000_000,
            parts in prop::collection::vec((0u64..2_000, 0u64..100_000), 1..100),
        ) {
            let line = Lines::default().of(&shared("a", bytes_per_second));
            let mut now = Instant::now();
            let mut last: Option<Instant> = None;
            for (gap, bytes) in parts {
                now += Duration::from_millis(gap);
                let at = line.book(now, bytes);
                let begins = last.map_or(now, |last| last.max(now));
                let took = (at - begins).as_secs_f64();
                let due = bytes as f64 / bytes_per_second as f64;
                prop_assert!((took - due).abs() < 1e-6, "{took} for {due}");
                last = Some(at);
            }
        }
    }
}
