//! A new master key: everything sealed is wrapped with it, so that the ones before can be
//! taken away.

use super::Catalog;
use super::connections::owner;
use super::environments::signing_owner;
use crate::error::{Error, Result};
use crate::model::{CatalogChange, CatalogKey, CatalogRow, SealedText};
use crate::vault::Sealed;
use std::collections::BTreeMap;

/// Rows of one commit; more wait for the next, so that others get their turn between.
const REWRAPPED_AT_ONCE: usize = 256;

/// What a rewrap came to.
#[derive(Debug, Default)]
pub struct Rewrapped {
    /// Rows that are under the current key now and were not before.
    pub rows: u64,
    /// Why rows stay as they are: their key is not in the file, or they are damaged.
    pub failed: Vec<Error>,
}

impl Rewrapped {
    fn add(&mut self, other: Rewrapped) {
        self.rows += other.rows;
        self.failed.extend(other.failed);
    }
}

impl Catalog {
    /// Wraps the credentials of every connection and the signing key of every environment
    /// with the current master key. A row that does not open is told and left: it must
    /// not keep the others' host from starting.
    pub async fn rewrap_all(&self) -> Result<Rewrapped> {
        let mut whole = Rewrapped::default();
        let keys: Vec<CatalogKey> = {
            let rows = self.rows();
            let environments = rows.environments.keys().cloned();
            let connections = rows.connections.keys().cloned();
            environments
                .map(CatalogKey::Environment)
                .chain(connections.map(CatalogKey::Connection))
                .collect()
        };
        for some in keys.chunks(REWRAPPED_AT_ONCE) {
            whole.add(self.rewrap(some).await?);
        }
        Ok(whole)
    }

    /// The ids of the master keys, the current one first.
    pub fn master_keys(&self) -> Vec<String> {
        let ids = self.vault.keys().ids();
        ids.map(ToString::to_string).collect()
    }

    async fn rewrap(&self, keys: &[CatalogKey]) -> Result<Rewrapped> {
        let _changing = self.changing.lock().await;
        let mut outcome = Rewrapped::default();
        let mut changes = BTreeMap::new();
        for key in keys {
            match self.rewrapped(key) {
                Ok(Some(row)) => drop(changes.insert(key, CatalogChange::Put(row))),
                Ok(None) => {}
                Err(error) => outcome.failed.push(error),
            }
        }
        outcome.rows = changes.len() as u64;
        if !changes.is_empty() {
            self.change(changes.into_values().collect()).await?;
        }
        Ok(outcome)
    }

    /// The row under the current key; none where it is gone or nothing is to be done.
    fn rewrapped(&self, key: &CatalogKey) -> Result<Option<CatalogRow>> {
        match key {
            CatalogKey::Environment(name) => {
                let Some(found) = self.rows().environments.get(name).cloned() else {
                    return Ok(None);
                };
                let fresh = self.rewrapped_text(&signing_owner(name), &found.signing_key)?;
                Ok(fresh.map(|signing_key| {
                    let mut row = (*found).clone();
                    row.signing_key = signing_key;
                    CatalogRow::Environment(row)
                }))
            }
            CatalogKey::Connection(name) => {
                let found = self.rows().connections.get(name).cloned();
                let Some((found, sealed)) =
                    found.and_then(|row| Some((row.clone(), row.credentials.clone()?)))
                else {
                    return Ok(None);
                };
                let fresh = self.rewrapped_text(&owner(name), &sealed)?;
                Ok(fresh.map(|credentials| {
                    let mut row = (*found).clone();
                    row.credentials = Some(credentials);
                    CatalogRow::Connection(row)
                }))
            }
            _ => Ok(None),
        }
    }

    fn rewrapped_text(&self, owner: &str, sealed: &SealedText) -> Result<Option<SealedText>> {
        let sealed: Sealed = super::parse_sealed(owner, sealed)?;
        let fresh = self.vault.rewrap(owner, &sealed)?;
        fresh.as_ref().map(super::sealed_text).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{NewConnection, NewIntegration};
    use crate::clock::{Clock, SystemClock};
    use crate::error::Code;
    use crate::model::{
        AuthScheme, ConnectionKey, Environment, Integration, Resources, WebhookSettings,
    };
    use crate::store::ServiceStore;
    use crate::store::memory::MemoryStore;
    use crate::vault::{MasterKeys, Vault};
    use std::sync::Arc;

    const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const OTHER: &str = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";

    async fn catalog(store: &Arc<MemoryStore>, clock: &Arc<dyn Clock>, keys: &str) -> Catalog {
        let vault = Vault::new(MasterKeys::from_text(keys, "a test").unwrap());
        let store: Arc<dyn ServiceStore> = store.clone();
        Catalog::open(store, vault, clock.clone()).await.unwrap()
    }

    #[tokio::test]
    async fn after_a_rewrap_the_old_key_is_not_needed() {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let store = Arc::new(MemoryStore::new(clock.clone()));
        let environment = Environment::new("north").unwrap();
        let integration = Integration::new("crm").unwrap();
        let resources = Resources {
            memory_mib: 64,
            runs: 1,
            storage_mib: None,
            egress_kib_per_second: None,
        };
        let connections = REWRAPPED_AT_ONCE + 3;
        let before = catalog(&store, &clock, &format!("old:{KEY}")).await;
        before
            .add_environment(environment.clone(), resources, WebhookSettings::default())
            .await
            .unwrap();
        let new = NewIntegration {
            auth: AuthScheme::Bearer,
            ..NewIntegration::default()
        };
        before
            .put_integration(&environment, &integration, new)
            .await
            .unwrap();
        for number in 0..=connections {
            let key = ConnectionKey::new("north", "crm", &format!("c{number}")).unwrap();
            let token = ("token".to_owned(), format!("secret {number}"));
            let new = NewConnection {
                // The last one has nothing that is sealed.
                credentials: (number < connections).then(|| [token].into()),
                ..NewConnection::default()
            };
            before.put_connection(&key, new).await.unwrap();
        }
        let signing = before.signing_key(&environment).unwrap();

        let both = catalog(&store, &clock, &format!("new:{OTHER}\nold:{KEY}")).await;
        assert_eq!(both.master_keys(), ["new", "old"]);
        let outcome = both.rewrap_all().await.unwrap();
        assert_eq!(outcome.rows, connections as u64 + 1);
        assert!(outcome.failed.is_empty(), "{:?}", outcome.failed);
        assert_eq!(both.rewrap_all().await.unwrap().rows, 0);

        let after = catalog(&store, &clock, &format!("new:{OTHER}")).await;
        let found = after.signing_key(&environment).unwrap();
        assert_eq!(found.as_bytes(), signing.as_bytes());
        for row in after.connections(&environment, None) {
            let fields = after.credentials(&row).unwrap();
            let expected = format!("secret {}", &row.key.connection.as_str()[1..]);
            let found = fields.0.get("token").cloned();
            assert_eq!(found, row.credentials.as_ref().map(|_| expected));
        }
        // With a key that nothing was sealed with each row is told, and stays.
        let wrong = catalog(&store, &clock, &format!("other:{KEY}")).await;
        let outcome = wrong.rewrap_all().await.unwrap();
        assert_eq!((outcome.rows, outcome.failed.len()), (0, connections + 1));
        assert_eq!(outcome.failed[0].code, Code::ConfigInvalid);
        assert!(after.rewrap_all().await.unwrap().failed.is_empty());
    }
}
