//! A small internet: a resolver that answers from a table, a server that plays scripts,
//! and an egress whose every dial is written down and led to loopback.

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
use tidegate::egress::{Credentials, Egress, EgressScope, OutgoingRequest, Sent};
use tidegate::memory::MemoryBudget;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

/// Time for anything that must end; only a hang reaches it.
pub const LONG: Duration = Duration::from_secs(60);

// ---- the server ----------------------------------------------------------------------

/// A request as it came in.
#[derive(Clone, Debug)]
pub struct Received {
    /// Request line and headers, byte for byte.
    pub head: String,
    pub body: Vec<u8>,
    /// How many came before, on any connection.
    pub before: usize,
}

impl Received {
    pub fn path(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }

    pub fn method(&self) -> &str {
        self.head.split(' ').next().unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (own, value) = line.split_once(':')?;
            own.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }
}

/// What a server does for one request, step by step.
#[derive(Clone, Debug)]
pub enum Step {
    Send(Vec<u8>),
    Wait(Duration),
    /// The same bytes again and again, until the other side is gone.
    Forever(Vec<u8>, Duration),
    Close,
    /// Closes with a reset instead of an end.
    Reset,
}

/// A complete response, and the connection stays open.
pub fn reply(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Vec<Step> {
    let mut bytes = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        bytes.push_str(&format!("{name}: {value}\r\n"));
    }
    let mut bytes = format!("{bytes}\r\n").into_bytes();
    bytes.extend(body);
    vec![Step::Send(bytes)]
}

type Script = Arc<dyn Fn(&Received) -> Vec<Step> + Send + Sync>;

/// A server on loopback that plays a script, and keeps what it was sent.
pub struct Server {
    pub address: SocketAddr,
    pub received: Arc<Mutex<Vec<Received>>>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub async fn plain(script: impl Fn(&Received) -> Vec<Step> + Send + Sync + 'static) -> Self {
        Server::start(None, script).await
    }

    pub async fn start(
        tls: Option<TlsAcceptor>,
        script: impl Fn(&Received) -> Vec<Step> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::new(Mutex::new(Vec::new()));
        let (script, log): (Script, _) = (Arc::new(script), received.clone());
        let task = tokio::spawn(async move {
            loop {
                let (tcp, _) = listener.accept().await.unwrap();
                let (script, log, tls) = (script.clone(), log.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(tcp, script, log, |tcp| tcp.set_zero_linger().unwrap()).await,
                        // A client that refuses the certificate ends it here.
                        Some(tls) => match tls.accept(tcp).await {
                            Ok(stream) => serve(stream, script, log, |_| ()).await,
                            Err(_) => None,
                        },
                    }
                });
            }
        });
        Server {
            address,
            received,
            task,
        }
    }

    pub fn count(&self) -> usize {
        self.received.lock().unwrap().len()
    }

    pub fn nth(&self, at: usize) -> Received {
        self.received.lock().unwrap()[at].clone()
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    script: Script,
    log: Arc<Mutex<Vec<Received>>>,
    reset: fn(&S),
) -> Option<()> {
    loop {
        let mut request = read_request(&mut stream).await?;
        let steps = {
            let mut log = log.lock().unwrap();
            request.before = log.len();
            log.push(request.clone());
            script(&request)
        };
        for step in steps {
            match step {
                Step::Send(bytes) => stream.write_all(&bytes).await.ok()?,
                Step::Wait(time) => tokio::time::sleep(time).await,
                Step::Forever(bytes, pause) => loop {
                    stream.write_all(&bytes).await.ok()?;
                    stream.flush().await.ok()?;
                    tokio::time::sleep(pause).await;
                },
                Step::Close => return stream.shutdown().await.ok(),
                Step::Reset => {
                    reset(&stream);
                    return None;
                }
            }
            stream.flush().await.ok()?;
        }
    }
}

async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> Option<Received> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let mut request = Received {
        head: String::from_utf8_lossy(&head).into_owned(),
        body: Vec::new(),
        before: 0,
    };
    let length = request.header("content-length").unwrap_or("0");
    request.body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut request.body).await.ok()?;
    Some(request)
}

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
        let sending = self
            .egress
            .send(scope, request, memory, Instant::now() + time);
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
