//! Egress: the one door out of this process.
//!
//! Guest fetches (and later webhooks and token refreshes) pass the same gate: the URL is
//! parsed once and checked ([`policy`]), the name is looked up once and every answer is
//! checked, the connection goes to a checked address only, redirects are followed by
//! hand and checked again, and credentials go to the connection's own origin alone.
//!
//! In the order in which a request passes them: [`target`] (the URL), `prepare` (the
//! rest of the request), [`policy`] (what is allowed), `rate` and `budget` (the turn and the slot; `waits` tells of both), `credentials`
//! and `placeholder` (put on), [`dial`] with [`gate`] and [`address`] (the connection), `redirect`, `retry`,
//! `body` (read and decoded under its limits, as fast as `bandwidth` lets it). [`live`] is where they are joined;
//! [`denied`] and `failure` say why one ended early, `course` what there was on the way.
//!
//! [`recording`] keeps what a run asks and gets, and [`recorded`] answers from that: it has
//! no way to the network at all.

pub mod address;
mod bandwidth;
mod body;
mod budget;
mod course;
mod credentials;
pub mod denied;
pub mod dial;
mod failure;
pub mod gate;
pub mod live;
mod placeholder;
pub mod policy;
mod prepare;
mod rate;
pub mod recorded;
pub mod recording;
mod redirect;
mod retry;
pub mod target;
mod waits;

pub use placeholder::{Placeholder, is_name as is_placeholder_name};
pub use waits::Waits;

use crate::error::Result;
use crate::memory::{Held, MemoryBudget};
use crate::model::{HttpExchange, RateLimit, RetryRules};
use async_trait::async_trait;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use url::Url;

/// What a request may reach and carry: fixed by the operator for a connection, never by
/// a guest.
#[derive(Clone, Debug)]
pub struct EgressScope {
    /// Names this connection in budgets (never sent).
    pub connection: String,
    /// Relative URLs are joined to this; its origin gets the credentials.
    pub base_url: Option<Url>,
    /// What is allowed.
    pub policy: Arc<policy::EgressPolicy>,
    /// Headers with secrets, for the base URL's origin only.
    pub credentials: Arc<Credentials>,
    /// How its provider is treated.
    pub conduct: Arc<Conduct>,
}

/// How the host treats a provider beyond what it does for all. The default adds nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conduct {
    /// What is tried again.
    pub retry: RetryRules,
    /// How many requests it bears, retries and redirects included.
    pub rate: Option<SharedRate>,
    /// How fast bodies pass, of requests and responses alike.
    pub line: Option<SharedLine>,
}

/// A rate limit and those who share it: all scopes with the same name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SharedRate {
    /// Who they are (never sent).
    pub name: String,
    /// The limit.
    pub limit: RateLimit,
}

/// A bandwidth and those who share it: all scopes with the same name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SharedLine {
    /// Who they are (never sent).
    pub name: String,
    /// Bytes of bodies a second, as they are on the wire.
    pub bytes_per_second: u64,
}

/// Secrets that the host adds to requests to the connection's own origin, after the
/// guest's request is final. Deliberately without `Debug` of the values.
#[derive(Default)]
pub struct Credentials {
    /// Header names and values.
    pub headers: Vec<(String, String)>,
    /// Query parameters.
    pub query: Vec<(String, String)>,
    /// What a guest's `{{secret.name}}` stands for, by name.
    pub placeholders: BTreeMap<String, Placeholder>,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Credentials({} headers, {} query parameters, {} placeholders)",
            self.headers.len(),
            self.query.len(),
            self.placeholders.len()
        )
    }
}

/// A request as the guest built it.
#[derive(Clone, Debug)]
pub struct OutgoingRequest {
    /// HTTP method.
    pub method: String,
    /// Absolute, or relative to the scope's base URL (or to `base_url`).
    pub url: String,
    /// A base URL that takes the place of the connection's for this request.
    pub base_url: Option<String>,
    /// Query parameters that are added to the URL's, percent-encoded by the host.
    pub query: Vec<(String, String)>,
    /// Headers; those that carry credentials or framing are refused.
    pub headers: Vec<(String, String)>,
    /// Body, if any.
    pub body: Option<Bytes>,
    /// Time for one exchange.
    pub timeout: Option<Duration>,
    /// Tries after the first. What may have reached the provider before the connection
    /// broke is tried again only with a method that may be repeated: not POST or PATCH.
    pub retries: u32,
    /// Statuses that are tried again beside 429 and 5xx.
    pub retry_on: Vec<u16>,
}

/// A response, its body counted against the run's memory for as long as it is held.
#[derive(Debug)]
pub struct IncomingResponse {
    /// HTTP status.
    pub status: u16,
    /// Headers in the provider's order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The URL that answered, without credentials.
    pub url: String,
    /// The body, decoded.
    pub body: Bytes,
    /// The memory of `body`.
    pub held: Held,
}

/// What came of a request: what it cost, whether it went well or not.
#[derive(Debug)]
pub struct Sent {
    /// What it cost.
    pub exchange: Exchange,
    /// Its exchanges in their order, one for each try and redirect.
    pub exchanges: Vec<HttpExchange>,
    /// The response, or why there is none. `limit.memory` means that the run's memory
    /// budget refused a part of the body.
    pub response: Result<IncomingResponse>,
}

/// What one `send` cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exchange {
    /// Requests put on the wire, redirects and retries included.
    pub requests: u32,
    /// Those that were tries after the first.
    pub retries: u32,
    /// Time spent waiting: between tries, for the provider's word, for a rate limit.
    pub waited: Duration,
    /// Bytes of the body on the wire.
    pub wire_bytes: u64,
}

/// The way out. One implementation talks to the network ([`live`]); a recording can
/// stand in for it ([`recorded`]).
#[async_trait]
pub trait Egress: Send + Sync + 'static {
    /// Sends a request, with retries, within `deadline`. Body bytes are taken from
    /// `memory` while they stream in. A status that is no success is a response, not an
    /// error. Waits are told to `waits`, which may end them as `run.interrupted`.
    async fn send(
        &self,
        scope: &EgressScope,
        request: OutgoingRequest,
        memory: &MemoryBudget,
        deadline: Instant,
        waits: &Waits,
    ) -> Sent;
}
