//! `tidegate metadata`: a connection's settings and progress.

use super::connection::ConnectionArgs;
use super::host::{self, StoreArgs};
use super::output::Output;
use crate::error::{Code, Error, Result};
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
    let (patch, merge) = (
        args.set.as_ref().or(args.merge.as_ref()),
        args.merge.is_some(),
    );
    let outcome = match patch {
        None => store.metadata(&connection).await,
        Some(json) if serde_json::from_str::<serde_json::Map<_, _>>(json).is_err() => Err(
            Error::new(Code::Usage, format!("`{json}` is not a JSON object")),
        ),
        Some(json) => store.put_metadata(&connection, json, merge).await,
    };
    host::close(store, output).await;
    output.data(&outcome?);
    Ok(())
}
