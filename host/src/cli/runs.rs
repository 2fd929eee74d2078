//! `tidegate runs`: the runs there were, or one of them with its log and post-mortem; of a
//! store, or of a host that serves.

use super::host::{self, StoreArgs};
use super::manage::{ServedArgs, read_run, read_runs};
use super::output::{Output, count, duration, mib};
use super::progress::log_line;
use super::report::report;
use crate::error::{Code, Error, Result};
use crate::model::{ConnectionKey, LogLine, RunId, RunRow, RunState, SyncKey, SyncName, Variant};
use crate::store::{RunQuery, Store};
use clap::Args;

/// Flags of `runs`.
#[derive(Args)]
pub(super) struct RunsArgs {
    /// Show this run with its log and post-mortem
    id: Option<RunId>,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    served: ServedArgs,
    #[command(flatten)]
    of: OfArgs,
    /// Runs to list at most, newest first
    #[arg(long, default_value_t = 20)]
    limit: usize,
}

/// Whose runs are listed; all if no sync is named.
#[derive(Args)]
struct OfArgs {
    /// Only those of this sync
    #[arg(long, conflicts_with = "id")]
    sync: Option<SyncName>,
    /// Its variant [default: base]
    #[arg(long, requires = "sync")]
    variant: Option<Variant>,
    /// Its connection [default: local]
    #[arg(long, requires = "sync")]
    connection: Option<String>,
    /// Its integration [default: local]
    #[arg(long, requires = "sync")]
    integration: Option<String>,
    /// Environment (customer) that owns it
    #[arg(long, default_value = "default")]
    environment: String,
}

impl OfArgs {
    fn key(&self) -> Result<Option<SyncKey>> {
        let Some(sync) = &self.sync else {
            return Ok(None);
        };
        let or_local = |name: &Option<String>| name.clone().unwrap_or_else(|| "local".to_owned());
        let [integration, connection] = [&self.integration, &self.connection].map(or_local);
        Ok(Some(SyncKey {
            connection: ConnectionKey::new(&self.environment, &integration, &connection)?,
            sync: sync.clone(),
            variant: self.variant.clone().unwrap_or_else(Variant::base),
        }))
    }
}

pub(super) async fn runs(args: RunsArgs, output: &Output) -> Result<()> {
    let key = args.of.key()?;
    if let Some(remote) = args.served.connect(&args.of.environment)? {
        match args.id {
            Some(id) => {
                let (row, log) = read_run(&remote, id)?;
                show(&row, &log, output);
            }
            None => list(&read_runs(&remote, key.as_ref(), args.limit)?, output),
        }
        return Ok(());
    }
    let opened = args.store.open_present(&host::clock()).await;
    let store = opened.map_err(host::or_served)?;
    let outcome = match args.id {
        Some(id) => find(&*store, id)
            .await
            .map(|(row, log)| show(&row, &log, output)),
        None => {
            let query = RunQuery {
                key,
                limit: args.limit,
                ..RunQuery::default()
            };
            store.runs(query).await.map(|rows| list(&rows, output))
        }
    };
    host::close(store, output).await;
    outcome
}

async fn find(store: &dyn Store, id: RunId) -> Result<(RunRow, Vec<LogLine>)> {
    let row = store.run(id).await?;
    let row = row.ok_or_else(|| {
        Error::new(
            Code::NotFound,
            format!("there is no run {id}; `tidegate runs` lists them"),
        )
    })?;
    Ok((row, store.run_log(id).await?))
}

fn show(row: &RunRow, log: &[LogLine], output: &Output) {
    if output.is_json() {
        output.json(&serde_json::json!({ "run": row, "log": log }));
        return;
    }
    // Here the words are what was asked for.
    let output = &output.to_stdout();
    output.heading("log");
    log.iter().for_each(|line| output.say(&log_line(line)));
    output.heading("report");
    report(row, output);
}

fn list(rows: &[RunRow], output: &Output) {
    if output.is_json() {
        return rows.iter().for_each(|row| output.json(row));
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
