//! The price of a run: a fresh store, an instance, five host calls and the end of it, one
//! run after another.

use crate::percentile;
use anyhow::Result;
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tidegate::capability::control::Control;
use tidegate::capability::{Context, Facts, Grant};
use tidegate::deploy::Ready;
use tidegate::memory::MemoryBudget;
use tidegate::model::{Outcome, RunId};
use tidegate::run::{RunLimits, RunRequest};
use tidegate::sandbox::CpuLimits;
use tidegate::store::{RunEnd, RunFence, RunStart};
use tidegate_tests::host::{RunSettings, TestHost, code};

/// Runs before those that count.
const WARM_UP: u64 = 200;
/// Slots of the pool; one is used.
const POOLED_RUNS: u32 = 8;
/// Host calls of one run.
const CALLS: u64 = 5;

/// Measures both, in turns, and prints them.
pub async fn measure(component: &[u8], runs: u64) -> Result<()> {
    println!("run start: {runs} runs with {CALLS} host calls each, store in memory");
    measure_on("mapped on demand", TestHost::in_memory()?, component, runs).await?;
    measure_on(
        "pooled slots",
        TestHost::pooled(POOLED_RUNS)?,
        component,
        runs,
    )
    .await
}

async fn measure_on(allocation: &str, host: TestHost, component: &[u8], runs: u64) -> Result<()> {
    let ready = host.accept(component).await?;
    let settings = RunSettings {
        config: json!({ "work": "calls" }),
        ..RunSettings::default()
    };
    let request = host.request(&ready, settings)?;
    let (mut alone, mut whole) = (Vec::new(), Vec::new());
    for number in 0..WARM_UP + runs {
        let sandbox = sandbox_alone(&host, &ready, &request, number).await?;
        let start = Instant::now();
        let row = host.runner.execute(request.clone()).await?;
        let execute = start.elapsed();
        anyhow::ensure!(
            code(&row)? == "ok" && row.usage.calls == CALLS,
            "{:?} after {} calls",
            row.state,
            row.usage.calls
        );
        if number >= WARM_UP {
            alone.push(sandbox);
            whole.push(execute);
        }
    }
    println!("{allocation}");
    print("  sandbox: store, instance, run, drop", alone);
    print("  whole run: begin, sandbox, report", whole);
    Ok(())
}

/// The time of `Sandbox::run` by itself, the context made before and dropped after.
async fn sandbox_alone(
    host: &TestHost,
    ready: &Ready,
    request: &RunRequest,
    number: u64,
) -> Result<Duration> {
    let runner = &host.runner;
    let fence = RunFence {
        run: RunId::new(number, 1),
        key: request.key.clone(),
    };
    let now = runner.clock.now();
    runner.store.begin_run(start(&fence, ready, now)).await?;
    let from = tokio::time::Instant::now();
    let limits = RunLimits::default();
    let control = Arc::new(Control::new(
        from + limits.time_soft,
        from + limits.time_hard,
    ));
    let context = Context::new(Grant {
        source_map: None,
        facts: Facts {
            trigger: request.trigger,
            attempt: 1,
            started: now,
            deadline: now.checked_add(limits.time_hard)?,
            connection_config: request.connection_config.clone(),
            resumed: false,
        },
        fence: fence.clone(),
        manifest: ready.manifest.clone(),
        schemas: ready.schemas.clone(),
        store: runner.store.clone(),
        egress: runner.egress.clone(),
        scope: request.scope.clone(),
        guard: request.guard,
        storage_bytes: request.limits.storage_bytes,
        longest_wait: None,
        clock: runner.clock.clone(),
        memory: MemoryBudget::new(tidegate::limits::RUN_MEMORY_BYTES),
        control: control.clone(),
        observer: request.observer.clone(),
        tap: None,
    });
    let cpu = CpuLimits {
        between_calls: limits.cpu_between_calls,
        total: limits.cpu,
    };
    let start = Instant::now();
    let ended = runner
        .sandbox
        .run(
            &ready.compiled,
            context,
            cpu,
            &control,
            runner.clock.clone(),
            number,
        )
        .await;
    let taken = start.elapsed();
    ended.result?;
    runner
        .store
        .finish_run(&fence, end(runner.clock.now()))
        .await?;
    Ok(taken)
}

fn start(fence: &RunFence, ready: &Ready, started: jiff::Timestamp) -> RunStart {
    RunStart {
        run: fence.run,
        key: fence.key.clone(),
        digest: ready.deployment.digest,
        version: ready.manifest.version.clone(),
        trigger: tidegate::model::Trigger::Manual,
        started,
        memory_cap_bytes: 0,
    }
}

fn end(ended: jiff::Timestamp) -> RunEnd {
    RunEnd::new(Outcome::Success, ended)
}

fn print(name: &str, times: Vec<Duration>) {
    let at = |share: f64| percentile(times.clone(), share).as_secs_f64() * 1e6;
    println!(
        "{name:40} p50 {:>6.1} µs (goal ≤ 50)   p99 {:>6.1} µs (goal ≤ 250)   max {:>7.1} µs",
        at(0.5),
        at(0.99),
        at(1.0)
    );
}
