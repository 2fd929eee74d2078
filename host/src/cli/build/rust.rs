//! A sync in Rust: cargo compiles its crate to a component.
//!
//! Built for speed, never for size (`opt-level = "z"` doubles a sync's CPU), with
//! function names kept, so that a post-mortem can say where the guest stood. The target
//! is added where rustup can; without rustup the message has the line to run.

use crate::cli::output::Output;
use crate::error::{Code, Error, Result};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What makes a folder a crate.
pub(super) const MANIFEST: &str = "Cargo.toml";
/// What a sync is compiled for.
pub(in crate::cli) const TARGET: &str = "wasm32-wasip2";
/// The release profile of a guest, whatever its own Cargo.toml says.
const PROFILE: &[&str] = &[
    "profile.release.opt-level=3",
    "profile.release.lto='fat'",
    "profile.release.codegen-units=1",
    "profile.release.panic='abort'",
    "profile.release.strip='debuginfo'",
    "profile.release.overflow-checks=false",
];

/// Where cargo looks for the compiler's flags for [`TARGET`].
const RUSTFLAGS: &str = "CARGO_TARGET_WASM32_WASIP2_RUSTFLAGS";

/// Compiles the crate in `folder`; answers where its component lies.
pub(in crate::cli) fn build(folder: &Path, output: &Output) -> Result<PathBuf> {
    let manifest = folder.join(MANIFEST);
    ensure_target(folder, output)?;
    let mut cargo = Command::new("cargo");
    cargo.args([
        "build",
        "--release",
        "--target",
        TARGET,
        "--message-format",
        "json-render-diagnostics",
        "--manifest-path",
    ]);
    cargo.arg(&manifest);
    PROFILE.iter().for_each(|setting| {
        cargo.args(["--config", setting]);
    });
    cargo.env(RUSTFLAGS, remapped(folder));
    let built = cargo
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| no_tool("cargo", &error))?;
    if !built.status.success() {
        return Err(Error::new(
            Code::BuildFailed,
            format!(
                "`{}` does not compile; the compiler's messages stand above",
                folder.display()
            ),
        ));
    }
    component_of(&built.stdout, &manifest)
}

/// The flags that keep this machine's paths out of the component: it goes to strangers,
/// and the same source shall give the same bytes elsewhere. Of two that fit a path the
/// later one counts.
fn remapped(folder: &Path) -> String {
    let home = PathBuf::from(std::env::var_os("HOME").unwrap_or_default());
    let cargo = std::env::var_os("CARGO_HOME").map_or_else(|| home.join(".cargo"), PathBuf::from);
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let sources = std::fs::read_dir(cargo.join("registry/src"))
        .into_iter()
        .flatten();
    let sources = sources
        .filter_map(Result::ok)
        .map(|entry| (entry.path(), "deps"));
    let places = [(home, "home"), (folder, "sync")]
        .into_iter()
        .chain(sources);
    let own = std::env::var(RUSTFLAGS).unwrap_or_default();
    places.fold(own, |flags, (path, name)| match path.to_str() {
        // A path with white space cannot stand in this variable; it stays as it is.
        Some(path) if !path.is_empty() && !path.contains(char::is_whitespace) => {
            format!("{flags} --remap-path-prefix={path}={name}")
        }
        _ => flags,
    })
}

/// The parts of cargo's messages that tell where an artifact lies.
#[derive(Deserialize)]
struct Artifact {
    #[serde(default)]
    manifest_path: PathBuf,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

fn component_of(messages: &[u8], manifest: &Path) -> Result<PathBuf> {
    let wanted = manifest
        .canonicalize()
        .unwrap_or_else(|_| manifest.to_owned());
    let artifacts = messages
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice::<Artifact>(line).ok());
    let mut own = artifacts
        .filter(|artifact| artifact.manifest_path == wanted)
        .flat_map(|artifact| artifact.filenames);
    own.rfind(|file| file.extension().is_some_and(|extension| extension == "wasm")).ok_or_else(|| {
        let message = format!(
            "`{}` built no component; set `crate-type = [\"cdylib\"]` under [lib] in its Cargo.toml",
            manifest.display()
        );
        Error::new(Code::BuildFailed, message)
    })
}

/// Whether the compiler has the target's standard library, as seen from `folder`.
pub(in crate::cli) fn has_target(folder: &Path) -> bool {
    let asked = Command::new("rustc")
        .current_dir(folder)
        .args(["--print", "target-libdir", "--target", TARGET])
        .output();
    asked.is_ok_and(|asked| {
        asked.status.success() && Path::new(String::from_utf8_lossy(&asked.stdout).trim()).is_dir()
    })
}

fn ensure_target(folder: &Path, output: &Output) -> Result<()> {
    if has_target(folder) {
        return Ok(());
    }
    output.say(&format!("adding the target {TARGET}"));
    let added = Command::new("rustup")
        .current_dir(folder)
        .args(["target", "add", TARGET])
        .stdin(Stdio::null())
        .status();
    match added {
        Ok(status) if status.success() && has_target(folder) => Ok(()),
        _ => {
            let message = format!(
                "the Rust target {TARGET} is missing; run `rustup target add {TARGET}` and build again"
            );
            Err(Error::new(Code::BuildFailed, message))
        }
    }
}

fn no_tool(tool: &str, error: &std::io::Error) -> Error {
    Error::new(
        Code::BuildFailed,
        format!("`{tool}` could not be started ({error}); install Rust with rustup and try again"),
    )
}
