//! Who is let in, and what is refused.

use crate::world::{On, World};
use anyhow::Result;
use serde_json::json;

const STREAM: &str = "/v1/records/stream";
const POLL: &str = "/v1/records/poll";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_right_key_opens() -> Result<()> {
    let world = World::start(On::Memory).await?;
    let Some(key) = world.environment().await? else {
        return Ok(());
    };
    world.connect(&key, "one", json!({})).await?;
    let body = json!({"name": "controls", "scopes": ["control"]});
    let made = world.done("POST", "/v1/keys", &key, body).await?;
    let control = made["key"].as_str().unwrap_or_default();
    let poll = format!("{POLL}?model=Item&wait=0");
    let stream = format!("{STREAM}?model=Item");
    for (path, given, status) in [
        ("/metrics", "nothing", 401),
        ("/metrics", control, 403),
        ("/metrics", key.as_str(), 403),
        ("/metrics", world.operator.as_str(), 200),
        ("/metrics?x=1", world.operator.as_str(), 400),
        (poll.as_str(), "nothing", 401),
        (poll.as_str(), control, 403),
        (poll.as_str(), key.as_str(), 200),
        (stream.as_str(), "nothing", 401),
        (stream.as_str(), control, 403),
    ] {
        let answer = world.send(world.read(path, given, "one")?).await?;
        assert_eq!(answer.status, status, "{path}: {answer:?}");
    }
    let unknown = world.send(world.read(&poll, &key, "two")?).await?;
    assert_eq!(
        (unknown.status, unknown.code().as_str()),
        (400, "unknown_connection")
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_meant_is_refused() -> Result<()> {
    let world = World::start(On::Memory).await?;
    let Some(key) = world.environment().await? else {
        return Ok(());
    };
    for id in ["one", "two"] {
        let config = json!({"behaviour": "ok_small"});
        world.connect(&key, id, config).await?;
        world.run(&key, id).await?;
    }
    let path = format!("{POLL}?model=Item&wait=0");
    let foreign = world.send(world.read(&path, &key, "two")?).await?.next();
    let foreign = format!("cursor={foreign}");
    for (route, query, status, code) in [
        (POLL, "wait=61", 400, "invalid_query_params"),
        (POLL, "wait=-1", 400, "invalid_query_params"),
        (POLL, "limit=0", 400, "invalid_query_params"),
        (POLL, "limit=10001", 400, "invalid_query_params"),
        (POLL, "limt=1", 400, "invalid_query_params"),
        (POLL, "filter=gone", 400, "invalid_query_params"),
        (POLL, "cursor=x", 400, "invalid_cursor"),
        (POLL, &foreign, 410, "cursor.stale"),
        (STREAM, "wait=1", 400, "invalid_query_params"),
        (STREAM, "cursor=x", 400, "invalid_cursor"),
        (STREAM, &foreign, 410, "cursor.stale"),
    ] {
        let path = format!("{route}?model=Item&{query}");
        let answer = world.send(world.read(&path, &key, "one")?).await?;
        let found = (answer.status, answer.code());
        assert_eq!(found, (status, code.to_owned()), "{path}: {answer:?}");
    }
    let stream = world.read(&format!("{STREAM}?model=Item"), &key, "one")?;
    let stream = world.send(stream.header("last-event-id", "x")).await?;
    assert_eq!(
        (stream.status, stream.code().as_str()),
        (400, "invalid_cursor")
    );
    Ok(())
}
