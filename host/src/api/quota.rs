//! How often an environment may ask: so many requests in a window of a minute, as Nango
//! counts them, told in the headers of every answer to one of its keys.
//!
//! Requests without a key that opens anything are not counted here: they are refused
//! before they cost more than a hash. The operator's key has no limit. The counts are in
//! memory only; a restart opens a new window.

use super::Service;
use super::auth::Caller;
use super::error::Failure;
use crate::model::Environment;
use axum::extract::{Request, State};
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Seconds of a window. Nango's; its clients are written for it.
const WINDOW_SECONDS: i64 = 60;

/// Requests in a window.
const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
/// Requests left in the window.
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
/// When the next window opens, in seconds since 1970.
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// Counts the requests of each environment.
pub struct Quota {
    service: Arc<Service>,
    windows: Mutex<HashMap<Environment, Window>>,
}

/// The present window of an environment.
#[derive(Clone, Copy, Debug, Default)]
struct Window {
    /// Second since 1970 at which it ends.
    ends: i64,
    requests: u32,
}

/// How a request stands to the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Counted {
    limit: u32,
    /// Which of the window it is, from 1.
    number: u32,
    /// Second since 1970 at which the window ends.
    ends: i64,
    now: i64,
}

impl Quota {
    /// One that has counted nothing.
    pub fn new(service: Arc<Service>) -> Self {
        Quota {
            service,
            windows: Mutex::default(),
        }
    }

    /// Counts a request; `None` where there is no limit for it.
    fn count(&self, headers: &HeaderMap) -> Option<Counted> {
        let limit = self.service.requests_per_minute?.get();
        let Ok(Caller::Key(key)) = Caller::of(headers, &self.service) else {
            return None;
        };
        let now = self.service.runner.clock.now();
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let window = windows.entry(key.environment.clone()).or_default();
        Some(window.count(limit, now))
    }
}

impl Window {
    fn count(&mut self, limit: u32, now: Timestamp) -> Counted {
        let now = now.as_second();
        // Also one that ends too late, after the clock was set back.
        if !(now..=now + WINDOW_SECONDS).contains(&self.ends) || self.ends == now {
            *self = Window {
                ends: now + WINDOW_SECONDS,
                requests: 0,
            };
        }
        self.requests = self.requests.saturating_add(1);
        Counted {
            limit,
            number: self.requests,
            ends: self.ends,
            now,
        }
    }
}

impl Counted {
    fn is_over(self) -> bool {
        self.number > self.limit
    }

    fn tell(self, headers: &mut HeaderMap) {
        let left = self.limit.saturating_sub(self.number);
        headers.insert(LIMIT, self.limit.into());
        headers.insert(REMAINING, left.into());
        headers.insert(RESET, self.ends.into());
    }

    /// 429, in Nango's form.
    fn refusal(self, request: &Request) -> Response {
        let wait = self.ends - self.now;
        let message = format!(
            "the environment has asked {} times in a minute; ask again in {wait} s",
            self.limit
        );
        let failure = Failure::too_often(message, request.method(), request.uri().path());
        let mut response = failure.into_response();
        let wait = HeaderValue::from(wait);
        response.headers_mut().insert(RETRY_AFTER, wait);
        response
    }
}

/// Counts each request of an environment, and refuses those over its limit.
pub async fn keep(State(quota): State<Arc<Quota>>, request: Request, next: Next) -> Response {
    let Some(counted) = quota.count(request.headers()) else {
        return next.run(request).await;
    };
    let mut response = match counted.is_over() {
        true => counted.refusal(&request),
        false => next.run(request).await,
    };
    counted.tell(response.headers_mut());
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_opens_with_its_first_request_and_ends_after_a_minute() {
        let mut window = Window::default();
        // second, which of its window, when that ends
        for (second, number, ends) in [
            (1_000, 1, 1_060),
            (1_000, 2, 1_060),
            (1_059, 3, 1_060),
            (1_060, 1, 1_120),
            (5_000, 1, 5_060),
            // The clock was set back: nobody waits for longer than a minute.
            (4_000, 1, 4_060),
            (3_999, 1, 4_059),
        ] {
            let now = Timestamp::from_second(second).unwrap();
            let counted = window.count(2, now);
            assert_eq!((counted.number, counted.ends), (number, ends), "{second}");
            assert_eq!(counted.is_over(), number > 2);
            let mut headers = HeaderMap::new();
            counted.tell(&mut headers);
            let left = 2u32.saturating_sub(number).to_string();
            assert_eq!(headers[REMAINING], left.as_str());
            assert_eq!(headers[RESET], ends.to_string().as_str());
        }
    }
}
