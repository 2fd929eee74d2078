//! A small internet: a resolver that answers from a table, servers that play scripts
//! (`tidegate_tests::server`), and an egress whose every dial is written down and led to
//! loopback.

use async_trait::async_trait;
use bytes::Bytes;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tidegate::egress::gate::{OwnAddresses, Resolver};
use tidegate::egress::live::{LiveEgress, LiveOptions, Times};
use tidegate::egress::policy::EgressPolicy;
use tidegate::egress::{Credentials, Egress, EgressScope, OutgoingRequest, Sent, Waits};
use tidegate::memory::MemoryBudget;
pub use tidegate_tests::server::{Received, Server, Step, reply};
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

/// Time for anything that must end; only a hang reaches it.
pub const LONG: Duration = Duration::from_secs(60);

// ---- certificates --------------------------------------------------------------------

/// An authority that only this suite trusts.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Authority {
            issuer: CertifiedIssuer::self_signed(params, key).unwrap(),
        }
    }

    pub fn root(&self) -> CertificateDer<'static> {
        self.issuer.der().clone()
    }

    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A server that proves to be any of `names`, after `change` was made to its certificate.
    pub fn acceptor(
        &self,
        names: &[String],
        change: impl FnOnce(&mut CertificateParams),
    ) -> TlsAcceptor {
        let mut params = CertificateParams::new(names).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        acceptor(certificate.der().clone(), &key)
    }
}

/// A server that proves to be any of `names` and offers `protocols`.
pub fn acceptor_for(authority: &Authority, names: &[String], protocols: &[&[u8]]) -> TlsAcceptor {
    let acceptor = authority.acceptor(names, |_| ());
    let mut config = acceptor.config().as_ref().clone();
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    TlsAcceptor::from(Arc::new(config))
}

/// A server with `certificate`.
pub fn acceptor(certificate: CertificateDer<'static>, key: &KeyPair) -> TlsAcceptor {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

// ---- names and dials -----------------------------------------------------------------

/// Answers from a table; each name has a row of answers, of which the last stays.
#[derive(Default)]
pub struct Names {
    answers: Mutex<HashMap<String, Vec<Vec<IpAddr>>>>,
    pub asked: Mutex<Vec<String>>,
}

impl Names {
    pub fn set(&self, name: &str, answers: Vec<Vec<IpAddr>>) {
        self.answers
            .lock()
            .unwrap()
            .insert(name.to_owned(), answers);
    }
}

#[async_trait]
impl Resolver for Names {
    async fn lookup(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        self.asked.lock().unwrap().push(host.to_owned());
        let mut answers = self.answers.lock().unwrap();
        let row = answers
            .get_mut(host)
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the table has no such name"))?;
        match row.len() {
            0 | 1 => Ok(row.first().cloned().unwrap_or_default()),
            _ => Ok(row.remove(0)),
        }
    }
}

/// Every address that was dialled, in order.
pub type Dials = Arc<Mutex<Vec<SocketAddr>>>;

/// An egress and all that it sees of the world.
pub struct World {
    pub egress: Arc<LiveEgress>,
    pub names: Arc<Names>,
    pub dials: Dials,
}

/// Time limits short enough for tests; what waits for them waits in vain anyway.
pub fn times() -> Times {
    Times {
        connect: Duration::from_secs(20),
        read_idle: Duration::from_secs(20),
        exchange: Duration::from_secs(40),
        backoff_first: Duration::from_millis(20),
        backoff_max: Duration::from_millis(80),
    }
}

impl World {
    /// An egress for which every checked address leads to what `route` names.
    pub fn new(
        times: Times,
        roots: Vec<CertificateDer<'static>>,
        own: Arc<OwnAddresses>,
        route: impl Fn(SocketAddr) -> SocketAddr + Send + Sync + 'static,
    ) -> Self {
        let (names, dials) = (Arc::new(Names::default()), Dials::default());
        let log = dials.clone();
        let options = LiveOptions {
            resolver: names.clone(),
            route: Arc::new(move |address| {
                log.lock().unwrap().push(address);
                let there = route(address);
                assert!(there.ip().is_loopback(), "{there} is not loopback");
                there
            }),
            extra_roots: roots,
            own,
            times,
            ..LiveOptions::default()
        };
        World {
            egress: Arc::new(LiveEgress::new(options).unwrap()),
            names,
            dials,
        }
    }

    /// An egress for servers on loopback, which are dialled as they are.
    pub fn local(times: Times) -> Self {
        let own = Arc::new(OwnAddresses::fixed(Vec::new()));
        World::new(times, Vec::new(), own, |address| address)
    }

    pub async fn get(&self, server: &Server, path: &str) -> Sent {
        self.send(&local_scope(), get(&server.url(path))).await
    }

    pub async fn send(&self, scope: &EgressScope, request: OutgoingRequest) -> Sent {
        let memory = MemoryBudget::new(u64::MAX);
        self.send_with(scope, request, &memory, LONG).await
    }

    pub async fn send_with(
        &self,
        scope: &EgressScope,
        request: OutgoingRequest,
        memory: &MemoryBudget,
        time: Duration,
    ) -> Sent {
        let waits = Waits::default();
        let deadline = Instant::now() + time;
        let sending = self.egress.send(scope, request, memory, deadline, &waits);
        tokio::time::timeout(LONG * 2, sending)
            .await
            .expect("send came back")
    }
}

pub fn get(url: &str) -> OutgoingRequest {
    OutgoingRequest {
        method: "GET".into(),
        url: url.into(),
        base_url: None,
        query: Vec::new(),
        headers: Vec::new(),
        body: None,
        timeout: None,
        retries: 0,
        retry_on: Vec::new(),
    }
}

pub fn post(url: &str, body: &str) -> OutgoingRequest {
    OutgoingRequest {
        method: "POST".into(),
        body: Some(Bytes::copy_from_slice(body.as_bytes())),
        ..get(url)
    }
}

pub fn scope(policy: EgressPolicy) -> EgressScope {
    EgressScope {
        connection: "prod/provider/account".into(),
        base_url: None,
        policy: Arc::new(policy),
        credentials: Arc::new(Credentials::default()),
        conduct: Arc::default(),
    }
}

/// A scope that may reach servers on 127.0.0.1.
pub fn local_scope() -> EgressScope {
    scope(EgressPolicy::default().allow("127.0.0.1".parse().unwrap()))
}

/// The code and message of an expected error.
#[track_caller]
pub fn refused(sent: &Sent) -> (&'static str, String) {
    let error = sent.response.as_ref().expect_err("an error was expected");
    (error.code.as_str(), error.message.clone())
}
