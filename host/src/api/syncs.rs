//! Starting, pausing and triggering syncs, how they stand, and how often they run.

use super::Service;
use super::auth::{Controller, Reader};
use super::error::{Answer, Failure, Part};
use super::read::{self, Nothing, Query, Selection, nullable};
use super::status;
use crate::catalog::Catalog;
use crate::model::{
    ConnectionId, ConnectionKey, Environment, Frequency, FrequencyError, Integration, SyncKey,
    SyncName, SyncRow, Variant,
};
use crate::schedule::{TriggerOptions, Triggered};
use crate::store::Reset;
use axum::body::Body;
use axum::extract::State;
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// Syncs named in one request; more are refused. Nango's.
const SYNCS_MAX: usize = 256;

/// The routes of this file.
pub fn routes() -> Router<Arc<Service>> {
    Router::new()
        .route("/sync/trigger", post(trigger))
        .route("/sync/start", post(start))
        .route("/sync/pause", post(pause))
        .route("/sync/status", get(status))
        .route("/sync/update-connection-frequency", put(frequency))
}

/// A sync as a request names it.
#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "a sync is `name`, `name::variant` or {name, variant}"
)]
enum Named {
    Text(String),
    Parts(Parts),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parts {
    name: SyncName,
    variant: Option<Variant>,
}

impl Named {
    fn read(self, part: Part) -> Answer<(SyncName, Variant)> {
        match self {
            Named::Parts(parts) => Ok((parts.name, parts.variant.unwrap_or_else(Variant::base))),
            Named::Text(text) => {
                status::split(&text).map_err(|error| Failure::invalid(part, "syncs", error.message))
            }
        }
    }
}

/// Which syncs a request is about.
struct Selected {
    environment: Environment,
    integration: Integration,
    connection: Option<ConnectionId>,
    names: Vec<(SyncName, Variant)>,
}

impl Selected {
    fn new(
        environment: Environment,
        integration: Integration,
        connection: Option<ConnectionId>,
        syncs: Vec<Named>,
        part: Part,
    ) -> Answer<Self> {
        if syncs.len() > SYNCS_MAX {
            let why = format!("they are {}, limit {SYNCS_MAX}", syncs.len());
            return Err(Failure::invalid(part, "syncs", why));
        }
        let names = syncs.into_iter().map(|sync| sync.read(part));
        Ok(Selected {
            environment,
            integration,
            connection,
            names: names.collect::<Answer<_>>()?,
        })
    }

    fn connection(&self) -> Option<ConnectionKey> {
        Some(ConnectionKey {
            environment: self.environment.clone(),
            integration: self.integration.clone(),
            connection: self.connection.clone()?,
        })
    }

    /// The rows: of the named syncs, or all where none is named. Fails where the
    /// integration or the connection is unknown, or where a name has no row.
    fn rows(&self, catalog: &Catalog) -> Answer<Vec<Arc<SyncRow>>> {
        catalog
            .integration(&self.environment, &self.integration)
            .map_err(|error| Failure::bad("unknown_provider_config", error.message))?;
        let connection = self.connection();
        if let Some(key) = &connection {
            catalog
                .connection(key)
                .map_err(|error| Failure::missing("unknown_connection", error.message))?;
        }
        let mut rows = catalog.syncs(
            &self.environment,
            Some(&self.integration),
            connection.as_ref(),
        );
        let is = |row: &SyncRow, name: &(SyncName, Variant)| {
            row.key.sync == name.0 && row.key.variant == name.1
        };
        for name in &self.names {
            if !rows.iter().any(|row| is(row, name)) {
                let what = format!("there is no sync `{}` with variant `{}`", name.0, name.1);
                return Err(Failure::bad("no_syncs_found", what));
            }
        }
        if !self.names.is_empty() {
            rows.retain(|row| self.names.iter().any(|name| is(row, name)));
        }
        Ok(rows)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TriggerBody {
    #[serde(default)]
    syncs: Vec<Named>,
    provider_config_key: Option<Integration>,
    connection_id: Option<ConnectionId>,
    opts: Option<Options>,
    sync_mode: Option<Mode>,
    full_resync: Option<bool>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    #[serde(default)]
    reset: bool,
    #[serde(default, rename = "emptyCache")]
    empty_cache: bool,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
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

/// `POST /sync/trigger`. Beside Nango's `success` it tells how many runs were asked for
/// and how many syncs were running already, where nothing new starts.
async fn trigger(
    Controller(environment): Controller,
    State(service): State<Arc<Service>>,
    Query(Nothing {}): Query<Nothing>,
    selection: Selection,
    body: Body,
) -> Answer<Json<Value>> {
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
    Ok(Json(
        json!({ "success": true, "queued": queued, "already_running": running }),
    ))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PauseBody {
    syncs: Vec<Named>,
    provider_config_key: Integration,
    connection_id: Option<ConnectionId>,
}

async fn start(
    Controller(environment): Controller,
    State(service): State<Arc<Service>>,
    Query(Nothing {}): Query<Nothing>,
    body: Body,
) -> Answer<Json<Value>> {
    for key in set_paused(&service, environment, body, false).await? {
        service
            .scheduler
            .trigger(&key, TriggerOptions::default())
            .await?;
    }
    Ok(Json(json!({ "success": true })))
}

async fn pause(
    Controller(environment): Controller,
    State(service): State<Arc<Service>>,
    Query(Nothing {}): Query<Nothing>,
    body: Body,
) -> Answer<Json<Value>> {
    set_paused(&service, environment, body, true).await?;
    Ok(Json(json!({ "success": true })))
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StatusQuery {
    syncs: String,
    provider_config_key: Integration,
    connection_id: Option<ConnectionId>,
}

async fn status(
    Reader(environment): Reader,
    State(service): State<Arc<Service>>,
    Query(query): Query<StatusQuery>,
) -> Answer<Json<Value>> {
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
    Ok(Json(json!({ "syncs": syncs })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FrequencyBody {
    sync_name: String,
    sync_variant: Option<Variant>,
    provider_config_key: Integration,
    connection_id: ConnectionId,
    #[serde(deserialize_with = "nullable")]
    frequency: Option<String>,
}

/// `PUT /sync/update-connection-frequency`. Takes `cron: …` too, which Nango does not.
async fn frequency(
    Controller(environment): Controller,
    State(service): State<Arc<Service>>,
    Query(Nothing {}): Query<Nothing>,
    body: Body,
) -> Answer<Json<Value>> {
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
    Ok(Json(json!({ "frequency": frequency })))
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
