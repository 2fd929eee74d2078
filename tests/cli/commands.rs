//! Each command does what its help says: data on stdout, words on stderr.

use crate::{ACCUMULATE, CHECKPOINT, Home, counts, each, holds, refused};
use serde_json::{Value, json};
use std::path::Path;
use tidegate::error::Code;
use tidegate_provider::{Provider, ProviderHandle};
use tidegate_tests::component;

fn filled() -> (Home, ProviderHandle) {
    let home = Home::with(CHECKPOINT);
    let provider = Provider::builder()
        .contacts(1_000, 7)
        .start_blocking()
        .unwrap();
    home.synced(&provider, &[]);
    (home, provider)
}

#[test]
fn records_are_paged_by_cursor() {
    let (home, provider) = filled();
    let (mut cursor, mut ids): (Option<String>, Vec<String>) = (None, Vec::new());
    for (count, more) in [(400, true), (400, true), (200, false), (0, false)] {
        let mut arguments = vec!["records", "Contact", "--limit", "400"];
        arguments.extend(cursor.iter().flat_map(|cursor| ["--cursor", cursor]));
        let mut lines = home.json(&arguments);
        let last = lines.pop().unwrap();
        assert_eq!((lines.len(), &last["more"]), (count, &more.into()));
        ids.extend(each(&lines, "id").into_iter().map(str::to_owned));
        cursor = last["cursor"].as_str().map(str::to_owned);
    }
    assert_eq!(ids, provider.contacts().ids());

    let said = home
        .tidegate(&["records", "Contact", "--limit", "2"])
        .run()
        .expect(0);
    assert_eq!(said.json_lines().len(), 2, "the cursor is a word");
    holds(&said.stderr, &["more with --cursor "]);
    let bodies = home
        .tidegate(&["records", "Contact", "--bodies", "--limit", "1"])
        .run()
        .expect(0);
    assert_eq!(bodies.json()["id"], "contact-0000000");
    let gone = home.json(&["records", "Contact", "--all", "--filter", "deleted"]);
    assert_eq!(gone.len(), 1, "the cursor alone");
}

#[test]
fn records_without_a_model_lists_the_models() {
    let (home, _provider) = filled();
    let models = home.json(&["records"]);
    assert_eq!(
        (&models[0]["model"], &models[0]["stats"]["live"]),
        (&json!("Contact"), &json!(1_000))
    );
    let table = home.tidegate(&["records"]).run().expect(0);
    holds(&table.stdout, &["model", "Contact", "1,000"]);
    let unknown = home.tidegate(&["records", "Contcat"]).run();
    holds(
        &refused(unknown, Code::NotFound),
        &["no records of Contcat", "`Contact`", "`tidegate records`"],
    );
}

#[test]
fn runs_are_listed_and_shown_with_their_post_mortem() {
    let home = Home::with(ACCUMULATE);
    let provider = Provider::builder()
        .contacts(40_000, 7)
        .start_blocking()
        .unwrap();
    let failed = home.sync(&provider, &["--memory", "8MiB"]).run();
    refused(failed, Code::LimitMemory);
    let rows = home.json(&["runs"]);
    assert_eq!(rows.len(), 1);
    let id = rows[0]["id"].as_str().unwrap();
    let table = home.tidegate(&["runs"]).run().expect(0);
    holds(
        &table.stdout,
        &[id, "accumulated-contacts", "failed (limit.memory)"],
    );

    let shown = home.tidegate(&["runs", id]).run().expect(0);
    assert_eq!(shown.stderr, "", "all of it is what was asked for");
    let parts = [
        "collected 500 contacts",
        "peak memory",
        "of 8.0 MiB",
        "post-mortem",
        "out of memory",
        "refused",
        "checkpoint",
    ];
    holds(&shown.stdout, &parts);
    let report = home.json(&["runs", id]).remove(0);
    assert_eq!(report["run"]["id"], id);
    assert!(report["log"].as_array().is_some_and(|log| !log.is_empty()));

    let unknown = "0".repeat(id.len());
    holds(
        &refused(home.tidegate(&["runs", &unknown]).run(), Code::NotFound),
        &[&unknown, "`tidegate runs`"],
    );
}

#[test]
fn reset_starts_anew_with_or_without_the_records() {
    let (home, provider) = filled();
    assert_eq!(
        counts(&home.synced(&provider, &[]), "Contact"),
        [0, 0, 0, 1]
    );
    home.tidegate(&["reset", "contacts"]).run().expect(0);
    assert_eq!(
        counts(&home.synced(&provider, &[]), "Contact"),
        [0, 0, 0, 1_000]
    );
    let said = home
        .tidegate(&["reset", "contacts", "--records"])
        .run()
        .expect(0);
    holds(
        &said.stderr,
        &["contacts of default/local/local", "without records"],
    );
    assert_eq!(
        counts(&home.synced(&provider, &[]), "Contact"),
        [1_000, 0, 0, 0]
    );
    let unknown = home.tidegate(&["reset", "contracts"]).run();
    holds(
        &refused(unknown, Code::NotFound),
        &["contracts", "never ran"],
    );
}

#[test]
fn metadata_is_set_and_merged() {
    let home = Home::new();
    let metadata = |arguments: &[&str]| home.json(&[&["metadata"], arguments].concat()).remove(0);
    assert_eq!(
        metadata(&["--set", r#"{"a":1,"b":{"c":2}}"#]),
        json!({"a": 1, "b": {"c": 2}})
    );
    assert_eq!(metadata(&["--merge", r#"{"b":{"d":3}}"#])["a"], 1);
    assert_eq!(metadata(&["--set", r#"{"a":2}"#]), json!({"a": 2}));
    assert_eq!(metadata(&[]), json!({"a": 2}));
    assert_eq!(metadata(&["--connection", "other"]), json!({}));
}

#[test]
fn check_says_what_a_component_is() {
    let home = Home::with(CHECKPOINT);
    let deployment = home.json(&["check", "sync.wasm"]).remove(0);
    assert_eq!(deployment["manifest"]["name"], "contacts");
    assert_eq!(deployment["bytes"], CHECKPOINT.len());
    assert!(deployment["manifest"]["models"]["Contact"].is_object());
    let said = home.tidegate(&["check", "sync.wasm"]).run().expect(0);
    let digest = deployment["digest"].as_str().unwrap();
    holds(
        &said.stdout,
        &[
            "contacts 1.0.0",
            digest,
            "Contact",
            "128.0 MiB",
            "the connection's own",
        ],
    );
    assert!(!home.path(".tidegate").exists(), "no store is touched");
}

#[test]
fn dev_prints_the_records_and_keeps_nothing() {
    let home = Home::with(CHECKPOINT);
    let provider = Provider::builder()
        .contacts(30, 7)
        .start_blocking()
        .unwrap();
    let dev = [
        "dev",
        "sync.wasm",
        "--no-watch",
        "--base-url",
        &provider.url(),
    ];
    let said = home.tidegate(&dev).run().expect(0);
    assert_eq!(each(&said.json_lines(), "id"), provider.contacts().ids());
    holds(
        &said.stderr,
        &["saved up to", "success", "checkpoint: none"],
    );
    assert!(!home.path(".tidegate").exists());
    let lines = home.json(&[&dev[..], &["--quiet"]].concat());
    assert_eq!(lines.len(), 31, "the records and the run");
    assert_eq!(counts(&lines[30], "Contact"), [30, 0, 0, 0]);
}

#[test]
fn quickstart_shows_four_runs_and_a_post_mortem() {
    let home = Home::new();
    let said = home.tidegate(&["quickstart", "--bundled"]).run().expect(0);
    assert_eq!(said.stdout, "", "it has no data, only words");
    let parts = [
        "1. full-refresh",
        "2. checkpoint",
        "3. accumulate",
        "post-mortem",
        "out of memory",
        "Look around",
    ];
    let places: Vec<usize> = parts
        .iter()
        .filter_map(|part| said.stderr.find(part))
        .collect();
    assert_eq!(places.len(), parts.len(), "{}", said.stderr);
    assert!(places.is_sorted(), "{}", said.stderr);
    assert_eq!(said.stderr.matches(": success\n").count(), 4);
    holds(
        &said.stderr,
        &[
            "of 8.0 MiB",
            "it accumulates pages",
            "pages",
            "waited",
            "checkpoint: none → ",
        ],
    );

    let rows = home.json(&["quickstart", "--bundled"]);
    let expected = [
        ("User", [500, 0, 0, 0]),
        ("User", [3, 12, 4, 484]),
        ("Contact", [20_000, 0, 0, 0]),
    ];
    for (row, (model, figures)) in rows.iter().zip(expected) {
        assert_eq!(counts(row, model), figures);
    }
    assert_eq!(counts(&rows[3], "Contact")[..3], [20, 30, 0]);
    assert_eq!(rows[4]["state"]["ended"]["error"]["code"], "limit.memory");
    assert_eq!(rows.len(), 5);

    home.put("mine/precious", "");
    let kept = home
        .tidegate(&["quickstart", "--bundled", "--folder", "mine"])
        .run();
    holds(&refused(kept, Code::Usage), &["`mine`", "--folder"]);
    assert!(home.path("mine/precious").exists());
}

#[test]
fn build_explains_what_does_not_compile() {
    if component("example-checkpoint").is_none() {
        return;
    }
    let home = Home::new();
    home.put(
        "Cargo.toml",
        "[package]\nname = \"broken\"\nedition = \"2024\"\n[lib]\ncrate-type = [\"cdylib\"]\n",
    );
    home.put("src/lib.rs", "pub fn broken() -> u32 { \"no number\" }\n");
    let ended = home.tidegate(&["build"]).run();
    let words = ended.stderr.clone();
    refused(ended, Code::BuildFailed);
    holds(
        &words,
        &["mismatched types", "src/lib.rs:1", "does not compile"],
    );
}

#[test]
fn build_makes_a_component_of_a_fresh_crate() {
    if component("example-checkpoint").is_none() {
        return;
    }
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let home = Home::new();
    // The same versions as here, so that nothing is fetched.
    home.put(
        "Cargo.lock",
        std::fs::read(project.join("Cargo.lock")).unwrap(),
    );
    home.put("Cargo.toml", manifest(project));
    let source =
        std::fs::read_to_string(project.join("example-syncs/full-refresh/rust/src/lib.rs"))
            .unwrap();
    let (source, _) = source.split_once("#[cfg(test)]").unwrap();
    home.put("src/lib.rs", source);
    let built = home
        .tidegate(&["build"])
        .env("CARGO_NET_OFFLINE", "true")
        // Wherever the tests themselves are built.
        .env("CARGO_TARGET_DIR", home.path("target"))
        .run()
        .expect(0);
    holds(&built.stdout, &["users 1.0.0", "User", "hour"]);
    holds(&built.stderr, &["fresh_sync.wasm`"]);

    let wasm = home.path("target/wasm32-wasip2/release/fresh_sync.wasm");
    let wasm = std::fs::read(wasm).unwrap();
    // A component goes to strangers: it names neither the author's folder nor the place
    // of the libraries it was built from.
    let text = String::from_utf8_lossy(&wasm);
    for place in [
        "/registry/src/".to_owned(),
        home.path("src").display().to_string(),
    ] {
        assert!(!text.contains(&place), "the component names {place}");
    }
    home.put("sync.wasm", &wasm);
    let provider = Provider::builder().users(7, 7).start_blocking().unwrap();
    assert_eq!(counts(&home.synced(&provider, &[]), "User"), [7, 0, 0, 0]);
}

/// The Cargo.toml of somebody's first sync.
fn manifest(project: &Path) -> String {
    let sdk: Value = project.join("guest-sdk/rust").to_string_lossy().into();
    format!(
        r#"[package]
name = "fresh-sync"
version = "0.1.0"
edition = "2024"

[lib]
crate-type = ["cdylib"]

[dependencies]
schemars = {{ version = "1", default-features = false, features = ["derive"] }}
serde = {{ version = "1", features = ["derive"] }}
tidegate-sdk = {{ path = {sdk} }}
"#
    )
}
