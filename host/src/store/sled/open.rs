//! Opening: the lock, the stamp, and holding map, journal and seal against each other.
//! A store that lost anything is refused with what is missing; nothing is repaired in
//! silence, and nothing waits for ever.

use super::OpenOptions;
use super::builder;
use super::bytes::damaged;
use super::committer::{self, Queue};
use super::disk::{Disk, Folder};
use super::journal::{Journal, Position};
use super::keys;
use super::map::{Op, OrderedMap, SledMap, io_error};
use super::room::Room;
use super::shared::{Platform, Shared};
use super::stream::State;
use super::writer::Writer;
use crate::clock::Clock;
use crate::error::{Code, Error, Result};
use crate::model::StreamKey;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The format that this version writes and reads. Others are refused; backups of format 1
/// are taken too.
pub(super) const FORMAT: u32 = 2;
/// Name of the file that says what the folder is.
const STAMP: &str = "stamp";
/// Name of the stamp while it is being written.
const UNFINISHED_STAMP: &str = "stamp-unfinished";
/// Name of the lock file.
const LOCK: &str = "lock";
/// How long a lock that is taken is tried again: a process that is just ending has it
/// still, and so, for a moment, have the children that sled starts as it opens (it runs
/// the program `sync`).
const LOCK_TIME: Duration = Duration::from_millis(500);
/// Time between two tries.
const LOCK_STEP: Duration = Duration::from_millis(10);
/// Name of sled's folder.
const MAP_FOLDER: &str = "sled";

/// What the folder is: kept as a file and again in the map.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    format: u32,
    store: String,
    epoch: u16,
}

/// A store that is running.
pub(super) struct Running {
    pub(super) shared: Arc<Shared>,
    pub(super) queue: Queue,
    pub(super) committer: JoinHandle<Result<()>>,
    pub(super) builder: JoinHandle<()>,
}

/// Opens or creates the store on `platform`. `epoch` is for a new one.
pub(super) fn open(
    platform: Arc<dyn Platform>,
    options: OpenOptions,
    clock: Arc<dyn Clock>,
    epoch: u16,
) -> Result<Running> {
    let (sender, receiver) = mpsc::sync_channel(1);
    let (name, time) = (platform.name(), options.open_time);
    let opening = move || {
        // Nobody waits any more when this is too late.
        let _ = sender.send(open_now(platform, options, clock, epoch));
    };
    std::thread::Builder::new()
        .name("store-open".into())
        .spawn(opening)
        .map_err(|error| io_error("starting a thread", &error))?;
    receiver
        .recv_timeout(time)
        .unwrap_or_else(|error| {
            let how = match error {
                mpsc::RecvTimeoutError::Timeout => format!("does not open within {time:?}"),
                mpsc::RecvTimeoutError::Disconnected => "does not open: a panic".into(),
            };
            Err(damaged(format!("the map {how}")))
        })
        .map_err(|error| explain(error, &name))
}

/// Puts the place in front, and behind damage what to do about it.
fn explain(error: Error, name: &str) -> Error {
    let remedy = match error.code {
        Code::StoreDamaged => {
            "; restore a backup with `tidegate restore`: the checkpoints in it make the next runs \
             fetch the rest"
        }
        _ => "",
    };
    Error::new(
        error.code,
        format!("the store in {name}: {}{remedy}", error.message),
    )
}

fn open_now(
    platform: Arc<dyn Platform>,
    options: OpenOptions,
    clock: Arc<dyn Clock>,
    epoch: u16,
) -> Result<Running> {
    let disk = platform.disk();
    let stamp = match read_stamp(&*disk)? {
        Some(stamp) => stamp,
        None => create(&*platform, epoch)?,
    };
    if !platform.has_map()? {
        return Err(damaged(format!("its folder `{MAP_FOLDER}` is missing")));
    }
    let map = platform.open_map()?;
    let journal = check(&stamp, disk, &*map)?;
    let names = names_of(&*map)?;
    let next_stream = names.values().max().map_or(1, |last| last + 1);
    let life = (stamp.store.clone(), stamp.epoch);
    let room = room_of(&*map, &names)?;
    let shared = Shared::new(platform, clock, options, life, map, names, room);
    let shared = Arc::new(shared);
    let (sender, receiver) = mpsc::channel();
    let queue = Queue::new(sender, shared.clone());
    let (tasks, todo) = mpsc::channel();
    let mut writer = Writer::new(shared.clone(), journal, tasks, next_stream)?;
    writer.begin();
    writer.load_passes()?;
    writer.end_lost_runs()?;
    writer.commit()?;
    writer.reclaim_later();
    let committer = committer::start(writer, receiver)?;
    let (beside, way) = (shared.clone(), queue.clone());
    let builder = std::thread::Builder::new()
        .name("store-index".into())
        .spawn(move || builder::serve(&beside, &way, &todo))
        .map_err(|error| io_error("starting a thread", &error))?;
    Ok(Running {
        shared,
        queue,
        committer,
        builder,
    })
}

/// Makes a new store: the stamp comes last, so that a crash before it leaves nothing that
/// counts as one.
fn create(platform: &dyn Platform, epoch: u16) -> Result<Stamp> {
    let disk = platform.disk();
    let store: [u8; 16] = rand::random();
    let stamp = Stamp {
        format: FORMAT,
        store: hex::encode(store),
        epoch,
    };
    let map = platform.open_map()?;
    let used = map.get(keys::COMMIT)?.is_some_and(|commit| {
        Position::from_bytes(&commit).is_ok_and(|position| position.number > 0)
    });
    if used || Journal::holds_commits(&*disk)? {
        return Err(damaged(format!(
            "its file `{STAMP}` is missing, but it holds commits"
        )));
    }
    let json = super::runs::to_json(&stamp)?;
    map.apply(vec![
        (keys::STAMP.to_vec(), Some(json.clone())),
        (keys::COMMIT.to_vec(), Some(Position::default().to_bytes())),
    ])?;
    map.flush()?;
    drop(map);
    drop(Journal::create(disk.clone(), store)?);
    let doing = "writing the stamp";
    let mut file = disk
        .create(UNFINISHED_STAMP)
        .map_err(|error| io_error(doing, &error))?;
    let written = file
        .append(&json)
        .and_then(|()| file.sync())
        .and_then(|()| disk.rename(UNFINISHED_STAMP, STAMP))
        .and_then(|()| disk.sync_names());
    written.map_err(|error| io_error(doing, &error))?;
    Ok(stamp)
}

fn read_stamp(disk: &dyn Disk) -> Result<Option<Stamp>> {
    let names = disk
        .names()
        .map_err(|error| io_error("listing the folder", &error))?;
    if !names.iter().any(|name| name == STAMP) {
        return Ok(None);
    }
    let bytes = disk
        .read(STAMP)
        .map_err(|error| io_error("reading the stamp", &error))?;
    // The format is read first: a newer stamp may have other fields.
    let format = serde_json::from_slice::<serde_json::Value>(&bytes)
        .ok()
        .and_then(|stamp| stamp.get("format")?.as_u64());
    match format {
        Some(format) if format > u64::from(FORMAT) => Err(Error::new(
            Code::StoreFormat,
            format!("it has format {format}; this version reads formats up to {FORMAT}"),
        )),
        Some(format) if format < u64::from(FORMAT) => Err(Error::new(
            Code::StoreFormat,
            format!(
                "it has format {format}, of an earlier version; make a backup with that version, \
                 and restore it with this one"
            ),
        )),
        _ => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|error| damaged(format!("its file `{STAMP}` does not read: {error}"))),
    }
}

/// Holds the map against stamp, journal and seal, and applies what it lacks.
fn check(stamp: &Stamp, disk: Arc<dyn Disk>, map: &dyn OrderedMap) -> Result<Journal> {
    let mut store = [0; 16];
    hex::decode_to_slice(&stamp.store, &mut store)
        .map_err(|_| damaged(format!("its file `{STAMP}` has a damaged store id")))?;
    let (Some(kept), Some(commit)) = (map.get(keys::STAMP)?, map.get(keys::COMMIT)?) else {
        return Err(damaged(format!(
            "its folder `{MAP_FOLDER}` is empty: every record is missing"
        )));
    };
    let kept: Stamp = super::runs::from_json(&kept)?;
    if kept != *stamp {
        return Err(damaged(format!(
            "its file `{STAMP}` and its folder `{MAP_FOLDER}` are of different stores"
        )));
    }
    let applied = Position::from_bytes(&commit)?;
    Journal::recover(disk, store, applied, |frame| {
        let mut ops: Vec<Op> = frame.ops;
        ops.push((keys::COMMIT.to_vec(), Some(frame.position.to_bytes())));
        map.apply(ops)
    })
}

fn names_of(map: &dyn OrderedMap) -> Result<HashMap<StreamKey, u32>> {
    let (from, to) = keys::all(keys::Table::Name);
    map.range(&from, &to)
        .map(|pair| {
            let (key, value) = pair?;
            let number = super::bytes::Input::new(&value, "the number of a stream").u32()?;
            Ok((keys::stream_of_name(&key)?, number))
        })
        .collect()
}

/// What the streams take of the disk.
fn room_of(map: &dyn OrderedMap, names: &HashMap<StreamKey, u32>) -> Result<Room> {
    let owners: HashMap<u32, &StreamKey> =
        names.iter().map(|(key, number)| (*number, key)).collect();
    let mut room = Room::default();
    let (from, to) = keys::all(keys::Table::State);
    for pair in map.range(&from, &to) {
        let (key, value) = pair?;
        let number = keys::stream_of(&key)?;
        if let Some(owner) = owners.get(&number) {
            let bytes = State::from_bytes(&value)?.bytes;
            room.add(number, &owner.connection.environment, bytes);
        }
    }
    Ok(room)
}

// ---- the real folder -----------------------------------------------------------------

/// A folder on disk with sled in it.
pub(super) struct FolderPlatform {
    path: PathBuf,
    disk: Arc<Folder>,
}

impl FolderPlatform {
    pub(super) fn new(path: &Path) -> Self {
        FolderPlatform {
            path: path.into(),
            disk: Arc::new(Folder::new(path)),
        }
    }
}

impl Platform for FolderPlatform {
    fn disk(&self) -> Arc<dyn Disk> {
        self.disk.clone()
    }

    fn has_map(&self) -> Result<bool> {
        Ok(self.path.join(MAP_FOLDER).is_dir())
    }

    fn open_map(&self) -> Result<Box<dyn OrderedMap>> {
        Ok(Box::new(SledMap::open(&self.path.join(MAP_FOLDER))?))
    }

    fn name(&self) -> String {
        self.path.display().to_string()
    }
}

/// The right of this process to the folder, until it is dropped.
pub(super) struct Lock {
    file: File,
}

impl Drop for Lock {
    /// Unlocks in so many words. Closing the file is not enough: sled runs the program
    /// `sync` as it opens, and a child that was forked meanwhile holds every open file,
    /// and with it the lock, until it has started its program.
    fn drop(&mut self) {
        if let Err(error) = self.file.unlock() {
            tracing::warn!(%error, "giving the store's folder free");
        }
    }
}

impl Lock {
    /// Takes the lock, or says which process has it.
    pub(super) fn take(folder: &Path) -> Result<Self> {
        let path = folder.join(LOCK);
        let doing = format!("locking {}", folder.display());
        std::fs::create_dir_all(folder).map_err(|error| io_error(&doing, &error))?;
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|error| io_error(&doing, &error))?;
        let start = Instant::now();
        let taken = loop {
            match file.try_lock() {
                Err(std::fs::TryLockError::WouldBlock) if start.elapsed() < LOCK_TIME => {
                    std::thread::sleep(LOCK_STEP);
                }
                taken => break taken,
            }
        };
        match taken {
            Ok(()) => {}
            Err(std::fs::TryLockError::Error(error)) => return Err(io_error(&doing, &error)),
            Err(std::fs::TryLockError::WouldBlock) => {
                let mut owner = String::new();
                let _ = file.read_to_string(&mut owner);
                return Err(Error::new(
                    Code::StoreLocked,
                    format!(
                        "{} is open in the process {}",
                        folder.display(),
                        if owner.trim().is_empty() {
                            "of another host"
                        } else {
                            owner.trim()
                        }
                    ),
                ));
            }
        }
        let note = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| write!(file, "{}", std::process::id()));
        note.map_err(|error| io_error(&doing, &error))?;
        Ok(Lock { file })
    }
}
