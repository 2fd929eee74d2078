//! The example syncs through the program: each run reports exactly what changed at the
//! provider, and the feed holds exactly that.

use crate::{ACCUMULATE, CHECKPOINT, Home, counts, each, holds, refused};
use jiff::{ToSpan, Zoned, civil::Date, tz::TimeZone};
use serde_json::Value;
use tidegate::error::Code;
use tidegate_provider::Provider;
use tidegate_tests::component;

const FULL_REFRESH: &[u8] = include_bytes!("../../host/bundled/full-refresh.wasm");

#[test]
fn full_refresh_reports_exactly_the_changes_and_removals() {
    let home = Home::with(FULL_REFRESH);
    let provider = Provider::builder().users(500, 7).start_blocking().unwrap();
    assert_eq!(counts(&home.synced(&provider, &[]), "User"), [500, 0, 0, 0]);
    let (_, cursor) = home.changes("User", None);

    let users = provider.users();
    users.update(0..12);
    users.remove(20..24);
    let new = users.add(3);
    assert_eq!(
        counts(&home.synced(&provider, &[]), "User"),
        [3, 12, 4, 484]
    );

    let (changes, cursor) = home.changes("User", Some(&cursor));
    let of = |action: &str| {
        let some: Vec<Value> = changes
            .iter()
            .filter(|change| change["action"] == action)
            .cloned()
            .collect();
        let mut ids: Vec<String> = each(&some, "id").into_iter().map(str::to_owned).collect();
        ids.sort_unstable();
        ids
    };
    let ids =
        |numbers: std::ops::Range<u64>| numbers.map(|number| users.id(number)).collect::<Vec<_>>();
    assert_eq!(of("UPDATED"), ids(0..12));
    assert_eq!(of("DELETED"), ids(20..24));
    assert_eq!(of("ADDED"), ids(new));

    assert_eq!(counts(&home.synced(&provider, &[]), "User"), [0, 0, 0, 499]);
    assert!(home.changes("User", Some(&cursor)).0.is_empty());
}

#[test]
fn checkpoint_sees_only_what_is_new() {
    let home = Home::with(CHECKPOINT);
    let provider = Provider::builder()
        .contacts(1_200, 7)
        .start_blocking()
        .unwrap();
    assert_eq!(
        counts(&home.synced(&provider, &[]), "Contact"),
        [1_200, 0, 0, 0]
    );

    provider.forget_requests();
    provider.contacts().update(100..130);
    provider.contacts().add(20);
    let row = home.synced(&provider, &[]);
    // Three contacts share the date of the checkpoint; `since` is inclusive.
    assert_eq!(counts(&row, "Contact"), [20, 30, 0, 3]);
    assert_eq!(provider.requests().len(), 1);
    assert_ne!(row["checkpoint_before"], row["checkpoint_after"]);
}

#[test]
fn backfill_limit_looks_only_some_months_back() {
    let Some(component) = component("example-backfill-limit") else {
        return;
    };
    let home = Home::with(&component);
    let today = || Zoned::now().with_time_zone(TimeZone::UTC).date();
    let (from, to) = (today() - 12.months(), today() + 1.day());
    let provider = Provider::builder()
        .contacts(4_000, 7)
        .contacts_between(&from.to_string(), &to.to_string())
        .start_blocking()
        .unwrap();
    let months_ago = || today() - 2.months();
    let before = months_ago();
    let row = home.synced(&provider, &["--metadata", r#"{"months":2}"#]);

    let since = provider.requests()[0].param("since").unwrap();
    let day: Date = since[..10].parse().unwrap();
    assert!([before, months_ago()].contains(&day), "{since}");
    let wanted = |contact: &Value| {
        contact["active"] == true
            && contact["updated_at"]
                .as_str()
                .is_some_and(|at| at >= since.as_str())
    };
    let all = provider.contacts().records();
    let contacts: Vec<Value> = all
        .iter()
        .map(|text| serde_json::from_str(text).unwrap())
        .collect();
    let expected: Vec<Value> = contacts.into_iter().filter(wanted).collect();
    assert!((1..2_000).contains(&expected.len()), "{}", expected.len());
    assert_eq!(counts(&row, "Contact")[0], expected.len() as u64);
    assert_eq!(
        each(&home.changes("Contact", None).0, "id"),
        each(&expected, "id")
    );
}

#[test]
fn accumulate_runs_out_of_memory_and_loses_nothing() {
    let home = Home::with(ACCUMULATE);
    let provider = Provider::builder()
        .contacts(2_000, 7)
        .start_blocking()
        .unwrap();
    let first = home.synced(&provider, &["--memory", "16MiB"]);
    assert_eq!(counts(&first, "Contact"), [2_000, 0, 0, 0]);
    let saved = home.changes("Contact", None);

    provider.contacts().add(80_000);
    let failed = home.sync(&provider, &["--memory", "16MiB"]).run();
    let row: Value = serde_json::from_str(failed.stdout.lines().next().unwrap()).unwrap();
    let message = refused(failed, Code::LimitMemory);
    assert!(!message.is_empty());
    let post_mortem = &row["post_mortem"];
    holds(
        post_mortem["verdict"].as_str().unwrap(),
        &[
            "of 16.0 MiB",
            "it accumulates pages",
            "nothing was ever saved",
            "save each page",
        ],
    );
    assert!(post_mortem["pages_since_save"].as_u64().unwrap() > 3);
    assert_eq!(post_mortem["next_checkpoint"], first["checkpoint_after"]);
    assert_eq!(home.changes("Contact", None), saved);
    assert_eq!(counts_or_none(&row), 0);
}

/// The program brings three examples along, for machines that cannot build them.
#[test]
fn the_bundled_components_are_the_examples() {
    for (package, bundled) in [
        ("example-full-refresh", FULL_REFRESH),
        ("example-checkpoint", CHECKPOINT),
        ("example-accumulate", ACCUMULATE),
    ] {
        let Some(built) = component(package) else {
            return;
        };
        let home = Home::with(bundled);
        home.put("built.wasm", built);
        let manifest = |file: &str| home.json(&["check", file])[0]["manifest"].take();
        assert_eq!(
            manifest("sync.wasm"),
            manifest("built.wasm"),
            "{package}: bundle it again"
        );
    }
}

/// Records that a run without a save is said to have touched.
fn counts_or_none(row: &Value) -> u64 {
    let counts = row["counts"].as_object().unwrap();
    counts
        .values()
        .flat_map(|each| each.as_object().unwrap().values())
        .filter_map(Value::as_u64)
        .sum()
}
