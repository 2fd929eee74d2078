//! Guests that misbehave: each ends with its code, and a neighbour's runs go on.

use crate::host_and_guest;
use anyhow::Result;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tidegate::model::Outcome;
use tidegate_provider::{Fault, Provider};
use tidegate_tests::host::{RunSettings, code, outcome};

/// Runs that a neighbour must finish while a guest misbehaves; one takes milliseconds.
const NEIGHBOUR_RUNS_MIN: u64 = 5;
/// The CPU that a spinning guest gets here, so that the test does not take 30 s.
const SHORT_CPU: Duration = Duration::from_millis(1_500);

/// Behaviour, code, what the message or the post-mortem's backtrace must hold.
const ROWS: &[(&str, &str, &str)] = &[
    ("spins", "limit.cpu", "without a host call"),
    (
        "saves_then_checkpoint_then_spins",
        "limit.cpu",
        "without a host call",
    ),
    ("recurses", "guest.trap", "recurs"),
    ("aliases", "limit.hostcall", "16777216"),
    ("eats_memory", "limit.memory", "the cap is"),
    ("panics", "guest.trap", "the guest gave up"),
    ("traps_after_save", "guest.trap", "panicked or aborted"),
    ("returns_error", "guest.error", "the guest gave up"),
    ("handle_flood", "limit.handles", "live"),
    ("unheard_of", "guest.error", "unknown behaviour"),
];

fn settings(behaviour: &str) -> RunSettings {
    let mut settings = RunSettings::behaviour(behaviour)
        .memory_mib(64)
        .with("page", 10)
        .with("records", 50_000);
    settings.limits.cpu_between_calls = SHORT_CPU;
    settings
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_ends_with_its_code_and_leaves_the_host_as_it_was() -> Result<()> {
    let Some((host, ready)) = host_and_guest().await? else {
        return Ok(());
    };
    for (behaviour, expected, says) in ROWS {
        let row = host.run(&ready, settings(behaviour)).await?;
        let error = outcome(&row)?
            .error()
            .cloned()
            .map(|error| error.message)
            .unwrap_or_default();
        assert_eq!(code(&row)?, *expected, "{behaviour}: {error}");
        assert!(error.contains(says), "{behaviour}: {error}");
        assert!(row.post_mortem.is_some(), "{behaviour} has no post-mortem");
        // The same connection is free again, and its next run is not the worse for it.
        let next = host.run(&ready, RunSettings::behaviour("ok_small")).await?;
        assert_eq!(code(&next)?, "ok", "after {behaviour}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_backtrace_of_a_spinning_guest_names_its_loop() -> Result<()> {
    let Some((host, ready)) = host_and_guest().await? else {
        return Ok(());
    };
    let row = host.run(&ready, settings("spins")).await?;
    let backtrace = row
        .post_mortem
        .map(|found| found.backtrace)
        .unwrap_or_default();
    assert!(
        backtrace
            .iter()
            .any(|frame| frame.contains("tidegate_test_guests")),
        "{backtrace:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_saved_before_a_trap_stays_and_so_does_the_checkpoint() -> Result<()> {
    let Some((host, ready)) = host_and_guest().await? else {
        return Ok(());
    };
    let row = host
        .run(&ready, settings("saves_then_checkpoint_then_spins"))
        .await?;
    assert_eq!(host.feed("acme", "Item").await?.len(), 10);
    assert_eq!(
        row.counts.values().map(|counts| counts.added).sum::<u64>(),
        10
    );
    let next = row.post_mortem.and_then(|found| found.next_checkpoint);
    assert_eq!(next.as_deref(), Some(r#"{"page":1}"#));
    Ok(())
}

/// A guest that spins, twice as many as there are threads, starves nobody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_neighbour_keeps_its_pace_beside_spinning_guests() -> Result<()> {
    let Some((host, ready)) = host_and_guest().await? else {
        return Ok(());
    };
    let host = Arc::new(host);
    let (stop, finished) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU64::new(0)),
    );
    let neighbour = tokio::spawn({
        let (host, ready, stop, finished) =
            (host.clone(), ready.clone(), stop.clone(), finished.clone());
        async move {
            while !stop.load(Ordering::Relaxed) {
                let settings = RunSettings {
                    connection: "neighbour".into(),
                    ..RunSettings::behaviour("ok_small")
                };
                let row = host.run(&ready, settings).await?;
                anyhow::ensure!(code(&row)? == "ok");
                finished.fetch_add(1, Ordering::Relaxed);
            }
            anyhow::Ok(())
        }
    });
    let spinners = (0..4).map(|number| {
        let (host, ready) = (host.clone(), ready.clone());
        tokio::spawn(async move {
            let settings = RunSettings {
                connection: format!("spinner-{number}"),
                ..settings("spins")
            };
            host.run(&ready, settings).await
        })
    });
    let before = finished.load(Ordering::Relaxed);
    for spinner in futures_util::future::join_all(spinners).await {
        assert_eq!(code(&spinner??)?, "limit.cpu");
    }
    let during = finished.load(Ordering::Relaxed) - before;
    stop.store(true, Ordering::Relaxed);
    neighbour.await??;
    assert!(
        during >= NEIGHBOUR_RUNS_MIN,
        "a neighbour finished {during} runs beside four spinning guests"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_that_never_returns_from_a_host_call_is_ended() -> Result<()> {
    let Some((host, ready)) = host_and_guest().await? else {
        return Ok(());
    };
    let provider = Provider::demo().start().await?;
    provider.faults().next("/contacts", Fault::Stall, 100);
    let settings = || {
        RunSettings::behaviour("never_returns_from_fetch")
            .with("url", "/contacts")
            .provider(provider.url())
    };
    let mut by_the_clock = settings();
    by_the_clock.limits.time_hard = Duration::from_millis(500);
    let row = host.run(&ready, by_the_clock).await?;
    assert!(
        ["limit.time", "provider.timeout"].contains(&code(&row)?),
        "{:?}",
        row.state
    );

    // And at once when it is cancelled.
    let begun = host.runner.begin(host.request(&ready, settings())?).await?;
    let control = begun.control();
    let run = tokio::spawn(begun.execute());
    control.cancel("the test is over");
    let row = run.await??;
    assert!(
        matches!(outcome(&row)?, Outcome::Cancelled { .. }),
        "{:?}",
        row.state
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_flood_is_cut_and_the_run_goes_on() -> Result<()> {
    let Some((host, ready)) = host_and_guest().await? else {
        return Ok(());
    };
    let row = host
        .run(
            &ready,
            RunSettings::behaviour("log_flood").with("records", 100_000),
        )
        .await?;
    assert_eq!(code(&row)?, "ok");
    let log = host.log(&row).await?;
    assert!(
        log.iter()
            .any(|line| line.message.contains("the log ends here"))
    );
    let bytes: usize = log
        .iter()
        .map(|line| line.message.len() + line.attributes.len())
        .sum();
    assert!(
        bytes <= 2 * tidegate::limits::LOG_BYTES_MAX,
        "{bytes} bytes of log"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_without_a_host_call_is_suspect() -> Result<()> {
    let Some(component) = tidegate_tests::artifacts::example(crate::GUEST, "no_host_call") else {
        return Ok(());
    };
    let host = tidegate_tests::host::TestHost::in_memory()?;
    let ready = host.accept(&component).await?;
    let row = host.run(&ready, RunSettings::default()).await?;
    assert_eq!(code(&row)?, "guest.error");
    assert!(
        outcome(&row)?
            .error()
            .is_some_and(|error| error.message.contains("without a single host call"))
    );
    Ok(())
}
