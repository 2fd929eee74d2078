//! A host that serves in this process, and readers of its streams.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::time::Duration;
use tidegate::schedule::Scheduler;
use tidegate::webhook::WebhookOptions;
pub use tidegate_tests::serving::On;
use tidegate_tests::serving::Serving;

/// The component whose behaviour is in the connection's config.
const GUEST: &str = "tidegate-test-guests";
/// Only a hang takes so long.
const LONG: Duration = Duration::from_secs(60);
/// Between two looks at something that is awaited.
const LOOK: Duration = Duration::from_millis(5);

/// The integration of every environment. Its name is easy to find where it must not be.
pub const INTEGRATION: &str = "zebra-crm";

/// A host that listens.
pub struct World {
    pub scheduler: Scheduler,
    pub operator: String,
    host: Serving,
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
        let host = Serving::start(on, WebhookOptions::default()).await?;
        Ok(World {
            scheduler: host.scheduler.clone(),
            operator: host.operator.clone(),
            host,
        })
    }

    pub fn request(&self, method: &str, path: &str, key: &str) -> Result<reqwest::RequestBuilder> {
        let request = self.host.http.request(method.parse()?, self.host.url(path));
        Ok(request.bearer_auth(key))
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
            match self.next_or_beat().await? {
                Some(beat) if beat.kind.is_empty() => {}
                event => return Ok(event),
            }
        }
    }

    /// The next event, or the next heartbeat, which has no kind; none at the end.
    pub async fn next_or_beat(&mut self) -> Result<Option<Event>> {
        loop {
            if let Some((whole, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (parse(whole), rest.to_owned());
                self.text = rest;
                return Ok(Some(event));
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
