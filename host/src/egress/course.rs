//! The course of one `send`: what it has cost so far, and each exchange of it as the
//! run's log tells of it.

use super::Exchange;
use super::credentials::Redactor;
use super::prepare::Prepared;
use crate::error::Code;
use crate::limits::EXCHANGE_URL_BYTES_MAX;
use crate::model::HttpExchange;
use jiff::Timestamp;
use std::time::Duration;
use tokio::time::Instant;
use url::Url;

/// Parameters whose values are not told, whoever set them: names by which providers pass
/// secrets in URLs, such as those that are signed for a download.
const SECRET_PARAMETERS: &[&str] = &[
    "access_token",
    "api_key",
    "api-key",
    "apikey",
    "auth",
    "auth_token",
    "client_secret",
    "code",
    "key",
    "password",
    "refresh_token",
    "secret",
    "sig",
    "signature",
    "token",
    "x-amz-credential",
    "x-amz-security-token",
    "x-amz-signature",
    "x-goog-credential",
    "x-goog-signature",
];

/// What stands in the place of a value that is not told.
const NOT_TOLD: &str = "***";

/// What one `send` has come to so far.
pub struct Course {
    /// What it has cost.
    pub cost: Exchange,
    /// Which try is under way, from 1.
    pub attempt: u32,
    /// When that try must be over.
    pub until: Instant,
    exchanges: Vec<HttpExchange>,
    /// When the last exchange began.
    began: Instant,
    /// How much of the waiting was told with an exchange.
    told: Duration,
}

impl Course {
    /// One that has not begun.
    pub fn new() -> Self {
        let now = Instant::now();
        Course {
            cost: Exchange::default(),
            attempt: 1,
            until: now,
            exchanges: Vec::new(),
            began: now,
            told: Duration::ZERO,
        }
    }

    /// Time was spent waiting since `began`. Before an exchange that is no part of the
    /// time of its try, which ends no later than `deadline`.
    pub fn waited(&mut self, began: Instant, deadline: Instant) {
        let waited = began.elapsed();
        self.cost.waited += waited;
        self.until = deadline.min(self.until + waited);
    }

    /// An exchange is about to wait for its turn.
    pub fn open(&mut self, prepared: &Prepared, redactor: &Redactor, now: Timestamp) {
        self.began = Instant::now();
        self.exchanges.push(HttpExchange {
            began: now,
            method: prepared.method.to_string(),
            url: shown(&prepared.url, redactor),
            status: None,
            error: None,
            duration_ms: 0,
            request_bytes: prepared.body.len() as u64,
            response_bytes: 0,
            attempt: self.attempt,
            waited_ms: 0,
        });
    }

    /// Its turn came.
    pub fn begin(&mut self, now: Timestamp) {
        self.began = Instant::now();
        let waited = self.cost.waited.saturating_sub(self.told);
        self.told = self.cost.waited;
        self.cost.requests += 1;
        if let Some(last) = self.exchanges.last_mut() {
            last.began = now;
            last.waited_ms = millis(waited);
        }
    }

    /// The head of its response came.
    pub fn answered(&mut self, status: u16) {
        self.end(|last| last.status = Some(status));
    }

    /// The body of its response came, or a part of it.
    pub fn received(&mut self, wire_bytes: u64) {
        self.cost.wire_bytes += wire_bytes;
        self.end(|last| last.response_bytes = wire_bytes);
    }

    /// It ended early.
    pub fn failed(&mut self, code: Code) {
        self.end(|last| last.error = Some(code));
    }

    fn end(&mut self, tell: impl FnOnce(&mut HttpExchange)) {
        if let Some(last) = self.exchanges.last_mut() {
            tell(last);
            last.duration_ms = millis(self.began.elapsed());
        }
    }

    /// What it cost, and its exchanges in their order.
    pub fn end_of_it(self) -> (Exchange, Vec<HttpExchange>) {
        (self.cost, self.exchanges)
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// A URL as it may be told: without user, fragment and secrets, cut to its limit.
fn shown(url: &Url, redactor: &Redactor) -> String {
    let mut url = url.clone();
    url.set_fragment(None);
    // Neither fails on a URL with a host, and no other is sent.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    if let Some(query) = url.query().map(without_secrets) {
        url.set_query(Some(&query));
    }
    let text = redactor.cleaned(url.as_str());
    if text.len() <= EXCHANGE_URL_BYTES_MAX {
        return text;
    }
    let kept = text.get(..text.floor_char_boundary(EXCHANGE_URL_BYTES_MAX));
    format!("{}…", kept.unwrap_or_default())
}

fn without_secrets(query: &str) -> String {
    let pair = |pair: &str| {
        let (name, _) = pair.split_once('=')?;
        let plain = percent_encoding::percent_decode_str(name).decode_utf8_lossy();
        let plain = plain.to_ascii_lowercase();
        SECRET_PARAMETERS
            .contains(&plain.as_str())
            .then(|| format!("{name}={NOT_TOLD}"))
    };
    let pairs: Vec<String> = query
        .split('&')
        .map(|each| pair(each).unwrap_or_else(|| each.to_owned()))
        .collect();
    pairs.join("&")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::egress::Credentials;

    #[test]
    fn a_url_is_told_without_what_is_secret() {
        let redactor = Redactor::new(&Credentials {
            query: vec![("k".into(), "canary-7f3a".into())],
            ..Credentials::default()
        });
        let long = format!("https://a.test/?x={}", "y".repeat(EXCHANGE_URL_BYTES_MAX));
        let cut = format!("{}…", &long[..EXCHANGE_URL_BYTES_MAX]);
        for (url, expected) in [
            ("https://a.test/x?page=2", "https://a.test/x?page=2"),
            ("https://u:p@a.test/#top", "https://a.test/"),
            (
                "https://a.test/?X-Amz-Signature=1f&a=b&TOKEN=t&key",
                "https://a.test/?X-Amz-Signature=***&a=b&TOKEN=***&key",
            ),
            (
                "https://a.test/canary-7f3a/x",
                "https://a.test/***********/x",
            ),
            (&long, &cut),
        ] {
            let parsed = Url::parse(url).unwrap();
            assert_eq!(shown(&parsed, &redactor), expected, "{url}");
        }
    }
}
