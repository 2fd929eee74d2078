//! A server on loopback that plays a script for each request, byte by byte: to hold an
//! answer back, to break it off, to never end it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

/// A request as it came in.
#[derive(Clone, Debug)]
pub struct Received {
    /// Request line and headers, byte for byte.
    pub head: String,
    /// The body, where a `Content-Length` announced it.
    pub body: Vec<u8>,
    /// How many came before, on any connection.
    pub before: usize,
}

impl Received {
    /// Path and query, as they were asked for.
    pub fn path(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }

    /// The method.
    pub fn method(&self) -> &str {
        self.head.split(' ').next().unwrap_or_default()
    }

    /// A header.
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
    /// These bytes.
    Send(Vec<u8>),
    /// Nothing, for so long.
    Wait(Duration),
    /// The same bytes again and again, until the other side is gone.
    Forever(Vec<u8>, Duration),
    /// Ends the connection.
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

/// A server on loopback that plays a script, and keeps what it was sent. It is gone with
/// its connections when it is dropped.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    /// The requests so far.
    pub received: Arc<Mutex<Vec<Received>>>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// One without TLS.
    pub async fn plain(script: impl Fn(&Received) -> Vec<Step> + Send + Sync + 'static) -> Self {
        Server::start(None, script).await
    }

    /// One with TLS, or without.
    pub async fn start(
        tls: Option<TlsAcceptor>,
        script: impl Fn(&Received) -> Vec<Step> + Send + Sync + 'static,
    ) -> Self {
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        Server::on(anywhere, tls, script).await
    }

    /// One on this address, such as that of a server that is gone.
    pub async fn on(
        address: SocketAddr,
        tls: Option<TlsAcceptor>,
        script: impl Fn(&Received) -> Vec<Step> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::new(Mutex::new(Vec::new()));
        let task = tokio::spawn(listen(listener, tls, Arc::new(script), received.clone()));
        Server {
            address,
            received,
            task,
        }
    }

    /// How many requests came so far.
    pub fn count(&self) -> usize {
        self.received.lock().unwrap().len()
    }

    /// A request by its number, from 0 on.
    pub fn nth(&self, at: usize) -> Received {
        self.received.lock().unwrap()[at].clone()
    }

    /// The URL of a path of it.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

async fn listen(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    script: Script,
    log: Arc<Mutex<Vec<Received>>>,
) {
    // Aborted with this task: who asks a server that is gone finds nobody.
    let mut connections = JoinSet::new();
    loop {
        let (tcp, _) = listener.accept().await.unwrap();
        let (script, log, tls) = (script.clone(), log.clone(), tls.clone());
        connections.spawn(async move {
            match tls {
                None => serve(tcp, script, log, |tcp| tcp.set_zero_linger().unwrap()).await,
                // A client that refuses the certificate ends it here.
                Some(tls) => match tls.accept(tcp).await {
                    Ok(stream) => serve(stream, script, log, |_| ()).await,
                    Err(_) => None,
                },
            }
        });
        while connections.try_join_next().is_some() {}
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
