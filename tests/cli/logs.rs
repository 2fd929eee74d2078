//! `logs -f`: each line of each run once and in order, through the host's restarts, until
//! somebody has seen enough.

use crate::served::{Served, until};
use crate::{CHECKPOINT, each, holds};
use serde_json::Value;
use tidegate_provider::{Fault, Provider};

const FOLLOW: &[&str] = &[
    "logs",
    "--follow",
    "--sync",
    "contacts",
    "--integration",
    "crm",
    "--connection",
    "one",
];

fn lines(text: &str) -> Vec<Value> {
    // The last line may be half there.
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let lines = whole.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_run_under_way_is_followed_to_its_next_and_over_a_restart() {
    let provider = Provider::builder()
        .contacts(2_000, 7)
        .start_blocking()
        .unwrap();
    let mut served = Served::with(CHECKPOINT);
    provider.faults().after(3, "/contacts", Fault::Stall, 1);
    served.set_up(&provider);
    let mut follower = served.acme(FOLLOW).arg("--json").start();

    // The third page's checkpoint has brought the lines before it; the fourth never comes.
    let seen = until("the run's first lines are there", || {
        assert!(!follower.has_ended(), "{}", follower.stdout());
        let told = |line: &Value| line["message"].as_str().unwrap().contains("saved up to");
        Some(lines(&follower.stdout())).filter(|lines| lines.iter().any(told))
    });
    let first = seen[0]["run"].as_str().unwrap();
    assert!(each(&seen, "run").iter().all(|run| *run == first));
    assert_eq!(served.runs("crm", "contacts")[0]["state"], "running");

    // The run is cut with its host; what comes after is followed all the same.
    served.stop();
    served.start();
    let mut all = until("a second run has told of itself", || {
        assert!(!follower.has_ended(), "{}", follower.stdout());
        let lines = lines(&follower.stdout());
        let is_next = lines.iter().any(|line| line["run"] != first);
        is_next.then_some(lines)
    });
    follower.interrupt();
    let ended = follower.wait().expect(0);
    assert_eq!(ended.stderr, "");
    let last = lines(&ended.stdout);
    assert_eq!(last[..all.len()], all);
    all = last;
    let runs: Vec<&str> = each(&all, "run");
    assert!(runs.is_sorted(), "one run after the other: {runs:?}");
    let log = served.json(&["logs", first]);
    let own: Vec<&Value> = all.iter().filter(|line| line["run"] == first).collect();
    let logged = log["lines"].as_array().unwrap();
    assert_eq!(own.len(), logged.len(), "each line once");
    for (followed, logged) in own.iter().zip(logged) {
        assert_eq!(followed["message"], logged["message"]);
        assert_eq!(followed["at"], logged["at"]);
    }
}

#[test]
fn a_run_that_ended_is_followed_to_its_end() {
    let provider = Provider::builder()
        .contacts(600, 7)
        .start_blocking()
        .unwrap();
    let served = Served::with(CHECKPOINT);
    served.set_up(&provider);
    let run = served.ended("crm", "contacts", 1);
    let id = run["id"].as_str().unwrap();
    let plain = served.acme(&["logs", id]).run().expect(0);
    let followed = served.acme(&["logs", id, "-f"]).run().expect(0);
    assert_eq!(followed.stdout, plain.stdout);
    assert_eq!(plain.stdout.matches("saved up to").count(), 2);
    holds(&followed.stderr, &[id, "started", "success"]);
}

#[test]
fn a_host_that_was_never_there_is_not_waited_for() {
    let served = Served::with(b"");
    let gone = served.acme(FOLLOW).arg("--host").arg("http://127.0.0.1:1");
    let message = crate::refused(gone.run(), tidegate::error::Code::ProviderConnect);
    holds(&message, &["http://127.0.0.1:1", "tidegate serve"]);
}
