//! What is told of each exchange: all of it, in its order, and never a secret. And what
//! an integration may say of how its provider is treated.

use crate::world::{Server, Step, World, get, local_scope, post, refused, reply, times};
use std::sync::Arc;
use std::time::Duration;
use tidegate::egress::{Conduct, Credentials, EgressScope, SharedRate};
use tidegate::error::Code;
use tidegate::model::{HttpExchange, RateLimit, RateScope, RetryRules};

const KEY: &str = "canary query 7f3a";

/// The path and query of an exchange, its status or error, and its try.
fn told(server: &Server, exchanges: &[HttpExchange]) -> Vec<(String, String, u32)> {
    let one = |exchange: &HttpExchange| {
        let ending = match (exchange.error, exchange.status) {
            (Some(error), _) => error.to_string(),
            (None, status) => status.map_or_else(String::new, |status| status.to_string()),
        };
        let path = exchange.url.replace(&server.url(""), "");
        (path, ending, exchange.attempt)
    };
    exchanges.iter().map(one).collect()
}

fn row(path: &str, ending: &str, attempt: u32) -> (String, String, u32) {
    (path.into(), ending.into(), attempt)
}

#[tokio::test]
async fn every_try_and_redirect_is_told_in_its_order() {
    let server = Server::plain(|request| match (request.path(), request.before) {
        ("/hop", _) => reply(302, &[("location", "/end?page=2")], b"moved"),
        ("/twice", 0) => reply(503, &[], b"later"),
        ("/cut", _) => vec![
            Step::Send(b"HTTP/1.1 200 X\r\ncontent-length: 9\r\n\r\nabc".to_vec()),
            Step::Close,
        ],
        _ => reply(200, &[], b"done"),
    })
    .await;
    let world = World::local(times());
    let mut request = post(&server.url("/twice"), "12345");
    request.retries = 3;
    let sent = world.send(&local_scope(), request).await;
    assert_eq!(
        told(&server, &sent.exchanges),
        [row("/twice", "503", 1), row("/twice", "200", 2)]
    );
    let [first, second] = &sent.exchanges[..] else {
        panic!("{:?}", sent.exchanges)
    };
    assert_eq!((first.request_bytes, second.response_bytes), (5, 4));
    assert_eq!((first.method.as_str(), first.waited_ms), ("POST", 0));
    assert!(
        second.waited_ms > 0,
        "the backoff is told with what it led to"
    );
    assert!(first.began <= second.began);

    let sent = world.get(&server, "/hop").await;
    assert_eq!(
        told(&server, &sent.exchanges),
        [row("/hop", "302", 1), row("/end?page=2", "200", 1)]
    );
    let sent = world.get(&server, "/cut").await;
    assert_eq!(
        told(&server, &sent.exchanges),
        [row("/cut", "provider.reset", 1)]
    );
    assert_eq!(
        (sent.exchanges[0].status, sent.exchanges[0].response_bytes),
        (Some(200), 3)
    );
    // What the gate refuses is told, too, though nothing was sent.
    let sent = world
        .send(&local_scope(), get("https://inner.test/x?y=1"))
        .await;
    assert_eq!(refused(&sent).0, "egress.denied");
    assert_eq!(sent.exchanges[0].url, "https://inner.test/x?y=1");
    assert_eq!(sent.exchanges[0].error, Some(Code::EgressDenied));
    assert_eq!(sent.exchange.requests, 0);
}

#[tokio::test]
async fn no_exchange_tells_a_secret() {
    let server = Server::plain(|request| match request.path() {
        path if path.starts_with("/away") => {
            let to = "/in/canary%20query%207f3a?token=of-the-provider&x=1#canary";
            reply(302, &[("location", to)], b"")
        }
        _ => reply(200, &[], b""),
    })
    .await;
    let scope = EgressScope {
        base_url: Some(server.url("/").parse().unwrap()),
        credentials: Arc::new(Credentials {
            query: vec![("api_key".into(), KEY.into())],
            ..Credentials::default()
        }),
        ..local_scope()
    };
    let sent = World::local(times())
        .send(&scope, get("away?page=3&api_key=guess"))
        .await;
    assert!(
        server
            .nth(0)
            .path()
            .contains("api_key=canary%20query%207f3a")
    );
    let blot = "*".repeat("canary%20query%207f3a".len());
    assert_eq!(
        told(&server, &sent.exchanges),
        [
            row("/away?page=3", "302", 1),
            row(&format!("/in/{blot}?token=***&x=1"), "200", 1),
        ]
    );
}

fn with(conduct: Conduct) -> EgressScope {
    EgressScope {
        conduct: Arc::new(conduct),
        ..local_scope()
    }
}

#[tokio::test]
async fn an_integration_says_what_is_tried_again_and_how_often() {
    let world = World::local(times());
    for (on, attempts_max, status, tries) in [
        (&[][..], None, 403, 1),
        (&[403], None, 403, 4),
        (&[403], Some(2), 403, 2),
        (&[], Some(2), 500, 2),
        (&[], Some(1), 429, 1),
        (&[], Some(21), 500, 4),
    ] {
        let server = Server::plain(move |_| reply(status, &[], b"")).await;
        let scope = with(Conduct {
            retry: RetryRules {
                on: on.iter().copied().collect(),
                attempts_max,
                ..RetryRules::default()
            },
            ..Conduct::default()
        });
        let mut request = get(&server.url("/"));
        request.retries = 3;
        let sent = world.send(&scope, request).await;
        assert_eq!(sent.response.unwrap().status, status);
        assert_eq!(server.count(), tries, "{on:?} {attempts_max:?} {status}");
    }
    // The integration's own header tells the wait: a second is long against the backoff.
    let server = Server::plain(|request| match request.before {
        0 => reply(403, &[("x-wait", "1")], b""),
        _ => reply(200, &[], b""),
    })
    .await;
    let scope = with(Conduct {
        retry: RetryRules {
            on: [403].into(),
            header: vec!["X-Wait".into()],
            ..RetryRules::default()
        },
        ..Conduct::default()
    });
    let mut request = get(&server.url("/"));
    request.retries = 1;
    let sent = world.send(&scope, request).await;
    assert_eq!(sent.response.unwrap().status, 200);
    assert!(sent.exchange.waited >= Duration::from_secs(1));
    assert!(sent.exchanges[1].waited_ms >= 1000);
}

fn limited(connection: &str, share: &str, requests: u32) -> EgressScope {
    let rate = SharedRate {
        name: share.into(),
        limit: RateLimit {
            requests,
            per_seconds: 1,
            shared_by: RateScope::Connection,
        },
    };
    EgressScope {
        connection: connection.into(),
        ..with(Conduct {
            rate: Some(rate),
            ..Conduct::default()
        })
    }
}

#[tokio::test]
async fn those_who_share_a_rate_limit_wait_for_one_another() {
    let server = Server::plain(|_| reply(200, &[], b"")).await;
    let world = World::local(times());
    let second = Duration::from_secs(1);
    let mut waited = Vec::new();
    for connection in ["one", "two", "one"] {
        let sent = world
            .send(&limited(connection, "app", 1), get(&server.url("/")))
            .await;
        assert_eq!(sent.response.unwrap().status, 200);
        waited.push((sent.exchange.waited, sent.exchanges[0].waited_ms));
    }
    assert_eq!(waited[0], (Duration::ZERO, 0));
    // All but what passed between the sends.
    for (waited, told) in &waited[1..] {
        assert!(*waited > second / 2 && *told > 500, "{waited:?}");
    }
    // Others, and the same with a limit that was changed, wait for nobody.
    for scope in [limited("one", "other", 1), limited("one", "app", 100)] {
        let sent = world.send(&scope, get(&server.url("/"))).await;
        assert_eq!(sent.exchange.waited, Duration::ZERO);
    }
    // Redirects and retries count, and a wait is no part of a request's own time.
    let hop = Server::plain(|request| match request.path() {
        "/from" => reply(302, &[("location", "/to")], b""),
        _ => reply(200, &[], b""),
    })
    .await;
    let mut request = get(&hop.url("/from"));
    request.timeout = Some(second * 3 / 4);
    let sent = world.send(&limited("one", "hop", 1), request).await;
    assert_eq!(sent.response.unwrap().status, 200);
    assert!(sent.exchange.waited > second / 2 && sent.exchange.requests == 2);
}

#[tokio::test]
async fn a_turn_that_comes_after_the_runs_end_is_not_waited_for() {
    let server = Server::plain(|_| reply(200, &[], b"")).await;
    let world = World::local(times());
    let memory = tidegate::memory::MemoryBudget::new(1 << 20);
    let mut scope = limited("one", "slow", 1);
    let mut conduct = (*scope.conduct).clone();
    if let Some(rate) = &mut conduct.rate {
        rate.limit.per_seconds = 3600;
    }
    scope.conduct = Arc::new(conduct);
    let time = Duration::from_secs(20);
    for expected in ["ok", "limit.requests", "limit.requests"] {
        let sent = world
            .send_with(&scope, get(&server.url("/")), &memory, time)
            .await;
        let found = sent
            .response
            .map_or_else(|error| error.code.to_string(), |_| "ok".into());
        assert_eq!(found, expected);
        assert_eq!(sent.exchange.waited, Duration::ZERO);
    }
    assert_eq!(server.count(), 1);
}
