//! Nango's own client for Node against a live host: `client/suite.mjs` prints a line of
//! JSON for each row, and each must be ok. `client/limited.mjs` is `quota`'s.

use crate::world::{SYNC, Tenant, World};
use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use tidegate::vault::signature;

/// Rows that the suite has at the least, so that one which ends early is noticed.
const ROWS_MIN: usize = 60;

#[derive(Deserialize)]
struct Row {
    row: String,
    ok: bool,
    #[serde(default)]
    error: String,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_official_client_works_unchanged() -> Result<()> {
    let Some(suite) = installed()? else {
        return Ok(());
    };
    let world = World::start().await?;
    let Some(tenant) = world.tenant("prod").await? else {
        return Ok(());
    };
    let told = told(&world, &tenant);
    let run = move || Command::new("node").arg(suite).env("SUITE", told).output();
    let done = tokio::task::spawn_blocking(run).await??;
    let said = String::from_utf8(done.stdout)?;
    let complaints = String::from_utf8_lossy(&done.stderr);
    ensure!(
        done.status.success(),
        "the suite broke off: {complaints}\n{said}"
    );
    let rows = said.lines().map(serde_json::from_str::<Row>);
    let rows: Vec<Row> = rows.collect::<Result<_, _>>().context("reading the rows")?;
    for row in &rows {
        println!("{} {}", if row.ok { "ok  " } else { "FAIL" }, row.row);
    }
    let failed: Vec<String> = rows
        .iter()
        .filter(|row| !row.ok)
        .map(|row| format!("{}: {}", row.row, row.error))
        .collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(
        rows.len() >= ROWS_MIN,
        "only {} rows were played",
        rows.len()
    );
    Ok(())
}

/// What the suite needs to know, as JSON.
fn told(world: &World, tenant: &Tenant) -> String {
    let body = json!({
        "connectionId": "c1",
        "from": "nango",
        "model": "Item",
        "responseResults": { "added": 1, "deleted": 0, "updated": 0 },
        "success": true,
        "type": "sync",
    })
    .to_string();
    let key = tenant.signing_key.as_bytes();
    json!({
        "host": world.url(""),
        "key": tenant.key,
        "sync": SYNC,
        "signing_key": tenant.signing_key,
        "webhook": {
            "hmac": signature::hmac_sha256_hex(key, body.as_bytes()),
            "legacy": signature::legacy_sha256_hex(key, body.as_bytes()),
            "body": body,
        },
    })
    .to_string()
}

/// One test at a time fetches.
static FETCHING: Mutex<()> = Mutex::new(());

/// The suite with its client beside it, in a folder under `target`; none, with a line
/// that says so, where there is no Node or the client cannot be fetched.
fn installed() -> Result<Option<PathBuf>> {
    let folder = packages("the suite of Nango's client")?;
    Ok(folder.map(|folder| folder.join("suite.mjs")))
}

/// The folder under `target` with the packages of `client/package.json`; none, with a
/// line that says so, where they cannot be fetched for `what`.
pub fn packages(what: &str) -> Result<Option<PathBuf>> {
    let _alone = FETCHING.lock().unwrap_or_else(PoisonError::into_inner);
    for program in ["node", "npm"] {
        let asked = Command::new(program).arg("--version").output();
        if !asked.is_ok_and(|asked| asked.status.success()) {
            tidegate_tests::skip(what, &format!("there is no {program}"));
            return Ok(None);
        }
    }
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("api/client");
    let to = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/api-client");
    std::fs::create_dir_all(&to)?;
    let lock = "package-lock.json";
    let known = std::fs::read(to.join(lock)).unwrap_or_default();
    let is_here =
        to.join("node_modules/@nangohq/node").exists() && known == std::fs::read(from.join(lock))?;
    for file in ["package.json", lock, "suite.mjs", "limited.mjs"] {
        std::fs::copy(from.join(file), to.join(file)).with_context(|| format!("copying {file}"))?;
    }
    if !is_here {
        let fetched = Command::new("npm")
            .args([
                "ci",
                "--ignore-scripts",
                "--no-audit",
                "--no-fund",
                "--loglevel=error",
            ])
            .current_dir(&to)
            .output()?;
        if !fetched.status.success() {
            let why = String::from_utf8_lossy(&fetched.stderr).trim().to_owned();
            // So that the next run tries again.
            let _ = std::fs::remove_file(to.join(lock));
            tidegate_tests::skip(what, &format!("npm ci failed: {why}"));
            return Ok(None);
        }
    }
    Ok(Some(to))
}
