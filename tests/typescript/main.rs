//! TypeScript: the SDK's own tests, a suite of syncs written the way people write them for
//! Nango, and the examples.
//!
//! Each sync of the suite runs on Node with Nango's own classes and as a component, into
//! the store, by the `tidegate` program: what they leave must be the same. The suite itself
//! is TypeScript; its README says how it works.

mod examples;

use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::process::Command;
use tidegate_tests::{node, process};

#[test]
fn the_sdk_passes_its_own_tests() -> Result<()> {
    let sdk = match node::sdk() {
        Ok(sdk) => sdk,
        Err(why) => {
            tidegate_tests::skip("the tests of the TypeScript SDK", &why);
            return Ok(());
        }
    };
    for script in ["check", "test"] {
        let status = Command::new("npm")
            .args(["run", "--silent", script])
            .current_dir(&sdk)
            .env("TIDEGATE_BIN", process::binary())
            .status()
            .with_context(|| format!("starting npm run {script}"))?;
        assert!(status.success(), "npm run {script} ended with {status}");
    }
    Ok(())
}

#[test]
fn syncs_leave_the_same_on_node_and_as_components() -> Result<()> {
    let suite = match node::sdk().and_then(|_| node::package("tests/typescript")) {
        Ok(suite) => suite,
        Err(why) => {
            tidegate_tests::skip("the suite of TypeScript syncs", &why);
            return Ok(());
        }
    };
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
