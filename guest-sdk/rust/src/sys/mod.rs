//! The one place that knows which host there is: the component's imports on `wasm32`,
//! the mock of [`testing`](crate::testing) elsewhere. Both offer the same functions,
//! which take and return plain Rust values.

#[cfg(target_arch = "wasm32")]
#[path = "component.rs"]
mod host;
#[cfg(not(target_arch = "wasm32"))]
#[path = "native.rs"]
mod host;

pub(crate) use host::*;

use crate::error::Result;

/// A request as data, until it is sent.
#[derive(Clone, Debug)]
pub(crate) struct RequestParts {
    pub method: String,
    pub url: String,
    pub base_url: Option<String>,
    pub query: Vec<(String, String)>,
    pub headers: Vec<(String, String)>,
    pub body: Option<Vec<u8>>,
    pub timeout_ms: Option<u32>,
    pub retries: Option<u32>,
    pub retry_on: Vec<u32>,
}

/// What the run's function may ask of the run itself.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fact {
    Id,
    ConnectionId,
    Integration,
    SyncName,
    Variant,
    Trigger,
    StartedAt,
    Deadline,
    ConnectionConfig,
}

/// Which of the two writes that take NDJSON.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Write {
    Save,
    Update,
}

/// One page of `list`.
pub(crate) type RecordPage = (Vec<String>, Option<String>);

/// Body and head of a response, whichever host it came from.
pub(crate) trait ResponseParts {
    fn status(&self) -> u32;
    fn headers(&self) -> Vec<(String, String)>;
    fn header(&self, name: &str) -> Option<String>;
    fn url(&self) -> String;
    fn text(&self) -> Result<String>;
    fn body(&self) -> Result<Vec<u8>>;
    fn read(&self, max_bytes: u32) -> Result<Option<Vec<u8>>>;
}
