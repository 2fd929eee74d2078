//! The post-mortem: what held the memory when the cap bit, or where a guest stood when
//! it failed, in words that say what to change.

use crate::capability::trail::Facts;
use crate::error::{Code, Error};
use crate::limits::MIB;
use crate::memory::MemoryBudget;
use crate::model::{PostMortem, part_stack};

/// Pages without a save from which a guest is said to accumulate.
const ACCUMULATES_PAGES: u64 = 3;

/// What is known of the end beside the trail.
pub(super) struct Found<'a> {
    pub error: &'a Error,
    pub memory: &'a MemoryBudget,
    pub backtrace: Vec<String>,
    pub stderr_tail: String,
    pub next_checkpoint: Option<String>,
}

/// Writes the post-mortem.
pub(super) fn write(found: Found<'_>, facts: &Facts, saves: u64) -> PostMortem {
    let code = found.error.code;
    let (said, stack) = part_stack(&found.error.message);
    let verdict = match code {
        Code::LimitMemory => memory_verdict(found.memory, facts, saves),
        Code::LimitCpu | Code::GuestTrap => {
            let after = facts.last_calls.back().map_or_else(String::new, |call| {
                format!("; its last host call was {call}")
            });
            format!("{code}: {said}{after}; {}", code.advice())
        }
        _ => format!("{code}: {said}; {}", code.advice()),
    };
    // Of an error that was thrown the guest knows best where it stood.
    let backtrace = match found.backtrace.is_empty() {
        true => stack.into_iter().map(str::to_owned).collect(),
        false => found.backtrace,
    };
    PostMortem {
        verdict,
        growths: facts.growths.clone(),
        fetched_bytes: facts.fetched_bytes,
        handed_bytes: facts.handed_bytes,
        saved_bytes: facts.saved_bytes,
        unsaved_bytes: facts.unsaved_bytes,
        pages_since_save: facts.pages_since_save,
        largest_response_bytes: facts.largest_response_bytes,
        last_calls: facts.last_calls.iter().map(ToString::to_string).collect(),
        backtrace,
        stderr_tail: found.stderr_tail,
        next_checkpoint: found.next_checkpoint,
    }
}

fn memory_verdict(memory: &MemoryBudget, facts: &Facts, saves: u64) -> String {
    let wanted = memory.refused().unwrap_or_else(|| memory.peak());
    let head = format!(
        "out of memory: wanted {} of {}",
        mib(wanted),
        mib(memory.cap())
    );
    let pages = facts.pages_since_save;
    let cause = if pages >= ACCUMULATES_PAGES {
        let since = match facts.last_save_at_page {
            None => "nothing was ever saved".to_owned(),
            Some(page) => format!("nothing saved since page {page}"),
        };
        let bytes = mib(facts.unsaved_bytes);
        format!(
            "it accumulates pages before batch-save: {pages} pages ({bytes}) fetched, {since}; save each page"
        )
    } else if facts.largest_response_bytes * 4 > memory.cap() {
        let largest = mib(facts.largest_response_bytes);
        format!(
            "one response has {largest}, which takes several times that once parsed; ask the provider for smaller pages"
        )
    } else if facts.pages == 0 {
        "it fetched nothing: the memory is the guest's own; generate and save in smaller batches"
            .to_owned()
    } else {
        let (handed, saved) = (mib(facts.handed_bytes), mib(facts.saved_bytes));
        format!(
            "each page was saved ({saves} saves, {handed} handed to the guest, {saved} saved), so something else holds on: \
             look for a list or a map that grows with every page"
        )
    };
    format!("{head}; {cause}")
}

fn mib(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / MIB as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_names_the_cause() {
        let memory = MemoryBudget::new(16 * MIB);
        assert!(!memory.take(17 * MIB));
        for (facts, says) in [
            (
                Facts {
                    pages: 212,
                    pages_since_save: 212,
                    unsaved_bytes: 31 * MIB,
                    ..Facts::default()
                },
                "212 pages (31.0 MiB) fetched, nothing was ever saved; save each page",
            ),
            (
                Facts {
                    pages: 9,
                    pages_since_save: 8,
                    last_save_at_page: Some(1),
                    ..Facts::default()
                },
                "nothing saved since page 1",
            ),
            (
                Facts {
                    pages: 1,
                    pages_since_save: 1,
                    largest_response_bytes: 8 * MIB,
                    ..Facts::default()
                },
                "smaller pages",
            ),
            (Facts::default(), "fetched nothing"),
            (
                Facts {
                    pages: 50,
                    last_save_at_page: Some(50),
                    ..Facts::default()
                },
                "grows with every page",
            ),
        ] {
            let verdict = memory_verdict(&memory, &facts, 50);
            assert!(
                verdict.contains(says) && verdict.contains("wanted 17.0 MiB of 16.0 MiB"),
                "{verdict}"
            );
        }
    }
}
