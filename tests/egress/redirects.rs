//! Redirects: what the next request is and carries. Where they may lead is in `vectors`.

use crate::world::{Received, Server, Step, World, get, local_scope, post, refused, reply, times};
use std::sync::{Arc, Mutex};
use tidegate::egress::{Credentials, EgressScope};

fn hop(status: u16, location: &str) -> Vec<Step> {
    reply(status, &[("location", location)], b"moved")
}

#[tokio::test]
async fn methods_and_bodies_change_as_the_fetch_standard_says() {
    let world = World::local(times());
    for (status, method, expected, keeps_body) in [
        (301, "POST", "GET", false),
        (302, "POST", "GET", false),
        (303, "POST", "GET", false),
        (303, "PUT", "GET", false),
        (303, "HEAD", "HEAD", true),
        (301, "PUT", "PUT", true),
        (302, "PATCH", "PATCH", true),
        (302, "HEAD", "HEAD", true),
        (307, "POST", "POST", true),
        (308, "POST", "POST", true),
        (308, "DELETE", "DELETE", true),
    ] {
        let server = Server::plain(move |request| match request.path() {
            "/from" => hop(status, "/to?x=1"),
            _ => reply(200, &[], b""),
        })
        .await;
        let mut request = post(&server.url("/from"), "body");
        request.method = method.into();
        request.headers = vec![
            ("content-type".into(), "text/plain".into()),
            ("x-own".into(), "1".into()),
        ];
        let sent = world.send(&local_scope(), request).await;
        let response = sent.response.unwrap();
        assert_eq!(
            (response.url, sent.exchange.requests),
            (server.url("/to?x=1"), 2)
        );
        let second = server.nth(1);
        assert_eq!(second.method(), expected, "{status} {method}");
        assert_eq!(
            second.body,
            if keeps_body { &b"body"[..] } else { b"" },
            "{status} {method}"
        );
        assert_eq!(
            second.header("content-type").is_some(),
            keeps_body,
            "{status} {method}"
        );
        assert_eq!(second.header("x-own"), Some("1"));
    }
}

#[tokio::test]
async fn what_is_no_redirect_is_given_as_it_is() {
    let world = World::local(times());
    for (status, headers) in [
        (300, &[("location", "/to")][..]),
        (304, &[("location", "/to")]),
        (305, &[("location", "/to")]),
        (302, &[]),
        (201, &[("location", "/to")]),
    ] {
        let body: &[u8] = if status == 304 { b"" } else { b"here" };
        let server = Server::plain(move |_| reply(status, headers, body)).await;
        let sent = world.get(&server, "/from").await;
        assert_eq!(sent.response.unwrap().status, status);
        assert_eq!(server.count(), 1);
    }
}

#[tokio::test]
async fn five_hops_are_followed_and_the_sixth_is_not() {
    let world = World::local(times());
    for (hops, followed) in [(5, true), (6, false), (50, false)] {
        let server = Server::plain(move |request| {
            let at: u32 = request.path().trim_start_matches('/').parse().unwrap();
            if at < hops {
                hop(302, &format!("/{}", at + 1))
            } else {
                reply(200, &[], b"there")
            }
        })
        .await;
        let sent = world.get(&server, "/0").await;
        assert_eq!(
            (sent.response.is_ok(), sent.exchange.requests),
            (followed, 6)
        );
        if !followed {
            let (code, message) = refused(&sent);
            assert!(
                code == "egress.denied" && message.starts_with("too_many_redirects"),
                "{message}"
            );
        }
    }
}

#[tokio::test]
async fn locations_that_cannot_be_are_refused() {
    let world = World::local(times());
    for location in [
        "http://",
        "http:///x",
        "https://a b/",
        "http://[::1",
        "\\\\10.0.0.1\\x",
        "//10.0.0.1/",
        "data:text/html,x",
        "ht\ttp://10.0.0.1/",
    ] {
        let server = Server::plain(move |request| match request.path() {
            "/from" => hop(302, location),
            _ => reply(200, &[], b"followed"),
        })
        .await;
        let sent = world.get(&server, "/from").await;
        assert_eq!(
            (refused(&sent).0, server.count()),
            ("egress.denied", 1),
            "{location}"
        );
    }
}

#[tokio::test]
async fn credentials_and_odd_headers_stay_behind_for_good() {
    let seen: Arc<Mutex<Vec<Received>>> = Arc::default();
    let log = seen.clone();
    let home: Arc<Mutex<String>> = Arc::default();
    let back = home.clone();
    // There and back again: the second visit at home was of the other host's choosing.
    let other = Server::plain(move |request| {
        log.lock().unwrap().push(request.clone());
        hop(307, &back.lock().unwrap())
    })
    .await;
    let away = other.url("/away?apikey=canary-query-key&x=1");
    let server = Server::plain(move |request| match request.path() {
        path if path.starts_with("/from") => hop(307, &away),
        _ => reply(200, &[], b""),
    })
    .await;
    *home.lock().unwrap() = server.url("/back");
    let scope = EgressScope {
        base_url: Some(server.url("/").parse().unwrap()),
        credentials: Arc::new(Credentials {
            headers: vec![("Authorization".into(), "Bearer canary-bearer-token".into())],
            query: vec![("apikey".into(), "canary-query-key".into())],
            ..Credentials::default()
        }),
        ..local_scope()
    };
    let mut request = post("from", "body");
    request.headers = vec![
        ("x-tenant-key".into(), "canary-guest-key".into()),
        ("accept".into(), "a/b".into()),
    ];
    let world = World::local(times());
    let response = world.send(&scope, request).await.response.unwrap();
    assert_eq!(response.url, server.url("/back"));

    let first = server.nth(0);
    assert_eq!(first.path(), "/from?apikey=canary-query-key");
    assert_eq!(
        first.header("authorization"),
        Some("Bearer canary-bearer-token")
    );
    assert_eq!(first.header("x-tenant-key"), Some("canary-guest-key"));
    for visited in [seen.lock().unwrap()[0].clone(), server.nth(1)] {
        assert!(!visited.head.contains("canary"), "{}", visited.head);
        assert_eq!(visited.header("accept"), Some("a/b"));
        assert_eq!(visited.body, b"body");
    }
    assert_eq!(seen.lock().unwrap()[0].path(), "/away?x=1");
}

#[tokio::test]
async fn another_origin_never_gets_credentials() {
    let (server, other) = (
        Server::plain(|_| reply(200, &[], b"")).await,
        Server::plain(|_| reply(200, &[], b"")).await,
    );
    let scope = EgressScope {
        base_url: Some(server.url("/api").parse().unwrap()),
        credentials: Arc::new(Credentials {
            headers: vec![("X-Key".into(), "canary-header-key".into())],
            query: Vec::new(),
            ..Credentials::default()
        }),
        ..local_scope()
    };
    let world = World::local(times());
    let based = |base: String| {
        let mut request = get("x");
        request.base_url = Some(base);
        request
    };
    for (request, at_home) in [
        (get("x"), true),
        (get(&server.url("/x")), true),
        (based(server.url("/v2")), true),
        (get(&other.url("/x")), false),
        (based(other.url("/")), false),
    ] {
        let (there, before) = if at_home {
            (&server, server.count())
        } else {
            (&other, other.count())
        };
        world.send(&scope, request).await.response.unwrap();
        assert_eq!(there.count(), before + 1);
        assert_eq!(there.nth(before).header("x-key").is_some(), at_home);
    }
    assert_eq!(server.nth(0).path(), "/api/x");
    assert_eq!(server.nth(2).path(), "/v2/x");
}
