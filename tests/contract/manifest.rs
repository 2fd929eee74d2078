//! `wit/manifest.schema.json` and the host's parser take and refuse the same manifests.

use serde_json::{Value, json};
use tidegate::model::Manifest;

fn schema() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../wit/manifest.schema.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// A manifest with only what is required.
fn least() -> Value {
    json!({"name": "users", "version": "1", "models": {"User": {"schema": {"type": "object"}}}})
}

/// The least manifest with `key` set to `value`.
fn with(key: &str, value: Value) -> Value {
    let mut manifest = least();
    manifest[key] = value;
    manifest
}

/// The least manifest without `key`.
fn without(key: &str) -> Value {
    let mut manifest = least();
    manifest.as_object_mut().unwrap().remove(key);
    manifest
}

#[test]
fn the_schema_and_the_host_agree() {
    let tracked = |kind: &str| {
        let mut manifest = with("trackDeletes", json!(true));
        manifest["checkpoint"] = json!({"type": "object"});
        manifest["syncType"] = json!(kind);
        manifest
    };
    let rows = [
        (least(), true),
        (with("description", json!("All users.")), true),
        (
            with(
                "models",
                json!({"A": {"schema": true, "ignore": ["seen"]}, "B-2_": {"schema": {}}}),
            ),
            true,
        ),
        (with("frequency", json!("every half hour")), true),
        (with("frequency", json!("cron: 0 3 * * *")), true),
        (with("frequency", json!(null)), true),
        (with("autoStart", json!(false)), true),
        (with("syncType", json!("full")), true),
        (with("trackDeletes", json!(true)), true),
        (
            with(
                "checkpoint",
                json!({"type": "object", "properties": {"page": {"type": "integer"}}}),
            ),
            true,
        ),
        (with("checkpoint", json!(null)), true),
        (
            with("metadata", json!({"$defs": {"a": {}}, "$ref": "#/$defs/a"})),
            true,
        ),
        (
            with(
                "endpoints",
                json!([{"method": "GET", "path": "/users", "group": "People"}]),
            ),
            true,
        ),
        (
            with(
                "endpoints",
                json!([{"method": "GET", "path": "/users", "group": null}]),
            ),
            true,
        ),
        (with("scopes", json!(["read"])), true),
        (with("hosts", json!(["files.example.com"])), true),
        (with("memory", json!(2)), true),
        (with("memory", json!(null)), true),
        (tracked("full"), true),
        (json!([]), false),
        (json!("users"), false),
        (json!(null), false),
        (without("name"), false),
        (without("version"), false),
        (without("models"), false),
        (with("name", json!("a b")), false),
        (with("name", json!("")), false),
        (with("name", json!("x".repeat(256))), false),
        (with("name", json!(1)), false),
        (with("version", json!(1)), false),
        (with("description", json!(null)), false),
        (with("models", json!({})), false),
        (with("models", json!([])), false),
        (with("models", json!({"A B": {"schema": {}}})), false),
        (
            with("models", json!({"A": {"schema": {}, "enforce": false}})),
            true,
        ),
        (
            with("models", json!({"A": {"schema": {}, "enforce": "no"}})),
            false,
        ),
        (with("models", json!({"A": {}})), false),
        (with("models", json!({"A": null})), false),
        (
            with("models", json!({"A": {"schema": {"type": "objekt"}}})),
            false,
        ),
        (with("models", json!({"A": {"schema": 1}})), false),
        (
            with("models", json!({"A": {"schema": {}, "ignored": []}})),
            false,
        ),
        (
            with("models", json!({"A": {"schema": {}, "ignore": "seen"}})),
            false,
        ),
        (with("model", json!({})), false),
        (with("frequency", json!(60)), false),
        (with("autoStart", json!("yes")), false),
        (with("syncType", json!("Full")), false),
        (with("trackDeletes", json!(1)), false),
        (with("checkpoint", json!({"required": "page"})), false),
        (with("checkpoint", json!(7)), false),
        (with("metadata", json!({"type": 1})), false),
        (with("endpoints", json!([{"method": "GET"}])), false),
        (
            with(
                "endpoints",
                json!([{"method": "GET", "path": "/", "verb": "x"}]),
            ),
            false,
        ),
        (with("endpoints", json!(["/users"])), false),
        (with("scopes", json!("read")), false),
        (with("hosts", json!([1])), false),
        (with("memory", json!(1)), false),
        (with("memory", json!(-1)), false),
        (with("memory", json!(2.5)), false),
        (with("memory", json!(4_294_967_296u64)), false),
        (with("memory", json!("128")), false),
        (tracked("incremental"), false),
    ];
    // What only the host can tell.
    let by_host_alone = ["sometimes", "every second", "every 32 days", "cron: * *"];
    let by_host_alone = by_host_alone.map(|text| (with("frequency", json!(text)), true, false));
    let rows = rows.map(|(manifest, taken)| (manifest, taken, taken));
    let schema = jsonschema::validator_for(&schema()).unwrap();
    for (manifest, fits, taken) in rows.into_iter().chain(by_host_alone) {
        let by_schema = schema
            .validate(&manifest)
            .map_err(|error| error.to_string());
        let by_host = Manifest::parse(&manifest.to_string())
            .map(drop)
            .map_err(|error| error.message);
        assert_eq!(
            by_schema.is_ok(),
            fits,
            "the schema: {manifest}: {by_schema:?}"
        );
        assert_eq!(by_host.is_ok(), taken, "the host: {manifest}: {by_host:?}");
    }
}
