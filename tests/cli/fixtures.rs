//! `tidegate test`: a sync against saved exchanges, in both formats, and what a stranger
//! is told of what does not fit.

use crate::{ACCUMULATE, CHECKPOINT, Home, holds, refused};
use serde_json::{Value, json};
use tidegate::error::Code;
use tidegate_provider::Provider;
use tidegate_tests::{component, example};

const FULL_REFRESH: &[u8] = include_bytes!("../../host/bundled/full-refresh.wasm");

/// A contact of the demo's provider.
fn contact(number: u32, name: &str) -> Value {
    json!({
        "id": format!("contact-{number}"),
        "name": name,
        "email": format!("{number}@example.com"),
        "company": "Example",
        "active": true,
        "updated_at": format!("2026-01-{number:02}T00:00:00Z"),
    })
}

/// A page of contacts, the last one.
fn page(contacts: &[Value]) -> Value {
    json!({ "data": contacts, "next_cursor": null })
}

fn exchange(url: &str, body: Value) -> Value {
    json!({ "request": { "url": url }, "response": { "body": body } })
}

/// Two contacts, as the example that keeps a checkpoint fetches and saves them.
fn contacts() -> Value {
    let both = [contact(1, "Ada"), contact(2, "Brit")];
    json!({
        "version": 1,
        "exchanges": [exchange("/contacts?limit=500", page(&both))],
        "expected": {
            "records": { "Contact": both },
            "checkpoint": { "updated_at": "2026-01-02T00:00:00Z" },
        },
    })
}

/// The same in Nango's format.
fn nango() -> Value {
    let both = [contact(1, "Ada"), contact(2, "Brit")];
    json!({
        "nango": { "batchSave": { "Contact": both } },
        "api": { "get": { "/contacts": [{
            "request": { "params": { "limit": "500" } },
            "response": page(&both),
            "status": 200,
            "headers": { "content-type": "application/json", "content-length": "9999" },
            "hash": "0000000000000000000000000000000000000000",
        }] } },
    })
}

/// A change to a fixture: where, and what then stands there; `null` takes it away.
type Change = (&'static str, Value);

fn changed(mut fixture: Value, changes: &[Change]) -> Value {
    for (place, value) in changes {
        let (parent, key) = place.rsplit_once('/').unwrap();
        let key = key.replace("~1", "/");
        let parent = fixture
            .pointer_mut(parent)
            .unwrap_or_else(|| panic!("{place}"));
        match (parent, value) {
            (Value::Object(members), Value::Null) => drop(members.remove(&key)),
            (Value::Object(members), value) => drop(members.insert(key, value.clone())),
            (Value::Array(all), Value::Null) => drop(all.remove(key.parse().unwrap())),
            (Value::Array(all), value) if key == "-" => all.push(value.clone()),
            (Value::Array(all), value) => all[key.parse::<usize>().unwrap()] = value.clone(),
            _ => panic!("{place} is in no object or list"),
        }
    }
    fixture
}

/// `tidegate test sync.wasm` with these fixtures, `f0.json` and so on: what it prints.
fn tested_all(home: &Home, fixtures: &[Value], more: &[&str], code: i32) -> String {
    let mut test = home.tidegate(&["test", "sync.wasm"]);
    for (at, fixture) in fixtures.iter().enumerate() {
        home.put(&format!("f{at}.json"), fixture.to_string());
        test = test.arg("--fixture").arg(format!("f{at}.json"));
    }
    let ended = more.iter().fold(test, |test, flag| test.arg(flag)).run();
    println!("{}\n{}", ended.stdout, ended.stderr);
    ended.expect(code).stdout
}

/// The same with one.
fn tested(home: &Home, fixture: &Value, more: &[&str], code: i32) -> String {
    tested_all(home, std::slice::from_ref(fixture), more, code)
}

/// What is printed of each fixture.
fn parts(printed: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    for line in printed.lines() {
        match parts.last_mut() {
            Some(part) if line.starts_with(' ') => part.push_str(&format!("{line}\n")),
            _ => parts.push(format!("{line}\n")),
        }
    }
    parts
}

/// The documents that it prints with `--json`.
fn documents(home: &Home, fixtures: &[Value], code: i32) -> Vec<Value> {
    let printed = tested_all(home, fixtures, &["--json"], code);
    let lines = printed.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The same with one.
fn document(home: &Home, fixture: &Value, code: i32) -> Value {
    documents(home, std::slice::from_ref(fixture), code).remove(0)
}

#[test]
fn a_sync_that_does_what_is_expected_passes() {
    let home = Home::with(CHECKPOINT);
    let rows: [&[Change]; 8] = [
        &[],
        // Numbers by their value, members in any order, parameters too.
        &[("/exchanges/0/request/url", json!("contacts?limit=500"))],
        &[("/exchanges/0/request/method", json!("get"))],
        &[
            ("/baseUrl", json!("https://api.example.com/v3")),
            ("/exchanges/0/request/url", json!("/contacts?limit=500")),
        ],
        &[(
            "/exchanges/0/response/body",
            json!(page(&[contact(1, "Ada"), contact(2, "Brit")]).to_string()),
        )],
        &[("/expected/checkpoint", Value::Null)],
        &[("/expected/outcome", json!("success"))],
        // An id that comes twice is saved as it came last.
        &[(
            "/expected/records/Contact",
            json!([contact(1, "Old"), contact(2, "Brit"), contact(1, "Ada")]),
        )],
    ];
    let fixtures = rows.map(|changes| changed(contacts(), changes));
    let said = tested_all(&home, &fixtures, &[], 0);
    for (at, line) in said.lines().enumerate() {
        let expected = format!("ok     f{at}.json: 2 records saved, 0 deleted, 1 requests");
        assert_eq!(line, expected);
    }
    assert_eq!(said.lines().count(), rows.len());
    let told = home
        .tidegate(&["test", "sync.wasm", "--fixture", "f0.json"])
        .run()
        .expect(0);
    assert_eq!(told.stderr, "\n1 of 1 fixtures passed\n");
}

#[test]
fn what_does_not_fit_is_told_with_both_sides() {
    let home = Home::with(CHECKPOINT);
    let rows: &[(&[Change], &[&str])] = &[
        (
            &[("/expected/records/Contact/-", contact(3, "Cleo"))],
            &["Contact: 1 missing", "missing: {\"id\":\"contact-3\""],
        ),
        (
            &[("/expected/records/Contact/0", Value::Null)],
            &[
                "Contact: 1 not expected",
                "not expected: {\"id\":\"contact-1\"",
            ],
        ),
        (
            &[
                ("/expected/records/Contact/0/name", json!("Eve")),
                ("/expected/records/Contact/0/tags", json!([1])),
            ],
            &[
                "Contact: 1 different",
                "`contact-1`",
                "name: expected \"Eve\", got \"Ada\"",
                "tags: expected [1], got nothing",
            ],
        ),
        (
            &[("/expected/records/Person", json!([{"id": "1"}]))],
            &["Person: 1 missing"],
        ),
        (
            &[("/expected/deleted", json!({"Contact": ["contact-9"]}))],
            &["Contact: not deleted, though expected: contact-9"],
        ),
        (
            &[(
                "/expected/checkpoint/updated_at",
                json!("2026-01-03T00:00:00Z"),
            )],
            &[
                "the checkpoint differs",
                "updated_at: expected \"2026-01-03T00:00:00Z\", got \"2026-01-02T00:00:00Z\"",
            ],
        ),
        (
            &[("/expected/metadata", json!({"a": 1}))],
            &["the metadata differs", "a: expected 1, got nothing"],
        ),
        (
            &[("/expected/outcome", json!("guest.error"))],
            &["was to end as guest.error, and ended as success"],
        ),
        (
            &[(
                "/exchanges/0/request/url",
                json!("/contacts?limit=50&page=2"),
            )],
            &[
                "no answer to GET /contacts?limit=500",
                "the nearest is GET /contacts?limit=50&page=2 at `exchanges[0]`",
                "query `limit`: recorded `50`, asked `500`",
                "query `page`: recorded `2`, asked nothing",
                "the run failed: not.found",
                "Contact: 2 missing",
                "its log:",
                "note: GET /contacts?limit=50&page=2 at `exchanges[0]` was not asked for",
            ],
        ),
        (
            &[("/exchanges/0/request/url", json!("/companies?limit=500"))],
            &["path: recorded `/companies`, asked `/contacts`"],
        ),
        (
            &[(
                "/exchanges/0/request/url",
                json!("https://other.example.com/contacts?limit=500"),
            )],
            &["host: recorded `https://other.example.com`, asked `https://provider.test`"],
        ),
        (
            &[("/exchanges/0/request/method", json!("POST"))],
            &["method: recorded `POST`, asked `GET`"],
        ),
        (
            &[("/exchanges/0/request/headers", json!({"Revision": "7"}))],
            &["header `revision`: recorded `7`, asked nothing"],
        ),
        (
            &[("/exchanges", json!([]))],
            &["the fixture has no exchanges"],
        ),
        (
            &[("/exchanges/0/response/status", json!(404))],
            &["the run failed: guest.error", "404"],
        ),
        (
            &[(
                "/exchanges/0/response",
                json!({"error": "provider.timeout"}),
            )],
            &["the run failed: provider.timeout"],
        ),
    ];
    let each = rows.iter().map(|(changes, _)| changed(contacts(), changes));
    let fixtures: Vec<Value> = each.collect();
    let said = parts(&tested_all(&home, &fixtures, &[], 1));
    assert_eq!(said.len(), rows.len());
    for (at, (said, (_, says))) in said.iter().zip(rows).enumerate() {
        assert!(said.starts_with(&format!("FAILED f{at}.json: ")), "{said}");
        holds(said, says);
    }
    let document = document(&home, &changed(contacts(), rows[2].0), 1);
    let difference = &document["runs"][0]["differences"][0];
    assert_eq!(
        (
            &document["ok"],
            &difference["what"],
            &difference["differing"][0]["fields"][0]
        ),
        (
            &json!(false),
            &json!("records"),
            &json!({"path": "name", "expected": "Eve", "got": "Ada"})
        )
    );
}

#[test]
fn an_expected_failure_passes() {
    let home = Home::with(CHECKPOINT);
    let fixture = changed(
        contacts(),
        &[
            ("/exchanges/0/response/status", json!(404)),
            (
                "/expected",
                json!({"outcome": "guest.error", "checkpoint": null}),
            ),
        ],
    );
    tested(&home, &fixture, &[], 0);
}

#[test]
fn what_dev_records_passes() {
    let home = Home::with(CHECKPOINT);
    let provider = Provider::builder()
        .contacts(1_200, 7)
        .require_header("x-api-key", "canary-5f1e")
        .start_blocking()
        .unwrap();
    let record = |file: &str| {
        let url = provider.url();
        home.tidegate(&["dev", "sync.wasm", "--record", file, "--base-url", &url])
            .arg("--header-env")
            .arg("X-Api-Key=KEY")
            .env("KEY", "canary-5f1e")
            .run()
            .expect(0)
    };
    let said = record("fixtures/sync.json");
    holds(
        &said.stderr,
        &[
            "3 exchanges recorded in `fixtures/sync.json`",
            "tidegate test",
        ],
    );
    let text = std::fs::read_to_string(home.path("fixtures/sync.json")).unwrap();
    assert!(!text.contains("canary"), "a credential was recorded");
    let fixture: Value = serde_json::from_str(&text).unwrap();
    let exchanges = &fixture["exchanges"];
    assert_eq!(
        exchanges[0]["request"],
        json!({"method": "GET", "url": "/contacts?limit=500"})
    );
    assert_eq!(
        exchanges[0]["response"]["body"]["data"][0]["id"],
        "contact-0000000"
    );
    assert_eq!(
        fixture["expected"]["records"]["Contact"]
            .as_array()
            .unwrap()
            .len(),
        1_200
    );

    // Nothing of it is asked for again, and the provider need not be there.
    provider.forget_requests();
    let said = home.tidegate(&["test", "sync.wasm"]).run().expect(0);
    holds(&said.stdout, &["ok ", "1,200 records saved", "3 requests"]);
    assert!(provider.requests().is_empty());

    // The same data gives the same file, but for its time and what a provider counts.
    record("again.json");
    let again = std::fs::read_to_string(home.path("again.json")).unwrap();
    let [fixture, again] = [&text, &again].map(|text| {
        let mut file: Value = serde_json::from_str(text).unwrap();
        file["now"].take();
        for exchange in file["exchanges"].as_array_mut().unwrap() {
            exchange["response"]["headers"].take();
        }
        file
    });
    assert_eq!(again, fixture);
}

#[test]
fn a_failing_run_is_recorded_as_what_it_is() {
    let home = Home::with(CHECKPOINT);
    let provider = Provider::builder()
        .contacts(10, 7)
        .require_header("x-api-key", "canary")
        .start_blocking()
        .unwrap();
    let url = provider.url();
    let failed = home
        .tidegate(&["dev", "sync.wasm", "--record", "f.json", "--base-url", &url])
        .run();
    assert_ne!(failed.status.code(), Some(0));
    let said = home
        .tidegate(&["test", "sync.wasm", "--fixture", "f.json"])
        .run()
        .expect(0);
    holds(&said.stdout, &["ok ", "0 records saved"]);
}

/// The component that calls the imports which its connection's config lists.
fn scripted() -> Option<Home> {
    example("tidegate-test-guests", "every_import").map(|component: Vec<u8>| Home::with(&component))
}

/// A fixture of a script; each step that calls the host logs what it got.
fn script(steps: Value, exchanges: Value) -> Value {
    json!({
        "version": 1,
        "connection": { "id": "acme", "config": { "script": steps } },
        "exchanges": exchanges,
        "expected": { "records": {} },
    })
}

/// What the script's steps logged: `called …` with the answer.
fn answers(document: &Value, run: usize) -> Vec<(String, Value)> {
    let log = document["runs"][run]["log"].as_array().unwrap();
    let lines = log.iter().filter(|line| line["exchange"].is_null());
    lines
        .filter_map(|line| {
            let called = line["message"].as_str()?.strip_prefix("called ")?;
            let attributes: Value = serde_json::from_str(line["attributes"].as_str()?).ok()?;
            Some((called.to_owned(), attributes["answer"].clone()))
        })
        .collect()
}

/// The answers of the steps that asked for `what`.
fn answered(document: &Value, what: &str) -> Vec<Value> {
    let all = answers(document, 0).into_iter();
    all.filter(|(called, _)| *called == format!("{what}: ok"))
        .map(|(_, answer)| answer)
        .collect()
}

/// Steps that ask for a URL and read the answer.
fn asks(url: &str, more: &[Value]) -> Vec<Value> {
    let mut steps = vec![json!(["fetch.request", "GET", url])];
    steps.extend_from_slice(more);
    steps.extend([
        json!(["fetch.send"]),
        json!(["fetch.pending.wait"]),
        json!(["fetch.response.status"]),
        json!(["fetch.response.text"]),
    ]);
    steps
}

#[test]
fn one_request_is_answered_in_order_and_then_with_the_last() {
    let Some(home) = scripted() else { return };
    let steps: Vec<Value> = (0..4).flat_map(|_| asks("/jobs/1", &[])).collect();
    let exchanges = json!([
        exchange("/jobs/1", json!("waiting")),
        exchange("/other", json!("never")),
        exchange("/jobs/1", json!("done")),
    ]);
    let document = document(&home, &script(json!(steps), exchanges), 0);
    assert_eq!(
        answered(&document, "fetch.response.text"),
        ["waiting", "done", "done", "done"]
    );
    assert_eq!(
        document["runs"][0]["unused"],
        json!([["exchanges[1]", "GET /other"]])
    );
}

#[test]
fn waits_pass_at_once_and_retries_and_redirects_are_followed() {
    let Some(home) = scripted() else { return };
    let busy = json!({
        "request": { "url": "/slow" },
        "response": { "status": 503, "headers": { "Retry-After": "3000" }, "body": "busy" },
    });
    let moved = json!({
        "request": { "url": "/old" },
        "response": { "status": 302, "headers": { "location": "https://files.example.com/new" } },
    });
    let mut steps = asks("/slow", &[]);
    steps.extend(asks("/old", &[]));
    steps.extend((0..20).map(|_| json!(["run.sleep", 600_000])));
    let exchanges = json!([
        busy,
        busy,
        exchange("/slow", json!("ready")),
        moved,
        exchange("https://files.example.com/new", json!("found")),
    ]);
    let document = document(&home, &script(json!(steps), exchanges), 0);
    assert_eq!(
        answered(&document, "fetch.response.text"),
        ["ready", "found"]
    );
    assert_eq!(document["runs"][0]["run"]["usage"]["retries"], 2);
    assert_eq!(answered(&document, "run.sleep").len(), 20);
}

#[test]
fn bodies_and_headers_are_compared_where_the_file_has_them() {
    let Some(home) = scripted() else { return };
    let post = |body: &str| {
        vec![
            json!(["fetch.request", "POST", "/search"]),
            json!(["fetch.request.set-body-text", body]),
            json!(["fetch.request.set-header", "Revision", "7"]),
            json!(["fetch.send"]),
            json!(["fetch.pending.wait"]),
            json!(["fetch.response.text"]),
        ]
    };
    let answer = |request: Value| {
        let mut request = request;
        request["url"] = json!("/search");
        request["method"] = json!("POST");
        json!([{ "request": request, "response": { "bodyBase64": "Zm91bmQ=" } }])
    };
    let fixtures = [
        ("{\"page\": 1.0}", json!({})),
        ("{\"page\": 1.0}", json!({ "body": { "page": 1 } })),
        ("page=1", json!({ "body": "page=1" })),
        (
            "page=1",
            json!({ "bodyBase64": "cGFnZT0x", "headers": { "revision": 7 } }),
        ),
    ]
    .map(|(body, request)| script(json!(post(body)), answer(request)));
    for document in documents(&home, &fixtures, 0) {
        assert_eq!(answered(&document, "fetch.response.text"), ["found"]);
    }
    let fixture = script(
        json!(post("{\"page\":1}")),
        answer(json!({ "body": { "page": 2 } })),
    );
    holds(
        &tested(&home, &fixture, &[], 1),
        &["body: recorded `{\"page\":2}`, asked `{\"page\":1}`"],
    );
}

#[test]
fn nothing_leaves_the_machine() {
    let Some(home) = scripted() else { return };
    let provider = Provider::builder().users(5, 7).start_blocking().unwrap();
    let url = provider.url();
    let mut steps = asks("/users", &[]);
    steps.extend(asks(&format!("{url}/users?limit=1"), &[]));
    steps.extend(asks(
        "v1/files?x=1",
        &[json!([
            "fetch.request.set-base-url",
            "https://files.example.com/api"
        ])],
    ));
    steps.extend(asks("http://10.0.0.7/inner", &[]));
    let exchanges = json!([
        exchange("/users", json!("recorded")),
        exchange(
            "https://files.example.com/api/v1/files?x=1",
            json!("a file")
        ),
        exchange("http://10.0.0.7/inner", json!("inner")),
    ]);
    let mut fixture = script(json!(steps), exchanges);
    fixture["baseUrl"] = json!(url);
    let document = document(&home, &fixture, 1);
    assert_eq!(
        answered(&document, "fetch.response.text"),
        // What was read of the response before stands for the one that never came.
        ["recorded", "", "a file", "inner"]
    );
    let unanswered = &document["runs"][0]["unanswered"];
    assert_eq!(
        (unanswered.as_array().unwrap().len(), &unanswered[0]["url"]),
        (1, &json!("/users?limit=1"))
    );
    assert!(provider.requests().is_empty(), "a request left the test");
}

#[test]
fn later_runs_go_on_from_the_runs_before() {
    let home = Home::with(CHECKPOINT);
    let run = |url: &str, found: &[Value], saved: &[Value]| {
        json!({
            "exchanges": [exchange(url, page(found))],
            "expected": { "records": { "Contact": saved } },
        })
    };
    let old = contact(2, "Brit");
    let first = run(
        "/contacts?limit=500",
        &[contact(1, "Ada"), old.clone()],
        &[contact(1, "Ada"), old.clone()],
    );
    let since = "/contacts?limit=500&since=2026-01-02T00%3A00%3A00Z";
    let both = [old.clone(), contact(3, "Cleo")];
    let failing = json!({
        "exchanges": [{ "request": { "url": since }, "response": { "status": 400 } }],
        "expected": { "outcome": "guest.error", "checkpoint": { "updated_at": "2026-01-02T00:00:00Z" } },
    });
    let fixture = json!({ "version": 1, "runs": [first, failing, run(since, &both, &both)] });
    let said = tested(&home, &fixture, &[], 0);
    assert_eq!(
        said,
        "ok     f0.json: 3 runs, 4 records saved, 0 deleted, 3 requests\n"
    );

    // A checkpoint before the first run; and what fails is told by its run.
    let mut with_checkpoint = contacts();
    with_checkpoint["checkpoint"] = json!({ "updated_at": "2026-01-02T00:00:00Z" });
    with_checkpoint["exchanges"][0]["request"]["url"] = json!(since);
    tested(&home, &with_checkpoint, &[], 0);
    let wrong = changed(fixture, &[("/runs/2/expected/records", json!({}))]);
    holds(
        &tested(&home, &wrong, &[], 1),
        &["  runs[2]\n", "Contact: 2 not expected"],
    );

    let home = Home::with(FULL_REFRESH);
    let users = |ids: &[u32]| -> Vec<Value> {
        ids.iter()
            .map(|id| json!({ "id": format!("u{id}"), "name": "n", "real_name": null }))
            .collect()
    };
    let run = |ids: &[u32], deleted: &[&str]| {
        let body = json!({ "members": users(ids), "response_metadata": { "next_cursor": "" } });
        json!({
            "exchanges": [exchange("/users?limit=200", body)],
            "expected": { "records": { "User": users(ids) }, "deleted": { "User": deleted } },
        })
    };
    let fixture =
        json!({ "version": 1, "runs": [run(&[1, 2, 3], &[]), run(&[1, 4], &["u3", "u2"])] });
    tested(&home, &fixture, &[], 0);
    let wrong = changed(fixture, &[("/runs/1/expected/deleted", Value::Null)]);
    holds(
        &tested(&home, &wrong, &[], 1),
        &["User: deleted, though not expected: u2, u3"],
    );
}

#[test]
fn the_clock_stands_where_it_is_told_to() {
    let Some(component) = component("example-backfill-limit") else {
        return;
    };
    let home = Home::with(&component);
    let fixture = |now: Option<&str>| {
        let both = [contact(1, "Ada"), contact(2, "Brit")];
        let mut fixture = contacts();
        let url = "/contacts?limit=500&since=2026-03-15T00%3A00%3A00Z";
        fixture["exchanges"][0] = exchange(url, page(&both));
        fixture["connection"] = json!({ "metadata": { "months": 2 } });
        let saved = both.map(|mut contact| {
            contact.as_object_mut().unwrap().remove("company");
            contact
        });
        fixture["expected"]["records"]["Contact"] = json!(saved);
        if let Some(now) = now {
            fixture["now"] = json!(now);
        }
        fixture
    };
    tested(&home, &fixture(Some("2026-05-15T10:00:00Z")), &[], 0);
    tested(
        &home,
        &fixture(None),
        &["--now", "2026-05-15T12:00:00+02:00"],
        0,
    );
    let said = tested(&home, &fixture(Some("2026-05-16T10:00:00Z")), &[], 1);
    holds(
        &said,
        &["query `since`: recorded `2026-03-15T00:00:00Z`, asked `2026-03-16T00:00:00Z`"],
    );
    let with = |connection: &str| {
        ["--now", "2026-04-15T10:00:00Z", "--connection", connection].map(str::to_owned)
    };
    for connection in [r#"{"metadata":{"months":1}}"#, "connection.json"] {
        home.put(
            "connection.json",
            r#"{"metadata":{"months":1},"connection_id":"x"}"#,
        );
        let flags = with(connection);
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        tested(&home, &fixture(None), &flags, 0);
    }
}

#[test]
fn the_memory_cap_holds_in_tests_too() {
    let home = Home::with(ACCUMULATE);
    let all: Vec<Value> = (1..20_000)
        .map(|number| contact(number % 28 + 1, &format!("name {number}")))
        .collect();
    let mut fixture = contacts();
    fixture["exchanges"][0]["response"]["body"] = page(&all);
    fixture["expected"] = json!({ "outcome": "limit.memory" });
    tested(&home, &fixture, &["--memory", "4MiB"], 0);
}

#[test]
fn nangos_files_are_read() {
    let home = Home::with(CHECKPOINT);
    let mock = "/api/get/~1contacts/0";
    let at = |place: &str| -> &'static str { Box::leak(format!("{mock}{place}").into_boxed_str()) };
    let one = nango()["api"]["get"]["/contacts"][0].clone();
    let unsaid = changed(
        json!({ "m": one }),
        &[("/m/request", Value::Null), ("/m/hash", Value::Null)],
    );
    let passes: Vec<Vec<Change>> = vec![
        vec![],
        vec![(at("/request/params/limit"), json!(500))],
        vec![("/api/get/~1contacts", one.clone())],
        vec![("/api/get", json!({ "contacts": [one] }))],
        vec![(
            at("/request/headers"),
            json!({ "User-Agent": "x", "Authorization": "y", "Content-Type": "application/json" }),
        )],
        vec![(
            "/nango/batchSave/Contact",
            json!([contact(1, "Old"), contact(2, "Brit"), contact(1, "Ada")]),
        )],
        vec![
            ("/nango/getMetadata", json!({ "a": 1 })),
            (
                "/nango/getConnection",
                json!({ "connectionId": "x", "provider": "y" }),
            ),
        ],
    ];
    let each = passes.iter().map(|changes| changed(nango(), changes));
    let fixtures: Vec<Value> = each.collect();
    let said = tested_all(&home, &fixtures, &[], 0);
    assert_eq!(
        said.matches("2 records saved, 0 deleted, 1 requests")
            .count(),
        passes.len()
    );
    let fails: Vec<(Vec<Change>, &[&str])> = vec![
        (
            vec![("/nango/batchSave/Contact/0/name", json!("Eve"))],
            &["name: expected \"Eve\", got \"Ada\""],
        ),
        (
            vec![("/nango/batchSave", Value::Null)],
            &["Contact: 2 not expected"],
        ),
        (
            vec![(
                "/nango/batchDelete",
                json!({ "Contact": [{ "id": "contact-1" }] }),
            )],
            &["Contact: not deleted, though expected: contact-1"],
        ),
        (
            vec![(at("/request/params"), json!({ "limit": "500", "page": 1 }))],
            &[
                "no answer to GET /contacts?limit=500",
                "at `api.get./contacts`",
                "query `page`: recorded `1`, asked nothing",
            ],
        ),
        (
            vec![(at("/request/headers"), json!({ "Revision": "7" }))],
            &["header `revision`: recorded `7`, asked nothing"],
        ),
        (
            vec![("/api/get/~1contacts", unsaid["m"].clone())],
            &["request: recorded `the file does not say which (no `request`)`"],
        ),
        (
            vec![(at("/status"), json!(404))],
            &["the run failed: guest.error"],
        ),
        (vec![("/api", json!({}))], &["the fixture has no exchanges"]),
    ];
    let each = fails.iter().map(|(changes, _)| changed(nango(), changes));
    let fixtures: Vec<Value> = each.collect();
    let said = parts(&tested_all(&home, &fixtures, &[], 1));
    assert_eq!(said.len(), fails.len());
    for (said, (_, says)) in said.iter().zip(&fails) {
        assert!(said.starts_with("FAILED "), "{said}");
        holds(said, says);
    }
}

#[test]
fn nangos_requests_fit_by_hash_body_and_endpoint() {
    let Some(home) = scripted() else { return };
    let long = format!("{{\"text\":\"{}\"}}", "x".repeat(1_000));
    let post = |body: &str| {
        json!([
            ["fetch.request", "POST", "v1/search?b=2&a=1"],
            [
                "fetch.request.set-base-url",
                "https://files.example.com/api"
            ],
            ["fetch.request.set-header", "X-Own", "7"],
            ["fetch.request.set-body-text", body],
            ["fetch.send"],
            ["fetch.pending.wait"],
            ["fetch.response.text"],
        ])
    };
    // `sha1sum` of the long body, and of the identity
    // {"method":"post","endpoint":"v1/search","params":[["a","1"],["b","2"]],"headers":[["X-Own","7"]],"data":"{}"}
    let body_hash = "sha1:26896e52c797a5df6419c02a667d665a265be91c";
    let identity_hash = "7228ce559be327bd105c806a51a164473d9bf3c7";
    let request = |data: Value| json!({ "params": { "a": "1", "b": 2 }, "headers": { "x-own": "7" }, "data": data });
    let rows = [
        (
            "{\"page\":1}",
            json!({ "request": request(json!({ "page": 1.0 })) }),
            true,
        ),
        (
            "page=1&q=a+b",
            json!({ "request": request(json!({ "page": 1, "q": "a b" })) }),
            true,
        ),
        (
            "<xml/>",
            json!({ "request": request(json!("<xml/>")) }),
            true,
        ),
        (&long, json!({ "request": request(json!(body_hash)) }), true),
        ("{}", json!({ "hash": identity_hash }), true),
        (
            "{}",
            json!({ "request": { "params": { "a": 1, "b": 2 }, "headers": { "X-OWN": 7, "Cookie": "c" } } }),
            true,
        ),
        (
            "a%5B%5D=1&a%5B%5D=2&b%5Bc%5D=",
            json!({ "request": request(json!({ "b": { "c": null }, "a": [1, 2] })) }),
            true,
        ),
        (
            "{\"page\":1}",
            json!({ "request": request(json!({ "page": 2 })) }),
            false,
        ),
        ("{\"a\":1}", json!({ "hash": identity_hash }), false),
    ];
    let fixture = |(body, mock, _): &(&str, Value, bool)| {
        let mut mock = mock.clone();
        mock["response"] = json!("found");
        json!({
            "nango": { "getConnection": { "connection_config": { "script": post(body) } } },
            "api": { "post": { "v1/search": [mock] } },
        })
    };
    let fixtures: Vec<Value> = rows.iter().map(fixture).collect();
    for (document, (body, mock, fits)) in documents(&home, &fixtures, 1).iter().zip(&rows) {
        let expected: &[&str] = if *fits { &["found"] } else { &[] };
        let texts = answered(document, "fetch.response.text");
        assert_eq!(texts, expected, "{body} {mock}");
        let unanswered = document["runs"][0]["unanswered"].as_array().unwrap();
        assert_eq!(
            (unanswered.is_empty(), &document["ok"]),
            (*fits, &json!(fits))
        );
    }
}

#[test]
fn what_nangos_tests_do_without_is_a_note() {
    let Some(home) = scripted() else { return };
    // It goes on after the error, and does all that is expected.
    let steps = json!([
        ["fetch.request", "GET", "/x"],
        ["fetch.send"],
        ["fetch.pending.wait"]
    ]);
    let nangos = json!({
        "nango": { "getConnection": { "connection_config": { "script": steps } } },
        "api": {},
    });
    holds(
        &tested(&home, &nangos, &[], 0),
        &["ok ", "  note: no answer to GET /x"],
    );
    holds(
        &tested(&home, &script(steps, json!([])), &[], 1),
        &["FAILED", "  no answer to GET /x"],
    );
}

#[test]
fn a_path_is_read_with_and_without_that_of_a_base_url() {
    let Some(home) = scripted() else { return };
    let fixture = |url: &str, mocks: &[&str]| {
        let paths = mocks.iter().map(|path| {
            let mock = json!({ "request": {}, "response": format!("at {path}") });
            ((*path).to_owned(), mock)
        });
        json!({
            "nango": { "getConnection": { "connection_config": { "script": asks(url, &[]) } } },
            "api": { "get": Value::Object(paths.collect()) },
        })
    };
    let rows = [
        ("users", &["/users"][..], Some("at /users")),
        ("./v2/users", &["users", "v2/users"], Some("at v2/users")),
        (
            "https://x.example.com/v2/users",
            &["users"],
            Some("at users"),
        ),
        (
            "https://x.example.com/v2/users",
            &["users", "v2/users"],
            Some("at v2/users"),
        ),
        (
            "https://x.example.com/v2/all%3Ausers",
            &["v2/all:users"],
            Some("at v2/all:users"),
        ),
        ("https://x.example.com/v2/users", &["v2"], None),
        ("https://x.example.com/my-users", &["users"], None),
        ("v2/users", &["users"], None),
    ];
    let fixtures = rows.map(|(url, mocks, _)| fixture(url, mocks));
    for (document, (url, _, answer)) in documents(&home, &fixtures, 1).iter().zip(rows) {
        let texts = answered(document, "fetch.response.text");
        assert_eq!(texts.first().and_then(Value::as_str), answer, "{url}");
    }
}

#[test]
fn nangos_credentials_stand_for_placeholders() {
    let Some(home) = scripted() else { return };
    let steps = asks(
        "/token?key={{secret.apiKey}}",
        &[json!(["fetch.request.set-header", "X-Own", "7"])],
    );
    let fixture = json!({
        "nango": { "getConnection": {
            "connection_config": { "script": steps },
            "credentials": { "type": "API_KEY", "apiKey": "made-up" },
        } },
        "api": { "get": { "/token": {
            "request": { "params": { "key": "made-up" }, "headers": { "x-own": "7", "x-api-key": "made-up" } },
            "response": "found",
        } } },
    });
    let document = document(&home, &fixture, 0);
    assert_eq!(answered(&document, "fetch.response.text"), ["found"]);
}

#[test]
fn nangos_deletes_are_those_that_the_sync_asks_for() {
    let Some(home) = scripted() else { return };
    let fixture = |deleted: Value| {
        json!({
            "nango": {
                "getConnection": { "connection_config": { "script": [
                    ["records.batch-save-text", "Item", "{\"id\":\"a\"}\n{\"id\":\"b\"}"],
                    ["records.batch-delete", "Item", ["b", "c"]],
                ] } },
                "batchSave": { "Item": [{ "id": "a" }, { "id": "b" }] },
                "batchDelete": deleted,
            },
            "api": {},
        })
    };
    tested(
        &home,
        &fixture(json!({ "Item": [{ "id": "c" }, { "id": "b" }] })),
        &[],
        0,
    );
    tested(&home, &fixture(json!({})), &[], 0);
    holds(
        &tested(&home, &fixture(json!({ "Item": [{ "id": "b" }] })), &[], 1),
        &["Item: deleted, though not expected: c"],
    );
}

#[test]
fn fixtures_beside_a_sync_are_found() {
    let home = Home::with(CHECKPOINT);
    let none = home.tidegate(&["test", "sync.wasm"]).run();
    holds(
        &refused(none, Code::NotFound),
        &["no fixtures for `sync.wasm`", "--fixture", "--record"],
    );
    home.put("fixtures/sync.a.json", contacts().to_string());
    home.put("fixtures/sync.b.json", nango().to_string());
    home.put("fixtures/other.json", "{}");
    let said = home.tidegate(&["test", "sync.wasm"]).run().expect(0);
    holds(
        &said.stdout,
        &["fixtures/sync.a.json", "fixtures/sync.b.json"],
    );
    assert_eq!(said.stdout.lines().count(), 2);
    home.put(
        "fixtures/sync.b.json",
        changed(contacts(), &[("/expected/records", json!({}))]).to_string(),
    );
    let said = home.tidegate(&["test", "sync.wasm"]).run().expect(1);
    holds(&said.stderr, &["1 of 2 fixtures failed"]);
}

#[test]
fn a_malformed_fixture_says_where_and_what_to_do() {
    let home = Home::with(CHECKPOINT);
    let rows: &[(&str, Code, &[&str])] = &[
        (
            "{\n  \"version\": 1,\n}",
            Code::ConfigInvalid,
            &["`f.json`", "line 3", "trailing comma"],
        ),
        (
            "{}",
            Code::ConfigInvalid,
            &["no fixture", "`version`", "`api` or `nango`"],
        ),
        (
            "{\"version\": 2}",
            Code::ConfigInvalid,
            &["`version` is 2", "version 1"],
        ),
        (
            "{\"version\": 1,\n \"exchanges\": [\n  {\"request\": {\"url\": \"/x\"}, \"response\": {\"statuz\": 1}}]}",
            Code::ConfigInvalid,
            &["line 3", "`exchanges[0].response", "statuz", "`status`"],
        ),
        (
            "{\"version\": 1, \"exchanges\": [{\"request\": {\"url\": 7}, \"response\": {}}]}",
            Code::ConfigInvalid,
            &["line 1", "`exchanges[0].request.url`", "expected a string"],
        ),
        (
            "{\"version\": 1, \"exchanges\": [{\"request\": {\"url\": \"ftp://x/\"}, \"response\": {}}]}",
            Code::ConfigInvalid,
            &["`exchanges[0].request.url`", "ftp"],
        ),
        (
            "{\"version\": 1, \"exchanges\": [{\"request\": {\"url\": \"/\"}, \"response\": {\"bodyBase64\": \"*\"}}]}",
            Code::ConfigInvalid,
            &["`exchanges[0].response.bodyBase64`", "not base64"],
        ),
        (
            "{\"version\": 1, \"exchanges\": [{\"request\": {\"url\": \"/\", \"headers\": {\"a\": {}}}, \"response\": {}}]}",
            Code::ConfigInvalid,
            &["`exchanges[0].request.headers.a`", "text or a list"],
        ),
        (
            "{\"version\": 1, \"now\": \"soon\"}",
            Code::ConfigInvalid,
            &["line 1", "`now`"],
        ),
        (
            "{\"version\": 1, \"baseUrl\": \"x\"}",
            Code::ConfigInvalid,
            &["`baseUrl`"],
        ),
        (
            "{\"version\": 1, \"checkpoint\": 3}",
            Code::ConfigInvalid,
            &["`checkpoint` is no object"],
        ),
        (
            "{\"version\": 1, \"expected\": {\"outcome\": \"fine\"}}",
            Code::ConfigInvalid,
            &["`expected.outcome`", "`fine`", "`success`"],
        ),
        (
            "{\"version\": 1, \"exchanges\": [], \"runs\": []}",
            Code::ConfigInvalid,
            &["`runs` stands beside", "put those into the runs"],
        ),
        (
            "{\"version\": 1, \"connection\": {\"id\": \"a b\\u0000\"}}",
            Code::InvalidArgument,
            &["`f.json`", "connection"],
        ),
        (
            "{\"api\": {\"get\": {\"/x\": [{\"status\": \"ok\"}]}}}",
            Code::ConfigInvalid,
            &["`api.get./x`", "invalid type"],
        ),
        (
            "{\"nango\": {\"getMetadata\": 7}}",
            Code::ConfigInvalid,
            &["`getMetadata` is a number"],
        ),
        (
            "{\"nango\": {\"batchSave\": {\"M\": 7}}}",
            Code::ConfigInvalid,
            &["`nango.batchSave.M` is a number"],
        ),
    ];
    for (text, code, says) in rows {
        home.put("f.json", text);
        println!("{text}");
        let ended = home
            .tidegate(&["test", "sync.wasm", "--fixture", "f.json"])
            .run();
        let message = refused(ended, *code);
        holds(&message, says);
        if *code == Code::ConfigInvalid {
            holds(&message, &["docs/testing.md"]);
        }
    }
    let missing = home
        .tidegate(&["test", "sync.wasm", "--fixture", "g.json"])
        .run();
    holds(&refused(missing, Code::NotFound), &["the fixture `g.json`"]);
    let wrong = home
        .tidegate(&[
            "test",
            "sync.wasm",
            "--fixture",
            "f.json",
            "--connection",
            "none.json",
        ])
        .run();
    holds(
        &refused(wrong, Code::Usage),
        &[
            "--connection `none.json`",
            "neither a JSON object nor a file",
        ],
    );
}

/// Answers as Node and the SDK's tool do: of a folder two syncs come, of a file its own.
const NODE: &str = r#"#!/bin/sh
contacts='{"name":"contacts","component":"sync.wasm","sources":["pkg/syncs/contacts.ts"]}'
people='{"name":"people","component":"sync.wasm","sources":["pkg/syncs/people.ts"]}'
case "$*" in
  --version) echo v20.1.0 ;;
  *people.ts*) echo "$people" ;;
  *contacts.ts*) echo "$contacts" ;;
  *) echo "$contacts"; echo "$people" ;;
esac
"#;

#[test]
fn each_sync_of_a_folder_has_its_own_fixtures() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::with(CHECKPOINT);
    home.put("programs/node", NODE);
    let executable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(home.path("programs/node"), executable).unwrap();
    home.put("sdk/bin/tidegate-sdk.mjs", "");
    home.put("sdk/node_modules/README", "");
    for (file, text) in [
        ("pkg/package.json", "{}".to_owned()),
        ("pkg/fixtures/contacts.json", contacts().to_string()),
        ("pkg/fixtures/people.one.json", contacts().to_string()),
        ("pkg/fixtures/peoples.json", "{}".to_owned()),
        ("pkg/tests/contacts.test.json", nango().to_string()),
        ("crm/syncs/contacts.ts", String::new()),
        ("crm/syncs/people.ts", String::new()),
        ("crm/tests/people.test.json", nango().to_string()),
    ] {
        home.put(file, text);
    }
    let call = |arguments: &[&str]| {
        home.tidegate(arguments)
            .env("PATH", home.path("programs"))
            .env("TIDEGATE_TYPESCRIPT_SDK", home.path("sdk"))
            .run()
    };
    let (own, nangos) = ("pkg/fixtures/contacts.json", "pkg/tests/contacts.test.json");
    let (people, crm) = ("pkg/fixtures/people.one.json", "crm/tests/people.test.json");
    let rows: [(&[&str], &[&str]); 5] = [
        (&["test", "pkg"], &[own, nangos, people]),
        (&["test", "pkg", "--sync", "people"], &[people]),
        (&["test", "crm"], &[crm]),
        (&["test", "crm/syncs/people.ts"], &[crm]),
        (
            &["test", "pkg", "--sync", "people", "--fixture", own],
            &[own],
        ),
    ];
    for (arguments, files) in rows {
        let said = call(arguments).expect(0).stdout;
        assert_eq!(said.lines().count(), files.len(), "{said}");
        for (line, file) in said.lines().zip(files) {
            holds(line, &["ok ", file]);
        }
    }
    let unknown = call(&["test", "pkg", "--sync", "person"]);
    holds(
        &refused(unknown, Code::Usage),
        &["no sync `person` in `pkg`", "contacts, people"],
    );
    let several = call(&["test", "pkg", "--fixture", own]);
    holds(
        &refused(several, Code::Usage),
        &["several syncs in `pkg`", "--sync"],
    );
    let none = call(&["test", "crm/syncs/contacts.ts"]);
    holds(
        &refused(none, Code::NotFound),
        &["no fixtures for `crm/syncs/contacts.ts`"],
    );
}
