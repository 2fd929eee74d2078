//! A whole sync of new records into the durable store: fetch, map, save, commit.

use crate::{Cost, ROUNDS, median, provider, run};
use anyhow::Result;
use std::sync::Arc;
use tidegate::store::sled::{OpenOptions, SledStore};
use tidegate_tests::host::TestHost;

/// New records a second that Nango's own store alone takes, in batches of 1,000: measured
/// with Postgres on another machine, so it gives the order and not the last digit.
const NANGO_STORE_RECORDS_PER_SECOND: f64 = 12_000.0;

/// Measures and prints it.
pub async fn measure(component: &[u8], provider: &provider::Child, records: u64) -> Result<()> {
    println!("\nwhole sync of {records} new contacts: fetch → map → save → commit, store on disk");
    for (name, work) in [
        ("component, same code", "by_hand"),
        ("component, SDK paging", "paginate"),
    ] {
        let mut costs = Vec::new();
        for _ in 0..ROUNDS.div_ceil(2) {
            costs.push(once(component, provider, records, work).await?);
        }
        let cost = median(costs);
        let ratio = records as f64 / cost.cpu.as_secs_f64() / NANGO_STORE_RECORDS_PER_SECOND;
        println!(
            "{name:34} {}   (goal ≥ 40000 a CPU-s; {ratio:.1} × Nango's store)",
            cost.of(records)
        );
    }
    Ok(())
}

/// One sync into a fresh store.
async fn once(
    component: &[u8],
    provider: &provider::Child,
    records: u64,
    work: &str,
) -> Result<Cost> {
    let host = TestHost::over(|folder, clock| {
        let options = OpenOptions {
            disk_free_bytes_min: 0,
            ..OpenOptions::default()
        };
        Ok(Arc::new(SledStore::open(
            &folder.join("store"),
            options,
            clock,
        )?))
    })?;
    let ready = host.accept(component).await?;
    let from = Cost::now();
    run(&host, &ready, work, provider.url()).await?;
    let cost = from.until_now();
    let key = tidegate_tests::host::key("acme", ready.manifest.name.clone())?;
    let stream = key.stream(tidegate::model::ModelName::new("Person")?);
    let live = host.runner.store.stats(&stream).await?.live;
    anyhow::ensure!(live == records, "{live} records are live, not {records}");
    Ok(cost)
}
