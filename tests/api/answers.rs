//! Every route is called, and each answer held to the document's schema for it.

use crate::document::{Document, Door, Operation};
use crate::spoilt;
use crate::world::{SYNC, Tenant, World, bearer, saves};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// Only a hang takes so long.
const LONG: Duration = Duration::from_secs(60);
/// Between two looks at something that is awaited.
const LOOK: Duration = Duration::from_millis(10);

/// Somebody who calls every route.
pub struct Player<'a> {
    pub world: &'a World,
    tenant: &'a Tenant,
    pub document: &'a Document,
    /// The last good request to each operation: its path, and its body.
    pub played: BTreeMap<(&'static str, String), (String, Option<Value>)>,
}

/// A body as it is sent.
pub enum Sent {
    Nothing,
    Json(Value),
    Component(Vec<u8>),
}

impl Player<'_> {
    /// A request with the right key, headers and content type.
    pub fn request(
        &self,
        operation: &Operation<'_>,
        path: &str,
        sent: Sent,
    ) -> Result<reqwest::RequestBuilder> {
        let url = self.world.url(path);
        let request = self.world.http.request(operation.method.parse()?, url);
        let request = match operation.door() {
            Door::Open => request,
            Door::Scope(_) => request.header("authorization", bearer(&self.tenant.key)),
            Door::Operator => request
                .header("authorization", bearer(&self.world.operator))
                .header("tidegate-environment", "prod"),
        };
        let request = request
            .header("connection-id", "c1")
            .header("provider-config-key", "crm");
        Ok(match sent {
            Sent::Nothing => request,
            Sent::Json(body) => request
                .header("content-type", "application/json")
                .body(body.to_string()),
            Sent::Component(bytes) => request
                .header("content-type", "application/wasm")
                .body(bytes),
        })
    }

    /// Sends it and holds the answer to the document. An answer that is no JSON is null:
    /// it may never end.
    pub async fn answer(
        &self,
        operation: &Operation<'_>,
        request: reqwest::RequestBuilder,
    ) -> Result<(u16, Value)> {
        let response = request.send().await?;
        let status = response.status().as_u16();
        let kind = response.headers().get("content-type");
        let kind = kind.context("an answer has a content type")?.to_str()?;
        let kind = kind.to_owned();
        let body = match kind.as_str() {
            "application/json" => serde_json::from_str(&response.text().await?)?,
            _ => Value::Null,
        };
        let is_json = kind == "application/json";
        self.document
            .check(operation, status, &kind, is_json.then_some(&body))
            .with_context(|| format!("{} {}", operation.method, operation.path))?;
        Ok((status, body))
    }

    /// A call that must succeed; answers its body.
    async fn call(&mut self, method: &str, path: &str, body: Value) -> Result<Value> {
        let sent = match &body {
            Value::Null => Sent::Nothing,
            body => Sent::Json(body.clone()),
        };
        let answer = self.send(method, path, sent).await?;
        let operation = self.document.find(method, path)?;
        let key = (operation.method, operation.path.to_owned());
        let body = Some(body).filter(|body| !body.is_null());
        if let (Some(schema), Some(body)) = (operation.body(), &body) {
            let schema = self.document.validator(schema, false)?;
            ensure!(schema.is_valid(body), "{method} {path} refuses {body}");
        }
        self.played.insert(key, (path.to_owned(), body));
        Ok(answer)
    }

    async fn send(&self, method: &str, path: &str, sent: Sent) -> Result<Value> {
        let operation = self.document.find(method, path)?;
        let request = self.request(&operation, path, sent)?;
        let (status, body) = self.answer(&operation, request).await?;
        ensure!(status < 300, "{method} {path}: {status} {body}");
        Ok(body)
    }

    /// Asks until the answer is as it should be.
    async fn until(&mut self, path: &str, is_so: impl Fn(&Value) -> bool) -> Result<Value> {
        let started = tokio::time::Instant::now();
        loop {
            let answer = self.call("GET", path, Value::Null).await?;
            if is_so(&answer) {
                return Ok(answer);
            }
            ensure!(started.elapsed() < LONG, "{path}: {answer}");
            tokio::time::sleep(LOOK).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_answered_and_refused_is_what_the_document_says() -> Result<()> {
    let world = World::start().await?;
    let Some(tenant) = world.tenant("prod").await? else {
        return Ok(());
    };
    let document = Document::of(&world).await?;
    let mut player = Player {
        world: &world,
        tenant: &tenant,
        document: &document,
        played: BTreeMap::new(),
    };
    operators(&mut player).await?;
    connections(&mut player).await?;
    syncs(&mut player).await?;
    runs(&mut player).await?;
    releases(&mut player).await?;
    all_were_called(&player);
    spoilt::all(&player).await
}

async fn operators(player: &mut Player<'_>) -> Result<()> {
    let none = Value::Null;
    for path in ["/healthz", "/readyz", "/openapi.json", "/metrics"] {
        player.call("GET", path, none.clone()).await?;
    }
    let resources =
        json!({ "memory_mib": 512, "runs": 2, "storage_mib": 64, "egress_kib_per_second": 64 });
    let retention = json!({ "prune_after_days": 30, "erase_after_days": null });
    let body = json!({ "name": "other", "resources": resources, "retention": retention });
    player.call("POST", "/v1/environments", body).await?;
    player.call("GET", "/v1/environments", none.clone()).await?;
    // Inner addresses are refused: nothing leaves, and each attempt fails.
    let webhooks = json!({ "primary_url": "https://127.0.0.1:9/hook", "on_unchanged": true });
    let body = json!({ "webhooks": webhooks, "retention": retention });
    player.call("PATCH", "/v1/environments/prod", body).await?;
    let path = "/v1/environments/prod/signing-key";
    let fresh = player.call("POST", path, none.clone()).await?;
    let other = &player.tenant.signing_key;
    ensure!(fresh["signing_key"] != other.as_str(), "it is the old one");
    let path = "/v1/environments/other";
    player.call("DELETE", path, none.clone()).await?;
    let body = json!({ "name": "app", "scopes": ["read", "control"] });
    let made = player.call("POST", "/v1/keys", body).await?;
    player.call("GET", "/v1/keys", none.clone()).await?;
    let id = made["id"].as_str().context("a key has an id")?;
    player
        .call("DELETE", &format!("/v1/keys/{id}"), none.clone())
        .await?;
    for auth in [
        json!({ "type": "none" }),
        json!({ "type": "bearer" }),
        json!({ "type": "basic" }),
        json!({ "type": "api_key_header", "header": "X-Key" }),
        json!({ "type": "api_key_query", "parameter": "key" }),
        json!({ "type": "headers", "headers": { "X-Key": "{{key}}" } }),
        json!({ "type": "oauth2_client_credentials", "token_url": "https://login.example.com/t" }),
        json!({ "type": "oauth2_refresh", "token_url": "https://login.example.com/t" }),
    ] {
        let body = json!({
            "provider": "a wiki", "base_url": "https://api.example.com", "auth": auth,
            "hosts": ["files.example.com"], "allow_http": false,
            "retry": { "on": [403], "header": ["x-wait"], "attempts_max": 4 },
            "rate_limit": { "requests": 9, "per_seconds": 1, "shared_by": "integration" },
            "pagination": { "type": "cursor", "param": "c", "next": "meta.next", "items": "data" },
            "placeholders": { "account": ["body", "query"] },
        });
        player.call("PUT", "/v1/integrations/wiki", body).await?;
        player.call("GET", "/v1/integrations", none.clone()).await?;
    }
    let path = "/v1/integrations/wiki";
    player.call("DELETE", path, none).await.map(drop)
}

async fn connections(player: &mut Player<'_>) -> Result<()> {
    let none = Value::Null;
    let records = [
        json!({ "id": "1", "n": 1, "list": [null, 1.5] }),
        json!({ "id": "2", "n": null }),
    ];
    let config = json!({ "script": saves(&records) });
    let body = json!({ "config": config, "tags": { "team": "x" }, "end_user": { "id": "u" } });
    player.call("PUT", "/v1/connections/crm/c1", body).await?;
    for base in ["/connections", "/connection"] {
        let body = json!({
            "connection_id": "c 2/x", "provider_config_key": "crm", "metadata": { "m": [1] },
            "connection_config": { "script": [] }, "credentials": { "type": "API_KEY", "apiKey": "k" },
            "end_user": { "id": "u" }, "tags": { "team": "x" }, "webhook_url_override": null,
        });
        player.call("POST", base, body).await?;
        let list = format!("{base}?limit=10&page=0&tags%5Bteam%5D=x");
        let listed = player.call("GET", &list, none.clone()).await?;
        ensure!(listed["connections"][0]["metadata"].is_object(), "{listed}");
        let one = format!("{base}/c%202%2Fx?provider_config_key=crm");
        player
            .call("GET", &format!("{one}&force_refresh=false"), none.clone())
            .await?;
        let body = json!({ "tags": { "team": "y" }, "end_user": null });
        player.call("PATCH", &one, body).await?;
        player.call("DELETE", &one, none.clone()).await?;
        let path = format!("{base}/metadata");
        let body = json!({ "connection_id": "c1", "provider_config_key": "crm", "metadata": {} });
        player.call("POST", &path, body).await?;
        let body = json!({ "connection_id": ["c1"], "provider_config_key": "crm", "metadata": { "a": 1 } });
        player.call("PATCH", &path, body).await?;
    }
    player
        .call("PUT", "/v1/connections/crm/c3", json!({}))
        .await?;
    let path = "/v1/connections?limit=1&integration=crm";
    let page = player.call("GET", path, none.clone()).await?;
    ensure!(page["next"].is_string(), "{page}");
    player
        .call("DELETE", "/v1/connections/crm/c3", none.clone())
        .await?;
    for path in [
        "/integrations",
        "/integrations/crm",
        "/integrations/crm?include=webhook",
        "/integrations/crm/functions",
        "/scripts/config?format=nango",
        "/environment-variables",
    ] {
        player.call("GET", path, none.clone()).await?;
    }
    Ok(())
}

async fn syncs(player: &mut Player<'_>) -> Result<()> {
    let owner = json!({ "provider_config_key": "crm", "connection_id": "c1" });
    let path = format!("/sync/{SYNC}/variant/v1");
    player.call("POST", &path, owner.clone()).await?;
    player.call("DELETE", &path, owner).await?;
    let syncs = json!([SYNC, { "name": SYNC, "variant": "base" }]);
    let body = json!({ "syncs": syncs, "provider_config_key": "crm", "connection_id": "c1" });
    player.call("POST", "/sync/pause", body.clone()).await?;
    player.call("POST", "/sync/start", body.clone()).await?;
    player.world.run(player.tenant, "c1").await?;
    let frequency = json!({
        "sync_name": SYNC, "sync_variant": "base", "provider_config_key": "crm",
        "connection_id": "c1", "frequency": "every 5 minutes",
    });
    let path = "/sync/update-connection-frequency";
    player.call("PUT", path, frequency).await?;
    let mut trigger = body;
    trigger["opts"] = json!({ "reset": true, "emptyCache": true });
    player
        .call("POST", "/sync/trigger", trigger)
        .await
        .map(drop)
}

async fn runs(player: &mut Player<'_>) -> Result<()> {
    let none = Value::Null;
    let status = "/sync/status?syncs=*&provider_config_key=crm&connection_id=c1";
    let is = |word: &'static str| move |status: &Value| status["syncs"][0]["status"] == word;
    player.until(status, is("SUCCESS")).await?;
    let records = "model=Item&variant=base&limit=1&filter=added,updated&ids=1&ids=2";
    for path in ["/records", "/records/"] {
        let page = player
            .call("GET", &format!("{path}?{records}"), none.clone())
            .await?;
        ensure!(page["next_cursor"].is_string(), "{page}");
        let body = json!({
            "model": "Item", "variant": "base", "until_cursor": page["next_cursor"], "limit": 1,
        });
        player.call("PATCH", "/records/prune", body).await?;
    }
    let poll = "/v1/records/poll?model=Item&wait=0&limit=1";
    player.call("GET", poll, none.clone()).await?;
    let stream = "/v1/records/stream?model=Item&filter=added";
    player.call("GET", stream, none.clone()).await?;
    // A run that fails, with a post-mortem, a checkpoint and a line in its log.
    let script = json!([
        ["checkpoint.save", "{\"page\":1}"],
        ["log.emit", "warn", "soon", "{\"a\":1}"],
        ["boom.boom"]
    ]);
    let body = json!({ "config": { "script": script } });
    player.call("PUT", "/v1/connections/crm/c1", body).await?;
    let body = json!({ "syncs": [], "provider_config_key": "crm", "sync_mode": "incremental" });
    player.call("POST", "/sync/trigger", body).await?;
    player.until(status, is("ERROR")).await?;
    let shown = player
        .call(
            "GET",
            "/connections/c1?provider_config_key=crm",
            none.clone(),
        )
        .await?;
    ensure!(shown["errors"][0]["log_id"].is_string(), "{shown}");
    let path = format!("/v1/runs?integration=crm&connection=c1&sync={SYNC}&limit=1");
    let page = player.call("GET", &path, none.clone()).await?;
    let id = page["runs"][0]["id"].as_str().context("a run has an id")?;
    ensure!(page["next"].is_string(), "{page}");
    let run = player
        .call("GET", &format!("/v1/runs/{id}"), none.clone())
        .await?;
    ensure!(run["post_mortem"]["verdict"].is_string(), "{run}");
    let log = player
        .call("GET", &format!("/v1/runs/{id}/log"), none.clone())
        .await?;
    ensure!(log["lines"][0]["at"].is_string(), "{log}");
    let path = "/v1/webhooks?state=waiting&limit=1";
    let waiting = player
        .until(path, |page| page["webhooks"][0]["id"].is_string())
        .await?;
    let id = waiting["webhooks"][0]["id"].as_str().unwrap_or_default();
    player
        .call("POST", &format!("/v1/webhooks/{id}/replay"), none)
        .await
        .map(drop)
}

async fn releases(player: &mut Player<'_>) -> Result<()> {
    let built = tidegate_tests::artifacts::example("tidegate-test-guests", "every_import");
    let mut component = built.context("it was built before")?;
    // A custom section, named `x`, makes another component of it that does the same.
    component.extend([0, 2, 1, b'x']);
    let path = "/v1/deployments?integration=crm";
    let dry = format!("{path}&dry_run=true");
    for path in [&dry, path] {
        let sent = Sent::Component(component.clone());
        let answer = player.send("POST", path, sent).await?;
        ensure!(answer["plan"]["replaces"].is_string(), "{answer}");
        player
            .played
            .insert(("POST", "/v1/deployments".into()), (path.to_owned(), None));
    }
    let body = json!({ "integration": "crm", "sync": SYNC });
    let back = player
        .call("POST", "/v1/deployments/rollback", body)
        .await?;
    let body = json!({
        "integration": "crm", "connection": "c1", "sync": SYNC, "digest": back["digest"],
    });
    player.call("POST", "/v1/deployments/pin", body).await?;
    let listed = player.call("GET", path, Value::Null).await?;
    ensure!(listed["deployments"][0]["bytes"].is_u64(), "{listed}");
    Ok(())
}

/// Every operation that can succeed did.
fn all_were_called(player: &Player<'_>) {
    let is_good = |status: &String| status.starts_with('2');
    let left: Vec<String> = player
        .document
        .operations()
        .into_iter()
        .filter(|operation| {
            let answers = operation.spec["responses"].as_object();
            let key = (operation.method, operation.path.to_owned());
            answers.is_some_and(|answers| answers.keys().any(is_good))
                && !player.played.contains_key(&key)
        })
        .map(|operation| format!("{} {}", operation.method, operation.path))
        .collect();
    assert!(left.is_empty(), "never called: {left:?}");
}
