//! Syncs on connections: paused or not, how often, and which variants there are.

use super::{Catalog, missing, taken};
use crate::error::{Code, Error, Result};
use crate::limits::VARIANTS_MAX;
use crate::model::{
    CatalogChange, CatalogKey, CatalogRow, ConnectionKey, Digest, Environment, Integration,
    SyncKey, SyncRow, Variant,
};
use std::sync::Arc;

impl Catalog {
    /// The syncs of an environment, of an integration or of a connection.
    pub fn syncs(
        &self,
        environment: &Environment,
        integration: Option<&Integration>,
        connection: Option<&ConnectionKey>,
    ) -> Vec<Arc<SyncRow>> {
        let rows = self.rows();
        let own = rows.syncs.values().filter(|row| {
            let key = &row.key.connection;
            key.environment == *environment
                && integration.is_none_or(|name| key.integration == *name)
                && connection.is_none_or(|wanted| key == wanted)
        });
        own.cloned().collect()
    }

    /// Every sync of the host.
    pub fn all_syncs(&self) -> Vec<Arc<SyncRow>> {
        self.rows().syncs.values().cloned().collect()
    }

    /// A sync on a connection. `not.found` if the connection does not have it.
    pub fn sync(&self, key: &SyncKey) -> Result<Arc<SyncRow>> {
        let found = self.rows().syncs.get(key).cloned();
        found.ok_or_else(|| missing("sync", &key.sync))
    }

    /// Changes the settings of a sync.
    pub async fn change_sync(
        &self,
        key: &SyncKey,
        change: impl FnOnce(&mut SyncRow),
    ) -> Result<Arc<SyncRow>> {
        let _changing = self.changing.lock().await;
        let mut row = (*self.sync(key)?).clone();
        change(&mut row);
        self.change(vec![CatalogChange::Put(CatalogRow::Sync(row))])
            .await?;
        self.sync(key)
    }

    /// Lets one connection run another deployment than the released one; none lifts that.
    pub async fn pin(&self, key: &SyncKey, digest: Option<Digest>) -> Result<Arc<SyncRow>> {
        if let Some(digest) = &digest {
            let deployment = self.deployment(digest).await?;
            if deployment.manifest.name != key.sync {
                return Err(Error::new(
                    Code::InvalidArgument,
                    format!(
                        "deployment {digest} is of sync `{}`, not `{}`",
                        deployment.manifest.name, key.sync
                    ),
                ));
            }
        }
        self.change_sync(key, |row| row.pinned = digest).await
    }

    /// Adds a variant of a sync that the connection has. `invalid.argument` if there is
    /// one of that name, or too many.
    pub async fn add_variant(&self, key: &SyncKey) -> Result<Arc<SyncRow>> {
        let _changing = self.changing.lock().await;
        let base = SyncKey {
            variant: Variant::base(),
            ..key.clone()
        };
        let base = self.sync(&base)?;
        if self.sync(key).is_ok() {
            return Err(taken("variant", &key.variant));
        }
        let of_connection = self.syncs(
            &key.connection.environment,
            Some(&key.connection.integration),
            Some(&key.connection),
        );
        let variants = of_connection
            .iter()
            .filter(|row| row.key.sync == key.sync && row.key.variant != Variant::base())
            .count();
        if variants >= VARIANTS_MAX {
            return Err(Error::new(
                Code::InvalidArgument,
                format!(
                    "sync `{}` has {variants} variants, the most there can be",
                    key.sync
                ),
            ));
        }
        let row = SyncRow {
            key: key.clone(),
            created: self.clock.now(),
            ..(*base).clone()
        };
        self.change(vec![CatalogChange::Put(CatalogRow::Sync(row))])
            .await?;
        self.sync(key)
    }

    /// Removes a variant from the catalog. `invalid.argument` for `base`.
    pub async fn remove_variant(&self, key: &SyncKey) -> Result<()> {
        let _changing = self.changing.lock().await;
        if key.variant == Variant::base() {
            return Err(Error::new(
                Code::InvalidArgument,
                "the variant `base` goes with its connection and cannot be removed",
            ));
        }
        self.sync(key)?;
        self.change(vec![CatalogChange::Remove(CatalogKey::Sync(key.clone()))])
            .await
    }

    /// The syncs that a new connection gets: those released for its integration.
    pub(super) async fn syncs_for(&self, connection: &ConnectionKey) -> Result<Vec<CatalogChange>> {
        let mut changes = Vec::new();
        for release in self.releases(&connection.environment, Some(&connection.integration)) {
            let deployment = self.deployment(&release.digest).await?;
            let key = SyncKey {
                connection: connection.clone(),
                sync: release.sync.clone(),
                variant: Variant::base(),
            };
            changes.push(self.new_sync(key, &deployment));
        }
        Ok(changes)
    }
}
