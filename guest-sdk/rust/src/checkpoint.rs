//! Where the next run goes on: one typed value, kept when a run fails.

use crate::error::{Code, Error, Result};
use crate::run::Run;
use crate::sync::State;
use crate::sys;

impl<C: State, M: State> Run<C, M> {
    /// The checkpoint, `None` on a first run. One that no longer fits the type is an
    /// error: going on from the start in silence would fetch everything again.
    pub fn checkpoint(&self) -> Result<Option<C>> {
        let read = |json: String| {
            crate::decode::from_json(&json).map_err(|why| {
                let hint = "change the type so that it reads the old form, or reset the sync";
                Error::with_code(
                    Code::CheckpointInvalid,
                    format!("the stored checkpoint does not fit: {why}; {hint}"),
                )
            })
        };
        sys::checkpoint_get()?.map(read).transpose()
    }

    /// Saves it. Ok means that it and everything saved before it is durable. The good
    /// place for it is after each page: a run that must stop ends here and the next one
    /// goes on from it.
    pub fn save_checkpoint(&self, checkpoint: &C) -> Result<()> {
        sys::checkpoint_save(&serde_json::to_string(checkpoint)?)
    }

    /// Removes it: the next run starts from the beginning.
    pub fn clear_checkpoint(&self) -> Result<()> {
        sys::checkpoint_clear()
    }
}
