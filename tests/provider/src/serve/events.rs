//! Dated events by window and page: `?from&to&page&per_page`.

use super::App;
use super::pages::{Page, page_buffer, slice};
use super::query::{Params, Refusal, json_page};
use axum::extract::State;
use axum::response::Response;
use std::io::Write;
use std::sync::Arc;

/// Events of a page where the request does not say, and the most it gives.
const PER_PAGE: u64 = 100;
const PER_PAGE_MAX: u64 = 1_000;

/// `from` is inclusive and `to` exclusive, so that windows side by side share nothing.
pub(super) async fn events(
    State(app): State<Arc<App>>,
    params: Params,
) -> Result<Response, Refusal> {
    let table = app.events.read();
    let from = params.date("from")?.map_or(i64::MIN, |from| from.ceil());
    let to = params.date("to")?.map_or(i64::MAX, |to| to.ceil() - 1);
    let all = table.dated((from, to));
    let total = all.end - all.start;
    let page = Page::of(&params, PER_PAGE, PER_PAGE_MAX, total)?;
    let ranks = slice(&all, page.skip(), page.length);
    let mut body = page_buffer(&ranks);
    body.extend_from_slice(br#"{"data":["#);
    table.write(ranks, &mut body);
    let (number, pages) = (page.number, page.count);
    let _ = write!(
        body,
        r#"],"page":{number},"pages":{pages},"total":{total}}}"#
    );
    Ok(json_page(body))
}
