//! The change feed while it grows: `GET /v1/records/stream` (server-sent events) and
//! `GET /v1/records/poll` (an answer as soon as there is one to give).
//!
//! - Both read as `GET /records` does: the same headers, key, scope, order and JSON. From
//!   a cursor they go on after it; without one they begin with what is there.
//! - A reader that goes on from the last cursor it saw misses nothing, however it was cut
//!   off. A browser's `Last-Event-ID` is that cursor.
//! - Nothing is polled: the store wakes who waits for the stream that changed.
//! - Whoever waits holds a place, of which each environment has so many. A key that is
//!   revoked, or a connection that is removed, ends the waiting.

use crate::api::Service;
use crate::api::answer::list;
use crate::api::auth::Reader;
use crate::api::document::{Routes, number};
use crate::api::error::{Answer, Failure, Part, Refusal};
use crate::api::read::{Query, Selection, WholeSelection, from_text};
use crate::api::records::{
    LIMIT_DEFAULT, LIMIT_MAX, at, connection, cursor, cursor_schema, feed, limit_schema,
};
use crate::api::splice::{self, RecordPage};
use crate::model::{
    Change, ChangeFilter, ChangePage, Cursor, Environment, ModelName, StreamKey, Variant,
};
use axum::Extension;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Deserialize;
use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use utoipa::IntoParams;
use utoipa::openapi::schema::Object;
use utoipa_axum::routes;

/// Readers of one environment that may wait at once, of streams and polls together: all
/// environments share the listener's connections. One more is answered 429.
const READERS_MAX: usize = 64;

/// How often a stream without news says that it is there, and asks whether the key still
/// opens it; a stream whose key was revoked ends then at the latest.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// How long a poll may be asked to wait, in seconds; more is refused. Proxies cut what is
/// silent for longer.
const WAIT_SECONDS_MAX: u64 = 60;
/// How long it waits where the app names no time, in seconds; then it answers no records.
const WAIT_SECONDS: u64 = 30;

/// Changes that a stream reads at once: what one reader may hold in memory, beside the
/// bound in bytes of a page.
const STREAM_PAGE: usize = 100;

/// Tells proxies to pass each event on at once.
const UNBUFFERED: (&str, &str) = ("x-accel-buffering", "no");
/// Where a browser tells how far it came.
const LAST_EVENT_ID: &str = "last-event-id";

/// The routes of this file. They need [`Places`] as an extension.
pub fn routes() -> Routes {
    Routes::new()
        .routes(routes!(stream_of))
        .routes(routes!(poll))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct StreamQuery {
    model: ModelName,
    variant: Option<Variant>,
    #[param(schema_with = cursor_schema)]
    cursor: Option<String>,
    /// As for `/records`.
    #[serde(default, deserialize_with = "from_text")]
    #[param(value_type = Option<String>)]
    filter: Option<ChangeFilter>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PollQuery {
    model: ModelName,
    variant: Option<Variant>,
    #[param(schema_with = cursor_schema)]
    cursor: Option<String>,
    /// As for `/records`.
    #[serde(default, deserialize_with = "from_text")]
    #[param(value_type = Option<String>)]
    filter: Option<ChangeFilter>,
    #[serde(default, deserialize_with = "from_text")]
    #[param(schema_with = limit_schema)]
    limit: Option<u16>,
    /// Seconds.
    #[serde(default, deserialize_with = "from_text")]
    #[param(schema_with = wait_schema)]
    wait: Option<u64>,
}

fn wait_schema() -> Object {
    number(0, WAIT_SECONDS_MAX as usize)
}

/// Sends the changes after a cursor, and then each that comes. An event `change` has a
/// record as its data and its cursor as its id.
#[utoipa::path(
    get,
    path = "/v1/records/stream",
    params(WholeSelection, StreamQuery),
    security(("key" = ["read"])),
    responses(
        (status = 200, body = String, content_type = "text/event-stream"),
        (status = 410, description = "The cursor leads nowhere: read from the start", body = Refusal),
        (status = 429, description = "Too many wait already", body = Refusal),
    ),
)]
async fn stream_of(
    Reader(environment): Reader,
    State(service): State<Arc<Service>>,
    Extension(places): Extension<Places>,
    selection: Selection,
    headers: HeaderMap,
    Query(query): Query<StreamQuery>,
) -> Answer<Response> {
    let given = match headers.get(LAST_EVENT_ID) {
        Some(value) => Some(value.to_str().unwrap_or_default().to_owned()),
        None => query.cursor,
    };
    let after = given.as_deref().map(cursor).transpose()?;
    let key = StreamKey {
        connection: connection(&service, environment.clone(), selection)?,
        model: query.model,
        variant: query.variant.unwrap_or_else(Variant::base),
    };
    let filter = query.filter.unwrap_or(ChangeFilter::ALL);
    let mut follower = Follower::new(service, places, headers, key, after, filter)?;
    // What cannot be read at all is still answered by a status.
    let first = follower.page(STREAM_PAGE).await?;
    let live = Live {
        follower,
        place: first.cursor,
        waiting: first.changes.into(),
        is_over: false,
    };
    let events = stream::unfold(live, async |mut live| {
        let event = live.next().await?;
        Some((Ok::<_, Infallible>(event), live))
    });
    Ok(([UNBUFFERED], Sse::new(events)).into_response())
}

/// Answers the changes after a cursor as soon as there are any. `next_cursor` is always
/// there: it is what to ask with next.
#[utoipa::path(
    get,
    path = "/v1/records/poll",
    params(WholeSelection, PollQuery),
    security(("key" = ["read"])),
    responses(
        (status = 200, body = RecordPage),
        (status = 410, description = "The cursor leads nowhere: read from the start", body = Refusal),
        (status = 429, description = "Too many wait already", body = Refusal),
    ),
)]
async fn poll(
    Reader(environment): Reader,
    State(service): State<Arc<Service>>,
    Extension(places): Extension<Places>,
    selection: Selection,
    headers: HeaderMap,
    Query(query): Query<PollQuery>,
) -> Answer<Response> {
    let within = |key: &str, given: u64, from: u64, most: u64| {
        if (from..=most).contains(&given) {
            return Ok(given);
        }
        let why = format!("it is {given}, but needs {from} to {most}");
        Err(Failure::invalid(Part::Query, key, why))
    };
    let limit = u64::from(query.limit.unwrap_or(LIMIT_DEFAULT));
    let limit = within("limit", limit, 1, LIMIT_MAX.into())?;
    let limit = usize::try_from(limit).map_err(Failure::internal)?;
    let wait = query.wait.unwrap_or(WAIT_SECONDS);
    let wait = Duration::from_secs(within("wait", wait, 0, WAIT_SECONDS_MAX)?);
    let until = Instant::now() + wait;
    let after = query.cursor.as_deref().map(cursor).transpose()?;
    let key = StreamKey {
        connection: connection(&service, environment.clone(), selection)?,
        model: query.model,
        variant: query.variant.unwrap_or_else(Variant::base),
    };
    let filter = query.filter.unwrap_or(ChangeFilter::ALL);
    let mut follower = Follower::new(service, places, headers, key, after, filter)?;
    loop {
        let page = follower.page(limit).await?;
        let goes_on = page.changes.is_empty() && Instant::now() < until;
        if !goes_on || !page.more && follower.wait(until).await != Woken::News {
            return Ok(answer(page));
        }
        follower.may_still_read().await?;
    }
}

fn answer(page: ChangePage) -> Response {
    let place = page.cursor;
    let before = format!("{{\"next_cursor\":\"{place}\",\"records\":[");
    list(before, page.changes, "]}".into(), move |change, out| {
        splice::record(change, at(place, change), out)
    })
}

/// A reader of one stream, wherever it stands.
struct Follower {
    service: Arc<Service>,
    headers: HeaderMap,
    key: StreamKey,
    after: Option<Cursor>,
    filter: ChangeFilter,
    news: watch::Receiver<()>,
    closing: watch::Receiver<bool>,
    _place: Place,
}

/// Why a wait is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Woken {
    News,
    Time,
    End,
}

impl Follower {
    fn new(
        service: Arc<Service>,
        places: Places,
        headers: HeaderMap,
        key: StreamKey,
        after: Option<Cursor>,
        filter: ChangeFilter,
    ) -> Answer<Self> {
        let place = places.take(&key.connection.environment)?;
        Ok(Follower {
            news: service.store.follow(&key),
            closing: service.scheduler.closing(),
            service,
            headers,
            key,
            after,
            filter,
            _place: place,
        })
    }

    /// What comes next, which may be nothing.
    async fn page(&mut self, limit: usize) -> Answer<ChangePage> {
        // What is committed from here on wakes the next wait.
        self.news.mark_unchanged();
        let page = feed(&self.service, &self.key, self.after, limit, self.filter).await?;
        self.after = Some(page.cursor);
        Ok(page)
    }

    async fn wait(&mut self, until: Instant) -> Woken {
        let closing = async {
            let _ = self.closing.wait_for(|closing| *closing).await;
        };
        tokio::select! {
            // It ends only with the store.
            changed = self.news.changed() => match changed {
                Ok(()) => Woken::News,
                Err(_) => Woken::End,
            },
            () = closing => Woken::End,
            () = sleep_until(until) => Woken::Time,
        }
    }

    /// Whether the key that was good at the start still opens this stream, and the
    /// connection is still there.
    async fn may_still_read(&self) -> Answer<()> {
        let (mut parts, ()) = Request::new(()).into_parts();
        parts.headers = self.headers.clone();
        Reader::from_request_parts(&mut parts, &self.service).await?;
        self.service.catalog.connection(&self.key.connection)?;
        Ok(())
    }
}

/// A stream of events.
struct Live {
    follower: Follower,
    /// The end of what was read.
    place: Cursor,
    /// What was read and is not sent.
    waiting: VecDeque<Change>,
    is_over: bool,
}

impl Live {
    async fn read(&mut self) -> Answer<bool> {
        let page = self.follower.page(STREAM_PAGE).await?;
        self.place = page.cursor;
        self.waiting = page.changes.into();
        Ok(page.more)
    }

    /// The next event; none at the end.
    async fn next(&mut self) -> Option<Event> {
        if self.is_over {
            return None;
        }
        let event = self.event().await;
        self.is_over = event.is_err();
        // The last one says why it is the last.
        event.unwrap_or_else(|failure| {
            failure.map(|failure| Event::default().event("error").data(failure.to_json()))
        })
    }

    /// The next event, or why there is none any more: the host stops (`None`), or a
    /// failure.
    async fn event(&mut self) -> Result<Option<Event>, Option<Failure>> {
        let beat = Instant::now() + HEARTBEAT;
        loop {
            if let Some(change) = self.waiting.pop_front() {
                return self.change(&change).map(Some).map_err(Some);
            }
            self.follower.may_still_read().await.map_err(Some)?;
            let more = self.read().await.map_err(Some)?;
            if more || !self.waiting.is_empty() {
                continue;
            }
            match self.follower.wait(beat).await {
                Woken::News => {}
                Woken::End => return Err(None),
                Woken::Time => {
                    self.follower.may_still_read().await.map_err(Some)?;
                    return Ok(Some(self.heartbeat()));
                }
            }
        }
    }

    fn change(&self, change: &Change) -> Answer<Event> {
        let cursor = at(self.place, change);
        let mut json = Vec::with_capacity(change.body.len());
        splice::record(change, cursor, &mut json)?;
        let json = String::from_utf8(json).map_err(Failure::internal)?;
        let event = Event::default().event("change").id(cursor.to_string());
        Ok(event.data(json))
    }

    /// A comment, with the place that was reached: past what the filter left out.
    fn heartbeat(&self) -> Event {
        let event = Event::default().comment("");
        event.id(self.place.to_string())
    }
}

/// Counts who waits, by environment. Clones count together.
#[derive(Clone, Default)]
pub struct Places {
    taken: Arc<Mutex<HashMap<Environment, usize>>>,
}

/// A place that is taken, until it is dropped.
struct Place {
    places: Places,
    environment: Environment,
}

impl Places {
    /// How many wait, of all environments.
    pub fn taken(&self) -> usize {
        self.lock().values().sum()
    }

    fn take(&self, environment: &Environment) -> Answer<Place> {
        let mut taken = self.lock();
        let count = taken.entry(environment.clone()).or_default();
        if *count >= READERS_MAX {
            let message = format!(
                "{READERS_MAX} readers of this environment wait for changes already; \
                 close one, or read `/records`"
            );
            let status = StatusCode::TOO_MANY_REQUESTS;
            return Err(Failure::new(status, "too_many_streams", message));
        }
        *count += 1;
        Ok(Place {
            places: self.clone(),
            environment: environment.clone(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Environment, usize>> {
        // Nothing panics half way through a change of the map.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        if let Some(count) = taken.get_mut(&self.environment) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.environment);
            }
        }
    }
}
