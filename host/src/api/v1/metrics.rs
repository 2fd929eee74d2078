//! `GET /metrics`: how the host fares, in OpenMetrics text, for the operator's key alone.
//! Names follow OpenTelemetry's conventions.
//!
//! Each part counts what it does itself ([`RunMetrics`](crate::schedule::RunMetrics),
//! [`WebhookMetrics`](crate::webhook::WebhookMetrics), `HttpMetrics`); what has a state is
//! asked for it when somebody looks. Counters start at 0 with the process.
//!
//! IMPORTANT: no label holds what a customer named: no environment, connection,
//! integration, sync, model or URL. `tests/live` holds this.

use super::live::Places;
use crate::api::Service;
use crate::api::auth::Operator;
use crate::api::document::Routes;
use crate::api::error::{Answer, Failure};
use crate::api::observe::HttpMetrics;
use crate::api::read::{Nothing, Query};
use crate::limits::KIB;
use crate::store::Health;
use axum::Extension;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use std::sync::Arc;
use utoipa_axum::routes;

/// The form of the answer, as OpenMetrics names it.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Where Linux tells what the process takes.
const PROCESS_STATUS: &str = "/proc/self/status";

/// All that is shown.
pub struct Metrics {
    registry: Registry,
    active: Gauge,
    queued: Gauge,
    healthy: Gauge,
    streams: Gauge,
    memory: Gauge,
    places: Places,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Build {
    version: &'static str,
}

impl Metrics {
    /// Of this host: what its parts count, and what is asked for at each look.
    pub fn new(service: &Service, http: &HttpMetrics, places: Places) -> Self {
        let mut registry = Registry::default();
        service.scheduler.metrics().register(&mut registry);
        if let Some(webhooks) = service.webhooks.metrics() {
            webhooks.register(&mut registry);
        }
        http.register(&mut registry);
        let version = env!("CARGO_PKG_VERSION");
        let build = Info::new(Build { version });
        registry.register("tidegate_build", "What runs", build);
        let metrics = Metrics {
            active: gauge(&mut registry, "tidegate_runs_active", "Runs under way"),
            queued: gauge(
                &mut registry,
                "tidegate_runs_queued",
                "Syncs that are due and wait for room",
            ),
            healthy: gauge(
                &mut registry,
                "tidegate_store_healthy",
                "1 while the store takes writes, else 0",
            ),
            streams: gauge(
                &mut registry,
                "tidegate_feed_readers",
                "Readers that wait for changes, by stream or by poll",
            ),
            memory: Gauge::default(),
            places,
            registry,
        };
        metrics.with_memory()
    }

    /// Adds the process's memory, where the system tells it.
    fn with_memory(mut self) -> Self {
        if resident_bytes().is_some() {
            self.registry.register_with_unit(
                "process_resident_memory",
                "Memory of the process that is in RAM",
                Unit::Bytes,
                self.memory.clone(),
            );
        }
        self
    }

    fn text(&self, service: &Service) -> Answer<String> {
        self.active.set(signed(service.scheduler.running()));
        self.queued.set(signed(service.scheduler.queued()));
        let healthy = matches!(service.store.health(), Health::Good);
        self.healthy.set(healthy.into());
        self.streams.set(signed(self.places.taken()));
        if let Some(bytes) = resident_bytes() {
            self.memory.set(bytes);
        }
        let mut text = String::new();
        encode(&mut text, &self.registry).map_err(Failure::internal)?;
        Ok(text)
    }
}

fn gauge(registry: &mut Registry, name: &str, help: &str) -> Gauge {
    let gauge = Gauge::default();
    registry.register(name, help, gauge.clone());
    gauge
}

fn signed(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Memory of this process that is in RAM, in bytes; none where the system does not tell.
fn resident_bytes() -> Option<i64> {
    let status = std::fs::read_to_string(PROCESS_STATUS).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    i64::try_from(kib.saturating_mul(KIB)).ok()
}

/// The routes of this file. They need [`Metrics`] as an extension.
pub fn routes() -> Routes {
    Routes::new().routes(routes!(metrics))
}

/// What the host counts, as OpenMetrics text.
#[utoipa::path(
    get,
    path = "/metrics",
    security(("operator" = [])),
    responses((status = 200, body = String, content_type = "application/openmetrics-text")),
)]
async fn metrics(
    Operator: Operator,
    State(service): State<Arc<Service>>,
    Extension(metrics): Extension<Arc<Metrics>>,
    Query(Nothing {}): Query<Nothing>,
) -> Answer<Response> {
    let text = metrics.text(&service)?;
    Ok(([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response())
}
