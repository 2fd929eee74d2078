//! The WIT text against its released copies.
//!
//! Direction of the check: a component of the *released* world must be usable where one
//! of *today's* world is wanted. So today's may import more and export less, and nothing
//! else may differ. That it may export less is of no use to us (an old guest's export
//! would go uncalled), so exports are compared as well.

use std::path::{Path, PathBuf};
use wit_parser::{PackageId, Resolve, SourceMap, Stability, TypeDefKind, TypeOwner, WorldItem};

/// The worlds of guests.
const WORLDS: [&str; 2] = ["sync-guest", "sync-guest-blocking"];

/// Every release with the digest of its files, so that none is edited afterwards.
const RELEASES: &[(&str, &str)] = &[("0.1.0", "833e64e02f21")];

fn wit() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit")
}

/// The `.wit` files of a folder, by name and in order.
fn files(folder: &Path) -> Vec<(String, String)> {
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "wit"))
        .map(|path| {
            (
                path.file_name().unwrap().to_string_lossy().into_owned(),
                std::fs::read_to_string(&path).unwrap(),
            )
        })
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no WIT text in {}", folder.display());
    files
}

/// Adds a package to `resolve` under another version, so that two texts of one version
/// can be held against each other (the check leaves versions out).
fn push(
    resolve: &mut Resolve,
    files: &[(String, String)],
    version: &str,
) -> Result<PackageId, String> {
    let mut sources = SourceMap::new();
    for (name, text) in files {
        let text = text.replacen(
            "package tidegate:sync@0.1.0;",
            &format!("package tidegate:sync@{version};"),
            1,
        );
        sources.push_str(&format!("{version}/{name}"), text);
    }
    let group = sources.parse().map_err(|(_, error)| format!("{error:?}"))?;
    resolve
        .push_group(group)
        .map_err(|error| format!("{error:?}"))
}

/// Whether guests of the `released` text run where `today`'s is given.
fn serves(released: &[(String, String)], today: &[(String, String)]) -> Result<(), String> {
    for world in WORLDS {
        let mut resolve = Resolve::default();
        let before = push(&mut resolve, released, "0.1.998")?;
        let after = push(&mut resolve, today, "0.1.999")?;
        let find = |package| {
            resolve
                .select_world(&[package], Some(world))
                .map_err(|error| format!("{error:#}"))
        };
        let (before, after) = (find(before)?, find(after)?);
        let exports = |world| {
            resolve.worlds[world]
                .exports
                .keys()
                .map(|key| resolve.name_world_key(key))
                .collect::<Vec<_>>()
        };
        if exports(before) != exports(after) {
            return Err(format!(
                "{world} exports {:?}, it exported {:?}",
                exports(after),
                exports(before)
            ));
        }
        wit_component::semver_check(resolve, before, after)
            .map_err(|error| format!("{world}: {error:#}"))?;
    }
    Ok(())
}

#[test]
fn todays_text_serves_guests_of_every_release() {
    for (version, _) in RELEASES {
        let released = files(&wit().join("released").join(version));
        serves(&released, &files(&wit())).unwrap_or_else(|error| panic!("{version}: {error}"));
    }
}

#[test]
fn released_text_is_never_edited() {
    let folders = std::fs::read_dir(wit().join("released")).unwrap();
    let mut versions: Vec<_> = folders
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    versions.sort();
    assert_eq!(
        versions,
        RELEASES
            .iter()
            .map(|(version, _)| *version)
            .collect::<Vec<_>>()
    );
    for (version, digest) in RELEASES {
        let text = format!("{:?}", files(&wit().join("released").join(version)));
        let found = tidegate::model::Digest::of(text.as_bytes()).short();
        assert_eq!(
            found, *digest,
            "the text of {version} is released: put additions into wit/ and a new release"
        );
    }
}

/// The promise in `wit/README.md`, row by row, as edits to today's text.
#[test]
fn additions_are_compatible_and_changes_are_not() {
    let rows = [
        (
            "records.wit",
            "  get: func(",
            "  count: func(model: string) -> u32;\n  get: func(",
            true,
            "a new function",
        ),
        (
            "fetch.wit",
            "    set-query: func(",
            "    set-cookie: func(v: string);\n    set-query: func(",
            true,
            "a new method",
        ),
        (
            "world.wit",
            "  import run;",
            "  import run;\n  import extra;",
            true,
            "a new import",
        ),
        (
            "log.wit",
            "    /// For the author at work.",
            "    /// Louder.\n    trace,\n    /// For",
            false,
            "a new case",
        ),
        (
            "records.wit",
            "    unchanged: u32,",
            "    unchanged: u32,\n    deleted: u32,",
            false,
            "a new field",
        ),
        (
            "checkpoint.wit",
            "save: func(json: string)",
            "save: func(json: string, force: bool)",
            false,
            "a new parameter",
        ),
        (
            "types.wit",
            "retry-after-ms: option<u32>",
            "retry-after-ms: option<u64>",
            false,
            "another type",
        ),
        (
            "log.wit",
            "emit: func(",
            "write: func(",
            false,
            "a lost function",
        ),
        (
            "world.wit",
            "  export describe:",
            "  export stop: func();\n  export describe:",
            false,
            "a new export",
        ),
        (
            "world.wit",
            "  export describe: func() -> string;",
            "",
            false,
            "a lost export",
        ),
    ];
    let before = files(&wit());
    for (file, find, replace, compatible, what) in rows {
        let mut after = before.clone();
        let (_, text) = after.iter_mut().find(|(name, _)| name == file).unwrap();
        assert!(text.contains(find), "{what}: {file} has no {find:?}");
        *text = text.replace(find, replace);
        after.push((
            "extra.wit".into(),
            "package tidegate:sync@0.1.0;\ninterface extra {}".into(),
        ));
        let served = serves(&before, &after);
        assert_eq!(served.is_ok(), compatible, "{what}: {served:?}");
    }
}

#[test]
fn every_item_has_docs_and_since() {
    let mut resolve = Resolve::default();
    let package = push(&mut resolve, &files(&wit()), "0.1.0").unwrap();
    let mut lacking = Vec::new();
    let mut check = |what: String, docs: bool, since: Option<&Stability>| {
        if !docs {
            lacking.push(format!("{what} has no docs"));
        }
        if since.is_some_and(|stability| !matches!(stability, Stability::Stable { .. })) {
            lacking.push(format!("{what} has no @since"));
        }
    };
    let package = &resolve.packages[package];
    assert_eq!(package.interfaces.len(), 7);
    for (name, id) in &package.interfaces {
        let interface = &resolve.interfaces[*id];
        check(
            name.clone(),
            !interface.docs.is_empty(),
            Some(&interface.stability),
        );
        for (function, item) in &interface.functions {
            check(
                format!("{name}.{function}"),
                !item.docs.is_empty(),
                Some(&item.stability),
            );
        }
        for (name, id) in &interface.types {
            let item = &resolve.types[*id];
            let owned = matches!(item.owner, TypeOwner::Interface(_))
                && !matches!(item.kind, TypeDefKind::Type(_));
            check(
                name.clone(),
                !owned || !item.docs.is_empty(),
                Some(&item.stability),
            );
            match &item.kind {
                TypeDefKind::Record(record) => {
                    record.fields.iter().for_each(|field| {
                        check(
                            format!("{name}.{}", field.name),
                            !field.docs.is_empty(),
                            None,
                        )
                    });
                }
                TypeDefKind::Enum(cases) => {
                    cases.cases.iter().for_each(|case| {
                        check(format!("{name}.{}", case.name), !case.docs.is_empty(), None)
                    });
                }
                _ => {}
            }
        }
    }
    for (name, id) in &package.worlds {
        let world = &resolve.worlds[*id];
        check(name.clone(), !world.docs.is_empty(), Some(&world.stability));
        for (key, item) in world.imports.iter().chain(&world.exports) {
            let docs = !matches!(item, WorldItem::Function(function) if function.docs.is_empty());
            check(
                format!("{name}: {}", resolve.name_world_key(key)),
                docs,
                Some(item.stability(&resolve)),
            );
        }
    }
    assert_eq!(lacking, Vec::<String>::new());
}

/// Numbers wider than 32 bits cross JavaScript engines in two incompatible ways, and a
/// `u8` wraps around there in silence.
#[test]
fn no_number_is_one_that_an_engine_mangles() {
    for (name, text) in files(&wit()) {
        let code = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("///"));
        for word in code.flat_map(|line| line.split(|each: char| !each.is_alphanumeric())) {
            assert!(
                !["u64", "s64", "f32", "u16", "s8", "char"].contains(&word),
                "{name} uses {word}"
            );
        }
        assert!(
            !text.replace("list<u8>", "").contains("u8"),
            "{name} uses u8 outside of bytes"
        );
    }
}
