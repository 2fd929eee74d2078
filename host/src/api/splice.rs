//! A stored record as Nango's API shows it: its own fields in their order and as they
//! were written, its id as text, and `_nango_metadata` at the end. The values are passed
//! through as bytes and never become a tree.

use super::answer::record_time;
use crate::error::{Code, Error, Result};
use crate::model::{Action, Cursor, StoredRecord};
use serde::Serialize;
use serde::de::{Deserializer as _, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use utoipa::ToSchema;

/// The field that tells what became of a record; one of the sync's own gives way to it.
const METADATA: &str = "_nango_metadata";

/// A page of records.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "only its schema is used: a page is written while it is sent"
)]
pub struct RecordPage {
    /// Where to go on; null at the end.
    next_cursor: Option<String>,
    records: Vec<Record>,
}

/// The sync's own fields, and these.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct Record {
    id: String,
    #[schema(rename = "_nango_metadata")]
    metadata: Metadata,
}

/// What became of a record.
#[derive(Serialize, ToSchema)]
#[schema(as = RecordMetadata)]
struct Metadata {
    #[schema(format = DateTime)]
    first_seen_at: String,
    #[schema(format = DateTime)]
    last_modified_at: String,
    last_action: Action,
    #[schema(format = DateTime)]
    deleted_at: Option<String>,
    #[schema(format = DateTime)]
    pruned_at: Option<String>,
    /// Its place in the feed: ask for what comes after it with this.
    cursor: String,
}

/// Writes `record` to `out`. `cursor` is its place in the feed.
pub fn record(record: &StoredRecord, cursor: Cursor, out: &mut Vec<u8>) -> Result<()> {
    let metadata = Metadata {
        first_seen_at: record_time(record.first_seen),
        last_modified_at: record_time(record.modified),
        last_action: record.action,
        deleted_at: record.deleted.map(record_time),
        pruned_at: record.pruned.map(record_time),
        cursor: cursor.to_string(),
    };
    let damaged = |error: serde_json::Error| {
        Error::new(
            Code::StoreDamaged,
            format!(
                "the stored record `{}` is no JSON object: {error}",
                record.id
            ),
        )
    };
    let mut object = Object { out, empty: true };
    object.out.push(b'{');
    let mut reader = serde_json::Deserializer::from_slice(&record.body);
    let has_id = reader
        .deserialize_map(Fields {
            id: &record.id,
            object: &mut object,
        })
        .and_then(|has_id| reader.end().map(|()| has_id))
        .map_err(damaged)?;
    if !has_id {
        object.field("id", &record.id).map_err(damaged)?;
    }
    object.field(METADATA, &metadata).map_err(damaged)?;
    object.out.push(b'}');
    Ok(())
}

/// The object that is written.
struct Object<'a> {
    out: &'a mut Vec<u8>,
    empty: bool,
}

impl Object<'_> {
    fn field(&mut self, key: &str, value: &(impl Serialize + ?Sized)) -> serde_json::Result<()> {
        self.key(key)?;
        serde_json::to_writer(&mut *self.out, value)
    }

    fn key(&mut self, key: &str) -> serde_json::Result<()> {
        if !std::mem::take(&mut self.empty) {
            self.out.push(b',');
        }
        serde_json::to_writer(&mut *self.out, key)?;
        self.out.push(b':');
        Ok(())
    }
}

/// Passes the fields of a stored record on. Answers whether there was an id.
struct Fields<'a, 'b> {
    id: &'a str,
    object: &'a mut Object<'b>,
}

impl<'de> Visitor<'de> for Fields<'_, '_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a record")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut fields: M) -> std::result::Result<bool, M::Error> {
        let failed = |error: serde_json::Error| M::Error::custom(error);
        let mut has_id = false;
        while let Some(key) = fields.next_key::<Key<'de>>()? {
            let value: &RawValue = fields.next_value()?;
            match key.0.as_ref() {
                METADATA => {}
                "id" => {
                    has_id = true;
                    self.object.field("id", self.id).map_err(failed)?;
                }
                key => {
                    self.object.key(key).map_err(failed)?;
                    self.object.out.extend_from_slice(value.get().as_bytes());
                }
            }
        }
        Ok(has_id)
    }
}

/// A key, borrowed where it has no escapes.
#[derive(serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    fn written(body: &str, deleted: bool) -> String {
        let stored = StoredRecord {
            id: "7".into(),
            body: body.to_owned().into(),
            action: if deleted {
                Action::Deleted
            } else {
                Action::Added
            },
            sequence: 3,
            first_seen: Timestamp::UNIX_EPOCH,
            modified: Timestamp::UNIX_EPOCH,
            deleted: deleted.then_some(Timestamp::UNIX_EPOCH),
            pruned: None,
        };
        let cursor = Cursor {
            epoch: 1,
            stream: 1,
            sequence: 3,
        };
        let mut out = Vec::new();
        record(&stored, cursor, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let whole: serde_json::Value = serde_json::from_str(&text).unwrap();
        let metadata = &whole[METADATA];
        assert_eq!(metadata["cursor"], cursor.to_string());
        assert_eq!(metadata["deleted_at"].is_string(), deleted);
        assert!(metadata["pruned_at"].is_null());
        let (fields, _) = text.split_once("\"_nango_metadata\"").unwrap();
        fields.to_owned()
    }

    #[test]
    fn fields_pass_as_they_are_and_the_id_becomes_text() {
        for (body, fields) in [
            (r#"{"id":7,"v":1.50}"#, r#"{"id":"7","v":1.50,"#),
            (
                r#"{ "z" : [1, {"id":2}] , "id":"7"}"#,
                r#"{"z":[1, {"id":2}],"id":"7","#,
            ),
            (
                r#"{"_nango_metadata":{"cursor":"mine"},"id":7}"#,
                r#"{"id":"7","#,
            ),
            (
                r#"{"a\u0022b":"\u00e9","\u0069d":7}"#,
                r#"{"a\"b":"\u00e9","id":"7","#,
            ),
            ("{}", r#"{"id":"7","#),
        ] {
            assert_eq!(written(body, false), fields, "{body}");
            assert_eq!(written(body, true), fields, "{body}");
        }
    }

    #[test]
    fn what_is_no_object_is_damage() {
        for body in ["", "[]", "{", "7", "{}x"] {
            let stored = StoredRecord {
                id: "7".into(),
                body: body.to_owned().into(),
                action: Action::Added,
                sequence: 1,
                first_seen: Timestamp::UNIX_EPOCH,
                modified: Timestamp::UNIX_EPOCH,
                deleted: None,
                pruned: None,
            };
            let cursor = Cursor {
                epoch: 1,
                stream: 1,
                sequence: 1,
            };
            let error = record(&stored, cursor, &mut Vec::new()).unwrap_err();
            assert_eq!(error.code, Code::StoreDamaged, "{body}");
        }
    }
}
