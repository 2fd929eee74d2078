//! The program as a service with all of its log, set up over HTTP.

use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::{Value, json};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;
use tidegate_tests::Tidegate;
use tidegate_tests::process::{Ended, Running};

/// Looks at what is waited for before it is given up.
const LOOKS: usize = 1_200;
/// Time between two looks.
const LOOK: Duration = Duration::from_millis(50);

pub const ENVIRONMENT: &str = "north";
pub const CONNECTION: &str = "acme";

pub struct Host {
    folder: TempDir,
    port: u16,
    running: Running,
    client: reqwest::Client,
}

impl Host {
    pub async fn start(app: &str) -> Result<Self> {
        // Free now, and nobody else's for as long as the test is lucky.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let folder = tempfile::tempdir()?;
        let running = Tidegate::new(["serve"])
            .folder(folder.path())
            .env("TIDEGATE_LISTEN", format!("127.0.0.1:{port}"))
            .env("TIDEGATE_WEBHOOK_ALLOW_HOSTS", app)
            .env("TIDEGATE_WEBHOOK_ALLOW_HTTP", "true")
            .env("TIDEGATE_LOG", "trace")
            .start();
        let host = Host {
            folder,
            port,
            running,
            client: reqwest::Client::new(),
        };
        host.until("it listens", async || {
            Ok(host.running.stdout().contains("listens"))
        })
        .await?;
        Ok(host)
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn stderr(&self) -> String {
        self.running.stderr()
    }

    pub fn operator_key(&self) -> Result<String> {
        let text = std::fs::read_to_string(self.data().join("operator-key"))?;
        Ok(text.trim().to_owned())
    }

    /// The folder of all that it keeps.
    pub fn data(&self) -> PathBuf {
        self.folder().join(".tidegate")
    }

    /// Waits until something holds.
    pub async fn until(&self, what: &str, holds: impl AsyncFn() -> Result<bool>) -> Result<()> {
        for _ in 0..LOOKS {
            if holds().await? {
                return Ok(());
            }
            tokio::time::sleep(LOOK).await;
        }
        let log = self.stderr();
        let lines: Vec<&str> = log.lines().filter(|line| !line.contains("TRACE")).collect();
        anyhow::bail!("never: {what}\n{}", lines.join("\n"))
    }

    /// A request; its status and whole body.
    pub async fn send(&self, method: Method, path: &str, key: &str) -> Result<(u16, String)> {
        let answer = self
            .client
            .request(method, format!("http://127.0.0.1:{}{path}", self.port))
            .bearer_auth(key)
            .header("tidegate-environment", ENVIRONMENT)
            .header("connection-id", CONNECTION)
            .header("provider-config-key", "plain")
            .send()
            .await?;
        let status = answer.status().as_u16();
        Ok((status, answer.text().await?))
    }

    /// What the operator sets up: JSON, or a component.
    pub async fn set(&self, method: Method, path: &str, body: Body<'_>) -> Result<Value> {
        let (kind, bytes) = match body {
            Body::Json(value) => ("application/json", value.to_string().into_bytes()),
            Body::Component(bytes) => ("application/wasm", bytes.to_vec()),
        };
        let answer = self
            .client
            .request(method, format!("http://127.0.0.1:{}{path}", self.port))
            .bearer_auth(self.operator_key()?)
            .header("tidegate-environment", ENVIRONMENT)
            .header("content-type", kind)
            .body(bytes)
            .send()
            .await?;
        let status = answer.status();
        let text = answer.text().await?;
        anyhow::ensure!(status.is_success(), "{path}: {status} {text}");
        Ok(serde_json::from_str(&text)?)
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
    pub async fn stop(self) -> Result<(Ended, TempDir)> {
        self.running.interrupt();
        let running = self.running;
        let ended = tokio::task::spawn_blocking(move || running.wait()).await?;
        anyhow::ensure!(ended.code() == Some(0), "it ended with {:?}", ended.code());
        Ok((ended, self.folder))
    }
}

pub enum Body<'a> {
    Json(Value),
    Component(&'a [u8]),
}
