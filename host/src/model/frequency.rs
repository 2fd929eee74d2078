//! How often a sync runs, and when it is due: Nango's grammar (`every 5 minutes`) or
//! `cron: <five fields>`, all in UTC.
//!
//! The due times of an interval are the slots of a fixed grid: whole multiples of the
//! interval since 1970, moved by an offset of the sync's own, so that 10,000 syncs of
//! one frequency do not start together and a restart changes nothing. Three rules hold
//! however the clock jumps:
//!
//! - what is due next lies after now, by one and a half intervals at the most;
//! - whoever was down for N slots gets one run, at once, and is told of the others;
//! - a clock that is set back by up to half an interval never runs a slot again.

use super::SyncKey;
use crate::error::{Code, Error};
use crate::limits::NAME_BYTES_MAX;
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

/// The shortest interval, Nango's. A shorter one is [`FrequencyError::TooShort`].
pub const INTERVAL_MIN: Duration = Duration::from_secs(30);
/// The longest interval, Nango's. A longer one is [`FrequencyError::TooLong`].
pub const INTERVAL_MAX: Duration = Duration::from_secs(31 * DAY);
/// Missed times of a cron expression that are counted one by one; more count as these.
/// A minute's cron misses as many in 16 hours.
pub const CRON_MISSED_COUNTED_MAX: u64 = 1_000;

/// Nanoseconds of a millisecond, the grid's unit.
const NANOS_PER_MILLI: i128 = 1_000_000;
/// Seconds of a minute.
const MINUTE: u64 = 60;
/// Seconds of an hour.
const HOUR: u64 = 60 * MINUTE;
/// Seconds of a day in UTC, which has no other kind.
const DAY: u64 = 24 * HOUR;
/// Seconds of a week.
const WEEK: u64 = 7 * DAY;
/// Seconds of a month, as Nango has it.
const MONTH: u64 = 30 * DAY;

/// The units that a number may stand before; a unit alone means one of it.
const UNITS: &[(&[&str], u64)] = &[
    (&["s", "sec", "secs", "second", "seconds"], 1),
    (&["m", "min", "mins", "minute", "minutes"], MINUTE),
    (&["h", "hr", "hrs", "hour", "hours"], HOUR),
    (&["d", "day", "days"], DAY),
    (&["week", "weeks"], WEEK),
    (&["month", "months"], MONTH),
];

/// What stands alone, without a number.
const ALONE: &[(&[&str], u64)] = &[
    (&["quarter hour"], HOUR / 4),
    (&["half hour"], HOUR / 2),
    (&["half day"], DAY / 2),
];

/// Fields of a cron expression: no seconds and no year, so that none comes more often
/// than each minute and each comes again.
const CRON_FIELDS: usize = 5;

/// Where the search for a cron expression's first time starts when it is checked: 50
/// years before the parser's calendar ends, so that the search for one that never comes
/// (30 February) ends too. Every combination of day, month and weekday comes in 28 years.
const CRON_CHECK_FROM: DateTime = DateTime::constant(4950, 1, 1, 0, 0, 0, 0);

/// Characters of a refused text that are shown in the message.
const SHOWN_CHARS: usize = 80;

/// How often a sync runs.
///
/// `Display` gives the text back with the word `every`, as Nango's manifests have it.
/// A clone is cheap. The parsed form of a cron expression takes about 5 KB, so a host
/// with thousands of equal ones shares one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Frequency {
    /// The author's words without `every`, or `cron: …`.
    text: Arc<str>,
    rule: Rule,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Rule {
    /// Each so many milliseconds.
    Every(i64),
    Cron(Arc<Cron>),
}

/// When a sync is due next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// The moment, after the now that was asked for.
    pub at: Timestamp,
    /// Due times that passed since the last one and get no run of their own. Counted for
    /// a cron expression up to [`CRON_MISSED_COUNTED_MAX`].
    pub missed: u64,
}

/// Why a text is no frequency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FrequencyError {
    /// Less than [`INTERVAL_MIN`].
    TooShort {
        /// What was given, cut.
        text: String,
    },
    /// More than [`INTERVAL_MAX`].
    TooLong {
        /// What was given, cut.
        text: String,
    },
    /// Neither in the grammar nor a cron expression.
    NotUnderstood {
        /// What was given, cut.
        text: String,
        /// What is wrong with it.
        why: String,
    },
}

impl Frequency {
    /// Reads `every 5 minutes`, `5m`, `half hour`, `cron: 0 3 * * *` and the like.
    pub fn parse(text: &str) -> Result<Self, FrequencyError> {
        if text.len() > NAME_BYTES_MAX {
            let why = format!("it has {} bytes, limit {NAME_BYTES_MAX}", text.len());
            return Err(not_understood(text, why));
        }
        match text.strip_prefix("cron:") {
            Some(expression) => Self::parse_cron(text, expression),
            None => Self::parse_interval(text),
        }
    }

    fn parse_interval(text: &str) -> Result<Self, FrequencyError> {
        let words = text.strip_prefix("every ").unwrap_or(text);
        let (seconds, words) = match seconds_of(ALONE, words) {
            Some(seconds) => (seconds, words.to_owned()),
            None => counted(words).map_err(|why| not_understood(text, why))?,
        };
        let interval = Duration::from_secs(seconds);
        if interval < INTERVAL_MIN {
            return Err(FrequencyError::TooShort { text: shown(text) });
        }
        let millis = i64::try_from(interval.as_millis());
        match millis.ok().filter(|_| interval <= INTERVAL_MAX) {
            None => Err(FrequencyError::TooLong { text: shown(text) }),
            Some(millis) => Ok(Frequency {
                text: words.into(),
                rule: Rule::Every(millis),
            }),
        }
    }

    fn parse_cron(text: &str, expression: &str) -> Result<Self, FrequencyError> {
        if !expression.is_ascii() {
            // The parser would take some of these for the letters they look like.
            return Err(not_understood(text, "it holds more than ASCII".into()));
        }
        let fields: Vec<&str> = expression.split_ascii_whitespace().collect();
        if fields.len() != CRON_FIELDS {
            let why = format!(
                "a cron expression has {CRON_FIELDS} fields (minute, hour, day, month, weekday), this one has {}",
                fields.len()
            );
            return Err(not_understood(text, why));
        }
        let fields = fields.join(" ");
        let parser = CronParser::builder()
            .seconds(Seconds::Disallowed)
            .year(Year::Disallowed)
            .build();
        let cron = parser
            .parse(&fields)
            .map_err(|error| not_understood(text, error.to_string()))?;
        cron.find_next_occurrence(&CRON_CHECK_FROM, false)
            .map_err(|_| not_understood(text, "no such day ever comes".into()))?;
        Ok(Frequency {
            text: format!("cron: {fields}").into(),
            rule: Rule::Cron(Arc::new(cron)),
        })
    }

    /// The text as Nango's API shows it: `5 minutes` for `every 5 minutes`. A cron
    /// expression keeps its `cron: `.
    pub fn without_every(&self) -> &str {
        &self.text
    }

    /// The interval, or how long the next two times of a cron expression lie apart.
    pub fn interval_at(&self, now: Timestamp) -> Duration {
        match &self.rule {
            Rule::Every(millis) => Duration::from_millis(millis.unsigned_abs()),
            Rule::Cron(cron) => {
                let first = cron_after(cron, now);
                cron_after(cron, first).duration_since(first).unsigned_abs()
            }
        }
    }

    /// When a sync that is new, or was just given this frequency, is due: within one
    /// interval, at an offset that `spread` (see [`spread_of`]) picks. Cron has no offset.
    pub fn first_due(&self, now: Timestamp, spread: u64) -> Timestamp {
        self.slot_after(now, spread)
    }

    /// When the sync is due after the run that was due at `last_due`: after `now`
    /// always, so that the run for `last_due` is the only one for all that was missed.
    pub fn next_due(&self, last_due: Timestamp, now: Timestamp, spread: u64) -> Due {
        let at = if last_due <= now {
            self.slot_after(now, spread)
        } else {
            self.settle(self.slot_after(last_due, spread), now, spread)
        };
        Due {
            at,
            missed: self.slots_between(last_due, now, spread),
        }
    }

    /// What to make of a `due` that was worked out earlier, when the clock may have been
    /// set since: the same, unless it lies further ahead than a clock set back by half an
    /// interval explains; then the next slot. A scheduler that asks this at each look
    /// cannot be put to sleep by a clock that was years ahead for a moment.
    pub fn settle(&self, due: Timestamp, now: Timestamp, spread: u64) -> Timestamp {
        let first = self.slot_after(now, spread);
        if due <= first {
            return due;
        }
        let second = self.slot_after(first, spread);
        // Doubled rather than halved, so that no rounding matters.
        let first_ran = first.duration_since(now) * 2 <= second.duration_since(first);
        if due <= second && first_ran {
            due
        } else {
            first
        }
    }

    /// The first slot after `time`. At the end of the calendar, its end.
    fn slot_after(&self, time: Timestamp, spread: u64) -> Timestamp {
        match &self.rule {
            Rule::Cron(cron) => cron_after(cron, time),
            Rule::Every(step) => {
                let slot = (slot_index(time, *step, spread) + 1) * step + offset(*step, spread);
                Timestamp::from_millisecond(slot).unwrap_or(Timestamp::MAX)
            }
        }
    }

    /// Slots after `from`, up to and with `to`.
    fn slots_between(&self, from: Timestamp, to: Timestamp, spread: u64) -> u64 {
        match &self.rule {
            Rule::Every(step) => {
                let index = |time| slot_index(time, *step, spread);
                u64::try_from(index(to) - index(from)).unwrap_or(0)
            }
            Rule::Cron(cron) => {
                let mut slot = from;
                (0..CRON_MISSED_COUNTED_MAX)
                    .take_while(|_| {
                        slot = cron_after(cron, slot);
                        slot <= to && slot < Timestamp::MAX
                    })
                    .count() as u64
            }
        }
    }
}

/// The number that a sync's offset in its interval is taken from: the same on every
/// start and every machine.
pub fn spread_of(key: &SyncKey) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = key.hash();
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

/// The offset of a sync's grid in milliseconds, from 0 to below `step`.
fn offset(step: i64, spread: u64) -> i64 {
    // Below `step`, so it fits.
    (spread % step.unsigned_abs()) as i64
}

/// Which slot of the grid `time` lies in; a slot starts with its due time.
fn slot_index(time: Timestamp, step: i64, spread: u64) -> i64 {
    // Rounded down, unlike `as_millisecond`, so that a slot is never before its time.
    let millis = time.as_nanosecond().div_euclid(NANOS_PER_MILLI) as i64;
    (millis - offset(step, spread)).div_euclid(step)
}

/// The expression's first time after `time`, or the end of the calendar.
fn cron_after(cron: &Cron, time: Timestamp) -> Timestamp {
    let civil = TimeZone::UTC.to_datetime(time);
    let found = cron.find_next_occurrence(&civil, false).ok();
    found
        .and_then(|civil| TimeZone::UTC.to_timestamp(civil).ok())
        .unwrap_or(Timestamp::MAX)
}

fn seconds_of(table: &[(&[&str], u64)], word: &str) -> Option<u64> {
    let row = table.iter().find(|(words, _)| words.contains(&word))?;
    Some(row.1)
}

/// Reads `5 minutes`, `5m` or `minute` as seconds, and writes it down again. The error
/// says what is wrong.
fn counted(words: &str) -> Result<(u64, String), String> {
    let end = words.find(|c: char| !c.is_ascii_digit());
    let (digits, rest) = words.split_at(end.unwrap_or(words.len()));
    let (gap, unit) = match rest.strip_prefix(char::is_whitespace) {
        Some(unit) => (" ", unit),
        None => ("", rest),
    };
    let seconds = seconds_of(UNITS, unit).ok_or_else(|| unknown_unit(unit))?;
    if digits.is_empty() {
        return Ok((seconds, unit.to_owned()));
    }
    // Only digits, so all that can go wrong is that they are too many.
    let number = digits.parse::<u64>().unwrap_or(u64::MAX);
    let text = format!("{number}{gap}{unit}");
    Ok((number.saturating_mul(seconds), text))
}

fn unknown_unit(unit: &str) -> String {
    if unit.is_empty() {
        return "it names no unit".into();
    }
    format!("`{}` is no unit", shown(unit))
}

fn not_understood(text: &str, why: String) -> FrequencyError {
    let text = shown(text);
    FrequencyError::NotUnderstood { text, why }
}

/// A text of somebody else's, fit for a message.
fn shown(text: &str) -> String {
    text.escape_debug().take(SHOWN_CHARS).collect()
}

impl fmt::Display for Frequency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rule {
            Rule::Every(_) => write!(f, "every {}", self.text),
            Rule::Cron(_) => f.write_str(&self.text),
        }
    }
}

impl FromStr for Frequency {
    type Err = FrequencyError;

    fn from_str(text: &str) -> Result<Self, FrequencyError> {
        Frequency::parse(text)
    }
}

impl TryFrom<String> for Frequency {
    type Error = FrequencyError;

    fn try_from(text: String) -> Result<Self, FrequencyError> {
        Frequency::parse(&text)
    }
}

impl From<Frequency> for String {
    fn from(frequency: Frequency) -> String {
        frequency.to_string()
    }
}

impl fmt::Display for FrequencyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FrequencyError::TooShort { text } => write!(
                f,
                "frequency `{text}` is too short; the shortest is {} seconds",
                INTERVAL_MIN.as_secs()
            ),
            FrequencyError::TooLong { text } => write!(
                f,
                "frequency `{text}` is too long; the longest is {} days",
                INTERVAL_MAX.as_secs() / DAY
            ),
            FrequencyError::NotUnderstood { text, why } => write!(
                f,
                "frequency `{text}` is not understood: {why}; write it like `every 5 minutes`, `every hour`, \
                 `every half day` or `cron: 0 3 * * *` (UTC)"
            ),
        }
    }
}

impl std::error::Error for FrequencyError {}

impl From<FrequencyError> for Error {
    fn from(error: FrequencyError) -> Error {
        Error::new(Code::InvalidArgument, error.to_string())
    }
}

#[cfg(test)]
mod tests;
