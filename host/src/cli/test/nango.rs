//! Nango's unified fixture files, `<sync>.test.json`, so that authors bring their tests
//! along. What is read of them, and when a request fits, is described in
//! `docs/testing.md`.

use super::compare::same;
use super::fixture::{
    Case, Connection, Expected, Fixture, connection, kind, parse, present, wrong,
};
use super::own::{SUCCESS, default_base};
use super::tape::{Body, Entry, Rules, Tape, Target, pairs};
use crate::egress::recorded::{Answer, Asked};
use crate::error::Result;
use bytes::Bytes;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use sha1::{Digest, Sha1};
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use url::Url;

/// Headers of a request that its tools add or leave out, so that they are not compared.
const NOT_COMPARED: &[&str] = &[
    "accept",
    "accept-encoding",
    "authorization",
    "base-url-override",
    "connection",
    "connection-id",
    "content-length",
    "cookie",
    "forward-headers-on-redirect",
    "host",
    "nango-activity-log-id",
    "nango-is-dry-run",
    "nango-is-script",
    "nango-is-sync",
    "nango-proxy-user-agent",
    "provider-config-key",
    "retries",
    "retry-on",
    "user-agent",
];
/// Response headers that describe the body as it was on the wire.
const FRAMING: &[&str] = &[
    "connection",
    "content-encoding",
    "content-length",
    "transfer-encoding",
];
/// Characters, counted as JavaScript does, from which a body is kept as its hash.
const BODY_KEPT_MAX: usize = 1_000;
/// Bytes from which a made-up credential is looked for within a header.
const SECRET_BYTES_MIN: usize = 4;
/// What stands before such a hash.
const HASHED: &str = "sha1:";

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    nango: Option<NangoPart>,
    #[serde(default)]
    api: Option<BTreeMap<String, BTreeMap<String, Box<RawValue>>>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct NangoPart {
    #[serde(default)]
    batch_save: Option<BTreeMap<String, Value>>,
    #[serde(default)]
    batch_delete: Option<BTreeMap<String, Value>>,
    #[serde(default)]
    get_metadata: Option<Value>,
    #[serde(default)]
    get_connection: Option<Value>,
}

#[derive(Deserialize)]
struct Mock {
    #[serde(default)]
    request: Option<Request>,
    #[serde(default, deserialize_with = "present")]
    response: Option<Box<RawValue>>,
    #[serde(default)]
    status: Option<u16>,
    #[serde(default)]
    headers: Option<Map<String, Value>>,
    #[serde(default)]
    hash: Option<String>,
}

#[derive(Deserialize)]
struct Request {
    #[serde(default)]
    params: Option<Map<String, Value>>,
    #[serde(default)]
    headers: Option<Map<String, Value>>,
    #[serde(default, deserialize_with = "present")]
    data: Option<Value>,
}

/// Reads a file's text.
pub(super) fn read(file: &Path, text: &str) -> Result<Fixture> {
    let File { nango, api } = parse(file, text)?;
    let nango = nango.unwrap_or_default();
    let mut entries = Vec::new();
    for (method, paths) in api.unwrap_or_default() {
        for (path, raw) in paths {
            let place = format!("api.{method}.{path}");
            let found = mocks(&raw).map_err(|what| wrong(file, &format!("`{place}`: {what}")))?;
            let (alone, many) = (found.len() == 1, found.len() > 1);
            for (at, mock) in found.into_iter().enumerate() {
                let place = if many {
                    format!("{place}[{at}]")
                } else {
                    place.clone()
                };
                entries.push(entry(mock, place, &method, &path, alone));
            }
        }
    }
    let base_url = default_base()?;
    let mut connection =
        connection_of(&nango).map_err(|what| wrong(file, &format!("`nango`: {what}")))?;
    connection.integration = connection.integration.or_else(|| integration_of(file));
    // The host adds credentials by itself, so the sync's own are left out.
    let secrets = &connection.credentials;
    let is_secret = |value: &str| secrets.values().any(|secret| holds(value, secret));
    for entry in &mut entries {
        entry.headers.retain(|(_, value)| !is_secret(value));
    }
    let lists = |part: Option<BTreeMap<String, Value>>, name: &str| {
        part.map(listed)
            .transpose()
            .map_err(|what| wrong(file, &format!("`nango.{name}.{what}")))
    };
    let deleted = lists(nango.batch_delete, "batchDelete")?;
    Ok(Fixture {
        file: file.to_owned(),
        now: None,
        connection,
        runs: vec![Case {
            now: None,
            checkpoint: None,
            tape: Arc::new(Tape::new(Rules::Nango, &base_url, entries)),
            expected: Expected {
                records: lists(nango.batch_save, "batchSave")?.unwrap_or_default(),
                deleted: deleted.map(|models| {
                    let ids = |records: Vec<Value>| records.iter().map(id_of).collect();
                    models
                        .into_iter()
                        .map(|(model, records)| (model, ids(records)))
                        .collect()
                }),
                checkpoint: None,
                metadata: None,
                outcome: SUCCESS.to_owned(),
                as_passed: true,
            },
        }],
        base_url,
    })
}

/// Whether a header's value is a made-up credential, or has one in it that is more than a
/// letter or two.
fn holds(value: &str, secret: &str) -> bool {
    value == secret || (secret.len() >= SECRET_BYTES_MIN && value.contains(secret))
}

/// The integration of `<integration>/tests/<sync>.test.json`.
fn integration_of(file: &Path) -> Option<String> {
    let tests = file.parent()?;
    let name = tests.parent()?.file_name()?.to_str()?;
    let is_test = tests.file_name().is_some_and(|name| name == "tests");
    is_test.then(|| name.to_owned())
}

/// The id of a record, as text.
pub(super) fn id_of(record: &Value) -> String {
    match record.get("id").unwrap_or(record) {
        Value::String(id) => id.clone(),
        other => other.to_string(),
    }
}

/// Older files have one mock where newer ones have a list.
fn mocks(raw: &RawValue) -> Result<Vec<Mock>, String> {
    let text = raw.get();
    let read = match text.trim_start().starts_with('[') {
        true => serde_json::from_str(text),
        false => serde_json::from_str(text).map(|mock| vec![mock]),
    };
    read.map_err(|error| {
        let full = error.to_string();
        full.split(" at line ")
            .next()
            .unwrap_or_default()
            .to_owned()
    })
}

fn listed(models: BTreeMap<String, Value>) -> Result<BTreeMap<String, Vec<Value>>, String> {
    let list = |(model, value): (String, Value)| match value {
        Value::Array(records) => Ok((model, records)),
        Value::Null => Ok((model, Vec::new())),
        other => Err(format!(
            "{model}` is {}, not a list of records",
            kind(&other)
        )),
    };
    models.into_iter().map(list).collect()
}

fn connection_of(nango: &NangoPart) -> Result<Connection, String> {
    let mut connection = match &nango.get_connection {
        Some(value) if !value.is_null() => whole_connection(value)?,
        _ => Connection::default(),
    };
    match &nango.get_metadata {
        None | Some(Value::Null) => {}
        Some(Value::Object(metadata)) => connection.metadata = metadata.clone(),
        Some(other) => return Err(format!("`getMetadata` is {}, not an object", kind(other))),
    }
    Ok(connection)
}

/// A connection with what Nango has beside its configuration: the SDK looks for the
/// provider and the kind of credentials there.
fn whole_connection(value: &Value) -> Result<Connection, String> {
    let mut found = connection(value)?;
    let kind = value.pointer("/credentials/type");
    for (name, value) in [("provider", value.get("provider")), ("auth_mode", kind)] {
        if let Some(text) = value.filter(|value| value.is_string()) {
            let members = found.config.entry(name);
            members.or_insert_with(|| text.clone());
        }
    }
    if let Some(credentials) = value.get("credentials") {
        name_texts("", credentials, &mut found.credentials);
    }
    Ok(found)
}

/// The texts in `value` by the names of their places: `apiKey`, `raw.access_token`.
fn name_texts(place: &str, value: &Value, found: &mut BTreeMap<String, String>) {
    match value {
        Value::String(text) if !place.is_empty() => {
            found.insert(place.to_owned(), text.clone());
        }
        Value::Object(members) => {
            for (name, value) in members.iter().filter(|(name, _)| *name != "type") {
                let below = match place {
                    "" => name.clone(),
                    place => format!("{place}.{name}"),
                };
                name_texts(&below, value, found);
            }
        }
        _ => {}
    }
}

fn entry(mock: Mock, place: String, method: &str, path: &str, alone: bool) -> Entry {
    let plain = path.strip_prefix('/').unwrap_or(path).to_owned();
    let answer = answer(&mock);
    let target = match mock.request {
        Some(_) => Target::Path(plain),
        None => Target::Unsaid { path: plain, alone },
    };
    let request = mock.request.unwrap_or(Request {
        params: None,
        headers: None,
        data: None,
    });
    let texts = |members: Option<Map<String, Value>>| -> Vec<(String, String)> {
        let members = members.unwrap_or_default();
        members
            .into_iter()
            .map(|(name, value)| (name, as_javascript(&value)))
            .collect()
    };
    Entry {
        place,
        method: method.to_ascii_uppercase(),
        target,
        query: texts(request.params),
        headers: lower(texts(request.headers)),
        body: request.data.map_or(Body::Any, Body::Nango),
        hash: mock.hash,
        answer,
    }
}

fn answer(mock: &Mock) -> Answer {
    let members = mock.headers.clone().unwrap_or_default();
    let mut headers: Vec<(String, String)> = Vec::new();
    for (name, value) in members {
        match value {
            Value::Array(values) => {
                headers.extend(
                    values
                        .iter()
                        .map(|value| (name.clone(), as_javascript(value))),
                );
            }
            Value::Null => {}
            other => headers.push((name, as_javascript(&other))),
        }
    }
    let mut headers = lower(headers);
    headers.retain(|(name, _)| !FRAMING.contains(&name.as_str()));
    let (body, is_json) = body(mock.response.as_deref());
    if !headers.iter().any(|(name, _)| name == "content-type") {
        let essence = if is_json {
            "application/json"
        } else {
            "text/plain"
        };
        headers.push(("content-type".to_owned(), essence.to_owned()));
    }
    Answer::Response {
        status: mock.status.unwrap_or(200),
        headers,
        body,
    }
}

/// The body that was read as `response`, and whether it is JSON. Text stands for itself;
/// text that would be read as JSON was a JSON string.
fn body(response: Option<&RawValue>) -> (Bytes, bool) {
    let Some(raw) = response else {
        return (Bytes::new(), false);
    };
    match serde_json::from_str::<Value>(raw.get()) {
        Ok(Value::String(text)) if serde_json::from_str::<IgnoredAny>(&text).is_err() => {
            (text.into(), false)
        }
        _ => (raw.get().to_owned().into(), true),
    }
}

fn lower(headers: Vec<(String, String)>) -> Vec<(String, String)> {
    let lower = |(name, value): (String, String)| (name.to_ascii_lowercase(), value);
    headers.into_iter().map(lower).collect()
}

/// A value as JavaScript's `String()` has it.
fn as_javascript(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => {
            let each = |value: &Value| match value {
                Value::Null => String::new(),
                other => as_javascript(other),
            };
            values.iter().map(each).collect::<Vec<_>>().join(",")
        }
        Value::Object(_) => "[object Object]".to_owned(),
        other => other.to_string(),
    }
}

/// The headers of a request that are compared: the first of each name, without those that
/// tools add.
pub(super) fn compared_headers(headers: &[(String, String)]) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for (name, value) in headers {
        if is_compared(name, value) && !found.iter().any(|(known, _)| known == name) {
            found.push((name.clone(), value.clone()));
        }
    }
    found
}

fn is_compared(name: &str, value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    let is_default = name == "content-type"
        && (value == "application/json"
            || value == "undefined"
            || value.starts_with("application/x-www-form-urlencoded"));
    !is_default && !NOT_COMPARED.contains(&name)
}

/// Whether a request's body is the recorded `data`: as a value, as text, as a form with
/// those fields, or by its hash.
pub(super) fn body_fits(data: &Value, body: &Bytes) -> bool {
    let text = String::from_utf8_lossy(body);
    let sent: Option<Value> = serde_json::from_slice(body).ok();
    if sent.is_some_and(|sent| same(data, &sent)) {
        return true;
    }
    match data {
        Value::String(known) => match known.strip_prefix(HASHED) {
            Some(hash) => *known == text || hash == sha1(&text),
            None => *known == text,
        },
        Value::Object(_) if !body.is_empty() => {
            let mut fields = Vec::new();
            form_fields("", data, &mut fields);
            let sent = url::form_urlencoded::parse(body);
            let mut sent: Vec<_> = sent
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect();
            fields.sort();
            sent.sort();
            fields == sent
        }
        _ => false,
    }
}

/// The fields of a form that holds `value`, nested ones as `a[b]`, lists of plain values as
/// `a[]`.
fn form_fields(name: &str, value: &Value, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(members) => {
            for (member, value) in members {
                let below = match name {
                    "" => member.clone(),
                    name => format!("{name}[{member}]"),
                };
                form_fields(&below, value, found);
            }
        }
        Value::Array(values) => {
            let is_flat = !values
                .iter()
                .any(|each| each.is_object() || each.is_array());
            for (at, value) in values.iter().enumerate() {
                let below = match is_flat {
                    true => format!("{name}[]"),
                    false => format!("{name}[{at}]"),
                };
                form_fields(&below, value, found);
            }
        }
        Value::Null => found.push((name.to_owned(), String::new())),
        plain => found.push((name.to_owned(), as_javascript(plain))),
    }
}

fn sha1(text: &str) -> String {
    hex::encode(Sha1::digest(text.as_bytes()))
}

/// A request in the forms in which it is compared.
pub(super) struct Shape<'a> {
    /// The request.
    pub(super) asked: &'a Asked<'a>,
    /// The ways to read its path, without the slash in front, the likeliest first. On
    /// another host than the connection's the front of it may be that of a base URL, which
    /// Nango's files do not know.
    pub(super) paths: Vec<String>,
    /// Its parameters, decoded.
    pub(super) query: Vec<(String, String)>,
    /// The guest's headers, names in lower case.
    pub(super) headers: Vec<(String, String)>,
    hashes: OnceCell<Vec<String>>,
}

impl<'a> Shape<'a> {
    /// The forms of a request, on a connection whose base URL is `home`.
    pub(super) fn of(asked: &'a Asked<'a>, home: &Url) -> Self {
        let path = asked.url.path();
        let mut rest = path.strip_prefix('/').unwrap_or(path);
        let mut paths = vec![rest.to_owned()];
        if asked.url.origin() != home.origin() {
            while let Some((_, below)) = rest.split_once('/') {
                paths.push(below.to_owned());
                rest = below;
            }
        }
        Shape {
            asked,
            paths,
            query: pairs(asked.url),
            headers: lower(asked.guest.headers.clone()),
            hashes: OnceCell::new(),
        }
    }

    /// Nango's hashes of the request, one for each way to read its path, in their order.
    pub(super) fn hashes(&self) -> &[String] {
        self.hashes
            .get_or_init(|| self.paths.iter().map(|path| self.hash(path)).collect())
    }

    fn hash(&self, path: &str) -> String {
        let mut query = self.query.clone();
        query.sort_by(|one, other| one.0.cmp(&other.0));
        let mut seen: Vec<String> = Vec::new();
        let mut headers: Vec<&(String, String)> = Vec::new();
        for header in &self.asked.guest.headers {
            let name = header.0.to_ascii_lowercase();
            if !seen.contains(&name) && is_compared(&name, &header.1) {
                headers.push(header);
            }
            seen.push(name);
        }
        headers.sort_by(|one, other| one.0.cmp(&other.0));
        let mut identity = json!({
            "method": self.asked.method.to_ascii_lowercase(),
            "endpoint": path,
            "params": query,
            "headers": headers,
        });
        let text = String::from_utf8_lossy(self.asked.body);
        if !text.is_empty() {
            let kept = match text.encode_utf16().count() > BODY_KEPT_MAX {
                true => format!("{HASHED}{}", sha1(&text)),
                false => text.into_owned(),
            };
            identity["data"] = Value::String(kept);
        }
        sha1(&identity.to_string())
    }
}
