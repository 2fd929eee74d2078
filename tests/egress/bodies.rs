//! Responses that are too large, too slow, wrong or packed, and what they cost.

use crate::world::{Received, Server, Step, World, get, local_scope, refused, reply, times};
use async_compression::tokio::write::{BrotliEncoder, GzipEncoder, ZstdEncoder};
use std::time::Duration;
use tidegate::egress::live::Times;
use tidegate::limits::{
    MIB, RESPONSE_DECODED_BYTES_MAX, RESPONSE_HEADER_BYTES_MAX, RESPONSE_HEADERS_MAX,
    RESPONSE_WIRE_BYTES_MAX,
};
use tidegate::memory::MemoryBudget;
use tokio::io::AsyncWriteExt;

/// A server that always answers with `steps`.
async fn always(steps: Vec<Step>) -> Server {
    Server::plain(move |_: &Received| steps.clone()).await
}

fn raw(text: &str) -> Step {
    Step::Send(text.as_bytes().to_vec())
}

async fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzipEncoder::new(Vec::new());
    encoder.write_all(bytes).await.unwrap();
    encoder.shutdown().await.unwrap();
    encoder.into_inner()
}

async fn brotli(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = BrotliEncoder::new(Vec::new());
    encoder.write_all(bytes).await.unwrap();
    encoder.shutdown().await.unwrap();
    encoder.into_inner()
}

async fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZstdEncoder::new(Vec::new());
    encoder.write_all(bytes).await.unwrap();
    encoder.shutdown().await.unwrap();
    encoder.into_inner()
}

#[tokio::test]
async fn one_layer_is_decoded_and_both_sizes_are_counted() {
    let text = "tide ".repeat(10_000);
    let two_members = [
        gzip(&text.as_bytes()[..7]).await,
        gzip(&text.as_bytes()[7..]).await,
    ]
    .concat();
    let world = World::local(times());
    for (coding, packed) in [
        ("gzip", gzip(text.as_bytes()).await),
        ("GZIP", gzip(text.as_bytes()).await),
        ("x-gzip", gzip(text.as_bytes()).await),
        ("gzip", two_members),
        ("identity, gzip", gzip(text.as_bytes()).await),
        ("br", brotli(text.as_bytes()).await),
        ("zstd", zstd(text.as_bytes()).await),
    ] {
        let server = always(reply(200, &[("content-encoding", coding)], &packed)).await;
        let sent = world.get(&server, "/").await;
        let response = sent.response.unwrap();
        assert_eq!(response.body, text.as_bytes(), "{coding}");
        assert_eq!(sent.exchange.wire_bytes, packed.len() as u64, "{coding}");
        assert_eq!(response.held.bytes(), text.len() as u64);
        let gone = ["content-encoding", "content-length"];
        assert!(
            response
                .headers
                .iter()
                .all(|(name, _)| !gone.contains(&name.as_str()))
        );
    }
}

#[tokio::test]
async fn what_is_not_packed_stays_as_it_is() {
    let world = World::local(times());
    for (status, headers) in [
        (200, &[("content-encoding", "deflate")][..]),
        (200, &[("content-encoding", "identity")]),
        (200, &[]),
        (404, &[]),
        (500, &[]),
        (301, &[]),
    ] {
        let server = always(reply(status, headers, b"as is")).await;
        let response = world.get(&server, "/").await.response.unwrap();
        assert_eq!(
            (response.status, &response.body[..]),
            (status, &b"as is"[..])
        );
        assert!(
            response
                .headers
                .contains(&("content-length".into(), "5".into()))
        );
    }
    let server = always(vec![raw(
        "HTTP/1.1 304 X\r\ncontent-encoding: gzip\r\n\r\n",
    )])
    .await;
    assert!(
        world
            .get(&server, "/")
            .await
            .response
            .unwrap()
            .body
            .is_empty()
    );
    // HEAD tells the length of what it does not send.
    let server = always(vec![raw(
        "HTTP/1.1 200 X\r\ncontent-length: 99999999999\r\n\r\n",
    )])
    .await;
    let mut request = get(&server.url("/"));
    request.method = "HEAD".into();
    let response = world.send(&local_scope(), request).await.response.unwrap();
    assert!(response.body.is_empty());
}

#[tokio::test]
async fn bombs_end_at_the_limit() {
    let zeros = vec![0; RESPONSE_DECODED_BYTES_MAX as usize + 1];
    let packed = gzip(&zeros).await;
    let bomb_in_bomb = gzip(&packed).await;
    let endless = "HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n";
    let chunk = [b"10000\r\n".to_vec(), vec![b'x'; 0x10000], b"\r\n".to_vec()].concat();
    let stored = vec![b'x'; RESPONSE_WIRE_BYTES_MAX as usize + 1];
    let announced = format!("HTTP/1.1 200 X\r\ncontent-length: {}\r\n\r\n", u64::MAX / 2);
    let world = World::local(times());
    for (name, steps) in [
        ("gzip", reply(200, &[("content-encoding", "gzip")], &packed)),
        (
            "brotli",
            reply(200, &[("content-encoding", "br")], &brotli(&zeros).await),
        ),
        (
            "zstd",
            reply(200, &[("content-encoding", "zstd")], &zstd(&zeros).await),
        ),
        (
            "layers",
            reply(200, &[("content-encoding", "gzip, gzip")], &bomb_in_bomb),
        ),
        (
            "two headers",
            reply(
                200,
                &[("content-encoding", "gzip"), ("content-encoding", "br")],
                &bomb_in_bomb,
            ),
        ),
        (
            "endless",
            vec![raw(endless), Step::Forever(chunk, Duration::ZERO)],
        ),
        (
            "announced",
            vec![raw(&announced), Step::Wait(Duration::from_secs(600))],
        ),
        ("stored", reply(200, &[], &stored)),
        ("many headers", many_headers(RESPONSE_HEADERS_MAX * 10)),
        ("one too many", many_headers(RESPONSE_HEADERS_MAX)),
        (
            "large header",
            reply(200, &[("x-large", &"v".repeat(MIB as usize))], b""),
        ),
        ("large together", vec![raw(&large_headers())]),
    ] {
        let server = always(steps).await;
        let memory = MemoryBudget::new(64 * MIB);
        let mut request = get(&server.url("/"));
        request.retries = 3;
        let sent = world
            .send_with(&local_scope(), request, &memory, crate::world::LONG)
            .await;
        assert_eq!(
            refused(&sent).0,
            "limit.response",
            "{name}: {}",
            refused(&sent).1
        );
        assert_eq!(sent.exchange.requests, 1, "{name} was tried again");
        assert!(
            sent.exchange.wire_bytes <= RESPONSE_WIRE_BYTES_MAX + MIB,
            "{name}"
        );
        assert_eq!(memory.used(), 0, "{name} left memory behind");
        assert!(memory.peak() <= 2 * RESPONSE_DECODED_BYTES_MAX, "{name}");
    }
}

/// `extra` headers beside `content-length`.
fn many_headers(extra: usize) -> Vec<Step> {
    let headers: String = (0..extra).map(|at| format!("x-{at}: v\r\n")).collect();
    vec![raw(&format!(
        "HTTP/1.1 200 X\r\ncontent-length: 0\r\n{headers}\r\n"
    ))]
}

fn large_headers() -> String {
    let value = "v".repeat(RESPONSE_HEADER_BYTES_MAX as usize / 50);
    let headers: String = (0..60).map(|at| format!("x-{at}: {value}\r\n")).collect();
    format!("HTTP/1.1 200 X\r\ncontent-length: 0\r\n{headers}\r\n")
}

#[tokio::test]
async fn slow_providers_run_out_of_time() {
    let short = Times {
        read_idle: Duration::from_millis(300),
        connect: Duration::from_millis(300),
        exchange: Duration::from_millis(900),
        ..times()
    };
    let never = Step::Wait(Duration::from_secs(600));
    let chunked = raw("HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n");
    let drip = |bytes: &str| Step::Forever(bytes.as_bytes().to_vec(), Duration::from_millis(20));
    let world = World::local(short);
    for (name, steps) in [
        ("no answer", vec![never.clone()]),
        (
            "stall in the head",
            vec![raw("HTTP/1.1 200 X\r\nx-a"), never.clone()],
        ),
        (
            "dripping head",
            vec![raw("HTTP/1.1 200 X\r\nx-a: "), drip("v")],
        ),
        (
            "endless informational heads",
            vec![drip("HTTP/1.1 103 X\r\n\r\n")],
        ),
        (
            "stall in the body",
            vec![raw("HTTP/1.1 200 X\r\ncontent-length: 9\r\n\r\nab"), never],
        ),
        ("dripping body", vec![chunked, drip("1\r\nx\r\n")]),
    ] {
        let server = always(steps).await;
        let sent = world.get(&server, "/").await;
        assert_eq!(
            refused(&sent).0,
            "provider.timeout",
            "{name}: {}",
            refused(&sent).1
        );
    }
}

#[tokio::test]
async fn the_guests_own_time_and_the_deadline_hold() {
    let server = always(vec![Step::Wait(Duration::from_secs(600))]).await;
    let world = World::local(times());
    let mut request = get(&server.url("/"));
    request.timeout = Some(Duration::from_millis(100));
    let sent = world.send(&local_scope(), request).await;
    assert_eq!(refused(&sent).0, "provider.timeout");

    let memory = MemoryBudget::new(MIB);
    let mut request = get(&server.url("/"));
    request.retries = 20;
    let soon = Duration::from_millis(100);
    let sent = world
        .send_with(&local_scope(), request, &memory, soon)
        .await;
    assert_eq!(
        (refused(&sent).0, sent.exchange.retries),
        ("provider.timeout", 0)
    );

    // A slow first byte is no stall where the guest said how long it would wait.
    let patient = Times {
        read_idle: Duration::from_millis(50),
        connect: Duration::from_millis(50),
        ..times()
    };
    let world = World::local(patient);
    let late = [
        vec![Step::Wait(Duration::from_millis(400))],
        reply(200, &[], b"late"),
    ]
    .concat();
    let server = always(late).await;
    let mut request = get(&server.url("/"));
    request.timeout = Some(Duration::from_secs(20));
    assert!(world.send(&local_scope(), request).await.response.is_ok());
    assert_eq!(
        refused(&world.get(&server, "/").await).0,
        "provider.timeout"
    );
}

#[tokio::test]
async fn broken_answers_are_told_apart_from_good_ones() {
    let head = "HTTP/1.1 200 X\r\ncontent-length: 10\r\n\r\n";
    let gzip_head = "HTTP/1.1 200 X\r\ncontent-encoding: gzip\r\ncontent-length: 9\r\n\r\n";
    let packed = gzip(b"some text that is cut off").await;
    let cut = packed[..packed.len() - 9].to_vec();
    let world = World::local(times());
    for (name, steps) in [
        ("closed before the head", vec![Step::Close]),
        ("reset before the head", vec![Step::Reset]),
        (
            "closed in the head",
            vec![raw("HTTP/1.1 200 X\r\nx-a: 1"), Step::Close],
        ),
        (
            "reset in the head",
            vec![raw("HTTP/1.1 200 X\r\nx-a: 1"), Step::Reset],
        ),
        (
            "closed in the body",
            vec![raw(head), raw("12345"), Step::Close],
        ),
        (
            "reset in the body",
            vec![
                raw(head),
                raw("12345"),
                Step::Wait(Duration::from_millis(50)),
                Step::Reset,
            ],
        ),
        (
            "closed in a chunk",
            vec![
                raw("HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab"),
                Step::Close,
            ],
        ),
        (
            "no last chunk",
            vec![
                raw("HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n"),
                Step::Close,
            ],
        ),
        (
            "wrong chunk size",
            vec![
                raw("HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nab\r\n"),
                Step::Close,
            ],
        ),
        (
            "two lengths",
            vec![
                raw("HTTP/1.1 200 X\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab"),
                Step::Close,
            ],
        ),
        (
            "negative length",
            vec![
                raw("HTTP/1.1 200 X\r\ncontent-length: -1\r\n\r\nab"),
                Step::Close,
            ],
        ),
        (
            "no HTTP",
            vec![raw("220 mail.example.com ESMTP\r\n"), Step::Close],
        ),
        ("HTTP/0.9", vec![raw("<html>"), Step::Close]),
        (
            "folded header",
            vec![raw("HTTP/1.1 200 X\r\nx-a: 1\r\n 2\r\n\r\n"), Step::Close],
        ),
        (
            "gzip that is none",
            vec![raw(gzip_head), raw("not gzip!"), Step::Close],
        ),
        (
            "gzip cut off",
            reply(200, &[("content-encoding", "gzip")], &cut),
        ),
    ] {
        let server = always(steps).await;
        let sent = world.get(&server, "/").await;
        assert_eq!(
            refused(&sent).0,
            "provider.reset",
            "{name}: {}",
            refused(&sent).1
        );
    }
    // Bytes after the announced end are not the body's, and spoil nothing that follows.
    let server = always([reply(200, &[], b"first"), vec![raw("rest")]].concat()).await;
    for _ in 0..3 {
        assert_eq!(
            world.get(&server, "/").await.response.unwrap().body,
            &b"first"[..]
        );
    }
    // Without a length the end of the connection is the end of the body.
    let server = always(vec![raw("HTTP/1.1 200 X\r\n\r\nto the end"), Step::Close]).await;
    assert_eq!(
        world.get(&server, "/").await.response.unwrap().body,
        &b"to the end"[..]
    );
}
