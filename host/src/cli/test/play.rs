//! Runs a sync against a fixture: the sandbox, the host calls and the store are those of
//! every run; only what would go out is answered from the fixture.

use super::compare::{self, Difference};
use super::fixture::{Case, Connection, Expected, Fixture};
use super::observe::{Mark, Passed, saved};
use super::own::SUCCESS;
use super::tape::Unanswered;
use crate::capability::NoObserver;
use crate::clock::{Clock, StillClock};
use crate::deploy::Ready;
use crate::egress::policy::{EgressPolicy, HostRule};
use crate::egress::recorded::RecordedEgress;
use crate::egress::{Conduct, Credentials, EgressScope, Placeholder};
use crate::error::{Code, Error, Result};
use crate::model::{
    ConnectionKey, LogLine, Outcome, Place, RunId, RunRow, RunState, SyncKey, Trigger, Variant,
};
use crate::run::{RunLimits, RunRequest, Runner};
use crate::sandbox::Sandbox;
use crate::store::memory::MemoryStore;
use crate::store::{DeleteGuard, RunEnd, RunFence, RunStart, Store};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use std::sync::Arc;
use url::Url;

/// Start of a guest's random sources in recordings and tests, so that both draw the same.
pub(super) const SEED: u64 = 0;

/// What all fixtures of a component share.
pub(super) struct Bench {
    /// Runs components.
    pub(super) sandbox: Sandbox,
    /// The component.
    pub(super) ready: Ready,
    /// Memory cap in bytes; else what the manifest asks for.
    pub(super) memory: Option<u64>,
    /// When the first run starts, in the place of the fixture's word.
    pub(super) now: Option<Timestamp>,
    /// The connection, in the place of the fixture's.
    pub(super) connection: Option<Connection>,
}

/// What came of one run.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Played {
    /// The ways in which it is not what was expected.
    pub(super) differences: Vec<Difference>,
    /// Requests that the fixture has no answer to.
    pub(super) unanswered: Vec<Unanswered>,
    /// Whether a sync may do without an answer, as in Nango's tests.
    #[serde(skip)]
    pub(super) may_lack_answers: bool,
    /// Exchanges of the fixture that answered nothing: their places and requests.
    pub(super) unused: Vec<(String, String)>,
    /// Records that it saved.
    pub(super) saved: u64,
    /// Records that it deleted.
    pub(super) deleted: u64,
    /// Requests that were answered.
    pub(super) answered: u64,
    /// Why it ended, if not well.
    pub(super) error: Option<Error>,
    /// Its log.
    pub(super) log: Vec<LogLine>,
    /// Its report.
    pub(super) run: RunRow,
}

impl Played {
    /// Whether it is what was expected.
    pub(super) fn is_ok(&self) -> bool {
        self.differences.is_empty() && (self.may_lack_answers || self.unanswered.is_empty())
    }
}

/// One fixture under way.
struct Stage<'a> {
    bench: &'a Bench,
    fixture: &'a Fixture,
    connection: Connection,
    store: Arc<MemoryStore>,
    clock: Arc<StillClock>,
    key: SyncKey,
}

/// Plays the runs of a fixture one after the other, on one store.
pub(super) async fn play(bench: &Bench, fixture: &Fixture) -> Result<Vec<Played>> {
    let now = bench.now.or(fixture.now).unwrap_or_else(Timestamp::now);
    let clock = Arc::new(StillClock::new(now));
    let connection = joined(bench.connection.as_ref(), &fixture.connection);
    let key = SyncKey {
        connection: ConnectionKey::new(
            "default",
            connection.integration.as_deref().unwrap_or("local"),
            connection.id.as_deref().unwrap_or("local"),
        )?,
        sync: bench.ready.manifest.name.clone(),
        variant: Variant::new("base")?,
    };
    let stage = Stage {
        bench,
        fixture,
        store: Arc::new(MemoryStore::new(clock.clone())),
        clock,
        connection,
        key,
    };
    let deployment = bench.ready.deployment.clone();
    stage.store.put_deployment(deployment).await?;
    let metadata = Value::Object(stage.connection.metadata.clone()).to_string();
    let connection = &stage.key.connection;
    stage
        .store
        .put_metadata(connection, &metadata, false)
        .await?;
    let mut all: Vec<Played> = Vec::new();
    for case in &fixture.runs {
        let before = all.last().map(|played| &played.run);
        all.push(stage.run(case, before).await?);
    }
    Ok(all)
}

/// A connection whose members given by a flag take the place of the file's.
fn joined(flag: Option<&Connection>, file: &Connection) -> Connection {
    let Some(flag) = flag else {
        return file.clone();
    };
    let members = |own: &Map<String, Value>, other: &Map<String, Value>| match own.is_empty() {
        true => other.clone(),
        false => own.clone(),
    };
    Connection {
        id: flag.id.clone().or_else(|| file.id.clone()),
        integration: flag
            .integration
            .clone()
            .or_else(|| file.integration.clone()),
        config: members(&flag.config, &file.config),
        metadata: members(&flag.metadata, &file.metadata),
        credentials: file.credentials.clone(),
    }
}

impl Stage<'_> {
    async fn run(&self, case: &Case, before: Option<&RunRow>) -> Result<Played> {
        if let Some(now) = case.now {
            self.clock.set(now);
        }
        if let Some(checkpoint) = &case.checkpoint {
            self.put_checkpoint(checkpoint.to_string()).await?;
        }
        let manifest = &self.bench.ready.manifest;
        let mark = Mark::now(&*self.store, &self.key, manifest).await?;
        let passed = Arc::new(Passed::default());
        let clock: Arc<dyn Clock> = self.clock.clone();
        let runner = Runner {
            sandbox: self.bench.sandbox.clone(),
            store: self.store.clone(),
            egress: Arc::new(RecordedEgress::new(case.tape.clone(), clock.clone())),
            clock,
        };
        let goes_on = before.is_some_and(is_interrupted);
        let row = runner
            .execute(self.request(case, &passed, goes_on)?)
            .await?;
        let log = self.store.run_log(row.id).await?;
        let (records, deleted) = match case.expected.as_passed {
            true => (passed.saved(), passed.deleted()),
            false => (
                saved(&*self.store, &self.key, manifest, &passed).await?,
                mark.deleted(&*self.store, &self.key).await?,
            ),
        };
        let metadata = self.store.metadata(&self.key.connection).await?;
        let differences = differences(&case.expected, &records, &deleted, &row, &metadata);
        let (unanswered, answered) = case.tape.unanswered();
        let count = |sizes: &mut dyn Iterator<Item = usize>| sizes.sum::<usize>() as u64;
        Ok(Played {
            differences,
            unanswered,
            may_lack_answers: case.expected.as_passed,
            answered,
            unused: case.tape.unused(),
            saved: count(&mut records.values().map(Vec::len)),
            deleted: count(&mut deleted.values().map(Vec::len)),
            error: error_of(&row).cloned(),
            log,
            run: row,
        })
    }

    fn request(&self, case: &Case, passed: &Arc<Passed>, goes_on: bool) -> Result<RunRequest> {
        let trigger = match goes_on {
            true => Trigger::Continuation,
            false => Trigger::Manual,
        };
        let base_url = Some(self.fixture.base_url.clone());
        Ok(RunRequest {
            ready: self.bench.ready.clone(),
            key: self.key.clone(),
            trigger,
            scope: Arc::new(EgressScope {
                connection: self.key.connection.to_string(),
                policy: Arc::new(policy(base_url.iter().chain(case.tape.urls()))?),
                base_url,
                credentials: Arc::new(self.credentials()),
                conduct: Arc::new(Conduct::default()),
            }),
            connection_config: Value::Object(self.connection.config.clone()).to_string(),
            limits: RunLimits {
                memory_bytes: self.bench.memory,
                ..RunLimits::default()
            },
            guard: DeleteGuard::OFF,
            observer: Arc::new(NoObserver),
            tap: Some(passed.clone()),
            seed: SEED,
        })
    }

    /// No header and no parameter: only what the fixture has for placeholders.
    fn credentials(&self) -> Credentials {
        let placeholder = |(name, value): (&String, &String)| {
            let value = Some(value.clone());
            let places = [Place::Query, Place::Body].into();
            (name.clone(), Placeholder { value, places })
        };
        Credentials {
            placeholders: self
                .connection
                .credentials
                .iter()
                .map(placeholder)
                .collect(),
            ..Credentials::default()
        }
    }

    /// Puts a checkpoint as an earlier run would have.
    async fn put_checkpoint(&self, json: String) -> Result<()> {
        let now = self.clock.now();
        let fence = RunFence {
            run: RunId::new(0, rand::random()),
            key: self.key.clone(),
        };
        let start = RunStart {
            run: fence.run,
            key: self.key.clone(),
            digest: self.bench.ready.deployment.digest,
            version: self.bench.ready.manifest.version.clone(),
            trigger: Trigger::Manual,
            started: now,
            memory_cap_bytes: 0,
        };
        self.store.begin_run(start).await?;
        self.store.put_checkpoint(&fence, Some(json)).await?;
        let end = RunEnd::new(Outcome::Success, now);
        self.store.finish_run(&fence, end).await?;
        Ok(())
    }
}

/// Every public host may be asked, and the private ones that the fixture answers for: a
/// test is about what the sync does, and nothing leaves this machine.
fn policy<'a>(urls: impl Iterator<Item = &'a Url>) -> Result<EgressPolicy> {
    let open = EgressPolicy::default()
        .allow_any_host()
        .allow_any_port()
        .allow_plain_http();
    let mut hosts: Vec<HostRule> = Vec::new();
    for url in urls {
        let rule = HostRule::of_base(url)?;
        if !hosts.contains(&rule) {
            hosts.push(rule);
        }
    }
    Ok(hosts.into_iter().fold(open, EgressPolicy::allow))
}

fn is_interrupted(row: &RunRow) -> bool {
    matches!(&row.state, RunState::Ended(Outcome::Interrupted { .. }))
}

fn error_of(row: &RunRow) -> Option<&Error> {
    match &row.state {
        RunState::Ended(outcome) => outcome.error(),
        RunState::Running => None,
    }
}

/// How a run ended, as `expected.outcome` has it.
pub(super) fn outcome_of(row: &RunRow) -> String {
    error_of(row).map_or_else(|| SUCCESS.to_owned(), |error| error.code.to_string())
}

fn differences(
    expected: &Expected,
    records: &compare::Records,
    deleted: &compare::Ids,
    row: &RunRow,
    metadata: &str,
) -> Vec<Difference> {
    let mut found = compare::records(&expected.records, records);
    if let Some(wanted) = &expected.deleted {
        let looked_at = |model: &String| !expected.as_passed || wanted.contains_key(model);
        let mut deleted = deleted.clone();
        deleted.retain(|model, _| looked_at(model));
        found.extend(compare::deleted(wanted, &deleted));
    }
    let parsed = |json: &str| serde_json::from_str(json).unwrap_or(Value::Null);
    if let Some(wanted) = &expected.checkpoint {
        let got = row.checkpoint_after.as_deref().map_or(Value::Null, parsed);
        let fields = compare::fields(wanted, &got);
        found.extend((!fields.is_empty()).then_some(Difference::Checkpoint { fields }));
    }
    if let Some(wanted) = &expected.metadata {
        let fields = compare::fields(wanted, &parsed(metadata));
        found.extend((!fields.is_empty()).then_some(Difference::Metadata { fields }));
    }
    let got = outcome_of(row);
    if got != expected.outcome {
        found.push(Difference::Outcome {
            expected: expected.outcome.clone(),
            got,
            message: error_of(row).map(|error| error.message.clone()),
        });
    }
    found
}

/// The error of a fixture that names what no connection can be called.
pub(super) fn in_fixture(fixture: &Fixture, error: Error) -> Error {
    let file = fixture.file.display();
    match error.code {
        Code::InvalidArgument => error.context(format!("the fixture `{file}`")),
        _ => error,
    }
}
