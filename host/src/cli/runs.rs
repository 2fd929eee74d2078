//! `tidegate runs`: the runs there were, or one of them with its log and post-mortem.

use super::host::{self, StoreArgs};
use super::output::{Output, count, duration, mib};
use super::progress::log_line;
use super::report::report;
use crate::error::{Code, Error, Result};
use crate::model::{RunId, RunRow, RunState};
use crate::store::{RunQuery, Store};
use clap::Args;

/// Flags of `runs`.
#[derive(Args)]
pub(super) struct RunsArgs {
    /// Show this run with its log and post-mortem
    id: Option<RunId>,
    #[command(flatten)]
    store: StoreArgs,
    /// Runs to list at most, newest first
    #[arg(long, default_value_t = 20)]
    limit: usize,
}

pub(super) async fn runs(args: RunsArgs, output: &Output) -> Result<()> {
    let store = args.store.open_present(&host::clock()).await?;
    let outcome = match args.id {
        Some(id) => show(&*store, id, output).await,
        None => list(&*store, args.limit, output).await,
    };
    host::close(store, output).await;
    outcome
}

async fn show(store: &dyn Store, id: RunId, output: &Output) -> Result<()> {
    let row = store.run(id).await?;
    let row = row.ok_or_else(|| {
        Error::new(
            Code::NotFound,
            format!("there is no run {id}; `tidegate runs` lists them"),
        )
    })?;
    let log = store.run_log(id).await?;
    if output.is_json() {
        output.json(&serde_json::json!({ "run": row, "log": log }));
        return Ok(());
    }
    // Here the words are what was asked for.
    let output = &output.to_stdout();
    output.heading("log");
    log.iter().for_each(|line| output.say(&log_line(line)));
    output.heading("report");
    report(&row, output);
    Ok(())
}

async fn list(store: &dyn Store, limit: usize, output: &Output) -> Result<()> {
    let rows = store
        .runs(RunQuery {
            limit,
            ..RunQuery::default()
        })
        .await?;
    if output.is_json() {
        rows.iter().for_each(|row| output.json(row));
        return Ok(());
    }
    let head = [
        "run",
        "sync",
        "connection",
        "started",
        "state",
        "added",
        "updated",
        "deleted",
        "unchanged",
        "peak memory",
        "time",
    ];
    let rows = rows.iter().map(line).collect();
    output.data(&output.table(&head, rows, &[5, 6, 7, 8, 9, 10]));
    Ok(())
}

fn line(row: &RunRow) -> Vec<String> {
    let state = match &row.state {
        RunState::Running => "running".to_owned(),
        RunState::Ended(outcome) => match outcome.error() {
            None => outcome.word().to_owned(),
            Some(error) => format!("{} ({})", outcome.word(), error.code),
        },
    };
    let sum = |of: fn(&crate::model::ModelCounts) -> u64| count(row.counts.values().map(of).sum());
    vec![
        row.id.to_string(),
        row.key.sync.to_string(),
        row.key.connection.connection.to_string(),
        row.started.strftime("%Y-%m-%d %H:%M:%S").to_string(),
        state,
        sum(|counts| counts.added),
        sum(|counts| counts.updated),
        sum(|counts| counts.deleted),
        sum(|counts| counts.unchanged),
        mib(row.usage.memory_peak_bytes),
        duration(row.usage.wall_us),
    ]
}
