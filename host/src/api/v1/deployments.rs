//! Deployments: a component is checked, what it would change is shown, and it is released
//! for an integration.

use crate::api::Service;
use crate::api::answer::time;
use crate::api::auth::{Manager, Reader};
use crate::api::document::Routes;
use crate::api::error::{Answer, Failure, Refusal};
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
use axum::{Extension, Json};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

/// How long a component may take to arrive; then 408.
pub const COMPONENT_TIME: Duration = Duration::from_secs(300);

/// Components that are taken in at once: each is up to 64 MiB, and its compiler takes
/// several times that. Further ones are answered 503. An environment has one of these
/// places at most: a body may take [`COMPONENT_TIME`] to arrive, and who sends two that
/// slowly must not keep everybody else from deploying.
const UPLOADS_AT_ONCE: usize = 2;

/// Who has a component taken in, each once. Clones count together.
#[derive(Clone, Debug, Default)]
pub struct Uploads {
    environments: Arc<Mutex<HashSet<Environment>>>,
}

/// A place that is taken, until it is dropped.
struct Place {
    uploads: Uploads,
    environment: Environment,
}

impl Uploads {
    fn take(&self, environment: &Environment) -> Answer<Place> {
        let mut taken = self.lock();
        let busy = |message| Failure::new(StatusCode::SERVICE_UNAVAILABLE, "busy", message);
        if taken.contains(environment) {
            return Err(busy(
                "another component of this environment is being taken in; try again when it is answered",
            ));
        }
        if taken.len() >= UPLOADS_AT_ONCE {
            return Err(busy(
                "other components are being taken in; try again in a moment",
            ));
        }
        taken.insert(environment.clone());
        Ok(Place {
            uploads: self.clone(),
            environment: environment.clone(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<Environment>> {
        self.environments
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.uploads.lock().remove(&self.environment);
    }
}

/// The routes of this file but for [`upload`].
pub fn routes() -> Routes {
    Routes::new()
        .routes(routes!(list))
        .routes(routes!(roll_back))
        .routes(routes!(pin))
}

/// `POST /v1/deployments`, whose body is no JSON. It needs [`Uploads`] as an extension.
pub fn upload() -> Routes {
    Routes::new().routes(routes!(deploy))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DeployQuery {
    integration: Integration,
    /// Only say what would change.
    #[serde(default, deserialize_with = "from_text")]
    dry_run: Option<bool>,
}

/// What a release changes, and whether it was made.
#[derive(Serialize, ToSchema)]
struct Deployed {
    plan: ReleasePlan,
    released: bool,
}

/// Checks a component and releases it; with `dry_run` only says what that would change,
/// and keeps nothing.
#[utoipa::path(
    post,
    path = "/v1/deployments",
    params(DeployQuery),
    request_body(content = serde_json::Value, content_type = "application/wasm"),
    security(("key" = ["manage"])),
    responses(
        (status = 201, body = Deployed),
        (status = 200, description = "With `dry_run`", body = Deployed),
        (status = 422, description = "The component cannot be taken", body = Refusal),
        (status = 503, description = "Others are being taken in", body = Refusal),
    ),
)]
async fn deploy(
    Manager(environment): Manager,
    State(service): State<Arc<Service>>,
    Extension(uploads): Extension<Uploads>,
    Query(query): Query<DeployQuery>,
    headers: HeaderMap,
    body: Body,
) -> Answer<(StatusCode, Json<Deployed>)> {
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
    let _place = uploads.take(&environment)?;
    let bytes = read::bytes(body, COMPONENT_BYTES_MAX, COMPONENT_TIME).await?;
    if query.dry_run == Some(true) {
        let plan = look(&service, &environment, &query.integration, bytes).await?;
        let released = false;
        return Ok((StatusCode::OK, Json(Deployed { plan, released })));
    }
    let plan = release(&service, &environment, &query.integration, bytes).await?;
    let released = true;
    Ok((StatusCode::CREATED, Json(Deployed { plan, released })))
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

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    integration: Option<Integration>,
}

/// What runs of a sync, and what ran before.
#[derive(Serialize, ToSchema)]
#[schema(as = Release)]
struct Shown {
    integration: Integration,
    sync: SyncName,
    digest: Digest,
    #[schema(format = DateTime)]
    since: String,
    /// The latest last.
    history: Vec<Earlier>,
    /// Its author's version; in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    /// Size of the component; in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = EarlierRelease)]
struct Earlier {
    digest: Digest,
    #[schema(format = DateTime)]
    since: String,
}

fn shown(row: &ReleaseRow) -> Shown {
    let history = row.history.iter().map(|entry| Earlier {
        digest: entry.digest,
        since: time(entry.since),
    });
    Shown {
        integration: row.integration.clone(),
        sync: row.sync.clone(),
        digest: row.digest,
        since: time(row.since),
        history: history.collect(),
        version: None,
        bytes: None,
    }
}

#[derive(Serialize, ToSchema)]
struct Deployments {
    deployments: Vec<Shown>,
}

/// What is released.
#[utoipa::path(
    get,
    path = "/v1/deployments",
    params(ListQuery),
    security(("key" = ["read"])),
    responses((status = 200, body = Deployments)),
)]
async fn list(
    Reader(environment): Reader,
    State(service): State<Arc<Service>>,
    Query(query): Query<ListQuery>,
) -> Answer<Json<Deployments>> {
    let mut deployments = Vec::new();
    for row in service
        .catalog
        .releases(&environment, query.integration.as_ref())
    {
        let deployment = service.catalog.deployment(&row.digest).await?;
        deployments.push(Shown {
            version: Some(deployment.manifest.version.clone()),
            bytes: Some(deployment.bytes),
            ..shown(&row)
        });
    }
    Ok(Json(Deployments { deployments }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RollBackBody {
    integration: Integration,
    sync: SyncName,
}

/// Goes back to the release before.
#[utoipa::path(
    post,
    path = "/v1/deployments/rollback",
    request_body = RollBackBody,
    security(("key" = ["manage"])),
    responses((status = 200, body = Shown)),
)]
async fn roll_back(
    Manager(environment): Manager,
    State(service): State<Arc<Service>>,
    Query(Nothing {}): Query<Nothing>,
    body: Body,
) -> Answer<Json<Shown>> {
    let RollBackBody { integration, sync } = read::json(body).await?;
    let row = service
        .catalog
        .roll_back(&environment, &integration, &sync)
        .await?;
    plan_all(&service, &environment, &integration, &sync).await?;
    Ok(Json(shown(&row)))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PinBody {
    integration: Integration,
    connection: ConnectionId,
    sync: SyncName,
    variant: Option<Variant>,
    /// Null lifts the pin.
    #[serde(deserialize_with = "read::nullable")]
    #[schema(required)]
    digest: Option<Digest>,
}

#[derive(Serialize, ToSchema)]
struct Pinned {
    sync: SyncName,
    variant: Variant,
    pinned: Option<Digest>,
}

/// Lets one connection run a deployment of its own; `digest: null` lifts that. Only a
/// deployment that was released for this integration can be pinned: another
/// environment's are not this one's to run.
#[utoipa::path(
    post,
    path = "/v1/deployments/pin",
    request_body = PinBody,
    security(("key" = ["manage"])),
    responses((status = 200, body = Pinned)),
)]
async fn pin(
    Manager(environment): Manager,
    State(service): State<Arc<Service>>,
    Query(Nothing {}): Query<Nothing>,
    body: Body,
) -> Answer<Json<Pinned>> {
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
    Ok(Json(Pinned {
        sync: key.sync,
        variant: key.variant,
        pinned: row.pinned,
    }))
}
