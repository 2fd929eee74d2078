//! The catalog: environments, keys, integrations, connections, releases and the syncs on
//! connections, with the rules that hold between them.
//!
//! Every change is one commit of the store and is seen here only after it: a restart
//! finds what was answered. Secrets go in and come out through the vault; nothing that
//! lists or shows a row can show one.

mod conduct;
mod connections;
mod environments;
mod integrations;
mod oauth;
mod releases;
mod rewrap;
mod rows;
mod syncs;
mod token;

pub use connections::NewConnection;
pub use integrations::NewIntegration;
pub use releases::{ReleasePlan, Released};
pub use rewrap::Rewrapped;

use crate::clock::Clock;
use crate::error::{Code, Error, Result};
use crate::model::{CatalogChange, Deployment, Digest, SealedText};
use crate::store::ServiceStore;
use crate::vault::{Sealed, Secret, Vault};
use rows::Rows;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};

/// The catalog. One for the process.
pub struct Catalog {
    store: Arc<dyn ServiceStore>,
    vault: Vault,
    clock: Arc<dyn Clock>,
    rows: RwLock<Rows>,
    /// Held over each change, so that what it was judged by still holds when it is made.
    changing: tokio::sync::Mutex<()>,
    deployments: Mutex<HashMap<Digest, Arc<Deployment>>>,
    tokens: oauth::Tokens,
}

impl Catalog {
    /// The catalog that the store holds.
    pub async fn open(
        store: Arc<dyn ServiceStore>,
        vault: Vault,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        let mut rows = Rows::default();
        store
            .catalog()
            .await?
            .into_iter()
            .for_each(|row| rows.put(row));
        Ok(Catalog {
            store,
            vault,
            clock,
            rows: RwLock::new(rows),
            changing: tokio::sync::Mutex::default(),
            deployments: Mutex::default(),
            tokens: oauth::Tokens::default(),
        })
    }

    /// The store that it rests on.
    pub fn store(&self) -> &Arc<dyn ServiceStore> {
        &self.store
    }

    /// A deployment, which never changes under its digest. `not.found` if it was never
    /// accepted.
    pub async fn deployment(&self, digest: &Digest) -> Result<Arc<Deployment>> {
        let known = self
            .deployments
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(digest)
            .cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let found = self.store.deployment(digest).await?;
        let found = Arc::new(found.ok_or_else(|| missing("deployment", digest))?);
        self.deployments
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(*digest, found.clone());
        Ok(found)
    }

    /// Makes changes durable, then shows them. The caller holds `changing`.
    async fn change(&self, changes: Vec<CatalogChange>) -> Result<()> {
        self.store.change_catalog(changes.clone()).await?;
        let mut rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        changes.into_iter().for_each(|change| rows.apply(change));
        Ok(())
    }

    fn rows(&self) -> RwLockReadGuard<'_, Rows> {
        self.rows.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn seal(&self, owner: &str, plain: &[u8]) -> Result<SealedText> {
        sealed_text(&self.vault.seal(owner, plain)?)
    }

    fn unseal(&self, owner: &str, sealed: &SealedText) -> Result<Secret> {
        self.vault.open(owner, &parse_sealed(owner, sealed)?)
    }
}

fn sealed_text(sealed: &Sealed) -> Result<SealedText> {
    serde_json::to_string(sealed)
        .map(SealedText)
        .map_err(|error| Error::new(Code::Internal, format!("sealing: {error}")))
}

fn parse_sealed(owner: &str, text: &SealedText) -> Result<Sealed> {
    serde_json::from_str(&text.0).map_err(|error| {
        Error::new(
            Code::StoreDamaged,
            format!("what is sealed for {owner} does not read: {error}"),
        )
    })
}

fn missing(what: &str, name: impl std::fmt::Display) -> Error {
    Error::new(Code::NotFound, format!("there is no {what} `{name}`"))
}

fn taken(what: &str, name: impl std::fmt::Display) -> Error {
    Error::new(
        Code::InvalidArgument,
        format!("the {what} `{name}` is there already"),
    )
}
