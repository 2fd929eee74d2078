//! Starting, pausing and triggering syncs, how they stand, and how often they run.

use super::Service;
use super::answer::{Success, success};
use super::auth::{Controller, Reader};
use super::document::Routes;
use super::error::{Answer, Failure, Part};
use super::read::{self, Nothing, Query, Selection, maybe_object, nullable};
use super::selected::{Named, Selected};
use super::status::{self, SyncStatus};
use crate::model::{
    ConnectionId, ConnectionKey, Environment, Frequency, FrequencyError, Integration, SyncKey,
    Variant,
};
use crate::schedule::{TriggerOptions, Triggered};
use crate::store::Reset;
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

/// The routes of this file.
pub fn routes() -> Routes {
    Routes::new()
        .routes(routes!(trigger))
        .routes(routes!(start))
        .routes(routes!(pause))
        .routes(routes!(status))
        .routes(routes!(frequency))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TriggerBody {
    /// All where none is named.
    #[serde(default)]
    syncs: Vec<Named>,
    provider_config_key: Option<Integration>,
    connection_id: Option<ConnectionId>,
    /// Not with `sync_mode` or `full_resync`, which are older.
    #[serde(default, deserialize_with = "maybe_object")]
    opts: Option<Options>,
    sync_mode: Option<Mode>,
    full_resync: Option<bool>,
}

#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TriggerOptions)]
struct Options {
    /// Without the checkpoint.
    #[serde(default)]
    reset: bool,
    /// Without the records; only with `reset`.
    #[serde(default, rename = "emptyCache")]
    empty_cache: bool,
}

#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SyncMode)]
enum Mode {
    Incremental,
    FullRefresh,
    FullRefreshAndClearCache,
}

impl TriggerBody {
    /// What is taken away first. As in Nango, the cache is emptied only with a reset.
    fn reset(&self) -> Answer<Option<Reset>> {
        let old_form = self.sync_mode.is_some() || self.full_resync.is_some();
        match (self.opts, self.sync_mode) {
            (Some(_), _) if old_form => Err(Failure::invalid(
                Part::Body,
                "opts",
                "it cannot be given with `sync_mode` or `full_resync`",
            )),
            (
                Some(Options {
                    reset: true,
                    empty_cache: true,
                }),
                _,
            )
            | (None, Some(Mode::FullRefreshAndClearCache)) => Ok(Some(Reset::CheckpointAndRecords)),
            (Some(Options { reset: true, .. }), _) | (None, Some(Mode::FullRefresh)) => {
                Ok(Some(Reset::Checkpoint))
            }
            (None, None) if self.full_resync == Some(true) => Ok(Some(Reset::Checkpoint)),
            _ => Ok(None),
        }
    }
}

#[derive(Serialize, ToSchema)]
struct TriggerAnswer {
    success: bool,
    /// How many runs were asked for.
    queued: usize,
    /// How many syncs were running already, where nothing new starts.
    already_running: usize,
}

/// Asks for runs now. The integration and the connection may come by header instead.
#[utoipa::path(
    post,
    path = "/sync/trigger",
    params(Selection),
    request_body = TriggerBody,
    security(("key" = ["control"])),
    responses((status = 200, body = TriggerAnswer)),
)]
async fn trigger(
    Controller(environment): Controller,
    State(service): State<Arc<Service>>,
    Query(Nothing {}): Query<Nothing>,
    selection: Selection,
    body: Body,
) -> Answer<Json<TriggerAnswer>> {
    let body: TriggerBody = read::json(body).await?;
    let reset = body.reset()?;
    let integration = body.provider_config_key.or(selection.integration);
    let integration = integration.ok_or_else(|| {
        Failure::bad(
            "missing_provider_config_key",
            "name the integration in `provider_config_key`",
        )
    })?;
    let connection = body.connection_id.or(selection.connection);
    let selected = Selected::new(environment, integration, connection, body.syncs, Part::Body)?;
    let rows = selected.rows(&service.catalog)?;
    if rows.is_empty() {
        return Err(Failure::bad(
            "no_syncs_found",
            "there is no sync to trigger",
        ));
    }
    let (mut queued, mut running) = (0_usize, 0_usize);
    for row in rows {
        match service
            .scheduler
            .trigger(&row.key, TriggerOptions { reset })
            .await?
        {
            Triggered::Queued => queued += 1,
            Triggered::Running(_) => running += 1,
        }
    }
    Ok(Json(TriggerAnswer {
        success: true,
        queued,
        already_running: running,
    }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PauseBody {
    /// All where none is named.
    syncs: Vec<Named>,
    provider_config_key: Integration,
    /// Every connection of the integration where it is not given.
    connection_id: Option<ConnectionId>,
}

/// Lets syncs run by their schedules. Those that were paused run at once.
#[utoipa::path(
    post,
    path = "/sync/start",
    request_body = PauseBody,
    security(("key" = ["control"])),
    responses((status = 200, body = Success)),
)]
async fn start(
    Controller(environment): Controller,
    State(service): State<Arc<Service>>,
    Query(Nothing {}): Query<Nothing>,
    body: Body,
) -> Answer<Json<Success>> {
    for key in set_paused(&service, environment, body, false).await? {
        service
            .scheduler
            .trigger(&key, TriggerOptions::default())
            .await?;
    }
    Ok(success())
}

/// Keeps syncs from running. A run under way goes on.
#[utoipa::path(
    post,
    path = "/sync/pause",
    request_body = PauseBody,
    security(("key" = ["control"])),
    responses((status = 200, body = Success)),
)]
async fn pause(
    Controller(environment): Controller,
    State(service): State<Arc<Service>>,
    Query(Nothing {}): Query<Nothing>,
    body: Body,
) -> Answer<Json<Success>> {
    set_paused(&service, environment, body, true).await?;
    Ok(success())
}

/// Pauses or starts what the body selects; answers what was not so before.
async fn set_paused(
    service: &Service,
    environment: Environment,
    body: Body,
    paused: bool,
) -> Answer<Vec<SyncKey>> {
    let body: PauseBody = read::json(body).await?;
    let selected = Selected::new(
        environment,
        body.provider_config_key,
        body.connection_id,
        body.syncs,
        Part::Body,
    )?;
    let mut changed = Vec::new();
    for row in selected.rows(&service.catalog)? {
        if row.paused != paused {
            service
                .catalog
                .change_sync(&row.key, |row| row.paused = paused)
                .await?;
            service.scheduler.plan(&row.key).await?;
            changed.push(row.key.clone());
        }
    }
    Ok(changed)
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct StatusQuery {
    /// `name` or `name::variant`, with commas between, or `*`.
    syncs: String,
    provider_config_key: Integration,
    connection_id: Option<ConnectionId>,
}

#[derive(Serialize, ToSchema)]
struct Statuses {
    syncs: Vec<SyncStatus>,
}

/// How syncs stand.
#[utoipa::path(
    get,
    path = "/sync/status",
    params(StatusQuery),
    security(("key" = ["read"])),
    responses((status = 200, body = Statuses)),
)]
async fn status(
    Reader(environment): Reader,
    State(service): State<Arc<Service>>,
    Query(query): Query<StatusQuery>,
) -> Answer<Json<Statuses>> {
    let names: Vec<Named> = match query.syncs.as_str() {
        "*" => Vec::new(),
        names => names
            .split(',')
            .map(|name| Named::Text(name.trim().to_owned()))
            .collect(),
    };
    let (integration, connection) = (query.provider_config_key, query.connection_id);
    let selected = Selected::new(environment, integration, connection, names, Part::Query)?;
    let unknown = selected
        .connection()
        .filter(|key| service.catalog.connection(key).is_err());
    if unknown.is_some() {
        return Err(Failure::bad("invalid_body", "Connection not found"));
    }
    let mut syncs = Vec::new();
    for row in selected.rows(&service.catalog)? {
        syncs.push(status::of(&service, &row).await?);
    }
    Ok(Json(Statuses { syncs }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FrequencyBody {
    /// `name` or `name::variant`.
    sync_name: String,
    sync_variant: Option<Variant>,
    provider_config_key: Integration,
    connection_id: ConnectionId,
    /// `every 5 minutes`, `half day`, `cron: 0 6 * * 1-5`; null goes back to the sync's own.
    #[serde(deserialize_with = "nullable")]
    #[schema(required)]
    frequency: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct FrequencyAnswer {
    /// What it is now, without `every`.
    frequency: Option<String>,
}

/// Sets how often a sync runs on a connection.
#[utoipa::path(
    put,
    path = "/sync/update-connection-frequency",
    request_body = FrequencyBody,
    security(("key" = ["control"])),
    responses((status = 200, body = FrequencyAnswer)),
)]
async fn frequency(
    Controller(environment): Controller,
    State(service): State<Arc<Service>>,
    Query(Nothing {}): Query<Nothing>,
    body: Body,
) -> Answer<Json<FrequencyAnswer>> {
    let body: FrequencyBody = read::json(body).await?;
    let (sync, variant) = status::split(&body.sync_name)
        .map_err(|error| Failure::invalid(Part::Body, "sync_name", error.message))?;
    let key = SyncKey {
        connection: ConnectionKey {
            environment,
            integration: body.provider_config_key,
            connection: body.connection_id,
        },
        sync,
        variant: body.sync_variant.unwrap_or(variant),
    };
    let frequency = body.frequency.as_deref().map(Frequency::parse).transpose();
    let frequency = frequency.map_err(not_a_frequency)?;
    known(&service, &key)?;
    let text = frequency.map(|frequency| frequency.to_string());
    let row = service
        .catalog
        .change_sync(&key, |row| row.frequency = text)
        .await?;
    service.scheduler.plan(&key).await?;
    let frequency = status::frequency(&service, &row).await?;
    Ok(Json(FrequencyAnswer { frequency }))
}

fn not_a_frequency(error: FrequencyError) -> Failure {
    match error {
        FrequencyError::TooShort { .. } => {
            Failure::bad("sync_interval_too_short", error.to_string())
        }
        _ => Failure::invalid(Part::Body, "frequency", error.to_string()),
    }
}

/// Refuses, with 400, a sync on a connection that is not there.
fn known(service: &Service, key: &SyncKey) -> Answer<()> {
    service
        .catalog
        .connection(&key.connection)
        .map_err(|error| Failure::bad("unknown_connection", error.message))?;
    service
        .catalog
        .sync(key)
        .map_err(|error| Failure::bad("unknown_sync", error.message))?;
    Ok(())
}
