//! A host that serves: all parts but the disk.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tidegate::api::{self, OperatorKey, Service};
use tidegate::catalog::Catalog;
use tidegate::clock::{Clock, SystemClock};
use tidegate::egress::live::{LiveEgress, LiveOptions};
use tidegate::limits::RUN_MEMORY_BYTES_CEILING;
use tidegate::run::Runner;
use tidegate::schedule::{Scheduler, SchedulerOptions};
use tidegate::store::memory::MemoryStore;
use tidegate::vault::api_key::ApiKey;
use tidegate::vault::{MasterKeys, Vault};
use tidegate::webhook::{WebhookOptions, WebhookSender};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// Only a hang takes so long.
const LONG: Duration = Duration::from_secs(60);
/// Between two looks at something that is awaited.
const LOOK: Duration = Duration::from_millis(5);

/// The sync that the scripted guest is.
pub const SYNC: &str = "every-import";

/// A host that listens, with its operator's key.
pub struct World {
    pub address: SocketAddr,
    pub operator: String,
    pub http: reqwest::Client,
    /// The router, as it prints itself.
    pub router: String,
    // Dropped, it ends the listener.
    _stop: oneshot::Sender<()>,
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
        // A second install is refused and changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let store = Arc::new(MemoryStore::new(clock.clone()));
        let egress = Arc::new(LiveEgress::new(LiveOptions {
            clock: clock.clone(),
            ..LiveOptions::default()
        })?);
        let folder = tempfile::tempdir()?;
        let vault = Vault::new(MasterKeys::create(&folder.path().join("keys"))?);
        let catalog = Arc::new(Catalog::open(store.clone(), vault, clock.clone()).await?);
        let runner = Runner {
            sandbox: tidegate_tests::host::sandbox()?,
            store: store.clone(),
            egress: egress.clone(),
            clock: clock.clone(),
        };
        let options = SchedulerOptions {
            runs: 4,
            memory_ceiling: RUN_MEMORY_BYTES_CEILING,
        };
        let scheduler = Scheduler::start(runner.clone(), catalog.clone(), options).await?;
        let webhooks = WebhookSender::start(
            store.clone(),
            catalog.clone(),
            egress,
            clock,
            WebhookOptions {
                allow_hosts: Vec::new(),
                allow_http: false,
            },
            scheduler.ended(),
        );
        let operator = ApiKey::generate()?;
        let operator = operator.text.as_str().context("a key is text")?.to_owned();
        let service = Service {
            store,
            catalog,
            scheduler,
            runner,
            operator_key: OperatorKey::new(&operator)?,
            memory_ceiling: RUN_MEMORY_BYTES_CEILING,
            webhooks: Arc::new(webhooks),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        let router = api::router(Arc::new(service));
        let printed = format!("{router:?}");
        tokio::spawn(api::serve(listener, router, async {
            let _ = stopped.await;
        }));
        Ok(World {
            address,
            operator,
            // A connection for each request: the host closes those that lie idle, and one
            // that is used again in that moment fails.
            http: reqwest::Client::builder()
                .no_proxy()
                .pool_max_idle_per_host(0)
                .build()?,
            router: printed,
            _stop: stop,
        })
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
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
        let built = tidegate_tests::artifacts::example("tidegate-test-guests", "every_import");
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
        let deployed = self
            .http
            .post(self.url("/v1/deployments?integration=crm"))
            .header("authorization", bearer(&tenant.key))
            .header("content-type", "application/wasm")
            .body(component)
            .send()
            .await?;
        let status = deployed.status().as_u16();
        ensure!(
            status == 201,
            "deploying: {status} {}",
            deployed.text().await?
        );
        Ok(Some(tenant))
    }

    /// Sets a connection up whose runs play this script.
    pub async fn connection(&self, tenant: &Tenant, id: &str, script: Value) -> Result<()> {
        let path = format!("/v1/connections/crm/{id}");
        let body = json!({ "config": { "script": script } });
        self.done(tenant, "PUT", &path, Some(body)).await.map(drop)
    }

    /// Triggers the sync and waits for the end of the run.
    pub async fn run(&self, tenant: &Tenant, id: &str) -> Result<()> {
        let body = json!({ "syncs": [SYNC], "provider_config_key": "crm", "connection_id": id });
        self.done(tenant, "POST", "/sync/trigger", Some(body))
            .await?;
        let path = format!("/sync/status?syncs={SYNC}&provider_config_key=crm&connection_id={id}");
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
