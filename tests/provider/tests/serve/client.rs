//! A client that does what a sync does: follow the pages.

use reqwest::{Client, Response, header};
use serde_json::Value;
use tidegate_provider::ProviderHandle;

/// A client without redirects, proxies or decoding: it shows what is on the wire.
pub fn client() -> Client {
    // A second install is refused and changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .no_proxy()
        .no_gzip()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}

pub async fn get(provider: &ProviderHandle, path: &str) -> Response {
    let url = format!("{}{path}", provider.url());
    client().get(url).send().await.unwrap()
}

pub async fn json(provider: &ProviderHandle, path: &str) -> Value {
    let response = get(provider, path).await;
    let status = response.status();
    let text = response.text().await.unwrap();
    assert!(status.is_success(), "{path}: {status} {text}");
    serde_json::from_str(&text).unwrap()
}

/// All records of a list by cursor; `path` with its question mark.
pub async fn by_cursor(provider: &ProviderHandle, path: &str) -> Vec<Value> {
    let mut all = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = json(provider, &format!("{path}&cursor={cursor}")).await;
        all.extend(page["data"].as_array().unwrap().iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => return all,
        }
    }
}

/// All records of a list by `Link` header, and how many pages there were.
pub async fn by_link(provider: &ProviderHandle, path: &str) -> (Vec<Value>, usize) {
    let client = client();
    let mut all = Vec::new();
    let mut pages = 0;
    let mut next = Some(format!("{}{path}", provider.url()));
    while let Some(url) = next {
        let response = client.get(url).send().await.unwrap();
        assert_eq!(response.status(), 200);
        next = link(&response, "next");
        let text = response.text().await.unwrap();
        let page: Vec<Value> = serde_json::from_str(&text).unwrap();
        all.extend(page);
        pages += 1;
    }
    (all, pages)
}

/// The URL of a relation in the `Link` header.
pub fn link(response: &Response, rel: &str) -> Option<String> {
    let header = response.headers().get(header::LINK)?.to_str().unwrap();
    header.split(", ").find_map(|link| {
        let (url, found) = link.split_once("; ").unwrap();
        let url = url.strip_prefix('<').unwrap().strip_suffix('>').unwrap();
        (found == format!("rel=\"{rel}\"")).then(|| url.to_owned())
    })
}

pub fn ids(records: &[Value]) -> Vec<String> {
    let id = |record: &Value| record["id"].as_str().unwrap().to_owned();
    records.iter().map(id).collect()
}
