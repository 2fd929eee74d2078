//! Connections in Tidegate's own form: credentials by the names of the integration's
//! scheme, which go in and never come out.

use super::{limit_schema, page_limit};
use crate::api::Service;
use crate::api::answer::time;
use crate::api::auth::{Manager, Reader};
use crate::api::connections::put;
use crate::api::document::Routes;
use crate::api::error::Answer;
use crate::api::read::{self, At, Nothing, Query, from_text, maybe_null};
use crate::catalog::NewConnection;
use crate::model::{ConnectionId, ConnectionKey, ConnectionRow, Integration};
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

/// The routes of this file.
pub fn routes() -> Routes {
    Routes::new()
        .routes(routes!(list))
        .routes(routes!(set, remove))
}

/// A connection.
#[derive(Serialize, ToSchema)]
#[schema(as = Connection)]
struct Shown {
    integration: Integration,
    connection: ConnectionId,
    /// Told to no other connection of the host.
    number: u64,
    #[schema(value_type = Object)]
    config: Map<String, Value>,
    has_credentials: bool,
    webhook_url: Option<String>,
    tags: BTreeMap<String, String>,
    end_user: Option<Value>,
    #[schema(format = DateTime)]
    created: String,
    #[schema(format = DateTime)]
    updated: String,
}

fn shown(row: &ConnectionRow) -> Shown {
    Shown {
        integration: row.key.integration.clone(),
        connection: row.key.connection.clone(),
        number: row.number,
        config: row.config.clone(),
        has_credentials: row.credentials.is_some(),
        webhook_url: row.webhook_url.clone(),
        tags: row.tags.clone(),
        end_user: row.end_user.clone(),
        created: time(row.created),
        updated: time(row.updated),
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    integration: Option<Integration>,
    #[serde(default, deserialize_with = "from_text")]
    #[param(schema_with = limit_schema)]
    limit: Option<usize>,
    /// `next` of the page before: the number of its last connection.
    #[serde(default, deserialize_with = "from_text")]
    after: Option<u64>,
}

#[derive(Serialize, ToSchema)]
struct Connections {
    connections: Vec<Shown>,
    /// Ask for what comes `after` this; null at the end.
    next: Option<String>,
}

/// Connections of the environment, by number.
#[utoipa::path(
    get,
    path = "/v1/connections",
    params(ListQuery),
    security(("key" = ["read"])),
    responses((status = 200, body = Connections)),
)]
async fn list(
    Reader(environment): Reader,
    State(service): State<Arc<Service>>,
    Query(query): Query<ListQuery>,
) -> Answer<Json<Connections>> {
    let limit = page_limit(query.limit)?;
    let mut rows = service
        .catalog
        .connections(&environment, query.integration.as_ref());
    rows.retain(|row| query.after.is_none_or(|after| row.number > after));
    rows.sort_by_key(|row| row.number);
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows
        .last()
        .filter(|_| more)
        .map(|row| row.number.to_string());
    let connections = rows.iter().map(|row| shown(row)).collect();
    Ok(Json(Connections { connections, next }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SetConnection)]
struct SetBody {
    #[schema(value_type = Option<Object>)]
    config: Option<Map<String, Value>>,
    /// Texts by the names that the integration's scheme asks for.
    credentials: Option<BTreeMap<String, String>>,
    #[serde(default, deserialize_with = "maybe_null")]
    #[schema(value_type = Option<String>)]
    webhook_url: Option<Option<String>>,
    tags: Option<BTreeMap<String, String>>,
    end_user: Option<Value>,
}

/// Sets a connection up, or changes what is named of it.
#[utoipa::path(
    put,
    path = "/v1/connections/{integration}/{id}",
    params(("integration" = Integration, Path), ("id" = ConnectionId, Path)),
    request_body = SetBody,
    security(("key" = ["manage"])),
    responses((status = 200, body = Shown)),
)]
async fn set(
    Manager(environment): Manager,
    State(service): State<Arc<Service>>,
    At((integration, connection)): At<(Integration, ConnectionId)>,
    Query(Nothing {}): Query<Nothing>,
    body: Body,
) -> Answer<Json<Shown>> {
    let body: SetBody = read::json(body).await?;
    let key = ConnectionKey {
        environment,
        integration,
        connection,
    };
    let new = NewConnection {
        config: body.config,
        credentials: body.credentials,
        webhook_url: body.webhook_url,
        tags: body.tags,
        end_user: body.end_user,
    };
    Ok(Json(shown(&*put(&service, &key, new).await?)))
}

#[derive(Serialize, ToSchema)]
#[schema(as = RemovedConnection)]
struct Removed {
    removed: ConnectionId,
}

/// Takes a connection away, and ends its runs.
#[utoipa::path(
    delete,
    path = "/v1/connections/{integration}/{id}",
    params(("integration" = Integration, Path), ("id" = ConnectionId, Path)),
    security(("key" = ["manage"])),
    responses((status = 200, body = Removed)),
)]
async fn remove(
    Manager(environment): Manager,
    State(service): State<Arc<Service>>,
    At((integration, connection)): At<(Integration, ConnectionId)>,
    Query(Nothing {}): Query<Nothing>,
) -> Answer<Json<Removed>> {
    let key = ConnectionKey {
        environment,
        integration,
        connection,
    };
    service.scheduler.remove_connection(&key).await?;
    Ok(Json(Removed {
        removed: key.connection,
    }))
}
