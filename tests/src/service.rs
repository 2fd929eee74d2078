//! `tidegate serve` as a process: started, stopped, killed and started again in the same
//! folder, and asked over HTTP as its operator and apps do.

use crate::Tidegate;
use crate::process::{Ended, Running};
use anyhow::{Context, Result, ensure};
use reqwest::{Client, Method, RequestBuilder, Url};
use serde_json::Value;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

/// Looks at what is waited for before it is given up.
const LOOKS: usize = 1_200;
/// Time between two looks.
const LOOK: Duration = Duration::from_millis(50);

/// A host that can be started, stopped and killed; its folder stays.
pub struct Service {
    folder: TempDir,
    port: u16,
    variables: Vec<(&'static str, String)>,
    running: Option<Running>,
    client: Client,
}

/// What an operator sends.
pub enum Body<'a> {
    /// JSON.
    Json(Value),
    /// A component.
    Component(&'a [u8]),
}

impl Service {
    /// A host that is not started yet. Its webhooks may reach the app at this URL, which
    /// is on loopback.
    pub fn new(app: &str) -> Result<Self> {
        // A second install is refused and changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let app_port = Url::parse(app)?.port().context("the app has a port")?;
        // Free now, and nobody else's for as long as the test is lucky.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let app = format!("http://127.0.0.1:{app_port}");
        Ok(Service {
            folder: tempfile::tempdir()?,
            port,
            variables: vec![
                ("TIDEGATE_LISTEN", format!("127.0.0.1:{port}")),
                ("TIDEGATE_WEBHOOK_ALLOW_HOSTS", app),
                ("TIDEGATE_WEBHOOK_ALLOW_HTTP", "true".to_owned()),
            ],
            running: None,
            client: Client::builder().no_proxy().build()?,
        })
    }

    /// One more variable of its environment.
    pub fn env(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.variables.push((name, value.into()));
        self
    }

    /// Starts it, and waits until it listens.
    pub async fn start(&mut self) -> Result<()> {
        let mut program = Tidegate::new(["serve"]).folder(self.folder.path());
        for (name, value) in &self.variables {
            program = program.env(name, value);
        }
        let mut running = program.start();
        for _ in 0..LOOKS {
            ensure!(!running.has_ended(), "it ended: {}", running.stderr());
            if running.stdout().contains("listens") {
                self.running = Some(running);
                return Ok(());
            }
            tokio::time::sleep(LOOK).await;
        }
        anyhow::bail!("it does not listen: {}", running.stderr())
    }

    /// Kills it, as a crash does: nothing is told.
    pub fn kill(&mut self) {
        if let Some(running) = self.running.take() {
            running.kill();
        }
    }

    /// Stops it, as an operator does: it ends by itself, with success.
    pub async fn stop(&mut self) -> Result<Ended> {
        let running = self.running.take().context("it runs")?;
        running.interrupt();
        let ended = tokio::task::spawn_blocking(move || running.wait()).await?;
        ensure!(
            ended.code() == Some(0),
            "{:?}: {}",
            ended.code(),
            ended.stderr
        );
        Ok(ended)
    }

    /// The folder that it runs in.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The folder of all that it keeps.
    pub fn data(&self) -> PathBuf {
        self.folder().join(".tidegate")
    }

    /// The folder that it ran in, which goes with the answer.
    pub fn into_folder(self) -> TempDir {
        self.folder
    }

    /// What it has logged so far, since it was started last.
    pub fn stderr(&self) -> String {
        let running = self.running.as_ref();
        running.map(Running::stderr).unwrap_or_default()
    }

    /// The operator's key.
    pub fn operator_key(&self) -> Result<String> {
        let text = std::fs::read_to_string(self.data().join("operator-key"))?;
        Ok(text.trim().to_owned())
    }

    /// A request with a key.
    pub fn request(&self, method: Method, path: &str, key: &str) -> RequestBuilder {
        let url = format!("http://127.0.0.1:{}{path}", self.port);
        self.client.request(method, url).bearer_auth(key)
    }

    /// What the operator sets up or asks in an environment; it must succeed.
    pub async fn operator(
        &self,
        method: Method,
        environment: &str,
        path: &str,
        body: Body<'_>,
    ) -> Result<Value> {
        let (kind, bytes) = match body {
            Body::Json(value) => ("application/json", value.to_string().into_bytes()),
            Body::Component(bytes) => ("application/wasm", bytes.to_vec()),
        };
        let request = self
            .request(method, path, &self.operator_key()?)
            .header("tidegate-environment", environment)
            .header("content-type", kind)
            .body(bytes);
        done(request).await
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
}

/// Sends a request that must succeed; its answer is JSON.
pub async fn done(request: RequestBuilder) -> Result<Value> {
    let answer = request.send().await?;
    let (status, path) = (answer.status(), answer.url().path().to_owned());
    let text = answer.text().await?;
    ensure!(status.is_success(), "{path}: {status} {text}");
    Ok(serde_json::from_str(&text)?)
}
