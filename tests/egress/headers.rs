//! What a guest may set, against a server that gives back the bytes it got.

use crate::world::{Server, World, get, local_scope, post, refused, reply, times};
use std::sync::Arc;
use tidegate::egress::{Credentials, EgressScope, OutgoingRequest};
use tidegate::limits;

async fn echo() -> Server {
    Server::plain(|request| reply(200, &[], request.head.as_bytes())).await
}

fn scope() -> EgressScope {
    EgressScope {
        credentials: Arc::new(Credentials {
            headers: vec![("X-Shop-Token".into(), "canary-of-the-connection".into())],
            query: Vec::new(),
            ..Credentials::default()
        }),
        ..local_scope()
    }
}

fn with_header(server: &Server, name: &str, value: &str) -> OutgoingRequest {
    OutgoingRequest {
        headers: vec![(name.into(), value.into())],
        ..get(&server.url("/"))
    }
}

#[tokio::test]
async fn a_guest_never_sets_what_is_the_hosts() {
    let (server, world) = (echo().await, World::local(times()));
    for name in [
        "authorization",
        "Authorization",
        "AUTHORIZATION",
        "proxy-authorization",
        "Proxy-Connection",
        "proxy-anything",
        "cookie",
        "Cookie",
        "cookie2",
        "host",
        "Host",
        "connection",
        "Keep-Alive",
        "content-length",
        "Content-Length",
        "transfer-encoding",
        "Transfer-Encoding",
        "te",
        "TE",
        "trailer",
        "upgrade",
        "Upgrade",
        "HTTP2-Settings",
        "expect",
        "Expect",
        "forwarded",
        "x-forwarded-for",
        "X-Forwarded-Host",
        "X-Forwarded-Proto",
        "x-forwarded-anything",
        "X-Real-IP",
        "via",
        "x-shop-token",
        "X-Shop-Token",
    ] {
        let sent = world.send(&scope(), with_header(&server, name, "x")).await;
        let expected = format!("header {} is set by the host", name.to_ascii_lowercase());
        assert_eq!(refused(&sent), ("egress.denied", expected));
    }
    assert_eq!(server.count(), 0);
}

#[tokio::test]
async fn nothing_can_be_smuggled_into_a_header() {
    let (server, world) = (echo().await, World::local(times()));
    for (name, value) in [
        ("x-a", "1\r\nx-injected: 1"),
        ("x-a", "1\nx-injected: 1"),
        ("x-a", "1\rx-injected: 1"),
        ("x-a", "1\r\n\r\nGET /second HTTP/1.1"),
        ("x-a", "\0"),
        ("x-a", "a\u{7f}b"),
        ("x-a", "a\u{1}b"),
        ("x-a", "a\u{8}b"),
        ("x-a", "ä"),
        ("x-a", "\u{560d}\u{560a}x-injected: 1"),
        ("x-a\r\nx-injected", "1"),
        ("x-a: 1\r\nx-injected", "1"),
        ("x a", "1"),
        ("x-a ", "1"),
        (" x-a", "1"),
        ("x-a:", "1"),
        (":authority", "evil.test"),
        (":path", "/"),
        ("", "1"),
        ("x(a)", "1"),
        ("x\0a", "1"),
        ("é", "1"),
        ("ｈｏｓｔ", "evil.test"),
        ("authorization ", "x"),
        ("\tauthorization", "x"),
    ] {
        let sent = world
            .send(&scope(), with_header(&server, name, value))
            .await;
        let (code, message) = refused(&sent);
        assert_eq!(code, "invalid.argument", "{name:?}: {value:?}");
        assert!(!message.contains(['\r', '\n', '\0']), "{message:?}");
    }
    assert_eq!(server.count(), 0);
}

#[tokio::test]
async fn what_may_be_set_arrives_byte_for_byte() {
    let (server, world) = (echo().await, World::local(times()));
    for (name, value, line) in [
        ("Accept", "application/json", "accept: application/json"),
        ("X-Empty", "", "x-empty: "),
        ("x-tab", "a\tb", "x-tab: a\tb"),
        (
            "x-words",
            "a, b; q=\"c\\d\" % {e} <f>",
            "x-words: a, b; q=\"c\\d\" % {e} <f>",
        ),
        (
            "x-long",
            &"v".repeat(8000),
            &format!("x-long: {}", "v".repeat(8000)),
        ),
        ("user-agent", "mine/1", "user-agent: mine/1"),
        ("Accept-Encoding", "identity", "accept-encoding: identity"),
        ("if-none-match", "\"tag\"", "if-none-match: \"tag\""),
        ("x-authorization-like", "1", "x-authorization-like: 1"),
        ("hostname", "1", "hostname: 1"),
    ] {
        let sent = world
            .send(&scope(), with_header(&server, name, value))
            .await;
        let body = sent.response.unwrap().body;
        let head = String::from_utf8(body.to_vec()).unwrap();
        let same_name = format!("{}:", name.to_ascii_lowercase());
        let lines: Vec<_> = head
            .split("\r\n")
            .filter(|own| own.starts_with(&same_name))
            .collect();
        assert_eq!(lines, [line]);
    }
}

#[tokio::test]
async fn the_whole_request_is_what_was_built() {
    let (server, world) = (echo().await, World::local(times()));
    let mut request = post(&server.url("/a%2Fb?x=1"), "{\"q\":1}");
    request.query = vec![
        ("q".into(), "a b&c=d/ä+\r\n".into()),
        ("q".into(), "".into()),
    ];
    request.headers = vec![
        ("Content-Type".into(), "application/json".into()),
        ("X-Twice".into(), "1".into()),
        ("X-Twice".into(), "2".into()),
    ];
    let sent = world.send(&scope(), request).await;
    assert_eq!((sent.exchange.requests, sent.exchange.retries), (1, 0));
    let received = server.nth(0);
    let agent = concat!("user-agent: tidegate/", env!("CARGO_PKG_VERSION"));
    let mut lines: Vec<_> = received.head.trim_end().split("\r\n").collect();
    lines[1..].sort();
    let host = format!("host: {}", server.address);
    assert_eq!(
        lines,
        [
            "POST /a%2Fb?x=1&q=a%20b%26c%3Dd%2F%C3%A4%2B%0D%0A&q= HTTP/1.1",
            "accept-encoding: gzip",
            "content-length: 7",
            "content-type: application/json",
            &host,
            agent,
            "x-twice: 1",
            "x-twice: 2",
        ]
    );
    assert_eq!(received.body, b"{\"q\":1}");
}

#[tokio::test]
async fn sizes_and_methods_are_limited() {
    let (server, world) = (echo().await, World::local(times()));
    let url = server.url("/");
    let header = |at: usize, bytes: usize| (format!("x-{at}"), "v".repeat(bytes));
    let many = (0..=limits::REQUEST_HEADERS_MAX)
        .map(|at| header(at, 1))
        .collect();
    let large = vec![header(0, limits::REQUEST_HEADER_BYTES_MAX)];
    let body = vec![0; limits::REQUEST_BODY_BYTES_MAX + 1];
    let method = |method: &str| OutgoingRequest {
        method: method.into(),
        ..get(&url)
    };
    for request in [
        OutgoingRequest {
            headers: many,
            ..get(&url)
        },
        OutgoingRequest {
            headers: large,
            ..get(&url)
        },
        OutgoingRequest {
            body: Some(body.into()),
            ..post(&url, "")
        },
        method("CONNECT"),
        method("TRACE"),
        method("get"),
        method("GET / HTTP/1.1\r\nx: "),
        method(""),
    ] {
        let sent = world.send(&local_scope(), request).await;
        assert_eq!(refused(&sent).0, "invalid.argument");
    }
    assert_eq!(server.count(), 0);
    for name in ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"] {
        assert!(
            world
                .send(&local_scope(), method(name))
                .await
                .response
                .is_ok()
        );
        assert_eq!(server.nth(server.count() - 1).method(), name);
    }
}
