//! `{{secret.name}}` in a guest's request: filled in on the wire to the connection's own
//! origin, and nowhere else.

use crate::world::{Server, World, get, local_scope, post, refused, reply, times};
use std::sync::Arc;
use tidegate::egress::{Credentials, EgressScope, OutgoingRequest, Placeholder};
use tidegate::model::Place;

const PIN: &str = "canary/\"pin\"+7f3a";

fn scope(server: &Server) -> EgressScope {
    let one = |value: Option<&str>, places: &[Place]| Placeholder {
        value: value.map(str::to_owned),
        places: places.iter().copied().collect(),
    };
    EgressScope {
        base_url: Some(server.url("/").parse().unwrap()),
        credentials: Arc::new(Credentials {
            placeholders: [
                ("pin".into(), one(Some(PIN), &[Place::Body, Place::Query])),
                ("body".into(), one(Some(PIN), &[Place::Body])),
                ("unset".into(), one(None, &[Place::Body])),
            ]
            .into(),
            ..Credentials::default()
        }),
        ..local_scope()
    }
}

fn typed(url: &str, kind: &str, body: &str) -> OutgoingRequest {
    OutgoingRequest {
        headers: vec![("content-type".into(), kind.into())],
        ..post(url, body)
    }
}

/// A server that tells all that it was sent, in each way that it can.
async fn echo() -> Server {
    Server::plain(|request| {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        let all = format!("{}|{body}|{}", request.path(), serde_json::json!([PIN]));
        reply(200, &[("x-echo", request.path())], all.as_bytes())
    })
    .await
}

#[tokio::test]
async fn it_is_on_the_wire_and_nowhere_else() {
    let (server, world) = (echo().await, World::local(times()));
    let json = r#"{"pin":"{{secret.pin}}","n":1}"#;
    for (request, on_the_wire) in [
        (get("a?pin={{secret.pin}}"), "pin=canary%2F%22pin%22%2B7f3a"),
        (
            typed("b", "application/json", json),
            r#"{"pin":"canary/\"pin\"+7f3a","n":1}"#,
        ),
        (
            typed(
                "c",
                "application/x-www-form-urlencoded",
                "x=1&pin=%7B%7Bsecret.body%7D%7D",
            ),
            "x=1&pin=canary%2F%22pin%22%2B7f3a",
        ),
        (
            typed("d", "text/plain", "<{{secret.pin}}>"),
            "<canary/\"pin\"+7f3a>",
        ),
    ] {
        let before = server.count();
        let sent = world.send(&scope(&server), request).await;
        let seen = server.nth(before);
        let body = String::from_utf8_lossy(&seen.body).into_owned();
        assert!(
            seen.path().contains(on_the_wire) || body == on_the_wire,
            "{} {body}",
            seen.path()
        );
        let response = sent.response.as_ref().unwrap();
        let echo = String::from_utf8_lossy(&response.body);
        let visible = format!("{sent:?} {} {:?} {echo}", response.url, response.headers);
        for form in ["canary/", "canary%2F", "pin\\\"+7f3a", "7f3a"] {
            assert!(!visible.contains(form), "{form} in {visible}");
        }
    }
}

#[tokio::test]
async fn what_is_not_allowed_is_refused_before_anything_is_sent() {
    let (server, other) = (echo().await, echo().await);
    let world = World::local(times());
    let away = other.url("/");
    for (request, code, says) in [
        (
            post("x", "{{secret.token}}"),
            "egress.denied",
            "`placeholders`",
        ),
        (get("x?a={{secret.body}}"), "egress.denied", "in the query"),
        (
            post("x", "{{secret.unset}}"),
            "config.invalid",
            "lack `unset`",
        ),
        (get("x/{{secret.pin}}"), "egress.denied", "the path"),
        (
            post(&away, "{{secret.pin}}"),
            "egress.denied",
            "connection's base URL",
        ),
        (
            get(&format!("{away}?a={{{{secret.pin}}}}")),
            "egress.denied",
            "connection's base URL",
        ),
        (
            OutgoingRequest {
                headers: vec![("x-pin".into(), "{{secret.pin}}".into())],
                ..get("x")
            },
            "egress.denied",
            "a header",
        ),
    ] {
        let sent = world.send(&scope(&server), request).await;
        let (found, message) = refused(&sent);
        assert_eq!(found, code, "{message}");
        assert!(
            message.contains(says) && !message.contains("7f3a"),
            "{message}"
        );
    }
    assert_eq!((server.count(), other.count()), (0, 0));
    // Where nothing is allowed, none goes out as it stands.
    let sent = world
        .send(&local_scope(), post(&server.url("/"), "{{secret.pin}}"))
        .await;
    assert_eq!(refused(&sent).0, "egress.denied");
    assert_eq!(server.count(), 0);
}

#[tokio::test]
async fn a_redirect_leads_no_secret_away() {
    let other = echo().await;
    let away = other.url("/taken?pin={{secret.pin}}");
    let server = Server::plain(move |request| match request.path() {
        "/same" => reply(307, &[("location", "/end")], b""),
        "/filled" => reply(302, &[("location", "/end?pin={{secret.pin}}")], b""),
        path if path.starts_with("/away") => reply(307, &[("location", &away)], b""),
        _ => reply(200, &[], b"end"),
    })
    .await;
    let world = World::local(times());
    // On the same origin the body goes along, filled in anew.
    let sent = world
        .send(&scope(&server), post("same", "<{{secret.pin}}>"))
        .await;
    assert_eq!(sent.response.unwrap().status, 200);
    assert_eq!(server.nth(1).body, format!("<{PIN}>").into_bytes());
    // What stands in the provider's own redirect is not the guest's to have filled in.
    let sent = world.send(&scope(&server), get("filled")).await;
    assert_eq!(sent.response.unwrap().status, 200);
    assert!(
        server.nth(3).path().contains("secret.pin"),
        "{}",
        server.nth(3).path()
    );
    // To another origin no body with a secret follows, nor one with its placeholder …
    let sent = world
        .send(&scope(&server), post("away", "{{secret.pin}}"))
        .await;
    let (code, message) = refused(&sent);
    assert_eq!(code, "egress.denied", "{message}");
    assert_eq!(other.count(), 0);
    // … and a query stays behind.
    let sent = world
        .send(&scope(&server), get("away?x={{secret.pin}}"))
        .await;
    assert_eq!(sent.response.unwrap().status, 200);
    let taken = other.nth(0);
    assert!(taken.path().starts_with("/taken"), "{}", taken.path());
    assert!(!taken.head.contains("7f3a"), "{}", taken.head);
}
