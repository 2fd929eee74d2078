use super::*;
use tidegate_sdk::testing::{Reply, TestHost};

fn page(ids: &[&str], next: &str) -> Reply {
    let members: Vec<_> = ids
        .iter()
        .map(|id| json!({"id": id, "name": id, "real_name": null, "team_id": "T1"}))
        .collect();
    Reply::json(json!({"ok": true, "members": members, "response_metadata": {"next_cursor": next}}))
}

#[test]
fn the_second_run_finds_who_has_left() {
    let mut host = TestHost::new()
        .reply("/users", page(&["U1", "U2"], "b"))
        .reply("/users", page(&["U1"], "b"))
        .reply("/users?cursor=b", page(&["U3"], ""));
    let ids = |host: &TestHost| {
        host.records::<User>()
            .into_iter()
            .map(|user| user.id)
            .collect::<Vec<_>>()
    };
    host.run(&users()).unwrap();
    assert_eq!(ids(&host), ["U1", "U2", "U3"]);
    host.run(&users()).unwrap();
    assert_eq!(ids(&host), ["U1", "U3"]);
}

#[test]
fn half_a_list_deletes_nobody() {
    let mut host = TestHost::new()
        .reply("/users", page(&["U1", "U2"], ""))
        .reply("/users", page(&["U1"], "b"))
        .reply("/users?cursor=b", Reply::status(500));
    host.run(&users()).unwrap();
    host.run(&users()).unwrap_err();
    assert_eq!(host.records::<User>().len(), 2);
}
