//! Compiled code, kept in a private folder: native code for a component, this engine
//! and its settings.
//!
//! Loading native code is trusting it, so an entry is loaded only if its MAC, keyed with
//! a secret of this folder, is right; anything else (cut, flipped, of another build) is
//! thrown away and compiled anew.

use crate::model::Digest;
use std::fs::{self, DirBuilder, OpenOptions};
use std::hash::{Hash, Hasher};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use wasmtime::Engine;

/// The folder's secret.
const KEY_FILE: &str = "key";
/// Length of the secret and of a MAC, in bytes.
const KEY_BYTES: usize = 32;
/// Only the owner may enter the folder, …
const FOLDER_MODE: u32 = 0o700;
/// … or read a file of it.
const FILE_MODE: u32 = 0o600;

/// Native code on disk, by component.
pub(super) struct CodeCache {
    folder: PathBuf,
    key: [u8; KEY_BYTES],
    /// Identifies the engine and its settings.
    engine: blake3::Hash,
}

impl CodeCache {
    /// Opens or creates the cache in `folder`.
    pub(super) fn open(folder: &Path, engine: &Engine) -> io::Result<Self> {
        DirBuilder::new()
            .recursive(true)
            .mode(FOLDER_MODE)
            .create(folder)?;
        let mut settings = HashBytes::default();
        engine.precompile_compatibility_hash().hash(&mut settings);
        let key = read_or_make_key(&folder.join(KEY_FILE))?;
        Ok(CodeCache {
            folder: folder.to_owned(),
            key,
            engine: settings.0.finalize(),
        })
    }

    /// The verified native code of a component, if it is here.
    pub(super) fn load(&self, component: &Digest) -> Option<Vec<u8>> {
        let path = self.path(component);
        let mut entry = fs::read(&path).ok()?;
        let code_bytes = entry.len().checked_sub(KEY_BYTES)?;
        let (code, mac) = entry.split_at(code_bytes);
        if self.mac(component, code).as_slice() != mac {
            tracing::warn!(path = %path.display(), "compiled code is damaged; it is compiled anew");
            let _ = fs::remove_file(&path);
            return None;
        }
        entry.truncate(code_bytes);
        Some(entry)
    }

    /// Keeps the native code of a component; whole or not at all.
    pub(super) fn keep(&self, component: &Digest, code: &[u8]) -> io::Result<()> {
        let path = self.path(component);
        let fresh = path.with_extension(format!("{}.new", std::process::id()));
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(FILE_MODE)
            .open(&fresh)?;
        file.write_all(code)?;
        file.write_all(&self.mac(component, code))?;
        fs::rename(&fresh, &path)
    }

    fn path(&self, component: &Digest) -> PathBuf {
        let mut name = blake3::Hasher::new();
        name.update(component.as_bytes());
        name.update(self.engine.as_bytes());
        self.folder
            .join(format!("{}.cwasm", name.finalize().to_hex()))
    }

    fn mac(&self, component: &Digest, code: &[u8]) -> [u8; KEY_BYTES] {
        let mut mac = blake3::Hasher::new_keyed(&self.key);
        mac.update(self.engine.as_bytes());
        mac.update(component.as_bytes());
        mac.update(code);
        *mac.finalize().as_bytes()
    }
}

fn read_or_make_key(path: &Path) -> io::Result<[u8; KEY_BYTES]> {
    if let Some(key) = fs::read(path).ok().and_then(|bytes| bytes.try_into().ok()) {
        return Ok(key);
    }
    let key: [u8; KEY_BYTES] = rand::random();
    let fresh = path.with_extension(format!("{}.new", std::process::id()));
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(FILE_MODE)
        .open(&fresh)?
        .write_all(&key)?;
    fs::rename(&fresh, path)?;
    Ok(key)
}

/// A hasher of the standard kind over blake3, because 64 bits are too few to name code by.
#[derive(Default)]
struct HashBytes(blake3::Hasher);

impl Hasher for HashBytes {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        self.0
            .finalize()
            .as_bytes()
            .first_chunk()
            .map_or(0, |bytes| u64::from_le_bytes(*bytes))
    }
}
