//! Stores through the program: held by another process, damaged, on a full disk, backed
//! up and restored.

use crate::{CHECKPOINT, Home, counts, holds, refused};
use std::fs::{self, OpenOptions};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;
use tidegate::error::Code;
use tidegate_provider::{Fault, Provider, ProviderHandle};
use tidegate_tests::process::binary;

/// The largest file that a process on a "full disk" may write, in blocks of 512 bytes.
const FULL_DISK_BLOCKS: u32 = 256;

/// A home whose store holds a thousand contacts.
fn filled() -> (Home, ProviderHandle) {
    let home = Home::with(CHECKPOINT);
    let provider = Provider::builder()
        .contacts(1_000, 7)
        .start_blocking()
        .unwrap();
    assert_eq!(
        counts(&home.synced(&provider, &[]), "Contact"),
        [1_000, 0, 0, 0]
    );
    (home, provider)
}

#[test]
fn a_second_process_is_refused_and_told_who_holds_the_store() {
    let (home, provider) = filled();
    provider.forget_requests();
    provider.faults().next("/contacts", Fault::Stall, 1);
    let mut first = home.sync(&provider, &[]).start();
    while provider.requests().is_empty() {
        assert!(!first.has_ended(), "{}", first.stdout());
        std::thread::sleep(Duration::from_millis(5));
    }
    let process = first.id().to_string();
    for command in [
        &["runs"][..],
        &["records", "Contact"],
        &["verify"],
        &["run", "sync.wasm"],
    ] {
        let message = refused(home.tidegate(command).run(), Code::StoreLocked);
        holds(&message, &[".tidegate/store", &process]);
    }
    first.kill();
    assert_eq!(home.changes("Contact", None).0.len(), 1_000);
}

#[test]
fn a_damaged_store_is_refused_with_what_to_do() {
    let (home, _provider) = filled();
    home.tidegate(&["backup", "whole"]).run().expect(0);
    let largest = largest(home.path(".tidegate/store"));
    let file = OpenOptions::new().write(true).open(&largest).unwrap();
    file.set_len(file.metadata().unwrap().len() / 2).unwrap();
    for command in [&["verify"][..], &["runs"], &["records", "Contact"]] {
        let message = refused(home.tidegate(command).run(), Code::StoreDamaged);
        println!("{message}");
        holds(&message, &["tidegate restore"]);
    }
    home.tidegate(&["restore", "whole", "--store", "mended"])
        .run()
        .expect(0);
    let lines = home.json(&["records", "Contact", "--all", "--store", "mended"]);
    assert_eq!(lines.len(), 1_000 + 1);
}

/// The largest file below `folder`.
fn largest(folder: PathBuf) -> PathBuf {
    let (mut folders, mut found) = (vec![folder], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            match entry.file_type().unwrap().is_dir() {
                true => folders.push(entry.path()),
                false => found.push((entry.metadata().unwrap().len(), entry.path())),
            }
        }
    }
    found.into_iter().max().unwrap().1
}

/// A disk that takes no more, as far as a process without rights can have one: its files
/// cannot grow past a size.
#[cfg(unix)]
#[test]
fn a_full_disk_ends_the_run_and_loses_nothing() {
    let (home, provider) = filled();
    let before = home.changes("Contact", None);
    provider.contacts().add(20_000);
    let limited = format!("trap '' XFSZ; ulimit -f {FULL_DISK_BLOCKS}; exec \"$0\" \"$@\"");
    let ended = Command::new("sh")
        .args(["-c", &limited])
        .arg(binary())
        .args(["run", "sync.wasm", "--base-url", &provider.url()])
        .current_dir(home.path("."))
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&ended.stderr);
    let codes =
        [Code::StoreUnavailable, Code::LimitStorage].map(|code| Some(i32::from(code.exit_code())));
    assert!(
        codes.contains(&ended.status.code()),
        "{:?}\n{words}",
        ended.status
    );
    holds(&words, &["error[", "hint: free"]);

    let (after, _) = home.changes("Contact", None);
    assert!(after.len() >= before.0.len());
    assert_eq!(after[..before.0.len()], before.0);
    home.synced(&provider, &[]);
    assert_eq!(home.changes("Contact", None).0.len(), 21_000);
}

#[test]
fn a_backup_restores_and_refuses_the_cursors_from_before() {
    let (home, provider) = filled();
    let (records, cursor) = home.changes("Contact", None);
    let said = home.tidegate(&["backup", "first"]).run().expect(0);
    assert_eq!(said.stdout, "");
    holds(&said.stderr, &["bytes written to `first`"]);
    holds(
        &refused(home.tidegate(&["backup", "first"]).run(), Code::Usage),
        &["`first`", "exists"],
    );

    let said = home.tidegate(&["restore", "first"]).run();
    holds(
        &refused(said, Code::InvalidArgument),
        &["not empty", "another folder"],
    );
    let said = home
        .tidegate(&["restore", "first", "--store", "second"])
        .run()
        .expect(0);
    holds(&said.stderr, &["restored to `second`", "cursor.stale"]);

    let stale = home
        .tidegate(&[
            "records", "Contact", "--store", "second", "--cursor", &cursor,
        ])
        .run();
    refused(stale, Code::CursorStale);
    let mut again = home.json(&["records", "Contact", "--all", "--store", "second"]);
    again.pop();
    assert_eq!(again, records);
    let row = home.synced(&provider, &["--store", "second"]);
    assert_eq!(
        counts(&row, "Contact"),
        [0, 0, 0, 1],
        "it goes on from the checkpoint"
    );
}

#[test]
fn verify_reads_the_whole_store() {
    let (home, _provider) = filled();
    let report = home.json(&["verify"]).remove(0);
    assert_eq!(
        (&report["streams"], &report["records"]),
        (&1.into(), &1_000.into())
    );
    assert_eq!(report["defects"], serde_json::json!([]));
    let said = home.tidegate(&["verify"]).run().expect(0);
    holds(
        &said.stderr,
        &["1 streams", "1,000 records read", "no defects"],
    );
}
