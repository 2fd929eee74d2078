//! `log`: the guest's lines in the run's log, cut to size.

use super::Context;
use super::bindings::tidegate::sync::log as wit;
use crate::limits::{LOG_BYTES_MAX, LOG_LINE_BYTES_MAX};
use crate::model::{LogLevel, LogLine};
use jiff::Timestamp;
use serde_json::json;

/// Log lines that were not written to the store yet.
#[derive(Debug, Default)]
pub(crate) struct LogBuffer {
    lines: Vec<LogLine>,
    /// Bytes of the whole run's log.
    bytes: usize,
    closed: bool,
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
            if let Some(line) = context
                .log
                .add(context.clock.now(), level, &message, &attributes)
            {
                context.observer.logged(&line);
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
