//! `run`: the facts are those of the execution; waiting has its limit.

use crate::{Row, check, host_and_guest, play, row, script};
use anyhow::{Context, Result};
use jiff::Timestamp;
use serde_json::{Value, json};
use tidegate::limits::SLEEP_MS_MAX;

fn rows() -> Vec<Row> {
    let fact = |name: &str| json!([[name]]);
    vec![
        row("the connection", fact("run.connection-id"), "ok", "row-0"),
        row("the integration", fact("run.integration"), "ok", "test"),
        row("the sync", fact("run.sync-name"), "ok", "every-import"),
        row("the variant", fact("run.variant"), "ok", "base"),
        row("the trigger", fact("run.trigger"), "ok", "manual"),
        row("the attempt", fact("run.attempt"), "ok", 1),
        row(
            "no sleep at all",
            json!([["run.sleep", 0]]),
            "ok",
            Value::Null,
        ),
        row(
            "a sleep too long",
            json!([["run.sleep", SLEEP_MS_MAX + 1]]),
            "invalid.argument",
            "longer than 600000 ms",
        ),
        row(
            "progress without a total",
            json!([["run.progress", "somewhere", 1, null]]),
            "ok",
            Value::Null,
        ),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn facts_and_waiting() -> Result<()> {
    let Some((host, ready)) = host_and_guest().await? else {
        return Ok(());
    };
    check(&host, &ready, None, rows()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_time_and_config_are_its_own() -> Result<()> {
    let Some((host, ready)) = host_and_guest().await? else {
        return Ok(());
    };
    let facts = json!([
        ["run.memory-limit-kib"],
        ["run.memory-used-kib"],
        ["run.started-at"],
        ["run.deadline"],
        ["run.connection-config"],
    ]);
    let settings = script(facts).memory_mib(16);
    let config_bytes = settings.config.to_string().len();
    let answers: Vec<Value> = play(&host, &ready, settings)
        .await?
        .into_iter()
        .map(|step| step.answer)
        .collect();
    let [limit, used, started, deadline, config] = answers.as_slice() else {
        panic!("{answers:?}");
    };
    assert_eq!(*limit, 16 * 1024);
    assert!(
        used.as_u64()
            .is_some_and(|used| (1..=16 * 1024).contains(&used)),
        "{used}"
    );
    let time =
        |text: &Value| -> Result<Timestamp> { Ok(text.as_str().context("no text")?.parse()?) };
    assert!(time(started)? < time(deadline)?);
    assert_eq!(*config, config_bytes);
    Ok(())
}
