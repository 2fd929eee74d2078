use super::*;
use tidegate_sdk::testing::{Reply, TestHost};

fn page(contacts: &[(&str, bool, &str)]) -> Reply {
    let contact = |(id, active, at): &(&str, bool, &str)| json!({"id": id, "name": "n", "email": "e", "active": active, "updated_at": at});
    Reply::json(
        json!({"data": contacts.iter().map(contact).collect::<Vec<_>>(), "next_cursor": null}),
    )
}

#[test]
fn the_first_run_looks_back_as_far_as_the_settings_say_and_later_ones_go_on() {
    for (settings, since) in [
        (json!({}), "2026-05-31"),
        (json!({"months": 6}), "2026-02-28"),
    ] {
        let mut host = TestHost::new()
            .with_metadata(settings)
            .reply(
                "/contacts",
                page(&[
                    ("a", true, "2026-07-01T00:00:00Z"),
                    ("b", false, "2026-07-02T00:00:00Z"),
                ]),
            )
            .reply("/contacts", page(&[("a", false, "2026-07-03T00:00:00Z")]));
        host.run(&contacts()).unwrap();
        assert_eq!(
            host.records::<Contact>()
                .iter()
                .map(|contact| contact.id.as_str())
                .collect::<Vec<_>>(),
            ["a"]
        );
        host.run(&contacts()).unwrap();
        assert_eq!(
            host.records::<Contact>().len(),
            0,
            "who is no longer active goes"
        );
        let asked: Vec<_> = host
            .sent()
            .iter()
            .map(|sent| sent.param("since").unwrap().to_owned())
            .collect();
        assert_eq!(
            asked,
            [format!("{since}T00:00:00Z"), "2026-07-02T00:00:00Z".into()]
        );
    }
}
