//! Whether the host is there, and whether it takes writes. No key is asked for.

use crate::api::Service;
use crate::store::Health;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use std::sync::Arc;

/// The routes of this file.
pub fn routes() -> Router<Arc<Service>> {
    Router::new()
        .route("/healthz", get(async || "ok"))
        .route("/readyz", get(ready))
}

/// 200 while the store takes writes, else 503. Tells no more than that, since anybody
/// may ask.
async fn ready(State(service): State<Arc<Service>>) -> (StatusCode, Json<Value>) {
    let (status, word) = match service.store.health() {
        Health::Good => (StatusCode::OK, "good"),
        Health::LowDisk { .. } => (StatusCode::SERVICE_UNAVAILABLE, "low disk"),
        Health::Failed(_) => (StatusCode::SERVICE_UNAVAILABLE, "failed"),
    };
    (status, Json(json!({ "store": word })))
}
