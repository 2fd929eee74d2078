//! Salesforce's query of contacts, as far as a sync meets it: SOQL with a bound on the date
//! of change, pages of 2,000 in that date's order, the next one by `nextRecordsUrl`.

use super::App;
use super::pages::after_cursor;
use super::query::{Params, Refusal, json_page};
use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::{Value, json};
use std::ops::Range;
use std::sync::Arc;

/// Records of a page, as Salesforce gives where nothing else is asked for.
const PAGE_LENGTH: u64 = 2_000;

/// Where the query stands, and what a page's `nextRecordsUrl` begins with.
const PATH: &str = "/services/data/v60.0/query";

/// The bounds that a query may put on the date of change, and the provider's words for them.
/// Longer operators first: `>=` begins with `>`.
const BOUNDS: &[(&str, &str)] = &[
    ("LastModifiedDate >= ", "since"),
    ("LastModifiedDate <= ", "until"),
    ("LastModifiedDate > ", "after"),
    ("LastModifiedDate < ", "before"),
];

/// `?q=SELECT … FROM Contact [WHERE LastModifiedDate >= …] ORDER BY LastModifiedDate …`
pub(super) async fn query(
    State(app): State<Arc<App>>,
    params: Params,
) -> Result<Response, Refusal> {
    let soql = params.get("q").unwrap_or_default();
    if !soql.contains(" FROM Contact") || !soql.contains(" ORDER BY LastModifiedDate") {
        let message = "q: expected SELECT … FROM Contact … ORDER BY LastModifiedDate";
        return Err(Refusal::bad(message));
    }
    let bound = BOUNDS.iter().find_map(|(operator, name)| {
        let (_, rest) = soql.split_once(operator)?;
        let date = rest.split_whitespace().next().unwrap_or_default();
        Some(format!("{name}={date}"))
    });
    page(&app, &bound.unwrap_or_default(), "")
}

/// The page that a `nextRecordsUrl` names: its bound, and the last record before it.
pub(super) async fn next(
    State(app): State<Arc<App>>,
    Path(locator): Path<String>,
) -> Result<Response, Refusal> {
    let (cursor, bound) = locator
        .split_once('~')
        .ok_or_else(|| Refusal::not_found(format!("invalid query locator `{locator}`")))?;
    page(&app, bound, cursor)
}

fn page(app: &App, bound: &str, cursor: &str) -> Result<Response, Refusal> {
    let params = Params::of(&format!("{bound}&cursor={cursor}"));
    let table = app.contacts.read();
    let total = table.dated(params.dates()?);
    let (ranks, next) = after_cursor(&table, &params, PAGE_LENGTH)?;
    let records = rows(ranks, |rank| table.json(rank))?;
    let mut body = json!({
        "totalSize": total.end.saturating_sub(total.start),
        "done": next.is_none(),
        "records": records,
    });
    if let Some(next) = next {
        body["nextRecordsUrl"] = format!("{PATH}/{next}~{bound}").into();
    }
    Ok(json_page(body.to_string().into_bytes()))
}

/// Contacts in Salesforce's shape.
fn rows(ranks: Range<u64>, contact: impl Fn(u64) -> String) -> Result<Vec<Value>, Refusal> {
    let row = |rank| {
        let contact: Value = serde_json::from_str(&contact(rank)).map_err(Refusal::bad)?;
        Ok(json!({
            "attributes": {"type": "Contact"},
            "Id": contact["id"],
            "Name": contact["name"],
            "Email": contact["email"],
            "Account": {"Name": contact["company"]},
            "LastModifiedDate": contact["updated_at"],
        }))
    };
    ranks.map(row).collect()
}
