//! What lies on disk: the store, room for it, and the key files.

use super::Check;
use crate::cli::output::size;
use crate::cli::serve;
use crate::cli::settings::Settings;
use crate::error::{Code, Error};
use crate::limits::{DISK_FREE_BYTES_MIN, GIB};
use crate::vault::MasterKeys;
use rustix::fs::{Access, access, statvfs};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

/// The file in a store that its host holds locked, and that names the process.
const LOCK: &str = "lock";
/// The file that makes a folder a store.
const STAMP: &str = "stamp";

/// Free disk in bytes under which a warning is due: a day's growth of a busy host above
/// the floor.
const DISK_FREE_BYTES_GOOD: u64 = 5 * GIB;

/// What was found.
pub(super) struct Found {
    pub(super) checks: Vec<Check>,
    /// The process that has the store open.
    pub(super) holder: Option<String>,
}

/// Looks at the store and the key files that a host with these settings would use.
pub(super) fn look(settings: &Settings) -> Found {
    let store = Path::new(settings.text("store"));
    let (check, holder) = store_folder(store);
    let checks = vec![
        check,
        disk(store),
        master_keys(Path::new(settings.text("key_file")), store),
        operator_key(Path::new(settings.text("operator_key_file"))),
    ];
    Found { checks, holder }
}

fn store_folder(store: &Path) -> (Check, Option<String>) {
    let (name, shown) = ("store", store.display());
    let unusable = |path: &Path, why: &dyn std::fmt::Display| {
        let message = format!("`{}` cannot be used: {why}", path.display());
        let advice = "run as the user that the host runs as, give that user the folder, or name another with `store`";
        Check::failed(name, Error::new(Code::StoreUnavailable, message), advice)
    };
    if !store.exists() {
        let near = nearest(store);
        return match access(&near, Access::WRITE_OK | Access::EXEC_OK) {
            Ok(()) => (
                Check::ok(
                    name,
                    format!("there is none at `{shown}` yet; the first start makes it"),
                ),
                None,
            ),
            Err(error) => (unusable(&near, &error), None),
        };
    }
    if !store.is_dir() {
        return (unusable(store, &"it is no folder"), None);
    }
    let all = Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK;
    if let Err(error) = access(store, all) {
        return (unusable(store, &error), None);
    }
    match holder(store) {
        Ok(None) => (Check::ok(name, format!("`{shown}`, not in use")), None),
        Ok(Some(process)) => (
            Check::ok(name, format!("`{shown}`, open in the process {process}")),
            Some(process),
        ),
        Err(error) => (unusable(&store.join(LOCK), &error), None),
    }
}

/// The process that has a store open; none if nobody has.
fn holder(store: &Path) -> std::io::Result<Option<String>> {
    let path = store.join(LOCK);
    if !path.exists() {
        return Ok(None);
    }
    access(&path, Access::READ_OK | Access::WRITE_OK)?;
    match File::open(&path)?.try_lock() {
        // Given back at once: the file is closed here.
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => {
            let text = std::fs::read_to_string(&path)?;
            Ok(Some(text.trim().to_owned()))
        }
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// The folder that is there, of those that lead to a path.
fn nearest(path: &Path) -> PathBuf {
    let mut above = path.ancestors().filter(|folder| folder.is_dir());
    above.next().unwrap_or(Path::new(".")).to_owned()
}

fn disk(store: &Path) -> Check {
    let name = "free disk";
    let found = match statvfs(nearest(store)) {
        Ok(found) => found,
        Err(error) => {
            let error = Error::new(Code::StoreUnavailable, error.to_string());
            return Check::failed(name, error, "see whether the disk is mounted");
        }
    };
    let free = found.f_bavail.saturating_mul(found.f_frsize);
    let (has, floor) = (size(free), size(DISK_FREE_BYTES_MIN));
    match free {
        ..DISK_FREE_BYTES_MIN => {
            let message = format!("{has}, under the floor of {floor}: no run starts");
            let error = Error::new(Code::LimitStorage, message);
            Check::failed(name, error, "free disk, or give the store a larger one")
        }
        DISK_FREE_BYTES_MIN..DISK_FREE_BYTES_GOOD => Check::warning(
            name,
            format!("{has}; under {floor} no run starts"),
            "free disk, or give the store a larger one",
        ),
        _ => Check::ok(name, has),
    }
}

fn master_keys(path: &Path, store: &Path) -> Check {
    let (name, shown) = ("master keys", path.display());
    if !path.exists() {
        return match store.join(STAMP).exists() {
            false => Check::ok(
                name,
                format!("there is no `{shown}` yet; the first start makes it"),
            ),
            true => Check::warning(
                name,
                format!("there is a store, but no `{shown}`"),
                "if the store has served before, put the key file back from its copy: the host does not start without it",
            ),
        };
    }
    let keys = match MasterKeys::from_file(path) {
        Ok(keys) => keys,
        Err(error) => {
            let advice = "mend the file as it says, or put it back from its copy";
            return Check::failed(name, error, advice);
        }
    };
    let found = format!("`{shown}`, {} of them", keys.ids().count());
    match path.starts_with(store) {
        false => Check::ok(name, found),
        true => Check::warning(
            name,
            format!("{found}, inside the store"),
            "keep them elsewhere: whoever gets a copy of the store has its keys, too",
        ),
    }
}

fn operator_key(path: &Path) -> Check {
    let (name, shown) = ("operator key", path.display());
    if !path.exists() {
        let found = format!("there is no `{shown}` yet; the first start makes it");
        return Check::ok(name, found);
    }
    match serve::read_operator_key(path) {
        Ok(_) => Check::ok(name, format!("`{shown}`")),
        Err(error) => Check::failed(
            name,
            error,
            "mend the file as it says; or take it away, and the next start makes another",
        ),
    }
}
