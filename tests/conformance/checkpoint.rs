//! `checkpoint`: what may be saved, and that a refused save leaves what was there.

use crate::{Row, check, host_and_guest, play, row, script};
use anyhow::Result;
use serde_json::{Value, json};
use std::sync::Arc;
use tidegate::capability::Schemas;
use tidegate::limits::CHECKPOINT_BYTES_MAX;

const INVALID: &str = "checkpoint.invalid";

fn save(json: &str) -> Value {
    json!([["checkpoint.save", json]])
}

fn rows() -> Vec<Row> {
    let one = "{\"page\":1}";
    let large = format!(
        "{{\"page\":1,\"more\":\"{}\"}}",
        "x".repeat(CHECKPOINT_BYTES_MAX)
    );
    vec![
        row(
            "none at first",
            json!([["checkpoint.get"]]),
            "ok",
            Value::Null,
        ),
        row(
            "reads what it saved",
            json!([["checkpoint.save", one], ["checkpoint.get"]]),
            "ok",
            one,
        ),
        row(
            "cleared",
            json!([
                ["checkpoint.save", one],
                ["checkpoint.clear"],
                ["checkpoint.get"]
            ]),
            "ok",
            Value::Null,
        ),
        row("no JSON", save("page 1"), INVALID, "expected an object"),
        row("no object", save("[1]"), INVALID, "expected an object"),
        row(
            "against its schema",
            save("{\"page\":\"one\"}"),
            INVALID,
            "`/page`",
        ),
        row(
            "without what its schema requires",
            save("{}"),
            INVALID,
            "page",
        ),
        row("too large", save(&large), INVALID, "limit 65536"),
        row(
            "a refused one leaves the one before",
            json!([
                ["checkpoint.save", one],
                ["checkpoint.save", "{}"],
                ["checkpoint.get"]
            ]),
            "ok",
            one,
        ),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edges() -> Result<()> {
    let Some((host, ready)) = host_and_guest().await? else {
        return Ok(());
    };
    check(&host, &ready, None, rows()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_run_goes_on_from_it() -> Result<()> {
    let Some((host, ready)) = host_and_guest().await? else {
        return Ok(());
    };
    play(&host, &ready, script(save("{\"page\":7}"))).await?;
    let steps = play(&host, &ready, script(json!([["checkpoint.get"]]))).await?;
    assert_eq!(steps[0].answer, "{\"page\":7}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_schema_there_is_none_to_save() -> Result<()> {
    let Some((host, mut ready)) = host_and_guest().await? else {
        return Ok(());
    };
    Arc::make_mut(&mut ready.manifest).checkpoint = None;
    ready.schemas = Arc::new(Schemas::of(&ready.manifest)?);
    let rows = vec![
        row(
            "save",
            save("{\"page\":1}"),
            INVALID,
            "declares no checkpoint",
        ),
        row("get", json!([["checkpoint.get"]]), "ok", Value::Null),
    ];
    check(&host, &ready, None, rows).await
}
