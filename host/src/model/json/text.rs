//! Strings: where they end, which are refused, and their one canonical spelling.
//!
//! Canonical: everything as raw UTF-8, except `"` and `\` behind a backslash and control
//! characters as `\u00xx` in lower case.

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

/// Reads the string whose opening quote is at `open` and appends its canonical form,
/// quotes included, to `out`. Answers the offset after its closing quote.
pub(super) fn read(source: &[u8], open: usize, out: &mut Vec<u8>) -> Result<usize, BadText> {
    out.push(b'"');
    let mut at = open + 1;
    loop {
        let rest = source.get(at..).unwrap_or_default();
        let length = plain_length(rest);
        let (plain, special) = rest.split_at_checked(length).unwrap_or_default();
        out.extend_from_slice(plain);
        at += length;
        match special.first() {
            Some(b'"') => {
                out.push(b'"');
                return Ok(at + 1);
            }
            Some(b'\\') => at = escape(source, at, out)?,
            Some(control) => {
                let why = format!("a string has the raw control character 0x{control:02x}");
                return Err(BadText { at, why });
            }
            None => {
                let why = "a string has no end".into();
                return Err(BadText { at: open, why });
            }
        }
    }
}

/// The offset after the checked string whose opening quote is at `open`.
pub(super) fn end(source: &[u8], open: usize) -> usize {
    let mut at = open + 1;
    loop {
        at += plain_length(source.get(at..).unwrap_or_default());
        match source.get(at) {
            Some(b'"') => return at + 1,
            Some(_) => at += 2,
            None => return source.len(),
        }
    }
}

/// How many bytes stand before the first quote, backslash or control character.
fn plain_length(bytes: &[u8]) -> usize {
    let (words, tail) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let found = specials(u64::from_le_bytes(*word));
        if found != 0 {
            return index * 8 + (found.trailing_zeros() / 8) as usize;
        }
    }
    let special = |byte: &u8| *byte < FIRST_PRINTABLE || *byte == b'"' || *byte == b'\\';
    let in_tail = tail.iter().position(special).unwrap_or(tail.len());
    words.len() * 8 + in_tail
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

/// Reads the escape at `at` and appends its canonical form; answers the offset after it.
fn escape(source: &[u8], at: usize, out: &mut Vec<u8>) -> Result<usize, BadText> {
    let code = match source.get(at + 1) {
        Some(b'n') => 0x0a,
        Some(b't') => 0x09,
        Some(b'r') => 0x0d,
        Some(b'b') => 0x08,
        Some(b'f') => 0x0c,
        Some(plain @ (b'"' | b'\\' | b'/')) => u32::from(*plain),
        Some(b'u') => return unicode(source, at, out),
        other => {
            let found = other.map_or("the end".into(), |byte| {
                format!("`\\{}`", char::from(*byte).escape_debug())
            });
            let why = format!("a string has {found}, which is no JSON escape");
            return Err(BadText { at, why });
        }
    };
    push_canonical(char::from_u32(code).unwrap_or_default(), out);
    Ok(at + 2)
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
