//! A guest's request made ready: checked, its URL joined, its headers free of all that
//! is the host's.

use super::denied::Denied;
use super::placeholder::{self, Fills};
use super::{EgressScope, OutgoingRequest, policy, target};
use crate::error::{Code, Error, Result};
use crate::limits::{REQUEST_BODY_BYTES_MAX, REQUEST_HEADER_BYTES_MAX, REQUEST_HEADERS_MAX};
use bytes::Bytes;
use http::Method;
use http::header::{ACCEPT_ENCODING, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

/// Methods that a guest may use. CONNECT and TRACE are none of a sync's business.
const METHODS: &[Method] = &[
    Method::GET,
    Method::HEAD,
    Method::OPTIONS,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
];

/// Headers that carry credentials, framing or the way of a request.
const HOST_HEADERS: &[&str] = &[
    "authorization",
    "connection",
    "content-length",
    "cookie",
    "cookie2",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-real-ip",
];

/// Families of such headers, by how they start.
const HOST_HEADER_FAMILIES: &[&str] = &["proxy-", "x-forwarded-"];

/// All but the unreserved characters of RFC 3986.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// What is asked of providers. gzip alone, because a guest's memory pays for the window
/// of the decoder: 32 KiB here, up to 16 MiB with Brotli. Other codings are decoded
/// where a provider sends them all the same.
const ACCEPTED_CODINGS: HeaderValue = HeaderValue::from_static("gzip");

/// Who asks, where the guest does not say.
const DEFAULT_USER_AGENT: HeaderValue =
    HeaderValue::from_static(concat!("tidegate/", env!("CARGO_PKG_VERSION")));

/// A request as it goes to one origin, without the host's credentials.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The method, which a redirect may change.
    pub method: Method,
    /// The canonical URL.
    pub url: Url,
    /// The guest's headers and the host's plain ones.
    pub headers: HeaderMap,
    /// The body; none differs from an empty one in nothing that is sent.
    pub body: Bytes,
    /// Whether the connection's credentials go along: the URL's origin is the
    /// connection's own, and no redirect has left it.
    pub at_home: bool,
    /// Where the guest's own placeholders are filled in.
    pub fills: Fills,
}

/// Checks `request`. Errors: `invalid.argument` for what no request can be,
/// `egress.denied` for a header, URL or placeholder that is the host's to decide.
pub fn prepare(scope: &EgressScope, request: &OutgoingRequest) -> Result<Prepared> {
    let method = METHODS
        .iter()
        .find(|method| method.as_str() == request.method)
        .ok_or_else(|| unknown_method(&request.method))?;
    let home = match &scope.base_url {
        Some(base) => Some(target::resolve(None, base.as_str())?),
        None => None,
    };
    let base = match &request.base_url {
        Some(text) => Some(target::resolve(None, text)?),
        None => home.clone(),
    };
    let url = with_query(
        target::resolve(base.as_ref(), &request.url)?,
        &request.query,
    )?;
    let body = request.body.clone().unwrap_or_default();
    if body.len() > REQUEST_BODY_BYTES_MAX {
        let size = body.len();
        return Err(Error::new(
            Code::InvalidArgument,
            format!("the request body has {size} bytes, limit {REQUEST_BODY_BYTES_MAX}"),
        ));
    }
    let headers = headers(scope, &request.headers)?;
    let at_home = home.is_some_and(|home| home.origin() == url.origin());
    let fills = placeholder::look(&url, &headers, &body, &scope.credentials)?;
    placeholder::check_home(fills, at_home, &policy::authority(&url))?;
    Ok(Prepared {
        method: method.clone(),
        at_home,
        headers,
        url,
        body,
        fills,
    })
}

fn unknown_method(method: &str) -> Error {
    let names: Vec<_> = METHODS.iter().map(Method::as_str).collect();
    Error::new(
        Code::InvalidArgument,
        format!(
            "the method `{}` is none of {}",
            method.escape_debug(),
            names.join(", ")
        ),
    )
}

fn with_query(mut url: Url, parameters: &[(String, String)]) -> Result<Url, Denied> {
    if parameters.is_empty() {
        return Ok(url);
    }
    let own = url.query().unwrap_or_default().to_owned();
    let added = parameters
        .iter()
        .map(|(name, value)| parameter(name, value));
    let all: Vec<_> = Some(own)
        .filter(|own| !own.is_empty())
        .into_iter()
        .chain(added)
        .collect();
    url.set_query(Some(&all.join("&")));
    target::check_length(url.as_str())?;
    Ok(url)
}

/// `name=value`, percent-encoded.
pub fn parameter(name: &str, value: &str) -> String {
    let name = utf8_percent_encode(name, QUERY);
    format!("{name}={}", utf8_percent_encode(value, QUERY))
}

fn headers(scope: &EgressScope, wanted: &[(String, String)]) -> Result<HeaderMap> {
    let bytes: usize = wanted
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    if wanted.len() > REQUEST_HEADERS_MAX || bytes > REQUEST_HEADER_BYTES_MAX {
        return Err(Error::new(
            Code::InvalidArgument,
            format!(
                "{} request headers of {bytes} bytes; the limits are {REQUEST_HEADERS_MAX} headers and {REQUEST_HEADER_BYTES_MAX} bytes",
                wanted.len()
            ),
        ));
    }
    let mut headers = HeaderMap::new();
    headers.insert(USER_AGENT, DEFAULT_USER_AGENT);
    headers.insert(ACCEPT_ENCODING, ACCEPTED_CODINGS);
    let mut own: Vec<HeaderName> = Vec::new();
    for (name, value) in wanted {
        let (name, value) = header(scope, name, value)?;
        // The guest's first value takes the place of the host's plain default.
        match own.contains(&name) {
            true => headers.append(&name, value),
            false => headers.insert(&name, value).is_some(),
        };
        own.push(name);
    }
    Ok(headers)
}

fn header(scope: &EgressScope, name: &str, value: &str) -> Result<(HeaderName, HeaderValue)> {
    let lower = name.to_ascii_lowercase();
    let is_credential = scope
        .credentials
        .headers
        .iter()
        .any(|(own, _)| own.eq_ignore_ascii_case(name));
    if is_credential
        || HOST_HEADERS.contains(&lower.as_str())
        || HOST_HEADER_FAMILIES
            .iter()
            .any(|family| lower.starts_with(family))
    {
        return Err(Error::new(
            Code::EgressDenied,
            format!("header {} is set by the host", lower.escape_debug()),
        ));
    }
    let invalid = |why: &str| {
        Error::new(
            Code::InvalidArgument,
            format!("header `{}` {why}", name.escape_debug()),
        )
    };
    let parsed = HeaderName::from_bytes(lower.as_bytes())
        .map_err(|_| invalid("has a name that HTTP does not allow"))?;
    // Bytes outside ASCII have no agreed meaning in a header, and what a provider makes
    // of them is its own guess.
    let value = Some(value)
        .filter(|value| value.is_ascii())
        .and_then(|value| HeaderValue::from_str(value).ok())
        .ok_or_else(|| invalid("has a value with a character that is not visible ASCII"))?;
    Ok((parsed, value))
}
