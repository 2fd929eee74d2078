//! `tidegate check`: is this component a sync, and what does it say of itself? No store
//! and no network is touched.

use super::host;
use super::output::{Output, clean, count, mib};
use crate::deploy::{Ready, examine};
use crate::error::Result;
use crate::limits;
use crate::model::Deployment;
use crate::sandbox::Sandbox;
use clap::Args;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Flags of `check`.
#[derive(Args)]
pub(super) struct CheckArgs {
    /// The component
    component: PathBuf,
}

pub(super) async fn check(args: CheckArgs, output: &Output) -> Result<()> {
    check_file(&host::sandbox(None)?, &args.component, output).await
}

/// What is printed of a component as JSON.
#[derive(Serialize)]
struct Checked<'a> {
    /// Where it lies.
    component: &'a Path,
    #[serde(flatten)]
    deployment: &'a Deployment,
    /// What is wrong with it that keeps it from nothing.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    warnings: &'a [String],
}

/// Checks a file and prints what it is.
pub(super) async fn check_file(sandbox: &Sandbox, path: &Path, output: &Output) -> Result<()> {
    let bytes = host::read_component(path)?;
    let ready = examine(
        sandbox,
        bytes,
        limits::RUN_MEMORY_BYTES_CEILING,
        &host::clock(),
    )
    .await
    .map_err(|error| error.context(format!("`{}`", path.display())))?;
    match output.is_json() {
        true => output.json(&Checked {
            component: path,
            deployment: &ready.deployment,
            warnings: &ready.warnings,
        }),
        false => describe(&ready, output),
    }
    Ok(())
}

fn describe(ready: &Ready, output: &Output) {
    let manifest = &ready.manifest;
    output.data(&format!(
        "{} {}  {}",
        manifest.name,
        clean(&manifest.version),
        clean(&manifest.description)
    ));
    let line = |name: &str, value: String| output.data(&format!("  {name:<11}{value}"));
    line("digest", ready.deployment.digest.to_string());
    let structure = &ready.structure;
    line(
        "size",
        format!(
            "{} bytes, {} functions",
            count(ready.deployment.bytes),
            count(structure.functions)
        ),
    );
    line(
        "models",
        manifest
            .models
            .keys()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", "),
    );
    line(
        "frequency",
        manifest
            .frequency
            .as_deref()
            .map_or_else(|| "none".to_owned(), clean),
    );
    let memory = manifest.memory.map_or(limits::RUN_MEMORY_BYTES, |memory| {
        u64::from(memory) * limits::MIB
    });
    line("memory", mib(memory));
    line(
        "checkpoint",
        if manifest.checkpoint.is_some() {
            "yes"
        } else {
            "no"
        }
        .to_owned(),
    );
    let hosts = if manifest.hosts.is_empty() {
        "the connection's own".to_owned()
    } else {
        clean(&manifest.hosts.join(", "))
    };
    line("hosts", hosts);
    for warning in &ready.warnings {
        output.say(&format!("warning: {}", clean(warning)));
    }
}
