//! `tidegate check`: is this component a sync, and what does it say of itself? No store
//! and no network is touched.

use super::host;
use super::output::{Output, clean, count, mib};
use crate::deploy::{Ready, examine};
use crate::error::Result;
use crate::limits;
use clap::Args;
use std::path::{Path, PathBuf};

/// Flags of `check`.
#[derive(Args)]
pub(super) struct CheckArgs {
    /// The component
    component: PathBuf,
}

pub(super) async fn check(args: CheckArgs, output: &Output) -> Result<()> {
    check_file(&args.component, output).await.map(|_| ())
}

/// Checks a file and prints what it is.
pub(super) async fn check_file(path: &Path, output: &Output) -> Result<Ready> {
    let bytes = host::read_component(path)?;
    let sandbox = host::sandbox(None)?;
    let ready = examine(
        &sandbox,
        bytes,
        limits::RUN_MEMORY_BYTES_CEILING,
        &host::clock(),
    )
    .await
    .map_err(|error| error.context(format!("`{}`", path.display())))?;
    match output.is_json() {
        true => output.json(&ready.deployment),
        false => describe(&ready, output),
    }
    Ok(ready)
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
}
