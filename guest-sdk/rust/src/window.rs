//! A long time cut into windows: days, weeks or months, one after the other, each
//! recorded when it is complete.
//!
//! Windows are half-open (`from` belongs to it, `to` does not), in UTC civil dates, and
//! anchored to the start: the third month from 31 January begins on 31 March, not on the
//! 29th that the one before ended at.

use crate::error::{Context, Result};
use crate::run::Run;
use crate::sync::State;
use crate::sys;
use jiff::civil::Date;
use jiff::tz::Offset;
use jiff::{SignedDuration, Span, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The field of the metadata in which [`Run::backfill`] keeps its [`Progress`].
pub const PROGRESS_FIELD: &str = "window";

/// How long a window is. Choose it so that one window is a few minutes' work: a window
/// that is cut short is fetched again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Every {
    /// This many days.
    Days(u16),
    /// This many weeks.
    Weeks(u16),
    /// This many months.
    Months(u16),
}

impl Every {
    /// `times` this long, at least one day each; `None` where no date is that far away.
    fn after(self, start: Date, times: u32) -> Option<Date> {
        let span = |length: u16| i64::from(length.max(1)).checked_mul(times.into());
        let span = match self {
            Every::Days(length) => Span::new().try_days(span(length)?),
            Every::Weeks(length) => Span::new().try_weeks(span(length)?),
            Every::Months(length) => Span::new().try_months(span(length)?),
        };
        start.checked_add(span.ok()?).ok()
    }
}

/// One window: `from` belongs to it, `to` does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    /// Its first day.
    pub from: Date,
    /// The day after its last.
    pub to: Date,
}

impl Window {
    /// The first instant that belongs to it, at midnight UTC.
    pub fn since(&self) -> Timestamp {
        midnight(self.from)
    }

    /// The first instant that no longer belongs to it.
    pub fn until(&self) -> Timestamp {
        midnight(self.to)
    }

    /// The last second that belongs to it, for a provider whose own `until` is inclusive.
    pub fn last_second(&self) -> Timestamp {
        self.until()
            .checked_sub(SignedDuration::from_secs(1))
            .unwrap_or(Timestamp::MIN)
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.from, self.to)
    }
}

/// The windows from a first day to a day that no longer belongs to them. The last one
/// may be shorter. None where `from` is not before `to`.
///
/// ```
/// use tidegate_sdk::window::{Every, Windows};
/// use tidegate_sdk::date;
///
/// let starts: Vec<_> = Windows::new(date(2024, 1, 31), date(2024, 5, 10), Every::Months(1))
///     .map(|window| window.from)
///     .collect();
/// assert_eq!(starts, [date(2024, 1, 31), date(2024, 2, 29), date(2024, 3, 31), date(2024, 4, 30)]);
/// ```
#[derive(Clone, Debug)]
pub struct Windows {
    start: Date,
    end: Date,
    every: Every,
    /// How many windows from the start the next one is.
    index: u32,
    /// Where the next one begins.
    from: Date,
}

impl Windows {
    /// The windows of `[from, to)`.
    pub fn new(from: Date, to: Date, every: Every) -> Self {
        Windows {
            start: from,
            end: to,
            every,
            index: 0,
            from,
        }
    }

    /// The same windows without those before `day`. A window that holds `day` begins
    /// there.
    pub fn after(mut self, day: Date) -> Self {
        while let Some(window) = self.clone().next() {
            if window.to > day {
                self.from = self.from.max(day);
                break;
            }
            self.next();
        }
        self
    }
}

impl Iterator for Windows {
    type Item = Window;

    fn next(&mut self) -> Option<Window> {
        if self.from >= self.end {
            return None;
        }
        let from = self.from;
        let to = self
            .every
            .after(self.start, self.index + 1)
            .unwrap_or(self.end)
            .min(self.end);
        self.index += 1;
        self.from = to;
        Some(Window { from, to })
    }
}

/// How far a backfill is, as it stands in the connection's metadata. Declare the field
/// `window: Option<Progress>` in your metadata type if you want to read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Progress {
    /// The first day of the whole.
    pub from: Date,
    /// The day after its last.
    pub to: Date,
    /// The length of its windows.
    pub every: Every,
    /// Everything before this day is complete.
    pub done: Date,
}

impl Progress {
    /// Whether every window is complete.
    pub fn is_complete(&self) -> bool {
        self.done >= self.to
    }

    /// The plan to follow, given what was recorded: a started one goes on as it was
    /// planned, so that its windows stay where they were, whatever day it is now. A start
    /// before the recorded one is a wish for more, and begins anew.
    fn plan(recorded: Option<Progress>, from: Date, to: Date, every: Every) -> Progress {
        match recorded {
            Some(progress) if from >= progress.from => Progress { every, ..progress },
            _ => Progress {
                from,
                to: to.max(from),
                every,
                done: from,
            },
        }
    }

    /// The windows that are still to do.
    fn windows(&self) -> Windows {
        Windows::new(self.from, self.to, self.every).after(self.done)
    }
}

impl<C: State, M: State> Run<C, M> {
    /// Works through `[from, to)` window by window, oldest first, and answers where the
    /// backfill ended: from there on, fetch what is new.
    ///
    /// `work` fetches and saves one window and returns the checkpoint that is right once
    /// the window is complete (`()` for a sync without one). The window is then recorded
    /// in the metadata and the checkpoint saved, so that
    ///
    /// - a run that is killed, interrupted or fails goes on with the window in which it
    ///   was, and no complete window is fetched again;
    /// - a backfill that is complete answers at once.
    ///
    /// `from` and `to` count when it starts; one under way keeps its own.
    ///
    /// ```
    /// use tidegate_sdk::prelude::*;
    /// use tidegate_sdk::testing::TestHost;
    ///
    /// let orders = DataSync::new("orders", "1", |run: &Run| {
    ///     let end = run.backfill(date(2026, 1, 15), date(2026, 3, 1), Every::Months(1), |window| {
    ///         info!("fetching {window}");
    ///         Ok(())
    ///     })?;
    ///     assert_eq!(end.to_string(), "2026-03-01T00:00:00Z");
    ///     Ok(())
    /// });
    /// let mut host = TestHost::new();
    /// host.run(&orders).unwrap();
    /// assert_eq!(host.log_lines(), ["fetching 2026-01-15 to 2026-02-15", "fetching 2026-02-15 to 2026-03-01"]);
    /// assert_eq!(host.metadata()["window"]["done"], "2026-03-01");
    /// ```
    pub fn backfill(
        &self,
        from: Date,
        to: Date,
        every: Every,
        mut work: impl FnMut(Window) -> Result<C>,
    ) -> Result<Timestamp> {
        let mut progress = self.planned(from, to, every)?;
        let total = Windows::new(progress.from, progress.to, every).count();
        let windows = progress.windows();
        let done = total.saturating_sub(windows.clone().count());
        for (done, window) in (done..).zip(windows) {
            sys::progress(&window.to_string(), count(done), Some(count(total)));
            let checkpoint =
                work(window).map_err(|error| error.context(format_args!("window {window}")))?;
            progress.done = window.to;
            // The order matters: `save_checkpoint` is where a run may be interrupted, and
            // by then the window has to count as complete.
            self.record(&progress)?;
            if !crate::manifest::is_unit::<C>() {
                self.save_checkpoint(&checkpoint)?;
            }
        }
        Ok(midnight(progress.to))
    }

    /// The plan to follow, recorded before its first window.
    fn planned(&self, from: Date, to: Date, every: Every) -> Result<Progress> {
        let recorded: Option<Progress> = self
            .metadata_field(PROGRESS_FIELD)?
            .map(serde_json::from_value)
            .transpose()
            .context("reading `window` of the metadata, where the backfill keeps its progress")?;
        let plan = Progress::plan(recorded.clone(), from, to, every);
        if recorded.as_ref() != Some(&plan) {
            self.record(&plan)?;
        }
        Ok(plan)
    }

    fn record(&self, progress: &Progress) -> Result<()> {
        self.merge_metadata(serde_json::json!({ PROGRESS_FIELD: progress }))
    }
}

pub(crate) fn midnight(day: Date) -> Timestamp {
    // Every civil date has a midnight in UTC, but the very first and last lie outside
    // what a timestamp can hold; they are cut to its range.
    let out_of_range = if day.year() < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    };
    Offset::UTC
        .to_timestamp(day.to_datetime(jiff::civil::Time::midnight()))
        .unwrap_or(out_of_range)
}

/// Windows as a progress bar counts them.
fn count(windows: usize) -> u32 {
    u32::try_from(windows).unwrap_or(u32::MAX)
}
