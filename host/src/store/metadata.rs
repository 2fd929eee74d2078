//! What a write of a connection's metadata makes of what was there: the one rule for
//! every store.

use crate::error::{Code, Error, Result};
use crate::limits::METADATA_BYTES_MAX;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// Metadata of a connection that has none.
pub(super) const NONE: &str = "{}";

/// The metadata after a write: `json` itself, or with `merge` its top-level fields over
/// those of `before`. Values stay as they were written, digit by digit.
/// `metadata.invalid` if `json` is no JSON object, or if the result is too large.
pub(super) fn written(before: &str, json: &str, merge: bool) -> Result<String> {
    let new = fields(json)?;
    let after = match merge {
        false => json.to_owned(),
        true => {
            let mut all = fields(before)?;
            all.extend(new);
            serde_json::to_string(&all)
                .map_err(|error| invalid(format!("cannot be merged: {error}")))?
        }
    };
    match after.len() <= METADATA_BYTES_MAX {
        true => Ok(after),
        false => Err(invalid(format!(
            "would have {} bytes, limit {METADATA_BYTES_MAX}",
            after.len()
        ))),
    }
}

fn fields(json: &str) -> Result<BTreeMap<String, &RawValue>> {
    serde_json::from_str(json).map_err(|error| invalid(format!("is not a JSON object: {error}")))
}

fn invalid(why: String) -> Error {
    Error::new(Code::MetadataInvalid, format!("the metadata {why}"))
}
