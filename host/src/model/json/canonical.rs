//! Members of objects on their way into canonical order.
//!
//! While an object is walked its members are written to the scratch text in the source's
//! order; when it closes they are put into the order of their keys' canonical bytes. The
//! first eight bytes of a key are kept beside it as a number, which decides nearly every
//! comparison without touching the text.

use super::scan::Kind;
use super::text;

/// One `"key":value` in the scratch text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member {
    /// The first eight bytes of the key, big-endian, so that numbers sort as text does.
    pub prefix: u64,
    /// Where the member starts in the scratch text: at its key's quote.
    start: u32,
    /// Where its key's closing quote ends.
    key_end: u32,
    /// Where the member ends.
    end: u32,
    /// Where the key stands in the source.
    pub at: u32,
    /// What the value is.
    pub kind: Kind,
}

impl Member {
    /// The member that was just written at `start` of `out`; its key stands at `at` in
    /// the source. (Records are at most 1 MiB, so offsets fit 32 bits.)
    pub fn new(at: usize, start: usize, key_end: usize, kind: Kind, out: &[u8]) -> Self {
        let (start, key_end, end) = (start as u32, key_end as u32, out.len() as u32);
        let mut member = Member {
            prefix: 0,
            start,
            key_end,
            end,
            at: at as u32,
            kind,
        };
        member.prefix = prefix(member.key(out));
        member
    }

    /// The key in its canonical spelling, without quotes.
    pub fn key<'t>(&self, out: &'t [u8]) -> &'t [u8] {
        out.get(self.start as usize + 1..self.key_end as usize - 1)
            .unwrap_or_default()
    }

    /// The value in its canonical spelling.
    pub fn value<'t>(&self, out: &'t [u8]) -> &'t [u8] {
        out.get(self.key_end as usize + 1..self.end as usize)
            .unwrap_or_default()
    }

    /// The whole member in its canonical spelling.
    pub fn text<'t>(&self, out: &'t [u8]) -> &'t [u8] {
        out.get(self.start as usize..self.end as usize)
            .unwrap_or_default()
    }
}

/// The first eight bytes of `key` as a number that sorts as they do.
pub(super) fn prefix(key: &[u8]) -> u64 {
    let mut first = [0; 8];
    let length = key.len().min(first.len());
    if let (Some(to), Some(from)) = (first.get_mut(..length), key.get(..length)) {
        to.copy_from_slice(from);
    }
    u64::from_be_bytes(first)
}

/// A key that stands twice in one object.
pub(super) struct Twice {
    /// Where the later one stands in the source.
    pub at: usize,
    /// The key as text.
    pub key: String,
}

/// The members of all objects that are open, the innermost last.
#[derive(Default)]
pub(super) struct Members {
    open: Vec<Member>,
    /// Sorted text on its way back into the scratch text.
    spare: Vec<u8>,
}

impl Members {
    /// Forgets all.
    pub fn clear(&mut self) {
        self.open.clear();
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// Adds one to the innermost object.
    pub fn push(&mut self, member: Member) {
        self.open.push(member);
    }

    /// The members from `first` on.
    pub fn since(&self, first: usize) -> &[Member] {
        self.open.get(first..).unwrap_or_default()
    }

    /// Sorts the members from `first` on by key, unless a key is there twice.
    pub fn sort(&mut self, first: usize, out: &[u8]) -> Result<(), Twice> {
        let members = self.open.get_mut(first..).unwrap_or_default();
        let order = |a: &Member, b: &Member| {
            let by_prefix = a.prefix.cmp(&b.prefix);
            by_prefix.then_with(|| a.key(out).cmp(b.key(out)))
        };
        if members.is_sorted_by(|a, b| order(a, b).is_lt()) {
            return Ok(());
        }
        members.sort_unstable_by(order);
        let mut pairs = members.iter().zip(members.iter().skip(1));
        match pairs.find(|(a, b)| order(a, b).is_eq()) {
            None => Ok(()),
            Some((a, b)) => Err(Twice {
                at: a.at.max(b.at) as usize,
                key: text::plain(a.key(out)),
            }),
        }
    }

    /// Rewrites the text from `start` on as the members from `first` on in their order,
    /// with commas, and forgets them.
    pub fn close(&mut self, first: usize, start: usize, out: &mut Vec<u8>) {
        self.spare.clear();
        for member in self.open.get(first..).unwrap_or_default() {
            self.spare.extend_from_slice(member.text(out));
            self.spare.push(b',');
        }
        self.spare.pop();
        out.truncate(start);
        out.extend_from_slice(&self.spare);
        self.open.truncate(first);
    }
}
