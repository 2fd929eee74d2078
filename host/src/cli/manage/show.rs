//! Answers of a host, as commands print them: as they are with `--json`, else as a table
//! or as lines.

use super::remote::Remote;
use crate::cli::output::{Output, clean};
use crate::error::Result;
use clap::Args;
use serde_json::Value;

/// Entries that a host is asked for at once; its own most.
const PAGE: usize = 1_000;

/// How much of a list is wanted.
#[derive(Args, Clone, Debug)]
pub(in crate::cli) struct PageArgs {
    /// Entries to list at most
    #[arg(long, default_value_t = 100)]
    limit: usize,
    /// Only what comes after this entry, as the list before said
    #[arg(long, value_name = "ENTRY")]
    after: Option<String>,
    /// Every entry there is
    #[arg(long, conflicts_with = "limit")]
    all: bool,
}

impl PageArgs {
    /// A first page.
    pub(in crate::cli) fn of(limit: usize) -> Self {
        PageArgs {
            limit,
            after: None,
            all: false,
        }
    }

    /// The entries under `list` of a route that pages, as one answer. `path` has a query
    /// already; `key` is what the route calls the place to go on from.
    pub(in crate::cli) fn read(
        &self,
        remote: &Remote,
        path: &str,
        list: &str,
        key: &str,
    ) -> Result<Value> {
        let mut left = if self.all { usize::MAX } else { self.limit };
        let (mut entries, mut after) = (Vec::new(), self.after.clone());
        loop {
            let mut path = format!("{path}&limit={}", left.clamp(1, PAGE));
            if let Some(after) = &after {
                path += &format!("&{key}={}", super::remote::encoded(after));
            }
            let mut answer = remote.get(&path)?;
            let found = answer[list].as_array_mut().map(std::mem::take);
            let found = found.unwrap_or_default();
            left = left.saturating_sub(found.len());
            entries.extend(found);
            after = answer["next"].as_str().map(str::to_owned);
            if after.is_none() || left == 0 {
                return Ok(serde_json::json!({ list: entries, "next": after }));
            }
        }
    }
}

/// Shows a list: the answer with `--json`, else the rows under `list` as a table.
pub(in crate::cli) fn list(answer: &Value, list: &str, columns: &[&str], output: &Output) {
    if output.is_json() {
        return output.json(answer);
    }
    let rows = answer[list].as_array().map(Vec::as_slice);
    let rows = rows.unwrap_or_default();
    if rows.is_empty() {
        return output.say("there is none");
    }
    let cells = |row: &Value| columns.iter().map(|path| cell(row, path)).collect();
    let rows = rows.iter().map(cells).collect();
    output.data(&output.table(columns, rows, &[]));
    if let Some(next) = answer["next"].as_str() {
        output.say(&format!("more with --after {next}"));
    }
}

/// Shows one thing: the answer with `--json`, else its fields, one a line.
pub(in crate::cli) fn one(answer: &Value, output: &Output) {
    if output.is_json() {
        return output.json(answer);
    }
    let mut lines = Vec::new();
    fields(answer, "", &mut lines);
    lines.iter().for_each(|line| output.data(line));
}

/// The fields of an object as lines, those of inner objects by their path.
fn fields(value: &Value, front: &str, lines: &mut Vec<String>) {
    for (name, value) in value.as_object().into_iter().flatten() {
        let name = format!("{front}{name}");
        match value {
            Value::Object(inner) if !inner.is_empty() => {
                fields(value, &format!("{name}."), lines);
            }
            _ => lines.push(format!("{}: {}", clean(&name), clean(&plain(value)))),
        }
    }
}

/// A field of a row by its path, such as `resources.runs`.
fn cell(row: &Value, path: &str) -> String {
    plain(path.split('.').fold(row, |value, name| &value[name]))
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(parts) if parts.iter().all(Value::is_string) => {
            let parts: Vec<&str> = parts.iter().filter_map(Value::as_str).collect();
            parts.join(", ")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_are_lines_and_those_inside_have_their_path() {
        let mut lines = Vec::new();
        let answer = json!({
            "plan": { "sync": "users", "changes": ["a", "b"], "empty": {}, "rows": [1] },
            "evil\u{1b}": "\u{1b}[31m", "none": null,
        });
        fields(&answer, "", &mut lines);
        assert_eq!(
            lines,
            [
                "plan.sync: users",
                "plan.changes: a, b",
                "plan.empty: {}",
                "plan.rows: [1]",
                "evil\\u{1b}: \\u{1b}[31m",
                "none: ",
            ]
        );
        assert_eq!(cell(&answer, "plan.sync"), "users");
        assert_eq!(cell(&answer, "plan.sync.more"), "");
    }
}
