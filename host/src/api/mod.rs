//! The HTTP API: the sync part of Nango's, so that its clients work, and `/v1/…` for what
//! that lacks.
//!
//! - A handler learns its environment from the key only (`auth`); a route of another
//!   customer's data does not exist.
//! - What a request asks for is read strictly (`read`), and answered in one form when it
//!   is refused (`error`).
//! - A request that was begun is finished: a client that goes away half way leaves no
//!   half change.

mod answer;
mod auth;
mod config;
mod connections;
mod document;
mod error;
mod metadata;
mod observe;
mod quota;
mod read;
mod records;
mod selected;
mod serve;
mod shown;
mod socket;
mod splice;
mod status;
mod syncs;
mod v1;
mod variants;

pub use auth::{ENVIRONMENT_HEADER, OperatorKey};
pub use document::document;
pub use read::JSON_BODY_BYTES_MAX;
pub use serve::serve;
pub use v1::COMPONENT_TIME;

use crate::catalog::Catalog;
use crate::error::Result;
use crate::model::{Delivery, DeliveryId};
use crate::run::Runner;
use crate::schedule::Scheduler;
use crate::store::ServiceStore;
use crate::webhook::{WebhookMetrics, WebhookSender};
use async_trait::async_trait;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router};
use document::{Routes, group};
use error::Failure;
use observe::HttpMetrics;
use quota::Quota;
use std::num::NonZeroU32;
use std::sync::Arc;
use tracing::Instrument;

/// What the API serves from.
pub struct Service {
    /// Records, runs and the outbox.
    pub store: Arc<dyn ServiceStore>,
    /// Environments and what they own.
    pub catalog: Arc<Catalog>,
    /// Starts syncs.
    pub scheduler: Scheduler,
    /// Examines what is deployed.
    pub runner: Runner,
    /// Opens what no environment's key does.
    pub operator_key: OperatorKey,
    /// The most memory that a manifest may ask for, in bytes.
    pub memory_ceiling: u64,
    /// Requests that each environment's keys may make in a minute; none for no limit.
    pub requests_per_minute: Option<NonZeroU32>,
    /// Sends webhooks again.
    pub webhooks: Arc<dyn Replay>,
}

/// Whoever sends webhooks.
#[async_trait]
pub trait Replay: Send + Sync + 'static {
    /// Sends a delivery again, whatever became of it; answers how it stands. `not.found`
    /// if it was forgotten.
    async fn replay(&self, id: DeliveryId) -> Result<Delivery>;

    /// What it counted, if it counts.
    fn metrics(&self) -> Option<&WebhookMetrics> {
        None
    }
}

#[async_trait]
impl Replay for WebhookSender {
    async fn replay(&self, id: DeliveryId) -> Result<Delivery> {
        WebhookSender::replay(self, id).await
    }

    fn metrics(&self) -> Option<&WebhookMetrics> {
        Some(WebhookSender::metrics(self))
    }
}

/// The API's routes, and what the document says of them.
fn routes() -> Routes {
    let nango = Routes::new()
        .merge(group("records", records::routes()))
        .merge(group("syncs", syncs::routes()))
        .merge(group("variants", variants::routes()))
        .merge(group("connections", connections::routes()))
        .merge(group("metadata", metadata::routes()))
        .merge(group("config", config::routes()));
    Routes::new()
        .merge(nango.layer(from_fn(read::only_json)))
        .merge(v1::routes())
        .layer(from_fn(finish_what_was_begun))
        .merge(v1::waiting())
        .merge(v1::of_the_host())
        .merge(group("host", document::routes()))
}

/// The API.
pub fn router(service: Arc<Service>) -> Router {
    let http = HttpMetrics::new();
    let places = v1::Places::default();
    let quota = Arc::new(Quota::new(service.clone()));
    let metrics = v1::Metrics::new(&service, &http, places.clone());
    Router::from(routes())
        .layer(Extension(places))
        .layer(Extension(v1::Uploads::default()))
        .layer(Extension(Arc::new(metrics)))
        .fallback(async || Failure::missing("not_found", "there is no such route"))
        .method_not_allowed_fallback(async || {
            Failure::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "the route does not take this method",
            )
        })
        .layer(from_fn_with_state(quota, quota::keep))
        .layer(from_fn(for_browsers))
        .layer(from_fn_with_state(http, observe::observe))
        .with_state(service)
}

/// Runs the handler in a task of its own, which goes on if the client goes away: a
/// change of the catalog must be shown once it is durable. A panic is answered 500.
async fn finish_what_was_begun(request: Request, next: Next) -> Response {
    match tokio::spawn(next.run(request).in_current_span()).await {
        Ok(response) => response,
        Err(error) => Failure::internal(error).into_response(),
    }
}

/// Allows pages of any origin, as Nango does: what opens anything is the key alone.
async fn for_browsers(request: Request, next: Next) -> Response {
    let mut response = match *request.method() {
        Method::OPTIONS => preflight(),
        _ => next.run(request).await,
    };
    let headers = response.headers_mut();
    let any = HeaderValue::from_static("*");
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, any);
    let exposed = HeaderValue::from_static(
        "Authorization, Etag, Content-Type, Content-Length, X-Request-Id, Retry-After, \
         X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset",
    );
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    let sniff = HeaderValue::from_static("nosniff");
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, sniff);
    response
}

fn preflight() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    let methods = HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE");
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    let names = "Authorization, Content-Type, Connection-Id, Provider-Config-Key, \
                 Tidegate-Environment, Last-Event-ID";
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static(names),
    );
    response
}
