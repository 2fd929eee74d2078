//! Every route with no key, with keys that open nothing, and without its scope.

use crate::document::{Document, Door};
use crate::world::{World, bearer};
use anyhow::Result;
use serde_json::json;

/// Routes that open without a key; all others are tried below.
const OPEN: &[&str] = &["/healthz", "/readyz", "/openapi.json"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_route_opens_without_its_key_and_scope() -> Result<()> {
    let world = World::start().await?;
    let Some(tenant) = world.tenant("prod").await? else {
        return Ok(());
    };
    let key = |name: &str, scopes: &[&str]| json!({ "name": name, "scopes": scopes });
    let mut scoped = Vec::new();
    for (name, scopes, door) in [
        ("only read", ["read"], Door::Scope("read")),
        ("only control", ["control"], Door::Scope("control")),
        ("only manage", ["manage"], Door::Scope("manage")),
    ] {
        let made = world
            .done(&tenant, "POST", "/v1/keys", Some(key(name, &scopes)))
            .await?;
        scoped.push((made["key"].as_str().unwrap_or_default().to_owned(), door));
    }
    let revoked = world
        .done(
            &tenant,
            "POST",
            "/v1/keys",
            Some(key("gone", &["read", "manage"])),
        )
        .await?;
    let path = format!("/v1/keys/{}", revoked["id"].as_str().unwrap_or_default());
    world.done(&tenant, "DELETE", &path, None).await?;
    let revoked = bearer(revoked["key"].as_str().unwrap_or_default());
    let mut changed = tenant.key.clone();
    let last = if changed.pop() == Some('0') { '1' } else { '0' };
    changed.push(last);
    // The document has every route of the router: `openapi.rs` holds that.
    let document = Document::of(&world).await?;
    for operation in document.operations() {
        let (method, path, door) = (operation.method, &operation.sample(), operation.door());
        if door == Door::Open {
            assert!(OPEN.contains(&operation.path), "{path} opens without a key");
            continue;
        }
        for (header, code) in [
            (None, "missing_auth_header"),
            (Some(tenant.key.as_str()), "malformed_auth_header"),
            (Some("Basic abc"), "malformed_auth_header"),
            (Some("Bearer "), "malformed_auth_header"),
            (Some("Bearer nothing"), "unknown_account"),
            (Some(bearer(&changed).as_str()), "unknown_account"),
            (
                Some("Bearer 11111111-1111-4111-8111-111111111111"),
                "unknown_account",
            ),
            (Some(revoked.as_str()), "unknown_account"),
        ] {
            let headers: Vec<_> = header
                .map(|value| ("authorization", value))
                .into_iter()
                .collect();
            let answer = world.ask(method, path, &headers, None).await?;
            assert_eq!(
                (answer.status, answer.code()),
                (401, code),
                "{method} {path}"
            );
        }
        for (key, scope) in &scoped {
            let bearer = bearer(key);
            let answer = world
                .ask(method, path, &[("authorization", &bearer)], None)
                .await?;
            let is_forbidden = (answer.status, answer.code()) == (403, "forbidden");
            assert_eq!(is_forbidden, *scope != door, "{method} {path}: {answer:?}");
        }
        let whole = bearer(&tenant.key);
        let answer = world
            .ask(method, path, &[("authorization", &whole)], None)
            .await?;
        assert_eq!(
            answer.status == 403,
            door == Door::Operator,
            "{method} {path}: {answer:?}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn the_operator_names_an_environment() -> Result<()> {
    let world = World::start().await?;
    let Some(_) = world.tenant("prod").await? else {
        return Ok(());
    };
    let operator = bearer(&world.operator);
    for (named, status) in [
        (None, 400),
        (Some("prod"), 200),
        (Some("other"), 404),
        (Some("a b"), 400),
    ] {
        let mut headers = vec![("authorization", operator.as_str())];
        headers.extend(named.map(|name| ("tidegate-environment", name)));
        let answer = world.ask("GET", "/v1/keys", &headers, None).await?;
        assert_eq!(answer.status, status, "{named:?}: {answer:?}");
        assert!(!answer.body.to_string().contains("sha256"));
    }
    Ok(())
}
