//! The feed by stream and by poll: nothing is missed, however a reader was cut off, and
//! what a run commits is told while it goes.

use crate::world::{INTEGRATION, On, World, until};
use anyhow::Result;
use serde_json::{Value, json};

const STREAM: &str = "/v1/records/stream?model=Item";
const POLL: &str = "/v1/records/poll?model=Item";
const ALL: &str = "/records?model=Item&limit=1000";
/// Readers of an environment at once, as the documents say.
const READERS: usize = 64;

/// Saves ten records, then sleeps for longer than any test.
/// Waits after its first page for as long as no run leaves for.
fn stays() -> Value {
    json!({"behaviour": "checkpoint_each_page", "page": 10, "pages": 2, "ms": 59_000})
}

fn small() -> Value {
    json!({"behaviour": "ok_small"})
}

macro_rules! world {
    ($on:expr) => {{
        let world = World::start($on).await?;
        let Some(key) = world.environment().await? else {
            return Ok(());
        };
        (world, key)
    }};
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_tells_what_a_run_commits_while_it_goes() -> Result<()> {
    for on in [On::Memory, On::Sled] {
        let (world, key) = world!(on);
        world.connect(&key, "one", stays()).await?;
        let mut events = world.open(world.read(STREAM, &key, "one")?).await?;
        world.trigger(&key, "one").await?;
        let told = events.take(10).await?;
        assert_eq!(world.status(&key, "one").await?, "RUNNING", "{on:?}");
        assert!(told.iter().all(|event| event.kind == "change"));
        // The same JSON as a record of the list, and the same cursors.
        let listed = world.send(world.read(ALL, &key, "one")?).await?.json();
        let data: Vec<Value> = told.iter().map(|event| event.data.clone()).collect();
        assert_eq!(listed["records"], json!(data), "{on:?}");
        for event in &told {
            assert_eq!(event.data["_nango_metadata"]["cursor"], event.id.as_str());
        }
        // A reader that was cut off goes on behind the last event that it saw.
        let again = world.read(STREAM, &key, "one")?;
        let again = again.header("last-event-id", told[3].id.as_str());
        let rest = world.open(again).await?.take(6).await?;
        assert_eq!(rest, told[4..], "{on:?}");
        let path = format!("{STREAM}&cursor={}", told[8].id);
        let rest = world.open(world.read(&path, &key, "one")?).await?;
        assert_eq!({ rest }.take(1).await?, told[9..], "{on:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poll_answers_as_soon_as_there_is_something() -> Result<()> {
    for on in [On::Memory, On::Sled] {
        let (world, key) = world!(on);
        world.connect(&key, "one", stays()).await?;
        world.connect(&key, "two", small()).await?;
        let nothing = format!("{POLL}&wait=0");
        let nothing = world.send(world.read(&nothing, &key, "one")?).await?;
        assert_eq!((nothing.status, nothing.ids().len()), (200, 0), "{on:?}");
        // It would answer nothing, and fail the test, if it slept through the commit. What
        // another connection commits is none of its business.
        let path = format!("{POLL}&wait=60&cursor={}", nothing.next());
        let poll = world.send(world.read(&path, &key, "one")?);
        let runs = async {
            world.run(&key, "two").await?;
            world.trigger(&key, "one").await
        };
        let (answer, triggered) = tokio::join!(poll, runs);
        triggered?;
        let answer = answer?;
        assert_eq!(answer.ids(), (0..10).collect::<Vec<_>>(), "{on:?}");
        assert_eq!(world.status(&key, "one").await?, "RUNNING", "{on:?}");
        // What is there is answered at once, page by page.
        let path = format!("{POLL}&wait=60&limit=7");
        let first = world.send(world.read(&path, &key, "one")?).await?;
        let path = format!("{path}&cursor={}", first.next());
        let second = world.send(world.read(&path, &key, "one")?).await?;
        assert_eq!([first.ids(), second.ids()].concat(), answer.ids());
        assert_eq!(second.next(), answer.next());
    }
    Ok(())
}

/// A cursor passes over what the filter leaves out: nobody reads that again and again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_filter_moves_the_cursor_on() -> Result<()> {
    let (world, key) = world!(On::Sled);
    world.connect(&key, "one", small()).await?;
    world.run(&key, "one").await?;
    let path = format!("{POLL}&wait=0&filter=deleted");
    let none = world.send(world.read(&path, &key, "one")?).await?;
    let path = format!("{ALL}&cursor={}", none.next());
    let after = world.send(world.read(&path, &key, "one")?).await?;
    assert_eq!((none.ids().len(), after.ids().len()), (0, 0));
    let path = format!("{POLL}&wait=0&filter=added,deleted");
    let added = world.send(world.read(&path, &key, "one")?).await?;
    assert_eq!(added.ids(), [0, 1, 2]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_key_is_told_nothing_more() -> Result<()> {
    let (world, key) = world!(On::Memory);
    world.connect(&key, "one", small()).await?;
    let body = json!({"name": "reader", "scopes": ["read"]});
    let made = world.done("POST", "/v1/keys", &key, body).await?;
    let reader = made["key"].as_str().unwrap_or_default();
    let mut events = world.open(world.read(STREAM, reader, "one")?).await?;
    let path = format!("{POLL}&wait=60");
    let poll = world.read(&path, reader, "one")?;
    let then = async {
        // Both wait.
        until(async || Ok(gauge(&world, "tidegate_feed_readers").await? == 2)).await?;
        let path = format!("/v1/keys/{}", made["id"].as_str().unwrap_or_default());
        world.done("DELETE", &path, &key, json!({})).await?;
        world.run(&key, "one").await
    };
    let (polled, then) = tokio::join!(world.send(poll), then);
    then?;
    let polled = polled?;
    assert_eq!(
        (polled.status, polled.code().as_str()),
        (401, "unknown_account")
    );
    let last = events.next().await?.unwrap_or_default();
    assert_eq!(last.kind, "error");
    assert_eq!(last.data["error"]["code"], "unknown_account");
    assert_eq!(events.next().await?, None);
    Ok(())
}

/// Each waits for a heartbeat, so they wait together.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quiet_stream_beats_and_looks_at_its_key() -> Result<()> {
    let (world, key) = world!(On::Memory);
    world.connect(&key, "one", small()).await?;
    world.run(&key, "one").await?;
    let body = json!({"name": "reader", "scopes": ["read"]});
    let made = world.done("POST", "/v1/keys", &key, body).await?;
    let reader = made["key"].as_str().unwrap_or_default();
    let mut all = world.open(world.read(STREAM, &key, "one")?).await?;
    let mut revoked = world.open(world.read(STREAM, reader, "one")?).await?;
    let path = format!("{STREAM}&filter=deleted");
    let mut none = world.open(world.read(&path, &key, "one")?).await?;
    let last = all.take(3).await?[2].id.clone();
    revoked.take(3).await?;
    let path = format!("/v1/keys/{}", made["id"].as_str().unwrap_or_default());
    world.done("DELETE", &path, &key, json!({})).await?;
    let (all, none, revoked) = tokio::try_join!(
        all.next_or_beat(),
        none.next_or_beat(),
        revoked.next_or_beat()
    )?;
    // A heartbeat has the place that was reached, past what a filter left out.
    for beat in [all, none] {
        let beat = beat.unwrap_or_default();
        assert_eq!((beat.kind.as_str(), &beat.id), ("", &last));
    }
    let end = revoked.unwrap_or_default();
    assert_eq!(end.kind, "error");
    assert_eq!(end.data["error"]["code"], "unknown_account");
    Ok(())
}

/// What `/metrics` says of a gauge.
async fn gauge(world: &World, name: &str) -> Result<u64> {
    let shown = world.request("GET", "/metrics", &world.operator)?;
    let text = world.send(shown).await?.text;
    let value = text.lines().find_map(|line| line.strip_prefix(name));
    Ok(value.unwrap_or_default().trim().parse()?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_end_when_the_host_stops() -> Result<()> {
    let (world, key) = world!(On::Memory);
    world.connect(&key, "one", small()).await?;
    let mut events = world.open(world.read(STREAM, &key, "one")?).await?;
    let path = format!("{POLL}&wait=60");
    let poll = world.send(world.read(&path, &key, "one")?);
    let stop = async {
        until(async || Ok(gauge(&world, "tidegate_feed_readers").await? == 2)).await?;
        world.scheduler.stop_now().await;
        anyhow::Ok(())
    };
    let (polled, stopped) = tokio::join!(poll, stop);
    stopped?;
    assert_eq!(polled?.status, 200);
    assert_eq!(events.next().await?, None);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_environment_has_so_many_readers() -> Result<()> {
    let (world, key) = world!(On::Memory);
    world.connect(&key, "one", small()).await?;
    let mut open = Vec::new();
    for _ in 0..READERS {
        open.push(world.open(world.read(STREAM, &key, "one")?).await?);
    }
    for path in [STREAM, POLL] {
        let refused = world.send(world.read(path, &key, "one")?).await?;
        let code = refused.code();
        assert_eq!((refused.status, code.as_str()), (429, "too_many_streams"));
    }
    // Other customers' places are their own.
    let other = json!({"name": "other", "resources": {"memory_mib": 64, "runs": 1}});
    let made = world.done("POST", "/v1/environments", &world.operator, other);
    let made = made.await?;
    let other = made["key"]["key"].as_str().unwrap_or_default();
    for (path, body) in [
        (format!("/v1/integrations/{INTEGRATION}"), json!({})),
        (format!("/v1/connections/{INTEGRATION}/one"), json!({})),
    ] {
        let put = world.request("PUT", &path, &world.operator)?;
        let put = put
            .header("content-type", "application/json")
            .header("tidegate-environment", "other");
        let put = world.send(put.body(body.to_string())).await?;
        assert!(put.status < 300, "{put:?}");
    }
    drop(world.open(world.read(STREAM, other, "one")?).await?);
    // A client that goes away gives its place back.
    open.pop();
    let path = format!("{POLL}&wait=0");
    until(async || Ok(world.send(world.read(&path, &key, "one")?).await?.status == 200)).await
}
