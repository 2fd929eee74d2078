//! The server: one gate that every request passes, and the routes behind it.

mod connection;
mod events;
mod github;
mod misbehave;
mod odd;
mod pages;
mod query;
mod salesforce;
mod slack;

pub(crate) use query::Params;

use crate::faults::Faults;
use crate::rate_limit::Limiter;
use crate::seen::Seen;
use crate::set::Set;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{any, get};
use axum::{Router, body::Body};
use connection::{Connections, Hangup};
use query::Refusal;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;
use tokio::net::TcpListener;

/// Bytes of a request's body that `/echo` takes; more is 413.
const REQUEST_BYTES_MAX: usize = 16 << 20;

/// What all handlers share.
pub(crate) struct App {
    pub contacts: Set,
    pub users: Set,
    pub events: Set,
    pub commits: Set,
    pub sets: BTreeMap<String, Set>,
    pub faults: Faults,
    pub seen: Seen,
    pub limiter: Limiter,
    pub credential: Option<(String, String)>,
}

impl App {
    /// The set that is served at `/{name}`.
    fn set(&self, name: &str) -> Result<&Set, Refusal> {
        match name {
            "contacts" => Ok(&self.contacts),
            "users" => Ok(&self.users),
            "events" => Ok(&self.events),
            name => self
                .sets
                .get(name)
                .ok_or_else(|| Refusal::not_found(format!("no data set `{name}`"))),
        }
    }
}

/// Serves for ever.
pub(crate) async fn serve(listener: TcpListener, app: Arc<App>) {
    let router = routes(app).into_make_service_with_connect_info::<Hangup>();
    // It never returns, and says so by a result.
    let _ = axum::serve(Connections(listener), router).await;
}

fn routes(app: Arc<App>) -> Router {
    Router::new()
        .route("/repos/{owner}/{repo}/commits", get(github::commits))
        .route("/services/data/v60.0/query", get(salesforce::query))
        .route(
            "/services/data/v60.0/query/{locator}",
            get(salesforce::next),
        )
        .route("/users", get(slack::users))
        .route("/events", get(events::events))
        .route("/echo", any(odd::echo))
        .route("/status/{code}", any(odd::status))
        .route("/redirect", any(odd::redirect))
        .route("/large", get(odd::large))
        .route("/endless", get(odd::endless))
        .route("/{set}", get(pages::by_cursor))
        .route("/{set}/offset", get(pages::by_offset))
        .route("/{set}/link", get(pages::by_link))
        .layer(DefaultBodyLimit::max(REQUEST_BYTES_MAX))
        .layer(middleware::from_fn_with_state(app.clone(), gate))
        .with_state(app)
}

/// Notes the request, then lets it meet its fault or its answer.
async fn gate(
    State(app): State<Arc<App>>,
    ConnectInfo(hangup): ConnectInfo<Hangup>,
    request: Request,
    next: Next,
) -> Response {
    app.seen.note(&request);
    match app.faults.take(request.uri().path()) {
        Some(fault) => misbehave::misbehave(fault, &hangup, || answer(&app, request, next)).await,
        None => answer(&app, request, next).await,
    }
}

/// The right answer: under the rate limit, to whoever has the credential.
async fn answer(app: &App, request: Request<Body>, next: Next) -> Response {
    let quota = app.limiter.take(Instant::now());
    let mut response = if !quota.let_through {
        let status = StatusCode::TOO_MANY_REQUESTS;
        query::refuse(status, "rate_limited", "API rate limit exceeded")
    } else if !has(&request, app.credential.as_ref()) {
        let status = StatusCode::UNAUTHORIZED;
        query::refuse(status, "unauthorized", "Bad credentials")
    } else {
        next.run(request).await
    };
    quota.tell(response.headers_mut());
    response
}

fn has(request: &Request, credential: Option<&(String, String)>) -> bool {
    credential.is_none_or(|(name, value)| {
        let sent = request.headers().get(name);
        sent.is_some_and(|sent| sent.as_bytes() == value.as_bytes())
    })
}
