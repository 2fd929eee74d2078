//! When a run ends rather than wait: it then holds neither memory nor room, and goes on
//! from its checkpoint when the wait is over.
//!
//! Nothing that was fetched may be lost by it, nor asked for twice. So a run leaves only
//! where it has a checkpoint and nothing stands between that and the wait: no answer of
//! the provider, nothing saved (which a delete pass would take for half a page), no other
//! request under way. Everywhere else it waits where it is.

use super::Context;
use crate::error::{Code, Error};
use std::time::Duration;
use tokio::time::Instant;

/// What a run has done since its last checkpoint.
#[derive(Debug, Default)]
pub(super) struct Leaving {
    /// Waits longer than this are left; `None` where the run waits out all.
    longest: Option<Duration>,
    /// Whether the sync has a checkpoint.
    has_checkpoint: bool,
    /// Whether this run saved it.
    saved_here: bool,
    /// Answers and saves since the checkpoint, or since the run began.
    unkept: u64,
    /// Requests that nobody has waited for yet.
    under_way: u64,
}

impl Leaving {
    pub(super) fn new(longest: Option<Duration>, has_checkpoint: bool) -> Self {
        Leaving {
            longest,
            has_checkpoint,
            ..Leaving::default()
        }
    }

    /// A request goes out.
    pub(super) fn sent(&mut self) {
        self.under_way += 1;
    }

    /// A request is over; `has_answer` if the guest got what another run must fetch again.
    pub(super) fn over(&mut self, has_answer: bool) {
        self.under_way = self.under_way.saturating_sub(1);
        self.unkept += u64::from(has_answer);
    }

    /// Records were saved or deleted.
    pub(super) fn saved(&mut self) {
        self.unkept += 1;
    }

    /// The checkpoint was saved, or cleared.
    pub(super) fn checkpoint(&mut self, is_there: bool) {
        self.has_checkpoint = is_there;
        self.saved_here = is_there;
        self.unkept = 0;
    }

    /// The longest wait of the one request under way; `None` if the run cannot leave.
    pub(super) fn longest_in_request(&self) -> Option<Duration> {
        let nothing_lost = self.has_checkpoint && self.unkept == 0 && self.under_way == 1;
        self.longest.filter(|_| nothing_lost)
    }

    /// The longest sleep; `None` if the run cannot leave. Only after a checkpoint of its own:
    /// the next run would come to the same sleep again from an older one.
    pub(super) fn longest_sleep(&self) -> Option<Duration> {
        let nothing_lost = self.saved_here && self.unkept == 0 && self.under_way == 0;
        self.longest.filter(|_| nothing_lost)
    }
}

impl Context {
    /// The end of a run that does `what` until then.
    pub(super) fn left(&self, what: &str, until: Instant) -> Error {
        let wait = until.saturating_duration_since(Instant::now());
        let at = self.clock.now().saturating_add(wait);
        let at = at.unwrap_or(jiff::Timestamp::MAX);
        let message =
            format!("{what} until {at:.0}; the run ends here and goes on from its checkpoint then");
        // Rounded up: it goes on not before.
        let milliseconds = wait.as_millis().saturating_add(1);
        Error::new(Code::RunInterrupted, message)
            .retry_after(u32::try_from(milliseconds).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONGEST: Option<Duration> = Some(Duration::from_secs(60));

    /// What a run does, in letters: `>` sends, `<` gets an answer, `x` gets none, `s` saves
    /// records, `c` a checkpoint, `-` clears it.
    fn after(has_checkpoint: bool, steps: &str) -> Leaving {
        let mut leaving = Leaving::new(LONGEST, has_checkpoint);
        for step in steps.chars() {
            match step {
                '>' => leaving.sent(),
                '<' => leaving.over(true),
                'x' => leaving.over(false),
                's' => leaving.saved(),
                'c' => leaving.checkpoint(true),
                _ => leaving.checkpoint(false),
            }
        }
        leaving
    }

    #[test]
    fn a_run_leaves_only_where_nothing_is_lost() {
        for (has_checkpoint, steps, in_request, asleep) in [
            (false, ">", false, false),
            (true, ">", true, false),
            (true, ">x>", true, false),
            (true, "><>", false, false),
            (true, ">>", false, false),
            (true, "s>", false, false),
            (false, "><sc>", true, false),
            (false, "><sc", false, true),
            (false, "><sc>x", false, true),
            (false, "><sc><", false, false),
            (false, "><scs", false, false),
            (false, ">c", true, false),
            (false, ">>c", false, false),
            (true, "->", false, false),
            (false, "><sc-", false, false),
        ] {
            let leaving = after(has_checkpoint, steps);
            let expected = LONGEST.filter(|_| in_request);
            assert_eq!(leaving.longest_in_request(), expected, "{steps}");
            let expected = LONGEST.filter(|_| asleep);
            assert_eq!(leaving.longest_sleep(), expected, "{steps}");
        }
        let mut never = Leaving::new(None, true);
        never.sent();
        assert_eq!(never.longest_in_request(), None);
    }
}
