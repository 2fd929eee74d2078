//! Whether and when to try again. Pure.

use crate::limits::RETRIES_MAX;
use crate::model::RetryRules;
use http::header::{DATE, HeaderMap, RETRY_AFTER};
use http::{Method, StatusCode};
use jiff::Timestamp;
use std::time::{Duration, SystemTime};

/// Headers in which providers say when a rate limit ends. `-after` is always a number
/// of seconds; the others are that, or a moment, by their size.
const RESET_HEADERS: &[&str] = &[
    "x-ratelimit-reset-after",
    "ratelimit-reset",
    "x-ratelimit-reset",
    "x-rate-limit-reset",
];

/// Headers that say how much of a rate limit is left.
const REMAINING_HEADERS: &[&str] = &[
    "ratelimit-remaining",
    "x-ratelimit-remaining",
    "x-rate-limit-remaining",
];

/// From here on a number is a moment in seconds since 1970 and not a span (31 years).
const EPOCH_SECONDS_MIN: f64 = 1e9;
/// From here on it is one in milliseconds.
const EPOCH_MILLIS_MIN: f64 = 1e12;

/// Whether a response of `status` is tried again: 429, 5xx and what the guest or the
/// integration listed.
pub fn is_tried_again(status: StatusCode, listed: &[u16], rules: &RetryRules) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS
        || status.is_server_error()
        || listed.contains(&status.as_u16())
        || rules.on.contains(&status.as_u16())
}

/// How many tries may follow the first: as the guest asks, within what the host and the
/// integration allow.
pub fn retries(asked: u32, rules: &RetryRules) -> u32 {
    let allowed = rules
        .attempts_max
        .map_or(RETRIES_MAX, |attempts| attempts.saturating_sub(1));
    asked.min(allowed).min(RETRIES_MAX)
}

/// Whether a request of `method` may reach the provider twice. POST and PATCH may not,
/// so that a broken connection never makes two of something; after a *response* they
/// are tried again as all others, for then the provider itself said how it went.
pub fn may_repeat(method: &Method) -> bool {
    !matches!(*method, Method::POST | Method::PATCH)
}

/// How long the provider asks to wait, if it says so: `Retry-After` in seconds or as a
/// date, or for a rate limit the moment of its reset. Nonsense and the past are nothing.
/// A number too large to be a span is [`Duration::MAX`]. The headers that the integration
/// names come first, the longest wait of them.
pub fn asked_wait(
    status: StatusCode,
    headers: &HeaderMap,
    now: Timestamp,
    rules: &RetryRules,
) -> Option<Duration> {
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::trim)
    };
    let named = rules.header.iter().filter_map(|name| {
        let value = text(name)?;
        until_reset(value, now).or_else(|| until_date(value, text(DATE.as_str()), now))
    });
    if let Some(longest) = named.max().filter(|wait| !wait.is_zero()) {
        return Some(longest);
    }
    let retry_after = text(RETRY_AFTER.as_str())
        .and_then(|value| span(value).or_else(|| until_date(value, text(DATE.as_str()), now)));
    if let Some(wait) = retry_after {
        return Some(wait).filter(|wait| !wait.is_zero());
    }
    // Many providers tell the reset on each response: it counts only where the limit is
    // what went wrong.
    let used_up = REMAINING_HEADERS.iter().any(|name| text(name) == Some("0"));
    if status != StatusCode::TOO_MANY_REQUESTS && !used_up {
        return None;
    }
    RESET_HEADERS
        .iter()
        .find_map(|name| until_reset(text(name)?, now))
        .filter(|wait| !wait.is_zero())
}

/// The wait before the try after `failures`: between half and all of
/// `first` · 2^(failures - 1), at most `longest`; `random` is in 0..1.
pub fn backoff(first: Duration, longest: Duration, failures: u32, random: f64) -> Duration {
    let doubled = first.saturating_mul(2u32.saturating_pow(failures.saturating_sub(1)));
    doubled.min(longest).mul_f64((1.0 + random) / 2.0)
}

/// A count of seconds, also with a fraction.
fn span(text: &str) -> Option<Duration> {
    let plain = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.');
    let seconds: f64 = text.parse().ok().filter(|_| plain)?;
    Some(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}

/// The time until an HTTP date, counted from the response's own `Date`, because the two
/// clocks may differ.
fn until_date(text: &str, sent: Option<&str>, now: Timestamp) -> Option<Duration> {
    let at = httpdate::parse_http_date(text).ok()?;
    let now = sent
        .and_then(|date| httpdate::parse_http_date(date).ok())
        .unwrap_or_else(|| SystemTime::from(now));
    Some(at.duration_since(now).unwrap_or_default())
}

fn until_reset(text: &str, now: Timestamp) -> Option<Duration> {
    let Some(wait) = span(text) else {
        let at: Timestamp = text.parse().ok()?;
        return Some(Duration::try_from(at.duration_since(now)).unwrap_or_default());
    };
    let now = Duration::try_from(now.duration_since(Timestamp::UNIX_EPOCH)).unwrap_or_default();
    match wait.as_secs_f64() {
        moment if moment >= EPOCH_MILLIS_MIN => Some((wait / 1000).saturating_sub(now)),
        moment if moment >= EPOCH_SECONDS_MIN => Some(wait.saturating_sub(now)),
        _ => Some(wait),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};
    use proptest::prelude::*;

    /// 2026-11-22T06:00:00Z, and as seconds.
    const NOW: &str = "2026-11-22T06:00:00Z";
    const NOW_SECONDS: i64 = 1_795_327_200;

    fn asked(status: u16, headers: &[(&str, &str)]) -> Option<Duration> {
        asked_by(&RetryRules::default(), status, headers)
    }

    fn asked_by(rules: &RetryRules, status: u16, headers: &[(&str, &str)]) -> Option<Duration> {
        let headers = headers
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_bytes(name.as_bytes()).unwrap(),
                    HeaderValue::from_str(value).unwrap(),
                )
            })
            .collect();
        asked_wait(
            StatusCode::from_u16(status).unwrap(),
            &headers,
            NOW.parse().unwrap(),
            rules,
        )
    }

    #[test]
    fn the_integrations_own_headers_come_first() {
        let rules = RetryRules {
            header: vec!["x-wait".into(), "X-Until".into()],
            ..RetryRules::default()
        };
        let seconds = |count| Some(Duration::from_secs(count));
        let millis = ((NOW_SECONDS + 90) * 1000).to_string();
        let epoch = (NOW_SECONDS + 70).to_string();
        for (headers, expected) in [
            (&[("x-wait", "7"), ("retry-after", "50")][..], seconds(7)),
            (&[("x-wait", "7"), ("x-until", "9")], seconds(9)),
            (&[("x-until", millis.as_str())], seconds(90)),
            (&[("x-until", epoch.as_str())], seconds(70)),
            (&[("x-until", "2026-11-22T06:00:30Z")], seconds(30)),
            (
                &[("x-until", "Sun, 22 Nov 2026 06:02:00 GMT")],
                seconds(120),
            ),
            (&[("x-until", "later"), ("retry-after", "5")], seconds(5)),
            (&[("x-until", "0"), ("retry-after", "5")], seconds(5)),
            (&[("x-other", "7")], None),
        ] {
            // Of a status that says nothing of a rate limit: the operator knows better.
            assert_eq!(asked_by(&rules, 403, headers), expected, "{headers:?}");
        }
    }

    #[test]
    fn tries_are_capped_by_the_integration_and_the_host() {
        for (wished, attempts_max, expected) in [
            (3, None, 3),
            (99, None, RETRIES_MAX),
            (3, Some(1), 0),
            (3, Some(3), 2),
            (3, Some(9), 3),
            (99, Some(99), RETRIES_MAX),
            (3, Some(0), 0),
        ] {
            let rules = RetryRules {
                attempts_max,
                ..RetryRules::default()
            };
            assert_eq!(
                retries(wished, &rules),
                expected,
                "{wished} {attempts_max:?}"
            );
        }
    }

    #[test]
    fn retry_after_in_all_its_forms() {
        let seconds = |count| Some(Duration::from_secs(count));
        for (value, expected) in [
            ("0", None),
            ("1", seconds(1)),
            ("120", seconds(120)),
            (" 7 ", seconds(7)),
            ("1.5", Some(Duration::from_millis(1500))),
            ("3600", seconds(3600)),
            ("-1", None),
            ("-99999999999999999999", None),
            ("+5", None),
            ("1e3", None),
            ("0x10", None),
            ("inf", None),
            ("NaN", None),
            (".", None),
            ("", None),
            ("soon", None),
            ("10 seconds", None),
            ("1000000000000", seconds(1_000_000_000_000)),
            ("99999999999999999999999999", Some(Duration::MAX)),
            ("Sun, 22 Nov 2026 06:02:00 GMT", seconds(120)),
            ("Sunday, 22-Nov-26 06:02:00 GMT", seconds(120)),
            ("Sun Nov 22 06:02:00 2026", seconds(120)),
            ("Sun, 22 Nov 2026 05:00:00 GMT", None),
            ("Thu, 01 Jan 1970 00:00:00 GMT", None),
            ("Sun, 22 Nov 2026 06:02:00 CET", None),
            ("Sun, 32 Nov 2026 06:02:00 GMT", None),
            ("2026-11-22T06:02:00Z", None),
        ] {
            assert_eq!(asked(503, &[("retry-after", value)]), expected, "{value:?}");
        }
        let by_its_own_clock = [
            ("retry-after", "Sun, 22 Nov 2026 09:00:30 GMT"),
            ("date", "Sun, 22 Nov 2026 09:00:00 GMT"),
        ];
        assert_eq!(asked(429, &by_its_own_clock), seconds(30));
    }

    #[test]
    fn reset_headers_count_only_for_a_used_up_limit() {
        let seconds = |count| Some(Duration::from_secs(count));
        let epoch = (NOW_SECONDS + 90).to_string();
        let millis = ((NOW_SECONDS + 90) * 1000).to_string();
        let past = (NOW_SECONDS - 90).to_string();
        for (status, headers, expected) in [
            (429, &[("x-ratelimit-reset", "45")][..], seconds(45)),
            (429, &[("ratelimit-reset", "45")], seconds(45)),
            (429, &[("x-rate-limit-reset", "45")], seconds(45)),
            (
                429,
                &[("x-ratelimit-reset-after", "0.25")],
                Some(Duration::from_millis(250)),
            ),
            (429, &[("x-ratelimit-reset", epoch.as_str())], seconds(90)),
            (429, &[("x-ratelimit-reset", millis.as_str())], seconds(90)),
            (
                429,
                &[("x-ratelimit-reset", "2026-11-22T06:01:30Z")],
                seconds(90),
            ),
            (429, &[("x-ratelimit-reset", past.as_str())], None),
            (429, &[("x-ratelimit-reset", "later")], None),
            (
                429,
                &[("retry-after", "5"), ("x-ratelimit-reset", "45")],
                seconds(5),
            ),
            (
                429,
                &[("retry-after", "soon"), ("x-ratelimit-reset", "45")],
                seconds(45),
            ),
            (
                403,
                &[("x-ratelimit-reset", "45"), ("x-ratelimit-remaining", "0")],
                seconds(45),
            ),
            (
                403,
                &[("x-ratelimit-reset", "45"), ("x-ratelimit-remaining", "10")],
                None,
            ),
            (500, &[("x-ratelimit-reset", "45")], None),
        ] {
            assert_eq!(asked(status, headers), expected, "{status} {headers:?}");
        }
    }

    #[test]
    fn statuses_and_methods() {
        for (status, listed, expected) in [
            (200, &[][..], false),
            (404, &[], false),
            (404, &[404], true),
            (429, &[], true),
            (500, &[], true),
            (599, &[], true),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            let rules = RetryRules::default();
            assert_eq!(is_tried_again(status, listed, &rules), expected, "{status}");
            let rules = RetryRules {
                on: listed.iter().copied().collect(),
                ..rules
            };
            assert_eq!(is_tried_again(status, &[], &rules), expected, "{status}");
        }
        assert!(
            may_repeat(&Method::PUT) && may_repeat(&Method::DELETE) && may_repeat(&Method::GET)
        );
        assert!(!may_repeat(&Method::POST) && !may_repeat(&Method::PATCH));
    }

    proptest! {
        #[test]
        fn nothing_that_a_provider_says_breaks_it(value in "[ -~]{0,40}", status in 100u16..600) {
            for name in RESET_HEADERS.iter().chain(&["retry-after"]) {
                if let Some(wait) = asked(status, &[(name, &value)]) {
                    prop_assert!(!wait.is_zero());
                }
            }
        }

        #[test]
        fn backoff_doubles_up_to_its_end(failures in 1u32..100, random in 0.0..1.0f64) {
            let (first, longest) = (Duration::from_secs(3), Duration::from_secs(600));
            let wait = backoff(first, longest, failures, random);
            let full = if failures > 8 { longest } else { (first * 2u32.pow(failures - 1)).min(longest) };
            prop_assert!(full / 2 <= wait && wait <= full, "{wait:?} of {full:?}");
        }
    }
}
