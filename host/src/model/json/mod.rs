//! JSON from outside, read as bytes: checked, hashed and merged in one pass each, never
//! made into a tree of values (measured at up to 98 times the text's size).
//!
//! - [`scan`] takes what a guest passes to `batch-save`: NDJSON, one object a line, blank
//!   lines and CRLF allowed;
//! - [`check_object`] and [`merge_shallow`] serve checkpoints and metadata;
//! - [`merge`] serves `batch-update`.
//!
//! What is refused beyond plain JSON: nesting deeper than 64, a key twice in one object
//! (also when it is spelt with escapes), lone surrogates, numbers over 64 characters,
//! records over 1 MiB. Numbers stay text: `1e400` is kept, `NaN` is no JSON.
//!
//! Invariant: two records have the same [`ContentHash`](super::ContentHash) if and only
//! if they are the same JSON value apart from ignored fields. Order of keys, whitespace,
//! escapes and the spelling of numbers (`1`, `1.0`, `10e-1`) do not matter; the order of
//! arrays and any digit of a number do.

mod batch;
mod canonical;
mod merge;
mod number;
mod rules;
mod scan;
#[cfg(test)]
mod tests;
mod text;

pub use batch::{check_object, scan};
pub use merge::{merge, merge_shallow};
pub use rules::RecordRules;
