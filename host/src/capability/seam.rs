//! The one seam that every host call passes: it is counted, told to the post-mortem,
//! bounded in time, offered to a [`Tap`] (which may record it, or answer in the host's
//! place), and its error is sorted into what the guest may handle and what ends the run.

use super::control::Control;
use super::trail::Trail;
use super::{Context, GuestError};
use crate::error::{Code, Error, Result};
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use wasmtime::component::Resource;

/// Stands in the seam of a run: records calls and results, or injects faults.
pub trait Tap: Send + Sync {
    /// Called before the host acts. An error is given to the guest (or ends the run) in
    /// the place of the call.
    fn before(&self, call: &Call) -> Result<()>;

    /// Called with the answer, `Err` for an error in the guest's or the host's view.
    fn after(&self, call: &Call, answer: Result<&Value, &Error>);
}

/// One host call, as a tap sees it.
#[derive(Clone, Debug)]
pub struct Call {
    /// Which one of the run it is, from 1.
    pub number: u64,
    /// `interface.function`.
    pub import: &'static str,
    /// Its arguments; bytes as text where they are UTF-8.
    pub arguments: Value,
}

/// Ends the run with its error: unwinds the guest, which cannot catch it.
#[derive(Debug)]
pub struct EndRun(pub Error);

impl std::fmt::Display for EndRun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for EndRun {}

/// The seam's own state.
pub struct Seam {
    calls: Arc<AtomicU64>,
    trail: Arc<Trail>,
    tap: Option<Arc<dyn Tap>>,
    control: Arc<Control>,
}

/// What a host call answers to its guest.
pub(super) type Answer<T> = wasmtime::Result<Result<T, GuestError>>;

impl Seam {
    pub(super) fn new(tap: Option<Arc<dyn Tap>>, control: Arc<Control>) -> Self {
        Seam {
            calls: Arc::default(),
            trail: Arc::default(),
            tap,
            control,
        }
    }

    /// How many host calls were made. Shared with the CPU meter, which counts the time
    /// between two of them.
    pub fn calls(&self) -> &Arc<AtomicU64> {
        &self.calls
    }

    /// What the post-mortem is made of.
    pub fn trail(&self) -> &Arc<Trail> {
        &self.trail
    }

    /// Whether somebody looks at the arguments, so that they are worth rendering.
    pub(super) fn is_tapped(&self) -> bool {
        self.tap.is_some()
    }

    fn enter(
        &self,
        import: &'static str,
        label: &str,
        arguments: impl FnOnce() -> Value,
    ) -> Result<Option<Call>> {
        let number = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        self.trail.call(number, import, label);
        if let Some(error) = self.control.ended() {
            return Err(error);
        }
        let Some(tap) = &self.tap else {
            return Ok(None);
        };
        let call = Call {
            number,
            import,
            arguments: arguments(),
        };
        match tap.before(&call) {
            Ok(()) => Ok(Some(call)),
            Err(injected) => {
                self.trail.answer(injected.code);
                Err(injected)
            }
        }
    }

    fn leave<T: Reply>(&self, call: Option<Call>, answer: &Result<T>) {
        if let Err(error) = answer {
            self.trail.answer(error.code);
        }
        if let (Some(tap), Some(call)) = (&self.tap, call) {
            match answer {
                Ok(value) => tap.after(&call, Ok(&value.show())),
                Err(error) => tap.after(&call, Err(error)),
            }
        }
    }
}

impl Context {
    /// Takes a call through the seam whose work waits. `limit` bounds it; `None` where
    /// the work has a limit of its own.
    pub(super) async fn through<T: Reply>(
        &mut self,
        import: &'static str,
        label: &str,
        arguments: impl FnOnce() -> Value,
        limit: Option<Duration>,
        work: impl AsyncFnOnce(&mut Self) -> Result<T>,
    ) -> Answer<T> {
        let call = match self.seam.enter(import, label, arguments) {
            Ok(call) => call,
            Err(error) => return sorted(Err(error)),
        };
        let answer = match limit {
            None => work(self).await,
            Some(limit) => match tokio::time::timeout(limit, work(self)).await {
                Ok(answer) => answer,
                Err(_) => Err(Error::new(
                    Code::LimitTime,
                    format!("the host call {import} took longer than {limit:?}"),
                )),
            },
        };
        self.seam.leave(call, &answer);
        sorted(answer)
    }

    /// Takes a call through the seam whose work is done at once.
    pub(super) fn through_now<T: Reply>(
        &mut self,
        import: &'static str,
        label: &str,
        arguments: impl FnOnce() -> Value,
        work: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Answer<T> {
        let call = match self.seam.enter(import, label, arguments) {
            Ok(call) => call,
            Err(error) => return sorted(Err(error)),
        };
        let answer = work(self);
        self.seam.leave(call, &answer);
        sorted(answer)
    }

    /// The same for an import that cannot answer an error: any ends the run.
    pub(super) fn through_infallible<T: Reply>(
        &mut self,
        import: &'static str,
        arguments: impl FnOnce() -> Value,
        work: impl FnOnce(&mut Self) -> Result<T>,
    ) -> wasmtime::Result<T> {
        match self.through_now(import, "", arguments, work)? {
            Ok(value) => Ok(value),
            Err(error) => {
                let code = error.code.parse().unwrap_or(Code::Internal);
                Err(wasmtime::Error::new(EndRun(Error::new(
                    code,
                    error.message,
                ))))
            }
        }
    }
}

/// Whether an error ends the run, or is a value that the guest may handle.
fn ends_run(code: Code) -> bool {
    matches!(
        code,
        Code::LimitMemory
            | Code::LimitCpu
            | Code::LimitTime
            | Code::LimitHostcall
            | Code::LimitHandles
            | Code::RunInterrupted
            | Code::RunStalled
            | Code::RunCancelled
            | Code::Internal
    )
}

fn sorted<T>(answer: Result<T>) -> Answer<T> {
    match answer {
        Ok(value) => Ok(Ok(value)),
        Err(error) if ends_run(error.code) => Err(wasmtime::Error::new(EndRun(error))),
        Err(error) => Ok(Err(GuestError {
            code: error.code.as_str().to_owned(),
            message: error.message,
            retry_after_ms: error.retry_after_ms,
        })),
    }
}

/// An answer that a tap can look at.
pub(super) trait Reply {
    /// The answer as JSON; a handle as `null`.
    fn show(&self) -> Value;
}

impl Reply for () {
    fn show(&self) -> Value {
        Value::Null
    }
}

impl<T: 'static> Reply for Resource<T> {
    fn show(&self) -> Value {
        Value::Null
    }
}

impl Reply for u32 {
    fn show(&self) -> Value {
        (*self).into()
    }
}

impl Reply for String {
    fn show(&self) -> Value {
        self.as_str().into()
    }
}

impl Reply for Vec<u8> {
    fn show(&self) -> Value {
        text(self)
    }
}

impl<T: Reply> Reply for Option<T> {
    fn show(&self) -> Value {
        self.as_ref().map_or(Value::Null, Reply::show)
    }
}

impl Reply for Vec<String> {
    fn show(&self) -> Value {
        self.iter().map(String::as_str).collect()
    }
}

impl Reply for Vec<Option<String>> {
    fn show(&self) -> Value {
        self.iter().map(Reply::show).collect()
    }
}

impl Reply for Vec<(String, String)> {
    fn show(&self) -> Value {
        self.iter()
            .map(|(name, value)| Value::from(vec![name.as_str(), value.as_str()]))
            .collect()
    }
}

/// Bytes as JSON text, for a tap; what is not UTF-8 is replaced.
pub(super) fn text(bytes: &[u8]) -> Value {
    String::from_utf8_lossy(bytes).into_owned().into()
}
