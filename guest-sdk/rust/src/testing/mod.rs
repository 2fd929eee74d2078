//! A host in the test's own process: canned responses in, records out. Not there on
//! `wasm32`.
//!
//! It keeps records, checkpoint and metadata from run to run, as the real one does, so
//! that a second run, and one after an interruption, can be tested too. It checks no
//! schemas and enforces no limits: for those, run the component on the real host.
//!
//! ```
//! use tidegate_sdk::prelude::*;
//! use tidegate_sdk::testing::{Reply, TestHost};
//!
//! #[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
//! struct User { id: String }
//! impl Model for User {}
//!
//! fn users() -> DataSync {
//!     DataSync::new("users", "1", |run: &Run| {
//!         run.save(run.get("/users").send()?.json::<Vec<User>>()?)?;
//!         Ok(())
//!     })
//!     .model::<User>()
//!     .full_refresh()
//!     .track_deletes()
//! }
//!
//! let mut host = TestHost::new()
//!     .reply("/users", Reply::json(json!([{"id": "ada"}, {"id": "bob"}])))
//!     .reply("/users", Reply::json(json!([{"id": "bob"}])));
//! host.run(&users()).unwrap();
//! assert_eq!(host.records::<User>().len(), 2);
//! host.run(&users()).unwrap(); // ada has left
//! assert_eq!(host.records::<User>(), [User { id: "bob".into() }]);
//! ```

mod cache;
mod reply;

use crate::error::{Code, Error, Result};
use crate::log::Level;
use crate::records::Model;
use crate::sync::DataSync;
use crate::sys::RequestParts;
use cache::Cache;
use reply::{Replies, Url};
pub use reply::{Reply, Sent};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;

/// When runs start unless [`TestHost::now`] says otherwise.
const NOW: &str = "2026-08-31T12:00:00Z";

/// A host for tests. Build it with what the provider answers, run a sync, look at what
/// it did.
pub struct TestHost {
    state: Rc<RefCell<State>>,
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct LogLine {
    /// How loud.
    pub level: Level,
    /// The text.
    pub message: String,
    /// Its attributes, `null` if it has none.
    pub attributes: Value,
}

/// All that the host knows; the native half of `sys` works on it.
pub(crate) struct State {
    replies: Replies,
    sent: Vec<Sent>,
    pub cache: Cache,
    pub checkpoint: Option<String>,
    pub metadata: Map<String, Value>,
    pub config: Value,
    pub now: String,
    pub attempt: u32,
    sync_name: String,
    logs: Vec<LogLine>,
    progress: Vec<(String, u32, Option<u32>)>,
    checkpoints_until_stop: Option<u32>,
    requests_until_stop: Option<u32>,
}

/// What unwinds a run that is stopped, as the real host unwinds a guest.
struct Stop;

thread_local! {
    /// The host of the run that is under way on this thread.
    static CURRENT: RefCell<Option<Rc<RefCell<State>>>> = const { RefCell::new(None) };
}

impl Default for TestHost {
    fn default() -> Self {
        TestHost::new()
    }
}

impl TestHost {
    /// A host with no records, no checkpoint, metadata and config `{}`, and a provider
    /// that answers 404.
    pub fn new() -> Self {
        let state = State {
            replies: Replies::default(),
            sent: Vec::new(),
            cache: Cache::default(),
            checkpoint: None,
            metadata: Map::new(),
            config: json!({}),
            now: NOW.into(),
            attempt: 1,
            sync_name: String::new(),
            logs: Vec::new(),
            progress: Vec::new(),
            checkpoints_until_stop: None,
            requests_until_stop: None,
        };
        TestHost {
            state: Rc::new(RefCell::new(state)),
        }
    }

    /// Answers requests to `url` (a path, with the query parameters that must be there,
    /// such as `/users?cursor=2`) with `reply`. Of several that fit, the one with most
    /// parameters is taken. The same `url` again sets the reply to the next request; the
    /// last one stays.
    pub fn reply(self, url: &str, reply: Reply) -> Self {
        self.state.borrow_mut().replies.push(url, reply);
        self
    }

    /// Answers every request that no [`reply`](TestHost::reply) fits.
    pub fn serve(self, answer: impl FnMut(&Sent) -> Reply + 'static) -> Self {
        self.state.borrow_mut().replies.otherwise(answer);
        self
    }

    /// Sets the connection's configuration.
    pub fn config(self, config: Value) -> Self {
        self.state.borrow_mut().config = config;
        self
    }

    /// Sets the connection's metadata, which must be an object.
    pub fn with_metadata(self, metadata: Value) -> Self {
        if let Value::Object(fields) = metadata {
            self.state.borrow_mut().metadata = fields;
        }
        self
    }

    /// Sets the checkpoint that the next run starts from.
    pub fn with_checkpoint(self, checkpoint: Value) -> Self {
        self.state.borrow_mut().checkpoint = Some(checkpoint.to_string());
        self
    }

    /// Sets when runs start, as RFC 3339.
    pub fn now(self, time: &str) -> Self {
        self.state.borrow_mut().now = time.into();
        self
    }

    /// Stops the next run at its `count`-th checkpoint, once that is saved: it ends as
    /// `run.interrupted`, as one does that is past its soft time limit.
    pub fn stop_at_checkpoint(&mut self, count: u32) {
        self.state.borrow_mut().checkpoints_until_stop = Some(count);
    }

    /// Stops the next run at its `count`-th request, before it goes out, as a kill would.
    pub fn stop_at_request(&mut self, count: u32) {
        self.state.borrow_mut().requests_until_stop = Some(count);
    }

    /// Runs `sync` once. What the sync returns; a run that was stopped is an error with
    /// the code `run.interrupted`.
    pub fn run(&mut self, sync: &DataSync) -> Result<()> {
        let manifest = sync.manifest();
        {
            let mut state = self.state.borrow_mut();
            state.sync_name = manifest["name"].as_str().unwrap_or_default().into();
            state.cache.declare(&manifest);
        }
        let result = self.enter(|| sync.execute());
        let mut state = self.state.borrow_mut();
        state.cache.end_run(result.is_ok());
        state.checkpoints_until_stop = None;
        state.requests_until_stop = None;
        let interrupted = result
            .as_ref()
            .is_err_and(|error| *error.code() == Code::RunInterrupted);
        state.attempt = if interrupted { state.attempt + 1 } else { 1 };
        result
    }

    /// Does `work` with this host in place, for testing a function by itself.
    pub fn enter<T: FromStop>(&self, work: impl FnOnce() -> T) -> T {
        let before = CURRENT.replace(Some(self.state.clone()));
        let result = catch_unwind(AssertUnwindSafe(work));
        CURRENT.replace(before);
        match result {
            Ok(value) => value,
            Err(cause) if cause.is::<Stop>() => T::from_stop(),
            Err(panic) => resume_unwind(panic),
        }
    }

    /// The live records of `T`, in the order in which they last changed.
    pub fn records<T: Model + DeserializeOwned>(&self) -> Vec<T> {
        let read = |value: Value| {
            serde_json::from_value(value)
                .unwrap_or_else(|error| panic!("a record does not read back: {error}"))
        };
        self.state
            .borrow()
            .cache
            .live(&T::name())
            .into_iter()
            .map(read)
            .collect()
    }

    /// The checkpoint, `null` if there is none.
    pub fn checkpoint(&self) -> Value {
        let state = self.state.borrow();
        state
            .checkpoint
            .as_deref()
            .and_then(|json| serde_json::from_str(json).ok())
            .unwrap_or_default()
    }

    /// The connection's metadata.
    pub fn metadata(&self) -> Value {
        Value::Object(self.state.borrow().metadata.clone())
    }

    /// All requests so far.
    pub fn sent(&self) -> Vec<Sent> {
        self.state.borrow().sent.clone()
    }

    /// The log so far.
    pub fn logs(&self) -> Vec<LogLine> {
        self.state.borrow().logs.clone()
    }

    /// The texts of the log so far.
    pub fn log_lines(&self) -> Vec<String> {
        self.state
            .borrow()
            .logs
            .iter()
            .map(|line| line.message.clone())
            .collect()
    }

    /// What was told as progress so far: message, done, total.
    pub fn progress(&self) -> Vec<(String, u32, Option<u32>)> {
        self.state.borrow().progress.clone()
    }
}

/// What a stopped run gives back, so that [`TestHost::enter`] takes any work.
pub trait FromStop {
    /// The value that stands for "stopped".
    fn from_stop() -> Self;
}

impl FromStop for () {
    fn from_stop() {}
}

impl<T> FromStop for Result<T> {
    fn from_stop() -> Self {
        Err(Error::with_code(
            Code::RunInterrupted,
            "the test host stopped the run",
        ))
    }
}

/// Hands the current host's state to `work`. Panics where there is none: outside of a
/// component the SDK has nobody to talk to but a `TestHost`.
pub(crate) fn with<T>(work: impl FnOnce(&mut State) -> T) -> T {
    CURRENT.with_borrow(|current| match current {
        Some(state) => work(&mut state.borrow_mut()),
        None => panic!("there is no host here: run this in a component, or inside `tidegate_sdk::testing::TestHost`"),
    })
}

impl State {
    /// Sends a request: answers it, or says that the run is stopped here.
    pub fn answer(&mut self, parts: &RequestParts) -> Result<(String, Reply)> {
        count_down(&mut self.requests_until_stop);
        let url = Url::of(parts);
        let sent = Sent::new(parts, &url);
        let reply = self.replies.answer(&sent, &url);
        self.sent.push(sent);
        reply.map(|reply| (url.absolute(), reply))
    }

    /// Saves a checkpoint, or stops the run after it.
    pub fn save_checkpoint(&mut self, json: &str) {
        self.checkpoint = Some(json.into());
        count_down(&mut self.checkpoints_until_stop);
    }

    pub fn log(&mut self, level: Level, message: &str, attributes: &str) {
        let attributes = serde_json::from_str(attributes).unwrap_or_default();
        self.logs.push(LogLine {
            level,
            message: message.into(),
            attributes,
        });
    }

    pub fn tell(&mut self, message: &str, done: u32, total: Option<u32>) {
        self.progress.push((message.into(), done, total));
    }

    pub fn sync_name(&self) -> String {
        self.sync_name.clone()
    }
}

/// Counts one off and unwinds the run when none is left. Not a panic that prints.
fn count_down(left: &mut Option<u32>) {
    if let Some(count) = left {
        *count = count.saturating_sub(1);
        if *count == 0 {
            *left = None;
            resume_unwind(Box::new(Stop));
        }
    }
}
