//! `tidegate prune`: takes the content of records away that an app has read.

use super::remote::{RemoteArgs, Sent};
use super::{BASE, Remote, read_records, show};
use crate::cli::output::Output;
use crate::error::Result;
use crate::limits::CHANGE_PAGE_RECORDS_MAX;
use crate::model::{ChangeFilter, Cursor, ModelName};
use clap::Args;
use serde_json::{Value, json};

/// Flags of `prune`.
#[derive(Args)]
pub(in crate::cli) struct PruneArgs {
    #[command(flatten)]
    remote: RemoteArgs,
    /// The model
    model: ModelName,
    /// Its integration
    #[arg(long)]
    integration: String,
    /// Its connection
    #[arg(long)]
    connection: String,
    /// Its variant
    #[arg(long, default_value = BASE)]
    variant: String,
    /// Up to this cursor, that of the last record which the app has
    #[arg(
        long,
        value_name = "CURSOR",
        required_unless_present = "all",
        conflicts_with = "all"
    )]
    until: Option<Cursor>,
    /// Every record there is now; the feed is read first, for its last cursor
    #[arg(long)]
    all: bool,
}

/// `tidegate prune`.
pub(in crate::cli) fn prune(args: &PruneArgs, output: &Output) -> Result<()> {
    let remote = args.remote.connect()?;
    let remote = remote.of(&args.integration, &args.connection);
    let until = match args.until {
        Some(cursor) => Some(cursor),
        None => last_cursor(&remote, args)?,
    };
    let pruned = match until {
        Some(cursor) => prune_until(&remote, args, cursor)?,
        None => 0,
    };
    let until = until.map(|cursor| cursor.to_string());
    show::one(&json!({ "pruned": pruned, "until": until }), output);
    Ok(())
}

/// The cursor of the last change, if there is any.
fn last_cursor(remote: &Remote, args: &PruneArgs) -> Result<Option<Cursor>> {
    let (mut cursor, most) = (None, CHANGE_PAGE_RECORDS_MAX);
    loop {
        let stream = (&args.model, args.variant.as_str());
        let page = read_records(remote, stream, cursor, most, ChangeFilter::ALL)?;
        cursor = page.changes.last().map(|last| last.known.cursor).or(cursor);
        if page.next.is_none() {
            return Ok(cursor);
        }
        cursor = page.next;
    }
}

/// Prunes a little at a time, as the host does it, until nothing is left; answers how many
/// records lost their content.
fn prune_until(remote: &Remote, args: &PruneArgs, cursor: Cursor) -> Result<u64> {
    let mut pruned = 0;
    loop {
        let body = json!({
            "model": args.model,
            "variant": args.variant,
            "until_cursor": cursor.to_string(),
        });
        let answer = remote.call("PATCH", "/records/prune", Sent::Json(body))?;
        let count = answer["count"].as_u64().unwrap_or_default();
        pruned += count;
        if count == 0 || answer["has_more"] != Value::Bool(true) {
            return Ok(pruned);
        }
    }
}
