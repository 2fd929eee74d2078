//! Backup and restore: everything that the store cannot derive, as of one durable commit,
//! in a file of its own format that does not depend on sled.
//!
//! Layout: magic, then zstd over pairs of key and value, each with its length in front.
//! The first pair says what it is, the last holds the number of pairs and a checksum over
//! all of them, so that a backup that was cut or changed is not taken.

use super::block::Block;
use super::bytes::{Input, damaged, put_varint};
use super::catalog::components;
use super::keys::{self, Table};
use super::map::io_error;
use super::open::FORMAT;
use super::runs::{from_json, to_json};
use super::shared::Shared;
use super::stream::State;
use super::verify::Pinned;
use super::{OpenOptions, SledStore};
use crate::clock::Clock;
use crate::error::{Code, Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// First bytes of a backup.
const MAGIC: &[u8; 8] = b"TGBACKUP";
/// Key of the pair that says what the backup is.
const ABOUT: &[u8] = b"about";
/// Key of the pair that ends it.
const END: &[u8] = b"end";
/// zstd level: what is in it is compressed for the most part.
const ZSTD_LEVEL: i32 = 1;
/// Bytes of one key or value that are believed when read.
const PART_BYTES_MAX: u64 = 64 << 20;
/// Pairs that are restored in one commit.
const PAIRS_PER_COMMIT: usize = 256;
/// What stands behind a folder's name while a backup is restored into it.
const UNFINISHED: &str = ".restoring";

/// What a backup holds, or what was restored from one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupReport {
    /// The format of what is in it.
    pub format: u32,
    /// The store that it was made of.
    pub store: String,
    /// Which life of that store; a restore starts the next.
    pub epoch: u16,
    /// The commit that it shows.
    pub commit: u64,
    /// Streams in it.
    pub streams: u64,
    /// When it was made.
    pub made: jiff::Timestamp,
}

impl SledStore {
    /// Writes a backup of the store as it is now, while others go on writing. Blocks.
    /// `store.unavailable` if `out` does not take it.
    pub fn backup(&self, out: impl Write) -> Result<BackupReport> {
        let _pinned = Pinned::new(self.shared.clone());
        let (sender, receiver) = std::sync::mpsc::sync_channel(1);
        self.queue.care(move |writer| {
            let snapshot = Snapshot::take(writer)?;
            let _ = sender.send(snapshot);
            Ok(())
        })?;
        let snapshot = receiver.recv().map_err(|_| self.shared.failure())?;
        write_backup(&self.shared, snapshot, out).map_err(|error| error.context("the backup"))
    }

    /// Makes a store in `folder`, which must not exist or be empty, from a backup. Blocks.
    /// Cursors of before are stale in it; the runs that were live in it end as
    /// interrupted. `store.damaged` if the backup is not whole, `store.format` if a newer
    /// version made it.
    pub fn restore(
        backup: impl Read,
        folder: &Path,
        options: OpenOptions,
        clock: Arc<dyn Clock>,
    ) -> Result<BackupReport> {
        refuse_used(folder)?;
        let mut beside = folder.as_os_str().to_owned();
        beside.push(UNFINISHED);
        let beside = PathBuf::from(beside);
        let io = |doing: &str, result: std::io::Result<()>| {
            result.map_err(|error| io_error(doing, &error))
        };
        if beside.exists() {
            io(
                "removing an unfinished restore",
                std::fs::remove_dir_all(&beside),
            )?;
        }
        let report = restore_into(backup, &beside, options, clock)?;
        if folder.exists() {
            io("replacing the empty folder", std::fs::remove_dir(folder))?;
        }
        io(
            "moving the restored store in place",
            std::fs::rename(&beside, folder),
        )?;
        if let Some(parent) = folder
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
        {
            let synced = std::fs::File::open(parent).and_then(|parent| parent.sync_all());
            io("moving the restored store in place", synced)?;
        }
        Ok(report)
    }
}

/// What is taken at one moment; the log is read after it, up to where it went then.
struct Snapshot {
    about: BackupReport,
    rows: Vec<(Vec<u8>, Vec<u8>)>,
    runs: HashSet<Vec<u8>>,
    streams: BTreeMap<u32, State>,
}

/// What is in a backup beside the log and the logs of runs.
const TABLES: [Table; 17] = [
    Table::Catalog,
    Table::Announced,
    Table::Waiting,
    Table::Over,
    Table::Name,
    Table::State,
    Table::Checkpoint,
    Table::Metadata,
    Table::Pass,
    Table::Seen,
    Table::Tally,
    Table::Run,
    Table::RunOf,
    Table::Deployment,
    Table::Counts,
    Table::Live,
    Table::Log,
];

impl Snapshot {
    fn take(writer: &mut super::writer::Writer) -> Result<Self> {
        let (mut rows, mut streams, mut runs) = (Vec::new(), BTreeMap::new(), HashSet::new());
        writer.shared.with_map(|map| {
            for table in TABLES.into_iter().filter(|table| *table != Table::Log) {
                let (from, to) = keys::all(table);
                for pair in map.range(&from, &to) {
                    let (key, value) = pair?;
                    match table {
                        Table::State => {
                            let number = keys::stream_of(&key)?;
                            streams.insert(number, State::from_bytes(&value)?);
                        }
                        Table::Run => {
                            runs.extend(key.get(1..).map(<[u8]>::to_vec));
                        }
                        _ => {}
                    }
                    rows.push((key.to_vec(), value.to_vec()));
                }
            }
            Ok(())
        })?;
        let shared = &writer.shared;
        let about = BackupReport {
            format: FORMAT,
            store: shared.store.clone(),
            epoch: shared.epoch,
            commit: writer.commit_number() - 1,
            streams: streams.len() as u64,
            made: shared.clock.now(),
        };
        Ok(Snapshot {
            about,
            rows,
            runs,
            streams,
        })
    }
}

fn write_backup(shared: &Shared, snapshot: Snapshot, mut out: impl Write) -> Result<BackupReport> {
    let failed = |error: std::io::Error| io_error("writing", &error);
    out.write_all(MAGIC).map_err(failed)?;
    let zstd = zstd::stream::Encoder::new(out, ZSTD_LEVEL).map_err(failed)?;
    let mut out = PairWriter {
        out: zstd,
        hash: blake3::Hasher::new(),
        pairs: 0,
    };
    out.put(ABOUT, &to_json(&snapshot.about)?)?;
    for (key, value) in &snapshot.rows {
        out.put(key, value)?;
    }
    for (number, state) in snapshot.streams {
        let mut start = state.floor + 1;
        loop {
            let blocks = shared.some_blocks(number, start, state.last_sequence)?;
            let Some((last, _)) = blocks.last() else {
                break;
            };
            start = last + 1;
            for (first, bytes) in blocks {
                // A damaged block must not pass into a backup that looks whole.
                Block::unpack(first, &bytes)?;
                out.put(&keys::block(number, first), &bytes)?;
            }
        }
    }
    let (mut from, to) = keys::all(Table::Log);
    loop {
        let parts: Vec<_> = shared.with_map(|map| map.range(&from, &to).take(64).collect())?;
        let Some((last, _)) = parts.last() else {
            break;
        };
        from = [&last[..], &[0]].concat();
        for (key, value) in &parts {
            if key
                .get(1..17)
                .is_some_and(|run| snapshot.runs.contains(run))
            {
                out.put(key, value)?;
            }
        }
    }
    for (digest, bytes) in components(&*shared.platform.disk())? {
        out.put(&keys::component(&digest), &bytes)?;
    }
    out.end()?;
    Ok(snapshot.about)
}

struct PairWriter<W: Write> {
    out: zstd::stream::Encoder<'static, W>,
    hash: blake3::Hasher,
    pairs: u64,
}

impl<W: Write> PairWriter<W> {
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        let mut pair = Vec::with_capacity(key.len() + value.len() + 8);
        put_varint(&mut pair, key.len() as u64);
        pair.extend_from_slice(key);
        put_varint(&mut pair, value.len() as u64);
        pair.extend_from_slice(value);
        self.hash.update(&pair);
        self.pairs += 1;
        self.out
            .write_all(&pair)
            .map_err(|error| io_error("writing", &error))
    }

    fn end(mut self) -> Result<()> {
        let mut sum = self.pairs.to_be_bytes().to_vec();
        sum.extend(self.hash.finalize().as_bytes());
        self.put(END, &sum)?;
        let finished = self.out.finish().and_then(|mut out| out.flush());
        finished.map_err(|error| io_error("writing", &error))
    }
}

/// Reads the pairs of a backup and their sum.
struct PairReader<R: Read> {
    input: R,
    hash: blake3::Hasher,
    pairs: u64,
}

impl<R: Read> PairReader<R> {
    /// The next pair; none once the end was read and the sum is right.
    fn next(&mut self) -> Result<Option<(Vec<u8>, Vec<u8>)>> {
        let mut sum = self.pairs.to_be_bytes().to_vec();
        sum.extend(self.hash.finalize().as_bytes());
        let (key, value) = (self.part()?, self.part()?);
        self.pairs += 1;
        match key == END {
            false => Ok(Some((key, value))),
            true if value == sum => Ok(None),
            true => Err(damaged("the backup is damaged: its checksum is wrong")),
        }
    }

    fn part(&mut self) -> Result<Vec<u8>> {
        let mut length = Vec::new();
        loop {
            let byte = self.bytes(1)?;
            length.extend(&byte);
            if byte.iter().all(|byte| byte & 0x80 == 0) || length.len() > 9 {
                break;
            }
        }
        let length = Input::new(&length, "the backup").varint()?;
        if length > PART_BYTES_MAX {
            return Err(damaged("the backup is damaged: a length makes no sense"));
        }
        self.bytes(length)
    }

    fn bytes(&mut self, count: u64) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let read = (&mut self.input).take(count).read_to_end(&mut bytes);
        match read {
            Ok(read) if read as u64 == count => {
                self.hash.update(&bytes);
                Ok(bytes)
            }
            Ok(_) => Err(damaged("the backup is cut off: its end is missing")),
            Err(error) => Err(damaged(format!("the backup does not read: {error}"))),
        }
    }
}

fn refuse_used(folder: &Path) -> Result<()> {
    let used = folder.is_file()
        || folder
            .read_dir()
            .is_ok_and(|mut entries| entries.next().is_some());
    match used {
        false => Ok(()),
        true => Err(Error::new(
            Code::InvalidArgument,
            format!(
                "{} is not empty; move the store in it away, or restore into another folder",
                folder.display()
            ),
        )),
    }
}

fn restore_into(
    mut backup: impl Read,
    folder: &Path,
    options: OpenOptions,
    clock: Arc<dyn Clock>,
) -> Result<BackupReport> {
    let mut magic = [0; MAGIC.len()];
    let start = backup.read_exact(&mut magic);
    if start.is_err() || magic != *MAGIC {
        return Err(damaged("this is no backup of a store"));
    }
    let zstd = zstd::stream::Decoder::new(backup).map_err(|error| io_error("reading", &error))?;
    let mut pairs = PairReader {
        input: zstd,
        hash: blake3::Hasher::new(),
        pairs: 0,
    };
    let about: BackupReport = match pairs.next()? {
        Some((key, value)) if key == ABOUT => from_json(&value)?,
        _ => return Err(damaged("the backup does not say what it is")),
    };
    if about.format > FORMAT {
        return Err(Error::new(
            Code::StoreFormat,
            format!(
                "the backup has format {}; this version reads up to {FORMAT}",
                about.format
            ),
        ));
    }
    let store = SledStore::open_with_epoch(folder, options, clock, about.epoch.wrapping_add(1))?;
    let mut names = BTreeMap::new();
    let mut over = false;
    while !over {
        let mut group = Vec::with_capacity(PAIRS_PER_COMMIT);
        while group.len() < PAIRS_PER_COMMIT && !over {
            match pairs.next()? {
                Some((key, value)) if key.first() == Some(&(Table::Name as u8)) => {
                    let number = Input::new(&value, "the number of a stream").u32()?;
                    names.insert(number, keys::stream_of_name(&key)?);
                    group.push((key, value));
                }
                Some(pair) => group.push(pair),
                None => over = true,
            }
        }
        let names = names.clone();
        store.queue.care(move |writer| {
            writer.begin();
            for (key, value) in group {
                writer.restore(&names, key, value)?;
            }
            writer.commit()
        })?;
    }
    store.close()?;
    Ok(about)
}
