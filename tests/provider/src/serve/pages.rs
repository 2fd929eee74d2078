//! The three ways of paging over any set: by cursor, by offset and by `Link` header.

use super::App;
use super::query::{Params, Refusal, json_page};
use crate::set::{Key, Table};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::Response;
use std::io::Write;
use std::ops::Range;
use std::sync::Arc;

/// Records of a page where the request does not say.
const PAGE_LENGTH: u64 = 100;

/// Records of a page at most; a longer wish is cut to it, as real APIs do.
const PAGE_LENGTH_MAX: u64 = 10_000;

/// Bytes set aside for a record of a page: a little over a contact's.
const RECORD_BYTES: u64 = 560;

/// `?cursor&limit` and the dates. A cursor names the last record sent, so a page neither
/// repeats nor misses records when others change meanwhile.
pub(super) async fn by_cursor(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    params: Params,
) -> Result<Response, Refusal> {
    let limit = params.page_length("limit", PAGE_LENGTH, PAGE_LENGTH_MAX)?;
    let table = app.set(&name)?.read();
    let (ranks, next) = after_cursor(&table, &params, limit)?;
    let mut body = page_buffer(&ranks);
    body.extend_from_slice(br#"{"data":["#);
    table.write(ranks, &mut body);
    body.extend_from_slice(br#"],"next_cursor":"#);
    let _ = match next {
        Some(cursor) => write!(body, r#""{cursor}"}}"#),
        None => write!(body, "null}}"),
    };
    Ok(json_page(body))
}

/// `?offset&limit` and the dates. It shifts under its reader when records change, as
/// offsets do.
pub(super) async fn by_offset(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    params: Params,
) -> Result<Response, Refusal> {
    let limit = params.page_length("limit", PAGE_LENGTH, PAGE_LENGTH_MAX)?;
    let offset = params.number("offset", 0)?;
    let table = app.set(&name)?.read();
    let all = table.dated(params.dates()?);
    let ranks = slice(&all, offset, limit);
    let mut body = page_buffer(&ranks);
    body.extend_from_slice(br#"{"data":["#);
    table.write(ranks, &mut body);
    let total = all.end - all.start;
    let _ = write!(
        body,
        r#"],"total":{total},"offset":{offset},"limit":{limit}}}"#
    );
    Ok(json_page(body))
}

/// `?page&per_page` and the dates; the body is the bare array.
pub(super) async fn by_link(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Refusal> {
    let table = app.set(&name)?.read();
    let all = table.dated(params.dates()?);
    let page = Page::of(&params, PAGE_LENGTH, PAGE_LENGTH_MAX, all.end - all.start)?;
    let ranks = slice(&all, page.skip(), page.length);
    let mut body = page_buffer(&ranks);
    body.push(b'[');
    table.write(ranks, &mut body);
    body.push(b']');
    Ok(page.linked(json_page(body), &headers, &uri))
}

/// The ranks after the request's cursor, and the cursor of the page after them.
pub(super) fn after_cursor(
    table: &Table,
    params: &Params,
    limit: u64,
) -> Result<(Range<u64>, Option<String>), Refusal> {
    let mut all = table.dated(params.dates()?);
    if let Some(text) = params.get("cursor") {
        let (at, n) = parse_cursor(text)
            .ok_or_else(|| Refusal::bad(format!("cursor: `{text}` is none of ours")))?;
        all.start = table.rank((at, n.saturating_add(1))).max(all.start);
    }
    let ranks = slice(&all, 0, limit);
    let more = ranks.end < all.end;
    let last = more
        .then(|| ranks.end - 1)
        .and_then(|rank| table.entry(rank));
    Ok((ranks, last.map(|last| cursor((last.at, last.n)))))
}

/// A buffer that a page fits in without growing.
pub(super) fn page_buffer(ranks: &Range<u64>) -> Vec<u8> {
    Vec::with_capacity(((ranks.end - ranks.start) * RECORD_BYTES) as usize)
}

/// `length` of `all` from the `skip`th on.
pub(super) fn slice(all: &Range<u64>, skip: u64, length: u64) -> Range<u64> {
    let start = all.start.saturating_add(skip).min(all.end.max(all.start));
    start..start.saturating_add(length).min(all.end).max(start)
}

fn cursor((at, n): Key) -> String {
    // The date's sign bit is turned so that the hex needs no sign.
    format!("{:x}.{n:x}", at.cast_unsigned() ^ (1 << 63))
}

fn parse_cursor(text: &str) -> Option<Key> {
    let (at, n) = text.split_once('.')?;
    let at = u64::from_str_radix(at, 16).ok()? ^ (1 << 63);
    Some((at.cast_signed(), u64::from_str_radix(n, 16).ok()?))
}

/// One page of a numbered list.
pub(super) struct Page {
    pub number: u64,
    pub length: u64,
    /// How many pages there are; 0 of an empty list.
    pub count: u64,
}

impl Page {
    /// The page that `?page&per_page` asks for, of a list of `total` records.
    pub fn of(params: &Params, length: u64, max: u64, total: u64) -> Result<Self, Refusal> {
        let length = params.page_length("per_page", length, max)?;
        Ok(Page {
            number: params.number("page", 1)?.max(1),
            length,
            count: total.div_ceil(length),
        })
    }

    /// Records before this page.
    pub fn skip(&self) -> u64 {
        (self.number - 1).saturating_mul(self.length)
    }

    /// Adds the `Link` header, with the relations that GitHub gives.
    pub fn linked(&self, mut response: Response, headers: &HeaderMap, uri: &Uri) -> Response {
        let mut links = Vec::new();
        let mut link = |page: u64, rel: &str| {
            links.push(format!("<{}>; rel=\"{rel}\"", self.url(headers, uri, page)));
        };
        if self.number > 1 {
            link((self.number - 1).min(self.count.max(1)), "prev");
        }
        if self.number < self.count {
            link(self.number + 1, "next");
            link(self.count, "last");
        }
        if self.number > 1 {
            link(1, "first");
        }
        if let Ok(value) = HeaderValue::from_str(&links.join(", "))
            && !links.is_empty()
        {
            response.headers_mut().insert(header::LINK, value);
        }
        response
    }

    /// The request's own URL with another page number.
    fn url(&self, headers: &HeaderMap, uri: &Uri, page: u64) -> String {
        let host = headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok());
        let kept = uri.query().unwrap_or_default().split('&');
        let kept = kept.filter(|pair| !pair.is_empty() && !pair.starts_with("page="));
        let query: String = kept.map(|pair| format!("{pair}&")).collect();
        let host = host.unwrap_or("127.0.0.1");
        format!("http://{host}{}?{query}page={page}", uri.path())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_was() {
        for key in [(0, 0), (-5, 7), (1_704_067_200, u64::MAX), (i64::MIN, 1)] {
            assert_eq!(parse_cursor(&cursor(key)), Some(key));
        }
        for bad in ["", "x", "1", "1.", ".1", "1.g", "1.1.1"] {
            assert_eq!(parse_cursor(bad), None, "{bad}");
        }
    }

    #[test]
    fn slices_stay_inside() {
        let rows = [
            (0, 3, 10..13),
            (9, 3, 19..20),
            (10, 3, 20..20),
            (u64::MAX, u64::MAX, 20..20),
        ];
        for (skip, length, expected) in rows {
            assert_eq!(slice(&(10..20), skip, length), expected);
        }
    }
}
