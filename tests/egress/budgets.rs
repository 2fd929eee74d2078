//! What bodies take of the run's memory, and what runs share towards a host.

use crate::world::{Server, Step, World, get, local_scope, refused, reply, times};
use std::sync::Arc;
use std::time::Duration;
use tidegate::limits::{EXCHANGES_PER_CONNECTION_HOST_MAX, KIB, MIB};
use tidegate::memory::MemoryBudget;

#[tokio::test]
async fn a_body_is_held_until_it_is_dropped() {
    let world = World::local(times());
    for size in [0, 1, 1000, 16 * KIB, 16 * KIB + 1, 3 * MIB] {
        let server = Server::plain(move |_| reply(200, &[], &vec![b'x'; size as usize])).await;
        let memory = MemoryBudget::new(8 * MIB);
        let url = server.url("/");
        let sent = world
            .send_with(&local_scope(), get(&url), &memory, crate::world::LONG)
            .await;
        let response = sent.response.unwrap();
        assert_eq!((response.held.bytes(), memory.used()), (size, size));
        assert!(
            memory.peak() <= size + size / 2 + 16 * KIB,
            "{size}: {}",
            memory.peak()
        );
        drop(response);
        assert_eq!(memory.used(), 0);
    }
}

#[tokio::test]
async fn a_body_that_does_not_fit_is_refused_as_it_streams() {
    let endless = b"HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    let chunk = [b"1000\r\n".to_vec(), vec![b'x'; 0x1000], b"\r\n".to_vec()].concat();
    let server = Server::plain(move |_| {
        vec![
            Step::Send(endless.clone()),
            Step::Forever(chunk.clone(), Duration::ZERO),
        ]
    })
    .await;
    let world = World::local(times());
    let memory = MemoryBudget::new(MIB);
    let guests_own = memory.hold(MIB / 2).unwrap();
    let mut request = get(&server.url("/"));
    request.retries = 5;
    let sent = world
        .send_with(&local_scope(), request, &memory, crate::world::LONG)
        .await;
    let (code, message) = refused(&sent);
    assert_eq!(
        (code, sent.exchange.requests),
        ("limit.memory", 1),
        "{message}"
    );
    assert!(memory.refused().is_some(), "the refusal is remembered");
    assert_eq!(memory.used(), guests_own.bytes());
    // What came in is about what there was room for: nothing was read far ahead.
    assert!(
        sent.exchange.wire_bytes <= MIB,
        "{}",
        sent.exchange.wire_bytes
    );
}

#[tokio::test]
async fn a_body_that_fits_exactly_leaves_no_refusal() {
    let size = 100_000;
    let server = Server::plain(move |_| reply(200, &[], &vec![b'x'; size])).await;
    let world = World::local(times());
    let memory = MemoryBudget::new(size as u64);
    let url = server.url("/");
    let sent = world
        .send_with(&local_scope(), get(&url), &memory, crate::world::LONG)
        .await;
    assert_eq!(sent.response.unwrap().body.len(), size);
    assert_eq!(memory.refused(), None);
}

#[tokio::test]
async fn all_runs_of_a_connection_share_the_slots_of_a_host() {
    let (open, most) = (
        Arc::new(std::sync::Mutex::new(0usize)),
        Arc::new(std::sync::Mutex::new(0usize)),
    );
    // The server counts a request as open from its arrival until the pause in its
    // answer is over, which is before the client can see the end of it.
    let server = {
        let (open, most) = (open.clone(), most.clone());
        Server::plain(move |_| {
            let mut now = open.lock().unwrap();
            *now += 1;
            let mut peak = most.lock().unwrap();
            *peak = (*peak).max(*now);
            let open = open.clone();
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(60)).await;
                *open.lock().unwrap() -= 1;
            });
            [
                vec![Step::Wait(Duration::from_millis(150))],
                reply(200, &[], b""),
            ]
            .concat()
        })
        .await
    };
    let world = Arc::new(World::local(times()));
    let sends = (0..3 * EXCHANGES_PER_CONNECTION_HOST_MAX).map(|_| {
        let (world, url) = (world.clone(), server.url("/"));
        tokio::spawn(async move { world.send(&local_scope(), get(&url)).await.response.is_ok() })
    });
    for sent in sends.collect::<Vec<_>>() {
        assert!(sent.await.unwrap());
    }
    assert_eq!(server.count(), 3 * EXCHANGES_PER_CONNECTION_HOST_MAX);
    let most = *most.lock().unwrap();
    assert!(
        (2..=EXCHANGES_PER_CONNECTION_HOST_MAX).contains(&most),
        "{most} at once"
    );
}

#[tokio::test]
async fn a_rate_limit_holds_the_other_runs_too() {
    let server = Server::plain(|request| match request.before {
        0 => reply(429, &[("retry-after", "1")], b""),
        _ => reply(200, &[], b""),
    })
    .await;
    let world = World::local(times());
    let first = world.get(&server, "/").await;
    assert_eq!(first.response.unwrap().status, 429);
    let second = world.get(&server, "/").await;
    assert_eq!(second.response.unwrap().status, 200);
    assert!(
        second.exchange.waited >= Duration::from_millis(800),
        "{:?}",
        second.exchange
    );

    // Another connection has a limit of its own.
    let server = Server::plain(|_| reply(429, &[("retry-after", "1")], b"")).await;
    world.get(&server, "/").await.response.unwrap();
    let other = tidegate::egress::EgressScope {
        connection: "another".into(),
        ..local_scope()
    };
    let sent = world.send(&other, get(&server.url("/"))).await;
    assert_eq!(sent.exchange.waited, Duration::ZERO);
}
