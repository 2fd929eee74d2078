//! Runs and records of a host that serves, for the commands that else read the store
//! themselves: a store is open in one process only.

use super::remote::{HostArgs, Remote, encoded};
use super::show::PageArgs;
use crate::error::{Code, Error, Result};
use crate::model::{Action, ChangeFilter, Cursor, LogLine, ModelName, RunId, RunRow, SyncKey};
use clap::Args;
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;
use std::fmt;

/// What `GET /records` adds to a record.
const METADATA: &str = "_nango_metadata";

/// Flags of the commands that can ask a host.
#[derive(Args, Clone, Debug)]
pub(in crate::cli) struct ServedArgs {
    /// Ask the host that serves, over HTTP, in the place of opening its store
    #[arg(long)]
    served: bool,
    #[command(flatten)]
    host: HostArgs,
}

impl ServedArgs {
    /// The host, if it is to be asked.
    pub(in crate::cli) fn connect(&self, environment: &str) -> Result<Option<Remote>> {
        self.served
            .then(|| self.host.connect(environment))
            .transpose()
    }
}

/// The runs of a sync, or of the environment, newest first.
pub(in crate::cli) fn read_runs(
    remote: &Remote,
    key: Option<&SyncKey>,
    limit: usize,
) -> Result<Vec<RunRow>> {
    let path = match key {
        None => "/v1/runs?".to_owned(),
        Some(key) => format!(
            "/v1/runs?integration={}&connection={}&sync={}&variant={}",
            encoded(key.connection.integration.as_str()),
            encoded(key.connection.connection.as_str()),
            encoded(key.sync.as_str()),
            encoded(key.variant.as_str()),
        ),
    };
    let mut answer = PageArgs::of(limit).read(remote, &path, "runs", "before")?;
    of_host(answer["runs"].take())
}

/// A run and its log.
pub(in crate::cli) fn read_run(remote: &Remote, id: RunId) -> Result<(RunRow, Vec<LogLine>)> {
    let row = of_host(remote.get(&format!("/v1/runs/{id}"))?)?;
    let mut log = remote.get(&format!("/v1/runs/{id}/log"))?;
    Ok((row, of_host(log["lines"].take())?))
}

/// The models of an integration's syncs: (sync, model).
pub(in crate::cli) fn read_models(
    remote: &Remote,
    integration: &str,
) -> Result<Vec<(String, String)>> {
    let answer = remote.get(&format!("/integrations/{}/functions", encoded(integration)))?;
    let syncs = answer["data"].as_array().into_iter().flatten();
    let models = syncs.flat_map(|sync| {
        let models = sync["returns"].as_array().into_iter().flatten();
        models.filter_map(|model| {
            let name = sync["name"].as_str()?;
            Some((name.to_owned(), model.as_str()?.to_owned()))
        })
    });
    Ok(models.collect())
}

/// A page of a model's changes.
pub(in crate::cli) struct Records {
    /// The changes, oldest first.
    pub(in crate::cli) changes: Vec<Record>,
    /// Where to go on, if there may be more.
    pub(in crate::cli) next: Option<Cursor>,
}

/// A change as the API tells it.
pub(in crate::cli) struct Record {
    /// The record, as it was saved.
    pub(in crate::cli) body: Fields,
    /// What the host knows of it.
    pub(in crate::cli) known: Known,
}

/// What the host knows of a record.
#[derive(Deserialize)]
pub(in crate::cli) struct Known {
    /// When it was first seen.
    pub(in crate::cli) first_seen_at: jiff::Timestamp,
    /// When it last changed.
    pub(in crate::cli) last_modified_at: jiff::Timestamp,
    /// How.
    pub(in crate::cli) last_action: Action,
    /// When it was deleted.
    pub(in crate::cli) deleted_at: Option<jiff::Timestamp>,
    /// Its place in the feed.
    #[serde(deserialize_with = "from_text")]
    pub(in crate::cli) cursor: Cursor,
}

/// The fields of a record in their order, each value as it was written: numbers may be
/// larger than what fits in memory.
pub(in crate::cli) struct Fields(Vec<(String, Box<RawValue>)>);

/// At most `limit` changes of a model after a cursor.
pub(in crate::cli) fn read_records(
    remote: &Remote,
    (model, variant): (&ModelName, &str),
    cursor: Option<Cursor>,
    limit: usize,
    filter: ChangeFilter,
) -> Result<Records> {
    #[derive(Deserialize)]
    struct Page {
        next_cursor: Option<String>,
        records: Vec<Fields>,
    }
    let actions = [
        ("added", Action::Added),
        ("updated", Action::Updated),
        ("deleted", Action::Deleted),
    ];
    let actions = actions.iter().filter(|(_, action)| filter.admits(*action));
    let actions: Vec<&str> = actions.map(|(name, _)| *name).collect();
    let mut path = format!(
        "/records?model={}&variant={}&limit={limit}&filter={}",
        encoded(model.as_str()),
        encoded(variant),
        encoded(&actions.join(","))
    );
    if let Some(cursor) = cursor {
        path += &format!("&cursor={}", encoded(&cursor.to_string()));
    }
    // As text: a tree of values would round large numbers.
    let text = remote.text(&path)?;
    let page: Page = serde_json::from_str(&text).map_err(|error| unreadable(&error))?;
    let changes = page.records.into_iter().map(|mut body| {
        let known = body.take(METADATA).unwrap_or_default();
        let known = serde_json::from_str(&known).map_err(|error| unreadable(&error))?;
        Ok(Record { body, known })
    });
    Ok(Records {
        changes: changes.collect::<Result<_>>()?,
        next: page.next_cursor.map(|text| text.parse()).transpose()?,
    })
}

fn from_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Cursor, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(serde::de::Error::custom)
}

impl Fields {
    /// The record's id, as text.
    pub(in crate::cli) fn id(&self) -> String {
        let id = self.0.iter().find(|(field, _)| field == "id");
        let id = id.map_or("", |(_, value)| value.get());
        // A number is an id as it stands.
        serde_json::from_str(id).unwrap_or_else(|_| id.to_owned())
    }

    fn take(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(field, _)| field == name)?;
        Some(self.0.remove(at).1.get().to_owned())
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a record, which is an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// What the host answered, in the form that this program knows.
fn of_host<T: DeserializeOwned>(value: Value) -> Result<T> {
    serde_json::from_value(value).map_err(|error| unreadable(&error))
}

fn unreadable(error: &serde_json::Error) -> Error {
    Error::new(
        Code::Usage,
        format!(
            "the host's answer cannot be read ({error}); is it of another version than this program?"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_keeps_its_order_and_its_numbers() {
        let text = r#"{"z":1e400,"a":12345678901234567890123456789,"id":"7","_nango_metadata":{}}"#;
        let mut fields: Fields = serde_json::from_str(text).unwrap();
        assert_eq!(fields.take(METADATA).as_deref(), Some("{}"));
        assert_eq!(fields.id(), "7");
        assert_eq!(
            serde_json::to_string(&fields).unwrap(),
            r#"{"z":1e400,"a":12345678901234567890123456789,"id":"7"}"#
        );
    }
}
