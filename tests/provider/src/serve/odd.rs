//! Endpoints for the sake of a test: an echo, any status, large bodies, endless pages.

use super::query::{Params, Refusal, json_page, refuse};
use axum::body::Body;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use futures_util::stream;
use serde_json::json;
use std::convert::Infallible;
use std::io::{self, Write};

/// Bytes of a piece of `/large`, which is made as it is read and held nowhere.
const PIECE_BYTES: usize = 64 << 10;
static PIECE: [u8; PIECE_BYTES] = [b'x'; PIECE_BYTES];

/// What arrived, as JSON.
pub(super) async fn echo(method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes())))
        .collect();
    let seen = json!({
        "method": method.as_str(),
        "path": uri.path(),
        "query": uri.query().unwrap_or_default(),
        "headers": headers,
        "body": String::from_utf8_lossy(&body),
    });
    json_page(seen.to_string().into_bytes())
}

/// The status that the path names.
pub(super) async fn status(Path(code): Path<u16>) -> Result<Response, Refusal> {
    let status = StatusCode::from_u16(code)
        .map_err(|_| Refusal::bad(format!("{code} is no status; 100 to 999 are")))?;
    Ok(refuse(status, "as_asked", "the status that was asked for"))
}

/// A redirect to `?to`, 302 unless `?status` says otherwise.
pub(super) async fn redirect(params: Params) -> Result<Response, Refusal> {
    let code = params.number("status", u64::from(StatusCode::FOUND.as_u16()))?;
    let status = u16::try_from(code)
        .ok()
        .and_then(|code| StatusCode::from_u16(code).ok())
        .ok_or_else(|| Refusal::bad(format!("status: {code} is none")))?;
    let to = params.get("to").unwrap_or("/");
    let to = HeaderValue::from_str(to).map_err(|error| Refusal::bad(format!("to: {error}")))?;
    Ok((status, [(header::LOCATION, to)]).into_response())
}

/// `?bytes` of the letter x; `gzip=1` compresses them, `chunked=1` gives no length.
pub(super) async fn large(params: Params) -> Result<Response, Refusal> {
    let bytes = params.number("bytes", 0)?;
    let asked = |name: &str| params.get(name) == Some("1");
    let builder = Response::builder().header(header::CONTENT_TYPE, "text/plain");
    let response = if asked("gzip") {
        let encoding = builder.header(header::CONTENT_ENCODING, "gzip");
        encoding.body(Body::from_stream(stream::try_unfold(
            Some((GzEncoder::new(Vec::new(), Compression::fast()), bytes)),
            |state| async move { zipped_piece(state) },
        )))
    } else {
        let plain = stream::unfold(bytes, |left| async move {
            let piece = piece(left);
            let left = left - piece.len() as u64;
            (!piece.is_empty()).then(|| (Ok::<_, Infallible>(Bytes::from_static(piece)), left))
        });
        let builder = match asked("chunked") {
            true => builder,
            false => builder.header(header::CONTENT_LENGTH, bytes),
        };
        builder.body(Body::from_stream(plain))
    };
    response.map_err(Refusal::bad)
}

/// The same three records for ever: whoever waits for the last page waits in vain.
pub(super) async fn endless(params: Params) -> Result<Response, Refusal> {
    let page = params.number("cursor", 0)?;
    let next = page.wrapping_add(1).to_string();
    let body = json!({
        "data": [{"id": "a"}, {"id": "b"}, {"id": "c"}],
        "next_cursor": next,
    });
    Ok(json_page(body.to_string().into_bytes()))
}

fn piece(left: u64) -> &'static [u8] {
    let length = usize::try_from(left)
        .unwrap_or(PIECE_BYTES)
        .min(PIECE_BYTES);
    PIECE.get(..length).unwrap_or_default()
}

type Zipping = Option<(GzEncoder<Vec<u8>>, u64)>;

/// The next compressed bytes and what is left to compress; the last piece closes it.
fn zipped_piece(state: Zipping) -> io::Result<Option<(Bytes, Zipping)>> {
    let Some((mut encoder, mut left)) = state else {
        return Ok(None);
    };
    while left > 0 && encoder.get_ref().len() < PIECE_BYTES {
        let piece = piece(left);
        encoder.write_all(piece)?;
        left -= piece.len() as u64;
    }
    if left == 0 {
        return Ok(Some((encoder.finish()?.into(), None)));
    }
    let ready = std::mem::take(encoder.get_mut());
    Ok(Some((ready.into(), Some((encoder, left)))))
}
