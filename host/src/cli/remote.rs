//! The way from the command line to a host that serves: its address, a key, and one
//! request.

use super::output::Output;
use crate::error::{Code, Error, Result};
use clap::Args;
use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;

/// Time for one answer: a deployment compiles.
const ANSWER_TIME: Duration = Duration::from_secs(300);
/// Bytes of an answer that are read.
const ANSWER_BYTES_MAX: u64 = 64 << 20;

/// Which host, with which key.
#[derive(Args, Clone, Debug)]
pub(super) struct RemoteArgs {
    /// Address of the host
    #[arg(
        long,
        env = "TIDEGATE_HOST",
        default_value = "http://127.0.0.1:3003",
        value_name = "URL",
        global = true
    )]
    host: String,
    /// File of the key; a key in the variable TIDEGATE_KEY comes first
    #[arg(
        long,
        default_value = ".tidegate/operator-key",
        value_name = "FILE",
        global = true
    )]
    key_file: PathBuf,
    /// Environment that is meant, where the key is the operator's
    #[arg(long, default_value = "default", global = true)]
    environment: String,
}

/// A host that serves, as a command talks to it.
pub(super) struct Remote {
    agent: ureq::Agent,
    host: String,
    key: String,
    environment: String,
}

impl RemoteArgs {
    /// The host. `config.invalid` if there is no key.
    pub(super) fn connect(&self) -> Result<Remote> {
        let key = match std::env::var("TIDEGATE_KEY") {
            Ok(key) => key,
            Err(_) => std::fs::read_to_string(&self.key_file).map_err(|error| {
                Error::new(
                    Code::ConfigInvalid,
                    format!(
                        "there is no key: TIDEGATE_KEY is not set, and {}: {error}",
                        self.key_file.display()
                    ),
                )
            })?,
        };
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(ANSWER_TIME))
            .http_status_as_error(false)
            .build();
        Ok(Remote {
            agent: config.into(),
            host: self.host.trim_end_matches('/').to_owned(),
            key: key.trim().to_owned(),
            environment: self.environment.clone(),
        })
    }
}

/// What a request carries.
pub(super) enum Sent {
    Nothing,
    Json(Value),
    Component(Vec<u8>),
}

impl Remote {
    /// One request, and its answer. An error of the host comes back with its own words.
    pub(super) fn call(&self, method: &str, path: &str, sent: Sent) -> Result<Value> {
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.host))
            .header("authorization", format!("Bearer {}", self.key))
            .header("tidegate-environment", &self.environment);
        let (kind, body) = match sent {
            Sent::Nothing => (None, Vec::new()),
            Sent::Json(value) => (Some("application/json"), value.to_string().into_bytes()),
            Sent::Component(bytes) => (Some("application/wasm"), bytes),
        };
        let request = match kind {
            Some(kind) => request.header("content-type", kind),
            None => request,
        };
        let wrong = |error: &dyn std::fmt::Display| {
            Error::new(
                Code::Usage,
                format!("{}{path} cannot be asked: {error}", self.host),
            )
        };
        let answer = match kind {
            Some(_) => self
                .agent
                .run(request.body(body).map_err(|error| wrong(&error))?),
            None => self
                .agent
                .run(request.body(()).map_err(|error| wrong(&error))?),
        };
        let mut answer = answer.map_err(|error| {
            Error::new(
                Code::ProviderConnect,
                format!(
                    "no answer from {}: {error}; is `tidegate serve` running?",
                    self.host
                ),
            )
        })?;
        let status = answer.status();
        let text = answer
            .body_mut()
            .with_config()
            .limit(ANSWER_BYTES_MAX)
            .read_to_string()
            .map_err(|error| wrong(&error))?;
        let value = serde_json::from_str(&text).unwrap_or(Value::String(text));
        match status.is_success() {
            true => Ok(value),
            false => Err(refusal(status.as_u16(), &value)),
        }
    }
}

/// The host's refusal, in its own words.
fn refusal(status: u16, body: &Value) -> Error {
    let found = &body["error"];
    let code = found["code"].as_str().unwrap_or("unknown");
    let details = found["errors"].as_array().into_iter().flatten();
    let details = details.filter_map(|each| {
        let path: Vec<&str> = each["path"]
            .as_array()?
            .iter()
            .filter_map(Value::as_str)
            .collect();
        Some(format!("{} {}", path.join("."), each["message"].as_str()?))
    });
    let message = found["message"].as_str().map(str::to_owned);
    let words: Vec<String> = message.into_iter().chain(details).collect();
    let words = words.join("; ");
    // The codes of /v1 are our own; the others are Nango's.
    let (code, front) = match code.parse::<Code>() {
        Ok(code) => (code, String::new()),
        Err(_) if status == 404 => (Code::NotFound, format!("{code}: ")),
        Err(_) if status == 401 || status == 403 => (Code::ConfigInvalid, format!("{code}: ")),
        Err(_) => (Code::InvalidArgument, format!("{code}: ")),
    };
    Error::new(code, format!("{front}{words} (HTTP {status})"))
}

/// Shows an answer: the document with `--json`, or else the rows under `list` as a table,
/// or the fields one a line.
pub(super) fn show(answer: &Value, list: Option<&str>, columns: &[&str], output: &Output) {
    if output.is_json() {
        output.json(answer);
        return;
    }
    let rows = match list {
        Some(name) => answer[name].as_array().cloned().unwrap_or_default(),
        None => answer.as_array().cloned().unwrap_or_default(),
    };
    if list.is_some() || answer.is_array() {
        let cells = |row: &Value| columns.iter().map(|path| cell(row, path)).collect();
        let rows: Vec<Vec<String>> = rows.iter().map(cells).collect();
        if rows.is_empty() {
            output.say("there is none");
            return;
        }
        output.data(&output.table(columns, rows, &[]));
        return;
    }
    for (name, value) in answer.as_object().into_iter().flatten() {
        output.data(&format!("{name}: {}", super::output::clean(&plain(value))));
    }
}

/// A field of a row by its path, such as `resources.runs`.
fn cell(row: &Value, path: &str) -> String {
    let found = path.split('.').fold(row, |value, name| &value[name]);
    super::output::clean(&plain(found))
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
