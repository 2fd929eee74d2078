//! What is printed of a run: its report, and the post-mortem of one that ended badly.

use super::output::{Output, clean, count, duration, mib};
use crate::model::{PostMortem, RunRow, RunState};

/// Growths of memory that are shown, from the last one back.
const GROWTHS_SHOWN: usize = 8;
/// Frames of the backtrace that are shown.
const FRAMES_SHOWN: usize = 12;

/// Prints a run's report.
pub(super) fn report(row: &RunRow, output: &Output) {
    if output.is_json() {
        output.json(row);
        return;
    }
    let state = match &row.state {
        RunState::Running => "running",
        RunState::Ended(outcome) => outcome.word(),
    };
    output.say(&format!(
        "run {} of {} {}: {state}",
        row.id, row.key.sync, row.version
    ));
    if let Some(until) = row.waits_until() {
        output.say(&format!("it goes on from its checkpoint at {until:.0}"));
    }
    let counts = row.counts.iter().map(|(model, counts)| {
        let figures = [
            counts.added,
            counts.updated,
            counts.deleted,
            counts.unchanged,
        ]
        .map(count);
        std::iter::once(model.to_string()).chain(figures).collect()
    });
    let table = output.table(
        &["model", "added", "updated", "deleted", "unchanged"],
        counts.collect(),
        &[1, 2, 3, 4],
    );
    output.say(&table);
    let usage = &row.usage;
    let used = vec![vec![
        count(usage.pages),
        count(usage.requests),
        count(usage.retries),
        duration(usage.waited_ms * 1_000),
        format!(
            "{} of {}",
            mib(usage.memory_peak_bytes),
            mib(usage.memory_cap_bytes)
        ),
        duration(usage.cpu_us),
        duration(usage.wall_us),
    ]];
    let head = [
        "pages",
        "requests",
        "retries",
        "waited",
        "peak memory",
        "CPU",
        "time",
    ];
    output.say(&output.table(&head, used, &[0, 1, 2, 3, 4, 5, 6]));
    let none = || "none".to_owned();
    let before = row.checkpoint_before.clone().unwrap_or_else(none);
    let after = row.checkpoint_after.clone().unwrap_or_else(none);
    output.say(&format!("checkpoint: {before} → {after}"));
    for blocked in &row.blocked_deletes {
        output.say(&format!(
            "held: deleting {} of {} {}: {}",
            blocked.would_delete, blocked.live, blocked.model, blocked.reason
        ));
        output.say("      look at the sample in the report; run again with --allow-large-deletes to carry it out");
    }
    for warning in &row.warnings {
        output.say(&format!("warning: {}", clean(warning)));
    }
    if let Some(post_mortem) = &row.post_mortem {
        print_post_mortem(post_mortem, output);
    }
}

/// Prints a post-mortem for people.
fn print_post_mortem(found: &PostMortem, output: &Output) {
    output.heading("post-mortem");
    output.say(&clean(&found.verdict));
    let figures = [
        ("fetched", found.fetched_bytes),
        ("handed to the guest", found.handed_bytes),
        ("saved", found.saved_bytes),
        ("handed since the last save", found.unsaved_bytes),
        ("largest response", found.largest_response_bytes),
    ];
    let figures = figures.map(|(what, bytes)| format!("{what} {}", mib(bytes)));
    output.say(&figures.join(", "));
    if !found.growths.is_empty() {
        let from = found.growths.len().saturating_sub(GROWTHS_SHOWN);
        let rows = found.growths.iter().skip(from).map(|growth| {
            let note = if growth.refused { "refused" } else { "" };
            vec![
                mib(growth.total_bytes),
                format!("+{}", mib(growth.by_bytes)),
                clean(&growth.after_call),
                note.to_owned(),
            ]
        });
        let head = ["memory held", "growth", "after the host call", ""];
        output.say(&format!("the last of {} growths:", found.growths.len()));
        output.say(&output.table(&head, rows.collect(), &[0, 1]));
    }
    if !found.backtrace.is_empty() {
        output.say("where the guest stood:");
        found
            .backtrace
            .iter()
            .take(FRAMES_SHOWN)
            .for_each(|frame| output.say(&format!("  {}", clean(frame))));
    }
    if !found.stderr_tail.trim().is_empty() {
        output.say(&format!(
            "it wrote to stderr:\n{}",
            clean(found.stderr_tail.trim_end())
        ));
    }
    output.say(&match &found.next_checkpoint {
        Some(checkpoint) => format!(
            "the next run starts from the checkpoint {}",
            clean(checkpoint)
        ),
        None => "the next run starts from the beginning: there is no checkpoint".to_owned(),
    });
}
