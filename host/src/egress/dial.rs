//! Connections: the gate, TCP and TLS under one time limit, and the pools that keep
//! them, one for each (connection, policy).
//!
//! reqwest is not used here although it is this very stack: its connector dials a host
//! that is an IP address without asking the resolver hook, so a gate could only stand
//! beside it, not in it. Here every socket, of a name or a literal, is opened by [`Tcp`].

use super::gate::Gate;
use super::policy::EgressPolicy;
use crate::error::{Code, Error, Result};
use crate::limits::{
    EXCHANGES_PER_CONNECTION_HOST_MAX, RESPONSE_HEADER_BYTES_MAX, RESPONSE_HEADERS_MAX,
};
use bytes::Bytes;
use http::Uri;
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::collections::HashMap;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tower_service::Service;
use url::Url;

/// How long an unused connection is kept. Below the 60 s after which common servers
/// close it, so that a request seldom meets one that is just being closed.
const IDLE_TIME: Duration = Duration::from_secs(30);

/// Pools kept at once; past it the one that was unused for longest is dropped, and its
/// connection starts with a new one.
const POOLS_MAX: usize = 256;

/// Bytes of response headers at which HTTP/2 breaks off by itself, as a mere protocol
/// error (`provider.reset`). Above our own limit, so that what is only somewhat too
/// large is told as what it is (`limit.response`).
const HTTP2_HEADER_BYTES_MAX: u32 = 4 * RESPONSE_HEADER_BYTES_MAX;

/// The way from a checked address to the one that is dialled: the identity outside of
/// tests, which lead public addresses to listeners of their own.
pub type Route = Arc<dyn Fn(SocketAddr) -> SocketAddr + Send + Sync>;

/// A client whose every new connection passes its gate.
pub type GatedClient = Client<Dialer, Full<Bytes>>;

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Connecting<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;

/// The TLS settings of all clients: the system's roots and `extra_roots`, TLS 1.2 and
/// 1.3. `config.invalid` where there is no usable root at all.
pub fn tls(extra_roots: &[CertificateDer<'static>]) -> Result<rustls::ClientConfig> {
    let failed = |error: rustls::Error| {
        Error::new(
            Code::ConfigInvalid,
            format!(
                "no certificate roots: {error}; install the system's CA certificates or name a CA file"
            ),
        )
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = rustls_platform_verifier::Verifier::new_with_extra_roots(
        extra_roots.iter().cloned(),
        provider.clone(),
    )
    .map_err(failed)?;
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(failed)?
        .dangerous() // The name is rustls': this is the verifier of the platform.
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(config)
}

/// Reads the certificates of a PEM file for [`tls`].
pub fn roots_from_pem(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>> {
    let failed = |why: String| Error::new(Code::ConfigInvalid, format!("the CA file {why}"));
    let roots = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| failed(format!("is not PEM: {error}")))?;
    match roots.is_empty() {
        true => Err(failed("holds no certificate".into())),
        false => Ok(roots),
    }
}

/// A connection's name and its policy.
type PoolKey = (String, Arc<EgressPolicy>);

/// The clients of all connections.
pub struct Pools {
    tls: rustls::ClientConfig,
    route: Route,
    connect_time: Duration,
    /// IMPORTANT: the policy is part of the key. A connection that one policy allowed
    /// must never carry a request of another.
    clients: Mutex<HashMap<PoolKey, (Instant, GatedClient)>>,
}

impl Pools {
    /// No clients yet.
    pub fn new(tls: rustls::ClientConfig, route: Route, connect_time: Duration) -> Self {
        Pools {
            tls,
            route,
            connect_time,
            clients: Mutex::default(),
        }
    }

    /// The client of `connection` under the policy of `gate`.
    pub fn client(
        &self,
        connection: &str,
        gate: impl FnOnce() -> Gate,
        policy: &Arc<EgressPolicy>,
    ) -> GatedClient {
        let mut clients = self.clients.lock().unwrap_or_else(|e| e.into_inner());
        let key = (connection.to_owned(), policy.clone());
        if let Some((used, client)) = clients.get_mut(&key) {
            *used = Instant::now();
            return client.clone();
        }
        if clients.len() >= POOLS_MAX {
            let oldest = clients.iter().min_by_key(|(_, (used, _))| *used);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                clients.remove(&oldest);
            }
        }
        let client = self.build(gate());
        clients.insert(key, (Instant::now(), client.clone()));
        client
    }

    fn build(&self, gate: Gate) -> GatedClient {
        let tcp = Tcp {
            gate: Arc::new(gate),
            route: self.route.clone(),
            connect_time: self.connect_time,
        };
        let tls = HttpsConnectorBuilder::new()
            .with_tls_config(self.tls.clone())
            .https_or_http()
            .enable_http1()
            .enable_http2()
            .wrap_connector(tcp);
        let dialer = Dialer {
            tls,
            connect_time: self.connect_time,
        };
        Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIME)
            .pool_max_idle_per_host(EXCHANGES_PER_CONNECTION_HOST_MAX)
            .http1_max_headers(RESPONSE_HEADERS_MAX)
            .http1_max_buf_size(RESPONSE_HEADER_BYTES_MAX as usize)
            .http2_max_header_list_size(HTTP2_HEADER_BYTES_MAX)
            .build(dialer)
    }
}

/// Opens connections, TLS included, within the connect time.
#[derive(Clone)]
pub struct Dialer {
    tls: HttpsConnector<Tcp>,
    connect_time: Duration,
}

impl Service<Uri> for Dialer {
    type Response = MaybeHttpsStream<TokioIo<TcpStream>>;
    type Error = BoxError;
    type Future = Connecting<Self::Response>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.tls.poll_ready(context)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let until = Instant::now() + self.connect_time;
        let limit = self.connect_time;
        let host = uri.host().unwrap_or_default().to_owned();
        let connecting = self.tls.call(uri);
        Box::pin(async move {
            match timeout_at(until, connecting).await {
                Ok(done) => done,
                Err(_) => Err(too_slow(&host, limit).into()),
            }
        })
    }
}

/// Opens TCP connections to what the gate gives.
#[derive(Clone)]
struct Tcp {
    gate: Arc<Gate>,
    route: Route,
    connect_time: Duration,
}

impl Service<Uri> for Tcp {
    type Response = TokioIo<TcpStream>;
    type Error = BoxError;
    type Future = Connecting<Self::Response>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let tcp = self.clone();
        Box::pin(async move { Ok(TokioIo::new(tcp.connect(&uri).await?)) })
    }
}

impl Tcp {
    async fn connect(&self, uri: &Uri) -> Result<TcpStream> {
        let until = Instant::now() + self.connect_time;
        let host = uri.host().unwrap_or_default();
        let url = Url::parse(&uri.to_string()).map_err(|error| {
            Error::new(
                Code::Internal,
                format!("the URI to {host} is no URL: {error}"),
            )
        })?;
        let addresses = self.gate.addresses(&url).await?;
        let mut failure = too_slow(host, self.connect_time);
        for (tried, address) in addresses.iter().enumerate() {
            // Each address gets its share, so that one which swallows packets leaves
            // time for the next.
            let left = until.saturating_duration_since(Instant::now());
            let share = left / u32::try_from(addresses.len() - tried).unwrap_or(u32::MAX);
            let dialling = TcpStream::connect((self.route)(*address));
            match timeout_at(Instant::now() + share, dialling).await {
                Ok(Ok(stream)) => {
                    // Requests are written whole; waiting to fill packets only costs.
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Ok(Err(error)) => {
                    failure = Error::new(
                        Code::ProviderConnect,
                        format!("no connection to {host} ({address}): {error}"),
                    );
                }
                Err(_) => failure = too_slow(host, self.connect_time),
            }
        }
        Err(failure)
    }
}

fn too_slow(host: &str, limit: Duration) -> Error {
    Error::new(
        Code::ProviderTimeout,
        format!("no connection to {host} within {limit:?}"),
    )
}
