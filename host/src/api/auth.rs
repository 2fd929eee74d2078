//! Who asks: an environment's key with its scopes, or the operator.
//!
//! A handler learns the environment only from one of the extractors here, each of which
//! asks for its scope: a route cannot forget to. The operator's key opens every route; on
//! those of an environment it names one in the header `Tidegate-Environment`.

use super::Service;
use super::document::of_operator;
use super::error::{Answer, Failure};
use crate::error::Result;
use crate::model::{ApiKeyRow, Environment, Scope};
use crate::vault::api_key::{self, ApiKey, ApiKeyHash, ApiKeyId};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use std::sync::Arc;
use utoipa::IntoParams;
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterIn};

/// Names the environment of a request with the operator's key.
pub const ENVIRONMENT_HEADER: &str = "tidegate-environment";

/// The key of whoever runs this host. Its text is not kept.
#[derive(Clone, Debug)]
pub struct OperatorKey {
    id: ApiKeyId,
    hash: ApiKeyHash,
}

impl OperatorKey {
    /// Takes a key in; `invalid.argument` if it is neither one of Tidegate's nor a random
    /// UUID.
    pub fn new(text: &str) -> Result<Self> {
        let key = ApiKey::import(text)?;
        Ok(OperatorKey {
            id: key.id,
            hash: key.hash,
        })
    }

    /// Whether `text` is this key, compared in constant time.
    pub fn opens(&self, text: &str) -> bool {
        api_key::verify(text, &self.id, &self.hash)
    }
}

/// Whoever asks, known by their key.
pub enum Caller {
    /// The operator.
    Operator,
    /// An app or a person with a key to one environment.
    Key(Arc<ApiKeyRow>),
}

impl Caller {
    /// Who sent these headers; 401 where they open nothing.
    pub fn of(headers: &HeaderMap, service: &Service) -> Answer<Self> {
        let header = headers.get(header::AUTHORIZATION).ok_or_else(|| {
            unauthorized(
                "missing_auth_header",
                "send the header `Authorization: Bearer <key>`",
            )
        })?;
        let text = header.to_str().ok().and_then(bearer).ok_or_else(|| {
            unauthorized(
                "malformed_auth_header",
                "the header is not of the form `Authorization: Bearer <key>`",
            )
        })?;
        if service.operator_key.opens(text) {
            return Ok(Caller::Operator);
        }
        let key = service.catalog.authenticate(text);
        key.map(Caller::Key).ok_or_else(|| {
            unauthorized(
                "unknown_account",
                "the key opens nothing here: it is wrong or was revoked",
            )
        })
    }

    /// The environment that is asked for, if the key opens it with this scope.
    fn environment(
        &self,
        headers: &HeaderMap,
        service: &Service,
        scope: Scope,
    ) -> Answer<Environment> {
        let named = headers.get(ENVIRONMENT_HEADER).map(|value| {
            let name = value
                .to_str()
                .ok()
                .and_then(|text| Environment::new(text).ok());
            name.ok_or_else(|| Failure::bad("invalid_headers", "`Tidegate-Environment` is no name"))
        });
        let named = named.transpose()?;
        match self {
            Caller::Operator => {
                let name = named.ok_or_else(|| {
                    Failure::bad(
                        "invalid_headers",
                        "with the operator's key, name the environment in the header `Tidegate-Environment`",
                    )
                })?;
                Ok(service.catalog.environment(&name)?.name.clone())
            }
            Caller::Key(key) => {
                if named.is_some_and(|name| name != key.environment) {
                    return Err(forbidden("the key is of another environment"));
                }
                if !key.scopes.contains(&scope) {
                    let scope = format!("{scope:?}").to_lowercase();
                    return Err(forbidden(format!("the key lacks the scope `{scope}`")));
                }
                Ok(key.environment.clone())
            }
        }
    }
}

/// `Bearer <key>` without its first word, which is read in either case.
fn bearer(header: &str) -> Option<&str> {
    let (scheme, key) = header.split_once(' ')?;
    let key = key.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !key.is_empty()).then_some(key)
}

fn unauthorized(code: &'static str, message: &str) -> Failure {
    Failure::new(StatusCode::UNAUTHORIZED, code, message)
}

/// 403.
pub fn forbidden(message: impl Into<String>) -> Failure {
    Failure::new(StatusCode::FORBIDDEN, "forbidden", message)
}

impl FromRequestParts<Arc<Service>> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, service: &Arc<Service>) -> Answer<Self> {
        Caller::of(&parts.headers, service)
    }
}

/// The operator asks.
pub struct Operator;

impl FromRequestParts<Arc<Service>> for Operator {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, service: &Arc<Service>) -> Answer<Self> {
        match Caller::of(&parts.headers, service)? {
            Caller::Operator => Ok(Operator),
            Caller::Key(_) => Err(forbidden("only the operator's key opens this")),
        }
    }
}

macro_rules! scoped {
    ($($(#[$doc:meta])* $name:ident $scope:ident;)*) => {$(
        $(#[$doc])*
        pub struct $name(pub Environment);

        impl FromRequestParts<Arc<Service>> for $name {
            type Rejection = Failure;

            async fn from_request_parts(parts: &mut Parts, service: &Arc<Service>) -> Answer<Self> {
                let caller = Caller::of(&parts.headers, service)?;
                caller.environment(&parts.headers, service, Scope::$scope).map($name)
            }
        }
    )*};
}

scoped! {
    /// Somebody who may read this environment.
    Reader Read;
    /// Somebody who may start, pause and trigger its syncs and set metadata.
    Controller Control;
    /// Somebody who may change its connections, deployments, keys and webhooks.
    Manager Manage;
}

/// The operator, on an environment that is named.
pub struct OperatorOf(pub Environment);

impl FromRequestParts<Arc<Service>> for OperatorOf {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, service: &Arc<Service>) -> Answer<Self> {
        match Caller::of(&parts.headers, service)? {
            caller @ Caller::Operator => caller
                .environment(&parts.headers, service, Scope::Manage)
                .map(OperatorOf),
            Caller::Key(_) => Err(forbidden("only the operator's key opens this")),
        }
    }
}

/// The header of [`OperatorOf`], for the document.
pub struct OfOperator;

impl IntoParams for OfOperator {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![of_operator(Required::True)]
    }
}
