//! Power losses, simulated: a random workload on a machine whose power goes at one step
//! of it, for every step. What comes up again must be exactly what was acknowledged,
//! with or without the one write that was under way, and readers must have missed
//! nothing and seen nothing that is not there.
//!
//! `TIDEGATE_CRASH_SEEDS` sets how many workloads are tried; a failure names its seed and
//! step.

use futures_util::FutureExt;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tidegate::clock::{Clock, ManualClock};
use tidegate::error::{Code, Result};
use tidegate::model::json::scan;
use tidegate::model::{
    Action, ChangeFilter, ConnectionKey, Cursor, Digest, ModelName, Outcome, RunId, RunState,
    SaveMode, StreamKey, SyncKey, SyncName, Trigger, Variant,
};
use tidegate::store::sled::simulation::Machine;
use tidegate::store::sled::{OpenOptions, SledStore};
use tidegate::store::{
    DeleteGuard, Health, PassEnd, PruneQuery, Reset, RetentionStore, RunEnd, RunFence, RunQuery,
    RunStart, Store,
};

/// Operations of a workload: enough for several flushes, index runs and merges.
const OPERATIONS: usize = 60;
/// Ids in play: few, so that records change, go and come back.
const IDS: u64 = 80;
/// Workloads tried where the environment says nothing.
const SEEDS: u64 = 3;

/// Small, so that a short workload meets every part of the store.
const OPTIONS: OpenOptions = OpenOptions {
    disk_free_bytes_min: 0,
    journal_bytes: 8 << 10,
    index_entries_waiting: 48,
    map_bytes: 150,
    open_time: Duration::from_secs(60),
    read_time: Duration::from_secs(45),
};

/// A generator of choices that a seed decides.
struct Choices(u64);

impl Choices {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// What the store should hold.
#[derive(Clone, Debug, Default, PartialEq)]
struct Truth {
    records: BTreeMap<String, Record>,
    checkpoint: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Record {
    version: u64,
    live: bool,
    pruned: bool,
}

/// What can be read of a record: its version, unless it is pruned, and whether it is live.
type Seen = (Option<u64>, bool);

impl Record {
    fn seen(&self) -> Seen {
        ((!self.pruned).then_some(self.version), self.live)
    }
}

impl Truth {
    fn seen(&self) -> (BTreeMap<String, Seen>, Option<String>) {
        let records = self.records.iter();
        let records = records.map(|(id, record)| (id.clone(), record.seen()));
        (records.collect(), self.checkpoint.clone())
    }
}

/// What a reader of the feed made of it.
#[derive(Default)]
struct Mirror {
    records: BTreeMap<String, Seen>,
    cursor: Option<Cursor>,
}

struct Trial {
    machine: Machine,
    clock: Arc<ManualClock>,
    store: SledStore,
    choices: Choices,
    truth: Truth,
    /// The truth if the write under way had its effect.
    maybe: Option<Truth>,
    mirror: Mirror,
    fence: Option<RunFence>,
    /// Ids seen by the open pass.
    pass: Option<Vec<String>>,
    versions: u64,
    runs: u64,
}

#[test]
fn acknowledged_writes_survive_a_power_loss_at_every_step() {
    let seeds = std::env::var("TIDEGATE_CRASH_SEEDS").map_or(SEEDS, |text| {
        text.parse().expect("TIDEGATE_CRASH_SEEDS is a number")
    });
    for seed in 0..seeds {
        let undisturbed = run(seed, u64::MAX);
        for step in 1..=undisturbed {
            run(seed, step);
        }
        println!("seed {seed}: {undisturbed} steps");
    }
}

/// Runs the workload of a seed, without power from a step on; answers the steps taken.
fn run(seed: u64, step: u64) -> u64 {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let trial = AssertUnwindSafe(async {
        let machine = Machine::new(seed ^ step.rotate_left(32));
        machine.go_down_at(step);
        let Some(mut trial) = Trial::start(machine.clone(), seed).await else {
            return machine.steps();
        };
        let mut steps = None;
        for _ in 0..OPERATIONS {
            let worked = trial.operate().await;
            if worked.is_err() {
                assert!(matches!(trial.store.health(), Health::Failed(_)));
            }
            // The power may also go between two writes, in work beside them.
            let worked = match worked {
                Ok(()) => trial.read_on().await,
                error => error,
            };
            if let Err(error) = worked {
                assert_eq!(error.code, Code::StoreUnavailable, "{error}");
                steps.get_or_insert(machine.steps());
                trial.come_back().await;
            }
        }
        if steps.is_none() {
            // From here on the power stays; work beside the writes may just have lost it.
            machine.go_down_at(u64::MAX);
            if machine.is_down() {
                trial.come_back().await;
            }
        }
        trial.check().await;
        drop(trial);
        steps.unwrap_or(machine.steps())
    });
    match runtime.block_on(trial.catch_unwind()) {
        Ok(steps) => steps,
        Err(panic) => {
            eprintln!("failed with seed {seed}, power gone at step {step}");
            std::panic::resume_unwind(panic)
        }
    }
}

impl Trial {
    /// Opens a store on a new machine; the power may go while it does.
    async fn start(machine: Machine, seed: u64) -> Option<Trial> {
        let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
        let opened = SledStore::open_on(machine.platform(), OPTIONS, clock.clone());
        let store = match opened {
            Ok(store) => store,
            Err(_) => {
                machine.restart();
                SledStore::open_on(machine.platform(), OPTIONS, clock.clone())
                    .expect("a store opens after a power loss at its creation")
            }
        };
        Some(Trial {
            machine,
            clock,
            store,
            choices: Choices(seed),
            truth: Truth::default(),
            maybe: None,
            mirror: Mirror::default(),
            fence: None,
            pass: None,
            versions: 0,
            runs: 0,
        })
    }

    /// One operation of the workload. An error is a power loss.
    async fn operate(&mut self) -> Result<()> {
        self.clock.advance(Duration::from_secs(1));
        let Some(fence) = self.fence.clone() else {
            return match self.choices.below(8) {
                0 => self.clear().await,
                _ => self.begin().await,
            };
        };
        match self.choices.below(13) {
            12 => self.prune().await,
            0..6 => self.save(&fence).await,
            6 => self.delete(&fence).await,
            7..9 => self.move_checkpoint(&fence).await,
            9 => self.open_pass(&fence).await,
            10 if self.pass.is_some() => self.close_pass(&fence).await,
            _ => self.finish(&fence).await,
        }
    }

    async fn begin(&mut self) -> Result<()> {
        self.runs += 1;
        let run = RunId::new(self.runs, u128::from(self.runs));
        let start = RunStart {
            run,
            key: sync(),
            digest: Digest::of(b"crash"),
            version: "1".into(),
            trigger: Trigger::Manual,
            started: self.clock.now(),
            memory_cap_bytes: 0,
        };
        let begun = self.store.begin_run(start).await?;
        assert_eq!(
            begun.checkpoint.map(|checkpoint| checkpoint.json),
            self.truth.checkpoint
        );
        self.fence = Some(RunFence { run, key: sync() });
        Ok(())
    }

    async fn save(&mut self, fence: &RunFence) -> Result<()> {
        self.versions += 1;
        let (mut lines, mut next, mut seen) = (String::new(), self.truth.clone(), Vec::new());
        let mut ids: Vec<u64> = (0..self.choices.below(20) + 1)
            .map(|_| self.choices.below(IDS))
            .collect();
        ids.sort_unstable();
        ids.dedup();
        for id in ids {
            let id = format!("r{id}");
            let old = next.records.get(&id).filter(|record| record.live);
            let version = match (old, self.choices.below(3)) {
                (Some(record), 0) => record.version,
                _ => self.versions,
            };
            // Wide lines, so that a journal frame spans sectors of the disk.
            lines += &format!("{{\"id\":\"{id}\",\"v\":{version},\"w\":\"{version:0>60}\"}}\n");
            let record = Record {
                version,
                live: true,
                pruned: false,
            };
            next.records.insert(id.clone(), record);
            seen.push(id);
        }
        let batch =
            scan(lines.into(), &Arc::default()).expect("records of this test are well formed");
        self.maybe = Some(next.clone());
        self.store
            .save(fence, &model(), batch, SaveMode::Override)
            .await?;
        self.settle(next);
        if let Some(pass) = &mut self.pass {
            pass.extend(seen);
        }
        Ok(())
    }

    async fn delete(&mut self, fence: &RunFence) -> Result<()> {
        let ids: Vec<String> = (0..3)
            .map(|_| format!("r{}", self.choices.below(IDS)))
            .collect();
        let mut next = self.truth.clone();
        for id in &ids {
            next.records
                .entry(id.clone())
                .and_modify(|record| record.live = false);
        }
        self.maybe = Some(next.clone());
        let boxed = ids.iter().map(|id| id.as_str().into()).collect();
        self.store.delete(fence, &model(), boxed).await?;
        self.settle(next);
        Ok(())
    }

    async fn move_checkpoint(&mut self, fence: &RunFence) -> Result<()> {
        self.versions += 1;
        let mut next = self.truth.clone();
        next.checkpoint =
            (self.choices.below(5) > 0).then(|| format!("{{\"at\":{}}}", self.versions));
        self.maybe = Some(next.clone());
        self.store
            .put_checkpoint(fence, next.checkpoint.clone())
            .await?;
        self.settle(next);
        Ok(())
    }

    async fn open_pass(&mut self, fence: &RunFence) -> Result<()> {
        self.store.open_pass(fence, &model(), false).await?;
        self.pass = Some(Vec::new());
        Ok(())
    }

    async fn close_pass(&mut self, fence: &RunFence) -> Result<()> {
        let mut next = self.truth.clone();
        if let Some(seen) = &self.pass {
            for (id, record) in &mut next.records {
                record.live &= seen.contains(id);
            }
        }
        self.maybe = Some(next.clone());
        let end = self
            .store
            .close_pass(fence, &model(), DeleteGuard::OFF)
            .await?;
        assert!(matches!(end, PassEnd::Deleted(_)), "{end:?}");
        self.settle(next);
        self.pass = None;
        Ok(())
    }

    /// Takes the content of every record away.
    async fn prune(&mut self) -> Result<()> {
        let mut next = self.truth.clone();
        next.records
            .values_mut()
            .for_each(|record| record.pruned = true);
        self.maybe = Some(next.clone());
        let query = PruneQuery {
            through: None,
            unchanged_since: None,
            limit: usize::MAX,
        };
        self.store.prune(&stream(), query).await?;
        self.settle(next);
        Ok(())
    }

    /// Takes every record and the checkpoint away.
    async fn clear(&mut self) -> Result<()> {
        let next = Truth::default();
        self.maybe = Some(next.clone());
        let what = Reset::CheckpointAndRecords;
        self.store.reset(&sync(), &[model()], what).await?;
        self.settle(next);
        self.mirror.records.clear();
        Ok(())
    }

    async fn finish(&mut self, fence: &RunFence) -> Result<()> {
        let end = RunEnd {
            guard: DeleteGuard::OFF,
            ..RunEnd::new(Outcome::Success, self.clock.now())
        };
        self.store.finish_run(fence, end).await?;
        (self.fence, self.pass) = (None, None);
        Ok(())
    }

    fn settle(&mut self, next: Truth) {
        self.truth = next;
        self.maybe = None;
    }

    /// Restarts the machine after a power loss and finds out which way the write that
    /// was under way went.
    async fn come_back(&mut self) {
        self.machine.restart();
        self.store = SledStore::open_on(self.machine.platform(), OPTIONS, self.clock.clone())
            .expect("the store opens after a power loss");
        (self.fence, self.pass) = (None, None);
        let found = self.found().await;
        if let Some(maybe) = self.maybe.take()
            && maybe.seen() == found
        {
            // Of what is cleared, a reader is told nothing.
            let gone = maybe.records.is_empty() && !self.truth.records.is_empty();
            self.truth = maybe;
            if gone {
                self.mirror.records.clear();
            }
        }
        self.check().await;
        let running = self.store.runs(RunQuery {
            limit: usize::MAX,
            ..RunQuery::default()
        });
        for row in running.await.expect("runs are listed") {
            assert_ne!(
                row.state,
                RunState::Running,
                "run {} is still running",
                row.id
            );
        }
    }

    /// What the store holds.
    async fn found(&mut self) -> (BTreeMap<String, Seen>, Option<String>) {
        let mut whole = Mirror::default();
        self.read_into(&mut whole).await.expect("the feed is read");
        let checkpoint = self
            .store
            .checkpoint(&sync())
            .await
            .expect("the checkpoint is read");
        (whole.records, checkpoint.map(|checkpoint| checkpoint.json))
    }

    /// Holds what is there against what should be, by each way of reading.
    async fn check(&mut self) {
        let found = self.found().await;
        assert_eq!(found, self.truth.seen());
        self.read_on().await.expect("the feed is read");
        // Of a record that was pruned before it was read, a reader has no version.
        let fits = |(id, (version, live)): (&String, &Seen)| {
            let truth = self.truth.records.get(id);
            truth.is_some_and(|truth| {
                truth.live == *live && version.is_none_or(|version| version == truth.version)
            })
        };
        let read = &self.mirror.records;
        assert!(
            read.len() == self.truth.records.len() && read.iter().all(fits),
            "a reader missed a change: {read:?}, not {:?}",
            self.truth
        );
        let stats = self.store.stats(&stream()).await.expect("stats");
        let live = self
            .truth
            .records
            .values()
            .filter(|record| record.live)
            .count() as u64;
        assert_eq!(
            (stats.live, stats.live + stats.deleted),
            (live, self.truth.records.len() as u64)
        );
        let report = self.store.verify().await.expect("verify");
        assert_eq!(report.defects, Vec::<String>::new());
    }

    /// Lets the reader go on from its cursor.
    async fn read_on(&mut self) -> Result<()> {
        let mut mirror = std::mem::take(&mut self.mirror);
        let read = self.read_into(&mut mirror).await;
        self.mirror = mirror;
        read
    }

    async fn read_into(&mut self, mirror: &mut Mirror) -> Result<()> {
        let stream = stream();
        loop {
            let limit = self.choices.below(30) as usize + 1;
            let page = self
                .store
                .changes(&stream, mirror.cursor, limit, ChangeFilter::ALL);
            let page = page.await?;
            let mut last = mirror.cursor.map_or(0, |cursor| cursor.sequence);
            for change in &page.changes {
                assert!(
                    change.sequence > last,
                    "sequence {} after {last}",
                    change.sequence
                );
                last = change.sequence;
                let body: serde_json::Value =
                    serde_json::from_slice(&change.body).expect("a body is JSON");
                let version = body["v"].as_u64();
                assert_eq!(version.is_none(), change.pruned.is_some());
                mirror.records.insert(
                    change.id.to_string(),
                    (version, change.action != Action::Deleted),
                );
            }
            mirror.cursor = Some(page.cursor);
            if !page.more {
                return Ok(());
            }
        }
    }
}

fn sync() -> SyncKey {
    SyncKey {
        connection: ConnectionKey::new("prod", "crm", "acme").expect("names"),
        sync: SyncName::new("contacts").expect("a name"),
        variant: Variant::base(),
    }
}

fn model() -> ModelName {
    ModelName::new("Contact").expect("a name")
}

fn stream() -> StreamKey {
    sync().stream(model())
}
