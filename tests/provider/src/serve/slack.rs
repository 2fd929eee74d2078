//! Slack's list of users: small, without a filter by date, an empty cursor at the end.

use super::App;
use super::pages::{after_cursor, page_buffer};
use super::query::{Params, Refusal, json_page};
use axum::extract::State;
use axum::response::Response;
use std::io::Write;
use std::sync::Arc;

/// Members of a page where the request does not say, and the most that Slack gives.
const LIMIT: u64 = 100;
const LIMIT_MAX: u64 = 1_000;

pub(super) async fn users(
    State(app): State<Arc<App>>,
    params: Params,
) -> Result<Response, Refusal> {
    let limit = params.page_length("limit", LIMIT, LIMIT_MAX)?;
    let cursor = params.get("cursor").unwrap_or_default();
    let table = app.users.read();
    let (ranks, next) = after_cursor(&table, &Params::one("cursor", cursor), limit)?;
    let mut body = page_buffer(&ranks);
    body.extend_from_slice(br#"{"ok":true,"members":["#);
    table.write(ranks, &mut body);
    let next = next.unwrap_or_default();
    let _ = write!(
        body,
        r#"],"response_metadata":{{"next_cursor":"{next}"}}}}"#
    );
    Ok(json_page(body))
}
