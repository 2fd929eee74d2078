//! A host that serves: all parts but the disk.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;
use tidegate::webhook::WebhookOptions;
use tidegate_tests::app::App;
use tidegate_tests::serving::{On, Serving};

/// Only a hang takes so long.
pub const LONG: Duration = Duration::from_secs(60);
/// Between two looks at something that is awaited.
pub const LOOK: Duration = Duration::from_millis(5);

/// The sync that the scripted guest is.
pub const SYNC: &str = "every-import";

/// A host that listens, with its operator's key.
pub struct World {
    pub address: SocketAddr,
    pub operator: String,
    pub http: reqwest::Client,
    pub host: Serving,
}

/// An environment with its first key.
pub struct Tenant {
    pub key: String,
    pub signing_key: String,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
}

impl Answer {
    /// The error's code, or nothing.
    pub fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }
}

impl World {
    pub async fn start() -> Result<World> {
        World::of(Serving::start(On::Memory, WebhookOptions::default()).await?)
    }

    /// A host whose environments may ask only so often in a minute.
    pub async fn limited(requests_per_minute: u32) -> Result<World> {
        let limit = NonZeroU32::new(requests_per_minute);
        World::of(Serving::limited(On::Memory, WebhookOptions::default(), limit).await?)
    }

    /// A host whose webhooks may reach this app.
    pub async fn telling(app: &App) -> Result<World> {
        let options = WebhookOptions {
            allow_hosts: vec![app.url("").parse()?],
            allow_http: true,
        };
        World::of(Serving::start(On::Memory, options).await?)
    }

    fn of(host: Serving) -> Result<World> {
        Ok(World {
            address: host.address,
            operator: host.operator.clone(),
            http: host.http.clone(),
            host,
        })
    }

    pub fn url(&self, path: &str) -> String {
        self.host.url(path)
    }

    /// One request. `headers` are `Name: value`; a body goes as JSON.
    pub async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Result<Answer> {
        let mut request = self.http.request(method.parse()?, self.url(path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        let response = request.send().await?;
        let status = response.status().as_u16();
        let text = response.text().await?;
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok(Answer { status, body })
    }

    /// A request of a tenant's, which must succeed.
    pub async fn done(
        &self,
        tenant: &Tenant,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Result<Value> {
        let bearer = bearer(&tenant.key);
        let headers = [("authorization", bearer.as_str())];
        let answer = self.ask(method, path, &headers, body).await?;
        ensure!(answer.status < 300, "{method} {path}: {answer:?}");
        Ok(answer.body)
    }

    /// An environment with the integration `crm` and the scripted guest deployed for it.
    /// None, with a line that says so, where the guest cannot be built.
    pub async fn tenant(&self, name: &str) -> Result<Option<Tenant>> {
        self.tenant_with(name, "every_import").await
    }

    /// The same with another example of the test guests.
    pub async fn tenant_with(&self, name: &str, example: &str) -> Result<Option<Tenant>> {
        let built = tidegate_tests::artifacts::example("tidegate-test-guests", example);
        let Some(component) = built else {
            return Ok(None);
        };
        let operator = bearer(&self.operator);
        let headers = [
            ("authorization", operator.as_str()),
            ("tidegate-environment", name),
        ];
        let made = json!({ "name": name, "resources": { "memory_mib": 1024, "runs": 4 } });
        let made = self
            .ask("POST", "/v1/environments", &headers[..1], Some(made))
            .await?;
        ensure!(made.status == 201, "{made:?}");
        let tenant = Tenant {
            key: text(&made.body["key"]["key"])?,
            signing_key: text(&made.body["signing_key"])?,
        };
        let crm = json!({ "provider": "a crm", "auth": { "type": "none" } });
        let put = self
            .ask("PUT", "/v1/integrations/crm", &headers, Some(crm))
            .await?;
        ensure!(put.status == 200, "{put:?}");
        self.deploy(&tenant, component).await?;
        Ok(Some(tenant))
    }

    /// Releases a component for the integration `crm`. Others may do so at the same time,
    /// of which the host takes few; so it is asked again.
    pub async fn deploy(&self, tenant: &Tenant, component: Vec<u8>) -> Result<()> {
        let component = bytes::Bytes::from(component);
        let started = tokio::time::Instant::now();
        loop {
            let deployed = self
                .http
                .post(self.url("/v1/deployments?integration=crm"))
                .header("authorization", bearer(&tenant.key))
                .header("content-type", "application/wasm")
                .body(component.clone())
                .send()
                .await?;
            let status = deployed.status().as_u16();
            match status {
                201 => return Ok(()),
                503 if started.elapsed() < LONG => tokio::time::sleep(LOOK).await,
                _ => anyhow::bail!("deploying: {status} {}", deployed.text().await?),
            }
        }
    }

    /// Sets a connection up whose runs play this script.
    pub async fn connection(&self, tenant: &Tenant, id: &str, script: Value) -> Result<()> {
        let path = format!("/v1/connections/crm/{id}");
        let body = json!({ "config": { "script": script } });
        self.done(tenant, "PUT", &path, Some(body)).await.map(drop)
    }

    /// Triggers the scripted sync and waits for the end of the run.
    pub async fn run(&self, tenant: &Tenant, id: &str) -> Result<()> {
        self.run_sync(tenant, id, SYNC).await
    }

    /// Triggers a sync, `name` or `name::variant`, and waits for the end of the run.
    pub async fn run_sync(&self, tenant: &Tenant, id: &str, sync: &str) -> Result<()> {
        let body = json!({ "syncs": [sync], "provider_config_key": "crm", "connection_id": id });
        self.done(tenant, "POST", "/sync/trigger", Some(body))
            .await?;
        let path = format!("/sync/status?syncs={sync}&provider_config_key=crm&connection_id={id}");
        let started = tokio::time::Instant::now();
        loop {
            let status = self.done(tenant, "GET", &path, None).await?;
            match status["syncs"][0]["status"].as_str() {
                Some("RUNNING") => {}
                Some("SUCCESS") => return Ok(()),
                _ => anyhow::bail!("{status}"),
            }
            ensure!(started.elapsed() < LONG, "{status}");
            tokio::time::sleep(LOOK).await;
        }
    }
}

fn text(value: &Value) -> Result<String> {
    Ok(value
        .as_str()
        .with_context(|| format!("{value} is no text"))?
        .to_owned())
}

/// The value of `Authorization` for a key.
pub fn bearer(key: &str) -> String {
    format!("Bearer {key}")
}

/// A script that saves these records.
pub fn saves(records: &[Value]) -> Value {
    let lines: Vec<String> = records.iter().map(Value::to_string).collect();
    json!([["records.batch-save", "Item", lines.join("\n")]])
}
