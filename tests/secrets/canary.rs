//! The canary: secrets of a connection that are like no other text, looked for in
//! everything that leaves the host or stays on its disk.

use crate::host::{CONNECTION, ENVIRONMENT, Host};
use crate::sinks::Sinks;
use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use tidegate_provider::{Fault, Provider, ProviderHandle};
use tidegate_tests::Tidegate;
use tidegate_tests::app::{App, Reply};
use tidegate_tests::service::Body;

/// The token that the provider asks for, of one connection a credential and of the other
/// given for its refresh token. With characters that are encoded in URLs.
const TOKEN: &str = "kanarie+token/4b7c19e05d";
const CLIENT_SECRET: &str = "kanarie+client/8812fa63b0";
const REFRESH_TOKEN: &str = "kanarie+refresh/1d60c7e2aa";
/// What the provider gives in place of it.
const NEXT_REFRESH_TOKEN: &str = "kanarie+next/93e1f5b874";
/// What a guest has filled in by name, into its query and into its body.
const PIN: &str = "kanarie+pin/5fd07a11c9";
const CANARIES: [&str; 5] = [TOKEN, CLIENT_SECRET, REFRESH_TOKEN, NEXT_REFRESH_TOKEN, PIN];

/// Stands in a record beside the canary: it must be found, or the search is blind.
const WITNESS: &str = "witness-7e2b90c4d1";
/// The sync, bundled with the program so that no target is needed.
const FULL_REFRESH: &[u8] = include_bytes!("../../host/bundled/full-refresh.wasm");
/// How the integrations of the test are authenticated.
const PLAIN: &str = "plain";
const GRANTED: &str = "granted";
/// Its key goes into the query.
const QUERIED: &str = "queried";
/// Its guest names its secret itself.
const FILLED: &str = "filled";
/// The component whose behaviour is in the connection's config.
const GUEST: &str = "tidegate-test-guests";

/// Queries with which every route is asked; a route refuses those that are not its own.
const QUERIES: &[&str] = &[
    "",
    "?model=User",
    "?provider_config_key=plain",
    "?syncs=users&provider_config_key=plain&connection_id=acme",
    "?state=over",
    "?state=waiting",
];
/// Routes that must have answered, or nothing was looked at.
const MUST_ANSWER: &[&str] = &[
    "/records",
    "/v1/records/stream",
    "/v1/records/poll",
    "/sync/status",
    "/connections",
    "/connection/{id}",
    "/integrations",
    "/scripts/config",
    "/v1/connections",
    "/v1/integrations",
    "/v1/environments",
    "/v1/keys",
    "/v1/deployments",
    "/v1/runs",
    "/v1/runs/{id}",
    "/v1/runs/{id}/log",
    "/v1/webhooks",
];

fn json_answer(status: u16, body: &serde_json::Value) -> Fault {
    Fault::Answer {
        status,
        headers: vec![("content-type".into(), "application/json".into())],
        body: body.to_string().into_bytes(),
    }
}

/// What is asked with the secret, told back with it.
fn echo_pin() -> Fault {
    let percent: String = url::form_urlencoded::byte_serialize(PIN.as_bytes()).collect();
    json_answer(400, &json!({ "error": PIN, "asked": percent }))
}

/// A page of users in which the provider echoes the token in each way that it can.
fn echo() -> Fault {
    let percent: String = url::form_urlencoded::byte_serialize(TOKEN.as_bytes()).collect();
    let members = json!([
        { "id": "raw", "name": TOKEN, "real_name": WITNESS },
        { "id": "base64", "name": STANDARD.encode(TOKEN), "real_name": WITNESS },
        { "id": "percent", "name": percent, "real_name": WITNESS },
    ]);
    let page =
        json!({ "ok": true, "members": members, "response_metadata": { "next_cursor": "" } });
    json_answer(200, &page)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_canary_is_found_anywhere() -> Result<()> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let provider = Provider::builder()
        .users(20, 7)
        .require_header("authorization", &format!("Bearer {TOKEN}"))
        .start()
        .await?;
    let app = App::start(|_, _| Reply::Status(200)).await;
    let host = Host::start(&format!("http://127.0.0.1:{}", app.port())).await?;
    let key = set_up(&host, &app.url("/hook"), &provider.url()).await?;

    // Runs that go well while the provider echoes; one of them asks for its token first.
    let faults = provider.faults();
    // As often as they like: a new connection may run by itself and once more when asked.
    faults.next("/users", echo(), 1_000);
    let granted = json!({
        "access_token": TOKEN, "refresh_token": NEXT_REFRESH_TOKEN,
        "token_type": "bearer", "expires_in": 3_600,
    });
    faults.next("/token", json_answer(200, &granted), 1);
    for integration in [PLAIN, GRANTED, QUERIED] {
        connect(&host, integration).await?;
        host.trigger(integration).await?;
    }
    host.until("both connections run well", async || {
        let runs = host.ended(true).await?;
        let ran = |name: &&str| {
            let of = |run: &Value| run["key"]["connection"]["integration"] == **name;
            runs.iter().any(of)
        };
        Ok([PLAIN, GRANTED, QUERIED].iter().all(ran))
    })
    .await?;
    faults.clear();

    // A guest that has its secret filled in, at a provider that tells it back.
    fill(&host, &provider).await?;
    faults.clear();

    // A run that fails with the token in the provider's message.
    let refusal = json!({ "error": TOKEN, "message": format!("the token {TOKEN} is bad") });
    faults.next("/users", json_answer(401, &refusal), 1);
    host.trigger(PLAIN).await?;
    host.until("a run is refused", async || {
        Ok(failed(&host, PLAIN).await? >= 1)
    })
    .await?;
    // A token that is refused, with everything echoed.
    let refusal = json!({ "error": REFRESH_TOKEN, "error_description": CANARIES });
    faults.next("/token", json_answer(400, &refusal), 1);
    credentials(&host, GRANTED).await?;
    host.trigger(GRANTED).await?;
    host.until("a token is refused", async || {
        Ok(host.stderr().contains("a run could not be made"))
    })
    .await?;
    // And a provider that is gone.
    drop(provider);
    host.trigger(PLAIN).await?;
    host.until("a run finds nobody", async || {
        Ok(failed(&host, PLAIN).await? >= 2)
    })
    .await?;
    host.until("the app is told", async || Ok(app.count() >= 3))
        .await?;

    let mut sinks = Sinks::default();
    read_every_route(&host, &key, &mut sinks).await?;
    for (at, received) in app.received().iter().enumerate() {
        sinks.add(format!("webhook {at}"), received.raw.to_vec());
        sinks.add(
            format!("webhook {at} headers"),
            format!("{:?}", received.headers),
        );
    }
    let (ended, folder) = host.stop().await?;
    let log = ended.stderr.clone();
    sinks.add("stdout", ended.stdout);
    sinks.add("stderr", ended.stderr);
    read_commands(folder.path(), &mut sinks)?;
    sinks.add_folder(folder.path())?;

    // The search sees: the record is in an answer, in the store and in the backup.
    let seen = sinks.find(WITNESS);
    for place in ["/records", "backup", "store"] {
        let is_there = |name: &String| name.contains(place);
        assert!(seen.iter().any(is_there), "{place} is not in {seen:?}");
    }
    // The echo came, and was blotted out on its way.
    let records = sinks
        .names()
        .find(|name| name.contains("/records?model=User") && name.starts_with("operator"));
    let records = sinks.text(records.context("records were not read")?)?;
    assert!(records.contains(&"*".repeat(TOKEN.len())), "{records}");
    // The logs of runs tell of exchanges, and those were looked through.
    let is_log = |name: &&str| name.ends_with("/log: 200");
    let logs: Vec<String> = sinks
        .names()
        .filter(is_log)
        .map(|name| sinks.text(name))
        .collect::<Result<_>>()?;
    for exchange in ["/users?", "/pin?pin="] {
        let told = |log: &String| log.contains("\"exchange\":{") && log.contains(exchange);
        let is_needed = exchange != "/pin?pin=" || tidegate_tests::component(GUEST).is_some();
        assert!(!is_needed || logs.iter().any(told), "{exchange}: {logs:?}");
    }
    // What was refused is told by whose it is and what to do.
    let line = log
        .lines()
        .find(|line| line.contains("a run could not be made"));
    let line = line.context("the log has no such line")?;
    assert!(
        line.contains(&format!("{ENVIRONMENT}/{GRANTED}/{CONNECTION}")),
        "{line}"
    );
    assert!(
        line.contains("set the connection's credentials anew"),
        "{line}"
    );
    for canary in CANARIES {
        assert_eq!(sinks.find(canary), Vec::<String>::new(), "{canary}");
    }
    Ok(())
}

/// An environment with two integrations; answers its key.
async fn set_up(host: &Host, hook: &str, provider: &str) -> Result<String> {
    let body = json!({
        "name": ENVIRONMENT,
        "resources": { "memory_mib": 256, "runs": 2 },
        "webhooks": { "primary_url": hook, "on_unchanged": true },
    });
    let made = host
        .set(Method::POST, "/v1/environments", Body::Json(body))
        .await?;
    let token_url = format!("{provider}/token");
    for (name, auth) in [
        (PLAIN, json!({ "type": "bearer" })),
        (
            GRANTED,
            json!({ "type": "oauth2_refresh", "token_url": token_url }),
        ),
        (
            QUERIED,
            json!({ "type": "api_key_query", "parameter": "k" }),
        ),
    ] {
        let integration = json!({ "base_url": provider, "allow_http": true, "auth": auth });
        let path = format!("/v1/integrations/{name}");
        host.set(Method::PUT, &path, Body::Json(integration))
            .await?;
        let path = format!("/v1/deployments?integration={name}");
        host.set(Method::POST, &path, Body::Component(FULL_REFRESH))
            .await?;
    }
    let key = made["key"]["key"].as_str().context("no key")?;
    Ok(key.to_owned())
}

/// Runs that name the secret in the query and in the body, where the guest can be built.
async fn fill(host: &Host, provider: &ProviderHandle) -> Result<()> {
    let Some(component) = tidegate_tests::component(GUEST) else {
        return Ok(());
    };
    let integration = json!({
        "base_url": provider.url(), "allow_http": true,
        "placeholders": { "pin": ["body", "query"] },
    });
    let path = format!("/v1/integrations/{FILLED}");
    host.set(Method::PUT, &path, Body::Json(integration))
        .await?;
    let path = format!("/v1/deployments?integration={FILLED}");
    host.set(Method::POST, &path, Body::Component(&component))
        .await?;
    provider.faults().next("/pin", echo_pin(), 1_000);
    for (id, config) in [
        (
            "in-query",
            json!({ "behaviour": "fetches", "url": "/pin?pin={{secret.pin}}" }),
        ),
        (
            "in-body",
            json!({ "behaviour": "fetches", "url": "/pin", "body": { "pin": "{{secret.pin}}" } }),
        ),
    ] {
        let path = format!("/v1/connections/{FILLED}/{id}");
        let body = json!({ "credentials": { "pin": PIN }, "config": config });
        host.set(Method::PUT, &path, Body::Json(body)).await?;
        let body = json!({
            "syncs": ["guest"], "provider_config_key": FILLED, "connection_id": id,
        });
        host.set(Method::POST, "/sync/trigger", Body::Json(body))
            .await?;
    }
    host.until("both secrets are sent", async || {
        let seen = provider.requests();
        let queries = seen.iter().filter(|seen| seen.path == "/pin");
        Ok(queries.clone().any(|seen| seen.query.is_empty())
            && queries
                .clone()
                .any(|seen| seen.param("pin").as_deref() == Some(PIN)))
    })
    .await?;
    host.until("both runs are over", async || {
        Ok(failed(host, FILLED).await? >= 2)
    })
    .await
}

/// How many runs of an integration ended otherwise than well.
async fn failed(host: &Host, integration: &str) -> Result<usize> {
    let runs = host.ended(false).await?;
    let own = |run: &&Value| run["key"]["connection"]["integration"] == integration;
    Ok(runs.iter().filter(own).count())
}

async fn connect(host: &Host, integration: &str) -> Result<()> {
    credentials(host, integration).await
}

async fn credentials(host: &Host, integration: &str) -> Result<()> {
    let credentials = match integration {
        PLAIN => json!({ "token": TOKEN }),
        QUERIED => json!({ "key": TOKEN }),
        _ => json!({
            "client_id": "known to all",
            "client_secret": CLIENT_SECRET,
            "refresh_token": REFRESH_TOKEN,
        }),
    };
    let path = format!("/v1/connections/{integration}/{CONNECTION}");
    let body = Body::Json(json!({ "credentials": credentials }));
    host.set(Method::PUT, &path, body).await?;
    Ok(())
}

/// Every route of the API, asked with GET in every way.
async fn read_every_route(host: &Host, key: &str, sinks: &mut Sinks) -> Result<()> {
    let runs = [host.ended(true).await?, host.ended(false).await?].concat();
    let mut ids: Vec<&str> = runs.iter().filter_map(|run| run["id"].as_str()).collect();
    ids.push(CONNECTION);
    let mut answered = BTreeSet::new();
    for route in routes(host).await? {
        let ids: &[&str] = if route.contains("{id}") { &ids } else { &[""] };
        for id in ids {
            let name = if route.contains("environments") {
                ENVIRONMENT
            } else {
                PLAIN
            };
            let path = route
                .replace("{id}", id)
                .replace("{name}", name)
                .replace("{key}", PLAIN)
                .replace("{integration}", PLAIN);
            for query in QUERIES {
                for (who, key) in [("operator", host.operator_key()?), ("app", key.to_owned())] {
                    let asked = format!("{path}{query}");
                    let (status, body) = host.send(Method::GET, &asked, &key).await?;
                    if status == 200 {
                        answered.insert(route.clone());
                    }
                    sinks.add(format!("{who}: GET {asked}: {status}"), body);
                }
            }
        }
    }
    for route in MUST_ANSWER {
        assert!(
            answered.contains(*route),
            "{route} never answered: {answered:?}"
        );
    }
    Ok(())
}

/// The paths that the host's own document names: those of its router.
async fn routes(host: &Host) -> Result<BTreeSet<String>> {
    let (_, document) = host.send(Method::GET, "/openapi.json", "").await?;
    let document: Value = serde_json::from_str(&document)?;
    let paths = document["paths"].as_object().context("paths")?;
    Ok(paths.keys().cloned().collect())
}

/// What commands print about the store that the host left.
fn read_commands(folder: &Path, sinks: &mut Sinks) -> Result<()> {
    let file = folder.join("backup");
    let backup = file.to_str().context("the folder's name is text")?;
    for arguments in [
        &["config", "show"][..],
        &["config", "show", "--origin", "--json"],
        &["master-key", "list"],
        &["runs"],
        &["runs", "--json"],
        &["backup", backup],
    ] {
        let ended = Tidegate::new(arguments)
            .folder(folder)
            .env("TIDEGATE_LOG", "trace")
            .run()
            .expect(0);
        let name = arguments.join(" ");
        sinks.add(format!("`{name}` stdout"), ended.stdout);
        sinks.add(format!("`{name}` stderr"), ended.stderr);
    }
    Ok(())
}

/// A key that is added offline takes over at the next start, and what was sealed before
/// still opens: the command's words, the host's and the API's agree.
#[test]
fn a_new_master_key_is_listed_first() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let call = |arguments: &[&str], code: i32| {
        let call = Tidegate::new(arguments).folder(folder.path());
        call.run().expect(code)
    };
    let missing = call(&["master-key", "list"], 66);
    assert!(missing.stderr.contains("master-keys"), "{}", missing.stderr);
    std::fs::create_dir(folder.path().join(".tidegate"))?;
    let path = folder.path().join(".tidegate/master-keys");
    let secret = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    std::fs::write(&path, format!("old:{secret}\n"))?;
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&path, mode)?;
    let rotated = call(&["master-key", "rotate"], 0);
    assert!(
        rotated.stderr.contains("restart the host"),
        "{}",
        rotated.stderr
    );
    let listed = call(&["master-key", "list"], 0);
    assert_eq!(listed.stdout, rotated.stdout);
    let ids: Vec<&str> = listed.stdout.lines().collect();
    assert!(ids.len() == 2 && ids[1] == "old", "{ids:?}");
    let json = call(&["master-key", "list", "--json"], 0).json();
    assert_eq!(json, json!(ids));
    for text in [&rotated.stdout, &rotated.stderr, &listed.stderr] {
        assert!(!text.contains(secret), "{text}");
    }
    Ok(())
}
