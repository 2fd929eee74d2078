//! The master keys: what seals every data key, held outside the store.
//!
//! They come from a key file or an environment variable, both of one form: a line
//! `id:base64` per key, of which the first is current and the others still open what they
//! sealed. Empty lines and lines that begin with `#` are skipped, and a comma separates
//! keys as a line break does, because many ways to set a variable allow one line only.
//! No message quotes a line, which may be a key that was written down wrongly.

use super::cipher::{KEY_BYTES, Key, fill_random};
use super::key_file;
use crate::error::{Code, Error, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::Path;
use zeroize::Zeroizing;

/// Bytes that the id of a key may have; a longer one is refused as `config.invalid`. Fewer
/// than a key in hex or base64, so that a key in the wrong place is never taken for an id
/// and shown.
const KEY_ID_BYTES_MAX: usize = 32;

/// Random bytes in a generated id, enough to keep the keys of a file apart: a second key
/// with the same id is refused as `config.invalid`.
const KEY_ID_RANDOM_BYTES: usize = 6;

/// The name of a master key: 1 to 32 letters, digits, `_` and `-`. No secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyId(Box<str>);

/// The keys that seal: one current, and older ones that still open.
pub struct MasterKeys {
    current: MasterKey,
    older: Vec<MasterKey>,
}

/// One master key with its name.
pub(super) struct MasterKey {
    pub(super) id: KeyId,
    pub(super) key: Key,
}

impl MasterKeys {
    /// Reads a key file. `config.invalid` where it cannot be read, where its group or
    /// others may read it, and where its text is refused by [`MasterKeys::from_text`].
    pub fn from_file(path: &Path) -> Result<Self> {
        let text = key_file::read(path)?;
        Self::from_text(&text, &format!("the key file `{}`", path.display()))
    }

    /// Reads keys from text such as an environment variable holds; `source` is how
    /// messages name it. `config.invalid` where there is no key, where a line is not
    /// `id:base64` of 32 bytes, and where two keys have one id.
    pub fn from_text(text: &str, source: &str) -> Result<Self> {
        let mut keys: Vec<MasterKey> = Vec::new();
        for (line, entry) in entries(text) {
            let wrong = |what: String| invalid(format!("line {line} of {source} {what}"));
            let key = MasterKey::parse(entry).map_err(wrong)?;
            if keys.iter().any(|earlier| earlier.id == key.id) {
                let again = format!("names the key `{}` again; keep one of them", key.id);
                return Err(wrong(again));
            }
            keys.push(key);
        }
        let mut keys = keys.into_iter();
        let current = keys.next().ok_or_else(|| {
            invalid(format!(
                "{source} holds no key; put a line `id:base64` there"
            ))
        })?;
        let older = keys.collect();
        Ok(MasterKeys { current, older })
    }

    /// Makes a key file with one fresh key, readable by its owner only, and durable when
    /// this returns. `config.invalid` where the file exists already or cannot be written.
    pub fn create(path: &Path) -> Result<Self> {
        let keys = Self::generate()?;
        key_file::create(path, &keys.current.line())?;
        Ok(keys)
    }

    /// Puts a fresh key in front of those in a key file, whole or not at all, and durable
    /// when this returns: it is current for hosts that read the file from now on. The
    /// older ones must stay until every value is rewrapped. `config.invalid` where the
    /// file is not sound before, and where it cannot be written.
    pub fn add_key(path: &Path) -> Result<Self> {
        Self::from_file(path)?;
        key_file::prepend(path, &MasterKey::generate()?.line())?;
        Self::from_file(path)
    }

    /// One fresh key that is kept nowhere: what it seals is lost with the process. For
    /// tests and for hosts whose store is in memory.
    pub fn generate() -> Result<Self> {
        let (current, older) = (MasterKey::generate()?, Vec::new());
        Ok(MasterKeys { current, older })
    }

    /// The id of the key that seals.
    pub fn current_id(&self) -> &KeyId {
        &self.current.id
    }

    /// The ids of all keys, the current one first.
    pub fn ids(&self) -> impl Iterator<Item = &KeyId> {
        self.all().map(|key| &key.id)
    }

    pub(super) fn current(&self) -> &MasterKey {
        &self.current
    }

    pub(super) fn find(&self, id: &KeyId) -> Option<&MasterKey> {
        self.all().find(|key| key.id == *id)
    }

    fn all(&self) -> impl Iterator<Item = &MasterKey> {
        std::iter::once(&self.current).chain(&self.older)
    }
}

impl fmt::Debug for MasterKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKeys")?;
        f.debug_list()
            .entries(self.ids().map(KeyId::as_str))
            .finish()
    }
}

impl MasterKey {
    fn generate() -> Result<Self> {
        let mut id = [0; KEY_ID_RANDOM_BYTES];
        fill_random(&mut id)?;
        Ok(MasterKey {
            id: KeyId(format!("k{}", hex::encode(id)).into()),
            key: Key::generate()?,
        })
    }

    /// Reads `id:base64`; the error says what is wrong with the line.
    fn parse(entry: &str) -> Result<Self, String> {
        let (id, text) = entry
            .split_once(':')
            .ok_or("has no `:`; write `id:base64`")?;
        let id = KeyId::new(id)?;
        let bytes = STANDARD.decode(text).map(Zeroizing::new).map_err(|_| {
            format!("has no standard base64 after `{id}:`; `openssl rand -base64 {KEY_BYTES}` makes a key")
        })?;
        let key = Key::from_bytes(&bytes).ok_or_else(|| {
            let found = bytes.len();
            format!("has a key `{id}` of {found} bytes, but needs {KEY_BYTES}")
        })?;
        Ok(MasterKey { id, key })
    }

    /// The line of a key file.
    fn line(&self) -> Zeroizing<String> {
        let key = Zeroizing::new(STANDARD.encode(self.key.bytes()));
        Zeroizing::new([self.id.as_str(), ":", &key, "\n"].concat())
    }
}

impl KeyId {
    fn new(text: &str) -> Result<Self, String> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
        if (1..=KEY_ID_BYTES_MAX).contains(&text.len()) && text.bytes().all(fits) {
            return Ok(KeyId(text.into()));
        }
        Err(format!(
            "has a key id that is not 1 to {KEY_ID_BYTES_MAX} letters, digits, `_` and `-`"
        ))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for KeyId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        KeyId::new(&text)
    }
}

impl From<KeyId> for String {
    fn from(id: KeyId) -> String {
        id.0.into()
    }
}

/// What stands between line breaks and commas, with its line number from 1; without
/// comments and empty parts.
fn entries(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .zip(1..)
        .filter(|(line, _)| !line.trim_start().starts_with('#'))
        .flat_map(|(line, number)| line.split(',').map(move |part| (number, part.trim())))
        .filter(|(_, part)| !part.is_empty())
}

fn invalid(message: String) -> Error {
    Error::new(Code::ConfigInvalid, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const TWO: &str = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";

    fn ids(keys: &MasterKeys) -> Vec<&str> {
        keys.ids().map(KeyId::as_str).collect()
    }

    #[test]
    fn the_first_key_is_current_in_every_spelling() {
        for text in [
            format!("new:{ONE}\nold:{TWO}"),
            format!("new:{ONE}\r\nold:{TWO}\r\n"),
            format!("# since May, by hand\n\n  new:{ONE}  \n# before\nold:{TWO}\n\n"),
            format!("new:{ONE},old:{TWO}"),
            format!("new:{ONE}, old:{TWO},\n"),
        ] {
            let keys = MasterKeys::from_text(&text, "a test").unwrap();
            assert_eq!(ids(&keys), ["new", "old"], "{text}");
            assert_eq!(keys.current_id().as_str(), "new");
            let bytes: Vec<u8> = (0..32).collect();
            assert_eq!(keys.current().key.bytes(), bytes);
        }
    }

    #[test]
    fn what_is_wrong_is_told_by_line_and_never_quoted() {
        let long = "x".repeat(KEY_ID_BYTES_MAX + 1);
        for (text, expected) in [
            (String::new(), "KEYS holds no key"),
            ("\n# only words\n , \n".into(), "KEYS holds no key"),
            (ONE.into(), "line 1 of KEYS has no `:`"),
            (format!("a:{ONE}\n{TWO}"), "line 2 of KEYS has no `:`"),
            (format!(":{ONE}"), "line 1 of KEYS has a key id"),
            (format!("{ONE}:a"), "line 1 of KEYS has a key id"),
            (format!("{long}:{ONE}"), "line 1 of KEYS has a key id"),
            (format!("a b:{ONE}"), "line 1 of KEYS has a key id"),
            (format!("a:{ONE}="), "no standard base64 after `a:`"),
            (format!("a:{}", &ONE[..43]), "no standard base64 after `a:`"),
            ("a:".into(), "a key `a` of 0 bytes, but needs 32"),
            (format!("a:{}", &ONE[..40]), "a key `a` of 30 bytes"),
            (
                format!("a:{TWO}\n\na:{ONE}"),
                "line 3 of KEYS names the key `a` again",
            ),
        ] {
            let error = MasterKeys::from_text(&text, "KEYS").unwrap_err();
            assert_eq!(error.code, Code::ConfigInvalid);
            assert!(error.message.contains(expected), "{text}: {error}");
            assert!(!error.message.contains(&ONE[..20]), "{error}");
        }
    }

    #[test]
    fn a_made_file_reads_back_and_a_key_is_added_in_front() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        let made = MasterKeys::create(&path).unwrap();
        let read = MasterKeys::from_file(&path).unwrap();
        assert_eq!(ids(&made), ids(&read));
        assert_eq!(made.current().key.bytes(), read.current().key.bytes());

        let before = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("# ours\n{before}old:{ONE}")).unwrap();
        let added = MasterKeys::add_key(&path).unwrap();
        let new = added.current_id().clone();
        assert_eq!(
            ids(&added),
            [new.as_str(), made.current_id().as_str(), "old"]
        );
        assert_ne!(added.current().key.bytes(), made.current().key.bytes());
        let after = std::fs::read_to_string(&path).unwrap();
        assert!(after.ends_with(&format!("\n# ours\n{before}old:{ONE}")));
    }

    #[test]
    fn a_broken_file_is_refused_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        MasterKeys::create(&path).unwrap();
        std::fs::write(&path, "a:broken").unwrap();
        assert!(MasterKeys::add_key(&path).is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a:broken");
    }

    #[test]
    fn printing_shows_ids_only() {
        let keys = MasterKeys::from_text(&format!("a:{ONE}\nb:{TWO}"), "a test").unwrap();
        assert_eq!(format!("{keys:?}"), r#"MasterKeys["a", "b"]"#);
    }
}
