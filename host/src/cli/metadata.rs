//! `tidegate metadata`: a connection's settings and progress.

use super::connection::ConnectionArgs;
use super::host::{self, StoreArgs};
use super::output::Output;
use super::values::object;
use crate::error::Result;
use crate::store::Store;
use clap::Args;

/// Flags of `metadata`.
#[derive(Args)]
pub(super) struct MetadataArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    store: StoreArgs,
    /// Replace it by this JSON object
    #[arg(long, value_name = "JSON", conflicts_with = "merge")]
    set: Option<String>,
    /// Put the fields of this JSON object over it
    #[arg(long, value_name = "JSON")]
    merge: Option<String>,
}

pub(super) async fn metadata(args: MetadataArgs, output: &Output) -> Result<()> {
    let clock = host::clock();
    let changes = args.set.is_some() || args.merge.is_some();
    let store = if changes {
        args.store.open(&clock).await?
    } else {
        args.store.open_present(&clock).await?
    };
    let connection = args.connection.connection()?;
    let merge = args.merge.is_some();
    let flag = if merge { "merge" } else { "set" };
    let patch = args.set.as_ref().or(args.merge.as_ref());
    let outcome = match patch.map(|json| (json, object(flag, json))) {
        None => store.metadata(&connection).await,
        Some((_, Err(error))) => Err(error),
        Some((json, Ok(_))) => store.put_metadata(&connection, json, merge).await,
    };
    host::close(store, output).await;
    output.data(&outcome?);
    Ok(())
}
