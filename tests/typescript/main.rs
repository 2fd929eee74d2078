//! Syncs written the way people write them for Nango, each run on Node with Nango's own
//! classes and as a component, into the store, by the `tidegate` program: what they leave
//! must be the same. The suite itself is TypeScript; its README says how it works.

use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::process::Command;
use tidegate_tests::process;

/// The oldest Node that the SDK's build tool runs on.
const NODE_MAJOR_MIN: u32 = 20;

#[test]
fn syncs_leave_the_same_on_node_and_as_components() -> Result<()> {
    let suite = Path::new(env!("CARGO_MANIFEST_DIR")).join("typescript");
    let sdk = suite.join("../../guest-sdk/typescript");
    if let Err(why) = node().and_then(|()| [&sdk, &suite].into_iter().try_for_each(install)) {
        tidegate_tests::skip("the suite of TypeScript syncs", &why);
        return Ok(());
    }
    let status = Command::new("node")
        .args(["--import", "tsx", "run.ts"])
        .current_dir(&suite)
        .env("TIDEGATE_BIN", process::binary())
        .env("TIDEGATE_SUITE_OUT", out())
        .status()
        .context("starting the suite")?;
    assert!(status.success(), "the suite ended with {status}");
    Ok(())
}

/// Where components and stores go: in the folder that cargo builds in.
fn out() -> PathBuf {
    let own = std::env::current_exe().unwrap_or_default();
    // {target}/{profile}/deps/{test}
    let target = own.ancestors().nth(3).unwrap_or(Path::new("target"));
    target.join("typescript-suite")
}

/// Why Node cannot run the suite, if it cannot.
fn node() -> Result<(), String> {
    let asked = Command::new("node").arg("--version").output();
    let said = asked.map_err(|_| "there is no node".to_owned())?.stdout;
    let version = String::from_utf8_lossy(&said).trim().to_owned();
    let major = version.trim_start_matches('v').split('.').next();
    match major.and_then(|major| major.parse().ok()) {
        Some(NODE_MAJOR_MIN..) => Ok(()),
        _ => Err(format!(
            "node is {version:?}, not {NODE_MAJOR_MIN} or newer"
        )),
    }
}

/// Fetches what `folder` needs, unless it is there.
fn install(folder: &PathBuf) -> Result<(), String> {
    if folder.join("node_modules/.package-lock.json").exists() {
        return Ok(());
    }
    let done = Command::new("npm")
        .args(["install", "--no-audit", "--no-fund", "--loglevel=error"])
        .current_dir(folder)
        .output()
        .map_err(|_| "there is no npm".to_owned())?;
    match done.status.success() {
        true => Ok(()),
        false => Err(format!(
            "npm install in {} failed: {}",
            folder.display(),
            String::from_utf8_lossy(&done.stderr).trim()
        )),
    }
}
