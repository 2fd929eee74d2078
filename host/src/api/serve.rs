//! The listener: so many connections at once, headers within seconds, and an end that
//! lets what was asked be answered.

use super::socket::{self, Patient};
use crate::error::{Code, Error, Result};
use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

/// Connections at once. Further ones wait in the system's queue, unanswered.
const CONNECTIONS_MAX: usize = 1_024;

/// How long the headers of a request may take, and how long a connection may lie idle
/// before the first and between two; then it is closed. Holds off clients that send
/// nothing, or a byte at a time.
const HEADER_TIME: Duration = Duration::from_secs(10);

/// Bytes of a request's headers; more is answered 431.
const HEADER_BYTES_MAX: usize = 64 * 1024;

/// Requests at once on one HTTP/2 connection.
const STREAMS_MAX: u32 = 64;

/// How often an HTTP/2 connection that says nothing is asked whether it is there, and how
/// long it may take to say so.
const PING: Duration = Duration::from_secs(20);

/// How long requests under way are waited for at the end; then they are cut.
const CLOSING_TIME: Duration = Duration::from_secs(10);

/// How long to wait after a connection could not be taken, which means that the process
/// is out of files.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// Serves `router` until `shutdown`, then answers what is under way and returns.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<()> {
    let (closing, told) = watch::channel(false);
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let next = async {
            let place = room.clone().acquire_owned().await;
            (listener.accept().await, place)
        };
        tokio::select! {
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => {}
            (accepted, place) = next => match (accepted, place) {
                (Ok((stream, _)), Ok(place)) => {
                    let (router, told) = (router.clone(), told.clone());
                    connections.spawn(async move {
                        converse(stream, router, told).await;
                        drop(place);
                    });
                }
                (Err(error), _) => {
                    tracing::warn!("taking a connection: {error}");
                    tokio::time::sleep(ACCEPT_AGAIN).await;
                }
                (_, Err(error)) => return Err(Error::new(Code::Internal, error.to_string())),
            },
        }
    }
    drop(listener);
    closing.send_replace(true);
    let all = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(CLOSING_TIME, all).await.is_err() {
        connections.shutdown().await;
    }
    Ok(())
}

/// One connection, to its end.
async fn converse(stream: TcpStream, router: Router, mut told: watch::Receiver<bool>) {
    // An answer is small and wanted at once; failing to say so costs only time.
    let _ = stream.set_nodelay(true);
    let spoken = tokio::select! {
        spoken = socket::speaks(&stream, HEADER_TIME) => spoken,
        _ = told.wait_for(|closing| *closing) => return,
    };
    if let Err(error) = spoken {
        tracing::debug!("a connection said nothing: {error}");
        return;
    }
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_buf_size(HEADER_BYTES_MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING);
    let service = TowerToHyperService::new(router);
    let mut connection =
        pin!(builder.serve_connection(TokioIo::new(Patient::new(stream)), service));
    let closing = async {
        let _ = told.wait_for(|closing| *closing).await;
    };
    // An error here is a client that went away or spoke something else.
    tokio::select! {
        ended = connection.as_mut() => {
            if let Err(error) = ended {
                tracing::debug!("a connection broke off: {error}");
            }
            return;
        }
        () = closing => {}
    }
    connection.as_mut().graceful_shutdown();
    if let Err(error) = connection.await {
        tracing::debug!("a connection broke off while closing: {error}");
    }
}
