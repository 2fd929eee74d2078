//! Keys to an environment's API. A key's text is answered once, when it is made.

use crate::api::Service;
use crate::api::answer::time;
use crate::api::auth::Manager;
use crate::api::document::{Routes, text};
use crate::api::error::{Answer, Failure, Part};
use crate::api::read::{self, At, Nothing, Query};
use crate::model::{ApiKeyRow, Scope};
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa::openapi::schema::Object;
use utoipa_axum::routes;

/// Bytes of a key's name; more is refused.
const NAME_BYTES_MAX: usize = 255;

/// The routes of this file.
pub fn routes() -> Routes {
    Routes::new()
        .routes(routes!(list, add))
        .routes(routes!(revoke))
}

/// A key.
#[derive(Serialize, ToSchema)]
#[schema(as = ShownKey)]
struct Shown {
    id: String,
    name: String,
    scopes: BTreeSet<Scope>,
    #[schema(format = DateTime)]
    created: String,
    #[schema(format = DateTime)]
    revoked: Option<String>,
    /// Its text, shown when it is made and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

fn shown(row: &ApiKeyRow) -> Shown {
    Shown {
        id: row.id.clone(),
        name: row.name.clone(),
        scopes: row.scopes.clone(),
        created: time(row.created),
        revoked: row.revoked.map(time),
        key: None,
    }
}

#[derive(Serialize, ToSchema)]
struct Keys {
    keys: Vec<Shown>,
}

/// Keys of the environment, without their texts.
#[utoipa::path(
    get,
    path = "/v1/keys",
    security(("key" = ["manage"])),
    responses((status = 200, body = Keys)),
)]
async fn list(
    Manager(environment): Manager,
    State(service): State<Arc<Service>>,
    Query(Nothing {}): Query<Nothing>,
) -> Json<Keys> {
    let rows = service.catalog.keys(&environment);
    let keys = rows.iter().map(|row| shown(row)).collect();
    Json(Keys { keys })
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AddKey)]
struct AddBody {
    #[schema(schema_with = name_schema)]
    name: String,
    #[schema(min_items = 1)]
    scopes: BTreeSet<Scope>,
    /// A UUID that the app uses with Nango already.
    import: Option<String>,
}

fn name_schema() -> Object {
    text(1, NAME_BYTES_MAX)
}

/// Makes a key, or takes one in.
#[utoipa::path(
    post,
    path = "/v1/keys",
    request_body = AddBody,
    security(("key" = ["manage"])),
    responses((status = 201, body = Shown)),
)]
async fn add(
    Manager(environment): Manager,
    State(service): State<Arc<Service>>,
    Query(Nothing {}): Query<Nothing>,
    body: Body,
) -> Answer<(StatusCode, Json<Shown>)> {
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
    let made = Shown {
        key: text,
        ..shown(&row)
    };
    Ok((StatusCode::CREATED, Json(made)))
}

/// Revokes a key: it opens nothing any more.
#[utoipa::path(
    delete,
    path = "/v1/keys/{id}",
    params(("id" = String, Path)),
    security(("key" = ["manage"])),
    responses((status = 200, body = Shown)),
)]
async fn revoke(
    Manager(environment): Manager,
    State(service): State<Arc<Service>>,
    At(id): At<String>,
    Query(Nothing {}): Query<Nothing>,
) -> Answer<Json<Shown>> {
    let row = service.catalog.revoke_key(&environment, &id).await?;
    Ok(Json(shown(&row)))
}
