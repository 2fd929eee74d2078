//! What the scanner refuses and in which words, and that its hash is equal exactly when
//! the values are.

mod examples;
mod properties;
mod refused;

use super::*;
use crate::error::{Code, Error};
use crate::limits::{CHECKPOINT_BYTES_MAX, JSON_DEPTH_MAX, METADATA_BYTES_MAX, RECORD_BYTES_MAX};
use crate::model::{ContentHash, ManifestModel, RecordBatch};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::Arc;

fn scan_with(body: impl AsRef<[u8]>, rules: RecordRules) -> Result<RecordBatch, Error> {
    scan(body.as_ref().to_vec().into(), &Arc::new(rules))
}

fn scan_plain(body: impl AsRef<[u8]>) -> Result<RecordBatch, Error> {
    scan_with(body, RecordRules::default())
}

/// The ids of a batch.
fn ids(body: impl AsRef<[u8]>) -> Vec<String> {
    let batch = scan_plain(body).unwrap();
    batch
        .records
        .iter()
        .map(|record| record.id.to_string())
        .collect()
}

/// The hash of a record `{"id":"x","v":<value>}`.
fn hash_of(value: &str) -> ContentHash {
    let batch = scan_plain(format!(r#"{{"id":"x","v":{value}}}"#));
    batch
        .unwrap_or_else(|error| panic!("{value}: {error}"))
        .records[0]
        .hash
}

/// A record whose field `v` has the given text.
fn with(value: impl AsRef<[u8]>) -> Vec<u8> {
    [br#"{"id":"x","v":"#, value.as_ref(), b"}"].concat()
}
