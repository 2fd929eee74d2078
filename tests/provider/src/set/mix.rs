//! Random-looking numbers by formula: the same on every machine and in every release,
//! which the generators of libraries do not promise.

/// The increment of splitmix64, an odd number close to 2^64 divided by the golden ratio.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// A stream of rolls for one record.
pub(super) struct Mix(u64);

impl Mix {
    /// The stream of record `n` in `version`, under `seed`.
    pub fn new(seed: u64, n: u64, version: u32) -> Self {
        let mut mix = Mix(seed);
        for part in [n, u64::from(version)] {
            mix.0 = mix.next() ^ part;
        }
        mix
    }

    /// The next roll.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A roll below `end`; 0 if `end` is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next().checked_rem(end).unwrap_or(0)
    }

    /// One of `choices`.
    pub fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        let index = self.below(choices.len() as u64) as usize;
        choices.get(index).copied().unwrap_or("")
    }
}
