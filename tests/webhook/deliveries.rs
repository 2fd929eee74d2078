//! What an app is told, and that it is told so exactly once when all is well.

use crate::world::{World, failed, key, to};
use std::collections::BTreeSet;
use std::time::Duration;
use tidegate::catalog::{NewConnection, NewIntegration};
use tidegate::error::{Code, Error};
use tidegate::model::{DeliveryState, Outcome};
use tidegate_tests::app::{App, Reply};

#[tokio::test]
async fn each_changed_model_is_told_once_to_both_urls_and_signed() {
    let app = App::content().await;
    let settings = to(&app.url("/one"), Some(&app.url("/two")));
    let world = World::new(settings).await;
    let sender = world.sender();
    let run = world.run(&["Issue", "Label"], Outcome::Success).await;
    let over = world
        .all(|all| {
            all.len() == 4
                && all
                    .iter()
                    .all(|each| each.state == DeliveryState::Delivered)
        })
        .await;
    // A second run that changes nothing has nothing to tell, and ends no less.
    world.run(&[], Outcome::Success).await;
    world.all_heard().await;
    sender.stop().await;

    let received = app.received();
    assert_eq!(received.len(), 4, "each once");
    let told: BTreeSet<_> = received
        .iter()
        .map(|each| (each.path.clone(), each.body()["model"].to_string()))
        .collect();
    assert_eq!(told.len(), 4);
    let ids: BTreeSet<String> = over.iter().map(|each| each.id.to_string()).collect();
    for each in &received {
        let body = each.body();
        assert_eq!(each.method, "POST");
        assert!(each.is_signed_with(&world.signing_key()));
        assert!(!each.is_signed_with(b"another key"));
        assert_eq!(each.header("content-type"), "application/json");
        assert_eq!(each.header("x-tidegate-attempt"), "1");
        assert!(each.header("user-agent").starts_with("tidegate/"));
        assert!(ids.contains(each.header("x-tidegate-delivery")));
        assert_eq!(body["deliveryId"], each.header("x-tidegate-delivery"));
        assert_eq!(body["runId"], run.to_string());
        assert_eq!(body["connectionId"], "acme");
        assert_eq!(body["syncType"], "INITIAL");
        assert_eq!(body["success"], true);
        assert_eq!(body["responseResults"]["added"], 1);
        assert_eq!(body["checkpoints"]["to"]["page"], 0);
        assert!(body.get("partial").is_none());
    }
}

#[tokio::test]
async fn a_new_signing_key_signs_from_then_on_also_what_waits() {
    let app = App::start(|_, before| match before {
        0 => Reply::Status(503),
        _ => Reply::Status(200),
    })
    .await;
    let world = World::new(to(&app.url("/"), None)).await;
    let sender = world.sender();
    let old = world.signing_key();
    world.run(&["Issue"], Outcome::Success).await;
    world.one(|each| each.attempts == 1).await;
    let name = key("prod").connection.environment;
    let fresh = world.catalog.change_signing_key(&name).await.unwrap();
    assert_eq!(fresh.as_bytes(), world.signing_key());
    world.pass(Duration::from_secs(3_600));
    world
        .one(|each| each.state == DeliveryState::Delivered)
        .await;
    sender.stop().await;
    let received = app.received();
    let signed = |number: usize, key: &[u8]| received[number].is_signed_with(key);
    assert_eq!(received.len(), 2);
    assert!(signed(0, &old) && !signed(0, fresh.as_bytes()));
    assert!(signed(1, fresh.as_bytes()) && !signed(1, &old));
}

#[tokio::test]
async fn nothing_is_sent_for_an_environment_that_was_removed() {
    let app = App::start(|_, _| Reply::Status(503)).await;
    let world = World::new(to(&app.url("/"), None)).await;
    let sender = world.sender();
    world.run(&["Issue"], Outcome::Success).await;
    world.one(|each| each.attempts == 1).await;
    let name = key("prod").connection.environment;
    world.catalog.remove_environment(&name).await.unwrap();
    // Another of its name.
    world.add_environment("prod", to(&app.url("/"), None)).await;
    assert_eq!(world.deliveries().await, []);
    world.pass(Duration::from_secs(3_600));
    world.run(&["Label"], Outcome::Success).await;
    world.one(|each| each.attempts == 1).await;
    sender.stop().await;
    let told: Vec<String> = app
        .received()
        .iter()
        .map(|each| each.body()["model"].to_string())
        .collect();
    assert_eq!(told, [r#""Issue""#, r#""Label""#]);
}

#[tokio::test]
async fn a_failed_run_tells_of_its_rows_too_and_the_first_success_is_initial() {
    let app = App::content().await;
    let world = World::new(to(&app.url("/"), None)).await;
    let sender = world.sender();
    for (outcome, expected) in [
        (
            failed(),
            vec!["Issue INITIAL true partial", "Issue INITIAL false"],
        ),
        (
            Outcome::Interrupted {
                error: Error::new(Code::RunInterrupted, "the host stops"),
            },
            vec!["Issue INITIAL true partial"],
        ),
        (Outcome::Success, vec!["Issue INITIAL true"]),
        (
            failed(),
            vec!["Issue INCREMENTAL true partial", "Issue INCREMENTAL false"],
        ),
        (Outcome::Success, vec!["Issue INCREMENTAL true"]),
    ] {
        let before = app.count();
        let run = world.run(&["Issue"], outcome).await.to_string();
        let wanted = before + expected.len();
        crate::world::until("all are told", || app.count() >= wanted).await;
        let mut words: Vec<String> = app.received()[before..]
            .iter()
            .map(|each| {
                let body = each.body();
                assert_eq!(body["runId"], run);
                let partial = if body.get("partial").is_some() {
                    " partial"
                } else {
                    ""
                };
                let sync_type = body["syncType"].as_str().unwrap();
                format!("Issue {sync_type} {}{partial}", body["success"])
            })
            .collect();
        words.sort_by_key(|word| word.contains("false"));
        assert_eq!(words, expected);
    }
    sender.stop().await;
}

#[tokio::test]
async fn a_connections_own_url_takes_the_place_of_the_environments() {
    let app = App::content().await;
    let world = World::new(to(&app.url("/one"), Some(&app.url("/two")))).await;
    let connection = key("prod").connection;
    let new = NewIntegration::default();
    let put = world
        .catalog
        .put_integration(&connection.environment, &connection.integration, new);
    put.await.unwrap();
    let own = NewConnection {
        webhook_url: Some(Some(app.url("/own"))),
        ..NewConnection::default()
    };
    world
        .catalog
        .put_connection(&connection, own)
        .await
        .unwrap();
    let sender = world.sender();
    world.run(&["Issue"], Outcome::Success).await;
    world
        .one(|each| each.state == DeliveryState::Delivered)
        .await;
    sender.stop().await;
    let paths: Vec<String> = app.received().into_iter().map(|each| each.path).collect();
    assert_eq!(paths, ["/own"]);
}

#[tokio::test]
async fn a_replay_sends_the_same_again_whatever_became_of_it() {
    let app = App::start(|_, before| match before {
        1 => Reply::Status(410),
        _ => Reply::Status(200),
    })
    .await;
    let world = World::new(to(&app.url("/"), None)).await;
    let sender = world.sender();
    world.run(&["Issue"], Outcome::Success).await;
    let first = world
        .one(|each| each.state == DeliveryState::Delivered)
        .await;
    for state in [DeliveryState::Dead, DeliveryState::Delivered] {
        let replayed = sender.replay(first.id).await.unwrap();
        assert_eq!(
            (replayed.id, replayed.state),
            (first.id, DeliveryState::Waiting)
        );
        world.one(|each| each.state == state).await;
    }
    let mut unknown = first.id;
    unknown.number = 77;
    assert_eq!(
        sender.replay(unknown).await.unwrap_err().code,
        Code::NotFound
    );
    sender.stop().await;
    assert_eq!(
        sender.replay(first.id).await.unwrap_err().code,
        Code::RunCancelled
    );
    let received = app.received();
    assert_eq!(received.len(), 3);
    assert!(received.iter().all(|each| each.raw == received[0].raw));
    assert!(
        received
            .iter()
            .all(|each| each.is_signed_with(&world.signing_key()))
    );
}
