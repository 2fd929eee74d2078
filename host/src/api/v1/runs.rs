//! Runs: what each did, why it ended as it did, and its log.

use super::{limit_schema, page_limit};
use crate::api::Service;
use crate::api::answer::list as stream_list;
use crate::api::auth::Reader;
use crate::api::document::Routes;
use crate::api::error::{Answer, Failure, Part};
use crate::api::read::{At, Nothing, Query, from_text};
use crate::error::{Code, Error};
use crate::model::{
    ConnectionId, ConnectionKey, Environment, Integration, LogLine, RunId, RunRow, SyncKey,
    SyncName, Variant,
};
use crate::store::RunQuery;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

/// Runs that the store is asked for at once while those of one environment are looked for.
const LOOKED_AT_ONCE: usize = 500;
/// How often it is asked for one answer; then the answer is what was found, and when to go
/// on. 10,000 runs of other environments are passed over at the most, or those of one
/// second if there are more.
const LOOKS_MAX: usize = 20;

/// The routes of this file.
pub fn routes() -> Routes {
    Routes::new()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(log))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    integration: Option<Integration>,
    connection: Option<ConnectionId>,
    sync: Option<SyncName>,
    variant: Option<Variant>,
    #[serde(default, deserialize_with = "from_text")]
    before: Option<RunId>,
    #[serde(default, deserialize_with = "from_text")]
    #[param(schema_with = limit_schema)]
    limit: Option<usize>,
}

impl ListQuery {
    /// The sync whose runs are asked for; none for all of the environment.
    fn key(&self, environment: &Environment) -> Answer<Option<SyncKey>> {
        match (&self.integration, &self.connection, &self.sync) {
            (None, None, None) if self.variant.is_none() => Ok(None),
            (Some(integration), Some(connection), Some(sync)) => Ok(Some(SyncKey {
                connection: ConnectionKey {
                    environment: environment.clone(),
                    integration: integration.clone(),
                    connection: connection.clone(),
                },
                sync: sync.clone(),
                variant: self.variant.clone().unwrap_or_else(Variant::base),
            })),
            _ => Err(Failure::invalid(
                Part::Query,
                "sync",
                "name `integration`, `connection` and `sync` together, or none of them",
            )),
        }
    }
}

#[derive(Serialize, ToSchema)]
struct Runs {
    #[schema(value_type = Vec<RunRow>)]
    runs: Vec<Value>,
    /// Ask for those `before` this; null at the end.
    next: Option<RunId>,
}

/// Runs, newest first, without their post-mortems.
#[utoipa::path(
    get,
    path = "/v1/runs",
    params(ListQuery),
    security(("key" = ["read"])),
    responses((status = 200, body = Runs)),
)]
async fn list(
    Reader(environment): Reader,
    State(service): State<Arc<Service>>,
    Query(query): Query<ListQuery>,
) -> Answer<Json<Runs>> {
    let limit = page_limit(query.limit)?;
    let key = query.key(&environment)?;
    // Of one sync all are wanted; of an environment, some.
    let wanted = if key.is_some() {
        limit + 1
    } else {
        LOOKED_AT_ONCE
    };
    let (mut found, mut before, mut looks) = (Vec::new(), query.before, 0);
    let next = loop {
        let asked = RunQuery {
            key: key.clone(),
            before,
            limit: wanted,
        };
        let rows = service.store.runs(asked).await?;
        looks += 1;
        let last = rows.last().map(|row| row.id);
        let over = rows.len() < wanted;
        before = last.or(before);
        let own = |row: &RunRow| row.key.connection.environment == environment;
        found.extend(rows.into_iter().filter(own));
        if found.len() > limit {
            found.truncate(limit);
            break found.last().map(|row| row.id);
        }
        if over {
            break None;
        }
        // What was looked at last is another environment's: only its second is told, and
        // own runs of that second are found again.
        let second = last.map(RunId::following_second);
        let is_further = query.before.is_none_or(|asked| second < Some(asked));
        if looks >= LOOKS_MAX && is_further {
            found.retain(|row| Some(row.id) >= second);
            break second;
        }
    };
    let runs = found.iter().map(short).collect::<Answer<_>>()?;
    Ok(Json(Runs { runs, next }))
}

/// A run as lists show it.
fn short(row: &RunRow) -> Answer<Value> {
    let mut value = whole(row)?;
    if let Value::Object(fields) = &mut value {
        fields.remove("post_mortem");
    }
    Ok(value)
}

fn whole(row: &RunRow) -> Answer<Value> {
    serde_json::to_value(row).map_err(Failure::internal)
}

/// The run of that id, if it is one of this environment.
async fn find(service: &Service, environment: &Environment, id: RunId) -> Answer<RunRow> {
    let row = service.store.run(id).await?;
    let own = row.filter(|row| row.key.connection.environment == *environment);
    own.ok_or_else(|| Error::new(Code::NotFound, format!("there is no run `{id}`")).into())
}

/// One run, with its post-mortem.
#[utoipa::path(
    get,
    path = "/v1/runs/{id}",
    params(("id" = RunId, Path)),
    security(("key" = ["read"])),
    responses((status = 200, body = RunRow)),
)]
async fn show(
    Reader(environment): Reader,
    State(service): State<Arc<Service>>,
    At(id): At<RunId>,
    Query(Nothing {}): Query<Nothing>,
) -> Answer<Json<Value>> {
    whole(&find(&service, &environment, id).await?).map(Json)
}

/// The log of a run.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "only its schema is used: a log is written while it is sent"
)]
struct RunLog {
    lines: Vec<LogLine>,
}

/// The log of a run.
#[utoipa::path(
    get,
    path = "/v1/runs/{id}/log",
    params(("id" = RunId, Path)),
    security(("key" = ["read"])),
    responses((status = 200, body = RunLog)),
)]
async fn log(
    Reader(environment): Reader,
    State(service): State<Arc<Service>>,
    At(id): At<RunId>,
    Query(Nothing {}): Query<Nothing>,
) -> Answer<Response> {
    find(&service, &environment, id).await?;
    let lines = service.store.run_log(id).await?;
    Ok(stream_list(
        "{\"lines\":[".into(),
        lines,
        "]}".into(),
        |line, out| {
            serde_json::to_writer(out, line)
                .map_err(|error| Error::new(Code::Internal, error.to_string()))
        },
    ))
}
