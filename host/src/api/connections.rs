//! Connections as Nango's API shows them. Credentials go in and never come out: an answer
//! has `"credentials": {}`, as Nango's has for a key that may not read them.

use super::Service;
use super::answer::time;
use super::auth::{Manager, Reader};
use super::error::{Answer, Failure, Part};
use super::read::{self, At, Nothing, Query, from_text, maybe_null};
use crate::catalog::NewConnection;
use crate::error::Result;
use crate::model::{ConnectionId, ConnectionKey, ConnectionRow, Environment, Integration, SyncRow};
use crate::store::RunQuery;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{MethodRouter, get};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Connections of a page where the app names no number. Nango's.
const LIMIT_DEFAULT: usize = 10_000;
/// Connections of a page that can be asked for; more is refused. Nango's.
const LIMIT_MAX: usize = 2_000;
/// Bytes of metadata and end users in one list of connections; past it the list is
/// refused with the advice to ask for smaller pages.
const LIST_BYTES_MAX: usize = 32 * 1024 * 1024;

/// The routes of this file.
pub fn routes() -> Router<Arc<Service>> {
    let all = || get(list).post(create);
    let one = || -> MethodRouter<Arc<Service>> { get(show).patch(change).delete(remove) };
    Router::new()
        .route("/connections", all())
        .route("/connection", all())
        .route("/connections/{id}", one())
        .route("/connection/{id}", one())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ListQuery {
    connection_id: Option<String>,
    search: Option<String>,
    end_user_id: Option<String>,
    end_user_organization_id: Option<String>,
    integration_id: Option<String>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "from_text")]
    limit: Option<usize>,
    #[serde(default, deserialize_with = "from_text")]
    page: Option<usize>,
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

async fn list(
    Reader(environment): Reader,
    State(service): State<Arc<Service>>,
    Query(query): Query<ListQuery>,
) -> Answer<Json<Value>> {
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
    let (mut shown, mut bytes) = (Vec::new(), 0);
    for row in page {
        let syncs = syncs.get(&row.key).map(Vec::as_slice).unwrap_or_default();
        let one = Shown::of(&service, row, syncs).await?;
        bytes += one
            .metadata
            .as_ref()
            .map_or(0, |metadata| metadata.get().len());
        if bytes > LIST_BYTES_MAX {
            let why = format!(
                "the metadata of the page has more than {LIST_BYTES_MAX} bytes; ask for fewer at once"
            );
            return Err(Failure::invalid(Part::Query, "limit", why));
        }
        shown.push(one);
    }
    Ok(Json(json!({ "connections": shown })))
}

/// A connection, as lists and single answers share it.
#[derive(Serialize)]
struct Shown {
    id: u64,
    connection_id: String,
    provider_config_key: String,
    provider: String,
    errors: Vec<Value>,
    end_user: Option<Value>,
    tags: BTreeMap<String, String>,
    metadata: Option<Box<RawValue>>,
    created: String,
}

impl Shown {
    async fn of(service: &Service, row: &ConnectionRow, syncs: &[Arc<SyncRow>]) -> Result<Self> {
        let key = &row.key;
        let integration = service
            .catalog
            .integration(&key.environment, &key.integration)?;
        let metadata = service.store.metadata(key).await?;
        // Nango shows null where none was set.
        let metadata = Some(metadata).filter(|json| json != "{}");
        Ok(Shown {
            id: row.number,
            connection_id: key.connection.to_string(),
            provider_config_key: key.integration.to_string(),
            provider: integration.provider.clone(),
            errors: errors(service, syncs).await?,
            end_user: row.end_user.clone(),
            tags: row.tags.clone(),
            metadata: metadata.and_then(|json| RawValue::from_string(json).ok()),
            created: time(row.created),
        })
    }
}

/// The syncs whose last runs failed, and their runs.
async fn errors(service: &Service, syncs: &[Arc<SyncRow>]) -> Result<Vec<Value>> {
    let mut errors = Vec::new();
    for sync in syncs {
        if service.scheduler.standing(&sync.key).failures == 0 {
            continue;
        }
        let query = RunQuery {
            key: Some(sync.key.clone()),
            before: None,
            limit: 1,
        };
        let runs = service.store.runs(query).await?;
        errors.extend(
            runs.first()
                .map(|run| json!({ "type": "sync", "log_id": run.id })),
        );
    }
    Ok(errors)
}

async fn full(service: &Service, row: &ConnectionRow) -> Result<Json<Value>> {
    let key = &row.key;
    let syncs = service
        .catalog
        .syncs(&key.environment, Some(&key.integration), Some(key));
    let shown = Shown::of(service, row, &syncs).await?;
    Ok(Json(json!({
        "id": shown.id,
        "connection_id": shown.connection_id,
        "provider_config_key": shown.provider_config_key,
        "provider": shown.provider,
        "errors": shown.errors,
        "end_user": shown.end_user,
        "tags": shown.tags,
        "metadata": shown.metadata,
        "connection_config": row.config,
        "webhook_url_override": row.webhook_url,
        "created_at": time(row.created),
        "updated_at": time(row.updated),
        "last_fetched_at": time(service.runner.clock.now()),
        "credentials": {},
    })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ShowQuery {
    provider_config_key: Integration,
    // Credentials are refreshed when a run needs them; nothing is shown of them here.
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
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

async fn show(
    Reader(environment): Reader,
    State(service): State<Arc<Service>>,
    At(id): At<ConnectionId>,
    Query(query): Query<ShowQuery>,
) -> Answer<Json<Value>> {
    let row = find(&service, environment, query.provider_config_key, id)?;
    Ok(full(&service, &row).await?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewBody {
    connection_id: Option<ConnectionId>,
    provider_config_key: Integration,
    metadata: Option<Box<RawValue>>,
    connection_config: Option<Map<String, Value>>,
    #[serde(default, deserialize_with = "maybe_null")]
    webhook_url_override: Option<Option<String>>,
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

async fn create(
    Manager(environment): Manager,
    State(service): State<Arc<Service>>,
    Query(Nothing {}): Query<Nothing>,
    body: Body,
) -> Answer<(StatusCode, Json<Value>)> {
    let body: NewBody = read::json(body).await?;
    let connection = match body.connection_id {
        Some(id) => id,
        None => ConnectionId::new(&format!("{:032x}", rand::random::<u128>()))?,
    };
    service
        .catalog
        .integration(&environment, &body.provider_config_key)
        .map_err(|error| Failure::bad("unknown_provider_config", error.message))?;
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
    Ok((StatusCode::CREATED, full(&service, &row).await?))
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangeBody {
    tags: Option<BTreeMap<String, String>>,
    end_user: Option<Value>,
    #[serde(default, deserialize_with = "maybe_null")]
    webhook_url_override: Option<Option<String>>,
}

async fn change(
    Manager(environment): Manager,
    State(service): State<Arc<Service>>,
    At(id): At<ConnectionId>,
    Query(query): Query<OwnerQuery>,
    body: Body,
) -> Answer<Json<Value>> {
    let body: ChangeBody = read::json(body).await?;
    let row = find(&service, environment, query.provider_config_key, id)?;
    let new = NewConnection {
        webhook_url: body.webhook_url_override,
        tags: body.tags,
        end_user: body.end_user,
        ..NewConnection::default()
    };
    service.catalog.put_connection(&row.key, new).await?;
    Ok(Json(json!({ "success": true })))
}

async fn remove(
    Manager(environment): Manager,
    State(service): State<Arc<Service>>,
    At(id): At<ConnectionId>,
    Query(query): Query<OwnerQuery>,
) -> Answer<Json<Value>> {
    let row = find(&service, environment, query.provider_config_key, id)?;
    service.scheduler.remove_connection(&row.key).await?;
    Ok(Json(json!({ "success": true })))
}
