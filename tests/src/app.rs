//! An app that takes webhooks: an HTTP server on loopback that answers as it is told and
//! keeps what it got. It checks signatures with code of its own.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{HeaderMap, LOCATION, RETRY_AFTER};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// Bytes of a block of SHA-256.
const BLOCK: usize = 64;

/// What the app answers.
#[derive(Clone, Debug)]
pub enum Reply {
    /// A status.
    Status(u16),
    /// A status and `Retry-After`.
    Later(u16, &'static str),
    /// A redirect to a path of the same host.
    Redirect(u16, &'static str),
    /// A body of so many bytes.
    Large(usize),
    /// Nothing before [`App::release`] is called, then 200.
    Hang,
}

/// A webhook as it came in.
#[derive(Clone, Debug)]
pub struct Received {
    /// Its method.
    pub method: String,
    /// Its path, without a query.
    pub path: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, byte for byte.
    pub raw: Bytes,
}

impl Received {
    /// A header, or nothing.
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    /// Its body as JSON.
    pub fn body(&self) -> Value {
        serde_json::from_slice(&self.raw).unwrap()
    }

    /// Whether both signatures are those of `key` over the raw bytes.
    pub fn is_signed_with(&self, key: &[u8]) -> bool {
        let legacy = hex(&Sha256::new()
            .chain_update(key)
            .chain_update(&self.raw)
            .finalize());
        self.header("X-Nango-Hmac-Sha256") == hmac(key, &self.raw)
            && self.header("X-Nango-Signature") == legacy
    }
}

/// HMAC-SHA256 as RFC 2104 has it.
fn hmac(key: &[u8], message: &[u8]) -> String {
    let mut block = [0; BLOCK];
    match key.len() > BLOCK {
        true => block[..32].copy_from_slice(&Sha256::digest(key)),
        false => block[..key.len()].copy_from_slice(key),
    }
    let pad = |with: u8| block.map(|byte| byte ^ with);
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(message);
    let outer = Sha256::new().chain_update(pad(0x5c));
    hex(&outer.chain_update(inner.finalize()).finalize())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

type Script = Arc<dyn Fn(&Received, usize) -> Reply + Send + Sync>;

/// The app.
pub struct App {
    address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    connections: Arc<AtomicUsize>,
    released: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Drop for App {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl App {
    /// An app that answers by `script`, which is told how many came before.
    pub async fn start(script: impl Fn(&Received, usize) -> Reply + Send + Sync + 'static) -> Self {
        App::listen(0, script).await
    }

    /// An app that takes everything, on a port that was free before.
    pub async fn on(port: u16) -> Self {
        App::listen(port, |_, _| Reply::Status(200)).await
    }

    async fn listen(
        port: u16,
        script: impl Fn(&Received, usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::<Mutex<Vec<Received>>>::default();
        let connections = Arc::<AtomicUsize>::default();
        let released = Arc::new(Notify::new());
        let (log, count, release) = (received.clone(), connections.clone(), released.clone());
        let script: Script = Arc::new(script);
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                count.fetch_add(1, Ordering::SeqCst);
                let (script, log, release) = (script.clone(), log.clone(), release.clone());
                let serve = service_fn(move |request| {
                    answer(request, script.clone(), log.clone(), release.clone())
                });
                let serving = http1::Builder::new().serve_connection(TokioIo::new(stream), serve);
                tokio::spawn(serving);
            }
        });
        App {
            address,
            received,
            connections,
            released,
            task,
        }
    }

    /// An app that takes everything.
    pub async fn content() -> Self {
        App::start(|_, _| Reply::Status(200)).await
    }

    /// The URL of a path of it.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// What came in, in its order.
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// How many came in.
    pub fn count(&self) -> usize {
        self.received.lock().unwrap().len()
    }

    /// Connections that were opened to it.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Lets those that hang go.
    pub fn release(&self) {
        self.released.notify_waiters();
    }
}

async fn answer(
    request: Request<Incoming>,
    script: Script,
    log: Arc<Mutex<Vec<Received>>>,
    released: Arc<Notify>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let received = Received {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        headers: parts.headers,
        raw: body.collect().await.unwrap().to_bytes(),
    };
    let release = released.notified();
    let reply = {
        let mut log = log.lock().unwrap();
        log.push(received.clone());
        script(&received, log.len() - 1)
    };
    let response = Response::builder();
    let (response, size) = match reply {
        Reply::Status(status) => (response.status(status), 0),
        Reply::Later(status, after) => (response.status(status).header(RETRY_AFTER, after), 0),
        Reply::Redirect(status, to) => (response.status(status).header(LOCATION, to), 0),
        Reply::Large(size) => (response.status(200), size),
        Reply::Hang => {
            release.await;
            (response.status(200), 0)
        }
    };
    Ok(response.body(Bytes::from(vec![b' '; size]).into()).unwrap())
}

#[test]
fn the_apps_own_hmac_is_right() {
    // RFC 4231, test case 2.
    let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    assert_eq!(hmac(b"Jefe", b"what do ya want for nothing?"), expected);
}
