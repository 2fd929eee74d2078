//! What the durable store does, on this machine, beside what its disk does.
//!
//! ```text
//! cargo bench -p tidegate --bench store
//! ```
//!
//! `TIDEGATE_BENCH_RECORDS` sets the number of records (1,000,000 by default, of about
//! 500 bytes with random 16-digit ids, in durable batches of 1,000 from one writer),
//! `TIDEGATE_BENCH_FOLDER` the folder (a temporary one by default; it must be on the disk
//! in question, not in memory). Judge by the ratios: absolute figures are the machine's,
//! and where others use it too, only CPU time per record says much.

use std::error::Error;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tidegate::clock::SystemClock;
use tidegate::model::json::{RecordRules, scan};
use tidegate::model::{
    ChangeFilter, ConnectionKey, Digest, ModelName, Outcome, RecordBatch, RunId, SaveMode,
    SaveSummary, StreamKey, SyncKey, SyncName, Trigger, Variant,
};
use tidegate::store::sled::{OpenOptions, SledStore};
use tidegate::store::{DeleteGuard, PruneQuery, RetentionStore, RunEnd, RunFence, RunStart, Store};

/// Records in a batch, as in Nango.
const BATCH: u64 = 1_000;
/// Records of the small store that the cost at full size is held against.
const SMALL: u64 = 10_000;
/// Rounds over the small store; their mean counts.
const SMALL_ROUNDS: u32 = 5;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let count = std::env::var("TIDEGATE_BENCH_RECORDS")
        .ok()
        .map(|text| text.parse())
        .transpose()?
        .unwrap_or(1_000_000u64);
    let folder = match std::env::var_os("TIDEGATE_BENCH_FOLDER") {
        Some(folder) => tempfile::tempdir_in(folder)?,
        None => tempfile::tempdir()?,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(run(folder.path(), count.next_multiple_of(BATCH)))
}

async fn run(folder: &Path, count: u64) -> Result<()> {
    println!("{count} records of about 500 bytes, durable batches of {BATCH}, one writer\n");
    let small = small(folder).await?;
    let floor = floor(&folder.join("floor"), count)?;
    println!(
        "{:34} {:>12}/s",
        "raw append + fdatasync",
        rate(count, floor)
    );

    let path = folder.join("store");
    let mut bench = Bench::open(&path)?;
    let fence = bench.begin().await?;
    let new = bench.save_all(&fence, 0..count, |_| 0).await?;
    assert_eq!(u64::from(new.summary.added), count);
    bench.finish(&fence).await?;
    print_phase("new", &new, count, floor);
    let small_count = SMALL * u64::from(SMALL_ROUNDS);
    println!(
        "{:34} {:>12.2}   cost of a record against {SMALL} records; in CPU time {:.2}",
        "",
        per_record(new.store, count) / per_record(small.store, small_count),
        per_record(new.cpu, count) / per_record(small.cpu, small_count),
    );
    println!(
        "{:34} {:>12.2}   cost of a record in the last tenth against the first",
        "", new.last_tenth
    );
    println!(
        "{:34} {:>12.3}   bytes on disk per byte of JSON",
        "",
        on_disk(&path)? / new.json
    );

    let fence = bench.begin().await?;
    let same = bench.save_all(&fence, 0..count, |_| 0).await?;
    assert_eq!(u64::from(same.summary.unchanged), count);
    bench.finish(&fence).await?;
    print_phase("unchanged", &same, count, floor);

    let fence = bench.begin().await?;
    let tenth = bench
        .save_all(&fence, 0..count, |at| u64::from(at % 10 == 3))
        .await?;
    assert_eq!(
        u64::from(tenth.summary.updated),
        count.div_ceil(10).min(count / 10)
    );
    bench.finish(&fence).await?;
    print_phase("10 % changed", &tenth, count, floor);
    println!(
        "{:34} {:>12.3}   bytes on disk per byte of JSON",
        "",
        on_disk(&path)? / new.json
    );

    let (read, time) = bench.read_all().await?;
    assert_eq!(read, count);
    println!(
        "{:34} {:>12}/s",
        "feed read, from the start",
        rate(count, time)
    );

    let fence = bench.begin().await?;
    bench.store.open_pass(&fence, &bench.model, false).await?;
    let seen = bench
        .save_all(&fence, 0..count, |at| u64::from(at % 10 == 3))
        .await?;
    print_phase("unchanged, in a delete pass", &seen, count, floor);
    let start = Instant::now();
    bench
        .store
        .close_pass(&fence, &bench.model, DeleteGuard::OFF)
        .await?;
    println!(
        "{:34} {:>12.2} ms",
        "delete pass, nothing gone",
        millis(start.elapsed())
    );
    bench.finish(&fence).await?;

    let fence = bench.begin().await?;
    bench.store.open_pass(&fence, &bench.model, false).await?;
    let kept = count - count / 100;
    bench
        .save_all(&fence, 0..kept, |at| u64::from(at % 10 == 3))
        .await?;
    let start = Instant::now();
    bench
        .store
        .close_pass(&fence, &bench.model, DeleteGuard::OFF)
        .await?;
    println!(
        "{:34} {:>12.2} ms",
        "delete pass, 1 % gone",
        millis(start.elapsed())
    );
    bench.finish(&fence).await?;

    println!(
        "{:34} {:>12.0} MiB",
        "resident memory of this process",
        resident_mib()
    );
    let Bench { store, stream, .. } = bench;
    let start = Instant::now();
    store.close()?;
    println!("{:34} {:>12.2} ms", "close", millis(start.elapsed()));
    let start = Instant::now();
    let store = SledStore::open(&path, options(), Arc::new(SystemClock::new()))?;
    let opened = start.elapsed();
    assert_eq!(store.stats(&stream).await?.live, kept);
    println!(
        "{:34} {:>12.2} ms   and {:.2} ms more until the index is there",
        "open again",
        millis(opened),
        millis(start.elapsed() - opened)
    );
    let start = Instant::now();
    let report = store.verify().await?;
    assert!(report.defects.is_empty(), "{:?}", report.defects);
    println!("{:34} {:>12.2} ms", "verify", millis(start.elapsed()));
    store.close()?;
    room(&path, count).await
}

/// Whether room comes back: takes the content of every record away, saves as many anew,
/// and looks at the disk before and after.
async fn room(path: &Path, count: u64) -> Result<()> {
    let mut bench = Bench::open(path)?;
    bench.runs = RUNS_BEFORE;
    let environment = bench.stream.connection.environment.clone();
    let (full, stored) = (on_disk(path)?, bench.store.stored_bytes(&environment));
    let query = PruneQuery {
        through: None,
        unchanged_since: None,
        limit: usize::MAX,
    };
    let start = Instant::now();
    let pruned = bench.store.prune(&bench.stream, query).await?;
    println!(
        "{:34} {:>12}/s   the log takes {:.2} of what it took",
        "prune of everything",
        rate(pruned.count, start.elapsed()),
        bench.store.stored_bytes(&environment) as f64 / stored as f64
    );
    let fence = bench.begin().await?;
    bench.save_all(&fence, 0..count, |_| 2).await?;
    bench.finish(&fence).await?;
    bench.store.close()?;
    println!(
        "{:34} {:>12.2}   of the disk before, once as much was saved anew",
        "",
        on_disk(path)? / full
    );
    Ok(())
}

/// More than the runs of the phases before: ids of runs are not given twice.
const RUNS_BEFORE: u64 = 1_000;

/// What new records cost in a small store, over all rounds.
async fn small(folder: &Path) -> Result<Phase> {
    let mut all = Phase::default();
    for round in 0..SMALL_ROUNDS {
        let mut bench = Bench::open(&folder.join(format!("small-{round}")))?;
        let fence = bench.begin().await?;
        let phase = bench.save_all(&fence, 0..SMALL, |_| 0).await?;
        bench.finish(&fence).await?;
        all.store += phase.store;
        all.cpu += phase.cpu;
    }
    Ok(all)
}

/// Appends the same bytes to a bare file, synced for every batch.
fn floor(path: &Path, count: u64) -> Result<Duration> {
    let mut file = File::create(path)?;
    let body = body(0..BATCH, |_| 0);
    let start = Instant::now();
    for _ in 0..count / BATCH {
        file.write_all(&body)?;
        file.sync_data()?;
    }
    let time = start.elapsed();
    fs::remove_file(path)?;
    Ok(time)
}

/// One store under test.
struct Bench {
    store: SledStore,
    sync: SyncKey,
    model: ModelName,
    stream: StreamKey,
    rules: Arc<RecordRules>,
    runs: u64,
}

/// What one phase took and did.
#[derive(Default)]
struct Phase {
    scan: Duration,
    store: Duration,
    /// CPU time of the whole process, scanning and the bench itself left out.
    cpu: Duration,
    commits: Vec<Duration>,
    /// The time of the last tenth of the commits, over that of the first.
    last_tenth: f64,
    summary: SaveSummary,
    json: f64,
}

impl Bench {
    fn open(path: &Path) -> Result<Bench> {
        let sync = SyncKey {
            connection: ConnectionKey::new("bench", "crm", "one")?,
            sync: SyncName::new("records")?,
            variant: Variant::base(),
        };
        let model = ModelName::new("Record")?;
        Ok(Bench {
            store: SledStore::open(path, options(), Arc::new(SystemClock::new()))?,
            stream: sync.stream(model.clone()),
            sync,
            model,
            rules: Arc::default(),
            runs: 0,
        })
    }

    async fn begin(&mut self) -> Result<RunFence> {
        self.runs += 1;
        let run = RunId::new(self.runs, 0);
        let start = RunStart {
            run,
            key: self.sync.clone(),
            digest: Digest::of(b"bench"),
            version: "1".into(),
            trigger: Trigger::Manual,
            started: jiff::Timestamp::now(),
            memory_cap_bytes: 0,
        };
        self.store.begin_run(start).await?;
        Ok(RunFence {
            run,
            key: self.sync.clone(),
        })
    }

    async fn finish(&self, fence: &RunFence) -> Result<()> {
        let end = RunEnd::new(Outcome::Success, jiff::Timestamp::now());
        self.store.finish_run(fence, end).await?;
        Ok(())
    }

    async fn save_all(
        &self,
        fence: &RunFence,
        range: std::ops::Range<u64>,
        version: impl Fn(u64) -> u64,
    ) -> Result<Phase> {
        let mut phase = Phase::default();
        for first in range.clone().step_by(BATCH as usize) {
            let body = body(first..(first + BATCH).min(range.end), &version);
            phase.json += body.len() as f64;
            let start = Instant::now();
            let batch: RecordBatch = scan(body.into(), &self.rules)?;
            phase.scan += start.elapsed();
            let (start, cpu) = (Instant::now(), cpu_time());
            let summary = self
                .store
                .save(fence, &self.model, batch, SaveMode::Override)
                .await?;
            let time = start.elapsed();
            phase.store += time;
            phase.cpu += cpu_time().saturating_sub(cpu);
            phase.commits.push(time);
            phase.summary.added += summary.added;
            phase.summary.updated += summary.updated;
            phase.summary.unchanged += summary.unchanged;
        }
        let tenth = (phase.commits.len() / 10).max(1);
        let sum = |part: &[Duration]| part.iter().sum::<Duration>().as_secs_f64();
        let (_, last) = phase.commits.split_at(phase.commits.len() - tenth);
        phase.last_tenth = sum(last) / sum(&phase.commits[..tenth]);
        phase.commits.sort();
        Ok(phase)
    }

    async fn read_all(&self) -> Result<(u64, Duration)> {
        let (mut read, mut after) = (0, None);
        let start = Instant::now();
        loop {
            let page = self
                .store
                .changes(&self.stream, after, BATCH as usize, ChangeFilter::ALL)
                .await?;
            read += page.changes.len() as u64;
            after = Some(page.cursor);
            if !page.more {
                return Ok((read, start.elapsed()));
            }
        }
    }
}

fn options() -> OpenOptions {
    OpenOptions {
        disk_free_bytes_min: 0,
        ..OpenOptions::default()
    }
}

/// Records as a CRM sends them: text that repeats in kind, not in value.
fn body(numbers: std::ops::Range<u64>, version: impl Fn(u64) -> u64) -> Vec<u8> {
    let mut body = Vec::with_capacity(520 * BATCH as usize);
    for number in numbers {
        let (a, b) = (mix(number), mix(number ^ 0x5555_5555));
        // Writing to a vector cannot fail.
        let _ = writeln!(
            body,
            "{{\"id\":\"{a:016x}\",\"email\":\"{name}.{surname}{n}@{b:08x}.example\",\
             \"firstName\":\"{name}\",\"lastName\":\"{surname}\",\"company\":\"{b:08x} Ltd\",\
             \"phone\":\"+44 20 {p:08}\",\"lifecycleStage\":\"{stage}\",\"owner\":{owner},\
             \"createdAt\":\"2024-{m:02}-{d:02}T{h:02}:15:00Z\",\"score\":{score},\
             \"address\":{{\"street\":\"{n} High Street\",\"city\":\"{city}\",\"postcode\":\"{post:06x}\"}},\
             \"notes\":\"met at the fair of {city}, asked about {stage}; call again about {surname}\",\
             \"tags\":[\"{stage}\",\"import\"],\"version\":{v}}}",
            name = NAMES[(a % 8) as usize],
            surname = SURNAMES[(b % 8) as usize],
            n = a % 9_973,
            p = b % 100_000_000,
            stage = STAGES[(a % 4) as usize],
            owner = b % 50,
            m = a % 12 + 1,
            d = b % 28 + 1,
            h = a % 24,
            score = (a % 1_000) as f64 / 10.0,
            city = CITIES[(b % 6) as usize],
            post = a & 0xff_ffff,
            v = version(number),
        );
    }
    body
}

const NAMES: [&str; 8] = [
    "Ada", "Grace", "Edsger", "Barbara", "Donald", "Frances", "Niklaus", "Radia",
];
const SURNAMES: [&str; 8] = [
    "Byron", "Murray", "Wybe", "Huberman", "Ervin", "Allen", "Emil", "Joy",
];
const STAGES: [&str; 4] = ["subscriber", "lead", "opportunity", "customer"];
const CITIES: [&str; 6] = ["Leeds", "Ghent", "Turin", "Porto", "Basel", "Lund"];

/// Spreads a number over 64 bits, each to another: ids in random order.
fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn print_phase(name: &str, phase: &Phase, count: u64, floor: Duration) {
    let at = |share: f64| {
        let place = ((phase.commits.len() - 1) as f64 * share) as usize;
        phase.commits.get(place).copied().map_or(0.0, millis)
    };
    println!(
        "{name:34} {:>12}/s   {:.2} of raw; with scanning {}/s; CPU {:.1} us; a commit p50 {:.1}, p99 {:.1}, max {:.1} ms",
        rate(count, phase.store),
        floor.as_secs_f64() / phase.store.as_secs_f64(),
        rate(count, phase.store + phase.scan),
        phase.cpu.as_secs_f64() * 1e6 / count as f64,
        at(0.5),
        at(0.99),
        at(1.0),
    );
}

fn rate(count: u64, time: Duration) -> u64 {
    (count as f64 / time.as_secs_f64()) as u64
}

fn per_record(time: Duration, count: u64) -> f64 {
    time.as_secs_f64() / count as f64
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

fn on_disk(path: &Path) -> Result<f64> {
    let mut bytes = 0.0;
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        bytes += match entry.file_type()?.is_dir() {
            true => on_disk(&entry.path())?,
            false => std::os::unix::fs::MetadataExt::blocks(&entry.metadata()?) as f64 * 512.0,
        };
    }
    Ok(bytes)
}

/// CPU time of this process, all threads together.
fn cpu_time() -> Duration {
    ::cpu_time::ProcessTime::now().as_duration()
}

fn resident_mib() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
    kib.unwrap_or(0.0) / 1024.0
}
