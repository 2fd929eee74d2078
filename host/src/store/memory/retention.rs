//! Pruning, erasing and forgetting in the store in memory.

use super::stream::Stream;
use super::{MemoryStore, State, place};
use crate::error::{Code, Error, Result};
use crate::model::{ConnectionKey, RunId, RunState, StreamKey, SyncKey};
use crate::store::{ForgetRuns, Forgotten, PruneQuery, Pruned, RetentionStore};
use async_trait::async_trait;
use std::collections::HashMap;

#[async_trait]
impl RetentionStore for MemoryStore {
    async fn prune(&self, key: &StreamKey, query: PruneQuery) -> Result<Pruned> {
        let (mut state, now) = (self.lock(), self.clock.now());
        let never = Stream::new(0);
        let known = state.streams.get(key).unwrap_or(&never);
        let through = match query.through {
            Some(cursor) => place(key, known, cursor)?,
            None => u64::MAX,
        };
        let since = query.unchanged_since;
        let stream = state.streams.get_mut(key);
        Ok(stream
            .map(|stream| stream.prune(through, since, query.limit, now))
            .unwrap_or_default())
    }

    async fn forget_runs(&self, query: ForgetRuns) -> Result<Forgotten> {
        let mut state = self.lock();
        let mut of_sync: HashMap<SyncKey, usize> = HashMap::new();
        let mut gone = Vec::new();
        for row in state.runs.values().rev() {
            let newer = of_sync.entry(row.key.clone()).or_default();
            let surplus = *newer >= query.per_sync.max(1);
            let old = row.started < query.before && *newer > 0;
            let over = row.state != RunState::Running && !state.service.is_announced(row.id);
            if (surplus || old) && over {
                gone.push(row.id);
            }
            *newer += 1;
        }
        for run in &gone {
            state.runs.remove(run);
            state.logs.remove(run);
        }
        let State { runs, logs, .. } = &mut *state;
        let old = |run: &RunId| {
            runs.get(run)
                .is_none_or(|row| row.started < query.logs_before)
        };
        let count = logs.iter();
        let count = count.filter(|(run, lines)| old(run) && !lines.is_empty());
        let count = count.count() as u64;
        logs.retain(|run, _| !old(run));
        Ok(Forgotten {
            runs: gone.len() as u64,
            logs: count,
        })
    }

    async fn erase(&self, connection: &ConnectionKey) -> Result<()> {
        self.lock().erase(connection)
    }
}

impl State {
    /// Takes away all that the syncs of a connection have left.
    pub(super) fn erase(&mut self, connection: &ConnectionKey) -> Result<()> {
        let own = |key: &SyncKey| key.connection == *connection;
        let live = self
            .syncs
            .iter()
            .find_map(|(key, sync)| Some((key, sync.live.filter(|_| own(key))?.0)));
        if let Some((key, run)) = live {
            let message = format!("run {run} of {key} is live; cancel it first");
            return Err(Error::new(Code::RunConflict, message));
        }
        for (key, stream) in &mut self.streams {
            if key.connection == *connection {
                stream.clear();
            }
        }
        self.syncs.retain(|key, _| !own(key));
        self.passes.retain(|(key, _), _| !own(key));
        self.metadata.remove(connection);
        let runs = &self.runs;
        self.logs
            .retain(|run, _| runs.get(run).is_none_or(|row| !own(&row.key)));
        self.service
            .forget_announcements(|run| runs.get(run).is_some_and(|row| own(&row.key)));
        self.runs.retain(|_, row| !own(&row.key));
        Ok(())
    }
}
