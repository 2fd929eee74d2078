//! Everything that an operator does with a host that serves, by commands alone.

use crate::served::{Served, until};
use crate::{CHECKPOINT, each, holds, refused};
use serde_json::{Value, json};
use tidegate::error::Code;
use tidegate_provider::{Fault, Provider, ProviderHandle};

const FULL_REFRESH: &[u8] = include_bytes!("../../host/bundled/full-refresh.wasm");

/// The secret of every connection, sought wherever it must not be.
const SECRET: &str = "kanarie-7c1e";
/// Where a connection's sync is meant.
const OF: &[&str] = &["--integration", "crm", "--connection", "one"];

fn with<'a>(arguments: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [arguments, more].concat()
}

#[test]
fn an_environment_is_added_and_changed_in_parts() {
    let served = Served::with(b"");
    let added = served.add_environment();
    assert!(added["key"]["key"].as_str().unwrap().starts_with("tg_"));
    let set = |more: &[&str]| served.json(&with(&["env", "set", "acme"], more));
    let url = "https://app.example.com/hook";
    // (what is set, where it is seen, what is there then)
    let rows: &[(&[&str], &str, Value)] = &[
        (&["--runs", "3"], "/resources/runs", json!(3)),
        (&["--runs", "4"], "/resources/memory_mib", json!(256)),
        (&["--memory-mib", "300"], "/resources/runs", json!(4)),
        (&["--webhook", url], "/webhooks/primary_url", json!(url)),
        (
            &["--second-webhook", url],
            "/webhooks/primary_url",
            json!(url),
        ),
        (
            &["--webhook", "none"],
            "/webhooks/secondary_url",
            json!(url),
        ),
        (
            &["--webhook-on-unchanged", "true"],
            "/webhooks/primary_url",
            Value::Null,
        ),
        (
            &["--webhook-on-error", "false"],
            "/webhooks/on_unchanged",
            json!(true),
        ),
        (&[], "/webhooks/on_error", json!(false)),
        (
            &["--storage-mib", "64"],
            "/resources/storage_mib",
            json!(64),
        ),
        (&["--runs", "5"], "/resources/storage_mib", json!(64)),
        (
            &["--storage-mib", "none"],
            "/resources/storage_mib",
            Value::Null,
        ),
        (&["--storage-mib", "9"], "/resources/runs", json!(5)),
        (
            &["--prune-after-days", "30", "--erase-after-days", "60"],
            "/retention/prune_after_days",
            json!(30),
        ),
        (
            &["--prune-after-days", "0"],
            "/retention/prune_after_days",
            Value::Null,
        ),
        (&[], "/retention/erase_after_days", json!(60)),
        (
            &["--erase-after-days", "never"],
            "/retention/erase_after_days",
            Value::Null,
        ),
        (
            &["--storage-mib", "0"],
            "/resources/storage_mib",
            Value::Null,
        ),
    ];
    for (more, place, value) in rows {
        let found = set(more);
        let found = found.pointer(place).unwrap_or(&Value::Null);
        assert_eq!(found, value, "{more:?}");
    }
    let wrong = ["env", "set", "acme", "--prune-after-days", "soon"];
    let wrong = served.tidegate(&wrong).run().expect(2);
    holds(&wrong.stderr, &["'soon'", "--prune-after-days", "never"]);
    let flags = [
        "--storage-mib",
        "512",
        "--prune-after-days",
        "7",
        "--egress-kib-per-second",
        "64",
    ];
    let other = served.json(&with(&["env", "add", "other"], &flags));
    assert_eq!(other["resources"]["storage_mib"], 512);
    assert_eq!(other["resources"]["egress_kib_per_second"], 64);
    assert_eq!(other["retention"], json!({ "prune_after_days": 7 }));
    let table = served.tidegate(&["env", "list"]).run().expect(0);
    holds(&table.stdout, &["acme", "300", "stored_bytes", "512"]);
    let unknown = served
        .tidegate(&["env", "set", "acne", "--runs", "1"])
        .run();
    holds(
        &refused(unknown, Code::NotFound),
        &["no environment `acne`", "tidegate env list"],
    );
}

#[test]
fn an_environment_gets_another_signing_key_and_is_removed_when_it_is_empty() {
    let provider = Provider::builder().users(1, 7).start_blocking().unwrap();
    let served = Served::with(b"");
    let added = served.add_environment();
    let key = |shown: &Value| shown["signing_key"].as_str().unwrap().to_owned();
    let fresh = key(&served.json(&["env", "signing-key", "acme"]));
    assert!(fresh.starts_with("tgw_"), "{fresh}");
    assert_ne!(fresh, key(&added));
    let remove = || served.tidegate(&["env", "remove", "acme"]).run();
    served.integrate("crm", &provider, &[]);
    served.json(&["connection", "set", "crm", "one"]);
    // (what is taken away, what is named that keeps the environment until then)
    let rows: [(&[&str], &[&str]); 2] = [
        (
            &["connection", "remove", "crm", "one"],
            &["1 connections", "`crm/one`", "remove them first"],
        ),
        (
            &["integration", "remove", "crm"],
            &["1 integrations", "`crm`", "remove them first"],
        ),
    ];
    for (taken, says) in rows {
        holds(&refused(remove(), Code::InvalidArgument), says);
        served.json(taken);
    }
    holds(&remove().expect(0).stdout, &["removed: acme"]);
    holds(
        &refused(remove(), Code::NotFound),
        &["no environment `acme`"],
    );
    let call = served
        .tidegate(&["key", "list"])
        .env("TIDEGATE_KEY", added["key"]["key"].as_str().unwrap());
    holds(
        &refused(call.run(), Code::ConfigInvalid),
        &["unknown_account"],
    );
    // Whoever has the name next begins with nothing.
    served.add_environment();
    let listed = served.json(&["key", "list"]);
    assert_eq!(listed["keys"].as_array().unwrap().len(), 1, "{listed}");
}

#[test]
fn keys_are_made_taken_in_and_revoked() {
    let served = Served::with(b"");
    served.add_environment();
    let key = "3d1f0c52-9a77-4e0b-b6f3-0a5d2c9e8f41";
    served.home.put("key.txt", format!("{key}\n"));
    let taken = served.json(&["key", "add", "app", "--import-file", "key.txt"]);
    assert!(!taken.to_string().contains(key), "{taken}");
    let made = served.json(&["key", "add", "reader", "--scopes", "read"]);
    // Each opens what it is for, and says so where it does not.
    for (key, is_open) in [(key, true), (made["key"].as_str().unwrap(), false)] {
        let call = |arguments: &[&str]| served.acme(arguments).env("TIDEGATE_KEY", key).run();
        let listed = call(&["runs", "--served", "--json"]).expect(0);
        assert_eq!(listed.stdout, "");
        let trigger = call(&["trigger", "--integration", "crm"]);
        match is_open {
            true => holds(
                &refused(trigger, Code::InvalidArgument),
                &["unknown_provider_config", "`crm`"],
            ),
            false => holds(&refused(trigger, Code::ConfigInvalid), &["forbidden"]),
        }
    }
    let id = made["id"].as_str().unwrap();
    assert!(!served.json(&["key", "revoke", id])["revoked"].is_null());
    let call = served
        .acme(&["runs", "--served"])
        .env("TIDEGATE_KEY", made["key"].as_str().unwrap());
    holds(
        &refused(call.run(), Code::ConfigInvalid),
        &["unknown_account", "401"],
    );
    let listed = served.json(&["key", "list"]);
    let names: Vec<&str> = each(listed["keys"].as_array().unwrap(), "name");
    assert!(
        names.contains(&"app") && names.contains(&"reader"),
        "{names:?}"
    );
}

/// How a provider is told who asks: the flags, the credentials, and the header it wants.
type Scheme = (
    &'static [&'static str],
    &'static [(&'static str, &'static str)],
    (&'static str, &'static str),
);

const SCHEMES: &[Scheme] = &[
    (
        &["--auth", "bearer"],
        &[("token", SECRET)],
        ("authorization", "Bearer kanarie-7c1e"),
    ),
    (
        &["--auth", "basic"],
        &[("username", "u"), ("password", SECRET)],
        ("authorization", "Basic dTprYW5hcmllLTdjMWU="),
    ),
    (
        &["--auth", "header:X-Api-Key"],
        &[("key", SECRET)],
        ("x-api-key", SECRET),
    ),
    (
        &[
            "--auth",
            "headers",
            "--auth-header",
            "X-Own=Token {{a}}/{{b}}",
        ],
        &[("a", "1"), ("b", SECRET)],
        ("x-own", "Token 1/kanarie-7c1e"),
    ),
    (
        &[
            "--auth",
            "oauth2-client-credentials",
            "--oauth-scope",
            "read",
        ],
        &[("client_id", "c"), ("client_secret", SECRET)],
        ("authorization", "Bearer access-1"),
    ),
    (
        &["--auth", "oauth2-refresh"],
        &[
            ("client_id", "c"),
            ("client_secret", SECRET),
            ("refresh_token", "r"),
        ],
        ("authorization", "Bearer access-1"),
    ),
];

/// A provider that wants a header, and hands out one token for it.
fn provider((name, value): (&str, &str)) -> ProviderHandle {
    let builder = Provider::builder().users(7, 7).require_header(name, value);
    let provider = builder.start_blocking().unwrap();
    let token = json!({ "access_token": "access-1", "token_type": "Bearer", "expires_in": 3600 });
    let answer = Fault::Answer {
        status: 200,
        headers: vec![("content-type".into(), "application/json".into())],
        body: token.to_string().into_bytes(),
    };
    provider.faults().next("/token", answer, 1);
    provider
}

#[test]
fn every_scheme_is_set_up_from_the_command_line_and_reaches_the_provider() {
    let served = Served::with(FULL_REFRESH);
    served.add_environment();
    for (number, (auth, credentials, header)) in SCHEMES.iter().enumerate() {
        println!("{auth:?}");
        let provider = provider(*header);
        let name = format!("crm{number}");
        let token_url = format!("{}/token", provider.url());
        let of_oauth = ["--token-url", &token_url];
        let is_oauth = auth[1].starts_with("oauth2");
        let flags = with(auth, if is_oauth { &of_oauth } else { &[] });
        served.integrate(&name, &provider, &flags);

        let lacking = served.acme(&["connection", "set", &name, "one", "--credentials", "less"]);
        served.home.put("less", "{}");
        let (last, _) = credentials.last().unwrap();
        holds(
            &refused(lacking.run(), Code::InvalidArgument),
            &["credentials lack", &name],
        );

        let all: serde_json::Map<String, Value> = credentials
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).into()))
            .collect();
        let set = ["connection", "add", &name, "one"];
        let shown = match number % 3 {
            0 => served.json_of(
                &with(&set, &["--credentials", "-"]),
                &json!(all).to_string(),
            ),
            1 => {
                let pairs: Vec<String> = credentials
                    .iter()
                    .map(|(name, _)| format!("{name}={}", name.to_uppercase()))
                    .collect();
                let mut call = served.acme(&set).arg("--json");
                for (pair, (name, value)) in pairs.iter().zip(*credentials) {
                    call = call.arg("--credential-env").arg(pair);
                    call = call.env(&name.to_uppercase(), value);
                }
                call.run().expect(0).json()
            }
            _ => {
                // One from stdin, the others from files.
                let mut flags = Vec::new();
                for (name, value) in *credentials {
                    served.home.put(name, format!("{value}\n"));
                    let place = if name == last { "-" } else { name };
                    flags.extend(["--credential-file".to_owned(), format!("{name}={place}")]);
                }
                let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
                let (_, value) = credentials.last().unwrap();
                served.json_of(&with(&set, &flags), &format!("{value}\n"))
            }
        };
        assert_eq!(shown["has_credentials"], true);
        assert!(!shown.to_string().contains(SECRET), "{shown}");
        let whole = served.json(&["connection", "show", &name, "one"]);
        assert!(!whole.to_string().contains(SECRET), "{whole}");

        served.json(&["deploy", "sync.wasm", "--integration", &name]);
        let run = served.ended(&name, "users", 1);
        assert_eq!(run["state"]["ended"]["state"], "success", "{run}");
        assert_eq!(run["counts"]["User"]["added"], 7);
    }
}

#[test]
fn releases_are_planned_made_pinned_and_taken_back() {
    let provider = Provider::builder().users(7, 7).start_blocking().unwrap();
    let served = Served::with(FULL_REFRESH);
    served.add_environment();
    served.integrate("crm", &provider, &[]);
    served.json(&["connection", "set", "crm", "one"]);
    let deploy = ["deploy", "sync.wasm", "--integration", "crm"];
    let plan = served.acme(&with(&deploy, &["--dry-run"])).run().expect(0);
    holds(
        &plan.stdout,
        &["plan.sync: users", "plan.connections: 1", "released: false"],
    );
    let nothing = served.acme(&["releases"]).run().expect(0);
    assert_eq!(nothing.stdout, "");
    let released = served.json(&deploy);
    let digest = released["plan"]["digest"].as_str().unwrap();
    let listed = served.json(&["releases", "--integration", "crm"]);
    assert_eq!(listed["deployments"][0]["digest"], digest);

    let pin = with(&["pin", "users"], OF);
    let pinned = served.json(&with(&pin, &["--digest", digest]));
    assert_eq!(pinned["pinned"], digest);
    assert_eq!(served.json(&with(&pin, &["--lift"]))["pinned"], Value::Null);
    let other = "0".repeat(digest.len());
    let refusal = served.acme(&with(&pin, &["--digest", &other])).run();
    holds(
        &refused(refusal, Code::NotFound),
        &[&other, "never released", "crm"],
    );
    let back = served.acme(&["rollback", "users", "--integration", "crm"]);
    assert_ne!(back.run().code(), Some(0), "there is none before");
}

#[test]
fn syncs_are_steered_and_read() {
    let provider = Provider::builder().users(450, 7).start_blocking().unwrap();
    let served = Served::with(FULL_REFRESH);
    served.set_up(&provider);
    served.ended("crm", "users", 1);

    // What an app would read is what the provider has; a reader goes on from its cursor.
    let records = with(&["records", "User", "--served", "--all"], OF);
    let mut lines = served.lines(&records);
    let end = lines.pop().unwrap();
    assert_eq!(each(&lines, "id"), provider.users().ids());
    assert_eq!(lines[0]["action"], "ADDED");
    let cursor = end["cursor"].as_str().unwrap();
    assert_eq!(end["more"], false);
    let later = served.lines(&with(&records, &["--cursor", cursor]));
    assert_eq!(later, [json!({ "cursor": cursor, "more": false })]);
    let some = with(
        &["records", "User", "--served", "--limit", "3", "--bodies"],
        OF,
    );
    let bodies = served.lines(&some);
    assert_eq!((bodies.len(), &bodies[0]), (3, &lines[0]["record"]));
    assert!(bodies[0].get("_nango_metadata").is_none());
    let none = served.lines(&with(&records, &["--filter", "deleted"]));
    assert_eq!(none.len(), 1, "{none:?}");

    // Records that were read lose their content, and no change is told of it.
    let third = served.lines(&with(&["records", "User", "--served", "--limit", "3"], OF));
    let third = third.last().unwrap()["cursor"].as_str().unwrap();
    for (until, pruned) in [
        (&["--until", third][..], 3),
        (&["--until", third], 0),
        (&["--all"], 447),
        (&["--all"], 0),
    ] {
        let prune = with(&["prune", "User"], OF);
        let shown = served.json(&with(&prune, until));
        assert_eq!(shown["pruned"], pruned, "{until:?}: {shown}");
    }
    let later = served.lines(&with(&records, &["--cursor", cursor]));
    assert_eq!(later.len(), 1, "{later:?}");
    let none = served.json(&with(&["prune", "Nothing", "--all"], OF));
    assert_eq!(none, json!({ "pruned": 0, "until": null }));

    let models = served.lines(&with(&["records", "--served"], OF));
    assert_eq!(models, [json!({ "model": "User", "sync": "users" })]);
    // The store itself is the host's.
    for command in [&["runs"][..], &["records"]] {
        let message = refused(served.home.tidegate(command).run(), Code::StoreLocked);
        holds(&message, &[&served.process().to_string(), "--served"]);
    }

    let often = with(&["frequency", "users", "every 2 hours"], OF);
    assert_eq!(served.json(&often)["frequency"], "2 hours");
    let own = with(&["frequency", "users", "--own"], OF);
    assert_eq!(served.json(&own)["frequency"], "hour");
    let wrong = served.acme(&with(&["frequency", "users", "sometimes"], OF));
    holds(
        &refused(wrong.run(), Code::InvalidArgument),
        &["frequency", "sometimes"],
    );

    let variant = |what, name| with(&["variant", what, "users", name], OF);
    served.json(&variant("add", "eu"));
    served.json(&with(&["pause", "users::eu"], OF));
    let status = |name| served.json(&with(&["status", name], OF))["syncs"].clone();
    // Its first run may still be under way.
    until("the variant is paused", || {
        (status("users::eu")[0]["status"] == "PAUSED").then_some(())
    });
    assert_eq!(status("*").as_array().unwrap().len(), 2);
    let twice = served.acme(&variant("add", "eu")).run();
    holds(
        &refused(twice, Code::InvalidArgument),
        &["sync_variant_already_exists"],
    );
    served.json(&variant("remove", "eu"));
    assert_eq!(status("*").as_array().unwrap().len(), 1);

    served.json(&with(&["pause", "users"], OF));
    assert_eq!(status("users")[0]["status"], "PAUSED");
    served.json(&with(&["start", "users"], OF));
    served.ended("crm", "users", 2);
    let asked = served.json(&with(&["trigger", "users", "--from", "nothing"], OF));
    assert_eq!(asked["queued"], 1);
    let run = served.ended("crm", "users", 3);
    assert_eq!(run["counts"]["User"]["added"], 450, "{run}");

    let id = run["id"].as_str().unwrap();
    let shown = served.acme(&["runs", id, "--served"]).run().expect(0);
    holds(&shown.stdout, &["saved a page", "450", "checkpoint: none"]);
    let logs = served.acme(&["logs", id]).run().expect(0);
    assert_eq!(logs.stdout.matches("saved a page").count(), 3);
    let newest = served.acme(&with(&["logs", "--sync", "users"], OF));
    assert_eq!(newest.run().expect(0).stdout, logs.stdout);
}

#[test]
fn a_connection_is_changed_in_parts_and_has_metadata() {
    let provider = Provider::builder().users(1, 7).start_blocking().unwrap();
    let served = Served::with(b"");
    served.add_environment();
    served.integrate("crm", &provider, &["--auth", "bearer"]);
    let set = |more: &[&str]| served.json(&with(&["connection", "set", "crm", "one"], more));
    let url = "https://app.example.com/hook";
    served.home.put("token", SECRET);
    let rows: &[(&[&str], &str, Value)] = &[
        (
            &["--credential-file", "token=token"],
            "/has_credentials",
            json!(true),
        ),
        (
            &["--tag", "team=7", "--tag", "x=y=z"],
            "/tags/x",
            json!("y=z"),
        ),
        (&["--webhook", url], "/tags/team", json!("7")),
        (&["--end-user", r#"{"id":"9"}"#], "/webhook_url", json!(url)),
        (&["--webhook", "none"], "/end_user/id", json!("9")),
        (&["--config", r#"{"a":1}"#], "/webhook_url", Value::Null),
        (&[], "/config/a", json!(1)),
        (&[], "/has_credentials", json!(true)),
    ];
    for (more, place, value) in rows {
        let found = set(more);
        let found = found.pointer(place).unwrap_or(&Value::Null);
        assert_eq!(found, value, "{more:?}");
    }
    let metadata =
        |more: &[&str]| served.json(&with(&["connection", "metadata", "crm", "one"], more));
    assert_eq!(metadata(&[]), json!({}));
    assert_eq!(metadata(&["--set", r#"{"a":1}"#]), json!({ "a": 1 }));
    let merged = metadata(&["--merge", r#"{"b":2}"#]);
    assert_eq!(merged, json!({ "a": 1, "b": 2 }));
    assert_eq!(
        served.json(&["connection", "show", "crm", "one"])["metadata"],
        merged
    );

    // Lists go on from page to page.
    for id in ["two", "three"] {
        served.json(&["connection", "set", "crm", id]);
    }
    let list = |more: &[&str]| served.json(&with(&["connection", "list"], more));
    let first = list(&["--limit", "2"]);
    assert_eq!(
        each(first["connections"].as_array().unwrap(), "connection"),
        ["one", "two"]
    );
    let after = first["next"].as_str().unwrap();
    let second = list(&["--after", after, "--integration", "crm"]);
    assert_eq!(
        each(second["connections"].as_array().unwrap(), "connection"),
        ["three"]
    );
    assert_eq!(list(&["--all"])["connections"].as_array().unwrap().len(), 3);
    let words = served
        .acme(&["connection", "list", "--limit", "1"])
        .run()
        .expect(0);
    holds(&words.stderr, &["more with --after"]);
    let kept = served.acme(&["integration", "remove", "crm"]).run();
    holds(
        &refused(kept, Code::InvalidArgument),
        &["`crm` has 3 connections"],
    );
    for id in ["one", "two", "three"] {
        served.json(&["connection", "remove", "crm", id]);
    }
    served.json(&["integration", "remove", "crm"]);
    assert_eq!(
        served.json(&["integration", "list"])["integrations"],
        json!([])
    );
}

#[test]
fn webhooks_that_are_over_are_listed_and_sent_again() {
    let app = Provider::builder().start_blocking().unwrap();
    let provider = Provider::builder().contacts(3, 7).start_blocking().unwrap();
    let served = Served::with(CHECKPOINT);
    served.add_environment();
    // Without leave no webhook goes to a loopback address: it is tried in vain and kept.
    let url = format!("{}/echo", app.url());
    served.json(&["env", "set", "acme", "--webhook", &url]);
    served.integrate("crm", &provider, &[]);
    served.json(&["connection", "set", "crm", "one"]);
    served.json(&["deploy", "sync.wasm", "--integration", "crm"]);
    served.ended("crm", "contacts", 1);
    let list = |more: &[&str]| served.json(&with(&["webhooks", "list"], more));
    let waiting = crate::served::until("it was tried", || {
        let found = list(&[])["webhooks"][0].clone();
        (found["attempts"].as_u64() > Some(0)).then_some(found)
    });
    let id = waiting["id"]
        .as_str()
        .map_or_else(|| waiting["id"].to_string(), str::to_owned);
    let again = served.json(&["webhooks", "replay", &id]);
    assert_eq!(again["id"], waiting["id"]);
    assert_eq!(list(&["--over"])["webhooks"], json!([]));
    assert!(app.requests().is_empty());
    let unknown = served.acme(&["webhooks", "replay", "nonsense"]).run();
    assert_ne!(unknown.code(), Some(0));
}

/// A mistake with a host that serves: the arguments, the code, and what the message says.
type Row = (&'static [&'static str], Code, &'static [&'static str]);

const MISTAKES: &[Row] = &[
    (
        &["env", "list", "--host", "http://127.0.0.1:1"],
        Code::ProviderConnect,
        &["no answer from http://127.0.0.1:1", "tidegate serve"],
    ),
    (
        &["env", "list", "--key-file", "nowhere"],
        Code::ConfigInvalid,
        &["no key", "TIDEGATE_KEY", "nowhere"],
    ),
    (&["env", "add", "a b"], Code::InvalidArgument, &["name"]),
    (
        &["key", "add", "x", "--scopes", "all"],
        Code::InvalidArgument,
        &["scopes", "`all`"],
    ),
    (
        &["key", "add", "x", "--import-env", "NOT_SET"],
        Code::Usage,
        &["`NOT_SET`", "not set"],
    ),
    (
        &["integration", "set", "x", "--auth", "oauth2-refresh"],
        Code::Usage,
        &["needs --token-url"],
    ),
    (
        &["integration", "set", "x", "--base-url", "nope"],
        Code::InvalidArgument,
        &["`nope`", "`x`"],
    ),
    (
        &["connection", "set", "nope", "one"],
        Code::NotFound,
        &["integration", "`nope`"],
    ),
    (
        &[
            "connection",
            "set",
            "crm",
            "one",
            "--credential-env",
            "token",
        ],
        Code::Usage,
        &["--credential-env `token`", "NAME=VAR"],
    ),
    (
        &[
            "connection",
            "set",
            "crm",
            "one",
            "--credentials",
            "secret.txt",
        ],
        Code::Usage,
        &["`secret.txt`", "JSON object of texts"],
    ),
    (
        &[
            "connection",
            "set",
            "crm",
            "one",
            "--credential-file",
            "a=-",
            "--credential-file",
            "b=-",
        ],
        Code::Usage,
        &["only one", "--credentials -"],
    ),
    (
        &["connection", "metadata", "crm", "one", "--set", "7"],
        Code::Usage,
        &["--set `7`", "not a JSON object"],
    ),
    (
        &["connection", "show", "crm", "nobody"],
        Code::NotFound,
        &["`nobody`"],
    ),
    (
        &["deploy", "missing.wasm", "--integration", "crm"],
        Code::NotFound,
        &["`missing.wasm`", "tidegate build"],
    ),
    (
        &["deploy", "secret.txt", "--integration", "crm"],
        Code::ComponentRejected,
        &["WebAssembly"],
    ),
    (
        &["logs", "00000000000000000000000000"],
        Code::NotFound,
        &["no run"],
    ),
    (
        &[
            "logs",
            "--sync",
            "users",
            "--integration",
            "crm",
            "--connection",
            "one",
        ],
        Code::NotFound,
        &["no run of this sync", "tidegate status"],
    ),
    (
        &[
            "prune",
            "User",
            "--all",
            "--integration",
            "crm",
            "--connection",
            "nobody",
        ],
        Code::InvalidArgument,
        &["unknown_connection"],
    ),
    (
        &["status", "--integration", "nope"],
        Code::InvalidArgument,
        &["unknown_provider_config"],
    ),
    (
        &[
            "records",
            "User",
            "--served",
            "--connection",
            "nobody",
            "--integration",
            "crm",
        ],
        Code::InvalidArgument,
        &["unknown_connection"],
    ),
];

#[test]
fn a_mistake_is_named_with_what_to_do() {
    let provider = Provider::builder().users(1, 7).start_blocking().unwrap();
    let served = Served::with(b"");
    served.add_environment();
    served.integrate("crm", &provider, &[]);
    served.home.put("secret.txt", SECRET);
    for (arguments, code, says) in MISTAKES {
        println!("tidegate {}", arguments.join(" "));
        let message = refused(served.acme(arguments).run(), *code);
        holds(&message, says);
        assert!(!message.contains(SECRET), "{message}");
        let json = served.acme(arguments).arg("--json").run();
        holds(&refused(json, *code), says);
    }
}
