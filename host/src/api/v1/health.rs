//! Whether the host is there, and whether it takes writes. No key is asked for.

use crate::api::Service;
use crate::api::document::Routes;
use crate::store::Health;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_axum::routes;

/// The routes of this file.
pub fn routes() -> Routes {
    Routes::new()
        .routes(routes!(healthy))
        .routes(routes!(ready))
}

/// The host is there.
#[utoipa::path(get, path = "/healthz", responses((status = 200, body = String)))]
async fn healthy() -> &'static str {
    "ok"
}

#[derive(Serialize, ToSchema)]
struct Readiness {
    /// `good`, `low disk` or `failed`.
    store: &'static str,
}

/// 200 while the store takes writes, else 503. Tells no more than that, since anybody
/// may ask.
#[utoipa::path(
    get,
    path = "/readyz",
    responses((status = 200, body = Readiness), (status = 503, body = Readiness)),
)]
async fn ready(State(service): State<Arc<Service>>) -> (StatusCode, Json<Readiness>) {
    let (status, store) = match service.store.health() {
        Health::Good => (StatusCode::OK, "good"),
        Health::LowDisk { .. } => (StatusCode::SERVICE_UNAVAILABLE, "low disk"),
        Health::Failed(_) => (StatusCode::SERVICE_UNAVAILABLE, "failed"),
    };
    (status, Json(Readiness { store }))
}
