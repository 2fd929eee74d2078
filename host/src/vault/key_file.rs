//! The key file on disk: readable by its owner only, written whole or not at all, and
//! durable before anything can be sealed with what it holds.

use crate::error::{Code, Error, Result};
use crate::limits::KIB;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Bytes that a key file may have: some 250 keys, more than a rotation each week of five
/// years. A larger one is refused as `config.invalid`, so that a wrong path costs no
/// memory.
const KEY_FILE_BYTES_MAX: u64 = 16 * KIB;

/// The mode of a key file that this host writes: its owner reads and writes it.
const KEY_FILE_MODE: u32 = 0o600;

/// Mode bits of group and others; a key file with one of them is refused as
/// `config.invalid`.
const FOREIGN_MODE_BITS: u32 = 0o077;

/// Mode bits that tell permissions, without those of the kind of file.
const PERMISSION_BITS: u32 = 0o7777;

/// Reads a key file that its owner alone may read.
pub(super) fn read(path: &Path) -> Result<Zeroizing<String>> {
    let file = File::open(path).map_err(|error| wrong("reading", path, &error))?;
    refuse_foreign_readers(&file, path)?;
    // Of the largest size at once, so that growing leaves no key behind.
    let mut text = Zeroizing::new(String::with_capacity(KEY_FILE_BYTES_MAX as usize + 1));
    file.take(KEY_FILE_BYTES_MAX + 1)
        .read_to_string(&mut text)
        .map_err(|error| wrong("reading", path, &error))?;
    refuse_size(text.len(), path)?;
    Ok(text)
}

/// Makes a key file, which must not exist yet.
pub(super) fn create(path: &Path, text: &str) -> Result<()> {
    let doing = "making";
    let file = create_new(path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => invalid(format!(
            "the key file `{}` exists already; use it, or name another path",
            path.display()
        )),
        _ => wrong(doing, path, &error),
    })?;
    write_durably(file, text)
        .and_then(|()| sync_folder_of(path))
        .map_err(|error| {
            // Nothing was sealed with it yet, and left there it would be in the way.
            let _ = fs::remove_file(path);
            wrong(doing, path, &error)
        })
}

/// Puts `line` in front of a key file's text, by way of a file beside it. That file is a
/// lock too: of two that add a key at once, one would lose the other's.
pub(super) fn prepend(path: &Path, line: &str) -> Result<()> {
    let doing = "adding a key to";
    // Where the path is a link, the file it leads to is replaced, not the link.
    let path = fs::canonicalize(path).map_err(|error| wrong(doing, path, &error))?;
    let fresh = beside(&path);
    let file = create_new(&fresh).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => invalid(format!(
            "adding a key to the key file `{}`: `{}` is there, so another process is adding one, or was cut off; remove that file if none is",
            path.display(),
            fresh.display()
        )),
        _ => wrong(doing, &path, &error),
    })?;
    let outcome = replace(&path, line, file, &fresh);
    if outcome.is_err() {
        let _ = fs::remove_file(&fresh);
    }
    outcome
}

fn replace(path: &Path, line: &str, file: File, fresh: &Path) -> Result<()> {
    let old = read(path)?;
    let text = Zeroizing::new([line, &old].concat());
    refuse_size(text.len(), path)?;
    keep_owner(path, &file)
        .and_then(|()| write_durably(file, &text))
        .and_then(|()| fs::rename(fresh, path))
        .and_then(|()| sync_folder_of(path))
        .map_err(|error| wrong("adding a key to", path, &error))
}

/// Gives a new file the owner of the one it replaces: root may rotate the keys of a host
/// that runs as another user, and that user must still read them.
fn keep_owner(path: &Path, file: &File) -> io::Result<()> {
    let owner = fs::metadata(path)?.uid();
    if file.metadata()?.uid() == owner {
        return Ok(());
    }
    fchown(file, Some(owner), None)
}

fn create_new(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(KEY_FILE_MODE)
        .open(path)
}

fn write_durably(mut file: File, text: &str) -> io::Result<()> {
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Makes the name of a file durable: that is kept in its folder.
fn sync_folder_of(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|parent| *parent != Path::new(""));
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

/// Where the next version of a file is written.
fn beside(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".new");
    name.into()
}

/// Asks the opened file, not its path, which may lead elsewhere by now.
fn refuse_foreign_readers(file: &File, path: &Path) -> Result<()> {
    let metadata = file
        .metadata()
        .map_err(|error| wrong("reading", path, &error))?;
    if metadata.mode() & FOREIGN_MODE_BITS == 0 {
        return Ok(());
    }
    let (mode, path) = (metadata.mode() & PERMISSION_BITS, path.display());
    Err(invalid(format!(
        "the key file `{path}` has mode {mode:03o}, so that others than its owner may use it; run `chmod {KEY_FILE_MODE:o} {path}`, and rotate its keys if one of them may have been read"
    )))
}

fn refuse_size(bytes: usize, path: &Path) -> Result<()> {
    if bytes as u64 <= KEY_FILE_BYTES_MAX {
        return Ok(());
    }
    Err(invalid(format!(
        "the key file `{}` would be over {KEY_FILE_BYTES_MAX} bytes; name the right file, or take out keys that seal nothing any more",
        path.display()
    )))
}

fn wrong(doing: &str, path: &Path, error: &io::Error) -> Error {
    invalid(format!(
        "{doing} the key file `{}`: {error}",
        path.display()
    ))
}

fn invalid(message: String) -> Error {
    Error::new(Code::ConfigInvalid, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt, chown, symlink};

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & PERMISSION_BITS
    }

    fn names(folder: &Path) -> Vec<OsString> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_that_others_may_use_is_refused_with_the_command_that_mends_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        create(&path, "text").unwrap();
        for (bits, accepted) in [
            (0o600, true),
            (0o400, true),
            (0o700, true),
            (0o640, false),
            (0o620, false),
            (0o610, false),
            (0o604, false),
            (0o602, false),
            (0o601, false),
            (0o644, false),
        ] {
            fs::set_permissions(&path, Permissions::from_mode(bits)).unwrap();
            let outcome = read(&path);
            assert_eq!(outcome.is_ok(), accepted, "{bits:o}");
            if let Err(error) = outcome {
                assert_eq!(error.code, Code::ConfigInvalid);
                let command = format!("chmod 600 {}", path.display());
                assert!(error.message.contains(&command), "{error}");
                assert!(error.message.contains(&format!("mode {bits:o}")), "{error}");
                assert!(prepend(&path, "new\n").is_err());
                assert_eq!(names(folder.path()), ["keys"]);
            }
        }
    }

    #[test]
    fn a_made_file_is_private_and_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        create(&path, "first").unwrap();
        assert_eq!(mode(&path), 0o600);
        let error = create(&path, "second").unwrap_err();
        assert!(error.message.contains("exists already"), "{error}");
        assert_eq!(read(&path).unwrap().as_str(), "first");
    }

    #[test]
    fn a_key_is_added_through_a_link_with_mode_and_owner_kept() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("keys"), folder.path().join("link"));
        create(&path, "old").unwrap();
        symlink(&path, &link).unwrap();
        // Only root may give a file away; for others the owner is their own both times.
        let _ = chown(&path, Some(65_534), None);
        let owner = fs::metadata(&path).unwrap().uid();
        prepend(&link, "new\n").unwrap();
        assert_eq!(read(&path).unwrap().as_str(), "new\nold");
        assert_eq!(mode(&path), 0o600);
        assert_eq!(fs::metadata(&path).unwrap().uid(), owner);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(names(folder.path()), ["keys", "link"]);
    }

    #[test]
    fn two_do_not_add_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        create(&path, "old").unwrap();
        fs::write(beside(&path), "of the other").unwrap();
        let error = prepend(&path, "new\n").unwrap_err();
        assert!(error.message.contains("keys.new` is there"), "{error}");
        assert_eq!(read(&path).unwrap().as_str(), "old");
        assert_eq!(fs::read(beside(&path)).unwrap(), b"of the other");
    }

    #[test]
    fn a_file_that_is_missing_or_too_large_or_no_text_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        assert!(read(&path).unwrap_err().message.contains("keys`: No such"));
        let full = "x".repeat(KEY_FILE_BYTES_MAX as usize);
        create(&path, &full).unwrap();
        assert_eq!(read(&path).unwrap().as_str(), full);
        let error = prepend(&path, "x").unwrap_err();
        assert!(error.message.contains("over 16384 bytes"), "{error}");
        assert_eq!(names(folder.path()), ["keys"]);
        fs::write(&path, full + "x").unwrap();
        assert!(
            read(&path)
                .unwrap_err()
                .message
                .contains("over 16384 bytes")
        );
        fs::write(&path, [0xff, 0xfe]).unwrap();
        assert_eq!(read(&path).unwrap_err().code, Code::ConfigInvalid);
    }
}
