//! Keys to an environment's API. A key's text is answered once, when it is made.

use crate::api::Service;
use crate::api::answer::time;
use crate::api::auth::Manager;
use crate::api::error::{Answer, Failure, Part};
use crate::api::read::{self, At, Nothing, Query};
use crate::model::{ApiKeyRow, Scope};
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{delete, get};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Bytes of a key's name; more is refused.
const NAME_BYTES_MAX: usize = 255;

/// The routes of this file.
pub fn routes() -> Router<Arc<Service>> {
    Router::new()
        .route("/v1/keys", get(list).post(add))
        .route("/v1/keys/{id}", delete(revoke))
}

fn shown(row: &ApiKeyRow) -> Value {
    json!({
        "id": row.id,
        "name": row.name,
        "scopes": row.scopes,
        "created": time(row.created),
        "revoked": row.revoked.map(time),
    })
}

async fn list(
    Manager(environment): Manager,
    State(service): State<Arc<Service>>,
    Query(Nothing {}): Query<Nothing>,
) -> Json<Value> {
    let rows = service.catalog.keys(&environment);
    let shown: Vec<Value> = rows.iter().map(|row| shown(row)).collect();
    Json(json!({ "keys": shown }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AddBody {
    name: String,
    scopes: BTreeSet<Scope>,
    /// A UUID that the app uses with Nango already.
    import: Option<String>,
}

async fn add(
    Manager(environment): Manager,
    State(service): State<Arc<Service>>,
    Query(Nothing {}): Query<Nothing>,
    body: Body,
) -> Answer<(StatusCode, Json<Value>)> {
    let AddBody {
        name,
        scopes,
        import,
    } = read::json(body).await?;
    if name.is_empty() || name.len() > NAME_BYTES_MAX {
        let why = format!("it needs 1 to {NAME_BYTES_MAX} bytes");
        return Err(Failure::invalid(Part::Body, "name", why));
    }
    if scopes.is_empty() {
        return Err(Failure::invalid(
            Part::Body,
            "scopes",
            "a key without a scope opens nothing",
        ));
    }
    let catalog = &service.catalog;
    let (text, row) = match import {
        Some(text) => {
            let row = catalog
                .import_key(&environment, &name, scopes, &text)
                .await?;
            (None, row)
        }
        None => {
            let (text, row) = catalog.add_key(&environment, &name, scopes).await?;
            (Some(text), row)
        }
    };
    let mut answer = shown(&row);
    if let Some(text) = text {
        answer["key"] = text.into();
    }
    Ok((StatusCode::CREATED, Json(answer)))
}

async fn revoke(
    Manager(environment): Manager,
    State(service): State<Arc<Service>>,
    At(id): At<String>,
    Query(Nothing {}): Query<Nothing>,
) -> Answer<Json<Value>> {
    let row = service.catalog.revoke_key(&environment, &id).await?;
    Ok(Json(shown(&row)))
}
