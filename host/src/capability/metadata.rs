//! `metadata`: the connection's settings and progress. Each write is durable before it
//! is answered, and a read gives what was written last.

use super::bindings::tidegate::sync::metadata as wit;
use super::checkpoint::check_object;
use super::seam::Answer;
use super::{CALL_TIME, Context};
use crate::error::{Code, Error, Result};
use crate::limits::METADATA_BYTES_MAX;
use crate::model::json::merge_shallow;
use serde_json::{Value, json};

impl Context {
    fn check_metadata(&self, json: &str) -> Result<()> {
        check_object(
            json,
            METADATA_BYTES_MAX,
            &self.schemas.metadata,
            Code::MetadataInvalid,
            "the metadata",
        )
    }
}

/// What a merge would make of the present metadata, so that it can be checked first.
fn merged(present: &str, patch: &str) -> Result<String> {
    let code = Code::MetadataInvalid;
    let merged = merge_shallow(
        present.as_bytes(),
        patch.as_bytes(),
        METADATA_BYTES_MAX,
        code,
    )?;
    String::from_utf8(merged)
        .map_err(|error| Error::new(code, format!("the merged metadata is not UTF-8: {error}")))
}

impl wit::Host for Context {
    async fn get(&mut self) -> Answer<String> {
        self.through(
            "metadata.get",
            "",
            || Value::Null,
            Some(CALL_TIME),
            async |context| context.store.metadata(&context.fence.key.connection).await,
        )
        .await
    }

    async fn set(&mut self, json: String) -> Answer<()> {
        let arguments = || json!({ "json": json });
        self.through(
            "metadata.set",
            "",
            arguments,
            Some(CALL_TIME),
            async |context| {
                context.check_metadata(&json)?;
                context
                    .store
                    .put_metadata(&context.fence.key.connection, &json, false)
                    .await?;
                Ok(())
            },
        )
        .await
    }

    async fn merge(&mut self, json: String) -> Answer<()> {
        let arguments = || json!({ "json": json });
        self.through(
            "metadata.merge",
            "",
            arguments,
            Some(CALL_TIME),
            async |context| {
                let present = context
                    .store
                    .metadata(&context.fence.key.connection)
                    .await?;
                context.check_metadata(&merged(&present, &json)?)?;
                context
                    .store
                    .put_metadata(&context.fence.key.connection, &json, true)
                    .await?;
                Ok(())
            },
        )
        .await
    }
}
