//! What stands below the store in crash simulations: a machine with a folder and a map in
//! memory. It goes down at a chosen step, and comes up again with what was durable and a
//! part of the rest that depends on a seed: files keep some of the sectors that were not
//! synced, names some of the changes that were not, the map nothing that was not flushed.

use super::disk::{Disk, DiskFile};
use super::map::{Op, OrderedMap, Pairs, Value, lock};
use super::shared::Platform;
use crate::error::{Code, Error, Result};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::collections::BTreeMap;
use std::io;
use std::ops::Bound;
use std::sync::{Arc, Mutex};

/// What a disk writes whole: a sector that was not synced is old or new.
const SECTOR_BYTES: usize = 512;

type Tree = BTreeMap<Vec<u8>, Vec<u8>>;

/// A machine that can lose its power.
#[derive(Clone)]
pub struct Machine {
    world: Arc<Mutex<World>>,
}

struct World {
    random: StdRng,
    /// Steps taken: everything that changes or syncs something.
    steps: u64,
    /// The step at which the power goes.
    down_at: Option<u64>,
    down: bool,
    /// Counts the power losses, so that what was opened before one is dead after it.
    life: u64,
    files: Vec<Content>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    /// Changes of names since they were synced.
    renames: Vec<NameChange>,
    map: Option<Tree>,
    durable_map: Option<Tree>,
    free_bytes: u64,
}

#[derive(Clone, Default)]
struct Content {
    now: Vec<u8>,
    durable: Vec<u8>,
}

#[derive(Clone)]
enum NameChange {
    Set(String, usize),
    Remove(String),
}

impl Machine {
    /// An empty machine; what a power loss keeps depends on `seed`.
    pub fn new(seed: u64) -> Self {
        let world = World {
            random: StdRng::seed_from_u64(seed),
            steps: 0,
            down_at: None,
            down: false,
            life: 0,
            files: Vec::new(),
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            renames: Vec::new(),
            map: None,
            durable_map: None,
            free_bytes: u64::MAX,
        };
        Machine {
            world: Arc::new(Mutex::new(world)),
        }
    }

    /// What a store opens on.
    pub fn platform(&self) -> Arc<dyn Platform> {
        Arc::new(SimulatedPlatform {
            disk: SimulatedDisk::of(&self.world),
        })
    }

    /// Steps taken so far.
    pub fn steps(&self) -> u64 {
        lock(&self.world).steps
    }

    /// Lets the power go at a step, counted from the machine's first. The step itself may
    /// or may not have its effect, and fails.
    pub fn go_down_at(&self, step: u64) {
        lock(&self.world).down_at = Some(step);
    }

    /// Whether the power is gone.
    pub fn is_down(&self) -> bool {
        lock(&self.world).down
    }

    /// Takes the power away, if it is not gone already, and gives it back: what was not
    /// durable is there in part.
    pub fn restart(&self) {
        let world = &mut *lock(&self.world);
        world.life += 1;
        world.down = false;
        world.down_at = None;
        for content in &mut world.files {
            let kept = surviving(content, &mut world.random);
            *content = Content {
                now: kept.clone(),
                durable: kept,
            };
        }
        let kept = world.random.random_range(0..=world.renames.len());
        let mut names = world.durable_names.clone();
        for change in world.renames.drain(..).take(kept) {
            change.apply(&mut names);
        }
        world.names = names.clone();
        world.durable_names = names;
        world.map = world.durable_map.clone();
    }

    /// Sets how many bytes the folder says are free.
    pub fn set_free_bytes(&self, bytes: u64) {
        lock(&self.world).free_bytes = bytes;
    }
}

impl NameChange {
    fn apply(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            NameChange::Set(name, file) => names.insert(name.clone(), *file),
            NameChange::Remove(name) => names.remove(name),
        };
    }
}

/// What of a file is there after a power loss.
fn surviving(content: &Content, random: &mut StdRng) -> Vec<u8> {
    let (now, durable) = (&content.now, &content.durable);
    let length = match random.random_range(0..3) {
        0 => durable.len(),
        1 => now.len(),
        _ => random.random_range(durable.len().min(now.len())..=durable.len().max(now.len())),
    };
    let mut kept = vec![0; length];
    for start in (0..length).step_by(SECTOR_BYTES) {
        let sector = start..(start + SECTOR_BYTES).min(length);
        let source = if random.random_bool(0.5) {
            now
        } else {
            durable
        };
        for at in sector {
            // Where the file grew, a sector that was not written is zero.
            if let (Some(to), Some(from)) = (kept.get_mut(at), source.get(at)) {
                *to = *from;
            }
        }
    }
    kept
}

impl World {
    /// Takes a step for something that was opened in `life`. `Ok(true)` has its effect;
    /// an error may have it or not, as `effect` says.
    fn step(&mut self, life: u64) -> (bool, io::Result<()>) {
        if self.down || life != self.life {
            return (false, Err(power_is_gone()));
        }
        self.steps += 1;
        if self.down_at.is_some_and(|step| self.steps >= step) {
            self.down = true;
            return (self.random.random_bool(0.5), Err(power_is_gone()));
        }
        (true, Ok(()))
    }

    fn rename(&mut self, change: NameChange) {
        change.apply(&mut self.names);
        self.renames.push(change);
    }

    fn file(&self, name: &str) -> io::Result<usize> {
        let file = self.names.get(name).copied();
        file.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }
}

fn power_is_gone() -> io::Error {
    io::Error::other("the simulated machine is down")
}

// ---- its folder ----------------------------------------------------------------------

struct SimulatedDisk {
    world: Arc<Mutex<World>>,
    life: u64,
}

impl SimulatedDisk {
    fn of(world: &Arc<Mutex<World>>) -> Arc<Self> {
        let life = lock(world).life;
        Arc::new(SimulatedDisk {
            world: world.clone(),
            life,
        })
    }

    fn change<T>(&self, change: impl FnOnce(&mut World) -> io::Result<T>) -> io::Result<T> {
        let world = &mut *lock(&self.world);
        let (effect, result) = world.step(self.life);
        match (effect, result) {
            (true, Ok(())) => change(world),
            (true, Err(error)) => change(world).and(Err(error)),
            (false, result) => result.and(Err(power_is_gone())),
        }
    }

    fn look<T>(&self, look: impl FnOnce(&World) -> io::Result<T>) -> io::Result<T> {
        let world = &*lock(&self.world);
        match world.down || world.life != self.life {
            true => Err(power_is_gone()),
            false => look(world),
        }
    }

    fn handle(&self, file: usize) -> Box<dyn DiskFile> {
        let disk = SimulatedDisk {
            world: self.world.clone(),
            life: self.life,
        };
        Box::new(SimulatedFile { disk, file })
    }
}

impl Disk for SimulatedDisk {
    fn names(&self) -> io::Result<Vec<String>> {
        self.look(|world| Ok(world.names.keys().cloned().collect()))
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        self.look(|world| {
            let file = world.file(name)?;
            Ok(world
                .files
                .get(file)
                .map(|content| content.now.clone())
                .unwrap_or_default())
        })
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let file = self.change(|world| {
            world.files.push(Content::default());
            let file = world.files.len() - 1;
            world.rename(NameChange::Set(name.into(), file));
            Ok(file)
        })?;
        Ok(self.handle(file))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let file = self.look(|world| world.file(name))?;
        Ok(self.handle(file))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.change(|world| {
            let file = world.file(from)?;
            world.rename(NameChange::Set(to.into(), file));
            world.rename(NameChange::Remove(from.into()));
            Ok(())
        })
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.change(|world| {
            world.file(name)?;
            world.rename(NameChange::Remove(name.into()));
            Ok(())
        })
    }

    fn sync_names(&self) -> io::Result<()> {
        self.change(|world| {
            world.renames.clear();
            world.durable_names = world.names.clone();
            Ok(())
        })
    }

    fn free_bytes(&self) -> io::Result<u64> {
        self.look(|world| Ok(world.free_bytes))
    }
}

struct SimulatedFile {
    disk: SimulatedDisk,
    file: usize,
}

impl SimulatedFile {
    fn change(&self, change: impl FnOnce(&mut Content)) -> io::Result<()> {
        self.disk.change(|world| {
            if let Some(content) = world.files.get_mut(self.file) {
                change(content);
            }
            Ok(())
        })
    }
}

impl DiskFile for SimulatedFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.change(|content| content.now.extend_from_slice(bytes))
    }

    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.change(|content| {
            let start = offset as usize;
            let end = start + bytes.len();
            content.now.resize(content.now.len().max(end), 0);
            if let Some(place) = content.now.get_mut(start..end) {
                place.copy_from_slice(bytes);
            }
        })
    }

    fn sync(&mut self) -> io::Result<()> {
        self.change(|content| content.durable = content.now.clone())
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.change(|content| content.now.truncate(length as usize))
    }
}

// ---- its map -------------------------------------------------------------------------

struct SimulatedPlatform {
    disk: Arc<SimulatedDisk>,
}

impl Platform for SimulatedPlatform {
    fn disk(&self) -> Arc<dyn Disk> {
        self.disk.clone()
    }

    fn has_map(&self) -> Result<bool> {
        Ok(lock(&self.disk.world).map.is_some())
    }

    fn open_map(&self) -> Result<Box<dyn OrderedMap>> {
        let world = &mut *lock(&self.disk.world);
        world.map.get_or_insert_default();
        world.durable_map.get_or_insert_default();
        let (world, life) = (self.disk.world.clone(), self.disk.life);
        Ok(Box::new(SimulatedMap {
            disk: SimulatedDisk { world, life },
        }))
    }

    fn name(&self) -> String {
        "a simulation".into()
    }
}

struct SimulatedMap {
    disk: SimulatedDisk,
}

impl SimulatedMap {
    fn change(&self, change: impl FnOnce(&mut World)) -> Result<()> {
        let changed = self.disk.change(|world| {
            change(world);
            Ok(())
        });
        changed.map_err(|error| Error::new(Code::StoreUnavailable, error.to_string()))
    }

    fn look<T>(&self, look: impl FnOnce(&Tree) -> T) -> Result<T> {
        let looked = self.disk.look(|world| {
            let empty = Tree::new();
            Ok(look(world.map.as_ref().unwrap_or(&empty)))
        });
        looked.map_err(|error| Error::new(Code::StoreUnavailable, error.to_string()))
    }

    fn pairs(&self, from: &[u8], to: &[u8], back: bool) -> Pairs<'_> {
        let mut range = (from.to_vec(), to.to_vec());
        let mut started = false;
        let mut over = false;
        Box::new(std::iter::from_fn(move || {
            if over {
                return None;
            }
            let pair = self.look(|tree| next_pair(tree, &mut range, &mut started, back));
            over = !matches!(pair, Ok(Some(_)));
            pair.transpose()
        }))
    }
}

fn next_pair(
    tree: &Tree,
    range: &mut (Vec<u8>, Vec<u8>),
    started: &mut bool,
    back: bool,
) -> Option<(Value, Value)> {
    if range.0 >= range.1 {
        return None;
    }
    let from = match *started && !back {
        true => Bound::Excluded(range.0.clone()),
        false => Bound::Included(range.0.clone()),
    };
    let mut pairs = tree.range((from, Bound::Excluded(range.1.clone())));
    let (key, value) = if back {
        pairs.next_back()
    } else {
        pairs.next()
    }?;
    *started = true;
    match back {
        true => range.1 = key.clone(),
        false => range.0 = key.clone(),
    }
    Some((key.as_slice().into(), value.as_slice().into()))
}

impl OrderedMap for SimulatedMap {
    fn get(&self, key: &[u8]) -> Result<Option<Value>> {
        self.look(|tree| tree.get(key).map(|value| value.as_slice().into()))
    }

    fn range(&self, from: &[u8], to: &[u8]) -> Pairs<'_> {
        self.pairs(from, to, false)
    }

    fn range_back(&self, from: &[u8], to: &[u8]) -> Pairs<'_> {
        self.pairs(from, to, true)
    }

    fn apply(&self, ops: Vec<Op>) -> Result<()> {
        self.change(|world| {
            let tree = world.map.get_or_insert_default();
            for (key, value) in ops {
                match value {
                    Some(value) => tree.insert(key, value),
                    None => tree.remove(&key),
                };
            }
        })
    }

    fn flush(&self) -> Result<()> {
        self.change(|world| world.durable_map = world.map.clone())
    }

    /// Grows with every look, so that simulations open the map anew now and then.
    fn held_bytes(&self) -> u64 {
        lock(&self.disk.world).steps
    }
}
