//! Signatures of webhooks: how an app tells that a webhook came from this host.
//!
//! The two headers and their forms are Nango's, so that its client verifies them:
//! `X-Nango-Hmac-Sha256` and, for old apps, `X-Nango-Signature`. Both are over the exact
//! bytes of the body as sent.

use super::cipher::{KEY_BYTES, fill_random};
use super::secret::Secret;
use crate::error::Result;
use ring::{digest, hmac};
use zeroize::Zeroizing;

/// What a generated signing key begins with, so that people and secret scanners know it.
const PREFIX: &str = "tgw_";

/// The value of `X-Nango-Hmac-Sha256`: HMAC-SHA256 of `body`, as 64 lower-case hex
/// digits. `key` is the text of the signing key as the app holds it.
pub fn hmac_sha256_hex(key: &[u8], body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hex::encode(hmac::sign(&key, body))
}

/// The value of `X-Nango-Signature`: SHA-256 of `key` followed by `body`, as 64
/// lower-case hex digits. Weaker than the HMAC (who knows one signature can extend the
/// body and sign that); sent for apps whose client knows no other.
pub fn legacy_sha256_hex(key: &[u8], body: &[u8]) -> String {
    let mut hash = digest::Context::new(&digest::SHA256);
    hash.update(key);
    hash.update(body);
    hex::encode(hash.finish())
}

/// A fresh signing key: `tgw_` and 64 hex digits, of 256 random bits. The text itself is
/// the key. Fails as `internal` where the system gives no random bytes.
pub fn generate_signing_key() -> Result<Secret> {
    let mut bytes = Zeroizing::new([0_u8; KEY_BYTES]);
    fill_random(bytes.as_mut_slice())?;
    let digits = Zeroizing::new(hex::encode(bytes.as_slice()));
    Ok(Secret::from([PREFIX, &digits].concat()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hmac_gives_the_published_answers() {
        // RFC 4231, test cases 1, 2, 6 (key longer than a block); then one by openssl.
        let rows: [(&[u8], &[u8], &str); 4] = [
            (
                &[0x0b; 20],
                b"Hi There",
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
            ),
            (
                b"Jefe",
                b"what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                &[0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
            (
                b"a-signing-key",
                br#"{"a":1}"#,
                "1857c498749862ab5e884ba188905fba9a4108196679fe4a3fc65b0aea2ef53f",
            ),
        ];
        for (key, body, expected) in rows {
            assert_eq!(hmac_sha256_hex(key, body), expected);
        }
    }

    #[test]
    fn the_legacy_signature_is_the_hash_of_key_and_body_in_a_row() {
        // FIPS 180-2's one-block message, however it is cut; then one by openssl.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let rows: [(&[u8], &[u8], &str); 4] = [
            (b"", b"abc", abc),
            (b"a", b"bc", abc),
            (b"abc", b"", abc),
            (
                b"a-signing-key",
                br#"{"a":1}"#,
                "68dd5bd2289b50c4cb2b37cea26be2b55e92310209e2fbf9b58b960f5b4c86ed",
            ),
        ];
        for (key, body, expected) in rows {
            assert_eq!(legacy_sha256_hex(key, body), expected);
        }
    }

    #[test]
    fn signing_keys_are_fresh_text_and_not_printed() {
        let (one, other) = (
            generate_signing_key().unwrap(),
            generate_signing_key().unwrap(),
        );
        assert_ne!(one.as_bytes(), other.as_bytes());
        let digits = one.as_str().unwrap().strip_prefix(PREFIX).unwrap();
        assert_eq!(hex::decode(digits).unwrap().len(), KEY_BYTES);
        assert_eq!(format!("{one:?}"), "Secret(68 bytes)");
    }
}
