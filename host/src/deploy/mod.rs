//! Deployment: a stranger's file becomes a sync that may run.
//!
//! In this order, cheapest and safest first: the structural check, the imports, the
//! compiler, `describe` in a tiny sandbox, the manifest, the operator's ceilings. Nothing
//! of the guest runs before all that can be known without running it is known.

mod check;

pub use check::{Structure, check};

use crate::capability::Schemas;
use crate::clock::Clock;
use crate::error::{Code, Error, Result};
use crate::limits::{DESCRIBE_MEMORY_BYTES, MIB};
use crate::model::{Deployment, Digest, Manifest, SourceMap};
use crate::sandbox::{Compiled, Sandbox};
use crate::store::Store;
use std::sync::Arc;

/// A deployment that is ready to run.
#[derive(Clone)]
pub struct Ready {
    /// What is kept of it.
    pub deployment: Deployment,
    /// Its manifest, shared with its runs.
    pub manifest: Arc<Manifest>,
    /// What it asks of what the guest passes.
    pub schemas: Arc<Schemas>,
    /// Its code.
    pub compiled: Compiled,
    /// What the structural check learnt.
    pub structure: Structure,
    /// How an error in generated code names the author's file, if the component says it.
    pub source_map: Option<Arc<SourceMap>>,
    /// What is wrong with it that keeps it from nothing.
    pub warnings: Vec<String>,
}

/// What a component's bytes alone tell.
struct Read {
    structure: Structure,
    compiled: Compiled,
    source_map: Option<Arc<SourceMap>>,
    warnings: Vec<String>,
}

/// Checks a component and asks it for its manifest; nothing is kept.
pub async fn examine(
    sandbox: &Sandbox,
    bytes: Vec<u8>,
    memory_ceiling: u64,
    clock: &Arc<dyn Clock>,
) -> Result<Ready> {
    let size = bytes.len() as u64;
    let read = read(sandbox, bytes).await?;
    refuse_silent_async(sandbox, &read.compiled)?;
    let memory = read
        .structure
        .initial_memory_bytes
        .saturating_add(DESCRIBE_MEMORY_BYTES);
    let described = sandbox
        .describe(&read.compiled, memory, clock.clone())
        .await?;
    let manifest = Manifest::parse(&described)?;
    let schemas = Arc::new(Schemas::of(&manifest)?);
    let wanted = manifest.memory.map_or(0, |memory| u64::from(memory) * MIB);
    if wanted > memory_ceiling {
        let (wanted, ceiling) = (wanted / MIB, memory_ceiling / MIB);
        let message = format!(
            "its manifest asks for {wanted} MiB of memory, but this host gives a run at most {ceiling}"
        );
        return Err(Error::new(Code::ComponentRejected, message));
    }
    let deployment = Deployment {
        digest: read.compiled.digest(),
        bytes: size,
        manifest: manifest.clone(),
        accepted: clock.now(),
    };
    Ok(read.ready(deployment, Arc::new(manifest), schemas))
}

/// Makes a deployment that was accepted before ready to run again: its manifest is known,
/// so nothing of the guest runs.
pub async fn reload(sandbox: &Sandbox, deployment: Deployment, bytes: Vec<u8>) -> Result<Ready> {
    let read = read(sandbox, bytes).await?;
    let manifest = Arc::new(deployment.manifest.clone());
    let schemas = Arc::new(Schemas::of(&manifest)?);
    Ok(read.ready(deployment, manifest, schemas))
}

impl Read {
    fn ready(
        self,
        deployment: Deployment,
        manifest: Arc<Manifest>,
        schemas: Arc<Schemas>,
    ) -> Ready {
        Ready {
            deployment,
            manifest,
            schemas,
            compiled: self.compiled,
            structure: self.structure,
            source_map: self.source_map,
            warnings: self.warnings,
        }
    }
}

/// Checks and compiles a component, where no other run waits for the thread.
async fn read(sandbox: &Sandbox, bytes: Vec<u8>) -> Result<Read> {
    let sandbox = sandbox.clone();
    let read = move || -> Result<_> {
        let structure = check(&bytes)?;
        let map = structure
            .source_map
            .clone()
            .and_then(|range| bytes.get(range));
        let (source_map, warnings) = match map.map(SourceMap::parse).transpose() {
            Ok(map) => (map.map(Arc::new), Vec::new()),
            // It is there for people who look for a mistake, and no reason to refuse a sync.
            Err(why) => (
                None,
                vec![format!(
                    "its source map {why}; errors will name generated lines"
                )],
            ),
        };
        Ok(Read {
            compiled: sandbox.compile(&bytes)?,
            structure,
            source_map,
            warnings,
        })
    };
    tokio::task::spawn_blocking(read).await.map_err(|error| {
        Error::new(
            Code::ComponentRejected,
            format!("the compiler broke on it: {error}"),
        )
    })?
}

/// Examines a component and keeps its deployment.
pub async fn accept(
    sandbox: &Sandbox,
    store: &dyn Store,
    bytes: Vec<u8>,
    memory_ceiling: u64,
    clock: &Arc<dyn Clock>,
) -> Result<Ready> {
    let digest = Digest::of(&bytes);
    let mut ready = examine(sandbox, bytes, memory_ceiling, clock).await?;
    match store.deployment(&digest).await? {
        Some(known) => ready.deployment = known,
        None => store.put_deployment(ready.deployment.clone()).await?,
    }
    Ok(ready)
}

/// A QuickJS component with a plain `run` returns ok at its first `await` and swallows
/// what it throws; an extra export `init` marks it.
fn refuse_silent_async(sandbox: &Sandbox, compiled: &Compiled) -> Result<()> {
    if compiled.has_async_run(sandbox) == Some(false) && compiled.exports(sandbox, "init") {
        let message = "it is a QuickJS component whose `run` is a plain function: it would end ok at its first `await`; \
                       build it for the world `sync-guest`, whose `run` is async";
        return Err(Error::new(Code::ComponentRejected, message));
    }
    Ok(())
}
