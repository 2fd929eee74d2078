//! Webhooks on their way and over, and sending one again.

use super::{limit_schema, page_limit};
use crate::api::Service;
use crate::api::auth::{Manager, Reader};
use crate::api::document::Routes;
use crate::api::error::Answer;
use crate::api::read::{At, Nothing, Query, from_text};
use crate::error::{Code, Error};
use crate::model::{Delivery, DeliveryId};
use crate::store::DeliveryQuery;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

/// The routes of this file.
pub fn routes() -> Routes {
    Routes::new().routes(routes!(list)).routes(routes!(replay))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    #[param(inline)]
    state: Stage,
    #[serde(default, deserialize_with = "from_text")]
    after: Option<DeliveryId>,
    #[serde(default, deserialize_with = "from_text")]
    #[param(schema_with = limit_schema)]
    limit: Option<usize>,
}

/// Which deliveries are asked for.
#[derive(PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Stage {
    /// Those that will be tried.
    Waiting,
    /// Those that were delivered or given up.
    Over,
}

#[derive(Serialize, ToSchema)]
struct Webhooks {
    webhooks: Vec<Delivery>,
    /// Ask for those `after` this; null at the end.
    next: Option<DeliveryId>,
}

/// Webhooks that wait, or are over.
#[utoipa::path(
    get,
    path = "/v1/webhooks",
    params(ListQuery),
    security(("key" = ["read"])),
    responses((status = 200, body = Webhooks)),
)]
async fn list(
    Reader(environment): Reader,
    State(service): State<Arc<Service>>,
    Query(query): Query<ListQuery>,
) -> Answer<Json<Webhooks>> {
    let limit = page_limit(query.limit)?;
    let asked = DeliveryQuery {
        environment: Some(environment),
        waiting: query.state == Stage::Waiting,
        after: query.after,
        limit: limit + 1,
    };
    let mut webhooks = service.store.deliveries(asked).await?;
    let more = webhooks.len() > limit;
    webhooks.truncate(limit);
    let next = webhooks.last().filter(|_| more).map(|last| last.id);
    Ok(Json(Webhooks { webhooks, next }))
}

/// Sends a webhook again, whatever became of it.
#[utoipa::path(
    post,
    path = "/v1/webhooks/{id}/replay",
    params(("id" = DeliveryId, Path)),
    security(("key" = ["manage"])),
    responses((status = 200, body = Delivery)),
)]
async fn replay(
    Manager(environment): Manager,
    State(service): State<Arc<Service>>,
    At(id): At<DeliveryId>,
    Query(Nothing {}): Query<Nothing>,
) -> Answer<Json<Delivery>> {
    let known = service.store.delivery(id).await?;
    if known.is_none_or(|delivery| delivery.connection.environment != environment) {
        return Err(Error::new(Code::NotFound, format!("there is no webhook `{id}`")).into());
    }
    Ok(Json(service.webhooks.replay(id).await?))
}
