//! Calls imports by the raw bindings, as the script in the connection's config says, and
//! logs a line for each: `called <interface>.<function>: ok`, or the error's code in the
//! place of `ok`. The line's attributes hold the answer, or the error's message.
//!
//! A step of the script is a list: the import's name, then its arguments. Handles need no
//! names: a step is about the request, the pending or the response that was made last.

// There is no such thing elsewhere: the bindings are a component's.
#![cfg(target_arch = "wasm32")]

use std::collections::BTreeMap;
use tidegate_sdk::bindings::tidegate::sync::fetch::{Pending, Request, Response};
use tidegate_sdk::bindings::tidegate::sync::records::{MergingStrategy, SaveSummary};
use tidegate_sdk::bindings::tidegate::sync::types::Error as HostError;
use tidegate_sdk::bindings::tidegate::sync::{
    checkpoint, fetch, log, metadata, records, run as facts,
};
use tidegate_sdk::prelude::*;

/// What the scripts save.
#[derive(Serialize, JsonSchema)]
struct Item {
    id: String,
}
impl Model for Item {}

/// The checkpoint's schema, for the rows that break it.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Place {
    page: u64,
}

#[derive(Deserialize)]
struct Config {
    script: Vec<Vec<Value>>,
}

fn guest() -> DataSync {
    DataSync::new("every-import", "1.0.0", play)
        .description("Calls the imports that the connection's config lists.")
        .model::<Item>()
}

fn play(run: &Run<Place, BTreeMap<String, Value>>) -> Result<()> {
    let mut handles = Handles::default();
    for step in run.config::<Config>()?.script {
        let name = step.first().and_then(Value::as_str).unwrap_or_default();
        let arguments = Arguments(step.get(1..).unwrap_or_default());
        let (outcome, attributes) = match handles.call(name, arguments) {
            Ok(answer) => ("ok".to_owned(), json!({ "answer": answer })),
            Err(error) => (error.code, json!({ "message": error.message })),
        };
        let message = format!("called {name}: {outcome}");
        log::emit(log::Level::Info, &message, &attributes.to_string());
    }
    Ok(())
}

/// The arguments of a step.
#[derive(Clone, Copy)]
struct Arguments<'a>(&'a [Value]);

impl<'a> Arguments<'a> {
    fn text(self, at: usize) -> &'a str {
        self.maybe_text(at).unwrap_or_default()
    }

    fn maybe_text(self, at: usize) -> Option<&'a str> {
        self.0.get(at).and_then(Value::as_str)
    }

    fn number(self, at: usize) -> u32 {
        self.maybe_number(at).unwrap_or_default()
    }

    fn maybe_number(self, at: usize) -> Option<u32> {
        self.0
            .get(at)
            .and_then(Value::as_u64)
            .map(|number| number as u32)
    }

    fn list<T>(self, at: usize, read: impl Fn(&Value) -> Option<T>) -> Vec<T> {
        let list = self.0.get(at).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(read).collect()
    }

    fn texts(self, at: usize) -> Vec<String> {
        self.list(at, |text| text.as_str().map(str::to_owned))
    }
}

/// What was made last of each kind.
#[derive(Default)]
struct Handles {
    request: Option<Request>,
    pending: Option<Pending>,
    response: Option<Response>,
}

type Answer = std::result::Result<Value, HostError>;

impl Handles {
    fn call(&mut self, name: &str, with: Arguments) -> Answer {
        let Some((interface, function)) = name.split_once('.') else {
            panic!("`{name}` is not <interface>.<function>");
        };
        match interface {
            "run" => call_run(function, with),
            "log" => call_log(function, with),
            "metadata" => call_metadata(function, with),
            "checkpoint" => call_checkpoint(function, with),
            "records" => call_records(function, with),
            "fetch" => self.call_fetch(function, with),
            _ => panic!("no interface `{interface}`"),
        }
    }

    fn call_fetch(&mut self, function: &str, with: Arguments) -> Answer {
        match function.split_once('.') {
            Some(("request", setter)) => {
                set(made(&self.request), setter, with);
                Ok(Value::Null)
            }
            Some(("pending", "wait")) => {
                self.response = Some(made(&self.pending).wait()?);
                Ok(Value::Null)
            }
            Some(("response", part)) => look(made(&self.response), part, with),
            None if function == "request" => {
                self.request = Some(Request::new(with.text(0), with.text(1)));
                Ok(Value::Null)
            }
            None if function == "send" => {
                self.pending = Some(fetch::send(made(&self.request))?);
                Ok(Value::Null)
            }
            _ => panic!("no function `fetch.{function}`"),
        }
    }
}

/// # Panics
/// If the script has not made it yet.
fn made<T>(handle: &Option<T>) -> &T {
    handle
        .as_ref()
        .unwrap_or_else(|| panic!("the script made no such handle before"))
}

fn set(request: &Request, setter: &str, with: Arguments) {
    match setter {
        "set-header" => request.set_header(with.text(0), with.text(1)),
        "set-query" => request.set_query(with.text(0), with.text(1)),
        "set-body" => request.set_body(with.text(0).as_bytes()),
        "set-body-text" => request.set_body_text(with.text(0)),
        "set-timeout-ms" => request.set_timeout_ms(with.number(0)),
        "set-retries" => request.set_retries(with.number(0)),
        "set-retry-on" => request.set_retry_on(&with.list(0, |it| it.as_u64().map(|it| it as u32))),
        "set-base-url" => request.set_base_url(with.text(0)),
        _ => panic!("no function `fetch.request.{setter}`"),
    }
}

fn look(response: &Response, part: &str, with: Arguments) -> Answer {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ok(match part {
        "status" => response.status().into(),
        "headers" => json!(response.headers()),
        "header" => response.header(with.text(0)).into(),
        "url" => response.url().into(),
        "text" => response.text()?.into(),
        "body" => text(response.body()?).into(),
        "read" => response.read(with.number(0))?.map(text).into(),
        _ => panic!("no function `fetch.response.{part}`"),
    })
}

fn call_run(function: &str, with: Arguments) -> Answer {
    Ok(match function {
        "id" => facts::id().into(),
        "connection-id" => facts::connection_id().into(),
        "integration" => facts::integration().into(),
        "sync-name" => facts::sync_name().into(),
        "variant" => facts::variant().into(),
        "trigger" => facts::trigger().into(),
        "attempt" => facts::attempt().into(),
        "started-at" => facts::started_at().into(),
        "deadline" => facts::deadline().into(),
        "memory-limit-kib" => facts::memory_limit_kib().into(),
        "memory-used-kib" => facts::memory_used_kib().into(),
        "connection-config" => facts::connection_config().len().into(),
        "sleep" => facts::sleep(with.number(0)).map(|()| Value::Null)?,
        "progress" => {
            facts::progress(with.text(0), with.number(1), with.maybe_number(2));
            Value::Null
        }
        _ => panic!("no function `run.{function}`"),
    })
}

fn call_log(function: &str, with: Arguments) -> Answer {
    let level = match with.text(0) {
        "debug" => log::Level::Debug,
        "warn" => log::Level::Warn,
        "error" => log::Level::Error,
        _ => log::Level::Info,
    };
    match function {
        "emit" => log::emit(level, with.text(1), with.text(2)),
        _ => panic!("no function `log.{function}`"),
    }
    Ok(Value::Null)
}

fn call_metadata(function: &str, with: Arguments) -> Answer {
    match function {
        "get" => metadata::get().map(Value::from),
        "set" => metadata::set(with.text(0)).map(|()| Value::Null),
        "merge" => metadata::merge(with.text(0)).map(|()| Value::Null),
        _ => panic!("no function `metadata.{function}`"),
    }
}

fn call_checkpoint(function: &str, with: Arguments) -> Answer {
    match function {
        "get" => checkpoint::get().map(Value::from),
        "save" => checkpoint::save(with.text(0)).map(|()| Value::Null),
        "clear" => checkpoint::clear().map(|()| Value::Null),
        _ => panic!("no function `checkpoint.{function}`"),
    }
}

fn call_records(function: &str, with: Arguments) -> Answer {
    let (model, ndjson) = (with.text(0), with.text(1));
    Ok(match function {
        "batch-save" => counts(records::batch_save(model, ndjson.as_bytes())?),
        "batch-save-text" => counts(records::batch_save_text(model, ndjson)?),
        "batch-update" => counts(records::batch_update(model, ndjson.as_bytes())?),
        "batch-update-text" => counts(records::batch_update_text(model, ndjson)?),
        "batch-delete" => records::batch_delete(model, &with.texts(1))?.into(),
        "get" => json!(records::get(model, &with.texts(1))?),
        "list" => {
            let page = records::list(model, with.maybe_text(1), with.number(2))?;
            json!([page.records, page.next.is_some()])
        }
        "track-deletes-start" => records::track_deletes_start(model).map(|()| Value::Null)?,
        "track-deletes-end" => json!(records::track_deletes_end(model)?),
        "set-merging-strategy" => {
            let strategy = match with.text(1) {
                "override" => MergingStrategy::Override,
                _ => MergingStrategy::IgnoreIfModifiedAfterStart,
            };
            records::set_merging_strategy(model, strategy).map(|()| Value::Null)?
        }
        _ => panic!("no function `records.{function}`"),
    })
}

/// Added, updated, unchanged.
fn counts(saved: SaveSummary) -> Value {
    json!([saved.added, saved.updated, saved.unchanged])
}

tidegate_sdk::export!(guest);
