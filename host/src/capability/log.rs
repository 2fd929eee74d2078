//! `log`: the guest's lines in the run's log, cut to size, and between them the host's own:
//! one for each HTTP exchange, within a budget that no guest's line takes from.

use super::Context;
use super::bindings::tidegate::sync::log as wit;
use crate::limits::{
    EXCHANGES_LOGGED_MAX, FAILED_EXCHANGES_LOGGED_MAX, LOG_BYTES_MAX, LOG_LINE_BYTES_MAX,
};
use crate::model::{HttpExchange, LogLevel, LogLine};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

/// Exchanges alone that wait to be written before a checkpoint writes them too: a sync
/// that saves one with each page does not pay a write of its log for each. A host that is
/// killed loses what waits.
const EXCHANGES_WAITING_MAX: usize = 50;

/// How long a line may wait before the next save or exchange writes it: who follows a run
/// sees it move, and a run of milliseconds writes its log once, with its end.
const LINE_WAIT_MAX: SignedDuration = SignedDuration::from_secs(2);

/// Log lines that were not written to the store yet.
#[derive(Debug, Default)]
pub(crate) struct LogBuffer {
    lines: Vec<LogLine>,
    /// Bytes of the whole run's log.
    bytes: usize,
    closed: bool,
    /// Exchanges of the whole run that have a line, those beyond the first that have one
    /// because they failed, and those that have none.
    exchanges: usize,
    failed_beyond: usize,
    left_out: u64,
}

impl LogBuffer {
    /// Adds a line, cut to the limit; none when the log is full.
    pub(super) fn add(
        &mut self,
        at: Timestamp,
        level: LogLevel,
        message: &str,
        attributes: &str,
    ) -> Option<LogLine> {
        if self.closed {
            return None;
        }
        let message = cut(message);
        let attributes = if is_object(attributes) {
            attributes.to_owned()
        } else {
            String::new()
        };
        let mut line = LogLine {
            at,
            level,
            message,
            attributes,
            exchange: None,
        };
        self.bytes += line.message.len() + line.attributes.len();
        if self.bytes > LOG_BYTES_MAX {
            self.closed = true;
            line.level = LogLevel::Warn;
            line.message =
                format!("the log ends here: it reached its limit of {LOG_BYTES_MAX} bytes");
            line.attributes = String::new();
        }
        self.lines.push(line.clone());
        Some(line)
    }

    /// Adds a line for an exchange, unless there were too many.
    pub(super) fn exchanged(&mut self, at: Timestamp, exchange: HttpExchange) {
        let failed = exchange.failed();
        if self.exchanges < EXCHANGES_LOGGED_MAX {
            self.exchanges += 1;
        } else if failed && self.failed_beyond < FAILED_EXCHANGES_LOGGED_MAX {
            self.failed_beyond += 1;
        } else {
            self.left_out += 1;
            return;
        }
        self.lines.push(LogLine {
            at,
            level: if failed {
                LogLevel::Info
            } else {
                LogLevel::Debug
            },
            message: exchange.to_string(),
            attributes: String::new(),
            exchange: Some(Box::new(exchange)),
        });
    }

    /// Says how many exchanges have no line, at the end of the run.
    pub(super) fn close(&mut self, at: Timestamp) {
        let left_out = std::mem::take(&mut self.left_out);
        if left_out > 0 {
            self.lines.push(LogLine {
                at,
                level: LogLevel::Info,
                message: format!(
                    "{left_out} more HTTP exchanges are left out of this log, which keeps the first {EXCHANGES_LOGGED_MAX} and then {FAILED_EXCHANGES_LOGGED_MAX} that failed"
                ),
                attributes: String::new(),
                exchange: None,
            });
        }
    }

    /// Whether a line waits for longer than it may.
    pub(super) fn is_late(&self, now: Timestamp) -> bool {
        let first = self.lines.first();
        first.is_some_and(|line| now.duration_since(line.at) >= LINE_WAIT_MAX)
    }

    /// Whether there is something that a checkpoint should write.
    pub(super) fn is_due(&self) -> bool {
        let of_guest = |line: &LogLine| line.exchange.is_none();
        self.lines.len() >= EXCHANGES_WAITING_MAX || self.lines.iter().any(of_guest)
    }

    pub(super) fn take(&mut self) -> Vec<LogLine> {
        std::mem::take(&mut self.lines)
    }
}

/// `text`, cut to the limit of a line and marked where it was.
fn cut(text: &str) -> String {
    if text.len() <= LOG_LINE_BYTES_MAX {
        return text.to_owned();
    }
    let kept = text
        .get(..text.floor_char_boundary(LOG_LINE_BYTES_MAX))
        .unwrap_or_default();
    format!("{kept}… (cut: {} bytes)", text.len())
}

fn is_object(json: &str) -> bool {
    json.len() <= LOG_LINE_BYTES_MAX && serde_json::from_str::<serde_json::Map<_, _>>(json).is_ok()
}

impl wit::Host for Context {
    fn emit(
        &mut self,
        level: wit::Level,
        message: String,
        attributes: String,
    ) -> wasmtime::Result<()> {
        let arguments = || json!({ "message": message, "attributes": attributes });
        self.through_infallible("log.emit", arguments, |context| {
            let level = match level {
                wit::Level::Debug => LogLevel::Debug,
                wit::Level::Info => LogLevel::Info,
                wit::Level::Warn => LogLevel::Warn,
                wit::Level::Error => LogLevel::Error,
            };
            context.log_line(level, &message, &attributes);
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exchanges_over_the_budget_are_counted_and_failures_still_shown() {
        let mut log = LogBuffer::default();
        let exchange = |status| HttpExchange {
            began: Timestamp::UNIX_EPOCH,
            method: "GET".into(),
            url: "https://a.test/".into(),
            status: Some(status),
            error: None,
            duration_ms: 1,
            request_bytes: 0,
            response_bytes: 0,
            attempt: 1,
            waited_ms: 0,
        };
        for status in [200, 500, 200] {
            for _ in 0..EXCHANGES_LOGGED_MAX {
                log.exchanged(Timestamp::UNIX_EPOCH, exchange(status));
            }
        }
        assert!(log.is_due());
        log.close(Timestamp::UNIX_EPOCH);
        log.close(Timestamp::UNIX_EPOCH);
        let lines = log.take();
        let kept = EXCHANGES_LOGGED_MAX + FAILED_EXCHANGES_LOGGED_MAX;
        assert_eq!(lines.len(), kept + 1);
        let shown = lines.iter().filter(|line| line.exchange.is_some()).count();
        assert_eq!(shown, kept);
        log.lines = lines[..EXCHANGES_WAITING_MAX - 1].to_vec();
        assert!(!log.is_due(), "a few exchanges wait");
        let left_out = 3 * EXCHANGES_LOGGED_MAX - kept;
        let last = &lines[kept].message;
        assert!(last.starts_with(&format!("{left_out} more HTTP")), "{last}");
    }

    #[test]
    fn a_long_line_is_cut_at_a_character_and_a_full_log_says_so_once() {
        let mut log = LogBuffer::default();
        let line = log
            .add(
                Timestamp::UNIX_EPOCH,
                LogLevel::Info,
                &"ä".repeat(LOG_LINE_BYTES_MAX),
                "[]",
            )
            .unwrap();
        assert!(line.message.contains("… (cut: 16384 bytes)") && line.attributes.is_empty());
        while log
            .add(
                Timestamp::UNIX_EPOCH,
                LogLevel::Info,
                &"x".repeat(LOG_LINE_BYTES_MAX),
                "{}",
            )
            .is_some()
        {}
        let lines = log.take();
        assert_eq!(
            lines
                .iter()
                .filter(|line| line.message.contains("the log ends here"))
                .count(),
            1
        );
    }
}
