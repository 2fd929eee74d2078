//! The engine's settings, each with its reason, and compilation: one function, so that
//! it can move to a process of its own.

use super::allocation::Allocation;
use super::cache::CodeCache;
use super::deadline::{Ticking, tick};
use super::state::{RunState, add_wasi_to_linker};
use super::traps;
use crate::capability;
use crate::error::{Code, Error, Result};
use crate::limits::{FIBER_STACK_BYTES, WASM_STACK_BYTES};
use crate::model::Digest;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::Semaphore;
use wasmtime::component::{Component, InstancePre, Linker};
use wasmtime::{Config, Engine, WasmBacktraceDetails, WasmFeatures};

/// Frames of the guest kept in a backtrace.
const BACKTRACE_FRAMES: usize = 32;

/// Runs components. One for the whole process; cheap to clone.
#[derive(Clone)]
pub struct Sandbox {
    pub(super) engine: Engine,
    pub(super) linker: Arc<Linker<RunState>>,
    pub(super) slots: Option<Arc<Semaphore>>,
    cache: Option<Arc<CodeCache>>,
    _ticking: Arc<Ticking>,
}

/// A component that was compiled and whose imports are all given.
#[derive(Clone)]
pub struct Compiled {
    pub(super) pre: InstancePre<RunState>,
    pub(super) component: Component,
    digest: Digest,
}

impl Compiled {
    /// The component's identity.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Whether the component's exports are those of a sync, and `run` is async.
    pub fn has_async_run(&self, engine: &Sandbox) -> Option<bool> {
        let exports = self.component.component_type();
        let run = exports.get_export(&engine.engine, "run")?;
        match run.ty {
            wasmtime::component::types::ComponentItem::ComponentFunc(function) => {
                Some(function.async_())
            }
            _ => None,
        }
    }

    /// Whether the component exports `name`.
    pub fn exports(&self, engine: &Sandbox, name: &str) -> bool {
        self.component
            .component_type()
            .get_export(&engine.engine, name)
            .is_some()
    }
}

/// How a [`Sandbox`] is set up.
#[derive(Clone, Debug, Default)]
pub struct SandboxOptions {
    /// Private folder for compiled code; without one every start compiles.
    pub cache_folder: Option<PathBuf>,
    /// Where the memories, tables and stacks of instances come from.
    pub allocation: Allocation,
}

impl Sandbox {
    /// An engine with its linker and its epoch ticking.
    pub fn new(options: SandboxOptions) -> Result<Self> {
        let wrong = |error: wasmtime::Error| {
            Error::new(Code::Internal, format!("setting up the sandbox: {error:#}"))
        };
        let engine = Engine::new(&settings(options.allocation)?).map_err(wrong)?;
        let mut linker = Linker::new(&engine);
        add_wasi_to_linker(&mut linker).map_err(wrong)?;
        capability::add_to_linker(&mut linker, |state: &mut RunState| {
            match &mut state.context {
                Some(context) => context,
                None => unreachable!("`describe` is linked without capabilities"),
            }
        })
        .map_err(wrong)?;
        let cache = options
            .cache_folder
            .and_then(|folder| open_cache(&folder, &engine));
        let ticking = tick(&engine);
        Ok(Sandbox {
            engine,
            linker: Arc::new(linker),
            slots: options.allocation.slots(),
            cache,
            _ticking: ticking,
        })
    }

    /// Compiles a component in binary form, or loads what it was compiled to before.
    /// The structural check comes first: Cranelift's time is quadratic in places.
    pub fn compile(&self, bytes: &[u8]) -> Result<Compiled> {
        let digest = Digest::of(bytes);
        let kept = self
            .cache
            .as_ref()
            .and_then(|cache| cache.load(&digest))
            .and_then(|code| self.load(&code));
        let component = match kept {
            Some(component) => component,
            None => self.compile_anew(bytes, &digest)?,
        };
        let mut linker = (*self.linker).clone();
        let sockets = "no socket is given; use `fetch` of `tidegate:sync`";
        let linked = traps::link(&mut linker, &component, traps::SOCKETS, sockets);
        let pre = linked.and_then(|()| linker.instantiate_pre(&component)).map_err(|error| {
            rejected(format!("it imports what this host does not give: {error:#}; a sync may import `tidegate:sync` 0.1 and a part of WASI 0.2"))
        })?;
        Ok(Compiled {
            pre,
            component,
            digest,
        })
    }

    fn compile_anew(&self, bytes: &[u8], digest: &Digest) -> Result<Component> {
        let component = Component::from_binary(&self.engine, bytes)
            .map_err(|error| rejected(format!("it is not a valid component: {error:#}")))?;
        if let Some(cache) = &self.cache {
            let kept = component
                .serialize()
                .map_err(std::io::Error::other)
                .and_then(|code| cache.keep(digest, &code));
            if let Err(error) = kept {
                tracing::warn!(%error, "compiled code could not be kept; the next start compiles again");
            }
        }
        Ok(component)
    }

    /// Loads native code that the cache has verified.
    #[allow(unsafe_code)]
    fn load(&self, code: &[u8]) -> Option<Component> {
        // SAFETY: `deserialize` trusts its input to be what `serialize` gave. The cache
        // checked a MAC over these bytes, keyed with a secret that only this user can
        // read, and bound to this component and this engine's settings.
        let loaded = unsafe { Component::deserialize(&self.engine, code) };
        loaded
            .inspect_err(
                |error| tracing::warn!(%error, "compiled code was refused; it is compiled anew"),
            )
            .ok()
    }
}

fn rejected(message: String) -> Error {
    Error::new(Code::ComponentRejected, message)
}

/// A host without its cache is slower, not broken.
fn open_cache(folder: &Path, engine: &Engine) -> Option<Arc<CodeCache>> {
    match CodeCache::open(folder, engine) {
        Ok(cache) => Some(Arc::new(cache)),
        Err(error) => {
            tracing::warn!(%error, folder = %folder.display(), "no cache for compiled code; every start compiles");
            None
        }
    }
}

fn settings(allocation: Allocation) -> Result<Config> {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        // componentize-qjs drives promises only in an `async func` export.
        .wasm_component_model_async(true)
        .concurrency_support(true)
        // Epochs, not fuel: measured at +6 to 31 % against +20 to 58 % of CPU.
        .epoch_interruption(true)
        .consume_fuel(false)
        .allocation_strategy(allocation.strategy()?)
        .max_wasm_stack(WASM_STACK_BYTES)
        .async_stack_size(FIBER_STACK_BYTES)
        // Runs can be replayed exactly.
        .cranelift_nan_canonicalization(true)
        .wasm_backtrace_details(WasmBacktraceDetails::Disable)
        .wasm_backtrace_max_frames(std::num::NonZeroUsize::new(BACKTRACE_FRAMES));
    // Off: what no SDK needs, what the limiter cannot count (shared memories), and what
    // is not deterministic.
    config.wasm_features(
        WasmFeatures::THREADS
            | WasmFeatures::MEMORY64
            | WasmFeatures::GC
            | WasmFeatures::STACK_SWITCHING
            | WasmFeatures::CUSTOM_PAGE_SIZES
            | WasmFeatures::RELAXED_SIMD,
        false,
    );
    Ok(config)
}
