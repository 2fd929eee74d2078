//! An app's copy: made of nothing but the changes that it reads, in their order.

use crate::host::Host;
use crate::{LOOK, LOOKS};
use anyhow::{Context, Result};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use tidegate_tests::app::App;

/// The model that is read.
const MODEL: &str = "User";
/// Records of a page: small, so that there are many.
const PAGE: usize = 37;

/// The copy of one environment's app.
pub struct AppCopy {
    pub environment: &'static str,
    pub key: String,
    signing_key: String,
    cursor: Option<String>,
    seen: BTreeSet<String>,
    records: BTreeMap<String, Value>,
}

impl AppCopy {
    /// An app that was told its keys.
    pub fn new(environment: &'static str, made: &Value) -> Result<Self> {
        let text = |value: &Value| value.as_str().map(str::to_owned).context("no key");
        Ok(AppCopy {
            environment,
            key: text(&made["key"]["key"])?,
            signing_key: text(&made["signing_key"])?,
            cursor: None,
            seen: BTreeSet::new(),
            records: BTreeMap::new(),
        })
    }

    pub fn records(&self) -> &BTreeMap<String, Value> {
        &self.records
    }

    /// Reads what changed since the last look, page by page.
    pub async fn read(&mut self, host: &Host) -> Result<()> {
        loop {
            let mut path = format!("/records?model={MODEL}&limit={PAGE}");
            if let Some(cursor) = &self.cursor {
                path += &format!("&cursor={cursor}");
            }
            let page = host.ask(self, reqwest::Method::GET, &path, None).await?;
            for record in page["records"].as_array().context("no records")? {
                self.take(record)?;
            }
            if page["next_cursor"].is_null() {
                return Ok(());
            }
        }
    }

    fn take(&mut self, record: &Value) -> Result<()> {
        let about = &record["_nango_metadata"];
        let cursor = about["cursor"].as_str().context("no cursor")?.to_owned();
        anyhow::ensure!(
            self.seen.insert(cursor.clone()),
            "the same change came twice: {record}"
        );
        self.cursor = Some(cursor);
        let id = record["id"].as_str().context("no id")?.to_owned();
        let mut body = record.clone();
        let fields = body.as_object_mut().context("no object")?;
        fields.remove("_nango_metadata");
        match about["last_action"].as_str() {
            Some("DELETED") => drop(self.records.remove(&id)),
            Some("ADDED" | "UPDATED") => drop(self.records.insert(id, body)),
            other => anyhow::bail!("an action that there is not: {other:?}"),
        }
        Ok(())
    }

    /// Waits until every run that changed something was told of, each with a good
    /// signature, and no delivery id came with two bodies.
    pub async fn is_told_of_all(&self, host: &Host, app: &App) -> Result<()> {
        let path = "/v1/runs?limit=100";
        let runs = host.ask(self, reqwest::Method::GET, path, None).await?;
        let runs = runs["runs"].as_array().context("no runs")?;
        let changed = runs.iter().filter(|run| {
            let counts = &run["counts"][MODEL];
            ["added", "updated", "deleted"]
                .iter()
                .any(|what| counts[*what].as_u64() > Some(0))
        });
        let wanted: BTreeSet<String> = changed
            .filter(|run| run["ended"].is_string())
            .filter_map(|run| run["id"].as_str().map(str::to_owned))
            .collect();
        let mut missing = wanted.clone();
        for _ in 0..LOOKS {
            missing = wanted.clone();
            let mut bodies: BTreeMap<String, Vec<u8>> = BTreeMap::new();
            for received in app.received() {
                if !received.is_signed_with(self.signing_key.as_bytes()) {
                    continue;
                }
                let id = received.header("X-Tidegate-Delivery").to_owned();
                let before = bodies.insert(id, received.raw.to_vec());
                anyhow::ensure!(before.is_none_or(|before| before == received.raw));
                if let Some(run) = received.body()["runId"].as_str() {
                    missing.remove(run);
                }
            }
            if missing.is_empty() {
                return Ok(());
            }
            tokio::time::sleep(LOOK).await;
        }
        anyhow::bail!("{} was not told of {missing:?}", self.environment)
    }
}
