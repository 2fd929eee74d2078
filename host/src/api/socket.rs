//! A client's socket that is not waited on for ever: a client says at once what it speaks,
//! and takes what it asked for. Otherwise silent clients would hold every place there is.
//! Nor is it dropped too soon: a client that is still writing gets to read its answer.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep, timeout};

/// How long a client may take no byte of its answer; then the connection is closed.
const STUCK_TIME: Duration = Duration::from_secs(30);

/// How long a client that was answered before it had sent all may go on sending; what
/// comes is thrown away. A socket closed on unread bytes is reset, and a reset takes back
/// the answer that says why. Big enough for what is refused to arrive, and less than a
/// stop waits for connections.
const LINGER_TIME: Duration = Duration::from_secs(5);

/// Bytes that are thrown away at once.
const SCRAP_BYTES: usize = 8 * 1024;

/// How often a client is looked at that has said the beginning of [`PREFACE`] so far.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// What a client of HTTP/2 says first; one of HTTP/1 soon says something else.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Waits until it is plain which version of HTTP the client speaks; an error if it is not
/// within `time`. Takes nothing off the socket.
pub(super) async fn speaks(stream: &TcpStream, time: Duration) -> io::Result<()> {
    let looking = async {
        let mut first = [0; PREFACE.len()];
        loop {
            let length = stream.peek(&mut first).await?;
            let said = first.get(..length).unwrap_or_default();
            let is_plain = said.is_empty() || said == PREFACE || !PREFACE.starts_with(said);
            if is_plain {
                return Ok(());
            }
            sleep(LOOK_AGAIN).await;
        }
    };
    timeout(time, looking).await?
}

/// A socket whose writes fail once the other side takes nothing for [`STUCK_TIME`], and
/// that takes what still comes for [`LINGER_TIME`] once our side is shut.
pub(super) struct Patient {
    stream: TcpStream,
    /// Runs while a write waits.
    stuck: Option<Pin<Box<Sleep>>>,
    /// Runs once our side is shut.
    lingering: Option<Pin<Box<Sleep>>>,
}

impl Patient {
    pub(super) fn new(stream: TcpStream) -> Self {
        Patient {
            stream,
            stuck: None,
            lingering: None,
        }
    }

    fn within_time<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stuck = None;
            return written;
        }
        let stuck = self
            .stuck
            .get_or_insert_with(|| Box::pin(sleep(STUCK_TIME)));
        ready!(stuck.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl AsyncWrite for Patient {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.within_time(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.within_time(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.lingering.is_none() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(context))?;
        }
        let lingering = this
            .lingering
            .get_or_insert_with(|| Box::pin(sleep(LINGER_TIME)));
        let mut scrap = [0; SCRAP_BYTES];
        while lingering.as_mut().poll(context).is_pending() {
            let mut came = ReadBuf::new(&mut scrap);
            let read = ready!(Pin::new(&mut this.stream).poll_read(context, &mut came));
            if read.is_err() || came.filled().is_empty() {
                break;
            }
        }
        Poll::Ready(Ok(()))
    }
}
