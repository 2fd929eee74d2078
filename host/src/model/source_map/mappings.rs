//! The `mappings` of a source map: numbers in base 64, each relative to the one before
//! (ECMA-426, "Mappings structure"). Read by hand, because the libraries for it bring
//! dozens of others along for what is a screen of code.

/// One position of the generated file from which on a place is known, or known to be of
/// no source. Lines and columns count from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    /// Line and column in the generated file.
    pub at: (u32, u32),
    /// Where that comes from.
    pub from: Option<Origin>,
}

/// A position in a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    /// The source, by its place in the map's list.
    pub source: u32,
    pub line: u32,
    pub column: u32,
}

/// Bits that one digit of a number carries.
const DIGIT_BITS: u32 = 5;
/// Set in a digit that another one follows.
const MORE: i64 = 1 << DIGIT_BITS;
/// Bits of a number at most: those of 32 with a sign.
const NUMBER_BITS_MAX: u32 = 33;
/// Numbers of one segment at most: column, source, line, column, name.
const NUMBERS_MAX: usize = 5;

/// Reads the mappings of a map with `sources` sources.
pub(super) fn read(mappings: &str, sources: u32) -> Result<Vec<Segment>, String> {
    let mut segments = Vec::new();
    let mut origin = [0i64; 3];
    for (line, text) in (0u32..).zip(mappings.split(';')) {
        let mut column = 0i64;
        for segment in text.split(',').filter(|segment| !segment.is_empty()) {
            let (numbers, count) = numbers(segment)?;
            let before = column;
            column += numbers[0];
            if column < before {
                return Err(format!("has segments in line {line} that are not in order"));
            }
            let from = match count {
                1 => None,
                4 | 5 => {
                    let steps = numbers.iter().skip(1);
                    origin
                        .iter_mut()
                        .zip(steps)
                        .for_each(|(at, step)| *at += step);
                    Some(origin_of(origin, sources)?)
                }
                count => return Err(format!("has a segment of {count} numbers")),
            };
            let at = (line, narrow(column)?);
            segments.push(Segment { at, from });
        }
    }
    Ok(segments)
}

fn origin_of([source, line, column]: [i64; 3], sources: u32) -> Result<Origin, String> {
    let source = narrow(source)?;
    if source >= sources {
        return Err(format!("speaks of source {source} of {sources}"));
    }
    Ok(Origin {
        source,
        line: narrow(line)?,
        column: narrow(column)?,
    })
}

fn narrow(number: i64) -> Result<u32, String> {
    u32::try_from(number).map_err(|_| match number {
        ..0 => "counts below 0".to_owned(),
        _ => format!("has a position too large: {number}"),
    })
}

/// The numbers of one segment, and how many there are.
fn numbers(segment: &str) -> Result<([i64; NUMBERS_MAX], usize), String> {
    let (mut numbers, mut count) = ([0; NUMBERS_MAX], 0);
    let (mut number, mut shift) = (0i64, 0u32);
    for byte in segment.bytes() {
        let digit = digit(byte).ok_or_else(|| {
            let odd = char::from(byte).escape_default();
            format!("has `{odd}` in its mappings")
        })?;
        if shift > NUMBER_BITS_MAX {
            return Err("has a number too large in its mappings".into());
        }
        number |= (digit & (MORE - 1)) << shift;
        shift += DIGIT_BITS;
        if digit & MORE == 0 {
            let place = numbers
                .get_mut(count)
                .ok_or_else(|| format!("has a segment of over {NUMBERS_MAX} numbers"))?;
            // The lowest bit is the sign.
            *place = if number & 1 == 1 {
                -(number >> 1)
            } else {
                number >> 1
            };
            (number, shift, count) = (0, 0, count + 1);
        }
    }
    match shift {
        0 => Ok((numbers, count)),
        _ => Err("ends within a number of its mappings".into()),
    }
}

/// The value of a digit in base 64.
fn digit(byte: u8) -> Option<i64> {
    let value = match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(value.into())
}
