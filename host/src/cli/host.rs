//! The parts of a host, put together for one command.

use super::output::Output;
use crate::clock::{Clock, SystemClock};
use crate::egress::Egress;
use crate::egress::live::{LiveEgress, LiveOptions};
use crate::error::{Code, Error, Result};
use crate::run::Runner;
use crate::sandbox::{Sandbox, SandboxOptions};
use crate::store::Store;
use crate::store::sled::{OpenOptions, SledStore};
use clap::Args;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where the store lies.
#[derive(Args, Clone, Debug)]
pub(super) struct StoreArgs {
    /// Folder of the store; its compiled code is kept beside it
    #[arg(
        long,
        env = "TIDEGATE_STORE",
        default_value = ".tidegate/store",
        value_name = "DIR"
    )]
    pub(super) store: PathBuf,
}

/// Opens the store in a folder, making it if there is none.
pub(super) async fn open_store(folder: &Path, clock: &Arc<dyn Clock>) -> Result<Arc<SledStore>> {
    let (folder, clock) = (folder.to_owned(), clock.clone());
    let open = move || SledStore::open(&folder, OpenOptions::default(), clock);
    let opened = tokio::task::spawn_blocking(open).await;
    opened
        .map_err(|error| {
            Error::new(
                Code::StoreDamaged,
                format!("opening the store broke off: {error}"),
            )
        })?
        .map(Arc::new)
}

impl StoreArgs {
    /// Opens the store, making it if there is none.
    pub(super) async fn open(&self, clock: &Arc<dyn Clock>) -> Result<Arc<SledStore>> {
        open_store(&self.store, clock).await
    }

    /// Opens a store that must be there, for a command that only reads.
    pub(super) async fn open_present(&self, clock: &Arc<dyn Clock>) -> Result<Arc<SledStore>> {
        if !self.store.is_dir() {
            let message = format!(
                "there is no store at `{}`; run a sync first, or name another with --store",
                self.store.display()
            );
            return Err(Error::new(Code::NotFound, message));
        }
        self.open(clock).await
    }

    /// Where compiled code is kept.
    pub(super) fn code_cache(&self) -> PathBuf {
        self.store.parent().unwrap_or(Path::new(".")).join("code")
    }
}

/// The same error; for a store that is in use, with the other way to what is in it.
pub(super) fn or_served(mut error: Error) -> Error {
    if error.code == Code::StoreLocked {
        error.message += "; if that is a host that serves, ask it with --served";
    }
    error
}

/// The machine's clock.
pub(super) fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock::new())
}

/// A sandbox with its code cache.
pub(super) fn sandbox(code_cache: Option<PathBuf>) -> Result<Sandbox> {
    Sandbox::new(SandboxOptions {
        cache_folder: code_cache,
        ..SandboxOptions::default()
    })
}

/// A runner over `store`, on the live network.
pub(super) fn runner(
    sandbox: Sandbox,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
) -> Result<Runner> {
    let egress: Arc<dyn Egress> = Arc::new(LiveEgress::new(LiveOptions {
        clock: clock.clone(),
        ..LiveOptions::default()
    })?);
    Ok(Runner {
        sandbox,
        store,
        egress,
        clock,
    })
}

/// Reads a component from disk.
pub(super) fn read_component(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| {
        let what = match error.kind() {
            _ if path.is_dir() => {
                "it is a folder; `tidegate build` makes a component of the crate in it".to_owned()
            }
            ErrorKind::NotFound => {
                "there is no such file; `tidegate build` makes a component and says where it lies"
                    .to_owned()
            }
            _ => error.to_string(),
        };
        Error::new(
            Code::NotFound,
            format!("reading the component `{}`: {what}", path.display()),
        )
    })
}

/// Closes a store: what it buffers is written, so that the next opening is quick.
pub(super) async fn close(store: Arc<SledStore>, output: &Output) {
    let Some(store) = Arc::into_inner(store) else {
        tracing::warn!("the store is still in use; it is closed when the process ends");
        return;
    };
    let closed = tokio::task::spawn_blocking(move || store.close()).await;
    let closed = closed.unwrap_or_else(|error| Err(Error::new(Code::Internal, error.to_string())));
    if let Err(error) = closed {
        output.say(&format!("warning: closing the store: {error}"));
    }
}
