//! The sandbox: one component, one fresh store, one run, never used again.
//!
//! Three walls stand round a guest: the memory cap ([`memory`], a sum), the CPU limits
//! ([`deadline`], epochs and a meter), and the clock (a deadline on the run and on every
//! host call). A guest that passes one is unwound and cannot catch it.

mod allocation;
mod cache;
mod deadline;
mod ending;
mod engine;
mod memory;
mod state;
mod stdio;
mod traps;

pub use allocation::Allocation;
pub use deadline::CpuLimits;
pub use engine::{Compiled, Sandbox, SandboxOptions};

use crate::capability::control::Control;
use crate::capability::{Context, GuestError};
use crate::clock::Clock;
use crate::error::{Code, Error, Result};
use crate::limits;
use crate::memory::MemoryBudget;
use crate::model::LogLevel;
use deadline::{CpuGauge, Metered};
use memory::RunLimiter;
use state::RunState;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use stdio::Stdio;
use tokio::sync::OwnedSemaphorePermit;
use wasmtime::component::{InstancePre, Linker};
use wasmtime::{Store, UpdateDeadline};

/// How a guest's `run` came out.
pub struct Ended {
    /// Ok if the guest returned ok.
    pub result: Result<()>,
    /// The capabilities, with their counters.
    pub context: Context,
    /// CPU time, guest and host calls together.
    pub cpu: Duration,
    /// The guest's functions where it trapped, innermost first.
    pub backtrace: Vec<String>,
    /// The end of what it wrote to stderr.
    pub stderr_tail: String,
}

/// Bytes of stderr that the report keeps.
const STDERR_TAIL_BYTES: usize = 4 * 1024;

impl Sandbox {
    /// Runs a component's `run` with these capabilities, within the limits.
    pub async fn run(
        &self,
        compiled: &Compiled,
        context: Context,
        cpu: CpuLimits,
        control: &Control,
        clock: Arc<dyn Clock>,
        seed: u64,
    ) -> Ended {
        let _slot = self.slot().await;
        let memory = context.memory().clone();
        let (calls, trail) = (
            context.seam().calls().clone(),
            context.seam().trail().clone(),
        );
        let (stdout, stderr) = (Stdio::default(), Stdio::default());
        let wasi = state::wasi(clock, seed, stdout.clone(), stderr.clone());
        let state = RunState::new(Some(context), RunLimiter::new(memory.clone(), trail), wasi);
        let gauge = Arc::<CpuGauge>::default();
        let mut store = self.store(state, gauge.clone());
        let call = Metered::new(
            call_run(&compiled.pre, &mut store),
            gauge.clone(),
            cpu,
            calls,
        );
        let outcome = tokio::select! {
            outcome = call => outcome,
            error = control.until_cancelled() => Err(error),
            () = tokio::time::sleep_until(control.hard_deadline()) => {
                Err(Error::new(Code::LimitTime, "the run reached its hard time limit"))
            }
        };
        let mut context = match store.into_data().context {
            Some(context) => context,
            None => unreachable!("the store was made with a context"),
        };
        let said = pour_into_log(&mut context, &stdout, &stderr);
        let (result, backtrace) = match outcome {
            Err(error) => (Err(error), Vec::new()),
            Ok(Ok(Ok(()))) => (succeeded(&mut context, &memory), Vec::new()),
            Ok(Ok(Err(error))) => (Err(returned(&context, error, &memory)), Vec::new()),
            Ok(Err(trap)) => (
                Err(ending::of_trap(&trap, &memory, &gauge, &said)),
                ending::backtrace(&trap),
            ),
        };
        Ended {
            result,
            context,
            cpu: gauge.used(),
            backtrace,
            stderr_tail: tail(&said),
        }
    }

    /// Calls a component's `describe` with every import of ours trapping, in at most
    /// `memory_bytes` and one second of CPU.
    pub async fn describe(
        &self,
        compiled: &Compiled,
        memory_bytes: u64,
        clock: Arc<dyn Clock>,
    ) -> Result<String> {
        let _slot = self.slot().await;
        let memory = MemoryBudget::new(memory_bytes);
        let (stdout, stderr) = (Stdio::default(), Stdio::default());
        let wasi = state::wasi(clock, 0, stdout, stderr.clone());
        let state = RunState::new(None, RunLimiter::new(memory.clone(), Arc::default()), wasi);
        let gauge = Arc::<CpuGauge>::default();
        let mut store = self.store(state, gauge.clone());
        let limits = CpuLimits {
            between_calls: limits::DESCRIBE_CPU,
            total: limits::DESCRIBE_CPU,
        };
        let pre = self.without_capabilities(compiled)?;
        let call = Metered::new(
            call_describe(&pre, &mut store),
            gauge.clone(),
            limits,
            Arc::default(),
        );
        let outcome = tokio::time::timeout(limits::HOST_CALL_TIME, call).await;
        let failed = |error: Error| {
            Error::new(
                Code::ComponentRejected,
                format!("its `describe` failed: {error}"),
            )
        };
        match outcome {
            Err(_) => Err(failed(Error::new(
                Code::LimitTime,
                format!("it took longer than {:?}", limits::HOST_CALL_TIME),
            ))),
            Ok(Err(error)) => Err(failed(error)),
            Ok(Ok(Err(trap))) => Err(failed(ending::of_trap(
                &trap,
                &memory,
                &gauge,
                &stderr.take().0,
            ))),
            Ok(Ok(Ok(manifest))) => Ok(manifest),
        }
    }

    /// Waits for a slot, where there are only so many. Held until the run's store is gone.
    async fn slot(&self) -> Option<OwnedSemaphorePermit> {
        let slots = self.slots.clone()?;
        // The semaphore is never closed.
        slots.acquire_owned().await.ok()
    }

    fn store(&self, state: RunState, gauge: Arc<CpuGauge>) -> Store<RunState> {
        let mut store = Store::new(&self.engine, state);
        store.limiter(|state| &mut state.limiter);
        store.set_hostcall_fuel(limits::HOSTCALL_FUEL_BYTES);
        store.set_max_component_handles(limits::COMPONENT_HANDLES_MAX);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |_| match gauge.over() {
            Some(error) => Err(wasmtime::Error::new(crate::capability::seam::EndRun(error))),
            None => Ok(UpdateDeadline::Yield(1)),
        });
        store
    }

    fn without_capabilities(&self, compiled: &Compiled) -> Result<InstancePre<RunState>> {
        let linked = || -> wasmtime::Result<_> {
            let mut linker = Linker::new(&self.engine);
            state::add_wasi_to_linker(&mut linker)?;
            // Not `define_unknown_imports_as_traps`: for a component built against the very
            // WASI version of this host it fills in type aliases and breaks the link.
            let why = "`describe` may call no import";
            for names in [traps::CONTRACT, traps::SOCKETS] {
                traps::link(&mut linker, &compiled.component, names, why)?;
            }
            linker.instantiate_pre(&compiled.component)
        };
        linked().map_err(|error| {
            Error::new(
                Code::ComponentRejected,
                format!("it cannot be described: {error:#}"),
            )
        })
    }
}

async fn call_run(
    pre: &InstancePre<RunState>,
    store: &mut Store<RunState>,
) -> wasmtime::Result<std::result::Result<(), GuestError>> {
    let instance = pre.instantiate_async(&mut *store).await?;
    let run = instance
        .get_typed_func::<(), (std::result::Result<(), GuestError>,)>(&mut *store, "run")?;
    let (result,) = run.call_async(&mut *store, ()).await?;
    Ok(result)
}

async fn call_describe(
    pre: &InstancePre<RunState>,
    store: &mut Store<RunState>,
) -> wasmtime::Result<String> {
    let instance = pre.instantiate_async(&mut *store).await?;
    let describe = instance.get_typed_func::<(), (String,)>(&mut *store, "describe")?;
    let (manifest,) = describe.call_async(&mut *store, ()).await?;
    Ok(manifest)
}

/// Turns what the guest wrote to stdout and stderr into log lines; answers stderr.
fn pour_into_log(context: &mut Context, stdout: &Stdio, stderr: &Stdio) -> String {
    let (out, out_dropped) = stdout.take();
    let (err, err_dropped) = stderr.take();
    // As a whole: a stack goes over several lines.
    let [out, err] = [out, err].map(|text| context.translate(&text).into_owned());
    for (text, level) in [(&out, LogLevel::Info), (&err, LogLevel::Warn)] {
        text.lines()
            .filter(|line| !line.trim().is_empty())
            .for_each(|line| context.note(level, line));
    }
    for (name, dropped) in [("stdout", out_dropped), ("stderr", err_dropped)] {
        if dropped > 0 {
            context.note(
                LogLevel::Warn,
                &format!("{dropped} bytes more of {name} were dropped"),
            );
        }
    }
    err
}

/// A run that returned ok: suspect if it never called the host, and told if its memory
/// was refused on the way.
fn succeeded(context: &mut Context, memory: &MemoryBudget) -> Result<()> {
    if context.seam().calls().load(Ordering::Relaxed) == 0 {
        let message = "`run` returned ok without a single host call, so nothing can have been synced; \
                       in JavaScript the cause is mostly an async `run` in a component built for a plain one";
        return Err(Error::new(Code::GuestError, message));
    }
    if let Some(wanted) = memory.refused() {
        let warning = format!(
            "memory was refused once (wanted {wanted} of {} bytes) and the guest went on",
            memory.cap()
        );
        context.warnings.insert(warning);
    }
    Ok(())
}

/// An error that the guest returned: with the host's own code if the host gave it that
/// code in this run, else as the guest's.
fn returned(context: &Context, error: GuestError, memory: &MemoryBudget) -> Error {
    if let Some(wanted) = memory.refused() {
        let mut over = ending::over_memory(wanted, memory);
        over.message = format!(
            "{}; the guest then returned: {}: {}",
            over.message, error.code, error.message
        );
        return over;
    }
    match error.code.parse::<Code>() {
        Ok(code) if context.seam().trail().answered(code) => Error {
            code,
            message: error.message,
            retry_after_ms: error.retry_after_ms,
        },
        Ok(Code::GuestError) | Err(_)
            if error.code.is_empty() || error.code == Code::GuestError.as_str() =>
        {
            Error::new(Code::GuestError, error.message)
        }
        _ => Error::new(
            Code::GuestError,
            format!("{}: {}", error.code, error.message),
        ),
    }
}

fn tail(text: &str) -> String {
    let from = text.ceil_char_boundary(text.len().saturating_sub(STDERR_TAIL_BYTES));
    text.get(from..).unwrap_or_default().to_owned()
}
