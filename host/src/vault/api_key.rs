//! Keys by which apps call the HTTP API.
//!
//! The host keeps an id, to find the row by, and a hash; the text is shown once, when the
//! key is made. Only keys of many random bits are taken, so one SHA-256 is enough: slow
//! hashes guard words that people choose, and would cost every request milliseconds.

use super::cipher::fill_random;
use super::secret::Secret;
use crate::error::{Code, Error, Result};
use ring::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use serde::{Deserialize, Serialize};
use std::fmt;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// What a key of this host begins with, so that people and secret scanners know it.
const PREFIX: &str = "tg_";

/// Random bytes of an id. 48 bits keep the ids of a host apart and stay short enough to
/// read out; two keys with the same id must be refused where rows are made.
const ID_BYTES: usize = 6;

/// Hex digits of an id; another length is refused as `invalid.argument`.
const ID_DIGITS: usize = 2 * ID_BYTES;

/// Random bytes of a key: nobody guesses 256 bits.
const SECRET_BYTES: usize = 32;

/// Hex digits of the secret part; text of another length is no key. Hex and not base64,
/// whose `_` and `-` break the double click and the `tg_<id>_<secret>` form.
const SECRET_DIGITS: usize = 2 * SECRET_BYTES;

/// Digits in the groups of a UUID; other texts are no imported key.
const UUID_GROUPS: [usize; 5] = [8, 4, 4, 4, 12];

/// The public name of an API key: 12 lower-case hex digits. Shown in lists and logs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ApiKeyId(Box<str>);

/// What is kept of an API key's text: its SHA-256. In JSON 64 lower-case hex digits.
/// Compared in constant time.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ApiKeyHash([u8; SHA256_OUTPUT_LEN]);

/// An API key at its making: `text` goes to the operator once, `id` and `hash` are kept.
#[derive(Debug)]
pub struct ApiKey {
    /// The key itself, as the app sends it.
    pub text: Secret,
    /// By which its row is found.
    pub id: ApiKeyId,
    /// By which it is verified.
    pub hash: ApiKeyHash,
}

impl ApiKey {
    /// A fresh key, `tg_<id>_<secret>`. Fails as `internal` where the system gives no
    /// random bytes.
    pub fn generate() -> Result<Self> {
        let mut id = [0; ID_BYTES];
        let mut secret = Zeroizing::new([0_u8; SECRET_BYTES]);
        fill_random(&mut id)?;
        fill_random(secret.as_mut_slice())?;
        let secret = Zeroizing::new(hex::encode(secret.as_slice()));
        let text = Zeroizing::new([PREFIX, &hex::encode(id), "_", &secret].concat());
        Self::import(&text)
    }

    /// A key that exists already: one of Tidegate, or a random UUID (version 4) as Nango
    /// hands out, so that apps keep theirs. Any other text is refused as
    /// `invalid.argument`, because one fast hash would not guard a chosen word.
    pub fn import(text: &str) -> Result<Self> {
        let id = parse_id(text).ok_or_else(|| {
            let length = text.len();
            Error::new(
                Code::InvalidArgument,
                format!(
                    "an API key of {length} bytes is neither `{PREFIX}<id>_<secret>` nor a random UUID (version 4); let Tidegate generate one"
                ),
            )
        })?;
        let (hash, text) = (ApiKeyHash::of(text), Secret::from(text.to_owned()));
        Ok(ApiKey { text, id, hash })
    }
}

/// The id of the key that `text` claims to be; none where it has the form of no key. The
/// id of a UUID is the first 12 hex digits of its SHA-256.
pub fn parse_id(text: &str) -> Option<ApiKeyId> {
    if is_random_uuid(text) {
        let digits = Zeroizing::new(hex::encode(ApiKeyHash::of(text).0));
        return ApiKeyId::new(digits.get(..ID_DIGITS)?).ok();
    }
    let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
    is_hex(secret, SECRET_DIGITS)
        .then(|| ApiKeyId::new(id).ok())
        .flatten()
}

/// Whether `text` is the key with this id and hash. How long the comparison takes tells
/// nothing about the hash.
pub fn verify(text: &str, id: &ApiKeyId, hash: &ApiKeyHash) -> bool {
    parse_id(text).as_ref() == Some(id) && ApiKeyHash::of(text) == *hash
}

impl ApiKeyId {
    /// Checks that `text` is 12 lower-case hex digits; else `invalid.argument`.
    pub fn new(text: &str) -> Result<Self> {
        if is_hex(text, ID_DIGITS) {
            return Ok(ApiKeyId(text.into()));
        }
        // Not quoted: people paste the whole key where its id is asked for.
        let length = text.len();
        Err(Error::new(
            Code::InvalidArgument,
            format!(
                "an API key's id is {ID_DIGITS} lower-case hex digits, which these {length} bytes are not; take it from the list of keys"
            ),
        ))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ApiKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for ApiKeyId {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        ApiKeyId::new(&text)
    }
}

impl From<ApiKeyId> for String {
    fn from(id: ApiKeyId) -> String {
        id.0.into()
    }
}

impl ApiKeyHash {
    fn of(text: &str) -> Self {
        let mut hash = [0; SHA256_OUTPUT_LEN];
        hash.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
        ApiKeyHash(hash)
    }
}

impl PartialEq for ApiKeyHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for ApiKeyHash {}

impl fmt::Debug for ApiKeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKeyHash")
    }
}

impl TryFrom<String> for ApiKeyHash {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        let mut hash = [0; SHA256_OUTPUT_LEN];
        match hex::decode_to_slice(&text, &mut hash) {
            Ok(()) => Ok(ApiKeyHash(hash)),
            Err(error) => Err(Error::new(
                Code::StoreDamaged,
                format!(
                    "the stored hash of an API key is not {SHA256_OUTPUT_LEN} bytes of hex: {error}"
                ),
            )),
        }
    }
}

impl From<ApiKeyHash> for String {
    fn from(hash: ApiKeyHash) -> String {
        hex::encode(hash.0)
    }
}

/// Whether `text` is `digits` hex digits, the letters in lower case.
fn is_hex(text: &str, digits: usize) -> bool {
    let fits = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    text.len() == digits && text.bytes().all(fits)
}

/// Whether `text` is a UUID of version 4, the one whose other 122 bits are random.
fn is_random_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').take(UUID_GROUPS.len() + 1).collect();
    let lengths = groups.iter().map(|group| group.len());
    let is_hex = |group: &&str| group.bytes().all(|byte| byte.is_ascii_hexdigit());
    lengths.eq(UUID_GROUPS)
        && groups.iter().all(is_hex)
        && groups.get(2).is_some_and(|group| group.starts_with('4'))
        && groups
            .get(3)
            .is_some_and(|group| group.starts_with(['8', '9', 'a', 'b', 'A', 'B']))
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "3d1f0c52-9a77-4e0b-b6f3-0a5d2c9e8f41";

    #[test]
    fn a_fresh_key_has_its_form_and_verifies() {
        let (key, other) = (ApiKey::generate().unwrap(), ApiKey::generate().unwrap());
        let text = key.text.as_str().unwrap();
        let parts: Vec<&str> = text.split('_').collect();
        assert_eq!(parts[..2], ["tg", key.id.as_str()]);
        assert_eq!(hex::decode(parts[2]).unwrap().len(), 32);
        assert_eq!(parse_id(text).as_ref(), Some(&key.id));
        assert!(verify(text, &key.id, &key.hash));
        assert!(!verify(text, &other.id, &key.hash));
        assert!(!verify(text, &key.id, &other.hash));
        assert!(!verify(other.text.as_str().unwrap(), &key.id, &key.hash));
    }

    #[test]
    fn no_other_text_verifies() {
        for text in [
            ApiKey::generate().unwrap().text,
            Secret::from(UUID.to_owned()),
        ] {
            let text = text.as_str().unwrap();
            let key = ApiKey::import(text).unwrap();
            for at in 0..text.len() {
                for byte in 0..=127_u8 {
                    let mut changed = text.as_bytes().to_vec();
                    changed[at] = byte;
                    let changed = String::from_utf8(changed).unwrap();
                    assert_eq!(
                        verify(&changed, &key.id, &key.hash),
                        changed == text,
                        "{changed}"
                    );
                }
            }
            for changed in ["", &text[1..], &format!("{text} "), &text.to_uppercase()] {
                assert!(!verify(changed, &key.id, &key.hash), "{changed}");
            }
        }
    }

    #[test]
    fn a_uuid_is_taken_with_an_id_of_its_hash() {
        let key = ApiKey::import(UUID).unwrap();
        let whole = String::from(key.hash);
        assert_eq!(
            whole,
            super::super::signature::legacy_sha256_hex(b"", UUID.as_bytes())
        );
        assert_eq!(key.id.as_str(), &whole[..12]);
        assert!(verify(UUID, &key.id, &key.hash));
    }

    #[test]
    fn texts_that_are_no_key_are_refused_without_being_shown() {
        let id = "0123456789ab";
        let secret = "5".repeat(SECRET_DIGITS);
        for text in [
            "",
            "tg_",
            "correct horse battery staple",
            "00000000-0000-0000-0000-000000000000",
            "3d1f0c52-9a77-1e0b-b6f3-0a5d2c9e8f41",
            "3d1f0c52-9a77-4e0b-c6f3-0a5d2c9e8f41",
            "3d1f0c52-9a77-4e0b-b6f3-0a5d2c9e8f4g",
            "3d1f0c52-9a77-4e0b-b6f3-0a5d2c9e8f41-",
            "3d1f0c529a774e0bb6f30a5d2c9e8f41",
            &format!("tg_{id}_{secret}5"),
            &format!("tg_{id}0_{secret}"),
            &format!("tg_{id}{secret}"),
            &format!("tg_0123456789AB_{secret}"),
            &format!("tgw_{secret}"),
            &format!(" tg_{id}_{secret}"),
            &format!("tg_{id}_é{}", "5".repeat(SECRET_DIGITS - 2)),
        ] {
            assert_eq!(parse_id(text), None, "{text}");
            let error = ApiKey::import(text).unwrap_err();
            assert_eq!(error.code, Code::InvalidArgument);
            // The message itself names the prefix.
            let telling = text.len() > PREFIX.len();
            assert!(!telling || !error.message.contains(text), "{error}");
        }
    }

    #[test]
    fn what_is_kept_survives_json_and_holds_no_text() {
        let key = ApiKey::generate().unwrap();
        let kept = serde_json::to_string(&(&key.id, &key.hash)).unwrap();
        let (id, hash): (ApiKeyId, ApiKeyHash) = serde_json::from_str(&kept).unwrap();
        let text = key.text.as_str().unwrap();
        assert!(verify(text, &id, &hash));
        let secret = text.rsplit('_').next().unwrap();
        assert!(!kept.contains(secret));
        assert!(!format!("{key:?}").contains(secret));
        for bad in ["\"\"", "\"00\"", "\"0123456789AB\"", "7"] {
            assert!(serde_json::from_str::<ApiKeyId>(bad).is_err(), "{bad}");
            assert!(serde_json::from_str::<ApiKeyHash>(bad).is_err(), "{bad}");
        }
    }
}
