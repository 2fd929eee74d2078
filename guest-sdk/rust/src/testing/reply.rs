//! What the mock provider answers, and what was asked of it.

use crate::error::{Code, Error, Result};
use crate::sys::RequestParts;
use serde::Serialize;
use serde_json::Value;
use std::collections::VecDeque;

/// Where relative URLs go.
const BASE_URL: &str = "https://provider.test";

/// A response of the mock provider.
#[derive(Clone, Debug)]
pub struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    error: Option<Error>,
}

impl Reply {
    /// A 200 with this as JSON.
    pub fn json(body: impl Serialize) -> Self {
        let body = serde_json::to_vec(&body)
            .unwrap_or_else(|error| panic!("a reply that is no JSON: {error}"));
        Reply {
            status: 200,
            headers: Vec::new(),
            body,
            error: None,
        }
        .header("content-type", "application/json")
    }

    /// An empty response with this status.
    pub fn status(status: u16) -> Self {
        Reply {
            status,
            headers: Vec::new(),
            body: Vec::new(),
            error: None,
        }
    }

    /// No response, but an error such as `provider.timeout`.
    pub fn error(code: Code, message: &str) -> Self {
        Reply {
            error: Some(Error::with_code(code, message)),
            ..Reply::status(0)
        }
    }

    /// The same response with this body.
    pub fn text(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// The same response with one more header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.into()));
        self
    }
}

/// A request that a sync sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Sent {
    /// The method.
    pub method: String,
    /// The path, or the whole URL without its query if it leads elsewhere than to the
    /// connection's base URL.
    pub path: String,
    /// The query parameters, decoded.
    pub query: Vec<(String, String)>,
    /// The headers that the sync set.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Sent {
    pub(super) fn new(parts: &RequestParts, url: &Url) -> Self {
        Sent {
            method: parts.method.clone(),
            path: url.path.clone(),
            query: url.query.clone(),
            headers: parts.headers.clone(),
            body: parts.body.clone().unwrap_or_default(),
        }
    }

    /// The first value of a query parameter.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// The body as JSON, `null` if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// A URL taken apart as far as matching needs.
pub(super) struct Url {
    path: String,
    query: Vec<(String, String)>,
}

impl Url {
    /// Where a request goes, its own parameters added to those in its URL.
    pub fn of(parts: &RequestParts) -> Self {
        let base = parts.base_url.as_deref().unwrap_or_default();
        let mut url = Url::parse(&format!("{base}{}", parts.url));
        url.query.extend(parts.query.iter().cloned());
        url
    }

    fn parse(url: &str) -> Self {
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let pair = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name), decoded(value))
        };
        let query = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(pair)
            .collect();
        Url {
            path: path.strip_prefix(BASE_URL).unwrap_or(path).into(),
            query,
        }
    }

    pub fn absolute(&self) -> String {
        if self.path.starts_with('/') {
            format!("{BASE_URL}{}", self.path)
        } else {
            self.path.clone()
        }
    }

    /// Whether `asked` is to this path with at least these parameters.
    fn fits(&self, asked: &Url) -> bool {
        self.path == asked.path && self.query.iter().all(|pair| asked.query.contains(pair))
    }
}

/// A part of a query without its percent-encoding.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        let code = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        let (decoded, left) = match (byte, code) {
            (b'%', Some(code)) => (code, after.get(2..).unwrap_or_default()),
            (b'+', _) => (b' ', after),
            _ => (*byte, after),
        };
        bytes.push(decoded);
        rest = left;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A provider as a function.
type Answer = Box<dyn FnMut(&Sent) -> Reply>;

/// What answers what.
#[derive(Default)]
pub(super) struct Replies {
    rules: Vec<(Url, VecDeque<Reply>)>,
    otherwise: Option<Answer>,
}

impl Replies {
    pub fn push(&mut self, url: &str, reply: Reply) {
        let url = Url::parse(url);
        match self
            .rules
            .iter_mut()
            .find(|(known, _)| known.path == url.path && known.query == url.query)
        {
            Some((_, queue)) => queue.push_back(reply),
            None => self.rules.push((url, VecDeque::from([reply]))),
        }
    }

    pub fn otherwise(&mut self, answer: impl FnMut(&Sent) -> Reply + 'static) {
        self.otherwise = Some(Box::new(answer));
    }

    pub fn answer(&mut self, sent: &Sent, url: &Url) -> Result<Reply> {
        let fitting = self.rules.iter_mut().filter(|(rule, _)| rule.fits(url));
        let reply = match (
            fitting.max_by_key(|(rule, _)| rule.query.len()),
            &mut self.otherwise,
        ) {
            (Some((_, queue)), _) if queue.len() > 1 => queue.pop_front(),
            (Some((_, queue)), _) => queue.front().cloned(),
            (None, Some(answer)) => Some(answer(sent)),
            (None, None) => None,
        };
        let reply = reply.unwrap_or_else(|| {
            let missing = format!(
                "the test host has no reply for {} {} with {:?}",
                sent.method, sent.path, sent.query
            );
            Reply::status(404).text(missing)
        });
        reply.error.clone().map_or(Ok(reply), Err)
    }
}
