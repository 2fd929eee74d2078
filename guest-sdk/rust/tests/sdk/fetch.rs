use crate::on;
use std::io::Read;
use tidegate_sdk::prelude::*;
use tidegate_sdk::testing::{Reply, TestHost};

#[derive(Debug, Deserialize)]
#[allow(dead_code)]
struct Team {
    members: Vec<Member>,
}

#[derive(Debug, Deserialize)]
#[allow(dead_code)]
struct Member {
    name: String,
}

#[test]
fn a_request_carries_what_it_was_given() {
    let host = on(TestHost::new().serve(|_| Reply::status(204)), |run| {
        let request = run
            .post("/search")
            .query("q", "a b")
            .query("q", 2)
            .header("X-A", 1)
            .header("x-a", "two")
            .json(&json!({"all": true}));
        assert_eq!(request.send()?.status(), 204);
        run.get("/x")
            .query_if("since", None::<u8>)
            .query_if("until", Some(3))
            .base_url("https://other.test")
            .send()?;
        Ok(())
    });
    let sent = host.sent();
    assert_eq!(
        (sent[0].method.as_str(), sent[0].path.as_str()),
        ("POST", "/search")
    );
    assert_eq!(
        sent[0].query,
        [("q".into(), "a b".into()), ("q".into(), "2".into())]
    );
    assert_eq!(
        sent[0].headers,
        [
            ("x-a".into(), "two".into()),
            ("content-type".into(), "application/json".into())
        ]
    );
    assert_eq!(sent[0].json(), json!({"all": true}));
    assert_eq!(
        (
            sent[1].path.as_str(),
            sent[1].param("until"),
            sent[1].query.len()
        ),
        ("https://other.test/x", Some("3"), 1)
    );
}

#[test]
fn a_status_that_is_no_success_is_an_error_unless_it_was_asked_for() {
    let host = TestHost::new()
        .reply("/gone", Reply::status(410).text("x".repeat(10_000)))
        .reply("/empty", Reply::status(500))
        .reply(
            "/down",
            Reply::error(Code::ProviderTimeout, "no answer in 120 s"),
        );
    on(host, |run| {
        let error = run.get("/gone").send().unwrap_err();
        assert_eq!(
            (error.status(), error.code()),
            (Some(410), &Code::GuestError)
        );
        assert!(
            error.message().len() < 600 && error.message().ends_with("x …"),
            "{error}"
        );
        assert_eq!(
            run.get("/empty").send().unwrap_err().message(),
            "GET /empty answered 500"
        );
        assert_eq!(run.get("/gone").any_status().send()?.status(), 410);
        let error = run.get("/down").any_status().send().unwrap_err();
        assert_eq!(
            (error.code(), error.message()),
            (&Code::ProviderTimeout, "GET /down: no answer in 120 s")
        );
        Ok(())
    });
}

#[test]
fn a_body_that_does_not_fit_is_named_with_its_field() {
    let host = TestHost::new().reply(
        "/team",
        Reply::json(json!({"members": [{"name": "Ada"}, {"name": 5}]})),
    );
    on(host, |run| {
        let error = run.get("/team").send()?.json::<Team>().unwrap_err();
        let says = "GET /team answered something unexpected: `members[1].name`: invalid type: integer `5`, expected a string";
        assert!(error.message().starts_with(says), "{error}");
        assert!(
            error
                .message()
                .ends_with(r#"the body begins: {"members":[{"name":"Ada"},{"name":5}]}"#),
            "{error}"
        );
        Ok(())
    });
}

#[test]
fn a_body_can_be_read_as_a_stream() {
    let body: Vec<u8> = (0..200_000u32).map(|n| n as u8).collect();
    on(
        TestHost::new().reply("/big", Reply::status(200).text(body.clone())),
        move |run| {
            let mut read = Vec::new();
            run.get("/big").send()?.reader().read_to_end(&mut read)?;
            assert!(read == body);
            Ok(())
        },
    );
}
