//! Connections in Tidegate's own form: credentials by the names of the integration's
//! scheme, which go in and never come out.

use super::page_limit;
use crate::api::Service;
use crate::api::answer::time;
use crate::api::auth::{Manager, Reader};
use crate::api::connections::put;
use crate::api::error::Answer;
use crate::api::read::{self, At, Nothing, Query, from_text, maybe_null};
use crate::catalog::NewConnection;
use crate::model::{ConnectionId, ConnectionKey, ConnectionRow, Integration};
use axum::body::Body;
use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The routes of this file.
pub fn routes() -> Router<Arc<Service>> {
    let one = axum::routing::put(set).delete(remove);
    Router::new()
        .route("/v1/connections", get(list))
        .route("/v1/connections/{integration}/{id}", one)
}

fn shown(row: &ConnectionRow) -> Value {
    json!({
        "integration": row.key.integration,
        "connection": row.key.connection,
        "number": row.number,
        "config": row.config,
        "has_credentials": row.credentials.is_some(),
        "webhook_url": row.webhook_url,
        "tags": row.tags,
        "end_user": row.end_user,
        "created": time(row.created),
        "updated": time(row.updated),
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    integration: Option<Integration>,
    #[serde(default, deserialize_with = "from_text")]
    limit: Option<usize>,
    /// `next` of the page before: the number of its last connection.
    #[serde(default, deserialize_with = "from_text")]
    after: Option<u64>,
}

async fn list(
    Reader(environment): Reader,
    State(service): State<Arc<Service>>,
    Query(query): Query<ListQuery>,
) -> Answer<Json<Value>> {
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
    let shown: Vec<Value> = rows.iter().map(|row| shown(row)).collect();
    Ok(Json(json!({ "connections": shown, "next": next })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetBody {
    config: Option<Map<String, Value>>,
    credentials: Option<BTreeMap<String, String>>,
    #[serde(default, deserialize_with = "maybe_null")]
    webhook_url: Option<Option<String>>,
    tags: Option<BTreeMap<String, String>>,
    end_user: Option<Value>,
}

async fn set(
    Manager(environment): Manager,
    State(service): State<Arc<Service>>,
    At((integration, connection)): At<(Integration, ConnectionId)>,
    Query(Nothing {}): Query<Nothing>,
    body: Body,
) -> Answer<Json<Value>> {
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

async fn remove(
    Manager(environment): Manager,
    State(service): State<Arc<Service>>,
    At((integration, connection)): At<(Integration, ConnectionId)>,
    Query(Nothing {}): Query<Nothing>,
) -> Answer<Json<Value>> {
    let key = ConnectionKey {
        environment,
        integration,
        connection,
    };
    service.scheduler.remove_connection(&key).await?;
    Ok(Json(json!({ "removed": key.connection })))
}
