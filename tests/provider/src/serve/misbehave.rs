//! Carries a [`Fault`] out on one request.

use super::connection::Hangup;
use super::query::refuse;
use crate::faults::Fault;
use crate::rate_limit::whole_seconds;
use axum::body::{self, Body};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Answers as `fault` says; `right` makes the right answer, which some faults spoil.
pub(super) async fn misbehave<F: Future<Output = Response>>(
    fault: Fault,
    hangup: &Hangup,
    right: impl FnOnce() -> F,
) -> Response {
    match fault {
        Fault::Status(status) => answer(status, Vec::new(), None),
        Fault::RateLimit { retry_after } => {
            let seconds = whole_seconds(retry_after).to_string();
            answer(429, vec![("retry-after".to_owned(), seconds)], None)
        }
        Fault::RateLimitUntil { reset_in } => answer(403, reset_headers(reset_in), None),
        Fault::Html200 => {
            let headers = vec![("content-type".to_owned(), "text/html".to_owned())];
            answer(
                200,
                headers,
                Some(b"<!doctype html><title>Sign in</title>".to_vec()),
            )
        }
        Fault::RedirectTo(url) => answer(302, vec![("location".to_owned(), url)], None),
        Fault::Answer {
            status,
            headers,
            body,
        } => answer(status, headers, Some(body)),
        Fault::Reset => {
            hangup.set();
            Response::default()
        }
        Fault::Stall => std::future::pending().await,
        Fault::Slow { by } => {
            tokio::time::sleep(by).await;
            right().await
        }
        spoiling => spoil(spoiling, right().await).await,
    }
}

/// The right answer with its body or headers made wrong.
async fn spoil(fault: Fault, mut response: Response) -> Response {
    if let Fault::Headers { count, bytes } = fault {
        add_headers(response.headers_mut(), count, bytes);
        return response;
    }
    let (mut parts, body) = response.into_parts();
    // A body that breaks off by itself is as spoilt as it needs to be.
    let whole = body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    let mut length = whole.len();
    let body = match fault {
        Fault::Drip { bytes, every } => Body::from_stream(drip(whole, bytes, every)),
        Fault::StallBody { after_bytes } => {
            let start = stream::iter([Ok::<_, io::Error>(start(&whole, after_bytes))]);
            Body::from_stream(start.chain(stream::pending()))
        }
        Fault::CutBody { after_bytes } => Body::from_stream(cut(start(&whole, after_bytes))),
        Fault::WrongLength { claimed } => {
            length = claimed;
            Body::from_stream(cut(start(&whole, claimed)))
        }
        Fault::WrongJson => {
            length = whole.len() / 2;
            Body::from(start(&whole, length))
        }
        _ => Body::from(whole),
    };
    parts
        .headers
        .insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    Response::from_parts(parts, body)
}

/// A status with headers, and the JSON of an error where no body is given.
fn answer(status: u16, headers: Vec<(String, String)>, body: Option<Vec<u8>>) -> Response {
    let code = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = match body {
        Some(body) => Response::new(Body::from(body)),
        None => refuse(code, "fault", "a fault on order"),
    };
    *response.status_mut() = code;
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().append(name, value);
        }
    }
    response
}

fn reset_headers(reset_in: Duration) -> Vec<(String, String)> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let reset = whole_seconds(now.saturating_add(reset_in));
    [("x-ratelimit-remaining", 0), ("x-ratelimit-reset", reset)]
        .map(|(name, value)| (name.to_owned(), value.to_string()))
        .into()
}

fn add_headers(headers: &mut HeaderMap, count: usize, bytes: usize) {
    for index in 0..count {
        let name = HeaderName::try_from(format!("x-padding-{index}"));
        if let (Ok(name), Ok(value)) = (name, HeaderValue::try_from("x".repeat(bytes))) {
            headers.insert(name, value);
        }
    }
}

fn start(whole: &Bytes, bytes: usize) -> Bytes {
    whole.slice(..bytes.min(whole.len()))
}

fn drip(
    whole: Bytes,
    bytes: usize,
    every: Duration,
) -> impl Stream<Item = io::Result<Bytes>> + Send {
    stream::unfold(whole, move |mut left| async move {
        if left.is_empty() {
            return None;
        }
        tokio::time::sleep(every).await;
        let piece = left.split_to(bytes.clamp(1, left.len()));
        Some((Ok(piece), left))
    })
}

/// `start`, and once it is on its way an error, at which hyper closes the connection.
fn cut(start: Bytes) -> impl Stream<Item = io::Result<Bytes>> + Send {
    stream::iter([Ok(start)]).chain(stream::once(async {
        // IMPORTANT: an error in the same breath would keep `start` from being written.
        tokio::task::yield_now().await;
        Err(io::ErrorKind::ConnectionAborted.into())
    }))
}
