//! One execution of a component, from its file to the report on the screen; shared by
//! `run`, `dev` and `quickstart`.

use super::connection::{ConnectionArgs, ReachArgs};
use super::output::Output;
use super::progress::Bar;
use super::values::object;
use crate::deploy::{self, Ready};
use crate::error::Result;
use crate::limits;
use crate::model::{Outcome, RunRow, Trigger};
use crate::run::{RunLimits, RunRequest, Runner};
use crate::store::DeleteGuard;
use clap::Args;
use jiff::SignedDuration;
use std::sync::Arc;
use std::time::Duration;

/// How one run goes.
#[derive(Args, Clone, Debug)]
pub(super) struct ExecuteArgs {
    #[command(flatten)]
    pub(super) connection: ConnectionArgs,
    #[command(flatten)]
    pub(super) reach: ReachArgs,
    /// Configuration of the connection for the sync, a JSON object
    #[arg(long, value_name = "JSON", default_value = "{}")]
    pub(super) config: String,
    /// Metadata to merge into the connection's before the run, a JSON object
    #[arg(long, value_name = "JSON")]
    pub(super) metadata: Option<String>,
    /// Memory cap, such as `16MiB`; else what the manifest asks for, or 128MiB
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub(super) memory: Option<u64>,
    /// Time after which the run ends at its next checkpoint, such as `90s` [default: 15m]
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub(super) time_soft: Option<Duration>,
    /// Time after which the run ends at once, such as `1h` [default: 24h]
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub(super) time_hard: Option<Duration>,
    /// CPU time without a host call after which the run ends [default: 30s]
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub(super) cpu_between_calls: Option<Duration>,
    /// CPU time of the whole run after which it ends [default: 10m]
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub(super) cpu: Option<Duration>,
    /// Carry out a delete pass however many records it takes away
    #[arg(long)]
    pub(super) allow_large_deletes: bool,
}

pub(super) fn parse_size(text: &str) -> std::result::Result<u64, String> {
    parse_size::parse_size(text).map_err(|error| format!("{error}; write a size such as 16MiB"))
}

fn parse_duration(text: &str) -> std::result::Result<Duration, String> {
    let wrong = |error: &dyn std::fmt::Display| format!("{error}; write a time such as 90s or 15m");
    let parsed: SignedDuration = text.parse().map_err(|error: jiff::Error| wrong(&error))?;
    Duration::try_from(parsed).map_err(|error| wrong(&error))
}

impl ExecuteArgs {
    fn limits(&self) -> RunLimits {
        let default = RunLimits::default();
        RunLimits {
            memory_bytes: self.memory,
            cpu_between_calls: self.cpu_between_calls.unwrap_or(default.cpu_between_calls),
            cpu: self.cpu.unwrap_or(default.cpu),
            time_soft: self.time_soft.unwrap_or(default.time_soft),
            time_hard: self.time_hard.unwrap_or(default.time_hard),
            storage_bytes: None,
            // Nobody would continue it.
            longest_wait: None,
        }
    }

    /// The request for one run of `ready`.
    pub(super) fn request(
        &self,
        ready: &Ready,
        trigger: Trigger,
        observer: Arc<Bar>,
    ) -> Result<RunRequest> {
        object("config", &self.config)?;
        let key = self.connection.sync(ready.manifest.name.clone())?;
        let guard = if self.allow_large_deletes {
            DeleteGuard::OFF
        } else {
            DeleteGuard::DEFAULT
        };
        Ok(RunRequest {
            scope: Arc::new(self.reach.scope(&key.connection, &ready.manifest)?),
            ready: ready.clone(),
            key,
            trigger,
            connection_config: self.config.clone(),
            limits: self.limits(),
            guard,
            observer,
            tap: None,
            seed: rand::random(),
        })
    }
}

/// Accepts a component and runs it once, or, with `until_done`, until it is no longer
/// interrupted. The first Ctrl-C ends it at its next checkpoint, the second at once.
pub(super) async fn execute(
    runner: &Runner,
    bytes: Vec<u8>,
    args: &ExecuteArgs,
    until_done: bool,
    output: &Output,
    logs: bool,
) -> Result<RunRow> {
    let ready = deploy::accept(
        &runner.sandbox,
        &*runner.store,
        bytes,
        limits::RUN_MEMORY_BYTES_CEILING,
        &runner.clock,
    )
    .await?;
    if let Some(metadata) = &args.metadata {
        put_metadata(runner, args, metadata).await?;
    }
    let mut trigger = Trigger::Manual;
    loop {
        let bar = Arc::new(Bar::new(output, logs));
        let begun = runner
            .begin(args.request(&ready, trigger, bar.clone())?)
            .await?;
        let control = begun.control();
        let interrupts = tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                control.stop("Ctrl-C was pressed");
                eprintln!("ending at the next checkpoint; press Ctrl-C again to end at once");
            }
            if tokio::signal::ctrl_c().await.is_ok() {
                control.cancel("Ctrl-C was pressed twice");
            }
        });
        let row = begun.execute().await;
        bar.finish();
        let stopped = interrupts.is_finished();
        interrupts.abort();
        let row = row?;
        let goes_on = until_done && !stopped && is_interrupted(&row);
        if !goes_on {
            return Ok(row);
        }
        output.say(&format!(
            "interrupted at a checkpoint; execution {} goes on",
            row.attempt + 1
        ));
        trigger = Trigger::Continuation;
    }
}

fn is_interrupted(row: &RunRow) -> bool {
    matches!(
        &row.state,
        crate::model::RunState::Ended(Outcome::Interrupted { .. })
    )
}

async fn put_metadata(runner: &Runner, args: &ExecuteArgs, metadata: &str) -> Result<()> {
    object("metadata", metadata)?;
    runner
        .store
        .put_metadata(&args.connection.connection()?, metadata, true)
        .await?;
    Ok(())
}

/// The error that a run's row stands for, for the exit code.
pub(super) fn verdict(row: &RunRow) -> Result<()> {
    match &row.state {
        crate::model::RunState::Ended(outcome) => {
            outcome.error().map_or(Ok(()), |error| Err(error.clone()))
        }
        crate::model::RunState::Running => Ok(()),
    }
}
