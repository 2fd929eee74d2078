//! The canonical text as it grows, and the members of objects on their way into order.
//!
//! While an object is walked its members are written in the source's order; when it
//! closes they are put into the order of their keys' canonical bytes. The first eight
//! bytes of a key are kept beside it as a number, which decides nearly every comparison
//! without touching the text.

use super::scan::Kind;
use super::text;

/// Canonical text. What stands in the source as it should is only noted, and copied as
/// one run when something else follows: most records are one run.
#[derive(Default)]
pub(super) struct Text {
    copied: Vec<u8>,
    /// The run of the source that comes after `copied`.
    from: usize,
    to: usize,
}

impl Text {
    /// Forgets all.
    pub fn clear(&mut self) {
        self.copied.clear();
        (self.from, self.to) = (0, 0);
    }

    /// How long it is.
    pub fn len(&self) -> usize {
        self.copied.len() + (self.to - self.from)
    }

    /// Adds `source[start..end]`.
    #[inline(always)]
    pub fn keep(&mut self, source: &[u8], start: usize, end: usize) {
        if start != self.to {
            self.settle(source);
            self.from = start;
        }
        self.to = end;
    }

    /// All of it, after copying the run that is pending.
    pub fn settle(&mut self, source: &[u8]) -> &mut Vec<u8> {
        let run = source.get(self.from..self.to).unwrap_or_default();
        self.copied.extend_from_slice(run);
        self.from = self.to;
        &mut self.copied
    }
}

/// One `"key":value` in the scratch text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member {
    /// The first eight bytes of the key, big-endian, so that numbers sort as text does.
    pub prefix: u64,
    /// Where the member starts in the scratch text: at its key's quote.
    pub start: u32,
    /// Where its key's closing quote ends.
    pub key_end: u32,
    /// Where the member ends.
    pub end: u32,
    /// Where the key stands in the source.
    pub at: u32,
    /// What the value is.
    pub kind: Kind,
}

impl Member {
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
    /// Sorted members on their way back.
    sorted: Vec<Member>,
    /// For each depth the order of the last object there: records are mostly alike.
    orders: Vec<Order>,
}

/// Members by prefix: which stands where in the source. Only of objects in which all
/// prefixes differ, so that equal prefixes mean an equal order.
#[derive(Default)]
struct Order {
    /// Prefixes in the source's order.
    prefixes: Vec<u64>,
    /// Indices into them, sorted.
    indices: Vec<u32>,
}

impl Order {
    fn fits(&self, members: &[Member]) -> bool {
        let prefixes = members.iter().map(|member| member.prefix);
        members.len() == self.prefixes.len() && prefixes.eq(self.prefixes.iter().copied())
    }

    /// Learns the order of `members`; answers whether their prefixes decide it.
    fn learn(&mut self, members: &[Member]) -> bool {
        self.prefixes.clear();
        self.prefixes
            .extend(members.iter().map(|member| member.prefix));
        self.indices.clear();
        self.indices.extend(0..members.len() as u32);
        let prefix = |index: &u32| self.prefixes.get(*index as usize);
        self.indices.sort_unstable_by_key(prefix);
        let decided = self.indices.is_sorted_by(|a, b| prefix(a) < prefix(b));
        if !decided {
            self.prefixes.clear();
        }
        decided
    }
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

    /// Puts the members from `first` on, an object's at `depth`, into the order of their
    /// keys, unless a key is there twice. Answers whether they were in order before.
    pub fn sort(
        &mut self,
        first: usize,
        depth: usize,
        text: &mut Text,
        source: &[u8],
    ) -> Result<bool, Twice> {
        let members = self.open.get_mut(first..).unwrap_or_default();
        if members.is_sorted_by(|a, b| a.prefix < b.prefix) {
            return Ok(true);
        }
        if self.orders.len() <= depth {
            self.orders.resize_with(depth + 1, Order::default);
        }
        if let Some(order) = self.orders.get_mut(depth)
            && (order.fits(members) || order.learn(members))
        {
            self.sorted.clear();
            let indices = order.indices.iter();
            self.sorted
                .extend(indices.filter_map(|index| members.get(*index as usize)));
            members.copy_from_slice(&self.sorted);
            return Ok(false);
        }
        let text: &[u8] = text.settle(source);
        let order = |a: &Member, b: &Member| {
            let by_prefix = a.prefix.cmp(&b.prefix);
            by_prefix.then_with(|| a.key(text).cmp(b.key(text)))
        };
        members.sort_unstable_by(order);
        let mut pairs = members.iter().zip(members.iter().skip(1));
        match pairs.find(|(a, b)| order(a, b).is_eq()) {
            None => Ok(false),
            Some((a, b)) => Err(Twice {
                at: a.at.max(b.at) as usize,
                key: text::plain(a.key(text)),
            }),
        }
    }

    /// Rewrites the settled `text` from `start` on as the members from `first` on in
    /// their order, with commas.
    pub fn rewrite(&mut self, first: usize, start: usize, text: &mut Vec<u8>) {
        self.spare.clear();
        for member in self.open.get(first..).unwrap_or_default() {
            self.spare.extend_from_slice(member.text(text));
            self.spare.push(b',');
        }
        self.spare.pop();
        text.truncate(start);
        text.extend_from_slice(&self.spare);
    }

    /// Forgets the members from `first` on.
    pub fn close(&mut self, first: usize) {
        self.open.truncate(first);
    }
}
