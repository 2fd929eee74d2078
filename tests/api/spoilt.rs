//! Each good request is spoilt in ways that its schema refuses; the host must refuse them,
//! too, and in the form that the document tells.

use crate::answers::{Player, Sent};
use crate::document::Door;
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use url::form_urlencoded;

/// Spoils all that was played.
pub async fn all(player: &Player<'_>) -> Result<()> {
    refusals(player).await?;
    queries(player).await?;
    paths(player).await?;
    bodies(player).await
}

/// Without a key, and with a query that no route knows.
async fn refusals(player: &Player<'_>) -> Result<()> {
    for operation in player.document.operations() {
        if operation.door() == Door::Open {
            continue;
        }
        let path = operation.sample();
        let url = player.world.url(&path);
        let request = player.world.http.request(operation.method.parse()?, url);
        let (status, _) = player.answer(&operation, request).await?;
        assert_eq!(status, 401, "{} {path}", operation.method);
        let request = player.request(&operation, &format!("{path}?nonsense=1"), Sent::Nothing)?;
        let (status, body) = player.answer(&operation, request).await?;
        assert_eq!(
            (status, body["error"]["code"].as_str()),
            (400, Some("invalid_query_params")),
            "{} {path}",
            operation.method
        );
    }
    let nowhere = "/v1/runs/00000000000000000000000000";
    let operation = player.document.find("GET", nowhere)?;
    let request = player.request(&operation, nowhere, Sent::Nothing)?;
    let (status, _) = player.answer(&operation, request).await?;
    assert_eq!(status, 404);
    Ok(())
}

/// Good bodies with one key left out, added, or given another value.
async fn bodies(player: &Player<'_>) -> Result<()> {
    let values = [
        json!(null),
        json!(true),
        json!(0),
        json!(-1.5),
        json!(""),
        json!("a\u{0}b"),
        json!("x".repeat(300)),
        json!([]),
        json!([0]),
        json!([[]]),
        json!([["a"]]),
        json!({}),
        json!({ "nonsense": 0 }),
    ];
    let (mut spoilt, mut taken) = (BTreeSet::new(), Vec::new());
    for ((method, _), (path, body)) in &player.played {
        let operation = player.document.find(method, path)?;
        let (Some(schema), Some(body)) = (operation.body(), body) else {
            continue;
        };
        let validator = player.document.validator(schema, false)?;
        let keys = player.document.follow(schema)["properties"].as_object();
        let keys = keys.context("a body is an object")?;
        // The last are the values of a good body without their keys.
        let fields = body.as_object().into_iter().flatten();
        let fields: Vec<Value> = fields.map(|(_, value)| value.clone()).collect();
        let mut wrong = vec![json!(0), json!("x"), json!([]), json!(fields)];
        for key in keys.keys().map(String::as_str).chain(["nonsense"]) {
            let mut without = body.clone();
            without.as_object_mut().map(|body| body.remove(key));
            wrong.push(without);
            wrong.extend(values.iter().map(|value| {
                let mut with = body.clone();
                with[key] = value.clone();
                with
            }));
        }
        wrong.retain(|body| !validator.is_valid(body));
        for body in wrong {
            spoilt.insert((*method, operation.path));
            let request = player.request(&operation, path, Sent::Json(body.clone()))?;
            let (status, answer) = player.answer(&operation, request).await?;
            if (status, answer["error"]["code"].as_str()) != (400, Some("invalid_body")) {
                taken.push(format!("{method} {path} {body}: {status} {answer}"));
            }
        }
    }
    assert!(taken.is_empty(), "{}", taken.join("\n"));
    let with_body = player.document.operations().into_iter();
    let with_body = with_body.filter(|operation| {
        let key = (operation.method, operation.path.to_owned());
        operation.body().is_some() && player.played.contains_key(&key)
    });
    assert_eq!(spoilt.len(), with_body.count(), "{spoilt:?}");
    Ok(())
}

/// Good queries with one value left out or another one.
async fn queries(player: &Player<'_>) -> Result<()> {
    let (mut count, mut taken) = (0, Vec::new());
    for ((method, _), (path, body)) in &player.played {
        let operation = player.document.find(method, path)?;
        let (base, query) = path.split_once('?').unwrap_or((path, ""));
        let query: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        for parameter in operation.parameters("query") {
            let name = parameter["name"].as_str().unwrap_or_default();
            let schema = &parameter["schema"];
            let validator = player.document.validator(schema, false)?;
            let kind = player.document.follow(schema)["type"].as_str();
            let values = [
                "",
                "-1",
                "0",
                "999999999999999999999",
                "maybe",
                "a\u{0}\u{e9}",
            ];
            let wrong = values
                .into_iter()
                .filter(|text| !validator.is_valid(&read(kind, text)))
                .map(Some)
                .chain((parameter["required"] == true).then_some(None));
            for value in wrong {
                count += 1;
                let mut spoilt = form_urlencoded::Serializer::new(String::new());
                spoilt.extend_pairs(query.iter().filter(|(key, _)| key != name));
                spoilt.extend_pairs(value.map(|value| (name, value)));
                let path = format!("{base}?{}", spoilt.finish());
                let sent = body.clone().map_or(Sent::Nothing, Sent::Json);
                let request = player.request(&operation, &path, sent)?;
                let (status, answer) = player.answer(&operation, request).await?;
                let code = answer["error"]["code"].as_str();
                if (status, code) != (400, Some("invalid_query_params")) {
                    taken.push(format!("{method} {path}: {status} {answer}"));
                }
            }
        }
    }
    assert!(taken.is_empty(), "{}", taken.join("\n"));
    assert!(count > 100, "only {count} queries were spoilt");
    Ok(())
}

/// A query's text as the value that its schema is of.
fn read(kind: Option<&str>, text: &str) -> Value {
    let parsed = match kind {
        Some("integer") => text.parse::<i64>().ok().map(Value::from),
        Some("boolean") => text.parse::<bool>().ok().map(Value::from),
        // These are not written as one text.
        Some("array") => Some(json!([text])),
        Some("object") => Some(json!({})),
        _ => None,
    };
    parsed.unwrap_or_else(|| text.into())
}

/// Names in paths that are none.
async fn paths(player: &Player<'_>) -> Result<()> {
    for operation in player.document.operations() {
        for parameter in operation.parameters("path") {
            let validator = player.document.validator(&parameter["schema"], false)?;
            if validator.is_valid(&json!("a\u{0}b")) {
                continue;
            }
            let name = parameter["name"].as_str().unwrap_or_default();
            let steps = operation.path.split('/').map(|step| match step {
                step if step == format!("{{{name}}}") => "a%00b",
                step if step.starts_with('{') => "sample",
                step => step,
            });
            let path = steps.collect::<Vec<_>>().join("/");
            let request = player.request(&operation, &path, Sent::Nothing)?;
            let (status, answer) = player.answer(&operation, request).await?;
            assert_eq!(
                (status, answer["error"]["code"].as_str()),
                (400, Some("invalid_uri_params")),
                "{} {path}: {answer}",
                operation.method
            );
        }
    }
    Ok(())
}
