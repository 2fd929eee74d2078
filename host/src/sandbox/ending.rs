//! Why a guest stopped: what wasmtime reports, put into one error with a code.

use super::deadline::CpuGauge;
use crate::capability::seam::EndRun;
use crate::error::{Code, Error};
use crate::memory::MemoryBudget;
use wasmtime::{Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

/// Lines of stderr that go into the message of a trap.
const STDERR_LINES: usize = 3;
/// What Rust's standard library says after each panic: nothing that an author could do.
const RUST_NOTE: &str = "note: run with `RUST_BACKTRACE";
/// What the name of a function begins with that a toolchain put round the guest's own.
const ADAPTER: char = '[';

/// The error behind a guest that did not return.
pub(super) fn of_trap(
    error: &wasmtime::Error,
    memory: &MemoryBudget,
    gauge: &CpuGauge,
    stderr: &str,
) -> Error {
    if let Some(EndRun(error)) = error.downcast_ref::<EndRun>() {
        return error.clone();
    }
    if let Some(error) = gauge.over() {
        return error;
    }
    if let Some(wanted) = memory.refused() {
        return over_memory(wanted, memory);
    }
    let text = format!("{error:#}");
    if text.contains("fuel allocated for hostcalls") {
        let limit = crate::limits::HOSTCALL_FUEL_BYTES;
        return Error::new(
            Code::LimitHostcall,
            format!("one host call was to copy more than {limit} bytes out of the guest"),
        );
    }
    if text.contains("handle limit exceeded") || text.contains("resource table has no free keys") {
        return Error::new(
            Code::LimitHandles,
            "too many live handles; drop requests, responses and streams when done with them",
        );
    }
    Error::new(Code::GuestTrap, trap_words(error, stderr))
}

/// The error of a run whose memory was refused.
pub(super) fn over_memory(wanted: u64, memory: &MemoryBudget) -> Error {
    let (cap, peak) = (memory.cap(), memory.peak());
    Error::new(
        Code::LimitMemory,
        format!("wanted {wanted} bytes, but the cap is {cap}; peak was {peak}"),
    )
}

fn trap_words(error: &wasmtime::Error, stderr: &str) -> String {
    let mut words = match error.downcast_ref::<Trap>() {
        Some(Trap::StackOverflow) => {
            "the guest's recursion went too deep: its call stack is exhausted; look for a function that calls itself without end"
                .to_owned()
        }
        Some(Trap::MemoryOutOfBounds) => {
            "the guest went out of its memory; in Rust and C this is mostly recursion without end"
                .to_owned()
        }
        Some(Trap::UnreachableCodeReached) => "the guest panicked or aborted".to_owned(),
        Some(trap) => format!("the guest trapped: {trap}"),
        None => match error.downcast_ref::<I32Exit>() {
            Some(exit) => format!(
                "the guest called exit({}); return from `run` instead",
                exit.0
            ),
            None => format!("the guest stopped: {}", error.root_cause()),
        },
    };
    let tail: Vec<_> = stderr
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with(RUST_NOTE))
        .collect();
    let said = tail
        .get(tail.len().saturating_sub(STDERR_LINES)..)
        .unwrap_or_default();
    if !said.is_empty() {
        words.push_str("; it said: ");
        words.push_str(&said.join(" / "));
    }
    words
}

/// The guest's functions where it stopped, innermost first, by name where it has names;
/// none where it has no name at all, as an engine for another language that was stripped.
pub(super) fn backtrace(error: &wasmtime::Error) -> Vec<String> {
    let Some(trace) = error.downcast_ref::<WasmBacktrace>() else {
        return Vec::new();
    };
    let mut names = trace.frames().iter().filter_map(|frame| frame.func_name());
    if names.all(|name| name.starts_with(ADAPTER)) {
        return Vec::new();
    }
    let name = |frame: &wasmtime::FrameInfo| match frame.func_name() {
        Some(name) => format!("{:#}", rustc_demangle::demangle(name)),
        None => format!("function {}", frame.func_index()),
    };
    trace.frames().iter().map(name).collect()
}
