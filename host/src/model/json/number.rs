//! Numbers: JSON's grammar, and one spelling for each value without ever computing it.
//!
//! Canonical: plain decimal without idle zeros (`1.5`, `-200`) where that has at most
//! [`PLAIN_CHARS_MAX`] characters, otherwise `<digits>e<exponent>` with no zero at either
//! end of the digits (`1e400`). A plain number without idle zeros, which nearly all are,
//! is therefore copied as it stands. `-0` is `0`.

use super::canonical::Text;
use super::scan::Kind;
use crate::limits::JSON_NUMBER_CHARS_MAX;

/// Longest canonical number in plain decimal. Bounds how much `1e31` can grow in the
/// scratch buffer; longer ones are written with an exponent.
const PLAIN_CHARS_MAX: usize = 32;

/// Digits of an exponent that are read; more are refused. Far beyond any number that is
/// meant, and it keeps sums of exponents inside 64 bits.
const EXPONENT_DIGITS_MAX: usize = 17;

/// Why a number was refused: a sentence fragment, and the byte that it is about.
pub(super) struct BadNumber {
    /// Offset in the source.
    pub at: usize,
    /// A fragment.
    pub why: String,
}

/// The parts of a number as they stand in the source.
struct Parts<'a> {
    negative: bool,
    whole: &'a [u8],
    fraction: &'a [u8],
    exponent_negative: bool,
    exponent: &'a [u8],
}

/// Reads the number at `start`, appends its canonical form to `out`, and answers the
/// offset after it and whether it is a whole number.
pub(super) fn read(
    source: &[u8],
    start: usize,
    out: &mut Text,
) -> Result<(usize, Kind), BadNumber> {
    let (end, parts) = parse(source, start)?;
    if end - start > JSON_NUMBER_CHARS_MAX {
        let found = end - start;
        return Err(BadNumber {
            at: start,
            why: format!("a number has {found} characters, limit {JSON_NUMBER_CHARS_MAX}"),
        });
    }
    let short = end - start <= PLAIN_CHARS_MAX && parts.exponent.is_empty();
    let is_zero = parts.whole == b"0";
    if short && parts.fraction.is_empty() && !(is_zero && parts.negative) {
        out.keep(source, start, end);
        return Ok((end, Kind::INTEGER));
    }
    if short && matches!(parts.fraction.last(), Some(b'1'..=b'9')) {
        out.keep(source, start, end);
        return Ok((end, Kind::FRACTION));
    }
    let kind = write(&parts, start, out.settle(source))?;
    Ok((end, kind))
}

/// Splits the number at `start` by JSON's grammar.
fn parse(source: &[u8], start: usize) -> Result<(usize, Parts<'_>), BadNumber> {
    let peek = |at: usize| source.get(at).copied();
    let digits = |from: usize, after: &str| {
        let rest = source.get(from..).unwrap_or_default();
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        match rest.get(..count) {
            Some(digits) if count > 0 => Ok(digits),
            _ => Err(BadNumber {
                at: from,
                why: format!("a number has no digit after its {after}"),
            }),
        }
    };
    let negative = peek(start) == Some(b'-');
    let whole = digits(start + usize::from(negative), "sign")?;
    let mut at = start + usize::from(negative) + whole.len();
    if whole.len() > 1 && whole.first() == Some(&b'0') {
        return Err(BadNumber {
            at: start,
            why: "a number starts with an idle zero".into(),
        });
    }
    let mut parts = Parts {
        negative,
        whole,
        fraction: &[],
        exponent_negative: false,
        exponent: &[],
    };
    if peek(at) == Some(b'.') {
        parts.fraction = digits(at + 1, "point")?;
        at += 1 + parts.fraction.len();
    }
    if matches!(peek(at), Some(b'e' | b'E')) {
        parts.exponent_negative = peek(at + 1) == Some(b'-');
        at += 1 + usize::from(matches!(peek(at + 1), Some(b'-' | b'+')));
        parts.exponent = digits(at, "exponent sign")?;
        at += parts.exponent.len();
    }
    Ok((at, parts))
}

/// Appends the canonical form of a number that is not in it already.
fn write(parts: &Parts<'_>, start: usize, out: &mut Vec<u8>) -> Result<Kind, BadNumber> {
    let mut digits: Vec<u8> = [parts.whole, parts.fraction].concat();
    let exponent = exponent(parts, start)? - parts.fraction.len() as i64;
    let idle_end = digits
        .iter()
        .rev()
        .take_while(|digit| **digit == b'0')
        .count();
    digits.truncate(digits.len() - idle_end);
    let idle_start = digits.iter().take_while(|digit| **digit == b'0').count();
    digits.drain(..idle_start);
    if digits.is_empty() {
        out.push(b'0');
        return Ok(Kind::INTEGER);
    }
    let exponent = exponent + idle_end as i64;
    if parts.negative {
        out.push(b'-');
    }
    match plain(&digits, exponent, parts.negative) {
        Some(plain) => out.extend(plain),
        None => {
            out.extend(digits);
            out.extend(format!("e{exponent}").into_bytes());
        }
    }
    Ok(if exponent < 0 {
        Kind::FRACTION
    } else {
        Kind::INTEGER
    })
}

/// The exponent as written.
fn exponent(parts: &Parts<'_>, at: usize) -> Result<i64, BadNumber> {
    let idle = parts
        .exponent
        .iter()
        .take_while(|digit| **digit == b'0')
        .count();
    let digits = parts.exponent.get(idle..).unwrap_or_default();
    if digits.len() > EXPONENT_DIGITS_MAX {
        let found = digits.len();
        let why =
            format!("a number has an exponent of {found} digits, limit {EXPONENT_DIGITS_MAX}");
        return Err(BadNumber { at, why });
    }
    let size = digits
        .iter()
        .fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
    Ok(if parts.exponent_negative { -size } else { size })
}

/// `digits · 10^exponent` in plain decimal, if that is short enough.
fn plain(digits: &[u8], exponent: i64, negative: bool) -> Option<Vec<u8>> {
    let room = PLAIN_CHARS_MAX - usize::from(negative);
    let places = usize::try_from(exponent.unsigned_abs()).ok()?;
    if exponent >= 0 {
        let fits = digits.len().saturating_add(places) <= room;
        return fits.then(|| [digits, &vec![b'0'; places]].concat());
    }
    match digits.len().checked_sub(places).filter(|whole| *whole > 0) {
        Some(whole) => {
            let (whole, fraction) = digits.split_at_checked(whole)?;
            (digits.len() < room).then(|| [whole, b".", fraction].concat())
        }
        None if places.saturating_add(2) <= room => {
            let zeros = vec![b'0'; places - digits.len()];
            Some([b"0.", zeros.as_slice(), digits].concat())
        }
        None => None,
    }
}
