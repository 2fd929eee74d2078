//! The walk over one JSON object: grammar and limits are checked and the canonical form
//! is written, in one pass and without allocating (the scratch buffers are reused).
//!
//! Invariant: the source is UTF-8 when the walk begins. Offsets in faults count bytes
//! from the start of the source, which is the start of the record.

use super::canonical::{Member, Members, Text, prefix};
use super::{number, text};
use crate::limits::JSON_DEPTH_MAX;

/// The kinds of JSON values, as bits so that a schema's `type` is a set of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Kind(pub u8);

impl Kind {
    pub const NULL: Kind = Kind(1);
    pub const BOOLEAN: Kind = Kind(2);
    pub const INTEGER: Kind = Kind(4);
    pub const FRACTION: Kind = Kind(8);
    pub const STRING: Kind = Kind(16);
    pub const ARRAY: Kind = Kind(32);
    pub const OBJECT: Kind = Kind(64);
}

/// Why a text was refused.
#[derive(Debug)]
pub(super) struct Fault {
    /// Offset of the byte that it is about.
    pub at: usize,
    /// A lower-case fragment that names the found value.
    pub why: String,
}

/// Faults are boxed so that the happy path returns in a register.
pub(super) type Walked<T> = Result<T, Box<Fault>>;

/// A fault at `at`.
pub(super) fn fault<T>(at: usize, why: impl Into<String>) -> Walked<T> {
    let why = why.into();
    Err(Box::new(Fault { at, why }))
}

/// Buffers that one record leaves to the next.
#[derive(Default)]
pub(super) struct Scratch {
    /// Canonical text as it is written.
    pub out: Text,
    /// Members of the objects that are open.
    pub members: Members,
    /// How many of the members are known to be the top object's own.
    top: usize,
}

impl Scratch {
    /// Forgets the record before.
    pub fn clear(&mut self) {
        self.out.clear();
        self.members.clear();
        self.top = 0;
    }

    /// The canonical text so far, and the top object's members as far as they were walked.
    pub fn top(&mut self, source: &[u8]) -> (&[u8], &[Member]) {
        let members = self.members.since(0).get(..self.top);
        (self.out.settle(source), members.unwrap_or_default())
    }
}

/// A walk over `source`.
pub(super) struct Walk<'a> {
    source: &'a [u8],
    at: usize,
    scratch: &'a mut Scratch,
}

/// What the walk learnt of the object at the top, whose members lie in the scratch.
pub(super) struct Top {
    /// Where the object starts in the source.
    pub start: usize,
    /// Where it ends in the source.
    pub end: usize,
}

impl<'a> Walk<'a> {
    /// A walk from the start of `source`, over cleared `scratch`.
    pub fn new(source: &'a [u8], scratch: &'a mut Scratch) -> Self {
        scratch.clear();
        Walk {
            source,
            at: 0,
            scratch,
        }
    }

    /// Walks the one object that the source must be. Its members stay in the scratch,
    /// in the source's order, for the caller to sort and judge.
    pub fn top(mut self) -> Walked<Top> {
        self.skip_space();
        let start = self.at;
        if self.peek() != Some(b'{') {
            return self.expected("an object");
        }
        self.members(1)?;
        let end = self.at;
        self.skip_space();
        match self.peek() {
            None => Ok(Top { start, end }),
            Some(_) => self.expected("the end of the line after the object"),
        }
    }

    /// Walks any value; answers its kind.
    fn value(&mut self, depth: usize) -> Walked<Kind> {
        match self.peek() {
            Some(b'"') => self.string().map(|_| Kind::STRING),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b'{') => self.object(depth + 1).map(|()| Kind::OBJECT),
            Some(b'[') => self.array(depth + 1).map(|()| Kind::ARRAY),
            Some(b't') => self.word(b"true", Kind::BOOLEAN),
            Some(b'f') => self.word(b"false", Kind::BOOLEAN),
            Some(b'n') => self.word(b"null", Kind::NULL),
            _ => self.expected("a value"),
        }
    }

    fn object(&mut self, depth: usize) -> Walked<()> {
        let start = self.scratch.out.len() + 1;
        let first = self.members(depth)?;
        let Scratch { out, members, .. } = &mut *self.scratch;
        match members.sort(first, depth, out, self.source) {
            Ok(true) => out.keep(self.source, self.at - 1, self.at),
            Ok(false) => {
                let text = out.settle(self.source);
                members.rewrite(first, start, text);
                text.push(b'}');
            }
            Err(twice) => {
                let key = twice.key.escape_debug();
                return fault(twice.at, format!("has the key `{key}` twice in one object"));
            }
        }
        members.close(first);
        Ok(())
    }

    /// Walks an object from its brace to its brace, writes all but the closing one, and
    /// leaves its members in the scratch; answers the index of the first.
    fn members(&mut self, depth: usize) -> Walked<usize> {
        self.enter(depth)?;
        let first = self.scratch.members.len();
        self.skip_space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(first);
        }
        loop {
            self.member(depth)?;
            self.skip_space();
            match self.peek() {
                Some(b',') => self.punctuation(),
                Some(b'}') => {
                    self.at += 1;
                    return Ok(first);
                }
                _ => {
                    return self.expected("`,` or `}` after a member");
                }
            }
            self.skip_space();
        }
    }

    /// Walks `"key": value` and writes it as `"key":value`.
    fn member(&mut self, depth: usize) -> Walked<()> {
        let (at, start) = (self.at, self.scratch.out.len());
        if self.peek() != Some(b'"') {
            return self.expected("a key in quotes");
        }
        let as_it_stands = self.string()?;
        let key_end = self.scratch.out.len();
        let prefix = if as_it_stands {
            prefix(self.source.get(at + 1..self.at - 1).unwrap_or_default())
        } else {
            let text = self.scratch.out.settle(self.source);
            prefix(text.get(start + 1..key_end - 1).unwrap_or_default())
        };
        self.skip_space();
        if self.peek() != Some(b':') {
            return self.expected("`:` after a key");
        }
        self.punctuation();
        self.skip_space();
        let kind = self.value(depth)?;
        let Scratch { out, members, top } = &mut *self.scratch;
        // A record is at most 1 MiB and its canonical form a few times that.
        members.push(Member {
            prefix,
            start: start as u32,
            key_end: key_end as u32,
            end: out.len() as u32,
            at: at as u32,
            kind,
        });
        if depth == 1 {
            *top = members.len();
        }
        Ok(())
    }

    fn array(&mut self, depth: usize) -> Walked<()> {
        self.enter(depth)?;
        self.skip_space();
        if self.peek() == Some(b']') {
            self.punctuation();
            return Ok(());
        }
        loop {
            self.value(depth)?;
            self.skip_space();
            match self.peek() {
                Some(b',') => self.punctuation(),
                Some(b']') => {
                    self.punctuation();
                    return Ok(());
                }
                _ => {
                    return self.expected("`,` or `]` after an item");
                }
            }
            self.skip_space();
        }
    }

    /// Steps over an opening bracket, unless it nests too deep.
    fn enter(&mut self, depth: usize) -> Walked<()> {
        if depth > JSON_DEPTH_MAX {
            return fault(self.at, format!("nesting is deeper than {JSON_DEPTH_MAX}"));
        }
        self.punctuation();
        Ok(())
    }

    /// Steps over one byte of punctuation, which is canonical.
    #[inline]
    fn punctuation(&mut self) {
        self.scratch.out.keep(self.source, self.at, self.at + 1);
        self.at += 1;
    }

    /// Walks a string; answers whether it is canonical as it stands.
    #[inline]
    fn string(&mut self) -> Walked<bool> {
        match text::read(self.source, self.at, &mut self.scratch.out) {
            Ok((end, as_it_stands)) => {
                self.at = end;
                Ok(as_it_stands)
            }
            Err(bad) => fault(bad.at, bad.why),
        }
    }

    #[inline]
    fn number(&mut self) -> Walked<Kind> {
        match number::read(self.source, self.at, &mut self.scratch.out) {
            Ok((end, kind)) => {
                self.at = end;
                Ok(kind)
            }
            Err(bad) => fault(bad.at, bad.why),
        }
    }

    fn word(&mut self, word: &'static [u8], kind: Kind) -> Walked<Kind> {
        let rest = self.source.get(self.at..).unwrap_or_default();
        let after = rest.get(word.len());
        if !rest.starts_with(word) || after.is_some_and(u8::is_ascii_alphanumeric) {
            return self.expected("a value");
        }
        let end = self.at + word.len();
        self.scratch.out.keep(self.source, self.at, end);
        self.at = end;
        Ok(kind)
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.source.get(self.at).copied()
    }

    #[inline]
    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    /// The fault that something else than `what` stands here.
    #[cold]
    #[inline(never)]
    fn expected<T>(&self, what: &str) -> Walked<T> {
        let found = found(self.source.get(self.at..).unwrap_or_default());
        fault(self.at, format!("expected {what}, found {found}"))
    }
}

/// Characters of the source that a message shows.
const FOUND_CHARS_MAX: usize = 16;

/// The start of `rest` as a message shows it.
pub(super) fn found(rest: &[u8]) -> String {
    let text = String::from_utf8_lossy(rest.get(..4 * FOUND_CHARS_MAX).unwrap_or(rest));
    let ends = |each: &char| each.is_whitespace() || ",:]}".contains(*each);
    let word = text
        .chars()
        .position(|each| ends(&each))
        .unwrap_or(usize::MAX);
    let shown: String = text.chars().take(word.clamp(1, FOUND_CHARS_MAX)).collect();
    match shown.as_str() {
        "" => "the end".into(),
        shown if shown.starts_with('\u{feff}') => "a byte order mark".into(),
        shown => format!("`{}`", shown.escape_debug()),
    }
}
