//! Environments: the customers of this host. The operator adds them; each may change
//! where its own app hears of runs.

use crate::api::Service;
use crate::api::answer::time;
use crate::api::auth::{Caller, Operator, forbidden};
use crate::api::document::Routes;
use crate::api::error::{Answer, Failure, Part};
use crate::api::read::{self, At, Nothing, Query};
use crate::error::Result;
use crate::limits::EGRESS_KIB_PER_SECOND_MIN;
use crate::model::{
    Environment, EnvironmentRow, RecordRetention, Resources, Scope, WebhookSettings,
};
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;
use url::Url;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
use utoipa_axum::routes;

/// The routes of this file.
pub fn routes() -> Routes {
    Routes::new()
        .routes(routes!(list, add))
        .routes(routes!(change, remove))
        .routes(routes!(change_signing_key))
}

/// An environment.
#[derive(Serialize, ToSchema)]
#[schema(as = ShownEnvironment)]
struct Shown {
    name: Environment,
    resources: Resources,
    /// What its records take of the disk, compressed.
    stored_bytes: u64,
    webhooks: WebhookSettings,
    retention: RecordRetention,
    #[schema(format = DateTime)]
    created: String,
}

fn shown(service: &Service, row: &EnvironmentRow) -> Shown {
    Shown {
        name: row.name.clone(),
        resources: row.resources,
        stored_bytes: service.store.stored_bytes(&row.name),
        webhooks: row.webhooks.clone(),
        retention: row.retention,
        created: time(row.created),
    }
}

#[derive(Serialize, ToSchema)]
struct Environments {
    environments: Vec<Shown>,
}

/// All environments of the host.
#[utoipa::path(
    get,
    path = "/v1/environments",
    security(("operator" = [])),
    responses((status = 200, body = Environments)),
)]
async fn list(
    _: Operator,
    State(service): State<Arc<Service>>,
    Query(Nothing {}): Query<Nothing>,
) -> Json<Environments> {
    let rows = service.catalog.environments();
    let environments = rows.iter().map(|row| shown(&service, row)).collect();
    Json(Environments { environments })
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AddEnvironment)]
struct AddBody {
    name: Environment,
    #[serde(deserialize_with = "read::object")]
    resources: ResourcesBody,
    #[serde(default, deserialize_with = "read::object")]
    webhooks: WebhooksBody,
    #[serde(default, deserialize_with = "read::object")]
    retention: RetentionBody,
}

/// What an environment has from its beginning.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ResourcesBody {
    #[schema(schema_with = at_least_one)]
    memory_mib: u64,
    #[schema(schema_with = at_least_one)]
    runs: u32,
    #[schema(minimum = 1)]
    storage_mib: Option<u64>,
    // `EGRESS_KIB_PER_SECOND_MIN`.
    #[schema(minimum = 16)]
    egress_kib_per_second: Option<u32>,
}

/// What is named is changed; null takes a limit away.
#[derive(Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct ResourcesChange {
    #[schema(minimum = 1)]
    memory_mib: Option<u64>,
    #[schema(minimum = 1)]
    runs: Option<u32>,
    #[serde(deserialize_with = "read::maybe_null")]
    #[schema(minimum = 1, value_type = Option<u64>)]
    storage_mib: Option<Option<u64>>,
    // `EGRESS_KIB_PER_SECOND_MIN`.
    #[serde(deserialize_with = "read::maybe_null")]
    #[schema(minimum = 16, value_type = Option<u32>)]
    egress_kib_per_second: Option<Option<u32>>,
}

/// What is named is changed; null keeps records for ever.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct RetentionBody {
    #[serde(deserialize_with = "read::maybe_null")]
    #[schema(minimum = 1, value_type = Option<u32>)]
    prune_after_days: Option<Option<u32>>,
    #[serde(deserialize_with = "read::maybe_null")]
    #[schema(minimum = 1, value_type = Option<u32>)]
    erase_after_days: Option<Option<u32>>,
}

/// The schema of a resource: nothing could run with 0.
fn at_least_one() -> Object {
    let whole = ObjectBuilder::new().schema_type(Type::Integer);
    whole.minimum(Some(1_u32)).build()
}

/// What is named is changed. URLs are http or https; null takes one away.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct WebhooksBody {
    #[serde(deserialize_with = "read::maybe_null")]
    #[schema(value_type = Option<String>)]
    primary_url: Option<Option<String>>,
    #[serde(deserialize_with = "read::maybe_null")]
    #[schema(value_type = Option<String>)]
    secondary_url: Option<Option<String>>,
    on_unchanged: Option<bool>,
    on_error: Option<bool>,
}

impl ResourcesBody {
    fn check(self) -> Answer<Resources> {
        let resources = Resources {
            memory_mib: self.memory_mib,
            runs: self.runs,
            storage_mib: self.storage_mib,
            egress_kib_per_second: self.egress_kib_per_second,
        };
        check(&resources).map(|()| resources)
    }
}

impl ResourcesChange {
    fn apply(self, to: &mut Resources) {
        to.memory_mib = self.memory_mib.unwrap_or(to.memory_mib);
        to.runs = self.runs.unwrap_or(to.runs);
        to.storage_mib = self.storage_mib.unwrap_or(to.storage_mib);
        let egress = self.egress_kib_per_second;
        to.egress_kib_per_second = egress.unwrap_or(to.egress_kib_per_second);
    }
}

/// Refuses resources with which nothing could run.
fn check(resources: &Resources) -> Answer<()> {
    if resources.memory_mib == 0 || resources.runs == 0 || resources.storage_mib == Some(0) {
        return Err(Failure::invalid(
            Part::Body,
            "resources",
            "nothing could run with 0",
        ));
    }
    match resources.egress_kib_per_second {
        Some(kib) if kib < EGRESS_KIB_PER_SECOND_MIN => Err(Failure::invalid(
            Part::Body,
            "resources.egress_kib_per_second",
            format!("{kib} is under the least of {EGRESS_KIB_PER_SECOND_MIN}"),
        )),
        _ => Ok(()),
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

/// An environment that was added, with what opens it.
#[derive(Serialize, ToSchema)]
struct NewEnvironment {
    #[serde(flatten)]
    environment: Shown,
    /// What its webhooks are signed with.
    signing_key: String,
    key: FirstKey,
}

#[derive(Serialize, ToSchema)]
struct FirstKey {
    id: String,
    scopes: BTreeSet<Scope>,
    /// Its text, shown here and never again.
    key: String,
}

/// Adds an environment, and answers its first key and its signing key: the key is shown
/// here and never again.
#[utoipa::path(
    post,
    path = "/v1/environments",
    request_body = AddBody,
    security(("operator" = [])),
    responses((status = 201, body = NewEnvironment)),
)]
async fn add(
    _: Operator,
    State(service): State<Arc<Service>>,
    Query(Nothing {}): Query<Nothing>,
    body: Body,
) -> Answer<(StatusCode, Json<NewEnvironment>)> {
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
    let new = NewEnvironment {
        environment: shown(&service, &row),
        signing_key: signing_key(&service, &row.name)?,
        key: FirstKey {
            id: key.id.clone(),
            scopes: key.scopes.clone(),
            key: text,
        },
    };
    Ok((StatusCode::CREATED, Json(new)))
}

fn signing_key(service: &Service, name: &Environment) -> Result<String> {
    let key = service.catalog.signing_key(name)?;
    Ok(key.as_str().unwrap_or_default().to_owned())
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = EnvironmentChange)]
struct ChangeBody {
    /// Only with the operator's key.
    #[serde(default, deserialize_with = "read::maybe_object")]
    resources: Option<ResourcesChange>,
    #[serde(default, deserialize_with = "read::maybe_object")]
    webhooks: Option<WebhooksBody>,
    #[serde(default, deserialize_with = "read::maybe_object")]
    retention: Option<RetentionBody>,
}

/// Changes an environment. Its resources are the operator's to give.
#[utoipa::path(
    patch,
    path = "/v1/environments/{name}",
    params(("name" = Environment, Path)),
    request_body = ChangeBody,
    security(("key" = ["manage"])),
    responses((status = 200, body = Shown)),
)]
async fn change(
    caller: Caller,
    State(service): State<Arc<Service>>,
    At(name): At<Environment>,
    Query(Nothing {}): Query<Nothing>,
    body: Body,
) -> Answer<Json<Shown>> {
    let is_operator = matches!(caller, Caller::Operator);
    manages(&caller, &name)?;
    let body: ChangeBody = read::json(body).await?;
    if body.resources.is_some() && !is_operator {
        return Err(forbidden("only the operator's key changes resources"));
    }
    let given = body.resources.unwrap_or_default();
    let mut resources = service.catalog.environment(&name)?.resources;
    given.apply(&mut resources);
    check(&resources)?;
    if let Some(webhooks) = &body.webhooks {
        webhooks.check()?;
    }
    if let Some(retention) = &body.retention {
        retention.check()?;
    }
    let change = |row: &mut EnvironmentRow| {
        given.apply(&mut row.resources);
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

/// The operator, or a key that manages this environment.
fn manages(caller: &Caller, name: &Environment) -> Answer<()> {
    match caller {
        Caller::Key(key) if key.environment != *name || !key.scopes.contains(&Scope::Manage) => {
            Err(forbidden("the key does not manage this environment"))
        }
        _ => Ok(()),
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = RemovedEnvironment)]
struct Removed {
    removed: Environment,
}

/// Takes an environment away, with its keys and its webhooks. Refused while it has
/// connections or integrations.
#[utoipa::path(
    delete,
    path = "/v1/environments/{name}",
    params(("name" = Environment, Path)),
    security(("operator" = [])),
    responses((status = 200, body = Removed)),
)]
async fn remove(
    _: Operator,
    State(service): State<Arc<Service>>,
    At(name): At<Environment>,
    Query(Nothing {}): Query<Nothing>,
) -> Answer<Json<Removed>> {
    service.catalog.remove_environment(&name).await?;
    Ok(Json(Removed { removed: name }))
}

#[derive(Serialize, ToSchema)]
struct NewSigningKey {
    /// What webhooks are signed with from now on, shown here and never again.
    signing_key: String,
}

/// Makes a new signing key. Webhooks are signed with it from now on, those that wait, too.
#[utoipa::path(
    post,
    path = "/v1/environments/{name}/signing-key",
    params(("name" = Environment, Path)),
    security(("key" = ["manage"])),
    responses((status = 201, body = NewSigningKey)),
)]
async fn change_signing_key(
    caller: Caller,
    State(service): State<Arc<Service>>,
    At(name): At<Environment>,
    Query(Nothing {}): Query<Nothing>,
) -> Answer<(StatusCode, Json<NewSigningKey>)> {
    manages(&caller, &name)?;
    let key = service.catalog.change_signing_key(&name).await?;
    let signing_key = key.as_str().unwrap_or_default().to_owned();
    Ok((StatusCode::CREATED, Json(NewSigningKey { signing_key })))
}
