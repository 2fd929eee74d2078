//! Deployments: a component is checked, what it would change is shown, and it is released
//! for an integration.

use crate::api::Service;
use crate::api::answer::time;
use crate::api::auth::{Manager, Reader};
use crate::api::error::{Answer, Failure};
use crate::api::read::{self, Nothing, Query, from_text};
use crate::catalog::ReleasePlan;
use crate::deploy;
use crate::error::Result;
use crate::limits::COMPONENT_BYTES_MAX;
use crate::model::{
    ConnectionId, ConnectionKey, Digest, Environment, Integration, ReleaseRow, SyncKey, SyncName,
    Variant,
};
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// How long a component may take to arrive; then 408.
pub const COMPONENT_TIME: Duration = Duration::from_secs(300);

/// Components that are taken in at once: each is up to 64 MiB, and its compiler takes
/// several times that. Further ones are answered 503.
const UPLOADS_AT_ONCE: usize = 2;

static UPLOADS: Semaphore = Semaphore::const_new(UPLOADS_AT_ONCE);

/// The routes of this file but for [`upload`].
pub fn routes() -> Router<Arc<Service>> {
    Router::new()
        .route("/v1/deployments", get(list))
        .route("/v1/deployments/rollback", post(roll_back))
        .route("/v1/deployments/pin", post(pin))
}

/// `POST /v1/deployments`, whose body is no JSON.
pub fn upload() -> Router<Arc<Service>> {
    Router::new().route("/v1/deployments", post(deploy))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeployQuery {
    integration: Integration,
    #[serde(default, deserialize_with = "from_text")]
    dry_run: Option<bool>,
}

/// Checks a component and releases it; with `dry_run` only says what that would change,
/// and keeps nothing.
async fn deploy(
    Manager(environment): Manager,
    State(service): State<Arc<Service>>,
    Query(query): Query<DeployQuery>,
    headers: HeaderMap,
    body: Body,
) -> Answer<(StatusCode, Json<Value>)> {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .map(|kind| kind.as_bytes());
    if !matches!(
        kind,
        Some(b"application/wasm" | b"application/octet-stream")
    ) {
        return Err(Failure::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "invalid_content_type",
            "Content-Type header must be application/wasm",
        ));
    }
    service
        .catalog
        .integration(&environment, &query.integration)?;
    let _place = UPLOADS.try_acquire().map_err(|_| {
        Failure::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "busy",
            "other components are being taken in; try again in a moment",
        )
    })?;
    let bytes = read::bytes(body, COMPONENT_BYTES_MAX, COMPONENT_TIME).await?;
    if query.dry_run == Some(true) {
        let plan = look(&service, &environment, &query.integration, bytes).await?;
        return Ok((
            StatusCode::OK,
            Json(json!({ "plan": plan, "released": false })),
        ));
    }
    let plan = release(&service, &environment, &query.integration, bytes).await?;
    Ok((
        StatusCode::CREATED,
        Json(json!({ "plan": plan, "released": true })),
    ))
}

async fn look(
    service: &Service,
    environment: &Environment,
    integration: &Integration,
    bytes: Bytes,
) -> Result<ReleasePlan> {
    let (sandbox, clock) = (&service.runner.sandbox, &service.runner.clock);
    let ready = deploy::examine(sandbox, bytes.into(), service.memory_ceiling, clock).await?;
    service
        .catalog
        .plan_release(environment, integration, &ready.deployment)
        .await
}

async fn release(
    service: &Service,
    environment: &Environment,
    integration: &Integration,
    bytes: Bytes,
) -> Result<ReleasePlan> {
    let (sandbox, clock) = (&service.runner.sandbox, &service.runner.clock);
    let ready = deploy::accept(
        sandbox,
        &*service.runner.store,
        bytes.to_vec(),
        service.memory_ceiling,
        clock,
    )
    .await?;
    // Before the release: what is released can be loaded.
    service.store.put_component(bytes).await?;
    let released = service
        .catalog
        .release_deployment(environment, integration, &ready)
        .await?;
    plan_all(service, environment, integration, &released.plan.sync).await?;
    Ok(released.plan)
}

/// Lets the scheduler look anew at a sync on all connections.
async fn plan_all(
    service: &Service,
    environment: &Environment,
    integration: &Integration,
    sync: &SyncName,
) -> Result<()> {
    for row in service.catalog.syncs(environment, Some(integration), None) {
        if row.key.sync == *sync {
            service.scheduler.plan(&row.key).await?;
        }
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    integration: Option<Integration>,
}

fn shown(row: &ReleaseRow) -> Value {
    let history = row.history.iter();
    let history =
        history.map(|entry| json!({ "digest": entry.digest, "since": time(entry.since) }));
    json!({
        "integration": row.integration,
        "sync": row.sync,
        "digest": row.digest,
        "since": time(row.since),
        "history": history.collect::<Vec<_>>(),
    })
}

async fn list(
    Reader(environment): Reader,
    State(service): State<Arc<Service>>,
    Query(query): Query<ListQuery>,
) -> Answer<Json<Value>> {
    let mut all = Vec::new();
    for row in service
        .catalog
        .releases(&environment, query.integration.as_ref())
    {
        let deployment = service.catalog.deployment(&row.digest).await?;
        let mut one = shown(&row);
        one["version"] = deployment.manifest.version.clone().into();
        one["bytes"] = deployment.bytes.into();
        all.push(one);
    }
    Ok(Json(json!({ "deployments": all })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RollBackBody {
    integration: Integration,
    sync: SyncName,
}

async fn roll_back(
    Manager(environment): Manager,
    State(service): State<Arc<Service>>,
    Query(Nothing {}): Query<Nothing>,
    body: Body,
) -> Answer<Json<Value>> {
    let RollBackBody { integration, sync } = read::json(body).await?;
    let row = service
        .catalog
        .roll_back(&environment, &integration, &sync)
        .await?;
    plan_all(&service, &environment, &integration, &sync).await?;
    Ok(Json(shown(&row)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PinBody {
    integration: Integration,
    connection: ConnectionId,
    sync: SyncName,
    variant: Option<Variant>,
    #[serde(deserialize_with = "read::nullable")]
    digest: Option<Digest>,
}

/// Lets one connection run a deployment of its own; `digest: null` lifts that. Only a
/// deployment that was released for this integration can be pinned: another
/// environment's are not this one's to run.
async fn pin(
    Manager(environment): Manager,
    State(service): State<Arc<Service>>,
    Query(Nothing {}): Query<Nothing>,
    body: Body,
) -> Answer<Json<Value>> {
    let body: PinBody = read::json(body).await?;
    let release = service
        .catalog
        .release(&environment, &body.integration, &body.sync)?;
    if let Some(digest) = body.digest {
        let known =
            release.digest == digest || release.history.iter().any(|entry| entry.digest == digest);
        if !known {
            return Err(Failure::missing(
                "not.found",
                format!(
                    "deployment {digest} was never released for `{}`",
                    body.integration
                ),
            ));
        }
    }
    let key = SyncKey {
        connection: ConnectionKey {
            environment,
            integration: body.integration,
            connection: body.connection,
        },
        sync: body.sync,
        variant: body.variant.unwrap_or_else(Variant::base),
    };
    let row = service.catalog.pin(&key, body.digest).await?;
    service.scheduler.plan(&key).await?;
    Ok(Json(
        json!({ "sync": key.sync, "variant": key.variant, "pinned": row.pinned }),
    ))
}
