//! Capabilities: the host's side of each interface that a sync may import, one file an
//! interface, by the interface's own name.
//!
//! A capability checks what the guest passed, calls the store or egress, and answers; it
//! never knows who asked for the run. Every call passes the one [`seam`].

pub(crate) mod bindings;
mod checkpoint;
pub mod control;
pub(crate) mod fetch;
mod leave;
mod log;
mod metadata;
mod records;
mod run;
pub mod seam;
pub mod trail;

use crate::clock::Clock;
use crate::egress::{Egress, EgressScope};
use crate::error::{Code, Error, Result};
use crate::limits;
use crate::memory::MemoryBudget;
use crate::model::json::RecordRules;
use crate::model::{
    BlockedDelete, HttpExchange, LogLevel, LogLine, Manifest, Misfits, ModelName, SaveMode,
    SaveSummary, SourceMap, Trigger, Usage,
};
use crate::store::{DeleteGuard, RunFence, Store};
use control::Control;
use jiff::Timestamp;
use leave::Leaving;
use seam::Seam;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use wasmtime::component::{HasSelf, Linker, ResourceTable};

pub use bindings::tidegate::sync::types::Error as GuestError;
pub(crate) use log::LogBuffer;

/// What a run is told about itself by the `run` interface.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Why it was started.
    pub trigger: Trigger,
    /// 1, or one more for each continuation.
    pub attempt: u32,
    /// When it started.
    pub started: Timestamp,
    /// When it is ended at the latest.
    pub deadline: Timestamp,
    /// The connection's configuration, a JSON object.
    pub connection_config: String,
    /// Whether it starts from a checkpoint.
    pub resumed: bool,
}

/// Somebody who watches a run as it goes, such as the CLI's progress bar. Called on the
/// run's own task: it must not block.
pub trait Observer: Send + Sync {
    /// The run is about to start; `memory` shows what it holds from here on.
    fn started(&self, memory: &MemoryBudget) {
        let _ = memory;
    }
    /// The guest said how far it is.
    fn progress(&self, message: &str, done: u32, total: Option<u32>) {
        let _ = (message, done, total);
    }
    /// A batch was saved.
    fn saved(&self, model: &ModelName, summary: SaveSummary) {
        let _ = (model, summary);
    }
    /// An HTTP exchange ended.
    fn exchanged(&self, exchange: &HttpExchange) {
        let _ = exchange;
    }
    /// A log line was written.
    fn logged(&self, line: &LogLine) {
        let _ = line;
    }
}

/// Nobody watches.
pub struct NoObserver;

impl Observer for NoObserver {}

/// What a run is given. All of it is fixed before the guest starts.
pub struct Grant {
    /// Facts for the guest.
    pub facts: Facts,
    /// The right to write.
    pub fence: RunFence,
    /// The sync's manifest.
    pub manifest: Arc<Manifest>,
    /// What the manifest asks of what the guest passes.
    pub schemas: Arc<Schemas>,
    /// How what the guest says names its author's files.
    pub source_map: Option<Arc<SourceMap>>,
    /// Where records go.
    pub store: Arc<dyn Store>,
    /// The way out.
    pub egress: Arc<dyn Egress>,
    /// What it may reach.
    pub scope: Arc<EgressScope>,
    /// When a delete pass is held.
    pub guard: DeleteGuard,
    /// Bytes that the records of its environment may take; above them no record is saved.
    pub storage_bytes: Option<u64>,
    /// Waits longer than this end the run where it can go on from a checkpoint without loss;
    /// `None` where it waits out all.
    pub longest_wait: Option<Duration>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Its memory.
    pub memory: MemoryBudget,
    /// How it is told to stop.
    pub control: Arc<Control>,
    /// Who watches.
    pub observer: Arc<dyn Observer>,
    /// Who records or disturbs its host calls.
    pub tap: Option<Arc<dyn seam::Tap>>,
}

/// The state of all capabilities of one run.
pub struct Context {
    facts: Facts,
    fence: RunFence,
    manifest: Arc<Manifest>,
    schemas: Arc<Schemas>,
    source_map: Option<Arc<SourceMap>>,
    misfits: BTreeMap<ModelName, Misfits>,
    strategies: BTreeMap<ModelName, SaveMode>,
    open_passes: BTreeSet<ModelName>,
    store: Arc<dyn Store>,
    egress: Arc<dyn Egress>,
    scope: Arc<EgressScope>,
    guard: DeleteGuard,
    storage_bytes: Option<u64>,
    leaving: Leaving,
    clock: Arc<dyn Clock>,
    memory: MemoryBudget,
    control: Arc<Control>,
    observer: Arc<dyn Observer>,
    seam: Seam,
    log: LogBuffer,
    /// Counters for the report.
    pub usage: Usage,
    /// Passes that were held back.
    pub blocked_deletes: Vec<BlockedDelete>,
    /// Remarks for the report.
    pub warnings: BTreeSet<String>,
    /// Resources of the guest, WASI's too.
    pub table: ResourceTable,
}

impl Context {
    /// Capabilities for one run.
    pub fn new(grant: Grant) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits::RESOURCES_MAX);
        let leaving = Leaving::new(grant.longest_wait, grant.facts.resumed);
        Context {
            schemas: grant.schemas,
            source_map: grant.source_map,
            misfits: BTreeMap::new(),
            seam: Seam::new(grant.tap, grant.control.clone()),
            log: LogBuffer::default(),
            facts: grant.facts,
            fence: grant.fence,
            manifest: grant.manifest,
            strategies: BTreeMap::new(),
            open_passes: BTreeSet::new(),
            store: grant.store,
            egress: grant.egress,
            scope: grant.scope,
            guard: grant.guard,
            storage_bytes: grant.storage_bytes,
            leaving,
            clock: grant.clock,
            memory: grant.memory,
            control: grant.control,
            observer: grant.observer,
            usage: Usage::default(),
            blocked_deletes: Vec::new(),
            warnings: BTreeSet::new(),
            table,
        }
    }

    /// The host calls so far and what they moved.
    pub fn seam(&self) -> &Seam {
        &self.seam
    }

    /// The memory that the run draws on.
    pub fn memory(&self) -> &MemoryBudget {
        &self.memory
    }

    /// Adds a line to the run's log on the host's behalf.
    pub fn note(&mut self, level: LogLevel, message: &str) {
        self.log_line(level, message, "");
    }

    /// Adds a line to the run's log, with the author's places for those of generated code.
    fn log_line(&mut self, level: LogLevel, message: &str, attributes: &str) {
        let (message, attributes) = (self.translate(message), self.translate(attributes));
        let now = self.clock.now();
        if let Some(line) = self.log.add(now, level, &message, &attributes) {
            self.observer.logged(&line);
        }
    }

    /// What the guest said, with the author's places for those of generated code.
    pub fn translate<'t>(&self, said: &'t str) -> Cow<'t, str> {
        match &self.source_map {
            Some(map) => map.translate(said),
            None => Cow::Borrowed(said),
        }
    }

    /// Counts records that do not fit their model's schema and are saved all the same.
    fn misfit(&mut self, model: &ModelName, found: Misfits) {
        if found.count > 0 {
            let known = self.misfits.entry(model.clone()).or_default();
            known.and(found);
        }
    }

    /// Says for each model how many records did not fit its schema, at the end of the run.
    pub fn tell_misfits(&mut self) {
        for (model, Misfits { count, first }) in std::mem::take(&mut self.misfits) {
            let (records, verbs) = match count {
                1 => ("record", "does not fit its schema and was"),
                _ => ("records", "do not fit its schema and were"),
            };
            let warning = format!(
                "{count} {records} of {model} {verbs} saved all the same, as its manifest wants \
                 (`enforce` is false); the first: {first}"
            );
            self.note(LogLevel::Warn, &warning);
            self.warnings.insert(warning);
        }
    }

    /// Log lines that were not written yet, at the end of the run.
    pub fn take_log(&mut self) -> Vec<LogLine> {
        self.log.close(self.clock.now());
        self.log.take()
    }

    /// Whether a delete pass that the guest opened is still open.
    pub fn has_open_pass(&self, model: &ModelName) -> bool {
        self.open_passes.contains(model)
    }

    /// Writes the log lines gathered so far, so that they outlive the host.
    async fn flush_log(&mut self) -> Result<()> {
        match self.log.is_due() {
            true => self.write_log().await,
            false => self.flush_late_log().await,
        }
    }

    /// Writes them if they have waited for long.
    async fn flush_late_log(&mut self) -> Result<()> {
        match self.log.is_late(self.clock.now()) {
            true => self.write_log().await,
            false => Ok(()),
        }
    }

    async fn write_log(&mut self) -> Result<()> {
        let lines = self.log.take();
        self.store.append_log(&self.fence, lines).await
    }
}

/// What a manifest asks of records, checkpoint and metadata, compiled once for each
/// deployment: compiling takes longer than starting a run.
pub struct Schemas {
    models: BTreeMap<ModelName, Arc<RecordRules>>,
    checkpoint: Option<jsonschema::Validator>,
    metadata: jsonschema::Validator,
}

impl Schemas {
    /// Compiles what `manifest` asks; `component.rejected` where a schema is none.
    pub fn of(manifest: &Manifest) -> Result<Self> {
        let models = manifest.models.iter();
        Ok(Schemas {
            models: models
                .map(|(name, model)| (name.clone(), Arc::new(RecordRules::of(model))))
                .collect(),
            checkpoint: manifest
                .checkpoint
                .as_ref()
                .map(|it| compiled(it, "checkpoint"))
                .transpose()?,
            // Metadata without a schema may be any object.
            metadata: compiled(
                manifest.metadata.as_ref().unwrap_or(&true.into()),
                "metadata",
            )?,
        })
    }
}

fn compiled(schema: &serde_json::Value, what: &str) -> Result<jsonschema::Validator> {
    jsonschema::validator_for(schema).map_err(|error| {
        Error::new(
            Code::ComponentRejected,
            format!("the manifest's {what} schema: {error}"),
        )
    })
}

/// Gives `T` every import of the contract; `context` finds the capabilities in it.
pub fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    context: fn(&mut T) -> &mut Context,
) -> wasmtime::Result<()> {
    use bindings::tidegate::sync as interface;
    interface::types::add_to_linker::<T, HasSelf<Context>>(linker, context)?;
    interface::fetch::add_to_linker::<T, HasSelf<Context>>(linker, context)?;
    interface::records::add_to_linker::<T, HasSelf<Context>>(linker, context)?;
    interface::checkpoint::add_to_linker::<T, HasSelf<Context>>(linker, context)?;
    interface::metadata::add_to_linker::<T, HasSelf<Context>>(linker, context)?;
    interface::log::add_to_linker::<T, HasSelf<Context>>(linker, context)?;
    interface::run::add_to_linker::<T, HasSelf<Context>>(linker, context)
}

impl bindings::tidegate::sync::types::Host for Context {}

/// A limit on how long one host call may take.
const CALL_TIME: Duration = limits::HOST_CALL_TIME;
