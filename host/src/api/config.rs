//! What is set up, as Nango's clients list it: integrations and the syncs released for
//! them.

use super::Service;
use super::answer::time;
use super::auth::Reader;
use super::document::Routes;
use super::error::{Answer, Failure};
use super::read::{At, Nothing, Query};
use crate::error::Result;
use crate::model::{
    Deployment, Endpoint, Frequency, Integration, IntegrationRow, ModelName, ReleaseRow, SyncName,
    SyncType,
};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

/// The routes of this file.
pub fn routes() -> Routes {
    Routes::new()
        .routes(routes!(integrations))
        .routes(routes!(integration))
        .routes(routes!(functions))
        .routes(routes!(scripts))
        .routes(routes!(variables))
}

/// An answer in an envelope.
#[derive(Serialize, ToSchema)]
struct Data<T> {
    data: T,
}

#[derive(Serialize, ToSchema)]
#[schema(as = ListedIntegration)]
struct Shown {
    unique_key: Integration,
    provider: String,
    display_name: String,
    logo: &'static str,
    forward_webhooks: bool,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
    /// Where the provider sends webhooks, with `include=webhook`: null, as this host takes
    /// none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    webhook_url: Option<Option<String>>,
}

fn shown(row: &IntegrationRow) -> Shown {
    Shown {
        unique_key: row.name.clone(),
        provider: row.provider.clone(),
        display_name: row.provider.clone(),
        logo: "",
        forward_webhooks: false,
        created_at: time(row.created),
        updated_at: time(row.updated),
        webhook_url: None,
    }
}

/// Integrations of the environment.
#[utoipa::path(
    get,
    path = "/integrations",
    security(("key" = ["read"])),
    responses((status = 200, body = Data<Vec<Shown>>)),
)]
async fn integrations(
    Reader(environment): Reader,
    State(service): State<Arc<Service>>,
    Query(Nothing {}): Query<Nothing>,
) -> Json<Data<Vec<Shown>>> {
    let rows = service.catalog.integrations(&environment);
    let data = rows.iter().map(|row| shown(row)).collect();
    Json(Data { data })
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ShowQuery {
    #[param(inline)]
    include: Option<Include>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Include {
    /// Where the provider sends webhooks: this host takes none.
    Webhook,
}

/// One integration.
#[utoipa::path(
    get,
    path = "/integrations/{key}",
    params(("key" = Integration, Path), ShowQuery),
    security(("key" = ["read"])),
    responses((status = 200, body = Data<Shown>)),
)]
async fn integration(
    Reader(environment): Reader,
    State(service): State<Arc<Service>>,
    At(name): At<Integration>,
    Query(query): Query<ShowQuery>,
) -> Answer<Json<Data<Shown>>> {
    let row = service
        .catalog
        .integration(&environment, &name)
        .map_err(|error| Failure::missing("not_found", error.message))?;
    let mut data = shown(&row);
    if let Some(Include::Webhook) = query.include {
        data.webhook_url = Some(None);
    }
    Ok(Json(Data { data }))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ScriptsQuery {
    #[serde(rename = "format")]
    #[param(inline)]
    _format: Option<Format>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Format {
    /// The form of Nango's own lists, the only one there is here.
    Nango,
}

/// An integration with what was released for it.
#[derive(Serialize, ToSchema)]
struct Scripts {
    #[serde(rename = "providerConfigKey")]
    integration: Integration,
    provider: String,
    syncs: Vec<Script>,
    /// Always empty: there are none here.
    #[schema(value_type = Vec<Object>)]
    actions: Vec<Value>,
    /// Always empty, too.
    #[serde(rename = "on-events")]
    #[schema(value_type = Vec<Object>)]
    on_events: Vec<Value>,
}

/// Each integration with its syncs.
#[utoipa::path(
    get,
    path = "/scripts/config",
    params(ScriptsQuery),
    security(("key" = ["read"])),
    responses((status = 200, body = Vec<Scripts>)),
)]
async fn scripts(
    Reader(environment): Reader,
    State(service): State<Arc<Service>>,
    Query(_): Query<ScriptsQuery>,
) -> Answer<Json<Vec<Scripts>>> {
    let mut all = Vec::new();
    for row in service.catalog.integrations(&environment) {
        let mut syncs = Vec::new();
        for release in service.catalog.releases(&environment, Some(&row.name)) {
            let deployment = service.catalog.deployment(&release.digest).await?;
            syncs.push(script(&release, &deployment)?);
        }
        all.push(Scripts {
            integration: row.name.clone(),
            provider: row.provider.clone(),
            syncs,
            actions: Vec::new(),
            on_events: Vec::new(),
        });
    }
    Ok(Json(all))
}

/// How often, with `every`; none where it runs only when it is asked for.
fn runs(deployment: &Deployment) -> Result<Option<String>> {
    let text = deployment.manifest.frequency.as_deref();
    let parsed = text.map(Frequency::parse).transpose()?;
    Ok(parsed.map(|frequency| frequency.to_string()))
}

/// A sync that was released. What has no meaning here is empty or null.
#[derive(Serialize, ToSchema)]
struct Script {
    id: String,
    name: SyncName,
    #[serde(rename = "type")]
    kind: &'static str,
    sync_type: SyncType,
    /// How often, with `every`; null where it runs only when it is asked for.
    runs: Option<String>,
    auto_start: bool,
    description: String,
    scopes: Vec<String>,
    #[schema(value_type = Object)]
    metadata: Map<String, Value>,
    track_deletes: bool,
    /// Its models.
    returns: Vec<ModelName>,
    endpoints: Vec<Endpoint>,
    version: String,
    #[schema(format = DateTime)]
    last_deployed: String,
    input: Option<String>,
    enabled: bool,
    #[schema(value_type = Option<Object>)]
    json_schema: Option<Value>,
    sdk_version: Option<String>,
    features: Vec<String>,
}

fn script(release: &ReleaseRow, deployment: &Deployment) -> Result<Script> {
    let manifest = &deployment.manifest;
    Ok(Script {
        id: release.digest.short(),
        name: manifest.name.clone(),
        kind: "sync",
        sync_type: manifest.sync_type,
        runs: runs(deployment)?,
        auto_start: manifest.auto_start,
        description: manifest.description.clone(),
        scopes: manifest.scopes.clone(),
        metadata: Map::new(),
        track_deletes: manifest.track_deletes,
        returns: manifest.models.keys().cloned().collect(),
        endpoints: manifest.endpoints.clone(),
        version: manifest.version.clone(),
        last_deployed: time(release.since),
        input: None,
        enabled: true,
        json_schema: None,
        sdk_version: None,
        features: Vec::new(),
    })
}

/// Syncs of an integration.
#[utoipa::path(
    get,
    path = "/integrations/{key}/functions",
    params(("key" = Integration, Path)),
    security(("key" = ["read"])),
    responses((status = 200, body = Data<Vec<Script>>)),
)]
async fn functions(
    Reader(environment): Reader,
    State(service): State<Arc<Service>>,
    At(name): At<Integration>,
    Query(Nothing {}): Query<Nothing>,
) -> Answer<Json<Data<Vec<Script>>>> {
    service
        .catalog
        .integration(&environment, &name)
        .map_err(|error| Failure::missing("not_found", error.message))?;
    let mut data = Vec::new();
    for release in service.catalog.releases(&environment, Some(&name)) {
        let deployment = service.catalog.deployment(&release.digest).await?;
        data.push(script(&release, &deployment)?);
    }
    Ok(Json(Data { data }))
}

/// Always none: a sync's settings are its connection's.
#[utoipa::path(
    get,
    path = "/environment-variables",
    security(("key" = ["read"])),
    responses((status = 200, body = Vec<Object>)),
)]
async fn variables(Reader(_): Reader, Query(Nothing {}): Query<Nothing>) -> Json<[Value; 0]> {
    Json([])
}
