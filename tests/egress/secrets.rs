//! Canary secrets: in what is sent to the connection's origin, and nowhere else.

use crate::world::{Server, Step, World, get, local_scope, reply, times};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::sync::Arc;
use tidegate::egress::{Credentials, EgressScope, Sent};

const BEARER: &str = "canary/bearer+7f3a==";
const QUERY: &str = "canary query 7f3a";

fn scope(server: &Server) -> EgressScope {
    EgressScope {
        base_url: Some(server.url("/").parse().unwrap()),
        credentials: Arc::new(Credentials {
            headers: vec![("Authorization".into(), format!("Bearer {BEARER}"))],
            query: vec![("api_key".into(), QUERY.into())],
            ..Credentials::default()
        }),
        ..local_scope()
    }
}

/// The forms in which an echo may give the secrets back.
fn forms() -> Vec<String> {
    let mut forms = vec![BEARER.to_owned(), QUERY.to_owned()];
    forms.push("canary%2Fbearer%2B7f3a%3D%3D".into());
    forms.push("canary%2fbearer%2b7f3a%3d%3d".into());
    forms.push("canary%20query%207f3a".into());
    forms.extend(["", "a", "ab"].map(|before| STANDARD.encode(format!("{before}{BEARER}"))));
    forms.extend(["", "a", "ab"].map(|before| STANDARD.encode(format!("{before}{QUERY}"))));
    forms
}

/// Everything that a guest or a log can see of what came of a request.
fn visible(sent: &Sent) -> String {
    match &sent.response {
        Ok(response) => {
            let body = String::from_utf8_lossy(&response.body);
            format!("{sent:?} {} {:?} {body}", response.url, response.headers)
        }
        Err(error) => format!("{sent:?} {error}"),
    }
}

#[track_caller]
fn assert_clean(text: &str) {
    for form in forms() {
        // The ends of a Base64 text belong to what stands around the secret, too.
        let inner = form.get(4..form.len() - 4).unwrap();
        assert!(
            !text.contains(&form) && !text.contains(inner),
            "{form} in {text}"
        );
    }
}

#[tokio::test]
async fn an_echo_is_blotted_out() {
    let server = Server::plain(|request| {
        let echo = format!("{{\"head\":{:?},\"forms\":{:?}}}", request.head, forms());
        let one_line = request.head.replace("\r\n", " ");
        reply(
            200,
            &[("x-echo", &one_line), ("set-cookie", &forms().join(" "))],
            echo.as_bytes(),
        )
    })
    .await;
    let world = World::local(times());
    let sent = world.send(&scope(&server), get("echo?page=2")).await;
    assert_clean(&visible(&sent));
    let response = sent.response.unwrap();
    assert_eq!(response.url, server.url("/echo?page=2"));
    assert!(serde_json::from_slice::<serde_json::Value>(&response.body).is_ok());
    // It was there: the server got it.
    let head = server.nth(0).head;
    assert!(
        head.contains(BEARER) && head.contains("api_key=canary%20query%207f3a"),
        "{head}"
    );
}

#[tokio::test]
async fn redirects_and_next_links_do_not_give_it_away() {
    let server = Server::plain(|request| match request.path() {
        path if path.starts_with("/from") => {
            let to = format!("/to?api_key={}&x=1", "canary%20query%207f3a");
            reply(302, &[("location", &to)], b"")
        }
        path if path.starts_with("/path") => reply(
            302,
            &[(
                "location",
                "/to/canary%20query%207f3a/canary%2Fbearer%2B7f3a%3D%3D",
            )],
            b"",
        ),
        _ => reply(200, &[], b""),
    })
    .await;
    let world = World::local(times());
    let sent = world.send(&scope(&server), get("from")).await;
    assert_clean(&visible(&sent));
    assert_eq!(sent.response.unwrap().url, server.url("/to?x=1"));
    // The parameter is the host's: sent once, whatever the link or the guest said.
    assert_eq!(
        server.nth(1).path(),
        "/to?x=1&api_key=canary%20query%207f3a"
    );
    let sent = world
        .send(&scope(&server), get("next?api_key=guess&page=3"))
        .await;
    assert_eq!(sent.response.unwrap().url, server.url("/next?page=3"));
    assert_eq!(
        server.nth(2).path(),
        "/next?page=3&api_key=canary%20query%207f3a"
    );
    let sent = world.send(&scope(&server), get("path")).await;
    assert_clean(&visible(&sent));
}

#[tokio::test]
async fn failures_do_not_name_it() {
    let world = World::local(times());
    let far = format!("http://10.0.0.1/{}", "canary%2Fbearer%2B7f3a%3D%3D");
    for steps in [
        vec![Step::Close],
        vec![Step::Reset],
        vec![
            Step::Send(format!("{BEARER} {QUERY}\r\n\r\n").into_bytes()),
            Step::Close,
        ],
        vec![
            Step::Send(format!("HTTP/1.1 200 X\r\n{BEARER}: {QUERY}\r\n\r\n").into_bytes()),
            Step::Close,
        ],
        reply(302, &[("location", &far)], b""),
        reply(302, &[("location", &format!("ftp://{BEARER}/"))], b""),
        reply(
            302,
            &[("location", &format!("http://canary:{QUERY}@x/"))],
            b"",
        ),
        reply(200, &[("content-encoding", "gzip")], BEARER.as_bytes()),
    ] {
        let server = Server::plain(move |_| steps.clone()).await;
        let scope = scope(&server);
        let sent = world.send(&scope, get("x")).await;
        assert!(sent.response.is_err());
        assert_clean(&visible(&sent));
        assert_clean(&format!("{scope:?}"));
    }
}

#[tokio::test]
async fn credentials_that_cannot_be_sent_are_named_and_not_shown() {
    let server = Server::plain(|_| reply(200, &[], b"")).await;
    let world = World::local(times());
    for (name, value) in [
        ("X-Key", format!("{BEARER}\r\nx: 1")),
        ("bad name", BEARER.to_owned()),
    ] {
        let scope = EgressScope {
            credentials: Arc::new(Credentials {
                headers: vec![(name.into(), value)],
                query: Vec::new(),
                ..Credentials::default()
            }),
            ..scope(&server)
        };
        let sent = world.send(&scope, get("x")).await;
        let error = sent.response.as_ref().unwrap_err();
        assert_eq!(error.code.as_str(), "config.invalid");
        assert!(error.message.contains(name), "{error}");
        assert_clean(&visible(&sent));
    }
    assert_eq!(server.count(), 0);
}
