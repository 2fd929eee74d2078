//! Records from an NDJSON file, plain or gzip, or from lines given by a test.
//!
//! The lines are held as they are and served byte for byte; only a record that was
//! changed or added is parsed and written anew.

use super::base::Base;
use super::table::Table;
use crate::dates;
use anyhow::{Context, Result, bail};
use flate2::read::MultiGzDecoder;
use serde_json::Value;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::ops::Range;
use std::path::PathBuf;

/// What a gzip file begins with.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// A data set out of lines of JSON objects, which is held in memory.
#[derive(Clone, Debug)]
pub struct Records {
    source: Source,
    id_at: String,
    date_at: Option<String>,
    held_back: u64,
}

#[derive(Clone, Debug)]
enum Source {
    File(PathBuf),
    Lines(Vec<u8>),
}

impl Records {
    /// The records of an NDJSON file, gzip or not. It is read when the provider starts.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::new(Source::File(path.into()))
    }

    /// The records of these lines.
    pub fn lines<L: AsRef<str>>(lines: impl IntoIterator<Item = L>) -> Self {
        let mut text = Vec::new();
        for line in lines {
            text.extend_from_slice(line.as_ref().as_bytes());
            text.push(b'\n');
        }
        Self::new(Source::Lines(text))
    }

    fn new(source: Source) -> Self {
        Records {
            source,
            id_at: "/id".to_owned(),
            date_at: None,
            held_back: 0,
        }
    }

    /// Where a record's id is, as a JSON pointer; `/id` without.
    pub fn id_at(mut self, pointer: &str) -> Self {
        self.id_at = pointer.to_owned();
        self
    }

    /// Where a record's date is, as a JSON pointer to an RFC 3339 text. The set is sorted
    /// by it. Without, records have the order of their lines and the date filters find
    /// them at as many seconds after 1970.
    pub fn date_at(mut self, pointer: &str) -> Self {
        self.date_at = Some(pointer.to_owned());
        self
    }

    /// Hides the newest `count` records until [`Set::release`](crate::Set::release).
    pub fn hold_back(mut self, count: u64) -> Self {
        self.held_back = count;
        self
    }

    /// Reads the lines. Fails if the file cannot be read, and on a line that is no JSON
    /// or lacks its id or date.
    pub(crate) fn load(self) -> Result<Table> {
        let (name, text) = match self.source {
            Source::Lines(text) => ("the given lines".to_owned(), text),
            Source::File(path) => {
                let text = read(&path).with_context(|| format!("reading {}", path.display()))?;
                (path.display().to_string(), text)
            }
        };
        let mut lines = Vec::new();
        for (index, span) in spans(&text).enumerate() {
            let line = text.get(span.clone()).unwrap_or_default();
            let at = check(line, &self.id_at, self.date_at.as_deref(), index)
                .with_context(|| format!("line {} of {name}", index + 1))?;
            lines.push(Line { span, at });
        }
        // A file that begins with the newest keeps its own order among equal dates.
        if lines.first().map(|line| line.at) > lines.last().map(|line| line.at) {
            lines.reverse();
        }
        lines.sort_by_key(|line| line.at);
        let base = Lines {
            text,
            lines,
            id_at: self.id_at,
            date_at: self.date_at,
        };
        Ok(Table::new(Box::new(base), self.held_back))
    }
}

struct Line {
    span: Range<usize>,
    at: i64,
}

struct Lines {
    text: Vec<u8>,
    lines: Vec<Line>,
    id_at: String,
    date_at: Option<String>,
}

impl Lines {
    fn raw(&self, n: u64) -> &[u8] {
        let line = self.lines.get(n as usize);
        line.and_then(|line| self.text.get(line.span.clone()))
            .unwrap_or(b"{}")
    }

    /// A record that is in no line is a copy of one that is, under an id of its own.
    fn parsed(&self, n: u64) -> Value {
        let len = self.len();
        let mut record: Value = serde_json::from_slice(self.raw(n.checked_rem(len).unwrap_or(0)))
            .unwrap_or(Value::Null);
        if n >= len {
            set(&mut record, &self.id_at, format!("{n:040x}").into());
        }
        record
    }
}

impl Base for Lines {
    fn len(&self) -> u64 {
        self.lines.len() as u64
    }

    fn at(&self, n: u64) -> i64 {
        self.lines.get(n as usize).map_or(0, |line| line.at)
    }

    fn id(&self, n: u64) -> String {
        match self.parsed(n).pointer(&self.id_at) {
            Some(Value::String(id)) => id.clone(),
            Some(id) => id.to_string(),
            None => String::new(),
        }
    }

    fn write(&self, n: u64, version: u32, at: i64, out: &mut Vec<u8>) {
        if n < self.len() && version == 0 && at == self.at(n) {
            return out.extend_from_slice(self.raw(n));
        }
        let mut record = self.parsed(n);
        if let Some(pointer) = &self.date_at {
            set(&mut record, pointer, dates::text(at).into());
        }
        if version > 0
            && let Value::Object(fields) = &mut record
        {
            fields.insert("revision".to_owned(), version.into());
        }
        out.extend_from_slice(record.to_string().as_bytes());
    }
}

fn set(record: &mut Value, pointer: &str, value: Value) {
    if let Some(place) = record.pointer_mut(pointer) {
        *place = value;
    }
}

fn read(path: &std::path::Path) -> Result<Vec<u8>> {
    let mut file = BufReader::new(File::open(path)?);
    let mut text = Vec::new();
    if file.fill_buf()?.starts_with(&GZIP_MAGIC) {
        MultiGzDecoder::new(file).read_to_end(&mut text)?;
    } else {
        file.read_to_end(&mut text)?;
    }
    Ok(text)
}

/// Where the lines are that hold something.
fn spans(text: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    text.split(|byte| *byte == b'\n')
        .map(move |line| {
            let span = start..start + line.len();
            start = span.end + 1;
            (span, line)
        })
        .filter(|(_, line)| !line.trim_ascii().is_empty())
        .map(|(span, _)| span)
}

/// The date of a line, once it is known to be usable.
fn check(line: &[u8], id_at: &str, date_at: Option<&str>, index: usize) -> Result<i64> {
    let record: Value = serde_json::from_slice(line)?;
    if !matches!(
        record.pointer(id_at),
        Some(Value::String(_) | Value::Number(_))
    ) {
        bail!("no id at `{id_at}`: name the place of the id, such as `/sha`");
    }
    let Some(pointer) = date_at else {
        return Ok(index as i64);
    };
    match record.pointer(pointer) {
        Some(Value::String(date)) => Ok(dates::parse(date)?.seconds),
        _ => bail!("no date at `{pointer}`: name the place of the date, such as `/updated_at`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_sorted_by_date_and_served_as_they_are() {
        let lines = [
            r#"{"k":"c", "t":"2024-01-03"}"#,
            "",
            r#"{"k":"b","t":"2024-01-02T00:00:00Z"}"#,
            r#"{"k":"a","t":"2024-01-02"}"#,
        ];
        let table = Records::lines(lines)
            .id_at("/k")
            .date_at("/t")
            .load()
            .unwrap();
        let rows: Vec<String> = (0..table.len()).map(|rank| table.json(rank)).collect();
        assert_eq!(rows, [lines[3], lines[2], lines[0]]);
        assert_eq!(table.id(2), "c");
    }

    #[test]
    fn changed_and_added_records_are_written_anew() {
        let lines = [r#"{"id":1,"t":"2024-01-02T00:00:00Z"}"#];
        let mut table = Records::lines(lines).date_at("/t").load().unwrap();
        table.change([0], 1);
        assert_eq!(
            table.json(0),
            r#"{"id":1,"t":"2024-01-02T00:01:00Z","revision":1}"#
        );
        let added = table.add(1).start;
        assert_eq!(table.id(added).len(), 40);
        assert_eq!(table.entry(1).unwrap().n, added);
    }

    #[test]
    fn an_unusable_line_is_named() {
        let rows = [
            ("{", "line 1 of the given lines"),
            (r#"{"t":"2024-01-01"}"#, "no id at `/id`"),
            (r#"{"id":"a"}"#, "no date at `/t`"),
            (r#"{"id":"a","t":"soon"}"#, "`soon` is no date"),
        ];
        for (line, message) in rows {
            let failed = Records::lines([line]).date_at("/t").load().err().unwrap();
            assert!(format!("{failed:#}").contains(message), "{failed:#}");
        }
        let failed = Records::file("no/such/file").load().err().unwrap();
        assert!(format!("{failed:#}").contains("no/such/file"));
    }
}
