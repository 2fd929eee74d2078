//! How requests are read: strictly, and refused in one form that names the place.

use crate::world::{SYNC, World, bearer, saves};
use anyhow::Result;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A request and its refusal.
struct Row {
    method: &'static str,
    path: &'static str,
    body: Option<Value>,
    status: u16,
    code: &'static str,
    /// Where the error points, if it does.
    at: Option<&'static str>,
}

fn query(path: &'static str, at: Option<&'static str>) -> Row {
    Row {
        method: "GET",
        path,
        body: None,
        status: 400,
        code: "invalid_query_params",
        at,
    }
}

fn body(method: &'static str, path: &'static str, body: Value, at: Option<&'static str>) -> Row {
    Row {
        method,
        path,
        body: Some(body),
        status: 400,
        code: "invalid_body",
        at,
    }
}

fn rows() -> Vec<Row> {
    vec![
        query("/records", None),
        query("/records?model=Item&modle=x", Some("modle")),
        query("/records?model=Item&model=Item", Some("model")),
        query("/records?model=It%20em", Some("model")),
        query("/records?model=Item&limit=0", Some("limit")),
        query("/records?model=Item&limit=10001", Some("limit")),
        query("/records?model=Item&limit=x", Some("limit")),
        query("/records?model=Item&filter=gone", Some("filter")),
        query("/records?model=Item&cursor=", Some("cursor")),
        query(
            "/records?model=Item&modified_after=yesterday",
            Some("modified_after"),
        ),
        query(
            "/records?model=Item&modified_after=2001-01-01T00:00:00Z",
            Some("modified_after"),
        ),
        query(
            "/records?model=Item&delta=2026-01-01T00:00:00%2B01:00",
            Some("delta"),
        ),
        query("/connections?limit=2001", Some("limit")),
        query("/connections?limit=0", Some("limit")),
        query("/connections?connection_id=x", Some("connection_id")),
        query("/connections/c1", None),
        query(
            "/connections/c1?provider_config_key=crm&force_refresh=maybe",
            Some("force_refresh"),
        ),
        query("/sync/status?provider_config_key=crm", None),
        query(
            "/sync/status?syncs=a::b::c&provider_config_key=crm",
            Some("syncs"),
        ),
        query("/v1/runs?limit=1001", Some("limit")),
        query("/v1/runs?sync=x", Some("sync")),
        query("/v1/runs?before=x", Some("before")),
        query("/v1/webhooks?state=x", Some("state")),
        query("/integrations?x=1", Some("x")),
        body("POST", "/sync/trigger", json!([]), None),
        body("POST", "/sync/trigger", json!({ "sync": [] }), Some("sync")),
        body("POST", "/sync/trigger", json!({ "syncs": [7] }), None),
        body(
            "POST",
            "/sync/trigger",
            json!({ "syncs": ["a b"], "provider_config_key": "crm" }),
            Some("syncs"),
        ),
        body(
            "POST",
            "/sync/trigger",
            json!({ "opts": { "reset": 1 } }),
            Some("reset"),
        ),
        body(
            "POST",
            "/sync/trigger",
            json!({ "opts": {}, "sync_mode": "incremental" }),
            Some("opts"),
        ),
        body(
            "POST",
            "/sync/trigger",
            json!({ "opts": {}, "full_resync": true }),
            Some("opts"),
        ),
        body(
            "POST",
            "/sync/trigger",
            json!({ "sync_mode": "sideways" }),
            Some("sync_mode"),
        ),
        body("POST", "/sync/start", json!({ "syncs": [] }), None),
        body(
            "POST",
            "/sync/pause",
            json!({ "syncs": [], "provider_config_key": "crm", "opts": {} }),
            Some("opts"),
        ),
        body(
            "PUT",
            "/sync/update-connection-frequency",
            json!({ "sync_name": SYNC, "provider_config_key": "crm", "connection_id": "c1" }),
            None,
        ),
        body(
            "PUT",
            "/sync/update-connection-frequency",
            json!({ "sync_name": SYNC, "provider_config_key": "crm", "connection_id": "c1", "frequency": "now and then" }),
            Some("frequency"),
        ),
        body(
            "POST",
            "/connections/metadata",
            json!({ "connection_id": "c1", "provider_config_key": "crm", "metadata": [] }),
            Some("metadata"),
        ),
        body(
            "PATCH",
            "/connections/metadata",
            json!({ "connection_id": 7, "provider_config_key": "crm", "metadata": {} }),
            Some("connection_id"),
        ),
        body(
            "POST",
            "/v1/keys",
            json!({ "name": "x", "scopes": [] }),
            Some("scopes"),
        ),
        body(
            "POST",
            "/v1/keys",
            json!({ "name": "x", "scopes": ["all"] }),
            None,
        ),
        Row {
            method: "GET",
            path: "/records?model=Item&cursor=x",
            body: None,
            status: 400,
            code: "invalid_cursor",
            at: None,
        },
        Row {
            method: "POST",
            path: "/sync/trigger",
            body: Some(json!({ "syncs": [] })),
            status: 400,
            code: "missing_provider_config_key",
            at: None,
        },
        Row {
            method: "POST",
            path: "/sync/trigger?x=1",
            body: Some(json!({})),
            status: 400,
            code: "invalid_query_params",
            at: Some("x"),
        },
        Row {
            method: "GET",
            path: "/nowhere",
            body: None,
            status: 404,
            code: "not_found",
            at: None,
        },
        Row {
            method: "PUT",
            path: "/records",
            body: None,
            status: 405,
            code: "method_not_allowed",
            at: None,
        },
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_understood_is_refused_with_its_place() -> Result<()> {
    let world = World::start().await?;
    let Some(tenant) = world.tenant("prod").await? else {
        return Ok(());
    };
    world.connection(&tenant, "c1", json!([])).await?;
    let bearer = bearer(&tenant.key);
    let no_selection = [("authorization", bearer.as_str())];
    let selected = [
        no_selection[0],
        ("connection-id", "c1"),
        ("provider-config-key", "crm"),
    ];
    for row in rows() {
        let headers: &[_] = match row.code {
            "missing_provider_config_key" => &no_selection,
            _ => &selected,
        };
        let answer = world
            .ask(row.method, row.path, headers, row.body.clone())
            .await?;
        let what = format!("{} {} {:?}: {answer:?}", row.method, row.path, row.body);
        assert_eq!(
            (answer.status, answer.code()),
            (row.status, row.code),
            "{what}"
        );
        if let Some(at) = row.at {
            let error = &answer.body["error"]["errors"][0];
            let path = error["path"]
                .as_array()
                .and_then(|path| path.last()?.as_str());
            assert_eq!(path, Some(at), "{what}");
            assert!(
                error["message"].is_string() && error["code"].is_string(),
                "{what}"
            );
        }
    }
    for (headers, code) in [
        (&selected[..2], "invalid_headers"),
        (&no_selection[..], "invalid_headers"),
        (
            &[
                no_selection[0],
                ("connection-id", "c#1"),
                ("provider-config-key", "crm"),
            ][..],
            "invalid_headers",
        ),
        (
            &[
                no_selection[0],
                ("connection-id", "c2"),
                ("provider-config-key", "crm"),
            ][..],
            "unknown_connection",
        ),
    ] {
        let answer = world
            .ask("GET", "/records?model=Item", headers, None)
            .await?;
        assert_eq!((answer.status, answer.code()), (400, code), "{headers:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_json_is_taken_and_not_too_much_of_it() -> Result<()> {
    let world = World::start().await?;
    let Some(tenant) = world.tenant("prod").await? else {
        return Ok(());
    };
    let post = |path: &str, kind: &'static str, body: Vec<u8>| {
        let request = world.http.post(world.url(path));
        let request = request.header("authorization", bearer(&tenant.key));
        let request = match kind {
            "" => request,
            kind => request.header("content-type", kind),
        };
        request.body(body).send()
    };
    let too_long = vec![b' '; tidegate::api::JSON_BODY_BYTES_MAX + 1];
    for (path, kind, body, status) in [
        ("/sync/trigger", "text/plain", b"{}".to_vec(), 415),
        ("/sync/trigger", "application/jsonx", b"{}".to_vec(), 415),
        (
            "/v1/keys",
            "application/x-www-form-urlencoded",
            b"a=b".to_vec(),
            415,
        ),
        (
            "/v1/deployments?integration=crm",
            "application/json",
            b"{}".to_vec(),
            415,
        ),
        (
            "/v1/deployments?integration=none",
            "application/wasm",
            b"{}".to_vec(),
            404,
        ),
        (
            "/v1/deployments?integration=crm",
            "application/wasm",
            b"no component".to_vec(),
            422,
        ),
        (
            "/v1/deployments?integration=crm&dry_run=true",
            "application/wasm",
            b"no component".to_vec(),
            422,
        ),
        // Understood, and refused for what it lacks.
        (
            "/sync/trigger",
            "application/json; charset=utf-8",
            b"{}".to_vec(),
            400,
        ),
        ("/sync/trigger", "", b"{}".to_vec(), 400),
        ("/sync/trigger", "application/json", b"{".to_vec(), 400),
        ("/sync/trigger", "application/json", b"{} {}".to_vec(), 400),
        ("/sync/trigger", "application/json", b"\xff".to_vec(), 400),
        (
            "/sync/trigger",
            "application/json",
            "[".repeat(100_000).into_bytes(),
            400,
        ),
        ("/sync/trigger", "application/json", too_long.clone(), 413),
        ("/connections/metadata", "application/json", too_long, 413),
    ] {
        let what = format!("{path} {kind} of {} bytes", body.len());
        let response = post(path, kind, body).await?;
        assert_eq!(response.status().as_u16(), status, "{what}");
        let body: Value = serde_json::from_str(&response.text().await?)?;
        assert!(body["error"]["code"].is_string(), "{what}: {body}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_page_until_null_and_miss_nothing() -> Result<()> {
    let world = World::start().await?;
    let Some(tenant) = world.tenant("prod").await? else {
        return Ok(());
    };
    let records: Vec<Value> = (0..57)
        .map(|n| json!({ "id": format!("r{n}"), "n": n }))
        .collect();
    for n in 0..7 {
        world
            .connection(&tenant, &format!("c{n}"), saves(&records))
            .await?;
        world.run(&tenant, &format!("c{n}")).await?;
    }
    let bearer = bearer(&tenant.key);
    let headers = [
        ("authorization", bearer.as_str()),
        ("connection-id", "c3"),
        ("provider-config-key", "crm"),
    ];
    let hour_ago = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(1);
    let since = format!("/records/?model=Item&filter=ADDED&modified_after={hour_ago}");
    for (path, list, next, cursor, total) in [
        (
            "/records?model=Item",
            "records",
            "next_cursor",
            "cursor",
            57,
        ),
        (since.as_str(), "records", "next_cursor", "cursor", 57),
        ("/v1/runs?", "runs", "next", "before", 7),
        ("/v1/connections?", "connections", "next", "after", 7),
    ] {
        for limit in [1, 2, 7, 19, 57, 58] {
            let (mut seen, mut at, mut pages) = (BTreeSet::new(), String::new(), 0);
            loop {
                let page = world
                    .ask("GET", &format!("{path}&limit={limit}{at}"), &headers, None)
                    .await?;
                let found = page.body[list].as_array().cloned().unwrap_or_default();
                assert!(found.len() <= limit, "{path}: {page:?}");
                pages += 1;
                for one in found {
                    assert!(seen.insert(one.to_string()), "{path}: {one} comes twice");
                }
                match page.body[next].as_str() {
                    Some(next) => at = format!("&{cursor}={next}"),
                    None => break,
                }
            }
            // No page is empty: the last one is known to be the last.
            assert_eq!(
                (seen.len(), pages),
                (total, usize::div_ceil(total, limit)),
                "{path} by {limit}"
            );
        }
    }
    Ok(())
}

/// Resources with which nothing could run are refused, and what is enough is kept.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn resources_have_their_least() -> Result<()> {
    let world = World::start().await?;
    let operator = bearer(&world.operator);
    let headers = [("authorization", operator.as_str())];
    let least = tidegate::limits::EGRESS_KIB_PER_SECOND_MIN;
    let bandwidth = "egress_kib_per_second";
    for (key, value, at) in [
        ("memory_mib", 0, Some(vec!["resources"])),
        ("runs", 0, Some(vec!["resources"])),
        ("storage_mib", 0, Some(vec!["resources"])),
        (bandwidth, 0, Some(vec!["resources", bandwidth])),
        (bandwidth, least - 1, Some(vec!["resources", bandwidth])),
        (bandwidth, least, None),
    ] {
        let mut resources = json!({ "memory_mib": 64, "runs": 1 });
        resources[key] = value.into();
        let body = json!({ "name": "new", "resources": resources });
        let answer = world
            .ask("POST", "/v1/environments", &headers, Some(body))
            .await?;
        let expected = if at.is_some() { 400 } else { 201 };
        assert_eq!(answer.status, expected, "{key} {value}: {answer:?}");
        match at {
            Some(at) => assert_eq!(answer.body["error"]["errors"][0]["path"], json!(at)),
            None => assert_eq!(answer.body["resources"], resources),
        }
    }
    Ok(())
}
