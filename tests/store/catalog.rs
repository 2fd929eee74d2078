//! The catalog, components and the outbox.

use crate::world::*;
use jiff::{SignedDuration, Timestamp};
use tidegate::model::{
    CatalogChange, CatalogKey, CatalogRow, ConnectionKey, ConnectionRow, Delivery, DeliveryId,
    DeliveryState, Digest, Environment, EnvironmentRow, Outcome, RecordRetention, Resources, RunId,
    SealedText, SyncRow, WebhookSettings,
};
use tidegate::store::DeliveryQuery;

/// The row of an environment.
pub fn environment(name: &str, runs: u32) -> CatalogRow {
    CatalogRow::Environment(EnvironmentRow {
        name: Environment::new(name).unwrap(),
        resources: Resources {
            memory_mib: 64,
            runs,
            storage_mib: None,
            egress_kib_per_second: None,
        },
        webhooks: WebhookSettings::default(),
        retention: RecordRetention::default(),
        signing_key: SealedText("{}".into()),
        created: Timestamp::UNIX_EPOCH,
    })
}

fn connection_row(key: ConnectionKey) -> CatalogRow {
    CatalogRow::Connection(ConnectionRow {
        key,
        number: 1,
        config: serde_json::Map::new(),
        credentials: Some(SealedText("sealed".into())),
        webhook_url: None,
        tags: Default::default(),
        end_user: None,
        created: Timestamp::UNIX_EPOCH,
        updated: Timestamp::UNIX_EPOCH,
    })
}

fn sync_row(sync: &str, paused: bool) -> CatalogRow {
    CatalogRow::Sync(SyncRow {
        key: key(sync),
        frequency: None,
        paused,
        pinned: Some(Digest::of(b"x")),
        created: Timestamp::UNIX_EPOCH,
    })
}

fn sorted(mut rows: Vec<CatalogRow>) -> Vec<CatalogRow> {
    rows.sort_by_key(CatalogRow::key);
    rows
}

async fn put(world: &World, rows: &[CatalogRow]) {
    let changes = rows.iter().cloned().map(CatalogChange::Put).collect();
    world.service().change_catalog(changes).await.unwrap();
}

pub async fn rows_are_kept_replaced_and_removed(mut world: World) {
    let rows = [
        environment("prod", 1),
        environment("prod-2", 1),
        connection_row(connection("acme")),
        connection_row(connection("acme/2")),
        sync_row("contacts", false),
        sync_row("deals", false),
    ];
    put(&world, &rows).await;
    put(&world, &[environment("prod", 7), sync_row("deals", true)]).await;
    let gone = CatalogKey::Connection(connection("acme"));
    // A change of several steps, the last of them a row that there is not.
    let changes = vec![
        CatalogChange::Remove(gone),
        CatalogChange::Remove(CatalogKey::ApiKey("none".into())),
    ];
    world.service().change_catalog(changes).await.unwrap();
    let expected = sorted(vec![
        environment("prod", 7),
        environment("prod-2", 1),
        connection_row(connection("acme/2")),
        sync_row("contacts", false),
        sync_row("deals", true),
    ]);
    assert_eq!(sorted(world.service().catalog().await.unwrap()), expected);
    world.reopen().await;
    assert_eq!(sorted(world.service().catalog().await.unwrap()), expected);
}

pub async fn a_component_is_kept_by_its_digest(mut world: World) {
    let bytes = bytes::Bytes::from(vec![7u8; 300_000]);
    let digest = world.service().put_component(bytes.clone()).await.unwrap();
    assert_eq!(digest, Digest::of(&bytes));
    assert_eq!(
        world.service().put_component(bytes.clone()).await.unwrap(),
        digest
    );
    world.reopen().await;
    let found = world.service().component(&digest).await.unwrap();
    assert_eq!(found, Some(bytes));
    let none = world.service().component(&Digest::of(b"other")).await;
    assert_eq!(none.unwrap(), None);
}

pub async fn the_end_of_a_run_is_announced_where_its_environment_is_known(mut world: World) {
    let unheard = world.begin("contacts").await;
    world.end(&unheard, Outcome::Success).await;
    assert!(world.service().announced(10).await.unwrap().is_empty());

    let name = connection("acme").environment;
    put(&world, &[environment(name.as_str(), 1)]).await;
    let (one, two) = (world.begin("contacts").await, world.begin("deals").await);
    assert!(world.service().announced(10).await.unwrap().is_empty());
    world.end(&two, failed()).await;
    world.end(&one, Outcome::Success).await;
    world.reopen().await;
    let announced = world.service().announced(10).await.unwrap();
    assert_eq!(announced, [one.run, two.run], "oldest first");
    assert_eq!(world.service().announced(1).await.unwrap(), [one.run]);

    let writes = world
        .service()
        .put_deliveries(Some(one.run), vec![delivery(&world, one.run, 0, "acme")]);
    writes.await.unwrap();
    assert_eq!(world.service().announced(10).await.unwrap(), [two.run]);
}

pub async fn a_run_that_a_restart_cut_is_announced(mut world: World) {
    let name = connection("acme").environment;
    put(&world, &[environment(name.as_str(), 1)]).await;
    let fence = world.begin("contacts").await;
    world.reopen().await;
    let expected: &[RunId] = match world.restarts() {
        true => &[fence.run],
        false => &[],
    };
    assert_eq!(world.service().announced(10).await.unwrap(), expected);
}

fn delivery(world: &World, run: RunId, number: u32, id: &str) -> Delivery {
    Delivery {
        id: DeliveryId { run, number },
        connection: connection(id),
        model: "Contact".into(),
        url: "https://app.example/hook".into(),
        body: "{}".into(),
        created: world.now(),
        attempts: 0,
        next: Some(world.now()),
        state: DeliveryState::Waiting,
        last_error: None,
    }
}

async fn listed(world: &World, waiting: bool) -> Vec<u32> {
    let query = DeliveryQuery {
        waiting,
        limit: 100,
        ..DeliveryQuery::default()
    };
    let found = world.service().deliveries(query).await.unwrap();
    found.iter().map(|delivery| delivery.id.number).collect()
}

pub async fn deliveries_move_between_waiting_and_over(mut world: World) {
    let run = RunId::new(5, 5);
    let all: Vec<Delivery> = (0..3).map(|n| delivery(&world, run, n, "acme")).collect();
    let writes = world.service().put_deliveries(None, all.clone());
    writes.await.unwrap();
    let done = Delivery {
        state: DeliveryState::Delivered,
        attempts: 2,
        next: None,
        last_error: Some("500".into()),
        ..all[1].clone()
    };
    let writes = world.service().put_deliveries(None, vec![done.clone()]);
    writes.await.unwrap();
    world.reopen().await;
    assert_eq!(listed(&world, true).await, [0, 2]);
    assert_eq!(listed(&world, false).await, [1]);
    assert_eq!(
        world.service().delivery(done.id).await.unwrap(),
        Some(done.clone())
    );
    // Replayed: it waits again.
    let again = vec![all[1].clone()];
    world.service().put_deliveries(None, again).await.unwrap();
    assert_eq!(listed(&world, true).await, [0, 1, 2]);
    assert_eq!(listed(&world, false).await, [] as [u32; 0]);
    let none = DeliveryId { run, number: 9 };
    assert_eq!(world.service().delivery(none).await.unwrap(), None);
}

pub async fn deliveries_are_listed_in_pages_by_environment(world: World) {
    let run = RunId::new(5, 5);
    let mut all: Vec<Delivery> = (0..7).map(|n| delivery(&world, run, n, "acme")).collect();
    for delivery in all
        .iter_mut()
        .filter(|delivery| delivery.id.number % 2 == 1)
    {
        delivery.connection.environment = Environment::new("other").unwrap();
    }
    world.service().put_deliveries(None, all).await.unwrap();
    let mut query = DeliveryQuery {
        environment: Some(connection("acme").environment),
        waiting: true,
        after: None,
        limit: 3,
    };
    let mut found = Vec::new();
    loop {
        let page = world.service().deliveries(query.clone()).await.unwrap();
        let Some(last) = page.last() else { break };
        query.after = Some(last.id);
        found.push(page.iter().map(|each| each.id.number).collect::<Vec<_>>());
    }
    assert_eq!(found, [vec![0, 2, 4], vec![6]]);
}

pub async fn a_removed_environment_takes_its_deliveries_along(mut world: World) {
    put(&world, &[environment("prod", 1), environment("other", 1)]).await;
    let run = RunId::new(5, 5);
    let mut all: Vec<Delivery> = (0..6).map(|n| delivery(&world, run, n, "acme")).collect();
    for delivery in &mut all {
        if delivery.id.number % 3 == 0 {
            delivery.connection.environment = Environment::new("other").unwrap();
        }
        if delivery.id.number > 2 {
            delivery.state = DeliveryState::Dead;
        }
    }
    world.service().put_deliveries(None, all).await.unwrap();
    let gone = CatalogKey::Environment(connection("acme").environment);
    let removed = vec![CatalogChange::Remove(gone)];
    world.service().change_catalog(removed).await.unwrap();
    world.reopen().await;
    assert_eq!(listed(&world, true).await, [0]);
    assert_eq!(listed(&world, false).await, [3]);
    let rows = world.service().catalog().await.unwrap();
    assert_eq!(rows, [environment("other", 1)]);
}

pub async fn what_is_over_and_old_is_forgotten(world: World) {
    let day = SignedDuration::from_hours(24);
    let mut all = Vec::new();
    for number in 0..4 {
        let age = i64::from(3 - number) * 24 * 3_600;
        let created = world.now() - SignedDuration::from_secs(age);
        // Ids are made of the time of their run.
        let run = RunId::new(created.as_millisecond() as u64, 1);
        let state = match number {
            1 => DeliveryState::Waiting,
            _ => DeliveryState::Dead,
        };
        all.push(Delivery {
            created,
            state,
            ..delivery(&world, run, number as u32, "acme")
        });
    }
    world.service().put_deliveries(None, all).await.unwrap();
    let before = world.now() - day;
    let forgotten = world.service().forget_deliveries(before).await.unwrap();
    assert_eq!(forgotten, 1);
    assert_eq!(listed(&world, true).await, [1]);
    assert_eq!(listed(&world, false).await, [2, 3]);
}
