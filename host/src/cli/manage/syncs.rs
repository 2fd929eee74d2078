//! `tidegate trigger`, `start`, `pause`, `status`, `frequency` and `variant`: the syncs of
//! connections, and when they run.

use super::remote::{Remote, RemoteArgs, Sent, encoded};
use super::{show, split};
use crate::cli::output::Output;
use crate::error::Result;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

/// Flags of `trigger`, `start`, `pause` and `status`.
#[derive(Args)]
pub(in crate::cli) struct SyncsArgs {
    #[command(flatten)]
    remote: RemoteArgs,
    /// Syncs, as NAME or NAME::VARIANT; all if none is named
    syncs: Vec<String>,
    /// Their integration
    #[arg(long)]
    integration: String,
    /// Their connection; all of the integration if none is named
    #[arg(long)]
    connection: Option<String>,
}

/// What a trigger takes away first.
#[derive(Clone, Copy, ValueEnum)]
enum From {
    /// The checkpoint
    Start,
    /// The checkpoint and the records
    Nothing,
}

/// Flags of `trigger`.
#[derive(Args)]
pub(in crate::cli) struct TriggerArgs {
    #[command(flatten)]
    syncs: SyncsArgs,
    /// Begin anew: from the `start`, or with `nothing` left of the records
    #[arg(long, value_name = "WHAT")]
    from: Option<From>,
}

/// Flags of `frequency`.
#[derive(Args)]
pub(in crate::cli) struct FrequencyArgs {
    #[command(flatten)]
    remote: RemoteArgs,
    /// The sync, as NAME or NAME::VARIANT
    sync: String,
    /// How often, such as `every 5 minutes`, `half day` or `cron: 0 6 * * 1-5`
    #[arg(required_unless_present = "own", conflicts_with = "own")]
    frequency: Option<String>,
    /// Go back to the sync's own
    #[arg(long)]
    own: bool,
    /// Its integration
    #[arg(long)]
    integration: String,
    /// Its connection
    #[arg(long)]
    connection: String,
}

/// Flags of `variant`.
#[derive(Args)]
pub(in crate::cli) struct VariantArgs {
    #[command(flatten)]
    remote: RemoteArgs,
    #[command(subcommand)]
    command: VariantCommand,
}

#[derive(Subcommand)]
enum VariantCommand {
    /// Add a further copy of a sync, with its own schedule, checkpoint and records
    Add(Variant),
    /// Remove one with its records and its checkpoint
    Remove(Variant),
}

#[derive(Args)]
struct Variant {
    /// The sync
    sync: String,
    /// Name of the variant
    variant: String,
    /// Its integration
    #[arg(long)]
    integration: String,
    /// Its connection
    #[arg(long)]
    connection: String,
}

/// `tidegate trigger`.
pub(in crate::cli) fn trigger(args: &TriggerArgs, output: &Output) -> Result<()> {
    let (remote, mut body) = args.syncs.body()?;
    if let Some(from) = args.from {
        let all = matches!(from, From::Nothing);
        body["opts"] = json!({ "reset": true, "emptyCache": all });
    }
    show::one(&remote.post("/sync/trigger", body)?, output);
    Ok(())
}

/// `tidegate start`.
pub(in crate::cli) fn start(args: &SyncsArgs, output: &Output) -> Result<()> {
    let (remote, body) = args.body()?;
    show::one(&remote.post("/sync/start", body)?, output);
    Ok(())
}

/// `tidegate pause`.
pub(in crate::cli) fn pause(args: &SyncsArgs, output: &Output) -> Result<()> {
    let (remote, body) = args.body()?;
    show::one(&remote.post("/sync/pause", body)?, output);
    Ok(())
}

/// `tidegate status`.
pub(in crate::cli) fn status(args: &SyncsArgs, output: &Output) -> Result<()> {
    let syncs = match args.syncs.is_empty() {
        true => "*".to_owned(),
        false => args.syncs.join(","),
    };
    let mut path = format!(
        "/sync/status?syncs={}&provider_config_key={}",
        encoded(&syncs),
        encoded(&args.integration)
    );
    if let Some(connection) = &args.connection {
        path += &format!("&connection_id={}", encoded(connection));
    }
    let columns = [
        "connection_id",
        "name",
        "variant",
        "status",
        "frequency",
        "nextScheduledSyncAt",
        "held_back_since",
        "recordCount",
    ];
    let answer = args.remote.connect()?.get(&path)?;
    show::list(&answer, "syncs", &columns, output);
    Ok(())
}

/// `tidegate frequency`.
pub(in crate::cli) fn frequency(args: &FrequencyArgs, output: &Output) -> Result<()> {
    let (sync, variant) = split(&args.sync);
    let body = json!({
        "sync_name": sync,
        "sync_variant": variant,
        "provider_config_key": args.integration,
        "connection_id": args.connection,
        "frequency": args.frequency,
    });
    let path = "/sync/update-connection-frequency";
    let answer = args.remote.connect()?.call("PUT", path, Sent::Json(body))?;
    show::one(&answer, output);
    Ok(())
}

/// `tidegate variant`.
pub(in crate::cli) fn variant(args: &VariantArgs, output: &Output) -> Result<()> {
    let (method, which) = match &args.command {
        VariantCommand::Add(which) => ("POST", which),
        VariantCommand::Remove(which) => ("DELETE", which),
    };
    let [sync, variant] = [&which.sync, &which.variant].map(|text| encoded(text));
    let path = format!("/sync/{sync}/variant/{variant}");
    let body = json!({
        "provider_config_key": which.integration,
        "connection_id": which.connection,
    });
    let answer = args
        .remote
        .connect()?
        .call(method, &path, Sent::Json(body))?;
    show::one(&answer, output);
    Ok(())
}

impl SyncsArgs {
    fn body(&self) -> Result<(Remote, Value)> {
        let mut body = json!({
            "syncs": self.syncs,
            "provider_config_key": self.integration,
        });
        if let Some(connection) = &self.connection {
            body["connection_id"] = connection.as_str().into();
        }
        Ok((self.remote.connect()?, body))
    }
}
