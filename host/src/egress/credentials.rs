//! The connection's credentials: put on at the last moment, for the connection's own
//! origin only, and taken off whatever comes back.

use super::placeholder::in_json;
use super::prepare::{Prepared, parameter};
use super::{Credentials, placeholder, policy, target};
use crate::error::{Code, Error, Result};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use http::{Request, Uri};
use http_body_util::Full;
use memchr::memmem;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

/// Bytes of the shortest secret that is looked for in responses. A shorter one would
/// blot out innocent text.
const SECRET_BYTES_MIN: usize = 8;

/// What stands in the place of a secret, byte for byte, so that lengths stay true and
/// JSON stays JSON.
const BLOT: u8 = b'*';

/// Characters that some encoders leave alone beside letters and digits.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The request as it goes on the wire, with the credentials where they belong and its
/// placeholders filled in.
pub fn dress(prepared: &Prepared, credentials: &Credentials) -> Result<Request<Full<Bytes>>> {
    let mut url = prepared.url.clone();
    let (fills, mut body) = (prepared.fills, prepared.body.clone());
    if fills.any() {
        placeholder::check_home(fills, prepared.at_home, &policy::authority(&url))?;
    }
    if fills.query
        && let Some(filled) = placeholder::query(&url, credentials)?
    {
        url.set_query(Some(&filled));
    }
    if fills.body {
        body = placeholder::body(&prepared.headers, &body, credentials)?.unwrap_or(body);
    }
    if prepared.at_home {
        add_query(&mut url, credentials);
        target::check_length(url.as_str())?;
    }
    let uri = Uri::try_from(url.as_str()).map_err(|_| {
        Error::new(
            Code::EgressDenied,
            "invalid_url: the URL cannot be sent over HTTP",
        )
    })?;
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = prepared.method.clone();
    *request.uri_mut() = uri;
    *request.headers_mut() = prepared.headers.clone();
    if prepared.at_home {
        for (name, value) in &credentials.headers {
            let (name, value) = credential_header(name, value)?;
            request.headers_mut().append(name, value);
        }
    }
    Ok(request)
}

/// Removes from `url` the parameters that carry credentials: all of their names at
/// home, where the host sets them, and everywhere those that hold the secret itself, as
/// a provider may put into a `next` link or a redirect.
pub fn strip_query(url: &mut Url, credentials: &Credentials, at_home: bool) {
    let Some(query) = url.query() else { return };
    if credentials.query.is_empty() {
        return;
    }
    let is_secret = |pair: &&str| {
        url::form_urlencoded::parse(pair.as_bytes()).any(|(name, value)| {
            let mut own = credentials.query.iter();
            own.any(|(key, secret)| *key == name && (at_home || *secret == value))
        })
    };
    let kept: Vec<&str> = query.split('&').filter(|pair| !is_secret(pair)).collect();
    let kept = kept.join("&");
    url.set_query(Some(kept.as_str()).filter(|kept| !kept.is_empty()));
}

fn add_query(url: &mut Url, credentials: &Credentials) {
    if credentials.query.is_empty() {
        return;
    }
    let own = credentials
        .query
        .iter()
        .map(|(name, value)| parameter(name, value));
    let all: Vec<_> = url
        .query()
        .map(str::to_owned)
        .into_iter()
        .chain(own)
        .collect();
    url.set_query(Some(&all.join("&")));
}

fn credential_header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue)> {
    let wrong = || {
        Error::new(
            Code::ConfigInvalid,
            format!(
                "the connection's credential header `{}` cannot be sent",
                name.escape_debug()
            ),
        )
    };
    let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?;
    let mut value = HeaderValue::from_str(value).map_err(|_| wrong())?;
    // Keeps it out of Debug output and of HTTP/2's compression tables.
    value.set_sensitive(true);
    Ok((parsed, value))
}

/// Blots out the secrets of a connection in what comes back, in the forms in which an
/// echo gives them: as they are, percent-encoded and in Base64.
///
/// A guest that controls an echo on an allowed host can have the secret encoded in yet
/// another way; what keeps it in is the list of allowed hosts, not this.
pub struct Redactor {
    forms: Vec<memmem::Finder<'static>>,
}

impl Redactor {
    /// A redactor for all secrets of `credentials`.
    pub fn new(credentials: &Credentials) -> Self {
        let headers = credentials
            .headers
            .iter()
            .flat_map(|(_, value)| parts_of_header(value));
        let query = credentials.query.iter().map(|(_, value)| value.clone());
        let placeholders = credentials.placeholders.values();
        let mut forms: Vec<Vec<u8>> = headers
            .chain(query)
            .chain(placeholders.filter_map(|it| it.value.clone()))
            .filter(|secret| secret.len() >= SECRET_BYTES_MIN)
            .flat_map(|secret| forms_of(&secret))
            .collect();
        forms.sort();
        forms.dedup();
        // Longest first: a form may be a part of another.
        forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
        Redactor {
            forms: forms
                .iter()
                .map(|form| memmem::Finder::new(form).into_owned())
                .collect(),
        }
    }

    /// Blots out every secret in `bytes`; returns how many there were.
    pub fn clean(&self, bytes: &mut [u8]) -> usize {
        let mut count = 0;
        for form in &self.forms {
            let length = form.needle().len();
            let mut from = 0;
            while let Some(at) = bytes.get(from..).and_then(|rest| form.find(rest)) {
                let start = from + at;
                if let Some(secret) = bytes.get_mut(start..start + length) {
                    secret.fill(BLOT);
                }
                from = start + length;
                count += 1;
            }
        }
        count
    }

    /// `text` without secrets.
    pub fn cleaned(&self, text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        self.clean(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// The secrets in a header's value: the whole, what follows the scheme (`Bearer x`), and
/// for Basic the user and password behind it.
fn parts_of_header(value: &str) -> Vec<String> {
    let mut parts = vec![value.to_owned()];
    if let Some((_, token)) = value.split_once(' ') {
        let basic = STANDARD
            .decode(token)
            .ok()
            .and_then(|pair| String::from_utf8(pair).ok());
        if let Some((user, password)) = basic.as_deref().and_then(|pair| pair.split_once(':')) {
            parts.extend([
                user.to_owned(),
                password.to_owned(),
                format!("{user}:{password}"),
            ]);
        }
        parts.push(token.to_owned());
    }
    parts
}

fn forms_of(secret: &str) -> Vec<Vec<u8>> {
    let strict = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
    let usual = utf8_percent_encode(secret, COMPONENT).to_string();
    let lower = [&strict, &usual].map(|text| lower_hex(text));
    let mut forms: Vec<Vec<u8>> = [secret.to_owned(), in_json(secret), strict, usual]
        .into_iter()
        .chain(lower)
        .map(String::into_bytes)
        .collect();
    for before in 0..3 {
        forms.extend(
            [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD].map(|code| base64_inside(code, secret, before)),
        );
    }
    forms.retain(|form| form.len() >= SECRET_BYTES_MIN);
    forms
}

/// The part of the Base64 text that `secret` alone decides, when it stands `before`
/// bytes after a multiple of three.
fn base64_inside(code: &impl Engine, secret: &str, before: usize) -> Vec<u8> {
    let mut bytes = vec![0; before];
    bytes.extend(secret.as_bytes());
    let mut text = code.encode(&bytes);
    if !bytes.len().is_multiple_of(3) {
        text.pop();
    }
    // 8, 16 bits of what stands before reach into the 2nd, 3rd character.
    let shared = [0, 2, 3].get(before).copied().unwrap_or_default();
    text.into_bytes().split_off(shared)
}

/// The hex digits of percent escapes in lower case.
fn lower_hex(text: &str) -> String {
    let mut escape = 0;
    text.chars()
        .map(|character| match (character, escape) {
            ('%', _) => {
                escape = 2;
                '%'
            }
            (digit, 1..) => {
                escape -= 1;
                digit.to_ascii_lowercase()
            }
            (other, _) => other,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn credentials() -> Credentials {
        Credentials {
            headers: vec![("Authorization".into(), "Bearer canary/tok+en==".into())],
            query: vec![("api key".into(), "canary-query".into())],
            ..Credentials::default()
        }
    }

    #[test]
    fn secret_parameters_are_replaced_at_home_and_dropped_elsewhere() {
        for (url, home, expected) in [
            (
                "https://a.test/?api+key=guess&x=1",
                true,
                "https://a.test/?x=1",
            ),
            (
                "https://a.test/?api%20key=canary-query",
                true,
                "https://a.test/",
            ),
            (
                "https://b.test/?api+key=canary-query&x=%2F",
                false,
                "https://b.test/?x=%2F",
            ),
            (
                "https://b.test/?api+key=other",
                false,
                "https://b.test/?api+key=other",
            ),
            ("https://a.test/", true, "https://a.test/"),
        ] {
            let mut url = Url::parse(url).unwrap();
            strip_query(&mut url, &credentials(), home);
            assert_eq!(url.as_str(), expected);
        }
    }

    #[test]
    fn basic_credentials_are_found_in_their_plain_form() {
        let value = format!("Basic {}", STANDARD.encode("a-long-user:a-long-password"));
        let redactor = Redactor::new(&Credentials {
            headers: vec![("authorization".into(), value)],
            ..Credentials::default()
        });
        assert_eq!(redactor.cleaned("<a-long-password>"), "<***************>");
    }

    proptest! {
        #[test]
        fn no_form_of_a_secret_survives(before in "[ -~]{0,9}", after in "[ -~]{0,9}") {
            let redactor = Redactor::new(&credentials());
            for secret in ["canary/tok+en==", "canary-query"] {
                let plain = format!("{before}{secret}{after}");
                prop_assert!(!redactor.cleaned(&plain).contains(secret));
                let percent = utf8_percent_encode(&plain, NON_ALPHANUMERIC).to_string();
                prop_assert!(redactor.cleaned(&percent).contains("**"));
                prop_assert!(redactor.cleaned(&lower_hex(&percent)).contains("**"));
                let cleaned = redactor.cleaned(&STANDARD.encode(&plain));
                prop_assert!(cleaned.contains("**"), "{}", cleaned);
                prop_assert!(redactor.cleaned(&URL_SAFE_NO_PAD.encode(&plain)).contains("**"));
            }
        }

        #[test]
        fn what_holds_no_secret_stays(text in "[a-z0-9 ]{0,200}") {
            prop_assert_eq!(Redactor::new(&credentials()).cleaned(&text), text);
        }
    }
}
