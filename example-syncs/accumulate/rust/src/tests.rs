use super::*;
use tidegate_sdk::testing::{Reply, TestHost};

#[test]
fn a_run_that_ends_early_has_saved_nothing() {
    let contact = |id: &str| json!({"id": id, "name": "n", "email": "e", "updated_at": "2024-01-01T00:00:00Z"});
    let page =
        |id: &str, next: Value| Reply::json(json!({"data": [contact(id)], "next_cursor": next}));
    let mut host = TestHost::new()
        .reply("/contacts", page("a", json!("2")))
        .reply("/contacts?cursor=2", page("b", json!(null)));
    host.stop_at_request(2);
    host.run(&contacts()).unwrap_err();
    assert_eq!(
        (host.records::<Contact>().len(), host.checkpoint()),
        (0, json!(null))
    );
    host.run(&contacts()).unwrap();
    assert_eq!(host.records::<Contact>().len(), 2);
}
