//! Time comes from a [`Clock`], so that a test can turn it and a run can be replayed.

use jiff::Timestamp;
use std::future::Future;
use std::pin::Pin;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// A wait that a [`Clock`] gives.
pub type Sleeping = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where this host reads the time.
pub trait Clock: Send + Sync + 'static {
    /// The wall clock in UTC. May jump, also backwards.
    fn now(&self) -> Timestamp;

    /// Time since some fixed moment of this process; never goes back.
    fn monotonic(&self) -> Duration;

    /// Waits for so long by this clock.
    fn sleep(&self, time: Duration) -> Sleeping {
        Box::pin(tokio::time::sleep(time))
    }
}

/// The machine's clocks.
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// A clock whose monotonic time starts now.
    pub fn new() -> Self {
        SystemClock {
            started: Instant::now(),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }
}

/// A clock that stands still until it is told otherwise, for tests and replays.
pub struct ManualClock {
    time: Mutex<(Timestamp, Duration)>,
}

impl ManualClock {
    /// A clock that shows `now`.
    pub fn new(now: Timestamp) -> Self {
        ManualClock {
            time: Mutex::new((now, Duration::ZERO)),
        }
    }

    /// Sets the wall clock; the monotonic one stays.
    pub fn set(&self, now: Timestamp) {
        self.lock().0 = now;
    }

    /// Moves both clocks forward.
    pub fn advance(&self, by: Duration) {
        let mut time = self.lock();
        time.0 = time.0.checked_add(by).unwrap_or(Timestamp::MAX);
        time.1 += by;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, (Timestamp, Duration)> {
        self.time
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.lock().0
    }

    fn monotonic(&self) -> Duration {
        self.lock().1
    }
}

/// A clock that stands while a run works and moves only by the time that it sleeps, so
/// that a run which is recorded and one that is tested read the same times.
pub struct StillClock {
    clock: ManualClock,
    waits: bool,
}

impl StillClock {
    /// A clock that stands at `now`; a sleep passes at once.
    pub fn new(now: Timestamp) -> Self {
        StillClock {
            clock: ManualClock::new(now),
            waits: false,
        }
    }

    /// The same, but a sleep takes its time: for a run that has a real provider.
    pub fn that_waits(now: Timestamp) -> Self {
        StillClock {
            waits: true,
            ..StillClock::new(now)
        }
    }

    /// Sets the wall clock.
    pub fn set(&self, now: Timestamp) {
        self.clock.set(now);
    }
}

impl Clock for StillClock {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }

    fn sleep(&self, time: Duration) -> Sleeping {
        self.clock.advance(time);
        let passes = if self.waits { time } else { Duration::ZERO };
        Box::pin(tokio::time::sleep(passes))
    }
}
