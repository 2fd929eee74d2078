//! Where a generated file's lines come from: a source map of version 3, by which a
//! guest's errors name the author's file and line.
//!
//! It comes with a stranger's component and is never trusted: it is parsed within bounds,
//! and all it can do is to put one place's name where another stood.

mod mappings;
mod text;

pub use text::part_stack;

use crate::limits::{SOURCE_MAP_BYTES_MAX, SOURCE_NAME_BYTES_MAX};
use mappings::Segment;
use serde::Deserialize;
use std::fmt;

/// Positions in one generated file and the places they come from.
#[derive(Clone, Debug)]
pub struct SourceMap {
    /// The generated file, as the guest's errors name it.
    file: String,
    sources: Vec<String>,
    /// In the order of their generated positions.
    segments: Vec<Segment>,
}

/// A place in an author's file. Lines and columns count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place<'a> {
    source: &'a str,
    line: u32,
    column: u32,
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.source, self.line, self.column)
    }
}

/// The members of a map that are read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw {
    version: u32,
    file: String,
    #[serde(default)]
    source_root: Option<String>,
    sources: Vec<Option<String>>,
    mappings: String,
}

impl SourceMap {
    /// The component's custom section that holds the map.
    pub const SECTION: &'static str = "tidegate:source-map";

    /// Reads a map.
    ///
    /// # Errors
    /// What is wrong with it, in words that follow "its source map".
    pub fn parse(json: &[u8]) -> Result<Self, String> {
        if json.len() > SOURCE_MAP_BYTES_MAX {
            let found = json.len();
            return Err(format!("has {found} bytes, limit {SOURCE_MAP_BYTES_MAX}"));
        }
        let raw: Raw =
            serde_json::from_slice(json).map_err(|error| format!("cannot be read: {error}"))?;
        if raw.version != 3 {
            return Err(format!(
                "has version {}; this host reads version 3",
                raw.version
            ));
        }
        let root = raw.source_root.unwrap_or_default();
        let named = raw.sources.into_iter().map(|source| {
            let source = source.unwrap_or_default();
            plain(&match root.as_str() {
                "" => source,
                root => format!("{}/{source}", root.trim_end_matches('/')),
            })
        });
        let sources: Vec<String> = named.collect();
        let long = |name: &String| name.len() > SOURCE_NAME_BYTES_MAX;
        if raw.file.is_empty() || long(&raw.file) || sources.iter().any(long) {
            return Err(format!(
                "names a file with no or more than {SOURCE_NAME_BYTES_MAX} bytes"
            ));
        }
        let count = u32::try_from(sources.len()).unwrap_or(u32::MAX);
        Ok(SourceMap {
            file: raw.file,
            sources,
            segments: mappings::read(&raw.mappings, count)?,
        })
    }

    /// Where a position of the generated file comes from, if it is an author's. Both
    /// count from 1.
    fn place(&self, line: u32, column: u32) -> Option<Place<'_>> {
        let at = (line.checked_sub(1)?, column.checked_sub(1)?);
        let after = self.segments.partition_point(|segment| segment.at <= at);
        let segment = self.segments.get(after.checked_sub(1)?)?;
        let from = segment.from.filter(|_| segment.at.0 == at.0)?;
        Some(Place {
            source: self.sources.get(from.source as usize)?,
            line: from.line.saturating_add(1),
            column: from.column.saturating_add(1),
        })
    }
}

/// A file's name without what could break the line or the JSON text that it is put into.
fn plain(name: &str) -> String {
    let plain = |each: char| match each {
        '"' | '\\' => '_',
        each if each.is_control() => '_',
        each => each,
    };
    name.chars().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Line 1 is the SDK's; line 2 comes from line 1 of `src/a.ts`, and from column 5 on
    /// from line 2, column 3.
    const MAP: &str = r#"{"version":3,"file":"user.js","sources":["src/a.ts"],"names":[],"mappings":"A;AAAA,IACE"}"#;

    #[test]
    fn a_place_is_that_of_the_segment_before_it() {
        let map = SourceMap::parse(MAP.as_bytes()).unwrap();
        let place = |line, column| map.place(line, column).map(|place| place.to_string());
        assert_eq!(place(2, 1).unwrap(), "src/a.ts:1:1");
        assert_eq!(place(2, 4).unwrap(), "src/a.ts:1:1");
        assert_eq!(place(2, 99).unwrap(), "src/a.ts:2:3");
        for (line, column) in [(0, 0), (1, 1), (1, 7), (3, 1), (u32::MAX, u32::MAX)] {
            assert_eq!(place(line, column), None, "{line}:{column}");
        }
    }

    #[test]
    fn a_broken_map_says_what_is_wrong() {
        for (from, to, says) in [
            ("{", "", "cannot be read"),
            ("\"version\":3", "\"version\":2", "version 2"),
            ("user.js", "", "no or more than"),
            ("\"mappings\"", "\"sections\"", "missing field `mappings`"),
            ("AAAA", "AAA!", "`!`"),
            ("AAAA", "AAg", "ends within a number"),
            ("AAAA", "AA", "2 numbers"),
            ("AAAA", "ACAA", "source 1 of 1"),
            ("AAAA", "AADA", "below 0"),
            ("AAAA", "gggggggggA", "too large"),
            (";AAAA,I", ";IAAA,J", "are not in order"),
        ] {
            let broken = MAP.replacen(from, to, 1);
            let error = SourceMap::parse(broken.as_bytes()).unwrap_err();
            assert!(error.contains(says), "{broken}: {error}");
        }
        let long = MAP.replace("src/a.ts", &"a".repeat(SOURCE_NAME_BYTES_MAX + 1));
        assert!(SourceMap::parse(long.as_bytes()).is_err());
        let large = format!("{MAP}{}", " ".repeat(SOURCE_MAP_BYTES_MAX));
        let error = SourceMap::parse(large.as_bytes()).unwrap_err();
        assert!(error.contains("limit"), "{error}");
    }

    #[test]
    fn names_are_made_plain_and_stand_under_the_root() {
        let odd = MAP
            .replace("src/a.ts", r#"a\u001b\"b\\.ts"#)
            .replace("\"names\"", "\"sourceRoot\":\"lib/\",\"names\"");
        let map = SourceMap::parse(odd.as_bytes()).unwrap();
        assert_eq!(map.place(2, 1).unwrap().source, "lib/a__b_.ts");
    }
}
