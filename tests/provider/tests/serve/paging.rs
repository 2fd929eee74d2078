//! Every way of paging visits each record exactly once, filtered, changed or not.

use crate::client::*;
use serde_json::Value;
use tidegate_provider::{Provider, ProviderHandle, Records};

async fn contacts(count: u64) -> ProviderHandle {
    Provider::builder()
        .contacts(count, 7)
        .start()
        .await
        .unwrap()
}

async fn by_offset(provider: &ProviderHandle, path: &str, limit: u64) -> Vec<Value> {
    let mut all = Vec::new();
    loop {
        let at = all.len();
        let page = json(provider, &format!("{path}&offset={at}&limit={limit}")).await;
        let data = page["data"].as_array().unwrap();
        all.extend(data.iter().cloned());
        if all.len() as u64 == page["total"] {
            return all;
        }
        assert_eq!(data.len() as u64, limit);
    }
}

#[tokio::test]
async fn each_style_visits_each_record_once_in_order() {
    for (count, limit) in [(0, 10), (1, 10), (10, 10), (11, 10), (457, 20), (20, 1)] {
        let provider = contacts(count).await;
        let expected = provider.contacts().ids();
        assert_eq!(expected.len() as u64, count);
        let cursor = by_cursor(&provider, &format!("/contacts?limit={limit}")).await;
        assert_eq!(ids(&cursor), expected);
        let offset = by_offset(&provider, "/contacts/offset?x=", limit).await;
        assert_eq!(offset, cursor);
        let (link, pages) = by_link(&provider, &format!("/contacts/link?per_page={limit}")).await;
        assert_eq!(link, cursor);
        assert_eq!(pages as u64, count.div_ceil(limit).max(1));
        let held: Vec<Value> = provider
            .contacts()
            .records()
            .iter()
            .map(|record| serde_json::from_str(record).unwrap())
            .collect();
        assert_eq!(held, cursor);
    }
}

#[tokio::test]
async fn filters_keep_to_their_dates_and_find_ties() {
    let provider = contacts(100).await;
    let all = by_cursor(&provider, "/contacts?limit=100").await;
    let date = |record: &Value| record["updated_at"].as_str().unwrap().to_owned();
    let border = date(&all[50]);
    type Keep = fn(&str, &str) -> bool;
    let rows: [(&str, Keep); 4] = [
        ("since", |at, border| at >= border),
        ("after", |at, border| at > border),
        ("until", |at, border| at <= border),
        ("before", |at, border| at < border),
    ];
    for (filter, keep) in rows {
        let expected: Vec<Value> = all
            .iter()
            .filter(|record| keep(&date(record), &border))
            .cloned()
            .collect();
        let query = format!("{filter}={border}");
        let cursor = by_cursor(&provider, &format!("/contacts?limit=7&{query}")).await;
        assert_eq!(cursor, expected, "{filter}");
        let (link, _) = by_link(&provider, &format!("/contacts/link?per_page=7&{query}")).await;
        assert_eq!(link, expected, "{filter}");
        let offset = by_offset(&provider, &format!("/contacts/offset?{query}"), 7).await;
        assert_eq!(offset, expected, "{filter}");
    }
    let tied = all.iter().filter(|record| date(record) == border).count();
    assert_eq!(tied, 3, "the border is one of the ties");
}

#[tokio::test]
async fn contacts_can_be_spread_over_years() {
    let provider = Provider::builder()
        .contacts(300, 7)
        .contacts_between("2020-01-01", "2022-01-01")
        .start()
        .await
        .unwrap();
    for (filter, count) in [
        ("before=2020-01-01", 0),
        ("until=2020-12-31", 150),
        ("before=2022-01-01", 300),
    ] {
        let page = json(&provider, &format!("/contacts/offset?{filter}")).await;
        assert_eq!(page["total"], count, "{filter}");
    }
}

#[tokio::test]
async fn changes_between_runs_are_exactly_what_a_checkpoint_finds() {
    let provider = contacts(100).await;
    let before = by_cursor(&provider, "/contacts?limit=9").await;
    let last = before.last().unwrap()["updated_at"]
        .as_str()
        .unwrap()
        .to_owned();
    let contacts = provider.contacts();
    assert_eq!(contacts.update([40, 3, 99]), 3);
    assert_eq!(contacts.remove([4, 5]), 2);
    assert_eq!(contacts.touch([60]), 1);
    let added = contacts.add(2);
    let changed = by_cursor(&provider, &format!("/contacts?limit=2&after={last}")).await;
    let expected: Vec<String> = [3, 40, 99, 60]
        .into_iter()
        .chain(added)
        .map(|n| contacts.id(n))
        .collect();
    assert_eq!(ids(&changed), expected);
    assert_eq!(changed[0]["name"], before[3]["name"]);
    assert_ne!(changed[0]["phone"], before[3]["phone"]);
    assert_eq!(
        changed[3]["phone"], before[60]["phone"],
        "touched, not edited"
    );
    assert_ne!(changed[3]["updated_at"], before[60]["updated_at"]);
    let after = by_cursor(&provider, "/contacts?limit=9").await;
    assert_eq!(ids(&after), contacts.ids());
    assert_eq!(after.len(), 100);
}

#[tokio::test]
async fn a_cursor_neither_repeats_nor_misses_when_records_change_meanwhile() {
    let provider = contacts(30).await;
    let first = json(&provider, "/contacts?limit=10").await;
    provider.contacts().remove([9, 10]);
    provider.contacts().update([0]);
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = json(&provider, &format!("/contacts?limit=100&cursor={cursor}")).await;
    let expected: Vec<String> = (11..30)
        .chain([0])
        .map(|n| provider.contacts().id(n))
        .collect();
    assert_eq!(ids(rest["data"].as_array().unwrap()), expected);
}

#[tokio::test]
async fn users_come_as_slack_gives_them() {
    let provider = Provider::builder().users(45, 1).start().await.unwrap();
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = json(&provider, &format!("/users?limit=20&cursor={cursor}")).await;
        assert_eq!(page["ok"], true);
        seen.extend(ids(page["members"].as_array().unwrap()));
        cursor = page["response_metadata"]["next_cursor"]
            .as_str()
            .unwrap()
            .to_owned();
        if cursor.is_empty() {
            break;
        }
    }
    assert_eq!(seen, provider.users().ids());
}

#[tokio::test]
async fn contacts_come_as_salesforce_gives_them() {
    let provider = contacts(4_500).await;
    let all = by_cursor(&provider, "/contacts?limit=1000").await;
    let middle = all[2_250]["updated_at"].as_str().unwrap();
    let rows = [
        (String::new(), 4_500),
        (
            format!("WHERE LastModifiedDate >= {middle} "),
            4_500 - 2_250,
        ),
        (format!("WHERE LastModifiedDate < {middle} "), 2_250),
    ];
    for (bound, count) in rows {
        let query = format!("SELECT Id FROM Contact {bound}ORDER BY LastModifiedDate ASC");
        let mut path = format!("/services/data/v60.0/query?q={}", query.replace(' ', "+"));
        let mut seen = Vec::new();
        loop {
            let page = json(&provider, &path).await;
            assert_eq!(page["totalSize"], count, "{bound}");
            let rows = page["records"].as_array().unwrap();
            seen.extend(
                rows.iter()
                    .map(|row| row["Id"].as_str().unwrap().to_owned()),
            );
            match page["nextRecordsUrl"].as_str() {
                Some(next) => next.clone_into(&mut path),
                None => break assert_eq!(page["done"], true),
            }
        }
        let expected = all.iter().filter(|contact| {
            let date = contact["updated_at"].as_str().unwrap();
            match bound.as_bytes().get(23) {
                Some(b'>') => date >= middle,
                Some(_) => date < middle,
                None => true,
            }
        });
        let expected: Vec<_> = expected
            .map(|contact| contact["id"].as_str().unwrap())
            .collect();
        assert_eq!(seen, expected, "{bound}");
    }
    let refused = get(
        &provider,
        "/services/data/v60.0/query?q=SELECT+Id+FROM+Lead",
    )
    .await;
    assert_eq!(refused.status(), 400);
}

#[tokio::test]
async fn windows_of_events_share_nothing_and_miss_nothing() {
    let provider = Provider::builder()
        .events(2_000, 3)
        .events_between("2020-01-01", "2022-01-01")
        .start()
        .await
        .unwrap();
    let mut seen = Vec::new();
    for month in 0..24 {
        let day = |month: i32| format!("{}-{:02}-01", 2020 + month / 12, 1 + month % 12);
        let window = format!(
            "/events?from={}&to={}&per_page=30",
            day(month),
            day(month + 1)
        );
        let first = json(&provider, &window).await;
        assert!(
            first["total"].as_u64().unwrap() > 30,
            "more than a page: {window}"
        );
        for number in 1..=first["pages"].as_u64().unwrap() {
            let page = json(&provider, &format!("{window}&page={number}")).await;
            seen.extend(ids(page["data"].as_array().unwrap()));
        }
    }
    assert_eq!(seen, provider.events().ids());
}

#[tokio::test]
async fn records_of_your_own_are_served_byte_for_byte() {
    let lines = [
        r#"{"id":1, "x":"é"}"#,
        r#"{"id":"two","x":1.50}"#,
        r#"{"id":3}"#,
    ];
    let provider = Provider::builder()
        .records("odd", Records::lines(lines))
        .start()
        .await
        .unwrap();
    let text = get(&provider, "/odd?limit=2").await.text().await.unwrap();
    let start = format!(r#"{{"data":[{},{}],"next_cursor":""#, lines[0], lines[1]);
    assert!(text.starts_with(&start), "{text}");
    provider.records("odd").unwrap().remove([0]);
    let text = get(&provider, "/odd/link?since=1970-01-01T00:00:02Z").await;
    assert_eq!(text.text().await.unwrap(), format!("[{}]", lines[2]));
    assert!(provider.records("none").is_none());
}

#[tokio::test]
async fn wrong_requests_are_told_what_is_wrong() {
    let provider = contacts(3).await;
    let rows = [
        (
            "/contacts?limit=many",
            400,
            "limit: `many` is no whole number",
        ),
        ("/contacts?cursor=zz", 400, "cursor: `zz` is none of ours"),
        (
            "/contacts/offset?since=soon",
            400,
            "since: `soon` is no date",
        ),
        (
            "/contacts/link?page=-1",
            400,
            "page: `-1` is no whole number",
        ),
        ("/nothing", 404, "no data set `nothing`"),
    ];
    for (path, status, message) in rows {
        let response = get(&provider, path).await;
        assert_eq!(response.status(), status, "{path}");
        let text = response.text().await.unwrap();
        assert!(text.contains(message), "{path}: {text}");
    }
}
