use super::*;
use tidegate_sdk::testing::{Reply, TestHost};

/// Commits of three months of 2024, the newest first: two on each of the given days.
const DAYS: [&str; 6] = [
    "03-31T23:59:59",
    "03-01T00:00:00",
    "02-29T12:00:00",
    "02-01T00:00:00",
    "01-31T23:59:59",
    "01-15T08:00:00",
];

/// GitHub, as far as it matters here: `since` and `until` inclusive, a page an item, links.
fn provider() -> TestHost {
    let github = |sent: &tidegate_sdk::testing::Sent| {
        let (since, until) = (
            sent.param("since").unwrap(),
            sent.param("until").unwrap_or("9999"),
        );
        let number: usize = sent.param("page").map_or(1, |page| page.parse().unwrap());
        let dates = DAYS
            .iter()
            .map(|day| format!("2024-{day}Z"))
            .filter(|date| date.as_str() >= since && date.as_str() <= until);
        let all: Vec<Value> = dates
            .flat_map(|date| [commit(&date, 1), commit(&date, 2)])
            .collect();
        let reply = Reply::json(all.iter().skip(number - 1).take(1).collect::<Vec<_>>());
        let url = format!(
            "https://provider.test/repos/tide/gate/commits?since={since}&until={until}&page={}",
            number + 1
        );
        if number < all.len() {
            reply.header("link", &format!("<{url}>; rel=\"next\""))
        } else {
            reply
        }
    };
    let settings = json!({"owner": "tide", "repo": "gate", "from": "2024-01-01"});
    TestHost::new()
        .serve(github)
        .with_metadata(settings)
        .now("2024-04-10T09:00:00Z")
}

fn commit(date: &str, n: u32) -> Value {
    let person = json!({"name": "Ada", "date": date});
    json!({"sha": format!("{date}-{n}"), "commit": {"author": person, "committer": person, "message": "m"}})
}

/// The first days of the windows that were asked for, a month as often as it was begun.
fn begun(host: &TestHost) -> Vec<String> {
    let firsts = host
        .sent()
        .into_iter()
        .filter(|sent| sent.param("page").is_none() && sent.param("until").is_some());
    firsts
        .map(|sent| sent.param("since").unwrap()[..7].to_owned())
        .collect()
}

#[test]
fn every_month_is_fetched_once_and_then_only_what_is_new() {
    let mut host = provider();
    host.run(&commits()).unwrap();
    assert_eq!(host.records::<Commit>().len(), 12);
    assert_eq!(begun(&host), ["2024-01", "2024-02", "2024-03", "2024-04"]);
    host.run(&commits()).unwrap();
    assert_eq!(begun(&host).len(), 4, "no month again");
    // From the newest commit and not from today: one may arrive days after its date.
    assert_eq!(
        host.sent().last().unwrap().param("since"),
        Some("2024-03-31T23:59:59Z")
    );
}

#[test]
fn a_run_killed_at_any_request_fetches_no_complete_month_again() {
    for kill in 1..=13 {
        let mut host = provider();
        host.stop_at_request(kill);
        host.run(&commits()).unwrap_err();
        host.run(&commits()).unwrap();
        assert_eq!(
            host.records::<Commit>().len(),
            12,
            "killed at request {kill}"
        );
        let mut months = begun(&host);
        months.dedup();
        assert_eq!(
            months,
            ["2024-01", "2024-02", "2024-03", "2024-04"],
            "killed at request {kill}"
        );
    }
}
