//! What is kept beside records and runs: metadata, deployments, and taking a sync back.

use super::keys;
use super::runs::{from_json, to_json};
use super::writer::Writer;
use crate::error::{Code, Error, Result};
use crate::limits::METADATA_BYTES_MAX;
use crate::model::{ConnectionKey, Deployment, ModelName, SyncKey};
use crate::store::Reset;
use serde_json::{Map, Value};

/// Metadata of a connection that has none.
pub(super) const NO_METADATA: &str = "{}";

impl Writer {
    pub(super) fn put_deployment(&mut self, deployment: &Deployment) -> Result<()> {
        let key = keys::deployment(&deployment.digest);
        if self.get(&key)?.is_none() {
            self.needs_room()?;
            self.put(key, to_json(deployment)?);
        }
        Ok(())
    }

    pub(super) fn put_metadata(
        &mut self,
        connection: &ConnectionKey,
        json: &str,
        merge: bool,
    ) -> Result<String> {
        let new = object(json.as_bytes())?;
        let key = keys::metadata(connection);
        let result = match merge {
            false => json.to_owned(),
            true => {
                let old = self.get(&key)?;
                let mut old = object(old.as_deref().unwrap_or(NO_METADATA.as_bytes()))?;
                old.extend(new);
                String::from_utf8(to_json(&old)?).unwrap_or_default()
            }
        };
        if result.len() > METADATA_BYTES_MAX {
            return Err(Error::new(
                Code::MetadataInvalid,
                format!(
                    "the metadata of {connection} would have {} bytes, more than \
                     {METADATA_BYTES_MAX}",
                    result.len()
                ),
            ));
        }
        self.put(key, result.clone().into_bytes());
        Ok(result)
    }

    /// Takes a sync back to its start.
    pub(super) fn reset(&mut self, key: &SyncKey, models: &[ModelName], what: Reset) -> Result<()> {
        if let Some(live) = self.lives.get(key) {
            return Err(Error::new(
                Code::RunConflict,
                format!("run {} of {key} is live; cancel it first", live.row.id),
            ));
        }
        if self.checkpoint_row(key)?.json.is_some() {
            self.set_checkpoint(key, None)?;
        }
        self.remove(keys::tally(key));
        self.drop_passes(key);
        if what == Reset::CheckpointAndRecords {
            for model in models {
                if let Some(number) = self.known_stream(&key.stream(model.clone())) {
                    self.clear(number)?;
                }
            }
        }
        Ok(())
    }
}

fn object(json: &[u8]) -> Result<Map<String, Value>> {
    from_json(json).map_err(|error| {
        Error::new(
            Code::MetadataInvalid,
            format!("the metadata is not a JSON object: {}", error.message),
        )
    })
}
