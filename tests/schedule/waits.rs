//! A run that would wait for long ends instead, and goes on from its checkpoint when the
//! wait is over: holding nothing meanwhile, and losing nothing.

use super::{LOOK, LOOKS, ROOM, World, outcome, scheduler};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tidegate::catalog::NewIntegration;
use tidegate::clock::Clock;
use tidegate::egress::live::{LiveEgress, LiveOptions};
use tidegate::limits::{INTERRUPTIONS_WITHOUT_PROGRESS_MAX, WAIT_IN_RUN_MAX};
use tidegate::model::{Environment, Integration, RunRow, Trigger};
use tidegate::run::Runner;
use tidegate_provider::{Fault, Provider, ProviderHandle};

/// What the provider asks for.
const ASKED: Duration = Duration::from_secs(300);
/// Looks at a run that is to stay where it is.
const LOOKS_AT_STILLNESS: usize = 30;

/// Environment `a` with a provider.
async fn provider(world: &World) -> Result<ProviderHandle> {
    let provider = Provider::builder().users(3, 7).start().await?;
    let new = NewIntegration {
        base_url: Some(provider.url()),
        allow_http: true,
        ..NewIntegration::default()
    };
    let (environment, integration) = (Environment::new("a")?, Integration::new("crm")?);
    let changed = world
        .catalog
        .put_integration(&environment, &integration, new);
    changed.await?;
    Ok(provider)
}

/// The next host over the same store and catalog. Its egress is new: the old one keeps the
/// provider's pause by the real time.
async fn restarted(world: World) -> Result<World> {
    world.scheduler.stop(Duration::ZERO).await;
    let egress = LiveEgress::new(LiveOptions::default())?;
    let runner = Runner {
        egress: Arc::new(egress),
        ..world.runner.clone()
    };
    Ok(World {
        scheduler: scheduler(&runner, &world.catalog, 4).await?,
        runner,
        ..world
    })
}

fn fetches_pages() -> Value {
    json!({"behaviour": "fetch_each_page", "url": "/users", "page": 10, "pages": 3})
}

fn added(rows: &[RunRow]) -> u64 {
    let counts = rows.iter().flat_map(|row| row.counts.values());
    counts.map(|counts| counts.added).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_wait_for_the_provider_ends_the_run_and_the_next_host_goes_on() -> Result<()> {
    let world = world!(4, ROOM);
    let provider = provider(&world).await?;
    let asked = Fault::RateLimit { retry_after: ASKED };
    provider.faults().after(1, "/users", asked, 1);
    let key = world.schedule("a", "acme", fetches_pages()).await?;
    let rows = world.ended(&key, 1).await?;
    let until = rows[0].waits_until().context("it does not wait")?;
    assert!(until >= world.clock.now() + ASKED, "{until}");
    assert_eq!(outcome(&rows[0]), "interrupted");
    let said = format!("{:?}", rows[0].state);
    assert!(
        said.contains("waiting for the provider until 2026-01-31T12:05:0"),
        "{said}"
    );
    assert_eq!(rows[0].checkpoint_after.as_deref(), Some(r#"{"page":1}"#));
    assert_eq!(rows[0].post_mortem, None);
    let log = tidegate::store::Store::run_log(&*world.store, rows[0].id).await?;
    let statuses = log.iter().filter_map(|line| line.exchange.as_ref()?.status);
    assert_eq!(statuses.collect::<Vec<_>>(), [200, 429]);
    // It holds nothing, and nothing is asked before its time.
    assert_eq!(world.scheduler.running(), 0);
    assert_eq!(world.scheduler.standing(&key).next, Some(until));
    world.pass(ASKED / 2, &key).await?;
    assert_eq!(world.ended(&key, 1).await?.len(), 1);

    let world = restarted(world).await?;
    assert_eq!(world.scheduler.standing(&key).next, Some(until));
    let rest = Duration::try_from(until.duration_since(world.clock.now()))?;
    world.pass(rest - Duration::from_millis(1), &key).await?;
    assert_eq!(world.ended(&key, 1).await?.len(), 1);
    world.pass(Duration::from_millis(1), &key).await?;
    let rows = world.ended(&key, 2).await?;
    assert_eq!(
        (outcome(&rows[0]), rows[0].trigger, rows[0].attempt),
        ("success", Trigger::Continuation, 2)
    );
    assert_eq!(rows[0].checkpoint_before, rows[1].checkpoint_after);
    assert_eq!(added(&rows), 30);
    assert_eq!(provider.requests().len(), 4, "three pages and one refusal");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sync_without_a_checkpoint_waits_in_its_place() -> Result<()> {
    let world = world!(4, ROOM);
    let provider = provider(&world).await?;
    let asked = Fault::RateLimit { retry_after: ASKED };
    provider.faults().next("/users", asked, 1);
    let key = world.schedule("a", "acme", fetches_pages()).await?;
    for _ in 0..LOOKS {
        if provider.requests().len() == 1 {
            break;
        }
        tokio::time::sleep(LOOK).await;
    }
    for _ in 0..LOOKS_AT_STILLNESS {
        tokio::time::sleep(LOOK).await;
        let rows = world.rows(&key).await?;
        assert!(rows.iter().all(|row| row.ended.is_none()), "{rows:?}");
    }
    assert_eq!(provider.requests().len(), 1);
    world.scheduler.stop_now().await;
    let rows = world.ended(&key, 1).await?;
    assert_eq!(
        (outcome(&rows[0]), rows[0].waits_until()),
        ("interrupted", None)
    );
    Ok(())
}

/// A sync that is paused while it runs may end that run for a wait; it goes on when it is
/// started again, and not before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sync_that_was_paused_meanwhile_goes_on_when_it_is_started() -> Result<()> {
    let world = world!(4, ROOM);
    let provider = provider(&world).await?;
    let faults = provider.faults();
    faults.after(1, "/users", Fault::Status(503), 1);
    faults.next("/users", Fault::RateLimit { retry_after: ASKED }, 1);
    let key = world.schedule("a", "acme", fetches_pages()).await?;
    // It is between the page that failed and the next try of it, a few seconds later.
    for _ in 0..LOOKS {
        if provider.requests().len() == 2 {
            break;
        }
        tokio::time::sleep(LOOK).await;
    }
    world.set_paused(&key, true).await?;
    world.scheduler.plan(&key).await?;
    let rows = world.ended(&key, 1).await?;
    let until = rows[0].waits_until().context("it does not wait")?;
    assert_eq!(world.scheduler.standing(&key).next, None);
    world.pass(2 * ASKED, &key).await?;
    assert!(world.clock.now() > until);
    assert_eq!(world.ended(&key, 1).await?.len(), 1);

    world.set_paused(&key, false).await?;
    let world = restarted(world).await?;
    let rows = world.ended(&key, 2).await?;
    assert_eq!(
        (outcome(&rows[0]), rows[0].trigger),
        ("success", Trigger::Continuation)
    );
    assert_eq!(added(&rows), 30);
    Ok(())
}

/// More waits than interruptions are allowed: each made progress, and none is a stall.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_sleep_after_each_checkpoint_holds_no_room() -> Result<()> {
    let world = world!(4, ROOM);
    let pages = INTERRUPTIONS_WITHOUT_PROGRESS_MAX as usize + 2;
    let wait = 2 * WAIT_IN_RUN_MAX;
    let config = json!({
        "behaviour": "checkpoint_each_page", "page": 10, "pages": pages, "ms": wait.as_millis() as u64,
    });
    let key = world.schedule("a", "acme", config).await?;
    for page in 1..=pages {
        let rows = world.ended(&key, page).await?;
        let until = rows[0].waits_until().context("it does not wait")?;
        let left = Duration::try_from(until.duration_since(world.clock.now()))?;
        assert!(WAIT_IN_RUN_MAX < left && left <= wait, "{left:?}");
        let at = format!(r#"{{"page":{page}}}"#);
        assert_eq!(rows[0].checkpoint_after, Some(at));
        assert_eq!(world.scheduler.running(), 0);
        world.pass(left, &key).await?;
    }
    let rows = world.ended(&key, pages + 1).await?;
    assert_eq!(outcome(&rows[0]), "success");
    assert_eq!(added(&rows), 10 * pages as u64);
    Ok(())
}
