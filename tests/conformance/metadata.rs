//! `metadata`: reads its own writes, merges one level deep, and keeps what it has when a
//! write is refused.

use crate::{Row, check, host_and_guest, row};
use anyhow::Result;
use serde_json::json;
use tidegate::limits::METADATA_BYTES_MAX;

const INVALID: &str = "metadata.invalid";

fn rows() -> Vec<Row> {
    let large = format!("{{\"x\":\"{}\"}}", "x".repeat(METADATA_BYTES_MAX));
    let half = format!("{{\"a\":\"{}\"}}", "x".repeat(METADATA_BYTES_MAX / 2));
    let other_half = format!("{{\"b\":\"{}\"}}", "x".repeat(METADATA_BYTES_MAX / 2));
    vec![
        row("empty at first", json!([["metadata.get"]]), "ok", "{}"),
        row(
            "reads what it wrote",
            json!([["metadata.set", "{\"a\":1}"], ["metadata.get"]]),
            "ok",
            "{\"a\":1}",
        ),
        row(
            "set replaces",
            json!([
                ["metadata.set", "{\"a\":1}"],
                ["metadata.set", "{\"b\":2}"],
                ["metadata.get"]
            ]),
            "ok",
            "{\"b\":2}",
        ),
        row(
            "merge replaces top-level fields whole and keeps the rest",
            json!([
                ["metadata.set", "{\"a\":1,\"n\":{\"x\":1}}"],
                ["metadata.merge", "{\"n\":{\"y\":2}}"],
                ["metadata.get"],
            ]),
            "ok",
            "{\"a\":1,\"n\":{\"y\":2}}",
        ),
        row(
            "set no JSON",
            json!([["metadata.set", "a=1"]]),
            INVALID,
            "expected an object",
        ),
        row(
            "set no object",
            json!([["metadata.set", "[]"]]),
            INVALID,
            "expected an object",
        ),
        row(
            "merge no object",
            json!([["metadata.merge", "1"]]),
            INVALID,
            "expected an object",
        ),
        row(
            "set too large",
            json!([["metadata.set", large]]),
            INVALID,
            "limit 65536",
        ),
        row(
            "too large once merged",
            json!([["metadata.set", half], ["metadata.merge", other_half]]),
            INVALID,
            "limit 65536",
        ),
        row(
            "a refused merge leaves what was there",
            json!([
                ["metadata.set", "{\"a\":1}"],
                ["metadata.merge", "[]"],
                ["metadata.get"]
            ]),
            "ok",
            "{\"a\":1}",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edges() -> Result<()> {
    let Some((host, ready)) = host_and_guest().await? else {
        return Ok(());
    };
    check(&host, &ready, None, rows()).await
}
