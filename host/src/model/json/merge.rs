//! Merging objects as text: what a patch does not touch keeps its spelling to the byte.

use super::batch::{Scanner, check_object};
use super::canonical::Text;
use super::rules::RecordRules;
use super::text;
use crate::error::{Code, Error, Result};
use crate::limits::{JSON_DEPTH_MAX, RECORD_BYTES_MAX};
use crate::model::record::ContentHash;
use std::collections::HashMap;

/// Merges `patch` deep into `old` and hashes the result: objects are merged member by
/// member, everything else (arrays, `null`) takes the old value's place. Members keep
/// their order, new ones follow. Both must be scanned records.
///
/// # Errors
/// `record.invalid` or `record.schema` where the result is no record under `rules`, for
/// instance because it grew over 1 MiB.
pub fn merge(old: &[u8], patch: &[u8], rules: &RecordRules) -> Result<(Vec<u8>, ContentHash)> {
    for part in [old, patch] {
        check_object(part, RECORD_BYTES_MAX, Code::RecordInvalid)?;
    }
    let mut merged = Vec::with_capacity(old.len() + patch.len());
    splice(old, patch, JSON_DEPTH_MAX, &mut merged);
    let record = Scanner::new(rules).record(&merged);
    let record = record.map_err(|refused| refused.error(None).context("after the update"))?;
    Ok((merged, record.hash))
}

/// Puts the top-level members of `patch` over those of `old`; the result may have at most
/// `bytes_max` bytes. Errs with `code` where one of them or the result is not an object
/// within the limit.
pub fn merge_shallow(old: &[u8], patch: &[u8], bytes_max: usize, code: Code) -> Result<Vec<u8>> {
    check_object(old, bytes_max, code).map_err(|error| error.context("present value"))?;
    check_object(patch, bytes_max, code)?;
    let mut merged = Vec::with_capacity(old.len() + patch.len());
    splice(old, patch, 1, &mut merged);
    if merged.len() > bytes_max {
        let found = merged.len();
        let message = format!("the merged value has {found} bytes, limit {bytes_max}");
        return Err(Error::new(code, message));
    }
    Ok(merged)
}

/// Writes the members of object `old` with those of object `patch` over them; objects on
/// both sides are merged in turn while `levels` last. Both were checked.
fn splice(old: &[u8], patch: &[u8], levels: usize, out: &mut Vec<u8>) {
    let patches: Vec<Pair<'_>> = Pairs::of(patch).collect();
    let mut by_name: HashMap<&[u8], &Pair<'_>> =
        patches.iter().map(|pair| (&*pair.name, pair)).collect();
    out.push(b'{');
    let opening = out.len();
    let separate = |out: &mut Vec<u8>| {
        if out.len() > opening {
            out.push(b',');
        }
    };
    for before in Pairs::of(old) {
        separate(out);
        out.extend_from_slice(before.key);
        out.push(b':');
        match by_name.remove(&*before.name) {
            None => out.extend_from_slice(before.value),
            Some(patch) if levels > 1 && is_object(before.value) && is_object(patch.value) => {
                splice(before.value, patch.value, levels - 1, out);
            }
            Some(patch) => out.extend_from_slice(patch.value),
        }
    }
    for new in patches
        .iter()
        .filter(|pair| by_name.contains_key(&*pair.name))
    {
        separate(out);
        out.extend_from_slice(new.key);
        out.push(b':');
        out.extend_from_slice(new.value);
    }
    out.push(b'}');
}

fn is_object(value: &[u8]) -> bool {
    value.first() == Some(&b'{')
}

/// One member as it stands in the text.
struct Pair<'a> {
    /// The key in its canonical spelling, so that `a` and `\u0061` are one.
    name: Vec<u8>,
    /// The key as it is spelt, with its quotes.
    key: &'a [u8],
    /// The value as it is spelt.
    value: &'a [u8],
}

/// The members of a checked object, in order.
struct Pairs<'a> {
    rest: &'a [u8],
}

impl<'a> Pairs<'a> {
    fn of(object: &'a [u8]) -> Self {
        Pairs { rest: object }
    }

    /// Takes the next `length` bytes.
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    /// Steps over whitespace and the punctuation between members.
    fn skip(&mut self) {
        let between = |byte: &u8| b" \t\r\n{,:".contains(byte);
        let length = self.rest.iter().take_while(|byte| between(byte)).count();
        let _ = self.take(length);
    }
}

impl<'a> Iterator for Pairs<'a> {
    type Item = Pair<'a>;

    fn next(&mut self) -> Option<Pair<'a>> {
        self.skip();
        let mut name = Text::default();
        let (key_end, _) = text::read(self.rest, 0, &mut name).ok()?;
        let name = std::mem::take(name.settle(self.rest));
        let key = self.take(key_end)?;
        let colon = self.rest.iter().position(|byte| *byte == b':')?;
        self.take(colon + 1)?;
        let space = self
            .rest
            .iter()
            .take_while(|byte| byte.is_ascii_whitespace());
        let space = space.count();
        self.take(space)?;
        let value = self.take(value_length(self.rest))?;
        Some(Pair { name, key, value })
    }
}

/// The length of the checked value that `rest` starts with.
fn value_length(rest: &[u8]) -> usize {
    let (mut open, mut at) = (0usize, 0);
    while let Some(byte) = rest.get(at) {
        match byte {
            b'"' => {
                at = text::end(rest, at);
                if open == 0 {
                    return at;
                }
                continue;
            }
            b'{' | b'[' => open += 1,
            b'}' | b']' if open == 0 => return at,
            b'}' | b']' if open == 1 => return at + 1,
            b'}' | b']' => open -= 1,
            b',' | b' ' | b'\t' | b'\r' | b'\n' if open == 0 => return at,
            _ => {}
        }
        at += 1;
    }
    at
}
