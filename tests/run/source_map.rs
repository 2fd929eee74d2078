//! A component's source map: what a guest says of generated code reaches people as the
//! author's file and line, and a broken map changes nothing else.

use crate::GUEST;
use anyhow::Result;
use tidegate::limits::SOURCE_MAP_BYTES_MAX;
use tidegate::model::{Outcome, RunRow, SourceMap};
use tidegate_tests::host::{RunSettings, TestHost, outcome};

/// Line 3 of the bundle comes from `src/sync.ts`; the lines of the SDK are of no source.
const MAP: &str =
    r#"{"version":3,"file":"app:user.js","sources":["src/sync.ts"],"mappings":";;AAWA"}"#;

/// What a bundle says that threw: a frame of the author's between two of the SDK's.
const THROWN: &str = "TypeError: x is undefined\n    at get (app:user.js:90:5)\n    at exec (app:user.js:3:7)\n    at run (app:user.js:80:1)";

/// The same as its author reads it.
const READ: &str = "TypeError: x is undefined\n    at exec (src/sync.ts:12:1)";

/// `component` with one more custom section.
fn with_section(component: &[u8], name: &str, data: &[u8]) -> Vec<u8> {
    let mut section = Vec::new();
    leb(name.len(), &mut section);
    section.extend_from_slice(name.as_bytes());
    section.extend_from_slice(data);
    let mut bytes = component.to_vec();
    bytes.push(0);
    leb(section.len(), &mut bytes);
    bytes.extend(section);
    bytes
}

fn leb(mut number: usize, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// The guest ends in this behaviour, and says `message`.
async fn ended(
    component: Vec<u8>,
    behaviour: &str,
    message: &str,
) -> Result<(RunRow, Vec<String>)> {
    let host = TestHost::in_memory()?;
    let ready = host.accept(&component).await?;
    let settings = RunSettings::behaviour(behaviour).with("message", message);
    let row = host.run(&ready, settings).await?;
    let log = host.log(&row).await?.into_iter().map(|line| line.message);
    Ok((row, log.collect()))
}

fn message(row: &RunRow) -> Result<String> {
    let Outcome::Failed { error } = outcome(row)? else {
        anyhow::bail!("{:?}", row.state);
    };
    Ok(error.message.clone())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_names_the_authors_file_and_line() -> Result<()> {
    let Some(component) = tidegate_tests::component(GUEST) else {
        return Ok(());
    };
    let mapped = with_section(&component, SourceMap::SECTION, MAP.as_bytes());

    let (row, log) = ended(mapped.clone(), "returns_error", THROWN).await?;
    assert!(message(&row)?.ends_with(READ), "{}", message(&row)?);
    let post_mortem = row.post_mortem.expect("it failed");
    assert!(
        !post_mortem.verdict.contains('\n'),
        "{}",
        post_mortem.verdict
    );
    assert_eq!(post_mortem.backtrace, ["exec (src/sync.ts:12:1)"]);
    assert!(
        log.iter().any(|line| line.contains("x is undefined")),
        "{log:?}"
    );

    // A guest that panics says it on stderr, which becomes lines of the log.
    let (row, log) = ended(mapped, "panics", THROWN).await?;
    assert!(message(&row)?.contains("src/sync.ts:12:1"));
    assert!(
        log.contains(&"    at exec (src/sync.ts:12:1)".to_owned()),
        "{log:?}"
    );
    assert!(!log.iter().any(|line| line.contains("user.js")), "{log:?}");
    let stderr = row.post_mortem.expect("it failed").stderr_tail;
    assert!(stderr.contains(READ), "{stderr}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_map_is_told_and_changes_nothing() -> Result<()> {
    let Some(component) = tidegate_tests::component(GUEST) else {
        return Ok(());
    };
    let large = format!("{MAP}{}", " ".repeat(SOURCE_MAP_BYTES_MAX));
    for (map, says) in [
        ("", Some("cannot be read")),
        (&MAP.replace("AAWA", "!"), Some("`!`")),
        (&large, Some("limit")),
        (MAP, None),
    ] {
        let host = TestHost::in_memory()?;
        let bytes = with_section(&component, SourceMap::SECTION, map.as_bytes());
        let ready = host.accept(&bytes).await?;
        match says {
            None => assert_eq!(ready.warnings, Vec::<String>::new()),
            Some(says) => assert!(
                ready.warnings.concat().contains(says),
                "{:?}",
                ready.warnings
            ),
        }
        assert_eq!(ready.source_map.is_none(), says.is_some());
        let settings = RunSettings::behaviour("returns_error").with("message", THROWN);
        let row = host.run(&ready, settings).await?;
        let reads = if says.is_none() { READ } else { THROWN };
        assert!(message(&row)?.ends_with(reads), "{}", message(&row)?);
    }
    // Another section is another's.
    let other = with_section(&component, "producers-of-mine", b"{");
    let (row, _) = ended(other, "returns_error", THROWN).await?;
    assert!(message(&row)?.ends_with(THROWN));
    Ok(())
}
