//! What is kept: the log of a run while it runs, records within their quota, and nothing
//! of a connection that was removed.

use crate::world::{LONG, LOOK, SYNC, Tenant, World, saves};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

/// Bytes of one large record: two of them are more than a MiB.
const LARGE: usize = 600 << 10;

const OWNER: &str = "provider_config_key=crm&connection_id=c1";

async fn start(world: &World, tenant: &Tenant) -> Result<()> {
    let body = json!({ "syncs": [SYNC], "provider_config_key": "crm", "connection_id": "c1" });
    world
        .done(tenant, "POST", "/sync/trigger", Some(body))
        .await
        .map(drop)
}

/// The last run of the connection, once it is as is asked.
async fn last_run(world: &World, tenant: &Tenant, is_so: impl Fn(&Value) -> bool) -> Result<Value> {
    let path = format!("/v1/runs?integration=crm&connection=c1&sync={SYNC}&limit=1");
    let started = tokio::time::Instant::now();
    loop {
        let page = world.done(tenant, "GET", &path, None).await?;
        let run = &page["runs"][0];
        if run.is_object() && is_so(run) {
            return Ok(run.clone());
        }
        ensure!(started.elapsed() < LONG, "{page}");
        tokio::time::sleep(LOOK).await;
    }
}

async fn log(world: &World, tenant: &Tenant, run: &Value) -> Result<Vec<String>> {
    let id = run["id"].as_str().context("a run has an id")?;
    let path = format!("/v1/runs/{id}/log");
    let log = world.done(tenant, "GET", &path, None).await?;
    let lines = log["lines"].as_array().context("a log has lines")?;
    let message = |line: &Value| line["message"].as_str().unwrap_or_default().to_owned();
    Ok(lines.iter().map(message).collect())
}

fn ended(run: &Value) -> bool {
    !run["ended"].is_null()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_of_a_run_is_read_while_it_runs() -> Result<()> {
    let world = World::start().await?;
    let Some(tenant) = world.tenant("prod").await? else {
        return Ok(());
    };
    // Longer than a line may wait; then a save, which writes what waits.
    let script = json!([
        ["log.emit", "info", "half way", ""],
        ["run.sleep", 2_500],
        ["records.batch-save", "Item", "{\"id\":\"1\"}"],
        ["run.sleep", 590_000],
    ]);
    world.connection(&tenant, "c1", script).await?;
    start(&world, &tenant).await?;
    let run = last_run(&world, &tenant, |run| run["counts"]["Item"]["added"] == 1).await?;
    ensure!(!ended(&run), "{run}");
    let lines = log(&world, &tenant, &run).await?;
    ensure!(lines.iter().any(|line| line == "half way"), "{lines:?}");
    // Removing the connection ends the run.
    let path = "/v1/connections/crm/c1";
    world.done(&tenant, "DELETE", path, None).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_environment_that_is_full_saves_nothing_more_until_it_has_room() -> Result<()> {
    let world = World::start().await?;
    let Some(tenant) = world.tenant("prod").await? else {
        return Ok(());
    };
    let operator = format!("Bearer {}", world.operator);
    let headers = [("authorization", operator.as_str())];
    let resources = json!({ "memory_mib": 1024, "runs": 4, "storage_mib": 1 });
    let body = json!({ "resources": resources });
    let changed = world
        .ask("PATCH", "/v1/environments/prod", &headers, Some(body))
        .await?;
    ensure!(changed.status == 200, "{changed:?}");
    // Another resource alone: the quota stays.
    let body = json!({ "resources": { "runs": 3, "egress_kib_per_second": 65_536 } });
    let changed = world
        .ask("PATCH", "/v1/environments/prod", &headers, Some(body))
        .await?;
    let expected = json!({
        "memory_mib": 1024, "runs": 3, "storage_mib": 1, "egress_kib_per_second": 65_536,
    });
    ensure!(changed.body["resources"] == expected, "{changed:?}");
    for id in ["1", "2"] {
        let record = json!({ "id": id, "text": "x".repeat(LARGE) });
        world
            .connection(&tenant, "c1", json!(saves(&[record])))
            .await?;
        world.run(&tenant, "c1").await?;
    }
    let listed = world.ask("GET", "/v1/environments", &headers, None).await?;
    let taken = listed.body["environments"][0]["stored_bytes"].as_u64();
    ensure!(taken.is_some_and(|taken| taken > 1 << 20), "{listed:?}");

    let script = json!([
        ["checkpoint.save", "{\"page\":7}"],
        ["records.batch-save", "Item", "{\"id\":\"3\"}"],
    ]);
    world.connection(&tenant, "c1", script).await?;
    world.run(&tenant, "c1").await?;
    let run = last_run(&world, &tenant, ended).await?;
    let lines = log(&world, &tenant, &run).await?;
    let refused = "called records.batch-save: limit.storage";
    ensure!(lines.iter().any(|line| line == refused), "{lines:?}");
    let path = format!("/sync/status?syncs={SYNC}&{OWNER}");
    let status = world.done(&tenant, "GET", &path, None).await?;
    ensure!(
        status["syncs"][0]["checkpoint"] == json!({ "page": 7 }),
        "{status}"
    );

    let key = format!("Bearer {}", tenant.key);
    let selection = [
        ("authorization", key.as_str()),
        ("connection-id", "c1"),
        ("provider-config-key", "crm"),
    ];
    let page = world
        .ask("GET", "/records?model=Item", &selection, None)
        .await?;
    let last = page.body["records"].as_array().and_then(|all| all.last());
    let cursor = &last.context("there are records")?["_nango_metadata"]["cursor"];
    let body = json!({ "model": "Item", "until_cursor": cursor });
    let pruned = world
        .ask("PATCH", "/records/prune", &selection, Some(body))
        .await?;
    ensure!(
        pruned.body == json!({ "count": 2, "has_more": false }),
        "{pruned:?}"
    );
    world.run(&tenant, "c1").await?;
    let page = world
        .ask("GET", "/records?model=Item&ids=3", &selection, None)
        .await?;
    ensure!(page.body["records"][0]["id"] == "3", "{page:?}");
    let body = json!({ "resources": { "storage_mib": null } });
    let changed = world
        .ask("PATCH", "/v1/environments/prod", &headers, Some(body))
        .await?;
    let expected = json!({ "memory_mib": 1024, "runs": 3, "egress_kib_per_second": 65_536 });
    ensure!(changed.body["resources"] == expected, "{changed:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_connection_takes_what_it_had_along() -> Result<()> {
    let world = World::start().await?;
    let Some(tenant) = world.tenant("prod").await? else {
        return Ok(());
    };
    let key = format!("Bearer {}", tenant.key);
    let selection = [
        ("authorization", key.as_str()),
        ("connection-id", "c1"),
        ("provider-config-key", "crm"),
    ];
    let mut cursor = String::new();
    for round in 0..2 {
        let record = json!({ "id": "1", "round": round });
        world
            .connection(&tenant, "c1", json!(saves(&[record])))
            .await?;
        world.run(&tenant, "c1").await?;
        // A cursor of before goes on, and what comes is new.
        let path = match cursor.as_str() {
            "" => "/records?model=Item".into(),
            cursor => format!("/records?model=Item&cursor={cursor}"),
        };
        let page = world.ask("GET", &path, &selection, None).await?;
        let record = &page.body["records"][0];
        ensure!(record["round"] == round, "{page:?}");
        ensure!(
            record["_nango_metadata"]["last_action"] == "ADDED",
            "{page:?}"
        );
        cursor = record["_nango_metadata"]["cursor"]
            .as_str()
            .context("a cursor")?
            .into();
        let body = json!({ "connection_id": "c1", "provider_config_key": "crm", "metadata": { "a": round } });
        world
            .done(&tenant, "PATCH", "/connections/metadata", Some(body))
            .await?;
        let path = "/connections/c1?provider_config_key=crm";
        world.done(&tenant, "DELETE", path, None).await?;
        let runs = world.done(&tenant, "GET", "/v1/runs", None).await?;
        ensure!(runs["runs"] == json!([]), "{runs}");
    }
    world.connection(&tenant, "c1", json!([])).await?;
    let path = "/connections/c1?provider_config_key=crm";
    let shown = world.done(&tenant, "GET", path, None).await?;
    ensure!(
        shown["metadata"] == json!({}) || shown["metadata"].is_null(),
        "{shown}"
    );
    let page = world
        .ask("GET", "/records?model=Item", &selection, None)
        .await?;
    ensure!(page.body["records"] == json!([]), "{page:?}");
    Ok(())
}
