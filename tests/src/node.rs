//! Node, npm and the TypeScript SDK of this checkout: what suites of TypeScript syncs run
//! on. Packages are installed once, into the `node_modules` beside their lock file.

use crate::cargo::workspace;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

/// The oldest Node that the SDK's build tool runs on.
const NODE_MAJOR_MIN: u32 = 20;

/// One install at a time: two would meet in one folder.
static INSTALLING: Mutex<()> = Mutex::new(());

/// The folder of the SDK, with what it needs installed; why not, where that cannot be.
///
/// # Errors
/// What is missing on this machine, in words for a line that says what is skipped.
pub fn sdk() -> Result<PathBuf, String> {
    package("guest-sdk/typescript")
}

/// The folder of the package at `path` in the repository, with what it needs installed.
///
/// # Errors
/// As [`sdk`].
pub fn package(path: &str) -> Result<PathBuf, String> {
    has_node()?;
    let folder = workspace().join(path);
    let _alone = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
    // npm writes this one last.
    if folder.join("node_modules/.package-lock.json").exists() {
        return Ok(folder);
    }
    let done = Command::new("npm")
        .args(["install", "--no-audit", "--no-fund", "--loglevel=error"])
        .current_dir(&folder)
        .output()
        .map_err(|error| format!("npm cannot be started: {error}"))?;
    match done.status.success() {
        true => Ok(folder),
        false => Err(format!(
            "npm install in {path} failed: {}",
            String::from_utf8_lossy(&done.stderr).trim()
        )),
    }
}

/// The components of the TypeScript syncs at `path` in the repository, a folder or a file,
/// by name. None, with a line that says so, where they cannot be built here.
///
/// # Panics
/// If they do not compile.
pub fn syncs(path: &str) -> Option<BTreeMap<String, Vec<u8>>> {
    let sdk = match sdk() {
        Ok(sdk) => sdk,
        Err(why) => {
            crate::skip(&format!("what needs the syncs of {path}"), &why);
            return None;
        }
    };
    let out = tempfile::tempdir().unwrap_or_else(|error| panic!("a folder to build in: {error}"));
    let built = Command::new("node")
        .arg(sdk.join("bin/tidegate-sdk.mjs"))
        .arg("build")
        .arg(workspace().join(path))
        .arg("--out")
        .arg(out.path())
        .output()
        .unwrap_or_else(|error| panic!("starting node: {error}"));
    let said = String::from_utf8_lossy(&built.stderr);
    assert!(built.status.success(), "{path} does not build:\n{said}");
    let components = built
        .stdout
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(read);
    Some(components.collect())
}

/// A line of the build tool.
#[derive(Deserialize)]
struct Component {
    name: String,
    component: PathBuf,
}

fn read(line: &[u8]) -> (String, Vec<u8>) {
    let Component { name, component } = serde_json::from_slice(line)
        .unwrap_or_else(|error| panic!("a line of the build tool: {error}"));
    let bytes = std::fs::read(&component)
        .unwrap_or_else(|error| panic!("reading {}: {error}", component.display()));
    (name, bytes)
}

/// Why Node cannot run the SDK's tools, if it cannot.
pub(crate) fn has_node() -> Result<(), String> {
    let asked = Command::new("node").arg("--version").output();
    let said = asked.map_err(|_| "there is no node".to_owned())?.stdout;
    let version = String::from_utf8_lossy(&said).trim().to_owned();
    let major = version.trim_start_matches('v').split('.').next();
    match major.and_then(|major| major.parse().ok()) {
        Some(NODE_MAJOR_MIN..) => Ok(()),
        _ => Err(format!(
            "node is `{version}`, not {NODE_MAJOR_MIN} or newer"
        )),
    }
}
