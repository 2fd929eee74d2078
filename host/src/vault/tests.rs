use super::*;
use proptest::prelude::*;

const OLD: &str = "old:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const NEW: &str = "new:ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";
const OWNER: &str = "prod/hubspot/acme credentials";
const CANARY: &[u8] = b"canary-7Qw0";

fn vault(lines: &[&str]) -> Vault {
    Vault::new(MasterKeys::from_text(&lines.join("\n"), "a test").unwrap())
}

fn json(sealed: &Sealed) -> String {
    serde_json::to_string(sealed).unwrap()
}

/// What a value on disk opens to, or why it is refused.
fn open(vault: &Vault, owner: &str, json: &[u8]) -> Result<Secret, String> {
    let sealed: Sealed = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    vault
        .open(owner, &sealed)
        .map_err(|error| error.to_string())
}

proptest! {
    #[test]
    fn what_was_sealed_opens_through_json_for_its_owner_only(
        owner in ".*",
        other in ".*",
        plaintext in proptest::collection::vec(any::<u8>(), 0..2000),
    ) {
        let vault = vault(&[NEW, OLD]);
        let sealed = vault.seal(&owner, &plaintext).unwrap();
        let text = json(&sealed);
        let opened = open(&vault, &owner, text.as_bytes()).unwrap();
        prop_assert_eq!(opened.as_bytes(), plaintext);
        prop_assert_eq!(open(&vault, &other, text.as_bytes()).is_ok(), other == owner);
    }
}

#[test]
fn the_stored_form_is_fixed() {
    let written = json(&vault(&[OLD]).seal(OWNER, CANARY).unwrap());
    let fields: serde_json::Value = serde_json::from_str(&written).unwrap();
    assert_eq!((&fields["v"], &fields["key"]), (&1.into(), &"old".into()));
    assert_eq!(fields.as_object().unwrap().len(), 4);

    // Sealed by another implementation (Python's `cryptography`) as the form is described:
    // what is on disk must open for ever.
    let kept = include_str!("sealed_form_1.json");
    let opened = open(&vault(&[NEW, OLD]), OWNER, kept.as_bytes()).unwrap();
    assert_eq!(opened.as_bytes(), CANARY);

    let later = kept.replace("\"v\":1", "\"v\":2");
    let error = open(&vault(&[OLD]), OWNER, later.as_bytes()).unwrap_err();
    assert!(error.contains("form 2"), "{error}");
}

#[test]
fn every_changed_byte_is_refused() {
    let vault = vault(&[NEW, OLD]);
    let whole = json(&vault.seal(OWNER, CANARY).unwrap()).into_bytes();
    assert_eq!(open(&vault, OWNER, &whole).unwrap().as_bytes(), CANARY);
    for at in 0..whole.len() {
        for flip in 1..=u8::MAX {
            let mut changed = whole.clone();
            changed[at] ^= flip;
            let shown = String::from_utf8_lossy(&changed);
            assert!(open(&vault, OWNER, &changed).is_err(), "{shown}");
        }
        assert!(open(&vault, OWNER, &whole[..at]).is_err(), "cut at {at}");
    }
}

#[test]
fn every_changed_bit_of_the_ciphertexts_is_store_damaged() {
    let vault = vault(&[OLD]);
    let whole = vault.seal(OWNER, CANARY).unwrap();
    let bits = |bytes: &[u8]| 8 * bytes.len();
    let flip = |bytes: &mut [u8], bit: usize| bytes[bit / 8] ^= 1 << (bit % 8);
    for bit in 0..bits(&whole.data_key) + bits(&whole.value) {
        let mut changed = whole.clone();
        match bit.checked_sub(bits(&whole.data_key)) {
            None => flip(&mut changed.data_key, bit),
            Some(bit) => flip(&mut changed.value, bit),
        }
        let error = vault.open(OWNER, &changed).unwrap_err();
        assert_eq!(error.code, Code::StoreDamaged);
        assert!(error.message.contains(OWNER), "{error}");
    }
    for length in 0..whole.value.len() {
        let mut cut = whole.clone();
        cut.value.truncate(length);
        assert!(vault.open(OWNER, &cut).is_err(), "{length}");
    }
}

#[test]
fn parts_of_two_values_do_not_mix() {
    let vault = vault(&[OLD]);
    let one = vault.seal(OWNER, CANARY).unwrap();
    let other = vault.seal(OWNER, CANARY).unwrap();
    assert_ne!(one.data_key, other.data_key);
    assert_ne!(one.value, other.value);
    let mut mixed = one.clone();
    mixed.value = other.value.clone();
    assert_eq!(
        vault.open(OWNER, &mixed).unwrap_err().code,
        Code::StoreDamaged
    );
}

#[test]
fn a_rotation_loses_nothing_and_then_needs_no_old_key() {
    let sealed = vault(&[OLD]).seal(OWNER, CANARY).unwrap();

    let both = vault(&[NEW, OLD]);
    assert_eq!(both.open(OWNER, &sealed).unwrap().as_bytes(), CANARY);
    let moved = both.rewrap(OWNER, &sealed).unwrap().unwrap();
    assert_eq!(moved.key_id().as_str(), "new");
    assert_eq!(both.rewrap(OWNER, &moved).unwrap(), None);

    let after = vault(&[NEW]);
    assert_eq!(after.open(OWNER, &moved).unwrap().as_bytes(), CANARY);
    for error in [
        after.open(OWNER, &sealed).unwrap_err(),
        after.rewrap(OWNER, &sealed).unwrap_err(),
    ] {
        assert_eq!(error.code, Code::ConfigInvalid);
        assert!(
            error
                .message
                .contains("key `old`, which the key file does not hold; put it back"),
            "{error}"
        );
    }
}

#[test]
fn a_value_is_not_rewrapped_for_another_owner() {
    let sealed = vault(&[OLD]).seal(OWNER, CANARY).unwrap();
    let error = vault(&[NEW, OLD])
        .rewrap("prod/hubspot/other credentials", &sealed)
        .unwrap_err();
    assert_eq!(error.code, Code::StoreDamaged);
}

#[test]
fn another_key_under_the_same_id_opens_nothing() {
    let sealed = vault(&[OLD]).seal(OWNER, CANARY).unwrap();
    let impostor = NEW.replace("new:", "old:");
    let error = vault(&[&impostor]).open(OWNER, &sealed).unwrap_err();
    assert_eq!(error.code, Code::StoreDamaged);
}

#[test]
fn a_key_id_is_part_of_the_seal() {
    // The same key under two names: the name alone must not be exchangeable.
    let twice = vault(&[OLD, &OLD.replace("old:", "alias:")]);
    let text = json(&twice.seal(OWNER, CANARY).unwrap()).replace("\"old\"", "\"alias\"");
    assert!(open(&twice, OWNER, text.as_bytes()).is_err());
}

#[test]
fn no_secret_is_printed() {
    let vault = vault(&[NEW, OLD]);
    let sealed = vault.seal(OWNER, CANARY).unwrap();
    let secret = vault.open(OWNER, &sealed).unwrap();
    assert_eq!(secret.as_str(), Some("canary-7Qw0"));
    assert_eq!(format!("{secret:?}"), "Secret(11 bytes)");
    assert_eq!(
        format!("{vault:?}"),
        r#"Vault { keys: MasterKeys["new", "old"] }"#
    );
    // 12 bytes of nonce and 16 of tag are added to the 11.
    assert_eq!(format!("{sealed:?}"), "Sealed(39 bytes, key new)");
    assert_eq!(Secret::from(vec![0xff]).as_str(), None);
}
