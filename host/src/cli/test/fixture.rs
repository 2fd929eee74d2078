//! What `test` needs of a fixture, whichever format it was read from.

use super::{nango, own};
use crate::cli::test::tape::Tape;
use crate::error::{Code, Error, Result};
use crate::limits::{FIXTURE_BYTES_MAX, MIB};
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use url::Url;

/// Where both formats are described.
pub(super) const DESCRIBED: &str = "docs/testing.md";

/// A base URL for files that name none: a name that no public server can ever have.
pub(super) const BASE_URL: &str = "https://provider.test/";

/// One file: a connection, and one run or several in a row.
pub(super) struct Fixture {
    /// The file.
    pub(super) file: PathBuf,
    /// The connection's base URL.
    pub(super) base_url: Url,
    /// When the first run starts; the time of the test where there is none.
    pub(super) now: Option<Timestamp>,
    /// The connection.
    pub(super) connection: Connection,
    /// The runs.
    pub(super) runs: Vec<Case>,
}

/// What the sync is told of its connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Connection {
    /// The app's id of it.
    pub(super) id: Option<String>,
    /// The integration that it belongs to.
    pub(super) integration: Option<String>,
    /// Its configuration.
    pub(super) config: Map<String, Value>,
    /// Its metadata before the first run.
    pub(super) metadata: Map<String, Value>,
    /// Made-up credentials that Nango's files may hold, by the names of their
    /// placeholders.
    pub(super) credentials: BTreeMap<String, String>,
}

/// One run: what it finds, and what is expected of it.
pub(super) struct Case {
    /// When it starts; else the clock goes on from the run before.
    pub(super) now: Option<Timestamp>,
    /// The checkpoint that it starts from, in the place of what the run before left.
    pub(super) checkpoint: Option<Value>,
    /// What the provider answers.
    pub(super) tape: Arc<Tape>,
    /// What is expected.
    pub(super) expected: Expected,
}

/// What is expected of a run.
#[derive(Debug)]
pub(super) struct Expected {
    /// The records that it saves, by model; the last of an id counts.
    pub(super) records: BTreeMap<String, Vec<Value>>,
    /// The ids that it deletes, by model; models that are missing delete nothing.
    /// `None`: not looked at.
    pub(super) deleted: Option<BTreeMap<String, Vec<String>>>,
    /// The checkpoint after it, `null` for none. `None`: not looked at.
    pub(super) checkpoint: Option<Value>,
    /// The metadata after it. `None`: not looked at.
    pub(super) metadata: Option<Value>,
    /// `success`, or the code of the error.
    pub(super) outcome: String,
    /// Whether records and deletes are what the sync passed, call by call, as Nango's files
    /// have it; else they are what stands in the store.
    pub(super) as_passed: bool,
}

/// What tells the formats apart.
#[derive(Deserialize)]
struct Probe {
    version: Option<IgnoredAny>,
    exchanges: Option<IgnoredAny>,
    runs: Option<IgnoredAny>,
    api: Option<IgnoredAny>,
    nango: Option<IgnoredAny>,
}

/// Reads a file in either format. `not.found` or `config.invalid`, naming file, line and
/// key.
pub(super) fn read(file: &Path) -> Result<Fixture> {
    let text = text(file)?;
    let probe: Probe = parse(file, &text)?;
    if probe.version.is_some() || probe.exchanges.is_some() || probe.runs.is_some() {
        return own::read(file, &text);
    }
    if probe.api.is_some() || probe.nango.is_some() {
        return nango::read(file, &text);
    }
    Err(wrong(
        file,
        "it is no fixture: there is neither `version` (Tidegate's own) nor `api` or `nango` (Nango's)",
    ))
}

fn text(file: &Path) -> Result<String> {
    let unreadable = |error: std::io::Error| {
        Error::new(
            Code::NotFound,
            format!("reading the fixture `{}`: {error}", file.display()),
        )
    };
    let bytes = std::fs::metadata(file).map_err(unreadable)?.len();
    if bytes > FIXTURE_BYTES_MAX {
        let (has, most) = (bytes / MIB, FIXTURE_BYTES_MAX / MIB);
        return Err(wrong(
            file,
            &format!("it has {has} MiB, and a fixture at most {most}; record less"),
        ));
    }
    String::from_utf8(std::fs::read(file).map_err(unreadable)?)
        .map_err(|error| wrong(file, &format!("it is not UTF-8: {error}")))
}

/// An error in a fixture: which file, what, and where to read on.
pub(super) fn wrong(file: &Path, what: &str) -> Error {
    Error::new(
        Code::ConfigInvalid,
        format!(
            "the fixture `{}`: {what}; {DESCRIBED} describes the formats",
            file.display()
        ),
    )
}

/// Parses a whole file; an error names its line and its key.
pub(super) fn parse<T: DeserializeOwned>(file: &Path, text: &str) -> Result<T> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let parsed = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let key = error.path().to_string();
        (key, error.into_inner())
    });
    let ended = |value: T| match reader.end() {
        Ok(()) => Ok(value),
        Err(error) => Err((".".to_owned(), error)),
    };
    parsed.and_then(ended).map_err(|(key, error)| {
        let full = error.to_string();
        let message = full.split(" at line ").next().unwrap_or_default();
        let at = match key.as_str() {
            "." => String::new(),
            key => format!(", `{key}`"),
        };
        wrong(file, &format!("line {}{at}: {message}", error.line()))
    })
}

/// The members of a connection in either format's words. Error: what is wrong.
pub(super) fn connection(value: &Value) -> Result<Connection, String> {
    let members = value
        .as_object()
        .ok_or_else(|| format!("a connection is an object, not {}", kind(value)))?;
    let text = |names: &[&str]| -> Result<Option<String>, String> {
        match find(members, names) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(other) => Err(format!(
                "`{}` is {}, not text",
                names.join("`, `"),
                kind(other)
            )),
        }
    };
    let object = |names: &[&str]| -> Result<Map<String, Value>, String> {
        match find(members, names) {
            None | Some(Value::Null) => Ok(Map::new()),
            Some(Value::Object(members)) => Ok(members.clone()),
            Some(other) => Err(format!(
                "`{}` is {}, not an object",
                names.join("`, `"),
                kind(other)
            )),
        }
    };
    Ok(Connection {
        id: text(&["id", "connection_id", "connectionId"])?,
        integration: text(&["integration", "provider_config_key", "providerConfigKey"])?,
        config: object(&["config", "connection_config", "connectionConfig"])?,
        metadata: object(&["metadata"])?,
        credentials: BTreeMap::new(),
    })
}

fn find<'a>(members: &'a Map<String, Value>, names: &[&str]) -> Option<&'a Value> {
    names.iter().find_map(|name| members.get(*name))
}

/// What a value is, for messages.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Keeps a member that is there, also one that is `null`.
pub(super) fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}
