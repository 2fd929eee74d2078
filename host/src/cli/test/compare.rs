//! What a run did against what was expected of it. Pure.

use super::nango::id_of;
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// One way in which a run is not what was expected.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "what", rename_all = "camelCase")]
pub(super) enum Difference {
    /// Records of a model.
    Records(ModelDifference),
    /// What was deleted of a model.
    Deleted {
        /// The model.
        model: String,
        /// Ids that should have been deleted.
        missing: Vec<String>,
        /// Ids that should not.
        unexpected: Vec<String>,
    },
    /// The checkpoint.
    Checkpoint {
        /// Where it differs.
        fields: Vec<FieldDifference>,
    },
    /// The metadata.
    Metadata {
        /// Where it differs.
        fields: Vec<FieldDifference>,
    },
    /// How it ended.
    Outcome {
        /// How it should have.
        expected: String,
        /// How it did.
        got: String,
        /// The error's message.
        message: Option<String>,
    },
}

/// How the records of a model differ.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct ModelDifference {
    /// The model.
    pub(super) model: String,
    /// Records that were not saved.
    pub(super) missing: Vec<Value>,
    /// Records that were, though none expects them.
    pub(super) unexpected: Vec<Value>,
    /// Records with other content.
    pub(super) differing: Vec<RecordDifference>,
}

/// How one record differs.
#[derive(Clone, Debug, Serialize)]
pub(super) struct RecordDifference {
    /// Its id.
    pub(super) id: String,
    /// Where.
    pub(super) fields: Vec<FieldDifference>,
}

/// Two values at one place; none where there is nothing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct FieldDifference {
    /// The path of the place, such as `address.lines[1]`; empty for the whole.
    pub(super) path: String,
    /// What was expected there.
    pub(super) expected: Option<Value>,
    /// What is there.
    pub(super) got: Option<Value>,
}

/// Records by model.
pub(super) type Records = BTreeMap<String, Vec<Value>>;
/// Ids by model.
pub(super) type Ids = BTreeMap<String, Vec<String>>;

/// Compares records, the last of an id in a list counting for it.
pub(super) fn records(expected: &Records, got: &Records) -> Vec<Difference> {
    let models: BTreeSet<&String> = expected.keys().chain(got.keys()).collect();
    let lists = models.into_iter().map(|model| {
        let of = |all: &Records| all.get(model).cloned().unwrap_or_default();
        model_records(model, of(expected), of(got))
    });
    lists.flatten().map(Difference::Records).collect()
}

fn model_records(model: &str, expected: Vec<Value>, got: Vec<Value>) -> Option<ModelDifference> {
    let (expected, mut got) = (by_id(expected), by_id(got));
    let mut found = ModelDifference {
        model: model.to_owned(),
        ..ModelDifference::default()
    };
    for (id, record) in expected {
        match got.remove(&id) {
            None => found.missing.push(record),
            Some(other) => {
                let fields = fields(&record, &other);
                // A host keeps the ids of records as text, whatever they were.
                let fields: Vec<_> = fields
                    .into_iter()
                    .filter(|field| !is_same_id(field))
                    .collect();
                if !fields.is_empty() {
                    found.differing.push(RecordDifference { id, fields });
                }
            }
        }
    }
    found.unexpected = got.into_values().collect();
    let is_clean =
        found.missing.is_empty() && found.unexpected.is_empty() && found.differing.is_empty();
    (!is_clean).then_some(found)
}

fn by_id(records: Vec<Value>) -> BTreeMap<String, Value> {
    let pair = |record: Value| (id_of(&record), record);
    records.into_iter().map(pair).collect()
}

fn is_same_id(field: &FieldDifference) -> bool {
    let text = |value: &Option<Value>| match value {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    field.path == "id" && text(&field.expected).is_some_and(|id| text(&field.got) == Some(id))
}

/// Compares what was deleted, without regard to order.
pub(super) fn deleted(expected: &Ids, got: &Ids) -> Vec<Difference> {
    let models: BTreeSet<&String> = expected.keys().chain(got.keys()).collect();
    let each = |model: &String| {
        let of = |all: &Ids| -> BTreeSet<String> {
            all.get(model).into_iter().flatten().cloned().collect()
        };
        let (expected, got) = (of(expected), of(got));
        (expected != got).then(|| Difference::Deleted {
            model: model.clone(),
            missing: expected.difference(&got).cloned().collect(),
            unexpected: got.difference(&expected).cloned().collect(),
        })
    };
    models.into_iter().filter_map(each).collect()
}

/// Where two values differ; empty where they are the same.
pub(super) fn fields(expected: &Value, got: &Value) -> Vec<FieldDifference> {
    let mut found = Vec::new();
    walk(String::new(), Some(expected), Some(got), &mut found);
    found
}

fn walk(
    path: String,
    expected: Option<&Value>,
    got: Option<&Value>,
    found: &mut Vec<FieldDifference>,
) {
    match (expected, got) {
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            for name in names {
                let below = match path.as_str() {
                    "" => name.clone(),
                    path => format!("{path}.{name}"),
                };
                walk(below, old.get(name), new.get(name), found);
            }
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) => {
            for at in 0..old.len().max(new.len()) {
                walk(format!("{path}[{at}]"), old.get(at), new.get(at), found);
            }
        }
        (Some(old), Some(new)) if same(old, new) => {}
        (None, None) => {}
        _ => found.push(FieldDifference {
            path,
            expected: expected.cloned(),
            got: got.cloned(),
        }),
    }
}

/// Whether two values are the same: numbers by their value, objects without regard to the
/// order of their members.
pub(super) fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            one == other || one.as_f64().is_some_and(|one| other.as_f64() == Some(one))
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let has = |(name, value): (&String, &Value)| {
                other.get(name).is_some_and(|known| same(value, known))
            };
            one.len() == other.len() && one.iter().all(has)
        }
        (one, other) => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_are_named_by_their_paths() {
        for (expected, got, paths) in [
            (json!({"a": 1}), json!({"a": 1.0}), &[][..]),
            (json!({"a": 1, "b": null}), json!({"b": null, "a": 1}), &[]),
            (json!({"a": 1}), json!({"a": "1"}), &["a"]),
            (json!({"a": null}), json!({}), &["a"]),
            (
                json!({"a": {"b": [1, {"c": 2}]}}),
                json!({"a": {"b": [1, {"c": 3}, 4]}, "d": 0}),
                &["a.b[1].c", "a.b[2]", "d"],
            ),
            (json!([]), json!({}), &[""]),
        ] {
            let found = fields(&expected, &got);
            let found: Vec<&str> = found.iter().map(|field| field.path.as_str()).collect();
            assert_eq!(found, paths, "{expected} {got}");
        }
    }

    #[test]
    fn the_last_record_of_an_id_counts() {
        let records_of = |list: Value| -> Records {
            BTreeMap::from([("M".to_owned(), list.as_array().unwrap().clone())])
        };
        for (expected, got, counts) in [
            (
                json!([{"id": "1", "a": 1}]),
                json!([{"id": "1", "a": 0}, {"id": 1, "a": 1}]),
                [0, 0, 0],
            ),
            (
                json!([{"id": 1}, {"id": 2}]),
                json!([{"id": "2"}, {"id": "3"}]),
                [1, 1, 0],
            ),
            (
                json!([{"id": "1", "a": 1}]),
                json!([{"id": "1", "a": 1}, {"id": "1"}]),
                [0, 0, 1],
            ),
        ] {
            let found = records(&records_of(expected.clone()), &records_of(got));
            let found = match found.as_slice() {
                [] => [0, 0, 0],
                [Difference::Records(it)] => {
                    [it.missing.len(), it.unexpected.len(), it.differing.len()]
                }
                other => panic!("{other:?}"),
            };
            assert_eq!(found, counts, "{expected}");
        }
    }
}
