//! The command line: one file a command. stdout carries data that can be piped; words
//! go to stderr. Exit codes are those of [`crate::error`].

mod build;
mod care;
mod check;
mod connection;
mod dev;
mod doctor;
mod execute;
mod handbook;
mod host;
mod keys;
mod manage;
mod metadata;
mod new;
mod openapi;
mod output;
mod progress;
mod quickstart;
mod records;
mod report;
mod reset;
mod run;
mod runs;
mod secret;
mod serve;
mod settings;
mod test;
mod traces;
mod values;
mod watch;

use crate::error::{Code, Error, Result};
use clap::{CommandFactory, Parser, Subcommand};
use output::Output;
use settings::Settings;
use std::process::ExitCode;
use traces::Traces;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

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
    /// Start a sync: a folder with its source, ready to run
    New(new::NewArgs),
    /// Compile a sync written in Rust or TypeScript to a component, and check it
    Build(build::BuildArgs),
    /// Check a component: its form, what it imports, its manifest
    Check(check::CheckArgs),
    /// Run a component once for a connection, into the store
    Run(run::RunArgs),
    /// Build, run in memory and print the records; again at each change of the source
    Dev(dev::DevArgs),
    /// Run a sync against saved exchanges and compare what it saves
    Test(test::TestArgs),
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
    /// Run as a service: schedules, webhooks and the API
    Serve(serve::ServeArgs),
    /// Show the settings of `serve`
    Config(serve::ConfigArgs),
    /// Print the OpenAPI document of the HTTP API
    Openapi(openapi::OpenapiArgs),
    /// The keys that seal credentials: list them, or add one that takes over
    MasterKey(keys::KeysArgs),
    /// Look at this machine, and at the host on it: what is well, what is not, what to do
    Doctor(doctor::DoctorArgs),
    /// Environments of a host that serves
    Env(manage::EnvArgs),
    /// API keys of an environment
    Key(manage::KeyArgs),
    /// Integrations of an environment
    Integration(manage::IntegrationArgs),
    /// Connections of an environment
    Connection(manage::ConnectionsArgs),
    /// Release a component for an integration
    Deploy(manage::DeployArgs),
    /// List what is released
    Releases(manage::ReleasesArgs),
    /// Go back to the release before
    Rollback(manage::RollbackArgs),
    /// Let one connection run a release of its own
    Pin(manage::PinArgs),
    /// Ask for runs now
    Trigger(manage::TriggerArgs),
    /// Let syncs run by their schedules
    Start(manage::SyncsArgs),
    /// Keep syncs from running
    Pause(manage::SyncsArgs),
    /// Show how syncs stand
    Status(manage::SyncsArgs),
    /// Set how often a sync runs on one connection
    Frequency(manage::FrequencyArgs),
    /// Further copies of a sync on one connection
    Variant(manage::VariantArgs),
    /// Take the content of records away that the app has read; their ids stay
    Prune(manage::PruneArgs),
    /// Show the log of a run of a host that serves, or follow it
    Logs(manage::LogsArgs),
    /// Webhooks that wait or are over; send one again
    Webhooks(manage::WebhooksArgs),
    /// Print what lets a shell complete the arguments
    Completions(handbook::CompletionsArgs),
    /// Print the man page, or write those of all commands
    Man(handbook::ManArgs),
}

/// Parses the arguments, runs the command, and answers its exit code.
pub fn main() -> ExitCode {
    // clap prints its own usage errors and ends with code 2, the same as `usage` here.
    let Cli { output, command } = Cli::parse();
    let traces = log_as(&command);
    let output = Output::new(output);
    let outcome = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::new(Code::Internal, format!("starting the runtime: {error}")))
        .and_then(|runtime| runtime.block_on(dispatch(command, &output)));
    traces.end();
    match outcome {
        Ok(code) => code,
        Err(error) => {
            output.error(&error);
            ExitCode::from(error.code.exit_code())
        }
    }
}

/// Sends logs to stderr: as text for commands, as a service's settings say for `serve`,
/// whose traces go to a collector if one is set.
fn log_as(command: &Command) -> Traces {
    let settings = match command {
        // A setting that cannot be read is reported by the command itself.
        Command::Serve(args) => args.settings().ok(),
        _ => None,
    };
    let filter = EnvFilter::try_from_env("TIDEGATE_LOG").or_else(|_| {
        EnvFilter::try_new(
            settings
                .as_ref()
                .map_or("warn", |settings| settings.text("log")),
        )
    });
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .with_writer(std::io::stderr);
    let is_json = |settings: &Settings| settings.text("log_format") == "json";
    let lines = match settings.as_ref().is_some_and(is_json) {
        true => lines.json().flatten_event(true).boxed(),
        false => lines.boxed(),
    };
    let filter = filter.unwrap_or_else(|_| EnvFilter::new("warn"));
    let traces = Traces::of(settings.as_ref());
    tracing_subscriber::registry()
        .with(traces.layer())
        .with(lines.with_filter(filter))
        .init();
    traces
}

/// Runs a command; answers the exit code where all went well. Only a test that fails is
/// another than 0: that is no error of the command.
async fn dispatch(command: Command, output: &Output) -> Result<ExitCode> {
    let done = match command {
        Command::Test(args) => return test::test(args, output).await,
        Command::Quickstart(args) => quickstart::quickstart(args, output).await,
        Command::New(args) => new::new(&args, output),
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
        Command::Serve(args) => serve::serve(&args).await,
        Command::Config(args) => serve::config(&args, output),
        Command::Openapi(args) => openapi::openapi(&args, output),
        Command::MasterKey(args) => keys::keys(&args, output),
        Command::Doctor(args) => doctor::doctor(&args, output),
        Command::Env(args) => manage::env(&args, output),
        Command::Key(args) => manage::key(&args, output),
        Command::Integration(args) => manage::integration(&args, output),
        Command::Connection(args) => manage::connection(&args, output),
        Command::Deploy(args) => manage::deploy(&args, output),
        Command::Releases(args) => manage::releases(&args, output),
        Command::Rollback(args) => manage::rollback(&args, output),
        Command::Pin(args) => manage::pin(&args, output),
        Command::Trigger(args) => manage::trigger(&args, output),
        Command::Start(args) => manage::start(&args, output),
        Command::Pause(args) => manage::pause(&args, output),
        Command::Status(args) => manage::status(&args, output),
        Command::Frequency(args) => manage::frequency(&args, output),
        Command::Variant(args) => manage::variant(&args, output),
        Command::Prune(args) => manage::prune(&args, output),
        Command::Logs(args) => manage::logs(&args, output).await,
        Command::Webhooks(args) => manage::webhooks(&args, output),
        Command::Completions(args) => {
            handbook::completions(&args, &mut Cli::command());
            Ok(())
        }
        Command::Man(args) => handbook::man(&args, Cli::command(), output),
    };
    done.map(|()| ExitCode::SUCCESS)
}
