//! Reading requests strictly: what is not known is refused with its name, so that a
//! misspelt option is never passed over in silence.

use super::document::header as parameter;
use super::error::{Answer, Failure, Part};
use crate::limits::MIB;
use crate::model::{ConnectionId, Integration};
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use std::fmt::{self, Display};
use std::marker::PhantomData;
use std::str::FromStr;
use std::time::Duration;
use url::form_urlencoded;
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::{IntoParams, ToSchema};

/// Bytes of a JSON body: room for the metadata (64 KiB) of thousands of connections'
/// ids. Nango takes 75 MB, which a thousand connections at once would turn into 75 GB.
/// More is answered 413.
pub const JSON_BODY_BYTES_MAX: usize = MIB as usize;

/// How long a JSON body may take to arrive; then 408. A client that sends a byte at a
/// time holds a connection no longer than this.
pub const JSON_BODY_TIME: Duration = Duration::from_secs(30);

/// Reads a JSON body as `T`, an object whose unknown keys are refused.
pub async fn json<T: DeserializeOwned>(body: Body) -> Answer<T> {
    from_json(&bytes(body, JSON_BODY_BYTES_MAX, JSON_BODY_TIME).await?)
}

/// `json` for bytes that are here.
pub fn from_json<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Answer<T> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader);
    let Object(value) = value.map_err(|error| {
        let path = error.path().to_string();
        Failure::invalid(Part::Body, &path, error.into_inner().to_string())
    })?;
    reader
        .end()
        .map_err(|error| Failure::invalid(Part::Body, "", error.to_string()))?;
    Ok(value)
}

/// A whole body of at most `most` bytes that arrives within `time`.
pub async fn bytes(body: Body, most: usize, time: Duration) -> Answer<Bytes> {
    let too_long = || {
        let message = format!("the body has more than {most} bytes");
        Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", message)
    };
    // What is announced as too long is not waited for.
    if body.size_hint().lower() > most as u64 {
        return Err(too_long());
    }
    let reading = axum::body::to_bytes(body, most);
    let read = tokio::time::timeout(time, reading).await.map_err(|_| {
        let message = format!("the body did not arrive within {} seconds", time.as_secs());
        Failure::new(StatusCode::REQUEST_TIMEOUT, "request_timeout", message)
    })?;
    read.map_err(|error| {
        if is_too_long(&error) {
            return too_long();
        }
        Failure::bad("invalid_body", "the body broke off")
    })
}

fn is_too_long(error: &axum::Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        if inner.is::<http_body_util::LengthLimitError>() {
            return true;
        }
        source = inner.source();
    }
    false
}

/// A query string as `T`, whose unknown and repeated keys are refused. Keys in
/// [`LISTS`] gather their repetitions; `tags[a]=b` is the object `tags`.
pub struct Query<T>(pub T);

/// Keys that may be repeated.
const LISTS: &[&str] = &["ids"];

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Answer<Self> {
        query(parts.uri.query().unwrap_or_default()).map(Query)
    }
}

/// No query string at all.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

fn query<T: DeserializeOwned>(text: &str) -> Answer<T> {
    let mut values = Map::new();
    for (key, value) in form_urlencoded::parse(text.as_bytes()) {
        let (key, value) = (key.into_owned(), Value::String(value.into_owned()));
        let inner = key
            .split_once('[')
            .and_then(|(outer, rest)| Some((outer, rest.strip_suffix(']')?)));
        if let Some((outer, inner)) = inner.filter(|(outer, _)| *outer == "tags") {
            let object = values.entry(outer).or_insert_with(|| Map::new().into());
            if let Value::Object(object) = object {
                object.insert(inner.to_owned(), value);
            }
        } else if LISTS.contains(&key.as_str()) {
            let list = values
                .entry(key)
                .or_insert_with(|| Vec::<Value>::new().into());
            if let Value::Array(list) = list {
                list.push(value);
            }
        } else if values.contains_key(&key) {
            return Err(Failure::invalid(Part::Query, &key, "it is given twice"));
        } else {
            values.insert(key, value);
        }
    }
    serde_path_to_error::deserialize(Value::Object(values)).map_err(|error| {
        let path = error.path().to_string();
        Failure::invalid(Part::Query, &path, error.into_inner().to_string())
    })
}

/// A value of a query string that is read from its text. To be used with `default`.
pub fn from_text<'de, D: Deserializer<'de>, T: FromStr<Err: Display>>(
    reader: D,
) -> Result<Option<T>, D::Error> {
    let text = String::deserialize(reader)?;
    text.parse().map(Some).map_err(D::Error::custom)
}

/// A value that may be null and must be there.
pub fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    reader: D,
) -> Result<Option<T>, D::Error> {
    Option::deserialize(reader)
}

/// A value that may be null, told apart from one that is not there. With `default`.
pub fn maybe_null<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    reader: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(reader).map(Some)
}

/// A struct that is written as an object. By itself serde reads one from a list of its
/// fields' values, too.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_map(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, fields: M) -> Result<Object<T>, M::Error> {
        T::deserialize(MapAccessDeserializer::new(fields)).map(Object)
    }
}

/// A value that is a struct or a tagged enum, read from an object only.
pub fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(reader: D) -> Result<T, D::Error> {
    Object::deserialize(reader).map(|Object(value)| value)
}

/// The same where it may be null or not there. With `default`.
pub fn maybe_object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    reader: D,
) -> Result<Option<T>, D::Error> {
    let read = Option::<Object<T>>::deserialize(reader)?;
    Ok(read.map(|Object(value)| value))
}

/// The variable parts of a path.
pub struct At<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for At<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Answer<Self> {
        let read = Path::<T>::from_request_parts(parts, state).await;
        read.map(|Path(value)| At(value))
            .map_err(|error| Failure::invalid(Part::Path, "", error.body_text()))
    }
}

/// The headers that name a connection.
pub struct Selection {
    /// `Provider-Config-Key`.
    pub integration: Option<Integration>,
    /// `Connection-Id`.
    pub connection: Option<ConnectionId>,
}

/// The headers of [`Selection`], for the document of routes that need both.
pub struct WholeSelection;

impl IntoParams for Selection {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        selection(Required::False)
    }
}

impl IntoParams for WholeSelection {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        selection(Required::True)
    }
}

fn selection(required: Required) -> Vec<Parameter> {
    let (integration, connection) = (Integration::name(), ConnectionId::name());
    vec![
        parameter(
            "Provider-Config-Key",
            &integration,
            required.clone(),
            "The integration",
        ),
        parameter("Connection-Id", &connection, required, "The connection"),
    ]
}

impl<S: Sync> FromRequestParts<S> for Selection {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Answer<Self> {
        Ok(Selection {
            integration: name(&parts.headers, "provider-config-key")?,
            connection: name(&parts.headers, "connection-id")?,
        })
    }
}

fn name<T: FromStr<Err: Display>>(headers: &HeaderMap, header: &str) -> Answer<Option<T>> {
    let Some(value) = headers.get(header) else {
        return Ok(None);
    };
    let wrong = |why: String| Failure::invalid(Part::Headers, header, why);
    let text = value
        .to_str()
        .map_err(|_| wrong("it is not plain text".into()))?;
    text.parse()
        .map(Some)
        .map_err(|error: T::Err| wrong(error.to_string()))
}

/// Answers 415 where a request says that its body is something other than JSON.
pub async fn only_json(request: Request, next: Next) -> Response {
    let of_json = match request.headers().get(header::CONTENT_TYPE) {
        None => true,
        Some(value) => value.to_str().is_ok_and(|text| {
            let kind = text.split(';').next().unwrap_or_default().trim();
            kind.eq_ignore_ascii_case("application/json")
        }),
    };
    match of_json {
        true => next.run(request).await,
        false => Failure::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "invalid_content_type",
            "Content-Type header must be application/json",
        )
        .into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Sample {
        ids: Vec<String>,
        #[serde(deserialize_with = "from_text")]
        limit: Option<u16>,
        tags: std::collections::BTreeMap<String, String>,
    }

    #[test]
    fn queries_are_read_as_they_are_written() {
        let read: Sample = query("ids=a&limit=7&tags%5Bteam%5D=x&ids=b%2Cc").unwrap();
        assert_eq!(read.ids, ["a", "b,c"]);
        assert_eq!((read.limit, read.tags["team"].as_str()), (Some(7), "x"));
        assert_eq!(query::<Sample>("").unwrap(), Sample::default());
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for text in [
            "limt=7",
            "limit=x",
            "limit=7&limit=7",
            "tags=x",
            "limit=-1",
            "tag[a]=b",
            "limit=",
        ] {
            let failure = query::<Sample>(text).unwrap_err();
            assert!(failure.is(StatusCode::BAD_REQUEST), "{text}");
        }
    }
}
