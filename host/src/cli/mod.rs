//! The command line: one file a command. stdout carries data that can be piped; words
//! go to stderr. Exit codes are those of [`crate::error`].

mod build;
mod care;
mod check;
mod connection;
mod dev;
mod execute;
mod host;
mod metadata;
mod output;
mod progress;
mod quickstart;
mod records;
mod report;
mod reset;
mod run;
mod runs;

use crate::error::{Code, Error, Result};
use clap::{Parser, Subcommand};
use output::Output;
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

/// Run the data syncs that your users write: sandboxed, capped, nothing lost.
#[derive(Parser)]
#[command(name = "tidegate", version, about, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    output: output::OutputArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// See it all in a minute: a demo provider, two runs, and a sync that runs out of memory
    Quickstart(quickstart::QuickstartArgs),
    /// Compile a sync written in Rust to a component, and check it
    Build(build::BuildArgs),
    /// Check a component: its form, what it imports, its manifest
    Check(check::CheckArgs),
    /// Run a component once for a connection, into the store
    Run(run::RunArgs),
    /// Build, run in memory and print the records; again at each change of the source
    Dev(dev::DevArgs),
    /// Read the changes of a model, or list the models there are
    Records(records::RecordsArgs),
    /// List runs, or show one with its log and post-mortem
    Runs(runs::RunsArgs),
    /// Take a sync back to its start
    Reset(reset::ResetArgs),
    /// Show or change a connection's metadata
    Metadata(metadata::MetadataArgs),
    /// Read the whole store and compare its index with its log
    Verify(care::VerifyArgs),
    /// Write a backup of the store to a file
    Backup(care::BackupArgs),
    /// Make a store from a backup
    Restore(care::RestoreArgs),
}

/// Parses the arguments, runs the command, and answers its exit code.
pub fn main() -> ExitCode {
    let filter = EnvFilter::try_from_env("TIDEGATE_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    // clap prints its own usage errors and ends with code 2, the same as `usage` here.
    let Cli { output, command } = Cli::parse();
    let output = Output::new(output);
    let outcome = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::new(Code::Internal, format!("starting the runtime: {error}")))
        .and_then(|runtime| runtime.block_on(dispatch(command, &output)));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output.error(&error);
            ExitCode::from(error.code.exit_code())
        }
    }
}

async fn dispatch(command: Command, output: &Output) -> Result<()> {
    match command {
        Command::Quickstart(args) => quickstart::quickstart(args, output).await,
        Command::Build(args) => build::build(args, output).await,
        Command::Check(args) => check::check(args, output).await,
        Command::Run(args) => run::run(args, output).await,
        Command::Dev(args) => dev::dev(args, output).await,
        Command::Records(args) => records::records(args, output).await,
        Command::Runs(args) => runs::runs(args, output).await,
        Command::Reset(args) => reset::reset(args, output).await,
        Command::Metadata(args) => metadata::metadata(args, output).await,
        Command::Verify(args) => care::verify(args, output).await,
        Command::Backup(args) => care::backup(args, output).await,
        Command::Restore(args) => care::restore(args, output).await,
    }
}
