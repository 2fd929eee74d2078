//! A connection as Nango's API shows it.

use super::Service;
use super::answer::time;
use crate::error::Result;
use crate::model::{ConnectionRow, RunId, SyncRow};
use crate::store::RunQuery;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::ToSchema;

/// A connection in a list.
#[derive(Serialize, ToSchema)]
#[schema(as = ListedConnection)]
pub struct Listed {
    id: u64,
    connection_id: String,
    provider_config_key: String,
    provider: String,
    errors: Vec<FailedSync>,
    end_user: Option<Value>,
    tags: BTreeMap<String, String>,
    #[schema(value_type = Option<Object>)]
    metadata: Option<Box<RawValue>>,
    #[schema(format = DateTime)]
    created: String,
}

/// A connection by itself.
#[derive(Serialize, ToSchema)]
#[schema(as = WholeConnection)]
pub struct Whole {
    id: u64,
    connection_id: String,
    provider_config_key: String,
    provider: String,
    errors: Vec<FailedSync>,
    end_user: Option<Value>,
    tags: BTreeMap<String, String>,
    #[schema(value_type = Option<Object>)]
    metadata: Option<Box<RawValue>>,
    #[schema(value_type = Object)]
    connection_config: Map<String, Value>,
    webhook_url_override: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
    #[schema(format = DateTime)]
    last_fetched_at: String,
    /// Always empty: they never come out.
    #[schema(value_type = Object)]
    credentials: Map<String, Value>,
}

/// A sync whose last run failed.
#[derive(Serialize, ToSchema)]
struct FailedSync {
    #[serde(rename = "type")]
    kind: &'static str,
    /// That run.
    log_id: RunId,
}

impl Listed {
    /// The connection with its `syncs`.
    pub async fn of(
        service: &Service,
        row: &ConnectionRow,
        syncs: &[Arc<SyncRow>],
    ) -> Result<Self> {
        let key = &row.key;
        let integration = service
            .catalog
            .integration(&key.environment, &key.integration)?;
        let metadata = service.store.metadata(key).await?;
        // Nango shows null where none was set.
        let metadata = Some(metadata).filter(|json| json != "{}");
        Ok(Listed {
            id: row.number,
            connection_id: key.connection.to_string(),
            provider_config_key: key.integration.to_string(),
            provider: integration.provider.clone(),
            errors: errors(service, syncs).await?,
            end_user: row.end_user.clone(),
            tags: row.tags.clone(),
            metadata: metadata.and_then(|json| RawValue::from_string(json).ok()),
            created: time(row.created),
        })
    }

    /// Bytes of what the app itself set.
    pub fn metadata_bytes(&self) -> usize {
        self.metadata.as_ref().map_or(0, |json| json.get().len())
    }
}

/// The syncs whose last runs failed, and their runs.
async fn errors(service: &Service, syncs: &[Arc<SyncRow>]) -> Result<Vec<FailedSync>> {
    let mut errors = Vec::new();
    for sync in syncs {
        if service.scheduler.standing(&sync.key).failures == 0 {
            continue;
        }
        let query = RunQuery {
            key: Some(sync.key.clone()),
            before: None,
            limit: 1,
        };
        let runs = service.store.runs(query).await?;
        errors.extend(runs.first().map(|run| FailedSync {
            kind: "sync",
            log_id: run.id,
        }));
    }
    Ok(errors)
}

impl Whole {
    /// The connection as it is now.
    pub async fn of(service: &Service, row: &ConnectionRow) -> Result<Self> {
        let key = &row.key;
        let syncs = service
            .catalog
            .syncs(&key.environment, Some(&key.integration), Some(key));
        let listed = Listed::of(service, row, &syncs).await?;
        Ok(Whole {
            id: listed.id,
            connection_id: listed.connection_id,
            provider_config_key: listed.provider_config_key,
            provider: listed.provider,
            errors: listed.errors,
            end_user: listed.end_user,
            tags: listed.tags,
            metadata: listed.metadata,
            connection_config: row.config.clone(),
            webhook_url_override: row.webhook_url.clone(),
            created_at: listed.created,
            updated_at: time(row.updated),
            last_fetched_at: time(service.runner.clock.now()),
            credentials: Map::new(),
        })
    }
}
