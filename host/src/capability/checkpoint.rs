//! `checkpoint`: where the next run goes on. Never ahead of the records: the store
//! writes in the order of the calls, and answers when all of it is durable.

use super::bindings::tidegate::sync::checkpoint as wit;
use super::seam::Answer;
use super::{CALL_TIME, Context};
use crate::error::{Code, Error, Result};
use crate::limits::CHECKPOINT_BYTES_MAX;
use crate::model::json as scanner;
use serde_json::{Value, json};

impl Context {
    fn check_checkpoint(&self, json: &str) -> Result<()> {
        let Some(schema) = &self.schemas.checkpoint else {
            let message = "the manifest declares no checkpoint; add its schema under `checkpoint`";
            return Err(Error::new(Code::CheckpointInvalid, message));
        };
        check_object(
            json,
            CHECKPOINT_BYTES_MAX,
            schema,
            Code::CheckpointInvalid,
            "the checkpoint",
        )
    }
}

/// Checks a small JSON object against its size, its form (by the scanner's own rules, so
/// that no key can stand twice) and its schema.
pub(super) fn check_object(
    json: &str,
    bytes_max: usize,
    schema: &jsonschema::Validator,
    code: Code,
    what: &str,
) -> Result<()> {
    scanner::check_object(json.as_bytes(), bytes_max, code).map_err(|error| error.context(what))?;
    let value: Value = serde_json::from_str(json)
        .map_err(|error| Error::new(code, format!("{what} is not JSON: {error}")))?;
    schema.validate(&value).map_err(|error| {
        let at = error.instance_path().to_string();
        let place = if at.is_empty() {
            "its top level".to_owned()
        } else {
            format!("`{at}`")
        };
        Error::new(
            code,
            format!("{what} does not fit the manifest's schema at {place}: {error}"),
        )
    })
}

impl wit::Host for Context {
    async fn get(&mut self) -> Answer<Option<String>> {
        self.through(
            "checkpoint.get",
            "",
            || Value::Null,
            Some(CALL_TIME),
            async |context| {
                let checkpoint = context.store.checkpoint(&context.fence.key).await?;
                Ok(checkpoint.map(|checkpoint| checkpoint.json))
            },
        )
        .await
    }

    async fn save(&mut self, json: String) -> Answer<()> {
        let arguments = || json!({ "json": json });
        self.through(
            "checkpoint.save",
            "",
            arguments,
            Some(CALL_TIME),
            async |context| {
                context.check_checkpoint(&json)?;
                context.flush_log().await?;
                context
                    .store
                    .put_checkpoint(&context.fence, Some(json.clone()))
                    .await?;
                context.usage.checkpoints += 1;
                context.leaving.checkpoint(true);
                match context.control.ends_at_checkpoint() {
                    Some(error) => Err(error),
                    None => Ok(()),
                }
            },
        )
        .await
    }

    async fn clear(&mut self) -> Answer<()> {
        self.through(
            "checkpoint.clear",
            "",
            || Value::Null,
            Some(CALL_TIME),
            async |context| {
                context.store.put_checkpoint(&context.fence, None).await?;
                context.leaving.checkpoint(false);
                Ok(())
            },
        )
        .await
    }
}
