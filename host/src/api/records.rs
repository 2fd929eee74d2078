//! `GET /records`: what an app reads after a sync.
//!
//! The order is that of the commits, so a reader that goes on from its cursor misses
//! nothing. `filter` is the honest union of what it names. `modified_after` has no index:
//! the feed is walked from the cursor, or from the start, which costs a read of all that
//! lies before the time; a reader with a cursor never pays that.

use super::answer::list;
use super::auth::{Controller, Reader};
use super::document::{Routes, alias, number, text};
use super::error::{Answer, Failure, Part, Refusal};
use super::read::{self, Query, Selection, WholeSelection, from_text};
use super::splice::RecordPage;
use super::{Service, splice};
use crate::error::{Code, Error};
use crate::limits::{CHANGE_PAGE_BYTES_MAX, CHANGE_PAGE_RECORDS_MAX};
use crate::model::{
    Change, ChangeFilter, ChangePage, ConnectionKey, Cursor, Environment, ModelName, StreamKey,
    Variant,
};
use crate::store::PruneQuery;
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::openapi::schema::Object;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

/// Records of a page where the app names no number. Nango's.
pub(super) const LIMIT_DEFAULT: u16 = 100;
/// Records that one prune takes where the app names no number. Nango's.
const PRUNE_LIMIT: u16 = 1_000;
/// Records of a page or a prune at most; more is refused. Nango's.
pub(super) const LIMIT_MAX: u16 = 10_000;
/// Bytes of a cursor; more is refused. Nango's.
const CURSOR_BYTES_MAX: usize = 1_000;
/// Ids in one request; more are refused. Nango's.
const IDS_MAX: usize = 100;
/// Bytes of an id in a request; more are refused. Nango's.
const ID_BYTES_MAX: usize = 256;
/// How far back `modified_after` may lie; more is refused. Nango's 12 months, the longest
/// that they can be.
const MODIFIED_AFTER_REACH: SignedDuration = SignedDuration::from_hours(366 * 24);
/// Pages of the feed that one request walks for `modified_after`, 100,000 records; then it
/// answers what it has, and where to go on.
const WALK_PAGES_MAX: usize = 10;

/// The routes of this file.
pub fn routes() -> Routes {
    Routes::new()
        .routes(routes!(records))
        .routes(alias("/records/", routes!(records)))
        .routes(routes!(prune))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Wanted {
    model: ModelName,
    /// `base` where it is not given.
    variant: Option<Variant>,
    /// Only what comes after this place in the feed.
    #[param(schema_with = cursor_schema)]
    cursor: Option<String>,
    #[serde(default, deserialize_with = "from_text")]
    #[param(schema_with = limit_schema)]
    limit: Option<u16>,
    /// Only what changed since, in UTC, at most 366 days back.
    #[param(format = DateTime)]
    modified_after: Option<String>,
    /// An older name of `modified_after`.
    #[param(format = DateTime)]
    delta: Option<String>,
    /// Those of `added`, `updated` and `deleted` that are wanted, with commas between.
    #[serde(default, deserialize_with = "from_text")]
    #[param(value_type = Option<String>, example = "added,updated")]
    filter: Option<ChangeFilter>,
    /// Only these records.
    #[serde(default)]
    #[param(value_type = Vec<String>)]
    ids: Vec<Box<str>>,
}

/// The schema of a cursor that is sent.
pub(super) fn cursor_schema() -> Object {
    text(1, CURSOR_BYTES_MAX)
}

/// The schema of a page's limit.
pub(super) fn limit_schema() -> Object {
    number(1, LIMIT_MAX.into())
}

/// What is asked for, checked.
struct Asked {
    stream: StreamKey,
    after: Option<Cursor>,
    limit: usize,
    filter: ChangeFilter,
    since: Option<Timestamp>,
    ids: Vec<Box<str>>,
}

/// A page as it is answered.
struct Page {
    changes: Vec<Change>,
    /// Any cursor of the stream, for those of the records.
    place: Cursor,
    next: Option<Cursor>,
}

/// Records in the order in which they last changed.
#[utoipa::path(
    get,
    path = "/records",
    params(WholeSelection, Wanted),
    security(("key" = ["read"])),
    responses(
        (status = 200, body = RecordPage),
        (status = 410, description = "The cursor leads nowhere: read from the start", body = Refusal),
    ),
)]
async fn records(
    Reader(environment): Reader,
    State(service): State<Arc<Service>>,
    selection: Selection,
    Query(wanted): Query<Wanted>,
) -> Answer<Response> {
    let connection = connection(&service, environment, selection)?;
    let asked = wanted.check(connection, service.runner.clock.now())?;
    let page = match asked.ids.is_empty() {
        true => walk(&service, &asked).await?,
        false => by_ids(&service, &asked).await?,
    };
    let next = match page.next {
        Some(cursor) => format!("\"{cursor}\""),
        None => "null".to_owned(),
    };
    let before = format!("{{\"next_cursor\":{next},\"records\":[");
    let place = page.place;
    Ok(list(
        before,
        page.changes,
        "]}".into(),
        move |change, out| splice::record(change, at(place, change), out),
    ))
}

/// The connection that the headers name. An unknown one is 400 on these routes.
pub(super) fn connection(
    service: &Service,
    environment: Environment,
    selection: Selection,
) -> Answer<ConnectionKey> {
    let lacks = |header: &str| Failure::invalid(Part::Headers, header, "it is required");
    let key = ConnectionKey {
        environment,
        integration: selection
            .integration
            .ok_or_else(|| lacks("provider-config-key"))?,
        connection: selection.connection.ok_or_else(|| lacks("connection-id"))?,
    };
    match service.catalog.connection(&key) {
        Ok(_) => Ok(key),
        Err(error) => Err(Failure::bad("unknown_connection", error.message)),
    }
}

impl Wanted {
    fn check(self, connection: ConnectionKey, now: Timestamp) -> Answer<Asked> {
        let wrong = |key: &str, why: String| Failure::invalid(Part::Query, key, why);
        let limit = self.limit.unwrap_or(LIMIT_DEFAULT);
        if !(1..=LIMIT_MAX).contains(&limit) {
            return Err(wrong(
                "limit",
                format!("it is {limit}, but needs 1 to {LIMIT_MAX}"),
            ));
        }
        let since = match (self.modified_after, self.delta) {
            (Some(text), _) => Some(("modified_after", text)),
            (None, Some(text)) => Some(("delta", text)),
            (None, None) => None,
        };
        let since = since
            .map(|(key, text)| moment(key, &text, now))
            .transpose()?;
        if self.ids.len() > IDS_MAX {
            return Err(wrong(
                "ids",
                format!("they are {}, limit {IDS_MAX}", self.ids.len()),
            ));
        }
        if self
            .ids
            .iter()
            .any(|id| id.is_empty() || id.len() > ID_BYTES_MAX)
        {
            return Err(wrong("ids", format!("each has 1 to {ID_BYTES_MAX} bytes")));
        }
        Ok(Asked {
            stream: StreamKey {
                connection,
                model: self.model,
                variant: self.variant.unwrap_or_else(Variant::base),
            },
            after: self.cursor.as_deref().map(cursor).transpose()?,
            limit: limit.into(),
            filter: self.filter.unwrap_or(ChangeFilter::ALL),
            since,
            ids: self.ids,
        })
    }
}

/// The cursor of a query.
pub(super) fn cursor(text: &str) -> Answer<Cursor> {
    cursor_in(Part::Query, "cursor", text)
}

fn cursor_in(part: Part, key: &str, text: &str) -> Answer<Cursor> {
    if text.is_empty() || text.len() > CURSOR_BYTES_MAX {
        let why = format!(
            "it has {} bytes, but needs 1 to {CURSOR_BYTES_MAX}",
            text.len()
        );
        return Err(Failure::invalid(part, key, why));
    }
    text.parse()
        .map_err(|error: Error| Failure::bad("invalid_cursor", error.message))
}

fn moment(key: &str, text: &str, now: Timestamp) -> Answer<Timestamp> {
    let wrong = |why: String| Failure::invalid(Part::Query, key, why);
    let parsed = text
        .parse::<Timestamp>()
        .ok()
        .filter(|_| text.ends_with('Z'));
    let time =
        parsed.ok_or_else(|| wrong("it is no time such as 2026-11-22T03:24:29.280Z".into()))?;
    if now.duration_since(time) > MODIFIED_AFTER_REACH {
        return Err(wrong("it lies more than 12 months back".into()));
    }
    Ok(time)
}

/// The cursor at `change`, in the stream of `place`.
pub(super) fn at(place: Cursor, change: &Change) -> Cursor {
    Cursor {
        sequence: change.sequence,
        ..place
    }
}

async fn walk(service: &Service, asked: &Asked) -> Answer<Page> {
    let (mut changes, mut bytes, mut after) = (Vec::new(), 0, asked.after);
    for page in 1.. {
        // One more than is wanted tells whether there are more.
        let limit = match asked.since {
            None => asked.limit + 1 - changes.len(),
            Some(_) => CHANGE_PAGE_RECORDS_MAX,
        };
        let found = feed(service, &asked.stream, after, limit, asked.filter).await?;
        let place = found.cursor;
        let fits = |change: &Change| asked.since.is_none_or(|since| change.modified >= since);
        for change in found.changes.into_iter().filter(fits) {
            bytes += change.body.len();
            changes.push(change);
        }
        if changes.len() > asked.limit {
            changes.truncate(asked.limit);
            let next = changes.last().map(|change| at(place, change));
            return Ok(Page {
                changes,
                place,
                next,
            });
        }
        if !found.more {
            return Ok(Page {
                changes,
                place,
                next: None,
            });
        }
        if bytes >= CHANGE_PAGE_BYTES_MAX / 2 || page >= WALK_PAGES_MAX {
            return Ok(Page {
                changes,
                place,
                next: Some(place),
            });
        }
        after = Some(place);
    }
    Err(Failure::internal("the walk over a feed did not end"))
}

/// A page of the feed. A cursor that leads nowhere is 410.
pub(super) async fn feed(
    service: &Service,
    stream: &StreamKey,
    after: Option<Cursor>,
    limit: usize,
    filter: ChangeFilter,
) -> Answer<ChangePage> {
    let limit = limit.min(CHANGE_PAGE_RECORDS_MAX);
    let page = service.store.changes(stream, after, limit, filter);
    page.await.map_err(not_a_place)
}

fn not_a_place(error: Error) -> Failure {
    match error.code {
        Code::CursorStale => Failure::new(StatusCode::GONE, "cursor.stale", error.message),
        _ => error.into(),
    }
}

/// The records with the ids that were asked for, in the order of the feed.
async fn by_ids(service: &Service, asked: &Asked) -> Answer<Page> {
    // Asked for its place only: a cursor of another stream is refused here as elsewhere.
    let first = feed(service, &asked.stream, asked.after, 1, asked.filter);
    let place = first.await?.cursor;
    let after = asked.after.map_or(0, |cursor| cursor.sequence);
    let found = service.store.get(&asked.stream, &asked.ids).await?;
    let mut changes: Vec<Change> = found
        .into_iter()
        .flatten()
        .filter(|change| {
            change.sequence > after
                && asked.filter.admits(change.action)
                && asked.since.is_none_or(|since| change.modified >= since)
        })
        .collect();
    changes.sort_by_key(|change| change.sequence);
    changes.dedup_by_key(|change| change.sequence);
    let more = changes.len() > asked.limit;
    changes.truncate(asked.limit);
    let next = changes
        .last()
        .filter(|_| more)
        .map(|change| at(place, change));
    Ok(Page {
        changes,
        place,
        next,
    })
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Prune)]
struct PruneBody {
    model: ModelName,
    variant: Option<Variant>,
    #[schema(schema_with = cursor_schema)]
    until_cursor: String,
    #[schema(minimum = 1, maximum = 10_000)]
    limit: Option<u16>,
}

#[derive(Serialize, ToSchema)]
struct PrunedRecords {
    /// Records that lost their content.
    count: u64,
    /// Whether there are more up to the cursor.
    has_more: bool,
}

/// Takes the content of records away that the app has read, oldest first. Their ids and
/// places in the feed stay.
#[utoipa::path(
    patch,
    path = "/records/prune",
    params(WholeSelection),
    request_body = PruneBody,
    security(("key" = ["control"])),
    responses((status = 200, body = PrunedRecords)),
)]
async fn prune(
    Controller(environment): Controller,
    State(service): State<Arc<Service>>,
    selection: Selection,
    Query(_): Query<read::Nothing>,
    body: Body,
) -> Answer<Json<PrunedRecords>> {
    let connection = connection(&service, environment, selection)?;
    let wanted: PruneBody = read::json(body).await?;
    let limit = wanted.limit.unwrap_or(PRUNE_LIMIT);
    if limit == 0 || limit > LIMIT_MAX {
        let why = format!("it is {limit}, but needs 1 to {LIMIT_MAX}");
        return Err(Failure::invalid(Part::Body, "limit", why));
    }
    let stream = StreamKey {
        connection,
        model: wanted.model,
        variant: wanted.variant.unwrap_or_else(Variant::base),
    };
    let query = PruneQuery {
        through: Some(cursor_in(Part::Body, "until_cursor", &wanted.until_cursor)?),
        unchanged_since: None,
        limit: limit.into(),
    };
    let pruned = service.store.prune(&stream, query).await;
    let pruned = pruned.map_err(not_a_place)?;
    Ok(Json(PrunedRecords {
        count: pruned.count,
        has_more: pruned.more,
    }))
}
