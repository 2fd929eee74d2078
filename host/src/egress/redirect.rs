//! Redirects, followed by hand: what the next request is, and what it may still carry.

use super::credentials::strip_query;
use super::denied::{Denied, Reason};
use super::prepare::Prepared;
use super::{Credentials, target};
use bytes::Bytes;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LOCATION,
    CONTENT_TYPE, HeaderName, LOCATION, USER_AGENT,
};
use http::response::Parts;
use http::{HeaderMap, Method, StatusCode};

/// Headers that describe a body, dropped together with it.
const BODY_HEADERS: [HeaderName; 4] = [
    CONTENT_TYPE,
    CONTENT_ENCODING,
    CONTENT_LANGUAGE,
    CONTENT_LOCATION,
];

/// What goes along to another origin. Any other header may be a key that the guest took
/// from its metadata.
const HARMLESS_HEADERS: [HeaderName; 7] = [
    ACCEPT,
    ACCEPT_ENCODING,
    ACCEPT_LANGUAGE,
    CONTENT_ENCODING,
    CONTENT_LANGUAGE,
    CONTENT_TYPE,
    USER_AGENT,
];

/// The request that `response` to `from` asks for, or `None` where it is no redirect.
/// Once the connection's origin is left, its credentials stay behind for good: the way
/// back would be of the other host's choosing.
pub fn next(
    from: &Prepared,
    response: &Parts,
    credentials: &Credentials,
) -> Result<Option<Prepared>, Denied> {
    let follows = matches!(response.status.as_u16(), 301 | 302 | 303 | 307 | 308);
    let Some(location) = response.headers.get(LOCATION).filter(|_| follows) else {
        return Ok(None);
    };
    let location = location
        .to_str()
        .map_err(|_| Denied::new(Reason::InvalidUrl, "a redirect's location"))?;
    let mut next = from.clone();
    // The query is the provider's now: what it holds is nobody's to fill in.
    next.fills.query = false;
    next.url = target::redirected(&from.url, location)?;
    if next.url.origin() != from.url.origin() {
        next.at_home = false;
        next.headers = harmless(&from.headers);
    }
    strip_query(&mut next.url, credentials, next.at_home);
    next.method = method(&from.method, response.status);
    if next.method != from.method {
        next.body = Bytes::new();
        next.fills.body = false;
        for name in BODY_HEADERS {
            next.headers.remove(name);
        }
    }
    Ok(Some(next))
}

/// As the Fetch standard has it: 303 makes everything but HEAD a GET, 301 and 302 make
/// a POST one, 307 and 308 change nothing.
fn method(from: &Method, status: StatusCode) -> Method {
    match status {
        StatusCode::SEE_OTHER if from != Method::HEAD => Method::GET,
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND if from == Method::POST => Method::GET,
        _ => from.clone(),
    }
}

fn harmless(headers: &HeaderMap) -> HeaderMap {
    headers
        .iter()
        .filter(|(name, _)| HARMLESS_HEADERS.contains(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}
