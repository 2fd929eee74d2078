//! Each fault as a client sees it, and that it ends when it was told to.

use crate::client::*;
use serde_json::Value;
use std::time::Duration;
use tidegate_provider::{Fault, Provider, ProviderHandle};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const PATH: &str = "/contacts?limit=3";

/// Long enough that no answer in time is none at all, on a busy machine too.
const NEVER: Duration = Duration::from_millis(700);

async fn faulty(fault: Fault) -> ProviderHandle {
    let provider = Provider::demo().start().await.unwrap();
    provider.faults().next("/contacts", fault, 1);
    provider
}

/// What comes over the wire until the server closes, and how it closed.
async fn raw(provider: &ProviderHandle) -> (Vec<u8>, std::io::Result<usize>) {
    let mut stream = TcpStream::connect(("127.0.0.1", provider.port()))
        .await
        .unwrap();
    let request = format!("GET {PATH} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let end = stream.read_to_end(&mut answer).await;
    (answer, end)
}

fn body(answer: &[u8]) -> &[u8] {
    let head = answer
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap();
    &answer[head + 4..]
}

/// The right body, which is there again once the fault is over.
async fn right(provider: &ProviderHandle) -> Vec<u8> {
    assert_eq!(provider.faults().left(), 0);
    let (answer, end) = raw(provider).await;
    end.unwrap();
    serde_json::from_slice::<Value>(body(&answer)).unwrap();
    body(&answer).to_vec()
}

#[tokio::test]
async fn answers_on_order_take_the_place_of_the_right_one() {
    let odd = Fault::Answer {
        status: 299,
        headers: vec![("retry-after".into(), "Fri, 01 Jan 2100 00:00:00 GMT".into())],
        body: b"odd".to_vec(),
    };
    let limit = Fault::RateLimit {
        retry_after: Duration::from_millis(1_200),
    };
    let rows = [
        (
            Fault::Status(503),
            503,
            "content-type",
            "application/json; charset=utf-8",
        ),
        (limit, 429, "retry-after", "2"),
        (Fault::Html200, 200, "content-type", "text/html"),
        (
            Fault::RedirectTo("http://[::1]/".into()),
            302,
            "location",
            "http://[::1]/",
        ),
        (odd, 299, "retry-after", "Fri, 01 Jan 2100 00:00:00 GMT"),
    ];
    for (fault, status, header, value) in rows {
        let provider = faulty(fault).await;
        let response = get(&provider, PATH).await;
        assert_eq!(response.status(), status);
        assert_eq!(response.headers()[header], value);
        right(&provider).await;
    }
}

#[tokio::test]
async fn a_limit_with_a_moment_names_one_in_the_future() {
    let reset_in = Duration::from_secs(50);
    let provider = faulty(Fault::RateLimitUntil { reset_in }).await;
    let response = get(&provider, PATH).await;
    assert_eq!(response.status(), 403);
    assert_eq!(response.headers()["x-ratelimit-remaining"], "0");
    let reset = response.headers()["x-ratelimit-reset"].to_str().unwrap();
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    assert!(reset.parse::<u64>().unwrap() > now);
}

#[tokio::test]
async fn a_reset_gives_no_byte_and_a_stall_no_end() {
    let provider = faulty(Fault::Reset).await;
    let (answer, end) = raw(&provider).await;
    assert_eq!(answer, b"");
    assert_eq!(end.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
    right(&provider).await;

    for fault in [Fault::Stall, Fault::StallBody { after_bytes: 9 }] {
        let provider = faulty(fault).await;
        assert!(tokio::time::timeout(NEVER, raw(&provider)).await.is_err());
        right(&provider).await;
    }
}

#[tokio::test]
async fn bodies_are_cut_where_they_were_told_to() {
    for after_bytes in [0, 1, 700] {
        let provider = faulty(Fault::CutBody { after_bytes }).await;
        let (answer, _) = raw(&provider).await;
        let whole = right(&provider).await;
        assert_eq!(body(&answer), &whole[..after_bytes]);
        let claimed = format!("content-length: {}", whole.len());
        assert!(String::from_utf8_lossy(&answer).contains(&claimed));
    }
}

#[tokio::test]
async fn wrong_lengths_and_wrong_json_are_wrong() {
    for claimed in [10, 1_000_000] {
        let provider = faulty(Fault::WrongLength { claimed }).await;
        let (answer, _) = raw(&provider).await;
        let whole = right(&provider).await;
        assert_eq!(body(&answer), &whole[..claimed.min(whole.len())]);
        let header = format!("content-length: {claimed}\r\n");
        assert!(String::from_utf8_lossy(&answer).contains(&header));
    }
    let provider = faulty(Fault::WrongJson).await;
    let (answer, _) = raw(&provider).await;
    assert!(serde_json::from_slice::<Value>(body(&answer)).is_err());
    let whole = right(&provider).await;
    assert_eq!(body(&answer), &whole[..whole.len() / 2]);
}

#[tokio::test]
async fn slow_answers_are_right_in_the_end() {
    let drip = Fault::Drip {
        bytes: 400,
        every: Duration::from_millis(5),
    };
    let slow = Fault::Slow {
        by: Duration::from_millis(30),
    };
    let wide = Fault::Headers {
        count: 60,
        bytes: 90,
    };
    for fault in [drip, slow, wide] {
        let provider = faulty(fault).await;
        let (answer, end) = raw(&provider).await;
        end.unwrap();
        assert_eq!(body(&answer), right(&provider).await);
    }
}

#[tokio::test]
async fn a_fault_in_the_middle_of_paging_leaves_the_pages_before_it() {
    let provider = Provider::demo().start().await.unwrap();
    provider.faults().after(2, "/con*", Fault::Status(500), 2);
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(get(&provider, PATH).await.status().as_u16());
    }
    assert_eq!(statuses, [200, 200, 500, 500, 200]);
    assert_eq!(provider.requests().len(), 5);
}
