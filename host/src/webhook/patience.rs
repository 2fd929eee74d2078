//! What an answer means for a delivery: done, again later, or given up. Pure.
//!
//! - 2xx: delivered.
//! - No answer, 408, 425, 429, 5xx: the app is unwell. Again for [`PATIENCE`].
//! - 410 Gone: the app says that nobody is there any more. Given up at once.
//! - Any other answer (a redirect, 401, 404, 413 …) or a refusal by our own gate: somebody
//!   must mend a setting first, which people do within hours or not at all. Again for
//!   [`PATIENCE_IF_REFUSED`].
//!
//! What was given up is kept and can be replayed.

use crate::model::{Delivery, DeliveryState};
use jiff::Timestamp;
use std::time::Duration;

/// The wait after a first failed attempt; it doubles with each further one.
pub(super) const AGAIN_FIRST: Duration = Duration::from_secs(10);
/// The longest wait between two attempts that the app did not ask for.
pub(super) const AGAIN_MAX: Duration = Duration::from_secs(3600);
/// The longest wait that an app may ask for with `Retry-After`; a longer one is cut to it.
pub(super) const ASKED_MAX: Duration = Duration::from_secs(24 * 3600);
/// Age after which a delivery that fails is given up: a weekend.
pub(super) const PATIENCE: Duration = Duration::from_secs(3 * 24 * 3600);
/// The same where the app, or our gate, refuses it.
pub(super) const PATIENCE_IF_REFUSED: Duration = Duration::from_secs(24 * 3600);
/// Attempts that a delivery gets however old it is: it may have waited for this host to
/// be started again, or for somebody to replay it.
const ATTEMPTS_MIN: u32 = 5;
/// Bytes of a failure's words that are kept; the rest is cut.
const WORDS_BYTES_MAX: usize = 500;

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The app took it.
    Taken,
    /// The app wants it never again.
    Gone(String),
    /// Nothing will change until somebody mends something.
    Refused(String),
    /// The app, or the way to it, is unwell; it may have asked for a wait.
    Unwell(String, Option<Duration>),
}

/// The delivery after an attempt at `now`. `random`, in 0..1, spreads the next attempts.
pub(super) fn after(
    mut delivery: Delivery,
    answer: &Answer,
    now: Timestamp,
    random: f64,
) -> Delivery {
    delivery.attempts = delivery.attempts.saturating_add(1);
    let (why, asked, patience) = match answer {
        Answer::Taken => {
            delivery.state = DeliveryState::Delivered;
            (delivery.next, delivery.last_error) = (None, None);
            return delivery;
        }
        Answer::Gone(why) => (why, None, Duration::ZERO),
        Answer::Refused(why) => (why, None, PATIENCE_IF_REFUSED),
        Answer::Unwell(why, asked) => (why, *asked, PATIENCE),
    };
    let attempts_min = match answer {
        Answer::Gone(_) => 0,
        _ => ATTEMPTS_MIN,
    };
    delivery.last_error = Some(cut(why));
    if older_than(&delivery, patience, now) && delivery.attempts >= attempts_min {
        delivery.state = DeliveryState::Dead;
        delivery.next = None;
        return delivery;
    }
    let wait = again(delivery.attempts, random).max(asked.unwrap_or_default().min(ASKED_MAX));
    delivery.next = Some(later(now, wait));
    delivery
}

/// The wait after `failures` in a row: between half and all of [`AGAIN_FIRST`] doubled
/// with each, at most [`AGAIN_MAX`].
pub(super) fn again(failures: u32, random: f64) -> Duration {
    let doubled = 2u32.saturating_pow(failures.saturating_sub(1));
    let whole = AGAIN_FIRST.saturating_mul(doubled).min(AGAIN_MAX);
    whole.mul_f64((1.0 + random.clamp(0.0, 1.0)) / 2.0)
}

/// Whether a delivery was written longer than `age` ago.
pub(super) fn older_than(delivery: &Delivery, age: Duration, now: Timestamp) -> bool {
    later(delivery.created, age) <= now
}

/// `now` and a wait; the end of time where that is too much.
pub(super) fn later(now: Timestamp, wait: Duration) -> Timestamp {
    now.checked_add(wait).unwrap_or(Timestamp::MAX)
}

fn cut(words: &str) -> String {
    let end = words.floor_char_boundary(WORDS_BYTES_MAX);
    words.get(..end).unwrap_or_default().to_owned()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::model::{ConnectionKey, DeliveryId, RunId};

    pub fn delivery(number: u32, url: &str) -> Delivery {
        Delivery {
            id: DeliveryId {
                run: RunId::new(7, 7),
                number,
            },
            connection: ConnectionKey::new("prod", "github", "acme").unwrap(),
            model: "Issue".into(),
            url: url.into(),
            body: "{}".into(),
            created: Timestamp::UNIX_EPOCH,
            attempts: 0,
            next: Some(Timestamp::UNIX_EPOCH),
            state: DeliveryState::Waiting,
            last_error: None,
        }
    }

    #[test]
    fn answers() {
        use DeliveryState::{Dead, Delivered, Waiting};
        let hour = 3600;
        let unwell = |asked: u64| Answer::Unwell("x".into(), Some(Duration::from_secs(asked)));
        // Attempts before, age in seconds, the answer: the state and the wait in seconds.
        for (attempts, age, answer, state, wait) in [
            (0, 0, Answer::Taken, Delivered, None),
            (0, 0, Answer::Gone("x".into()), Dead, None),
            (0, 0, unwell(0), Waiting, Some(10)),
            (1, 0, unwell(0), Waiting, Some(20)),
            (8, 0, unwell(0), Waiting, Some(2560)),
            (9, 0, unwell(0), Waiting, Some(hour)),
            (u32::MAX, 0, unwell(0), Waiting, Some(hour)),
            (0, 0, unwell(7200), Waiting, Some(2 * hour)),
            (0, 0, unwell(u64::MAX), Waiting, Some(24 * hour)),
            (9, 72 * hour - 1, unwell(0), Waiting, Some(hour)),
            (9, 72 * hour, unwell(0), Dead, None),
            (4, 72 * hour, unwell(0), Dead, None),
            (3, 72 * hour, unwell(0), Waiting, Some(80)),
            (
                9,
                24 * hour - 1,
                Answer::Refused("x".into()),
                Waiting,
                Some(hour),
            ),
            (9, 24 * hour, Answer::Refused("x".into()), Dead, None),
        ] {
            let mut before = delivery(1, "https://a.test/");
            before.attempts = attempts;
            let now = later(before.created, Duration::from_secs(age));
            let found = after(before, &answer, now, 1.0);
            let expected = wait.map(|wait| later(now, Duration::from_secs(wait)));
            assert_eq!(
                (found.state, found.next),
                (state, expected),
                "{attempts} {age} {answer:?}"
            );
            assert_eq!(found.last_error.is_none(), answer == Answer::Taken);
            assert_eq!(found.attempts, attempts.saturating_add(1));
        }
    }

    #[test]
    fn chance_takes_away_up_to_half_and_words_are_cut() {
        assert_eq!(again(1, 0.0), AGAIN_FIRST / 2);
        assert_eq!(again(1, 1.0), AGAIN_FIRST);
        let long = Answer::Refused("ä".repeat(WORDS_BYTES_MAX));
        let found = after(delivery(1, ""), &long, Timestamp::UNIX_EPOCH, 0.0);
        assert_eq!(found.last_error.unwrap().len(), WORDS_BYTES_MAX);
    }
}
