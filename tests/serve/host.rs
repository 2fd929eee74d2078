//! The program as a service, and what an operator and apps ask of it.

use crate::copy::AppCopy;
use crate::{LOOK, LOOKS};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::net::TcpListener;
use tempfile::TempDir;
use tidegate_tests::Tidegate;
use tidegate_tests::process::Running;

/// The integration of every environment.
pub const INTEGRATION: &str = "workspace";
/// The connection of every environment.
pub const CONNECTION: &str = "acme";
/// The sync that is released.
pub const SYNC: &str = "users";

/// A host that can be started, stopped and killed; its folder stays.
pub struct Host {
    folder: TempDir,
    port: u16,
    app: String,
    running: Option<Running>,
    client: reqwest::Client,
}

impl Host {
    pub fn new(app: String) -> Result<Self> {
        // Free now, and nobody else's for as long as the test is lucky.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        Ok(Host {
            folder: tempfile::tempdir()?,
            port,
            app,
            running: None,
            client: reqwest::Client::new(),
        })
    }

    pub async fn start(&mut self) -> Result<()> {
        let app = reqwest::Url::parse(&self.app)?;
        let app_port = app.port().context("the app has a port")?;
        let mut running = Tidegate::new(["serve"])
            .folder(self.folder.path())
            .env("TIDEGATE_LISTEN", format!("127.0.0.1:{}", self.port))
            .env(
                "TIDEGATE_WEBHOOK_ALLOW_HOSTS",
                format!("http://127.0.0.1:{app_port}"),
            )
            .env("TIDEGATE_WEBHOOK_ALLOW_HTTP", "true")
            .start();
        for _ in 0..LOOKS {
            anyhow::ensure!(!running.has_ended(), "it ended: {}", running.stderr());
            if running.stdout().contains("listens") {
                self.running = Some(running);
                return Ok(());
            }
            tokio::time::sleep(LOOK).await;
        }
        anyhow::bail!("it does not listen: {}", running.stderr())
    }

    /// As a crash: nothing is told.
    pub fn kill(&mut self) {
        if let Some(running) = self.running.take() {
            running.kill();
        }
    }

    /// As an operator: it ends by itself, with success.
    pub async fn stop(&mut self) -> Result<()> {
        let running = self.running.take().context("it runs")?;
        running.interrupt();
        let ended = tokio::task::spawn_blocking(move || running.wait()).await?;
        anyhow::ensure!(
            ended.code() == Some(0),
            "{:?}: {}",
            ended.code(),
            ended.stderr
        );
        Ok(())
    }

    /// A request with the operator's key.
    async fn operator(
        &self,
        method: reqwest::Method,
        environment: &str,
        path: &str,
        body: reqwest::Body,
        kind: &str,
    ) -> Result<Value> {
        let key = std::fs::read_to_string(self.folder.path().join(".tidegate/operator-key"))?;
        let answer = self
            .client
            .request(method, format!("http://127.0.0.1:{}{path}", self.port))
            .bearer_auth(key.trim())
            .header("tidegate-environment", environment)
            .header("content-type", kind)
            .body(body)
            .send()
            .await?;
        let status = answer.status();
        let text = answer.text().await?;
        anyhow::ensure!(status.is_success(), "{path}: {status} {text}");
        Ok(serde_json::from_str(&text)?)
    }

    /// A request of the app, with its own key.
    pub async fn ask(
        &self,
        copy: &AppCopy,
        method: reqwest::Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Value> {
        let mut request = self
            .client
            .request(method, format!("http://127.0.0.1:{}{path}", self.port))
            .bearer_auth(&copy.key)
            .header("connection-id", CONNECTION)
            .header("provider-config-key", INTEGRATION);
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        let answer = request.send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        anyhow::ensure!(status.is_success(), "{path}: {status} {text}");
        Ok(serde_json::from_str(&text)?)
    }

    /// Adds an environment; answers what is shown once.
    pub async fn add_environment(&self, name: &str) -> Result<Value> {
        let body = json!({
            "name": name,
            "resources": { "memory_mib": 256, "runs": 2 },
            "webhooks": { "primary_url": self.app },
        });
        let body = body.to_string().into();
        self.operator(reqwest::Method::POST, name, "/v1/environments", body, JSON)
            .await
    }

    /// Sets up an integration and a connection, and releases a component.
    pub async fn set_up(&self, environment: &str, provider: &str, sync: &[u8]) -> Result<()> {
        let integration = json!({ "base_url": provider, "allow_http": true });
        let path = format!("/v1/integrations/{INTEGRATION}");
        self.operator(
            reqwest::Method::PUT,
            environment,
            &path,
            integration.to_string().into(),
            JSON,
        )
        .await?;
        let path = format!("/v1/connections/{INTEGRATION}/{CONNECTION}");
        self.operator(reqwest::Method::PUT, environment, &path, "{}".into(), JSON)
            .await?;
        let path = format!("/v1/deployments?integration={INTEGRATION}");
        let component = sync.to_vec().into();
        self.operator(
            reqwest::Method::POST,
            environment,
            &path,
            component,
            "application/wasm",
        )
        .await?;
        Ok(())
    }

    pub async fn trigger(&self, copy: &AppCopy, opts: Value) -> Result<()> {
        let mut body = syncs();
        body["opts"] = opts;
        self.ask(copy, reqwest::Method::POST, "/sync/trigger", Some(body))
            .await?;
        Ok(())
    }

    pub async fn pause_and_start(&self, copy: &AppCopy) -> Result<()> {
        for path in ["/sync/pause", "/sync/start"] {
            self.ask(copy, reqwest::Method::POST, path, Some(syncs()))
                .await?;
        }
        Ok(())
    }

    async fn status(&self, copy: &AppCopy) -> Result<Value> {
        let path = format!(
            "/sync/status?syncs={SYNC}&provider_config_key={INTEGRATION}&connection_id={CONNECTION}"
        );
        let answer = self.ask(copy, reqwest::Method::GET, &path, None).await?;
        Ok(answer["syncs"][0].clone())
    }

    /// Runs that ended well, as the operator sees them.
    async fn runs(&self, copy: &AppCopy) -> Result<Vec<Value>> {
        let answer = self.ask(copy, reqwest::Method::GET, "/v1/runs?limit=100", None);
        Ok(answer.await?["runs"]
            .as_array()
            .cloned()
            .unwrap_or_default())
    }

    /// Waits until at least `count` runs ended well.
    pub async fn until_synced(&self, copy: &AppCopy, count: usize) -> Result<()> {
        for _ in 0..LOOKS {
            let runs = self.runs(copy).await?;
            let well = runs
                .iter()
                .filter(|run| run["state"]["ended"]["state"] == "success");
            if well.count() >= count {
                return Ok(());
            }
            tokio::time::sleep(LOOK).await;
        }
        anyhow::bail!(
            "no run of {} ended well: {:?}",
            copy.environment,
            self.runs(copy).await?
        )
    }

    /// Waits until nothing runs, asks for one more run, and waits for its good end.
    pub async fn sync_to_the_end(&self, copy: &AppCopy) -> Result<()> {
        for _ in 0..LOOKS {
            if self.status(copy).await?["status"] != "RUNNING" {
                break;
            }
            tokio::time::sleep(LOOK).await;
        }
        let before = self.runs(copy).await?;
        let newest = before.first().map(|run| run["id"].clone());
        self.trigger(copy, json!({})).await?;
        for _ in 0..LOOKS {
            let runs = self.runs(copy).await?;
            let newer = runs
                .iter()
                .take_while(|run| Some(&run["id"]) != newest.as_ref());
            let mut well = newer.filter(|run| run["state"]["ended"]["state"] == "success");
            if well.next().is_some() {
                return Ok(());
            }
            tokio::time::sleep(LOOK).await;
        }
        anyhow::bail!(
            "the last run did not end well: {:?}",
            self.runs(copy).await?
        )
    }
}

const JSON: &str = "application/json";

fn syncs() -> Value {
    json!({
        "syncs": [SYNC],
        "provider_config_key": INTEGRATION,
        "connection_id": CONNECTION,
    })
}
