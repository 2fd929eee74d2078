//! Commits in the shape of GitHub's list: from a file, or made up from a seed.

use super::lines::Records;
use super::mix::Mix;
use super::table::Table;
use crate::dates;
use anyhow::Result;
use jiff::{ToSpan, civil, tz::TimeZone};
use std::path::PathBuf;

/// The fewest and the most made-up commits of a month: about those of a busy project.
const PER_MONTH: std::ops::Range<u64> = 40..220;

/// The first month of made-up commits.
const FIRST_MONTH: (i16, i8) = (2016, 1);

/// One made-up commit in so many has the very date of the one before it.
const TIED_EVERY: usize = 9;

const AUTHORS: [&str; 6] = [
    "Ana Ribeiro",
    "Bo Lund",
    "Cem Aydın",
    "Dora Weiss",
    "Eve Chandra",
    "Finn Walsh",
];
const VERBS: [&str; 6] = ["Fix", "Refactor", "Document", "Speed up", "Test", "Remove"];
const PARTS: [&str; 6] = [
    "the parser",
    "trap handling",
    "the code generator",
    "table growth",
    "the command line",
    "memory limits",
];

/// What `/repos/{owner}/{repo}/commits` serves, for every owner and repository.
#[derive(Clone, Debug)]
pub struct Commits(Records);

impl Commits {
    /// Commits from an NDJSON file (gzip or not), an object of GitHub's list in each line.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::of(Records::file(path))
    }

    /// Commits made up from `seed`: 40 to 219 in each of `months` months from January
    /// 2016 on. Some of them share a second.
    pub fn synthetic(seed: u64, months: u32) -> Self {
        Self::of(Records::lines(invent(seed, months)))
    }

    /// Hides the newest `count` until [`Set::release`](crate::Set::release) lets them
    /// appear under their own dates, as commits do between two runs.
    pub fn hold_back(self, count: u64) -> Self {
        Commits(self.0.hold_back(count))
    }

    fn of(records: Records) -> Self {
        Commits(records.id_at("/sha").date_at("/commit/committer/date"))
    }

    pub(crate) fn load(self) -> Result<Table> {
        self.0.load()
    }
}

fn invent(seed: u64, months: u32) -> Vec<String> {
    let (year, month) = FIRST_MONTH;
    let first = civil::date(year, month, 1);
    let mut lines = Vec::new();
    let mut parent = None;
    for month in 0..months {
        for at in moments(seed, first, month) {
            let sha = sha(seed, lines.len() as u64);
            lines.push(line(seed, lines.len() as u64, &sha, parent.as_deref(), at));
            parent = Some(sha);
        }
    }
    lines
}

/// The dates of one month's commits, ascending, in seconds since 1970.
fn moments(seed: u64, first: civil::Date, month: u32) -> Vec<i64> {
    let start = |month: u32| {
        let day = first.saturating_add(i64::from(month).months());
        let zoned = day.to_zoned(TimeZone::UTC);
        zoned.map_or(0, |zoned| zoned.timestamp().as_second())
    };
    let (from, to) = (start(month), start(month + 1));
    let mut mix = Mix::new(seed, u64::from(month), u32::MAX);
    let count = PER_MONTH.start + mix.below(PER_MONTH.end - PER_MONTH.start);
    let mut moments: Vec<i64> = (0..count)
        .map(|_| from + mix.below((to - from).unsigned_abs()) as i64)
        .collect();
    moments.sort_unstable();
    // A merge brings several commits in within one second.
    for index in (1..moments.len()).step_by(TIED_EVERY) {
        if let Some(before) = moments.get(index - 1).copied()
            && let Some(moment) = moments.get_mut(index)
        {
            *moment = before;
        }
    }
    moments
}

fn sha(seed: u64, n: u64) -> String {
    let mut mix = Mix::new(seed, n, 1);
    let low = mix.next() & 0xffff_ffff;
    format!("{:016x}{:016x}{low:08x}", mix.next(), mix.next())
}

fn line(seed: u64, n: u64, sha: &str, parent: Option<&str>, at: i64) -> String {
    let mut mix = Mix::new(seed, n, 0);
    let parents = parent.map_or(String::new(), |parent| format!(r#"{{"sha":"{parent}"}}"#));
    let author = mix.pick(&AUTHORS);
    let authored = dates::text(at - mix.below(86_400) as i64);
    let (verb, part, number) = (mix.pick(&VERBS), mix.pick(&PARTS), n + 1);
    let committed = dates::text(at);
    format!(
        r#"{{"sha":"{sha}","parents":[{parents}],"commit":{{"author":{{"name":"{author}","date":"{authored}"}},"committer":{{"name":"GitHub","date":"{committed}"}},"message":"{verb} {part} (#{number})"}}}}"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn made_up_commits_fill_every_month_and_are_the_same_each_time() {
        let table = Commits::synthetic(5, 24).load().unwrap();
        let again = Commits::synthetic(5, 24).load().unwrap();
        let mut shas = HashSet::new();
        let mut months = HashSet::new();
        let mut ties = 0;
        for rank in 0..table.len() {
            assert_eq!(table.json(rank), again.json(rank));
            let entry = table.entry(rank).unwrap();
            assert!(shas.insert(table.id(entry.n)));
            months.insert(dates::text(entry.at)[..7].to_owned());
            ties += u64::from(rank > 0 && table.entry(rank - 1).unwrap().at == entry.at);
        }
        assert_eq!(months.len(), 24);
        assert!(ties > 100, "{ties}");
        assert_ne!(
            Commits::synthetic(6, 24).load().unwrap().json(0),
            table.json(0)
        );
    }

    #[test]
    fn held_back_commits_wait() {
        let all = Commits::synthetic(5, 3).load().unwrap().len();
        let table = Commits::synthetic(5, 3).hold_back(10).load().unwrap();
        assert_eq!(table.len(), all - 10);
    }
}
