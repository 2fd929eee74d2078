//! Apps that are down, slow or broken, and hosts that are started again.

use crate::world::{World, environment, to, until};
use std::collections::BTreeSet;
use std::time::Duration;
use tidegate::clock::Clock;
use tidegate::error::Code;
use tidegate::model::{DeliveryState, Outcome};
use tidegate_tests::app::{App, Reply};
use tokio::net::TcpListener;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn a_delivery_is_tried_until_the_app_takes_it_under_one_id() {
    let app = App::start(|_, before| Reply::Status(if before < 7 { 500 } else { 204 })).await;
    let world = World::new(to(&app.url("/"), None)).await;
    let sender = world.sender();
    world.run(&["Issue"], Outcome::Success).await;
    for attempts in 1..8 {
        let delivery = world.one(|each| each.attempts == attempts).await;
        assert_eq!(delivery.state, DeliveryState::Waiting);
        assert!(delivery.last_error.unwrap().contains("500"));
        assert!(delivery.next.unwrap() > world.clock.now());
        assert_eq!(app.count(), attempts as usize, "nothing before it is due");
        world.pass(HOUR);
    }
    let over = world
        .one(|each| each.state == DeliveryState::Delivered)
        .await;
    sender.stop().await;
    let received = app.received();
    for (nth, each) in (1..).zip(&received) {
        assert_eq!(each.header("x-tidegate-delivery"), over.id.to_string());
        assert_eq!(each.header("x-tidegate-attempt"), nth.to_string());
        assert_eq!(each.raw, received[0].raw);
    }
    assert_eq!(
        (received.len(), over.attempts, over.last_error),
        (8, 8, None)
    );
}

#[tokio::test]
async fn nothing_is_lost_when_the_host_is_started_again() {
    for durable in [false, true] {
        let app = App::start(|_, before| Reply::Status(if before < 2 { 500 } else { 200 })).await;
        let settings = to(&app.url("/"), None);
        let mut world = match durable {
            true => World::durable(settings).await,
            false => World::new(settings).await,
        };
        // It ends while nobody sends, and is sent by the next that does.
        world.run(&["Issue"], Outcome::Success).await;
        world.restart().await;
        for attempts in 1..3 {
            let sender = world.sender();
            world.one(|each| each.attempts == attempts).await;
            sender.stop().await;
            drop(sender);
            world.restart().await;
            world.clock.advance(HOUR);
        }
        let sender = world.sender();
        world
            .one(|each| each.state == DeliveryState::Delivered)
            .await;
        sender.stop().await;
        let ids: BTreeSet<String> = app
            .received()
            .iter()
            .map(|each| each.header("x-tidegate-delivery").to_owned())
            .collect();
        assert_eq!((app.count(), ids.len()), (3, 1), "durable: {durable}");
    }
}

#[tokio::test]
async fn an_app_that_hangs_holds_up_nobody_else() {
    let slow = App::start(|_, _| Reply::Hang).await;
    let quick = App::content().await;
    let world = World::new(to(&slow.url("/"), None)).await;
    world
        .add_environment("other", to(&quick.url("/"), None))
        .await;
    let sender = world.sender();
    for _ in 0..20 {
        world.run(&["Issue"], Outcome::Success).await;
    }
    until("the slow app is asked", || slow.count() > 0).await;
    for _ in 0..20 {
        world.run_of("other", &["Issue"], Outcome::Success).await;
    }
    until("the quick app heard all", || quick.count() == 20).await;
    assert!(slow.count() < 20, "only a few at once");
    let stopped = tokio::spawn({
        let sender = sender.clone();
        async move { sender.stop().await }
    });
    let mut unknown = world.deliveries().await[0].id;
    unknown.number = 77;
    while sender.replay(unknown).await.unwrap_err().code == Code::NotFound {}
    let all_asked = slow.count();
    slow.release();
    stopped.await.unwrap();
    // Those under way were finished; the others wait in the store.
    let prod = |state| {
        let world = &world;
        async move {
            let all = world.deliveries().await;
            let own = all
                .iter()
                .filter(|each| each.connection.environment == environment("prod"));
            own.filter(|each| each.state == state).count()
        }
    };
    assert_eq!(prod(DeliveryState::Delivered).await, all_asked);
    assert_eq!(prod(DeliveryState::Waiting).await, 20 - all_asked);
}

/// The only row that waits for real: for the 20 seconds that an attempt may take.
#[tokio::test]
async fn an_app_that_never_answers_is_given_its_time_and_asked_again() {
    let app = App::start(|_, before| match before {
        0 => Reply::Hang,
        _ => Reply::Status(200),
    })
    .await;
    let world = World::new(to(&app.url("/"), None)).await;
    let sender = world.sender();
    world.run(&["Issue"], Outcome::Success).await;
    let delivery = world.one(|each| each.attempts == 1).await;
    assert_eq!(delivery.state, DeliveryState::Waiting);
    let why = delivery.last_error.unwrap();
    assert!(why.starts_with("provider.timeout"), "{why}");
    world.pass(HOUR);
    world
        .one(|each| each.state == DeliveryState::Delivered)
        .await;
    sender.stop().await;
    let received = app.received();
    let ids: BTreeSet<&str> = received
        .iter()
        .map(|each| each.header("x-tidegate-delivery"))
        .collect();
    assert_eq!((received.len(), ids.len()), (2, 1));
}

#[tokio::test]
async fn an_app_that_is_gone_is_asked_for_days_then_given_up_and_can_be_replayed() {
    let app = App::start(|_, _| Reply::Status(503)).await;
    let world = World::new(to(&app.url("/"), None)).await;
    let sender = world.sender();
    world.run(&["Issue"], Outcome::Success).await;
    let began = world.clock.now();
    let mut delivery = world.one(|each| each.attempts == 1).await;
    while delivery.state == DeliveryState::Waiting {
        let attempts = delivery.attempts;
        world.pass(HOUR + 5 * MINUTE);
        delivery = world.one(|each| each.attempts > attempts).await;
    }
    let lasted = world.clock.now().duration_since(began).as_hours();
    assert!((72..=74).contains(&lasted), "{lasted} h");
    assert_eq!((delivery.state, delivery.next), (DeliveryState::Dead, None));
    let attempts = app.count();
    sender.replay(delivery.id).await.unwrap();
    until("it is sent again", || app.count() == attempts + 1).await;
    world.one(|each| each.attempts == 1).await;
    sender.stop().await;
}

#[tokio::test]
async fn an_app_that_refuses_connections_gets_its_backlog_when_it_is_back() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let world = World::new(to(&format!("http://127.0.0.1:{port}/"), None)).await;
    let sender = world.sender();
    for _ in 0..30 {
        world.run(&["Issue"], Outcome::Success).await;
    }
    let tried =
        |all: &[tidegate::model::Delivery]| all.iter().map(|each| each.attempts).sum::<u32>();
    let all = world.all(|all| all.len() == 30 && tried(all) >= 5).await;
    assert!(
        all.iter().any(|each| each.attempts == 0),
        "the lane is closed before each was tried"
    );
    let app = App::on(port).await;
    for _ in 0..40 {
        if app.count() >= 30 {
            break;
        }
        world.pass(5 * MINUTE);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let over = world
        .all(|all| {
            all.iter()
                .all(|each| each.state == DeliveryState::Delivered)
        })
        .await;
    sender.stop().await;
    assert_eq!((over.len(), app.count()), (30, 30), "each once");
}

#[tokio::test]
async fn the_wait_that_an_app_asks_for_is_kept() {
    let app = App::start(|_, before| match before {
        0 => Reply::Later(429, "7200"),
        _ => Reply::Status(200),
    })
    .await;
    let world = World::new(to(&app.url("/"), None)).await;
    let sender = world.sender();
    let began = world.clock.now();
    world.run(&["Issue"], Outcome::Success).await;
    let delivery = world.one(|each| each.attempts == 1).await;
    let wait = delivery.next.unwrap().duration_since(began);
    assert_eq!(wait.as_secs(), 7200);
    world.pass(2 * HOUR);
    world
        .one(|each| each.state == DeliveryState::Delivered)
        .await;
    sender.stop().await;
    assert_eq!(app.count(), 2);
}

#[tokio::test]
async fn old_deliveries_are_forgotten() {
    let app = App::content().await;
    let world = World::new(to(&app.url("/"), None)).await;
    let sender = world.sender();
    world.run(&["Issue"], Outcome::Success).await;
    world
        .one(|each| each.state == DeliveryState::Delivered)
        .await;
    world.pass(29 * 24 * HOUR);
    world.run(&["Issue"], Outcome::Success).await;
    let delivered = |all: &[tidegate::model::Delivery]| {
        all.iter()
            .filter(|each| each.state == DeliveryState::Delivered)
            .count()
    };
    world.all(|all| delivered(all) == 2).await;
    world.pass(2 * 24 * HOUR);
    world.all(|all| delivered(all) == 1).await;
    sender.stop().await;
}

#[tokio::test]
async fn what_waits_for_days_behind_an_app_that_is_down_is_given_up() {
    let app = App::start(|_, _| Reply::Status(500)).await;
    let world = World::new(to(&app.url("/"), None)).await;
    let sender = world.sender();
    for _ in 0..30 {
        world.run(&["Issue"], Outcome::Success).await;
    }
    world
        .all(|all| all.len() == 30 && all.iter().map(|each| each.attempts).sum::<u32>() >= 5)
        .await;
    world.pass(74 * HOUR);
    let never_sent = |all: &[tidegate::model::Delivery]| {
        let dead = all.iter().filter(|each| each.state == DeliveryState::Dead);
        dead.filter(|each| each.attempts == 0).count()
    };
    let all = world.all(|all| never_sent(all) >= 20).await;
    let given_up = all.iter().find(|each| each.attempts == 0).unwrap();
    assert!(given_up.last_error.as_ref().unwrap().contains("not sent"));
    sender.replay(given_up.id).await.unwrap();
    world
        .all(|all| {
            all.iter()
                .any(|each| each.id == given_up.id && each.attempts == 1)
        })
        .await;
    sender.stop().await;
}
