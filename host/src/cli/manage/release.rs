//! `tidegate deploy`, `releases`, `rollback` and `pin`: which component runs.

use super::remote::{RemoteArgs, Sent, encoded};
use super::{show, split};
use crate::cli::host::read_component;
use crate::cli::output::Output;
use crate::error::Result;
use clap::Args;
use serde_json::json;
use std::path::PathBuf;

/// Flags of `deploy`.
#[derive(Args)]
pub(in crate::cli) struct DeployArgs {
    #[command(flatten)]
    remote: RemoteArgs,
    /// The component
    component: PathBuf,
    /// The integration that it syncs
    #[arg(long)]
    integration: String,
    /// Only show what it would change
    #[arg(long)]
    dry_run: bool,
}

/// Flags of `releases`.
#[derive(Args)]
pub(in crate::cli) struct ReleasesArgs {
    #[command(flatten)]
    remote: RemoteArgs,
    /// Only those for this integration
    #[arg(long)]
    integration: Option<String>,
}

/// Flags of `rollback`.
#[derive(Args)]
pub(in crate::cli) struct RollbackArgs {
    #[command(flatten)]
    remote: RemoteArgs,
    /// The sync
    sync: String,
    /// Its integration
    #[arg(long)]
    integration: String,
}

/// Flags of `pin`.
#[derive(Args)]
pub(in crate::cli) struct PinArgs {
    #[command(flatten)]
    remote: RemoteArgs,
    /// The sync, as NAME or NAME::VARIANT
    sync: String,
    /// Its integration
    #[arg(long)]
    integration: String,
    /// Its connection
    #[arg(long)]
    connection: String,
    /// The release, as `tidegate releases --json` has its digest
    #[arg(long, required_unless_present = "lift")]
    digest: Option<String>,
    /// Let it run what is released again
    #[arg(long, conflicts_with = "digest")]
    lift: bool,
}

/// `tidegate deploy`.
pub(in crate::cli) fn deploy(args: &DeployArgs, output: &Output) -> Result<()> {
    let component = Sent::Component(read_component(&args.component)?);
    let path = format!(
        "/v1/deployments?integration={}&dry_run={}",
        encoded(&args.integration),
        args.dry_run
    );
    let answer = args.remote.connect()?.call("POST", &path, component)?;
    show::one(&answer, output);
    Ok(())
}

/// `tidegate releases`.
pub(in crate::cli) fn releases(args: &ReleasesArgs, output: &Output) -> Result<()> {
    let path = match &args.integration {
        Some(name) => format!("/v1/deployments?integration={}", encoded(name)),
        None => "/v1/deployments".to_owned(),
    };
    let answer = args.remote.connect()?.get(&path)?;
    let columns = ["integration", "sync", "version", "digest", "since"];
    show::list(&answer, "deployments", &columns, output);
    Ok(())
}

/// `tidegate rollback`.
pub(in crate::cli) fn rollback(args: &RollbackArgs, output: &Output) -> Result<()> {
    let body = json!({ "integration": args.integration, "sync": args.sync });
    let answer = args
        .remote
        .connect()?
        .post("/v1/deployments/rollback", body)?;
    show::one(&answer, output);
    Ok(())
}

/// `tidegate pin`.
pub(in crate::cli) fn pin(args: &PinArgs, output: &Output) -> Result<()> {
    let (sync, variant) = split(&args.sync);
    let body = json!({
        "integration": args.integration,
        "connection": args.connection,
        "sync": sync,
        "variant": variant,
        "digest": args.digest,
    });
    let answer = args.remote.connect()?.post("/v1/deployments/pin", body)?;
    show::one(&answer, output);
    Ok(())
}
