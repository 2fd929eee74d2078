//! The same promises over HTTP/2, which providers choose wherever they can.

use crate::outside::{shop, shop_scope};
use crate::world::{Authority, acceptor_for, get, refused, times};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tidegate::egress::{Credentials, EgressScope};
use tidegate::limits::{
    EXCHANGES_PER_CONNECTION_HOST_MAX, RESPONSE_HEADER_BYTES_MAX, RESPONSE_HEADERS_MAX,
    RESPONSE_WIRE_BYTES_MAX,
};
use tokio::net::TcpListener;

type Seen = Arc<Mutex<Vec<Request<()>>>>;

/// A server that speaks HTTP/2 alone and answers by path.
async fn start(authority: &Authority, seen: Seen) -> SocketAddr {
    let tls = acceptor_for(authority, &["shop.test".to_owned()], &[b"h2"]);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (tcp, _) = listener.accept().await.unwrap();
            let (tls, seen) = (tls.clone(), seen.clone());
            tokio::spawn(async move {
                let stream = TokioIo::new(tls.accept(tcp).await.unwrap());
                let service = service_fn(move |request| answer(request, seen.clone()));
                let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                // Ends in an error wherever the client breaks off, as it should.
                let _ = server.serve_connection(stream, service).await;
            });
        }
    });
    address
}

async fn answer(
    request: Request<Incoming>,
    seen: Seen,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, _) = request.into_parts();
    let path = parts.uri.path().to_owned();
    seen.lock().unwrap().push(Request::from_parts(parts, ()));
    let response = Response::builder();
    let (response, size) = match path.as_str() {
        "/many" => (
            (0..=RESPONSE_HEADERS_MAX).fold(response, |all, at| all.header(format!("x-{at}"), "v")),
            0,
        ),
        "/large" => {
            let value = "v".repeat(RESPONSE_HEADER_BYTES_MAX as usize / 4);
            (
                (0..5).fold(response, |all, at| all.header(format!("x-{at}"), &value)),
                0,
            )
        }
        "/big" => (response, RESPONSE_WIRE_BYTES_MAX as usize + 1),
        "/away" => (
            response
                .status(302)
                .header("location", "https://other.test/x"),
            0,
        ),
        _ => (response.header("x-own", "1"), 3),
    };
    Ok(response.body(Full::new(vec![b'x'; size].into())).unwrap())
}

#[tokio::test]
async fn requests_and_limits_are_the_same() {
    let (authority, seen) = (Authority::new(), Seen::default());
    let address = start(&authority, seen.clone()).await;
    let world = shop(times(), &authority, address);
    let scope = EgressScope {
        base_url: Some("https://shop.test/".parse().unwrap()),
        credentials: Arc::new(Credentials {
            headers: vec![("Authorization".into(), "Bearer canary-bearer".into())],
            query: Vec::new(),
            ..Credentials::default()
        }),
        ..shop_scope()
    };
    let response = world.send(&scope, get("good?x=1")).await.response.unwrap();
    assert_eq!(
        (&response.body[..], response.url.as_str()),
        (&b"xxx"[..], "https://shop.test/good?x=1")
    );
    let request = seen.lock().unwrap().remove(0);
    assert_eq!(request.version(), Version::HTTP_2);
    assert_eq!(request.headers()["authorization"], "Bearer canary-bearer");
    for (path, code) in [
        ("many", "limit.response"),
        ("large", "limit.response"),
        ("big", "limit.response"),
        ("away", "egress.denied"),
    ] {
        let sent = world.send(&scope, get(path)).await;
        assert_eq!(refused(&sent).0, code, "{path}: {}", refused(&sent).1);
    }
    // One connection carried it all, and is still good.
    assert!(world.send(&scope, get("good")).await.response.is_ok());
    assert_eq!(world.dials.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn one_connection_serves_many_at_once() {
    let authority = Authority::new();
    let address = start(&authority, Seen::default()).await;
    let world = Arc::new(shop(times(), &authority, address));
    let sends: Vec<_> = (0..4 * EXCHANGES_PER_CONNECTION_HOST_MAX)
        .map(|_| {
            let world = world.clone();
            tokio::spawn(async move { world.send(&shop_scope(), get("https://shop.test/")).await })
        })
        .collect();
    for sent in sends {
        assert_eq!(sent.await.unwrap().response.unwrap().status, 200);
    }
}
