//! `tidegate reset`: a sync starts anew.

use super::connection::ConnectionArgs;
use super::host::{self, StoreArgs};
use super::output::Output;
use crate::error::{Code, Error, Result};
use crate::model::{ModelName, SyncName};
use crate::store::{Reset, RunQuery, Store};
use clap::Args;

/// Flags of `reset`.
#[derive(Args)]
pub(super) struct ResetArgs {
    /// Name of the sync
    sync: SyncName,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    store: StoreArgs,
    /// Take its records away too, without tombstones; else they stay, so that the next
    /// run reports only real differences
    #[arg(long)]
    records: bool,
}

pub(super) async fn reset(args: ResetArgs, output: &Output) -> Result<()> {
    let store = args.store.open_present(&host::clock()).await?;
    let outcome = reset_in(&args, &*store, output).await;
    host::close(store, output).await;
    outcome
}

async fn reset_in(args: &ResetArgs, store: &dyn Store, output: &Output) -> Result<()> {
    let key = args.connection.sync(args.sync.clone())?;
    let runs = store
        .runs(RunQuery {
            key: Some(key.clone()),
            limit: 1,
            ..RunQuery::default()
        })
        .await?;
    let Some(last) = runs.first() else {
        return Err(Error::new(
            Code::NotFound,
            format!("{key} never ran; `tidegate runs` lists the runs"),
        ));
    };
    let models: Vec<ModelName> = match store.deployment(&last.digest).await? {
        Some(deployment) => deployment.manifest.models.into_keys().collect(),
        None => last.counts.keys().cloned().collect(),
    };
    let what = if args.records {
        Reset::CheckpointAndRecords
    } else {
        Reset::Checkpoint
    };
    store.reset(&key, &models, what).await?;
    output.say(&match what {
        Reset::Checkpoint => format!("{key} starts from the beginning; its records stay"),
        Reset::CheckpointAndRecords => format!("{key} starts from the beginning, without records"),
    });
    Ok(())
}
