//! Putting an author's places into what a guest said: messages, stacks, log lines.

use super::{Place, SourceMap};
use crate::limits::SOURCE_PLACES_MAX;
use std::borrow::Cow;

/// What the line of a stack begins with, after its indent.
const FRAME: &str = "at ";

impl SourceMap {
    /// `text` with each position of the generated file (`FILE:LINE:COLUMN`) replaced by
    /// the author's place that it comes from.
    ///
    /// Where a stack names an author's place, its frames that are of none go: they are the
    /// SDK's and its libraries', in lines that nobody can look at. A stack without any is
    /// left as it is.
    pub fn translate<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if !text.contains(&self.file) {
            return Cow::Borrowed(text);
        }
        let mut places = 0;
        let lines: Vec<Line<'_>> = text
            .split('\n')
            .map(|line| self.line(line, &mut places))
            .collect();
        if places == 0 {
            return Cow::Borrowed(text);
        }
        let kept = lines.iter().filter(|line| !line.foreign_frame);
        let kept: Vec<&str> = kept.map(|line| &*line.text).collect();
        Cow::Owned(kept.join("\n"))
    }

    /// One line, with its positions replaced; `places` counts them.
    fn line<'t>(&self, line: &'t str, places: &mut usize) -> Line<'t> {
        let is_frame = line.trim_start().starts_with(FRAME);
        let (mut text, mut done, mut is_named) = (String::new(), 0, false);
        for (at, _) in line.match_indices(&self.file) {
            if at < done {
                continue;
            }
            is_named = true;
            let after = line.get(at + self.file.len()..).unwrap_or_default();
            // A text of millions of positions would grow without bound.
            if *places >= SOURCE_PLACES_MAX {
                break;
            }
            if let Some((place, length)) = self.position(after) {
                text += line.get(done..at).unwrap_or_default();
                text += &place.to_string();
                done = at + self.file.len() + length;
                *places += 1;
            }
        }
        let foreign_frame = is_frame && is_named && done == 0;
        if done == 0 {
            return Line {
                text: Cow::Borrowed(line),
                foreign_frame,
            };
        }
        text += line.get(done..).unwrap_or_default();
        Line {
            text: Cow::Owned(text),
            foreign_frame,
        }
    }

    /// The author's place for a `:LINE:COLUMN` at the start of `text`, and the length of
    /// that.
    fn position(&self, text: &str) -> Option<(Place<'_>, usize)> {
        let (line, rest) = number(text)?;
        let (column, rest) = number(rest)?;
        Some((self.place(line, column)?, text.len() - rest.len()))
    }
}

/// One line of a text that was gone through.
struct Line<'t> {
    text: Cow<'t, str>,
    /// Whether it is the frame of a stack that is no author's.
    foreign_frame: bool,
}

/// The number after a colon at the start of `text`, and what follows.
fn number(text: &str) -> Option<(u32, &str)> {
    let text = text.strip_prefix(':')?;
    let end = text
        .find(|each: char| !each.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, rest) = text.split_at_checked(end)?;
    Some((digits.parse().ok()?, rest))
}

/// An error's message parted into what it says and the frames of its stack, innermost
/// first and without their `at`.
pub fn part_stack(message: &str) -> (&str, Vec<&str>) {
    let frame = |line: &'_ str| line.trim_start().starts_with(FRAME);
    let first = message
        .match_indices('\n')
        .find(|(at, _)| message.get(at + 1..).is_some_and(frame));
    let Some((at, _)) = first else {
        return (message, Vec::new());
    };
    let (said, stack) = message.split_at(at);
    let frames = stack
        .lines()
        .filter_map(|line| line.trim().strip_prefix(FRAME));
    (said, frames.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map() -> SourceMap {
        let json =
            r#"{"version":3,"file":"q:user.js","sources":["src/a.ts"],"mappings":";;AAAA,KACE"}"#;
        SourceMap::parse(json.as_bytes()).unwrap()
    }

    #[test]
    fn positions_become_the_authors_and_foreign_frames_go() {
        for (said, reads) in [
            ("nothing of it", "nothing of it"),
            ("q:user.js:3:1", "src/a.ts:1:1"),
            (
                "TypeError: x\n    at exec (q:user.js:3:7)\n    at call (native)\n    at run (q:user.js:9:1)\n",
                "TypeError: x\n    at exec (src/a.ts:2:3)\n    at call (native)\n",
            ),
            // Without an author's frame nothing is known better than what was said.
            (
                "TypeError: x\n    at run (q:user.js:9:1)",
                "TypeError: x\n    at run (q:user.js:9:1)",
            ),
            (
                "q:user.js:3:6 and q:user.js:3:2, not q:user.js:3 or q:user.js:x:1",
                "src/a.ts:2:3 and src/a.ts:1:1, not q:user.js:3 or q:user.js:x:1",
            ),
            // In JSON text the breaks of lines are escaped.
            (
                r#"{"stack":"at f (q:user.js:3:1)\n at g (q:user.js:9:1)"}"#,
                r#"{"stack":"at f (src/a.ts:1:1)\n at g (q:user.js:9:1)"}"#,
            ),
            ("q:user.js:99999999999:1", "q:user.js:99999999999:1"),
        ] {
            assert_eq!(map().translate(said), reads);
        }
    }

    #[test]
    fn a_text_of_nothing_but_positions_does_not_grow_without_bound() {
        let said = "q:user.js:3:1 ".repeat(SOURCE_PLACES_MAX + 5);
        let reads = map().translate(&said).into_owned();
        assert_eq!(reads.matches("src/a.ts:1:1").count(), SOURCE_PLACES_MAX);
        assert_eq!(reads.matches("q:user.js:3:1").count(), 5);
    }

    #[test]
    fn a_stack_is_parted_from_what_was_said() {
        for (message, said, frames) in [
            ("no stack", "no stack", &[][..]),
            (
                "Error: two\nlines\n    at f (a.ts:1:2)\n    at g (b.ts:3:4)\n",
                "Error: two\nlines",
                &["f (a.ts:1:2)", "g (b.ts:3:4)"],
            ),
        ] {
            assert_eq!(part_stack(message), (said, frames.to_vec()));
        }
    }
}
