//! Loads what runs: from a digest to compiled code, once for the process.

use crate::catalog::Catalog;
use crate::deploy::{self, Ready};
use crate::error::{Code, Error, Result};
use crate::model::Digest;
use crate::sandbox::Sandbox;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OnceCell;

/// Loads components. Two that ask for the same one wait for one compilation.
pub struct Loader {
    sandbox: Sandbox,
    catalog: Arc<Catalog>,
    ready: Mutex<HashMap<Digest, Arc<OnceCell<Ready>>>>,
}

impl Loader {
    pub(super) fn new(sandbox: Sandbox, catalog: Arc<Catalog>) -> Self {
        Loader {
            sandbox,
            catalog,
            ready: Mutex::default(),
        }
    }

    /// The deployment of a digest, ready to run. `not.found` if its component was never
    /// uploaded.
    pub async fn load(&self, digest: &Digest) -> Result<Ready> {
        let cell = {
            let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
            ready.entry(*digest).or_default().clone()
        };
        cell.get_or_try_init(|| self.read(digest)).await.cloned()
    }

    async fn read(&self, digest: &Digest) -> Result<Ready> {
        let deployment = self.catalog.deployment(digest).await?;
        let component = self.catalog.store().component(digest).await?;
        let component = component.ok_or_else(|| {
            Error::new(
                Code::NotFound,
                format!(
                    "the component of deployment {digest} is not in the store; deploy it again"
                ),
            )
        })?;
        deploy::reload(&self.sandbox, (*deployment).clone(), component.to_vec()).await
    }
}
