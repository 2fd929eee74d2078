//! Records out of nothing: the same for the same id, of about the wanted size, and as
//! compressible as prose, not as zeros.

use std::ops::Range;
use tidegate_sdk::prelude::*;

/// A record of the tests.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Item {
    /// Its number.
    pub id: u64,
    /// Words.
    pub text: String,
}
impl Model for Item {}

/// JSON around the text: `{"id":123456,"text":""}`.
const AROUND_TEXT_BYTES: usize = 24;

const WORDS: [&str; 16] = [
    "harbour", "ledger", "invoice", "north", "tide", "copper", "meeting", "garden", "paper",
    "signal", "winter", "bridge", "account", "lantern", "river", "customer",
];

/// The items with these ids, each of about `bytes` bytes of JSON.
pub fn items(ids: Range<u64>, bytes: usize) -> impl Iterator<Item = Item> {
    ids.map(move |id| Item {
        id,
        text: text(id, bytes.saturating_sub(AROUND_TEXT_BYTES)),
    })
}

fn text(id: u64, bytes: usize) -> String {
    let mut text = String::with_capacity(bytes + 16);
    let mut state = id.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    while text.len() < bytes {
        // xorshift64: a choice of words that differs from id to id.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        text.push_str(WORDS[(state >> 60) as usize]);
        text.push(' ');
    }
    text.truncate(bytes);
    text
}
