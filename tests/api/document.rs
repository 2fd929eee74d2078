//! The OpenAPI document of a host, as the tests read it.

use crate::world::World;
use anyhow::{Context, Result, bail, ensure};
use jsonschema::Validator;
use serde_json::{Map, Value, json};

/// Methods that a document may name.
pub const METHODS: [(&str, &str); 5] = [
    ("GET", "get"),
    ("POST", "post"),
    ("PUT", "put"),
    ("PATCH", "patch"),
    ("DELETE", "delete"),
];

/// Schemas of objects that hold fields of the customer's own beside those that are named.
const OPEN_SCHEMAS: &[&str] = &["Record"];

/// The document.
pub struct Document(pub Value);

/// One method of one path.
#[derive(Clone, Copy)]
pub struct Operation<'a> {
    pub method: &'static str,
    pub path: &'a str,
    pub spec: &'a Value,
}

/// What a route asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door<'a> {
    /// Nothing.
    Open,
    /// A key with this scope.
    Scope(&'a str),
    /// The operator's key.
    Operator,
}

impl Document {
    pub async fn of(world: &World) -> Result<Document> {
        let answer = world.ask("GET", "/openapi.json", &[], None).await?;
        ensure!(answer.status == 200, "{answer:?}");
        Ok(Document(answer.body))
    }

    pub fn paths(&self) -> impl Iterator<Item = (&str, &Value)> {
        let paths = self.0["paths"].as_object().into_iter().flatten();
        paths.map(|(path, item)| (path.as_str(), item))
    }

    pub fn operations(&self) -> Vec<Operation<'_>> {
        let mut all = Vec::new();
        for (path, item) in self.paths() {
            for (method, key) in METHODS {
                all.extend(item.get(key).map(|spec| Operation { method, path, spec }));
            }
        }
        all
    }

    /// The operation that a request leads to, whose path may have a query.
    pub fn find(&self, method: &str, path: &str) -> Result<Operation<'_>> {
        let path = path.split('?').next().unwrap_or_default();
        let all = || {
            let all = self.operations().into_iter();
            all.filter(|operation| operation.method == method)
        };
        let exact = all().find(|operation| operation.path == path);
        let found = exact.or_else(|| all().find(|operation| operation.fits(path)));
        found.with_context(|| format!("{method} {path} is not in the document"))
    }

    /// What `value` refers to, or `value`.
    pub fn follow<'a>(&'a self, value: &'a Value) -> &'a Value {
        let target = value["$ref"]
            .as_str()
            .and_then(|reference| self.0.pointer(reference.strip_prefix('#')?));
        target.unwrap_or(value)
    }

    /// A validator of a schema of this document. A closed one refuses fields that no
    /// schema names.
    pub fn validator(&self, schema: &Value, closed: bool) -> Result<Validator> {
        let mut schemas = self.0["components"]["schemas"].clone();
        let mut root = schema.clone();
        if closed {
            let schemas = schemas.as_object_mut().context("there are no schemas")?;
            for (name, schema) in schemas {
                self.join(schema);
                if !OPEN_SCHEMAS.contains(&name.as_str()) {
                    close(schema);
                }
            }
            close(&mut root);
        }
        root["components"] = json!({ "schemas": schemas });
        root["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
        Ok(jsonschema::validator_for(&root).map_err(|error| error.to_owned())?)
    }

    /// Makes one object of several that are put together: closed, each would refuse the
    /// fields of the others.
    fn join(&self, schema: &mut Value) {
        let Some(parts) = schema["allOf"].as_array() else {
            return;
        };
        let parts = parts.iter().map(|part| self.follow(part));
        let mut joined = json!({ "type": "object", "properties": {}, "required": [] });
        for part in parts {
            if let (Some(all), Some(own)) = (
                joined["properties"].as_object_mut(),
                part["properties"].as_object(),
            ) {
                all.extend(own.clone());
            }
            if let (Some(all), Some(own)) = (
                joined["required"].as_array_mut(),
                part["required"].as_array(),
            ) {
                all.extend(own.iter().cloned());
            }
        }
        *schema = joined;
    }

    /// Holds an answer to what the document says of it. `body` is none where it is no
    /// JSON.
    pub fn check(
        &self,
        operation: &Operation<'_>,
        status: u16,
        kind: &str,
        body: Option<&Value>,
    ) -> Result<()> {
        let answers = &operation.spec["responses"];
        let answer = answers.get(status.to_string());
        let answer = answer.with_context(|| format!("the status {status} is not named"))?;
        let content = self.follow(answer)["content"].as_object();
        let kind = kind.split(';').next().unwrap_or_default();
        let content = content.and_then(|content| content.get(kind));
        let schema = &content.with_context(|| format!("{status} has no `{kind}`"))?["schema"];
        let Some(body) = body else { return Ok(()) };
        let validator = self.validator(schema, true)?;
        let wrong: Vec<String> = validator
            .iter_errors(body)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        if !wrong.is_empty() {
            bail!("{} in {body}", wrong.join("; "));
        }
        Ok(())
    }
}

impl<'a> Operation<'a> {
    pub fn door(&self) -> Door<'a> {
        let Some(security) = self.spec["security"].as_array() else {
            return Door::Open;
        };
        let scope = security.iter().find_map(|each| each["key"][0].as_str());
        scope.map_or(Door::Operator, Door::Scope)
    }

    /// The operation's parameters of a place: `path`, `query` or `header`.
    pub fn parameters(&self, place: &str) -> Vec<&'a Value> {
        let all = self.spec["parameters"].as_array().into_iter().flatten();
        all.filter(|parameter| parameter["in"] == place).collect()
    }

    /// The schema of its JSON body, if it takes one.
    pub fn body(&self) -> Option<&'a Value> {
        self.spec["requestBody"]["content"]["application/json"].get("schema")
    }

    /// Its path with names in it that may exist or not.
    pub fn sample(&self) -> String {
        let mut path = self.path.to_owned();
        for parameter in self.parameters("path") {
            let name = parameter["name"].as_str().unwrap_or_default();
            let schema = parameter["schema"]["$ref"].as_str().unwrap_or_default();
            let value = match schema.rsplit('/').next() {
                Some("RunId") => "00000000000000000000000000",
                Some("DeliveryId") => "00000000000000000000000000-0",
                // A key asks for its own environment.
                Some("Environment") => "prod",
                _ => "sample",
            };
            path = path.replace(&format!("{{{name}}}"), value);
        }
        path
    }

    fn fits(&self, path: &str) -> bool {
        let (own, given) = (self.path.split('/'), path.split('/'));
        own.clone().count() == given.clone().count()
            && own
                .zip(given)
                .all(|(own, given)| own.starts_with('{') || own == given)
    }
}

/// Lets objects with named fields have no others.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            fields.values_mut().for_each(close);
            if is_object(fields) && !fields.contains_key("additionalProperties") {
                fields.insert("additionalProperties".into(), false.into());
            }
        }
        Value::Array(schemas) => schemas.iter_mut().for_each(close),
        _ => {}
    }
}

fn is_object(schema: &Map<String, Value>) -> bool {
    schema.get("type").is_some_and(|kind| kind == "object")
        && schema.get("properties").is_some_and(Value::is_object)
}
