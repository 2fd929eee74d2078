//! Which component is tested, and with which fixtures.

use super::fixture::DESCRIBED;
use crate::cli::build::build_folder;
use crate::cli::output::Output;
use crate::error::{Code, Error, Result};
use std::path::{Path, PathBuf};

/// The folder beside a sync that holds its fixtures.
const FIXTURES: &str = "fixtures";

/// A sync and its fixtures.
pub(super) struct Target {
    /// Its source or component.
    pub(super) source: PathBuf,
    /// Its fixtures, in the order of their names.
    pub(super) fixtures: Vec<PathBuf>,
}

/// The syncs that `path` names, with the fixtures that were named or that lie beside them.
pub(super) fn targets(path: &Path, named: &[PathBuf]) -> Result<Vec<Target>> {
    if named.is_empty() && path.is_dir() && path.join("syncs").is_dir() {
        return integration(path);
    }
    let fixtures = match named.is_empty() {
        false => named.to_vec(),
        true => beside(path),
    };
    if fixtures.is_empty() {
        return Err(nothing(path));
    }
    Ok(vec![Target {
        source: path.to_owned(),
        fixtures,
    }])
}

fn nothing(path: &Path) -> Error {
    let message = format!(
        "there are no fixtures for `{}`; name one with --fixture, or record one with `tidegate dev … --record {FIXTURES}/first.json` ({DESCRIBED})",
        path.display()
    );
    Error::new(Code::NotFound, message)
}

/// Nango's layout: `syncs/<sync>.ts` with `tests/<sync>.test.json`.
fn integration(folder: &Path) -> Result<Vec<Target>> {
    let sources = files(&folder.join("syncs"), ".ts");
    let with_fixtures = sources.into_iter().map(|source| Target {
        fixtures: beside(&source),
        source,
    });
    let found: Vec<Target> = with_fixtures
        .filter(|target| !target.fixtures.is_empty())
        .collect();
    match found.is_empty() {
        true => Err(nothing(folder)),
        false => Ok(found),
    }
}

/// The fixtures that lie beside a source: all in the `fixtures` of its folder; of a file
/// those whose name is the file's, and Nango's.
fn beside(path: &Path) -> Vec<PathBuf> {
    if path.is_dir() {
        return files(&path.join(FIXTURES), ".json");
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let mut found = files(&folder.join(FIXTURES), ".json");
    found.retain(|file| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        name.strip_prefix(&*stem)
            .is_some_and(|rest| rest.starts_with('.'))
    });
    let nango = folder
        .join("..")
        .join("tests")
        .join(format!("{stem}.test.json"));
    found.extend(nango.is_file().then_some(nango));
    found
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.is_file() && path.to_string_lossy().ends_with(ending))
        .collect();
    found.sort();
    found
}

/// The component of a source, which is built where it is none.
pub(in crate::cli) fn component(source: &Path, output: &Output) -> Result<PathBuf> {
    match source.is_dir() {
        true => build_folder(source, output),
        false => Ok(source.to_owned()),
    }
}
