//! The scanner for the JSON that guests pass. PROVISIONAL: replaced by the streaming one.

use super::manifest::ManifestModel;
use super::record::{ContentHash, RecordBatch, RecordSpan};
use crate::error::{Code, Error, Result};
use bytes::Bytes;
use std::sync::Arc;

/// What a model asks of its records.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RecordRules {
    /// Top-level fields left out of the change hash.
    pub ignore: Vec<String>,
}

impl RecordRules {
    /// The rules of a manifest's model.
    pub fn of(model: &ManifestModel) -> Self {
        RecordRules {
            ignore: model.ignore.clone(),
        }
    }
}

/// Scans NDJSON: checks every record, finds its id and hashes its canonical form.
pub fn scan(body: Bytes, rules: &Arc<RecordRules>) -> Result<RecordBatch> {
    let mut records: Vec<RecordSpan> = Vec::new();
    let mut start = 0;
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        let value: serde_json::Value = serde_json::from_slice(line)
            .map_err(|error| Error::new(Code::RecordInvalid, error.to_string()))?;
        let id = match &value["id"] {
            serde_json::Value::String(id) => id.clone(),
            other => other.to_string(),
        };
        let hash = hash(line, rules);
        let end = start + line.trim_ascii_end().len() as u32;
        records.push(RecordSpan {
            id: id.into(),
            hash,
            span: start..end,
        });
        start += line.len() as u32;
    }
    Ok(RecordBatch {
        body,
        records,
        duplicates: Vec::new(),
        rules: rules.clone(),
    })
}

/// Merges `patch` deep into `old` (arrays are replaced) and hashes the result.
pub fn merge(old: &[u8], patch: &[u8], rules: &RecordRules) -> Result<(Vec<u8>, ContentHash)> {
    fn deep(old: &mut serde_json::Value, patch: serde_json::Value) {
        match (old, patch) {
            (serde_json::Value::Object(old), serde_json::Value::Object(patch)) => {
                for (key, value) in patch {
                    deep(old.entry(key).or_insert(serde_json::Value::Null), value);
                }
            }
            (old, patch) => *old = patch,
        }
    }
    let wrong = |error: serde_json::Error| Error::new(Code::RecordInvalid, error.to_string());
    let mut value: serde_json::Value = serde_json::from_slice(old).map_err(wrong)?;
    deep(&mut value, serde_json::from_slice(patch).map_err(wrong)?);
    let merged = serde_json::to_vec(&value).map_err(wrong)?;
    let hash = hash(&merged, rules);
    Ok((merged, hash))
}

fn hash(json: &[u8], _rules: &RecordRules) -> ContentHash {
    let mut hash = [0; 16];
    hash.copy_from_slice(&blake3::hash(json.trim_ascii_end()).as_bytes()[..16]);
    ContentHash(hash)
}
