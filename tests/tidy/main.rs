//! Style as tests: what people would have to remember is read off the text instead.
//!
//! Each module checks one rule with a pure function over texts, and proves on seeded
//! mistakes that it finds them. A failure names the file, the line and what to do. std
//! only, so that the rules hold without building anything else.

mod changelog;
mod codes;
mod layers;
mod limits;
mod parity;
mod source;

use std::path::{Path, PathBuf};

/// The repository.
fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// A file of the repository as text.
#[track_caller]
fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path))
        .unwrap_or_else(|error| panic!("{path}: {error}; it is part of the house"))
}

/// Files with an extension below a folder of the repository, sorted, as (path from the
/// root, text). None where the folder does not exist.
fn files(folder: &str, extension: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                let text = std::fs::read_to_string(&path).unwrap();
                let name = path.strip_prefix(root()).unwrap();
                found.push((name.to_string_lossy().replace('\\', "/"), text));
            }
        }
    }
    found.sort();
    found
}

/// Fails with every problem on its own line.
#[track_caller]
fn none(problems: Vec<String>) {
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}
