//! What the operator's monitoring reads: true figures, and no name of a customer's.

use crate::world::{On, World, until};
use anyhow::Result;
use serde_json::json;
use std::collections::BTreeSet;

/// Every label that may be there. Each has few values, whatever customers do.
const LABELS: &[&str] = &[
    "action",
    "http_request_method",
    "http_response_status_code",
    "http_route",
    "le",
    "outcome",
    "result",
    "trigger",
    "version",
];

async fn shown(world: &World) -> Result<String> {
    let shown = world.request("GET", "/metrics", &world.operator)?;
    Ok(world.send(shown).await?.text)
}

/// The value of a line that begins so.
fn value(text: &str, name: &str) -> Option<f64> {
    let value = text.lines().find_map(|line| line.strip_prefix(name))?;
    value.trim().parse().ok()
}

/// The names of all labels.
fn labels(text: &str) -> BTreeSet<String> {
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    let inside = samples.filter_map(|line| Some(line.split_once('{')?.1.rsplit_once('}')?.0));
    let names = inside.flat_map(|labels| labels.split(","));
    names
        .filter_map(|label| Some(label.split_once('=')?.0.to_owned()))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_figures_are_those_of_the_runs() -> Result<()> {
    let world = World::start(On::Sled).await?;
    let Some(key) = world.environment().await? else {
        return Ok(());
    };
    for (id, behaviour, bytes) in [
        ("zebra-1", "ok_small", 100),
        ("zebra-1", "ok_small", 200),
        ("zebra-2", "panics", 0),
    ] {
        let config = json!({"behaviour": behaviour, "bytes": bytes});
        world.connect(&key, id, config).await?;
        world.trigger(&key, id).await?;
        until(async || Ok(!["RUNNING", ""].contains(&world.status(&key, id).await?.as_str())))
            .await?;
    }
    // The outbox is asynchronous: two webhooks, of which each is refused by the gate.
    let refused = "tidegate_webhook_attempts_total{result=\"refused\"}";
    until(async || Ok(value(&shown(&world).await?, refused) >= Some(2.0))).await?;
    let text = shown(&world).await?;
    for (name, expected) in [
        (
            "tidegate_runs_total{outcome=\"success\",trigger=\"manual\"}",
            2.0,
        ),
        (
            "tidegate_runs_total{outcome=\"failed\",trigger=\"manual\"}",
            1.0,
        ),
        ("tidegate_records_changed_total{action=\"added\"}", 3.0),
        ("tidegate_records_changed_total{action=\"updated\"}", 3.0),
        ("tidegate_records_changed_total{action=\"deleted\"}", 0.0),
        ("tidegate_run_duration_seconds_count", 3.0),
        ("tidegate_run_memory_peak_bytes_count", 3.0),
        ("tidegate_run_lateness_seconds_count", 3.0),
        ("tidegate_runs_active", 0.0),
        ("tidegate_runs_queued", 0.0),
        ("tidegate_feed_readers", 0.0),
        ("tidegate_store_healthy", 1.0),
    ] {
        assert_eq!(value(&text, name), Some(expected), "{name}\n{text}");
    }
    assert!(value(&text, "tidegate_run_cpu_seconds_total") > Some(0.0));
    // Both successes and the failure are still to be delivered.
    assert_eq!(
        value(&text, "tidegate_webhooks_waiting"),
        Some(3.0),
        "{text}"
    );
    #[cfg(target_os = "linux")]
    assert!(value(&text, "process_resident_memory_bytes") > Some(1e6));
    assert!(text.contains("tidegate_build_info{version=\"") && text.ends_with("# EOF\n"));
    let triggered = "http_server_request_duration_seconds_count{http_request_method=\"POST\",\
                     http_route=\"/sync/trigger\",http_response_status_code=\"200\"}";
    assert_eq!(value(&text, triggered), Some(3.0), "{text}");
    Ok(())
}

/// Customers choose names, paths and headers; none of it may become a row of the
/// operator's monitoring.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_label_holds_what_a_customer_named() -> Result<()> {
    let world = World::start(On::Memory).await?;
    let Some(key) = world.environment().await? else {
        return Ok(());
    };
    world
        .connect(&key, "zebra-1", json!({"behaviour": "ok_small"}))
        .await?;
    world.run(&key, "zebra-1").await?;
    for (method, path) in [
        ("GET", "/zebra"),
        ("ZEBRA", "/records"),
        ("GET", "/connections/zebra?provider_config_key=zebra"),
        ("GET", "/v1/runs/zebra/log"),
        ("GET", "/integrations/zebra%2Fzebra?zebra=zebra"),
        ("DELETE", "/records/zebra"),
    ] {
        let request = world.request(method, path, &key)?;
        world.send(request.header("x-request-id", "zebra")).await?;
    }
    let text = shown(&world).await?;
    assert!(!text.to_lowercase().contains("zebra"), "{text}");
    for name in ["guest", "Item"] {
        assert!(!text.contains(&format!("\"{name}\"")), "{name}\n{text}");
    }
    for label in labels(&text) {
        assert!(LABELS.contains(&label.as_str()), "{label}\n{text}");
    }
    for route in ["/connections/{id}", "/v1/runs/{id}/log", ""] {
        let label = format!("http_route=\"{route}\"");
        assert!(text.contains(&label), "{label}\n{text}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_has_an_id_of_its_own() -> Result<()> {
    let world = World::start(On::Memory).await?;
    let mut seen = BTreeSet::new();
    for path in ["/healthz", "/healthz", "/records", "/nothing", "/metrics"] {
        let request = world.request("GET", path, "nothing")?;
        let answer = world.send(request.header("x-request-id", "mine")).await?;
        assert_eq!(answer.request_id.len(), 32, "{path}");
        assert!(seen.insert(answer.request_id), "{path}");
    }
    Ok(())
}
