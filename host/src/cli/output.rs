//! What the CLI prints: data to stdout, words to stderr, an error with its hint.
//! Readable without colour; control characters of guests never reach the terminal.

use crate::error::Error;
use clap::Args;
use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{CellAlignment, ContentArrangement, Table};
use serde::Serialize;
use std::io::{IsTerminal, Write};

/// Where the flags of every command stand in the help.
const HEADING: &str = "Output";
/// Bytes from which a size is told in GiB.
const IN_GIB_BYTES: u64 = 10 * crate::limits::GIB;

/// Flags of every command.
#[derive(Args, Clone, Debug)]
pub(super) struct OutputArgs {
    /// Print data as JSON, one document a line
    #[arg(long, global = true, help_heading = HEADING)]
    json: bool,
    /// Print nothing but data and errors
    #[arg(long, short, global = true, help_heading = HEADING)]
    quiet: bool,
}

/// Where a command prints.
#[derive(Clone, Debug)]
pub(super) struct Output {
    json: bool,
    quiet: bool,
    colour: bool,
    words: Words,
}

/// Where the words for people go.
#[derive(Clone, Copy, Debug)]
enum Words {
    Stderr,
    Stdout,
}

impl Output {
    pub(super) fn new(args: OutputArgs) -> Self {
        let colour = std::env::var_os("NO_COLOR").is_none() && std::io::stderr().is_terminal();
        Output {
            json: args.json,
            quiet: args.quiet,
            colour,
            words: Words::Stderr,
        }
    }

    /// The same with its words on stdout, for a command whose data are words.
    pub(super) fn to_stdout(&self) -> Self {
        let colour = self.colour && std::io::stdout().is_terminal();
        Output {
            colour,
            words: Words::Stdout,
            ..self.clone()
        }
    }

    /// Whether data is wanted as JSON.
    pub(super) fn is_json(&self) -> bool {
        self.json
    }

    /// Whether nothing but data and errors is wanted.
    pub(super) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Whether a progress bar is of use.
    pub(super) fn is_live(&self) -> bool {
        !self.json && !self.quiet && std::io::stderr().is_terminal()
    }

    /// One line of data. A reader that went away (`| head`) is no error.
    pub(super) fn data(&self, line: &str) {
        let _ = self.try_data(line);
    }

    /// The same; false where nobody reads any more.
    pub(super) fn try_data(&self, line: &str) -> bool {
        writeln!(std::io::stdout().lock(), "{line}").is_ok()
    }

    /// A document of data as one line of JSON.
    pub(super) fn json(&self, document: &impl Serialize) {
        match serde_json::to_string(document) {
            Ok(line) => self.data(&line),
            Err(error) => tracing::error!(%error, "a document could not be rendered"),
        }
    }

    /// Words for people.
    pub(super) fn say(&self, words: &str) {
        match self.words {
            Words::Stdout => self.data(words),
            Words::Stderr if self.quiet || self.json => {}
            Words::Stderr => eprintln!("{words}"),
        }
    }

    /// A heading.
    pub(super) fn heading(&self, words: &str) {
        match self.colour {
            true => self.say(&format!("\n\x1b[1m{words}\x1b[0m")),
            false => self.say(&format!("\n{words}")),
        }
    }

    /// An error: what and where, then what to do.
    pub(super) fn error(&self, error: &Error) {
        if self.json {
            let code = error.code;
            self.json(&serde_json::json!({
                "error": { "code": code, "message": error.message, "blame": code.blame(), "advice": code.advice() }
            }));
            return;
        }
        let (on, off) = if self.colour {
            ("\x1b[31m", "\x1b[0m")
        } else {
            ("", "")
        };
        eprintln!("{on}error{off}[{}]: {}", error.code, clean(&error.message));
        eprintln!("\nhint: {}", error.code.advice());
    }

    /// A table of `rows` under `head`; the columns in `right` are numbers.
    pub(super) fn table(&self, head: &[&str], rows: Vec<Vec<String>>, right: &[usize]) -> String {
        let mut table = Table::new();
        table
            .load_preset(UTF8_HORIZONTAL_ONLY)
            .set_content_arrangement(ContentArrangement::Dynamic);
        table.set_header(head);
        for row in rows {
            table.add_row(row.iter().map(|cell| clean(cell)));
        }
        for column in right {
            if let Some(column) = table.column_mut(*column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table.to_string()
    }
}

/// `text` with its control characters escaped, so that a guest's words cannot steer the
/// terminal. Line breaks and tabs stay.
pub(super) fn clean(text: &str) -> String {
    text.chars()
        .fold(String::with_capacity(text.len()), |mut out, each| {
            match each {
                '\n' | '\t' => out.push(each),
                each if each.is_control() => out.extend(each.escape_default()),
                each => out.push(each),
            }
            out
        })
}

/// A number with its thousands set apart.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Bytes as MiB with one digit.
pub(super) fn mib(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / crate::limits::MIB as f64)
}

/// Bytes of a disk or a machine, in MiB or GiB.
pub(super) fn size(bytes: u64) -> String {
    match bytes {
        IN_GIB_BYTES.. => format!("{:.1} GiB", bytes as f64 / crate::limits::GIB as f64),
        _ => mib(bytes),
    }
}

/// A time in microseconds, in the unit that suits it.
pub(super) fn duration(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..1_000_000 => format!("{:.1} ms", us as f64 / 1e3),
        _ => format!("{:.2} s", us as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_numbers() {
        assert_eq!(clean("a\x1b[31mb\tc\n"), "a\\u{1b}[31mb\tc\n");
        assert_eq!(
            [0, 999, 1_000, 17_080, 1_234_567].map(count),
            ["0", "999", "1,000", "17,080", "1,234,567"]
        );
        assert_eq!([3 << 29, 25 << 30].map(size), ["1536.0 MiB", "25.0 GiB"]);
        assert_eq!(
            [7, 1_500, 2_000_000].map(duration),
            ["7 µs", "1.5 ms", "2.00 s"]
        );
    }
}
