//! `records`: saving, updating, deleting, reading and passes, as a guest meets them.

use crate::{Row, check, host_and_guest, play, row, script};
use anyhow::Result;
use serde_json::{Value, json};
use std::sync::Arc;
use tidegate::capability::Schemas;
use tidegate::limits::IDS_PER_CALL_MAX;
use tidegate::model::Manifest;
use tidegate::model::SyncName;

const A: &str = "{\"id\":\"a\",\"n\":1}";
const AB: &str = "{\"id\":\"a\",\"n\":1}\n{\"id\":\"b\",\"n\":2}\n";

/// The step that saves `ndjson`.
fn save(ndjson: &str) -> Value {
    json!(["records.batch-save", "Item", ndjson])
}

fn get(ids: Value) -> Value {
    json!(["records.get", "Item", ids])
}

fn writes() -> Vec<Row> {
    vec![
        row("new", json!([save(AB)]), "ok", json!([2, 0, 0])),
        row(
            "the same again, keys in another order",
            json!([save(A), save("{\"n\":1,\"id\":\"a\"}")]),
            "ok",
            json!([0, 0, 1]),
        ),
        row(
            "changed",
            json!([save(A), save("{\"id\":\"a\",\"n\":2}")]),
            "ok",
            json!([0, 1, 0]),
        ),
        row(
            "one id twice: the later wins",
            json!([
                save("{\"id\":\"a\",\"n\":1}\n{\"id\":\"a\",\"n\":2}"),
                get(json!(["a"]))
            ]),
            "ok",
            json!(["{\"id\":\"a\",\"n\":2}"]),
        ),
        row("nothing", json!([save("")]), "ok", json!([0, 0, 0])),
        row(
            "against the model's schema",
            json!([save("{\"id\":7}")]),
            "record.schema",
            "`id` is integer",
        ),
        row(
            "without id",
            json!([save("{\"n\":1}")]),
            "record.invalid",
            "record 0",
        ),
        row(
            "a refused batch saves nothing",
            json!([save("{\"id\":\"a\"}\n[]"), get(json!(["a"]))]),
            "ok",
            json!([null]),
        ),
        row(
            "an unknown model",
            json!([["records.batch-save", "Thing", A]]),
            "model.unknown",
            "Thing",
        ),
        row(
            "update merges deep and replaces lists",
            json!([
                save("{\"id\":\"a\",\"o\":{\"x\":1,\"y\":2},\"l\":[1,2]}"),
                [
                    "records.batch-update",
                    "Item",
                    "{\"id\":\"a\",\"o\":{\"y\":3},\"l\":[9]}"
                ],
                get(json!(["a"])),
            ]),
            "ok",
            json!(["{\"id\":\"a\",\"o\":{\"x\":1,\"y\":3},\"l\":[9]}"]),
        ),
        row(
            "update of what is not there",
            json!([["records.batch-update-text", "Item", A]]),
            "ok",
            json!([0, 0, 0]),
        ),
    ]
}

fn reads_and_deletes() -> Vec<Row> {
    let many: Vec<String> = (0..=IDS_PER_CALL_MAX).map(|id| id.to_string()).collect();
    let start = json!(["records.track-deletes-start", "Item"]);
    let end = json!(["records.track-deletes-end", "Item"]);
    vec![
        row(
            "get keeps the order of the ids",
            json!([save(AB), get(json!(["b", "no", "a"]))]),
            "ok",
            json!(["{\"id\":\"b\",\"n\":2}", null, A]),
        ),
        row(
            "get of too many",
            json!([get(json!(many))]),
            "invalid.argument",
            "limit of 10000",
        ),
        row(
            "list",
            json!([save(AB), ["records.list", "Item", null, 1]]),
            "ok",
            json!([[A], true]),
        ),
        row(
            "list of none",
            json!([["records.list", "Item", null, 10]]),
            "ok",
            json!([[], false]),
        ),
        row(
            "list with limit 0",
            json!([["records.list", "Item", null, 0]]),
            "invalid.argument",
            "within 1 to 10000",
        ),
        row(
            "list with a limit too high",
            json!([["records.list", "Item", null, 10_001]]),
            "invalid.argument",
            "within 1 to 10000",
        ),
        row(
            "list from no cursor of ours",
            json!([["records.list", "Item", "page 2", 10]]),
            "invalid.argument",
            "not a cursor",
        ),
        row(
            "delete counts the live ones",
            json!([save(AB), ["records.batch-delete", "Item", ["a", "no"]]]),
            "ok",
            1,
        ),
        row(
            "what is deleted is not read",
            json!([
                save(AB),
                ["records.batch-delete", "Item", ["a"]],
                get(json!(["a"]))
            ]),
            "ok",
            json!([null]),
        ),
        row(
            "delete of too many",
            json!([["records.batch-delete", "Item", many]]),
            "invalid.argument",
            "limit of 10000",
        ),
        row(
            "a deleted record that comes again is added",
            json!([save(A), ["records.batch-delete", "Item", ["a"]], save(A)]),
            "ok",
            json!([1, 0, 0]),
        ),
        row(
            "a pass deletes what it did not see",
            json!([save(AB), start, save(A), end]),
            "ok",
            json!(["b"]),
        ),
        row(
            "a pass that sees all deletes none",
            json!([save(AB), start, save(AB), end]),
            "ok",
            json!([]),
        ),
        row(
            "no pass is open",
            json!([save(AB), end]),
            "invalid.argument",
            "track-deletes-start",
        ),
        row(
            "a pass with a refused save deletes none",
            json!([save(AB), start, save("[]"), end]),
            "ok",
            json!([]),
        ),
        row(
            "a pass over an unknown model",
            json!([["records.track-deletes-start", "Thing"]]),
            "model.unknown",
            "Thing",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_and_their_refusals() -> Result<()> {
    let Some((host, ready)) = host_and_guest().await? else {
        return Ok(());
    };
    check(&host, &ready, None, writes()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_deletes_and_passes() -> Result<()> {
    let Some((host, ready)) = host_and_guest().await? else {
        return Ok(());
    };
    check(&host, &ready, None, reads_and_deletes()).await
}

/// Another sync changes a record after this run began: by which strategy does this run's
/// save meet it?
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn merging_strategies() -> Result<()> {
    let Some((host, ready)) = host_and_guest().await? else {
        return Ok(());
    };
    for (strategy, kept) in [
        ("override", "mine"),
        ("ignore-if-modified-after-start", "theirs"),
    ] {
        let item = |from: &str| save(&format!("{{\"id\":\"{strategy}\",\"from\":\"{from}\"}}"));
        play(&host, &ready, script(json!([item("before")]))).await?;
        let mine = json!([
            ["records.set-merging-strategy", "Item", strategy],
            item("mine")
        ]);
        let begun = host
            .runner
            .begin(host.request(&ready, script(mine))?)
            .await?;
        let mut other = host.request(&ready, script(json!([item("theirs")])))?;
        other.key.sync = SyncName::new("other")?;
        host.runner.execute(other).await?;
        begun.execute().await?;
        let steps = play(&host, &ready, script(json!([get(json!([strategy]))]))).await?;
        assert_eq!(
            steps[0].answer[0],
            format!("{{\"id\":\"{strategy}\",\"from\":\"{kept}\"}}")
        );
    }
    Ok(())
}

/// With `enforce: false` a record that does not fit is saved, and the run says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schema_that_is_not_enforced_is_told_of() -> Result<()> {
    let Some((host, mut ready)) = host_and_guest().await? else {
        return Ok(());
    };
    let mut manifest = Manifest::clone(&ready.manifest);
    manifest
        .models
        .values_mut()
        .for_each(|model| model.enforce = false);
    ready.schemas = Arc::new(Schemas::of(&manifest)?);
    ready.manifest = Arc::new(manifest);
    let settings = script(json!([
        save(AB),
        save("{\"id\":\"c\"}\n{\"id\":7}\n{\"id\":\"d\"}\n{\"id\":8,\"n\":1}"),
        save("{\"id\":9}"),
        save("{\"n\":1}"),
        ["records.batch-update", "Item", "{\"id\":8,\"n\":2}"],
        get(json!(["7", "8"])),
    ]));
    let row = host.run(&ready, settings).await?;
    let steps = crate::steps(&host, &row).await?;
    let outcomes: Vec<&str> = steps.iter().map(|step| step.outcome.as_str()).collect();
    assert_eq!(
        outcomes,
        ["ok", "ok", "ok", "record.invalid", "ok", "ok"],
        "{steps:?}"
    );
    assert_eq!(steps[1].answer, json!([4, 0, 0]));
    assert_eq!(steps[5].answer, json!(["{\"id\":7}", "{\"id\":8,\"n\":2}"]));
    let log = host.log(&row).await?.into_iter().map(|line| line.message);
    let told: Vec<String> = log.filter(|line| line.contains("do not fit")).collect();
    let [told] = &told[..] else {
        panic!("once for the model, not {told:?}");
    };
    for part in ["4 records of Item", "record 1 (id \"7\"): `id` is integer"] {
        assert!(told.contains(part), "{told}");
    }
    assert!(row.warnings.contains(told), "{:?}", row.warnings);
    Ok(())
}

/// A patch has what changes, whatever a whole record must have.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_need_not_be_whole() -> Result<()> {
    let Some((host, mut ready)) = host_and_guest().await? else {
        return Ok(());
    };
    let mut manifest = Manifest::clone(&ready.manifest);
    for model in manifest.models.values_mut() {
        model.schema = json!({
            "type": "object",
            "required": ["id", "n", "name"],
            "properties": { "n": { "type": "integer" } },
        });
    }
    ready.schemas = Arc::new(Schemas::of(&manifest)?);
    ready.manifest = Arc::new(manifest);
    let settings = script(json!([
        save("{\"id\":\"a\",\"n\":1,\"name\":\"x\"}"),
        save("{\"id\":\"b\",\"n\":1}"),
        ["records.batch-update", "Item", "{\"id\":\"a\",\"n\":2}"],
        [
            "records.batch-update",
            "Item",
            "{\"id\":\"a\",\"n\":\"two\"}"
        ],
        get(json!(["a", "b"])),
    ]));
    let row = host.run(&ready, settings).await?;
    let steps = crate::steps(&host, &row).await?;
    let outcomes: Vec<&str> = steps.iter().map(|step| step.outcome.as_str()).collect();
    assert_eq!(
        outcomes,
        ["ok", "record.schema", "ok", "record.schema", "ok"],
        "{steps:?}"
    );
    assert_eq!(steps[2].answer, json!([0, 1, 0]));
    let merged = "{\"id\":\"a\",\"n\":2,\"name\":\"x\"}";
    assert_eq!(steps[4].answer, json!([merged, null]));
    Ok(())
}
