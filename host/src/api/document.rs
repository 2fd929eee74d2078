//! The OpenAPI document. Path, method, parameters and answers of a route are said once,
//! at its handler, and `Routes` makes router and document of that: they cannot differ.
//!
//! What all routes share is added here: who may ask, how a refusal looks, the operator's
//! header.

use super::Service;
use super::auth::ENVIRONMENT_HEADER;
use super::error::Refusal;
use crate::model::{
    ConnectionId, DeliveryId, Environment, Integration, ModelName, RunId, SyncName, Variant,
};
use axum::Json;
use axum::http::StatusCode;
use std::sync::{Arc, LazyLock};
use utoipa::ToSchema;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, Paths};
use utoipa::openapi::schema::{Components, ComponentsBuilder, Object, ObjectBuilder, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ContentBuilder, Info, License, OpenApi, Ref, RefOr, Required, Response, ResponseBuilder,
};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};
use utoipa_axum::routes;

/// Routes with what the document says of them.
pub type Routes = OpenApiRouter<Arc<Service>>;

/// Refusals that many routes have: the status, its name in the document, and when.
const REFUSALS: &[(&str, &str, &str)] = &[
    (
        "400",
        "Invalid",
        "Something in the request cannot be taken, or is not known",
    ),
    (
        "401",
        "Unauthorized",
        "There is no key, or it opens nothing here",
    ),
    (
        "403",
        "Forbidden",
        "The key lacks the scope, or is of another environment",
    ),
    ("404", "NotFound", "What the path names is not there"),
    (
        "429",
        "TooManyRequests",
        "The environment has asked too often in this minute",
    ),
    (
        "default",
        "Failure",
        "The request was refused, or the host failed",
    ),
];

/// The document, without what only a host that runs could know.
pub fn document() -> &'static OpenApi {
    static DOCUMENT: LazyLock<OpenApi> = LazyLock::new(|| finish(super::routes().into_openapi()));
    &DOCUMENT
}

/// The route of the document itself.
pub fn routes() -> Routes {
    Routes::new().routes(routes!(show))
}

/// This document. No key is asked for.
#[utoipa::path(get, path = "/openapi.json", responses((status = 200, body = Object)))]
async fn show() -> Json<&'static OpenApi> {
    Json(document())
}

/// Names a group of routes: their tag, and the beginning of the ids of their operations.
pub fn group(name: &str, mut routes: Routes) -> Routes {
    for operation in operations(&mut routes.get_openapi_mut().paths) {
        let of = operation.operation_id.take().unwrap_or_default();
        operation.operation_id = Some(format!("{}_{of}", name.replace(' ', "_")));
        operation.tags = Some(vec![name.to_owned()]);
    }
    routes
}

/// The same routes at a second path, which clients of Nango's use.
pub fn alias<S>(
    path: &str,
    (schemas, mut paths, router): UtoipaMethodRouter<S>,
) -> UtoipaMethodRouter<S> {
    for operation in operations(&mut paths) {
        let of = operation.operation_id.take().unwrap_or_default();
        operation.operation_id = Some(format!("{of}_alias"));
    }
    let mut renamed = Paths::new();
    for item in std::mem::take(&mut paths.paths).into_values() {
        match renamed.paths.get_mut(path) {
            Some(known) => known.merge_operations(item),
            None => drop(renamed.paths.insert(path.to_owned(), item)),
        }
    }
    (schemas, renamed, router)
}

/// A header as a parameter of a route.
pub fn header(name: &str, of: &str, required: Required, what: &str) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(required)
        .description(Some(what))
        .schema(Some(Ref::from_schema_name(of)))
        .build()
}

/// The schema of a whole number within these bounds.
pub fn number(least: usize, most: usize) -> Object {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(least))
        .maximum(Some(most))
        .build()
}

/// The schema of a text of so many characters.
pub fn text(least: usize, most: usize) -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(least))
        .max_length(Some(most))
        .build()
}

fn operations(paths: &mut Paths) -> impl Iterator<Item = &mut Operation> {
    paths.paths.values_mut().flat_map(|item| {
        let all = [
            &mut item.get,
            &mut item.put,
            &mut item.post,
            &mut item.patch,
            &mut item.delete,
        ];
        all.into_iter().flatten()
    })
}

fn finish(mut document: OpenApi) -> OpenApi {
    let mut info = Info::new("Tidegate", env!("CARGO_PKG_VERSION"));
    info.description = Some(
        "The sync part of Nango's API, at the same paths, and `/v1` for what that lacks.".into(),
    );
    let mut license = License::new(env!("CARGO_PKG_LICENSE"));
    license.identifier = Some(license.name.clone());
    info.license = Some(license);
    document.info = info;
    let mut shared = shared();
    let components = document.components.get_or_insert_default();
    components.schemas.append(&mut shared.schemas);
    components.responses.append(&mut shared.responses);
    components
        .security_schemes
        .append(&mut shared.security_schemes);
    operations(&mut document.paths).for_each(complete);
    document
}

/// What many operations refer to. The names are here because parameters, unlike bodies,
/// do not bring their schemas along.
fn shared() -> Components {
    let mut components = ComponentsBuilder::new()
        .schema_from::<Refusal>()
        .schema_from::<ConnectionId>()
        .schema_from::<DeliveryId>()
        .schema_from::<Environment>()
        .schema_from::<Integration>()
        .schema_from::<ModelName>()
        .schema_from::<RunId>()
        .schema_from::<SyncName>()
        .schema_from::<Variant>();
    for (_, name, when) in REFUSALS {
        components = components.response(*name, refusal(when));
    }
    let key = "A key to one environment; the scopes are `read`, `control` and `manage`";
    let operator = "The operator's key, which opens every route";
    components
        .security_scheme("key", bearer(key))
        .security_scheme("operator", bearer(operator))
        .build()
}

fn refusal(when: &str) -> Response {
    let body = ContentBuilder::new().schema(Some(Ref::from_schema_name(Refusal::name())));
    ResponseBuilder::new()
        .description(when)
        .content("application/json", body.build())
        .build()
}

fn bearer(what: &str) -> SecurityScheme {
    let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer);
    SecurityScheme::Http(scheme.description(Some(what)).build())
}

/// Adds what follows from what stands at the handler.
fn complete(operation: &mut Operation) {
    sentences(operation);
    let parameters = operation.parameters.get_or_insert_default();
    let of_path = |parameter: &RefOr<Parameter>| match parameter {
        RefOr::T(parameter) => parameter.parameter_in == ParameterIn::Path,
        RefOr::Ref(_) => false,
    };
    let names_something = parameters.iter().any(of_path);
    let is_open = operation.security.is_none();
    let operator = SecurityRequirement::new("operator", std::iter::empty::<String>());
    if let Some(security) = &mut operation.security
        && !security.contains(&operator)
    {
        security.push(operator);
        parameters.push(of_operator(Required::False).into());
    }
    for (status, name, _) in REFUSALS {
        let has = match *status {
            "404" => names_something,
            "default" => true,
            _ => !is_open,
        };
        if has {
            let answers = &mut operation.responses.responses;
            let answer = answers.entry((*status).to_owned());
            answer.or_insert_with(|| Ref::from_response_name(*name).into());
        }
    }
    for (status, answer) in &mut operation.responses.responses {
        if let RefOr::T(answer) = answer
            && answer.description.is_empty()
        {
            let status = status.parse::<StatusCode>().ok();
            let word = status.and_then(|status| status.canonical_reason());
            answer.description = word.unwrap_or_default().to_owned();
        }
    }
}

/// The header with which the operator names an environment.
pub fn of_operator(required: Required) -> Parameter {
    let what = "With the operator's key: the environment that is meant";
    header(ENVIRONMENT_HEADER, &Environment::name(), required, what)
}

/// Makes the first sentence of the handler's comment the summary, and the rest the
/// description.
fn sentences(operation: &mut Operation) {
    let said = [operation.summary.take(), operation.description.take()];
    let said = said.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let words = said.split_whitespace().collect::<Vec<_>>().join(" ");
    let (first, rest) = words.split_once(". ").unwrap_or((&words, ""));
    operation.summary = Some(first.trim_end_matches('.').to_owned());
    operation.description = Some(rest.to_owned()).filter(|rest| !rest.is_empty());
}
