//! Every function of the contract is called, and answers ok, from Rust, JavaScript
//! (QuickJS) and Python.

use crate::{host_and_guest, play, script, steps};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use tidegate_provider::{Provider, ProviderHandle};
use tidegate_tests::host::{RunSettings, TestHost, code};
use wit_parser::{Function, Resolve};

/// Every function of `wit/`, as `interface.function` or `interface.resource.function`.
fn contract() -> Result<BTreeSet<String>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit");
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(&folder)?;
    let mut names = BTreeSet::new();
    for (interface, id) in &resolve.packages[package].interfaces {
        let functions = resolve.interfaces[*id].functions.values();
        names.extend(functions.map(|function| format!("{interface}.{}", plain(function))));
    }
    Ok(names)
}

/// `[method]request.set-body` without its bracket.
fn plain(function: &Function) -> &str {
    function.name.rsplit(']').next().unwrap_or_default()
}

/// The provider that the guests of all languages meet.
async fn provider() -> Result<ProviderHandle> {
    Provider::demo().start().await
}

/// One valid call of each function.
fn every_call() -> Value {
    json!([
        ["log.emit", "debug", "a line", "{\"engine\":\"rust\"}"],
        ["run.id"],
        ["run.connection-id"],
        ["run.integration"],
        ["run.sync-name"],
        ["run.variant"],
        ["run.trigger"],
        ["run.attempt"],
        ["run.started-at"],
        ["run.deadline"],
        ["run.memory-limit-kib"],
        ["run.memory-used-kib"],
        ["run.connection-config"],
        ["run.sleep", 1],
        ["run.progress", "under way", 1, 2],
        ["metadata.get"],
        ["metadata.set", "{\"from\":\"rust\"}"],
        ["metadata.merge", "{\"more\":true}"],
        ["checkpoint.get"],
        ["checkpoint.save", "{\"page\":1}"],
        ["checkpoint.clear"],
        ["records.set-merging-strategy", "Item", "override"],
        ["records.track-deletes-start", "Item"],
        ["records.batch-save", "Item", "{\"id\":\"a\"}"],
        [
            "records.batch-save-text",
            "Item",
            "{\"id\":\"b\",\"name\":\"zwei ü\"}"
        ],
        [
            "records.batch-update",
            "Item",
            "{\"id\":\"a\",\"name\":\"uno\"}"
        ],
        [
            "records.batch-update-text",
            "Item",
            "{\"id\":\"b\",\"name\":\"dos\"}"
        ],
        ["records.get", "Item", ["a", "none"]],
        ["records.list", "Item", null, 10],
        ["records.batch-delete", "Item", ["b"]],
        ["records.track-deletes-end", "Item"],
        ["fetch.request", "POST", "/echo"],
        ["fetch.request.set-base-url", "https://example.com"],
        ["fetch.request.set-body", "{}"],
        ["fetch.request.set-body-text", "{}"],
        ["fetch.request", "GET", "/echo"],
        ["fetch.request.set-header", "x-conformance", "rust"],
        ["fetch.request.set-query", "page", "1"],
        ["fetch.request.set-timeout-ms", 5000],
        ["fetch.request.set-retries", 0],
        ["fetch.request.set-retry-on", [418]],
        ["fetch.send"],
        ["fetch.pending.wait"],
        ["fetch.response.status"],
        ["fetch.response.headers"],
        ["fetch.response.header", "Content-Type"],
        ["fetch.response.url"],
        ["fetch.response.read", 1],
        ["fetch.response.text"],
        ["fetch.response.body"],
    ])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_rust() -> Result<()> {
    let Some((host, ready)) = host_and_guest().await? else {
        return Ok(());
    };
    let provider = provider().await?;
    let steps = play(&host, &ready, script(every_call()).provider(provider.url())).await?;
    assert!(steps.iter().all(|step| step.outcome == "ok"), "{steps:?}");
    let called: BTreeSet<_> = steps.into_iter().map(|step| step.name).collect();
    assert_eq!(called, contract()?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_quickjs() -> Result<()> {
    from_a_toolchain("qjs", "node").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_python() -> Result<()> {
    from_a_toolchain("py", "python3").await
}

async fn from_a_toolchain(language: &str, needs: &str) -> Result<()> {
    let Some(component) = built(language, needs)? else {
        return Ok(());
    };
    let host = TestHost::in_memory()?;
    let ready = host.accept(&component).await.context("accepting it")?;
    let provider = provider().await?;
    let row = host
        .run(&ready, RunSettings::default().provider(provider.url()))
        .await?;
    assert_eq!(code(&row)?, "ok", "{:?}", row.state);
    let steps = steps(&host, &row).await?;
    assert!(steps.iter().all(|step| step.outcome == "ok"), "{steps:?}");
    let called: BTreeSet<_> = steps.into_iter().map(|step| step.name).collect();
    assert_eq!(called, contract()?);
    Ok(())
}

/// The component of `guests/{language}`; none, with a line that says so, where its
/// toolchain is missing or cannot be fetched.
fn built(language: &str, needs: &str) -> Result<Option<Vec<u8>>> {
    let what = format!("the conformance of {language}");
    if !Command::new(needs)
        .arg("--version")
        .output()
        .is_ok_and(|asked| asked.status.success())
    {
        tidegate_tests::skip(&what, &format!("there is no {needs}"));
        return Ok(None);
    }
    let build = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(format!("conformance/guests/{language}/build.sh"));
    let done = Command::new("sh")
        .arg(&build)
        .output()
        .with_context(|| format!("starting {}", build.display()))?;
    if !done.status.success() {
        let why = String::from_utf8_lossy(&done.stderr).trim().to_owned();
        tidegate_tests::skip(&what, &format!("{} failed: {why}", build.display()));
        return Ok(None);
    }
    let said = String::from_utf8(done.stdout)?;
    let component = PathBuf::from(said.lines().last().unwrap_or_default());
    Ok(Some(std::fs::read(&component).with_context(|| {
        format!("reading {}", component.display())
    })?))
}
