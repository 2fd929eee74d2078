//! `tidegate dev`: build, run in memory, print the records as JSON lines; again whenever
//! the source changes. Nothing is kept when it ends.

use super::build::build_folder;
use super::execute::{ExecuteArgs, execute, verdict};
use super::host;
use super::output::Output;
use super::report::report;
use crate::error::{Code, Error, Result};
use crate::limits::CHANGE_PAGE_RECORDS_MAX;
use crate::model::{ChangeFilter, Cursor, StreamKey};
use crate::run::Runner;
use crate::store::Store;
use crate::store::memory::MemoryStore;
use clap::Args;
use notify::{RecursiveMode, Watcher};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// How long the source must be still before it is built: editors write in several steps.
const SETTLE: Duration = Duration::from_millis(200);

/// Flags of `dev`.
#[derive(Args)]
pub(super) struct DevArgs {
    /// Folder of the sync's Cargo.toml, or a component
    #[arg(default_value = ".")]
    path: PathBuf,
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
        return super::test::record(&args.path, &args.execute, file, output).await;
    }
    let clock = host::clock();
    let store = Arc::new(MemoryStore::new(clock.clone()));
    let runner = host::runner(host::sandbox(None)?, store, clock)?;
    let mut cursors = BTreeMap::new();
    if args.no_watch {
        return once(&args, &runner, &mut cursors, output).await;
    }
    let (_watcher, mut changes) = watch(&args.path)?;
    loop {
        // A sync at work fails often: say why, and wait for the next change.
        if let Err(error) = once(&args, &runner, &mut cursors, output).await {
            output.error(&error);
        }
        output.say(&format!(
            "\nwatching `{}`; Ctrl-C ends",
            args.path.display()
        ));
        tokio::select! {
            _ = tokio::signal::ctrl_c() => return Ok(()),
            change = changes.recv() => if change.is_none() { return Ok(()) },
        }
        tokio::time::sleep(SETTLE).await;
        while changes.try_recv().is_ok() {}
    }
}

async fn once(
    args: &DevArgs,
    runner: &Runner,
    cursors: &mut BTreeMap<StreamKey, Cursor>,
    output: &Output,
) -> Result<()> {
    let component = if args.path.is_dir() {
        build_folder(&args.path, output)?
    } else {
        args.path.clone()
    };
    let bytes = host::read_component(&component)?;
    let row = execute(runner, bytes, &args.execute, false, output, true).await?;
    for stream in runner.store.streams(Some(row.connection())).await? {
        print_new(&*runner.store, &stream, cursors, output).await?;
    }
    report(&row, output);
    verdict(&row)
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

/// Watches a component, or the source of a crate (never its build folder, which each
/// build changes).
fn watch(path: &Path) -> Result<(impl Watcher, mpsc::UnboundedReceiver<()>)> {
    let wrong = |error: notify::Error| {
        Error::new(
            Code::Usage,
            format!("watching `{}`: {error}", path.display()),
        )
    };
    let (sender, receiver) = mpsc::unbounded_channel();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        if event.is_ok_and(|event| !event.kind.is_access()) {
            let _ = sender.send(());
        }
    })
    .map_err(wrong)?;
    let source = path.join("src");
    let watched = if source.is_dir() { &source } else { path };
    watcher
        .watch(watched, RecursiveMode::Recursive)
        .map_err(wrong)?;
    Ok((watcher, receiver))
}
