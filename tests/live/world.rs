//! A host that serves in this process, and readers of its streams.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tidegate::api::{self, OperatorKey, Service};
use tidegate::catalog::Catalog;
use tidegate::clock::{Clock, SystemClock};
use tidegate::egress::live::{LiveEgress, LiveOptions};
use tidegate::limits::RUN_MEMORY_BYTES_CEILING;
use tidegate::run::Runner;
use tidegate::schedule::{Scheduler, SchedulerOptions};
use tidegate::store::ServiceStore;
use tidegate::store::memory::MemoryStore;
use tidegate::store::sled::{OpenOptions, SledStore};
use tidegate::vault::api_key::ApiKey;
use tidegate::vault::{MasterKeys, Vault};
use tidegate::webhook::{WebhookOptions, WebhookSender};
use tokio::net::TcpListener;

/// The component whose behaviour is in the connection's config.
const GUEST: &str = "tidegate-test-guests";
/// Only a hang takes so long.
const LONG: Duration = Duration::from_secs(60);
/// Between two looks at something that is awaited.
const LOOK: Duration = Duration::from_millis(5);

/// The integration of every environment. Its name is easy to find where it must not be.
pub const INTEGRATION: &str = "zebra-crm";

/// Which store a world stands on.
#[derive(Clone, Copy, Debug)]
pub enum On {
    Memory,
    Sled,
}

/// A host that listens.
pub struct World {
    pub scheduler: Scheduler,
    pub operator: String,
    address: SocketAddr,
    http: reqwest::Client,
    _folder: TempDir,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub text: String,
    pub request_id: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// The error's code, or nothing.
    pub fn code(&self) -> String {
        let json = self.json();
        json["error"]["code"].as_str().unwrap_or_default().into()
    }

    /// The numbers of the records.
    pub fn ids(&self) -> Vec<u64> {
        let json = self.json();
        let records = json["records"].as_array();
        records.into_iter().flatten().filter_map(id).collect()
    }

    pub fn next(&self) -> String {
        let json = self.json();
        json["next_cursor"].as_str().unwrap_or_default().into()
    }
}

/// The number of a record; its id is text in the API.
fn id(record: &Value) -> Option<u64> {
    record["id"].as_str()?.parse().ok()
}

impl World {
    pub async fn start(on: On) -> Result<World> {
        // A second install is refused and changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let folder = tempfile::tempdir()?;
        let egress = Arc::new(LiveEgress::new(LiveOptions {
            clock: clock.clone(),
            ..LiveOptions::default()
        })?);
        let (store, run_store): (Arc<dyn ServiceStore>, Arc<dyn tidegate::store::Store>) = match on
        {
            On::Memory => {
                let store = Arc::new(MemoryStore::new(clock.clone()));
                (store.clone(), store)
            }
            On::Sled => {
                let (path, clock) = (folder.path().join("store"), clock.clone());
                let open = move || SledStore::open(&path, OpenOptions::default(), clock);
                let store = Arc::new(tokio::task::spawn_blocking(open).await??);
                (store.clone(), store)
            }
        };
        let vault = Vault::new(MasterKeys::generate()?);
        let catalog = Arc::new(Catalog::open(store.clone(), vault, clock.clone()).await?);
        let runner = Runner {
            sandbox: tidegate_tests::host::sandbox()?,
            store: run_store,
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
            WebhookOptions::default(),
            scheduler.ended(),
        );
        let operator = ApiKey::generate()?;
        let operator = operator.text.as_str().context("a key is text")?.to_owned();
        let service = Service {
            store,
            catalog,
            scheduler: scheduler.clone(),
            runner,
            operator_key: OperatorKey::new(&operator)?,
            memory_ceiling: RUN_MEMORY_BYTES_CEILING,
            webhooks: Arc::new(webhooks),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let router = api::router(Arc::new(service));
        tokio::spawn(api::serve(listener, router, std::future::pending()));
        Ok(World {
            scheduler,
            operator,
            address,
            http: reqwest::Client::builder().no_proxy().build()?,
            _folder: folder,
        })
    }

    pub fn request(&self, method: &str, path: &str, key: &str) -> Result<reqwest::RequestBuilder> {
        let url = format!("http://{}{path}", self.address);
        Ok(self.http.request(method.parse()?, url).bearer_auth(key))
    }

    pub async fn send(&self, request: reqwest::RequestBuilder) -> Result<Answer> {
        let response = request.send().await?;
        let id = response.headers().get("x-request-id");
        let request_id = id.context("no request id")?.to_str()?.to_owned();
        Ok(Answer {
            status: response.status().as_u16(),
            text: response.text().await?,
            request_id,
        })
    }

    /// A request that must succeed.
    pub async fn done(&self, method: &str, path: &str, key: &str, body: Value) -> Result<Value> {
        let request = self.request(method, path, key)?;
        let request = request
            .header("content-type", "application/json")
            .header("tidegate-environment", ENVIRONMENT)
            .body(body.to_string());
        let answer = self.send(request).await?;
        ensure!(answer.status < 300, "{method} {path}: {answer:?}");
        Ok(answer.json())
    }

    /// The environment with the test guest released; answers its key. None, with a line
    /// that says so, where the guest cannot be built.
    pub async fn environment(&self) -> Result<Option<String>> {
        let Some(component) = tidegate_tests::component(GUEST) else {
            return Ok(None);
        };
        let made = json!({
            "name": ENVIRONMENT,
            "resources": { "memory_mib": 1024, "runs": 4 },
            // Inner addresses are refused: nothing leaves, and each attempt fails.
            "webhooks": { "primary_url": "https://127.0.0.1:9/zebra-hook" },
        });
        let made = self
            .done("POST", "/v1/environments", &self.operator, made)
            .await?;
        let key = made["key"]["key"].as_str().context("a key")?.to_owned();
        let path = format!("/v1/integrations/{INTEGRATION}");
        self.done("PUT", &path, &self.operator, json!({})).await?;
        let path = format!("/v1/deployments?integration={INTEGRATION}");
        let deploy = self
            .request("POST", &path, &key)?
            .header("content-type", "application/wasm")
            .body(component);
        let deployed = self.send(deploy).await?;
        ensure!(deployed.status == 201, "{deployed:?}");
        Ok(Some(key))
    }

    /// Sets up a connection whose sync behaves so.
    pub async fn connect(&self, key: &str, id: &str, config: Value) -> Result<()> {
        let path = format!("/v1/connections/{INTEGRATION}/{id}");
        self.done("PUT", &path, key, json!({ "config": config }))
            .await
            .map(drop)
    }

    pub async fn trigger(&self, key: &str, id: &str) -> Result<()> {
        let body = json!({
            "syncs": ["guest"], "provider_config_key": INTEGRATION, "connection_id": id,
        });
        self.done("POST", "/sync/trigger", key, body)
            .await
            .map(drop)
    }

    /// How the last run of a connection stands.
    pub async fn status(&self, key: &str, id: &str) -> Result<String> {
        let path = format!(
            "/sync/status?syncs=guest&provider_config_key={INTEGRATION}&connection_id={id}"
        );
        let answer = self.send(self.request("GET", &path, key)?).await?;
        let status = answer.json()["syncs"][0]["status"].clone();
        Ok(status.as_str().unwrap_or_default().to_owned())
    }

    /// Triggers a run and waits for its good end.
    pub async fn run(&self, key: &str, id: &str) -> Result<()> {
        self.trigger(key, id).await?;
        until(async || Ok(self.status(key, id).await? == "SUCCESS")).await
    }

    /// A request for the records of a connection.
    pub fn read(&self, path: &str, key: &str, id: &str) -> Result<reqwest::RequestBuilder> {
        let request = self.request("GET", path, key)?;
        Ok(request
            .header("connection-id", id)
            .header("provider-config-key", INTEGRATION))
    }

    /// Opens a stream; its answer must be 200.
    pub async fn open(&self, request: reqwest::RequestBuilder) -> Result<Events> {
        let response = request.send().await?;
        let kind = response.headers().get("content-type").cloned();
        ensure!(response.status() == 200, "{response:?}");
        ensure!(kind.is_some_and(|kind| kind == "text/event-stream"));
        Ok(Events {
            response,
            text: String::new(),
        })
    }
}

/// The environment of a world.
pub const ENVIRONMENT: &str = "zebra-env";

/// Waits until something is so.
pub async fn until(mut is_so: impl AsyncFnMut() -> Result<bool>) -> Result<()> {
    let started = tokio::time::Instant::now();
    while !is_so().await? {
        ensure!(started.elapsed() < LONG, "it never came to be");
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}

/// A stream of events, as it arrives.
pub struct Events {
    response: reqwest::Response,
    text: String,
}

/// One event.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Event {
    pub kind: String,
    pub id: String,
    pub data: Value,
}

impl Events {
    /// The next event that is no heartbeat; none at the end.
    pub async fn next(&mut self) -> Result<Option<Event>> {
        loop {
            while let Some((whole, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (parse(whole), rest.to_owned());
                self.text = rest;
                if !event.kind.is_empty() {
                    return Ok(Some(event));
                }
            }
            let chunk = tokio::time::timeout(LONG, self.response.chunk()).await;
            match chunk.context("nothing came")?? {
                Some(bytes) => self.text += std::str::from_utf8(&bytes)?,
                None => return Ok(None),
            }
        }
    }

    /// So many events, which must come.
    pub async fn take(&mut self, count: usize) -> Result<Vec<Event>> {
        let mut events = Vec::new();
        for _ in 0..count {
            events.push(self.next().await?.context("the stream ended")?);
        }
        Ok(events)
    }
}

fn parse(text: &str) -> Event {
    let mut event = Event::default();
    for (field, value) in text.lines().filter_map(|line| line.split_once(':')) {
        let value = value.trim_start();
        match field {
            "event" => event.kind = value.into(),
            "id" => event.id = value.into(),
            "data" => event.data = serde_json::from_str(value).unwrap_or_default(),
            _ => {}
        }
    }
    event
}
