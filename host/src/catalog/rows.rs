//! The catalog's rows as they are looked up: a copy in memory of what the store keeps.

use crate::model::{
    ApiKeyRow, CatalogChange, CatalogKey, CatalogRow, ConnectionKey, ConnectionRow, Environment,
    EnvironmentRow, Integration, IntegrationRow, ReleaseRow, SyncKey, SyncName, SyncRow,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Every row, by its key. Keys of one owner stand side by side.
#[derive(Default)]
pub(super) struct Rows {
    pub(super) environments: BTreeMap<Environment, Arc<EnvironmentRow>>,
    pub(super) keys: BTreeMap<String, Arc<ApiKeyRow>>,
    pub(super) integrations: BTreeMap<(Environment, Integration), Arc<IntegrationRow>>,
    pub(super) connections: BTreeMap<ConnectionKey, Arc<ConnectionRow>>,
    pub(super) releases: BTreeMap<(Environment, Integration, SyncName), Arc<ReleaseRow>>,
    pub(super) syncs: BTreeMap<SyncKey, Arc<SyncRow>>,
}

impl Rows {
    pub(super) fn apply(&mut self, change: CatalogChange) {
        match change {
            CatalogChange::Put(row) => self.put(row),
            CatalogChange::Remove(key) => self.remove(&key),
            // Of the catalog's rows it takes none.
            CatalogChange::Erase(_) => {}
        }
    }

    pub(super) fn put(&mut self, row: CatalogRow) {
        match row {
            CatalogRow::Environment(row) => {
                self.environments.insert(row.name.clone(), Arc::new(row));
            }
            CatalogRow::ApiKey(row) => {
                self.keys.insert(row.id.clone(), Arc::new(row));
            }
            CatalogRow::Integration(row) => {
                let key = (row.environment.clone(), row.name.clone());
                self.integrations.insert(key, Arc::new(row));
            }
            CatalogRow::Connection(row) => {
                self.connections.insert(row.key.clone(), Arc::new(row));
            }
            CatalogRow::Release(row) => {
                let names = (row.environment.clone(), row.integration.clone());
                let key = (names.0, names.1, row.sync.clone());
                self.releases.insert(key, Arc::new(row));
            }
            CatalogRow::Sync(row) => {
                self.syncs.insert(row.key.clone(), Arc::new(row));
            }
        }
    }

    fn remove(&mut self, key: &CatalogKey) {
        match key {
            CatalogKey::Environment(name) => drop(self.environments.remove(name)),
            CatalogKey::ApiKey(id) => drop(self.keys.remove(id)),
            CatalogKey::Integration(environment, name) => {
                self.integrations
                    .remove(&(environment.clone(), name.clone()));
            }
            CatalogKey::Connection(key) => drop(self.connections.remove(key)),
            CatalogKey::Release(environment, integration, sync) => {
                let key = (environment.clone(), integration.clone(), sync.clone());
                self.releases.remove(&key);
            }
            CatalogKey::Sync(key) => drop(self.syncs.remove(key)),
        }
    }
}
