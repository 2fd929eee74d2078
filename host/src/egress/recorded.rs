//! Egress that answers from a recording, for tests of syncs.
//!
//! A request is made ready, checked, tried again and redirected as on the live network, but
//! what would be put on the wire is handed to [`Answers`] instead, and no wait is waited
//! out. Nothing here can open a connection: whatever a sync asks for, nothing leaves this
//! machine.

use super::course::Course;
use super::credentials::Redactor;
use super::denied::{Denied, Reason};
use super::prepare::{Prepared, prepare};
use super::{Egress, EgressScope, IncomingResponse, OutgoingRequest, Sent, Waits};
use super::{placeholder, policy, redirect, retry};
use crate::clock::Clock;
use crate::error::{Code, Error, Result};
use crate::limits::{REDIRECTS_MAX, RESPONSE_DECODED_BYTES_MAX};
use crate::memory::MemoryBudget;
use async_trait::async_trait;
use bytes::Bytes;
use http::response::Parts;
use http::{HeaderName, HeaderValue, StatusCode};
use std::sync::Arc;
use tokio::time::Instant;
use url::Url;

/// Whoever knows what the provider answered.
pub trait Answers: Send + Sync + 'static {
    /// The answer to a request; `None` where there is none.
    fn answer(&self, asked: &Asked<'_>) -> Option<Answer>;
}

/// A request that is looked up.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The request as the guest built it, for its headers and its base URL.
    pub guest: &'a OutgoingRequest,
    /// The method, which a redirect may have changed.
    pub method: &'a str,
    /// The whole URL with its query, after redirects.
    pub url: &'a Url,
    /// The body, which a redirect may have taken away.
    pub body: &'a Bytes,
}

/// What came of a request when it was recorded.
#[derive(Clone, Debug)]
pub enum Answer {
    /// A response.
    Response {
        /// HTTP status.
        status: u16,
        /// Headers, names in lower case.
        headers: Vec<(String, String)>,
        /// The body, decoded.
        body: Bytes,
    },
    /// None came, and why.
    Failure(Error),
}

/// The way to a recording.
pub struct RecordedEgress {
    answers: Arc<dyn Answers>,
    clock: Arc<dyn Clock>,
}

impl RecordedEgress {
    /// Egress to `answers`, with the times of `clock`.
    pub fn new(answers: Arc<dyn Answers>, clock: Arc<dyn Clock>) -> Self {
        RecordedEgress { answers, clock }
    }
}

#[async_trait]
impl Egress for RecordedEgress {
    async fn send(
        &self,
        scope: &EgressScope,
        request: OutgoingRequest,
        memory: &MemoryBudget,
        _: Instant,
        _: &Waits,
    ) -> Sent {
        let mut course = Course::new();
        let looking = Looking {
            egress: self,
            scope,
            guest: &request,
            memory,
        };
        let response = looking.run(&mut course);
        let (exchange, exchanges) = course.end_of_it();
        Sent {
            exchange,
            exchanges,
            response,
        }
    }
}

/// One `send` under way.
struct Looking<'a> {
    egress: &'a RecordedEgress,
    scope: &'a EgressScope,
    guest: &'a OutgoingRequest,
    memory: &'a MemoryBudget,
}

/// A response that was found, and the request that it answers.
struct Found {
    answered: Prepared,
    parts: Parts,
    body: Bytes,
}

impl Looking<'_> {
    fn run(&self, course: &mut Course) -> Result<IncomingResponse> {
        let prepared = prepare(self.scope, self.guest)?;
        let rules = &self.scope.conduct.retry;
        let retries = retry::retries(self.guest.retries, rules);
        loop {
            let found = self.follow(prepared.clone(), course);
            let again = match &found {
                Ok(found) => retry::is_tried_again(found.parts.status, &self.guest.retry_on, rules),
                Err(error) => is_broken(error.code) && retry::may_repeat(&prepared.method),
            };
            if !again || course.attempt > retries {
                return self.give(found?);
            }
            course.attempt += 1;
            course.cost.retries += 1;
        }
    }

    /// Looks up a request, and those that it is redirected to.
    fn follow(&self, mut prepared: Prepared, course: &mut Course) -> Result<Found> {
        for _ in 0..=REDIRECTS_MAX {
            let found = self.look(prepared, course)?;
            let next = redirect::next(&found.answered, &found.parts, &self.scope.credentials)?;
            match next {
                Some(next) => prepared = next,
                None => return Ok(found),
            }
        }
        let host = policy::authority(&prepared.url);
        let hops = format!("{host} ({REDIRECTS_MAX} hops)");
        Err(Denied::new(Reason::TooManyRedirects, hops).into())
    }

    /// Looks up one request, told as an exchange.
    fn look(&self, prepared: Prepared, course: &mut Course) -> Result<Found> {
        let now = self.egress.clock.now();
        course.open(&prepared, &Redactor::new(&self.scope.credentials), now);
        let found = self.answer(prepared, course);
        match &found {
            Ok(found) => {
                course.answered(found.parts.status.as_u16());
                course.received(found.body.len() as u64);
            }
            Err(error) => course.failed(error.code),
        }
        found
    }

    fn answer(&self, prepared: Prepared, course: &mut Course) -> Result<Found> {
        self.scope.policy.admit(&prepared.url)?;
        course.begin(self.egress.clock.now());
        let (url, body) = self.filled(&prepared)?;
        let asked = Asked {
            guest: self.guest,
            method: prepared.method.as_str(),
            url: &url,
            body: &body,
        };
        match self.egress.answers.answer(&asked) {
            None => Err(unknown(&prepared)),
            Some(Answer::Failure(error)) => Err(error),
            Some(Answer::Response {
                status,
                headers,
                body,
            }) => Ok(Found {
                parts: parts(status, &headers)?,
                answered: prepared,
                body,
            }),
        }
    }

    /// URL and body with the guest's placeholders filled in, as they would go out.
    fn filled(&self, prepared: &Prepared) -> Result<(Url, Bytes)> {
        let (mut url, mut body) = (prepared.url.clone(), prepared.body.clone());
        let credentials = &self.scope.credentials;
        if prepared.fills.query
            && let Some(query) = placeholder::query(&url, credentials)?
        {
            url.set_query(Some(&query));
        }
        if prepared.fills.body
            && let Some(filled) = placeholder::body(&prepared.headers, &body, credentials)?
        {
            body = filled;
        }
        Ok((url, body))
    }

    /// What the guest gets, its body counted against the run's memory.
    fn give(&self, found: Found) -> Result<IncomingResponse> {
        let Found {
            answered,
            parts,
            body,
        } = found;
        let bytes = body.len() as u64;
        if bytes > RESPONSE_DECODED_BYTES_MAX {
            let message =
                format!("the response has {bytes} bytes, limit {RESPONSE_DECODED_BYTES_MAX}");
            return Err(Error::new(Code::LimitResponse, message));
        }
        let held = self.memory.hold(bytes).ok_or_else(|| {
            let (used, cap) = (self.memory.used(), self.memory.cap());
            Error::new(
                Code::LimitMemory,
                format!(
                    "a response needs {bytes} bytes more, but {used} of the run's {cap} bytes are in use"
                ),
            )
        })?;
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = parts.headers.iter();
        Ok(IncomingResponse {
            status: parts.status.as_u16(),
            headers: headers
                .map(|(name, value)| (name.as_str().to_owned(), text(value)))
                .collect(),
            url: answered.url.to_string(),
            body,
            held,
        })
    }
}

/// Whether a failure is one of the way to the provider, which another try may mend.
fn is_broken(code: Code) -> bool {
    matches!(
        code,
        Code::ProviderDns | Code::ProviderConnect | Code::ProviderTimeout | Code::ProviderReset
    )
}

/// The error for a request that the recording does not know. Another try would not know it
/// either, so it is none of those that are tried again.
fn unknown(prepared: &Prepared) -> Error {
    let host = policy::authority(&prepared.url);
    let (method, path) = (&prepared.method, prepared.url.path());
    Error::new(
        Code::NotFound,
        format!("the fixture has no answer to {method} {path} at {host}"),
    )
}

fn parts(status: u16, headers: &[(String, String)]) -> Result<Parts> {
    let wrong = |what: String| Error::new(Code::ConfigInvalid, what);
    let mut response = http::Response::new(());
    *response.status_mut() = StatusCode::from_u16(status)
        .map_err(|_| wrong(format!("the recorded status {status} is none of HTTP")))?;
    for (name, value) in headers {
        let parsed = HeaderName::from_bytes(name.as_bytes()).ok();
        let parsed = parsed.zip(HeaderValue::from_bytes(value.as_bytes()).ok());
        let (name, value) = parsed.ok_or_else(|| {
            let name = name.escape_debug();
            wrong(format!("the recorded header `{name}` is none of HTTP"))
        })?;
        response.headers_mut().append(name, value);
    }
    Ok(response.into_parts().0)
}
