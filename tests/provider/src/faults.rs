//! Faults on order: which request is answered wrongly, in which way, how often.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A way to go wrong. The first group takes the place of the answer, the second spoils
/// the right one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// This status with a JSON error.
    Status(u16),
    /// 429 with `Retry-After` in seconds, rounded up.
    RateLimit {
        /// How long to wait.
        retry_after: Duration,
    },
    /// GitHub's other way: 403 with `X-RateLimit-Remaining: 0` and the moment of reset.
    RateLimitUntil {
        /// How long until the reset, from when the request arrives.
        reset_in: Duration,
    },
    /// 200 with an HTML page, as a login wall answers.
    Html200,
    /// 302 to this URL.
    RedirectTo(String),
    /// Any answer at all.
    Answer {
        /// HTTP status.
        status: u16,
        /// Headers.
        headers: Vec<(String, String)>,
        /// Body.
        body: Vec<u8>,
    },
    /// The connection is reset before a byte of an answer.
    Reset,
    /// The request is taken and never answered.
    Stall,

    /// The right answer, so much later.
    Slow {
        /// How long it waits before its headers.
        by: Duration,
    },
    /// The right answer in pieces, with a pause before each.
    Drip {
        /// Bytes of a piece.
        bytes: usize,
        /// The pause.
        every: Duration,
    },
    /// The right headers, so much of the body, and then nothing for ever.
    StallBody {
        /// Bytes that still come.
        after_bytes: usize,
    },
    /// The right headers, so much of the body, and then the connection is closed.
    CutBody {
        /// Bytes that still come.
        after_bytes: usize,
    },
    /// The right body under a wrong `Content-Length`: if larger, the connection closes
    /// too early; if smaller, the body ends there.
    WrongLength {
        /// What the header claims, in bytes.
        claimed: usize,
    },
    /// The first half of the right body under its proper length: JSON that does not end.
    WrongJson,
    /// The right answer with so many more headers.
    Headers {
        /// How many.
        count: usize,
        /// Bytes of each value.
        bytes: usize,
    },
}

/// The faults that are still to come. Requests that match none are answered rightly.
#[derive(Default)]
pub struct Faults(Mutex<VecDeque<Rule>>);

struct Rule {
    path: String,
    skip: u32,
    fault: Fault,
    left: u32,
}

impl Faults {
    /// The next `times` requests for `path` meet `fault`. A path that ends with `*`
    /// stands for all that begin so. Orders for the same path follow one another.
    pub fn next(&self, path: &str, fault: Fault, times: u32) {
        self.after(0, path, fault, times);
    }

    /// As [`Faults::next`], once `skip` more requests for `path` were answered rightly.
    pub fn after(&self, skip: u32, path: &str, fault: Fault, times: u32) {
        self.lock().push_back(Rule {
            path: path.to_owned(),
            skip,
            fault,
            left: times,
        });
    }

    /// How many faults are still to come.
    pub fn left(&self) -> u32 {
        self.lock().iter().map(|rule| rule.left).sum()
    }

    /// Forgets all faults that are still to come.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// The fault that a request for `path` meets.
    pub(crate) fn take(&self, path: &str) -> Option<Fault> {
        let mut rules = self.lock();
        let rule = rules
            .iter_mut()
            .find(|rule| rule.left > 0 && matches(&rule.path, path))?;
        if rule.skip > 0 {
            rule.skip -= 1;
            return None;
        }
        rule.left -= 1;
        let fault = rule.fault.clone();
        rules.retain(|rule| rule.left > 0);
        Some(fault)
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Rule>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn matches(pattern: &str, path: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => path.starts_with(start),
        None => pattern == path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_for_a_path_follow_one_another() {
        let faults = Faults::default();
        faults.next("/a", Fault::Stall, 2);
        faults.after(1, "/a*", Fault::Reset, 1);
        assert_eq!(faults.left(), 3);
        assert_eq!(faults.take("/b"), None);
        assert_eq!(faults.take("/ab"), None, "skipped by the second order");
        assert_eq!(faults.take("/a"), Some(Fault::Stall));
        assert_eq!(faults.take("/a"), Some(Fault::Stall));
        assert_eq!(faults.take("/ab"), Some(Fault::Reset));
        assert_eq!(faults.take("/a"), None);
        faults.next("/a", Fault::Stall, 1);
        faults.clear();
        assert_eq!((faults.take("/a"), faults.left()), (None, 0));
    }
}
