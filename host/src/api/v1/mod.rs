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

pub use deployments::{COMPONENT_TIME, Uploads};
pub use live::Places;
pub use metrics::Metrics;

use super::document::{Routes, group, number};
use super::error::{Answer, Failure, Part};
use super::read::only_json;
use axum::middleware::from_fn;
use utoipa::openapi::schema::Object;

/// Entries of a page where the request names no number.
const PAGE_DEFAULT: usize = 100;
/// Entries of a page at most; more is refused.
const PAGE_MAX: usize = 1_000;

/// The routes of `/v1` that are finished once they were begun.
pub fn routes() -> Routes {
    let of_json = Routes::new()
        .merge(group("environments", environments::routes()))
        .merge(group("keys", keys::routes()))
        .merge(group("v1 integrations", integrations::routes()))
        .merge(group("v1 connections", connections::routes()))
        .merge(group("deployments", deployments::routes()))
        .merge(group("runs", runs::routes()))
        .merge(group("webhooks", webhooks::routes()));
    Routes::new()
        .merge(of_json.layer(from_fn(only_json)))
        .merge(group("deployments", deployments::upload()))
}

/// The routes that are left when the client leaves.
pub fn waiting() -> Routes {
    group("feed", live::routes())
}

/// What is shown of the host.
pub fn of_the_host() -> Routes {
    group("host", health::routes().merge(metrics::routes()))
}

/// The schema of [`page_limit`].
fn limit_schema() -> Object {
    number(1, PAGE_MAX)
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
