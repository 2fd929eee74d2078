//! Dates as providers write them: RFC 3339 in UTC, to the second, or a bare day.

use anyhow::{Context, Result};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use std::io::Write;

/// A moment in whole seconds since 1970, and whether a part of a second was cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    pub seconds: i64,
    pub cut: bool,
}

impl Moment {
    /// The first whole second that is not before this moment.
    pub fn ceil(self) -> i64 {
        self.seconds.saturating_add(i64::from(self.cut))
    }
}

/// Reads `2024-03-01T10:00:00Z` (any offset, any fraction) or `2024-03-01`.
pub(crate) fn parse(text: &str) -> Result<Moment> {
    let timestamp = match text.parse::<Timestamp>() {
        Ok(timestamp) => timestamp,
        // A day with a time but no offset would be read as its midnight.
        Err(_) => Date::strptime("%Y-%m-%d", text)
            .and_then(|day| day.to_zoned(TimeZone::UTC))
            .with_context(|| {
                format!("`{text}` is no date; write 2024-03-01T10:00:00Z or 2024-03-01")
            })?
            .timestamp(),
    };
    let fraction = timestamp.subsec_nanosecond();
    Ok(Moment {
        seconds: timestamp.as_second() - i64::from(fraction < 0),
        cut: fraction != 0,
    })
}

/// Appends `seconds` since 1970 as `2024-03-01T10:00:00Z`.
pub(crate) fn write(seconds: i64, out: &mut Vec<u8>) {
    // A date past year 9999 cannot be written; no data set reaches it.
    let timestamp = Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX);
    let _ = write!(out, "{timestamp}");
}

/// `seconds` since 1970 as text.
pub(crate) fn text(seconds: i64) -> String {
    let mut out = Vec::new();
    write(seconds, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_providers_are_sent() {
        let rows = [
            ("1970-01-01T00:00:00Z", 0, false),
            ("1970-01-02", 86_400, false),
            ("1970-01-01T02:00:00+01:00", 3_600, false),
            ("1970-01-01T00:00:01.5Z", 1, true),
            ("1969-12-31T23:59:59.5Z", -1, true),
        ];
        for (text, seconds, cut) in rows {
            assert_eq!(parse(text).unwrap(), Moment { seconds, cut }, "{text}");
        }
        for bad in ["", "yesterday", "2024-13-01", "2024-03-01T10:00:00"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert_eq!(text(1_456_000_000), "2016-02-20T20:26:40Z");
    }
}
