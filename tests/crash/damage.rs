//! Damage: files of a real store are cut, flipped, zeroed and removed. Whatever is done,
//! the store either says that it is damaged, or everything that was acknowledged is
//! there. It never loses a record in silence, never panics out, never hangs.
//!
//! Each damaged store is opened by a child process (this test again), so that a hang or an
//! abort is seen. `TIDEGATE_DAMAGE_ROUNDS` sets the number of rounds over all files; a
//! failure leaves the damaged folder and names it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tidegate::clock::SystemClock;
use tidegate::error::{Code, Result};
use tidegate::model::json::scan;
use tidegate::model::{
    Action, ChangeFilter, ConnectionKey, Digest, ModelName, RunId, SaveMode, SyncKey, SyncName,
    Trigger, Variant,
};
use tidegate::store::sled::{OpenOptions, SledStore};
use tidegate::store::{RunFence, RunStart, Store};

/// Where the child finds the store that it opens.
const FOLDER: &str = "TIDEGATE_DAMAGE_FOLDER";
/// Batches of 50 records in the store.
const BATCHES: u64 = 60;
/// Rounds over all files and kinds of damage where the environment says nothing.
const ROUNDS: u64 = 1;
/// How long a child may take until it counts as hanging. The store gives up much sooner.
const CHILD_TIME: Duration = Duration::from_secs(120);

/// Small journal and index, so that every kind of file holds something; short times, so
/// that a spinning sled is given up soon.
const OPTIONS: OpenOptions = OpenOptions {
    disk_free_bytes_min: 0,
    journal_bytes: 256 << 10,
    index_entries_waiting: 500,
    map_bytes: 256 << 20,
    open_time: Duration::from_secs(15),
    read_time: Duration::from_secs(15),
};

/// What a damaged store came to.
#[derive(Debug, PartialEq)]
enum Verdict {
    Whole,
    Refused(String),
}

#[derive(Clone, Copy, Debug)]
enum Damage {
    CutTail,
    CutHalf,
    Empty,
    Remove,
    FlipOne,
    FlipSixteen,
    ZeroMiddle,
    ZeroTail,
}

const ALL: [Damage; 8] = [
    Damage::CutTail,
    Damage::CutHalf,
    Damage::Empty,
    Damage::Remove,
    Damage::FlipOne,
    Damage::FlipSixteen,
    Damage::ZeroMiddle,
    Damage::ZeroTail,
];

#[test]
fn a_damaged_store_is_whole_or_says_so() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return child(Path::new(&folder));
    }
    let rounds = std::env::var("TIDEGATE_DAMAGE_ROUNDS").map_or(ROUNDS, |text| {
        text.parse().expect("TIDEGATE_DAMAGE_ROUNDS is a number")
    });
    let place = tempfile::tempdir().expect("a folder").keep();
    let (killed, closed) = (place.join("killed"), place.join("closed"));
    build(&place.join("store"), &killed, &closed);
    assert_eq!(open_in_child(&place, &killed, "undamaged"), Verdict::Whole);
    let mut random = 1u64;
    let (mut whole, mut refused) = (0, 0);
    for round in 0..rounds {
        for original in [&killed, &closed] {
            for file in files(original) {
                for damage in ALL {
                    let what = format!("round {round}: {damage:?} of {}", file.display());
                    let bytes = fs::read(&file).expect("a file is read");
                    let copy = place.join("damaged");
                    copy_folder(original, &copy);
                    let target =
                        copy.join(file.strip_prefix(original).expect("a file of the store"));
                    damage.apply(&target, bytes, &mut random);
                    match open_in_child(&place, &copy, &what) {
                        Verdict::Whole => whole += 1,
                        Verdict::Refused(message) => {
                            assert!(
                                message.contains("restore"),
                                "{what}: no remedy in `{message}`"
                            );
                            refused += 1;
                        }
                    }
                    fs::remove_dir_all(&copy).expect("a folder is removed");
                }
            }
        }
    }
    println!("{whole} whole, {refused} refused");
    assert!(
        refused > 0,
        "nothing was refused: the damage did not reach the store"
    );
    fs::remove_dir_all(&place).expect("a folder is removed");
}

impl Damage {
    fn apply(self, file: &Path, mut bytes: Vec<u8>, random: &mut u64) {
        let mut next = |end: usize| {
            *random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            ((*random >> 33) as usize) % end.max(1)
        };
        let length = bytes.len();
        match self {
            Damage::Remove => return fs::remove_file(file).expect("a file is removed"),
            Damage::Empty => bytes.clear(),
            Damage::CutTail => bytes.truncate(length - (1 + next(4_096)).min(length)),
            Damage::CutHalf => bytes.truncate(length / 2),
            Damage::FlipOne | Damage::FlipSixteen => {
                let flips = if matches!(self, Damage::FlipOne) {
                    1
                } else {
                    16
                };
                for _ in 0..flips.min(length) {
                    bytes[next(length)] ^= 1 << next(8);
                }
            }
            Damage::ZeroMiddle => {
                let start = next(length);
                let end = (start + 4_096).min(length);
                bytes[start..end].fill(0);
            }
            Damage::ZeroTail => {
                let start = length - (512 + next(16_384)).min(length);
                bytes[start..].fill(0);
            }
        }
        fs::write(file, bytes).expect("a file is written");
    }
}

/// Opens a store in a child and reads its verdict.
fn open_in_child(place: &Path, folder: &Path, what: &str) -> Verdict {
    let report = place.join("report");
    let _ = fs::remove_file(&report);
    let noise = fs::File::create(place.join("noise")).expect("a file");
    let mut child = Command::new(std::env::current_exe().expect("this test"))
        .args([
            "--exact",
            "a_damaged_store_is_whole_or_says_so",
            "--nocapture",
        ])
        .env(FOLDER, folder)
        .env("TIDEGATE_DAMAGE_REPORT", &report)
        .stdout(Stdio::null())
        .stderr(noise)
        .spawn()
        .expect("a child starts");
    let start = Instant::now();
    let status = loop {
        match child.try_wait().expect("a child is waited for") {
            Some(status) => break status,
            None if start.elapsed() > CHILD_TIME => {
                let _ = child.kill();
                panic!("{what}: hangs; see {}", folder.display());
            }
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    let verdict = fs::read_to_string(&report).unwrap_or_default();
    match verdict.split_once('\n') {
        Some(("whole", _)) => Verdict::Whole,
        Some(("refused", message)) => Verdict::Refused(message.into()),
        _ => panic!("{what}: {verdict:?}, {status}; see {}", folder.display()),
    }
}

/// Opens the store in `folder`, reads all of it, and leaves the verdict.
fn child(folder: &Path) {
    let report =
        PathBuf::from(std::env::var_os("TIDEGATE_DAMAGE_REPORT").expect("a place to report"));
    let verdict = match runtime().block_on(look(folder)) {
        Ok(()) => "whole\n".into(),
        Err(error) => {
            let refusals = [Code::StoreDamaged, Code::StoreFormat];
            match refusals.contains(&error.code) {
                true => format!("refused\n{error}; {}", error.code.advice()),
                false => format!("wrong code\n{error}"),
            }
        }
    };
    fs::write(report, verdict).expect("the verdict is written");
    // Without unwinding: a thread of a damaged sled may never end.
    std::process::exit(0);
}

async fn look(folder: &Path) -> Result<()> {
    let store = SledStore::open(folder, OPTIONS, Arc::new(SystemClock::new()))?;
    let verified = store.verify().await?;
    if let Some(defect) = verified.defects.first() {
        return Err(tidegate::error::Error::new(
            Code::StoreDamaged,
            defect.clone(),
        ));
    }
    let stream = sync().stream(model());
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = store
            .changes(&stream, after, 1_000, ChangeFilter::ALL)
            .await?;
        found.extend(page.changes.iter().map(|change| {
            assert_eq!(change.action, Action::Added);
            String::from_utf8_lossy(&change.body).into_owned()
        }));
        after = Some(page.cursor);
        if !page.more {
            break;
        }
    }
    let expected: Vec<String> = (0..BATCHES).flat_map(lines).collect();
    assert_eq!(
        found, expected,
        "the store opened, but its records are others"
    );
    let checkpoint = store.checkpoint(&sync()).await?;
    assert_eq!(
        checkpoint.map(|checkpoint| checkpoint.json),
        Some(format!("{{\"at\":{}}}", BATCHES - 1))
    );
    let ids: Vec<Box<str>> = (0..BATCHES * 50)
        .step_by(7)
        .map(|id| format!("r{id}").into())
        .collect();
    let records = store.get(&stream, &ids).await?;
    assert!(
        records.iter().all(Option::is_some),
        "the store opened, but ids are missing"
    );
    Ok(())
}

/// Makes a store; `killed` is a copy of it while it is open, `closed` after.
fn build(folder: &Path, killed: &Path, closed: &Path) {
    runtime().block_on(async {
        let store =
            SledStore::open(folder, OPTIONS, Arc::new(SystemClock::new())).expect("a new store");
        let start = RunStart {
            run: RunId::new(1, 1),
            key: sync(),
            digest: Digest::of(b"damage"),
            version: "1".into(),
            trigger: Trigger::Manual,
            started: jiff::Timestamp::now(),
            memory_cap_bytes: 0,
        };
        store.begin_run(start).await.expect("a run begins");
        let fence = RunFence {
            run: RunId::new(1, 1),
            key: sync(),
        };
        for batch in 0..BATCHES {
            let body = lines(batch).join("\n");
            let records = scan(body.into(), &Arc::default()).expect("records of this test");
            store
                .save(&fence, &model(), records, SaveMode::Override)
                .await
                .expect("a save");
            let checkpoint = Some(format!("{{\"at\":{batch}}}"));
            store
                .put_checkpoint(&fence, checkpoint)
                .await
                .expect("a checkpoint");
        }
        copy_folder(folder, killed);
        store.close().expect("the store closes");
        copy_folder(folder, closed);
    });
}

fn lines(batch: u64) -> Vec<String> {
    let line = |id: u64| {
        format!(
            "{{\"id\":\"r{id}\",\"text\":\"{:x}\"}}",
            id.wrapping_mul(0x9e37_79b9_7f4a_7c15)
        )
    };
    (batch * 50..(batch + 1) * 50).map(line).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder is read") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            // The lock holds nothing, and an empty file cannot be damaged.
            false if path.ends_with("lock") => {}
            false if fs::metadata(&path).is_ok_and(|meta| meta.len() > 0) => found.push(path),
            false => {}
        }
    }
    found.sort();
    found
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder is made");
    for entry in fs::read_dir(from).expect("a folder is read") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        match path.is_dir() {
            true => copy_folder(&path, &target),
            false => drop(fs::copy(&path, &target).expect("a file is copied")),
        }
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
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
