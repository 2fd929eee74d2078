//! The recorded exchanges of one run: which of them answers a request, and for one that
//! none answers, which is the nearest and what differs.

use super::compare::same;
use super::nango::{self, Shape};
use super::own::path_of;
use crate::egress::recorded::{Answer, Answers, Asked};
use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use url::Url;

/// How much another method makes two requests differ; a parameter, header or body is 1.
const OTHER_METHOD: u32 = 8;
/// The same of another host.
const OTHER_HOST: u32 = 8;
/// The same of a path that has nothing in common.
const OTHER_PATH: u32 = 40;
/// Characters of a value that are shown where two differ.
const SHOWN_CHARS_MAX: usize = 200;

/// Whose rules say what fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rules {
    /// Answers to one request come in their order, the last again and again. What a file
    /// does not say of headers and body is not compared.
    Own,
    /// The first that fits answers each time; hosts are not compared.
    Nango,
}

/// One recorded exchange.
pub(super) struct Entry {
    /// Where it stands in its file.
    pub(super) place: String,
    /// The method, in capitals.
    pub(super) method: String,
    /// Where the request went.
    pub(super) target: Target,
    /// Its parameters, decoded.
    pub(super) query: Vec<(String, String)>,
    /// Its headers, names in lower case.
    pub(super) headers: Vec<(String, String)>,
    /// Its body.
    pub(super) body: Body,
    /// Nango's hash of the request.
    pub(super) hash: Option<String>,
    /// What came of it.
    pub(super) answer: Answer,
}

/// Where a recorded request went.
pub(super) enum Target {
    /// The whole URL.
    Url(Url),
    /// The path on whatever host, without the slash in front.
    Path(String),
    /// The same; the file does not say of which request. It answers one without
    /// parameters, if it is alone on its path.
    Unsaid {
        /// The path.
        path: String,
        /// Whether it is alone there.
        alone: bool,
    },
}

/// The body of a recorded request.
pub(super) enum Body {
    /// Not compared.
    Any,
    /// This text, byte by byte.
    Bytes(Bytes),
    /// This value, however it is written; the bytes are what the file has.
    Json(Value, Bytes),
    /// By Nango's rules.
    Nango(Value),
}

/// The exchanges of a run, and what the run made of them.
pub(super) struct Tape {
    rules: Rules,
    base: Url,
    entries: Vec<Entry>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    used: BTreeSet<usize>,
    unanswered: Vec<Unanswered>,
    answered: u64,
}

/// A request that no recorded exchange answers.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Unanswered {
    /// The method.
    pub(super) method: String,
    /// Path and query; the whole URL where it is not the base URL's host.
    pub(super) url: String,
    /// What is nearest to it.
    pub(super) nearest: Option<Nearest>,
}

/// The recorded exchange that is nearest to a request.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Nearest {
    /// Where it stands in its file.
    pub(super) place: String,
    /// What was asked there.
    pub(super) request: String,
    /// What differs.
    pub(super) differs: Vec<Difference>,
}

/// One thing in which a request differs from a recorded one.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Difference {
    /// Which: `method`, `host`, `path`, ``query `page` ``, ``header `accept` `` or `body`.
    pub(super) what: String,
    /// What the file has.
    pub(super) recorded: Option<String>,
    /// What the sync asked.
    pub(super) asked: Option<String>,
    #[serde(skip)]
    weight: u32,
}

impl Tape {
    /// A tape that was not played yet.
    pub(super) fn new(rules: Rules, base: &Url, entries: Vec<Entry>) -> Self {
        Tape {
            rules,
            base: base.clone(),
            entries,
            state: Mutex::default(),
        }
    }

    /// The whole URLs that it answers.
    pub(super) fn urls(&self) -> impl Iterator<Item = &Url> {
        self.entries.iter().filter_map(|entry| match &entry.target {
            Target::Url(url) => Some(url),
            _ => None,
        })
    }

    /// The requests that nothing answered, and how many were.
    pub(super) fn unanswered(&self) -> (Vec<Unanswered>, u64) {
        let state = self.lock();
        (state.unanswered.clone(), state.answered)
    }

    /// The exchanges that answered nothing: where each stands and what it would answer.
    pub(super) fn unused(&self) -> Vec<(String, String)> {
        let state = self.lock();
        let all = self.entries.iter().enumerate();
        all.filter(|(at, _)| !state.used.contains(at))
            .map(|(_, entry)| (entry.place.clone(), self.request_of(entry)))
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Which entry answers: by our rules the first that did not answer yet, else the last;
    /// by Nango's the first, by the likeliest reading of the path.
    fn find(&self, shape: &Shape<'_>, used: &BTreeSet<usize>) -> Option<usize> {
        match self.rules {
            Rules::Nango => {
                let readings = 0..shape.paths.len();
                let mut found = readings.filter_map(|at| self.fitting(shape, at).next());
                found.next()
            }
            Rules::Own => {
                let all: Vec<usize> = self.fitting(shape, 0).collect();
                let fresh = all.iter().find(|at| !used.contains(at));
                fresh.or(all.last()).copied()
            }
        }
    }

    /// The entries that fit a request whose path is read in this way.
    fn fitting(&self, shape: &Shape<'_>, reading: usize) -> impl Iterator<Item = usize> {
        let entries = self.entries.iter().enumerate();
        let fits = move |entry: &Entry| {
            let hash = entry.hash.as_ref();
            let is_hashed = hash.is_some_and(|hash| shape.hashes().get(reading) == Some(hash));
            (is_hashed && self.method_fits(entry, shape))
                || self.differences(entry, shape, reading).is_empty()
        };
        entries
            .filter(move |(_, entry)| fits(entry))
            .map(|(at, _)| at)
    }

    fn method_fits(&self, entry: &Entry, shape: &Shape<'_>) -> bool {
        entry.method == shape.asked.method
    }

    fn differences(&self, entry: &Entry, shape: &Shape<'_>, reading: usize) -> Vec<Difference> {
        let path = shape.paths.get(reading).map_or("", String::as_str);
        let asked = shape.asked;
        let mut found = Vec::new();
        if !self.method_fits(entry, shape) {
            let method = Some(entry.method.clone());
            found.push(differs(
                "method",
                method,
                Some(asked.method.to_owned()),
                OTHER_METHOD,
            ));
        }
        match &entry.target {
            Target::Url(url) => {
                if url.origin() != asked.url.origin() {
                    let host = |url: &Url| Some(url.origin().ascii_serialization());
                    found.push(differs("host", host(url), host(asked.url), OTHER_HOST));
                }
                found.extend(path_difference(url.path(), asked.url.path()));
            }
            Target::Path(known) => found.extend(path_difference(known, path)),
            Target::Unsaid { path: known, alone } => {
                found.extend(path_difference(known, path));
                if !alone || !shape.query.is_empty() {
                    let unsaid = "the file does not say which (no `request`)".to_owned();
                    let query = asked.url.query().unwrap_or_default().to_owned();
                    found.push(differs("request", Some(unsaid), Some(query), 1));
                }
                return found;
            }
        }
        found.extend(query_differences(&entry.query, &shape.query));
        found.extend(self.header_differences(entry, shape));
        // A GET's data is in the file and never on the wire.
        let has_none = asked.body.is_empty() && ["GET", "HEAD"].contains(&asked.method);
        if self.rules == Rules::Own || !has_none {
            found.extend(body_difference(&entry.body, asked.body));
        }
        found
    }

    /// By our rules a header that the file has must be there with its value; by Nango's
    /// neither side may have another, but for those that its tools add.
    fn header_differences(&self, entry: &Entry, shape: &Shape<'_>) -> Vec<Difference> {
        let strict = self.rules == Rules::Nango;
        let mut found = Vec::new();
        let value_of = |headers: &[(String, String)], name: &str| {
            let found = headers.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.clone())
        };
        let recorded: Vec<_> = match strict {
            true => nango::compared_headers(&entry.headers),
            false => entry.headers.clone(),
        };
        let asked = match strict {
            true => nango::compared_headers(&shape.headers),
            false => shape.headers.clone(),
        };
        for (name, value) in &recorded {
            let other = value_of(&asked, name);
            if other.as_ref() != Some(value) {
                let what = format!("header `{name}`");
                found.push(differs(&what, Some(value.clone()), other, 1));
            }
        }
        if strict {
            for (name, value) in &asked {
                if value_of(&recorded, name).is_none() {
                    let what = format!("header `{name}`");
                    found.push(differs(&what, None, Some(value.clone()), 1));
                }
            }
        }
        found
    }

    fn nearest(&self, shape: &Shape<'_>) -> Option<Nearest> {
        let weighed = self.entries.iter().flat_map(|entry| {
            (0..shape.paths.len()).map(move |reading| {
                let differs = self.differences(entry, shape, reading);
                let weight: u32 = differs.iter().map(|each| each.weight).sum();
                (weight, entry, differs)
            })
        });
        let (_, entry, differs) = weighed.min_by_key(|(weight, ..)| *weight)?;
        Some(Nearest {
            place: entry.place.clone(),
            request: self.request_of(entry),
            differs,
        })
    }

    fn request_of(&self, entry: &Entry) -> String {
        let url = match &entry.target {
            Target::Url(url) => self.shown(url),
            Target::Path(path) | Target::Unsaid { path, .. } => {
                let query = entry.query.iter();
                let query: Vec<_> = query
                    .map(|(name, value)| format!("{name}={value}"))
                    .collect();
                match query.is_empty() {
                    true => format!("/{path}"),
                    false => format!("/{path}?{}", query.join("&")),
                }
            }
        };
        format!("{} {url}", entry.method)
    }

    /// A URL for people: short where it is on the connection's own host.
    fn shown(&self, url: &Url) -> String {
        match url.origin() == self.base.origin() {
            true => path_of(url),
            false => url.to_string(),
        }
    }
}

impl Answers for Tape {
    fn answer(&self, asked: &Asked<'_>) -> Option<Answer> {
        let shape = Shape::of(asked, &self.base);
        let mut state = self.lock();
        if let Some(at) = self.find(&shape, &state.used) {
            state.used.insert(at);
            state.answered += 1;
            return self.entries.get(at).map(|entry| entry.answer.clone());
        }
        state.unanswered.push(Unanswered {
            method: asked.method.to_owned(),
            url: self.shown(asked.url),
            nearest: self.nearest(&shape),
        });
        None
    }
}

/// The parameters of a URL, decoded.
pub(super) fn pairs(url: &Url) -> Vec<(String, String)> {
    let pairs = url.query_pairs();
    pairs
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect()
}

fn differs(what: &str, recorded: Option<String>, asked: Option<String>, weight: u32) -> Difference {
    Difference {
        what: what.to_owned(),
        recorded: recorded.map(shortened),
        asked: asked.map(shortened),
        weight,
    }
}

fn shortened(text: String) -> String {
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text,
    }
}

/// Two paths are the same if they are so decoded, with or without a slash in front.
fn path_difference(recorded: &str, asked: &str) -> Option<Difference> {
    let plain = |path: &str| {
        let path = path.strip_prefix('/').unwrap_or(path);
        percent_encoding::percent_decode_str(path)
            .decode_utf8_lossy()
            .into_owned()
    };
    let (recorded, first) = (plain(recorded), plain(asked));
    if recorded == first {
        return None;
    }
    let alike = strsim::normalized_levenshtein(&recorded, &first);
    let weight = 2 + ((1.0 - alike) * f64::from(OTHER_PATH)) as u32;
    Some(differs(
        "path",
        Some(format!("/{recorded}")),
        Some(format!("/{first}")),
        weight,
    ))
}

/// Parameters by name; their order among each other does not count.
fn query_differences(recorded: &[(String, String)], asked: &[(String, String)]) -> Vec<Difference> {
    let values = |query: &[(String, String)], name: &str| -> Vec<String> {
        let own = query.iter().filter(|(known, _)| known == name);
        own.map(|(_, value)| value.clone()).collect()
    };
    let names: BTreeSet<&str> = recorded
        .iter()
        .chain(asked)
        .map(|(name, _)| name.as_str())
        .collect();
    let mut found = Vec::new();
    for name in names {
        let (old, new) = (values(recorded, name), values(asked, name));
        if old != new {
            let told = |values: Vec<String>| (!values.is_empty()).then(|| values.join(", "));
            found.push(differs(&format!("query `{name}`"), told(old), told(new), 1));
        }
    }
    found
}

fn body_difference(recorded: &Body, asked: &Bytes) -> Option<Difference> {
    let (fits, text) = match recorded {
        Body::Any => return None,
        Body::Bytes(bytes) => (bytes == asked, as_text(bytes)),
        Body::Json(value, bytes) => {
            let sent: Option<Value> = serde_json::from_slice(asked).ok();
            let fits = sent.is_some_and(|sent| same(value, &sent));
            (fits || bytes == asked, as_text(bytes))
        }
        Body::Nango(value) => (nango::body_fits(value, asked), value.to_string()),
    };
    (!fits).then(|| {
        let asked = (!asked.is_empty()).then(|| as_text(asked));
        differs("body", Some(text), asked, 1)
    })
}

fn as_text(bytes: &Bytes) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
