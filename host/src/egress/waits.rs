//! The waits of a request, told to whoever may rather end its run than wait.
//!
//! Egress tells each wait before it begins, and goes on waiting: whether a run may be left
//! is not its to know. Who watches decides, and then the request ends where it waits, with
//! all that it has cost so far.

use crate::error::{Code, Error, Result};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

/// How one request waits. Clones are of the same request; the default is one that nobody
/// watches.
#[derive(Clone, Debug, Default)]
pub struct Waits(watch::Sender<Standing>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Standing {
    #[default]
    Going,
    /// It waits until then.
    Waiting(Instant),
    /// Who watches has given it up.
    Left,
}

impl Waits {
    /// Answers once the request waits for longer than `longest` from then on: until when.
    pub async fn longer_than(&self, longest: Duration) -> Instant {
        let mut standing = self.0.subscribe();
        loop {
            let now = *standing.borrow_and_update();
            match now {
                Standing::Waiting(until) if until > Instant::now() + longest => return until,
                // Never an error: the sender is our own.
                _ => drop(standing.changed().await),
            }
        }
    }

    /// Gives the request up: its wait, or the next one, ends at once as `run.interrupted`.
    pub fn leave(&self) {
        self.0.send_replace(Standing::Left);
    }

    /// Waits until `until`. `run.interrupted` if the request was given up meanwhile.
    pub(super) async fn wait(&self, until: Instant) -> Result<()> {
        let mut standing = self.0.subscribe();
        self.go_on_as(Standing::Waiting(until));
        let left = async { drop(standing.wait_for(|now| *now == Standing::Left).await) };
        if timeout_at(until, left).await.is_ok() {
            return Err(Error::new(
                Code::RunInterrupted,
                "the request was given up while it waited",
            ));
        }
        self.go_on_as(Standing::Going);
        Ok(())
    }

    /// What was given up stays so.
    fn go_on_as(&self, next: Standing) {
        self.0.send_if_modified(|now| {
            let goes_on = *now != Standing::Left;
            if goes_on {
                *now = next;
            }
            goes_on
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_millis(20);
    const FAR: Duration = Duration::from_secs(3_600);

    #[tokio::test]
    async fn only_a_long_wait_is_told_and_ends_when_it_is_given_up() {
        let waits = Waits::default();
        let (watched, far) = (waits.clone(), Instant::now() + FAR);
        let watching = tokio::spawn(async move {
            let until = watched.longer_than(FAR / 2).await;
            watched.leave();
            until
        });
        // Short waits pass before it; what is over is no wait.
        for _ in 0..3 {
            let until = Instant::now() + SOON;
            assert_eq!(waits.wait(until).await, Ok(()));
            assert!(Instant::now() >= until && !watching.is_finished());
        }
        let left = waits.wait(far).await.map_err(|error| error.code);
        assert_eq!(left, Err(Code::RunInterrupted));
        assert_eq!(watching.await.unwrap(), far);
        // What was given up waits no more.
        assert!(waits.wait(far).await.is_err());
    }
}
