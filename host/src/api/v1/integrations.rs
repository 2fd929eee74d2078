//! Integrations. Setting one up is the operator's alone: a base URL may open an address
//! inside the operator's own network.

use crate::api::Service;
use crate::api::answer::time;
use crate::api::auth::{Manager, OperatorOf};
use crate::api::error::Answer;
use crate::api::read::{self, At, Nothing, Query};
use crate::catalog::NewIntegration;
use crate::model::{AuthScheme, Integration, IntegrationRow, Place, RateLimit, RetryRules};
use axum::body::Body;
use axum::extract::State;
use axum::routing::{get, put};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The routes of this file.
pub fn routes() -> Router<Arc<Service>> {
    Router::new()
        .route("/v1/integrations", get(list))
        .route("/v1/integrations/{name}", put(set).delete(remove))
}

fn shown(service: &Service, row: &IntegrationRow) -> Value {
    let held = service.scheduler.held_back(&row.environment, &row.name);
    let held = held.map(|held| {
        json!({
            "since": time(held.since),
            "next_probe": time(held.probe_at),
            "failed_runs": held.failures,
            "syncs": held.syncs,
        })
    });
    json!({
        "name": row.name,
        "provider": row.provider,
        "base_url": row.base_url,
        "auth": row.auth,
        "hosts": row.hosts,
        "allow_http": row.allow_http,
        "retry": row.retry,
        "rate_limit": row.rate_limit,
        "placeholders": row.placeholders,
        "held_back": held,
        "created": time(row.created),
        "updated": time(row.updated),
    })
}

async fn list(
    Manager(environment): Manager,
    State(service): State<Arc<Service>>,
    Query(Nothing {}): Query<Nothing>,
) -> Json<Value> {
    let rows = service.catalog.integrations(&environment);
    let shown: Vec<Value> = rows.iter().map(|row| shown(&service, row)).collect();
    Json(json!({ "integrations": shown }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetBody {
    #[serde(default)]
    provider: String,
    base_url: Option<String>,
    #[serde(default)]
    auth: AuthScheme,
    #[serde(default)]
    hosts: Vec<String>,
    #[serde(default)]
    allow_http: bool,
    retry: Option<RetryRules>,
    rate_limit: Option<RateLimit>,
    #[serde(default)]
    placeholders: BTreeMap<String, BTreeSet<Place>>,
}

async fn set(
    OperatorOf(environment): OperatorOf,
    State(service): State<Arc<Service>>,
    At(name): At<Integration>,
    Query(Nothing {}): Query<Nothing>,
    body: Body,
) -> Answer<Json<Value>> {
    let body: SetBody = read::json(body).await?;
    let new = NewIntegration {
        provider: body.provider,
        base_url: body.base_url,
        auth: body.auth,
        hosts: body.hosts,
        allow_http: body.allow_http,
        retry: body.retry,
        rate_limit: body.rate_limit,
        placeholders: body.placeholders,
    };
    let row = service
        .catalog
        .put_integration(&environment, &name, new)
        .await?;
    Ok(Json(shown(&service, &row)))
}

async fn remove(
    OperatorOf(environment): OperatorOf,
    State(service): State<Arc<Service>>,
    At(name): At<Integration>,
    Query(Nothing {}): Query<Nothing>,
) -> Answer<Json<Value>> {
    service
        .catalog
        .remove_integration(&environment, &name)
        .await?;
    Ok(Json(json!({ "removed": name })))
}
