//! What is set up, as Nango's clients list it: integrations and the syncs released for
//! them.

use super::Service;
use super::answer::time;
use super::auth::Reader;
use super::error::{Answer, Failure};
use super::read::{At, Nothing, Query};
use crate::error::Result;
use crate::model::{Deployment, Frequency, Integration, IntegrationRow, ReleaseRow, SyncType};
use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// The routes of this file.
pub fn routes() -> Router<Arc<Service>> {
    Router::new()
        .route("/integrations", get(integrations))
        .route("/integrations/{key}", get(integration))
        .route("/integrations/{key}/functions", get(functions))
        .route("/scripts/config", get(scripts))
        .route("/environment-variables", get(variables))
}

fn shown(row: &IntegrationRow) -> Value {
    json!({
        "unique_key": row.name,
        "provider": row.provider,
        "display_name": row.provider,
        "logo": "",
        "forward_webhooks": false,
        "created_at": time(row.created),
        "updated_at": time(row.updated),
    })
}

async fn integrations(
    Reader(environment): Reader,
    State(service): State<Arc<Service>>,
    Query(Nothing {}): Query<Nothing>,
) -> Json<Value> {
    let rows = service.catalog.integrations(&environment);
    let shown: Vec<Value> = rows.iter().map(|row| shown(row)).collect();
    Json(json!({ "data": shown }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ShowQuery {
    include: Option<Include>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Include {
    /// Where the provider sends webhooks: this host takes none.
    Webhook,
}

async fn integration(
    Reader(environment): Reader,
    State(service): State<Arc<Service>>,
    At(name): At<Integration>,
    Query(query): Query<ShowQuery>,
) -> Answer<Json<Value>> {
    let row = service
        .catalog
        .integration(&environment, &name)
        .map_err(|error| Failure::missing("not_found", error.message))?;
    let mut data = shown(&row);
    if let Some(Include::Webhook) = query.include {
        data["webhook_url"] = Value::Null;
    }
    Ok(Json(json!({ "data": data })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScriptsQuery {
    #[serde(rename = "format")]
    _format: Option<Format>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Format {
    /// The form of Nango's own lists, the only one there is here.
    Nango,
}

async fn scripts(
    Reader(environment): Reader,
    State(service): State<Arc<Service>>,
    Query(_): Query<ScriptsQuery>,
) -> Answer<Json<Value>> {
    let mut all = Vec::new();
    for row in service.catalog.integrations(&environment) {
        let mut syncs = Vec::new();
        for release in service.catalog.releases(&environment, Some(&row.name)) {
            let deployment = service.catalog.deployment(&release.digest).await?;
            syncs.push(script(&release, &deployment)?);
        }
        all.push(json!({
            "providerConfigKey": row.name,
            "provider": row.provider,
            "syncs": syncs,
            "actions": [],
            "on-events": [],
        }));
    }
    Ok(Json(all.into()))
}

/// How often, with `every`; none where it runs only when it is asked for.
fn runs(deployment: &Deployment) -> Result<Option<String>> {
    let text = deployment.manifest.frequency.as_deref();
    let parsed = text.map(Frequency::parse).transpose()?;
    Ok(parsed.map(|frequency| frequency.to_string()))
}

fn script(release: &ReleaseRow, deployment: &Deployment) -> Result<Value> {
    let manifest = &deployment.manifest;
    let models: Vec<_> = manifest.models.keys().collect();
    Ok(json!({
        "id": release.digest.short(),
        "name": manifest.name,
        "type": "sync",
        "sync_type": match manifest.sync_type {
            SyncType::Full => "full",
            SyncType::Incremental => "incremental",
        },
        "runs": runs(deployment)?,
        "auto_start": manifest.auto_start,
        "description": manifest.description,
        "scopes": manifest.scopes,
        "metadata": {},
        "track_deletes": manifest.track_deletes,
        "returns": models,
        "endpoints": manifest.endpoints,
        "version": manifest.version,
        "last_deployed": time(release.since),
        "input": null,
        "enabled": true,
        "json_schema": null,
        "sdk_version": null,
        "features": [],
    }))
}

async fn functions(
    Reader(environment): Reader,
    State(service): State<Arc<Service>>,
    At(name): At<Integration>,
    Query(Nothing {}): Query<Nothing>,
) -> Answer<Json<Value>> {
    service
        .catalog
        .integration(&environment, &name)
        .map_err(|error| Failure::missing("not_found", error.message))?;
    let mut data = Vec::new();
    for release in service.catalog.releases(&environment, Some(&name)) {
        let deployment = service.catalog.deployment(&release.digest).await?;
        data.push(script(&release, &deployment)?);
    }
    Ok(Json(json!({ "data": data })))
}

/// A sync's settings are its connection's; there are no variables beside them.
async fn variables(Reader(_): Reader, Query(Nothing {}): Query<Nothing>) -> Json<Value> {
    Json(json!([]))
}
