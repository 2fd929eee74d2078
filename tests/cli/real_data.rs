//! The real commits through `window`: killed ten times at random, it ends as an
//! undisturbed run does, and no month that was complete is fetched again.
//!
//! `TIDEGATE_KILL_SEED` repeats a run; without the real data, as many made-up months
//! stand in for them.

use crate::{Home, counts};
use serde_json::Value;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tidegate_provider::{Commits, Fault, Provider, ProviderHandle, SeenRequest};
use tidegate_tests::{component, shared_data};

const REAL: &str = "wasmtime-commits.ndjson.gz";
const REAL_COMMITS: u64 = 17_080;
const MONTHS: u32 = 128;
const METADATA: &str = r#"{"owner":"acme","repo":"app","from":"2016-01-01"}"#;

/// How often the run is killed.
const KILLS: u64 = 10;
/// One kill comes after at most this part of all requests, so that ten find a run alive.
const PART: u64 = 13;
/// How long the provider takes for each answer, so that a kill finds the run at work.
const ANSWER: Duration = Duration::from_millis(5);
/// Commits that appear between two runs.
const NEW: u64 = 40;

/// The commits, and how many there must be.
fn commits() -> (Commits, Option<u64>) {
    match shared_data(REAL) {
        Some(path) => (Commits::file(path), Some(REAL_COMMITS)),
        None => (Commits::synthetic(20, MONTHS), None),
    }
}

fn windows() -> Option<Home> {
    component("example-window").map(|component| Home::with(&component))
}

#[test]
fn killed_ten_times_it_ends_as_if_nothing_had_been() {
    let (Some(calm), Some(home)) = (windows(), windows()) else {
        return;
    };
    let (commits, known) = commits();
    let provider = Provider::builder()
        .commits(commits)
        .start_blocking()
        .unwrap();
    let total = provider.commits().len();
    assert_eq!(total, known.unwrap_or(total));

    let row = calm.synced(&provider, &["--metadata", METADATA]);
    assert_eq!(counts(&row, "Commit")[..3], [total, 0, 0]);
    let asked = provider.requests().len() as u64;
    let expected = feed(&calm);
    assert_eq!(expected.len() as u64, total);

    provider
        .faults()
        .next("/repos/*", Fault::Slow { by: ANSWER }, u32::MAX);
    let mut random = Random::new();
    let mut done = String::new();
    for kill in 1..=KILLS {
        provider.forget_requests();
        let after = random.between(asked / PART / 2, asked / PART);
        killed_after(&home, &provider, after as usize);
        fetched_nothing_before(&done, &provider.requests());
        done = progress(&home);
        println!("kill {kill} after {after} requests: complete up to {done}");
    }
    provider.faults().clear();
    provider.forget_requests();
    home.synced(&provider, &[]);
    fetched_nothing_before(&done, &provider.requests());
    assert!(
        feed(&home) == expected,
        "the feed is that of the undisturbed run"
    );
    home.json(&["verify"]);
}

#[test]
fn new_commits_alone_are_fetched_by_the_next_run() {
    let Some(home) = windows() else { return };
    let (commits, _) = commits();
    let provider = Provider::builder()
        .commits(commits.hold_back(NEW))
        .start_blocking()
        .unwrap();
    let before = provider.commits().len();
    assert_eq!(
        counts(&home.synced(&provider, &["--metadata", METADATA]), "Commit")[0],
        before
    );
    let (_, cursor) = home.changes("Commit", None);

    provider.forget_requests();
    let new = provider.commits().release(NEW);
    let row = home.synced(&provider, &[]);
    let [added, updated, deleted, unchanged] = counts(&row, "Commit");
    assert_eq!((added, updated, deleted), (NEW, 0, 0));
    assert!(
        unchanged < 100,
        "those of the newest second, not the set: {unchanged}"
    );

    let asked = provider.requests();
    assert!(
        asked.iter().all(|request| request.param("until").is_none()),
        "no month again"
    );
    assert_eq!(asked.len() as u64, (added + unchanged).div_ceil(100));
    let (changes, _) = home.changes("Commit", Some(&cursor));
    let mut ids: Vec<_> = changes
        .iter()
        .map(|change| change["id"].as_str().unwrap())
        .collect();
    let mut expected: Vec<_> = new.map(|number| provider.commits().id(number)).collect();
    ids.sort_unstable();
    expected.sort_unstable();
    assert_eq!(ids, expected);
}

/// Starts a run and kills it (-9) when the provider has seen so many requests.
fn killed_after(home: &Home, provider: &ProviderHandle, requests: usize) {
    let mut running = home.sync(provider, &["--metadata", METADATA]).start();
    while provider.requests().len() < requests {
        assert!(
            !running.has_ended(),
            "it ended by itself:\n{}\n{}",
            running.stdout(),
            running.stderr()
        );
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(running.kill().code(), None, "a signal ended it");
}

/// Up to which day the windows are recorded as complete; empty before the first.
fn progress(home: &Home) -> String {
    let metadata = home.json(&["metadata"]);
    metadata[0]["window"]["done"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

/// That no window was asked for which was complete before.
fn fetched_nothing_before(done: &str, requests: &[SeenRequest]) {
    let windows: Vec<String> = requests
        .iter()
        .filter(|request| request.param("until").is_some())
        .map(|request| request.param("since").unwrap())
        .collect();
    assert!(!windows.is_empty());
    for since in windows {
        assert!(
            since.as_str() >= done,
            "the month from {since} was complete: {done}"
        );
    }
}

/// Ids and bodies in the order of the feed, whose sequences rise without a tie.
fn feed(home: &Home) -> Vec<(String, Value)> {
    let (changes, _) = home.changes("Commit", None);
    let sequences: Vec<u64> = changes
        .iter()
        .map(|change| change["sequence"].as_u64().unwrap())
        .collect();
    assert!(sequences.is_sorted_by(|one, next| one < next));
    let id = |change: &Value| change["id"].as_str().unwrap().to_owned();
    changes
        .into_iter()
        .map(|mut change| (id(&change), change["record"].take()))
        .collect()
}

/// Numbers that differ from run to run, and do not when the seed is given.
struct Random(u64);

impl Random {
    fn new() -> Self {
        let given = std::env::var("TIDEGATE_KILL_SEED")
            .ok()
            .map(|seed| seed.parse().unwrap());
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let seed = given.unwrap_or(now.as_nanos() as u64);
        println!("TIDEGATE_KILL_SEED={seed}");
        Random(seed | 1)
    }

    /// A number from `from` to `to`, both included.
    fn between(&mut self, from: u64, to: u64) -> u64 {
        // xorshift64
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        from + self.0 % (to - from + 1)
    }
}
