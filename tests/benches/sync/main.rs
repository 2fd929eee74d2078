//! What a run costs: its start, the sandbox round a sync, and a whole sync into the store.
//!
//! ```text
//! cargo bench -p tidegate-tests --bench sync
//! ```
//!
//! `TIDEGATE_BENCH_RECORDS` sets the contacts of a sync (50,000 by default, so that all
//! ends within a minute), `TIDEGATE_BENCH_RUNS` the starts (3,000). The provider is a
//! process of its own, this program started again, so that its CPU does not count. Rounds
//! of what is compared take turns and the median counts: a busy machine slows both alike.
//! Judge by the ratios and by CPU time; wall time is the machine's.

mod contact;
mod native;
mod provider;
mod sink;
mod start;
mod whole;

use anyhow::{Context, Result};
use serde_json::json;
use std::time::{Duration, Instant};
use tidegate::deploy::Ready;
use tidegate_tests::host::{RunSettings, TestHost, code};

/// Contacts of one sync, unless told otherwise.
const RECORDS: u64 = 50_000;
/// Starts, unless told otherwise.
const RUNS: u64 = 3_000;
/// Rounds of each half of a comparison.
const ROUNDS: usize = 5;

/// The component that is measured.
const GUEST: (&str, &str) = ("tidegate-test-guests", "bench_sync");

fn main() -> Result<()> {
    let records = setting("TIDEGATE_BENCH_RECORDS", RECORDS)?;
    if provider::is_asked_for() {
        return provider::serve(records);
    }
    let runs = setting("TIDEGATE_BENCH_RUNS", RUNS)?;
    let Some(component) = tidegate_tests::artifacts::example(GUEST.0, GUEST.1) else {
        return Ok(());
    };
    let provider = provider::Child::start()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        start::measure(&component, runs).await?;
        sandboxed(&component, &provider, records).await?;
        whole::measure(&component, &provider, records).await
    })
}

/// The same sync as a component and natively, into a store that drops what it is given.
async fn sandboxed(component: &[u8], provider: &provider::Child, records: u64) -> Result<()> {
    let (host, counted) = sink::host()?;
    let ready = host.accept(component).await?;
    let native = native::Native::new(provider.url())?;
    let mut costs = [const { Vec::new() }; 3];
    for _ in 0..ROUNDS {
        for (cost, work) in costs.iter_mut().zip(["native", "by_hand", "paginate"]) {
            counted.take();
            let from = Cost::now();
            match work {
                "native" => native.sync(&host).await?,
                work => run(&host, &ready, work, provider.url()).await?,
            }
            cost.push(from.until_now());
            anyhow::ensure!(
                counted.take() == records,
                "{work} did not save {records} records"
            );
        }
    }
    println!(
        "\nthe same sync natively and as a component: {records} contacts, pages of {}, store left out",
        contact::PAGE
    );
    let [native, by_hand, paginate] = costs.map(median);
    for (name, cost) in [
        ("native", native),
        ("component, same code", by_hand),
        ("component, SDK paging", paginate),
    ] {
        let ratio = cost.cpu.as_secs_f64() / native.cpu.as_secs_f64();
        println!(
            "{name:34} {}   CPU {ratio:.2} × native (goal ≤ 1.35)",
            cost.of(records)
        );
    }
    Ok(())
}

/// One run of the benchmark's guest, which must end well.
async fn run(host: &TestHost, ready: &Ready, work: &str, provider: &str) -> Result<()> {
    let settings = RunSettings {
        config: json!({ "work": work }),
        ..RunSettings::default()
    };
    let row = host.run(ready, settings.provider(provider)).await?;
    anyhow::ensure!(code(&row)? == "ok", "{work} ended with {:?}", row.state);
    Ok(())
}

/// Time taken: of the clock, and of this process's CPU.
#[derive(Clone, Copy)]
struct Cost {
    wall: Duration,
    cpu: Duration,
}

impl Cost {
    /// Where both stand.
    fn now() -> From {
        From {
            wall: Instant::now(),
            cpu: cpu_time::ProcessTime::now(),
        }
    }

    /// The cost for each of `records`, as the cells of a table.
    fn of(self, records: u64) -> String {
        let rate = |time: Duration| records as f64 / time.as_secs_f64();
        format!(
            "{:>9.0} records/CPU-s  {:>7.2} µs CPU a record  {:>9.0} records/s of wall",
            rate(self.cpu),
            self.cpu.as_secs_f64() * 1e6 / records as f64,
            rate(self.wall),
        )
    }
}

/// The start of a measurement.
struct From {
    wall: Instant,
    cpu: cpu_time::ProcessTime,
}

impl From {
    fn until_now(self) -> Cost {
        Cost {
            wall: self.wall.elapsed(),
            cpu: self.cpu.elapsed(),
        }
    }
}

/// The median of each part by itself.
fn median(costs: Vec<Cost>) -> Cost {
    let middle = |part: fn(&Cost) -> Duration| percentile(costs.iter().map(part).collect(), 0.5);
    Cost {
        wall: middle(|cost| cost.wall),
        cpu: middle(|cost| cost.cpu),
    }
}

/// The value that `share` of the times are below; nothing of none.
fn percentile(mut times: Vec<Duration>, share: f64) -> Duration {
    times.sort();
    let place = (times.len().saturating_sub(1) as f64 * share) as usize;
    times.get(place).copied().unwrap_or_default()
}

fn setting(name: &str, default: u64) -> Result<u64> {
    let set = std::env::var(name)
        .ok()
        .map(|text| text.parse())
        .transpose();
    Ok(set
        .with_context(|| format!("{name} is no number"))?
        .unwrap_or(default))
}
