//! The scheduler with real components: what is due runs, once, fairly, and a stop or a
//! restart loses nothing. The clock stands still until a row turns it.

mod retention;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tidegate::catalog::{Catalog, NewConnection, NewIntegration};
use tidegate::clock::{Clock, ManualClock};
use tidegate::deploy;
use tidegate::error::Code;
use tidegate::limits;
use tidegate::model::{
    ConnectionKey, Environment, Integration, Outcome, Resources, RetryRules, RunRow, RunState,
    SyncKey, Trigger, Variant, WebhookSettings,
};
use tidegate::run::Runner;
use tidegate::schedule::{Scheduler, SchedulerOptions, TriggerOptions, Triggered};
use tidegate::store::memory::MemoryStore;
use tidegate::store::{Reset, RunQuery, ServiceStore};
use tidegate::vault::{MasterKeys, Vault};
use tidegate_provider::{Fault, Provider};
use tidegate_tests::host::TestHost;

/// The component whose behaviour is in the connection's config.
const GUEST: &str = "tidegate-test-guests";
/// Looks at what runs take before a row is given up; a run takes milliseconds.
const LOOKS: usize = 2_000;
/// A day.
const DAY: Duration = Duration::from_secs(24 * 3_600);
/// Time between two looks.
const LOOK: Duration = Duration::from_millis(10);

/// A host with environments `a` and `b`, an integration in each, and the test guest
/// released for both.
struct World {
    _host: TestHost,
    clock: Arc<ManualClock>,
    store: Arc<MemoryStore>,
    catalog: Arc<Catalog>,
    runner: Runner,
    scheduler: Scheduler,
}

impl World {
    /// None, with a line that says so, where the guest cannot be built.
    async fn new(runs: u32, resources: Resources) -> Result<Option<World>> {
        let Some(component) = tidegate_tests::component(GUEST) else {
            return Ok(None);
        };
        let host = TestHost::in_memory()?;
        let clock = Arc::new(ManualClock::new("2026-01-31T12:00:00Z".parse()?));
        let store = Arc::new(MemoryStore::new(clock.clone()));
        let runner = Runner {
            store: store.clone(),
            clock: clock.clone(),
            ..host.runner.clone()
        };
        let vault = Vault::new(MasterKeys::generate()?);
        let service: Arc<dyn ServiceStore> = store.clone();
        let catalog = Arc::new(Catalog::open(service, vault, clock.clone()).await?);
        let dyn_clock: Arc<dyn Clock> = clock.clone();
        let ready = deploy::accept(
            &runner.sandbox,
            &*store,
            component.clone(),
            limits::RUN_MEMORY_BYTES_CEILING,
            &dyn_clock,
        )
        .await?;
        tidegate::store::CatalogStore::put_component(&*store, component.into()).await?;
        for name in ["a", "b"] {
            let environment = Environment::new(name)?;
            catalog
                .add_environment(environment.clone(), resources, WebhookSettings::default())
                .await?;
            let integration = Integration::new("crm")?;
            catalog
                .put_integration(&environment, &integration, NewIntegration::default())
                .await?;
            catalog
                .release_deployment(&environment, &integration, &ready)
                .await?;
        }
        let scheduler = scheduler(&runner, &catalog, runs).await?;
        Ok(Some(World {
            _host: host,
            clock,
            store,
            catalog,
            runner,
            scheduler,
        }))
    }

    /// Adds a connection whose sync behaves so, and lets the scheduler know.
    async fn connect(&self, environment: &str, id: &str, config: Value) -> Result<SyncKey> {
        let connection = ConnectionKey::new(environment, "crm", id)?;
        let Value::Object(config) = config else {
            anyhow::bail!("a config is an object")
        };
        let new = NewConnection {
            config: Some(config),
            credentials: Some(BTreeMap::new()),
            ..NewConnection::default()
        };
        self.catalog.put_connection(&connection, new).await?;
        let key = SyncKey {
            connection,
            sync: "guest".parse()?,
            variant: Variant::base(),
        };
        self.scheduler.plan(&key).await?;
        Ok(key)
    }

    /// The same, every five minutes.
    async fn schedule(&self, environment: &str, id: &str, config: Value) -> Result<SyncKey> {
        let key = self.connect(environment, id, config).await?;
        self.every(&key, "every 5 minutes").await?;
        Ok(key)
    }

    async fn every(&self, key: &SyncKey, frequency: &str) -> Result<()> {
        let frequency = Some(frequency.to_owned());
        self.catalog
            .change_sync(key, |row| row.frequency = frequency)
            .await?;
        Ok(self.scheduler.plan(key).await?)
    }

    async fn set_paused(&self, key: &SyncKey, paused: bool) -> Result<()> {
        let changed = self.catalog.change_sync(key, |row| row.paused = paused);
        Ok(changed.await.map(drop)?)
    }

    /// Asks for a run that goes on where the sync stands.
    async fn trigger(&self, key: &SyncKey) -> Result<Triggered> {
        Ok(self
            .scheduler
            .trigger(key, TriggerOptions::default())
            .await?)
    }

    /// Turns the clock and lets the scheduler look.
    async fn pass(&self, time: Duration, key: &SyncKey) -> Result<()> {
        self.clock.advance(time);
        Ok(self.scheduler.plan(key).await?)
    }

    async fn rows(&self, key: &SyncKey) -> Result<Vec<RunRow>> {
        let query = RunQuery {
            key: Some(key.clone()),
            before: None,
            limit: 100,
        };
        Ok(tidegate::store::Store::runs(&*self.store, query).await?)
    }

    /// Waits until `count` runs of a sync ended; answers them, newest first.
    async fn ended(&self, key: &SyncKey, count: usize) -> Result<Vec<RunRow>> {
        for _ in 0..LOOKS {
            let rows = self.rows(key).await?;
            let over = rows.iter().filter(|row| row.ended.is_some()).count();
            anyhow::ensure!(rows.len() <= count, "{} runs of {key}", rows.len());
            if over == count && self.scheduler.standing(key).running.is_none() {
                return Ok(rows);
            }
            tokio::time::sleep(LOOK).await;
        }
        anyhow::bail!(
            "{key} did not end {count} runs: {:?}",
            self.rows(key).await?
        )
    }

    async fn running(&self, key: &SyncKey) -> Result<()> {
        for _ in 0..LOOKS {
            if self.scheduler.standing(key).running.is_some() {
                return Ok(());
            }
            tokio::time::sleep(LOOK).await;
        }
        anyhow::bail!("{key} did not start")
    }
}

async fn scheduler(runner: &Runner, catalog: &Arc<Catalog>, runs: u32) -> Result<Scheduler> {
    let options = SchedulerOptions {
        runs,
        memory_ceiling: limits::RUN_MEMORY_BYTES_CEILING,
    };
    Ok(Scheduler::start(runner.clone(), catalog.clone(), options).await?)
}

const ROOM: Resources = Resources {
    memory_mib: 1_024,
    runs: 8,
    storage_mib: None,
    egress_kib_per_second: None,
};

/// A sync that saves a little.
fn small() -> Value {
    json!({"behaviour": "ok_small"})
}

fn outcome(row: &RunRow) -> &'static str {
    match &row.state {
        RunState::Ended(outcome) => outcome.word(),
        RunState::Running => "running",
    }
}

macro_rules! world {
    ($runs:expr, $resources:expr) => {
        match crate::World::new($runs, $resources).await? {
            Some(world) => world,
            None => return Ok(()),
        }
    };
}

mod waits;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_sync_runs_at_once_and_then_when_it_is_due() -> Result<()> {
    let world = world!(4, ROOM);
    let key = world.schedule("a", "acme", small()).await?;
    let rows = world.ended(&key, 1).await?;
    assert_eq!(
        (outcome(&rows[0]), rows[0].trigger),
        ("success", Trigger::Schedule)
    );
    let next = world.scheduler.standing(&key).next.context("not planned")?;
    let wait = Duration::try_from(next.duration_since(world.clock.now()))?;
    assert!(
        !wait.is_zero() && wait <= Duration::from_secs(300),
        "{wait:?}"
    );
    // Just before it is due nothing happens, then it runs; an hour of downtime is one run.
    world.pass(wait - Duration::from_millis(1), &key).await?;
    assert_eq!(world.ended(&key, 1).await?.len(), 1);
    world.pass(Duration::from_millis(1), &key).await?;
    world.ended(&key, 2).await?;
    world.pass(Duration::from_secs(3_600), &key).await?;
    world.ended(&key, 3).await?;
    world.pass(Duration::ZERO, &key).await?;
    world.ended(&key, 3).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_frequency_it_runs_only_when_asked() -> Result<()> {
    let world = world!(4, ROOM);
    let key = world.connect("a", "acme", small()).await?;
    world.pass(Duration::from_secs(86_400), &key).await?;
    assert!(world.rows(&key).await?.is_empty());
    let asked = world.trigger(&key).await?;
    assert_eq!(asked, Triggered::Queued);
    assert_eq!(world.ended(&key, 1).await?[0].trigger, Trigger::Manual);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_sync_does_not_run_until_it_is_started() -> Result<()> {
    let world = world!(4, ROOM);
    let key = world.schedule("a", "acme", small()).await?;
    world.ended(&key, 1).await?;
    world.set_paused(&key, true).await?;
    world.pass(Duration::from_secs(86_400), &key).await?;
    assert_eq!(world.scheduler.standing(&key).next, None);
    world.ended(&key, 1).await?;
    world.set_paused(&key, false).await?;
    world.pass(Duration::ZERO, &key).await?;
    world.ended(&key, 2).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trigger_beside_a_run_tells_the_truth_and_fifty_make_one_run() -> Result<()> {
    let world = world!(4, ROOM);
    let key = world
        .connect("a", "acme", json!({"behaviour": "sleeps", "ms": 300}))
        .await?;
    let asked = (0..50).map(|_| {
        let (scheduler, key) = (world.scheduler.clone(), key.clone());
        tokio::spawn(async move { scheduler.trigger(&key, TriggerOptions::default()).await })
    });
    for answer in futures_util::future::join_all(asked).await {
        answer??;
    }
    world.running(&key).await?;
    let running = world.scheduler.standing(&key).running;
    let again = world.trigger(&key).await?;
    assert_eq!(Some(again), running.map(Triggered::Running));
    world.ended(&key, 1).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reset_cancels_the_run_and_starts_from_nothing() -> Result<()> {
    let world = world!(4, ROOM);
    let config = json!({"behaviour": "checkpoint_each_page", "records": 100, "page": 10, "pages": 10, "ms": 40});
    let key = world.connect("a", "acme", config).await?;
    world.trigger(&key).await?;
    world.running(&key).await?;
    let reset = TriggerOptions {
        reset: Some(Reset::CheckpointAndRecords),
    };
    world.scheduler.trigger(&key, reset).await?;
    let rows = world.ended(&key, 2).await?;
    assert_eq!(
        (outcome(&rows[1]), outcome(&rows[0])),
        ("cancelled", "success")
    );
    assert_eq!(rows[0].checkpoint_before, None);
    let added: u64 = rows[0].counts.values().map(|counts| counts.added).sum();
    assert_eq!(added, 100);
    Ok(())
}

/// Resets and triggers of many hands at once: no reset meets a run that started beside
/// it, and never do two runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn resets_and_triggers_at_once_are_one_after_another() -> Result<()> {
    let world = world!(4, ROOM);
    let key = world.connect("a", "acme", small()).await?;
    let asked = (0..60).map(|number| {
        let (scheduler, key) = (world.scheduler.clone(), key.clone());
        tokio::spawn(async move {
            let reset = (number % 3 == 0).then_some(Reset::CheckpointAndRecords);
            scheduler.trigger(&key, TriggerOptions { reset }).await
        })
    });
    for answer in futures_util::future::join_all(asked).await {
        answer??;
    }
    for _ in 0..LOOKS {
        let standing = world.scheduler.standing(&key);
        if standing.running.is_none() && !standing.queued {
            break;
        }
        tokio::time::sleep(LOOK).await;
    }
    let rows = world.rows(&key).await?;
    assert!(!rows.is_empty());
    assert!(rows.iter().all(|row| row.ended.is_some()), "{rows:?}");
    Ok(())
}

/// Four syncs that sleep, in an environment of one run at a time, never overlap; the
/// other environment is not kept waiting by them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_environment_keeps_to_its_runs_and_another_is_not_slowed() -> Result<()> {
    let one = Resources {
        memory_mib: 1_024,
        runs: 1,
        storage_mib: None,
        egress_kib_per_second: None,
    };
    let world = world!(2, one);
    let mut keys = Vec::new();
    for id in ["one", "two", "three", "four"] {
        let config = json!({"behaviour": "sleeps", "ms": 150});
        keys.push(world.connect("a", id, config).await?);
    }
    let other = world.connect("b", "other", small()).await?;
    for key in keys.iter().chain([&other]) {
        world.trigger(key).await?;
    }
    world.ended(&other, 1).await?;
    let waiting = keys
        .iter()
        .filter(|key| world.scheduler.standing(key).queued);
    assert!(
        waiting.count() >= 2,
        "the other environment waited for all of them"
    );
    let mut most = 0;
    loop {
        let live = keys
            .iter()
            .filter(|key| world.scheduler.standing(key).running.is_some());
        most = most.max(live.count());
        if world.scheduler.running() == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(most, 1);
    for key in &keys {
        world.ended(key, 1).await?;
    }
    Ok(())
}

/// A run gets no more memory than its environment has.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_small_environment_caps_its_runs() -> Result<()> {
    let small = Resources {
        memory_mib: 8,
        runs: 4,
        storage_mib: None,
        egress_kib_per_second: None,
    };
    let world = world!(4, small);
    let key = world
        .connect("a", "acme", json!({"behaviour": "eats_memory"}))
        .await?;
    world.trigger(&key).await?;
    let rows = world.ended(&key, 1).await?;
    assert_eq!(rows[0].usage.memory_cap_bytes, 8 * limits::MIB);
    let RunState::Ended(Outcome::Failed { error }) = &rows[0].state else {
        anyhow::bail!("{:?}", rows[0].state)
    };
    assert_eq!(error.code, Code::LimitMemory);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_sync_is_tried_again_and_then_less_often() -> Result<()> {
    let world = world!(4, ROOM);
    let key = world
        .schedule("a", "acme", json!({"behaviour": "panics"}))
        .await?;
    world.every(&key, "every day").await?;
    let mut waits = Vec::new();
    for failures in 1..=6 {
        world.ended(&key, failures).await?;
        let standing = world.scheduler.standing(&key);
        assert_eq!(standing.failures as usize, failures);
        let next = standing.next.context("not planned")?;
        let wait = Duration::try_from(next.duration_since(world.clock.now()))?;
        waits.push(wait);
        world.clock.advance(wait);
        // Planning anew would forget the failures: only the clock moved.
        world.trigger(&key).await?;
    }
    assert!(waits[0] <= Duration::from_secs(60), "{waits:?}");
    assert!(waits[5] > waits[0], "{waits:?}");
    assert!(
        waits
            .iter()
            .all(|wait| *wait <= Duration::from_secs(86_400)),
        "{waits:?}"
    );
    Ok(())
}

/// The host stops: runs end at their next checkpoint, nothing new starts, and the next
/// host goes on where they stood.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_ends_runs_at_a_checkpoint_and_the_next_host_goes_on() -> Result<()> {
    let world = world!(4, ROOM);
    let config = json!({"behaviour": "checkpoint_each_page", "records": 100, "page": 10, "pages": 10, "ms": 60});
    let key = world.connect("a", "acme", config).await?;
    world.trigger(&key).await?;
    world.running(&key).await?;
    world.scheduler.stop(Duration::from_secs(30)).await;
    assert_eq!(world.scheduler.running(), 0);
    let refused = world
        .scheduler
        .trigger(&key, TriggerOptions::default())
        .await;
    assert_eq!(refused.map_err(|error| error.code), Err(Code::RunCancelled));
    let rows = world.ended(&key, 1).await?;
    assert_eq!(outcome(&rows[0]), "interrupted");
    assert!(rows[0].checkpoint_after.is_some());

    let next = World {
        scheduler: scheduler(&world.runner, &world.catalog, 4).await?,
        ..world
    };
    let rows = next.ended(&key, 2).await?;
    assert_eq!(
        (outcome(&rows[0]), rows[0].trigger),
        ("success", Trigger::Continuation)
    );
    assert_eq!(rows[0].checkpoint_before, rows[1].checkpoint_after);
    let added: u64 = rows
        .iter()
        .flat_map(|row| row.counts.values())
        .map(|counts| counts.added)
        .sum();
    assert_eq!(added, 100);
    Ok(())
}

/// A guest that reaches no checkpoint is ended where it stands once the grace is over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_does_not_wait_for_ever() -> Result<()> {
    let world = world!(4, ROOM);
    let key = world
        .connect("a", "acme", json!({"behaviour": "sleeps", "ms": 600_000}))
        .await?;
    world.trigger(&key).await?;
    world.running(&key).await?;
    world.scheduler.stop(Duration::from_millis(50)).await;
    assert_eq!(outcome(&world.ended(&key, 1).await?[0]), "interrupted");
    Ok(())
}

/// Its pages are numbered as the integration says, unless the connection says otherwise.
#[tokio::test(flavor = "multi_thread")]
async fn a_sync_can_leave_paging_to_its_integration() -> Result<()> {
    let world = world!(4, ROOM);
    let provider = Provider::builder().users(450, 7).start().await?;
    let pagination = json!({
        "type": "cursor", "param": "cursor", "next": "response_metadata.next_cursor",
        "items": "members",
    });
    let (environment, integration) = (Environment::new("a")?, Integration::new("crm")?);
    let new = NewIntegration {
        base_url: Some(provider.url()),
        allow_http: true,
        pagination: Some(serde_json::from_value(pagination)?),
        ..NewIntegration::default()
    };
    world
        .catalog
        .put_integration(&environment, &integration, new)
        .await?;
    let counts = json!({"behaviour": "counts_pages", "url": "/users"});
    let mut own = counts.clone();
    own["pagination"] = json!({"type": "link", "items": "members"});
    for (id, config) in [("acme", counts.clone()), ("own", own)] {
        let key = world.connect("a", id, config).await?;
        world.trigger(&key).await?;
        let rows = world.ended(&key, 1).await?;
        let state = format!("{:?}", rows[0].state);
        assert!(state.contains("items came"), "{id}: {state}");
        assert_eq!(state.contains("450"), id == "acme", "{id}: {state}");
    }
    let key = world.connect("b", "acme", counts).await?;
    world.trigger(&key).await?;
    let state = format!("{:?}", world.ended(&key, 1).await?[0].state);
    assert!(state.contains("set its `pagination`"), "{state}");
    Ok(())
}

/// A provider that fails for many connections is spared their schedules: one probe goes
/// first, who asks by hand goes through, and the first answer lets all go on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_provider_gets_one_probe_at_a_time() -> Result<()> {
    let world = world!(8, ROOM);
    let provider = Provider::builder().users(3, 7).start().await?;
    let faults = provider.faults();
    faults.next("/users", Fault::Status(503), 1_000);
    let (environment, integration) = (Environment::new("a")?, Integration::new("crm")?);
    let retry = RetryRules {
        attempts_max: Some(1),
        ..RetryRules::default()
    };
    let new = NewIntegration {
        base_url: Some(provider.url()),
        allow_http: true,
        retry: Some(retry),
        ..NewIntegration::default()
    };
    world
        .catalog
        .put_integration(&environment, &integration, new)
        .await?;
    let held = || world.scheduler.held_back(&environment, &integration);
    let fetches = json!({"behaviour": "fetches", "url": "/users"});
    let mut keys = Vec::new();
    for number in 0..limits::BREAKER_RUNS {
        assert_eq!(held(), None, "{number}");
        let id = format!("c{number}");
        let key = world.schedule("a", &id, fetches.clone()).await?;
        assert_eq!(outcome(&world.ended(&key, 1).await?[0]), "failed");
        keys.push(key);
    }
    let open = held().context("nothing is held back")?;
    assert_eq!(open.failures, limits::BREAKER_RUNS);

    // Another connection's first run would be due now; the other environment's is made.
    let late = world.schedule("a", "late", fetches.clone()).await?;
    let other = json!({"behaviour": "ok_small"});
    let elsewhere = world.schedule("b", "acme", other).await?;
    world.ended(&elsewhere, 1).await?;
    for _ in 0..LOOKS {
        if world.scheduler.standing(&late).next == Some(open.probe_at) {
            break;
        }
        tokio::time::sleep(LOOK).await;
    }
    assert_eq!(world.scheduler.standing(&late).next, Some(open.probe_at));
    assert_eq!(world.ended(&late, 0).await?.len(), 0);
    // Who asks by hand is let through, and finds nobody either.
    world
        .scheduler
        .trigger(&late, TriggerOptions::default())
        .await?;
    world.ended(&late, 1).await?;
    assert!(held().is_some());

    // The first that is due after the wait is the probe, and it alone.
    let asked = provider.requests().len();
    world.pass(limits::BREAKER_WAIT_FIRST, &late).await?;
    let probed = async || Ok::<_, anyhow::Error>(held().context("closed")?.probe_at);
    for _ in 0..LOOKS {
        if probed().await? != open.probe_at {
            break;
        }
        tokio::time::sleep(LOOK).await;
    }
    assert!(probed().await? > world.clock.now() + limits::BREAKER_WAIT_FIRST);
    assert_eq!(provider.requests().len(), asked + 1, "one probe");

    // The provider is back: the next probe's answer lets all of them go on at once.
    faults.clear();
    world.pass(2 * limits::BREAKER_WAIT_FIRST, &late).await?;
    for _ in 0..LOOKS {
        if held().is_none() {
            break;
        }
        tokio::time::sleep(LOOK).await;
    }
    assert_eq!(held(), None);
    for key in &keys {
        for _ in 0..LOOKS {
            let rows = world.rows(key).await?;
            if rows.first().is_some_and(|row| outcome(row) == "success") {
                break;
            }
            tokio::time::sleep(LOOK).await;
        }
        assert_eq!(outcome(&world.rows(key).await?[0]), "success", "{key}");
    }
    Ok(())
}
