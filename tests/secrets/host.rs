//! The program as a service with all of its log, set up over HTTP.

use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use tempfile::TempDir;
use tidegate_tests::process::Ended;
use tidegate_tests::service::{Body, Service};
use tokio::time::timeout;

/// How long nothing comes once a stream has told what there is.
const QUIET: Duration = Duration::from_secs(1);

pub const ENVIRONMENT: &str = "north";
pub const CONNECTION: &str = "acme";

pub struct Host(Service);

impl Host {
    pub async fn start(app: &str) -> Result<Self> {
        let mut service = Service::new(app)?.env("TIDEGATE_LOG", "trace");
        service.start().await?;
        Ok(Host(service))
    }

    pub fn stderr(&self) -> String {
        self.0.stderr()
    }

    pub fn operator_key(&self) -> Result<String> {
        self.0.operator_key()
    }

    /// Waits until something holds.
    pub async fn until(&self, what: &str, holds: impl AsyncFn() -> Result<bool>) -> Result<()> {
        self.0.until(what, holds).await
    }

    /// A request; its status and whole body, or that of a stream until it is quiet.
    pub async fn send(&self, method: Method, path: &str, key: &str) -> Result<(u16, String)> {
        let request = self
            .0
            .request(method, path, key)
            .header("tidegate-environment", ENVIRONMENT)
            .header("connection-id", CONNECTION)
            .header("provider-config-key", "plain");
        let mut answer = request.send().await?;
        let status = answer.status().as_u16();
        let kind = answer.headers().get("content-type");
        if kind.is_none_or(|kind| kind != "text/event-stream") {
            return Ok((status, answer.text().await?));
        }
        let mut text = String::new();
        while let Ok(chunk) = timeout(QUIET, answer.chunk()).await {
            let chunk = chunk?.context("the stream ended")?;
            text.push_str(&String::from_utf8_lossy(&chunk));
        }
        Ok((status, text))
    }

    /// What the operator sets up: JSON, or a component.
    pub async fn set(&self, method: Method, path: &str, body: Body<'_>) -> Result<Value> {
        self.0.operator(method, ENVIRONMENT, path, body).await
    }

    pub async fn trigger(&self, integration: &str) -> Result<()> {
        let body = json!({
            "syncs": ["users"],
            "provider_config_key": integration,
            "connection_id": CONNECTION,
        });
        self.set(Method::POST, "/sync/trigger", Body::Json(body))
            .await?;
        Ok(())
    }

    /// The runs that ended, well or otherwise.
    pub async fn ended(&self, well: bool) -> Result<Vec<Value>> {
        let (_, text) = self
            .send(Method::GET, "/v1/runs?limit=100", &self.operator_key()?)
            .await?;
        let answer: Value = serde_json::from_str(&text)?;
        let runs = answer["runs"].as_array().context("no runs")?.iter();
        let ended = runs.filter(|run| {
            run["ended"].is_string() && (run["state"]["ended"]["state"] == "success") == well
        });
        Ok(ended.cloned().collect())
    }

    /// Stops it; what it wrote, and its folder.
    pub async fn stop(mut self) -> Result<(Ended, TempDir)> {
        let ended = self.0.stop().await?;
        Ok((ended, self.0.into_folder()))
    }
}
