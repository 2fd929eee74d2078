//! Which component is tested, and with which fixtures.

use super::TestArgs;
use super::fixture::{DESCRIBED, Fixture, read};
use crate::cli::build::{self, Built};
use crate::cli::output::Output;
use crate::error::{Code, Error, Result};
use std::path::{Path, PathBuf};

/// The folder beside a sync that holds its fixtures.
const FIXTURES: &str = "fixtures";
/// Where Nango keeps syncs in an integration's folder, and their tests beside that.
const SYNCS: &str = "syncs";
const TESTS: &str = "tests";

/// A component and its fixtures.
pub(super) struct Target {
    /// The component.
    pub(super) component: PathBuf,
    /// Its fixtures, of which there is one at least.
    pub(super) fixtures: Vec<Fixture>,
}

/// What the arguments name: syncs that are built where they are no components, each with
/// the fixtures that were named or that lie beside it.
pub(super) fn targets(args: &TestArgs, output: &Output) -> Result<Vec<Target>> {
    let path = &args.path;
    let files = match args.fixture.is_empty() {
        false => args.fixture.clone(),
        true if path.is_dir() => return of_folder(args, output),
        true => beside(path),
    };
    // Read before anything is built, which takes longest.
    let fixtures = read_all(path, &files)?;
    let component = match build::is_source(path) {
        false => path.clone(),
        true => only(args, build::compile(path, None, &args.check, output)?)?,
    };
    Ok(vec![Target {
        component,
        fixtures,
    }])
}

fn read_all(path: &Path, files: &[PathBuf]) -> Result<Vec<Fixture>> {
    match files.is_empty() {
        true => Err(nothing(path)),
        false => files.iter().map(|file| read(file)).collect(),
    }
}

fn nothing(path: &Path) -> Error {
    let message = format!(
        "there are no fixtures for `{}`; name one with --fixture, or record one with `tidegate dev … --record {FIXTURES}/first.json` ({DESCRIBED})",
        path.display()
    );
    Error::new(Code::NotFound, message)
}

/// The one component of a build, or the one that `--sync` names.
fn only(args: &TestArgs, built: Vec<Built>) -> Result<PathBuf> {
    let mut asked = of_name(args, built)?;
    match (asked.pop(), asked.len()) {
        (Some(one), 0) => Ok(one.component),
        _ => {
            let message = format!(
                "there are several syncs in `{}`; name one with --sync, or its file",
                args.path.display()
            );
            Err(Error::new(Code::Usage, message))
        }
    }
}

fn of_name(args: &TestArgs, mut built: Vec<Built>) -> Result<Vec<Built>> {
    let Some(name) = args.sync.as_deref() else {
        return Ok(built);
    };
    let names: Vec<String> = built.iter().filter_map(|each| each.name.clone()).collect();
    built.retain(|each| each.name.as_deref() == Some(name));
    match built.is_empty() {
        false => Ok(built),
        true => Err(Error::new(
            Code::Usage,
            format!(
                "there is no sync `{name}` in `{}`; there are {}",
                args.path.display(),
                names.join(", ")
            ),
        )),
    }
}

/// The syncs of a folder that have fixtures.
fn of_folder(args: &TestArgs, output: &Output) -> Result<Vec<Target>> {
    let folder = &args.path;
    let (loose, is_package) = (folder.join(SYNCS), folder.join("package.json").is_file());
    if loose.is_dir() && !is_package {
        return of_integration(args, &loose, output);
    }
    let all = files(&folder.join(FIXTURES), ".json");
    if all.is_empty() && !is_package {
        return Err(nothing(folder));
    }
    let built = build::compile(folder, None, &args.check, output)?;
    let alone = built.len() == 1;
    let mut found = Vec::new();
    for each in of_name(args, built)? {
        let name = each.name.as_deref().unwrap_or_default();
        let mut own = all.clone();
        own.retain(|file| alone || is_of(file, name));
        let sources = each.sources.iter();
        own.extend(sources.filter_map(|source| nangos(source)));
        if !own.is_empty() {
            found.push(Target {
                fixtures: read_all(folder, &own)?,
                component: each.component,
            });
        }
    }
    match found.is_empty() {
        true => Err(nothing(folder)),
        false => Ok(found),
    }
}

/// Nango's layout without a package: `syncs/<sync>.ts` with `tests/<sync>.test.json`.
fn of_integration(args: &TestArgs, syncs: &Path, output: &Output) -> Result<Vec<Target>> {
    let mut found = Vec::new();
    for source in files(syncs, ".ts") {
        let stem = source.file_stem().unwrap_or_default().to_string_lossy();
        let own = beside(&source);
        let is_asked = args.sync.as_ref().is_none_or(|name| *name == stem);
        if is_asked && !own.is_empty() {
            let fixtures = read_all(&source, &own)?;
            let built = build::compile(&source, None, &args.check, output)?;
            let mut components = built.into_iter().map(|each| each.component);
            if let Some(component) = components.next() {
                found.push(Target {
                    component,
                    fixtures,
                });
            }
        }
    }
    match found.is_empty() {
        true => Err(nothing(&args.path)),
        false => Ok(found),
    }
}

/// The fixtures that lie beside a file: those in `fixtures` that have its name, and
/// Nango's.
fn beside(path: &Path) -> Vec<PathBuf> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let mut found = files(&folder.join(FIXTURES), ".json");
    found.retain(|file| is_of(file, &stem));
    found.extend(nangos(path));
    found
}

/// Whether a fixture is called `<name>.json` or `<name>.….json`.
fn is_of(file: &Path, name: &str) -> bool {
    let own = file.file_name().unwrap_or_default().to_string_lossy();
    let rest = own.strip_prefix(name);
    rest.is_some_and(|rest| rest.starts_with('.'))
}

/// The test file of `<integration>/syncs/<sync>.ts`.
fn nangos(source: &Path) -> Option<PathBuf> {
    let folder = source.parent()?;
    let is_sync = folder.file_name().is_some_and(|name| name == SYNCS);
    let stem = source.file_stem()?.to_string_lossy();
    let integration = match folder.parent() {
        Some(above) => above.to_owned(),
        None => PathBuf::from(".."),
    };
    let file = integration.join(TESTS).join(format!("{stem}.test.json"));
    (is_sync && file.is_file()).then_some(file)
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
