//! Where a webhook may go, and what counts as "taken".

use crate::world::{World, to};
use tidegate::model::{DeliveryState, Outcome};
use tidegate_tests::app::{App, Reply};

#[tokio::test]
async fn a_customers_url_never_opens_an_inner_address() {
    let app = App::content().await;
    let port = app.port();
    for (allowed, url, word) in [
        (&[][..], format!("http://127.0.0.1:{port}/"), "ip_loopback"),
        (&[][..], format!("https://127.0.0.1:{port}/"), "ip_loopback"),
        (
            &[][..],
            format!("http://localhost:{port}/"),
            "host_localhost",
        ),
        (&[][..], format!("http://[::ffff:127.0.0.1]:{port}/"), "ip_"),
        (&[][..], "https://169.254.169.254/latest/".to_owned(), "ip_"),
        (&[][..], "https://10.0.0.1/".to_owned(), "ip_private"),
        (&[][..], "http://app.example/".to_owned(), "scheme"),
        (&[][..], "ftp://app.example/".to_owned(), "scheme"),
        (&[][..], "no url at all".to_owned(), "egress.denied"),
        // Another host or port of the operator's list does not help.
        (
            &["127.0.0.2", "127.0.0.1:1"][..],
            format!("http://127.0.0.1:{port}/"),
            "ip_loopback",
        ),
    ] {
        let world = World::new(to(&url, None)).await;
        let sender = world.sender_allowing(allowed);
        world.run(&["Issue"], Outcome::Success).await;
        let delivery = world.one(|each| each.attempts == 1).await;
        sender.stop().await;
        let why = delivery.last_error.unwrap();
        assert!(
            why.starts_with("egress.denied") && why.contains(word),
            "{url}: {why}"
        );
        assert_eq!(delivery.state, DeliveryState::Waiting);
    }
    assert_eq!(app.connections(), 0);
    // The same app on the operator's list is reached.
    let world = World::new(to(&app.url("/"), None)).await;
    let sender = world.sender_allowing(&[&format!("127.0.0.1:{port}")]);
    world.run(&["Issue"], Outcome::Success).await;
    world
        .one(|each| each.state == DeliveryState::Delivered)
        .await;
    sender.stop().await;
    assert_eq!(app.connections(), 1);
}

#[tokio::test]
async fn only_a_plain_success_counts_as_taken() {
    for (reply, state, word) in [
        (
            Reply::Redirect(302, "/elsewhere"),
            DeliveryState::Waiting,
            "302",
        ),
        (
            Reply::Redirect(308, "/elsewhere"),
            DeliveryState::Waiting,
            "308",
        ),
        (Reply::Status(404), DeliveryState::Waiting, "404"),
        (Reply::Status(410), DeliveryState::Dead, "410"),
        (
            Reply::Large(1 << 20),
            DeliveryState::Waiting,
            "limit.memory",
        ),
    ] {
        let name = format!("{reply:?}");
        let app = App::start(move |_, _| reply.clone()).await;
        let world = World::new(to(&app.url("/"), None)).await;
        let sender = world.sender();
        world.run(&["Issue"], Outcome::Success).await;
        let delivery = world.one(|each| each.attempts == 1).await;
        sender.stop().await;
        assert_eq!(delivery.state, state, "{name}");
        let why = delivery.last_error.unwrap();
        assert!(why.contains(word), "{name}: {why}");
        let paths: Vec<String> = app.received().into_iter().map(|each| each.path).collect();
        assert_eq!(paths, ["/"], "{name}");
    }
}
