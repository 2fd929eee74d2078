//! GitHub's list of commits: over made-up commits always, over real ones where they are.

use crate::client::*;
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use tidegate_provider::{Commits, Provider, ProviderHandle};

const LIST: &str = "/repos/any/repo/commits";

/// The real commits, in `shared` beside or above the checkout; none with a line that
/// says so.
fn real() -> Option<PathBuf> {
    let named = std::env::var_os("TIDEGATE_SHARED").map(PathBuf::from);
    let above = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let beside = above.ancestors().map(|folder| folder.join("shared"));
    let found = named
        .into_iter()
        .chain(beside)
        .map(|shared| shared.join("data/wasmtime-commits.ndjson.gz"))
        .find(|path| path.exists());
    if found.is_none() {
        assert!(
            std::env::var_os("TIDEGATE_NO_SKIPS").is_none(),
            "shared/data/wasmtime-commits.ndjson.gz is not there"
        );
        println!(
            "skipped: the real commits, shared/data/wasmtime-commits.ndjson.gz, are not there"
        );
    }
    found
}

async fn serve(commits: Commits) -> ProviderHandle {
    Provider::builder().commits(commits).start().await.unwrap()
}

fn sha(commit: &Value) -> String {
    commit["sha"].as_str().unwrap().to_owned()
}

fn date(commit: &Value) -> String {
    commit["commit"]["committer"]["date"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// The last second of the month before the first of `month`.
fn before(month: jiff::civil::Date) -> String {
    let at = month.to_datetime(jiff::civil::Time::midnight()) - jiff::SignedDuration::from_secs(1);
    format!("{at}Z")
}

/// All pages hold every commit once, the newest first; windows by month hold the same.
async fn holds(provider: &ProviderHandle, total: usize, months: usize) {
    let (all, pages) = by_link(provider, &format!("{LIST}?per_page=100")).await;
    assert_eq!((all.len(), pages), (total, total.div_ceil(100)));
    let shas: HashSet<String> = all.iter().map(sha).collect();
    assert_eq!(shas.len(), total);
    assert!(
        all.iter()
            .map(date)
            .is_sorted_by(|newer, older| newer >= older)
    );
    let mut by_month: BTreeMap<String, usize> = BTreeMap::new();
    for commit in &all {
        *by_month.entry(date(commit)[..7].to_owned()).or_default() += 1;
    }
    assert_eq!(by_month.len(), months);

    let mut month: jiff::civil::Date = "2016-01-01".parse().unwrap();
    let mut seen = HashSet::new();
    for (name, count) in by_month {
        assert_eq!(month.strftime("%Y-%m").to_string(), name);
        let next = month.saturating_add(jiff::Span::new().months(1));
        let window = format!(
            "{LIST}?per_page=100&since={month}T00:00:00Z&until={}",
            before(next)
        );
        let (commits, _) = by_link(provider, &window).await;
        assert_eq!(commits.len(), count, "{name}");
        assert!(
            commits.iter().all(|commit| seen.insert(sha(commit))),
            "{name} shares none"
        );
        month = next;
    }
    assert_eq!(seen, shas);
}

#[tokio::test]
async fn made_up_commits_are_all_in_the_pages_and_in_the_months() {
    let provider = serve(Commits::synthetic(11, 30)).await;
    let total = provider.commits().len();
    assert!(total > 30 * 40);
    holds(&provider, total as usize, 30).await;
}

#[tokio::test]
async fn real_commits_are_all_in_the_pages_and_in_the_months() {
    let Some(path) = real() else { return };
    let provider = serve(Commits::file(path)).await;
    holds(&provider, 17_080, 128).await;
}

#[tokio::test]
async fn bounds_are_inclusive_as_githubs() {
    let provider = serve(Commits::synthetic(11, 2)).await;
    let (all, _) = by_link(&provider, &format!("{LIST}?per_page=100")).await;
    let at = date(&all[20]);
    let same = json(&provider, &format!("{LIST}?since={at}&until={at}")).await;
    let expected: Vec<&Value> = all.iter().filter(|commit| date(commit) == at).collect();
    assert!(!expected.is_empty());
    assert_eq!(
        same.as_array().unwrap().iter().collect::<Vec<_>>(),
        expected
    );
}

#[tokio::test]
async fn pages_and_links_are_githubs() {
    let provider = serve(Commits::synthetic(11, 4)).await;
    let total = provider.commits().len();
    let last = total.div_ceil(100);
    let rels = ["prev", "next", "last", "first"];
    let (first, end) = ([false, true, true, false], [true, false, false, true]);
    for (page, expected) in [(1, first), (2, [true; 4]), (last, end)] {
        let path = format!("{LIST}?per_page=500&sha=main&page={page}");
        let response = get(&provider, &path).await;
        let found = rels.map(|rel| link(&response, rel).is_some());
        assert_eq!(found, expected, "page {page} of {last}");
        if let Some(next) = link(&response, "next") {
            let wanted = format!("{LIST}?per_page=500&sha=main&page={}", page + 1);
            assert_eq!(next, format!("{}{wanted}", provider.url()));
        }
        assert!(response.headers().contains_key("x-ratelimit-remaining"));
    }
    let page = json(&provider, LIST).await;
    assert_eq!(page.as_array().unwrap().len(), 30, "the default");
    let past = get(&provider, &format!("{LIST}?page={}", total + 1)).await;
    assert_eq!(past.text().await.unwrap(), "[]");
}

#[tokio::test]
async fn commits_that_appear_are_the_newest() {
    let provider = serve(Commits::synthetic(11, 3).hold_back(5)).await;
    let before = json(&provider, &format!("{LIST}?per_page=1")).await;
    assert_eq!(provider.commits().release(3).count(), 3);
    let page = json(
        &provider,
        &format!("{LIST}?per_page=100&since={}", date(&before[0])),
    )
    .await;
    let page = page.as_array().unwrap();
    assert_eq!(sha(&page[3]), sha(&before[0]));
    assert_eq!(provider.commits().add(2).count(), 2);
    let newest = json(&provider, &format!("{LIST}?per_page=3")).await;
    assert_eq!(sha(&newest[2]), sha(&page[0]));
    let ids: HashSet<String> = provider.commits().ids().into_iter().collect();
    assert_eq!(ids.len() as u64, provider.commits().len());
}

#[tokio::test]
async fn commits_that_are_not_there_are_an_error_at_the_start() {
    let commits = Commits::file("no/such/commits.ndjson.gz");
    let failed = Provider::builder()
        .commits(commits)
        .start()
        .await
        .err()
        .unwrap();
    assert!(
        format!("{failed:#}").contains("no/such/commits.ndjson.gz"),
        "{failed:#}"
    );
}
