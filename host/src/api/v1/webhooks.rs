//! Webhooks on their way and over, and sending one again.

use super::page_limit;
use crate::api::Service;
use crate::api::auth::{Manager, Reader};
use crate::api::error::{Answer, Failure};
use crate::api::read::{At, Nothing, Query, from_text};
use crate::error::{Code, Error};
use crate::model::{Delivery, DeliveryId};
use crate::store::DeliveryQuery;
use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// The routes of this file.
pub fn routes() -> Router<Arc<Service>> {
    Router::new()
        .route("/v1/webhooks", get(list))
        .route("/v1/webhooks/{id}/replay", post(replay))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    state: Stage,
    #[serde(default, deserialize_with = "from_text")]
    after: Option<DeliveryId>,
    #[serde(default, deserialize_with = "from_text")]
    limit: Option<usize>,
}

/// Which deliveries are asked for.
#[derive(PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Stage {
    /// Those that will be tried.
    Waiting,
    /// Those that were delivered or given up.
    Over,
}

fn shown(delivery: &Delivery) -> Answer<Value> {
    serde_json::to_value(delivery).map_err(Failure::internal)
}

async fn list(
    Reader(environment): Reader,
    State(service): State<Arc<Service>>,
    Query(query): Query<ListQuery>,
) -> Answer<Json<Value>> {
    let limit = page_limit(query.limit)?;
    let asked = DeliveryQuery {
        environment: Some(environment),
        waiting: query.state == Stage::Waiting,
        after: query.after,
        limit: limit + 1,
    };
    let mut found = service.store.deliveries(asked).await?;
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|delivery| delivery.id);
    let shown: Vec<Value> = found.iter().map(shown).collect::<Answer<_>>()?;
    Ok(Json(json!({ "webhooks": shown, "next": next })))
}

async fn replay(
    Manager(environment): Manager,
    State(service): State<Arc<Service>>,
    At(id): At<DeliveryId>,
    Query(Nothing {}): Query<Nothing>,
) -> Answer<Json<Value>> {
    let known = service.store.delivery(id).await?;
    if known.is_none_or(|delivery| delivery.connection.environment != environment) {
        return Err(Error::new(Code::NotFound, format!("there is no webhook `{id}`")).into());
    }
    let delivery = service.webhooks.replay(id).await?;
    Ok(Json(shown(&delivery)?))
}
