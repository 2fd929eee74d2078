//! The wire requests that Nango's client sends, byte for byte as it sent them
//! (`shared/data/golden-requests.json`), each against an environment that has what it is
//! about: the status, and the shape of the answer that the client's types promise.
//!
//! A golden request is named after the client's call, such as `listRecords all`; that
//! very call is in `client/suite.mjs` too, which is checked here.

use crate::world::{Answer, Tenant, World};
use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The suite that plays the client's calls.
const SUITE: &str = include_str!("client/suite.mjs");
/// The key that the requests were recorded with.
const RECORDED_KEY: &str = "Bearer 11111111-1111-4111-8111-111111111111";
/// A moment in them, which must lie within the last year.
const RECORDED_TIME: &str = "2026-08-01T00%3A00%3A00.000Z";

/// A request as it was recorded.
#[derive(Clone, Deserialize)]
struct Golden {
    call: String,
    method: String,
    url: String,
    headers: BTreeMap<String, String>,
    body: Option<Value>,
}

/// What there is beside the integration, the sync and three connections with records.
#[derive(Clone, Copy, PartialEq, Eq)]
enum With {
    Nothing,
    /// The variant `v1`, which ran.
    Variant,
}
use With::{Nothing, Variant};

/// A golden request and its answer.
struct Row {
    call: &'static str,
    with: With,
    /// Text of the request that stands for something only a host knows, and what stands
    /// there instead: a cursor for `{cursor}`.
    changed: &'static [(&'static str, &'static str)],
    status: u16,
    /// The answer: see [`differs`].
    answer: Value,
}

fn row(call: &'static str, with: With, status: u16, answer: Value) -> Row {
    Row {
        call,
        with,
        changed: &[],
        status,
        answer,
    }
}

fn rows() -> Vec<Row> {
    let metadata = json!({
        "first_seen_at": "a time", "last_modified_at": "a time", "last_action": "a text",
        "deleted_at": "a time or null", "pruned_at": "a time or null", "cursor": "a text",
    });
    let page = json!({
        "next_cursor": "a text or null",
        "records": [{ "id": "a text", "_nango_metadata": metadata }],
    });
    let error =
        |code: &str| json!({ "error": { "code": format!("={code}"), "message": "a text" } });
    let success = json!({ "success": true });
    let triggered = json!({
        "success": true, "queued": "a number", "already_running": "a number",
    });
    let changed = json!({ "added": "a number", "updated": "a number", "deleted": "a number" });
    let statuses = json!({ "syncs": [{
        "id": "a text", "connection_id": "a text", "type": "a text", "finishedAt?": "a time",
        "nextScheduledSyncAt": "a time or null", "name": "=contacts", "variant": "a text",
        "status": "a text", "frequency": "a text or null",
        "latestResult": { "Contact?": changed }, "latestExecutionStatus?": "a text",
        "recordCount": { "Contact": "a number" }, "checkpoint": "an object or null",
    }]});
    let connection = json!({
        "id": "a number", "connection_id": "=c1", "provider_config_key": "=crm",
        "provider": "a text", "errors": [], "end_user": "an object or null",
        "tags": "an object", "metadata": "an object or null", "connection_config": {},
        "webhook_url_override": "a text or null", "created_at": "a time",
        "updated_at": "a time", "last_fetched_at": "a time", "credentials": {},
    });
    let listed = json!({
        "id": "a number", "connection_id": "a text", "provider_config_key": "=crm",
        "provider": "a text", "errors": [], "end_user": "an object or null",
        "tags": "an object", "metadata": "an object or null", "created": "a time",
    });
    let integration = json!({
        "unique_key": "=crm", "provider": "a text", "display_name": "a text", "logo": "a text",
        "forward_webhooks": "a flag", "created_at": "a time", "updated_at": "a time",
    });
    let mut with_webhook = integration.clone();
    with_webhook["webhook_url"] = "a text or null".into();
    let script = json!({
        "id": "a text", "name": "=contacts", "type": "=sync", "sync_type": "a text",
        "runs": "a text or null", "auto_start": "a flag", "description": "a text",
        "scopes": [], "metadata": {}, "track_deletes": "a flag", "returns": ["=Contact"],
        "endpoints": [], "version": "a text", "last_deployed": "a time", "input": null,
        "enabled": true, "json_schema": null, "sdk_version": null, "features": [],
    });
    let scripts = json!([{
        "providerConfigKey": "=crm", "provider": "a text", "syncs": [script.clone()],
        "actions": [], "on-events": [],
    }]);
    let echo = |connections: Value, metadata: Value| {
        json!({
            "connection_id": connections, "provider_config_key": "=crm", "metadata": metadata,
        })
    };
    let none = json!({ "connections": [] });
    vec![
        row("listRecords minimal", Nothing, 200, page.clone()),
        row("listRecords all", Variant, 400, error("invalid_cursor")),
        Row {
            changed: &[("Y3Vy%2B%2F%3D", "{cursor}")],
            ..row("listRecords all", Variant, 200, page)
        },
        row("pruneRecords", Nothing, 400, error("invalid_cursor")),
        row("triggerSync plain", Nothing, 200, triggered.clone()),
        row("triggerSync opts", Variant, 200, triggered.clone()),
        row("triggerSync legacy string", Nothing, 200, triggered.clone()),
        row("triggerSync legacy bool", Nothing, 200, triggered),
        row("startSync", Nothing, 200, success.clone()),
        row("pauseSync", Variant, 200, success.clone()),
        row("syncStatus list", Variant, 400, error("no_syncs_found")),
        Row {
            changed: &[("x::v", "contacts::v1")],
            ..row("syncStatus list", Variant, 200, statuses.clone())
        },
        row("syncStatus *", Variant, 200, statuses),
        row(
            "updateSyncConnectionFrequency",
            Variant,
            200,
            json!({ "frequency": "=5 minutes" }),
        ),
        row(
            "updateSyncConnectionFrequency null",
            Nothing,
            200,
            json!({ "frequency": null }),
        ),
        row(
            "createSyncVariant",
            Nothing,
            200,
            json!({ "id": "a text", "name": "=contacts", "variant": "=v1" }),
        ),
        row("deleteSyncVariant", Variant, 200, success.clone()),
        row(
            "setMetadata",
            Nothing,
            201,
            echo(json!("=c1"), json!({ "a": 1 })),
        ),
        row(
            "setMetadata many",
            Nothing,
            201,
            echo(json!(["a text"]), json!({ "a": 1 })),
        ),
        row(
            "updateMetadata",
            Nothing,
            200,
            echo(json!("=c1"), json!({ "b": 2 })),
        ),
        row("getMetadata", Nothing, 200, connection.clone()),
        row("getConnection", Nothing, 200, connection),
        row(
            "listConnections",
            Nothing,
            200,
            json!({ "connections": [listed] }),
        ),
        row("listConnections obj", Nothing, 200, none.clone()),
        row("listConnections legacy", Nothing, 200, none),
        row("patchConnection", Nothing, 200, success.clone()),
        row("deleteConnection", Nothing, 200, success),
        row(
            "listIntegrations",
            Nothing,
            200,
            json!({ "data": [integration] }),
        ),
        row(
            "getIntegration",
            Nothing,
            200,
            json!({ "data": with_webhook }),
        ),
        row("getScriptsConfig", Nothing, 200, scripts),
        row("getEnvironmentVariables", Nothing, 200, json!([])),
        row("listFunctions", Nothing, 200, json!({ "data": [script] })),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_golden_request_is_answered_as_the_client_expects() -> Result<()> {
    let Some(path) = tidegate_tests::shared_data("golden-requests.json") else {
        return Ok(());
    };
    let golden: Vec<Golden> = serde_json::from_slice(&std::fs::read(path)?)?;
    let (world, rows) = (World::start().await?, rows());
    for request in &golden {
        let method = request.call.split(' ').next().unwrap_or_default();
        let is_played = SUITE.contains(&format!("nango.{method}("));
        assert!(is_played, "client/suite.mjs does not call {method}");
        let has_row = rows.iter().any(|row| row.call == request.call);
        assert!(has_row, "no row answers `{}`", request.call);
    }
    let mut wrong = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let request = golden.iter().find(|request| request.call == row.call);
        let request = request.with_context(|| format!("no golden request `{}`", row.call))?;
        // Each has an environment of its own, so that none needs another before it.
        let tenant = world.tenant_with(&format!("row-{at}"), "contacts").await?;
        let Some(tenant) = tenant else {
            return Ok(());
        };
        set_up(&world, &tenant, row.with).await?;
        let changed = changed(&world, &tenant, row).await?;
        let answer = send(&world, &tenant, request, &changed).await?;
        let difference = match answer.status == row.status {
            true => differs(&row.answer, &answer.body, ""),
            false => Some(format!("status {}, not {}", answer.status, row.status)),
        };
        wrong.extend(difference.map(|why| format!("{}: {why}: {}", row.call, answer.body)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

async fn set_up(world: &World, tenant: &Tenant, with: With) -> Result<()> {
    for id in ["c1", "c2", "c%201"] {
        let path = format!("/v1/connections/crm/{id}");
        world.done(tenant, "PUT", &path, Some(json!({}))).await?;
    }
    for id in ["c1", "c 1"] {
        world.run_sync(tenant, id, "contacts").await?;
    }
    if with == Variant {
        for id in ["c1", "c2"] {
            let body = json!({ "provider_config_key": "crm", "connection_id": id });
            world
                .done(tenant, "POST", "/sync/contacts/variant/v1", Some(body))
                .await?;
        }
        world.run_sync(tenant, "c1", "contacts::v1").await?;
    }
    Ok(())
}

/// What is replaced in a request: what every request needs, and what the row says.
async fn changed(world: &World, tenant: &Tenant, row: &Row) -> Result<Vec<(String, String)>> {
    let today = format!(
        "{:.3}",
        Timestamp::now() - jiff::SignedDuration::from_hours(1)
    );
    let mut changed = vec![(RECORDED_TIME.to_owned(), today.replace(':', "%3A"))];
    for (from, to) in row.changed {
        let to = match *to {
            "{cursor}" => first_cursor(world, tenant).await?,
            to => to.to_owned(),
        };
        changed.push(((*from).to_owned(), to));
    }
    Ok(changed)
}

/// The cursor of the first record of the variant.
async fn first_cursor(world: &World, tenant: &Tenant) -> Result<String> {
    let bearer = crate::world::bearer(&tenant.key);
    let headers = [
        ("authorization", bearer.as_str()),
        ("connection-id", "c1"),
        ("provider-config-key", "crm"),
    ];
    let path = "/records?model=Contact&variant=v1&limit=1";
    let page = world.ask("GET", path, &headers, None).await?;
    let cursor = page.body["records"][0]["_nango_metadata"]["cursor"].as_str();
    Ok(cursor.context("a record")?.to_owned())
}

async fn send(
    world: &World,
    tenant: &Tenant,
    golden: &Golden,
    changed: &[(String, String)],
) -> Result<Answer> {
    let replaced = |text: &str| {
        let mut text = text.to_owned();
        for (from, to) in changed {
            text = text.replace(from, to);
        }
        text
    };
    let url = world.url(&replaced(&golden.url));
    let mut request = world.http.request(golden.method.parse()?, url);
    for (name, value) in &golden.headers {
        request = match name.as_str() {
            "authorization" => {
                ensure!(value == RECORDED_KEY, "another key: {value}");
                request.bearer_auth(&tenant.key)
            }
            _ => request.header(name, value),
        };
    }
    if let Some(body) = &golden.body {
        request = request.body(body.to_string());
    }
    let answer = request.send().await?;
    let status = answer.status().as_u16();
    let text = answer.text().await?;
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Ok(Answer { status, body })
}

/// Where `found` is not as `shape` says, if it is not. A shape is the value itself, but:
/// a text says what is there (`a text`, `a time or null`), or begins with `=` before the
/// very text; a list of one holds one or more of that shape; a key with `?` may be
/// missing. An object has no other keys.
fn differs(shape: &Value, found: &Value, at: &str) -> Option<String> {
    match (shape, found) {
        (Value::String(kind), _) => {
            let is_so = match kind.strip_prefix('=') {
                Some(text) => found == text,
                None => is_a(kind, found),
            };
            (!is_so).then(|| format!("{at} is not {kind}"))
        }
        (Value::Array(shapes), Value::Array(all)) => match shapes.as_slice() {
            [shape] if !all.is_empty() => all
                .iter()
                .enumerate()
                .find_map(|(nth, one)| differs(shape, one, &format!("{at}[{nth}]"))),
            [] if all.is_empty() => None,
            _ => Some(format!("{at} has {} entries", all.len())),
        },
        (Value::Object(shapes), Value::Object(fields)) => {
            let name = |key: &str| key.trim_end_matches('?').to_owned();
            let unknown = fields
                .keys()
                .find(|key| !shapes.keys().any(|known| name(known) == **key));
            let unknown = unknown.map(|key| format!("{at} has a field {key}"));
            unknown.or_else(|| {
                shapes.iter().find_map(|(key, shape)| {
                    let inner = format!("{at}.{key}");
                    match fields.get(&name(key)) {
                        Some(field) => differs(shape, field, &inner),
                        None if key.ends_with('?') => None,
                        None => Some(format!("{inner} is missing")),
                    }
                })
            })
        }
        _ => (shape != found).then(|| format!("{at} is not {shape}")),
    }
}

fn is_a(kind: &str, found: &Value) -> bool {
    if let Some(kind) = kind.strip_suffix(" or null") {
        return found.is_null() || is_a(kind, found);
    }
    match kind {
        "a text" => found.is_string(),
        "a number" => found.is_number(),
        "a flag" => found.is_boolean(),
        "an object" => found.is_object(),
        "a time" => found
            .as_str()
            .is_some_and(|text| text.parse::<Timestamp>().is_ok()),
        _ => panic!("no kind `{kind}`"),
    }
}

#[test]
fn a_difference_is_named() {
    let shape = json!({ "a": "a text", "b?": ["a number or null"], "c": "=x", "d": [] });
    for (found, says) in [
        (json!({ "a": "t", "c": "x", "d": [] }), None),
        (json!({ "a": "t", "b": [1, null], "c": "x", "d": [] }), None),
        (
            json!({ "a": 1, "c": "x", "d": [] }),
            Some(".a is not a text"),
        ),
        (
            json!({ "a": "t", "b": [], "c": "x", "d": [] }),
            Some(".b? has 0 entries"),
        ),
        (
            json!({ "a": "t", "b": ["1"], "c": "x", "d": [] }),
            Some(".b?[0] is not"),
        ),
        (json!({ "a": "t", "c": "y", "d": [] }), Some(".c is not =x")),
        (
            json!({ "a": "t", "c": "x", "d": [1] }),
            Some(".d has 1 entries"),
        ),
        (json!({ "a": "t", "c": "x" }), Some(".d is missing")),
        (
            json!({ "a": "t", "c": "x", "d": [], "e": 1 }),
            Some("a field e"),
        ),
    ] {
        let difference = differs(&shape, &found, "");
        match says {
            None => assert_eq!(difference, None),
            Some(says) => assert!(difference.unwrap_or_default().contains(says), "{found}"),
        }
    }
}
