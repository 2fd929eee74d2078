//! What a provider is to serve, put together before it starts.

use crate::dates;
use crate::handle::{self, ProviderHandle};
use crate::rate_limit::{Limiter, RateLimit};
use crate::serve::App;
use crate::set::{Commits, Contacts, Events, Records, Set, Table, Users};
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::time::Duration;

/// The rate limit where none is set: there to be read in the headers, far from any test.
const RATE_LIMIT: RateLimit = RateLimit {
    requests: 1_000_000,
    window: Duration::from_secs(3600),
};

/// Where events begin and end unless told otherwise.
const EVENTS_FROM: &str = "2019-01-01";
const EVENTS_TO: &str = "2025-01-01";

/// What a demo serves.
const DEMO_SEED: u64 = 20;
const DEMO_CONTACTS: u64 = 1_000;
const DEMO_USERS: u64 = 60;
const DEMO_EVENTS: u64 = 5_000;
const DEMO_COMMIT_MONTHS: u32 = 24;

/// The entry: [`Provider::builder`] or [`Provider::demo`].
pub struct Provider;

impl Provider {
    /// A provider with nothing in it: every list is empty until it is given something.
    pub fn builder() -> ProviderBuilder {
        ProviderBuilder {
            contacts: Contacts::new(0, 0),
            contact_dates: None,
            users: Users { len: 0, seed: 0 },
            events: (0, 0, EVENTS_FROM.to_owned(), EVENTS_TO.to_owned()),
            commits: None,
            records: Vec::new(),
            rate_limit: RATE_LIMIT,
            credential: None,
            port: 0,
        }
    }

    /// A provider with some of everything: 1,000 contacts, 60 users, 5,000 events over
    /// six years and two years of commits.
    pub fn demo() -> ProviderBuilder {
        Self::builder()
            .contacts(DEMO_CONTACTS, DEMO_SEED)
            .users(DEMO_USERS, DEMO_SEED)
            .events(DEMO_EVENTS, DEMO_SEED)
            .commits(Commits::synthetic(DEMO_SEED, DEMO_COMMIT_MONTHS))
    }
}

/// See [`Provider::builder`].
pub struct ProviderBuilder {
    contacts: Contacts,
    contact_dates: Option<(String, String)>,
    users: Users,
    events: (u64, u64, String, String),
    commits: Option<Commits>,
    records: Vec<(String, Records)>,
    rate_limit: RateLimit,
    credential: Option<(String, String)>,
    port: u16,
}

impl ProviderBuilder {
    /// `count` contacts of about 500 bytes at `/contacts`, made up from `seed`, dated
    /// from 2024 on, three to each minute. Any number costs no memory.
    pub fn contacts(mut self, count: u64, seed: u64) -> Self {
        self.contacts = Contacts::new(count, seed);
        self
    }

    /// Spreads the contacts over the time from one date to another, the second excluded:
    /// such as `2019-01-01`. Changes are dated on from there.
    pub fn contacts_between(mut self, from: &str, to: &str) -> Self {
        self.contact_dates = Some((from.to_owned(), to.to_owned()));
        self
    }

    /// `count` users at `/users`, which has no filter by date.
    pub fn users(mut self, count: u64, seed: u64) -> Self {
        self.users = Users { len: count, seed };
        self
    }

    /// `count` events at `/events`, spread over the years 2019 to 2024.
    pub fn events(mut self, count: u64, seed: u64) -> Self {
        (self.events.0, self.events.1) = (count, seed);
        self
    }

    /// Spreads the events from one date to another, the second excluded: such as
    /// `2019-01-01`.
    pub fn events_between(mut self, from: &str, to: &str) -> Self {
        (self.events.2, self.events.3) = (from.to_owned(), to.to_owned());
        self
    }

    /// Commits at `/repos/{owner}/{repo}/commits`.
    pub fn commits(mut self, commits: Commits) -> Self {
        self.commits = Some(commits);
        self
    }

    /// Records of your own at `/{name}`, `/{name}/offset` and `/{name}/link`.
    pub fn records(mut self, name: &str, records: Records) -> Self {
        self.records.push((name.to_owned(), records));
        self
    }

    /// Keeps this rate limit over all paths.
    pub fn rate_limit(mut self, limit: RateLimit) -> Self {
        self.rate_limit = limit;
        self
    }

    /// Answers 401 to requests without this very header.
    pub fn require_header(mut self, name: &str, value: &str) -> Self {
        self.credential = Some((name.to_owned(), value.to_owned()));
        self
    }

    /// Listens on this port, for a restart in the same place; any free one without.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Starts to serve on 127.0.0.1, in a thread of its own. Fails if a file cannot be
    /// read or the port is taken.
    pub async fn start(self) -> Result<ProviderHandle> {
        tokio::task::spawn_blocking(|| self.start_blocking())
            .await
            .context("starting the provider")?
    }

    /// As [`ProviderBuilder::start`], outside of async code.
    pub fn start_blocking(self) -> Result<ProviderHandle> {
        let port = self.port;
        handle::launch(self.app()?, port)
    }

    fn app(self) -> Result<App> {
        let contacts = match self.contact_dates {
            Some((from, to)) => self
                .contacts
                .spread(dates::parse(&from)?.ceil(), dates::parse(&to)?.ceil()),
            None => self.contacts,
        };
        let (len, seed, from, to) = self.events;
        let events = Events {
            len,
            seed,
            from: dates::parse(&from)?.ceil(),
            to: dates::parse(&to)?.ceil(),
        };
        let commits = match self.commits {
            Some(commits) => commits.load().context("loading the commits")?,
            None => Table::new(Box::new(Contacts::new(0, 0)), 0),
        };
        let mut sets = BTreeMap::new();
        for (name, records) in self.records {
            let table = records
                .load()
                .with_context(|| format!("loading the records `{name}`"))?;
            sets.insert(name, Set::new(table));
        }
        Ok(App {
            contacts: Set::new(Table::new(Box::new(contacts), 0)),
            users: Set::new(Table::new(Box::new(self.users), 0)),
            events: Set::new(Table::new(Box::new(events), 0)),
            commits: Set::new(commits),
            sets,
            faults: Default::default(),
            seen: Default::default(),
            limiter: Limiter::new(self.rate_limit),
            credential: self.credential,
        })
    }
}
