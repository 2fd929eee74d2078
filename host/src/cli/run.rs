//! `tidegate run`: one run of a component into the store.

use super::execute::{ExecuteArgs, execute, verdict};
use super::host::{self, StoreArgs};
use super::output::Output;
use super::report::report;
use crate::error::Result;
use clap::Args;
use std::path::PathBuf;

/// Flags of `run`.
#[derive(Args)]
pub(super) struct RunArgs {
    /// The component
    component: PathBuf,
    #[command(flatten)]
    execute: ExecuteArgs,
    #[command(flatten)]
    store: StoreArgs,
    /// Go on with the next execution when one ends at a checkpoint
    #[arg(long)]
    until_done: bool,
    /// Show the sync's log while it runs
    #[arg(long)]
    logs: bool,
}

pub(super) async fn run(args: RunArgs, output: &Output) -> Result<()> {
    let bytes = host::read_component(&args.component)?;
    let clock = host::clock();
    let store = args.store.open(&clock).await?;
    let sandbox = host::sandbox(Some(args.store.code_cache()))?;
    let runner = host::runner(sandbox, store.clone(), clock)?;
    let row = execute(
        &runner,
        bytes,
        &args.execute,
        args.until_done,
        output,
        args.logs,
    )
    .await;
    drop(runner);
    host::close(store, output).await;
    let row = row?;
    report(&row, output);
    verdict(&row)
}
