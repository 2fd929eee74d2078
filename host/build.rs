//! Lists the files of the TypeScript SDK, which the program brings along, so that
//! `tidegate build` needs nothing beside it but Node and npm.

use std::fmt::Write;
use std::path::{Path, PathBuf};

/// The SDK, seen from this crate.
const SDK: &str = "../guest-sdk/typescript";

/// What of it is brought along: what `npm install` and a build need, not its tests.
const PARTS: &[&str] = &[
    "package.json",
    "package-lock.json",
    "tsconfig.json",
    "bin",
    "src",
    "wit",
    "runtime/steady.wasm",
];

/// Folders within the parts that are left out: frozen copies of the contract.
const LEFT_OUT: &[&str] = &["released"];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let crate_folder = variable("CARGO_MANIFEST_DIR");
    let sdk = crate_folder.join(SDK);
    let mut files = Vec::new();
    for part in PARTS {
        println!("cargo::rerun-if-changed={}", sdk.join(part).display());
        gather(&sdk, Path::new(part), &mut files);
    }
    files.sort();
    let mut list = String::from("static FILES: &[(&str, &[u8])] = &[\n");
    for file in files {
        // A link is followed, so that the file itself is brought along.
        let source = sdk.join(&file);
        println!("cargo::rerun-if-changed={}", source.display());
        let _ = writeln!(
            list,
            "    ({:?}, include_bytes!({:?})),",
            file.display().to_string(),
            source.display().to_string()
        );
    }
    list.push_str("];\n");
    let out = variable("OUT_DIR").join("typescript_sdk.rs");
    if let Err(error) = std::fs::write(&out, list) {
        panic!("writing {}: {error}", out.display());
    }
}

/// Adds the file `path` of the SDK, or all files in the folder `path`.
fn gather(sdk: &Path, path: &Path, files: &mut Vec<PathBuf>) {
    let full = sdk.join(path);
    if !full.is_dir() {
        assert!(full.is_file(), "{} is missing", full.display());
        // In the folder of the contract lies a README for people, too.
        if path.extension().is_none_or(|extension| extension != "md") {
            files.push(path.to_owned());
        }
        return;
    }
    let entries = std::fs::read_dir(&full);
    let entries = entries.unwrap_or_else(|error| panic!("reading {}: {error}", full.display()));
    for entry in entries.flatten() {
        let name = entry.file_name();
        if !LEFT_OUT.iter().any(|left_out| name == *left_out) {
            gather(sdk, &path.join(name), files);
        }
    }
}

fn variable(name: &str) -> PathBuf {
    match std::env::var_os(name) {
        Some(value) => value.into(),
        None => panic!("cargo sets {name}"),
    }
}
