//! Slots that runs use one after another: the same walls, and nothing of the run before.

use crate::GUEST;
use crate::text::memories;
use anyhow::Result;
use std::sync::Arc;
use std::time::Duration;
use tidegate_tests::host::{RunSettings, TestHost, code, outcome};

/// The cap of these runs.
const CAP_MIB: u64 = 64;
/// CPU that a spinning guest gets here, so that the test does not take 30 s.
const SHORT_CPU: Duration = Duration::from_millis(500);

fn settings(behaviour: &str) -> RunSettings {
    let mut settings = RunSettings::behaviour(behaviour).memory_mib(CAP_MIB);
    settings.limits.cpu_between_calls = SHORT_CPU;
    settings
}

/// Each run looks whether its memories are empty and fills them. More than the kept
/// bytes of a slot, so that both ways of clearing are tried.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_sees_nothing_of_the_one_before_in_its_slot() -> Result<()> {
    let host = TestHost::pooled(1)?;
    let ready = host.accept(&memories(3, 40)?).await?;
    for round in 0..20 {
        let row = host
            .run(&ready, RunSettings::default().memory_mib(CAP_MIB))
            .await?;
        let message = outcome(&row)?
            .error()
            .map(|error| error.message.clone())
            .unwrap_or_default();
        // It ends well but for having called nothing; a page with content would trap.
        assert!(
            message.contains("without a single host call"),
            "round {round}: {message}"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_walls_stand_as_they_do_on_demand() -> Result<()> {
    let host = TestHost::pooled(2)?;
    let sum = host.accept(&memories(15, 240)?).await?;
    let row = host
        .run(&sum, RunSettings::default().memory_mib(CAP_MIB))
        .await?;
    assert_eq!(code(&row)?, "limit.memory", "{:?}", row.state);

    let Some(component) = tidegate_tests::component(GUEST) else {
        return Ok(());
    };
    let ready = host.accept(&component).await?;
    for (behaviour, expected) in [
        ("spins", "limit.cpu"),
        ("recurses", "guest.trap"),
        ("eats_memory", "limit.memory"),
        ("panics", "guest.trap"),
        ("handle_flood", "limit.handles"),
        ("ok_small", "ok"),
    ] {
        let row = host.run(&ready, settings(behaviour)).await?;
        assert_eq!(code(&row)?, expected, "{behaviour}: {:?}", row.state);
    }
    Ok(())
}

/// Runs over the number of slots wait; none fails for want of one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_runs_than_slots_wait_for_one() -> Result<()> {
    let Some(component) = tidegate_tests::component(GUEST) else {
        return Ok(());
    };
    let host = Arc::new(TestHost::pooled(2)?);
    let ready = host.accept(&component).await?;
    let runs = (0..12).map(|number| {
        let (host, ready) = (host.clone(), ready.clone());
        tokio::spawn(async move {
            let settings = RunSettings {
                connection: format!("number-{number}"),
                ..settings("ok_small")
            };
            host.run(&ready, settings).await
        })
    });
    for row in futures_util::future::join_all(runs).await {
        assert_eq!(code(&row??)?, "ok");
    }
    Ok(())
}

#[test]
fn a_pool_of_no_size_is_refused() {
    for runs in [0, 1_000_000] {
        let refused = TestHost::pooled(runs).err().map(|error| error.to_string());
        assert!(
            refused.as_deref().is_some_and(|text| text.contains("1 to")),
            "{refused:?}"
        );
    }
}
