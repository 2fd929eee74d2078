//! Connections as Nango's API shows them. Credentials go in and never come out: an answer
//! has `"credentials": {}`, as Nango's has for a key that may not read them.

use super::Service;
use super::answer::{Success, success};
use super::auth::{Manager, Reader};
use super::document::{Routes, alias, number};
use super::error::{Answer, Failure, Part};
use super::metadata::check_metadata;
use super::read::{self, At, Nothing, Query, from_text, maybe_null};
use super::shown::{Listed, Whole};
use crate::catalog::NewConnection;
use crate::error::Result;
use crate::model::{ConnectionId, ConnectionKey, ConnectionRow, Environment, Integration, SyncRow};
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use utoipa::openapi::schema::Object;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

/// Connections of a page where the app names no number. Nango's.
const LIMIT_DEFAULT: usize = 10_000;
/// Connections of a page that can be asked for; more is refused. Nango's.
const LIMIT_MAX: usize = 2_000;
/// Bytes of metadata and end users in one list of connections; past it the list is
/// refused with the advice to ask for smaller pages.
const LIST_BYTES_MAX: usize = 32 * 1024 * 1024;

/// The routes of this file.
pub fn routes() -> Routes {
    Routes::new()
        .routes(routes!(list, create))
        .routes(routes!(show, change, remove))
        .routes(alias("/connection", routes!(list, create)))
        .routes(alias("/connection/{id}", routes!(show, change, remove)))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct ListQuery {
    connection_id: Option<String>,
    /// A part of its id, or of its end user's id, e-mail or name.
    search: Option<String>,
    end_user_id: Option<String>,
    end_user_organization_id: Option<String>,
    /// Names of integrations, with commas between.
    integration_id: Option<String>,
    #[serde(default)]
    #[param(style = DeepObject, explode)]
    tags: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "from_text")]
    #[param(schema_with = limit_schema)]
    limit: Option<usize>,
    /// From 0.
    #[serde(default, deserialize_with = "from_text")]
    page: Option<usize>,
}

fn limit_schema() -> Object {
    number(1, LIMIT_MAX)
}

#[derive(Serialize, ToSchema)]
struct ConnectionList {
    connections: Vec<Listed>,
}

impl ListQuery {
    fn wants(&self, row: &ConnectionRow) -> bool {
        let id = row.key.connection.as_str();
        let is = |wanted: &Option<String>, found: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| found == Some(wanted))
        };
        let user = row.end_user.as_ref();
        let user_id = user.and_then(|user| user["id"].as_str());
        let organization = user.and_then(|user| user["organization"]["id"].as_str());
        let integrations = self.integration_id.as_deref();
        let integration = row.key.integration.as_str();
        let found = |text: &String| {
            let has =
                |field: Option<&str>| field.is_some_and(|field| field.contains(text.as_str()));
            has(Some(id))
                || has(user_id)
                || has(user.and_then(|user| user["email"].as_str()))
                || has(user.and_then(|user| user["display_name"].as_str()))
        };
        is(&self.connection_id, Some(id))
            && is(&self.end_user_id, user_id)
            && is(&self.end_user_organization_id, organization)
            && integrations.is_none_or(|names| names.split(',').any(|name| name == integration))
            && self.search.as_ref().is_none_or(found)
            && self
                .tags
                .iter()
                .all(|(key, value)| row.tags.get(key) == Some(value))
    }
}

/// Connections of the environment.
#[utoipa::path(
    get,
    path = "/connections",
    params(ListQuery),
    security(("key" = ["read"])),
    responses((status = 200, body = ConnectionList)),
)]
async fn list(
    Reader(environment): Reader,
    State(service): State<Arc<Service>>,
    Query(query): Query<ListQuery>,
) -> Answer<Json<ConnectionList>> {
    if query
        .limit
        .is_some_and(|limit| !(1..=LIMIT_MAX).contains(&limit))
    {
        let why = format!("it needs 1 to {LIMIT_MAX}");
        return Err(Failure::invalid(Part::Query, "limit", why));
    }
    let limit = query.limit.unwrap_or(LIMIT_DEFAULT);
    let skipped = query.page.unwrap_or(0).saturating_mul(limit);
    let rows = service.catalog.connections(&environment, None);
    let page = rows
        .iter()
        .filter(|row| query.wants(row))
        .skip(skipped)
        .take(limit);
    let mut syncs: HashMap<ConnectionKey, Vec<Arc<SyncRow>>> = HashMap::new();
    for sync in service.catalog.syncs(&environment, None, None) {
        syncs
            .entry(sync.key.connection.clone())
            .or_default()
            .push(sync);
    }
    let (mut connections, mut bytes) = (Vec::new(), 0);
    for row in page {
        let syncs = syncs.get(&row.key).map(Vec::as_slice).unwrap_or_default();
        let one = Listed::of(&service, row, syncs).await?;
        bytes += one.metadata_bytes();
        if bytes > LIST_BYTES_MAX {
            let why = format!(
                "the metadata of the page has more than {LIST_BYTES_MAX} bytes; ask for fewer at once"
            );
            return Err(Failure::invalid(Part::Query, "limit", why));
        }
        connections.push(one);
    }
    Ok(Json(ConnectionList { connections }))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ShowQuery {
    provider_config_key: Integration,
    // Credentials are refreshed when a run needs them; nothing is shown of them here.
    /// Taken and without effect, as the next two.
    #[serde(default, deserialize_with = "from_text", rename = "force_refresh")]
    _force_refresh: Option<bool>,
    #[serde(default, deserialize_with = "from_text", rename = "refresh_token")]
    _refresh_token: Option<bool>,
    #[serde(
        default,
        deserialize_with = "from_text",
        rename = "refresh_github_app_jwt_token"
    )]
    _refresh_github_app_jwt_token: Option<bool>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct OwnerQuery {
    provider_config_key: Integration,
}

/// The connection of that name. 400 `unknown_provider_config` or 404 `not_found`.
fn find(
    service: &Service,
    environment: Environment,
    integration: Integration,
    connection: ConnectionId,
) -> Answer<Arc<ConnectionRow>> {
    service
        .catalog
        .integration(&environment, &integration)
        .map_err(|error| Failure::bad("unknown_provider_config", error.message))?;
    let key = ConnectionKey {
        environment,
        integration,
        connection,
    };
    service
        .catalog
        .connection(&key)
        .map_err(|error| Failure::missing("not_found", error.message))
}

/// One connection.
#[utoipa::path(
    get,
    path = "/connections/{id}",
    params(("id" = ConnectionId, Path), ShowQuery),
    security(("key" = ["read"])),
    responses((status = 200, body = Whole)),
)]
async fn show(
    Reader(environment): Reader,
    State(service): State<Arc<Service>>,
    At(id): At<ConnectionId>,
    Query(query): Query<ShowQuery>,
) -> Answer<Json<Whole>> {
    let row = find(&service, environment, query.provider_config_key, id)?;
    Ok(Json(Whole::of(&service, &row).await?))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewConnection)]
struct NewBody {
    /// One is made up where none is given.
    connection_id: Option<ConnectionId>,
    provider_config_key: Integration,
    #[schema(value_type = Option<Object>)]
    metadata: Option<Box<RawValue>>,
    #[schema(value_type = Option<Object>)]
    connection_config: Option<Map<String, Value>>,
    #[serde(default, deserialize_with = "maybe_null")]
    #[schema(value_type = Option<String>)]
    webhook_url_override: Option<Option<String>>,
    /// Texts by the names that the integration's scheme asks for, or by Nango's.
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    credentials: Option<Map<String, Value>>,
    end_user: Option<Value>,
    tags: Option<BTreeMap<String, String>>,
}

/// Nango's names of credentials, and those of our schemes.
const CREDENTIAL_NAMES: &[(&str, &[&str])] = &[
    ("apiKey", &["key", "token"]),
    ("api_key", &["key", "token"]),
    ("access_token", &["token"]),
];

/// Credentials of Nango's form as texts by name. Its `type` is the integration's to say.
fn credentials(given: Map<String, Value>) -> Answer<BTreeMap<String, String>> {
    let mut fields = BTreeMap::new();
    for (name, value) in given {
        let Value::String(text) = value else {
            let path = format!("credentials.{name}");
            return Err(Failure::invalid(Part::Body, &path, "it is no text"));
        };
        let ours = CREDENTIAL_NAMES.iter().find(|(theirs, _)| *theirs == name);
        match ours {
            Some((_, ours)) => {
                ours.iter()
                    .for_each(|our| drop(fields.insert((*our).to_owned(), text.clone())));
            }
            None if name == "type" => {}
            None => drop(fields.insert(name, text)),
        }
    }
    Ok(fields)
}

/// Sets a connection up, or changes one of that name.
#[utoipa::path(
    post,
    path = "/connections",
    request_body = NewBody,
    security(("key" = ["manage"])),
    responses((status = 201, body = Whole)),
)]
async fn create(
    Manager(environment): Manager,
    State(service): State<Arc<Service>>,
    Query(Nothing {}): Query<Nothing>,
    body: Body,
) -> Answer<(StatusCode, Json<Whole>)> {
    let body: NewBody = read::json(body).await?;
    let connection = match body.connection_id {
        Some(id) => id,
        None => ConnectionId::new(&format!("{:032x}", rand::random::<u128>()))?,
    };
    service
        .catalog
        .integration(&environment, &body.provider_config_key)
        .map_err(|error| Failure::bad("unknown_provider_config", error.message))?;
    // Before anything is set up.
    if let Some(metadata) = &body.metadata {
        check_metadata(metadata.get())?;
    }
    let key = ConnectionKey {
        environment,
        integration: body.provider_config_key,
        connection,
    };
    let new = NewConnection {
        config: body.connection_config,
        credentials: body.credentials.map(credentials).transpose()?,
        webhook_url: body.webhook_url_override,
        tags: body.tags,
        end_user: body.end_user,
    };
    let row = put(&service, &key, new).await?;
    if let Some(metadata) = body.metadata {
        service
            .store
            .put_metadata(&key, metadata.get(), false)
            .await?;
    }
    let whole = Whole::of(&service, &row).await?;
    Ok((StatusCode::CREATED, Json(whole)))
}

/// Sets a connection up and plans its syncs.
pub async fn put(
    service: &Service,
    key: &ConnectionKey,
    new: NewConnection,
) -> Result<Arc<ConnectionRow>> {
    let row = service.catalog.put_connection(key, new).await?;
    for sync in service
        .catalog
        .syncs(&key.environment, Some(&key.integration), Some(key))
    {
        service.scheduler.plan(&sync.key).await?;
    }
    Ok(row)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ConnectionChange)]
struct ChangeBody {
    tags: Option<BTreeMap<String, String>>,
    end_user: Option<Value>,
    #[serde(default, deserialize_with = "maybe_null")]
    #[schema(value_type = Option<String>)]
    webhook_url_override: Option<Option<String>>,
}

/// Changes what is named of a connection.
#[utoipa::path(
    patch,
    path = "/connections/{id}",
    params(("id" = ConnectionId, Path), OwnerQuery),
    request_body = ChangeBody,
    security(("key" = ["manage"])),
    responses((status = 200, body = Success)),
)]
async fn change(
    Manager(environment): Manager,
    State(service): State<Arc<Service>>,
    At(id): At<ConnectionId>,
    Query(query): Query<OwnerQuery>,
    body: Body,
) -> Answer<Json<Success>> {
    let body: ChangeBody = read::json(body).await?;
    let row = find(&service, environment, query.provider_config_key, id)?;
    let new = NewConnection {
        webhook_url: body.webhook_url_override,
        tags: body.tags,
        end_user: body.end_user,
        ..NewConnection::default()
    };
    service.catalog.put_connection(&row.key, new).await?;
    Ok(success())
}

/// Takes a connection away, and ends its runs.
#[utoipa::path(
    delete,
    path = "/connections/{id}",
    params(("id" = ConnectionId, Path), OwnerQuery),
    security(("key" = ["manage"])),
    responses((status = 200, body = Success)),
)]
async fn remove(
    Manager(environment): Manager,
    State(service): State<Arc<Service>>,
    At(id): At<ConnectionId>,
    Query(query): Query<OwnerQuery>,
) -> Answer<Json<Success>> {
    let row = find(&service, environment, query.provider_config_key, id)?;
    service.scheduler.remove_connection(&row.key).await?;
    Ok(success())
}
