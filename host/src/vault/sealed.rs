//! A sealed value as the store and backups keep it. The form is JSON that people can
//! read, without its secret:
//!
//! ```json
//! {"v":1,"key":"k3f9a12bc07d4","data_key":"…base64…","value":"…base64…"}
//! ```
//!
//! `value` is sealed with a data key of its own; `data_key` is that key, sealed with the
//! master key named by `key`. Both are nonce, ciphertext and tag in a row.

use super::key::KeyId;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The one form that this version writes and reads. It fixes the cipher and what is bound
/// into each seal; another number fails to parse.
const FORM: u8 = 1;

/// A value that only its owner's [`Vault`](super::Vault) opens. What it holds may be
/// stored, backed up and copied. Reading one from JSON fails where it has another form,
/// an unknown field or bad base64.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sealed {
    v: Form,
    pub(super) key: KeyId,
    #[serde(with = "base64_text")]
    pub(super) data_key: Vec<u8>,
    #[serde(with = "base64_text")]
    pub(super) value: Vec<u8>,
}

impl Sealed {
    pub(super) fn new(key: KeyId, data_key: Vec<u8>, value: Vec<u8>) -> Self {
        let v = Form;
        Sealed {
            v,
            key,
            data_key,
            value,
        }
    }

    /// The master key that it is sealed with: what must stay in the key file for it.
    pub fn key_id(&self) -> &KeyId {
        &self.key
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes, key {})", self.value.len(), self.key)
    }
}

/// The `v` field: there is no sealed value of a form that this version cannot open.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
struct Form;

impl From<Form> for u8 {
    fn from(_: Form) -> u8 {
        FORM
    }
}

impl TryFrom<u8> for Form {
    type Error = String;

    fn try_from(found: u8) -> Result<Self, String> {
        (found == FORM).then_some(Form).ok_or_else(|| {
            format!("a sealed value of form {found}; this version of Tidegate reads form {FORM}")
        })
    }
}

/// Bytes as standard base64 text with padding. Other spellings of the same bytes fail to
/// parse, so that a sealed value has one text only.
mod base64_text {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use std::borrow::Cow;

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = Cow::<str>::deserialize(from)?;
        STANDARD.decode(text.as_bytes()).map_err(D::Error::custom)
    }
}
