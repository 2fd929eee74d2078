//! Variants: further copies of a sync on one connection, each with its own schedule,
//! checkpoint and records.

use super::Service;
use super::answer::{Success, success};
use super::auth::Controller;
use super::document::Routes;
use super::error::{Answer, Failure};
use super::read::{self, At, Nothing, Query};
use super::status;
use crate::error::Error;
use crate::limits::VARIANTS_MAX;
use crate::model::{
    ConnectionId, ConnectionKey, Environment, Integration, SyncKey, SyncName, Variant,
};
use crate::store::Reset;
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_axum::routes;

/// The routes of this file.
pub fn routes() -> Routes {
    Routes::new().routes(routes!(create, delete))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = VariantOwner)]
struct Owner {
    provider_config_key: Integration,
    connection_id: ConnectionId,
}

#[derive(Serialize, ToSchema)]
struct NewVariant {
    id: String,
    name: SyncName,
    variant: Variant,
}

/// What the path and the body name; a connection that is not there is 400 here.
fn key(
    service: &Service,
    environment: Environment,
    (sync, variant): (SyncName, Variant),
    owner: Owner,
) -> Answer<SyncKey> {
    if variant == Variant::base() {
        return Err(Failure::bad(
            "invalid_variant",
            "the variant `base` comes and goes with its connection",
        ));
    }
    let connection = ConnectionKey {
        environment,
        integration: owner.provider_config_key,
        connection: owner.connection_id,
    };
    service
        .catalog
        .connection(&connection)
        .map_err(|error| Failure::bad("unknown_connection", error.message))?;
    Ok(SyncKey {
        connection,
        sync,
        variant,
    })
}

/// Adds a variant of a sync to a connection.
#[utoipa::path(
    post,
    path = "/sync/{name}/variant/{variant}",
    params(("name" = SyncName, Path), ("variant" = Variant, Path)),
    request_body = Owner,
    security(("key" = ["control"])),
    responses((status = 200, body = NewVariant)),
)]
async fn create(
    Controller(environment): Controller,
    State(service): State<Arc<Service>>,
    At(path): At<(SyncName, Variant)>,
    Query(Nothing {}): Query<Nothing>,
    body: Body,
) -> Answer<Json<NewVariant>> {
    let key = key(&service, environment, path, read::json(body).await?)?;
    if let Err(error) = service.catalog.add_variant(&key).await {
        return Err(why_not(&service, &key, error));
    }
    service.scheduler.plan(&key).await?;
    Ok(Json(NewVariant {
        id: status::id(&key),
        name: key.sync,
        variant: key.variant,
    }))
}

/// Nango's code for what the catalog refused.
fn why_not(service: &Service, key: &SyncKey, error: Error) -> Failure {
    let base = SyncKey {
        variant: Variant::base(),
        ..key.clone()
    };
    let of_connection = service.catalog.syncs(
        &key.connection.environment,
        Some(&key.connection.integration),
        Some(&key.connection),
    );
    let variants = of_connection
        .iter()
        .filter(|row| row.key.sync == key.sync && row.key.variant != Variant::base());
    if service.catalog.sync(&base).is_err() {
        Failure::bad("unknown_sync", error.message)
    } else if service.catalog.sync(key).is_ok() {
        Failure::bad("sync_variant_already_exists", error.message)
    } else if variants.count() >= VARIANTS_MAX {
        Failure::bad("resource_capped", error.message)
    } else {
        error.into()
    }
}

/// Removes a variant with its records and its checkpoint, so that one of the same name
/// begins anew.
#[utoipa::path(
    delete,
    path = "/sync/{name}/variant/{variant}",
    params(("name" = SyncName, Path), ("variant" = Variant, Path)),
    request_body = Owner,
    security(("key" = ["control"])),
    responses((status = 200, body = Success)),
)]
async fn delete(
    Controller(environment): Controller,
    State(service): State<Arc<Service>>,
    At(path): At<(SyncName, Variant)>,
    Query(Nothing {}): Query<Nothing>,
    body: Body,
) -> Answer<Json<Success>> {
    let key = key(&service, environment, path, read::json(body).await?)?;
    service
        .catalog
        .sync(&key)
        .map_err(|error| Failure::missing("not_found", error.message))?;
    let digest = service.catalog.digest_for(&key)?;
    let deployment = service.catalog.deployment(&digest).await?;
    let models: Vec<_> = deployment.manifest.models.keys().cloned().collect();
    service.catalog.remove_variant(&key).await?;
    service.scheduler.plan(&key).await?;
    service
        .scheduler
        .cancel(&key, "its variant is deleted")
        .await?;
    service
        .store
        .reset(&key, &models, Reset::CheckpointAndRecords)
        .await?;
    Ok(success())
}
