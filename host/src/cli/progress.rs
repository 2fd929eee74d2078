//! What is seen of a run while it goes.

use super::output::{Output, clean, count};
use crate::capability::Observer;
use crate::model::{LogLevel, LogLine, ModelName, SaveSummary};
use indicatif::{ProgressBar, ProgressStyle};
use std::sync::Mutex;
use std::time::Duration;

/// How often the bar is drawn anew.
const REDRAW: Duration = Duration::from_millis(100);

/// A bar on stderr with the counts of records, and the guest's log above it.
pub(super) struct Bar {
    bar: ProgressBar,
    seen: Mutex<Seen>,
    logs: bool,
}

#[derive(Default)]
struct Seen {
    total: SaveSummary,
    words: String,
}

impl Bar {
    /// A bar, or nothing to see where stderr is no terminal. `logs` shows the guest's
    /// lines too, unless only data is wanted.
    pub(super) fn new(output: &Output, logs: bool) -> Self {
        let bar = if output.is_live() {
            ProgressBar::new_spinner()
        } else {
            ProgressBar::hidden()
        };
        if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed_precise} {msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(REDRAW);
        Bar {
            bar,
            seen: Mutex::default(),
            logs: logs && !output.is_quiet(),
        }
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn redraw(&self, change: impl FnOnce(&mut Seen)) {
        let mut seen = self
            .seen
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        change(&mut seen);
        let SaveSummary {
            added,
            updated,
            unchanged,
        } = seen.total;
        let [added, updated, unchanged] =
            [added, updated, unchanged].map(|each| count(each.into()));
        self.bar.set_message(format!(
            "{added} added, {updated} updated, {unchanged} unchanged  {}",
            seen.words
        ));
    }
}

impl Observer for Bar {
    fn progress(&self, message: &str, done: u32, total: Option<u32>) {
        let of = total.map_or_else(String::new, |total| format!(" of {total}"));
        self.redraw(|seen| seen.words = format!("{} {done}{of}", clean(message)));
    }

    fn saved(&self, _: &ModelName, summary: SaveSummary) {
        self.redraw(|seen| {
            seen.total.added = seen.total.added.saturating_add(summary.added);
            seen.total.updated = seen.total.updated.saturating_add(summary.updated);
            seen.total.unchanged = seen.total.unchanged.saturating_add(summary.unchanged);
        });
    }

    fn logged(&self, line: &LogLine) {
        if self.logs {
            let text = log_line(line);
            self.bar.suspend(|| eprintln!("{text}"));
        }
    }
}

/// A log line for people.
pub(super) fn log_line(line: &LogLine) -> String {
    let level = match line.level {
        LogLevel::Debug => "debug",
        LogLevel::Info => "info",
        LogLevel::Warn => "warn",
        LogLevel::Error => "error",
    };
    let at = line.at.strftime("%H:%M:%S%.3f");
    let attributes = if line.attributes.is_empty() {
        String::new()
    } else {
        format!(" {}", clean(&line.attributes))
    };
    format!("{at} {level:5} {}{attributes}", clean(&line.message))
}
