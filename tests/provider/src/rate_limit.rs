//! A rate limit over fixed windows of time, as GitHub's is, with its headers.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header::RETRY_AFTER};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// So many requests in so much time, counted from the first one on; more are answered
/// with 429, `Retry-After` and `X-RateLimit-Remaining: 0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Requests let through in one window.
    pub requests: u32,
    /// How long a window is.
    pub window: Duration,
}

/// What the limiter says to one request.
pub(crate) struct Quota {
    pub let_through: bool,
    limit: RateLimit,
    used: u32,
    left: Duration,
}

pub(crate) struct Limiter {
    limit: RateLimit,
    window: Mutex<Option<(Instant, u32)>>,
}

impl Limiter {
    pub fn new(limit: RateLimit) -> Self {
        let window = Mutex::new(None);
        Limiter { limit, window }
    }

    pub fn take(&self, now: Instant) -> Quota {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        let (start, used) = match *window {
            Some((start, used)) if now.duration_since(start) < self.limit.window => (start, used),
            _ => (now, 0),
        };
        let let_through = used < self.limit.requests;
        let used = used + u32::from(let_through);
        *window = Some((start, used));
        Quota {
            let_through,
            limit: self.limit,
            used,
            left: self.limit.window.saturating_sub(now.duration_since(start)),
        }
    }
}

impl Quota {
    /// Adds the headers that tell of the limit, and `Retry-After` to a refusal.
    pub fn tell(&self, headers: &mut HeaderMap) {
        let wait = whole_seconds(self.left);
        let reset = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs()
            .saturating_add(wait);
        let rows = [
            ("x-ratelimit-limit", u64::from(self.limit.requests)),
            (
                "x-ratelimit-remaining",
                u64::from(self.limit.requests - self.used),
            ),
            ("x-ratelimit-used", u64::from(self.used)),
            ("x-ratelimit-reset", reset),
        ];
        for (name, value) in rows {
            headers.insert(HeaderName::from_static(name), HeaderValue::from(value));
        }
        if !self.let_through {
            headers.insert(RETRY_AFTER, HeaderValue::from(wait));
        }
    }
}

/// Seconds for `Retry-After`, rounded up so that whoever waits them is not too early.
pub(crate) fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lets_so_many_through_and_then_none_until_the_window_is_over() {
        let window = Duration::from_millis(1_500);
        let limiter = Limiter::new(RateLimit {
            requests: 2,
            window,
        });
        let start = Instant::now();
        let rows = [
            (0, true, "1", None),
            (100, true, "0", None),
            (200, false, "0", Some("2")),
            (1_499, false, "0", Some("1")),
            (1_500, true, "1", None),
        ];
        for (after, let_through, remaining, retry_after) in rows {
            let quota = limiter.take(start + Duration::from_millis(after));
            let mut headers = HeaderMap::new();
            quota.tell(&mut headers);
            let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap());
            assert_eq!(quota.let_through, let_through, "after {after} ms");
            assert_eq!(text("x-ratelimit-remaining"), Some(remaining));
            assert_eq!(text("retry-after"), retry_after);
        }
    }
}
