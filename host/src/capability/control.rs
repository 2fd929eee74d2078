//! How a run is told to end: at its next checkpoint, or at once.

use crate::error::{Code, Error};
use std::sync::{Mutex, MutexGuard};
use tokio::sync::Notify;
use tokio::time::Instant;

/// Shared between a run and whoever may end it.
#[derive(Debug)]
pub struct Control {
    /// Past this the run ends at its next checkpoint.
    soft: Instant,
    /// Past this it ends at once; requests and waits are bounded by it too.
    hard: Instant,
    state: Mutex<State>,
    cancelled: Notify,
}

#[derive(Debug, Default)]
struct State {
    stop: Option<String>,
    end: Option<Error>,
}

impl Control {
    /// A control with the run's two deadlines.
    pub fn new(soft: Instant, hard: Instant) -> Self {
        Control {
            soft,
            hard,
            state: Mutex::default(),
            cancelled: Notify::new(),
        }
    }

    /// Asks the run to end at its next checkpoint; `why` is for people.
    pub fn stop(&self, why: &str) {
        self.state().stop.get_or_insert_with(|| why.to_owned());
    }

    /// Ends the run at once as cancelled; `why` is for people.
    pub fn cancel(&self, why: &str) {
        self.end(Error::new(Code::RunCancelled, why));
    }

    /// Ends the run at once as interrupted: the next execution continues from its last
    /// checkpoint. `why` is for people.
    pub fn interrupt(&self, why: &str) {
        self.end(Error::new(
            Code::RunInterrupted,
            format!("ended at once: {why}; the next execution continues from the last checkpoint"),
        ));
    }

    fn end(&self, error: Error) {
        self.state().end.get_or_insert(error);
        self.cancelled.notify_one();
    }

    /// When the run ends at the latest.
    pub fn hard_deadline(&self) -> Instant {
        self.hard
    }

    /// Waits until the run is cancelled.
    pub async fn until_cancelled(&self) -> Error {
        loop {
            if let Some(error) = self.ended() {
                return error;
            }
            self.cancelled.notified().await;
        }
    }

    /// The error that ends a cancelled run.
    pub(super) fn ended(&self) -> Option<Error> {
        self.state().end.clone()
    }

    /// The error that ends a run which has just saved a checkpoint and is past its soft
    /// limit or was asked to stop.
    pub(super) fn ends_at_checkpoint(&self) -> Option<Error> {
        let why = match &self.state().stop {
            Some(why) => why.clone(),
            None if Instant::now() >= self.soft => "past its soft time limit".to_owned(),
            None => return None,
        };
        Some(Error::new(
            Code::RunInterrupted,
            format!("ended at a checkpoint: {why}; the next execution continues from it"),
        ))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
