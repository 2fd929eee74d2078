//! Query parameters, refusals and the shapes of answers.

use crate::dates;
use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use std::convert::Infallible;
use std::fmt::Display;

/// Query parameters, decoded; unknown ones are left alone, as real APIs do.
#[derive(Debug, Default)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    /// The parameters of `query`; none of one that cannot be decoded.
    pub fn of(query: &str) -> Self {
        let uri = Uri::builder().path_and_query(format!("/?{query}")).build();
        let pairs = uri.ok().and_then(|uri| Query::try_from_uri(&uri).ok());
        Params(pairs.map_or(Vec::new(), |Query(pairs)| pairs))
    }

    /// One parameter alone.
    pub fn one(name: &str, value: &str) -> Self {
        Params(vec![(name.to_owned(), value.to_owned())])
    }

    /// The first value under `name`; none if it is empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(key, _)| key == name);
        found
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// The whole number under `name`, or `default`.
    pub fn number(&self, name: &str, default: u64) -> Result<u64, Refusal> {
        self.get(name).map_or(Ok(default), |text| {
            let number = text.parse();
            number.map_err(|_| Refusal::bad(format!("{name}: `{text}` is no whole number")))
        })
    }

    /// The number of records of a page, at least 1 and cut to `max` without a word.
    pub fn page_length(&self, name: &str, default: u64, max: u64) -> Result<u64, Refusal> {
        Ok(self.number(name, default)?.clamp(1, max))
    }

    /// The seconds between which dates must lie, both ends included, as the parameters
    /// `since`, `after`, `until` and `before` say.
    pub fn dates(&self) -> Result<(i64, i64), Refusal> {
        let since = self.date("since")?.map(|date| date.ceil());
        let after = self.date("after")?.map(|date| date.seconds + 1);
        let until = self.date("until")?.map(|date| date.seconds);
        let before = self.date("before")?.map(|date| date.ceil() - 1);
        let from = since.into_iter().chain(after).max();
        let to = until.into_iter().chain(before).min();
        Ok((from.unwrap_or(i64::MIN), to.unwrap_or(i64::MAX)))
    }

    pub fn date(&self, name: &str) -> Result<Option<dates::Moment>, Refusal> {
        let date = self.get(name).map(dates::parse).transpose();
        date.map_err(|error| Refusal::bad(format!("{name}: {error:#}")))
    }
}

impl<S: Sync> FromRequestParts<S> for Params {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Params::of(parts.uri.query().unwrap_or_default()))
    }
}

/// An answer that says what was wrong with the request.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl Refusal {
    pub fn bad(message: impl Display) -> Self {
        Refusal {
            status: StatusCode::BAD_REQUEST,
            code: "invalid_request",
            message: message.to_string(),
        }
    }

    pub fn not_found(message: impl Display) -> Self {
        Refusal {
            status: StatusCode::NOT_FOUND,
            code: "not_found",
            message: message.to_string(),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        refuse(self.status, self.code, &self.message)
    }
}

/// `status` with the JSON of an error.
pub(super) fn refuse(status: StatusCode, code: &str, message: &str) -> Response {
    let body = json!({"error": {"code": code, "message": message}, "message": message});
    let mut response = json_page(body.to_string().into_bytes());
    *response.status_mut() = status;
    response
}

/// 200 with JSON that is written already.
pub(super) fn json_page(body: Vec<u8>) -> Response {
    let json = HeaderValue::from_static("application/json; charset=utf-8");
    ([(header::CONTENT_TYPE, json)], body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_inclusive_or_exclusive_by_name() {
        let rows = [
            ("", (i64::MIN, i64::MAX)),
            ("since=1970-01-01T00:00:10Z", (10, i64::MAX)),
            ("after=1970-01-01T00:00:10Z", (11, i64::MAX)),
            ("until=1970-01-01T00:00:10Z", (i64::MIN, 10)),
            ("before=1970-01-01T00:00:10Z", (i64::MIN, 9)),
            ("since=1970-01-01T00:00:10.5Z", (11, i64::MAX)),
            ("after=1970-01-01T00:00:10.5Z", (11, i64::MAX)),
            ("until=1970-01-01T00:00:10.5Z", (i64::MIN, 10)),
            ("before=1970-01-01T00:00:10.5Z", (i64::MIN, 10)),
            (
                "since=1970-01-01T00:00:10%2B00:00&after=1970-01-01",
                (10, i64::MAX),
            ),
        ];
        for (query, expected) in rows {
            assert_eq!(Params::of(query).dates().unwrap(), expected, "{query}");
        }
    }

    #[test]
    fn numbers_are_checked_and_page_lengths_cut() {
        let params = Params::of("a=7&b=x&c=&d=0&e=9999");
        assert_eq!(params.number("a", 1).unwrap(), 7);
        assert!(params.number("b", 1).unwrap_err().message.contains("`x`"));
        assert_eq!(params.number("c", 1).unwrap(), 1);
        assert_eq!(params.page_length("d", 5, 100).unwrap(), 1);
        assert_eq!(params.page_length("e", 5, 100).unwrap(), 100);
    }
}
