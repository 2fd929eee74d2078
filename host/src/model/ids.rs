//! Names and keys: each is checked once, where it enters, and is safe to use after.

use crate::error::{Code, Error, Result};
use crate::limits::NAME_BYTES_MAX;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use utoipa::ToSchema;

/// Checks `text` against a grammar of allowed bytes and the length limit of names.
fn checked(what: &str, text: &str, allowed: &str, fits: impl Fn(u8) -> bool) -> Result<Box<str>> {
    if text.is_empty() || text.len() > NAME_BYTES_MAX {
        let found = text.len();
        return Err(Error::new(
            Code::InvalidArgument,
            format!("{what} has {found} bytes, but needs 1 to {NAME_BYTES_MAX}"),
        ));
    }
    match text.bytes().position(|byte| !fits(byte)) {
        None => Ok(text.into()),
        Some(at) => Err(Error::new(
            Code::InvalidArgument,
            format!(
                "{what} `{}` has a character at byte {at} that is not allowed; allowed are {allowed}",
                text.escape_debug()
            ),
        )),
    }
}

/// `fits` as a regular expression: one or more of the bytes that it takes.
fn pattern(fits: fn(u8) -> bool) -> String {
    let mut ranges: Vec<(u8, u8)> = Vec::new();
    for byte in (0..=u8::MAX).filter(|byte| fits(*byte)) {
        match ranges.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(byte) => *last = byte,
            _ => ranges.push((byte, byte)),
        }
    }
    let escaped = |byte: u8| match byte {
        b'\\' | b'[' | b']' | b'^' | b'-' => format!("\\{}", char::from(byte)),
        _ => char::from(byte).to_string(),
    };
    let class = ranges.into_iter().map(|(first, last)| match first == last {
        true => escaped(first),
        false => format!("{}-{}", escaped(first), escaped(last)),
    });
    format!("^[{}]+$", class.collect::<String>())
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $allowed:literal, $fits:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Box<str>);

        impl $name {
            /// Checks `text` against the grammar of this kind of name.
            pub fn new(text: &str) -> Result<Self> {
                let fits: fn(u8) -> bool = $fits;
                checked($what, text, $allowed, fits).map($name)
            }

            /// The grammar as a regular expression, for those who describe it to others.
            pub fn pattern() -> String {
                pattern($fits)
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = Error;
            fn from_str(text: &str) -> Result<Self> {
                $name::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = Error;
            fn try_from(text: String) -> Result<Self> {
                $name::new(&text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0.into()
            }
        }
    };
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

name! {
    /// The name of a sync, as in its manifest.
    SyncName, "a sync name", "letters, digits, `_` and `-`", is_word
}
name! {
    /// A second copy of a sync on the same connection, with its own checkpoint and
    /// records. `base` is the plain one.
    Variant, "a variant", "letters, digits, `_` and `-`", is_word
}
name! {
    /// The name of a model: a kind of record.
    ModelName, "a model name", "letters, digits, `_` and `-`", is_word
}
name! {
    /// One customer of this host: the owner of connections and of fixed resources.
    Environment, "an environment name", "letters, digits, `_` and `-`", is_word
}
name! {
    /// The name of an integration (Nango's `provider_config_key`).
    Integration, "an integration name", "letters, digits and `~:.@ _-`",
    |byte| byte.is_ascii_alphanumeric() || b"~:.@ _-".contains(&byte)
}
name! {
    /// The id that the app gave to one account of one of its customers.
    ConnectionId, "a connection id", "letters, digits and `,.;:=+~[]|@${}\"'\\/_ -`",
    |byte| byte.is_ascii_alphanumeric() || b",.;:=+~[]|@${}\"'\\/_ -".contains(&byte)
}

impl Variant {
    /// The plain variant, `base`.
    pub fn base() -> Self {
        Variant("base".into())
    }
}

/// One account at one provider, of one environment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
pub struct ConnectionKey {
    /// The customer of this host.
    pub environment: Environment,
    /// The integration that the connection belongs to.
    pub integration: Integration,
    /// The app's own id for it.
    pub connection: ConnectionId,
}

impl ConnectionKey {
    /// Checks the three names.
    pub fn new(environment: &str, integration: &str, connection: &str) -> Result<Self> {
        Ok(ConnectionKey {
            environment: Environment::new(environment)?,
            integration: Integration::new(integration)?,
            connection: ConnectionId::new(connection)?,
        })
    }
}

impl fmt::Display for ConnectionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}/{}/{}",
            self.environment, self.integration, self.connection
        )
    }
}

/// What a checkpoint, a schedule and a live run belong to: at most one run at a time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
pub struct SyncKey {
    /// The connection that is synced.
    pub connection: ConnectionKey,
    /// Which sync.
    pub sync: SyncName,
    /// Which variant of it.
    pub variant: Variant,
}

impl SyncKey {
    /// Its names, from the environment down.
    pub fn names(&self) -> [&str; 5] {
        let connection = &self.connection;
        [
            connection.environment.as_str(),
            connection.integration.as_str(),
            connection.connection.as_str(),
            self.sync.as_str(),
            self.variant.as_str(),
        ]
    }

    /// 32 bytes that are the same on every start and every machine, and no other sync's.
    pub fn hash(&self) -> [u8; 32] {
        // No name holds a line feed, so no two keys hash the same bytes.
        blake3::hash(self.names().join("\n").as_bytes()).into()
    }

    /// The stream of `model` that this sync writes to.
    pub fn stream(&self, model: ModelName) -> StreamKey {
        StreamKey {
            connection: self.connection.clone(),
            model,
            variant: self.variant.clone(),
        }
    }
}

impl fmt::Display for SyncKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.sync, self.connection)?;
        if self.variant != Variant::base() {
            write!(f, " ({})", self.variant)?;
        }
        Ok(())
    }
}

/// One ordered feed of changes: the records of a model on a connection. Two syncs that
/// save the same model of a connection share it, as in Nango.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StreamKey {
    /// The connection that the records belong to.
    pub connection: ConnectionKey,
    /// The kind of record.
    pub model: ModelName,
    /// Which variant of the sync keeps them.
    pub variant: Variant,
}

impl fmt::Display for StreamKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.model, self.connection)?;
        if self.variant != Variant::base() {
            write!(f, " ({})", self.variant)?;
        }
        Ok(())
    }
}

/// The id of one execution: a ULID, so that ids sort by the time they were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunId(u128);

impl RunId {
    /// An id for a run that starts at `millis` since 1970, told apart by `random`.
    pub fn new(millis: u64, random: u128) -> Self {
        RunId(u128::from(millis) << RANDOM_BITS | random & ((1 << RANDOM_BITS) - 1))
    }

    /// The id after this one.
    pub fn next(self) -> Self {
        RunId(self.0.saturating_add(1))
    }

    /// The least id of the second after this one's: it tells about when, and of no run.
    pub fn following_second(self) -> Self {
        let millis = (self.0 >> RANDOM_BITS) / MILLIS * MILLIS + MILLIS;
        RunId(millis.saturating_mul(1 << RANDOM_BITS))
    }

    /// The id as bytes that sort as the id does.
    pub fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    /// The reverse of [`RunId::to_bytes`].
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        RunId(u128::from_be_bytes(bytes))
    }
}

/// Bits of a ULID below its time.
const RANDOM_BITS: u32 = 80;
/// Milliseconds of a second.
const MILLIS: u128 = 1_000;
/// Crockford's base 32, without the letters that are mistaken for others.
const CROCKFORD: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Digits of a ULID: 128 bits at 5 bits each.
const ULID_DIGITS: u32 = 26;

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for digit in (0..ULID_DIGITS).rev() {
            let bits = (self.0 >> (5 * digit)) as usize & 31;
            fmt::Write::write_char(f, CROCKFORD[bits] as char)?;
        }
        Ok(())
    }
}

impl FromStr for RunId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let digit = |byte: u8| {
            CROCKFORD
                .iter()
                .position(|each| *each == byte.to_ascii_lowercase())
        };
        let id = text.bytes().try_fold(0u128, |id, byte| {
            Some(id.checked_mul(32)? | digit(byte)? as u128)
        });
        match id.filter(|_| text.len() == ULID_DIGITS as usize) {
            Some(id) => Ok(RunId(id)),
            None => Err(Error::new(
                Code::InvalidArgument,
                format!(
                    "`{}` is not a run id, which has {ULID_DIGITS} letters and digits",
                    text.escape_debug()
                ),
            )),
        }
    }
}

impl TryFrom<String> for RunId {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<RunId> for String {
    fn from(id: RunId) -> String {
        id.to_string()
    }
}

/// SHA-like identity of a component: blake3 over its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Digest(*blake3::hash(bytes).as_bytes())
    }

    /// The digest as bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first 12 hex digits, for people.
    pub fn short(&self) -> String {
        hex::encode(&self.0[..6])
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl TryFrom<String> for Digest {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(&text, &mut bytes).map_err(|_| {
            Error::new(
                Code::InvalidArgument,
                format!("`{}` is not a digest of 64 hex digits", text.escape_debug()),
            )
        })?;
        Ok(Digest(bytes))
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> String {
        digest.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_to_their_grammar() {
        for good in ["a", "full-refresh", "A_1"] {
            assert_eq!(SyncName::new(good).unwrap().as_str(), good);
        }
        for bad in ["", "a b", "../x", "a\0", "ä", &"x".repeat(256)] {
            assert_eq!(
                SyncName::new(bad).unwrap_err().code,
                Code::InvalidArgument,
                "{bad:?}"
            );
        }
        assert!(ConnectionKey::new("prod", "hub spot", "user@acme/1").is_ok());
        assert!(ConnectionKey::new("prod", "hubspot", "line\nbreak").is_err());
    }

    #[test]
    fn run_ids_sort_by_time_and_read_back() {
        let early = RunId::new(1, u128::MAX);
        let late = RunId::new(2, 0);
        assert!(early < late && early.to_string() < late.to_string());
        assert_eq!(late.to_string().parse::<RunId>().unwrap(), late);
        assert_eq!(RunId::from_bytes(early.to_bytes()), early);
        for (millis, following) in [(0, 1_000), (999, 1_000), (1_000, 2_000)] {
            let id = RunId::new(millis, u128::MAX);
            assert_eq!(id.following_second(), RunId::new(following, 0));
        }
        let last = RunId::from_bytes([255; 16]);
        assert_eq!(last.following_second(), last);
        for bad in [
            "",
            "x",
            "uuuuuuuuuuuuuuuuuuuuuuuuuu",
            "zzzzzzzzzzzzzzzzzzzzzzzzzz",
        ] {
            assert!(bad.parse::<RunId>().is_err(), "{bad}");
        }
    }
}
