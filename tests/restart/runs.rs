//! A run, killed at each of its points.

use crate::world::{Hold, Reader, World, answer, scripted, silence, told, word};
use anyhow::Result;
use serde_json::{Value, json};
use tidegate_tests::server::Server;

/// A point of a run, and what the killed run had brought to safety there.
struct Point {
    name: &'static str,
    /// The request that the run waits on.
    held: &'static str,
    records: &'static [&'static str],
    checkpoint: Option<u64>,
}

const POINTS: &[Point] = &[
    Point {
        name: "before the first batch",
        held: "/before-the-first-batch",
        records: &[],
        checkpoint: None,
    },
    Point {
        name: "after a batch, before its checkpoint",
        held: "/before-the-checkpoint",
        records: &["1", "2"],
        checkpoint: None,
    },
    Point {
        name: "after the checkpoint",
        held: "/after-the-checkpoint",
        records: &["1", "2"],
        checkpoint: Some(1),
    },
    Point {
        name: "after the last batch, before the end",
        held: "/before-the-end",
        records: &["1", "2", "3"],
        checkpoint: Some(1),
    },
];

/// Two batches, a checkpoint between, and a request at each point.
fn script() -> Value {
    let get = |path: &str| {
        [
            json!(["fetch.request", "GET", path]),
            json!(["fetch.send"]),
            json!(["fetch.pending.wait"]),
        ]
    };
    let mut steps = Vec::new();
    steps.extend(get("/before-the-first-batch"));
    steps.push(json!([
        "records.batch-save",
        "Item",
        "{\"id\":\"1\"}\n{\"id\":\"2\"}"
    ]));
    steps.extend(get("/before-the-checkpoint"));
    steps.push(json!(["checkpoint.save", "{\"page\":1}"]));
    steps.extend(get("/after-the-checkpoint"));
    steps.push(json!(["records.batch-save", "Item", "{\"id\":\"3\"}"]));
    steps.extend(get("/before-the-end"));
    steps.into()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_killed_is_continued_and_loses_and_doubles_nothing() -> Result<()> {
    let Some(sync) = scripted() else {
        return Ok(());
    };
    let played = POINTS.iter().map(|point| play(point, &sync));
    for result in futures_util::future::join_all(played).await {
        result?;
    }
    Ok(())
}

async fn play(point: &Point, sync: &[u8]) -> Result<()> {
    let hold = Hold::default();
    let held = hold.clone();
    let provider = Server::plain(move |request| match held.holds(request) {
        true => silence(),
        false => answer(200, &json!({})),
    })
    .await;
    let app = Server::plain(|_| answer(200, &json!({}))).await;
    let mut world = World::new(&provider, &app.url("/"), json!({ "type": "none" }), sync).await?;
    world
        .connect(json!({ "config": { "script": script() } }))
        .await?;
    hold.at(point.held);
    world.trigger().await?;
    world
        .service
        .until(point.name, async || {
            let seen = provider.received.lock().unwrap();
            Ok(seen.iter().any(|request| request.path() == point.held))
        })
        .await?;
    // What is read here was promised to the app: it must be there after the crash too.
    let mut reader = Reader::default();
    reader.read(&world).await?;
    assert_eq!(reader.ids, point.records, "{}", point.name);
    world.service.kill();
    hold.release();
    world.service.start().await?;
    world.until_well(1).await?;
    reader.read(&world).await?;
    assert_eq!(reader.ids, ["1", "2", "3"], "{}", point.name);

    let runs = world.runs().await?;
    let words: Vec<&str> = runs.iter().map(word).collect();
    assert_eq!(words, ["interrupted", "success"], "{}", point.name);
    assert_eq!(runs[1]["trigger"], "continuation", "{}", point.name);
    let before = runs[1]["checkpoint_before"].as_str();
    let page = before.and_then(|json| serde_json::from_str::<Value>(json).ok());
    let page = page.and_then(|checkpoint| checkpoint["page"].as_u64());
    assert_eq!(page, point.checkpoint, "{}", point.name);
    assert_eq!(world.status().await?["checkpoint"], json!({ "page": 1 }));

    // Each change is told of once: by the run that made it.
    world.until_told().await?;
    let told = told(&app)?;
    let added: u64 = told
        .values()
        .filter_map(|(_, body)| body["responseResults"]["added"].as_u64())
        .sum();
    assert_eq!(added, 3, "{}: {told:?}", point.name);
    assert!(told.values().all(|(times, _)| *times == 1), "{told:?}");
    world.service.stop().await.map(drop)
}
