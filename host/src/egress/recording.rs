//! Egress that keeps what a run asks and gets, so that a test can answer from it.
//!
//! It stands on the guest's side of the live network: a request is kept as the guest built
//! it, before credentials are put on, and a response as the guest gets it, after retries,
//! redirects and decoding, with the credentials blotted out.

use super::prepare::prepare;
use super::{Egress, EgressScope, OutgoingRequest, Sent, Waits};
use crate::error::{Code, Error, Result};
use crate::limits::RECORDING_BYTES_MAX;
use crate::memory::MemoryBudget;
use async_trait::async_trait;
use bytes::Bytes;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::time::Instant;
use url::Url;

/// A request and what came of it.
#[derive(Clone, Debug)]
pub struct Taken {
    /// The method.
    pub method: String,
    /// The whole URL, without what the host adds.
    pub url: Url,
    /// The guest's headers.
    pub headers: Vec<(String, String)>,
    /// The guest's body.
    pub body: Option<Bytes>,
    /// What the guest got.
    pub answer: Result<TakenResponse>,
}

/// A response as the guest got it.
#[derive(Clone, Debug)]
pub struct TakenResponse {
    /// HTTP status.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, decoded.
    pub body: Bytes,
}

/// Egress through another, keeping what passes.
pub struct RecordingEgress {
    inner: Arc<dyn Egress>,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    taken: Vec<Taken>,
    bytes: u64,
}

impl RecordingEgress {
    /// Nothing kept yet.
    pub fn new(inner: Arc<dyn Egress>) -> Self {
        RecordingEgress {
            inner,
            kept: Mutex::default(),
        }
    }

    /// What was kept, in the order in which it ended. `limit.response` if that is more
    /// than a recording holds.
    pub fn taken(&self) -> Result<Vec<Taken>> {
        let mut kept = self.lock();
        if kept.bytes > RECORDING_BYTES_MAX {
            let (bytes, most) = (kept.bytes, RECORDING_BYTES_MAX);
            let message = format!(
                "the run's bodies have {bytes} bytes, and a recording holds {most}; record a connection with less data"
            );
            return Err(Error::new(Code::LimitResponse, message));
        }
        Ok(std::mem::take(&mut kept.taken))
    }

    fn keep(&self, taken: Taken) {
        let size = |body: &Bytes| body.len() as u64;
        let mut kept = self.lock();
        kept.bytes += taken.body.as_ref().map_or(0, size);
        kept.bytes += taken.answer.as_ref().map_or(0, |answer| size(&answer.body));
        // Past the limit it is of no use any more.
        match kept.bytes > RECORDING_BYTES_MAX {
            true => kept.taken.clear(),
            false => kept.taken.push(taken),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Egress for RecordingEgress {
    async fn send(
        &self,
        scope: &EgressScope,
        request: OutgoingRequest,
        memory: &MemoryBudget,
        deadline: Instant,
        waits: &Waits,
    ) -> Sent {
        let asked = request.clone();
        let sent = self
            .inner
            .send(scope, request, memory, deadline, waits)
            .await;
        // What cannot be sent at all is refused again by whoever answers in its place.
        if let Ok(prepared) = prepare(scope, &asked) {
            let answer = sent.response.as_ref().map_err(Clone::clone);
            self.keep(Taken {
                method: asked.method,
                url: prepared.url,
                headers: asked.headers,
                body: asked.body,
                answer: answer.map(|response| TakenResponse {
                    status: response.status,
                    headers: response.headers.clone(),
                    body: response.body.clone(),
                }),
            });
        }
        sent
    }
}
