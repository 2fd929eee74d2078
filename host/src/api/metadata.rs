//! `/connections/metadata`: what an app tells its syncs about a connection.

use super::Service;
use super::auth::Controller;
use super::document::{Routes, alias};
use super::error::{Answer, Failure, Part};
use super::read::{self, JSON_BODY_BYTES_MAX, JSON_BODY_TIME, Nothing, Query};
use crate::error::Code;
use crate::limits::METADATA_BYTES_MAX;
use crate::model::{ConnectionId, ConnectionKey, Environment, Integration, json};
use axum::body::Body;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_axum::routes;

/// The routes of this file.
pub fn routes() -> Routes {
    Routes::new()
        .routes(routes!(set, update))
        .routes(alias("/connection/metadata", routes!(set, update)))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MetadataBody<'a> {
    connection_id: Ids,
    provider_config_key: Integration,
    #[serde(borrow)]
    #[schema(value_type = Object)]
    metadata: &'a RawValue,
}

#[derive(Deserialize, ToSchema)]
#[schema(as = ConnectionIds)]
#[serde(untagged, expecting = "it is a connection id or a list of them")]
enum Ids {
    One(ConnectionId),
    Many(Vec<ConnectionId>),
}

/// Replaces the metadata. Echoes the body with 201, as Nango does.
#[utoipa::path(
    post,
    path = "/connections/metadata",
    request_body = MetadataBody,
    security(("key" = ["control"])),
    responses((status = 201, body = MetadataBody)),
)]
async fn set(
    Controller(environment): Controller,
    State(service): State<Arc<Service>>,
    Query(Nothing {}): Query<Nothing>,
    body: Body,
) -> Answer<Response> {
    write(&service, environment, body, false, StatusCode::CREATED).await
}

/// Merges into the metadata, the first level only. Echoes the body with 200.
#[utoipa::path(
    patch,
    path = "/connections/metadata",
    request_body = MetadataBody,
    security(("key" = ["control"])),
    responses((status = 200, body = MetadataBody)),
)]
async fn update(
    Controller(environment): Controller,
    State(service): State<Arc<Service>>,
    Query(Nothing {}): Query<Nothing>,
    body: Body,
) -> Answer<Response> {
    write(&service, environment, body, true, StatusCode::OK).await
}

/// Nothing is written where one of the connections is unknown. Each connection is a
/// commit of its own, so a store that fails half way leaves the first ones written.
async fn write(
    service: &Service,
    environment: Environment,
    body: Body,
    merge: bool,
    status: StatusCode,
) -> Answer<Response> {
    let bytes = read::bytes(body, JSON_BODY_BYTES_MAX, JSON_BODY_TIME).await?;
    let body: MetadataBody<'_> = read::from_json(&bytes)?;
    let metadata = body.metadata.get();
    check_metadata(metadata)?;
    let ids = match body.connection_id {
        Ids::One(id) => vec![id],
        Ids::Many(ids) => ids,
    };
    let keys = ids.into_iter().map(|connection| ConnectionKey {
        environment: environment.clone(),
        integration: body.provider_config_key.clone(),
        connection,
    });
    let keys: Vec<ConnectionKey> = keys.collect();
    for key in &keys {
        service
            .catalog
            .connection(key)
            .map_err(|error| Failure::missing("unknown_connection", error.message))?;
    }
    for key in &keys {
        let written = service.store.put_metadata(key, metadata, merge).await;
        written.map_err(|error| match error.code {
            Code::MetadataInvalid => Failure::invalid(Part::Body, "metadata", error.message),
            _ => error.into(),
        })?;
    }
    Ok((status, [(header::CONTENT_TYPE, "application/json")], bytes).into_response())
}

/// Refuses metadata that is no object, or too long, as a part of a body.
pub fn check_metadata(json: &str) -> Answer<()> {
    json::check_object(json.as_bytes(), METADATA_BYTES_MAX, Code::MetadataInvalid)
        .map_err(|error| Failure::invalid(Part::Body, "metadata", error.message))
}
