//! Placeholders: where a guest writes `{{secret.name}}` into a query or a body, the host
//! puts one of the connection's credentials, at the last moment and for the connection's
//! own origin only.
//!
//! The guest, its log and the record of exchanges hold the placeholder; the secret is on
//! the wire and nowhere else. Only names that the operator allows are filled in, in the
//! places that he allows; all others are refused, so that none goes out as it stands.

use super::Credentials;
use super::prepare::parameter;
use crate::error::{Code, Error, Result};
use crate::limits::{NAME_BYTES_MAX, PLACEHOLDERS_PER_REQUEST_MAX, REQUEST_BODY_BYTES_MAX};
use crate::model::Place;
use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use memchr::memmem;
use std::collections::BTreeSet;
use url::Url;

const OPEN: &str = "{{secret.";
const CLOSE: &str = "}}";
/// What is in every placeholder, percent-encoded or not: where it is missing there is
/// none.
const WORD: &[u8] = b"secret.";

/// A credential that guests may name. Deliberately without `Debug` of its value.
#[derive(Clone)]
pub struct Placeholder {
    /// The secret; none if the connection's credentials lack it.
    pub value: Option<String>,
    /// Where it may stand.
    pub places: BTreeSet<Place>,
}

/// Which parts of a request have placeholders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fills {
    /// The query.
    pub query: bool,
    /// The body.
    pub body: bool,
}

impl Fills {
    /// Whether any part has one.
    pub fn any(self) -> bool {
        self.query || self.body
    }
}

/// Looks for placeholders, and fills them in once for the errors that it finds: so a
/// request that cannot be sent is refused before anything is. `egress.denied` for one that
/// is not allowed or stands elsewhere, `config.invalid` for one without a value.
pub fn look(
    url: &Url,
    headers: &HeaderMap,
    body: &Bytes,
    credentials: &Credentials,
) -> Result<Fills> {
    let elsewhere = |part: &str| {
        Err(Error::new(
            Code::EgressDenied,
            format!(
                "`{OPEN}…{CLOSE}` stands in {part}; it is filled in only in the body or the query"
            ),
        ))
    };
    let holds = |bytes: &[u8]| memmem::find(bytes, OPEN.as_bytes()).is_some();
    let path: Vec<u8> = percent_encoding::percent_decode_str(url.path()).collect();
    if holds(&path) {
        return elsewhere("the path");
    }
    if headers.values().any(|value| holds(value.as_bytes())) {
        return elsewhere("a header");
    }
    Ok(Fills {
        query: query(url, credentials)?.is_some(),
        body: self::body(headers, body, credentials)?.is_some(),
    })
}

/// The query with its placeholders filled in; none if it has none.
pub fn query(url: &Url, credentials: &Credentials) -> Result<Option<String>> {
    match url.query() {
        Some(query) => Filler::new(Place::Query, credentials).pairs(query),
        None => Ok(None),
    }
}

/// The body with its placeholders filled in, each written as the body's type asks; none if
/// it has none. `invalid.argument` if it is too large then.
pub fn body(headers: &HeaderMap, body: &Bytes, credentials: &Credentials) -> Result<Option<Bytes>> {
    if memmem::find(body, WORD).is_none() {
        return Ok(None);
    }
    let mut filler = Filler::new(Place::Body, credentials);
    let filled = match (kind(headers), std::str::from_utf8(body)) {
        (Kind::Form, Ok(text)) => filler.pairs(text)?.map(String::into_bytes),
        (Kind::Json, _) => filler.text(body, in_json)?,
        (Kind::Form | Kind::Other, _) => filler.text(body, str::to_owned)?,
    };
    match filled {
        Some(filled) if filled.len() > REQUEST_BODY_BYTES_MAX => Err(Error::new(
            Code::InvalidArgument,
            format!(
                "the request body is over its limit of {REQUEST_BODY_BYTES_MAX} bytes with its placeholders filled in"
            ),
        )),
        filled => Ok(filled.map(Bytes::from)),
    }
}

/// Refuses a request with placeholders that does not go to the connection's own origin.
pub fn check_home(fills: Fills, at_home: bool, host: &str) -> Result<()> {
    if fills.any() && !at_home {
        return Err(Error::new(
            Code::EgressDenied,
            format!(
                "`{OPEN}…{CLOSE}` is filled in only for the origin of the connection's base URL, not for {host}"
            ),
        ));
    }
    Ok(())
}

/// How values are written in a body.
enum Kind {
    Json,
    Form,
    Other,
}

fn kind(headers: &HeaderMap) -> Kind {
    let value = headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok());
    let essence = value
        .and_then(|it| it.split(';').next())
        .unwrap_or_default();
    match essence.trim().to_ascii_lowercase().as_str() {
        "application/x-www-form-urlencoded" => Kind::Form,
        "application/json" => Kind::Json,
        other if other.ends_with("+json") => Kind::Json,
        _ => Kind::Other,
    }
}

/// `text` as it stands between the quotes of a JSON string.
pub fn in_json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    let inner = quoted.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
    inner.unwrap_or_default().to_owned()
}

struct Filler<'a> {
    place: Place,
    credentials: &'a Credentials,
    count: usize,
}

impl<'a> Filler<'a> {
    fn new(place: Place, credentials: &'a Credentials) -> Self {
        Filler {
            place,
            credentials,
            count: 0,
        }
    }

    /// `name=value&…` with placeholders filled in; pairs without one stay as they are.
    fn pairs(&mut self, text: &str) -> Result<Option<String>> {
        if memmem::find(text.as_bytes(), WORD).is_none() {
            return Ok(None);
        }
        let mut pairs = Vec::new();
        for pair in text.split('&') {
            let filled = match url::form_urlencoded::parse(pair.as_bytes()).next() {
                Some((name, value)) => {
                    let (named, valued) = (self.plain(&name)?, self.plain(&value)?);
                    (named.is_some() || valued.is_some()).then(|| {
                        parameter(
                            named.as_deref().unwrap_or(&name),
                            valued.as_deref().unwrap_or(&value),
                        )
                    })
                }
                None => None,
            };
            pairs.push(filled.unwrap_or_else(|| pair.to_owned()));
        }
        Ok((self.count > 0).then(|| pairs.join("&")))
    }

    fn plain(&mut self, text: &str) -> Result<Option<String>> {
        let filled = self.text(text.as_bytes(), str::to_owned)?;
        // Text put into text: it stays UTF-8.
        Ok(filled.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    fn text(&mut self, text: &[u8], write: fn(&str) -> String) -> Result<Option<Vec<u8>>> {
        let (mut filled, mut rest, before) = (Vec::new(), text, self.count);
        while let Some((front, name, after)) = first(rest) {
            self.count += 1;
            if self.count > PLACEHOLDERS_PER_REQUEST_MAX {
                return Err(Error::new(
                    Code::InvalidArgument,
                    format!(
                        "the request's {} has more than {PLACEHOLDERS_PER_REQUEST_MAX} placeholders",
                        self.place.as_str()
                    ),
                ));
            }
            filled.extend_from_slice(front);
            filled.extend(write(self.value(name)?).into_bytes());
            rest = after;
        }
        filled.extend_from_slice(rest);
        Ok((self.count > before).then_some(filled))
    }

    fn value(&self, name: &str) -> Result<&'a str> {
        let placeholder = self.credentials.placeholders.get(name);
        let allowed = placeholder.filter(|it| it.places.contains(&self.place));
        let Some(allowed) = allowed else {
            let place = self.place.as_str();
            return Err(Error::new(
                Code::EgressDenied,
                format!(
                    "the placeholder `{OPEN}{name}{CLOSE}` is not allowed in the {place}; the operator allows it with `placeholders` of the integration"
                ),
            ));
        };
        allowed.value.as_deref().ok_or_else(|| {
            Error::new(
                Code::ConfigInvalid,
                format!(
                    "the connection's credentials lack `{name}`, which `{OPEN}{name}{CLOSE}` stands for"
                ),
            )
        })
    }
}

/// The first placeholder: what stands before it, its name, what stands after it.
fn first(text: &[u8]) -> Option<(&[u8], &str, &[u8])> {
    let mut from = 0;
    loop {
        let at = from + memmem::find(text.get(from..)?, OPEN.as_bytes())?;
        from = at + OPEN.len();
        let inside = text.get(from..)?;
        let name = inside.iter().take_while(|byte| is_name(**byte)).count();
        let (name, after) = inside.split_at_checked(name)?;
        let fits = (1..=NAME_BYTES_MAX).contains(&name.len());
        if let (true, Some(after)) = (fits, after.strip_prefix(CLOSE.as_bytes())) {
            return Some((text.get(..at)?, std::str::from_utf8(name).ok()?, after));
        }
    }
}

/// Whether a placeholder's name may have this byte.
pub fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-.".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    /// With all that needs an escape somewhere.
    const SECRET: &str = "a\"b\\c&d=e+f%g h";

    fn credentials() -> Credentials {
        let one = |value: Option<&str>, places: &[Place]| Placeholder {
            value: value.map(str::to_owned),
            places: places.iter().copied().collect(),
        };
        Credentials {
            placeholders: [
                (
                    "both".into(),
                    one(Some(SECRET), &[Place::Body, Place::Query]),
                ),
                ("body".into(), one(Some(SECRET), &[Place::Body])),
                ("unset".into(), one(None, &[Place::Body])),
            ]
            .into(),
            ..Credentials::default()
        }
    }

    fn filled(kind: &'static str, text: &str) -> Result<Option<String>> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        let filled = body(
            &headers,
            &Bytes::copy_from_slice(text.as_bytes()),
            &credentials(),
        )?;
        Ok(filled.map(|bytes| String::from_utf8(bytes.to_vec()).unwrap()))
    }

    #[test]
    fn a_value_is_written_as_its_place_asks() {
        let json = filled("application/json", r#"{"k":"{{secret.both}}","n":1}"#).unwrap();
        let json: serde_json::Value = serde_json::from_str(&json.unwrap()).unwrap();
        assert_eq!(json, serde_json::json!({"k": SECRET, "n": 1}));
        for form in ["k={{secret.body}}&x=%2F", "k=%7B%7Bsecret.body%7D%7D&x=%2F"] {
            let form = filled("application/x-www-form-urlencoded; charset=utf-8", form)
                .unwrap()
                .unwrap();
            assert!(form.ends_with("&x=%2F"), "{form}");
            let (name, value) = url::form_urlencoded::parse(form.as_bytes()).next().unwrap();
            assert_eq!((&*name, &*value), ("k", SECRET));
        }
        assert_eq!(
            filled("text/plain", "<{{secret.both}}|{{secret.both}}>").unwrap(),
            Some(format!("<{SECRET}|{SECRET}>"))
        );
        let url = Url::parse("https://a.test/?a=%2F&k={{secret.both}}").unwrap();
        let query = query(&url, &credentials()).unwrap().unwrap();
        assert!(query.starts_with("a=%2F&k=a%22b"), "{query}");
        let (_, value) = url::form_urlencoded::parse(query.as_bytes())
            .last()
            .unwrap();
        assert_eq!(value, SECRET);
    }

    #[test]
    fn what_is_none_stays_and_what_is_not_allowed_is_refused() {
        for text in [
            "",
            "secret.",
            "{{secret.}}",
            "{{secret.a b}}",
            "{{secret.x",
            "{secret.x}",
        ] {
            assert_eq!(filled("text/plain", text).unwrap(), None, "{text}");
        }
        for (text, code) in [
            ("{{secret.other}}", "egress.denied"),
            ("{{secret.{{secret.other}}}}", "egress.denied"),
            ("{{secret.unset}}", "config.invalid"),
            (
                &"{{secret.both}}".repeat(PLACEHOLDERS_PER_REQUEST_MAX + 1),
                "invalid.argument",
            ),
        ] {
            let error = filled("text/plain", text).unwrap_err();
            assert_eq!(error.code.as_str(), code, "{text}");
        }
        let url = Url::parse("https://a.test/?k={{secret.body}}").unwrap();
        let error = query(&url, &credentials()).unwrap_err();
        assert!(
            error.message.contains("not allowed in the query"),
            "{error}"
        );
        let at = Url::parse("https://a.test/{{secret.both}}").unwrap();
        let error = look(&at, &HeaderMap::new(), &Bytes::new(), &credentials()).unwrap_err();
        assert!(error.message.contains("the path"), "{error}");
    }

    proptest! {
        #[test]
        fn any_text_is_filled_or_refused(text in "[a-z{}.&=%]{0,20}(\\{\\{secret\\.(both|x)\\}\\})?[ -~]{0,20}") {
            for kind in ["text/plain", "application/json", "application/x-www-form-urlencoded"] {
                if let Ok(Some(filled)) = filled(kind, &text) {
                    prop_assert!(!filled.contains("{{secret.both}}"), "{}", filled);
                }
            }
        }
    }
}
