//! Access tokens of connections: which one serves, who asks for the next, and what is
//! durable when.
//!
//! - An access token is in memory only; after a restart it is asked for again.
//! - All who need the token of one connection at once share one question, its answer and
//!   its failure. The question has a task of its own, so that a run that is cancelled
//!   half way leaves no half refresh.
//! - A refresh token that the provider gives in place of the one it was asked with is
//!   sealed into the connection's row, durably, before anybody uses what came with it.
//! - What the host dies in: before the provider took the question, and after our commit,
//!   nothing is lost. Between the provider's answer and our commit (a millisecond or so)
//!   the new refresh token is lost with us. A provider that still takes the one before, as
//!   most do for a while, notices nothing. With one that does not, the next question is
//!   refused as `invalid_grant`, runs of the connection do not start, and the log tells
//!   the operator to have access granted again. No host can close that gap alone: the
//!   provider's commit and ours are two.
//! - A 401 during a run is the sync's to see: the token is not asked for anew in the
//!   middle of a run. Its next run has it from here, and a token is replaced
//!   [`STALE_BEFORE_END`] before it ends, so that this is rare.

use super::{Catalog, token};
use crate::clock::Clock;
use crate::egress::{Credentials, Egress};
use crate::error::{Code, Error, Result};
use crate::model::{CatalogChange, CatalogRow, ConnectionKey, Environment, Integration};
use crate::vault::Secret;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, join_all};
use jiff::Timestamp;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use zeroize::Zeroize;

/// How long before its end a token is replaced, so that none ends under way. Of one that
/// is good for less than twice that, half its time.
const STALE_BEFORE_END: Duration = Duration::from_secs(60);

/// The credential that a provider may give anew with each token.
const REFRESH_TOKEN: &str = "refresh_token";

/// What is known of the tokens of all connections.
#[derive(Default)]
pub(super) struct Tokens(Mutex<HashMap<ConnectionKey, Slot>>);

/// The token of one connection.
#[derive(Default)]
struct Slot {
    state: State,
    /// Counts questions, and what makes their answers old: an answer is kept only if
    /// nothing has happened since it was asked for.
    turn: u64,
    asking: Arc<Asking>,
}

/// Held from when a refresh token is read until the next one is kept, so that none is
/// spent twice. Inside: a next one that could not be kept, to be kept before all else.
type Asking = tokio::sync::Mutex<Option<Rotation>>;

/// A question under way, shared by all who wait for it.
type Question = Shared<BoxFuture<'static, Result<Arc<Token>>>>;

#[derive(Default)]
enum State {
    #[default]
    Nothing,
    Asked(Question),
    Held(Arc<Token>),
}

/// An access token and until when it serves, by both clocks: the one that gets there
/// first counts, because one stands still while the machine sleeps and the other may be
/// set back.
pub(super) struct Token {
    access: Secret,
    stale: (Timestamp, Duration),
}

/// One refresh token in the place of another.
struct Rotation {
    spent: Secret,
    next: Secret,
}

impl Token {
    fn new(granted: token::Granted, asked: (Timestamp, Duration)) -> Self {
        let serves = granted.lifetime - STALE_BEFORE_END.min(granted.lifetime / 2);
        let wall = asked.0.checked_add(serves).unwrap_or(Timestamp::MAX);
        Token {
            access: granted.access,
            stale: (wall, asked.1.saturating_add(serves)),
        }
    }

    fn serves(&self, clock: &dyn Clock) -> bool {
        clock.now() < self.stale.0 && clock.monotonic() < self.stale.1
    }

    /// As requests carry it.
    pub(super) fn credentials(&self) -> Credentials {
        let token = self.access.as_str().unwrap_or_default();
        Credentials {
            headers: vec![("authorization".to_owned(), format!("Bearer {token}"))],
            ..Credentials::default()
        }
    }
}

impl Tokens {
    /// Forgets the token of a connection whose credentials were changed.
    pub(super) fn forget(&self, key: &ConnectionKey) {
        if let Some(slot) = self.lock().get_mut(key) {
            slot.forget();
        }
    }

    /// Forgets the tokens of an integration that was changed.
    pub(super) fn forget_all(&self, environment: &Environment, integration: &Integration) {
        for (key, slot) in self.lock().iter_mut() {
            if key.environment == *environment && key.integration == *integration {
                slot.forget();
            }
        }
    }

    fn land(&self, key: &ConnectionKey, turn: u64, answer: &Result<Arc<Token>>) {
        let mut slots = self.lock();
        let Some(slot) = slots.get_mut(key).filter(|slot| slot.turn == turn) else {
            return;
        };
        slot.state = match answer {
            Ok(token) => State::Held(token.clone()),
            Err(_) => State::Nothing,
        };
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ConnectionKey, Slot>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    fn forget(&mut self) {
        self.turn += 1;
        self.state = State::Nothing;
    }
}

impl Catalog {
    /// Waits until no token is being asked for, so that a stop comes in the middle of no
    /// refresh. At most as long as one question may take.
    pub async fn settle(&self) {
        let asked: Vec<Question> = {
            let slots = self.tokens.lock();
            let states = slots.values().map(|slot| &slot.state);
            let asked = states.filter_map(|state| match state {
                State::Asked(question) => Some(question.clone()),
                _ => None,
            });
            asked.collect()
        };
        join_all(asked).await;
    }

    /// The access token of a connection: the one that is held, or a new one.
    pub(super) async fn token(
        self: &Arc<Self>,
        key: &ConnectionKey,
        egress: &Arc<dyn Egress>,
    ) -> Result<Arc<Token>> {
        let question = {
            let mut slots = self.tokens.lock();
            let slot = slots.entry(key.clone()).or_default();
            match &slot.state {
                State::Held(token) if token.serves(&*self.clock) => return Ok(token.clone()),
                State::Asked(question) => question.clone(),
                State::Held(_) | State::Nothing => {
                    slot.turn += 1;
                    let question = self.question(key, slot, egress);
                    slot.state = State::Asked(question.clone());
                    question
                }
            }
        };
        question.await
    }

    /// A question in a task of its own, which ends whoever still waits for it.
    fn question(
        self: &Arc<Self>,
        key: &ConnectionKey,
        slot: &Slot,
        egress: &Arc<dyn Egress>,
    ) -> Question {
        let (catalog, key, egress) = (self.clone(), key.clone(), egress.clone());
        let (turn, asking) = (slot.turn, slot.asking.clone());
        let task = tokio::spawn(async move {
            let (own, name) = (catalog.clone(), key.clone());
            let asked = tokio::spawn(async move { own.ask(&name, &*egress, &asking).await });
            let answer = asked.await.unwrap_or_else(|error| Err(broke_off(&error)));
            catalog.tokens.land(&key, turn, &answer);
            answer
        });
        let task = task.map(|ended| ended.unwrap_or_else(|error| Err(broke_off(&error))));
        task.boxed().shared()
    }

    async fn ask(
        &self,
        key: &ConnectionKey,
        egress: &dyn Egress,
        asking: &Asking,
    ) -> Result<Arc<Token>> {
        let mut unkept = asking.lock().await;
        if let Some(rotation) = unkept.as_ref() {
            self.keep(key, rotation).await?;
            *unkept = None;
        }
        let integration = self.integration(&key.environment, &key.integration)?;
        let fields = self.credentials(&*self.connection(key)?)?;
        let asked = (self.clock.now(), self.clock.monotonic());
        let mut granted = token::ask(key, &integration, &fields, egress).await?;
        let spent = match token::needs(&integration.auth).contains(&REFRESH_TOKEN) {
            true => fields.0.get(REFRESH_TOKEN),
            // Some give one here too, which nobody asks for.
            false => None,
        };
        if let (Some(spent), Some(next)) = (spent, granted.refresh.take())
            && spent.as_bytes() != next.as_bytes()
        {
            let spent = Secret::from(spent.clone());
            let rotation = Rotation { spent, next };
            // Until this is durable nobody has the token, and where it fails it is not
            // given out: it is kept here, for as long as this process lives.
            if let Err(error) = self.keep(key, &rotation).await {
                *unkept = Some(rotation);
                return Err(error.context(format!(
                    "keeping the next refresh token of connection `{key}`"
                )));
            }
        }
        Ok(Arc::new(Token::new(granted, asked)))
    }

    /// Puts the next refresh token in the place of the spent one. Where another was set
    /// meanwhile, that one counts.
    async fn keep(&self, key: &ConnectionKey, rotation: &Rotation) -> Result<()> {
        let _changing = self.changing.lock().await;
        let mut row = (*self.connection(key)?).clone();
        let mut fields = self.credentials(&row)?;
        let next = rotation.next.as_str().unwrap_or_default();
        match fields.0.get_mut(REFRESH_TOKEN) {
            Some(held) if held.as_bytes() == rotation.spent.as_bytes() => {
                held.zeroize();
                held.push_str(next);
            }
            _ => return Ok(()),
        }
        row.credentials = Some(self.seal_fields(key, &fields)?);
        self.change(vec![CatalogChange::Put(CatalogRow::Connection(row))])
            .await
    }
}

fn broke_off(error: &tokio::task::JoinError) -> Error {
    Error::new(
        Code::Internal,
        format!("asking for a token broke off: {error}"),
    )
}
