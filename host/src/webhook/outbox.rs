//! From the end of a run to its deliveries.

use super::body;
use crate::catalog::Catalog;
use crate::error::Result;
use crate::model::{
    ConnectionKey, Delivery, DeliveryId, DeliveryState, ModelName, Outcome, RunId, RunRow,
    RunState, WebhookSettings,
};
use crate::store::{RunQuery, ServiceStore};
use jiff::Timestamp;
use std::sync::Arc;

/// Earlier runs that are read at once while one that succeeded is sought.
const EARLIER_RUNS_PAGE: usize = 100;
/// Earlier runs that are read at most; past it the search ends as "none succeeded".
const EARLIER_RUNS_MAX: usize = 1_000;

/// Writes deliveries of runs that ended.
#[derive(Clone)]
pub(super) struct Outbox {
    pub(super) store: Arc<dyn ServiceStore>,
    pub(super) catalog: Arc<Catalog>,
}

impl Outbox {
    /// Turns the announcement of a run into deliveries, in one commit; the announcement
    /// is over even where there is nobody to tell.
    pub async fn write(&self, run: RunId, now: Timestamp) -> Result<Vec<Delivery>> {
        let deliveries = match self.store.run(run).await? {
            Some(row) => self.deliveries(&row, now).await?,
            // Its report was removed meanwhile.
            None => Vec::new(),
        };
        self.store
            .put_deliveries(Some(run), deliveries.clone())
            .await?;
        Ok(deliveries)
    }

    async fn deliveries(&self, run: &RunRow, now: Timestamp) -> Result<Vec<Delivery>> {
        let Ok(environment) = self.catalog.environment(&run.connection().environment) else {
            return Ok(Vec::new());
        };
        let settings = &environment.webhooks;
        let targets = self.targets(run.connection(), settings);
        if targets.is_empty() {
            return Ok(Vec::new());
        }
        let (models, initial) = (self.models(run).await, self.is_initial(run).await?);
        let messages = body::messages(run, settings, &models, initial);
        let pairs = messages
            .iter()
            .flat_map(|message| targets.iter().map(move |url| (message, url)));
        let deliveries = (1..).zip(pairs).map(|(number, (message, url))| {
            let id = DeliveryId {
                run: run.id,
                number,
            };
            Delivery {
                id,
                connection: run.connection().clone(),
                model: message.model.clone(),
                url: url.clone(),
                body: message.body(id),
                created: now,
                attempts: 0,
                next: Some(now),
                state: DeliveryState::Waiting,
                last_error: None,
            }
        });
        Ok(deliveries.collect())
    }

    /// The connection's own URL, or else the environment's; each once.
    fn targets(&self, connection: &ConnectionKey, settings: &WebhookSettings) -> Vec<String> {
        let own = self.catalog.connection(connection).ok();
        let own = own.and_then(|row| row.webhook_url.clone());
        let all = match own {
            Some(own) => [Some(own), None],
            None => [settings.primary_url.clone(), settings.secondary_url.clone()],
        };
        let mut targets: Vec<String> = all.into_iter().flatten().collect();
        targets.retain(|url| !url.is_empty());
        targets.dedup();
        targets
    }

    /// The models of the deployment that ran; none where that is not known any more.
    async fn models(&self, run: &RunRow) -> Vec<ModelName> {
        match self.catalog.deployment(&run.digest).await {
            Ok(deployment) => deployment.manifest.models.keys().cloned().collect(),
            Err(_) => Vec::new(),
        }
    }

    /// Whether no run of this sync succeeded before this one.
    async fn is_initial(&self, run: &RunRow) -> Result<bool> {
        let (mut before, mut read, mut limit) = (run.id, 0, 1);
        while read < EARLIER_RUNS_MAX {
            let query = RunQuery {
                key: Some(run.key.clone()),
                before: Some(before),
                limit,
            };
            let rows = self.store.runs(query).await?;
            if rows.iter().any(succeeded) {
                return Ok(false);
            }
            match rows.last() {
                Some(last) if rows.len() == limit => before = last.id,
                _ => return Ok(true),
            }
            read += rows.len();
            // Nearly always the run before did, so only then more are read.
            limit = EARLIER_RUNS_PAGE;
        }
        Ok(true)
    }
}

fn succeeded(row: &RunRow) -> bool {
    row.state == RunState::Ended(Outcome::Success)
}
