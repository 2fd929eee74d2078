//! A run from start to report.
//!
//! execute → outcome → deletes → report. The store gives a (connection, sync, variant)
//! to one run at a time and writes the end of it in one commit; what a run saved before
//! it failed stays, and so does its checkpoint, from where the next one goes on.

mod post_mortem;

use crate::capability::control::Control;
use crate::capability::seam::Tap;
use crate::capability::{Context, Facts, Grant, Observer};
use crate::clock::Clock;
use crate::deploy::Ready;
use crate::egress::{Egress, EgressScope};
use crate::error::{Code, Error, Result};
use crate::limits;
use crate::memory::MemoryBudget;
use crate::model::{LogLevel, ModelName, Outcome, RunId, RunRow, SyncKey, SyncType, Trigger};
use crate::sandbox::{CpuLimits, Ended, Sandbox};
use crate::store::{DeleteGuard, RunBegun, RunEnd, RunFence, RunStart, Store};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// The parts of a host that runs need; one for the process.
#[derive(Clone)]
pub struct Runner {
    /// Runs components.
    pub sandbox: Sandbox,
    /// Where records go.
    pub store: Arc<dyn Store>,
    /// The way out.
    pub egress: Arc<dyn Egress>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// What one run is given by whoever asked for it.
#[derive(Clone)]
pub struct RunRequest {
    /// What to run.
    pub ready: Ready,
    /// For which connection and variant.
    pub key: SyncKey,
    /// Why.
    pub trigger: Trigger,
    /// What it may reach, and with which credentials.
    pub scope: Arc<EgressScope>,
    /// The connection's configuration, a JSON object.
    pub connection_config: String,
    /// Its limits.
    pub limits: RunLimits,
    /// When a delete pass is held.
    pub guard: DeleteGuard,
    /// Who watches.
    pub observer: Arc<dyn Observer>,
    /// Who records or disturbs its host calls.
    pub tap: Option<Arc<dyn Tap>>,
    /// Start of the guest's random sources; a replay passes the same.
    pub seed: u64,
}

/// The limits of one run, with the defaults of [`crate::limits`].
#[derive(Clone, Copy, Debug)]
pub struct RunLimits {
    /// Memory in bytes; `None` takes the manifest's wish, or else the default.
    pub memory_bytes: Option<u64>,
    /// CPU between two host calls.
    pub cpu_between_calls: Duration,
    /// CPU of the whole run.
    pub cpu: Duration,
    /// Wall time after which it ends at its next checkpoint.
    pub time_soft: Duration,
    /// Wall time after which it ends at once.
    pub time_hard: Duration,
    /// Bytes that the records of its environment may take; above them no record is saved.
    pub storage_bytes: Option<u64>,
    /// Waits longer than this end the run as interrupted where it can go on from a checkpoint
    /// without loss. `None`: it waits out all, for nobody continues it.
    pub longest_wait: Option<Duration>,
}

impl Default for RunLimits {
    fn default() -> Self {
        RunLimits {
            memory_bytes: None,
            cpu_between_calls: limits::RUN_CPU_BETWEEN_CALLS,
            cpu: limits::RUN_CPU,
            time_soft: limits::RUN_TIME_SOFT,
            time_hard: limits::RUN_TIME_HARD,
            storage_bytes: None,
            longest_wait: None,
        }
    }
}

impl RunRequest {
    fn memory_bytes(&self) -> Result<u64> {
        let wish = self
            .ready
            .manifest
            .memory
            .map(|memory| u64::from(memory) * limits::MIB);
        let bytes = self
            .limits
            .memory_bytes
            .or(wish)
            .unwrap_or(limits::RUN_MEMORY_BYTES);
        if bytes < limits::RUN_MEMORY_BYTES_MIN {
            let (has, least) = (
                bytes / limits::KIB,
                limits::RUN_MEMORY_BYTES_MIN / limits::KIB,
            );
            return Err(Error::new(
                Code::InvalidArgument,
                format!("a memory cap of {has} KiB is under the least of {least} KiB"),
            ));
        }
        Ok(bytes)
    }
}

/// A run that was given its sync and connection and is about to start.
pub struct Begun {
    runner: Runner,
    request: RunRequest,
    fence: RunFence,
    begun: RunBegun,
    memory: MemoryBudget,
    control: Arc<Control>,
    started: Instant,
}

impl Runner {
    /// Takes the (connection, sync, variant) for a new run. `run.conflict` if another is
    /// live.
    pub async fn begin(&self, request: RunRequest) -> Result<Begun> {
        let memory = MemoryBudget::new(request.memory_bytes()?);
        let now = self.clock.now();
        let run = fresh_id(now);
        let start = RunStart {
            run,
            key: request.key.clone(),
            digest: request.ready.deployment.digest,
            version: request.ready.manifest.version.clone(),
            trigger: request.trigger,
            started: now,
            memory_cap_bytes: memory.cap(),
        };
        let begun = self.store.begin_run(start).await?;
        let started = Instant::now();
        let control = Control::new(
            started + request.limits.time_soft,
            started + request.limits.time_hard,
        );
        let fence = RunFence {
            run,
            key: request.key.clone(),
        };
        Ok(Begun {
            runner: self.clone(),
            request,
            fence,
            begun,
            memory,
            control: Arc::new(control),
            started,
        })
    }

    /// One run, from start to report.
    pub async fn execute(&self, request: RunRequest) -> Result<RunRow> {
        self.begin(request).await?.execute().await
    }
}

impl Begun {
    /// The run's id.
    pub fn id(&self) -> RunId {
        self.fence.run
    }

    /// How it can be told to stop.
    pub fn control(&self) -> Arc<Control> {
        self.control.clone()
    }

    /// Runs the guest and writes the report. An error here means that the report could
    /// not be written; how the guest fared stands in the row.
    pub async fn execute(self) -> Result<RunRow> {
        if self.begun.interrupted_without_progress >= limits::INTERRUPTIONS_WITHOUT_PROGRESS_MAX {
            return self.refuse_stalled().await;
        }
        if let Err(error) = self.open_passes().await {
            return self.finish_without_guest(error).await;
        }
        let ended = self.run_guest(self.context()).await;
        self.finish(ended).await
    }

    async fn run_guest(&self, context: Context) -> Ended {
        let cpu = CpuLimits {
            between_calls: self.request.limits.cpu_between_calls,
            total: self.request.limits.cpu,
        };
        let (sandbox, clock) = (&self.runner.sandbox, self.runner.clock.clone());
        sandbox
            .run(
                &self.request.ready.compiled,
                context,
                cpu,
                &self.control,
                clock,
                self.request.seed,
            )
            .await
    }

    fn context(&self) -> Context {
        self.request.observer.started(&self.memory);
        let now = self.runner.clock.now();
        Context::new(Grant {
            facts: Facts {
                trigger: self.request.trigger,
                attempt: self.begun.attempt,
                started: now,
                deadline: now
                    .checked_add(self.request.limits.time_hard)
                    .unwrap_or(jiff::Timestamp::MAX),
                connection_config: self.request.connection_config.clone(),
                resumed: self.begun.checkpoint.is_some(),
            },
            fence: self.fence.clone(),
            manifest: self.request.ready.manifest.clone(),
            schemas: self.request.ready.schemas.clone(),
            source_map: self.request.ready.source_map.clone(),
            store: self.runner.store.clone(),
            egress: self.runner.egress.clone(),
            scope: self.request.scope.clone(),
            guard: self.request.guard,
            storage_bytes: self.request.limits.storage_bytes,
            longest_wait: self.longest_wait(),
            clock: self.runner.clock.clone(),
            memory: self.memory.clone(),
            control: self.control.clone(),
            observer: self.request.observer.clone(),
            tap: self.request.tap.clone(),
        })
    }

    /// A sync that came to the same wait again and again waits it out.
    fn longest_wait(&self) -> Option<Duration> {
        let waits = self.begun.waits_without_progress;
        let longest = self.request.limits.longest_wait;
        longest.filter(|_| waits < limits::WAITS_WITHOUT_PROGRESS_MAX)
    }

    /// Models whose deletes the host tracks by itself: `trackDeletes` of a full sync.
    fn tracked(&self) -> Vec<ModelName> {
        let manifest = &self.request.ready.manifest;
        let tracked = manifest.track_deletes && manifest.sync_type == SyncType::Full;
        if tracked {
            manifest.models.keys().cloned().collect()
        } else {
            Vec::new()
        }
    }

    async fn open_passes(&self) -> Result<()> {
        for model in self.tracked() {
            self.runner
                .store
                .open_pass(&self.fence, &model, self.begun.checkpoint.is_some())
                .await?;
        }
        Ok(())
    }

    async fn finish(&self, ended: Ended) -> Result<RunRow> {
        let Ended {
            result,
            mut context,
            cpu,
            backtrace,
            stderr_tail,
        } = ended;
        let outcome = outcome(result.map_err(|mut error| {
            error.message = context.translate(&error.message).into_owned();
            error
        }));
        let next = self
            .runner
            .store
            .checkpoint(&self.fence.key)
            .await?
            .map(|checkpoint| checkpoint.json);
        // One that ended before a long wait did not end badly.
        let ended_badly = outcome.error().filter(|_| outcome.wait().is_none());
        let post_mortem = ended_badly.map(|error| {
            let found = post_mortem::Found {
                error,
                memory: &self.memory,
                backtrace,
                stderr_tail,
                next_checkpoint: next,
            };
            post_mortem::write(found, &context.seam().trail().facts(), context.usage.saves)
        });
        match (&post_mortem, outcome.error()) {
            (Some(post_mortem), _) => context.note(LogLevel::Error, &post_mortem.verdict),
            (None, Some(wait)) => context.note(LogLevel::Info, &wait.message),
            (None, None) => {}
        }
        context.tell_misfits();
        let mut usage = std::mem::take(&mut context.usage);
        usage.calls = context
            .seam()
            .calls()
            .load(std::sync::atomic::Ordering::Relaxed);
        usage.memory_cap_bytes = self.memory.cap();
        usage.memory_peak_bytes = self.memory.peak();
        usage.cpu_us = u64::try_from(cpu.as_micros()).unwrap_or(u64::MAX);
        usage.wall_us = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX);
        let close_passes = if matches!(outcome, Outcome::Success) {
            self.tracked()
        } else {
            Vec::new()
        };
        let end = RunEnd {
            outcome,
            ended: self.runner.clock.now(),
            usage,
            blocked_deletes: std::mem::take(&mut context.blocked_deletes),
            warnings: std::mem::take(&mut context.warnings).into_iter().collect(),
            post_mortem,
            log: context.take_log(),
            close_passes,
            guard: self.request.guard,
        };
        self.runner.store.finish_run(&self.fence, end).await
    }

    async fn refuse_stalled(&self) -> Result<RunRow> {
        let times = self.begun.interrupted_without_progress;
        let message = format!(
            "{times} executions in a row were interrupted while the checkpoint stood still; \
             save checkpoints more often or raise the soft time limit"
        );
        self.finish_without_guest(Error::new(Code::RunStalled, message))
            .await
    }

    /// Ends a run whose guest never started.
    async fn finish_without_guest(&self, error: Error) -> Result<RunRow> {
        let end = RunEnd {
            outcome: Outcome::Failed { error },
            ended: self.runner.clock.now(),
            usage: crate::model::Usage {
                memory_cap_bytes: self.memory.cap(),
                ..Default::default()
            },
            blocked_deletes: Vec::new(),
            warnings: Vec::new(),
            post_mortem: None,
            log: Vec::new(),
            close_passes: Vec::new(),
            guard: self.request.guard,
        };
        self.runner.store.finish_run(&self.fence, end).await
    }
}

/// An id that is greater than every one before it in this process, also for runs of one
/// millisecond and after the clock was set back: runs are listed by their ids.
fn fresh_id(now: jiff::Timestamp) -> RunId {
    static LAST: Mutex<Option<RunId>> = Mutex::new(None);
    let millis = u64::try_from(now.as_millisecond()).unwrap_or_default();
    let fresh = RunId::new(millis, rand::random());
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    let fresh = last.map_or(fresh, |last| fresh.max(last.next()));
    *last = Some(fresh);
    fresh
}

/// How a run ended, from what its guest did.
fn outcome(result: Result<()>) -> Outcome {
    match result {
        Ok(()) => Outcome::Success,
        Err(error) if error.code == Code::RunInterrupted => Outcome::Interrupted { error },
        Err(error) if error.code == Code::RunCancelled => Outcome::Cancelled { error },
        Err(error) => Outcome::Failed { error },
    }
}
