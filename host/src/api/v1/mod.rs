//! `/v1/…`: what Nango's API lacks. Environments, keys, integrations, deployments, runs
//! with their logs, webhooks and the host's health.
//!
//! Failures carry the codes of [`crate::error::Code`]. Lists page by cursor: ask again
//! with `next` until it is null.

mod connections;
mod deployments;
mod environments;
mod health;
mod integrations;
mod keys;
mod live;
mod metrics;
mod runs;
mod webhooks;

pub use deployments::COMPONENT_TIME;

use super::Service;
use super::error::{Answer, Failure, Part};
use super::observe::HttpMetrics;
use super::read::only_json;
use axum::Router;
use axum::middleware::from_fn;
use std::sync::Arc;

/// Entries of a page where the request names no number.
const PAGE_DEFAULT: usize = 100;
/// Entries of a page at most; more is refused.
const PAGE_MAX: usize = 1_000;

/// The routes of `/v1` and of the host's health.
pub fn routes() -> Router<Arc<Service>> {
    let of_json = Router::new()
        .merge(environments::routes())
        .merge(keys::routes())
        .merge(integrations::routes())
        .merge(connections::routes())
        .merge(deployments::routes())
        .merge(runs::routes())
        .merge(webhooks::routes());
    Router::new()
        .merge(of_json.layer(from_fn(only_json)))
        .merge(deployments::upload())
        .merge(health::routes())
}

/// The routes that are left when the client leaves, and what is shown of the host.
pub fn waiting(service: &Service, http: &HttpMetrics) -> Router<Arc<Service>> {
    let places = live::Places::default();
    let metrics = metrics::Metrics::new(service, http, places.clone());
    live::routes(places).merge(metrics::routes(Arc::new(metrics)))
}

/// How many entries a page has, from what was asked for.
fn page_limit(asked: Option<usize>) -> Answer<usize> {
    match asked {
        None => Ok(PAGE_DEFAULT),
        Some(limit) if (1..=PAGE_MAX).contains(&limit) => Ok(limit),
        Some(limit) => {
            let why = format!("it is {limit}, but needs 1 to {PAGE_MAX}");
            Err(Failure::invalid(Part::Query, "limit", why))
        }
    }
}
