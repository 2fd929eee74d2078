//! One capability, one name: what `wit/<x>.wit` declares is served by
//! `host/src/capability/<x>.rs`, offered by `guest-sdk/rust/src/<x>.rs` and
//! `guest-sdk/typescript/src/guest/<x>.ts`, and tried in `tests/conformance`.

/// Files of `wit/` that declare no capability.
const NOT_CAPABILITIES: &[&str] = &["world", "types"];

/// Languages in which the conformance suite tries a capability.
const CONFORMANCE_LANGUAGES: &[&str] = &["rs", "js", "ts", "py"];

/// Folders with a file for each capability, and what the file's name ends with.
const PLACES: &[(&str, &str)] = &[
    ("host/src/capability", "rs"),
    ("guest-sdk/rust/src", "rs"),
    ("guest-sdk/typescript/src/guest", "ts"),
];

/// Places that do not exist yet. The list only shrinks: an entry that is no longer needed
/// fails the test.
const MISSING: &[&str] = &[];

#[test]
fn every_capability_has_one_name_everywhere() {
    let capabilities: Vec<String> = crate::files("wit", "wit")
        .iter()
        .filter_map(|(path, _)| {
            path.strip_prefix("wit/")?
                .strip_suffix(".wit")
                .map(str::to_owned)
        })
        .filter(|name| !name.contains('/') && !NOT_CAPABILITIES.contains(&name.as_str()))
        .collect();
    assert!(capabilities.len() >= 6, "wit/ has moved");
    let conformance: Vec<(String, String)> = CONFORMANCE_LANGUAGES
        .iter()
        .flat_map(|extension| crate::files("tests/conformance", extension))
        .collect();
    let is_there = |place: &str| crate::root().join(place).is_file();
    let is_tried = |name: &str| {
        conformance
            .iter()
            .any(|(path, text)| mentions(path, text, name))
    };
    crate::none(problems(&capabilities, &is_there, &is_tried, MISSING));
}

/// Whether a conformance file is about a capability: by its name, or by naming it in its
/// text as a word of its own.
fn mentions(path: &str, text: &str, name: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    path.ends_with(&format!("/{name}.rs")) || text.split(|c| !is_word(c)).any(|word| word == name)
}

fn problems(
    capabilities: &[String],
    is_there: &dyn Fn(&str) -> bool,
    is_tried: &dyn Fn(&str) -> bool,
    missing: &[&str],
) -> Vec<String> {
    let mut problems = Vec::new();
    let mut places = Vec::new();
    for name in capabilities {
        for (folder, extension) in PLACES {
            let place = format!("{folder}/{name}.{extension}");
            let found = is_there(&place);
            places.push((place, found));
        }
        places.push((format!("tests/conformance: {name}"), is_tried(name)));
    }
    for (place, found) in &places {
        match (found, missing.contains(&place.as_str())) {
            (false, false) => problems.push(format!("{place} is missing; a capability of wit/ has the same name in the host, the SDK and the conformance suite")),
            (true, true) => problems.push(format!("{place} is there; take it off MISSING in tests/tidy/parity.rs")),
            _ => {}
        }
    }
    let unknown = missing
        .iter()
        .filter(|entry| places.iter().all(|(place, _)| place != *entry));
    problems.extend(unknown.map(|entry| {
        format!(
            "{entry} is on MISSING in tests/tidy/parity.rs, but no capability needs it; take it off"
        )
    }));
    problems
}

#[test]
fn seeded_mistakes_are_found() {
    let capabilities = ["fetch".to_owned()];
    let host = "host/src/capability/fetch.rs";
    let all: &dyn Fn(&str) -> bool = &|_| true;
    let nothing: &dyn Fn(&str) -> bool = &|_| false;
    let host_only: &dyn Fn(&str) -> bool = &|place| place == host;
    assert!(problems(&capabilities, all, all, &[]).is_empty());
    assert_eq!(problems(&capabilities, nothing, nothing, &[]).len(), 4);
    assert_eq!(problems(&capabilities, host_only, all, &[]).len(), 2);
    assert!(
        problems(
            &capabilities,
            host_only,
            all,
            &[
                "guest-sdk/rust/src/fetch.rs",
                "guest-sdk/typescript/src/guest/fetch.ts"
            ]
        )
        .is_empty()
    );
    assert!(problems(&capabilities, all, all, &[host])[0].contains("take it off"));
    assert!(
        problems(&capabilities, all, all, &["host/src/capability/x.rs"])[0].contains("take it off")
    );
    assert!(mentions(
        "tests/conformance/main.rs",
        "calls fetch::send",
        "fetch"
    ));
    assert!(mentions("tests/conformance/fetch.rs", "", "fetch"));
    assert!(!mentions(
        "tests/conformance/main.rs",
        "prefetched rerun",
        "fetch"
    ));
}
