//! The TypeScript toolchain for tests: the one that the program brings along, installed
//! once into a folder under `target`.

use crate::Tidegate;
use crate::cargo::workspace;
use crate::node::has_node;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

/// The folder with the toolchain, or why it cannot be had.
static CACHE: LazyLock<Result<PathBuf, String>> = LazyLock::new(install);

/// What `TIDEGATE_CACHE` must name for `tidegate` to build TypeScript here. None, with a
/// line that says so, where Node or npm lack, or npm cannot fetch.
pub fn toolchain(what: &str) -> Option<&'static Path> {
    match &*CACHE {
        Ok(cache) => Some(cache),
        Err(why) => {
            crate::skip(what, why);
            None
        }
    }
}

fn install() -> Result<PathBuf, String> {
    has_node()?;
    let asked = Command::new("npm").arg("--version").output();
    if !asked.is_ok_and(|asked| asked.status.success()) {
        return Err("there is no npm".to_owned());
    }
    let cache = workspace().join("target/typescript");
    let scratch = tempfile::tempdir().map_err(|error| error.to_string())?;
    // The first command that needs it installs it.
    let made = Tidegate::new(["new", "first"])
        .folder(scratch.path())
        .env("TIDEGATE_CACHE", &cache)
        .run();
    match made.code() {
        Some(0) => Ok(cache),
        _ if made.stderr.contains("npm could not install") => Err(made.stderr),
        _ => panic!("tidegate new: {}", made.stderr),
    }
}
