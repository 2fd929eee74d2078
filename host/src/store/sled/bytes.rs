//! Numbers in bytes: the little that keys, blocks and journal frames share. Reading is
//! checked everywhere, because what is read may be damaged.

use crate::error::{Code, Error, Result};

/// Appends `number` in 7-bit groups, lowest first.
pub(super) fn put_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Folds a signed number so that small ones of either sign are short.
pub(super) fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)) as u64
}

/// The reverse of [`zigzag`].
pub(super) fn unzigzag(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

/// Reads from the front of a slice; every step fails with `store.damaged` at its end.
pub(super) struct Input<'a> {
    rest: &'a [u8],
    what: &'static str,
}

impl<'a> Input<'a> {
    /// An input over `bytes`; errors call it `what`.
    pub(super) fn new(bytes: &'a [u8], what: &'static str) -> Self {
        Input { rest: bytes, what }
    }

    /// What was not read yet.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        match self.rest.split_at_checked(count) {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(taken)
            }
            None => Err(self.wrong("ends too early")),
        }
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        match self.rest.split_first_chunk::<N>() {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(*taken)
            }
            None => Err(self.wrong("ends too early")),
        }
    }

    pub(super) fn byte(&mut self) -> Result<u8> {
        Ok(u8::from_be_bytes(self.array()?))
    }

    pub(super) fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    pub(super) fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    pub(super) fn varint(&mut self) -> Result<u64> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(self.wrong("holds a number that is too long"))
    }

    /// The error for bytes that make no sense.
    pub(super) fn wrong(&self, how: &str) -> Error {
        damaged(format!("{} {how}", self.what))
    }
}

/// `store.damaged` with what is wrong; the code's advice names the remedy.
pub(super) fn damaged(what: impl std::fmt::Display) -> Error {
    Error::new(Code::StoreDamaged, what.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_read_back(number: u64, signed: i64, cut in 0usize..3) {
            let mut out = Vec::new();
            put_varint(&mut out, number);
            put_varint(&mut out, zigzag(signed));
            let mut input = Input::new(&out, "a test");
            prop_assert_eq!(input.varint().unwrap(), number);
            prop_assert_eq!(unzigzag(input.varint().unwrap()), signed);
            prop_assert!(input.rest().is_empty());
            let short = &out[..out.len().saturating_sub(cut + 1)];
            let mut input = Input::new(short, "a test");
            prop_assert!(input.varint().is_err() || input.varint().is_err());
        }
    }
}
