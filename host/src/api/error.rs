//! What the API answers when it does not do what was asked:
//! `{"error":{"code","message","errors"}}`, as Nango's clients read it.

use crate::error::{Code, Error};
use axum::Json;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::borrow::Cow;
use utoipa::ToSchema;

/// A refusal or a failure, as an app sees it.
#[derive(Debug)]
pub struct Failure {
    status: StatusCode,
    // In a box, since every handler's result has room for it.
    body: Box<Body>,
}

/// The result of a handler.
pub type Answer<T> = std::result::Result<T, Failure>;

#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = RefusalBody)]
struct Body {
    /// What apps tell failures by.
    #[schema(value_type = String)]
    code: Cow<'static, str>,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Issue>,
    /// The method of a request that came too often.
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    /// The path of a request that came too often.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
}

/// The body of every answer that is a refusal or a failure.
#[derive(Serialize, ToSchema)]
pub struct Refusal<'a> {
    #[schema(value_type = Body)]
    error: &'a Body,
}

/// What is wrong with one part of a request.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Issue {
    code: &'static str,
    message: String,
    /// The keys that lead to it, from the outside in.
    path: Vec<String>,
}

/// The part of a request that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The query string.
    Query,
    /// The body.
    Body,
    /// The headers.
    Headers,
    /// The path.
    Path,
}

impl Part {
    fn code(self) -> &'static str {
        match self {
            Part::Query => "invalid_query_params",
            Part::Body => "invalid_body",
            Part::Headers => "invalid_headers",
            Part::Path => "invalid_uri_params",
        }
    }
}

impl Failure {
    /// An answer with this status, code and message.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Failure {
            status,
            body: Box::new(Body {
                code: code.into(),
                message: Some(message.into()),
                ..Body::default()
            }),
        }
    }

    /// 400 with a code of Nango's.
    pub fn bad(code: &'static str, message: impl Into<String>) -> Self {
        Failure::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// 404 with a code of Nango's.
    pub fn missing(code: &'static str, message: impl Into<String>) -> Self {
        Failure::new(StatusCode::NOT_FOUND, code, message)
    }

    /// 400: the value at `path` in this part of the request cannot be taken.
    pub fn invalid(part: Part, path: &str, message: impl Into<String>) -> Self {
        let path = path
            .split('.')
            .filter(|step| !step.is_empty() && *step != "?");
        Failure {
            status: StatusCode::BAD_REQUEST,
            body: Box::new(Body {
                code: part.code().into(),
                message: None,
                errors: vec![Issue {
                    code: "invalid",
                    message: message.into(),
                    path: path.map(str::to_owned).collect(),
                }],
                ..Body::default()
            }),
        }
    }

    /// 429, with what was asked, as Nango answers it.
    pub fn too_often(message: impl Into<String>, method: &Method, path: &str) -> Self {
        let mut failure = Failure::new(StatusCode::TOO_MANY_REQUESTS, "too_many_request", message);
        failure.body.method = Some(method.to_string());
        failure.body.path = Some(path.to_owned());
        failure
    }

    /// 500: what went wrong is written to the host's log and told to nobody else.
    pub fn internal(what: impl std::fmt::Display) -> Self {
        tracing::error!("an API request failed: {what}");
        let message = "the host failed to answer; its log says why";
        Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "server_error", message)
    }

    /// The body of the answer, for where there is no status to go with it.
    pub fn to_json(&self) -> String {
        serde_json::to_string(&Refusal { error: &self.body }).unwrap_or_default()
    }

    /// Whether the status is `status`.
    #[cfg(test)]
    pub fn is(&self, status: StatusCode) -> bool {
        self.status == status
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        if error.code == Code::Internal {
            return Failure::internal(error);
        }
        let status = StatusCode::from_u16(error.code.http_status());
        Failure {
            status: status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            body: Box::new(Body {
                code: error.code.as_str().into(),
                message: Some(error.message),
                ..Body::default()
            }),
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (self.status, Json(Refusal { error: &self.body })).into_response()
    }
}
