//! GitHub's list of commits, as far as a sync meets it: the newest first, `since` and
//! `until` inclusive and by the committer's date, pages of at most 100, `Link` header.

use super::App;
use super::pages::{Page, page_buffer, slice};
use super::query::{Params, Refusal, json_page};
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use std::sync::Arc;

/// GitHub's own page length, and the most it gives.
const PER_PAGE: u64 = 30;
const PER_PAGE_MAX: u64 = 100;

pub(super) async fn commits(
    State(app): State<Arc<App>>,
    uri: Uri,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Refusal> {
    let table = app.commits.read();
    let all = table.dated((
        params.date("since")?.map_or(i64::MIN, |since| since.ceil()),
        params
            .date("until")?
            .map_or(i64::MAX, |until| until.seconds),
    ));
    let page = Page::of(&params, PER_PAGE, PER_PAGE_MAX, all.end - all.start)?;
    let places = slice(&(0..all.end - all.start), page.skip(), page.length);
    let mut body = page_buffer(&places);
    body.push(b'[');
    table.write(places.map(|place| all.end - 1 - place), &mut body);
    body.push(b']');
    Ok(page.linked(json_page(body), &headers, &uri))
}
