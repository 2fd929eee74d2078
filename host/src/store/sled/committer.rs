//! The one thread that writes. Requests queue up; it takes all that wait as one group,
//! commits them with one sync, and only then answers each.
//!
//! After a failed write it takes nothing more, and neither flushes nor drops the map:
//! what was acknowledged is in the journal, and the next start finds it there.

use super::map::{Op, panic_text};
use super::shared::Shared;
use super::writer::Writer;
use crate::error::{Code, Error, Result};
use crate::store::Health;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender};
use tokio::sync::oneshot;

/// Writes that are committed together at most; more wait for the next group.
const GROUP_WRITES_MAX: usize = 64;
/// Bytes that a group may stage before it takes no more writes: it is held in memory
/// three times over on its way (staged, as a frame, in the map).
const GROUP_BYTES_MAX: usize = 16 << 20;

/// A write: stages what it does, and answers what to call once the group is durable.
pub(super) type Write = Box<dyn FnOnce(&mut Writer) -> Answer + Send>;
/// Answers a write with the fate of its group.
pub(super) type Answer = Box<dyn FnOnce(Result<()>) + Send>;
/// Care that changes what is derived, past the journal.
pub(super) type Care = Box<dyn FnOnce(&mut Writer) -> Result<()> + Send>;

/// What the committer is asked to do.
pub(super) enum Message {
    Write(Write),
    Care(Care, SyncSender<Result<()>>),
    Stop,
}

/// The way to the committer.
#[derive(Clone)]
pub(super) struct Queue {
    sender: Sender<Message>,
    shared: Arc<Shared>,
}

impl Queue {
    pub(super) fn new(sender: Sender<Message>, shared: Arc<Shared>) -> Self {
        Queue { sender, shared }
    }

    /// Runs a write in the next group; answers when it is durable.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Writer) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.enqueue(work)?
            .await
            .unwrap_or_else(|_| Err(self.shared.failure()))
    }

    /// The same for a thread of the store's own, which waits.
    pub(super) fn write_and_wait<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Writer) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.enqueue(work)?
            .blocking_recv()
            .unwrap_or_else(|_| Err(self.shared.failure()))
    }

    fn enqueue<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Writer) -> Result<T> + Send + 'static,
    ) -> Result<oneshot::Receiver<Result<T>>> {
        let (sender, receiver) = oneshot::channel();
        let write: Write = Box::new(move |writer| {
            let result = work(writer);
            Box::new(move |fate| {
                // Nobody may be waiting any more: a run that was unwound.
                let _ = sender.send(fate.and(result));
            })
        });
        self.send(Message::Write(write))?;
        Ok(receiver)
    }

    /// Runs care between two groups; blocks until it is done.
    pub(super) fn care(
        &self,
        work: impl FnOnce(&mut Writer) -> Result<()> + Send + 'static,
    ) -> Result<()> {
        let (sender, receiver) = std::sync::mpsc::sync_channel(1);
        self.send(Message::Care(Box::new(work), sender))?;
        receiver
            .recv()
            .unwrap_or_else(|_| Err(self.shared.failure()))
    }

    /// Applies derived changes between two groups; blocks until it is done.
    pub(super) fn apply(&self, ops: Vec<Op>) -> Result<()> {
        match ops.is_empty() {
            true => Ok(()),
            false => self.care(move |writer| writer.apply(ops)),
        }
    }

    /// Runs care some time later; nobody waits for it.
    pub(super) fn care_later(&self, work: impl FnOnce(&mut Writer) -> Result<()> + Send + 'static) {
        let (sender, _) = std::sync::mpsc::sync_channel(1);
        let _ = self.send(Message::Care(Box::new(work), sender));
    }

    pub(super) fn stop(&self) {
        let _ = self.sender.send(Message::Stop);
    }

    fn send(&self, message: Message) -> Result<()> {
        self.sender.send(message).map_err(|_| self.shared.failure())
    }
}

/// Serves the queue until it is told to stop; then flushes.
pub(super) fn serve(mut writer: Writer, queue: &Receiver<Message>) -> Result<()> {
    let mut waiting: Option<Message> = None;
    loop {
        let message = match waiting.take() {
            Some(message) => message,
            None => match queue.recv() {
                Ok(message) => message,
                Err(_) => return close(writer),
            },
        };
        match message {
            Message::Stop => return close(writer),
            Message::Care(care, answer) => {
                let result = guarded(&mut writer, care);
                let _ = answer.send(result);
            }
            Message::Write(first) => waiting = commit_group(&mut writer, first, queue),
        }
    }
}

/// Commits a write and those that wait behind it; answers what came instead of a write.
fn commit_group(writer: &mut Writer, first: Write, queue: &Receiver<Message>) -> Option<Message> {
    let mut answers = Vec::new();
    let mut waiting = None;
    let fate = guarded(writer, |writer| {
        writer.begin();
        answers.push(first(writer));
        while answers.len() < GROUP_WRITES_MAX && writer.staged_bytes() < GROUP_BYTES_MAX {
            match queue.try_recv() {
                Ok(Message::Write(write)) => answers.push(write(writer)),
                Ok(other) => {
                    waiting = Some(other);
                    break;
                }
                Err(_) => break,
            }
        }
        writer.commit()
    });
    for answer in answers {
        answer(fate.clone());
    }
    waiting
}

/// Does work after which the store is good, or stops for ever.
fn guarded(writer: &mut Writer, work: impl FnOnce(&mut Writer) -> Result<()>) -> Result<()> {
    let shared = writer.shared.clone();
    if matches!(shared.health(), Health::Failed(_)) {
        return Err(shared.failure());
    }
    let outcome = catch_unwind(AssertUnwindSafe(|| work(writer)));
    let error = match outcome {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(error)) => error,
        Err(panic) => Error::new(
            Code::Internal,
            format!("the committer panicked: {}", panic_text(&*panic)),
        ),
    };
    tracing::error!(%error, "the store failed and takes no more writes");
    shared.fail(error);
    // Its map must be neither flushed nor dropped after this.
    Err(shared.failure())
}

/// Ends the writing side. A store that failed is left as it is.
fn close(mut writer: Writer) -> Result<()> {
    let result = guarded(&mut writer, Writer::flush);
    let shared = writer.shared.clone();
    let map = shared.map_alone().take();
    match (&result, map) {
        (Ok(()), map) => drop(map),
        (Err(_), map) => std::mem::forget(map),
    }
    result
}

/// Holds the journal and what the thread was started with together in one place.
pub(super) fn start(
    writer: Writer,
    queue: Receiver<Message>,
) -> Result<std::thread::JoinHandle<Result<()>>> {
    std::thread::Builder::new()
        .name("store".into())
        .spawn(move || serve(writer, &queue))
        .map_err(|error| super::map::io_error("starting the store's thread", &error))
}
