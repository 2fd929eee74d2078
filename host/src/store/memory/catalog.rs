//! The catalog, components and the outbox of the store in memory.

use super::MemoryStore;
use crate::error::Result;
use crate::model::{
    CatalogChange, CatalogKey, CatalogRow, Delivery, DeliveryId, DeliveryState, Digest,
    Environment, RunId,
};
use crate::store::catalog::{CatalogStore, DeliveryQuery};
use async_trait::async_trait;
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};

/// What is kept beside records and runs.
#[derive(Default)]
pub(super) struct Service {
    rows: BTreeMap<CatalogKey, CatalogRow>,
    components: BTreeMap<Digest, Bytes>,
    announced: BTreeSet<RunId>,
    deliveries: BTreeMap<DeliveryId, Delivery>,
}

impl Service {
    /// Announces the end of a run, if its environment was set up.
    pub(super) fn announce(&mut self, run: RunId, environment: &Environment) {
        let environment = CatalogKey::Environment(environment.clone());
        if self.rows.contains_key(&environment) {
            self.announced.insert(run);
        }
    }

    /// Whether a run is announced.
    pub(super) fn is_announced(&self, run: RunId) -> bool {
        self.announced.contains(&run)
    }

    /// Tells nobody of these runs any more.
    pub(super) fn forget_announcements(&mut self, which: impl Fn(&RunId) -> bool) {
        self.announced.retain(|run| !which(run));
    }
}

#[async_trait]
impl CatalogStore for MemoryStore {
    async fn change_catalog(&self, changes: Vec<CatalogChange>) -> Result<()> {
        let mut state = self.lock();
        for change in &changes {
            if let CatalogChange::Erase(connection) = change {
                state.erase(connection)?;
            }
        }
        let Service {
            rows, deliveries, ..
        } = &mut state.service;
        for change in changes {
            match change {
                CatalogChange::Put(row) => drop(rows.insert(row.key(), row)),
                CatalogChange::Remove(key) => {
                    if let CatalogKey::Environment(name) = &key {
                        deliveries.retain(|_, each| each.connection.environment != *name);
                    }
                    rows.remove(&key);
                }
                CatalogChange::Erase(_) => {}
            }
        }
        Ok(())
    }

    async fn catalog(&self) -> Result<Vec<CatalogRow>> {
        Ok(self.lock().service.rows.values().cloned().collect())
    }

    async fn put_component(&self, bytes: Bytes) -> Result<Digest> {
        let digest = Digest::of(&bytes);
        self.lock().service.components.insert(digest, bytes);
        Ok(digest)
    }

    async fn component(&self, digest: &Digest) -> Result<Option<Bytes>> {
        Ok(self.lock().service.components.get(digest).cloned())
    }

    async fn announced(&self, limit: usize) -> Result<Vec<RunId>> {
        let state = self.lock();
        Ok(state
            .service
            .announced
            .iter()
            .take(limit)
            .copied()
            .collect())
    }

    async fn put_deliveries(
        &self,
        announced: Option<RunId>,
        deliveries: Vec<Delivery>,
    ) -> Result<()> {
        let service = &mut self.lock().service;
        let rows = deliveries
            .into_iter()
            .map(|delivery| (delivery.id, delivery));
        service.deliveries.extend(rows);
        if let Some(run) = announced {
            service.announced.remove(&run);
        }
        Ok(())
    }

    async fn delivery(&self, id: DeliveryId) -> Result<Option<Delivery>> {
        Ok(self.lock().service.deliveries.get(&id).cloned())
    }

    async fn deliveries(&self, query: DeliveryQuery) -> Result<Vec<Delivery>> {
        let state = self.lock();
        let wanted = |delivery: &&Delivery| {
            let environment = query.environment.as_ref();
            (delivery.state == DeliveryState::Waiting) == query.waiting
                && query.after.is_none_or(|after| delivery.id > after)
                && environment.is_none_or(|wanted| *wanted == delivery.connection.environment)
        };
        let found = state.service.deliveries.values().filter(wanted);
        Ok(found.take(query.limit).cloned().collect())
    }

    async fn forget_deliveries(&self, before: jiff::Timestamp) -> Result<u64> {
        let deliveries = &mut self.lock().service.deliveries;
        let all = deliveries.len();
        deliveries.retain(|_, delivery| {
            delivery.state == DeliveryState::Waiting || delivery.created >= before
        });
        Ok((all - deliveries.len()) as u64)
    }
}
