//! How runs end and go on: interruption, continuation, stalling, cancelling, and one run
//! at a time.

use crate::host_and_guest;
use anyhow::Result;
use std::time::Duration;
use tidegate::error::{Code, Error};
use tidegate::model::{Digest, LogLevel, Outcome, RunId, Trigger};
use tidegate::store::{RunEnd, RunFence, RunStart};
use tidegate_tests::host::{RunSettings, code, key, outcome};

fn pages(pages: u64) -> RunSettings {
    RunSettings::behaviour("checkpoint_each_page")
        .with("pages", pages)
        .with("page", 10)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn past_its_soft_limit_a_run_ends_at_a_checkpoint_and_the_next_goes_on() -> Result<()> {
    let Some((host, ready)) = host_and_guest().await? else {
        return Ok(());
    };
    for page in 1..=3 {
        let mut settings = pages(3);
        settings.limits.time_soft = Duration::ZERO;
        let row = host.run(&ready, settings).await?;
        assert!(
            matches!(outcome(&row)?, Outcome::Interrupted { .. }),
            "{:?}",
            row.state
        );
        assert_eq!(
            row.checkpoint_after.as_deref(),
            Some(format!(r#"{{"page":{page}}}"#).as_str())
        );
        assert_eq!(row.attempt, page);
        assert_eq!(
            row.counts.values().map(|counts| counts.added).sum::<u64>(),
            10,
            "page {page} once"
        );
    }
    assert_eq!(code(&host.run(&ready, pages(3)).await?)?, "ok");
    assert_eq!(host.feed("acme", "Item").await?.len(), 30);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_told_to_stop_ends_at_its_next_checkpoint() -> Result<()> {
    let Some((host, ready)) = host_and_guest().await? else {
        return Ok(());
    };
    let begun = host
        .runner
        .begin(host.request(&ready, pages(1_000).with("ms", 1))?)
        .await?;
    begun.control().stop("the operator said so");
    let row = begun.execute().await?;
    assert_eq!(code(&row)?, "run.interrupted");
    assert!(
        outcome(&row)?
            .error()
            .is_some_and(|error| error.message.contains("the operator said so"))
    );
    assert_eq!(row.checkpoint_after.as_deref(), Some(r#"{"page":1}"#));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_run_of_the_same_sync_and_connection_is_refused() -> Result<()> {
    let Some((host, ready)) = host_and_guest().await? else {
        return Ok(());
    };
    let request = || host.request(&ready, RunSettings::behaviour("ok_small"));
    let first = host.runner.begin(request()?).await?;
    let refused = host
        .runner
        .begin(request()?)
        .await
        .err()
        .map(|error| error.code);
    assert_eq!(refused, Some(Code::RunConflict));
    let other = RunSettings {
        connection: "other".into(),
        ..RunSettings::behaviour("ok_small")
    };
    assert_eq!(code(&host.run(&ready, other).await?)?, "ok");
    assert_eq!(code(&first.execute().await?)?, "ok");
    assert_eq!(code(&host.runner.execute(request()?).await?)?, "ok");
    Ok(())
}

/// A host that is killed three times while the checkpoint stands still is told to the
/// operator instead of going on for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_interruptions_without_progress_are_stalled() -> Result<()> {
    let Some((host, ready)) = host_and_guest().await? else {
        return Ok(());
    };
    for number in 0..3 {
        let run = RunId::new(1_000 + number, 0);
        let key = key("acme", ready.manifest.name.clone())?;
        let start = RunStart {
            run,
            key: key.clone(),
            digest: Digest::of(b""),
            version: "1".into(),
            trigger: Trigger::Manual,
            started: host.runner.clock.now(),
            memory_cap_bytes: 0,
        };
        host.runner.store.begin_run(start).await?;
        let error = Error::new(Code::RunInterrupted, "the host stopped");
        let end = RunEnd::new(Outcome::Interrupted { error }, host.runner.clock.now());
        host.runner
            .store
            .finish_run(&RunFence { run, key }, end)
            .await?;
    }
    let row = host.run(&ready, RunSettings::behaviour("ok_small")).await?;
    assert_eq!(code(&row)?, "run.stalled");
    // It is said once; after that the operator may have mended it, and it goes on.
    assert_eq!(
        code(&host.run(&ready, RunSettings::behaviour("ok_small")).await?)?,
        "ok"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_that_swallows_errors_still_saves_and_its_mistakes_hurt_nobody() -> Result<()> {
    let Some((host, ready)) = host_and_guest().await? else {
        return Ok(());
    };
    let row = host
        .run(
            &ready,
            RunSettings::behaviour("swallow_errors").with("page", 5),
        )
        .await?;
    assert_eq!(code(&row)?, "ok", "{:?}", row.state);
    assert_eq!(host.feed("acme", "Item").await?.len(), 5);
    Ok(())
}

/// Records that are refused, as a guest meets them: code and what the message names.
const BAD_RECORDS: &[(&str, &str, &[&str])] = &[
    (
        "{\"id\":1,\"text\":\"a\"}\n{\"no\":\"id\"}\n",
        "record.invalid",
        &["record 1", "id"],
    ),
    (
        "{\"id\":1,\"name\":\"a\"}\n",
        "record.schema",
        &["record 0", "text"],
    ),
    (
        "{\"id\":\"x\",\"a\":{\"a\":1,\"a\":2}}\n",
        "record.invalid",
        &["record 0", "\"x\""],
    ),
    (
        "{\"id\":\"x\",\"a\":\"\\ud800\"}\n",
        "record.invalid",
        &["record 0", "surrogate"],
    ),
    ("{\"id\":\"x\",\"a\":NaN}\n", "record.invalid", &["byte"]),
    ("{\"id\":\"\"}\n", "record.invalid", &["record 0", "id"]),
    ("[1]\n", "record.invalid", &["record 0", "object"]),
    ("{\"id\":\"x\"", "record.invalid", &["record 0"]),
    ("nonsense", "record.invalid", &["record 0"]),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_records_are_refused_whole_with_what_and_where() -> Result<()> {
    let Some((host, ready)) = host_and_guest().await? else {
        return Ok(());
    };
    let deep = format!(
        "{{\"id\":\"deep\",\"a\":{}1{}}}\n",
        "[".repeat(70),
        "]".repeat(70)
    );
    let rows = BAD_RECORDS
        .iter()
        .map(|(ndjson, code, says)| ((*ndjson).to_owned(), *code, says.to_vec()));
    for (ndjson, expected, says) in
        rows.chain([(deep, "record.invalid", vec!["record 0", "deep", "64"])])
    {
        let row = host
            .run(
                &ready,
                RunSettings::behaviour("bad_records").with("ndjson", ndjson.as_str()),
            )
            .await?;
        assert_eq!(code(&row)?, "ok", "{:?}", row.state);
        let log = host.log(&row).await?;
        let refused = log
            .iter()
            .find(|line| line.level == LogLevel::Info && line.message == "refused");
        let refused = refused
            .map(|line| line.attributes.clone())
            .unwrap_or_default();
        let refused: serde_json::Value = serde_json::from_str(&refused).unwrap_or_default();
        assert_eq!(refused["code"], expected, "{ndjson}: {refused}");
        let message = refused["message"].as_str().unwrap_or_default();
        assert!(
            says.iter().all(|word| message.contains(word)),
            "{ndjson}: {message}"
        );
    }
    assert!(host.feed("acme", "Item").await?.is_empty());
    Ok(())
}
