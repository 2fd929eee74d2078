//! Changes: how a save is classified, and the cursor by which an app reads them.

use super::record::{ContentHash, StoredRecord};
use crate::error::{Code, Error, Result};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use utoipa::ToSchema;

/// What last happened to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
#[repr(u8)]
pub enum Action {
    /// First saved, or saved again after a delete.
    Added = 1,
    /// Saved with other content.
    Updated = 2,
    /// Deleted, by the sync or by a delete pass.
    Deleted = 3,
}

impl Action {
    /// The reverse of `as u8`.
    pub fn from_u8(byte: u8) -> Option<Self> {
        [Action::Added, Action::Updated, Action::Deleted]
            .into_iter()
            .find(|action| *action as u8 == byte)
    }
}

/// What a save is, given what the store holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Classified {
    /// Nothing live was there.
    Added,
    /// A live record with other content was there.
    Updated,
    /// The same content was there: nothing is written but "seen".
    Unchanged,
}

/// The change rule: new or formerly deleted is added, another hash is updated, the same
/// hash is unchanged.
pub fn classify(before: Option<(Action, ContentHash)>, now: ContentHash) -> Classified {
    match before {
        None | Some((Action::Deleted, _)) => Classified::Added,
        Some((_, hash)) if hash == now => Classified::Unchanged,
        Some(_) => Classified::Updated,
    }
}

/// Which actions a reader asks for. A bit each, so that every combination is honest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangeFilter(u8);

impl ChangeFilter {
    /// Every action.
    pub const ALL: ChangeFilter = ChangeFilter(0b111);

    /// The given actions.
    pub fn of(actions: &[Action]) -> Self {
        ChangeFilter(
            actions
                .iter()
                .fold(0, |bits, action| bits | Self::bit(*action)),
        )
    }

    /// Whether `action` was asked for.
    pub fn admits(self, action: Action) -> bool {
        self.0 & Self::bit(action) != 0
    }

    fn bit(action: Action) -> u8 {
        1 << (action as u8 - 1)
    }
}

impl FromStr for ChangeFilter {
    type Err = Error;

    /// Reads a comma list of `added`, `updated` and `deleted` in either case.
    fn from_str(text: &str) -> Result<Self> {
        let action = |word: &str| match word.trim().to_ascii_lowercase().as_str() {
            "added" => Ok(Action::Added),
            "updated" => Ok(Action::Updated),
            "deleted" => Ok(Action::Deleted),
            other => Err(Error::new(
                Code::InvalidArgument,
                format!(
                    "`{}` is not a filter; use added, updated or deleted",
                    other.escape_debug()
                ),
            )),
        };
        Ok(ChangeFilter::of(
            &text.split(',').map(action).collect::<Result<Vec<_>>>()?,
        ))
    }
}

/// One entry of a change feed.
pub type Change = StoredRecord;

/// A page of a change feed, in the order of the commits.
#[derive(Clone, Debug)]
pub struct ChangePage {
    /// The changes after the reader's cursor, oldest first; each record at its latest
    /// state only.
    pub changes: Vec<Change>,
    /// The cursor after the last entry that was *looked at*: ask again with it. It moves
    /// past entries that the filter left out.
    pub cursor: Cursor,
    /// Whether there was more when the page was cut.
    pub more: bool,
}

/// A reader's place in a stream: opaque to apps, ordered by commit, never by clock.
///
/// As text it is base64url over version, epoch, stream, sequence and a CRC, so that a
/// cursor of another store, another stream or before a restore is told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Which life of the store gave it; a restore from backup starts another.
    pub epoch: u16,
    /// The store's number for the stream.
    pub stream: u32,
    /// The last sequence that the reader has seen; 0 is before the first.
    pub sequence: u64,
}

/// First byte of a cursor token: the layout of the rest.
const CURSOR_VERSION: u8 = 1;
/// version, epoch, stream, sequence, crc.
const CURSOR_BYTES: usize = 1 + 2 + 4 + 8 + 4;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut token = Vec::with_capacity(CURSOR_BYTES);
        token.push(CURSOR_VERSION);
        token.extend(self.epoch.to_be_bytes());
        token.extend(self.stream.to_be_bytes());
        token.extend(self.sequence.to_be_bytes());
        token.extend(crc32fast::hash(&token).to_be_bytes());
        f.write_str(&URL_SAFE_NO_PAD.encode(token))
    }
}

impl FromStr for Cursor {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || {
            Error::new(
                Code::InvalidArgument,
                format!("`{}` is not a cursor of this host", text.escape_debug()),
            )
        };
        let token = URL_SAFE_NO_PAD.decode(text).map_err(|_| wrong())?;
        let token: [u8; CURSOR_BYTES] = token.try_into().map_err(|_| wrong())?;
        let [
            version,
            e0,
            e1,
            t0,
            t1,
            t2,
            t3,
            s0,
            s1,
            s2,
            s3,
            s4,
            s5,
            s6,
            s7,
            c0,
            c1,
            c2,
            c3,
        ] = token;
        let body = token
            .split_last_chunk::<4>()
            .map(|(body, _)| body)
            .unwrap_or_default();
        if version != CURSOR_VERSION
            || u32::from_be_bytes([c0, c1, c2, c3]) != crc32fast::hash(body)
        {
            return Err(wrong());
        }
        Ok(Cursor {
            epoch: u16::from_be_bytes([e0, e1]),
            stream: u32::from_be_bytes([t0, t1, t2, t3]),
            sequence: u64::from_be_bytes([s0, s1, s2, s3, s4, s5, s6, s7]),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_change_rule() {
        let (one, two) = (ContentHash([1; 16]), ContentHash([2; 16]));
        for (before, expected) in [
            (None, Classified::Added),
            (Some((Action::Deleted, one)), Classified::Added),
            (Some((Action::Added, one)), Classified::Unchanged),
            (Some((Action::Updated, one)), Classified::Unchanged),
            (Some((Action::Added, two)), Classified::Updated),
        ] {
            assert_eq!(classify(before, one), expected, "{before:?}");
        }
    }

    #[test]
    fn filters_are_unions() {
        let filter: ChangeFilter = "Updated, deleted".parse().unwrap();
        assert!(
            !filter.admits(Action::Added)
                && filter.admits(Action::Updated)
                && filter.admits(Action::Deleted)
        );
        assert!("gone".parse::<ChangeFilter>().is_err());
    }

    #[test]
    fn a_cursor_reads_back_and_a_changed_one_does_not() {
        let cursor = Cursor {
            epoch: 3,
            stream: 7,
            sequence: u64::MAX,
        };
        let token = cursor.to_string();
        assert_eq!(token.parse::<Cursor>().unwrap(), cursor);
        for at in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            assert!(changed.parse::<Cursor>().is_err(), "{changed}");
        }
        assert!("".parse::<Cursor>().is_err());
    }
}
