//! Each example sync saves what its `expected.json` says, through the real parts. Those
//! files were worked out from the provider's answers alone, so this is a second opinion
//! on the whole way of a record; `example-syncs/README.md` describes them.

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use tidegate_provider::{Commits, Provider};
use tidegate_tests::host::{RunSettings, TestHost, code, connection_key};
use tidegate_tests::node;

/// The examples that save what their provider has. `accumulate` does so too, while it fits.
const PATTERNS: [&str; 5] = [
    "full-refresh",
    "checkpoint",
    "window",
    "backfill-limit",
    "accumulate",
];
/// The connection of the runs.
const CONNECTION: &str = "acme";

#[derive(Deserialize)]
struct Expected {
    provider: Data,
    metadata: Value,
    models: BTreeMap<String, Records>,
}

/// What the provider is built with.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Data {
    seed: u64,
    #[serde(default)]
    users: u64,
    #[serde(default)]
    contacts: u64,
    #[serde(default)]
    commit_months: u32,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Records {
    count: usize,
    blake3: String,
    first: Value,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_example_in_rust_saves_what_is_expected_of_it() -> Result<()> {
    for pattern in PATTERNS {
        let Some(component) = tidegate_tests::component(&format!("example-{pattern}")) else {
            return Ok(());
        };
        check(pattern, &component)
            .await
            .with_context(|| format!("the example {pattern}"))?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_example_in_typescript_saves_the_same() -> Result<()> {
    for pattern in PATTERNS {
        let Some(built) = node::syncs(&format!("example-syncs/{pattern}/typescript")) else {
            return Ok(());
        };
        for (name, component) in built {
            check(pattern, &component)
                .await
                .with_context(|| format!("the example {pattern} in TypeScript, {name}"))?;
        }
    }
    Ok(())
}

async fn check(pattern: &str, component: &[u8]) -> Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../example-syncs")
        .join(pattern)
        .join("expected.json");
    let Expected {
        provider,
        metadata,
        models,
    } = serde_json::from_slice(&std::fs::read(path)?)?;
    let provider = Provider::builder()
        .users(provider.users, provider.seed)
        .contacts(provider.contacts, provider.seed)
        .commits(Commits::synthetic(provider.seed, provider.commit_months))
        .start()
        .await?;
    let host = TestHost::in_memory()?;
    let ready = host.accept(component).await?;
    host.runner
        .store
        .put_metadata(&connection_key(CONNECTION)?, &metadata.to_string(), false)
        .await?;
    let row = host
        .run(&ready, RunSettings::default().provider(provider.url()))
        .await?;
    assert_eq!(code(&row)?, "ok", "{pattern}: {:?}", row.state);
    for (model, expected) in models {
        let feed = host.feed(CONNECTION, &model).await?;
        let records = feed
            .iter()
            .map(|change| Ok((change.id.to_string(), serde_json::from_slice(&change.body)?)));
        assert_eq!(
            summary(records.collect::<Result<_>>()?),
            expected,
            "{pattern}: {model}"
        );
    }
    Ok(())
}

fn summary(records: BTreeMap<String, Value>) -> Records {
    let mut hash = blake3::Hasher::new();
    for record in records.values() {
        hash.update(canonical(record).to_string().as_bytes())
            .update(b"\n");
    }
    let first = records.values().next().cloned().unwrap_or_default();
    Records {
        count: records.len(),
        blake3: hash.finalize().to_string(),
        first,
    }
}

/// The same value with the keys of its objects in order.
fn canonical(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let sorted: BTreeMap<&String, Value> = fields
                .iter()
                .map(|(key, value)| (key, canonical(value)))
                .collect();
            Value::Object(
                sorted
                    .into_iter()
                    .map(|(key, value)| (key.clone(), value))
                    .collect(),
            )
        }
        Value::Array(items) => items.iter().map(canonical).collect(),
        plain => plain.clone(),
    }
}
