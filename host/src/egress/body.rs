//! A response's body, counted as it streams in: on the wire, decoded, and against the
//! run's memory. Nothing is read ahead of what was granted.

use super::bandwidth::Pace;
use super::failure::{Failure, find};
use crate::error::{Code, Error};
use crate::limits::{
    KIB, MIB, RESPONSE_DECODED_BYTES_MAX, RESPONSE_HEADER_BYTES_MAX, RESPONSE_HEADERS_MAX,
    RESPONSE_WIRE_BYTES_MAX,
};
use crate::memory::{Held, MemoryBudget};
use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZstdDecoder};
use async_compression::zstd::DParameter;
use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, Stream, StreamExt};
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use std::io;
use std::pin::Pin;
use std::time::Duration;
use tokio::io::{AsyncBufRead, AsyncRead, AsyncReadExt};
use tokio::time::timeout;
use tokio_util::io::StreamReader;

/// Bytes decoded at a time, and the least by which a body's memory grows.
const CHUNK_BYTES: usize = 16 * KIB as usize;

/// log2 of the largest zstd window accepted: 8 MiB, as RFC 9659 has it for the web. Its
/// own limit of 128 MiB would let a provider take that of the host.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;

/// Memory of a decoder, held from the run's budget while it works: its largest window
/// and tables.
const GZIP_DECODER_BYTES: u64 = 64 * KIB;
const BROTLI_DECODER_BYTES: u64 = 17 * MIB;
const ZSTD_DECODER_BYTES: u64 = 9 * MIB;

/// How the body is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// As it is, or in a way that this host leaves to the guest.
    Plain,
    /// gzip.
    Gzip,
    /// Brotli.
    Brotli,
    /// Zstandard.
    Zstd,
}

impl Coding {
    /// The one coding of a response; more than one is `limit.response`: a bomb in a bomb.
    pub fn of(headers: &HeaderMap) -> Result<Self, Failure> {
        let mut layers = headers
            .get_all(CONTENT_ENCODING)
            .iter()
            .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
            .map(|layer| layer.trim_ascii().to_ascii_lowercase())
            .filter(|layer| !layer.is_empty() && layer != b"identity");
        let first = layers.next();
        if layers.next().is_some() {
            return Err(Failure::last(
                Code::LimitResponse,
                "the response is encoded more than once; one layer is decoded",
            ));
        }
        Ok(match first.as_deref() {
            Some(b"gzip" | b"x-gzip") => Coding::Gzip,
            Some(b"br") => Coding::Brotli,
            Some(b"zstd") => Coding::Zstd,
            _ => Coding::Plain,
        })
    }

    fn decoder_bytes(self) -> u64 {
        match self {
            Coding::Plain => 0,
            Coding::Gzip => GZIP_DECODER_BYTES,
            Coding::Brotli => BROTLI_DECODER_BYTES,
            Coding::Zstd => ZSTD_DECODER_BYTES,
        }
    }
}

/// Checks the number and the size of a response's headers.
pub fn check_headers(headers: &HeaderMap) -> Result<(), Failure> {
    let bytes: usize = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    if headers.len() > RESPONSE_HEADERS_MAX || bytes > RESPONSE_HEADER_BYTES_MAX as usize {
        return Err(Failure::last(
            Code::LimitResponse,
            format!(
                "{} response headers of {bytes} bytes; the limits are {RESPONSE_HEADERS_MAX} headers and {RESPONSE_HEADER_BYTES_MAX} bytes",
                headers.len()
            ),
        ));
    }
    Ok(())
}

/// Where a body comes from.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    /// The host, for messages.
    pub host: &'a str,
    /// The longest time without a byte from there.
    pub idle: Duration,
    /// How fast it may come.
    pub pace: &'a Pace,
}

/// Reads `incoming` to its end. `wire_bytes` grows with what arrives, whatever comes of
/// it. Errors: `limit.response`, `limit.memory`, `provider.timeout` after the idle
/// time without a byte, `provider.reset` where it breaks off or does not decode.
pub async fn read(
    incoming: Incoming,
    coding: Coding,
    memory: &MemoryBudget,
    from: Source<'_>,
    wire_bytes: &mut u64,
) -> Result<(Vec<u8>, Held), Failure> {
    let host = from.host;
    // Not read from the headers: HEAD announces a length that never comes.
    let announced = incoming.size_hint().lower();
    if announced > RESPONSE_WIRE_BYTES_MAX {
        return Err(too_large(
            format!("announces {announced} bytes"),
            RESPONSE_WIRE_BYTES_MAX,
        ));
    }
    let mut frames = Box::pin(frames(incoming, from, wire_bytes));
    let mut body = Buffer::new(memory)?;
    if coding == Coding::Plain {
        while let Some(frame) = frames.next().await {
            body.push(&frame.map_err(|error| broken(error, host))?)?;
        }
        return Ok(body.finish());
    }
    // An empty body is no coding's text, and still what HEAD and 304 answer with.
    let Some(first) = frames.next().await else {
        return Ok(body.finish());
    };
    let _window = memory
        .hold(coding.decoder_bytes())
        .ok_or_else(|| no_room(memory, coding.decoder_bytes()))?;
    let packed = StreamReader::new(stream::once(async { first }).chain(frames).boxed());
    let mut decoder = decoder(coding, packed);
    let mut chunk = BytesMut::with_capacity(CHUNK_BYTES);
    loop {
        chunk.clear();
        let read = decoder.read_buf(&mut chunk).await;
        if read.map_err(|error| broken(error, host))? == 0 {
            return Ok(body.finish());
        }
        body.push(&chunk)?;
    }
}

/// The body's frames, at their pace, with the idle limit and the limit of the wire.
fn frames<'a>(
    incoming: Incoming,
    from: Source<'a>,
    wire_bytes: &'a mut u64,
) -> impl Stream<Item = io::Result<Bytes>> + Send + 'a {
    let start = (incoming, wire_bytes, 0);
    stream::try_unfold(
        start,
        move |(mut incoming, wire_bytes, mut total)| async move {
            loop {
                let frame = match timeout(from.idle, incoming.frame()).await {
                    Ok(Some(Ok(frame))) => frame,
                    Ok(Some(Err(error))) => return Err(io::Error::other(error)),
                    Ok(None) => return Ok(None),
                    Err(_) => {
                        let why = format!("no byte from {} for {:?}", from.host, from.idle);
                        return Err(io::Error::other(Error::new(Code::ProviderTimeout, why)));
                    }
                };
                // Trailers are read over; no sync has a use for them.
                let Ok(data) = frame.into_data() else {
                    continue;
                };
                *wire_bytes += data.len() as u64;
                total += data.len() as u64;
                if total > RESPONSE_WIRE_BYTES_MAX {
                    let error =
                        too_large("has more bytes on the wire".into(), RESPONSE_WIRE_BYTES_MAX);
                    return Err(io::Error::other(error.error));
                }
                // Our own wait is not the provider's: the idle time begins after it.
                from.pace.pass(data.len() as u64).await;
                return Ok(Some((data, (incoming, wire_bytes, total))));
            }
        },
    )
}

fn decoder<'a>(
    coding: Coding,
    packed: impl AsyncBufRead + Send + 'a,
) -> Pin<Box<dyn AsyncRead + Send + 'a>> {
    match coding {
        Coding::Plain => Box::pin(packed),
        Coding::Gzip => {
            let mut decoder = GzipDecoder::new(packed);
            decoder.multiple_members(true);
            Box::pin(decoder)
        }
        Coding::Brotli => Box::pin(BrotliDecoder::new(packed)),
        Coding::Zstd => {
            let window = [DParameter::window_log_max(ZSTD_WINDOW_LOG_MAX)];
            Box::pin(ZstdDecoder::with_params(packed, &window))
        }
    }
}

/// What an error of the stream or of the decoder is.
fn broken(error: io::Error, host: &str) -> Failure {
    if let Some(own) = find::<Error>(&error) {
        return match own.code {
            Code::LimitResponse => Failure::last(own.code, own.message.clone()),
            code => Failure::maybe_sent(code, own.message.clone()),
        };
    }
    if find::<hyper::Error>(&error).is_some() {
        return Failure::of_response(&error, host);
    }
    Failure::maybe_sent(
        Code::ProviderReset,
        format!("the body that {host} sent does not decode: {error}"),
    )
}

fn too_large(what: String, limit: u64) -> Failure {
    Failure::last(
        Code::LimitResponse,
        format!("the response {what}, limit {limit}"),
    )
}

fn no_room(memory: &MemoryBudget, wanted: u64) -> Failure {
    Failure::last(
        Code::LimitMemory,
        format!(
            "a response needs {wanted} bytes more, but {} of the run's {} bytes are in use",
            memory.used(),
            memory.cap()
        ),
    )
}

/// The decoded body as it grows. What it holds of the run's memory covers its capacity.
struct Buffer<'a> {
    bytes: Vec<u8>,
    held: Held,
    memory: &'a MemoryBudget,
}

impl<'a> Buffer<'a> {
    fn new(memory: &'a MemoryBudget) -> Result<Self, Failure> {
        Ok(Buffer {
            bytes: Vec::new(),
            held: memory.hold(0).ok_or_else(|| no_room(memory, 0))?,
            memory,
        })
    }

    fn push(&mut self, chunk: &[u8]) -> Result<(), Failure> {
        let wanted = (self.bytes.len() + chunk.len()) as u64;
        if wanted > RESPONSE_DECODED_BYTES_MAX {
            return Err(too_large(
                "has more bytes after decoding".into(),
                RESPONSE_DECODED_BYTES_MAX,
            ));
        }
        let held = self.held.bytes();
        if wanted > held {
            // Half as much again, so that the buffer is seldom moved; but a refusal is
            // remembered against the run, so what is only a convenience is not asked
            // for where it would not fit.
            let roomy = wanted.max(held + held / 2).max(CHUNK_BYTES as u64) - held;
            let free = self.memory.cap().saturating_sub(self.memory.used());
            let more = if roomy <= free { roomy } else { wanted - held };
            if !self.held.grow(more) {
                return Err(no_room(self.memory, more));
            }
            let room = usize::try_from(self.held.bytes()).unwrap_or(usize::MAX);
            self.bytes
                .reserve_exact(room.saturating_sub(self.bytes.len()));
        }
        self.bytes.extend_from_slice(chunk);
        Ok(())
    }

    fn finish(mut self) -> (Vec<u8>, Held) {
        self.bytes.shrink_to_fit();
        self.held.shrink_to(self.bytes.len() as u64);
        (self.bytes, self.held)
    }
}
