//! The run itself: its facts, waiting, and telling how far it is.

use crate::error::{Code, Error, Result};
use crate::records::Batch;
use crate::sync::State;
use crate::sys::{self, Fact};
use jiff::civil::Date;
use jiff::tz::Offset;
use jiff::{Span, Timestamp};
use serde::de::DeserializeOwned;
use std::cell::RefCell;
use std::marker::PhantomData;
use std::time::Duration;

/// The longest that one call may sleep, in milliseconds: longer sleeps are several calls.
const SLEEP_MS_MAX: u128 = 10 * 60 * 1000;

/// One execution for one connection: what the sync's function is given, and the way to
/// everything that it may do.
///
/// `C` is the type of the checkpoint, `M` that of the metadata; `()` for none.
pub struct Run<C = (), M = ()> {
    pub(crate) batch: RefCell<Batch>,
    types: PhantomData<fn() -> (C, M)>,
}

/// Memory of a run in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// In use, with what the host holds for the run.
    pub used_bytes: u64,
    /// The cap.
    pub limit_bytes: u64,
}

impl<C: State, M: State> Run<C, M> {
    pub(crate) fn new() -> Self {
        Run {
            batch: RefCell::default(),
            types: PhantomData,
        }
    }

    /// The run's id.
    pub fn id(&self) -> String {
        sys::fact(Fact::Id)
    }

    /// The app's id of the connection.
    pub fn connection_id(&self) -> String {
        sys::fact(Fact::ConnectionId)
    }

    /// The integration that the connection belongs to.
    pub fn integration(&self) -> String {
        sys::fact(Fact::Integration)
    }

    /// The sync's name.
    pub fn sync_name(&self) -> String {
        sys::fact(Fact::SyncName)
    }

    /// The variant, `base` for the plain one.
    pub fn variant(&self) -> String {
        sys::fact(Fact::Variant)
    }

    /// Why it was started: `manual`, `schedule` or `continuation`.
    pub fn trigger(&self) -> String {
        sys::fact(Fact::Trigger)
    }

    /// 1, or one more than the execution that this one continues.
    pub fn attempt(&self) -> u32 {
        sys::attempt()
    }

    /// When it started.
    pub fn started_at(&self) -> Timestamp {
        instant(Fact::StartedAt)
    }

    /// When it is ended at the latest.
    pub fn deadline(&self) -> Timestamp {
        instant(Fact::Deadline)
    }

    /// The day on which it started, in UTC.
    pub fn today(&self) -> Date {
        Offset::UTC.to_datetime(self.started_at()).date()
    }

    /// Midnight UTC of the day that lies `months` months before [`today`](Run::today).
    pub fn months_ago(&self, months: u32) -> Timestamp {
        let day = self
            .today()
            .saturating_sub(Span::new().try_months(months).unwrap_or_default());
        crate::window::midnight(day)
    }

    /// The memory in use and the cap.
    pub fn memory(&self) -> Memory {
        let (used, limit) = sys::memory_kib();
        Memory {
            used_bytes: u64::from(used) * 1024,
            limit_bytes: u64::from(limit) * 1024,
        }
    }

    /// The connection's configuration, which the operator sets.
    pub fn config<T: DeserializeOwned>(&self) -> Result<T> {
        crate::decode::from_json(&sys::fact(Fact::ConnectionConfig)).map_err(|why| {
            Error::with_code(
                Code::InvalidArgument,
                format_args!(
                    "the connection's configuration does not fit: {}",
                    why.message()
                ),
            )
        })
    }

    /// Waits, without using CPU.
    pub fn sleep(&self, time: Duration) -> Result<()> {
        let mut left = time.as_millis();
        while left > 0 {
            let now = left.min(SLEEP_MS_MAX);
            sys::sleep(u32::try_from(now)?)?;
            left -= now;
        }
        Ok(())
    }

    /// Says how far the run is, for progress bars: `done` of `total` things, if the total
    /// is known.
    pub fn progress(&self, message: &str, done: u32, total: impl Into<Option<u32>>) {
        sys::progress(message, done, total.into());
    }
}

/// A time that the host gives. It is well-formed by the contract; a host that breaks
/// that gets the epoch, at which every comparison errs on the side of fetching.
fn instant(fact: Fact) -> Timestamp {
    sys::fact(fact).parse().unwrap_or(Timestamp::UNIX_EPOCH)
}
