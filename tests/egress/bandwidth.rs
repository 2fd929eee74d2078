//! The bandwidth of an environment: bodies take at least their time, all of them together,
//! and nothing is refused for it.

use crate::world::{Server, World, get, local_scope, reply, times};
use std::sync::Arc;
use std::time::Duration;
use tidegate::egress::live::Times;
use tidegate::egress::{Conduct, EgressScope, SharedLine};
use tidegate::limits::KIB;
use tokio::time::Instant;

/// Bytes of a body.
const BODY: usize = 64 * KIB as usize;
/// What passes in a second: a quarter of it is one body.
const BYTES_PER_SECOND: u64 = 4 * BODY as u64;
/// What a body takes at least.
const BODY_TIME: Duration = Duration::from_millis(250);

fn sharing(connection: &str, line: &str) -> EgressScope {
    let line = SharedLine {
        name: line.into(),
        bytes_per_second: BYTES_PER_SECOND,
    };
    EgressScope {
        connection: connection.into(),
        conduct: Arc::new(Conduct {
            line: Some(line),
            ..Conduct::default()
        }),
        ..local_scope()
    }
}

async fn server() -> Server {
    Server::plain(|_| reply(200, &[], &[b'x'; BODY])).await
}

/// The bodies of all connections of an environment share one line, whether they come at
/// once or not, and each arrives whole. The host told of their times.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_of_one_environment_take_their_time_together() {
    let (server, world) = (server().await, World::local(times()));
    let began = Instant::now();
    let sends = ["one", "two", "three"].map(|connection| {
        let (url, scope) = (server.url("/"), sharing(connection, "prod"));
        let world = &world;
        async move { world.send(&scope, get(&url)).await }
    });
    let mut told = Duration::ZERO;
    for sent in futures_util::future::join_all(sends).await {
        assert_eq!(sent.response.unwrap().body.len(), BODY);
        told = told.max(Duration::from_millis(sent.exchanges[0].duration_ms));
    }
    assert!(began.elapsed() >= 3 * BODY_TIME, "{:?}", began.elapsed());
    // Rounded down, of the last of them.
    assert!(told + Duration::from_millis(1) >= 2 * BODY_TIME, "{told:?}");
}

/// A request's body passes the same line before it is sent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn request_bodies_pass_the_same_line() {
    let server = Server::plain(|_| reply(200, &[], b"")).await;
    let world = World::local(times());
    let mut request = get(&server.url("/"));
    request.method = "PUT".into();
    request.body = Some(vec![b'x'; 2 * BODY].into());
    let began = Instant::now();
    let sent = world.send(&sharing("one", "prod"), request).await;
    assert_eq!(sent.response.unwrap().status, 200);
    assert!(began.elapsed() >= 2 * BODY_TIME);
    assert!(sent.exchanges[0].duration_ms + 1 >= 2 * BODY_TIME.as_millis() as u64);
}

/// What we wait for is no silence of the provider's, and no time of its own: limits that a
/// body could not keep at this pace are not broken by it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_own_wait_is_no_timeout_of_the_providers() {
    let server = server().await;
    let world = World::local(Times {
        read_idle: 4 * BODY_TIME,
        exchange: 4 * BODY_TIME,
        ..times()
    });
    let fast = world.send(&local_scope(), get(&server.url("/"))).await;
    assert_eq!(fast.response.unwrap().body.len(), BODY);
    let scope = sharing("one", "slow");
    let slow = SharedLine {
        name: "slow".into(),
        bytes_per_second: BODY as u64 / 3,
    };
    let scope = EgressScope {
        conduct: Arc::new(Conduct {
            line: Some(slow),
            ..Conduct::default()
        }),
        ..scope
    };
    let began = Instant::now();
    let sent = world.send(&scope, get(&server.url("/"))).await;
    assert_eq!(sent.response.unwrap().body.len(), BODY);
    assert!(began.elapsed() >= Duration::from_secs(3));
}
