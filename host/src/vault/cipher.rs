//! Sealing and opening bytes under one key, and the randomness for it: the only file
//! that knows the cipher.
//!
//! ChaCha20-Poly1305 rather than AES-GCM, because it is as fast on machines without AES
//! instructions and needs no tables there that would leak by timing. Both nonces are
//! random: one master key may wrap 2^32 data keys before two nonces are the same with a
//! chance of more than one in 2^32, and a data key seals one value only.

use crate::error::{Code, Error, Result};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::{Zeroize, Zeroizing};

/// Bytes of a master key and of a data key; another length in a key file is refused as
/// `config.invalid`. It is what the cipher takes.
pub(super) const KEY_BYTES: usize = 32;

/// A key, wiped when dropped. Boxed, so that moving it leaves no copy behind. The
/// cipher's own expansion of it lives only within one call.
pub(super) struct Key(Box<[u8; KEY_BYTES]>);

impl Key {
    /// A fresh random key.
    pub(super) fn generate() -> Result<Self> {
        let mut key = Key(Box::new([0; KEY_BYTES]));
        fill_random(key.0.as_mut_slice())?;
        Ok(key)
    }

    /// The key of these bytes; none where their number is wrong.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        (bytes.len() == KEY_BYTES).then(|| {
            let mut key = Key(Box::new([0; KEY_BYTES]));
            key.0.copy_from_slice(bytes);
            key
        })
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.0.as_slice()
    }

    /// Nonce, ciphertext and tag in a row. Opens only with the same `context`.
    pub(super) fn seal(&self, context: &[u8], plaintext: &[u8]) -> Result<Vec<u8>> {
        let mut nonce = [0; NONCE_LEN];
        fill_random(&mut nonce)?;
        let tag_bytes = CHACHA20_POLY1305.tag_len();
        // Of the final size at once, so that growing leaves no plaintext behind.
        let mut sealed = Vec::with_capacity(NONCE_LEN + plaintext.len() + tag_bytes);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plaintext);
        let (_, body) = sealed.split_at_mut(NONCE_LEN);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = self
            .expanded()?
            .seal_in_place_separate_tag(nonce, Aad::from(context), body)
            .map_err(|_| refused(format!("sealing {} bytes", plaintext.len())))?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    /// What was sealed; none where the bytes, the key or the context are others.
    pub(super) fn open(&self, context: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, body) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let mut buffer = Zeroizing::new(body.to_vec());
        let length = self
            .expanded()
            .ok()?
            .open_in_place(nonce, Aad::from(context), &mut buffer)
            .ok()?
            .len();
        buffer.truncate(length);
        Some(buffer)
    }

    fn expanded(&self) -> Result<LessSafeKey> {
        UnboundKey::new(&CHACHA20_POLY1305, self.bytes())
            .map(LessSafeKey::new)
            .map_err(|_| refused(format!("a key of {KEY_BYTES} bytes")))
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Fills `bytes` from the system's random source: straight from there, so that no state
/// in this process could tell what was drawn before.
pub(super) fn fill_random(bytes: &mut [u8]) -> Result<()> {
    SystemRandom::new().fill(bytes).map_err(|_| {
        let wanted = bytes.len();
        Error::new(
            Code::Internal,
            format!("the system's random source gave no {wanted} bytes"),
        )
    })
}

fn refused(what: String) -> Error {
    Error::new(Code::Internal, format!("the cipher refused {what}"))
}
