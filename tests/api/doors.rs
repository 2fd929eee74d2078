//! Every route with no key, with keys that open nothing, and without its scope.

use crate::world::{World, bearer};
use anyhow::Result;
use serde_json::json;

/// What a route asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Door {
    Read,
    Control,
    Manage,
    Operator,
}
use Door::{Control, Manage, Operator, Read};

const ROUTES: &[(&str, &str, Door)] = &[
    ("GET", "/records?model=Item", Read),
    ("GET", "/records/?model=Item", Read),
    ("PATCH", "/records/prune", Control),
    ("POST", "/sync/trigger", Control),
    ("POST", "/sync/start", Control),
    ("POST", "/sync/pause", Control),
    ("GET", "/sync/status?syncs=*&provider_config_key=crm", Read),
    ("PUT", "/sync/update-connection-frequency", Control),
    ("POST", "/sync/a/variant/b", Control),
    ("DELETE", "/sync/a/variant/b", Control),
    ("GET", "/connections", Read),
    ("GET", "/connection", Read),
    ("POST", "/connections", Manage),
    ("GET", "/connections/c1?provider_config_key=crm", Read),
    ("PATCH", "/connections/c1?provider_config_key=crm", Manage),
    ("DELETE", "/connections/c1?provider_config_key=crm", Manage),
    ("POST", "/connections/metadata", Control),
    ("PATCH", "/connections/metadata", Control),
    ("POST", "/connection/metadata", Control),
    ("GET", "/integrations", Read),
    ("GET", "/integrations/crm", Read),
    ("GET", "/integrations/crm/functions", Read),
    ("GET", "/scripts/config", Read),
    ("GET", "/environment-variables", Read),
    ("GET", "/v1/environments", Operator),
    ("POST", "/v1/environments", Operator),
    ("PATCH", "/v1/environments/prod", Manage),
    ("GET", "/v1/keys", Manage),
    ("POST", "/v1/keys", Manage),
    ("DELETE", "/v1/keys/0123456789ab", Manage),
    ("GET", "/v1/integrations", Manage),
    ("PUT", "/v1/integrations/crm", Operator),
    ("DELETE", "/v1/integrations/crm", Operator),
    ("GET", "/v1/connections", Read),
    ("PUT", "/v1/connections/crm/c1", Manage),
    ("DELETE", "/v1/connections/crm/c1", Manage),
    ("GET", "/v1/deployments", Read),
    ("POST", "/v1/deployments?integration=crm", Manage),
    ("POST", "/v1/deployments/rollback", Manage),
    ("POST", "/v1/deployments/pin", Manage),
    ("GET", "/v1/runs", Read),
    ("GET", "/v1/runs/00000000000000000000000000", Read),
    ("GET", "/v1/runs/00000000000000000000000000/log", Read),
    ("GET", "/v1/webhooks?state=over", Read),
    (
        "POST",
        "/v1/webhooks/00000000000000000000000000-0/replay",
        Manage,
    ),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_route_opens_without_its_key_and_scope() -> Result<()> {
    let world = World::start().await?;
    let Some(tenant) = world.tenant("prod").await? else {
        return Ok(());
    };
    let key = |name: &str, scopes: &[&str]| json!({ "name": name, "scopes": scopes });
    let mut scoped = Vec::new();
    for (name, scopes, door) in [
        ("only read", ["read"], Read),
        ("only control", ["control"], Control),
        ("only manage", ["manage"], Manage),
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
    for (method, path, door) in ROUTES {
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
            assert_eq!(is_forbidden, scope != door, "{method} {path}: {answer:?}");
        }
        let whole = bearer(&tenant.key);
        let answer = world
            .ask(method, path, &[("authorization", &whole)], None)
            .await?;
        assert_eq!(
            answer.status == 403,
            *door == Operator,
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
