//! A host's webhook side: a store, a catalog with one environment, the real egress, and
//! runs that end.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tidegate::catalog::Catalog;
use tidegate::clock::{Clock, ManualClock};
use tidegate::egress::live::{LiveEgress, LiveOptions};
use tidegate::error::{Code, Error};
use tidegate::model::json::{self, RecordRules};
use tidegate::model::{
    ConnectionKey, Delivery, Digest, Environment, ModelName, Outcome, Resources, RunId, SaveMode,
    SyncKey, SyncName, Trigger, Variant, WebhookSettings,
};
use tidegate::store::memory::MemoryStore;
use tidegate::store::sled::{OpenOptions, SledStore};
use tidegate::store::{DeliveryQuery, RunEnd, RunFence, RunStart, ServiceStore};
use tidegate::vault::{MasterKeys, Vault};
use tidegate::webhook::{WebhookOptions, WebhookSender};
use tokio::sync::watch;

/// Only a hang takes so long.
const LONG: Duration = Duration::from_secs(60);
/// Between two looks at something that is awaited.
const LOOK: Duration = Duration::from_millis(2);

/// A host's webhook side.
pub struct World {
    pub clock: Arc<ManualClock>,
    pub store: Arc<dyn ServiceStore>,
    pub catalog: Arc<Catalog>,
    keys: String,
    ended: watch::Sender<u64>,
    runs: AtomicU64,
    folder: Option<tempfile::TempDir>,
}

impl World {
    /// Over the store in memory.
    pub async fn new(settings: WebhookSettings) -> Self {
        World::over(None, settings).await
    }

    /// Over a store in a folder, which outlives [`World::restart`].
    pub async fn durable(settings: WebhookSettings) -> Self {
        World::over(Some(tempfile::tempdir().unwrap()), settings).await
    }

    async fn over(folder: Option<tempfile::TempDir>, settings: WebhookSettings) -> Self {
        let clock = Arc::new(ManualClock::new("2026-01-31T12:00:00Z".parse().unwrap()));
        let store = open(&folder, &clock).await;
        let file = tempfile::tempdir().unwrap();
        let path = file.path().join("keys");
        MasterKeys::create(&path).unwrap();
        let keys = std::fs::read_to_string(&path).unwrap();
        let catalog = catalog(&store, &keys, &clock).await;
        let world = World {
            clock,
            store,
            catalog,
            keys,
            ended: watch::channel(0).0,
            runs: AtomicU64::new(0),
            folder,
        };
        world.add_environment("prod", settings).await;
        world
    }

    pub async fn add_environment(&self, name: &str, settings: WebhookSettings) {
        let resources = Resources {
            memory_mib: 512,
            runs: 4,
            storage_mib: None,
            egress_kib_per_second: None,
        };
        let added = self
            .catalog
            .add_environment(environment(name), resources, settings);
        added.await.unwrap();
    }

    /// Closes the store, and opens it and the catalog again. No sender may be left.
    pub async fn restart(&mut self) {
        if self.folder.is_some() {
            self.store = Arc::new(MemoryStore::new(self.clock.clone()));
            self.catalog = catalog(&self.store, &self.keys, &self.clock).await;
            self.store = open(&self.folder, &self.clock).await;
        }
        self.catalog = catalog(&self.store, &self.keys, &self.clock).await;
    }

    /// A sender that may reach loopback.
    pub fn sender(&self) -> WebhookSender {
        self.sender_allowing(&["127.0.0.1"])
    }

    pub fn sender_allowing(&self, hosts: &[&str]) -> WebhookSender {
        let egress = LiveEgress::new(LiveOptions::default()).unwrap();
        WebhookSender::start(
            self.store.clone(),
            self.catalog.clone(),
            Arc::new(egress),
            self.clock.clone(),
            WebhookOptions {
                allow_hosts: hosts.iter().map(|host| host.parse().unwrap()).collect(),
                allow_http: false,
            },
            self.ended.subscribe(),
        )
    }

    /// Lets time pass, and has the sender look at the clock.
    pub fn pass(&self, time: Duration) {
        self.clock.advance(time);
        self.wake();
    }

    pub fn wake(&self) {
        self.ended.send_modify(|count| *count += 1);
    }

    pub fn signing_key(&self) -> Vec<u8> {
        let key = self.catalog.signing_key(&environment("prod")).unwrap();
        key.as_bytes().to_vec()
    }

    /// A run of the environment `prod` that saves one record of each model and ends so.
    pub async fn run(&self, models: &[&str], outcome: Outcome) -> RunId {
        self.run_of("prod", models, outcome).await
    }

    pub async fn run_of(&self, environment: &str, models: &[&str], outcome: Outcome) -> RunId {
        let nth = self.runs.fetch_add(1, Ordering::SeqCst);
        let now = self.clock.now();
        let key = key(environment);
        let run = RunId::new(now.as_millisecond() as u64, nth.into());
        let start = RunStart {
            run,
            key: key.clone(),
            digest: Digest::of(b"component"),
            version: "1".into(),
            trigger: Trigger::Manual,
            started: now,
            memory_cap_bytes: 1,
        };
        self.store.begin_run(start).await.unwrap();
        let fence = RunFence { run, key };
        for name in models {
            let rules = Arc::new(RecordRules::ignoring([]));
            let line = format!(r#"{{"id":"{nth}"}}"#);
            let batch = json::scan(line.into(), &rules).unwrap();
            let model = ModelName::new(name).unwrap();
            let saved = self.store.save(&fence, &model, batch, SaveMode::Override);
            saved.await.unwrap();
        }
        let checkpoint = Some(format!(r#"{{"page":{nth}}}"#));
        self.store.put_checkpoint(&fence, checkpoint).await.unwrap();
        let end = RunEnd::new(outcome, now);
        self.store.finish_run(&fence, end).await.unwrap();
        self.wake();
        run
    }

    /// Deliveries that wait, then those that are over.
    pub async fn deliveries(&self) -> Vec<Delivery> {
        let mut all = Vec::new();
        for waiting in [true, false] {
            let query = DeliveryQuery {
                environment: None,
                waiting,
                after: None,
                limit: 10_000,
            };
            all.extend(self.store.deliveries(query).await.unwrap());
        }
        all
    }

    /// The one delivery there is, once it is as wanted.
    pub async fn one(&self, wanted: impl Fn(&Delivery) -> bool) -> Delivery {
        let mut all = self.all(|all| all.len() == 1 && wanted(&all[0])).await;
        all.remove(0)
    }

    /// All deliveries, once they are as wanted.
    pub async fn all(&self, wanted: impl Fn(&[Delivery]) -> bool) -> Vec<Delivery> {
        let mut last = Vec::new();
        let looking = async {
            loop {
                last = self.deliveries().await;
                if wanted(&last) {
                    return;
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        let found = tokio::time::timeout(LONG, looking).await;
        assert!(found.is_ok(), "not as wanted: {last:#?}");
        last
    }
}

impl World {
    /// Waits until no run's end is unheard.
    pub async fn all_heard(&self) {
        let looking = async {
            while !self.store.announced(1).await.unwrap().is_empty() {
                tokio::time::sleep(LOOK).await;
            }
        };
        let heard = tokio::time::timeout(LONG, looking).await;
        assert!(heard.is_ok(), "an announcement stays");
    }
}

/// Waits until something holds.
pub async fn until(what: &str, holds: impl Fn() -> bool) {
    let looking = async {
        while !holds() {
            tokio::time::sleep(LOOK).await;
        }
    };
    let found = tokio::time::timeout(LONG, looking).await;
    assert!(found.is_ok(), "never: {what}");
}

async fn open(
    folder: &Option<tempfile::TempDir>,
    clock: &Arc<ManualClock>,
) -> Arc<dyn ServiceStore> {
    let clock = clock.clone();
    let Some(folder) = folder else {
        return Arc::new(MemoryStore::new(clock));
    };
    let path: PathBuf = folder.path().join("store");
    let open = move || SledStore::open(&path, OpenOptions::default(), clock).unwrap();
    Arc::new(tokio::task::spawn_blocking(open).await.unwrap())
}

async fn catalog(
    store: &Arc<dyn ServiceStore>,
    keys: &str,
    clock: &Arc<ManualClock>,
) -> Arc<Catalog> {
    let keys = MasterKeys::from_text(keys, "the test").unwrap();
    let catalog = Catalog::open(store.clone(), Vault::new(keys), clock.clone());
    Arc::new(catalog.await.unwrap())
}

pub fn environment(name: &str) -> Environment {
    Environment::new(name).unwrap()
}

pub fn key(environment: &str) -> SyncKey {
    SyncKey {
        connection: ConnectionKey::new(environment, "github", "acme").unwrap(),
        sync: SyncName::new("issues").unwrap(),
        variant: Variant::base(),
    }
}

pub fn failed() -> Outcome {
    let error = Error::new(Code::GuestError, "the provider has moved");
    Outcome::Failed { error }
}

/// Webhooks to these URLs, of errors too.
pub fn to(primary: &str, secondary: Option<&str>) -> WebhookSettings {
    WebhookSettings {
        primary_url: Some(primary.to_owned()),
        secondary_url: secondary.map(str::to_owned),
        on_unchanged: false,
        on_error: true,
    }
}
