//! `fetch`: how requests are joined and refused, and how responses are taken.

use crate::{Row, check, host_and_guest, play, row, script};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use tidegate_provider::Provider;
use url::Url;

/// A request, its setters, its exchange, and then what is asked of the response.
fn exchange(method: &str, url: &str, setters: Value, then: Value) -> Value {
    let mut steps = vec![json!(["fetch.request", method, url])];
    steps.extend(setters.as_array().into_iter().flatten().cloned());
    steps.extend([json!(["fetch.send"]), json!(["fetch.pending.wait"])]);
    steps.extend(then.as_array().into_iter().flatten().cloned());
    Value::Array(steps)
}

fn get(url: &str, then: Value) -> Value {
    exchange("GET", url, json!([]), then)
}

fn with_header(name: &str) -> Value {
    exchange(
        "GET",
        "/echo",
        json!([["fetch.request.set-header", name, "x"]]),
        json!([]),
    )
}

fn rows(provider: &str) -> Vec<Row> {
    let status = json!([["fetch.response.status"]]);
    let once = json!([["fetch.request.set-retries", 0]]);
    let elsewhere = json!([["fetch.request.set-base-url", "http://169.254.169.254/"]]);
    let base = json!([["fetch.request.set-base-url", format!("{provider}/status")]]);
    vec![
        row("relative", get("/status/200", status.clone()), "ok", 200),
        row(
            "absolute",
            get(&format!("{provider}/status/200"), status.clone()),
            "ok",
            200,
        ),
        row(
            "no success is a response",
            get("/status/404", status.clone()),
            "ok",
            404,
        ),
        row(
            "nor is a 503 an error, once tries are spent",
            exchange("GET", "/status/503", once, status.clone()),
            "ok",
            503,
        ),
        row(
            "another base URL, as a folder",
            exchange("GET", "201", base, status.clone()),
            "ok",
            201,
        ),
        row(
            "a base URL that is not allowed",
            exchange("GET", "/", elsewhere, json!([])),
            "egress.denied",
            "169.254.169.254",
        ),
        row(
            "after a redirect",
            get("/redirect?to=/status/200", json!([["fetch.response.url"]])),
            "ok",
            format!("{provider}/status/200"),
        ),
        row(
            "a header in any case",
            get("/echo", json!([["fetch.response.header", "CONTENT-type"]])),
            "ok",
            "application/json; charset=utf-8",
        ),
        row(
            "a header that is not there",
            get("/echo", json!([["fetch.response.header", "x-none"]])),
            "ok",
            Value::Null,
        ),
        row(
            "waited for twice",
            get("/echo", json!([["fetch.pending.wait"]])),
            "invalid.argument",
            "waited for already",
        ),
        row(
            "sent twice",
            get(
                "/status/200",
                json!([
                    ["fetch.send"],
                    ["fetch.pending.wait"],
                    ["fetch.response.status"]
                ]),
            ),
            "ok",
            200,
        ),
        row(
            "a body is taken once",
            get(
                "/large?bytes=3",
                json!([["fetch.response.text"], ["fetch.response.text"]]),
            ),
            "ok",
            "",
        ),
        row(
            "read of nothing",
            get("/large?bytes=3", json!([["fetch.response.read", 0]])),
            "invalid.argument",
            "at least 1",
        ),
        row(
            "what is left after a read",
            get(
                "/large?bytes=3",
                json!([["fetch.response.read", 1], ["fetch.response.body"]]),
            ),
            "ok",
            "xx",
        ),
        row(
            "gzip is decoded",
            get("/large?bytes=5&gzip=1", json!([["fetch.response.text"]])),
            "ok",
            "xxxxx",
        ),
        row(
            "credentials of the guest's own",
            with_header("Authorization"),
            "egress.denied",
            "authorization",
        ),
        row(
            "framing",
            with_header("content-length"),
            "egress.denied",
            "content-length",
        ),
        row(
            "a method that no sync needs",
            exchange("TRACE", "/echo", json!([]), json!([])),
            "invalid.argument",
            "TRACE",
        ),
        row(
            "a scheme that is none of the web's",
            get("file:///etc/passwd", json!([])),
            "egress.denied",
            "file",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edges() -> Result<()> {
    let Some((host, ready)) = host_and_guest().await? else {
        return Ok(());
    };
    let provider = Provider::demo().start().await?;
    let url = provider.url();
    check(&host, &ready, Some(&url), rows(&url)).await?;
    let relative = row(
        "relative without a base",
        get("/echo", json!([])),
        "egress.denied",
        "no base URL",
    );
    check(&host, &ready, None, vec![relative]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_set_arrives() -> Result<()> {
    let Some((host, ready)) = host_and_guest().await? else {
        return Ok(());
    };
    let provider = Provider::demo().start().await?;
    let setters = json!([
        ["fetch.request.set-query", "q", "a b&c=ü+%20"],
        ["fetch.request.set-query", "q", "again"],
        ["fetch.request.set-header", "X-One", "first"],
        ["fetch.request.set-header", "x-one", "second"],
        ["fetch.request.set-body", "bytes"],
        ["fetch.request.set-body-text", "text ü"],
    ]);
    let sent = exchange(
        "POST",
        "/echo?own=1",
        setters,
        json!([["fetch.response.text"]]),
    );
    let steps = play(&host, &ready, script(sent).provider(provider.url())).await?;
    let echo = steps
        .last()
        .and_then(|step| step.answer.as_str())
        .context("no echo")?;
    let echo: Value = serde_json::from_str(echo)?;
    assert_eq!(echo["method"], "POST");
    assert_eq!(
        echo["body"], "text ü",
        "the later body takes the place of the first"
    );
    let seen = Url::parse(&format!(
        "http://x/?{}",
        echo["query"].as_str().unwrap_or_default()
    ))?;
    let pairs: Vec<_> = seen.query_pairs().into_owned().collect();
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(
        pairs,
        [
            pair("own", "1"),
            pair("q", "a b&c=ü+%20"),
            pair("q", "again")
        ]
    );
    let headers = echo["headers"].as_array().into_iter().flatten();
    let ones: Vec<_> = headers
        .filter(|header| header[0] == "x-one")
        .map(|header| header[1].clone())
        .collect();
    assert_eq!(ones, ["second"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_read_in_parts_ends_with_none() -> Result<()> {
    let Some((host, ready)) = host_and_guest().await? else {
        return Ok(());
    };
    let provider = Provider::demo().start().await?;
    let read = json!(["fetch.response.read", 4]);
    let steps = get("/large?bytes=10", json!([read, read, read, read, read]));
    let steps = play(&host, &ready, script(steps).provider(provider.url())).await?;
    let parts: Vec<_> = steps
        .into_iter()
        .filter(|step| step.name == "fetch.response.read")
        .map(|step| step.answer)
        .collect();
    assert_eq!(
        parts,
        [
            json!("xxxx"),
            json!("xxxx"),
            json!("xx"),
            Value::Null,
            Value::Null
        ]
    );
    Ok(())
}
