use super::*;
use tidegate_sdk::testing::{Reply, TestHost};

/// A provider with contacts 0 to 8, three to each minute, pages of two, as a real one
/// filters, sorts and pages them.
fn provider() -> TestHost {
    TestHost::new().serve(|sent| {
        let at = |n: usize| format!("2024-01-01T00:0{}:00Z", n / 3);
        let since = sent.param("since").unwrap_or_default();
        let start: usize = sent.param("cursor").map_or(0, |cursor| cursor.parse().unwrap());
        let found: Vec<usize> = (0..9).filter(|n| at(*n).as_str() >= since).collect();
        let contact = |n: &usize| json!({"id": n.to_string(), "name": "n", "email": "e", "company": "c", "active": true, "updated_at": at(*n)});
        let page: Vec<Value> = found.iter().skip(start).take(2).map(contact).collect();
        let next = (start + 2 < found.len()).then(|| (start + 2).to_string());
        Reply::json(json!({ "data": page, "next_cursor": next }))
    })
}

#[test]
fn a_run_stopped_after_any_page_goes_on_and_leaves_nothing_out() {
    for stop in 1..=4 {
        let mut host = provider();
        host.stop_at_checkpoint(stop);
        host.run(&contacts()).unwrap_err();
        let before = host.sent().len();
        host.run(&contacts()).unwrap();
        assert_eq!(
            host.records::<Contact>().len(),
            9,
            "stopped after page {stop}"
        );
        assert!(
            host.sent()[before].param("since").is_some(),
            "the second run does not begin anew"
        );
        assert_eq!(
            host.checkpoint(),
            json!({"updated_at": "2024-01-01T00:02:00Z"})
        );
    }
}

#[test]
fn a_run_with_nothing_new_asks_for_the_last_minute_only() {
    let mut host = provider();
    host.run(&contacts()).unwrap();
    let before = host.sent().len();
    host.run(&contacts()).unwrap();
    assert_eq!(
        host.sent().len() - before,
        2,
        "three contacts have the last date"
    );
    assert!(
        host.log_lines()
            .last()
            .unwrap()
            .ends_with("0 added, 0 updated, 1 unchanged")
    );
}
