//! Releases: which deployment of a sync runs for an integration.

use super::{Catalog, missing};
use crate::deploy::Ready;
use crate::error::{Code, Error, Result};
use crate::model::{
    CatalogChange, CatalogRow, Deployment, Digest, Environment, Integration, ReleaseEntry,
    ReleaseRow, SyncKey, SyncName, SyncRow, Variant,
};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// Earlier releases that are remembered; older ones are forgotten and can be deployed
/// again from their file.
const HISTORY_MAX: usize = 20;

/// What a release would change, shown before it takes effect.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ReleasePlan {
    /// The sync.
    pub sync: SyncName,
    /// What would run.
    pub digest: Digest,
    /// Its author's version.
    pub version: String,
    /// What runs now, if anything.
    pub replaces: Option<Digest>,
    /// Connections that it would run for.
    pub connections: usize,
    /// Each difference to what runs now, in words.
    pub changes: Vec<String>,
    /// Hosts that it asks for and the integration does not allow.
    pub hosts_not_allowed: Vec<String>,
}

/// A release that took effect.
#[derive(Clone, Debug)]
pub struct Released {
    /// What it changed.
    pub plan: ReleasePlan,
    /// The row.
    pub row: Arc<ReleaseRow>,
}

impl Catalog {
    /// The releases of an environment, or of one of its integrations.
    pub fn releases(
        &self,
        environment: &Environment,
        integration: Option<&Integration>,
    ) -> Vec<Arc<ReleaseRow>> {
        let rows = self.rows();
        let own = rows.releases.values().filter(|row| {
            row.environment == *environment
                && integration.is_none_or(|name| row.integration == *name)
        });
        own.cloned().collect()
    }

    /// The release of a sync. `not.found` if it was never deployed there.
    pub fn release(
        &self,
        environment: &Environment,
        integration: &Integration,
        sync: &SyncName,
    ) -> Result<Arc<ReleaseRow>> {
        let key = (environment.clone(), integration.clone(), sync.clone());
        let found = self.rows().releases.get(&key).cloned();
        found.ok_or_else(|| missing("sync", sync))
    }

    /// The deployment that runs for a sync on a connection: the pinned one, or else the
    /// released one.
    pub fn digest_for(&self, key: &SyncKey) -> Result<Digest> {
        let pinned = self.sync(key)?.pinned;
        match pinned {
            Some(digest) => Ok(digest),
            None => {
                let connection = &key.connection;
                let release =
                    self.release(&connection.environment, &connection.integration, &key.sync)?;
                Ok(release.digest)
            }
        }
    }

    /// What releasing a deployment would change.
    pub async fn plan_release(
        &self,
        environment: &Environment,
        integration: &Integration,
        deployment: &Deployment,
    ) -> Result<ReleasePlan> {
        let provider = self.integration(environment, integration)?;
        let manifest = &deployment.manifest;
        let before = self.release(environment, integration, &manifest.name).ok();
        let changes = match &before {
            None => vec!["it is new".to_owned()],
            Some(row) => differences(&*self.deployment(&row.digest).await?, deployment),
        };
        let allowed = |host: &&String| !provider.hosts.contains(host);
        Ok(ReleasePlan {
            sync: manifest.name.clone(),
            digest: deployment.digest,
            version: manifest.version.clone(),
            replaces: before.map(|row| row.digest),
            connections: self.connections(environment, Some(integration)).len(),
            changes,
            hosts_not_allowed: manifest.hosts.iter().filter(allowed).cloned().collect(),
        })
    }

    /// Releases a deployment for an integration: from the next run on it is what runs.
    /// Connections that lack the sync get it.
    pub async fn release_deployment(
        &self,
        environment: &Environment,
        integration: &Integration,
        ready: &Ready,
    ) -> Result<Released> {
        let _changing = self.changing.lock().await;
        let deployment = &ready.deployment;
        let plan = self
            .plan_release(environment, integration, deployment)
            .await?;
        let before = self.release(environment, integration, &plan.sync).ok();
        let row = ReleaseRow {
            environment: environment.clone(),
            integration: integration.clone(),
            sync: plan.sync.clone(),
            digest: deployment.digest,
            history: history(before.as_deref(), &deployment.digest),
            since: self.clock.now(),
        };
        let row = self.put_release(row, deployment).await?;
        Ok(Released { plan, row })
    }

    /// Goes back to the release before. `invalid.argument` if there is none.
    pub async fn roll_back(
        &self,
        environment: &Environment,
        integration: &Integration,
        sync: &SyncName,
    ) -> Result<Arc<ReleaseRow>> {
        let _changing = self.changing.lock().await;
        let mut row = (*self.release(environment, integration, sync)?).clone();
        let Some(entry) = row.history.pop() else {
            return Err(Error::new(
                Code::InvalidArgument,
                format!("sync `{sync}` has no earlier release to go back to"),
            ));
        };
        row.digest = entry.digest;
        row.since = self.clock.now();
        let deployment = self.deployment(&row.digest).await?;
        self.put_release(row, &deployment).await
    }

    async fn put_release(
        &self,
        row: ReleaseRow,
        deployment: &Deployment,
    ) -> Result<Arc<ReleaseRow>> {
        let (environment, integration) = (row.environment.clone(), row.integration.clone());
        let mut changes = vec![CatalogChange::Put(CatalogRow::Release(row))];
        for connection in self.connections(&environment, Some(&integration)) {
            let key = SyncKey {
                connection: connection.key.clone(),
                sync: deployment.manifest.name.clone(),
                variant: Variant::base(),
            };
            if self.sync(&key).is_err() {
                changes.push(self.new_sync(key, deployment));
            }
        }
        self.change(changes).await?;
        self.release(&environment, &integration, &deployment.manifest.name)
    }

    pub(super) fn new_sync(&self, key: SyncKey, deployment: &Deployment) -> CatalogChange {
        CatalogChange::Put(CatalogRow::Sync(SyncRow {
            key,
            frequency: None,
            paused: !deployment.manifest.auto_start,
            pinned: None,
            created: self.clock.now(),
        }))
    }
}

/// What ran before, with the present release at its end unless it is released again.
fn history(before: Option<&ReleaseRow>, digest: &Digest) -> Vec<ReleaseEntry> {
    let Some(before) = before else {
        return Vec::new();
    };
    let mut history = before.history.clone();
    if before.digest != *digest {
        history.push(ReleaseEntry {
            digest: before.digest,
            since: before.since,
        });
    }
    let old = history.len().saturating_sub(HISTORY_MAX);
    history.drain(..old);
    history
}

/// How two deployments of a sync differ, in words.
fn differences(before: &Deployment, after: &Deployment) -> Vec<String> {
    let (old, new) = (&before.manifest, &after.manifest);
    let mut found = Vec::new();
    let mut differ = |what: &str, old: String, new: String| {
        if old != new {
            found.push(format!("{what}: {old} → {new}"));
        }
    };
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".into());
    differ("version", old.version.clone(), new.version.clone());
    differ("frequency", text(&old.frequency), text(&new.frequency));
    let memory = |wish: Option<u32>| wish.map_or("the default".into(), |mib| format!("{mib} MiB"));
    differ("memory", memory(old.memory), memory(new.memory));
    differ("hosts", old.hosts.join(", "), new.hosts.join(", "));
    differ(
        "sync type",
        format!("{:?}", old.sync_type).to_lowercase(),
        format!("{:?}", new.sync_type).to_lowercase(),
    );
    differ(
        "deletes tracked",
        old.track_deletes.to_string(),
        new.track_deletes.to_string(),
    );
    for model in old
        .models
        .keys()
        .filter(|name| !new.models.contains_key(*name))
    {
        found.push(format!("model {model} is gone; its records stay"));
    }
    for (model, schema) in &new.models {
        match old.models.get(model) {
            None => found.push(format!("model {model} is new")),
            Some(before) if before != schema => {
                found.push(format!("model {model} has another schema"))
            }
            Some(_) => {}
        }
    }
    if found.is_empty() && before.digest != after.digest {
        found.push("only its code".into());
    }
    found
}
