//! How values look in answers: times in Nango's forms, and long lists that are written
//! while they are sent.

use crate::error::Error;
use axum::Json;
use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// Bytes that are gathered before they are sent: a long answer takes no more memory than
/// its records and this.
const CHUNK_BYTES: usize = 64 * 1024;

/// It was done, and there is no more to say.
#[derive(Serialize, ToSchema)]
pub struct Success {
    success: bool,
}

/// `{"success": true}`, which Nango answers to most of what changes something.
pub fn success() -> Json<Success> {
    Json(Success { success: true })
}

/// `2026-11-22T03:24:29.280Z`.
pub fn time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// `2026-11-22T03:24:29.280985+00:00`, as records have it.
pub fn record_time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string()
}

/// A JSON answer of `before`, the items with commas between them, and `after`. An item
/// that cannot be written cuts the answer off, which a client sees.
pub fn list<T: Send + 'static>(
    before: String,
    items: Vec<T>,
    after: String,
    write: impl Fn(&T, &mut Vec<u8>) -> Result<(), Error> + Send + 'static,
) -> Response {
    let mut items = items.into_iter();
    let mut first = true;
    let mut open = Some((before, after));
    let chunks = std::iter::from_fn(move || {
        let (before, after) = open.take()?;
        let mut chunk = before.into_bytes();
        while chunk.len() < CHUNK_BYTES {
            let Some(item) = items.next() else {
                chunk.extend_from_slice(after.as_bytes());
                return Some(Ok(Bytes::from(chunk)));
            };
            if !std::mem::take(&mut first) {
                chunk.push(b',');
            }
            if let Err(error) = write(&item, &mut chunk) {
                tracing::error!("writing an answer: {error}");
                return Some(Err(error));
            }
        }
        open = Some((String::new(), after));
        Some(Ok(Bytes::from(chunk)))
    });
    let body = Body::from_stream(stream::iter(chunks));
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_nangos_forms() {
        let at: Timestamp = "2026-11-22T03:24:29.2809854Z".parse().unwrap();
        assert_eq!(record_time(at), "2026-11-22T03:24:29.280985+00:00");
        assert_eq!(time(at), "2026-11-22T03:24:29.280Z");
        assert_eq!(time(Timestamp::UNIX_EPOCH), "1970-01-01T00:00:00.000Z");
    }

    #[tokio::test]
    async fn a_long_list_is_whole() {
        let items: Vec<usize> = (0..20_000).collect();
        let answer = list("[".into(), items.clone(), "]".into(), |item, out| {
            out.extend_from_slice(item.to_string().as_bytes());
            Ok(())
        });
        let body = axum::body::to_bytes(answer.into_body(), usize::MAX)
            .await
            .unwrap();
        assert_eq!(serde_json::from_slice::<Vec<usize>>(&body).unwrap(), items);
    }
}
