//! `tidegate serve`: the host that runs by itself. One process: the store, the scheduler,
//! the webhooks and the API, until it is told to stop.

use super::output::Output;
use super::settings::Settings;
use super::{host, keys, traces};
use crate::api::{self, OperatorKey, Service};
use crate::catalog::Catalog;
use crate::egress::Egress;
use crate::egress::gate::OwnAddresses;
use crate::egress::live::{LiveEgress, LiveOptions};
use crate::egress::policy::HostRule;
use crate::error::{Code, Error, Result};
use crate::limits::MIB;
use crate::retention::{Retention, RetentionOptions, Sweeper};
use crate::run::Runner;
use crate::sandbox::{Allocation, Sandbox, SandboxOptions};
use crate::schedule::{Scheduler, SchedulerOptions};
use crate::store::ServiceStore;
use crate::store::sled::SledStore;
use crate::vault::{MasterKeys, Vault};
use crate::webhook::{WebhookOptions, WebhookSender};
use clap::{Args, Subcommand};
use std::io::Write;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tracing_subscriber::EnvFilter;

/// File mode of a secret.
const SECRET_MODE: u32 = 0o600;
/// The bits of a file's mode that let group and others in.
const OTHERS: u32 = 0o077;

/// Flags of `serve`.
#[derive(Args)]
pub(super) struct ServeArgs {
    /// The settings file [default: tidegate.toml, if there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Address and port of the API
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Folder of the store
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
}

impl ServeArgs {
    /// The settings of these flags, the environment and the file.
    pub(super) fn settings(&self) -> Result<Settings> {
        let store = self.store.as_ref().map(|path| path.display().to_string());
        Settings::read(
            self.config.as_deref(),
            std::env::vars(),
            &[("listen", self.listen.clone()), ("store", store)],
        )
    }
}

/// Flags of `config`.
#[derive(Args)]
pub(super) struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Show every setting of `serve`
    Show {
        /// Show where each value comes from
        #[arg(long)]
        origin: bool,
        #[command(flatten)]
        serve: ServeArgs,
    },
}

/// Shows the settings.
pub(super) fn config(args: &ConfigArgs, output: &Output) -> Result<()> {
    let ConfigCommand::Show { origin, serve } = &args.command;
    let settings = serve.settings()?;
    settings.warnings.iter().for_each(|text| output.say(text));
    if output.is_json() {
        let rows: serde_json::Map<_, _> = settings
            .rows()
            .map(|(setting, value, origin)| {
                let row = serde_json::json!({ "value": value, "origin": origin.to_string() });
                (setting.key.to_owned(), row)
            })
            .collect();
        output.json(&rows);
        return Ok(());
    }
    let rows = settings.rows().map(|(setting, value, from)| {
        let last = match origin {
            true => from.to_string(),
            false => setting.help.to_owned(),
        };
        vec![setting.key.to_owned(), value.to_owned(), last]
    });
    let last = if *origin { "from" } else { "what it does" };
    output.data(&output.table(&["setting", "value", last], rows.collect(), &[]));
    Ok(())
}

/// The parts of a host that serves.
struct Host {
    store: Arc<SledStore>,
    scheduler: Scheduler,
    webhooks: WebhookSender,
    retention: Retention,
    service: Arc<Service>,
    grace: Duration,
}

/// Serves until it is told to stop.
pub(super) async fn serve(args: &ServeArgs) -> Result<()> {
    let settings = args.settings()?;
    for warning in &settings.warnings {
        tracing::warn!("{warning}");
    }
    traces::endpoint(&settings)?;
    // Before it says that it listens: whoever reads that may tell it to stop at once.
    let signals = Signals::new()?;
    let address: SocketAddr = settings.get("listen")?;
    // Before the store: a port that is taken is the commonest mistake.
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| settings.refused("listen", error))?;
    let address = listener
        .local_addr()
        .map_err(|error| settings.refused("listen", error))?;
    let (host, own) = Host::start(&settings).await?;
    own.add_listener(address);
    tracing::info!(%address, "the API listens");
    println!("tidegate listens on http://{address}");
    host.until_told(listener, signals).await
}

impl Host {
    async fn start(settings: &Settings) -> Result<(Host, Arc<OwnAddresses>)> {
        let clock = host::clock();
        let store = host::open_store(Path::new(settings.text("store")), &clock).await?;
        let service_store: Arc<dyn ServiceStore> = store.clone();
        let is_new = service_store.catalog().await?.is_empty();
        let vault = Vault::new(master_keys(Path::new(settings.text("key_file")), is_new)?);
        let operator_key = operator_key(Path::new(settings.text("operator_key_file")))?;
        let catalog = Catalog::open(service_store.clone(), vault, clock.clone()).await?;
        let catalog = Arc::new(catalog);
        keys::take_over(&catalog).await?;
        let own = Arc::new(OwnAddresses::of_system());
        let egress: Arc<dyn Egress> = Arc::new(LiveEgress::new(LiveOptions {
            clock: clock.clone(),
            own: own.clone(),
            ..LiveOptions::default()
        })?);
        let runs: u32 = settings.get("runs")?;
        let runner = Runner {
            sandbox: sandbox(settings, runs)?,
            store: store.clone(),
            egress: egress.clone(),
            clock: clock.clone(),
        };
        let memory_ceiling = settings
            .get::<u64>("memory_ceiling_mib")?
            .saturating_mul(MIB);
        let options = SchedulerOptions {
            runs,
            memory_ceiling,
        };
        let scheduler = Scheduler::start(runner.clone(), catalog.clone(), options).await?;
        let webhooks = WebhookSender::start(
            service_store.clone(),
            catalog.clone(),
            egress,
            clock.clone(),
            webhook_options(settings)?,
            scheduler.ended(),
        );
        let retention = Retention::start(Sweeper {
            store: service_store.clone(),
            catalog: catalog.clone(),
            clock,
            options: RetentionOptions {
                run_days: settings.get("keep_runs_days")?,
                log_days: settings.get("keep_logs_days")?,
                runs_per_sync: settings.get("keep_runs_per_sync")?,
            },
        });
        let service = Service {
            store: service_store,
            catalog,
            scheduler: scheduler.clone(),
            runner,
            operator_key,
            memory_ceiling,
            requests_per_minute: NonZeroU32::new(settings.get("api_requests_per_minute")?),
            webhooks: Arc::new(webhooks.clone()),
        };
        let host = Host {
            store,
            scheduler,
            webhooks,
            retention,
            service: Arc::new(service),
            grace: Duration::from_secs(settings.get("stop_grace_seconds")?),
        };
        Ok((host, own))
    }

    /// Serves until a signal. Then runs reach a checkpoint or, after the grace or at a
    /// second signal, are ended where they stand; they are continued at the next start.
    async fn until_told(self, listener: TcpListener, mut signals: Signals) -> Result<()> {
        let (tell, told) = watch::channel(false);
        let mut closing = told.clone();
        let shutdown = async move {
            let _ = closing.wait_for(|told| *told).await;
        };
        let api = tokio::spawn(api::serve(
            listener,
            api::router(self.service.clone()),
            shutdown,
        ));
        signals.next().await;
        tracing::info!("stopping: runs may reach a checkpoint; a second signal ends them at once");
        let _ = tell.send(true);
        tokio::select! {
            () = self.scheduler.stop(self.grace) => {}
            () = signals.next() => self.scheduler.stop_now().await,
        }
        self.webhooks.stop().await;
        self.retention.stop().await;
        // Nobody waits for its token any more, but the next refresh token must be kept.
        tokio::select! {
            () = self.service.catalog.settle() => {}
            () = signals.next() => {}
        }
        let served = api.await.unwrap_or_else(|error| {
            Err(Error::new(
                Code::Internal,
                format!("the API broke off: {error}"),
            ))
        });
        let store = self.store;
        drop((self.service, self.scheduler, self.webhooks));
        let closed = match Arc::try_unwrap(store) {
            Ok(store) => tokio::task::spawn_blocking(|| store.close())
                .await
                .unwrap_or_else(|error| Err(Error::new(Code::Internal, error.to_string()))),
            // Somebody still reads; dropping it flushes too.
            Err(_) => Ok(()),
        };
        tracing::info!("stopped");
        served.and(closed)
    }
}

/// SIGTERM and Ctrl-C.
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    fn new() -> Result<Self> {
        let wrong = |error: std::io::Error| {
            Error::new(Code::Internal, format!("listening to signals: {error}"))
        };
        Ok(Signals {
            terminate: signal(SignalKind::terminate()).map_err(wrong)?,
            interrupt: signal(SignalKind::interrupt()).map_err(wrong)?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Whether every setting can be used; `config.invalid` names the first that cannot.
pub(super) fn check(settings: &Settings) -> Result<()> {
    settings.get::<SocketAddr>("listen")?;
    allocation(settings, settings.get("runs")?)?;
    settings.get::<u64>("memory_ceiling_mib")?;
    settings.get::<u64>("stop_grace_seconds")?;
    settings.get::<u32>("api_requests_per_minute")?;
    webhook_options(settings)?;
    traces::endpoint(settings)?;
    EnvFilter::try_new(settings.text("log")).map_err(|error| settings.refused("log", error))?;
    match settings.text("log_format") {
        "json" | "text" => Ok(()),
        _ => Err(settings.refused("log_format", "write json or text")),
    }
}

fn allocation(settings: &Settings, runs: u32) -> Result<Allocation> {
    match settings.text("allocation") {
        "on-demand" => Ok(Allocation::OnDemand),
        "pooled" => Ok(Allocation::Pooled { runs }),
        _ => Err(settings.refused("allocation", "write on-demand or pooled")),
    }
}

fn sandbox(settings: &Settings, runs: u32) -> Result<Sandbox> {
    let allocation = allocation(settings, runs)?;
    let store = Path::new(settings.text("store"));
    Sandbox::new(SandboxOptions {
        cache_folder: Some(store.parent().unwrap_or(Path::new(".")).join("code")),
        allocation,
    })
}

fn webhook_options(settings: &Settings) -> Result<WebhookOptions> {
    let hosts = settings.text("webhook_allow_hosts").split(',');
    let rules = hosts
        .map(str::trim)
        .filter(|host| !host.is_empty())
        .map(|host| {
            host.parse::<HostRule>()
                .map_err(|error| settings.refused("webhook_allow_hosts", error.message))
        });
    Ok(WebhookOptions {
        allow_hosts: rules.collect::<Result<_>>()?,
        allow_http: settings.get("webhook_allow_http")?,
    })
}

/// The keys that seal: those of the file, which is made for a new store only. Nothing that
/// an old one holds would open with fresh keys.
fn master_keys(path: &Path, is_new: bool) -> Result<MasterKeys> {
    if path.exists() || !is_new {
        return MasterKeys::from_file(path);
    }
    make_parent(path)?;
    let keys = MasterKeys::create(path)?;
    tracing::warn!(
        file = %path.display(),
        "a new key file was made; keep a copy of it apart from the store: without it no credential opens"
    );
    Ok(keys)
}

/// The operator's key: that of the file, which is made if there is none.
fn operator_key(path: &Path) -> Result<OperatorKey> {
    let wrong = |error: std::io::Error| unusable_key(path, &error);
    if path.exists() {
        return OperatorKey::new(&read_operator_key(path)?);
    }
    make_parent(path)?;
    let made = crate::vault::api_key::ApiKey::generate()?;
    let text = made.text.as_str().unwrap_or_default();
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(SECRET_MODE)
        .open(path)
        .map_err(wrong)?;
    file.write_all(format!("{text}\n").as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(wrong)?;
    tracing::warn!(file = %path.display(), "a new operator key was made");
    OperatorKey::new(text)
}

/// The operator's key in a file, checked. `config.invalid` if the file cannot be read, lets
/// others in, or holds no key.
pub(super) fn read_operator_key(path: &Path) -> Result<String> {
    refuse_open_to_others(path)?;
    let text = std::fs::read_to_string(path).map_err(|error| unusable_key(path, &error))?;
    let text = text.trim().to_owned();
    OperatorKey::new(&text)?;
    Ok(text)
}

fn unusable_key(path: &Path, error: &std::io::Error) -> Error {
    Error::new(
        Code::ConfigInvalid,
        format!("the operator's key file {}: {error}", path.display()),
    )
}

/// Refuses a secret that others than its owner may read.
fn refuse_open_to_others(path: &Path) -> Result<()> {
    let mode = std::fs::metadata(path).map_or(SECRET_MODE, |found| found.permissions().mode());
    match mode & OTHERS {
        0 => Ok(()),
        _ => Err(Error::new(
            Code::ConfigInvalid,
            format!(
                "others may read the operator's key file {}; run `chmod 600` on it",
                path.display()
            ),
        )),
    }
}

fn make_parent(path: &Path) -> Result<()> {
    let Some(parent) = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
    else {
        return Ok(());
    };
    std::fs::create_dir_all(parent).map_err(|error| {
        Error::new(
            Code::ConfigInvalid,
            format!("making the folder {}: {error}", parent.display()),
        )
    })
}
