//! Two stores, one story: a random sequence of operations gives the same answers, the
//! same feed and the same figures from a store as from its twin in memory, with restarts
//! in between.
//!
//! What may differ is left out of the comparison: the words of a reason, and how a store
//! words the end of a run that a restart cut.

use crate::world::*;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use std::fmt::Debug;
use tidegate::error::Result;
use tidegate::model::{
    BlockedDelete, ChangeFilter, Cursor, LogLevel, LogLine, ModelName, Outcome, RunRow, RunState,
    SaveMode,
};
use tidegate::store::{
    DeleteGuard, ForgetRuns, PassEnd, PruneQuery, Reset, RunBegun, RunFence, RunQuery,
};

const SYNCS: [&str; 2] = ["one", "two"];
const MODELS: [&str; 2] = [MODEL, "Deal"];
/// Few ids and contents, so that they meet often.
const IDS: [&str; 10] = [
    "a",
    "b",
    "c",
    "d",
    "e",
    "f",
    "7",
    "ü",
    "10",
    "id with spaces",
];

/// One step. Numbers choose from the lists above.
#[derive(Clone, Debug)]
pub enum Op {
    Begin {
        sync: usize,
    },
    End {
        sync: usize,
        outcome: u8,
        close: bool,
        guard: bool,
    },
    Save {
        sync: usize,
        model: usize,
        ids: Vec<usize>,
        content: u32,
        mode: u8,
    },
    Delete {
        sync: usize,
        model: usize,
        ids: Vec<usize>,
    },
    OpenPass {
        sync: usize,
        model: usize,
        resumed: bool,
    },
    SpoilPass {
        sync: usize,
        model: usize,
    },
    ClosePass {
        sync: usize,
        model: usize,
        guard: bool,
    },
    Checkpoint {
        sync: usize,
        page: Option<u8>,
    },
    Metadata {
        field: u8,
        value: u8,
        merge: bool,
    },
    Log {
        sync: usize,
        lines: u8,
    },
    Reset {
        sync: usize,
        records: bool,
    },
    Read {
        model: usize,
        limit: usize,
    },
    /// Of what the model's reader has read, or of what is older than some seconds.
    Prune {
        model: usize,
        seconds: Option<u8>,
        limit: usize,
    },
    Forget {
        per_sync: usize,
        seconds: u8,
    },
    Erase,
    Reopen,
}

/// Sequences of steps, the usual ones most often.
pub fn story() -> impl Strategy<Value = Vec<Op>> {
    let (sync, model, yes) = (0..SYNCS.len(), 0..MODELS.len(), any::<bool>());
    let of = (sync.clone(), model.clone());
    let ids = prop::sample::subsequence((0..IDS.len()).collect::<Vec<_>>(), 1..=IDS.len());
    let ids = ids.prop_shuffle();
    let save = (of.clone(), ids.clone(), 0..3u32, 0..4u8);
    let step = prop_oneof![
        6 => sync.clone().prop_map(|sync| Op::Begin { sync }),
        3 => (sync.clone(), 0..4u8, yes, yes)
            .prop_map(|(sync, outcome, close, guard)| Op::End { sync, outcome, close, guard }),
        9 => save.prop_map(|((sync, model), ids, content, mode)| Op::Save { sync, model, ids, content, mode }),
        3 => (of.clone(), ids).prop_map(|((sync, model), ids)| Op::Delete { sync, model, ids }),
        4 => (of.clone(), yes).prop_map(|((sync, model), resumed)| Op::OpenPass { sync, model, resumed }),
        1 => of.clone().prop_map(|(sync, model)| Op::SpoilPass { sync, model }),
        3 => (of, yes).prop_map(|((sync, model), guard)| Op::ClosePass { sync, model, guard }),
        3 => (sync.clone(), prop::option::of(0..3u8)).prop_map(|(sync, page)| Op::Checkpoint { sync, page }),
        1 => (0..3u8, 0..3u8, yes).prop_map(|(field, value, merge)| Op::Metadata { field, value, merge }),
        1 => (sync.clone(), 0..3u8).prop_map(|(sync, lines)| Op::Log { sync, lines }),
        1 => (sync, yes).prop_map(|(sync, records)| Op::Reset { sync, records }),
        3 => (model.clone(), 1..6usize).prop_map(|(model, limit)| Op::Read { model, limit }),
        3 => (model, prop::option::of(0..20u8), 1..8usize)
            .prop_map(|(model, seconds, limit)| Op::Prune { model, seconds, limit }),
        1 => (1..4usize, 0..40u8).prop_map(|(per_sync, seconds)| Op::Forget { per_sync, seconds }),
        1 => Just(Op::Erase),
        2 => Just(Op::Reopen),
    ];
    prop::collection::vec(step, 1..60)
}

/// One store's side of the story.
pub struct Side {
    world: World,
    /// The last run of each sync, live or not: a run that has ended is a straggler.
    runs: [Option<RunFence>; 2],
    /// A reader of each model.
    readers: [Option<Cursor>; 2],
}

impl Side {
    pub async fn new(factory: Box<dyn Factory>) -> Self {
        let world = World::new(factory).await;
        Side {
            world,
            runs: [None, None],
            readers: [None, None],
        }
    }

    /// Takes one step and answers in words what came of it.
    pub async fn step(&mut self, op: &Op) -> String {
        self.world.tick();
        match op {
            Op::Begin { sync } => self.begin(*sync).await,
            Op::Metadata {
                field,
                value,
                merge,
            } => {
                let json = format!(r#"{{"f{field}":{value}}}"#);
                let acme = connection("acme");
                told(self.world.store().put_metadata(&acme, &json, *merge).await)
            }
            Op::Reset { sync, records } => {
                let what = match records {
                    true => Reset::CheckpointAndRecords,
                    false => Reset::Checkpoint,
                };
                told(self.world.reset(SYNCS[*sync], &MODELS, what).await)
            }
            Op::Read { model, limit } => self.read(*model, *limit).await,
            Op::Prune {
                model,
                seconds,
                limit,
            } => {
                let query = PruneQuery {
                    through: self.readers[*model],
                    unchanged_since: seconds.map(|seconds| self.ago(seconds)),
                    limit: *limit,
                };
                let stream = stream(MODELS[*model]);
                told(self.world.service().prune(&stream, query).await)
            }
            Op::Forget { per_sync, seconds } => {
                let query = ForgetRuns {
                    before: self.ago(seconds * 2),
                    logs_before: self.ago(*seconds),
                    per_sync: *per_sync,
                };
                told(self.world.service().forget_runs(query).await)
            }
            Op::Erase => told(self.world.service().erase(&connection("acme")).await),
            Op::Reopen => self.reopen().await,
            Op::End { sync, .. }
            | Op::Save { sync, .. }
            | Op::Delete { sync, .. }
            | Op::OpenPass { sync, .. }
            | Op::SpoilPass { sync, .. }
            | Op::ClosePass { sync, .. }
            | Op::Checkpoint { sync, .. }
            | Op::Log { sync, .. } => match self.runs[*sync].clone() {
                Some(run) => self.write(&run, op).await,
                None => "no run yet".into(),
            },
        }
    }

    /// All that can be read, in words.
    pub async fn everything(&self) -> Vec<String> {
        let store = self.world.store();
        let mut all = Vec::new();
        for name in MODELS {
            let stream = stream(name);
            all.push(told(store.stats(&stream).await));
            for filter in [
                "added,updated,deleted",
                "added",
                "updated",
                "deleted",
                "added,deleted",
            ] {
                let filter: ChangeFilter = filter.parse().unwrap();
                for change in self.world.feed_of(&stream, 3, filter).await {
                    all.push(format!("{name} {change:?}"));
                }
            }
            all.push(told(store.get(&stream, &boxed(&IDS)).await));
        }
        for sync in SYNCS {
            let found = store.checkpoint(&key(sync)).await;
            all.push(format!("{sync} {}", told(found)));
        }
        all.push(told(store.metadata(&connection("acme")).await));
        let query = RunQuery {
            limit: 100,
            ..RunQuery::default()
        };
        for row in store.runs(query).await.unwrap() {
            all.push(told(store.run_log(row.id).await));
            all.push(row_in_words(row));
        }
        all.push(format!(
            "defects: {:?}",
            store.verify().await.unwrap().defects
        ));
        all
    }

    fn ago(&self, seconds: u8) -> Timestamp {
        self.world.now() - SignedDuration::from_secs(seconds.into())
    }

    async fn begin(&mut self, sync: usize) -> String {
        let begun = self.world.try_begin(&key(SYNCS[sync])).await;
        told(begun.map(
            |(
                run,
                RunBegun {
                    attempt,
                    interrupted_without_progress,
                    waits_without_progress,
                    checkpoint,
                },
            )| {
                self.runs[sync] = Some(run);
                let told = (interrupted_without_progress, waits_without_progress);
                (attempt, told, checkpoint)
            },
        ))
    }

    async fn read(&mut self, model: usize, limit: usize) -> String {
        let (stream, after) = (stream(MODELS[model]), self.readers[model]);
        let page = self
            .world
            .store()
            .changes(&stream, after, limit, ChangeFilter::ALL);
        let page = page.await;
        self.readers[model] = page.as_ref().ok().map(|page| page.cursor);
        told(page.map(|page| (page.changes, page.more)))
    }

    /// Restarts. A store that cannot restart ends the live runs as a restart would.
    async fn reopen(&mut self) -> String {
        self.world.reopen().await;
        for run in self
            .runs
            .iter()
            .flatten()
            .filter(|_| !self.world.restarts())
        {
            let end = ending(interrupted(), self.world.now());
            // Refused where the run has ended already.
            let _ = self.world.store().finish_run(run, end).await;
        }
        "restarted".into()
    }

    /// A step under the fence of `run`.
    async fn write(&self, run: &RunFence, op: &Op) -> String {
        let store = self.world.store();
        match op {
            Op::Save {
                model: nth,
                ids,
                content,
                mode,
                ..
            } => {
                let batch = batch(&lines(&chosen(ids), *content), &[]);
                told(
                    store
                        .save(run, &model(MODELS[*nth]), batch, mode_of(*mode))
                        .await,
                )
            }
            Op::Delete {
                model: nth, ids, ..
            } => told(
                store
                    .delete(run, &model(MODELS[*nth]), boxed(&chosen(ids)))
                    .await,
            ),
            Op::OpenPass {
                model: nth,
                resumed,
                ..
            } => told(store.open_pass(run, &model(MODELS[*nth]), *resumed).await),
            Op::SpoilPass { model: nth, .. } => {
                told(store.spoil_pass(run, &model(MODELS[*nth]), "refused").await)
            }
            Op::ClosePass {
                model: nth, guard, ..
            } => {
                let end = store
                    .close_pass(run, &model(MODELS[*nth]), guard_of(*guard))
                    .await;
                told(end.map(|end| match end {
                    PassEnd::Held(blocked) => PassEnd::Held(without_reason(blocked)),
                    other => other,
                }))
            }
            Op::Checkpoint { page, .. } => {
                let json = page.map(|page| format!(r#"{{"page":{page}}}"#));
                told(store.put_checkpoint(run, json).await)
            }
            Op::Log { lines, .. } => told(
                store
                    .append_log(run, (0..*lines).map(log_line).collect())
                    .await,
            ),
            Op::End {
                outcome,
                close,
                guard,
                ..
            } => {
                let mut end = ending(outcome_of(*outcome), self.world.now());
                let models = MODELS.iter().map(|name| model(name));
                end.close_passes = models.filter(|_| *close).collect::<Vec<ModelName>>();
                end.guard = guard_of(*guard);
                told(store.finish_run(run, end).await.map(row_in_words))
            }
            other => unreachable!("{other:?} needs no run"),
        }
    }
}

/// An answer in words: the value, or the code of the error.
fn told<T: Debug>(answer: Result<T>) -> String {
    match answer {
        Ok(value) => format!("{value:?}"),
        Err(error) => format!("refused: {}", error.code),
    }
}

/// A row without what stores may word differently.
fn row_in_words(mut row: RunRow) -> String {
    row.counts.retain(|_, counts| *counts != Default::default());
    row.blocked_deletes = row
        .blocked_deletes
        .into_iter()
        .map(without_reason)
        .collect();
    if let RunState::Ended(Outcome::Interrupted { error }) = &mut row.state {
        error.message.clear();
        (row.ended, row.usage) = (None, Default::default());
        row.warnings.clear();
    }
    format!("{row:?}")
}

fn without_reason(mut blocked: BlockedDelete) -> BlockedDelete {
    blocked.reason.clear();
    blocked
}

fn chosen(ids: &[usize]) -> Vec<&'static str> {
    ids.iter().map(|id| IDS[*id]).collect()
}

fn mode_of(nth: u8) -> SaveMode {
    match nth {
        0 => SaveMode::Merge,
        1 => SaveMode::IgnoreIfModifiedAfterStart,
        _ => SaveMode::Override,
    }
}

fn outcome_of(nth: u8) -> Outcome {
    match nth {
        0 => failed(),
        1 => cancelled(),
        2 => interrupted(),
        _ => Outcome::Success,
    }
}

/// A guard that holds where more than one in three goes, or none.
fn guard_of(on: bool) -> DeleteGuard {
    match on {
        true => DeleteGuard {
            share: 0.3,
            records: 1,
        },
        false => DeleteGuard::OFF,
    }
}

fn log_line(nth: u8) -> LogLine {
    LogLine {
        at: "2026-01-31T12:00:00Z".parse().unwrap(),
        level: LogLevel::Info,
        message: format!("line {nth}"),
        attributes: String::new(),
        exchange: None,
    }
}

/// Tells the story to both sides and compares all answers.
pub async fn compare(story: &[Op], twin: Box<dyn Factory>, other: Box<dyn Factory>) {
    let (mut twin, mut other) = (Side::new(twin).await, Side::new(other).await);
    for (nth, op) in story.iter().enumerate() {
        let (expected, found) = (twin.step(op).await, other.step(op).await);
        assert_eq!(found, expected, "step {nth}, {op:?}");
        if matches!(op, Op::Reopen | Op::End { .. }) {
            assert_same(&twin, &other, &format!("after step {nth}, {op:?}")).await;
        }
    }
    other.reopen().await;
    twin.reopen().await;
    assert_same(&twin, &other, "at the end").await;
}

async fn assert_same(twin: &Side, other: &Side, when: &str) {
    let (expected, found) = (twin.everything().await, other.everything().await);
    for (expected, found) in expected.iter().zip(&found) {
        assert_eq!(found, expected, "{when}");
    }
    assert_eq!(found.len(), expected.len(), "{when}");
}
