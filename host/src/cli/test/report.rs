//! What `test` prints: a line a fixture, and for one that failed what differs and where.

use super::compare::{Difference, FieldDifference, ModelDifference};
use super::play::Played;
use super::tape::Unanswered;
use crate::cli::output::{Output, clean, count};
use crate::cli::progress::log_line;
use serde::Serialize;
use serde_json::Value;
use std::path::Path;

/// Records, ids, requests or fields of one kind that are shown; the rest are counted.
const SHOWN: usize = 5;
/// Characters of a value that are shown.
const VALUE_CHARS_MAX: usize = 120;
/// Lines of a run's log that are shown, from the last one back.
const LOG_LINES_SHOWN: usize = 10;

/// A fixture's result as a document.
#[derive(Serialize)]
struct Document<'a> {
    fixture: &'a Path,
    ok: bool,
    runs: &'a [Played],
}

/// Prints what came of a fixture; answers whether all is well.
pub(super) fn fixture(file: &Path, runs: &[Played], output: &Output) -> bool {
    let ok = runs.iter().all(Played::is_ok);
    if output.is_json() {
        output.json(&Document {
            fixture: file,
            ok,
            runs,
        });
        return ok;
    }
    let word = if ok { "ok    " } else { "FAILED" };
    let of = |count_of: fn(&Played) -> u64| count(runs.iter().map(count_of).sum());
    let several = match runs.len() {
        1 => String::new(),
        runs => format!("{runs} runs, "),
    };
    output.data(&format!(
        "{word} {}: {several}{} records saved, {} deleted, {} requests",
        file.display(),
        of(|run| run.saved),
        of(|run| run.deleted),
        of(|run| run.answered)
    ));
    for (at, run) in runs.iter().enumerate() {
        if !run.is_ok() && runs.len() > 1 {
            output.data(&format!("  runs[{at}]"));
        }
        let (shown, more) = first(&run.unanswered);
        let note = if run.is_ok() { "note: " } else { "" };
        shown
            .iter()
            .for_each(|request| unanswered(note, request, output));
        say_more(more, "requests without an answer", 2, output);
        if !run.is_ok() {
            failed(run, output);
        }
        unused(run, output);
    }
    ok
}

fn failed(run: &Played, output: &Output) {
    for difference in &run.differences {
        match difference {
            Difference::Records(model) => records(model, output),
            Difference::Deleted {
                model,
                missing,
                unexpected,
            } => deleted(model, missing, unexpected, output),
            Difference::Checkpoint { fields } => {
                output.data("  the checkpoint differs");
                field_lines(fields, 4, output);
            }
            Difference::Metadata { fields } => {
                output.data("  the metadata differs");
                field_lines(fields, 4, output);
            }
            Difference::Outcome {
                expected,
                got,
                message,
            } => outcome(expected, got, message.as_deref(), output),
        }
    }
    log(run, output);
}

fn unanswered(note: &str, request: &Unanswered, output: &Output) {
    let Unanswered {
        method,
        url,
        nearest,
    } = request;
    output.data(&clean(&format!("  {note}no answer to {method} {url}")));
    let Some(nearest) = nearest else {
        output.data("    the fixture has no exchanges");
        return;
    };
    output.data(&clean(&format!(
        "    the nearest is {} at `{}`",
        nearest.request, nearest.place
    )));
    let none = || "nothing".to_owned();
    for each in &nearest.differs {
        let recorded = each
            .recorded
            .as_ref()
            .map_or_else(none, |it| format!("`{it}`"));
        let asked = each
            .asked
            .as_ref()
            .map_or_else(none, |it| format!("`{it}`"));
        output.data(&clean(&format!(
            "      {}: recorded {recorded}, asked {asked}",
            each.what
        )));
    }
}

fn records(found: &ModelDifference, output: &Output) {
    let counts = [
        (found.missing.len(), "missing"),
        (found.unexpected.len(), "not expected"),
        (found.differing.len(), "different"),
    ];
    let counts = counts.iter().filter(|(count, _)| *count > 0);
    let counts: Vec<_> = counts
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    output.data(&format!("  {}: {}", clean(&found.model), counts.join(", ")));
    for (word, records) in [
        ("missing", &found.missing),
        ("not expected", &found.unexpected),
    ] {
        let (shown, more) = first(records);
        for record in shown {
            output.data(&format!("    {word}: {}", value(record)));
        }
        say_more(more, word, 4, output);
    }
    let (shown, more) = first(&found.differing);
    for record in shown {
        output.data(&format!("    different: `{}`", clean(&record.id)));
        field_lines(&record.fields, 6, output);
    }
    say_more(more, "different", 4, output);
}

fn deleted(model: &str, missing: &[String], unexpected: &[String], output: &Output) {
    let sides = [
        ("not deleted, though expected", missing),
        ("deleted, though not expected", unexpected),
    ];
    for (words, ids) in sides.iter().filter(|(_, ids)| !ids.is_empty()) {
        let (shown, more) = first(ids);
        let more = match more {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let line = format!("  {model}: {words}: {}{more}", shown.join(", "));
        output.data(&clean(&line));
    }
}

fn field_lines(fields: &[FieldDifference], indent: usize, output: &Output) {
    let (shown, more) = first(fields);
    for field in shown {
        let side = |side: &Option<Value>| side.as_ref().map_or("nothing".to_owned(), value);
        let path = match field.path.as_str() {
            "" => "all of it".to_owned(),
            path => clean(path),
        };
        output.data(&format!(
            "{:indent$}{path}: expected {}, got {}",
            "",
            side(&field.expected),
            side(&field.got)
        ));
    }
    say_more(more, "fields", indent, output);
}

fn outcome(expected: &str, got: &str, message: Option<&str>, output: &Output) {
    match (expected, message) {
        (super::own::SUCCESS, Some(message)) => {
            let message = below(&clean(message), 2);
            output.data(&format!("  the run failed: {got}: {message}"));
        }
        _ => output.data(&format!(
            "  the run was to end as {expected}, and ended as {got}"
        )),
    }
}

fn log(run: &Played, output: &Output) {
    let lines: Vec<_> = run
        .log
        .iter()
        .filter(|line| line.exchange.is_none())
        .collect();
    let from = lines.len().saturating_sub(LOG_LINES_SHOWN);
    if lines.is_empty() {
        return;
    }
    output.data("  its log:");
    lines
        .iter()
        .skip(from)
        .for_each(|line| output.data(&format!("    {}", below(&log_line(line), 4))));
}

fn unused(run: &Played, output: &Output) {
    let (shown, more) = first(&run.unused);
    for (place, request) in shown {
        output.data(&clean(&format!(
            "  note: {request} at `{place}` was not asked for"
        )));
    }
    say_more(more, "that were not asked for", 2, output);
}

/// The first few, and how many there are beside them.
fn first<T>(all: &[T]) -> (&[T], usize) {
    let shown = all.get(..SHOWN).unwrap_or(all);
    (shown, all.len() - shown.len())
}

fn say_more(more: usize, what: &str, indent: usize, output: &Output) {
    if more > 0 {
        output.data(&format!("{:indent$}… and {more} more {what}", ""));
    }
}

/// Text whose further lines stand below its first.
fn below(text: &str, indent: usize) -> String {
    text.replace('\n', &format!("\n{:indent$}  ", ""))
}

fn value(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(VALUE_CHARS_MAX) {
        Some((at, _)) => clean(&format!("{}…", text.get(..at).unwrap_or_default())),
        None => clean(&text),
    }
}
