//! Integrations. Setting one up is the operator's alone: a base URL may open an address
//! inside the operator's own network.

use crate::api::Service;
use crate::api::answer::time;
use crate::api::auth::{Manager, OfOperator, OperatorOf};
use crate::api::document::Routes;
use crate::api::error::Answer;
use crate::api::read::{self, At, Nothing, Query};
use crate::catalog::NewIntegration;
use crate::model::{
    AuthScheme, Integration, IntegrationRow, Pagination, Place, RateLimit, RetryRules,
};
use crate::schedule::HeldBack;
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_axum::routes;

/// The routes of this file.
pub fn routes() -> Routes {
    Routes::new()
        .routes(routes!(list))
        .routes(routes!(set, remove))
}

/// An integration with its settings.
#[derive(Serialize, ToSchema)]
#[schema(as = IntegrationSettings)]
struct Shown {
    name: Integration,
    provider: String,
    base_url: Option<String>,
    auth: AuthScheme,
    hosts: Vec<String>,
    allow_http: bool,
    retry: Option<RetryRules>,
    rate_limit: Option<RateLimit>,
    pagination: Option<Pagination>,
    placeholders: BTreeMap<String, BTreeSet<Place>>,
    /// There while its provider fails for many connections.
    held_back: Option<ShownHeldBack>,
    #[schema(format = DateTime)]
    created: String,
    #[schema(format = DateTime)]
    updated: String,
}

/// That scheduled runs of an integration wait until its provider answers again.
#[derive(Serialize, ToSchema)]
#[schema(as = HeldBack)]
struct ShownHeldBack {
    #[schema(format = DateTime)]
    since: String,
    /// When one run tries whether it answers.
    #[schema(format = DateTime)]
    next_probe: String,
    failed_runs: u32,
    /// Syncs that wait.
    syncs: usize,
}

impl From<HeldBack> for ShownHeldBack {
    fn from(held: HeldBack) -> Self {
        ShownHeldBack {
            since: time(held.since),
            next_probe: time(held.probe_at),
            failed_runs: held.failures,
            syncs: held.syncs,
        }
    }
}

fn shown(service: &Service, row: &IntegrationRow) -> Shown {
    let held = service.scheduler.held_back(&row.environment, &row.name);
    Shown {
        name: row.name.clone(),
        provider: row.provider.clone(),
        base_url: row.base_url.clone(),
        auth: row.auth.clone(),
        hosts: row.hosts.clone(),
        allow_http: row.allow_http,
        retry: row.retry.clone(),
        rate_limit: row.rate_limit,
        pagination: row.pagination.clone(),
        placeholders: row.placeholders.clone(),
        held_back: held.map(ShownHeldBack::from),
        created: time(row.created),
        updated: time(row.updated),
    }
}

#[derive(Serialize, ToSchema)]
struct Integrations {
    integrations: Vec<Shown>,
}

/// Integrations of the environment.
#[utoipa::path(
    get,
    path = "/v1/integrations",
    security(("key" = ["manage"])),
    responses((status = 200, body = Integrations)),
)]
async fn list(
    Manager(environment): Manager,
    State(service): State<Arc<Service>>,
    Query(Nothing {}): Query<Nothing>,
) -> Json<Integrations> {
    let rows = service.catalog.integrations(&environment);
    let integrations = rows.iter().map(|row| shown(&service, row)).collect();
    Json(Integrations { integrations })
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SetIntegration)]
struct SetBody {
    #[serde(default)]
    provider: String,
    base_url: Option<String>,
    #[serde(default, deserialize_with = "read::object")]
    auth: AuthScheme,
    #[serde(default)]
    hosts: Vec<String>,
    #[serde(default)]
    allow_http: bool,
    #[serde(default, deserialize_with = "read::maybe_object")]
    retry: Option<RetryRules>,
    #[serde(default, deserialize_with = "read::maybe_object")]
    rate_limit: Option<RateLimit>,
    #[serde(default, deserialize_with = "read::maybe_object")]
    pagination: Option<Pagination>,
    #[serde(default)]
    placeholders: BTreeMap<String, BTreeSet<Place>>,
}

/// Sets an integration up, or replaces it.
#[utoipa::path(
    put,
    path = "/v1/integrations/{name}",
    params(("name" = Integration, Path), OfOperator),
    request_body = SetBody,
    security(("operator" = [])),
    responses((status = 200, body = Shown)),
)]
async fn set(
    OperatorOf(environment): OperatorOf,
    State(service): State<Arc<Service>>,
    At(name): At<Integration>,
    Query(Nothing {}): Query<Nothing>,
    body: Body,
) -> Answer<Json<Shown>> {
    let body: SetBody = read::json(body).await?;
    let new = NewIntegration {
        provider: body.provider,
        base_url: body.base_url,
        auth: body.auth,
        hosts: body.hosts,
        allow_http: body.allow_http,
        retry: body.retry,
        rate_limit: body.rate_limit,
        pagination: body.pagination,
        placeholders: body.placeholders,
    };
    let row = service
        .catalog
        .put_integration(&environment, &name, new)
        .await?;
    Ok(Json(shown(&service, &row)))
}

#[derive(Serialize, ToSchema)]
#[schema(as = RemovedIntegration)]
struct Removed {
    removed: Integration,
}

/// Takes an integration away. Refused while it has connections.
#[utoipa::path(
    delete,
    path = "/v1/integrations/{name}",
    params(("name" = Integration, Path), OfOperator),
    security(("operator" = [])),
    responses((status = 200, body = Removed)),
)]
async fn remove(
    OperatorOf(environment): OperatorOf,
    State(service): State<Arc<Service>>,
    At(name): At<Integration>,
    Query(Nothing {}): Query<Nothing>,
) -> Answer<Json<Removed>> {
    service
        .catalog
        .remove_integration(&environment, &name)
        .await?;
    Ok(Json(Removed { removed: name }))
}
