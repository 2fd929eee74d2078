//! The way out itself: TLS, pools, proxies of the environment, the host's own sockets.

use crate::world::{
    self, Authority, Server, Step, World, acceptor, get, local_scope, refused, reply, times,
};
use rcgen::{KeyPair, date_time_ymd};
use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use tidegate::egress::EgressScope;
use tidegate::egress::dial::roots_from_pem;
use tidegate::egress::gate::OwnAddresses;
use tidegate::egress::live::Times;
use tidegate::egress::policy::EgressPolicy;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

/// A world in which `shop.test` is public and leads to `there`.
pub fn shop(times: Times, authority: &Authority, there: SocketAddr) -> World {
    let roots = roots_from_pem(authority.pem().as_bytes()).unwrap();
    let own = Arc::new(OwnAddresses::fixed(Vec::new()));
    let world = World::new(times, roots, own, move |_| there);
    world
        .names
        .set("shop.test", vec![vec!["93.184.216.34".parse().unwrap()]]);
    world
}

pub fn shop_scope() -> EgressScope {
    world::scope(EgressPolicy::default().allow("shop.test".parse().unwrap()))
}

#[tokio::test]
async fn only_a_good_certificate_is_talked_to() {
    let (authority, other) = (Authority::new(), Authority::new());
    let shop_name = ["shop.test".to_owned()];
    let self_signed = {
        let key = KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(shop_name.to_vec()).unwrap();
        acceptor(params.self_signed(&key).unwrap().der().clone(), &key)
    };
    for (name, tls, good) in [
        ("good", authority.acceptor(&shop_name, |_| ()), true),
        (
            "wrong name",
            authority.acceptor(&["other.test".into()], |_| ()),
            false,
        ),
        (
            "expired",
            authority.acceptor(&shop_name, |params| {
                params.not_after = date_time_ymd(2020, 1, 1)
            }),
            false,
        ),
        (
            "not yet",
            authority.acceptor(&shop_name, |params| {
                params.not_before = date_time_ymd(4000, 1, 1)
            }),
            false,
        ),
        (
            "unknown authority",
            other.acceptor(&shop_name, |_| ()),
            false,
        ),
        ("self-signed", self_signed, false),
    ] {
        let server = Server::start(Some(tls), |_| reply(200, &[], b"secret")).await;
        let world = shop(times(), &authority, server.address);
        let mut request = get("https://shop.test/");
        request.retries = 3;
        let sent = world.send(&shop_scope(), request).await;
        match good {
            true => assert_eq!(sent.response.unwrap().status, 200, "{name}"),
            false => {
                assert_eq!(
                    refused(&sent).0,
                    "provider.tls",
                    "{name}: {}",
                    refused(&sent).1
                );
                assert_eq!((sent.exchange.requests, server.count()), (1, 0), "{name}");
            }
        }
    }
}

#[tokio::test]
async fn a_handshake_that_breaks_or_hangs_ends() {
    let authority = Authority::new();
    let short = Times {
        connect: Duration::from_millis(300),
        ..times()
    };
    // What a server does that speaks no TLS: plain HTTP, an end, silence.
    for (answer, keeps, expected) in [
        (
            &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
            false,
            "provider.tls",
        ),
        (b"", false, "provider.reset"),
        (b"", true, "provider.timeout"),
        (b"\x16\x03\x01", true, "provider.timeout"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let world = shop(short, &authority, listener.local_addr().unwrap());
        let task = tokio::spawn(async move {
            let mut kept = Vec::new();
            loop {
                let (mut tcp, _) = listener.accept().await.unwrap();
                let mut hello = [0; 5];
                tokio::io::AsyncReadExt::read_exact(&mut tcp, &mut hello)
                    .await
                    .unwrap();
                tcp.write_all(answer).await.unwrap();
                match keeps {
                    true => kept.push(tcp),
                    // The rest is read first, so that the end is no reset.
                    false => {
                        tcp.shutdown().await.unwrap();
                        let mut rest = Vec::new();
                        let _ = tokio::io::AsyncReadExt::read_to_end(&mut tcp, &mut rest).await;
                    }
                }
            }
        });
        let sent = world.send(&shop_scope(), get("https://shop.test/")).await;
        assert_eq!(refused(&sent).0, expected, "{}", refused(&sent).1);
        task.abort();
    }
}

#[tokio::test]
async fn connections_are_kept_for_one_connection_and_policy_only() {
    let server = Server::plain(|_| reply(200, &[], b"")).await;
    let world = World::local(times());
    let named = |connection: &str, policy: EgressPolicy| EgressScope {
        connection: connection.into(),
        ..world::scope(policy)
    };
    let all = || EgressPolicy::default().allow("127.0.0.1".parse().unwrap());
    let port = || EgressPolicy::default().allow(server.address.to_string().parse().unwrap());
    let dials = || world.dials.lock().unwrap().len();
    for (scope, expected) in [
        (named("a", all()), 1),
        (named("a", all()), 1),
        (named("b", all()), 2),
        (named("a", port()), 3),
        (named("a", all()), 3),
    ] {
        world
            .send(&scope, get(&server.url("/")))
            .await
            .response
            .unwrap();
        assert_eq!(dials(), expected);
    }
    // And a policy that allows nothing gets nothing, although connections are open.
    let sent = world
        .send(&named("a", EgressPolicy::default()), get(&server.url("/")))
        .await;
    assert!(refused(&sent).1.starts_with("ip_loopback"));
    assert_eq!((dials(), server.count()), (3, 5));
}

#[tokio::test]
async fn a_second_address_is_tried_when_the_first_is_dead() {
    let server = Server::plain(|_| reply(200, &[], b"")).await;
    let (there, dead) = (server.address, "127.0.0.1:1".parse().unwrap());
    let own = Arc::new(OwnAddresses::fixed(Vec::new()));
    let first: SocketAddr = "93.184.216.34:80".parse().unwrap();
    let world = World::new(times(), Vec::new(), own, move |to| {
        if to == first { dead } else { there }
    });
    let answers = ["93.184.216.34", "93.184.216.35"].map(|address| address.parse().unwrap());
    world.names.set("shop.test", vec![answers.to_vec()]);
    let scope = world::scope(EgressPolicy::default().allow("http://shop.test".parse().unwrap()));
    let sent = world.send(&scope, get("http://shop.test/")).await;
    assert_eq!(sent.response.unwrap().status, 200);
    assert_eq!(world.dials.lock().unwrap().len(), 2);
    assert_eq!(world.names.asked.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn the_hosts_own_sockets_are_out_of_reach() {
    let api = Server::plain(|_| reply(200, &[], b"the API")).await;
    let own = Arc::new(OwnAddresses::of_system());
    let world = World::new(times(), Vec::new(), own.clone(), |address| address);
    let allowed = world.get(&api, "/").await;
    assert!(
        allowed.response.is_ok(),
        "until it is known as its own, the rule holds"
    );
    own.add_listener(SocketAddr::new(
        "0.0.0.0".parse().unwrap(),
        api.address.port(),
    ));
    // A new connection, as the open one was made before; what is open stays.
    let other = EgressScope {
        connection: "another".into(),
        ..local_scope()
    };
    let sent = world.send(&other, get(&api.url("/"))).await;
    assert!(
        refused(&sent).1.starts_with("ip_self"),
        "{}",
        refused(&sent).1
    );
    assert_eq!(api.count(), 1);
}

/// Set for the copy of this test that runs with proxies in its environment.
const CHILD: &str = "TIDEGATE_TEST_PROXY_CHILD";

#[tokio::test]
async fn proxies_of_the_environment_are_ignored() {
    if std::env::var_os(CHILD).is_some() {
        return with_proxies_set().await;
    }
    let proxy = Server::plain(|_| vec![Step::Close]).await;
    let address = proxy.url("");
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args([
        "--exact",
        "outside::proxies_of_the_environment_are_ignored",
        "--nocapture",
    ]);
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        child.env(name, &address).env(name.to_lowercase(), &address);
    }
    child
        .env(CHILD, "1")
        .env_remove("NO_PROXY")
        .env_remove("no_proxy");
    let output = tokio::task::spawn_blocking(move || child.output())
        .await
        .unwrap()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}"
    );
    assert_eq!(proxy.count(), 0);
}

async fn with_proxies_set() {
    let authority = Authority::new();
    let tls = authority.acceptor(&["shop.test".to_owned()], |_| ());
    let (plain, secure) = (
        Server::plain(|_| reply(200, &[], b"")).await,
        Server::start(Some(tls), |_| reply(200, &[], b"")).await,
    );
    let world = shop(times(), &authority, secure.address);
    assert!(
        world
            .send(&shop_scope(), get("https://shop.test/"))
            .await
            .response
            .is_ok()
    );
    world
        .names
        .set("shop.test", vec![vec!["10.0.0.9".parse().unwrap()]]);
    let again = EgressScope {
        connection: "another".into(),
        ..shop_scope()
    };
    let sent = world.send(&again, get("https://shop.test/")).await;
    assert!(refused(&sent).1.starts_with("dns_blocked_ip"));
    assert!(
        World::local(times())
            .get(&plain, "/")
            .await
            .response
            .is_ok()
    );
    assert_eq!((plain.count(), secure.count()), (1, 1));
}
