//! The way from the command line to a host that serves: its address, a key, and requests.

use crate::error::{Code, Error, Result};
use clap::Args;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Time for one answer: a deployment compiles.
const ANSWER_TIME: Duration = Duration::from_secs(300);
/// Bytes of an answer that are read; a longer one is refused as `usage`.
const ANSWER_BYTES_MAX: u64 = 64 << 20;

/// Where these flags stand in the help.
const HEADING: &str = "The host";

/// Which host, with which key.
#[derive(Args, Clone, Debug)]
pub(in crate::cli) struct HostArgs {
    /// Address of the host
    #[arg(
        long,
        env = "TIDEGATE_HOST",
        default_value = "http://127.0.0.1:3003",
        value_name = "URL",
        help_heading = HEADING,
        global = true
    )]
    host: String,
    /// File of the key; a key in the variable TIDEGATE_KEY comes first
    #[arg(
        long,
        default_value = ".tidegate/operator-key",
        value_name = "FILE",
        help_heading = HEADING,
        global = true
    )]
    key_file: PathBuf,
}

/// Which environment of which host.
#[derive(Args, Clone, Debug)]
pub(in crate::cli) struct RemoteArgs {
    #[command(flatten)]
    host: HostArgs,
    /// Environment that is meant, where the key is the operator's
    #[arg(
        long,
        default_value = "default",
        value_name = "NAME",
        help_heading = HEADING,
        global = true
    )]
    environment: String,
}

/// What a request carries.
pub(in crate::cli) enum Sent {
    /// No body.
    Nothing,
    /// A document.
    Json(Value),
    /// A WebAssembly component.
    Component(Vec<u8>),
}

/// A host that serves, as a command talks to it.
#[derive(Clone)]
pub(in crate::cli) struct Remote {
    agent: ureq::Agent,
    host: String,
    key: String,
    environment: String,
    /// Which connection is meant, on the routes that take it as headers.
    of: Option<[(&'static str, String); 2]>,
}

impl RemoteArgs {
    /// The host. `config.invalid` if there is no key.
    pub(in crate::cli) fn connect(&self) -> Result<Remote> {
        self.host.connect(&self.environment)
    }
}

impl HostArgs {
    /// The host, for an environment. `config.invalid` if there is no key.
    pub(in crate::cli) fn connect(&self, environment: &str) -> Result<Remote> {
        let key = match std::env::var("TIDEGATE_KEY") {
            Ok(key) => key,
            Err(_) => key_of(&self.key_file)?,
        };
        Ok(Remote::new(&self.host, &key, environment, ANSWER_TIME))
    }
}

/// The key in a file.
fn key_of(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|error| {
        Error::new(
            Code::ConfigInvalid,
            format!(
                "there is no key: TIDEGATE_KEY is not set, and {}: {error}",
                path.display()
            ),
        )
    })
}

impl Remote {
    /// The host at an address; each answer must be there in `time`.
    pub(in crate::cli) fn new(host: &str, key: &str, environment: &str, time: Duration) -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(time))
            .http_status_as_error(false)
            .build();
        Remote {
            agent: config.into(),
            host: host.trim_end_matches('/').to_owned(),
            key: key.trim().to_owned(),
            environment: environment.to_owned(),
            of: None,
        }
    }

    /// The same, with every request about one connection.
    pub(in crate::cli) fn of(&self, integration: &str, connection: &str) -> Self {
        let of = Some([
            ("provider-config-key", integration.to_owned()),
            ("connection-id", connection.to_owned()),
        ]);
        Remote { of, ..self.clone() }
    }

    /// Asks for what is there.
    pub(in crate::cli) fn get(&self, path: &str) -> Result<Value> {
        self.call("GET", path, Sent::Nothing)
    }

    /// Sends a document.
    pub(in crate::cli) fn post(&self, path: &str, body: Value) -> Result<Value> {
        self.call("POST", path, Sent::Json(body))
    }

    /// Takes something away.
    pub(in crate::cli) fn delete(&self, path: &str) -> Result<Value> {
        self.call("DELETE", path, Sent::Nothing)
    }

    /// One request, and its answer. An error of the host comes back with its own words.
    pub(in crate::cli) fn call(&self, method: &str, path: &str, sent: Sent) -> Result<Value> {
        let text = accepted(self.ask(method, path, sent)?)?;
        Ok(serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// Asks for what is there, as the text that it is.
    pub(in crate::cli) fn text(&self, path: &str) -> Result<String> {
        accepted(self.ask("GET", path, Sent::Nothing)?)
    }

    /// One request, and what came back: the status and the text, whatever they are.
    pub(in crate::cli) fn ask(
        &self,
        method: &str,
        path: &str,
        sent: Sent,
    ) -> Result<(u16, String)> {
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.host))
            .header("authorization", format!("Bearer {}", self.key))
            .header("tidegate-environment", &self.environment);
        for (name, value) in self.of.iter().flatten() {
            request = request.header(*name, value);
        }
        let wrong = |error: &dyn std::fmt::Display| {
            Error::new(
                Code::Usage,
                format!("{}{path} cannot be asked: {error}", self.host),
            )
        };
        let (kind, body) = match sent {
            Sent::Nothing => (None, Vec::new()),
            Sent::Json(value) => (Some("application/json"), value.to_string().into_bytes()),
            Sent::Component(bytes) => (Some("application/wasm"), bytes),
        };
        let answer = match kind {
            Some(kind) => {
                let request = request.header("content-type", kind).body(body);
                self.agent.run(request.map_err(|error| wrong(&error))?)
            }
            None => self
                .agent
                .run(request.body(()).map_err(|error| wrong(&error))?),
        };
        let mut answer = answer.map_err(|error| self.no_answer(&error))?;
        let status = answer.status().as_u16();
        let read = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX);
        let text = read.read_to_string().map_err(|error| wrong(&error))?;
        Ok((status, text))
    }

    fn no_answer(&self, error: &ureq::Error) -> Error {
        Error::new(
            Code::ProviderConnect,
            format!(
                "no answer from {}: {error}; is `tidegate serve` running?",
                self.host
            ),
        )
    }
}

/// A part of a path or query, as URLs carry it.
pub(in crate::cli) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// The text of an answer that is no refusal.
fn accepted((status, text): (u16, String)) -> Result<String> {
    match (200..300).contains(&status) {
        true => Ok(text),
        false => Err(refusal(
            status,
            &serde_json::from_str(&text).unwrap_or_default(),
        )),
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
        let (path, message) = (path.join("."), each["message"].as_str()?);
        let front = if path.is_empty() { "" } else { ": " };
        Some(format!("{path}{front}{message}"))
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
