//! The data of one run's wasmtime store: capabilities, WASI and the limiter.
//!
//! WASI is what standard libraries need to start, and no more: clocks (the host's,
//! whole milliseconds), random (seeded by the host, so that a run can be replayed),
//! stdout and stderr (into the log), an empty file system. No arguments, no environment,
//! no sockets, no HTTP.

use super::memory::RunLimiter;
use super::stdio::Stdio;
use crate::capability::Context;
use crate::clock::Clock;
use crate::limits::RANDOM_BYTES_MAX;
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::sync::Arc;
use std::time::Duration;
use wasmtime::component::{Linker, ResourceTable};
use wasmtime_wasi::cli::{WasiCli, WasiCliView};
use wasmtime_wasi::filesystem::{WasiFilesystem, WasiFilesystemView};
use wasmtime_wasi::p2::bindings::{cli, filesystem, random};
use wasmtime_wasi::random::{WasiRandom, WasiRandomView};
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxView, WasiView};

/// Nanoseconds in a millisecond: guests see whole milliseconds only, against timing
/// attacks and so that a replay can be exact.
const MILLISECOND_NS: u64 = 1_000_000;

/// What a run's store holds. `context` is none while only `describe` may run.
pub(super) struct RunState {
    pub(super) context: Option<Context>,
    pub(super) limiter: RunLimiter,
    wasi: WasiCtx,
    /// WASI's resources where there is no context.
    table: ResourceTable,
}

impl RunState {
    pub(super) fn new(context: Option<Context>, limiter: RunLimiter, wasi: WasiCtx) -> Self {
        RunState {
            context,
            limiter,
            wasi,
            table: ResourceTable::new(),
        }
    }
}

impl WasiView for RunState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let table = match &mut self.context {
            Some(context) => &mut context.table,
            None => &mut self.table,
        };
        WasiCtxView {
            ctx: &mut self.wasi,
            table,
        }
    }
}

/// A guest's WASI, with the host's clock and a random source started from `seed`.
pub(super) fn wasi(clock: Arc<dyn Clock>, seed: u64, stdout: Stdio, stderr: Stdio) -> WasiCtx {
    let seeded = |stream: u64| StdRng::seed_from_u64(seed ^ stream);
    WasiCtx::builder()
        .stdout(stdout)
        .stderr(stderr)
        .wall_clock(WallClock(clock.clone()))
        .monotonic_clock(MonotonicClock(clock))
        .secure_random(seeded(0))
        .insecure_random(seeded(1))
        .insecure_random_seed(u128::from(seed))
        .max_random_size(RANDOM_BYTES_MAX)
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false)
        .build()
}

/// Gives a linker the part of WASI that guests get.
pub(super) fn add_wasi_to_linker(linker: &mut Linker<RunState>) -> wasmtime::Result<()> {
    // io, clocks, random and standard streams.
    wasmtime_wasi::p2::add_to_linker_proxy_interfaces_async(linker)?;
    cli::exit::add_to_linker::<_, WasiCli>(linker, RunState::cli)?;
    cli::environment::add_to_linker::<_, WasiCli>(linker, RunState::cli)?;
    cli::terminal_input::add_to_linker::<_, WasiCli>(linker, RunState::cli)?;
    cli::terminal_output::add_to_linker::<_, WasiCli>(linker, RunState::cli)?;
    cli::terminal_stdin::add_to_linker::<_, WasiCli>(linker, RunState::cli)?;
    cli::terminal_stdout::add_to_linker::<_, WasiCli>(linker, RunState::cli)?;
    cli::terminal_stderr::add_to_linker::<_, WasiCli>(linker, RunState::cli)?;
    filesystem::types::add_to_linker::<_, WasiFilesystem>(linker, RunState::filesystem)?;
    filesystem::preopens::add_to_linker::<_, WasiFilesystem>(linker, RunState::filesystem)?;
    random::insecure::add_to_linker::<_, WasiRandom>(linker, RunState::random)?;
    random::insecure_seed::add_to_linker::<_, WasiRandom>(linker, RunState::random)
}

struct WallClock(Arc<dyn Clock>);

impl HostWallClock for WallClock {
    fn resolution(&self) -> Duration {
        Duration::from_nanos(MILLISECOND_NS)
    }

    fn now(&self) -> Duration {
        // WASI 0.2 has no time before 1970.
        Duration::from_millis(u64::try_from(self.0.now().as_millisecond()).unwrap_or_default())
    }
}

struct MonotonicClock(Arc<dyn Clock>);

impl HostMonotonicClock for MonotonicClock {
    fn resolution(&self) -> u64 {
        MILLISECOND_NS
    }

    fn now(&self) -> u64 {
        u64::try_from(self.0.monotonic().as_millis())
            .unwrap_or(u64::MAX)
            .saturating_mul(MILLISECOND_NS)
    }
}
