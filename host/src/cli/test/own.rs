//! Tidegate's own format: what `dev --record` writes and people write by hand. It is
//! described in `docs/testing.md`; a change here is a change there.

use super::fixture::{BASE_URL, Case, Connection, Expected, Fixture, parse, present, wrong};
use super::tape::{Body, Entry, Rules, Tape, Target, pairs};
use crate::egress::recorded::Answer;
use crate::egress::recording::{Taken, TakenResponse};
use crate::egress::target::resolve;
use crate::error::{Code, Error, Result};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use url::Url;

/// The version of the format that this program reads and writes.
const VERSION: u32 = 1;
/// What a run ends with unless a file says otherwise.
pub(super) const SUCCESS: &str = "success";

/// Response headers that are not recorded: secrets, what describes a body as it was on
/// the wire, and what changes with each response and no sync reads.
const NOT_RECORDED: &[&str] = &[
    "alt-svc",
    "connection",
    "content-encoding",
    "content-length",
    "date",
    "keep-alive",
    "nel",
    "proxy-authenticate",
    "report-to",
    "server",
    "set-cookie",
    "set-cookie2",
    "strict-transport-security",
    "transfer-encoding",
    "via",
    "www-authenticate",
];

/// A file.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct File {
    version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    now: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    base_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    connection: Option<ConnectionPart>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    checkpoint: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    exchanges: Option<Vec<Exchange>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expected: Option<ExpectedPart>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    runs: Option<Vec<Run>>,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ConnectionPart {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    integration: Option<String>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    config: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    metadata: Map<String, Value>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Run {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    now: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    checkpoint: Option<Value>,
    #[serde(default)]
    exchanges: Vec<Exchange>,
    #[serde(default)]
    expected: ExpectedPart,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Exchange {
    request: Request,
    response: Response,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Request {
    #[serde(default = "get")]
    method: String,
    url: String,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    headers: Map<String, Value>,
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    body: Option<Box<RawValue>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
}

fn get() -> String {
    "GET".to_owned()
}

#[derive(Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Response {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    headers: Map<String, Value>,
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    body: Option<Box<RawValue>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<Code>,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ExpectedPart {
    #[serde(default)]
    records: BTreeMap<String, Vec<Value>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    deleted: BTreeMap<String, Vec<String>>,
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    checkpoint: Option<Value>,
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    metadata: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    outcome: Option<String>,
}

/// Reads a file's text.
pub(super) fn read(file: &Path, text: &str) -> Result<Fixture> {
    let parsed: File = parse(file, text)?;
    if parsed.version != VERSION {
        let what = format!(
            "`version` is {}, and this program reads version {VERSION}",
            parsed.version
        );
        return Err(wrong(file, &what));
    }
    let base_url = match parsed.base_url {
        Some(text) => resolve(None, &text).map_err(|denied| {
            wrong(file, &format!("`baseUrl`: {}", Error::from(denied).message))
        })?,
        None => default_base()?,
    };
    let alone =
        parsed.checkpoint.is_some() || parsed.exchanges.is_some() || parsed.expected.is_some();
    let (runs, in_runs) = match parsed.runs {
        Some(_) if alone => {
            let what = "`runs` stands beside `checkpoint`, `exchanges` or `expected`; put those into the runs";
            return Err(wrong(file, what));
        }
        Some(runs) => (runs, true),
        None => {
            let run = Run {
                now: None,
                checkpoint: parsed.checkpoint,
                exchanges: parsed.exchanges.unwrap_or_default(),
                expected: parsed.expected.unwrap_or_default(),
            };
            (vec![run], false)
        }
    };
    let cases = runs.into_iter().enumerate().map(|(at, run)| {
        let place = if in_runs {
            format!("runs[{at}].")
        } else {
            String::new()
        };
        case(run, &base_url, &place).map_err(|what| wrong(file, &what))
    });
    let connection = parsed.connection.unwrap_or_default();
    Ok(Fixture {
        file: file.to_owned(),
        now: parsed.now,
        connection: Connection {
            id: connection.id,
            integration: connection.integration,
            config: connection.config,
            metadata: connection.metadata,
            credentials: BTreeMap::new(),
        },
        runs: cases.collect::<Result<_>>()?,
        base_url,
    })
}

/// The base URL of a file that names none.
pub(super) fn default_base() -> Result<Url> {
    Url::parse(BASE_URL).map_err(|error| Error::new(Code::Internal, error.to_string()))
}

fn case(run: Run, base: &Url, place: &str) -> Result<Case, String> {
    if run.checkpoint.as_ref().is_some_and(|it| !it.is_object()) {
        return Err(format!("`{place}checkpoint` is no object"));
    }
    let expected = run.expected;
    let outcome = expected.outcome.unwrap_or_else(|| SUCCESS.to_owned());
    if outcome != SUCCESS && outcome.parse::<Code>().is_err() {
        return Err(format!(
            "`{place}expected.outcome`: `{outcome}` is neither `success` nor the code of an error, such as `guest.error`"
        ));
    }
    let exchanges = run.exchanges.into_iter().enumerate();
    let entries = exchanges.map(|(at, exchange)| {
        let place = format!("{place}exchanges[{at}]");
        entry(exchange, base, &place).map_err(|what| format!("`{place}.{what}"))
    });
    Ok(Case {
        now: run.now,
        checkpoint: run.checkpoint,
        tape: Arc::new(Tape::new(
            Rules::Own,
            base,
            entries.collect::<Result<_, _>>()?,
        )),
        expected: Expected {
            records: expected.records,
            deleted: Some(expected.deleted),
            checkpoint: expected.checkpoint,
            metadata: expected.metadata,
            outcome,
            as_passed: false,
        },
    })
}

/// Errors begin with the key below the exchange, and its closing backtick.
fn entry(exchange: Exchange, base: &Url, place: &str) -> Result<Entry, String> {
    let Exchange { request, response } = exchange;
    let url = resolve(Some(base), &request.url)
        .map_err(|denied| format!("request.url`: {}", Error::from(denied).message))?;
    let body = body_of(request.body, request.body_base64)
        .map_err(|why| format!("request.bodyBase64`: {why}"))?;
    let query = pairs(&url);
    Ok(Entry {
        place: place.to_owned(),
        method: request.method.to_ascii_uppercase(),
        target: Target::Url(url),
        query,
        headers: headers(&request.headers).map_err(|why| format!("request.headers.{why}"))?,
        body: match body {
            None => Body::Any,
            Some((bytes, Some(value))) if !value.is_string() => Body::Json(value, bytes),
            Some((bytes, _)) => Body::Bytes(bytes),
        },
        hash: None,
        answer: answer(response)?,
    })
}

fn answer(response: Response) -> Result<Answer, String> {
    if let Some(code) = response.error {
        let message = format!("recorded as {code}");
        return Ok(Answer::Failure(Error::new(code, message)));
    }
    let mut headers =
        headers(&response.headers).map_err(|why| format!("response.headers.{why}"))?;
    let body = body_of(response.body, response.body_base64)
        .map_err(|why| format!("response.bodyBase64`: {why}"))?;
    let is_json = matches!(&body, Some((_, Some(value))) if !value.is_string());
    if is_json && !headers.iter().any(|(name, _)| name == "content-type") {
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
    }
    Ok(Answer::Response {
        status: response.status.unwrap_or(200),
        headers,
        body: body.map(|(bytes, _)| bytes).unwrap_or_default(),
    })
}

/// A body's bytes, and its value where it is JSON: text stands for itself, anything else
/// is sent as it stands in the file.
fn body_of(
    body: Option<Box<RawValue>>,
    base64: Option<String>,
) -> Result<Option<(Bytes, Option<Value>)>, String> {
    let Some(raw) = body else {
        let Some(text) = base64 else { return Ok(None) };
        let bytes = BASE64_STANDARD
            .decode(text)
            .map_err(|error| format!("it is not base64: {error}"))?;
        return Ok(Some((bytes.into(), None)));
    };
    let value: Value = serde_json::from_str(raw.get()).map_err(|error| error.to_string())?;
    let bytes = match &value {
        Value::String(text) => Bytes::from(text.clone()),
        _ => Bytes::from(raw.get().to_owned()),
    };
    Ok(Some((bytes, Some(value))))
}

/// Headers by their names in lower case; a list is the header more than once.
fn headers(members: &Map<String, Value>) -> Result<Vec<(String, String)>, String> {
    let mut found = Vec::new();
    for (name, value) in members {
        let values = match value {
            Value::Array(values) => values.as_slice(),
            one => std::slice::from_ref(one),
        };
        for value in values {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                _ => return Err(format!("{name}`: a header is text or a list of texts")),
            };
            found.push((name.to_ascii_lowercase(), text));
        }
    }
    Ok(found)
}

/// What a recording is made of.
pub(super) struct Recorded {
    /// When the run started.
    pub(super) now: Timestamp,
    /// The connection's base URL.
    pub(super) base_url: Option<Url>,
    /// The connection before the run.
    pub(super) connection: Connection,
    /// What it asked and got.
    pub(super) taken: Vec<Taken>,
    /// The records that it saved.
    pub(super) records: BTreeMap<String, Vec<Value>>,
    /// What it deleted.
    pub(super) deleted: BTreeMap<String, Vec<String>>,
    /// Its checkpoint at the end.
    pub(super) checkpoint: Value,
    /// The metadata at the end.
    pub(super) metadata_after: Value,
    /// How it ended.
    pub(super) outcome: String,
}

/// A recording as the text of a file, bodies as they were but indented.
pub(super) fn write(recorded: Recorded) -> Result<String> {
    let base = recorded.base_url;
    let exchanges = recorded
        .taken
        .into_iter()
        .map(|taken| exchange(taken, base.as_ref()));
    let before = Value::Object(recorded.connection.metadata.clone());
    let connection = recorded.connection;
    let file = File {
        version: VERSION,
        description: None,
        now: Some(recorded.now),
        connection: Some(ConnectionPart {
            id: connection.id,
            integration: connection.integration,
            config: connection.config,
            metadata: connection.metadata,
        }),
        checkpoint: None,
        exchanges: Some(exchanges.collect()),
        expected: Some(ExpectedPart {
            records: recorded.records,
            deleted: recorded.deleted,
            checkpoint: Some(recorded.checkpoint),
            metadata: Some(recorded.metadata_after).filter(|after| *after != before),
            outcome: Some(recorded.outcome),
        }),
        runs: None,
        base_url: base.map(|base| base.to_string()),
    };
    let text = serde_json::to_string(&file)
        .map_err(|error| Error::new(Code::Internal, format!("writing a fixture: {error}")))?;
    Ok(indented(&text))
}

fn exchange(taken: Taken, base: Option<&Url>) -> Exchange {
    let at_home = base.is_some_and(|base| base.origin() == taken.url.origin());
    let url = match at_home {
        true => path_of(&taken.url),
        false => taken.url.to_string(),
    };
    let (body, body_base64) = taken.body.as_ref().map_or((None, None), shown);
    Exchange {
        request: Request {
            method: taken.method,
            url,
            headers: header_map(taken.headers),
            body,
            body_base64,
        },
        response: match taken.answer {
            Ok(response) => recorded_response(response),
            Err(error) => Response {
                error: Some(error.code),
                ..Response::default()
            },
        },
    }
}

/// Path and query.
pub(super) fn path_of(url: &Url) -> String {
    match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    }
}

fn recorded_response(response: TakenResponse) -> Response {
    let kept = |(name, _): &(String, String)| !NOT_RECORDED.contains(&name.as_str());
    let (body, body_base64) = match response.body.is_empty() {
        true => (None, None),
        false => shown(&response.body),
    };
    Response {
        status: Some(response.status),
        headers: header_map(response.headers.into_iter().filter(kept).collect()),
        body,
        body_base64,
        error: None,
    }
}

fn header_map(headers: Vec<(String, String)>) -> Map<String, Value> {
    let mut found: Map<String, Value> = Map::new();
    for (name, value) in headers {
        let value = Value::String(value);
        match found.get_mut(&name) {
            None => drop(found.insert(name, value)),
            Some(Value::Array(values)) => values.push(value),
            Some(one) => *one = Value::Array(vec![one.take(), value]),
        }
    }
    found
}

/// A body for a file: objects and lists as they are, other text as a JSON string, anything
/// else in base64.
fn shown(body: &Bytes) -> (Option<Box<RawValue>>, Option<String>) {
    let Ok(text) = std::str::from_utf8(body) else {
        return (None, Some(BASE64_STANDARD.encode(body)));
    };
    let raw = match text.trim_start().starts_with(['{', '[']) {
        true => serde_json::from_str::<Box<RawValue>>(text).ok(),
        false => None,
    };
    let raw = raw.or_else(|| serde_json::value::to_raw_value(text).ok());
    (raw, None)
}

/// JSON text, indented by two spaces. Only white space is touched, so that every number and
/// every escape stays as the provider wrote it.
fn indented(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    let mut characters = json.chars().peekable();
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth));
    };
    while let Some(each) = characters.next() {
        if in_text {
            out.push(each);
            in_text = escaped || each != '"';
            escaped = each == '\\' && !escaped;
            continue;
        }
        match each {
            each if each.is_ascii_whitespace() => {}
            '{' | '[' => {
                out.push(each);
                while characters.next_if(char::is_ascii_whitespace).is_some() {}
                match characters.next_if(|next| matches!(next, '}' | ']')) {
                    Some(end) => out.push(end),
                    None => {
                        depth += 1;
                        line(&mut out, depth);
                    }
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
                out.push(each);
            }
            ',' => {
                out.push(each);
                line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            each => {
                in_text = each == '"';
                out.push(each);
            }
        }
    }
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indenting_touches_nothing_but_white_space() {
        for (json, expected) in [
            ("{}", "{}\n"),
            ("{ \n }", "{}\n"),
            (
                r#"{"a":[1.0,{"b":"x, \"{y}\\"}],"c":[]}"#,
                "{\n  \"a\": [\n    1.0,\n    {\n      \"b\": \"x, \\\"{y}\\\\\"\n    }\n  ],\n  \"c\": []\n}\n",
            ),
            (
                "[1e5, 12345678901234567890]",
                "[\n  1e5,\n  12345678901234567890\n]\n",
            ),
        ] {
            assert_eq!(indented(json), expected);
            assert_eq!(indented(expected), expected);
        }
    }
}
