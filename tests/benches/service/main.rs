//! What a host costs that only polls: 10,000 connections, each every minute, and nothing
//! has changed.
//!
//! ```text
//! cargo bench -p tidegate-tests --bench service
//! ```
//!
//! `TIDEGATE_BENCH_CONNECTIONS` sets the connections (10,000), `TIDEGATE_BENCH_MINUTES`
//! how long it is measured (2, after the first runs of all). Everything is real: sled on
//! disk, the sandbox with a fresh instance for each run, the egress gate and HTTP to a
//! provider, which is a process of its own so that its CPU does not count. Late is how
//! long after its time a run began.

#[path = "../sync/provider.rs"]
#[allow(dead_code)]
mod provider;

use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tidegate::catalog::{Catalog, NewConnection, NewIntegration};
use tidegate::clock::{Clock, SystemClock};
use tidegate::deploy;
use tidegate::egress::live::{LiveEgress, LiveOptions};
use tidegate::limits::RUN_MEMORY_BYTES_CEILING;
use tidegate::model::{
    ConnectionKey, Environment, Frequency, Integration, Outcome, Resources, RunRow, RunState,
    WebhookSettings, spread_of,
};
use tidegate::run::Runner;
use tidegate::sandbox::{Allocation, Sandbox, SandboxOptions};
use tidegate::schedule::{Scheduler, SchedulerOptions};
use tidegate::store::sled::{OpenOptions, SledStore};
use tidegate::store::{CatalogStore, RunQuery, ServiceStore, Store};
use tidegate::vault::{MasterKeys, Vault};

/// Connections, unless told otherwise.
const CONNECTIONS: u64 = 10_000;
/// Minutes that are measured, unless told otherwise.
const MINUTES: u64 = 2;
/// How often each connection is polled.
const EVERY: &str = "every 1 minute";
/// The same as a time.
const INTERVAL: Duration = Duration::from_secs(60);
/// Environments that share the connections.
const ENVIRONMENTS: u64 = 10;
/// Runs at once.
const RUNS: u32 = 32;
/// The sync: one small page, compared with what is there.
const SYNC: &[u8] = include_bytes!("../../../host/bundled/full-refresh.wasm");

fn main() -> Result<()> {
    if provider::is_asked_for() {
        return provider::serve(1);
    }
    let connections = setting("TIDEGATE_BENCH_CONNECTIONS", CONNECTIONS)?;
    let minutes = setting("TIDEGATE_BENCH_MINUTES", MINUTES)?;
    let provider = provider::Child::start()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        for allocation in [Allocation::OnDemand, Allocation::Pooled { runs: RUNS }] {
            measure(provider.url(), connections, minutes, allocation).await?;
        }
        Ok(())
    })
}

fn setting(name: &str, default: u64) -> Result<u64> {
    match std::env::var(name) {
        Ok(text) => text.parse().with_context(|| format!("{name} is no number")),
        Err(_) => Ok(default),
    }
}

async fn measure(url: &str, connections: u64, minutes: u64, allocation: Allocation) -> Result<()> {
    println!("\n{connections} connections, {EVERY}, nothing changed; instances {allocation:?}");
    let folder = tempfile::tempdir()?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let options = OpenOptions {
        disk_free_bytes_min: 0,
        ..OpenOptions::default()
    };
    let store = SledStore::open(&folder.path().join("store"), options, clock.clone())?;
    let store = Arc::new(store);
    let (runner, catalog) = parts(&store, clock.clone(), allocation).await?;
    let start = Instant::now();
    set_up(&runner, &catalog, &store, url, connections).await?;
    println!("set up in {:.1} s", start.elapsed().as_secs_f64());
    println!("{:>8.0} MiB resident, idle", resident_mib()?);
    let options = SchedulerOptions {
        runs: RUNS,
        memory_ceiling: RUN_MEMORY_BYTES_CEILING,
    };
    let scheduler = Scheduler::start(runner, catalog, options).await?;
    // All of them run once at first; that is not what is measured.
    let mut ended = scheduler.ended();
    let start = Instant::now();
    ended.wait_for(|count| *count >= connections).await?;
    let first = start.elapsed().as_secs_f64();
    println!("{:>8.0} first runs a second", connections as f64 / first);
    tokio::time::sleep(INTERVAL).await;

    let (from, cpu, before) = (clock.now(), cpu_time()?, *ended.borrow());
    let start = Instant::now();
    tokio::time::sleep(INTERVAL * u32::try_from(minutes)?).await;
    let (time, cpu) = (start.elapsed(), cpu_time()?.saturating_sub(cpu));
    let runs = *ended.borrow() - before;
    let rows = rows_since(&store, from).await?;
    report(&rows, runs, connections * minutes, time, cpu)?;
    scheduler.stop(Duration::from_secs(10)).await;
    Ok(())
}

async fn parts(
    store: &Arc<SledStore>,
    clock: Arc<dyn Clock>,
    allocation: Allocation,
) -> Result<(Runner, Arc<Catalog>)> {
    let runner = Runner {
        sandbox: Sandbox::new(SandboxOptions {
            cache_folder: None,
            allocation,
        })?,
        store: store.clone(),
        egress: Arc::new(LiveEgress::new(LiveOptions {
            clock: clock.clone(),
            ..LiveOptions::default()
        })?),
        clock: clock.clone(),
    };
    let vault = Vault::new(MasterKeys::generate()?);
    let service: Arc<dyn ServiceStore> = store.clone();
    let catalog = Catalog::open(service, vault, clock).await?;
    Ok((runner, Arc::new(catalog)))
}

async fn set_up(
    runner: &Runner,
    catalog: &Catalog,
    store: &SledStore,
    url: &str,
    connections: u64,
) -> Result<()> {
    let ready = deploy::accept(
        &runner.sandbox,
        store,
        SYNC.to_vec(),
        RUN_MEMORY_BYTES_CEILING,
        &runner.clock,
    )
    .await?;
    store.put_component(SYNC.into()).await?;
    let resources = Resources {
        memory_mib: 1 << 20,
        runs: RUNS,
        storage_mib: None,
        egress_kib_per_second: None,
    };
    let integration = Integration::new("workspace")?;
    for number in 0..ENVIRONMENTS {
        let environment = Environment::new(&format!("customer-{number}"))?;
        catalog
            .add_environment(environment.clone(), resources, WebhookSettings::default())
            .await?;
        let new = NewIntegration {
            base_url: Some(url.to_owned()),
            allow_http: true,
            ..NewIntegration::default()
        };
        catalog
            .put_integration(&environment, &integration, new)
            .await?;
        catalog
            .release_deployment(&environment, &integration, &ready)
            .await?;
    }
    for number in 0..connections {
        let environment = format!("customer-{}", number % ENVIRONMENTS);
        let key = ConnectionKey::new(&environment, "workspace", &format!("account-{number}"))?;
        let new = NewConnection {
            credentials: Some(BTreeMap::new()),
            ..NewConnection::default()
        };
        catalog.put_connection(&key, new).await?;
    }
    for row in catalog.all_syncs() {
        catalog
            .change_sync(&row.key, |row| row.frequency = Some(EVERY.into()))
            .await?;
    }
    Ok(())
}

/// Runs that began since `from`.
async fn rows_since(store: &SledStore, from: jiff::Timestamp) -> Result<Vec<RunRow>> {
    let (mut found, mut before) = (Vec::new(), None);
    loop {
        let query = RunQuery {
            key: None,
            before,
            limit: 1_000,
        };
        let page = store.runs(query).await?;
        let Some(last) = page.last() else {
            return Ok(found);
        };
        before = Some(last.id);
        let over = last.started < from;
        found.extend(page.into_iter().filter(|row| row.started >= from));
        if over {
            return Ok(found);
        }
    }
}

fn report(rows: &[RunRow], runs: u64, due: u64, time: Duration, cpu: Duration) -> Result<()> {
    let frequency = Frequency::parse(EVERY)?;
    let mut late: Vec<Duration> = rows
        .iter()
        .map(|row| {
            // The last time of the schedule that is not after the run's start.
            let since = row.started - jiff::SignedDuration::try_from(INTERVAL)?;
            let slot = frequency.next_due(since, since, spread_of(&row.key)).at;
            Ok(Duration::try_from(row.started.duration_since(slot)).unwrap_or_default())
        })
        .collect::<Result<_>>()?;
    late.sort_unstable();
    let at = |share: f64| {
        let place = (late.len().saturating_sub(1) as f64 * share) as usize;
        late.get(place).copied().unwrap_or_default().as_secs_f64() * 1e3
    };
    let well = |row: &&RunRow| matches!(row.state, RunState::Ended(Outcome::Success));
    let failed =
        rows.iter().filter(|row| row.ended.is_some()).count() - rows.iter().filter(well).count();
    let each = cpu.as_secs_f64() * 1e6 / runs.max(1) as f64;
    println!(
        "{:>8.0} runs a second ({runs} of {due} that were due; {failed} failed)",
        runs as f64 / time.as_secs_f64()
    );
    println!(
        "{:>8.1} % of one CPU, {each:.0} µs a run",
        100.0 * cpu.as_secs_f64() / time.as_secs_f64()
    );
    println!(
        "{:>8.1} ms late p50, {:.1} ms p99, {:.1} ms max",
        at(0.5),
        at(0.99),
        at(1.0)
    );
    println!("{:>8.0} MiB resident", resident_mib()?);
    Ok(())
}

fn cpu_time() -> Result<Duration> {
    Ok(cpu_time::ProcessTime::try_now()?.as_duration())
}

fn resident_mib() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    Ok(kib.context("no VmRSS")?.parse::<f64>()? / 1024.0)
}
