//! What a host that serves keeps beside records and runs: the catalog, components, and
//! webhooks on their way.

use super::{RetentionStore, Store};
use crate::error::Result;
use crate::model::{CatalogChange, CatalogRow, Delivery, DeliveryId, Digest, Environment, RunId};
use async_trait::async_trait;
use bytes::Bytes;

/// Which deliveries to list.
#[derive(Clone, Debug, Default)]
pub struct DeliveryQuery {
    /// Only of this environment.
    pub environment: Option<Environment>,
    /// Only those that wait (true), or that are over (false).
    pub waiting: bool,
    /// Only those after this one, in the order of their ids.
    pub after: Option<DeliveryId>,
    /// At most so many.
    pub limit: usize,
}

/// The catalog, components and the outbox. What holds for writes of [`Store`] holds here.
///
/// The end of a run whose environment is in the catalog *announces* it, in the commit
/// that ends the run: so no end goes unheard, whenever the host stops.
#[async_trait]
pub trait CatalogStore: Send + Sync + 'static {
    /// Carries out all changes in one commit. An environment that is removed takes its
    /// deliveries along: who has its name later must not see them.
    async fn change_catalog(&self, changes: Vec<CatalogChange>) -> Result<()>;

    /// Every row.
    async fn catalog(&self) -> Result<Vec<CatalogRow>>;

    /// Keeps the bytes of a component. Their digest is their name.
    async fn put_component(&self, bytes: Bytes) -> Result<Digest>;

    /// The bytes of a component. `store.damaged` if they are not those of the digest.
    async fn component(&self, digest: &Digest) -> Result<Option<Bytes>>;

    /// Runs that ended and whose webhooks are not written yet, oldest first.
    async fn announced(&self, limit: usize) -> Result<Vec<RunId>>;

    /// Writes deliveries, new or anew; with `announced` that run's announcement is over
    /// in the same commit.
    async fn put_deliveries(
        &self,
        announced: Option<RunId>,
        deliveries: Vec<Delivery>,
    ) -> Result<()>;

    /// A delivery.
    async fn delivery(&self, id: DeliveryId) -> Result<Option<Delivery>>;

    /// A page of deliveries, in the order of their ids.
    async fn deliveries(&self, query: DeliveryQuery) -> Result<Vec<Delivery>>;

    /// Forgets deliveries that are over and older than `before`; answers how many.
    async fn forget_deliveries(&self, before: jiff::Timestamp) -> Result<u64>;
}

/// All that a host that serves asks of its store.
pub trait ServiceStore: Store + CatalogStore + RetentionStore {}

impl<T: Store + CatalogStore + RetentionStore> ServiceStore for T {}
