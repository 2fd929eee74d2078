//! A running provider: its address, its data, its faults and what it has seen.
//!
//! The server has a thread and a runtime of its own, so that it answers whatever its
//! user's runtime does, and is gone with all its connections when the handle is.

use crate::builder::ProviderBuilder;
use crate::faults::Faults;
use crate::seen::SeenRequest;
use crate::serve::{self, App};
use crate::set::Set;
use anyhow::{Context, Result};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use tokio::sync::oneshot;

/// A running provider; it stops when this is dropped.
pub struct ProviderHandle {
    address: SocketAddr,
    app: Arc<App>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl ProviderHandle {
    /// Its base URL, such as `http://127.0.0.1:40123`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The contacts.
    pub fn contacts(&self) -> &Set {
        &self.app.contacts
    }

    /// The users.
    pub fn users(&self) -> &Set {
        &self.app.users
    }

    /// The events.
    pub fn events(&self) -> &Set {
        &self.app.events
    }

    /// The commits, the oldest first.
    pub fn commits(&self) -> &Set {
        &self.app.commits
    }

    /// The records that were given under `name`.
    pub fn records(&self, name: &str) -> Option<&Set> {
        self.app.sets.get(name)
    }

    /// The faults to come.
    pub fn faults(&self) -> &Faults {
        &self.app.faults
    }

    /// The requests so far in their order: the last 100,000.
    pub fn requests(&self) -> Vec<SeenRequest> {
        self.app.seen.all()
    }

    /// Forgets the requests so far.
    pub fn forget_requests(&self) {
        self.app.seen.clear();
    }
}

impl Drop for ProviderHandle {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Serves until Ctrl-C. Prints the address first: for the eyes of whoever tries a sync.
pub async fn serve_until_ctrl_c(provider: ProviderBuilder) -> Result<()> {
    let provider = provider.start().await?;
    println!(
        "the provider listens on {}; Ctrl-C stops it",
        provider.url()
    );
    tokio::signal::ctrl_c().await.context("waiting for Ctrl-C")
}

/// Starts the server's thread and waits until it listens.
pub(crate) fn launch(app: App, port: u16) -> Result<ProviderHandle> {
    let app = Arc::new(app);
    let (stop, stopped) = oneshot::channel();
    let (tell, told) = mpsc::channel();
    let served = app.clone();
    let thread = std::thread::Builder::new()
        .name("provider".to_owned())
        .spawn(move || run(served, port, stopped, tell))
        .context("starting the provider's thread")?;
    let address = told
        .recv()
        .context("the provider's thread ended before it listened")??;
    Ok(ProviderHandle {
        address,
        app,
        stop: Some(stop),
        thread: Some(thread),
    })
}

fn run(
    app: Arc<App>,
    port: u16,
    stopped: oneshot::Receiver<()>,
    tell: mpsc::Sender<Result<SocketAddr>>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = match runtime.context("building the provider's runtime") {
        Ok(runtime) => runtime,
        Err(error) => return drop(tell.send(Err(error))),
    };
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
        let bound = listener
            .and_then(|listener| Ok((listener.local_addr()?, listener)))
            .with_context(|| format!("listening on 127.0.0.1:{port}"));
        match bound {
            Err(error) => drop(tell.send(Err(error))),
            Ok((address, listener)) => {
                let _ = tell.send(Ok(address));
                tokio::select! {
                    _ = stopped => {}
                    _ = serve::serve(listener, app) => {}
                }
            }
        }
    });
}
