//! The program as a service, and what an operator and apps ask of it.

use crate::copy::AppCopy;
use crate::{LOOK, LOOKS};
use anyhow::Result;
use reqwest::Method;
use serde_json::{Value, json};
use tidegate_tests::service::{self, Body, Service};

/// The integration of every environment.
pub const INTEGRATION: &str = "workspace";
/// The connection of every environment.
pub const CONNECTION: &str = "acme";
/// The sync that is released.
pub const SYNC: &str = "users";

/// A host, and the app that it tells of runs.
pub struct Host {
    service: Service,
    app: String,
}

impl Host {
    pub fn new(app: String) -> Result<Self> {
        let service = Service::new(&app)?;
        Ok(Host { service, app })
    }

    pub async fn start(&mut self) -> Result<()> {
        self.service.start().await
    }

    pub fn kill(&mut self) {
        self.service.kill();
    }

    pub async fn stop(&mut self) -> Result<()> {
        self.service.stop().await.map(drop)
    }

    /// A request of the app, with its own key.
    pub async fn ask(
        &self,
        copy: &AppCopy,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Value> {
        let mut request = self
            .service
            .request(method, path, &copy.key)
            .header("connection-id", CONNECTION)
            .header("provider-config-key", INTEGRATION);
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        service::done(request).await
    }

    /// Adds an environment; answers what is shown once.
    pub async fn add_environment(&self, name: &str) -> Result<Value> {
        let body = json!({
            "name": name,
            "resources": { "memory_mib": 256, "runs": 2 },
            "webhooks": { "primary_url": self.app },
        });
        self.service
            .operator(Method::POST, name, "/v1/environments", Body::Json(body))
            .await
    }

    /// Sets up an integration and a connection, and releases a component.
    pub async fn set_up(&self, environment: &str, provider: &str, sync: &[u8]) -> Result<()> {
        let integration = json!({ "base_url": provider, "allow_http": true });
        for (method, path, body) in [
            (
                Method::PUT,
                format!("/v1/integrations/{INTEGRATION}"),
                Body::Json(integration),
            ),
            (
                Method::PUT,
                format!("/v1/connections/{INTEGRATION}/{CONNECTION}"),
                Body::Json(json!({})),
            ),
            (
                Method::POST,
                format!("/v1/deployments?integration={INTEGRATION}"),
                Body::Component(sync),
            ),
        ] {
            self.service
                .operator(method, environment, &path, body)
                .await?;
        }
        Ok(())
    }

    pub async fn trigger(&self, copy: &AppCopy, opts: Value) -> Result<()> {
        let mut body = syncs();
        body["opts"] = opts;
        self.ask(copy, Method::POST, "/sync/trigger", Some(body))
            .await?;
        Ok(())
    }

    pub async fn pause_and_start(&self, copy: &AppCopy) -> Result<()> {
        for path in ["/sync/pause", "/sync/start"] {
            self.ask(copy, Method::POST, path, Some(syncs())).await?;
        }
        Ok(())
    }

    async fn status(&self, copy: &AppCopy) -> Result<Value> {
        let path = format!(
            "/sync/status?syncs={SYNC}&provider_config_key={INTEGRATION}&connection_id={CONNECTION}"
        );
        let answer = self.ask(copy, Method::GET, &path, None).await?;
        Ok(answer["syncs"][0].clone())
    }

    /// Runs that ended well, as the operator sees them.
    async fn runs(&self, copy: &AppCopy) -> Result<Vec<Value>> {
        let answer = self.ask(copy, Method::GET, "/v1/runs?limit=100", None);
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

fn syncs() -> Value {
    json!({
        "syncs": [SYNC],
        "provider_config_key": INTEGRATION,
        "connection_id": CONNECTION,
    })
}
