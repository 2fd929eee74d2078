//! Delete passes: what a full refresh has seen, and what it therefore deletes.
//!
//! A pass is a set of places in the log. Each save in it adds the places of its records,
//! durable in the same commit; when a record that was seen moves on, so does the place.
//! At the end, the live places that were not seen are the records that are gone: a
//! difference of two bitmaps, and none of the records is read if it is empty.

use super::bytes::{Input, damaged, put_varint};
use super::keys;
use super::sequences::Sequences;
use super::stream::NewRow;
use super::writer::Writer;
use crate::error::Result;
use crate::limits::DELETE_SAMPLE_IDS;
use crate::model::{BlockedDelete, ModelName, RunId, SyncKey};
use crate::store::{DeleteGuard, PassEnd, RunFence};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// Tombstones in one commit of a closing pass, so that others' writes come between.
const TOMBSTONES_PER_COMMIT: usize = 1_000;

/// Why a pass with a hole may not delete.
const CUT: &str = "an earlier run of this pass was cut after a save that no checkpoint followed, \
                   so that it may have missed records";

/// An open delete pass.
pub(super) struct Pass {
    row: PassRow,
    seen: Sequences,
    entries: u64,
}

/// What of a pass is written when it changes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct PassRow {
    /// What it was opened for.
    pub(super) key: SyncKey,
    /// The model.
    pub(super) model: ModelName,
    /// Its number, in the keys of what it has seen.
    number: u64,
    /// The stream.
    stream: u32,
    /// The run that opened it last.
    run: RunId,
    /// A save came after the last checkpoint: if the run is cut now, what it fetched
    /// beside may be missed.
    unsettled: bool,
    /// Why it may not delete.
    hole: Option<String>,
}

/// How far a closing pass came.
pub(super) enum Closing {
    /// There are more tombstones to write: ask again.
    More(Progress),
    /// It is over.
    Done(PassEnd),
}

/// What is to become of the records that a pass did not see.
enum Judged {
    Held(BlockedDelete),
    /// The next ones that are deleted; fewer than a commit's worth at the end.
    Gone(Vec<u64>),
}

/// What a closing pass keeps from commit to commit.
#[derive(Default)]
pub(super) struct Progress {
    /// The last sequence that the pass judges; 0 before it started.
    last: u64,
    deleted: Vec<Box<str>>,
}

impl Writer {
    /// Loads the passes that were open when the store was closed.
    pub(super) fn load_passes(&mut self) -> Result<()> {
        let range = keys::all(keys::Table::Pass);
        for key in self.keys_in(&range)? {
            let Some(bytes) = self.get(&key)? else {
                continue;
            };
            let row: PassRow = serde_json::from_slice(&bytes)
                .map_err(|error| damaged(format!("a delete pass does not read: {error}")))?;
            let mut pass = Pass {
                row,
                seen: Sequences::default(),
                entries: 0,
            };
            self.shared.with_map(|map| {
                let (from, to) = keys::all_seen(pass.row.number);
                for pair in map.range(&from, &to) {
                    let (key, value) = pair?;
                    pass.entries = keys::last_u64(&key)? + 1;
                    pass.add(&value)?;
                }
                Ok(())
            })?;
            self.passes
                .insert((pass.row.key.clone(), pass.row.model.clone()), pass);
        }
        self.forget_lost_passes()
    }

    /// Finds what ended passes have left behind and lets it be removed.
    fn forget_lost_passes(&mut self) -> Result<()> {
        let open: HashSet<u64> = self.passes.values().map(|pass| pass.row.number).collect();
        let (mut from, to) = keys::all(keys::Table::Seen);
        loop {
            let next = self
                .shared
                .with_map(|map| map.range(&from, &to).next().transpose())?;
            let Some((key, _)) = next else {
                return Ok(());
            };
            let number = keys::pass_of_seen(&key)?;
            if !open.contains(&number) {
                self.forget_passes(vec![number]);
            }
            from = keys::all_seen(number).1;
        }
    }

    pub(super) fn open_pass(
        &mut self,
        fence: &RunFence,
        model: &ModelName,
        resumed: bool,
    ) -> Result<()> {
        self.live(fence)?;
        self.needs_room()?;
        let place = (fence.key.clone(), model.clone());
        if let Some(pass) = self.passes.get_mut(&place).filter(|_| resumed) {
            pass.row.adopt(fence.run);
            return self.put_pass(&place);
        }
        self.drop_pass(&fence.key, model);
        let stream = self.stream_number(&fence.key.stream(model.clone()));
        self.stage.passes_opened += 1;
        let row = PassRow {
            key: fence.key.clone(),
            model: model.clone(),
            // Unique: the number of the commit, and which pass of it.
            number: (self.commit_number() << 16) | u64::from(self.stage.passes_opened),
            stream,
            run: fence.run,
            unsettled: false,
            hole: None,
        };
        let pass = Pass {
            row,
            seen: Sequences::default(),
            entries: 0,
        };
        self.passes.insert(place.clone(), pass);
        self.put_pass(&place)
    }

    /// Notes why the open pass may not delete.
    pub(super) fn spoil_pass(
        &mut self,
        fence: &RunFence,
        model: &ModelName,
        reason: &str,
    ) -> Result<()> {
        self.live(fence)?;
        let place = (fence.key.clone(), model.clone());
        let Some(pass) = self.passes.get_mut(&place) else {
            return Ok(());
        };
        pass.row.hole.get_or_insert_with(|| reason.into());
        self.put_pass(&place)
    }

    /// Marks places as seen in the open pass of a sync, if there is one.
    pub(super) fn mark_seen(&mut self, fence: &RunFence, model: &ModelName, mut seen: Vec<u64>) {
        let place = (fence.key.clone(), model.clone());
        let Some(pass) = self.passes.get_mut(&place) else {
            return;
        };
        let changed = pass.row.adopt(fence.run) || !pass.row.unsettled;
        pass.row.unsettled = true;
        seen.retain(|sequence| !pass.seen.contains(*sequence));
        if let Some((key, value)) = pass.record(seen) {
            self.put(key, value);
        }
        if changed {
            // Staging a row of plain names cannot fail.
            let _ = self.put_pass(&place);
        }
    }

    /// Lets every pass of a stream follow the records that it has seen to their new
    /// places: a record stays seen whoever changes it.
    pub(super) fn follow_passes(&mut self, stream: u32, rows: &[NewRow<'_>], sequences: &[u64]) {
        let mut entries = Vec::new();
        for pass in self
            .passes
            .values_mut()
            .filter(|pass| pass.row.stream == stream)
        {
            let moved = rows.iter().zip(sequences);
            let seen = moved
                .filter(|(row, _)| row.before != 0 && pass.seen.contains(row.before))
                .map(|(_, sequence)| *sequence)
                .collect();
            entries.extend(pass.record(seen));
        }
        for (key, value) in entries {
            self.put(key, value);
        }
    }

    /// Notes that everything saved so far is covered by a checkpoint, or that the run
    /// came to its end.
    pub(super) fn settle_passes(&mut self, fence: &RunFence) -> Result<()> {
        let places = self.passes_of(&fence.key, |pass| pass.row.unsettled);
        for place in places {
            if let Some(pass) = self.passes.get_mut(&place) {
                pass.row.adopt(fence.run);
                pass.row.unsettled = false;
            }
            self.put_pass(&place)?;
        }
        Ok(())
    }

    /// Drops all passes of a sync.
    pub(super) fn drop_passes(&mut self, key: &SyncKey) {
        for (key, model) in self.passes_of(key, |_| true) {
            self.drop_pass(&key, &model);
        }
    }

    /// Takes one step of closing a pass. The caller must have checked the fence.
    pub(super) fn close_pass(
        &mut self,
        fence: &RunFence,
        model: &ModelName,
        guard: DeleteGuard,
        mut progress: Progress,
    ) -> Result<Closing> {
        let place = (fence.key.clone(), model.clone());
        let Some(pass) = self.passes.get_mut(&place) else {
            return Ok(Closing::Done(PassEnd::NotOpen));
        };
        pass.row.adopt(fence.run);
        let (stream, hole) = (pass.row.stream, pass.row.hole.clone());
        let seen = std::mem::take(&mut pass.seen);
        let judged = self.judge(stream, model, hole, &seen, guard, &mut progress);
        if let Some(pass) = self.passes.get_mut(&place) {
            pass.seen = seen;
        }
        let gone = match judged? {
            Judged::Held(held) => {
                self.drop_pass(&fence.key, model);
                return Ok(Closing::Done(PassEnd::Held(held)));
            }
            Judged::Gone(gone) => gone,
        };
        if !gone.is_empty() {
            let ids = self.bury(stream, fence, &gone)?;
            progress.deleted.extend(ids);
            self.live(fence)?.counts_of(model).deleted += gone.len() as u64;
            self.put_counts(fence, model)?;
            if gone.len() == TOMBSTONES_PER_COMMIT {
                return Ok(Closing::More(progress));
            }
        }
        self.drop_pass(&fence.key, model);
        progress.deleted.sort_unstable();
        Ok(Closing::Done(PassEnd::Deleted(progress.deleted)))
    }

    /// Looks at which records are gone; the first time also at whether they may go.
    fn judge(
        &mut self,
        stream: u32,
        model: &ModelName,
        hole: Option<String>,
        seen: &Sequences,
        guard: DeleteGuard,
        progress: &mut Progress,
    ) -> Result<Judged> {
        if progress.last == 0 {
            progress.last = self.state(stream)?.last_sequence;
            if let Some(held) = self.held(stream, model, hole, seen, guard)? {
                return Ok(Judged::Held(held));
            }
        }
        let last = progress.last;
        let gone = self.with_places(stream, |places| {
            if seen.count_both(&places.live) == places.live.len() {
                return Vec::new();
            }
            let gone = places.live.without(seen, last);
            gone.take(TOMBSTONES_PER_COMMIT).collect()
        })?;
        Ok(Judged::Gone(gone))
    }

    /// Why a pass is held back, if it is.
    fn held(
        &mut self,
        stream: u32,
        model: &ModelName,
        hole: Option<String>,
        seen: &Sequences,
        guard: DeleteGuard,
    ) -> Result<Option<BlockedDelete>> {
        let (live, gone, first) = self.with_places(stream, |places| {
            let live = places.live.len();
            let gone = live - seen.count_both(&places.live);
            let held = hole.is_some() || guard.holds(gone, live);
            let first = places.live.without(seen, u64::MAX);
            let sample = if held { DELETE_SAMPLE_IDS } else { 0 };
            (live, gone, first.take(sample).collect::<Vec<_>>())
        })?;
        let reason = match hole {
            Some(hole) => hole,
            None if guard.holds(gone, live) => format!(
                "{gone} of {live} live records were not seen, more than a pass may delete \
                 unasked ({} and {:.0} %)",
                guard.records,
                guard.share * 100.0
            ),
            None => return Ok(None),
        };
        let mut sample = Vec::new();
        for sequence in first {
            let block = self.block_at(stream, sequence)?;
            let id = block
                .as_ref()
                .and_then(|block| Some(block.id(block.slot(sequence)?).into()));
            sample.extend(id);
        }
        Ok(Some(BlockedDelete {
            model: model.clone(),
            would_delete: gone,
            live,
            sample,
            reason,
        }))
    }

    fn passes_of(&self, key: &SyncKey, which: impl Fn(&Pass) -> bool) -> Vec<(SyncKey, ModelName)> {
        let of_key =
            |((owner, _), pass): &(&(SyncKey, ModelName), &Pass)| owner == key && which(pass);
        let passes = self.passes.iter().filter(of_key);
        passes.map(|(place, _)| place.clone()).collect()
    }

    fn put_pass(&mut self, place: &(SyncKey, ModelName)) -> Result<()> {
        if let Some(pass) = self.passes.get(place) {
            let row = super::runs::to_json(&pass.row)?;
            self.put(keys::pass(&place.0, &place.1), row);
        }
        Ok(())
    }

    fn drop_pass(&mut self, key: &SyncKey, model: &ModelName) {
        if let Some(pass) = self.passes.get(&(key.clone(), model.clone())) {
            // What it has seen is nobody's any more, and removed beside.
            self.stage.passes_ended.push(pass.row.number);
            self.remove(keys::pass(key, model));
            self.passes.remove(&(key.clone(), model.clone()));
        }
    }
}

impl PassRow {
    /// Takes the pass over for a run; answers whether that changed it. If the run before
    /// was cut after a save that no checkpoint followed, the pass has a hole from now on.
    fn adopt(&mut self, run: RunId) -> bool {
        if self.run == run {
            return false;
        }
        if self.unsettled {
            self.hole.get_or_insert_with(|| CUT.into());
        }
        self.run = run;
        self.unsettled = false;
        true
    }
}

impl Pass {
    /// Adds places; answers the entry that makes them durable.
    fn record(&mut self, mut seen: Vec<u64>) -> Option<(Vec<u8>, Vec<u8>)> {
        if seen.is_empty() {
            return None;
        }
        seen.sort_unstable();
        let (mut value, mut last) = (Vec::with_capacity(seen.len() * 2), 0);
        for sequence in seen {
            put_varint(&mut value, sequence - last);
            self.seen.insert(sequence);
            last = sequence;
        }
        let key = keys::seen(self.row.number, self.entries);
        self.entries += 1;
        Some((key, value))
    }

    fn add(&mut self, value: &[u8]) -> Result<()> {
        let (mut input, mut last) = (Input::new(value, "what a delete pass has seen"), 0u64);
        while !input.rest().is_empty() {
            last = last.saturating_add(input.varint()?);
            self.seen.insert(last);
        }
        Ok(())
    }
}
