//! The trail of a run: what the post-mortem is made of, gathered as it goes.

use crate::error::Code;
use crate::limits::GROWTHS_KEPT;
use crate::model::Growth;
use std::collections::VecDeque;
use std::fmt::Write;
use std::sync::{Mutex, MutexGuard};

/// Host calls kept for "the last calls".
const CALLS_KEPT: usize = 12;

/// What a run has done so far. Shared by the seam and the memory limiter.
#[derive(Debug, Default)]
pub struct Trail {
    facts: Mutex<Facts>,
}

/// A copy of the trail.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The last host calls, oldest first.
    pub last_calls: VecDeque<Called>,
    /// Growths of memory, oldest first; past the limit the last one is replaced.
    pub growths: Vec<Growth>,
    /// Bytes of response bodies that the host fetched.
    pub fetched_bytes: u64,
    /// Bytes of those that were handed to the guest.
    pub handed_bytes: u64,
    /// Bytes handed to the guest since its last save.
    pub unsaved_bytes: u64,
    /// Responses since the last save.
    pub pages_since_save: u64,
    /// All responses.
    pub pages: u64,
    /// After which page the last save was; none if nothing was ever saved.
    pub last_save_at_page: Option<u64>,
    /// The largest response in bytes.
    pub largest_response_bytes: u64,
    /// Bytes of records saved.
    pub saved_bytes: u64,
    /// Codes that the host answered: a guest that ends with one of them passes it on.
    pub answered: Vec<Code>,
}

/// One host call in the trail.
#[derive(Clone, Debug, Default)]
pub struct Called {
    /// Which one of the run.
    pub number: u64,
    /// `interface.function`.
    pub import: &'static str,
    /// What it was about, such as a model or a path.
    pub label: String,
}

impl std::fmt::Display for Called {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "#{} {}", self.number, self.import)?;
        if !self.label.is_empty() {
            write!(f, "({})", self.label)?;
        }
        Ok(())
    }
}

impl Trail {
    pub(super) fn call(&self, number: u64, import: &'static str, label: &str) {
        let mut facts = self.lock();
        // The strings of old entries are used again: this is on the way of every call.
        let mut entry = if facts.last_calls.len() < CALLS_KEPT {
            Called::default()
        } else {
            facts.last_calls.pop_front().unwrap_or_default()
        };
        entry.number = number;
        entry.import = import;
        entry.label.clear();
        let _ = entry.label.write_str(label);
        facts.last_calls.push_back(entry);
    }

    pub(super) fn fetched(&self, bytes: u64) {
        let mut facts = self.lock();
        facts.fetched_bytes += bytes;
        facts.pages += 1;
        facts.pages_since_save += 1;
        facts.largest_response_bytes = facts.largest_response_bytes.max(bytes);
    }

    pub(super) fn handed(&self, bytes: u64) {
        let mut facts = self.lock();
        facts.handed_bytes += bytes;
        facts.unsaved_bytes += bytes;
    }

    pub(super) fn saved(&self, bytes: u64) {
        let mut facts = self.lock();
        facts.saved_bytes += bytes;
        facts.unsaved_bytes = 0;
        facts.pages_since_save = 0;
        facts.last_save_at_page = Some(facts.pages);
    }

    pub(super) fn answer(&self, code: Code) {
        let mut facts = self.lock();
        if !facts.answered.contains(&code) {
            facts.answered.push(code);
        }
    }

    /// Whether the host answered `code` to a call of this run.
    pub fn answered(&self, code: Code) -> bool {
        self.lock().answered.contains(&code)
    }

    /// Notes a growth of the run's memory, or a refused one.
    pub fn grew(&self, total_bytes: u64, by_bytes: u64, refused: bool) {
        let mut facts = self.lock();
        let after_call = facts
            .last_calls
            .back()
            .map_or_else(|| "the start".to_owned(), Called::to_string);
        let growth = Growth {
            total_bytes,
            by_bytes,
            refused,
            after_call,
        };
        if facts.growths.len() < GROWTHS_KEPT {
            facts.growths.push(growth);
        } else if let Some(last) = facts.growths.last_mut().filter(|last| !last.refused) {
            *last = growth;
        }
    }

    /// A copy of what is known.
    pub fn facts(&self) -> Facts {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Facts> {
        self.facts
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
