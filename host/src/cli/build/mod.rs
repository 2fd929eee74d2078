//! `tidegate build`: the source of a sync becomes a component.
//!
//! Which language it is in is seen by what lies there. One folder in TypeScript may hold
//! several syncs; each becomes a component of its own and is checked like any other.

mod rust;
mod toolchain;
mod typescript;

pub(super) use rust::{TARGET, build as build_crate, has_target};
pub(super) use toolchain::Toolchain;
pub(super) use typescript::is_generated;

use super::check::check_file;
use super::host;
use super::output::Output;
use crate::error::{Code, Error, Result};
use clap::Args;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// Flags of `build`.
#[derive(Args)]
pub(super) struct BuildArgs {
    /// Folder of a sync: with a Cargo.toml (Rust), or a package.json or *.ts files
    /// (TypeScript); or one file in TypeScript or JavaScript
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Folder for the components of TypeScript [default: `dist` beside package.json]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    check: TypeCheckArgs,
}

/// Whether the types are checked; shared with `dev`.
#[derive(Args, Clone, Debug)]
pub(super) struct TypeCheckArgs {
    /// Build TypeScript without checking its types
    #[arg(long)]
    no_check: bool,
}

/// One component that came of a build.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Built {
    /// The sync's name, where the build tells it.
    #[serde(default)]
    pub(super) name: Option<String>,
    /// Where the component lies.
    pub(super) component: PathBuf,
    /// The files that it was made of, where the build tells them.
    #[serde(default)]
    pub(super) sources: Vec<PathBuf>,
}

/// What a sync is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Language {
    Rust,
    TypeScript,
}

pub(super) async fn build(args: BuildArgs, output: &Output) -> Result<()> {
    let built = compile(&args.path, args.out.as_deref(), &args.check, output)?;
    let sandbox = host::sandbox(None)?;
    for each in &built {
        check_file(&sandbox, &each.component, output).await?;
    }
    output.say("");
    for each in &built {
        output.say(&format!("built `{}`", each.component.display()));
    }
    Ok(())
}

/// Compiles what lies at `path`; answers the components, of which there is at least one.
pub(super) fn compile(
    path: &Path,
    out: Option<&Path>,
    check: &TypeCheckArgs,
    output: &Output,
) -> Result<Vec<Built>> {
    match language(path)? {
        Language::TypeScript => typescript::build(path, out, check.no_check, output),
        Language::Rust if out.is_some() || check.no_check => Err(Error::new(
            Code::Usage,
            format!(
                "`{}` is written in Rust, where --out and --no-check mean nothing; leave them out",
                path.display()
            ),
        )),
        Language::Rust => Ok(vec![Built {
            name: None,
            component: rust::build(path, output)?,
            sources: Vec::new(),
        }]),
    }
}

/// Whether `path` is something to build, rather than a component.
pub(super) fn is_source(path: &Path) -> bool {
    path.is_dir() || typescript::is_source_file(path)
}

/// What the sync at `path` is written in, by what lies there.
fn language(path: &Path) -> Result<Language> {
    let shown = path.display();
    let refused = |message: String| Err(Error::new(Code::BuildFailed, message));
    if path.is_file() {
        return match path.extension().and_then(|extension| extension.to_str()) {
            _ if typescript::is_source_file(path) => Ok(Language::TypeScript),
            Some("wasm") => refused(format!(
                "`{shown}` is a component already; `tidegate check` says what it is"
            )),
            _ => refused(format!(
                "`{shown}` is no source of a sync; name a file in TypeScript or JavaScript \
                 ({}), or the folder of a sync",
                typescript::EXTENSIONS
                    .map(|end| format!(".{end}"))
                    .join(", ")
            )),
        };
    }
    if !path.is_dir() {
        return refused(format!(
            "there is no `{shown}`; name the folder of a sync, or start one with `tidegate new`"
        ));
    }
    if path.join(rust::MANIFEST).is_file() {
        return Ok(Language::Rust);
    }
    if path.join(typescript::MANIFEST).is_file() || typescript::has_source(path) {
        return Ok(Language::TypeScript);
    }
    refused(format!(
        "there is no {} (Rust) and no {} or *.ts file (TypeScript) in `{shown}`; \
         name the folder of a sync, or start one with `tidegate new`",
        rust::MANIFEST,
        typescript::MANIFEST
    ))
}
