//! One run of the scheduler, from the queue to what comes after it.

use super::Inner;
use super::entry::{self, Live, Turn};
use super::metrics::{NOT_STARTED, word};
use super::provider::Watch;
use crate::error::{Blame, Error, Result};
use crate::limits::WAIT_IN_RUN_MAX;
use crate::model::{Outcome, RunRow, RunState, SyncKey};
use crate::run::{RunLimits, RunRequest};
use crate::store::DeleteGuard;
use jiff::Timestamp;
use std::sync::Arc;
use tracing::{Instrument, Span, field};

/// Runs a sync once and plans its next run, whatever happened.
pub(super) async fn run(inner: Arc<Inner>, key: SyncKey, turn: Turn) {
    let began = inner.runner.clock.now();
    let watch = Arc::new(Watch::new(inner.clone(), key.clone()));
    let span = tracing::info_span!(
        parent: None,
        "run",
        sync = %key,
        trigger = word(turn.trigger),
        run = field::Empty,
        outcome = field::Empty,
        "error.type" = field::Empty,
        "otel.status_code" = field::Empty
    );
    let executed = execute(&inner, &key, turn, watch.clone());
    let executed = executed.instrument(span.clone()).await;
    trace(&span, executed.as_ref());
    let row = match executed {
        Ok(row) => {
            report(&row);
            let failed = matches!(row.state, RunState::Ended(Outcome::Failed { .. }));
            let gave_up = failed || row.waits_until().is_some();
            inner.provider_failed(&key, gave_up && watch.found_it_down());
            Some(row)
        }
        Err(error) => {
            // A token that nobody gives is no run, and says the same of the provider.
            inner.provider_failed(&key, error.code.blame() == Blame::Provider);
            let (connection, advice) = (&key.connection, error.code.advice());
            tracing::error!(sync = %key, %connection, %error, advice, "a run could not be made");
            None
        }
    };
    inner.metrics.ended(turn.trigger, row.as_ref());
    let next = next(&inner, &key, began, row.as_ref()).await;
    inner.ended(&key, row.as_ref(), next);
}

async fn execute(inner: &Inner, key: &SyncKey, turn: Turn, observer: Arc<Watch>) -> Result<RunRow> {
    let catalog = &inner.catalog;
    let digest = catalog.digest_for(key)?;
    let ready = inner.loader.load(&digest).await?;
    let connection = catalog.connection(&key.connection)?;
    let limits = RunLimits {
        memory_bytes: Some(inner.memory_cap(key).await?),
        storage_bytes: inner.storage(&key.connection.environment),
        longest_wait: Some(WAIT_IN_RUN_MAX),
        ..RunLimits::default()
    };
    let request = RunRequest {
        scope: Arc::new(catalog.scope(&key.connection, &inner.runner.egress).await?),
        ready,
        key: key.clone(),
        trigger: turn.trigger,
        connection_config: catalog.config(&connection)?,
        limits,
        guard: DeleteGuard::DEFAULT,
        observer,
        tap: None,
        seed: rand::random(),
    };
    let begun = inner.runner.begin(request).await?;
    let live = Live {
        run: begun.id(),
        control: begun.control(),
    };
    Span::current().record("run", field::display(live.run));
    inner.state().began(key, live);
    inner.metrics.began(turn.due, inner.runner.clock.now());
    begun.execute().await
}

/// When the sync is due next. A sync whose frequency cannot be read is not due: that
/// stands in the log, and setting a frequency mends it.
async fn next(
    inner: &Inner,
    key: &SyncKey,
    began: Timestamp,
    row: Option<&RunRow>,
) -> Option<Timestamp> {
    let settings = inner.catalog.sync(key).ok()?;
    let failed = row.is_none_or(|row| matches!(row.state, RunState::Ended(Outcome::Failed { .. })));
    let failures = match failed {
        true => inner.state().standing(key, began).failures + 1,
        false => 0,
    };
    let now = inner.runner.clock.now();
    match entry::next(&inner.catalog, &settings, began, now, failures).await {
        Ok(next) => next,
        Err(error) => {
            tracing::error!(sync = %key, %error, "the sync cannot be scheduled");
            None
        }
    }
}

/// How it ended, for its trace. Only the error's code: its message may hold a provider's
/// words.
fn trace(span: &Span, executed: Result<&RunRow, &Error>) {
    let (outcome, error) = match executed.map(|row| &row.state) {
        Ok(RunState::Ended(outcome)) => (outcome.word(), outcome.error()),
        Ok(RunState::Running) => return,
        Err(error) => (NOT_STARTED, Some(error)),
    };
    span.record("outcome", outcome);
    if let Some(error) = error {
        span.record("error.type", error.code.as_str());
        span.record("otel.status_code", "ERROR");
    }
}

fn report(row: &RunRow) {
    let RunState::Ended(outcome) = &row.state else {
        return;
    };
    let (run, sync, wall_ms) = (row.id, &row.key, row.usage.wall_us / 1_000);
    match outcome.error() {
        Some(wait) if outcome.wait().is_some() => {
            let why = &wait.message;
            tracing::info!(%run, %sync, wall_ms, why, "a run ended before a long wait");
        }
        None => tracing::info!(%run, %sync, wall_ms, "a run succeeded"),
        Some(error) => tracing::warn!(%run, %sync, wall_ms, %error, "a run ended otherwise"),
    }
}
