//! The task that turns announcements into deliveries and sends what is due.
//!
//! One task owns all decisions, so that a delivery is never under way twice; attempts are
//! tasks of their own, which write their outcome themselves. Nothing is known here that
//! the store does not hold but the lanes, which a restart builds anew.

use super::lanes::{self, LaneKey, Lanes};
use super::metrics::WebhookMetrics;
use super::outbox::Outbox;
use super::patience::{Answer, PATIENCE, later, older_than};
use super::post::{ATTEMPT_TIME, Post, WebhookOptions};
use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::egress::Egress;
use crate::error::{Code, Error, Result};
use crate::model::{Delivery, DeliveryId, DeliveryState};
use crate::store::{DeliveryQuery, ServiceStore};
use jiff::Timestamp;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, mpsc, oneshot, watch};
use tokio::task::{Id, JoinHandle, JoinSet};
use tokio::time::Instant;

/// How long the task sleeps at most: the clock may jump while it does, and a run may end
/// by another way than the scheduler.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// Announcements that are turned into deliveries at once; more wait for the next round.
const ANNOUNCED_AT_ONCE: usize = 64;
/// Deliveries in one page of a look through the store, which bounds the memory of it.
const PAGE: usize = 128;
/// How often old deliveries are forgotten and what waited too long is given up.
const CARE_EVERY: Duration = Duration::from_secs(3600);
/// How long deliveries that are over are kept for replay; then they are dropped.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);
/// How long a delivery may be overdue behind a closed lane before its age counts against
/// it: an hour is the longest wait of its own.
const OVERDUE: Duration = Duration::from_secs(2 * 3600);
/// Time for attempts under way when the sender stops; one that lasts longer is cut, and
/// made again after the next start.
const STOP_TIME: Duration = Duration::from_secs(ATTEMPT_TIME.as_secs() + 5);
/// Replays that wait for the task; more wait to be asked.
const COMMANDS_MAX: usize = 64;

/// Sends webhooks. Cheap to clone; ends with its last clone or by [`WebhookSender::stop`].
#[derive(Clone)]
pub struct WebhookSender {
    commands: mpsc::Sender<Command>,
    task: Arc<Mutex<Option<JoinHandle<()>>>>,
    metrics: WebhookMetrics,
}

enum Command {
    Replay(DeliveryId, oneshot::Sender<Result<Delivery>>),
    Stop,
}

impl WebhookSender {
    /// Starts the task. `ended` changes whenever a run has ended. Must be called within a
    /// tokio runtime.
    pub fn start(
        store: Arc<dyn ServiceStore>,
        catalog: Arc<Catalog>,
        egress: Arc<dyn Egress>,
        clock: Arc<dyn Clock>,
        options: WebhookOptions,
        ended: watch::Receiver<u64>,
    ) -> Self {
        let (commands, received) = mpsc::channel(COMMANDS_MAX);
        let outbox = Outbox {
            store: store.clone(),
            catalog: catalog.clone(),
        };
        let post = Post {
            store,
            catalog,
            egress,
            clock: clock.clone(),
            options,
        };
        let metrics = WebhookMetrics::default();
        let sender = Sender {
            metrics: metrics.clone(),
            care_at: later(clock.now(), CARE_EVERY),
            clock,
            outbox,
            post: Arc::new(post),
            lanes: Lanes::default(),
            attempts: JoinSet::new(),
            under_way: HashMap::new(),
            look_after: Some(None),
            news: true,
            heard: Instant::now(),
        };
        let task = tokio::spawn(sender.run(received, ended));
        WebhookSender {
            commands,
            task: Arc::new(Mutex::new(Some(task))),
            metrics,
        }
    }

    /// What was counted of webhooks since the start.
    pub fn metrics(&self) -> &WebhookMetrics {
        &self.metrics
    }

    /// Sends a delivery now, whatever became of it before, under the same id and with its
    /// attempts counted from one again. One that is just being sent is left to that
    /// attempt. Answers how it stands. Errors: `not.found`; `run.cancelled` when the host
    /// is stopping.
    pub async fn replay(&self, id: DeliveryId) -> Result<Delivery> {
        let stopping = || {
            Error::new(
                Code::RunCancelled,
                "the host is stopping; ask again when it is back",
            )
        };
        let (answer, answered) = oneshot::channel();
        let asked = self.commands.send(Command::Replay(id, answer)).await;
        asked.map_err(|_| stopping())?;
        answered.await.map_err(|_| stopping())?
    }

    /// Ends the task: attempts under way are finished (for at most 25 s), nothing else is
    /// begun. What waits is sent after the next start.
    pub async fn stop(&self) {
        // It fails where the task has ended already.
        let _ = self.commands.send(Command::Stop).await;
        if let Some(task) = self.task.lock().await.take()
            && let Err(error) = task.await
        {
            tracing::error!(%error, "the webhook sender broke off");
        }
    }
}

/// What an attempt reports.
type Ended = Option<(Delivery, Answer)>;

struct Sender {
    metrics: WebhookMetrics,
    clock: Arc<dyn Clock>,
    outbox: Outbox,
    post: Arc<Post>,
    lanes: Lanes,
    attempts: JoinSet<Ended>,
    under_way: HashMap<Id, (LaneKey, DeliveryId)>,
    /// Where a look through the waiting deliveries of the store goes on, if one is
    /// under way; `Some(None)` is its start.
    look_after: Option<Option<DeliveryId>>,
    /// Whether runs may have ended.
    news: bool,
    heard: Instant,
    care_at: Timestamp,
}

impl Sender {
    async fn run(mut self, mut commands: mpsc::Receiver<Command>, mut ended: watch::Receiver<u64>) {
        if let Err(error) = self.count_waiting().await {
            tracing::error!(%error, "counting the webhooks that wait");
        }
        let mut hears = true;
        loop {
            let mut wait = LOOK_AGAIN;
            if let Err(error) = self.work().await {
                tracing::error!(%error, "webhooks wait: the store does not answer");
            } else {
                wait = self.wait();
            }
            tokio::select! {
                command = commands.recv() => match command {
                    Some(Command::Replay(id, answer)) => {
                        // Whoever asked may have gone; it is replayed all the same.
                        let _ = answer.send(self.replay(id).await);
                    }
                    Some(Command::Stop) => break,
                    None => return,
                },
                changed = ended.changed(), if hears => {
                    hears = changed.is_ok();
                    self.news = true;
                }
                Some(attempt) = self.attempts.join_next_with_id() => self.take_in(attempt),
                () = tokio::time::sleep(wait) => {}
            }
            while let Some(attempt) = self.attempts.try_join_next_with_id() {
                self.take_in(attempt);
            }
        }
        // Whoever asks from now on, or waits for an answer, hears that it is over.
        drop(commands);
        let finish = async { while self.attempts.join_next().await.is_some() {} };
        if tokio::time::timeout(STOP_TIME, finish).await.is_err() {
            tracing::warn!("webhooks under way are cut; they are sent again after the next start");
        }
    }

    /// Counts what waited before this start; from here on each change is counted.
    async fn count_waiting(&self) -> Result<()> {
        let mut after = None;
        loop {
            let query = DeliveryQuery {
                environment: None,
                waiting: true,
                after,
                limit: PAGE,
            };
            let page = self.outbox.store.deliveries(query).await?;
            self.metrics.wait(page.len());
            after = page.last().map(|last| last.id);
            if page.len() < PAGE {
                return Ok(());
            }
        }
    }

    /// All that can be done now, but for waiting.
    async fn work(&mut self) -> Result<()> {
        if self.news || self.heard.elapsed() >= LOOK_AGAIN {
            self.heard = Instant::now();
            self.hear().await?;
        }
        let now = self.clock.now();
        if self.care_at <= now {
            self.care_at = later(now, CARE_EVERY);
            self.forget(now).await?;
            self.look_after.get_or_insert(None);
        }
        if self.look_after.is_none() && self.lanes.wants_more() {
            self.look_after = Some(None);
        }
        if let Some(after) = self.look_after {
            self.look(after).await?;
        }
        self.launch();
        Ok(())
    }

    /// Turns announcements into deliveries, several at once so that they share commits.
    async fn hear(&mut self) -> Result<()> {
        loop {
            let runs = self.outbox.store.announced(ANNOUNCED_AT_ONCE).await?;
            let (count, now) = (runs.len(), self.clock.now());
            let writing = runs.into_iter().map(|run| self.outbox.write(run, now));
            let mut failure = None;
            let all_written = futures_util::future::join_all(writing).await;
            for written in all_written {
                match written {
                    Ok(deliveries) => {
                        self.metrics.wait(deliveries.len());
                        deliveries.iter().for_each(|each| self.lanes.add(each));
                    }
                    Err(error) => failure = Some(error),
                }
            }
            if let Some(error) = failure {
                // Those that did not fail are done; the others come again.
                return Err(error);
            }
            if count < ANNOUNCED_AT_ONCE {
                self.news = false;
                return Ok(());
            }
            self.launch();
        }
    }

    /// Reads one more page of what waits in the store.
    async fn look(&mut self, after: Option<DeliveryId>) -> Result<()> {
        if after.is_none() {
            self.lanes.refill();
        }
        let query = DeliveryQuery {
            environment: None,
            waiting: true,
            after,
            limit: PAGE,
        };
        let page = self.outbox.store.deliveries(query).await?;
        self.look_after = match page.last() {
            Some(last) if page.len() == PAGE => Some(Some(last.id)),
            _ => None,
        };
        let now = self.clock.now();
        let (expired, waiting): (Vec<_>, Vec<_>) = page
            .into_iter()
            .partition(|delivery| self.is_expired(delivery, now));
        waiting.iter().for_each(|delivery| self.lanes.add(delivery));
        if !expired.is_empty() {
            self.give_up(expired).await?;
        }
        Ok(())
    }

    /// Whether a delivery has waited behind a closed lane for so long that it is too old:
    /// probes alone would never get to all of them.
    fn is_expired(&self, delivery: &Delivery, now: Timestamp) -> bool {
        let overdue = delivery
            .next
            .is_some_and(|next| later(next, OVERDUE) <= now);
        overdue
            && older_than(delivery, PATIENCE, now)
            && self.lanes.is_closed(&lanes::key(delivery))
            && !self.lanes.is_flying(delivery.id)
    }

    async fn give_up(&mut self, mut expired: Vec<Delivery>) -> Result<()> {
        for delivery in &mut expired {
            self.lanes.remove(delivery);
            delivery.state = DeliveryState::Dead;
            delivery.next = None;
            delivery.last_error.get_or_insert_with(|| {
                "it was not sent: other webhooks to this URL failed for days".into()
            });
        }
        tracing::warn!(
            count = expired.len(),
            "webhooks given up behind an app that is down; they can be replayed"
        );
        let count = expired.len();
        self.outbox.store.put_deliveries(None, expired).await?;
        self.metrics.wait_no_more(count);
        Ok(())
    }

    async fn forget(&mut self, now: Timestamp) -> Result<()> {
        let before = now.checked_sub(KEPT).unwrap_or(Timestamp::MIN);
        let count = self.outbox.store.forget_deliveries(before).await?;
        if count > 0 {
            tracing::info!(count, "old webhooks forgotten");
        }
        Ok(())
    }

    /// Starts all attempts that are due and have room.
    fn launch(&mut self) {
        let now = self.clock.now();
        while let Some((key, id)) = self.lanes.next(now) {
            let post = self.post.clone();
            let task = self.attempts.spawn(async move { post.attempt(id).await });
            self.under_way.insert(task.id(), (key, id));
        }
    }

    /// Takes in how an attempt ended.
    fn take_in(&mut self, attempt: Result<(Id, Ended), tokio::task::JoinError>) {
        let (task, ended) = match attempt {
            Ok((task, ended)) => (task, ended),
            Err(error) => {
                tracing::error!(%error, "an attempt of a webhook broke off");
                (error.id(), None)
            }
        };
        let Some((key, id)) = self.under_way.remove(&task) else {
            return;
        };
        let (now, random) = (self.clock.now(), rand::random());
        let answer = ended.as_ref().map(|(_, answer)| answer);
        self.lanes.ended(&key, id, answer, now, random);
        if let Some((delivery, answer)) = &ended {
            self.metrics.attempted(delivery, answer);
            self.lanes.add(delivery);
        }
        self.lanes.tidy(&key);
    }

    async fn replay(&mut self, id: DeliveryId) -> Result<Delivery> {
        let found = self.outbox.store.delivery(id).await?;
        let mut delivery = found
            .ok_or_else(|| Error::new(Code::NotFound, format!("there is no delivery `{id}`")))?;
        if self.lanes.is_flying(id) {
            return Ok(delivery);
        }
        let was_over = delivery.state != DeliveryState::Waiting;
        delivery.state = DeliveryState::Waiting;
        delivery.next = Some(self.clock.now());
        delivery.attempts = 0;
        self.outbox
            .store
            .put_deliveries(None, vec![delivery.clone()])
            .await?;
        self.metrics.wait(usize::from(was_over));
        self.lanes.urge(&delivery);
        Ok(delivery)
    }

    /// How long there is nothing to do.
    fn wait(&self) -> Duration {
        if self.look_after.is_some() {
            return Duration::ZERO;
        }
        let now = self.clock.now();
        let due = self.lanes.next_at().unwrap_or(Timestamp::MAX);
        let wait = due.min(self.care_at).duration_since(now);
        Duration::try_from(wait).unwrap_or_default().min(LOOK_AGAIN)
    }
}
