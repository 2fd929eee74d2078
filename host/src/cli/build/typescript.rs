//! A sync in TypeScript or JavaScript: the SDK's own tool, on Node, checks its types,
//! bundles it and makes components.

use super::Built;
use super::toolchain::Toolchain;
use crate::cli::output::Output;
use crate::error::{Code, Error, Result};
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// What makes a folder a package.
pub(super) const MANIFEST: &str = "package.json";
/// Where components go, beside [`MANIFEST`], if nothing else is said.
const OUT: &str = "dist";
/// How the name of a source file ends.
pub(super) const EXTENSIONS: [&str; 4] = ["ts", "tsx", "js", "mjs"];
/// Folders of a package that hold what was made or fetched, never an author's source.
const GENERATED: [&str; 3] = [OUT, "node_modules", ".tidegate"];

/// Builds the file, or all syncs of the folder `path`, into `out`. The tool's words go to
/// stderr; on stdout it has a line of JSON for each component.
pub(super) fn build(
    path: &Path,
    out: Option<&Path>,
    no_check: bool,
    output: &Output,
) -> Result<Vec<Built>> {
    let toolchain = Toolchain::installed(output)?;
    let out = out.map_or_else(|| package_of(path).join(OUT), Path::to_owned);
    let mut tool = toolchain.command();
    tool.arg("build").arg(path).arg("--out").arg(&out);
    if no_check {
        tool.arg("--no-check");
    }
    // Where only data is wanted, its words are held back until something is wrong.
    let is_silent = output.is_quiet() || output.is_json();
    let words = if is_silent {
        Stdio::piped()
    } else {
        Stdio::inherit()
    };
    let done = tool
        .stdin(Stdio::null())
        .stderr(words)
        .output()
        .map_err(|error| failed(format!("`node` could not be started: {error}")))?;
    let shown = path.display();
    if !done.status.success() {
        eprint!("{}", String::from_utf8_lossy(&done.stderr));
        return Err(failed(format!(
            "`{shown}` does not build; what is wrong stands above"
        )));
    }
    let lines = done.stdout.split(|byte| *byte == b'\n');
    let built: Vec<Built> = lines
        .filter_map(|line| serde_json::from_slice(line).ok())
        .map(seen_from_here)
        .collect();
    match built.is_empty() {
        true => Err(failed(format!("`{shown}` built no component"))),
        false => Ok(built),
    }
}

/// The tool says whole paths, which are long; people read them from where they stand.
fn seen_from_here(mut built: Built) -> Built {
    let here = std::env::current_dir().unwrap_or_default();
    if let Ok(path) = built.component.strip_prefix(here) {
        built.component = path.to_owned();
    }
    built
}

/// Whether `path` is a file in TypeScript or JavaScript, there or not.
pub(super) fn is_source_file(path: &Path) -> bool {
    let end = path.extension().and_then(|end| end.to_str());
    end.is_some_and(|end| EXTENSIONS.contains(&end))
}

/// Whether a file in TypeScript lies in `folder` or its `src`.
pub(super) fn has_source(folder: &Path) -> bool {
    let is_typescript = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.is_ok_and(|entry| entry.path().extension().is_some_and(|end| end == "ts"))
    };
    [folder.to_owned(), folder.join("src")]
        .iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .any(|mut entries| entries.any(is_typescript))
}

/// Whether `path`, seen from the package's folder, is made by a build or an install.
pub(in crate::cli) fn is_generated(path: &Path) -> bool {
    path.components().any(|part| {
        let part = part.as_os_str();
        GENERATED.iter().any(|generated| part == *generated)
    })
}

/// The folder of the package that `path` belongs to: the nearest with a package.json, or
/// else its own.
fn package_of(path: &Path) -> PathBuf {
    let own = match path.is_dir() {
        true => path,
        false => path.parent().unwrap_or(Path::new("")),
    };
    let mut above = own.ancestors();
    let found = above.find(|folder| folder.join(MANIFEST).is_file());
    found.unwrap_or(own).to_owned()
}

fn failed(message: String) -> Error {
    Error::new(Code::BuildFailed, message)
}
