//! `tidegate dev --record`: one run against the real provider, written as a fixture.
//!
//! The clock stands at the run's start and moves only by what the run sleeps, and the
//! random sources start as they do in `test`, so that a sync which writes the time or an
//! id of its own into its records writes the same when it is tested.

use super::fixture::Connection;
use super::observe::{Mark, Passed, saved};
use super::own::{Recorded, write};
use super::play::{SEED, outcome_of};
use crate::cli::execute::{ExecuteArgs, verdict};
use crate::cli::host;
use crate::cli::output::{Output, count};
use crate::cli::progress::Bar;
use crate::cli::report::report;
use crate::cli::values::object;
use crate::clock::{Clock, StillClock};
use crate::deploy;
use crate::egress::recording::RecordingEgress;
use crate::error::{Code, Error, Result};
use crate::limits::RUN_MEMORY_BYTES_CEILING;
use crate::model::Trigger;
use crate::run::Runner;
use crate::store::Store;
use crate::store::memory::MemoryStore;
use jiff::Timestamp;
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;

/// Runs a component once, in memory, and writes what came of it to `file`.
pub(in crate::cli) async fn record(
    component: &Path,
    args: &ExecuteArgs,
    file: &Path,
    output: &Output,
) -> Result<()> {
    let now = started();
    let clock: Arc<dyn Clock> = Arc::new(StillClock::that_waits(now));
    let store = Arc::new(MemoryStore::new(clock.clone()));
    // The provider's dates are those of the real clock.
    let live = host::runner(host::sandbox(None)?, store.clone(), host::clock())?;
    let egress = Arc::new(RecordingEgress::new(live.egress.clone()));
    let runner = Runner {
        egress: egress.clone(),
        clock,
        ..live
    };
    let bytes = host::read_component(component)?;
    let ready = deploy::accept(
        &runner.sandbox,
        &*store,
        bytes,
        RUN_MEMORY_BYTES_CEILING,
        &runner.clock,
    )
    .await?;
    let metadata = match &args.metadata {
        Some(metadata) => object("metadata", metadata)?,
        None => serde_json::Map::new(),
    };
    let connection = args.connection.connection()?;
    let text = Value::Object(metadata.clone()).to_string();
    store.put_metadata(&connection, &text, false).await?;
    let bar = Arc::new(Bar::new(output, true));
    let passed = Arc::new(Passed::default());
    let mut request = args.request(&ready, Trigger::Manual, bar.clone())?;
    request.seed = SEED;
    request.tap = Some(passed.clone());
    let (key, base_url) = (request.key.clone(), request.scope.base_url.clone());
    let mark = Mark::now(&*store, &key, &ready.manifest).await?;
    let row = runner.execute(request).await;
    bar.finish();
    let row = row?;
    let parsed = |json: &str| serde_json::from_str(json).unwrap_or(Value::Null);
    let recorded = Recorded {
        now,
        base_url,
        connection: Connection {
            id: Some(connection.connection.to_string()),
            integration: Some(connection.integration.to_string()),
            config: object("config", &args.config)?,
            metadata,
            ..Connection::default()
        },
        taken: egress.taken()?,
        records: saved(&*store, &key, &ready.manifest, &passed).await?,
        deleted: mark.deleted(&*store, &key).await?,
        checkpoint: row.checkpoint_after.as_deref().map_or(Value::Null, parsed),
        metadata_after: parsed(&store.metadata(&connection).await?),
        outcome: outcome_of(&row),
    };
    let exchanges = count(recorded.taken.len() as u64);
    put(file, &write(recorded)?)?;
    report(&row, output);
    output.say(&format!(
        "{exchanges} exchanges recorded in `{}`; look through it for what must not be shared, then run `tidegate test`",
        file.display()
    ));
    verdict(&row)
}

/// Now, to the millisecond: more a guest is not told.
fn started() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}

fn put(file: &Path, text: &str) -> Result<()> {
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let made = folder.map_or(Ok(()), std::fs::create_dir_all);
    made.and_then(|()| std::fs::write(file, text))
        .map_err(|error| {
            let message = format!("writing the recording `{}`: {error}", file.display());
            Error::new(Code::Usage, message)
        })
}
