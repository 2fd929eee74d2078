//! Cargo, called from within a test.
//!
//! `cargo test` hands its own state down in the environment, which would make build
//! scripts run again and everything above them compile anew. So it is taken away first.

use serde_json::Value;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Variables that tell of the test's own package or of flags for the host's target.
const OWN: [&str; 8] = [
    "CARGO_PKG_",
    "CARGO_MANIFEST_",
    "CARGO_BIN_",
    "CARGO_CRATE_",
    "CARGO_PRIMARY_",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_TARGET_TMPDIR",
    "RUSTFLAGS",
];

/// The workspace's folder.
pub(crate) fn workspace() -> &'static Path {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own)
}

/// Files that `cargo build` with `arguments` made or found fresh, each with its target's
/// name; the executable alone where there is one.
///
/// # Panics
/// If it does not compile.
pub(crate) fn build(arguments: &[&str]) -> Vec<(String, PathBuf)> {
    let _alone = lock();
    let built = cargo()
        .arg("build")
        .args(arguments)
        .args(["--message-format", "json-render-diagnostics"])
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("starting cargo: {error}"));
    assert!(
        built.status.success(),
        "cargo build {} failed:\n{}",
        arguments.join(" "),
        String::from_utf8_lossy(&built.stderr)
    );
    built
        .stdout
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice(line).ok())
        .flat_map(|message: Value| files(&message))
        .collect()
}

/// The compiler's answer to `--print target-libdir`: whether the folder is there says
/// whether `target` can be built for.
pub(crate) fn has_target(target: &str) -> bool {
    let asked = clean("rustc")
        .args(["--print", "target-libdir", "--target", target])
        .output();
    asked.is_ok_and(|asked| {
        let folder = String::from_utf8_lossy(&asked.stdout);
        asked.status.success() && Path::new(folder.trim()).is_dir()
    })
}

/// Has rustup add `target`; whether it is there afterwards.
pub(crate) fn add_target(target: &str) -> bool {
    let _alone = lock();
    let added = clean("rustup")
        .args(["target", "add", target])
        .stdin(Stdio::null())
        .output();
    added.is_ok_and(|added| added.status.success()) && has_target(target)
}

fn cargo() -> Command {
    clean(&std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()))
}

fn clean(program: &str) -> Command {
    let mut command = Command::new(program);
    command.current_dir(workspace());
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if OWN.iter().any(|own| text.starts_with(own)) {
            command.env_remove(&name);
        }
    }
    command
}

/// One build at a time on this machine; the lock ends with the file.
fn lock() -> File {
    let folder = workspace().join("target");
    let path = folder.join("tests.lock");
    let file = std::fs::create_dir_all(&folder).and_then(|()| File::create(&path));
    let locked = file.and_then(|file| file.lock().map(|()| file));
    locked.unwrap_or_else(|error| panic!("locking {}: {error}", path.display()))
}

fn files(message: &Value) -> Vec<(String, PathBuf)> {
    let name = message["target"]["name"].as_str().unwrap_or_default();
    let paths = match message["executable"].as_str() {
        Some(executable) => vec![executable],
        None => message["filenames"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect(),
    };
    paths
        .into_iter()
        .map(|path| (name.to_owned(), PathBuf::from(path)))
        .collect()
}
