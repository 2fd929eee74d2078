//! What is tried again, how often, and how long after. The forms of `Retry-After` are
//! a table beside the parser.

use crate::world::{Server, Step, World, get, local_scope, post, refused, reply, times};
use std::time::Duration;
use tidegate::egress::live::Times;
use tidegate::memory::MemoryBudget;

fn with_retries(
    mut request: tidegate::egress::OutgoingRequest,
    retries: u32,
) -> tidegate::egress::OutgoingRequest {
    request.retries = retries;
    request
}

#[tokio::test]
async fn statuses_that_are_tried_again() {
    let world = World::local(times());
    for (status, listed, tries) in [
        (429, &[][..], 4),
        (500, &[], 4),
        (502, &[], 4),
        (503, &[], 4),
        (504, &[], 4),
        (400, &[], 1),
        (401, &[], 1),
        (404, &[], 1),
        (404, &[404, 409], 4),
        (409, &[404, 409], 4),
        (200, &[200], 4),
    ] {
        let server = Server::plain(move |_| reply(status, &[], b"the last word")).await;
        for request in [get(&server.url("/")), post(&server.url("/"), "x")] {
            let before = server.count();
            let mut request = with_retries(request, 3);
            request.retry_on = listed.to_vec();
            let sent = world.send(&local_scope(), request).await;
            let response = sent.response.unwrap();
            assert_eq!(
                (response.status, &response.body[..]),
                (status, &b"the last word"[..])
            );
            assert_eq!(server.count() - before, tries, "{status}");
            assert_eq!(
                (sent.exchange.requests, sent.exchange.retries),
                (tries as u32, tries as u32 - 1)
            );
            assert_eq!(sent.exchange.waited > Duration::ZERO, tries > 1);
        }
    }
}

#[tokio::test]
async fn a_good_answer_ends_it() {
    let world = World::local(times());
    for (name, bad) in [
        ("503", reply(503, &[], b"")),
        ("closed", vec![Step::Close]),
        ("reset", vec![Step::Reset]),
        (
            "cut",
            vec![
                Step::Send(b"HTTP/1.1 200 X\r\ncontent-length: 9\r\n\r\nab".to_vec()),
                Step::Close,
            ],
        ),
        (
            "nonsense",
            vec![Step::Send(b"nonsense\r\n\r\n".to_vec()), Step::Close],
        ),
    ] {
        let server = Server::plain(move |request| match request.before {
            0 | 1 => bad.clone(),
            _ => reply(200, &[], b"good"),
        })
        .await;
        let memory = MemoryBudget::new(1 << 20);
        let request = with_retries(get(&server.url("/")), 3);
        let sent = world
            .send_with(&local_scope(), request, &memory, crate::world::LONG)
            .await;
        let response = sent.response.unwrap();
        assert_eq!(
            (&response.body[..], sent.exchange.requests),
            (&b"good"[..], 3),
            "{name}"
        );
        assert_eq!(memory.used(), 4, "{name}: failed tries hold nothing");
    }
}

#[tokio::test]
async fn what_must_not_happen_twice_is_not_sent_twice() {
    let world = World::local(times());
    for (method, tries) in [
        ("POST", 1),
        ("PATCH", 1),
        ("PUT", 3),
        ("DELETE", 3),
        ("GET", 3),
    ] {
        let server = Server::plain(|_| vec![Step::Reset]).await;
        let mut request = with_retries(post(&server.url("/"), "x"), 2);
        request.method = method.into();
        let sent = world.send(&local_scope(), request).await;
        assert_eq!(
            (refused(&sent).0, server.count()),
            ("provider.reset", tries),
            "{method}"
        );
    }
    // No connection: the provider has not seen it, so all may be tried again.
    let server = Server::plain(|_| Vec::new()).await;
    let url = server.url("/");
    drop(server);
    tokio::task::yield_now().await;
    let sent = world
        .send(&local_scope(), with_retries(post(&url, "x"), 2))
        .await;
    assert_eq!(
        (refused(&sent).0, sent.exchange.retries),
        ("provider.connect", 2)
    );
}

#[tokio::test]
async fn a_name_without_an_answer_is_asked_again() {
    let own = tidegate::egress::gate::OwnAddresses::fixed(Vec::new());
    let world = World::new(times(), Vec::new(), own.into(), |address| address);
    world.names.set(
        "private.test",
        vec![Vec::new(), Vec::new(), vec!["127.0.0.1".parse().unwrap()]],
    );
    let server = Server::plain(|_| reply(200, &[], b"")).await;
    let policy = tidegate::egress::policy::EgressPolicy::default()
        .allow("private:private.test".parse().unwrap());
    let url = format!("http://private.test:{}/", server.address.port());
    let scope = crate::world::scope(policy);
    let sent = world.send(&scope, get(&url)).await;
    assert_eq!(refused(&sent).0, "provider.dns");
    let sent = world.send(&scope, with_retries(post(&url, ""), 3)).await;
    assert_eq!(
        (sent.response.unwrap().status, sent.exchange.retries),
        (200, 1)
    );
}

#[tokio::test]
async fn the_provider_says_when() {
    let world = World::local(times());
    // A second is long against the 20 ms of the backoff here, so the wait tells them apart.
    for (headers, at_least) in [
        (&[("retry-after", "1")][..], 1000),
        (&[("x-ratelimit-reset-after", "0.7")], 700),
        (&[("retry-after", "soon")], 0),
        (&[("retry-after", "-5")], 0),
        (&[("retry-after", "0")], 0),
    ] {
        let server = Server::plain(move |request| match request.before {
            0 => reply(429, headers, b""),
            _ => reply(200, &[], b""),
        })
        .await;
        let sent = world
            .send(&local_scope(), with_retries(get(&server.url("/")), 1))
            .await;
        assert_eq!(sent.response.unwrap().status, 200, "{headers:?}");
        assert!(
            sent.exchange.waited >= Duration::from_millis(at_least),
            "{headers:?}"
        );
    }
}

#[tokio::test]
async fn waits_that_are_too_long_leave_it_to_the_guest() {
    let world = World::local(times());
    for (wait, time) in [
        ("3601", Duration::from_secs(90_000)),
        ("1000000000000", Duration::from_secs(90_000)),
        ("99999999999999999999999999", Duration::from_secs(90_000)),
        ("50", Duration::from_secs(20)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", Duration::from_secs(90_000)),
    ] {
        let server = Server::plain(move |_| reply(429, &[("retry-after", wait)], b"")).await;
        let memory = MemoryBudget::new(1 << 20);
        let request = with_retries(get(&server.url("/")), 20);
        let sent = world
            .send_with(&local_scope(), request, &memory, time)
            .await;
        let response = sent.response.unwrap();
        assert_eq!(
            (response.status, sent.exchange.requests),
            (429, 1),
            "{wait}"
        );
        assert!(
            response
                .headers
                .contains(&("retry-after".into(), wait.into()))
        );
    }
    // A backoff that would end after the deadline is not begun either.
    let slow = Times {
        backoff_first: Duration::from_secs(300),
        backoff_max: Duration::from_secs(600),
        ..times()
    };
    let server = Server::plain(|_| vec![Step::Reset]).await;
    let request = with_retries(get(&server.url("/")), 20);
    let memory = MemoryBudget::new(1 << 20);
    let sent = World::local(slow)
        .send_with(&local_scope(), request, &memory, Duration::from_secs(20))
        .await;
    assert_eq!(
        (refused(&sent).0, sent.exchange.requests),
        ("provider.reset", 1)
    );
}
