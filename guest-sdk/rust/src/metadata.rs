//! The connection's own settings and progress, shared with the app.

use crate::error::{Code, Error, Result};
use crate::run::Run;
use crate::sync::State;
use crate::sys;
use serde::Serialize;
use serde_json::Value;

impl<C: State, M: State> Run<C, M> {
    /// The metadata, as it was written last. `{}` where none was set, so give fields that
    /// the app need not set an `Option` or a `#[serde(default)]`.
    pub fn metadata(&self) -> Result<M> {
        let json = sys::metadata_get()?;
        crate::decode::from_json(&json).map_err(|why| {
            Error::with_code(
                Code::MetadataInvalid,
                format!("the connection's metadata does not fit: {why}; set it and run again"),
            )
        })
    }

    /// Replaces it, durably, with all that other runs and the app had put there.
    pub fn set_metadata(&self, metadata: &M) -> Result<()> {
        sys::metadata_set(&serde_json::to_string(metadata)?)
    }

    /// Puts the top-level fields of `fields` over the present ones, durably.
    pub fn merge_metadata(&self, fields: impl Serialize) -> Result<()> {
        sys::metadata_merge(&serde_json::to_string(&fields)?)
    }

    /// One top-level field as it stands, whatever the type of the whole.
    pub(crate) fn metadata_field(&self, name: &str) -> Result<Option<Value>> {
        let mut all: serde_json::Map<String, Value> = serde_json::from_str(&sys::metadata_get()?)?;
        Ok(all.remove(name).filter(|value| !value.is_null()))
    }
}
