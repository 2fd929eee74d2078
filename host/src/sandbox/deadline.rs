//! CPU: an epoch that ticks, and a meter round the run's future.
//!
//! A guest yields at each tick, so the meter sees the CPU time of every 10 ms slice, by
//! the thread's own clock, guest and host calls together. When a limit is passed it
//! raises a flag; the next tick traps the guest where it stands, so that the post-mortem
//! can name the loop. A guest that is in a host call then is cut there.

use crate::error::{Code, Error};
use crate::limits::EPOCH_TICK;
use cpu_time::ThreadTime;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::task::{Context, Poll};
use std::time::Duration;
use wasmtime::Engine;

/// Polls after the flag before a guest that does not trap is dropped where it is.
const POLLS_AFTER_LIMIT: u32 = 8;

/// Advances the epoch of `engine` every tick for as long as the returned token lives.
pub(super) fn tick(engine: &Engine) -> Arc<Ticking> {
    let token = Arc::new(Ticking);
    let alive = Arc::downgrade(&token);
    let engine = engine.weak();
    let tick = move || {
        while Weak::strong_count(&alive) > 0 {
            std::thread::sleep(EPOCH_TICK);
            match engine.upgrade() {
                Some(engine) => engine.increment_epoch(),
                None => return,
            }
        }
    };
    if let Err(error) = std::thread::Builder::new()
        .name("tidegate-epoch".into())
        .spawn(tick)
    {
        tracing::error!(%error, "no thread for the epoch: guests cannot be interrupted");
    }
    token
}

/// While it lives, the epoch advances.
pub(super) struct Ticking;

/// The CPU limits of a run.
#[derive(Clone, Copy, Debug)]
pub struct CpuLimits {
    /// Between two host calls.
    pub between_calls: Duration,
    /// All told.
    pub total: Duration,
}

/// What the meter has measured, and the flag by which it stops the guest.
#[derive(Debug, Default)]
pub(super) struct CpuGauge {
    used_us: AtomicU64,
    over: AtomicBool,
    why: Mutex<Option<Error>>,
}

impl CpuGauge {
    pub(super) fn used(&self) -> Duration {
        Duration::from_micros(self.used_us.load(Ordering::Relaxed))
    }

    /// The error that the guest is to be stopped with, if a limit was passed.
    pub(super) fn over(&self) -> Option<Error> {
        if !self.over.load(Ordering::Relaxed) {
            return None;
        }
        self.why
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .clone()
    }

    fn stop(&self, why: Error) {
        *self
            .why
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(why);
        self.over.store(true, Ordering::Relaxed);
    }
}

/// A run's future with its CPU measured and limited.
pub(super) struct Metered<F> {
    run: Pin<Box<F>>,
    gauge: Arc<CpuGauge>,
    limits: CpuLimits,
    /// Host calls so far, from the seam.
    calls: Arc<AtomicU64>,
    calls_seen: u64,
    total: Duration,
    since_call: Duration,
    polls_left: u32,
}

impl<F> Metered<F> {
    pub(super) fn new(
        run: F,
        gauge: Arc<CpuGauge>,
        limits: CpuLimits,
        calls: Arc<AtomicU64>,
    ) -> Self {
        Metered {
            run: Box::pin(run),
            gauge,
            limits,
            calls,
            calls_seen: 0,
            total: Duration::ZERO,
            since_call: Duration::ZERO,
            polls_left: POLLS_AFTER_LIMIT,
        }
    }

    fn account(&mut self, slice: Duration) {
        self.total += slice;
        let calls = self.calls.load(Ordering::Relaxed);
        let called = std::mem::replace(&mut self.calls_seen, calls) != calls;
        self.since_call = if called {
            Duration::ZERO
        } else {
            self.since_call + slice
        };
        self.gauge.used_us.store(
            u64::try_from(self.total.as_micros()).unwrap_or(u64::MAX),
            Ordering::Relaxed,
        );
    }

    fn passed(&self) -> Option<Error> {
        let over = |used: Duration, limit: Duration, what: &str| {
            (used > limit).then(|| {
                let (used, limit) = (used.as_secs_f64(), limit.as_secs_f64());
                Error::new(
                    Code::LimitCpu,
                    format!("used {used:.2} s of CPU {what}; limit {limit} s"),
                )
            })
        };
        over(
            self.since_call,
            self.limits.between_calls,
            "without a host call",
        )
        .or_else(|| over(self.total, self.limits.total, "in this run"))
    }
}

impl<F: Future> Future for Metered<F> {
    /// `Err` when the guest had to be dropped where it was.
    type Output = Result<F::Output, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let started = ThreadTime::now();
        let polled = self.run.as_mut().poll(cx);
        self.account(started.elapsed());
        if let Poll::Ready(output) = polled {
            return Poll::Ready(Ok(output));
        }
        if let Some(why) = self.passed() {
            if self.polls_left == 0 {
                return Poll::Ready(Err(why));
            }
            self.polls_left -= 1;
            self.gauge.stop(why);
        }
        Poll::Pending
    }
}
