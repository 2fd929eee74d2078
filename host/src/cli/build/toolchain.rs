//! The TypeScript toolchain: the SDK's package, which the program brings along, unpacked
//! and installed once into the user's cache folder.
//!
//! Its folder is named by the digest of its files, so that two versions of the program do
//! not meet in one, and it gets that name when it is complete: an install that broke off
//! is never used. A lock lets one process install while others wait.

use crate::cli::output::Output;
use crate::error::{Code, Error, Result};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

// `FILES`: every file of the SDK by its path in the package, listed by build.rs.
include!(concat!(env!("OUT_DIR"), "/typescript_sdk.rs"));

/// Names a folder with a checked-out SDK and its `node_modules`, to be used as it is: for
/// work on the SDK.
const SDK_VARIABLE: &str = "TIDEGATE_TYPESCRIPT_SDK";
/// Names the folder in which toolchains are kept.
const CACHE_VARIABLE: &str = "TIDEGATE_CACHE";
/// The oldest major version of Node that the SDK runs on.
const NODE_MAJOR_MIN: u32 = 20;
/// Hexadecimal digits of the digest in the folder's name.
const DIGEST_DIGITS: usize = 16;
/// Lines of npm's words that an error repeats.
const NPM_LINES_SHOWN: usize = 12;
/// What starts the SDK's tool, in its package.
const TOOL: &str = "bin/tidegate-sdk.mjs";

/// A toolchain that is ready to be called.
pub(in crate::cli) struct Toolchain {
    folder: PathBuf,
}

impl Toolchain {
    /// Finds the toolchain, and installs it where it is not there yet.
    ///
    /// # Errors
    /// `build.failed` where Node or npm are missing or too old, or npm fails.
    pub(in crate::cli) fn installed(output: &Output) -> Result<Self> {
        check_node()?;
        if let Some(folder) = variable(SDK_VARIABLE) {
            return checked_out(folder.into());
        }
        let cache = cache_folder()?;
        let folder = cache.join(format!("typescript-{}", digest()));
        if !folder.is_dir() {
            install(&cache, &folder, output)?;
        }
        Ok(Toolchain { folder })
    }

    /// A call of the SDK's tool, to be given its arguments.
    pub(in crate::cli) fn command(&self) -> Command {
        let mut command = Command::new("node");
        command.arg(self.folder.join(TOOL));
        command
    }
}

/// The SDK that [`SDK_VARIABLE`] names.
fn checked_out(folder: PathBuf) -> Result<Toolchain> {
    let lacks = [TOOL, "node_modules"]
        .into_iter()
        .find(|part| !folder.join(part).exists());
    match lacks {
        None => Ok(Toolchain { folder }),
        Some(part) => Err(failed(format!(
            "{SDK_VARIABLE} names `{}`, where there is no {part}; name a checkout of guest-sdk/typescript \
             after `npm install`, or unset it",
            folder.display()
        ))),
    }
}

fn check_node() -> Result<()> {
    let needed = format!("a sync in TypeScript is built with Node {NODE_MAJOR_MIN} or later");
    let said = match version_of("node") {
        Ok(said) => said,
        Err(error) => {
            let why = why_not("node", &error);
            return Err(failed(format!(
                "{why}; {needed}: install it (https://nodejs.org) and build again"
            )));
        }
    };
    let digits = said.trim_start_matches('v').split('.').next();
    match digits.and_then(|major| major.parse::<u32>().ok()) {
        Some(NODE_MAJOR_MIN..) => Ok(()),
        _ => Err(failed(format!(
            "`node` is {said}, but {needed}: install a newer one (https://nodejs.org) and build again"
        ))),
    }
}

/// What `program --version` says.
fn version_of(program: &str) -> io::Result<String> {
    let asked = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .output()?;
    match asked.status.success() {
        true => Ok(String::from_utf8_lossy(&asked.stdout).trim().to_owned()),
        false => Err(io::Error::other(format!("it ended with {}", asked.status))),
    }
}

fn why_not(program: &str, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => format!("there is no `{program}` in the PATH"),
        _ => format!("`{program}` does not work: {error}"),
    }
}

/// Unpacks the SDK, has npm fetch what it needs, and gives it its name in `cache`.
fn install(cache: &Path, folder: &Path, output: &Output) -> Result<()> {
    let wrong = |error: io::Error| {
        failed(format!(
            "installing the TypeScript toolchain in `{}`: {error}; name another folder in {CACHE_VARIABLE}",
            cache.display()
        ))
    };
    fs::create_dir_all(cache).map_err(wrong)?;
    let _alone = lock(&cache.join("typescript.lock"), output).map_err(wrong)?;
    if folder.is_dir() {
        // Another process installed it while this one waited.
        return Ok(());
    }
    if let Err(error) = version_of("npm") {
        return Err(failed(format!(
            "{}; it comes with Node (https://nodejs.org) and fetches what the TypeScript toolchain needs",
            why_not("npm", &error)
        )));
    }
    output.say(&format!(
        "installing the TypeScript toolchain into `{}`, once",
        folder.display()
    ));
    let fresh = folder.with_extension("new");
    match fs::remove_dir_all(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(wrong(error)),
        _ => unpack(&fresh).map_err(wrong)?,
    }
    fetch(&fresh)?;
    fs::rename(&fresh, folder).map_err(wrong)
}

/// Waits until no other process installs; the lock ends with the file.
fn lock(path: &Path, output: &Output) -> io::Result<File> {
    let file = File::create(path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            output.say("waiting for another tidegate that installs the TypeScript toolchain");
            file.lock()?;
        }
        Err(TryLockError::Error(error)) => return Err(error),
    }
    Ok(file)
}

fn unpack(folder: &Path) -> io::Result<()> {
    for (path, bytes) in FILES {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, bytes)?;
    }
    Ok(())
}

/// Has npm install what the package's lock file names, each by its digest. Not by `npm ci`:
/// componentize-qjs 0.4.5 names optional packages for some platforms that were never
/// published, and `npm ci` refuses a lock without them. No script of a package runs: none
/// of them needs one.
fn fetch(folder: &Path) -> Result<()> {
    let fetched = Command::new("npm")
        .args(["install", "--no-save", "--ignore-scripts", "--omit=dev"])
        .args(["--no-audit", "--no-fund", "--loglevel=error", "--prefix"])
        .arg(folder)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| failed(why_not("npm", &error)))?;
    if fetched.status.success() {
        return Ok(());
    }
    let said = [fetched.stdout, fetched.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    // It says first what is wrong, and then how it is called.
    let says = |line: &&str| !matches!(line.trim(), "" | "npm error");
    let lines: Vec<&str> = said.lines().filter(says).take(NPM_LINES_SHOWN).collect();
    Err(failed(format!(
        "npm could not install the TypeScript toolchain:\n{}\n\
         it is fetched once from the npm registry, so this machine must reach that, or a mirror of it that npm is set up for",
        lines.join("\n")
    )))
}

/// Where toolchains are kept: as [`CACHE_VARIABLE`] says, or in the user's cache folder.
fn cache_folder() -> Result<PathBuf> {
    if let Some(folder) = variable(CACHE_VARIABLE) {
        return std::path::absolute(&folder)
            .map_err(|error| failed(format!("{CACHE_VARIABLE}: {error}")));
    }
    let user = match variable("XDG_CACHE_HOME").map(PathBuf::from) {
        // The specification has relative ones ignored.
        Some(folder) if folder.is_absolute() => Some(folder),
        _ if cfg!(target_os = "macos") => home().map(|home| home.join("Library/Caches")),
        _ => home().map(|home| home.join(".cache")),
    };
    user.map(|folder| folder.join("tidegate")).ok_or_else(|| {
        failed(format!(
            "there is no home folder to keep the TypeScript toolchain in; name a folder in {CACHE_VARIABLE}"
        ))
    })
}

fn home() -> Option<PathBuf> {
    std::env::home_dir().filter(|home| home.is_absolute())
}

/// A variable that is set to something.
fn variable(name: impl AsRef<OsStr>) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// Names the SDK by its files.
fn digest() -> String {
    let mut hasher = blake3::Hasher::new();
    for (path, bytes) in FILES {
        for part in [path.as_bytes(), bytes] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
    }
    let mut digits = hasher.finalize().to_hex().to_string();
    digits.truncate(DIGEST_DIGITS);
    digits
}

fn failed(message: String) -> Error {
    Error::new(Code::BuildFailed, message)
}
