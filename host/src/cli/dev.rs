//! `tidegate dev`: build, run in memory, print the records as JSON lines; again whenever
//! the source changes. Nothing is kept when it ends.

use super::build::{self, TypeCheckArgs};
use super::execute::{ExecuteArgs, execute, verdict};
use super::host;
use super::output::Output;
use super::report::report;
use super::watch::Watch;
use crate::error::{Code, Error, Result};
use crate::limits::CHANGE_PAGE_RECORDS_MAX;
use crate::model::{ChangeFilter, Cursor, StreamKey};
use crate::run::Runner;
use crate::store::Store;
use crate::store::memory::MemoryStore;
use clap::Args;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How long the source must be still before it is built: editors write in several steps.
const SETTLE: Duration = Duration::from_millis(200);

/// Flags of `dev`.
#[derive(Args)]
pub(super) struct DevArgs {
    /// Folder of a sync in Rust or TypeScript, one file in TypeScript, or a component
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Which sync to run, where several come out of the folder
    #[arg(long, value_name = "NAME")]
    sync: Option<String>,
    #[command(flatten)]
    check: TypeCheckArgs,
    #[command(flatten)]
    execute: ExecuteArgs,
    /// Run once and end
    #[arg(long)]
    no_watch: bool,
    /// Run once and write what was asked, answered and saved to a fixture for `test`
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
}

pub(super) async fn dev(args: DevArgs, output: &Output) -> Result<()> {
    if let Some(file) = &args.record {
        let component = component(&args, None, output)?;
        return super::test::record(&component, &args.execute, file, output).await;
    }
    let clock = host::clock();
    let store = Arc::new(MemoryStore::new(clock.clone()));
    let runner = host::runner(host::sandbox(None)?, store, clock)?;
    let mut cursors = BTreeMap::new();
    if args.no_watch {
        return once(&args, &runner, &mut cursors, None, output).await;
    }
    let mut watch = Watch::of(&args.path)?;
    loop {
        // A sync at work fails often: say why, and wait for the next change.
        if let Err(error) = once(&args, &runner, &mut cursors, Some(&mut watch), output).await {
            output.error(&error);
        }
        output.say(&format!(
            "\nwatching `{}`; Ctrl-C ends",
            args.path.display()
        ));
        tokio::select! {
            _ = tokio::signal::ctrl_c() => return Ok(()),
            () = watch.changed() => {}
        }
        tokio::time::sleep(SETTLE).await;
        watch.forget();
    }
}

async fn once(
    args: &DevArgs,
    runner: &Runner,
    cursors: &mut BTreeMap<StreamKey, Cursor>,
    watch: Option<&mut Watch>,
    output: &Output,
) -> Result<()> {
    let component = component(args, watch, output)?;
    let bytes = host::read_component(&component)?;
    let row = execute(runner, bytes, &args.execute, false, output, true).await?;
    for stream in runner.store.streams(Some(row.connection())).await? {
        print_new(&*runner.store, &stream, cursors, output).await?;
    }
    report(&row, output);
    verdict(&row)
}

/// Where the component to run lies, after it was built from its source; what that was
/// made of is watched from now on.
fn component(args: &DevArgs, watch: Option<&mut Watch>, output: &Output) -> Result<PathBuf> {
    if !build::is_source(&args.path) {
        return Ok(args.path.clone());
    }
    let built = build::compile(&args.path, None, &args.check, output)?;
    if let Some(watch) = watch {
        built.iter().for_each(|each| watch.also(&each.sources));
    }
    let is_asked = |each: &&build::Built| args.sync.is_none() || each.name == args.sync;
    let mut asked = built.iter().filter(is_asked);
    match (asked.next(), asked.next()) {
        (Some(one), None) => Ok(one.component.clone()),
        (first, _) => {
            let names: Vec<&str> = built.iter().filter_map(|it| it.name.as_deref()).collect();
            let why = match (first, args.sync.as_deref()) {
                (None, Some(name)) => format!("there is no sync `{name}`"),
                _ => format!("there are {} syncs", built.len()),
            };
            let message = format!(
                "{why} in `{}`; name one of {} with --sync, or its file",
                args.path.display(),
                names.join(", ")
            );
            Err(Error::new(Code::Usage, message))
        }
    }
}

/// Prints what changed in a stream since the last time.
async fn print_new(
    store: &dyn Store,
    stream: &StreamKey,
    cursors: &mut BTreeMap<StreamKey, Cursor>,
    output: &Output,
) -> Result<()> {
    loop {
        let after = cursors.get(stream).copied();
        let page = store
            .changes(stream, after, CHANGE_PAGE_RECORDS_MAX, ChangeFilter::ALL)
            .await?;
        page.changes
            .iter()
            .for_each(|change| output.data(&String::from_utf8_lossy(&change.body)));
        cursors.insert(stream.clone(), page.cursor);
        if !page.more {
            return Ok(());
        }
    }
}
