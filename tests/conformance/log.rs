//! `log`: what a guest emits stands in the run's log, within its limits.

use crate::{host_and_guest, script};
use anyhow::Result;
use serde_json::json;
use tidegate::limits::LOG_LINE_BYTES_MAX;
use tidegate::model::LogLevel;
use tidegate_tests::host::code;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn levels_attributes_and_long_lines() -> Result<()> {
    let Some((host, ready)) = host_and_guest().await? else {
        return Ok(());
    };
    let long = "ä".repeat(LOG_LINE_BYTES_MAX);
    let emitted = json!([
        ["log.emit", "debug", "one", "{\"n\":1}"],
        ["log.emit", "info", "two", ""],
        ["log.emit", "warn", "three", "[\"no object\"]"],
        ["log.emit", "error", long, "no JSON"],
    ]);
    let row = host.run(&ready, script(emitted)).await?;
    assert_eq!(code(&row)?, "ok");
    let log = host.log(&row).await?;
    let own: Vec<_> = log
        .iter()
        .filter(|line| !line.message.starts_with("called "))
        .collect();
    let expected = [
        (LogLevel::Debug, "one", "{\"n\":1}"),
        (LogLevel::Info, "two", ""),
        (LogLevel::Warn, "three", ""),
        (LogLevel::Error, "ä", ""),
    ];
    assert_eq!(own.len(), expected.len(), "{own:?}");
    for (line, (level, message, attributes)) in own.iter().zip(expected) {
        assert_eq!(line.level, level);
        assert!(line.message.starts_with(message), "{}", line.message);
        assert_eq!(line.attributes, attributes, "{message}");
    }
    assert!(
        own[3].message.ends_with("… (cut: 16384 bytes)"),
        "the cut is marked"
    );
    Ok(())
}
