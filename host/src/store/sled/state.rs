//! What is kept beside records and runs: metadata, deployments, and taking a sync back.

use super::bytes::damaged;
use super::keys;
use super::runs::to_json;
use super::writer::Writer;
use crate::error::{Code, Error, Result};
use crate::model::{ConnectionKey, Deployment, ModelName, SyncKey};
use crate::store::{Reset, metadata};

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
        let key = keys::metadata(connection);
        let before = self.get(&key)?;
        let before = before.as_deref().map(metadata_text).transpose()?;
        let result = metadata::written(before.unwrap_or(metadata::NONE), json, merge)?;
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
        let streams = models.iter().filter_map(|model| {
            let stream = key.stream(model.clone());
            self.known_stream(&stream)
                .filter(|_| what == Reset::CheckpointAndRecords)
        });
        let streams: Vec<u32> = streams.collect();
        let streams = self.plan_clear(&streams)?;
        if self.checkpoint_row(key)?.json.is_some() {
            self.set_checkpoint(key, None)?;
        }
        self.remove(keys::tally(key));
        self.drop_passes(key);
        self.clear(streams);
        Ok(())
    }
}

/// Metadata as it is kept.
pub(super) fn metadata_text(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|error| damaged(format!("metadata does not read: {error}")))
}
