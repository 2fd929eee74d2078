//! A host that serves in this process: all its parts, put together as `tidegate serve`
//! does, behind a listener on loopback.

use anyhow::{Context, Result};
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use tempfile::TempDir;
use tidegate::api::{self, OperatorKey, Service};
use tidegate::catalog::Catalog;
use tidegate::clock::{Clock, SystemClock};
use tidegate::egress::live::{LiveEgress, LiveOptions};
use tidegate::limits::RUN_MEMORY_BYTES_CEILING;
use tidegate::run::Runner;
use tidegate::schedule::{Scheduler, SchedulerOptions};
use tidegate::store::memory::MemoryStore;
use tidegate::store::sled::{OpenOptions, SledStore};
use tidegate::store::{ServiceStore, Store};
use tidegate::vault::api_key::ApiKey;
use tidegate::vault::{MasterKeys, Vault};
use tidegate::webhook::{WebhookOptions, WebhookSender};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// Runs at once.
const RUNS: u32 = 4;

/// Which store a host stands on.
#[derive(Clone, Copy, Debug)]
pub enum On {
    /// The one in memory.
    Memory,
    /// The durable one, in a folder that goes with the host.
    Sled,
}

/// A host that listens; it stops when this is dropped.
pub struct Serving {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its operator's key.
    pub operator: String,
    /// A client.
    pub http: reqwest::Client,
    /// Its router, as that prints itself.
    pub router: String,
    /// Its store.
    pub store: Arc<dyn ServiceStore>,
    /// Its scheduler.
    pub scheduler: Scheduler,
    // Dropped, it ends the listener.
    _stop: oneshot::Sender<()>,
    _folder: TempDir,
}

impl Serving {
    /// A host with nothing in it; its webhooks reach public hosts and what `told` says.
    pub async fn start(on: On, told: WebhookOptions) -> Result<Self> {
        Self::limited(on, told, None).await
    }

    /// The same, whose environments may ask only so often in a minute.
    pub async fn limited(
        on: On,
        told: WebhookOptions,
        requests_per_minute: Option<NonZeroU32>,
    ) -> Result<Self> {
        // A second install is refused and changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let folder = tempfile::tempdir()?;
        let egress = Arc::new(LiveEgress::new(LiveOptions {
            clock: clock.clone(),
            ..LiveOptions::default()
        })?);
        let (store, run_store) = open(on, &folder, &clock).await?;
        let vault = Vault::new(MasterKeys::generate()?);
        let catalog = Arc::new(Catalog::open(store.clone(), vault, clock.clone()).await?);
        let runner = Runner {
            sandbox: crate::host::sandbox()?,
            store: run_store,
            egress: egress.clone(),
            clock: clock.clone(),
        };
        let options = SchedulerOptions {
            runs: RUNS,
            memory_ceiling: RUN_MEMORY_BYTES_CEILING,
        };
        let scheduler = Scheduler::start(runner.clone(), catalog.clone(), options).await?;
        let webhooks = WebhookSender::start(
            store.clone(),
            catalog.clone(),
            egress,
            clock,
            told,
            scheduler.ended(),
        );
        let operator = ApiKey::generate()?;
        let operator = operator.text.as_str().context("a key is text")?.to_owned();
        let service = Service {
            store: store.clone(),
            catalog,
            scheduler: scheduler.clone(),
            runner,
            operator_key: OperatorKey::new(&operator)?,
            memory_ceiling: RUN_MEMORY_BYTES_CEILING,
            requests_per_minute,
            webhooks: Arc::new(webhooks),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        let router = api::router(Arc::new(service));
        let printed = format!("{router:?}");
        tokio::spawn(api::serve(listener, router, async {
            let _ = stopped.await;
        }));
        Ok(Serving {
            address,
            operator,
            // A connection for each request: the host closes those that lie idle, and one
            // that is used again in that moment fails.
            http: reqwest::Client::builder()
                .no_proxy()
                .pool_max_idle_per_host(0)
                .build()?,
            router: printed,
            store,
            scheduler,
            _stop: stop,
            _folder: folder,
        })
    }

    /// The URL of a path of it.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

/// A store, as what a host and its runs know it by.
type Stores = (Arc<dyn ServiceStore>, Arc<dyn Store>);

async fn open(on: On, folder: &TempDir, clock: &Arc<dyn Clock>) -> Result<Stores> {
    let clock = clock.clone();
    match on {
        On::Memory => {
            let store = Arc::new(MemoryStore::new(clock));
            Ok((store.clone(), store))
        }
        On::Sled => {
            let path = folder.path().join("store");
            let open = move || SledStore::open(&path, OpenOptions::default(), clock);
            let store = Arc::new(tokio::task::spawn_blocking(open).await??);
            Ok((store.clone(), store))
        }
    }
}
