//! `tidegate test`: runs a sync against saved exchanges and compares what it saved.
//!
//! Read in this order: [`find`] (which sync, which files), [`fixture`] with [`own`] and
//! [`nango`] (the two formats), [`tape`] (which exchange answers a request), [`play`] (the
//! run), [`observe`] and [`compare`] (what it did against what was expected), [`report`].
//! [`record`] writes such a file from a real run.

mod compare;
mod find;
mod fixture;
mod nango;
mod observe;
mod own;
mod play;
mod record;
mod report;
mod tape;

use super::build::TypeCheckArgs;
use super::execute::parse_size;
use super::host;
use super::output::{Output, count};
use crate::deploy::examine;
use crate::error::{Code, Error, Result};
use crate::limits::RUN_MEMORY_BYTES_CEILING;
use clap::Args;
use fixture::Connection;
use jiff::Timestamp;
use play::Bench;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub(super) use record::record;

/// Flags of `test`.
#[derive(Args)]
pub(super) struct TestArgs {
    /// A component, or the folder or file of a sync, which is built
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Which sync to test, where several come out of the folder
    #[arg(long, value_name = "NAME")]
    sync: Option<String>,
    #[command(flatten)]
    check: TypeCheckArgs,
    /// A fixture, in Tidegate's format or Nango's; may be given more than once. Else those
    /// beside the sync: `fixtures/*.json`, or `../tests/<sync>.test.json`
    #[arg(long, value_name = "FILE")]
    fixture: Vec<PathBuf>,
    /// Memory cap, such as `8MiB`; else what the manifest asks for, or 128MiB
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    memory: Option<u64>,
    /// The time at which the clock stands, such as `2026-01-31T12:00:00Z`; else the
    /// fixture's, or the time of the test
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    now: Option<Timestamp>,
    /// The connection as a JSON object, or a file that holds it; its members take the place
    /// of the fixture's
    #[arg(long, value_name = "FILE|JSON")]
    connection: Option<String>,
}

fn parse_time(text: &str) -> std::result::Result<Timestamp, String> {
    let wrong = |error: jiff::Error| format!("{error}; write a time such as 2026-01-31T12:00:00Z");
    text.parse().map_err(wrong)
}

/// Tests, and says how it went: 0 where every fixture passed, else 1.
pub(super) async fn test(args: TestArgs, output: &Output) -> Result<ExitCode> {
    let connection = args.connection.as_deref().map(connection).transpose()?;
    let sandbox = host::sandbox(None)?;
    let (mut passed, mut failed) = (0_u64, 0_u64);
    for target in find::targets(&args, output)? {
        let component = &target.component;
        let bytes = host::read_component(component)?;
        let clock = host::clock();
        let ready = examine(&sandbox, bytes, RUN_MEMORY_BYTES_CEILING, &clock)
            .await
            .map_err(|error| error.context(format!("`{}`", component.display())))?;
        let bench = Bench {
            sandbox: sandbox.clone(),
            ready,
            memory: args.memory,
            now: args.now,
            connection: connection.clone(),
        };
        for fixture in &target.fixtures {
            let played = play::play(&bench, fixture).await;
            let played = played.map_err(|error| play::in_fixture(fixture, error))?;
            match report::fixture(&fixture.file, &played, output) {
                true => passed += 1,
                false => failed += 1,
            }
        }
    }
    let all = count(passed + failed);
    output.say(&match failed {
        0 => format!("\n{all} of {all} fixtures passed"),
        _ => format!("\n{} of {all} fixtures failed", count(failed)),
    });
    Ok(ExitCode::from(u8::from(failed > 0)))
}

/// The connection that `--connection` was given, as JSON or as the name of a file.
fn connection(text: &str) -> Result<Connection> {
    let wrong = |why: String| Error::new(Code::Usage, format!("--connection `{text}`: {why}"));
    let json = match text.trim_start().starts_with('{') {
        true => text.to_owned(),
        false => std::fs::read_to_string(Path::new(text)).map_err(|error| {
            wrong(format!(
                "it is neither a JSON object nor a file that can be read: {error}"
            ))
        })?,
    };
    let value: serde_json::Value =
        serde_json::from_str(&json).map_err(|error| wrong(format!("it is not JSON: {error}")))?;
    fixture::connection(&value).map_err(wrong)
}
