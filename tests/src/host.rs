//! A host in this process: the real sandbox, store and egress, for one component.

use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use tidegate::capability::{NoObserver, Observer};
use tidegate::clock::{Clock, SystemClock};
use tidegate::deploy::{self, Ready};
use tidegate::egress::live::{LiveEgress, LiveOptions};
use tidegate::egress::policy::EgressPolicy;
use tidegate::egress::{Credentials, EgressScope};
use tidegate::limits;
use tidegate::model::{
    Change, ChangeFilter, ConnectionKey, LogLine, ModelName, Outcome, RunRow, RunState, StreamKey,
    SyncKey, SyncName, Trigger, Variant,
};
use tidegate::run::{RunLimits, RunRequest, Runner};
use tidegate::sandbox::{Allocation, Sandbox, SandboxOptions};
use tidegate::store::memory::MemoryStore;
use tidegate::store::{DeleteGuard, Store};
use url::Url;

/// Compiled code of the test guests, shared by the tests of one process.
static SANDBOX: Mutex<Option<Sandbox>> = Mutex::new(None);

/// The real parts of a host, put together for tests.
pub struct TestHost {
    /// The parts.
    pub runner: Runner,
    /// Keeps the store's folder, where it has one.
    pub folder: TempDir,
}

/// What a test changes of a run; the rest is as an operator would have it.
pub struct RunSettings {
    /// The provider's address.
    pub base_url: Option<String>,
    /// The connection's id.
    pub connection: String,
    /// The connection's config.
    pub config: serde_json::Value,
    /// The limits.
    pub limits: RunLimits,
    /// When a delete pass is held.
    pub guard: DeleteGuard,
    /// Secrets, as headers.
    pub credentials: Vec<(String, String)>,
    /// Who watches.
    pub observer: Arc<dyn Observer>,
    /// Who taps the seam.
    pub tap: Option<Arc<dyn tidegate::capability::seam::Tap>>,
}

impl Default for RunSettings {
    fn default() -> Self {
        RunSettings {
            base_url: None,
            connection: "acme".into(),
            config: serde_json::json!({}),
            limits: RunLimits::default(),
            guard: DeleteGuard::DEFAULT,
            credentials: Vec::new(),
            observer: Arc::new(NoObserver),
            tap: None,
        }
    }
}

impl RunSettings {
    /// Settings for the test guest with this behaviour.
    pub fn behaviour(behaviour: &str) -> Self {
        RunSettings {
            config: serde_json::json!({ "behaviour": behaviour }),
            ..Self::default()
        }
    }

    /// The same with a memory cap in MiB.
    pub fn memory_mib(mut self, mib: u64) -> Self {
        self.limits.memory_bytes = Some(mib * limits::MIB);
        self
    }

    /// The same with a field of the connection's config set.
    pub fn with(mut self, field: &str, value: impl Into<serde_json::Value>) -> Self {
        self.config[field] = value.into();
        self
    }

    /// The same with the provider's address.
    pub fn provider(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self
    }
}

impl TestHost {
    /// A host over the store in memory.
    pub fn in_memory() -> Result<Self> {
        Self::over(|_, clock| Ok(Arc::new(MemoryStore::new(clock))))
    }

    /// The same with slots for `runs` runs, used by one after another.
    pub fn pooled(runs: u32) -> Result<Self> {
        let mut host = Self::in_memory()?;
        host.runner.sandbox = Sandbox::new(SandboxOptions {
            cache_folder: Some(code_cache()),
            allocation: Allocation::Pooled { runs },
        })?;
        Ok(host)
    }

    /// A host over the store that `open` makes in a fresh folder.
    pub fn over(
        open: impl FnOnce(&Path, Arc<dyn Clock>) -> Result<Arc<dyn Store>>,
    ) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let egress = Arc::new(LiveEgress::new(LiveOptions {
            clock: clock.clone(),
            ..LiveOptions::default()
        })?);
        let store = open(folder.path(), clock.clone())?;
        Ok(TestHost {
            runner: Runner {
                sandbox: sandbox()?,
                store,
                egress,
                clock,
            },
            folder,
        })
    }

    /// Checks and accepts a component.
    pub async fn accept(&self, component: &[u8]) -> tidegate::error::Result<Ready> {
        let Runner {
            sandbox,
            store,
            clock,
            ..
        } = &self.runner;
        deploy::accept(
            sandbox,
            &**store,
            component.to_vec(),
            limits::RUN_MEMORY_BYTES_CEILING,
            clock,
        )
        .await
    }

    /// The request for one run.
    pub fn request(&self, ready: &Ready, settings: RunSettings) -> Result<RunRequest> {
        let key = key(&settings.connection, ready.manifest.name.clone())?;
        Ok(RunRequest {
            scope: Arc::new(scope(
                &key.connection,
                settings.base_url.as_deref(),
                settings.credentials,
            )?),
            ready: ready.clone(),
            key,
            trigger: Trigger::Manual,
            connection_config: settings.config.to_string(),
            limits: settings.limits,
            guard: settings.guard,
            observer: settings.observer,
            tap: settings.tap,
            seed: 1,
        })
    }

    /// One run, from start to report.
    pub async fn run(&self, ready: &Ready, settings: RunSettings) -> Result<RunRow> {
        Ok(self.runner.execute(self.request(ready, settings)?).await?)
    }

    /// The whole feed of a model.
    pub async fn feed(&self, connection: &str, model: &str) -> Result<Vec<Change>> {
        let stream = StreamKey {
            connection: connection_key(connection)?,
            model: ModelName::new(model)?,
            variant: Variant::base(),
        };
        let (mut feed, mut cursor) = (Vec::new(), None);
        loop {
            let page = self
                .runner
                .store
                .changes(
                    &stream,
                    cursor,
                    limits::CHANGE_PAGE_RECORDS_MAX,
                    ChangeFilter::ALL,
                )
                .await?;
            feed.extend(page.changes);
            cursor = Some(page.cursor);
            if !page.more {
                return Ok(feed);
            }
        }
    }

    /// A run's log.
    pub async fn log(&self, row: &RunRow) -> Result<Vec<LogLine>> {
        Ok(self.runner.store.run_log(row.id).await?)
    }
}

/// The engine that all tests of a process share, with its code cache beside the build.
pub fn sandbox() -> Result<Sandbox> {
    let mut shared = SANDBOX
        .lock()
        .map_err(|_| anyhow::anyhow!("another test broke while it made the sandbox"))?;
    if let Some(sandbox) = &*shared {
        return Ok(sandbox.clone());
    }
    let sandbox = Sandbox::new(SandboxOptions {
        cache_folder: Some(code_cache()),
        ..SandboxOptions::default()
    })?;
    *shared = Some(sandbox.clone());
    Ok(sandbox)
}

fn code_cache() -> PathBuf {
    std::env::temp_dir().join(format!("tidegate-tests-code-{}", env!("CARGO_PKG_VERSION")))
}

/// The key of a test connection.
pub fn connection_key(connection: &str) -> Result<ConnectionKey> {
    Ok(ConnectionKey::new("default", "test", connection)?)
}

/// What a run of `sync` for a test connection holds.
pub fn key(connection: &str, sync: SyncName) -> Result<SyncKey> {
    Ok(SyncKey {
        connection: connection_key(connection)?,
        sync,
        variant: Variant::base(),
    })
}

/// The scope of a connection whose provider is at `base_url`.
pub fn scope(
    connection: &ConnectionKey,
    base_url: Option<&str>,
    headers: Vec<(String, String)>,
) -> Result<EgressScope> {
    let base_url = base_url.map(Url::parse).transpose()?;
    let mut policy = EgressPolicy::default();
    if let Some(base) = &base_url {
        let host = base.host_str().context("a base URL without a host")?;
        let port = base
            .port_or_known_default()
            .context("a base URL without a port")?;
        policy = policy.allow(format!("http://{host}:{port}").parse()?);
    }
    Ok(EgressScope {
        connection: connection.to_string(),
        base_url,
        policy: Arc::new(policy),
        credentials: Arc::new(Credentials {
            headers,
            query: Vec::new(),
            ..Credentials::default()
        }),
        conduct: Arc::default(),
    })
}

/// How a run ended; an error if it did not.
pub fn outcome(row: &RunRow) -> Result<&Outcome> {
    match &row.state {
        RunState::Ended(outcome) => Ok(outcome),
        RunState::Running => anyhow::bail!("run {} did not end", row.id),
    }
}

/// The code that a run ended with, `ok` for a success.
pub fn code(row: &RunRow) -> Result<&'static str> {
    Ok(outcome(row)?
        .error()
        .map_or("ok", |error| error.code.as_str()))
}
