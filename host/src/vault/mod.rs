//! Secrets at rest: what connections and environments hold is sealed here before the
//! store sees it, and opened here just before it is used.
//!
//! - Each value is sealed with a data key of its own, which a master key seals in turn.
//!   The master keys ([`MasterKeys`]) live outside the store, so a copy of the store or a
//!   backup opens nothing.
//! - Both seals are bound to the value's *owner*, a text that names whose it is and what:
//!   a sealed value that is moved to another row does not open there.
//! - To rotate: add a key, start the host again, [`Vault::rewrap`] every value, take the
//!   old key out of the file. This renews who can open the store, not the secrets: where
//!   a master key *and* a copy of the store have leaked, the credentials themselves must
//!   be replaced.
//! - Clear text is wiped from memory when dropped. What the cipher library copies onto its
//!   stack during a call is not.
//!
//! Here too, because they are made of the same parts: the keys of apps ([`api_key`]) and
//! the signatures of webhooks ([`signature`]). Nothing here knows the store or the network.

pub mod api_key;
mod cipher;
mod key;
mod key_file;
mod sealed;
mod secret;
pub mod signature;

pub use key::{KeyId, MasterKeys};
pub use sealed::Sealed;
pub use secret::Secret;

use crate::error::{Code, Error, Result};
use cipher::Key;
use key::MasterKey;

/// What the seal of a value begins to be bound to. Part of the stored form, as
/// [`DATA_KEY_SEAL`] is: with another text nothing stored would open. Neither begins with
/// the other, so the two seals are never taken for each other.
const VALUE_SEAL: &[u8] = b"tidegate value 1\0";

/// What the seal of a data key begins to be bound to.
const DATA_KEY_SEAL: &[u8] = b"tidegate data key 1\0";

/// Seals and opens secrets with the master keys of this host.
#[derive(Debug)]
pub struct Vault {
    keys: MasterKeys,
}

impl Vault {
    /// A vault that seals with the current one of `keys` and opens with all of them.
    pub fn new(keys: MasterKeys) -> Self {
        Vault { keys }
    }

    /// The keys it was made with.
    pub fn keys(&self) -> &MasterKeys {
        &self.keys
    }

    /// Seals `plaintext` for `owner`, a text such as `prod/hubspot/acme credentials` that
    /// is the same when it is opened, and of no other value. Fails as `internal` where
    /// the system gives no random bytes.
    pub fn seal(&self, owner: &str, plaintext: &[u8]) -> Result<Sealed> {
        let data_key = Key::generate()?;
        let value = data_key.seal(&value_context(owner), plaintext)?;
        self.wrap(owner, &data_key, value)
    }

    /// Opens what was sealed for `owner`. `config.invalid` where the key file does not
    /// hold its key; `store.damaged` where it was changed or is of another owner.
    pub fn open(&self, owner: &str, sealed: &Sealed) -> Result<Secret> {
        self.unwrap_data_key(owner, sealed)?
            .open(&value_context(owner), &sealed.value)
            .map(Secret::from)
            .ok_or_else(|| damaged(owner, sealed))
    }

    /// The same value under the current master key; none where it is already. Only the
    /// data key is sealed anew. Fails as [`Vault::open`] does.
    pub fn rewrap(&self, owner: &str, sealed: &Sealed) -> Result<Option<Sealed>> {
        if sealed.key_id() == self.keys.current_id() {
            return Ok(None);
        }
        let data_key = self.unwrap_data_key(owner, sealed)?;
        self.wrap(owner, &data_key, sealed.value.clone()).map(Some)
    }

    fn wrap(&self, owner: &str, data_key: &Key, value: Vec<u8>) -> Result<Sealed> {
        let MasterKey { id, key } = self.keys.current();
        let wrapped = key.seal(&data_key_context(id, owner), data_key.bytes())?;
        Ok(Sealed::new(id.clone(), wrapped, value))
    }

    fn unwrap_data_key(&self, owner: &str, sealed: &Sealed) -> Result<Key> {
        let id = sealed.key_id();
        let Some(master) = self.keys.find(id) else {
            return Err(Error::new(
                Code::ConfigInvalid,
                format!(
                    "`{owner}` is sealed with key `{id}`, which the key file does not hold; put it back"
                ),
            ));
        };
        master
            .key
            .open(&data_key_context(id, owner), &sealed.data_key)
            .and_then(|bytes| Key::from_bytes(&bytes))
            .ok_or_else(|| damaged(owner, sealed))
    }
}

fn value_context(owner: &str) -> Vec<u8> {
    [VALUE_SEAL, owner.as_bytes()].concat()
}

/// An id holds no zero byte, so no two pairs of id and owner give the same bytes.
fn data_key_context(id: &KeyId, owner: &str) -> Vec<u8> {
    let id = id.as_str().as_bytes();
    [DATA_KEY_SEAL, id, &[0], owner.as_bytes()].concat()
}

fn damaged(owner: &str, sealed: &Sealed) -> Error {
    let id = sealed.key_id();
    Error::new(
        Code::StoreDamaged,
        format!(
            "`{owner}` does not open with key `{id}`: the sealed value was changed or is of another owner, or the key file holds another key as `{id}`; restore the one that is wrong, or set the value anew"
        ),
    )
}

#[cfg(test)]
mod tests;
