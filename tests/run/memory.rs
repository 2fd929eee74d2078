//! The memory cap: a sum that caps, flat for a sync that saves page by page, and a
//! verdict for one that does not.

use crate::host_and_guest;
use crate::text::memories;
use anyhow::{Context, Result};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tidegate::capability::Observer;
use tidegate::limits::{KIB, MIB};
use tidegate::memory::MemoryBudget;
use tidegate::model::{ModelName, SaveSummary};
use tidegate_provider::Provider;
use tidegate_tests::host::{RunSettings, TestHost, code, outcome};

/// The cap under which a million records must pass.
const CAP_MIB: u64 = 16;
/// Pages after which the peak must not move any more.
const SETTLED_PAGES: u64 = 10;

/// Looks at the run's peak after each save.
#[derive(Default)]
struct Peaks {
    budget: Mutex<Option<MemoryBudget>>,
    saves: AtomicU64,
    settled: AtomicU64,
}

impl Observer for Peaks {
    fn started(&self, memory: &MemoryBudget) {
        *self.budget.lock().unwrap() = Some(memory.clone());
    }

    fn saved(&self, _: &ModelName, _: SaveSummary) {
        if self.saves.fetch_add(1, Ordering::Relaxed) + 1 == SETTLED_PAGES {
            let peak = self
                .budget
                .lock()
                .unwrap()
                .as_ref()
                .map_or(0, MemoryBudget::peak);
            self.settled.store(peak, Ordering::Relaxed);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_million_records_pass_under_a_small_cap_with_a_flat_peak() -> Result<()> {
    let Some((host, ready)) = host_and_guest().await? else {
        return Ok(());
    };
    let peaks = Arc::new(Peaks::default());
    let mut settings = RunSettings::behaviour("save_million")
        .memory_mib(CAP_MIB)
        .with("records", 1_000_000)
        .with("page", 1_000);
    settings.observer = peaks.clone();
    let row = host.run(&ready, settings).await?;
    assert_eq!(code(&row)?, "ok", "{:?}", row.state);
    assert_eq!(
        row.counts.values().map(|counts| counts.added).sum::<u64>(),
        1_000_000
    );
    let settled = peaks.settled.load(Ordering::Relaxed);
    // The ids grow by a few digits on the way, and the batches with them; a page of the
    // guest's memory is 64 KiB.
    let grown = row.usage.memory_peak_bytes - settled;
    assert!(
        settled > 0 && grown < 64 * KIB,
        "peak {settled} after page {SETTLED_PAGES}, {grown} more at the end"
    );
    assert!(row.usage.memory_peak_bytes <= CAP_MIB * MIB);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accumulating_pages_ends_with_a_verdict_that_names_them() -> Result<()> {
    let Some(component) = tidegate_tests::component("example-accumulate") else {
        return Ok(());
    };
    let host = TestHost::in_memory()?;
    let ready = host.accept(&component).await?;
    let provider = Provider::builder().contacts(200_000, 1).start().await?;
    let settings = RunSettings::default()
        .memory_mib(CAP_MIB)
        .provider(provider.url());
    let row = host.run(&ready, settings).await?;
    assert_eq!(code(&row)?, "limit.memory", "{:?}", row.state);
    let found = row.post_mortem.context("no post-mortem")?;
    let pages = found.pages_since_save;
    assert!(
        pages > 10 && found.verdict.contains(&format!("{pages} pages")),
        "{}",
        found.verdict
    );
    assert!(
        found.verdict.contains("nothing was ever saved")
            && found.verdict.contains("save each page"),
        "{}",
        found.verdict
    );
    assert!(
        found
            .growths
            .iter()
            .any(|growth| growth.refused && growth.after_call.contains("fetch")),
        "{:?}",
        found.growths
    );
    assert!(
        found
            .backtrace
            .iter()
            .any(|frame| frame.contains("example_accumulate")),
        "{:?}",
        found.backtrace
    );
    assert!(row.usage.memory_peak_bytes <= CAP_MIB * MIB);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_saved_before_the_cap_stays_and_the_next_run_goes_on() -> Result<()> {
    let Some((host, ready)) = host_and_guest().await? else {
        return Ok(());
    };
    let saved = RunSettings::behaviour("checkpoint_each_page")
        .with("pages", 3)
        .with("page", 100);
    assert_eq!(code(&host.run(&ready, saved).await?)?, "ok");
    let row = host
        .run(
            &ready,
            RunSettings::behaviour("accumulate_generated").memory_mib(CAP_MIB),
        )
        .await?;
    assert_eq!(code(&row)?, "limit.memory", "{:?}", row.state);
    assert_eq!(host.feed("acme", "Item").await?.len(), 300);
    let next = host
        .run(
            &ready,
            RunSettings::behaviour("checkpoint_each_page")
                .with("pages", 5)
                .with("page", 100),
        )
        .await?;
    assert_eq!(next.checkpoint_before.as_deref(), Some(r#"{"page":3}"#));
    assert_eq!(
        next.counts.values().map(|counts| counts.added).sum::<u64>(),
        200
    );
    Ok(())
}

/// wasmtime's own limits hold for one memory; fifteen of them just under a cap of 64 MiB
/// took 938 MiB of the host.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifteen_memories_just_under_the_cap_are_stopped_by_the_sum() -> Result<()> {
    let host = TestHost::in_memory()?;
    let ready = host.accept(&memories(15, 240)?).await?;
    let row = host
        .run(&ready, RunSettings::default().memory_mib(CAP_MIB))
        .await?;
    assert_eq!(code(&row)?, "limit.memory", "{:?}", row.state);
    assert!(row.usage.memory_peak_bytes <= CAP_MIB * MIB);
    let growths = row.post_mortem.context("no post-mortem")?.growths;
    assert!(
        growths.last().is_some_and(|growth| growth.refused),
        "{growths:?}"
    );
    // The same component has room under a cap that is the sum of them all.
    let row = host
        .run(&ready, RunSettings::default().memory_mib(15 * 16))
        .await?;
    let message = outcome(&row)?
        .error()
        .map(|error| error.message.clone())
        .unwrap_or_default();
    assert!(message.contains("without a single host call"), "{message}");
    Ok(())
}

/// A body that the host holds counts like the guest's own memory.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_response_that_does_not_fit_beside_the_guest_is_over_the_cap() -> Result<()> {
    let Some((host, ready)) = host_and_guest().await? else {
        return Ok(());
    };
    let provider = Provider::demo().start().await?;
    let fetches = || {
        RunSettings::behaviour("fetches")
            .with("url", "/large?bytes=6000000")
            .provider(provider.url())
    };
    let row = host.run(&ready, fetches().memory_mib(4)).await?;
    assert_eq!(code(&row)?, "limit.memory", "{:?}", row.state);
    assert_eq!(
        code(&host.run(&ready, fetches().memory_mib(32)).await?)?,
        "ok"
    );
    Ok(())
}

/// 100,000 records in one SDK call are split to the limit of a call and just work.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_records_at_a_time_just_work() -> Result<()> {
    let Some((host, ready)) = host_and_guest().await? else {
        return Ok(());
    };
    let row = host
        .run(&ready, RunSettings::behaviour("big_batches"))
        .await?;
    assert_eq!(code(&row)?, "ok", "{:?}", row.state);
    assert_eq!(
        row.counts.values().map(|counts| counts.added).sum::<u64>(),
        100_000
    );
    assert!(row.usage.saves > 1, "{} saves", row.usage.saves);
    Ok(())
}
