//! Two environments with equal names in them: neither sees or changes what is the
//! other's.

use crate::world::{SYNC, World, bearer, saves};
use anyhow::{Context, Result};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_environment_never_sees_the_others() -> Result<()> {
    let world = World::start().await?;
    let Some(ours) = world.tenant("ours").await? else {
        return Ok(());
    };
    let theirs = world
        .tenant("theirs")
        .await?
        .context("it was built before")?;
    for (tenant, id, secret) in [
        (&ours, "shared", "of-ours"),
        (&theirs, "shared", "of-theirs"),
        (&theirs, "alone", "of-theirs"),
    ] {
        world
            .connection(tenant, id, saves(&[json!({ "id": "1", "v": secret })]))
            .await?;
        world.run(tenant, id).await?;
        let body = json!({ "connection_id": id, "provider_config_key": "crm", "metadata": { "m": secret } });
        world
            .done(tenant, "POST", "/connections/metadata", Some(body))
            .await?;
    }
    let runs = world.done(&theirs, "GET", "/v1/runs", None).await?;
    let run = runs["runs"][0]["id"].as_str().context("a run")?.to_owned();
    let keys = world.done(&theirs, "GET", "/v1/keys", None).await?;
    let key = keys["keys"][0]["id"].as_str().context("a key")?.to_owned();

    let bearer = bearer(&ours.key);
    let named = |id: &'static str| {
        [
            ("authorization", bearer.as_str()),
            ("connection-id", id),
            ("provider-config-key", "crm"),
        ]
    };
    // What is asked, and the status: everything that is only theirs is not there.
    let owner = json!({ "provider_config_key": "crm", "connection_id": "alone" });
    let control =
        json!({ "syncs": [SYNC], "provider_config_key": "crm", "connection_id": "alone" });
    let frequency = json!({ "sync_name": SYNC, "provider_config_key": "crm", "connection_id": "alone", "frequency": "1h" });
    let metadata = json!({ "connection_id": ["shared", "alone"], "provider_config_key": "crm", "metadata": { "m": "taken" } });
    let rows: Vec<(&str, String, Option<Value>, u16)> = vec![
        ("GET", "/records?model=Item".into(), None, 400),
        ("POST", "/sync/trigger".into(), Some(control.clone()), 404),
        ("POST", "/sync/start".into(), Some(control.clone()), 404),
        ("POST", "/sync/pause".into(), Some(control), 404),
        (
            "GET",
            "/sync/status?syncs=*&provider_config_key=crm&connection_id=alone".into(),
            None,
            400,
        ),
        (
            "PUT",
            "/sync/update-connection-frequency".into(),
            Some(frequency),
            400,
        ),
        (
            "POST",
            format!("/sync/{SYNC}/variant/v1"),
            Some(owner.clone()),
            400,
        ),
        (
            "DELETE",
            format!("/sync/{SYNC}/variant/v1"),
            Some(owner),
            400,
        ),
        (
            "GET",
            "/connections/alone?provider_config_key=crm".into(),
            None,
            404,
        ),
        (
            "PATCH",
            "/connections/alone?provider_config_key=crm".into(),
            Some(json!({})),
            404,
        ),
        (
            "DELETE",
            "/connections/alone?provider_config_key=crm".into(),
            None,
            404,
        ),
        ("DELETE", "/v1/connections/crm/alone".into(), None, 404),
        (
            "POST",
            "/connections/metadata".into(),
            Some(metadata.clone()),
            404,
        ),
        ("PATCH", "/connections/metadata".into(), Some(metadata), 404),
        ("GET", format!("/v1/runs/{run}"), None, 404),
        ("GET", format!("/v1/runs/{run}/log"), None, 404),
        ("DELETE", format!("/v1/keys/{key}"), None, 404),
        (
            "PATCH",
            "/v1/environments/theirs".into(),
            Some(json!({})),
            403,
        ),
    ];
    for (method, path, body, status) in rows {
        let answer = world.ask(method, &path, &named("alone"), body).await?;
        assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
        assert!(
            !answer.body.to_string().contains("of-theirs"),
            "{method} {path}: {answer:?}"
        );
    }
    for path in [
        "/records?model=Item",
        "/connections",
        "/v1/connections",
        "/v1/runs",
        "/v1/deployments",
        "/v1/keys",
        "/v1/webhooks?state=over",
        "/v1/webhooks?state=waiting",
        "/sync/status?syncs=*&provider_config_key=crm",
        "/connections/shared?provider_config_key=crm",
    ] {
        let answer = world.ask("GET", path, &named("shared"), None).await?;
        let text = answer.body.to_string();
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        assert!(
            !text.contains("theirs") && !text.contains("alone"),
            "{path}: {text}"
        );
    }
    // And naming their environment does not help.
    let headers = [
        ("authorization", bearer.as_str()),
        ("tidegate-environment", "theirs"),
    ];
    let answer = world.ask("GET", "/v1/keys", &headers, None).await?;
    assert_eq!((answer.status, answer.code()), (403, "forbidden"));
    let kept = world
        .done(
            &theirs,
            "GET",
            "/connections/alone?provider_config_key=crm",
            None,
        )
        .await?;
    assert_eq!(kept["metadata"], json!({ "m": "of-theirs" }));
    Ok(())
}
