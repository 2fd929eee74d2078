//! What a sweep takes away, with real runs and a clock by hand.

use crate::{DAY, ROOM, World, small};
use anyhow::Result;
use std::sync::Arc;
use tidegate::model::{ChangeFilter, Environment, RecordRetention, SyncKey};
use tidegate::retention::{RetentionOptions, Sweeper, Swept};
use tidegate::store::Store;

fn sweeper(world: &World, runs_per_sync: usize) -> Sweeper {
    Sweeper {
        store: world.store.clone(),
        catalog: world.catalog.clone(),
        clock: world.clock.clone(),
        options: RetentionOptions {
            run_days: 31,
            log_days: 15,
            runs_per_sync,
        },
    }
}

async fn retain(world: &World, prune: Option<u32>, erase: Option<u32>) -> Result<()> {
    let retention = RecordRetention {
        prune_after_days: prune,
        erase_after_days: erase,
    };
    let change = |row: &mut tidegate::model::EnvironmentRow| row.retention = retention;
    let name = Environment::new("a")?;
    world.catalog.change_environment(&name, change).await?;
    Ok(())
}

/// How many records a sync has, and how many of them are pruned.
async fn records(world: &World, key: &SyncKey) -> Result<(usize, usize)> {
    let mut found = (0, 0);
    for stream in world.store.streams(Some(&key.connection)).await? {
        let page = world
            .store
            .changes(&stream, None, 100, ChangeFilter::ALL)
            .await?;
        let pruned = page.changes.iter().filter(|change| change.pruned.is_some());
        found.1 += pruned.count();
        found.0 += page.changes.len();
    }
    Ok(found)
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_environment_that_asks_for_it_loses_records() -> Result<()> {
    let Some(world) = World::new(4, ROOM).await? else {
        return Ok(());
    };
    let (own, other) = (
        world.connect("a", "acme", small()).await?,
        world.connect("b", "acme", small()).await?,
    );
    for key in [&own, &other] {
        world.trigger(key).await?;
        world.ended(key, 1).await?;
    }
    let sweeper = sweeper(&world, 100);
    retain(&world, Some(30), Some(60)).await?;
    assert_eq!(sweeper.sweep().await?, Swept::default());

    world.clock.advance(DAY * 29);
    assert_eq!(sweeper.sweep().await?.pruned, 0);
    world.clock.advance(DAY * 2);
    let swept = sweeper.sweep().await?;
    assert_eq!((swept.pruned, swept.erased), (3, 0));
    assert_eq!(records(&world, &own).await?, (3, 3));
    assert_eq!(records(&world, &other).await?, (3, 0));
    assert_eq!(sweeper.sweep().await?.pruned, 0);

    // A run that finds the same brings it back, and it counts from its last change still.
    world.trigger(&own).await?;
    let rows = world.ended(&own, 2).await?;
    assert_eq!(
        rows[0]
            .counts
            .values()
            .map(|counts| counts.unchanged)
            .sum::<u64>(),
        3
    );
    assert_eq!(records(&world, &own).await?, (3, 0));
    assert_eq!(sweeper.sweep().await?.pruned, 3);

    // 60 days after that run, nothing is left.
    world.clock.advance(DAY * 59);
    assert_eq!(sweeper.sweep().await?.erased, 0);
    world.clock.advance(DAY * 2);
    assert_eq!(sweeper.sweep().await?.erased, 1);
    assert_eq!(records(&world, &own).await?, (0, 0));
    assert_eq!(records(&world, &other).await?, (3, 0));
    assert_eq!(sweeper.sweep().await?.erased, 0);
    world.trigger(&own).await?;
    let rows = world.ended(&own, 1).await?;
    assert_eq!(
        rows[0]
            .counts
            .values()
            .map(|counts| counts.added)
            .sum::<u64>(),
        3
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_are_forgotten_but_for_the_last_and_those_nobody_heard_of() -> Result<()> {
    let Some(world) = World::new(4, ROOM).await? else {
        return Ok(());
    };
    let key = world.connect("a", "acme", small()).await?;
    for count in 1..=6 {
        world.trigger(&key).await?;
        world.ended(&key, count).await?;
        world.clock.advance(DAY);
    }
    let store: Arc<dyn tidegate::store::ServiceStore> = world.store.clone();
    let sweeper = sweeper(&world, 3);
    // Their ends were announced, and nobody sends webhooks here.
    assert_eq!(sweeper.sweep().await?.forgotten.runs, 0);
    for run in store.announced(100).await? {
        store.put_deliveries(Some(run), vec![]).await?;
    }
    assert_eq!(sweeper.sweep().await?.forgotten.runs, 3);
    world.clock.advance(DAY * 40);
    assert_eq!(sweeper.sweep().await?.forgotten.runs, 2);
    assert_eq!(world.rows(&key).await?.len(), 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_removed_while_it_runs_leaves_nothing() -> Result<()> {
    let Some(world) = World::new(4, ROOM).await? else {
        return Ok(());
    };
    let config = serde_json::json!({
        "behaviour": "checkpoint_each_page", "records": 100, "page": 10, "pages": 10, "ms": 40,
    });
    let key = world.connect("a", "acme", config).await?;
    world.trigger(&key).await?;
    world.running(&key).await?;
    world.scheduler.remove_connection(&key.connection).await?;
    assert_eq!(records(&world, &key).await?, (0, 0));
    assert_eq!(world.store.checkpoint(&key).await?, None);
    assert_eq!(world.rows(&key).await?, vec![]);
    assert!(world.catalog.sync(&key).is_err());
    // It comes back as a new one.
    let key = world.connect("a", "acme", small()).await?;
    world.trigger(&key).await?;
    let rows = world.ended(&key, 1).await?;
    assert_eq!(rows[0].checkpoint_before, None);
    assert_eq!(records(&world, &key).await?, (3, 0));
    Ok(())
}
