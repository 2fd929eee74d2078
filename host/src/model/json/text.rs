//! Strings: where they end, which are refused, and their one canonical spelling.
//!
//! Canonical: everything as raw UTF-8, except `"`, `\` and the five control characters
//! that JSON has a letter for behind a backslash, and other control characters as
//! `\u00xx` in lower case. That is what most serialisers write, so that nearly every
//! string is canonical as it stands.

use super::canonical::Text;

/// Why a string was refused: a sentence fragment, and the byte that it is about.
pub(super) struct BadText {
    /// Offset in the source.
    pub at: usize,
    /// A fragment such as "has a lone surrogate".
    pub why: String,
}

/// Every byte 0x01.
const ONES: u64 = u64::MAX / 255;
/// The top bit of every byte.
const TOPS: u64 = ONES << 7;
/// The first printable character: all before it are control characters.
const FIRST_PRINTABLE: u8 = b' ';

/// Reads the string whose opening quote is at `open` and adds its canonical form, quotes
/// included, to `out`. Answers the offset after its closing quote, and whether the string
/// is canonical as it stands.
#[inline]
pub(super) fn read(source: &[u8], open: usize, out: &mut Text) -> Result<(usize, bool), BadText> {
    let at = plain_end(source, open + 1);
    if source.get(at) == Some(&b'"') {
        out.keep(source, open, at + 1);
        return Ok((at + 1, true));
    }
    read_on(source, open, at, out)
}

/// [`read`] from the first byte on that is special, at `at`.
#[inline(never)]
fn read_on(
    source: &[u8],
    open: usize,
    mut at: usize,
    out: &mut Text,
) -> Result<(usize, bool), BadText> {
    let mut kept = open;
    loop {
        match source.get(at) {
            Some(b'"') => {
                out.keep(source, kept, at + 1);
                return Ok((at + 1, kept == open));
            }
            Some(b'\\')
                if matches!(
                    source.get(at + 1),
                    Some(b'"' | b'\\' | b'n' | b't' | b'r' | b'b' | b'f')
                ) =>
            {
                at += 2;
            }
            Some(b'\\') => {
                out.keep(source, kept, at);
                at = escape(source, at, out.settle(source))?;
                kept = at;
            }
            Some(control) => {
                let why = format!("a string has the raw control character 0x{control:02x}");
                return Err(BadText { at, why });
            }
            None => {
                let why = "a string has no end".into();
                return Err(BadText { at: open, why });
            }
        }
        at = plain_end(source, at);
    }
}

/// The offset after the checked string whose opening quote is at `open`.
pub(super) fn end(source: &[u8], open: usize) -> usize {
    let mut at = open + 1;
    loop {
        at = plain_end(source, at);
        match source.get(at) {
            Some(b'"') => return at + 1,
            Some(_) => at += 2,
            None => return source.len(),
        }
    }
}

/// The offset of the first quote, backslash or control character from `at` on; the end
/// where there is none.
#[inline]
fn plain_end(source: &[u8], mut at: usize) -> usize {
    while let Some(word) = source.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let found = specials(u64::from_le_bytes(*word));
        if found != 0 {
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    let tail = source.get(at..).unwrap_or_default();
    let special = |byte: &u8| *byte < FIRST_PRINTABLE || *byte == b'"' || *byte == b'\\';
    at + tail.iter().position(special).unwrap_or(tail.len())
}

/// Sets the top bit of bytes that are a quote, a backslash or a control character. The
/// lowest bit set is exact; borrows may set more above it.
fn specials(word: u64) -> u64 {
    let zero_bytes = |word: u64| word.wrapping_sub(ONES) & !word;
    let quotes = zero_bytes(word ^ (ONES * u64::from(b'"')));
    let slashes = zero_bytes(word ^ (ONES * u64::from(b'\\')));
    let controls = word.wrapping_sub(ONES * u64::from(FIRST_PRINTABLE)) & !word;
    (quotes | slashes | controls) & TOPS
}

/// Reads the escape at `at`, which is not canonical, and appends what is; answers the
/// offset after it.
fn escape(source: &[u8], at: usize, out: &mut Vec<u8>) -> Result<usize, BadText> {
    match source.get(at + 1) {
        Some(b'u') => unicode(source, at, out),
        Some(b'/') => {
            out.push(b'/');
            Ok(at + 2)
        }
        other => {
            let found = other.map_or("the end".into(), |byte| {
                format!("`\\{}`", char::from(*byte).escape_debug())
            });
            let why = format!("a string has {found}, which is no JSON escape");
            Err(BadText { at, why })
        }
    }
}

/// Reads `\uXXXX`, or a surrogate pair of two, at `at`.
fn unicode(source: &[u8], at: usize, out: &mut Vec<u8>) -> Result<usize, BadText> {
    let bad = |why: &str| BadText {
        at,
        why: format!("a string has {why}"),
    };
    let high = four_hex(source, at).ok_or_else(|| bad("`\\u` without four hex digits"))?;
    if let Some(single) = char::from_u32(high) {
        push_canonical(single, out);
        return Ok(at + 6);
    }
    let low = four_hex(source, at + 6).filter(|low| (0xdc00..0xe000).contains(low));
    let pair = low
        .filter(|_| high < 0xdc00)
        .and_then(|low| char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)));
    let pair = pair.ok_or_else(|| bad(&format!("the lone surrogate `\\u{high:04x}`")))?;
    push_canonical(pair, out);
    Ok(at + 12)
}

/// The value of `\uXXXX` at `at`, if that is what stands there.
fn four_hex(source: &[u8], at: usize) -> Option<u32> {
    let digits = source.get(at..at + 6)?.strip_prefix(b"\\u")?;
    digits.iter().try_fold(0, |value, digit| {
        Some(value << 4 | char::from(*digit).to_digit(16)?)
    })
}

/// Appends `character` in its canonical spelling.
pub(super) fn push_canonical(character: char, out: &mut Vec<u8>) {
    match character {
        '"' | '\\' => out.extend([b'\\', character as u8]),
        '\n' => out.extend(b"\\n"),
        '\t' => out.extend(b"\\t"),
        '\r' => out.extend(b"\\r"),
        '\u{8}' => out.extend(b"\\b"),
        '\u{c}' => out.extend(b"\\f"),
        control if (control as u32) < u32::from(FIRST_PRINTABLE) => {
            out.extend(format!("\\u{:04x}", control as u32).into_bytes());
        }
        other => out.extend(other.encode_utf8(&mut [0; 4]).as_bytes()),
    }
}

/// The canonical spelling of `text`, without quotes.
pub(super) fn canonical(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    text.chars().for_each(|each| push_canonical(each, &mut out));
    out
}

/// The text behind a canonical spelling without quotes: the reverse of [`canonical`].
pub(super) fn plain(canonical: &[u8]) -> String {
    let quoted = [b"\"", canonical, b"\""].concat();
    serde_json::from_slice(&quoted).unwrap_or_default()
}
