//! The same functions as in `component.rs`, answered by the mock host of
//! [`testing`](crate::testing).

use super::{Fact, RecordPage, RequestParts, ResponseParts, Write};
use crate::error::{Code, Error, Result};
use crate::log::Level;
use crate::records::{MergingStrategy, Saved};
use crate::testing::{Reply, with};
use serde_json::{Map, Value};
use std::cell::RefCell;

/// The cap that the mock host claims, in KiB; it enforces none.
const MEMORY_LIMIT_KIB: u32 = 128 * 1024;

pub(crate) struct Pending(Result<Response>);

impl Pending {
    pub fn wait(self) -> Result<Response> {
        self.0
    }
}

pub(crate) struct Response {
    status: u16,
    headers: Vec<(String, String)>,
    url: String,
    body: RefCell<Vec<u8>>,
}

impl Response {
    fn new((url, reply): (String, Reply)) -> Self {
        Response {
            status: reply.status,
            headers: reply.headers,
            url,
            body: RefCell::new(reply.body),
        }
    }
}

impl ResponseParts for Response {
    fn status(&self) -> u32 {
        self.status.into()
    }
    fn headers(&self) -> Vec<(String, String)> {
        self.headers.clone()
    }
    fn header(&self, name: &str) -> Option<String> {
        let found = self
            .headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.clone())
    }
    fn url(&self) -> String {
        self.url.clone()
    }
    fn text(&self) -> Result<String> {
        String::from_utf8(self.body.take())
            .map_err(|_| Error::with_code(Code::InvalidArgument, "the body is not UTF-8"))
    }
    fn body(&self) -> Result<Vec<u8>> {
        Ok(self.body.take())
    }
    fn read(&self, max_bytes: u32) -> Result<Option<Vec<u8>>> {
        let mut body = self.body.borrow_mut();
        let end = body.len().min(max_bytes as usize);
        Ok((end > 0).then(|| body.drain(..end).collect()))
    }
}

pub(crate) fn send(parts: &RequestParts) -> Result<Pending> {
    Ok(Pending(
        with(|state| state.answer(parts)).map(Response::new),
    ))
}

pub(crate) fn write(kind: Write, model: &str, ndjson: &[u8]) -> Result<Saved> {
    with(|state| state.cache.write(kind, model, ndjson))
}

pub(crate) fn batch_delete(model: &str, ids: &[String]) -> Result<u32> {
    with(|state| state.cache.delete(model, ids))
}

pub(crate) fn get_records(model: &str, ids: &[String]) -> Result<Vec<Option<String>>> {
    with(|state| state.cache.get(model, ids))
}

pub(crate) fn list_records(model: &str, cursor: Option<&str>, limit: u32) -> Result<RecordPage> {
    with(|state| state.cache.list(model, cursor, limit))
}

pub(crate) fn track_deletes_start(model: &str) -> Result<()> {
    with(|state| state.cache.open_pass(model))
}

pub(crate) fn track_deletes_end(model: &str) -> Result<Vec<String>> {
    with(|state| state.cache.close_pass(model))
}

/// Only one run at a time writes to a mock host, so both strategies do the same.
pub(crate) fn set_merging_strategy(_: &str, _: MergingStrategy) -> Result<()> {
    Ok(())
}

pub(crate) fn checkpoint_get() -> Result<Option<String>> {
    Ok(with(|state| state.checkpoint.clone()))
}

pub(crate) fn checkpoint_save(json: &str) -> Result<()> {
    object(Code::CheckpointInvalid, json)?;
    with(|state| state.save_checkpoint(json));
    Ok(())
}

pub(crate) fn checkpoint_clear() -> Result<()> {
    with(|state| state.checkpoint = None);
    Ok(())
}

pub(crate) fn metadata_get() -> Result<String> {
    Ok(with(|state| {
        Value::Object(state.metadata.clone()).to_string()
    }))
}

pub(crate) fn metadata_set(json: &str) -> Result<()> {
    let fields = object(Code::MetadataInvalid, json)?;
    with(|state| state.metadata = fields);
    Ok(())
}

pub(crate) fn metadata_merge(json: &str) -> Result<()> {
    let fields = object(Code::MetadataInvalid, json)?;
    with(|state| state.metadata.extend(fields));
    Ok(())
}

pub(crate) fn log(level: Level, message: &str, attributes: &str) {
    with(|state| state.log(level, message, attributes));
}

pub(crate) fn fact(fact: Fact) -> String {
    with(|state| match fact {
        Fact::Id => "test-run".into(),
        Fact::ConnectionId => "test-connection".into(),
        Fact::Integration => "test-integration".into(),
        Fact::SyncName => state.sync_name(),
        Fact::Variant => "base".into(),
        Fact::Trigger => if state.attempt > 1 {
            "continuation"
        } else {
            "manual"
        }
        .into(),
        Fact::StartedAt | Fact::Deadline => state.now.clone(),
        Fact::ConnectionConfig => state.config.to_string(),
    })
}

pub(crate) fn attempt() -> u32 {
    with(|state| state.attempt)
}

pub(crate) fn memory_kib() -> (u32, u32) {
    (0, MEMORY_LIMIT_KIB)
}

/// Time does not pass on a mock host.
pub(crate) fn sleep(_: u32) -> Result<()> {
    Ok(())
}

pub(crate) fn progress(message: &str, done: u32, total: Option<u32>) {
    with(|state| state.tell(message, done, total));
}

/// The fields of a JSON object, or an error with `code`.
fn object(code: Code, json: &str) -> Result<Map<String, Value>> {
    serde_json::from_str(json)
        .map_err(|error| Error::with_code(code, format_args!("not a JSON object: {error}")))
}
