//! The seam: a tap sees every host call with its arguments and its answer, and can
//! answer in the host's place.

use crate::host_and_guest;
use anyhow::Result;
use serde_json::Value;
use std::sync::{Arc, Mutex};
use tidegate::capability::seam::{Call, Tap};
use tidegate::error::{Code, Error};
use tidegate_tests::host::{RunSettings, code};

/// One call: import, arguments, answer.
type Seen = (String, Value, Result<Value, Error>);

/// Records calls; fails the `fail`-th call of an import.
#[derive(Default)]
struct Recorder {
    seen: Mutex<Vec<Seen>>,
    fail: Option<(&'static str, Code)>,
}

impl Tap for Recorder {
    fn before(&self, call: &Call) -> tidegate::error::Result<()> {
        match self.fail {
            Some((import, code)) if import == call.import => Err(Error::new(code, "injected")),
            _ => Ok(()),
        }
    }

    fn after(&self, call: &Call, answer: Result<&Value, &Error>) {
        let answer = answer.cloned().map_err(Clone::clone);
        self.seen
            .lock()
            .unwrap()
            .push((call.import.to_owned(), call.arguments.clone(), answer));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tap_sees_calls_arguments_and_answers() -> Result<()> {
    let Some((host, ready)) = host_and_guest().await? else {
        return Ok(());
    };
    let tap = Arc::new(Recorder::default());
    let settings = RunSettings::behaviour("checkpoint_each_page")
        .with("pages", 2)
        .with("page", 3);
    let row = host
        .run(
            &ready,
            RunSettings {
                tap: Some(tap.clone()),
                ..settings
            },
        )
        .await?;
    assert_eq!(code(&row)?, "ok");
    let seen = tap.seen.lock().unwrap();
    assert_eq!(
        seen.len() as u64,
        row.usage.calls,
        "every call passes the seam"
    );
    let saves: Vec<_> = seen
        .iter()
        .filter(|(import, ..)| import.starts_with("records.batch-save"))
        .collect();
    assert_eq!(saves.len(), 2);
    let (_, arguments, answer) = saves[0];
    assert_eq!(
        arguments["records"]
            .as_str()
            .map(|ndjson| ndjson.lines().count()),
        Some(3)
    );
    assert_eq!(
        answer.as_ref().ok().map(|answer| answer["added"].clone()),
        Some(3.into())
    );
    let checkpoints = seen
        .iter()
        .filter(|(import, ..)| import == "checkpoint.save");
    let checkpoints: Vec<_> = checkpoints
        .filter_map(|(_, arguments, _)| arguments["json"].as_str())
        .collect();
    assert_eq!(checkpoints, [r#"{"page":1}"#, r#"{"page":2}"#]);
    Ok(())
}

/// An error that a tap injects reaches the guest as the host's own would, and ends the
/// run with its code and blame.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tap_can_inject_faults() -> Result<()> {
    let Some((host, ready)) = host_and_guest().await? else {
        return Ok(());
    };
    for fault in [
        Code::StoreUnavailable,
        Code::LimitStorage,
        Code::RunCancelled,
    ] {
        let tap = Recorder {
            fail: Some(("checkpoint.save", fault)),
            ..Recorder::default()
        };
        let settings = RunSettings::behaviour("checkpoint_each_page")
            .with("pages", 2)
            .with("page", 3);
        let row = host
            .run(
                &ready,
                RunSettings {
                    tap: Some(Arc::new(tap)),
                    ..settings
                },
            )
            .await?;
        assert_eq!(code(&row)?, fault.as_str());
        assert_eq!(row.checkpoint_after, None);
    }
    Ok(())
}
