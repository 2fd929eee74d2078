//! A secret in memory: wiped when dropped, and printed by nothing.

use std::fmt;
use zeroize::Zeroizing;

/// A secret in the clear. Wiped when dropped; has no `Display`, no `Serialize` and no
/// `Clone`, and its `Debug` tells the length only, so that it gets into a log, an error or
/// an answer only where someone wrote `as_bytes` or `as_str`.
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// The secret itself.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The secret as text; none where it is not UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }
}

impl From<Zeroizing<Vec<u8>>> for Secret {
    fn from(bytes: Zeroizing<Vec<u8>>) -> Self {
        Secret(bytes)
    }
}

impl From<Vec<u8>> for Secret {
    fn from(bytes: Vec<u8>) -> Self {
        Secret(Zeroizing::new(bytes))
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Secret::from(text.into_bytes())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({} bytes)", self.0.len())
    }
}
