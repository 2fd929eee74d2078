//! Environments: the customers of this host. The operator adds them; each may change
//! where its own app hears of runs.

use crate::api::Service;
use crate::api::answer::time;
use crate::api::auth::{Caller, Operator, forbidden};
use crate::api::error::{Answer, Failure, Part};
use crate::api::read::{self, At, Nothing, Query};
use crate::error::Result;
use crate::model::{
    Environment, EnvironmentRow, RecordRetention, Resources, Scope, WebhookSettings,
};
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, patch};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use url::Url;

/// The routes of this file.
pub fn routes() -> Router<Arc<Service>> {
    Router::new()
        .route("/v1/environments", get(list).post(add))
        .route("/v1/environments/{name}", patch(change))
}

fn shown(service: &Service, row: &EnvironmentRow) -> Value {
    json!({
        "name": row.name,
        "resources": row.resources,
        "stored_bytes": service.store.stored_bytes(&row.name),
        "webhooks": row.webhooks,
        "retention": row.retention,
        "created": time(row.created),
    })
}

async fn list(
    _: Operator,
    State(service): State<Arc<Service>>,
    Query(Nothing {}): Query<Nothing>,
) -> Json<Value> {
    let rows = service.catalog.environments();
    let shown: Vec<Value> = rows.iter().map(|row| shown(&service, row)).collect();
    Json(json!({ "environments": shown }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AddBody {
    name: Environment,
    resources: ResourcesBody,
    #[serde(default)]
    webhooks: WebhooksBody,
    #[serde(default)]
    retention: RetentionBody,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct ResourcesBody {
    memory_mib: u64,
    runs: u32,
    storage_mib: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RetentionBody {
    #[serde(deserialize_with = "read::maybe_null")]
    prune_after_days: Option<Option<u32>>,
    #[serde(deserialize_with = "read::maybe_null")]
    erase_after_days: Option<Option<u32>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WebhooksBody {
    #[serde(deserialize_with = "read::maybe_null")]
    primary_url: Option<Option<String>>,
    #[serde(deserialize_with = "read::maybe_null")]
    secondary_url: Option<Option<String>>,
    on_unchanged: Option<bool>,
    on_error: Option<bool>,
}

impl ResourcesBody {
    fn check(self) -> Answer<Resources> {
        if self.memory_mib == 0 || self.runs == 0 || self.storage_mib == Some(0) {
            return Err(Failure::invalid(
                Part::Body,
                "resources",
                "nothing could run with 0",
            ));
        }
        Ok(Resources {
            memory_mib: self.memory_mib,
            runs: self.runs,
            storage_mib: self.storage_mib,
        })
    }
}

impl RetentionBody {
    fn is_any(&self) -> bool {
        self.prune_after_days.is_some() || self.erase_after_days.is_some()
    }

    fn check(&self) -> Answer<()> {
        for (key, days) in [
            ("prune_after_days", self.prune_after_days),
            ("erase_after_days", self.erase_after_days),
        ] {
            if days == Some(Some(0)) {
                let path = format!("retention.{key}");
                return Err(Failure::invalid(
                    Part::Body,
                    &path,
                    "with 0 days nothing would be kept; null keeps records for ever",
                ));
            }
        }
        Ok(())
    }

    fn apply(&self, to: &mut RecordRetention) {
        to.prune_after_days = self.prune_after_days.unwrap_or(to.prune_after_days);
        to.erase_after_days = self.erase_after_days.unwrap_or(to.erase_after_days);
    }
}

impl WebhooksBody {
    fn check(&self) -> Answer<()> {
        for (key, url) in [
            ("primary_url", &self.primary_url),
            ("secondary_url", &self.secondary_url),
        ] {
            let Some(Some(url)) = url else { continue };
            let parsed = Url::parse(url).ok();
            if !parsed.is_some_and(|url| matches!(url.scheme(), "https" | "http")) {
                let path = format!("webhooks.{key}");
                return Err(Failure::invalid(
                    Part::Body,
                    &path,
                    "it is no http or https URL",
                ));
            }
        }
        Ok(())
    }

    fn apply(self, to: &mut WebhookSettings) {
        if let Some(url) = self.primary_url {
            to.primary_url = url;
        }
        if let Some(url) = self.secondary_url {
            to.secondary_url = url;
        }
        to.on_unchanged = self.on_unchanged.unwrap_or(to.on_unchanged);
        to.on_error = self.on_error.unwrap_or(to.on_error);
    }
}

/// What an environment's webhooks are where nothing is said, as Nango has it.
fn webhooks_at_first() -> WebhookSettings {
    WebhookSettings {
        on_error: true,
        ..WebhookSettings::default()
    }
}

/// Adds an environment, and answers its first key and its signing key: the key is shown
/// here and never again.
async fn add(
    _: Operator,
    State(service): State<Arc<Service>>,
    Query(Nothing {}): Query<Nothing>,
    body: Body,
) -> Answer<(StatusCode, Json<Value>)> {
    let body: AddBody = read::json(body).await?;
    body.webhooks.check()?;
    body.retention.check()?;
    let mut webhooks = webhooks_at_first();
    body.webhooks.apply(&mut webhooks);
    let resources = body.resources.check()?;
    let catalog = &service.catalog;
    let mut row = catalog
        .add_environment(body.name, resources, webhooks)
        .await?;
    if body.retention.is_any() {
        let retain = |row: &mut EnvironmentRow| body.retention.apply(&mut row.retention);
        row = catalog.change_environment(&row.name, retain).await?;
    }
    let scopes = BTreeSet::from(Scope::ALL);
    let (text, key) = service
        .catalog
        .add_key(&row.name, "first key", scopes)
        .await?;
    let mut answer = shown(&service, &row);
    answer["signing_key"] = signing_key(&service, &row.name)?.into();
    answer["key"] = json!({ "id": key.id, "scopes": key.scopes, "key": text });
    Ok((StatusCode::CREATED, Json(answer)))
}

fn signing_key(service: &Service, name: &Environment) -> Result<String> {
    let key = service.catalog.signing_key(name)?;
    Ok(key.as_str().unwrap_or_default().to_owned())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangeBody {
    resources: Option<ResourcesBody>,
    webhooks: Option<WebhooksBody>,
    retention: Option<RetentionBody>,
}

/// Changes an environment. Its resources are the operator's to give.
async fn change(
    caller: Caller,
    State(service): State<Arc<Service>>,
    At(name): At<Environment>,
    Query(Nothing {}): Query<Nothing>,
    body: Body,
) -> Answer<Json<Value>> {
    let is_operator = matches!(caller, Caller::Operator);
    if let Caller::Key(key) = &caller
        && (key.environment != name || !key.scopes.contains(&Scope::Manage))
    {
        return Err(forbidden("the key does not manage this environment"));
    }
    let body: ChangeBody = read::json(body).await?;
    if body.resources.is_some() && !is_operator {
        return Err(forbidden("only the operator's key changes resources"));
    }
    let resources = body.resources.map(ResourcesBody::check).transpose()?;
    if let Some(webhooks) = &body.webhooks {
        webhooks.check()?;
    }
    if let Some(retention) = &body.retention {
        retention.check()?;
    }
    let change = |row: &mut EnvironmentRow| {
        row.resources = resources.unwrap_or(row.resources);
        if let Some(webhooks) = body.webhooks {
            webhooks.apply(&mut row.webhooks);
        }
        if let Some(retention) = &body.retention {
            retention.apply(&mut row.retention);
        }
    };
    let row = service.catalog.change_environment(&name, change).await?;
    Ok(Json(shown(&service, &row)))
}
