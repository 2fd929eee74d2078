//! The imports of `world sync-guest-blocking`, with their errors turned into ours.

use super::{Fact, RecordPage, RequestParts, ResponseParts, Write};
use crate::bindings::tidegate::sync as wit;
use crate::error::{Code, Error, Result};
use crate::log::Level;
use crate::records::{MergingStrategy, Saved};
use std::time::Duration;

fn from_host(error: wit::types::Error) -> Error {
    let wait = error
        .retry_after_ms
        .map(|ms| Duration::from_millis(ms.into()));
    Error::with_code(Code::from(error.code.as_str()), error.message).with_retry_after(wait)
}

/// The error as the host takes it from `run`.
pub(crate) fn to_host(error: Error) -> wit::types::Error {
    let wait = error
        .retry_after()
        .map(|wait| u32::try_from(wait.as_millis()).unwrap_or(u32::MAX));
    wit::types::Error {
        code: error.code().as_str().into(),
        message: error.message().into(),
        retry_after_ms: wait,
    }
}

pub(crate) struct Pending(wit::fetch::Pending);

impl Pending {
    pub fn wait(self) -> Result<Response> {
        self.0.wait().map(Response).map_err(from_host)
    }
}

pub(crate) struct Response(wit::fetch::Response);

impl ResponseParts for Response {
    fn status(&self) -> u32 {
        self.0.status()
    }
    fn headers(&self) -> Vec<(String, String)> {
        self.0.headers()
    }
    fn header(&self, name: &str) -> Option<String> {
        self.0.header(name)
    }
    fn url(&self) -> String {
        self.0.url()
    }
    fn text(&self) -> Result<String> {
        self.0.text().map_err(from_host)
    }
    fn body(&self) -> Result<Vec<u8>> {
        self.0.body().map_err(from_host)
    }
    fn read(&self, max_bytes: u32) -> Result<Option<Vec<u8>>> {
        self.0.read(max_bytes).map_err(from_host)
    }
}

pub(crate) fn send(parts: &RequestParts) -> Result<Pending> {
    let request = wit::fetch::Request::new(&parts.method, &parts.url);
    if let Some(url) = &parts.base_url {
        request.set_base_url(url);
    }
    for (name, value) in &parts.query {
        request.set_query(name, value);
    }
    for (name, value) in &parts.headers {
        request.set_header(name, value);
    }
    if let Some(body) = &parts.body {
        request.set_body(body);
    }
    if let Some(milliseconds) = parts.timeout_ms {
        request.set_timeout_ms(milliseconds);
    }
    if let Some(retries) = parts.retries {
        request.set_retries(retries);
    }
    if !parts.retry_on.is_empty() {
        request.set_retry_on(&parts.retry_on);
    }
    wit::fetch::send(&request).map(Pending).map_err(from_host)
}

pub(crate) fn write(kind: Write, model: &str, ndjson: &[u8]) -> Result<Saved> {
    let answer = match kind {
        Write::Save => wit::records::batch_save(model, ndjson),
        Write::Update => wit::records::batch_update(model, ndjson),
    };
    let saved = answer.map_err(from_host)?;
    Ok(Saved {
        added: saved.added.into(),
        updated: saved.updated.into(),
        unchanged: saved.unchanged.into(),
    })
}

pub(crate) fn batch_delete(model: &str, ids: &[String]) -> Result<u32> {
    wit::records::batch_delete(model, ids).map_err(from_host)
}

pub(crate) fn get_records(model: &str, ids: &[String]) -> Result<Vec<Option<String>>> {
    wit::records::get(model, ids).map_err(from_host)
}

pub(crate) fn list_records(model: &str, cursor: Option<&str>, limit: u32) -> Result<RecordPage> {
    let page = wit::records::list(model, cursor, limit).map_err(from_host)?;
    Ok((page.records, page.next))
}

pub(crate) fn track_deletes_start(model: &str) -> Result<()> {
    wit::records::track_deletes_start(model).map_err(from_host)
}

pub(crate) fn track_deletes_end(model: &str) -> Result<Vec<String>> {
    wit::records::track_deletes_end(model).map_err(from_host)
}

pub(crate) fn set_merging_strategy(model: &str, strategy: MergingStrategy) -> Result<()> {
    let strategy = match strategy {
        MergingStrategy::Override => wit::records::MergingStrategy::Override,
        MergingStrategy::IgnoreIfModifiedAfterStart => {
            wit::records::MergingStrategy::IgnoreIfModifiedAfterStart
        }
    };
    wit::records::set_merging_strategy(model, strategy).map_err(from_host)
}

pub(crate) fn checkpoint_get() -> Result<Option<String>> {
    wit::checkpoint::get().map_err(from_host)
}

pub(crate) fn checkpoint_save(json: &str) -> Result<()> {
    wit::checkpoint::save(json).map_err(from_host)
}

pub(crate) fn checkpoint_clear() -> Result<()> {
    wit::checkpoint::clear().map_err(from_host)
}

pub(crate) fn metadata_get() -> Result<String> {
    wit::metadata::get().map_err(from_host)
}

pub(crate) fn metadata_set(json: &str) -> Result<()> {
    wit::metadata::set(json).map_err(from_host)
}

pub(crate) fn metadata_merge(json: &str) -> Result<()> {
    wit::metadata::merge(json).map_err(from_host)
}

pub(crate) fn log(level: Level, message: &str, attributes: &str) {
    let level = match level {
        Level::Debug => wit::log::Level::Debug,
        Level::Info => wit::log::Level::Info,
        Level::Warn => wit::log::Level::Warn,
        Level::Error => wit::log::Level::Error,
    };
    wit::log::emit(level, message, attributes);
}

pub(crate) fn fact(fact: Fact) -> String {
    match fact {
        Fact::Id => wit::run::id(),
        Fact::ConnectionId => wit::run::connection_id(),
        Fact::Integration => wit::run::integration(),
        Fact::SyncName => wit::run::sync_name(),
        Fact::Variant => wit::run::variant(),
        Fact::Trigger => wit::run::trigger(),
        Fact::StartedAt => wit::run::started_at(),
        Fact::Deadline => wit::run::deadline(),
        Fact::ConnectionConfig => wit::run::connection_config(),
    }
}

pub(crate) fn attempt() -> u32 {
    wit::run::attempt()
}

pub(crate) fn memory_kib() -> (u32, u32) {
    (wit::run::memory_used_kib(), wit::run::memory_limit_kib())
}

pub(crate) fn sleep(milliseconds: u32) -> Result<()> {
    wit::run::sleep(milliseconds).map_err(from_host)
}

pub(crate) fn progress(message: &str, done: u32, total: Option<u32>) {
    wit::run::progress(message, done, total);
}
