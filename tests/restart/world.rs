//! A host as a process with one environment, and a provider and an app that hold their
//! answers back where a test says so.

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tidegate_tests::server::{Received, Server, Step, reply};
use tidegate_tests::service::{self, Body, Service};

pub const ENVIRONMENT: &str = "north";
pub const INTEGRATION: &str = "crm";
pub const CONNECTION: &str = "acme";
/// The sync that the scripted guest is.
pub const SYNC: &str = "every-import";
/// How long a held answer is held: for longer than the host lives.
const HELD: Duration = Duration::from_secs(600);

/// The component whose script is in the connection's config; none, with a line that says
/// so, where it cannot be built.
pub fn scripted() -> Option<Vec<u8>> {
    tidegate_tests::artifacts::example("tidegate-test-guests", "every_import")
}

/// What is held back, if anything: the path of a request.
#[derive(Clone, Default)]
pub struct Hold(Arc<Mutex<Option<&'static str>>>);

impl Hold {
    pub fn at(&self, path: &'static str) {
        *self.0.lock().unwrap() = Some(path);
    }

    pub fn release(&self) {
        *self.0.lock().unwrap() = None;
    }

    pub fn holds(&self, request: &Received) -> bool {
        self.0
            .lock()
            .unwrap()
            .is_some_and(|path| request.path() == path)
    }
}

/// An answer in JSON.
pub fn answer(status: u16, body: &Value) -> Vec<Step> {
    let headers = [("content-type", "application/json")];
    reply(status, &headers, body.to_string().as_bytes())
}

/// Nothing at all.
pub fn silence() -> Vec<Step> {
    vec![Step::Wait(HELD)]
}

/// An answer whose last byte never comes.
pub fn cut_short(mut steps: Vec<Step>) -> Vec<Step> {
    if let Some(Step::Send(bytes)) = steps.last_mut() {
        bytes.pop();
    }
    steps.push(Step::Wait(HELD));
    steps
}

/// A host with its environment.
pub struct World {
    pub service: Service,
    pub key: String,
}

impl World {
    /// A host that is set up: the scripted sync on one connection, which has not run.
    pub async fn new(provider: &Server, app: &str, auth: Value, sync: &[u8]) -> Result<Self> {
        let mut service = Service::new(app)?;
        service.start().await?;
        let environment = json!({
            "name": ENVIRONMENT,
            "resources": { "memory_mib": 256, "runs": 2 },
            "webhooks": { "primary_url": app },
        });
        let made = operate(&service, Method::POST, "/v1/environments", environment).await?;
        let key = made["key"]["key"].as_str().context("a key")?.to_owned();
        let integration = json!({
            "base_url": provider.url(""), "allow_http": true, "auth": auth,
        });
        let path = format!("/v1/integrations/{INTEGRATION}");
        operate(&service, Method::PUT, &path, integration).await?;
        let path = format!("/v1/deployments?integration={INTEGRATION}");
        let body = Body::Component(sync);
        service
            .operator(Method::POST, ENVIRONMENT, &path, body)
            .await?;
        Ok(World { service, key })
    }

    /// Sets the connection up, or changes it.
    pub async fn connect(&self, connection: Value) -> Result<()> {
        let path = format!("/v1/connections/{INTEGRATION}/{CONNECTION}");
        operate(&self.service, Method::PUT, &path, connection)
            .await
            .map(drop)
    }

    /// Lets the sync run by itself: at once, as it never did, and then no more.
    pub async fn schedule(&self) -> Result<()> {
        let body = json!({
            "sync_name": SYNC, "provider_config_key": INTEGRATION,
            "connection_id": CONNECTION, "frequency": "every 31 days",
        });
        let path = "/sync/update-connection-frequency";
        operate(&self.service, Method::PUT, path, body)
            .await
            .map(drop)
    }

    pub async fn trigger(&self) -> Result<()> {
        let body = json!({
            "syncs": [SYNC], "provider_config_key": INTEGRATION, "connection_id": CONNECTION,
        });
        operate(&self.service, Method::POST, "/sync/trigger", body)
            .await
            .map(drop)
    }

    /// Kills the host and starts it again in the same folder.
    pub async fn crash(&mut self) -> Result<()> {
        self.service.kill();
        self.service.start().await
    }

    pub async fn get(&self, path: &str) -> Result<Value> {
        let request = self.service.request(Method::GET, path, &self.key);
        let request = request
            .header("connection-id", CONNECTION)
            .header("provider-config-key", INTEGRATION);
        service::done(request).await
    }

    /// Runs, the oldest first.
    pub async fn runs(&self) -> Result<Vec<Value>> {
        let answer = self.get("/v1/runs").await?;
        let mut runs = answer["runs"].as_array().context("runs")?.clone();
        runs.reverse();
        Ok(runs)
    }

    /// Waits until so many runs ended well.
    pub async fn until_well(&self, count: usize) -> Result<()> {
        let what = format!("{count} runs ended well");
        let well = async || {
            let runs = self.runs().await?;
            let well = runs.iter().filter(|run| word(run) == "success");
            Ok(well.count() >= count)
        };
        self.service.until(&what, well).await
    }

    /// The status of the sync.
    pub async fn status(&self) -> Result<Value> {
        let path = format!(
            "/sync/status?syncs={SYNC}&provider_config_key={INTEGRATION}&connection_id={CONNECTION}"
        );
        Ok(self.get(&path).await?["syncs"][0].clone())
    }

    /// Deliveries by id, with how each stands.
    pub async fn deliveries(&self) -> Result<BTreeMap<String, Value>> {
        let mut all = BTreeMap::new();
        for state in ["waiting", "over"] {
            let answer = self.get(&format!("/v1/webhooks?state={state}")).await?;
            for one in answer["webhooks"].as_array().context("webhooks")? {
                let id = one["id"].as_str().context("an id")?;
                all.insert(id.to_owned(), one.clone());
            }
        }
        Ok(all)
    }

    /// Waits until no webhook waits, and some were written.
    pub async fn until_told(&self) -> Result<()> {
        let told = async || {
            let all = self.deliveries().await?;
            let is_told = |one: &Value| one["state"] == "delivered";
            Ok(!all.is_empty() && all.values().all(is_told))
        };
        self.service
            .until("every webhook was delivered", told)
            .await
    }
}

async fn operate(service: &Service, method: Method, path: &str, body: Value) -> Result<Value> {
    service
        .operator(method, ENVIRONMENT, path, Body::Json(body))
        .await
}

/// How a run ended.
pub fn word(run: &Value) -> &str {
    run["state"]["ended"]["state"].as_str().unwrap_or("running")
}

/// What an app holds that reads changes only: each change once, in its order.
#[derive(Default)]
pub struct Reader {
    cursor: Option<String>,
    cursors: BTreeSet<String>,
    pub ids: Vec<String>,
}

impl Reader {
    pub async fn read(&mut self, world: &World) -> Result<()> {
        let mut path = "/records?model=Item".to_owned();
        if let Some(cursor) = &self.cursor {
            path += &format!("&cursor={cursor}");
        }
        let page = world.get(&path).await?;
        ensure!(page["next_cursor"].is_null(), "more than a page: {page}");
        for record in page["records"].as_array().context("records")? {
            let cursor = record["_nango_metadata"]["cursor"].as_str();
            let cursor = cursor.context("a cursor")?.to_owned();
            ensure!(self.cursors.insert(cursor.clone()), "twice: {record}");
            let id = record["id"].as_str().context("an id")?.to_owned();
            ensure!(!self.ids.contains(&id), "`{id}` changed twice: {record}");
            self.cursor = Some(cursor);
            self.ids.push(id);
        }
        Ok(())
    }
}

/// What an app was told: how often under each id. One id has one body.
pub fn told(app: &Server) -> Result<BTreeMap<String, (usize, Value)>> {
    let mut told: BTreeMap<String, (usize, Value)> = BTreeMap::new();
    for received in app.received.lock().unwrap().iter() {
        let id = received.header("x-tidegate-delivery").context("no id")?;
        let body: Value = serde_json::from_slice(&received.body)?;
        let (count, first) = told.entry(id.to_owned()).or_insert((0, body.clone()));
        *count += 1;
        ensure!(*first == body, "`{id}` came with two bodies");
    }
    Ok(told)
}
