//! What the provider sees, echoes, limits and redirects.

use crate::client::*;
use flate2::read::GzDecoder;
use serde_json::json;
use std::io::Read;
use std::time::Duration;
use tidegate_provider::{Provider, RateLimit};

#[tokio::test]
async fn requests_are_logged_with_headers_and_query() {
    let provider = Provider::demo().start().await.unwrap();
    let url = format!("{}/contacts?limit=5&q=a%20b", provider.url());
    let request = client().get(url).header("Authorization", "Bearer s3cret");
    request.send().await.unwrap();
    get(&provider, "/none").await;
    let seen = provider.requests();
    assert_eq!(seen.len(), 2);
    assert_eq!((&*seen[0].method, &*seen[0].path), ("GET", "/contacts"));
    assert_eq!(seen[0].query, "limit=5&q=a%20b");
    assert_eq!(seen[0].param("q").as_deref(), Some("a b"));
    assert_eq!(seen[0].header("authorization"), Some("Bearer s3cret"));
    assert_eq!(seen[1].header("authorization"), None);
    assert!(seen[0].at <= seen[1].at);
    provider.forget_requests();
    assert!(provider.requests().is_empty());
}

#[tokio::test]
async fn a_missing_or_wrong_credential_is_401() {
    let provider = Provider::demo()
        .require_header("authorization", "Bearer s3cret")
        .start()
        .await
        .unwrap();
    let url = format!("{}/users", provider.url());
    for (value, status) in [
        (None, 401),
        (Some("Bearer other"), 401),
        (Some("Bearer s3cret"), 200),
    ] {
        let mut request = client().get(&url);
        if let Some(value) = value {
            request = request.header("authorization", value);
        }
        assert_eq!(request.send().await.unwrap().status(), status, "{value:?}");
    }
}

#[tokio::test]
async fn the_rate_limit_is_kept_and_told() {
    let limit = RateLimit {
        requests: 2,
        window: Duration::from_secs(3600),
    };
    let provider = Provider::demo().rate_limit(limit).start().await.unwrap();
    for (status, remaining) in [(200, "1"), (200, "0"), (429, "0")] {
        let response = get(&provider, "/users").await;
        assert_eq!(response.status(), status);
        assert_eq!(response.headers()["x-ratelimit-remaining"], remaining);
        assert_eq!(response.headers()["x-ratelimit-limit"], "2");
        let wait = response.headers().get("retry-after");
        assert_eq!(wait.is_some(), status == 429);
        if let Some(wait) = wait {
            let wait: u64 = wait.to_str().unwrap().parse().unwrap();
            assert!((1..=3600).contains(&wait), "{wait}");
        }
    }
}

#[tokio::test]
async fn the_echo_answers_what_it_received() {
    let provider = Provider::builder().start().await.unwrap();
    let url = format!("{}/echo?a=1&b=%2F", provider.url());
    let request = client().put(url).header("X-One", "1").body("{\"é\":1}");
    let text = request.send().await.unwrap().text().await.unwrap();
    let echo: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(echo["method"], "PUT");
    assert_eq!(echo["query"], "a=1&b=%2F");
    assert_eq!(echo["body"], "{\"é\":1}");
    let headers = echo["headers"].as_array().unwrap();
    assert!(headers.contains(&json!(["x-one", "1"])), "{headers:?}");
}

#[tokio::test]
async fn statuses_and_redirects_are_as_asked() {
    let provider = Provider::builder().start().await.unwrap();
    for (path, status, location) in [
        ("/status/418", 418, None),
        ("/status/204", 204, None),
        ("/status/20", 400, None),
        (
            "/redirect?to=http://10.0.0.1/x",
            302,
            Some("http://10.0.0.1/x"),
        ),
        ("/redirect?to=/echo&status=308", 308, Some("/echo")),
    ] {
        let response = get(&provider, path).await;
        assert_eq!(response.status(), status, "{path}");
        let found = response.headers().get("location");
        assert_eq!(
            found.map(|value| value.to_str().unwrap()),
            location,
            "{path}"
        );
    }
}

#[tokio::test]
async fn large_bodies_have_their_size_in_each_coding() {
    let provider = Provider::builder().start().await.unwrap();
    for bytes in [0, 1, 65_536, 3_000_001] {
        let path = format!("/large?bytes={bytes}");
        let plain = get(&provider, &path).await;
        assert_eq!(plain.headers()["content-length"], bytes.to_string());
        assert_eq!(plain.bytes().await.unwrap().len(), bytes);
        let chunked = get(&provider, &format!("{path}&chunked=1")).await;
        assert!(chunked.headers().get("content-length").is_none());
        assert_eq!(chunked.bytes().await.unwrap().len(), bytes);
        let zipped = get(&provider, &format!("{path}&gzip=1")).await;
        assert_eq!(zipped.headers()["content-encoding"], "gzip");
        let zipped = zipped.bytes().await.unwrap();
        assert!(zipped.len() < 30 + bytes / 100, "{}", zipped.len());
        let mut text = String::new();
        GzDecoder::new(&zipped[..])
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(text, "x".repeat(bytes));
    }
}

#[tokio::test]
async fn endless_pages_have_the_same_records_and_always_a_next() {
    let provider = Provider::builder().start().await.unwrap();
    let first = json(&provider, "/endless").await;
    let second = json(&provider, "/endless?cursor=1").await;
    assert_eq!(first["data"], second["data"]);
    assert_eq!(
        (&first["next_cursor"], &second["next_cursor"]),
        (&json!("1"), &json!("2"))
    );
}

#[tokio::test]
async fn a_stopped_provider_is_gone_and_comes_back_on_its_port() {
    let provider = Provider::demo().start().await.unwrap();
    let (url, port) = (provider.url(), provider.port());
    let client = client();
    assert_eq!(
        client
            .get(format!("{url}/users"))
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
    drop(provider);
    let failed = client.get(format!("{url}/users")).send().await.unwrap_err();
    assert!(failed.is_connect(), "{failed:?}");
    let _again = Provider::demo().port(port).start().await.unwrap();
    assert_eq!(
        client
            .get(format!("{url}/users"))
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
    let failed = Provider::demo().port(port).start().await.err().unwrap();
    assert!(
        format!("{failed:#}").contains(&port.to_string()),
        "{failed:#}"
    );
}
