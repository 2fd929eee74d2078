//! Long waits of one run: who may end it, and for how often.

use crate::host_and_guest;
use anyhow::Result;
use std::time::Duration;
use tidegate::limits::{RETRIES_DEFAULT, WAITS_WITHOUT_PROGRESS_MAX};
use tidegate_provider::{Fault, Provider, ProviderHandle};
use tidegate_tests::host::{RunSettings, code};

/// Shorter than any wait that the provider asks for here.
const LONGEST: Duration = Duration::from_millis(10);

/// A provider that answers once and then asks so often to wait for a moment.
async fn provider(times: u32) -> Result<ProviderHandle> {
    let provider = Provider::builder().users(3, 7).start().await?;
    let asked = Fault::Answer {
        status: 429,
        headers: vec![("retry-after".into(), "0.2".into())],
        body: Vec::new(),
    };
    provider.faults().after(1, "/users", asked, times);
    Ok(provider)
}

fn settings(provider: &ProviderHandle, longest: Option<Duration>) -> RunSettings {
    let mut settings = RunSettings::behaviour("fetch_each_page")
        .with("url", "/users")
        .with("page", 10)
        .with("pages", 3)
        .provider(provider.url());
    settings.limits.longest_wait = longest;
    settings
}

/// A provider that asks to wait for ever gets no peace from a sync that never hears of it:
/// after some executions the tries are made in the run and run out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_wait_over_and_over_is_at_last_told_to_the_sync() -> Result<()> {
    let Some((host, ready)) = host_and_guest().await? else {
        return Ok(());
    };
    let provider = provider(u32::MAX).await?;
    // The first moves the checkpoint.
    for execution in 0..=WAITS_WITHOUT_PROGRESS_MAX {
        let row = host.run(&ready, settings(&provider, Some(LONGEST))).await?;
        assert_eq!(code(&row)?, "run.interrupted", "{execution}");
        assert!(row.waits_until().is_some(), "{execution}");
        assert_eq!(row.checkpoint_after.as_deref(), Some(r#"{"page":1}"#));
    }
    let row = host.run(&ready, settings(&provider, Some(LONGEST))).await?;
    assert_eq!(code(&row)?, "guest.error", "{:?}", row.state);
    assert_eq!(row.usage.retries, u64::from(RETRIES_DEFAULT));
    assert_eq!(host.feed("acme", "Item").await?.len(), 10);
    Ok(())
}

/// Who continues nothing, such as a run from the command line, waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_scheduler_every_wait_takes_place_in_the_run() -> Result<()> {
    let Some((host, ready)) = host_and_guest().await? else {
        return Ok(());
    };
    let provider = provider(1).await?;
    let row = host.run(&ready, settings(&provider, None)).await?;
    assert_eq!(code(&row)?, "ok", "{:?}", row.state);
    assert!(row.usage.retries == 1 && row.usage.waited_ms >= 200);
    Ok(())
}
