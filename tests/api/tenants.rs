//! A tenant that tries everything: random requests of one environment, with names,
//! cursors and ids of the other's in every place. What it is answered never holds what is
//! the other's, and nothing of the other's changes.

use crate::world::{LONG, LOOK, SYNC, Tenant, World, bearer, saves};
use anyhow::{Context, Result, ensure};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;
use tidegate_tests::app::App;

/// Sequences that are tried.
const CASES: u32 = 128;
/// Requests of a sequence at most.
const REQUESTS_MAX: usize = 12;
/// Slots of one request at most.
const SLOTS_MAX: usize = 8;
/// Stands in everything that the other environment wrote, and in nothing else.
const MARK: &str = "zulu-of-theirs";
/// A key that the other's app brought along from elsewhere.
const IMPORTED: &str = "7b1c1f3e-52a4-4c55-9d0e-6a3f0f2b9d11";
/// How long a stream that opens is read: what it begins with is there at once.
const STREAM_TIME: Duration = Duration::from_millis(30);

/// Names that a parser, a path or a key of a store may trip over.
const HOSTILE: &[&str] = &[
    "",
    "*",
    "..",
    "../theirs",
    "theirs/crm/alone",
    "crm/alone",
    "alone\0",
    "\u{ff}\u{ff}",
    "%2e%2e%2f",
    "base",
    "alone::base",
    "Item::v1",
    "{id}",
    "\"",
    "'; --",
    "zzzzzzzzzzzzzzzzzzzzzzzzzz",
    "00000000000000000000000000",
    "\u{202e}",
];

/// Every route that takes a name, with `{slots}` for the names: method, path and query,
/// body. The slots of headers are in [`HEADERS`].
const ROUTES: &[(&str, &str, &str)] = &[
    (
        "GET",
        "/records?model={model}&variant={variant}&cursor={cursor}",
        "",
    ),
    ("GET", "/records/?model={model}&ids={record}&limit=1", ""),
    ("GET", "/records?model=Item", ""),
    (
        "GET",
        "/v1/records/poll?model=Item&cursor={cursor}&wait=0",
        "",
    ),
    ("GET", "/v1/records/stream?model=Item&cursor={cursor}", ""),
    (
        "PATCH",
        "/records/prune",
        r#"{"model":"{model}","variant":"{variant}","until_cursor":"{cursor}"}"#,
    ),
    (
        "POST",
        "/sync/trigger",
        r#"{"syncs":["{sync}"],"provider_config_key":"{integration}","connection_id":"{connection}","opts":{"reset":true,"emptyCache":true}}"#,
    ),
    ("POST", "/sync/trigger", r#"{"syncs":["{sync}"]}"#),
    (
        "POST",
        "/sync/pause",
        r#"{"syncs":[],"provider_config_key":"{integration}"}"#,
    ),
    (
        "POST",
        "/sync/pause",
        r#"{"syncs":["{sync}"],"provider_config_key":"{integration}","connection_id":"{connection}"}"#,
    ),
    (
        "POST",
        "/sync/start",
        r#"{"syncs":["{sync}"],"provider_config_key":"{integration}","connection_id":"{connection}"}"#,
    ),
    (
        "GET",
        "/sync/status?syncs={sync}&provider_config_key={integration}&connection_id={connection}",
        "",
    ),
    (
        "GET",
        "/sync/status?syncs=*&provider_config_key={integration}",
        "",
    ),
    (
        "PUT",
        "/sync/update-connection-frequency",
        r#"{"sync_name":"{sync}","sync_variant":"{variant}","provider_config_key":"{integration}","connection_id":"{connection}","frequency":"every 31 days"}"#,
    ),
    (
        "POST",
        "/sync/{sync}/variant/{variant}",
        r#"{"provider_config_key":"{integration}","connection_id":"{connection}"}"#,
    ),
    (
        "DELETE",
        "/sync/{sync}/variant/{variant}",
        r#"{"provider_config_key":"{integration}","connection_id":"{connection}"}"#,
    ),
    ("GET", "/connections", ""),
    (
        "GET",
        "/connection?search={connection}&integrationId={integration}",
        "",
    ),
    (
        "GET",
        "/connections/{connection}?provider_config_key={integration}",
        "",
    ),
    (
        "PATCH",
        "/connections/{connection}?provider_config_key={integration}",
        r#"{"tags":{"team":"ours"}}"#,
    ),
    (
        "DELETE",
        "/connections/{connection}?provider_config_key={integration}",
        "",
    ),
    (
        "POST",
        "/connections",
        r#"{"connection_id":"{connection}","provider_config_key":"{integration}","metadata":{"of":"ours"}}"#,
    ),
    (
        "POST",
        "/connections/metadata",
        r#"{"connection_id":["{connection}","{connection}"],"provider_config_key":"{integration}","metadata":{"of":"ours"}}"#,
    ),
    (
        "PATCH",
        "/connections/metadata",
        r#"{"connection_id":"{connection}","provider_config_key":"{integration}","metadata":{"of":"ours"}}"#,
    ),
    ("GET", "/integrations", ""),
    ("GET", "/integrations/{integration}?include=webhook", ""),
    ("GET", "/integrations/{integration}/functions", ""),
    ("GET", "/scripts/config", ""),
    ("GET", "/v1/environments", ""),
    (
        "PATCH",
        "/v1/environments/{environment}",
        r#"{"webhooks":{"primary_url":"https://ours.example/"}}"#,
    ),
    ("DELETE", "/v1/environments/{environment}", ""),
    ("POST", "/v1/environments/{environment}/signing-key", ""),
    ("GET", "/v1/keys", ""),
    (
        "POST",
        "/v1/keys",
        r#"{"name":"ours","scopes":["read"],"import":"{import}"}"#,
    ),
    ("DELETE", "/v1/keys/{key}", ""),
    ("GET", "/v1/integrations", ""),
    (
        "PUT",
        "/v1/integrations/{integration}",
        r#"{"provider":"ours"}"#,
    ),
    ("DELETE", "/v1/integrations/{integration}", ""),
    ("GET", "/v1/connections?integration={integration}", ""),
    (
        "PUT",
        "/v1/connections/{integration}/{connection}",
        r#"{"config":{"script":[["records.batch-save","Item","{\"id\":\"1\",\"v\":\"ours\"}"]]}}"#,
    ),
    ("DELETE", "/v1/connections/{integration}/{connection}", ""),
    ("GET", "/v1/deployments?integration={integration}", ""),
    (
        "POST",
        "/v1/deployments/rollback",
        r#"{"integration":"{integration}","sync":"{sync}"}"#,
    ),
    (
        "POST",
        "/v1/deployments/pin",
        r#"{"integration":"{integration}","connection":"{connection}","sync":"{sync}","digest":"{digest}"}"#,
    ),
    ("GET", "/v1/runs?before={run}", ""),
    (
        "GET",
        "/v1/runs?integration={integration}&connection={connection}&sync={sync}&variant={variant}",
        "",
    ),
    ("GET", "/v1/runs/{run}", ""),
    ("GET", "/v1/runs/{run}/log", ""),
    ("GET", "/v1/webhooks?state=over&after={delivery}", ""),
    ("GET", "/v1/webhooks?state=waiting", ""),
    ("POST", "/v1/webhooks/{delivery}/replay", ""),
];

/// The headers of every request.
const HEADERS: &[(&str, &str)] = &[
    ("connection-id", "{connection}"),
    ("provider-config-key", "{integration}"),
];

/// What is drawn for one request: its route, a name for each slot in their order, and
/// whether it claims to be of the other environment.
#[derive(Clone)]
struct Drawn {
    route: Index,
    names: Vec<(Index, bool)>,
    claims: bool,
}

impl fmt::Debug for Drawn {
    /// The route; a failure tells the whole requests itself.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (method, path, _) = self.route.get(ROUTES);
        write!(f, "{method} {path}")
    }
}

fn drawn() -> impl Strategy<Value = Drawn> {
    // One name of four is hostile; most are such as there are.
    let name = (any::<Index>(), prop::bool::weighted(0.25));
    let names = prop::collection::vec(name, SLOTS_MAX);
    (any::<Index>(), names, prop::bool::weighted(0.1)).prop_map(|(route, names, claims)| Drawn {
        route,
        names,
        claims,
    })
}

/// Both environments, and what is known of the other one.
struct Tenants {
    world: World,
    ours: Tenant,
    theirs: Tenant,
    /// Names that stand for a slot: ours and theirs.
    names: BTreeMap<&'static str, Vec<String>>,
    /// What the host made for the other environment, which no answer to us may hold.
    secrets: Vec<String>,
    /// The other's runs.
    runs: Vec<String>,
    _app: App,
}

/// A request, ready to be sent.
#[derive(Debug)]
struct Request {
    method: &'static str,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: String,
    /// The names in it, as they were before they were encoded.
    names: Vec<String>,
}

#[test]
fn whatever_one_environment_asks_the_others_stays_its_own() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let Some(tenants) = runtime.block_on(Tenants::new())? else {
        return Ok(());
    };
    let mut runner = TestRunner::new(Config {
        cases: CASES,
        failure_persistence: None,
        ..Config::default()
    });
    let sequences = prop::collection::vec(drawn(), 1..=REQUESTS_MAX);
    let tried = runner.run(&sequences, |sequence| {
        let played = runtime.block_on(tenants.play(&sequence));
        played.map_err(|error| TestCaseError::fail(format!("{error:#}")))
    });
    tried.map_err(|error| anyhow::anyhow!("{error}"))
}

impl Tenants {
    /// None, with a line that says so, where the guests cannot be built.
    async fn new() -> Result<Option<Self>> {
        let app = App::content().await;
        let world = World::telling(&app).await?;
        let Some(ours) = world.tenant("ours").await? else {
            return Ok(None);
        };
        let theirs = world.tenant("theirs").await?.context("it was built")?;
        let Some(component) = tidegate_tests::component("tidegate-test-guests") else {
            return Ok(None);
        };
        world.deploy(&theirs, component).await?;
        for (tenant, name, ids, mark) in [
            (&ours, "ours", ["shared", "only-ours"], "of-ours"),
            (&theirs, "theirs", ["shared", "alone"], MARK),
        ] {
            let hook = json!({ "webhooks": { "primary_url": app.url(&format!("/{mark}")) } });
            let path = format!("/v1/environments/{name}");
            world.done(tenant, "PATCH", &path, Some(hook)).await?;
            for id in ids {
                fill(&world, tenant, id, mark).await?;
            }
            let key = json!({ "name": mark, "scopes": ["read"] });
            world.done(tenant, "POST", "/v1/keys", Some(key)).await?;
        }
        told_of_all(&world, &ours, &theirs).await?;
        let mut tenants = Tenants {
            world,
            ours,
            theirs,
            names: BTreeMap::new(),
            secrets: Vec::new(),
            runs: Vec::new(),
            _app: app,
        };
        tenants.learn().await?;
        // Its id is made of its text, so whoever knows the text may know the id.
        let key = json!({ "name": MARK, "scopes": ["read"], "import": IMPORTED });
        let (world, theirs) = (&tenants.world, &tenants.theirs);
        world.done(theirs, "POST", "/v1/keys", Some(key)).await?;
        Ok(Some(tenants))
    }

    /// Looks up the names of both, and what is the other's alone.
    async fn learn(&mut self) -> Result<()> {
        let own = self.ids(&self.ours).await?;
        let mut theirs = self.ids(&self.theirs).await?;
        // The release that both have is nobody's.
        let digests = theirs.get_mut("digest").context("digests")?;
        digests.retain(|digest| !own["digest"].contains(digest));
        ensure!(digests.len() == 1, "{digests:?}");
        self.runs = theirs["run"].clone();
        self.secrets = theirs.values().flatten().cloned().collect();
        self.secrets.extend([
            MARK.to_owned(),
            IMPORTED.to_owned(),
            self.theirs.key.clone(),
            self.theirs.signing_key.clone(),
        ]);
        for (slot, ids) in own.into_iter().chain(theirs) {
            self.names.entry(slot).or_default().extend(ids);
        }
        // Whoever asks must not revoke the key that it asks with.
        let asking = self.ours.key.clone();
        let keys = self.names.get_mut("key").context("keys")?;
        keys.retain(|id| !asking.contains(id.as_str()));
        for (slot, names) in [
            ("environment", &["ours", "theirs"][..]),
            ("integration", &["crm"]),
            ("connection", &["shared", "alone", "only-ours"]),
            ("sync", &[SYNC, "guest", "every-import::v1"]),
            ("variant", &["base", "v1"]),
            ("model", &["Item", "Item::v1"]),
            ("record", &["1", "2"]),
            (
                "import",
                &[IMPORTED, "5c7de0cf-7d5c-4d47-a4b0-3a1a6f6a2a10"],
            ),
        ] {
            let names = names.iter().map(|name| (*name).to_owned());
            self.names.insert(slot, names.collect());
        }
        Ok(())
    }

    /// Ids that the host made for an environment, by the slot that they fit.
    async fn ids(&self, tenant: &Tenant) -> Result<BTreeMap<&'static str, Vec<String>>> {
        let mut ids: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
        for (slot, path, list, field) in [
            ("run", "/v1/runs", "runs", "id"),
            ("key", "/v1/keys", "keys", "id"),
            ("digest", "/v1/deployments", "deployments", "digest"),
            ("delivery", "/v1/webhooks?state=over", "webhooks", "id"),
            (
                "status",
                "/sync/status?syncs=*&provider_config_key=crm",
                "syncs",
                "id",
            ),
        ] {
            let found = self.world.done(tenant, "GET", path, None).await?;
            let all = found[list].as_array().context("a list")?;
            ensure!(!all.is_empty(), "{path} is empty");
            let all = all.iter().filter_map(|one| one[field].as_str());
            let slot = ids.entry(slot).or_default();
            slot.extend(all.map(str::to_owned));
        }
        for variant in ["base", "v1"] {
            let records = self.records(tenant, "shared", variant).await?;
            for record in records["records"].as_array().context("records")? {
                let cursor = record["_nango_metadata"]["cursor"].as_str();
                let cursor = cursor.context("a cursor")?.to_owned();
                ids.entry("cursor").or_default().push(cursor);
            }
        }
        Ok(ids)
    }

    async fn records(&self, tenant: &Tenant, connection: &str, variant: &str) -> Result<Value> {
        let key = bearer(&tenant.key);
        let headers = [
            ("authorization", key.as_str()),
            ("connection-id", connection),
            ("provider-config-key", "crm"),
        ];
        let path = format!("/records?model=Item&variant={variant}&limit=10000");
        let answer = self.world.ask("GET", &path, &headers, None).await?;
        ensure!(answer.status == 200, "{answer:?}");
        Ok(answer.body)
    }

    /// Plays a sequence, and holds each answer and all of the other's against it.
    async fn play(&self, sequence: &[Drawn]) -> Result<()> {
        let before = self.reading().await?;
        let mut asked = Vec::new();
        for drawn in sequence {
            let request = self.request(drawn);
            let answer = self.send(&request).await?;
            for secret in &self.secrets {
                let is_echo = request.names.iter().any(|name| name.contains(secret));
                ensure!(
                    is_echo || !answer.contains(secret.as_str()),
                    "`{secret}` is in the answer to {request:?}: {answer}"
                );
            }
            asked.push(request);
        }
        let after = self.reading().await?;
        for (path, was) in &before {
            let is = after.get(path);
            ensure!(
                is == Some(was),
                "{path} was {was}, is {is:?} after {asked:#?}"
            );
        }
        Ok(())
    }

    fn request(&self, drawn: &Drawn) -> Request {
        let (method, path, body) = *drawn.route.get(ROUTES);
        let mut request = Request {
            method,
            path: String::new(),
            headers: vec![("authorization", bearer(&self.ours.key))],
            body: String::new(),
            names: Vec::new(),
        };
        let mut choices = drawn.names.iter().cycle();
        let mut filled = |text: &str, encode: fn(&str) -> String, names: &mut Vec<String>| {
            let mut text = text.to_owned();
            for (slot, all) in &self.names {
                let slot = format!("{{{slot}}}");
                while text.contains(&slot) {
                    let Some((index, is_hostile)) = choices.next() else {
                        break;
                    };
                    let name = match is_hostile {
                        true => (*index.get(HOSTILE)).to_owned(),
                        false => index.get(all).clone(),
                    };
                    text = text.replacen(&slot, &encode(&name), 1);
                    names.push(name);
                }
            }
            text
        };
        let mut names = Vec::new();
        request.path = filled(path, percent, &mut names);
        request.body = filled(body, escaped, &mut names);
        for (name, slot) in HEADERS {
            request
                .headers
                .push((name, filled(slot, plain, &mut names)));
        }
        if drawn.claims {
            request
                .headers
                .push(("tidegate-environment", "theirs".into()));
        }
        request.names = names;
        request
    }

    /// The whole answer as text; of a stream, what it begins with.
    async fn send(&self, request: &Request) -> Result<String> {
        let world = &self.world;
        let mut sent = world
            .http
            .request(request.method.parse()?, world.url(&request.path));
        for (name, value) in &request.headers {
            // What no header can hold is not sent.
            if let Ok(value) = reqwest::header::HeaderValue::from_str(value) {
                sent = sent.header(*name, value);
            }
        }
        if !request.body.is_empty() {
            sent = sent
                .header("content-type", "application/json")
                .body(request.body.clone());
        }
        let mut answer = sent.send().await?;
        let status = answer.status();
        ensure!(!status.is_server_error(), "{request:?}: {status}");
        let mut text = format!("{:?}", answer.headers());
        let is_stream = text.contains("text/event-stream");
        loop {
            let chunk = match is_stream {
                true => tokio::time::timeout(STREAM_TIME, answer.chunk()).await,
                false => Ok(answer.chunk().await),
            };
            match chunk {
                Ok(Ok(Some(bytes))) => text.push_str(&String::from_utf8_lossy(&bytes)),
                Ok(Err(error)) => return Err(error.into()),
                Ok(Ok(None)) | Err(_) => return Ok(text),
            }
        }
    }

    /// All that the other environment and the operator can read of it.
    async fn reading(&self) -> Result<BTreeMap<String, Value>> {
        let mut reading = BTreeMap::new();
        for connection in ["shared", "alone"] {
            for variant in ["base", "v1"] {
                let records = self.records(&self.theirs, connection, variant).await?;
                reading.insert(format!("records {connection} {variant}"), records);
            }
        }
        let mut paths: Vec<String> = [
            "/connections",
            "/connections/shared?provider_config_key=crm",
            "/connections/alone?provider_config_key=crm",
            "/integrations",
            "/scripts/config",
            "/v1/integrations",
            "/v1/connections",
            "/v1/deployments",
            "/v1/keys",
            "/v1/runs",
            "/v1/webhooks?state=over",
            "/v1/webhooks?state=waiting",
            "/sync/status?syncs=*&provider_config_key=crm",
        ]
        .map(str::to_owned)
        .into();
        for run in &self.runs {
            paths.extend([format!("/v1/runs/{run}"), format!("/v1/runs/{run}/log")]);
        }
        for path in paths {
            let mut answer = self.world.done(&self.theirs, "GET", &path, None).await?;
            // The moment of the question.
            if let Value::Object(fields) = &mut answer {
                fields.remove("last_fetched_at");
            }
            reading.insert(path, answer);
        }
        let operator = bearer(&self.world.operator);
        let headers = [("authorization", operator.as_str())];
        let all = self.world.ask("GET", "/v1/environments", &headers, None);
        let all = all.await?.body;
        let own = all["environments"].as_array().context("environments")?;
        let own = own.iter().find(|row| row["name"] == "theirs");
        reading.insert("environment".into(), own.context("it is there")?.clone());
        let imported = bearer(IMPORTED);
        let headers = [("authorization", imported.as_str())];
        let answer = self.world.ask("GET", "/connections", &headers, None);
        reading.insert("with the imported key".into(), answer.await?.body);
        Ok(reading)
    }
}

/// A connection with records, a variant, metadata, tags and runs, all of them marked.
async fn fill(world: &World, tenant: &Tenant, id: &str, mark: &str) -> Result<()> {
    let records = [
        json!({ "id": "1", "v": mark }),
        json!({ "id": "2", "v": mark }),
    ];
    world.connection(tenant, id, saves(&records)).await?;
    let owner = json!({ "provider_config_key": "crm", "connection_id": id });
    let path = format!("/sync/{SYNC}/variant/v1");
    world.done(tenant, "POST", &path, Some(owner)).await?;
    for sync in [SYNC, "every-import::v1"] {
        world.run_sync(tenant, id, sync).await?;
    }
    let metadata = json!({
        "connection_id": id, "provider_config_key": "crm", "metadata": { "of": mark },
    });
    world
        .done(tenant, "POST", "/connections/metadata", Some(metadata))
        .await?;
    let path = format!("/connections/{id}?provider_config_key=crm");
    let tags = json!({ "tags": { "team": mark } });
    world.done(tenant, "PATCH", &path, Some(tags)).await?;
    Ok(())
}

/// Waits until each webhook was delivered: then they change no more.
async fn told_of_all(world: &World, ours: &Tenant, theirs: &Tenant) -> Result<()> {
    // Two connections with two runs each.
    const TOLD: usize = 4;
    for tenant in [ours, theirs] {
        let started = tokio::time::Instant::now();
        loop {
            let path = "/v1/webhooks?state=over";
            let all = world.done(tenant, "GET", path, None).await?;
            if all["webhooks"].as_array().map_or(0, Vec::len) == TOLD {
                break;
            }
            ensure!(started.elapsed() < LONG, "{all}");
            tokio::time::sleep(LOOK).await;
        }
    }
    Ok(())
}

fn percent(name: &str) -> String {
    name.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn escaped(name: &str) -> String {
    let quoted = Value::from(name).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

fn plain(name: &str) -> String {
    name.to_owned()
}

/// An environment whose runs lie far behind 10,000 of another's finds them nevertheless,
/// and is told no id of those that it is led past.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_runs_lead_past_the_others_without_naming_them() -> Result<()> {
    let world = World::start().await?;
    let Some(ours) = world.tenant("ours").await? else {
        return Ok(());
    };
    world
        .connection(&ours, "shared", saves(&[json!({ "id": "1" })]))
        .await?;
    world.run(&ours, "shared").await?;
    let own = world.done(&ours, "GET", "/v1/runs", None).await?;
    let own = own["runs"][0]["id"].as_str().context("a run")?.to_owned();
    let others = crowd(&world, &own).await?;
    let (mut path, mut found, mut pages) = ("/v1/runs".to_owned(), Vec::new(), 0);
    loop {
        let page = world.done(&ours, "GET", &path, None).await?;
        let text = page.to_string();
        assert!(!others.iter().any(|id| text.contains(id)), "{text}");
        for run in page["runs"].as_array().context("runs")? {
            found.push(run["id"].as_str().context("an id")?.to_owned());
        }
        pages += 1;
        let Some(next) = page["next"].as_str() else {
            break;
        };
        path = format!("/v1/runs?before={next}");
    }
    assert_eq!(found, [own]);
    assert!(pages > 1, "the others were all passed over at once");
    Ok(())
}

/// Runs of another environment, all of them newer than `own`; their ids.
async fn crowd(world: &World, own: &str) -> Result<Vec<String>> {
    use tidegate::model::{ConnectionKey, Digest, RunId, SyncKey, Trigger};
    const RUNS: u64 = 12_000;
    /// Milliseconds from one to the next.
    const APART: u64 = 7;
    let own: RunId = own.parse()?;
    let millis = u64::try_from(u128::from_be_bytes(own.to_bytes()) >> 80)?;
    let mut ids = Vec::new();
    for number in 1..=RUNS {
        let run = RunId::new(millis + number * APART, number.into());
        let id = format!("c{number}");
        let start = tidegate::store::RunStart {
            run,
            key: SyncKey {
                connection: ConnectionKey::new("theirs", "crm", &id)?,
                sync: SYNC.parse()?,
                variant: tidegate::model::Variant::base(),
            },
            digest: Digest::of(b"another"),
            version: "1".into(),
            trigger: Trigger::Schedule,
            started: jiff::Timestamp::now(),
            memory_cap_bytes: 1,
        };
        world.host.store.begin_run(start).await?;
        ids.push(run.to_string());
    }
    Ok(ids)
}
