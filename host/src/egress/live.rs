//! Egress to the live network.
//!
//! One [`send`](Egress::send) is a row of tries; a try is a row of hops (redirects); a
//! hop is one exchange: slot, credentials, connection through the gate, response head.
//! The body is read only of the response that goes to the guest.

use super::bandwidth::{Lines, Pace};
use super::body::{self, Coding};
use super::budget::Budgets;
use super::course::Course;
use super::credentials::{Redactor, dress, strip_query};
use super::denied::{Denied, Reason};
use super::dial::{GatedClient, Pools, Route, tls};
use super::failure::{Failure, Stage};
use super::gate::{Gate, OwnAddresses, Resolver, SystemResolver};
use super::prepare::{Prepared, prepare};
use super::rate::Rates;
use super::{
    Egress, EgressScope, IncomingResponse, OutgoingRequest, Sent, Waits, policy, redirect, retry,
};
use crate::clock::{Clock, SystemClock};
use crate::error::{Code, Error, Result};
use crate::limits;
use crate::memory::{Held, MemoryBudget};
use async_trait::async_trait;
use bytes::Bytes;
use http::Request;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http::response::Parts;
use http_body_util::Full;
use hyper::body::{Body, Incoming};
use rustls::pki_types::CertificateDer;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout_at};

/// The most that those who wait for the same moment differ by, as a share of the first
/// backoff: 0.75 s with the constants, enough to tell sixteen of them apart.
const SPREAD_SHARE_MAX: f64 = 0.25;

/// What a [`LiveEgress`] is made of. The default is for production.
pub struct LiveOptions {
    /// Who answers for names.
    pub resolver: Arc<dyn Resolver>,
    /// Where a checked address is dialled; the identity.
    pub route: Route,
    /// Certificate roots beside the system's.
    pub extra_roots: Vec<CertificateDer<'static>>,
    /// The host's own addresses, which no guest reaches.
    pub own: Arc<OwnAddresses>,
    /// The wall clock, for dates that providers give.
    pub clock: Arc<dyn Clock>,
    /// Time limits.
    pub times: Times,
}

/// The time limits of egress; the default is the constants of [`limits`].
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// To connect, TLS included.
    pub connect: Duration,
    /// Without one byte of a response. Before the first byte a request's own time limit
    /// takes its place where the guest set one.
    pub read_idle: Duration,
    /// For one try where the guest sets none.
    pub exchange: Duration,
    /// First wait of the backoff.
    pub backoff_first: Duration,
    /// Longest wait of the backoff.
    pub backoff_max: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Times {
            connect: limits::CONNECT_TIME,
            read_idle: limits::READ_IDLE_TIME,
            exchange: limits::EXCHANGE_TIME,
            backoff_first: limits::BACKOFF_FIRST,
            backoff_max: limits::BACKOFF_MAX,
        }
    }
}

impl Default for LiveOptions {
    fn default() -> Self {
        LiveOptions {
            resolver: Arc::new(SystemResolver),
            route: Arc::new(|address| address),
            extra_roots: Vec::new(),
            own: Arc::new(OwnAddresses::of_system()),
            clock: Arc::new(SystemClock::new()),
            times: Times::default(),
        }
    }
}

/// The way to the live network.
pub struct LiveEgress {
    pools: Pools,
    budgets: Budgets,
    rates: Rates,
    lines: Lines,
    resolver: Arc<dyn Resolver>,
    own: Arc<OwnAddresses>,
    clock: Arc<dyn Clock>,
    times: Times,
}

impl LiveEgress {
    /// Reads the certificate roots; nothing is sent. `config.invalid` where there are none.
    pub fn new(options: LiveOptions) -> Result<Self> {
        let tls = tls(&options.extra_roots)?;
        Ok(LiveEgress {
            pools: Pools::new(tls, options.route, options.times.connect),
            budgets: Budgets::default(),
            rates: Rates::default(),
            lines: Lines::default(),
            resolver: options.resolver,
            own: options.own,
            clock: options.clock,
            times: options.times,
        })
    }
}

#[async_trait]
impl Egress for LiveEgress {
    async fn send(
        &self,
        scope: &EgressScope,
        request: OutgoingRequest,
        memory: &MemoryBudget,
        deadline: Instant,
        waits: &Waits,
    ) -> Sent {
        let mut course = Course::new();
        let redactor = Redactor::new(&scope.credentials);
        let sending = Sending {
            egress: self,
            client: self.client(scope),
            scope,
            request: &request,
            memory,
            deadline,
            waits,
            pace: self.lines.pace(scope.conduct.line.as_ref()),
            redactor: &redactor,
        };
        let response = sending.run(&mut course).await.map_err(|mut error| {
            error.message = redactor.cleaned(&error.message);
            error
        });
        let (exchange, exchanges) = course.end_of_it();
        Sent {
            exchange,
            exchanges,
            response,
        }
    }
}

impl LiveEgress {
    fn client(&self, scope: &EgressScope) -> GatedClient {
        let gate = || Gate {
            policy: scope.policy.clone(),
            resolver: self.resolver.clone(),
            own: self.own.clone(),
        };
        self.pools.client(&scope.connection, gate, &scope.policy)
    }

    /// A share of the first backoff, by which those who wait for the same moment part.
    fn spread(&self) -> Duration {
        self.times
            .backoff_first
            .mul_f64(SPREAD_SHARE_MAX * rand::random::<f64>())
    }
}

/// One `send` under way.
struct Sending<'a> {
    egress: &'a LiveEgress,
    client: GatedClient,
    scope: &'a EgressScope,
    request: &'a OutgoingRequest,
    memory: &'a MemoryBudget,
    deadline: Instant,
    waits: &'a Waits,
    pace: Pace,
    redactor: &'a Redactor,
}

/// A response whose body is still to come.
struct Head {
    parts: Parts,
    incoming: Incoming,
    /// The request that it answers, after redirects.
    answered: Prepared,
    /// The host's slot, given back with the body.
    slot: OwnedSemaphorePermit,
}

/// What a try came to, where another may follow.
enum Next {
    Done(IncomingResponse),
    /// A status to try again; given to the guest when no try is left.
    Again(Box<Head>, Option<Duration>),
    Failed(Failure),
}

impl Sending<'_> {
    async fn run(&self, course: &mut Course) -> Result<IncomingResponse> {
        let mut prepared = prepare(self.scope, self.request)?;
        strip_query(&mut prepared.url, &self.scope.credentials, prepared.at_home);
        let retries = retry::retries(self.request.retries, &self.scope.conduct.retry);
        for failures in 1.. {
            course.attempt = failures;
            course.until = self.until();
            let next = self.attempt(&prepared, course).await;
            let wait = match &next {
                Next::Done(_) => None,
                _ if failures > retries => None,
                Next::Again(_, asked) => self.wait(failures, *asked),
                Next::Failed(failure) => match failure.stage {
                    Stage::Final => None,
                    Stage::MaybeSent if !retry::may_repeat(&prepared.method) => None,
                    Stage::Unsent | Stage::MaybeSent => self.wait(failures, None),
                },
            };
            let Some(wait) = wait else {
                return self.give(next, course).await;
            };
            // The response that is not used goes first, and its slot and connection.
            drop(next);
            let began = Instant::now();
            let waited = self.waits.wait(began + wait).await;
            course.waited(began, self.deadline);
            waited?;
            course.cost.retries += 1;
        }
        Err(Error::new(Code::Internal, "the tries of a request ran out"))
    }

    /// When the try that starts now must be over.
    fn until(&self) -> Instant {
        let time = self.request.timeout.unwrap_or(self.egress.times.exchange);
        self.deadline
            .min(Instant::now() + time.min(limits::EXCHANGE_TIME_MAX))
    }

    /// How long to wait before the next try; `None` where that is too long.
    fn wait(&self, failures: u32, asked: Option<Duration>) -> Option<Duration> {
        let times = &self.egress.times;
        let wait = match asked {
            Some(asked) if asked > limits::RETRY_AFTER_MAX => return None,
            Some(asked) => asked + self.egress.spread(),
            None => retry::backoff(
                times.backoff_first,
                times.backoff_max,
                failures,
                rand::random(),
            ),
        };
        (Instant::now() + wait < self.deadline).then_some(wait)
    }

    /// The end of it: what the guest gets.
    async fn give(&self, next: Next, course: &mut Course) -> Result<IncomingResponse> {
        match next {
            Next::Done(response) => Ok(response),
            Next::Failed(failure) => Err(failure.error),
            Next::Again(head, _) => self
                .receive(*head, course)
                .await
                .map_err(|failure| failure.error),
        }
    }

    /// One try, up to a response that can be given or a reason to try again.
    async fn attempt(&self, prepared: &Prepared, course: &mut Course) -> Next {
        let head = match self.follow(prepared.clone(), course).await {
            Ok(head) => head,
            Err(failure) => return Next::Failed(failure),
        };
        let (status, rules) = (head.parts.status, &self.scope.conduct.retry);
        if retry::is_tried_again(status, &self.request.retry_on, rules) {
            let now = self.egress.clock.now();
            let asked = retry::asked_wait(status, &head.parts.headers, now, rules);
            if let Some(asked) = asked.filter(|asked| *asked <= limits::RETRY_AFTER_MAX) {
                let authority = policy::authority(&head.answered.url);
                let budget = self.egress.budgets.of(&self.scope.connection, &authority);
                budget.pause_until(Instant::now() + asked);
            }
            return Next::Again(Box::new(head), asked);
        }
        match self.receive(head, course).await {
            Ok(response) => Next::Done(response),
            Err(failure) => Next::Failed(failure),
        }
    }

    /// Sends, and follows redirects by hand, each hop through all checks.
    async fn follow(&self, mut prepared: Prepared, course: &mut Course) -> Result<Head, Failure> {
        for _ in 0..=limits::REDIRECTS_MAX {
            let head = self.exchange(prepared, course).await?;
            if !self.scope.policy.follows_redirects() {
                return Ok(head);
            }
            match redirect::next(&head.answered, &head.parts, &self.scope.credentials)? {
                Some(next) => prepared = next,
                None => return Ok(head),
            }
        }
        let host = policy::authority(&prepared.url);
        Err(Denied::new(
            Reason::TooManyRedirects,
            format!("{host} ({} hops)", limits::REDIRECTS_MAX),
        )
        .into())
    }

    /// One request and the head of its response, told as an exchange.
    async fn exchange(&self, prepared: Prepared, course: &mut Course) -> Result<Head, Failure> {
        course.open(&prepared, self.redactor, self.egress.clock.now());
        let head = self.put_on_wire(prepared, course).await;
        match &head {
            Ok(head) => course.answered(head.parts.status.as_u16()),
            Err(failure) => course.failed(failure.error.code),
        }
        head
    }

    /// Waits until the integration's rate limit lets one more request go. The wait is not
    /// a part of the time of its try.
    async fn wait_for_rate(&self, course: &mut Course) -> Result<(), Failure> {
        let Some(shared) = &self.scope.conduct.rate else {
            return Ok(());
        };
        let now = Instant::now();
        let booked = self.egress.rates.of(shared).book(now, self.deadline);
        let Some(booked) = booked else {
            let limit = &shared.limit;
            return Err(Failure::last(
                Code::LimitRequests,
                format!(
                    "the integration's rate limit of {} requests in {} s leaves no room before the run must end",
                    limit.requests, limit.per_seconds
                ),
            ));
        };
        if booked.at() > now {
            let waited = self.waits.wait(booked.at()).await;
            course.waited(now, self.deadline);
            waited.map_err(Failure::given_up)?;
        }
        Ok(())
    }

    async fn put_on_wire(&self, prepared: Prepared, course: &mut Course) -> Result<Head, Failure> {
        self.scope.policy.admit(&prepared.url)?;
        self.wait_for_rate(course).await?;
        let until = course.until;
        let host = policy::authority(&prepared.url);
        let budget = self.egress.budgets.of(&self.scope.connection, &host);
        let slot = budget
            .enter(until, self.egress.spread(), &mut course.cost, self.waits)
            .await
            .map_err(Failure::given_up)?;
        let request = dress(&prepared, &self.scope.credentials).map_err(Failure::given_up)?;
        // What is filled in takes memory beside the guest's own body, for as long as it is
        // under way.
        let _filled = match prepared.fills.body {
            true => Some(self.hold(&request)?),
            false => None,
        };
        course.begin(self.egress.clock.now());
        let until = self.send_at_pace(&request, course).await;
        let first_byte = match self.request.timeout {
            Some(_) => until,
            None => {
                until.min(Instant::now() + self.egress.times.connect + self.egress.times.read_idle)
            }
        };
        let response = timeout_at(first_byte, self.client.request(request))
            .await
            .map_err(|_| {
                Failure::maybe_sent(
                    Code::ProviderTimeout,
                    format!("no answer from {host} in time"),
                )
            })?
            .map_err(|error| Failure::of_request(&error, &host))?;
        let (parts, incoming) = response.into_parts();
        body::check_headers(&parts.headers)?;
        Ok(Head {
            parts,
            incoming,
            answered: prepared,
            slot,
        })
    }

    /// Waits for the line as long as the body of a request takes; answers when its try must
    /// be over, which is so much later.
    async fn send_at_pace(&self, request: &Request<Full<Bytes>>, course: &mut Course) -> Instant {
        let before = self.pace.waited();
        self.pace.pass_all(request.body().size_hint().lower()).await;
        let waited = self.pace.waited().saturating_sub(before);
        course.until = self.deadline.min(course.until + waited);
        course.until
    }

    /// Memory for the body of a request whose placeholders are filled in.
    fn hold(&self, request: &Request<Full<Bytes>>) -> Result<Held, Failure> {
        let bytes = request.body().size_hint().lower();
        self.memory.hold(bytes).ok_or_else(|| {
            Failure::last(
                Code::LimitMemory,
                format!("no memory left for a request body of {bytes} bytes with its placeholders filled in"),
            )
        })
    }

    /// Reads the body and puts together what the guest gets.
    async fn receive(&self, head: Head, course: &mut Course) -> Result<IncomingResponse, Failure> {
        let mut wire_bytes = 0;
        let response = self.read(head, course.until, &mut wire_bytes).await;
        course.received(wire_bytes);
        if let Err(failure) = &response {
            course.failed(failure.error.code);
        }
        response
    }

    async fn read(
        &self,
        head: Head,
        until: Instant,
        wire_bytes: &mut u64,
    ) -> Result<IncomingResponse, Failure> {
        let Head {
            parts,
            incoming,
            answered,
            slot,
        } = head;
        let host = policy::authority(&answered.url);
        let coding = Coding::of(&parts.headers)?;
        let idle = self.egress.times.read_idle;
        let from = body::Source {
            host: &host,
            idle,
            pace: &self.pace,
        };
        let reading = body::read(incoming, coding, self.memory, from, wire_bytes);
        let read = self.pace.timeout_at(until, self.deadline, reading).await;
        let (mut bytes, held) = read.ok_or_else(|| {
            Failure::maybe_sent(
                Code::ProviderTimeout,
                format!("the body from {host} took too long"),
            )
        })??;
        drop(slot);
        let secrets = self.redactor.clean(&mut bytes);
        if secrets > 0 {
            tracing::warn!(connection = %self.scope.connection, host, secrets, "the provider sent credentials back; they were blotted out");
        }
        Ok(IncomingResponse {
            status: parts.status.as_u16(),
            headers: self.headers(&parts, coding),
            url: self.redactor.cleaned(answered.url.as_str()),
            body: Bytes::from(bytes),
            held,
        })
    }

    /// The headers for the guest: no secret, and none that describe the body as it was
    /// before decoding.
    fn headers(&self, parts: &Parts, coding: Coding) -> Vec<(String, String)> {
        let undone = [CONTENT_ENCODING, CONTENT_LENGTH];
        parts
            .headers
            .iter()
            .filter(|(name, _)| coding == Coding::Plain || !undone.contains(name))
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes());
                (name.as_str().to_owned(), self.redactor.cleaned(&value))
            })
            .collect()
    }
}
