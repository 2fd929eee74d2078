//! The contract as a guest meets it, through the real host: every import in every
//! language that there is a toolchain for, and for each interface its edges, a row each.
//!
//! The rows are scripts for the guest `tests/guests/examples/every_import.rs`, which
//! calls what it is told by the raw bindings and logs what came of it.

mod checkpoint;
mod every;
mod fetch;
mod log;
mod metadata;
mod records;
mod run;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tidegate::deploy::Ready;
use tidegate::model::RunRow;
use tidegate_tests::host::{RunSettings, TestHost, code};

/// A host with the scripted guest accepted; none, with a line that says so, where it
/// cannot be built.
async fn host_and_guest() -> Result<Option<(TestHost, Ready)>> {
    let built = tidegate_tests::artifacts::example("tidegate-test-guests", "every_import");
    let Some(component) = built else {
        return Ok(None);
    };
    let host = TestHost::in_memory()?;
    let ready = host
        .accept(&component)
        .await
        .context("accepting the scripted guest")?;
    Ok(Some((host, ready)))
}

/// Settings for the scripted guest with this script.
fn script(script: Value) -> RunSettings {
    RunSettings {
        config: json!({ "script": script }),
        ..RunSettings::default()
    }
}

/// What a step came to.
#[derive(Debug)]
struct Step {
    /// The import.
    name: String,
    /// `ok` or the error's code.
    outcome: String,
    /// The answer; null where the call failed, or answers nothing.
    answer: Value,
    /// The error's message.
    message: String,
}

/// The steps that a run logged, in their order.
async fn steps(host: &TestHost, row: &RunRow) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    for line in host.log(row).await? {
        let called = line
            .message
            .strip_prefix("called ")
            .and_then(|rest| rest.split_once(": "));
        let Some((name, outcome)) = called else {
            continue;
        };
        let attributes: Value = serde_json::from_str(&line.attributes).unwrap_or_default();
        steps.push(Step {
            name: name.to_owned(),
            outcome: outcome.to_owned(),
            answer: attributes["answer"].clone(),
            message: attributes["message"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
        });
    }
    Ok(steps)
}

/// Runs a script to its end; answers its steps.
async fn play(host: &TestHost, ready: &Ready, settings: RunSettings) -> Result<Vec<Step>> {
    let row = host.run(ready, settings).await?;
    assert_eq!(code(&row)?, "ok", "{:?}", row.state);
    steps(host, &row).await
}

/// An edge: a script, and what its last step comes to. `says` is its answer if that is
/// ok, else what its message contains.
struct Row {
    what: &'static str,
    script: Value,
    outcome: &'static str,
    says: Value,
}

fn row(what: &'static str, script: Value, outcome: &'static str, says: impl Into<Value>) -> Row {
    Row {
        what,
        script,
        outcome,
        says: says.into(),
    }
}

/// Plays each row for a connection of its own, so that none sees what another left.
async fn check(
    host: &TestHost,
    ready: &Ready,
    base_url: Option<&str>,
    rows: Vec<Row>,
) -> Result<()> {
    for (number, row) in rows.into_iter().enumerate() {
        let settings = RunSettings {
            base_url: base_url.map(str::to_owned),
            connection: format!("row-{number}"),
            ..script(row.script)
        };
        let steps = play(host, ready, settings).await.context(row.what)?;
        let last = steps.last().context("no step was played")?;
        assert_eq!(last.outcome, row.outcome, "{}: {last:?}", row.what);
        if row.outcome == "ok" {
            assert_eq!(last.answer, row.says, "{}: {steps:?}", row.what);
        } else {
            let words = row.says.as_str().unwrap_or_default();
            assert!(
                last.message.contains(words),
                "{}: {}",
                row.what,
                last.message
            );
        }
    }
    Ok(())
}
