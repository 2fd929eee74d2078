//! `GET /sync/status`: how syncs stand, put together from their settings, the scheduler
//! and their last run.

use super::Service;
use super::answer::time;
use crate::error::Result;
use crate::model::{Frequency, Outcome, RunRow, RunState, SyncKey, SyncRow, Variant};
use crate::store::RunQuery;
use serde::Serialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// One sync, with Nango's fields.
#[derive(Serialize, ToSchema)]
pub struct SyncStatus {
    id: String,
    connection_id: String,
    #[serde(rename = "type")]
    kind: Kind,
    #[serde(rename = "finishedAt", skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    finished_at: Option<String>,
    #[serde(rename = "nextScheduledSyncAt")]
    #[schema(format = DateTime)]
    next: Option<String>,
    name: String,
    variant: String,
    status: Word,
    frequency: Option<String>,
    #[serde(rename = "latestResult")]
    latest_result: BTreeMap<String, Changed>,
    #[serde(
        rename = "latestExecutionStatus",
        skip_serializing_if = "Option::is_none"
    )]
    latest: Option<Word>,
    /// Live records by model.
    #[serde(rename = "recordCount")]
    records: BTreeMap<String, u64>,
    #[schema(value_type = Option<Object>)]
    checkpoint: Option<Box<RawValue>>,
    /// Since when its provider fails and its scheduled runs are held back.
    #[serde(skip_serializing_if = "Option::is_none")]
    held_back_since: Option<String>,
}

/// Whether there was a run before the last one.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schema(as = SyncKind)]
enum Kind {
    Initial,
    Incremental,
}

/// How a sync or its last run stands, in Nango's words.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schema(as = SyncWord)]
enum Word {
    Running,
    Paused,
    Success,
    Error,
    Stopped,
}

#[derive(Serialize, ToSchema)]
struct Changed {
    added: u64,
    updated: u64,
    deleted: u64,
}

/// How a sync stands. A run that waits for room counts as running, so that an app which
/// waits for the end of what it triggered does not take the run before for it.
pub async fn of(service: &Service, row: &SyncRow) -> Result<SyncStatus> {
    let key = &row.key;
    // Before the run: one that ends in between is shown as running, and is found ended by
    // the next look.
    let standing = service.scheduler.standing(key);
    let query = RunQuery {
        key: Some(key.clone()),
        before: None,
        limit: 2,
    };
    let runs = service.store.runs(query).await?;
    let last = runs.first();
    let runs_now = standing.running.is_some() || standing.queued;
    let latest = match runs_now {
        true => Some(Word::Running),
        false => last.map(word),
    };
    let status = match (runs_now, row.paused, latest) {
        (true, _, _) => Word::Running,
        (false, true, _) => Word::Paused,
        (false, false, Some(Word::Error)) => Word::Error,
        (false, false, _) => Word::Success,
    };
    let checkpoint = service.store.checkpoint(key).await?;
    let finished = last.and_then(|run| run.ended).filter(|_| !runs_now);
    Ok(SyncStatus {
        id: id(key),
        connection_id: key.connection.connection.to_string(),
        kind: if runs.len() > 1 {
            Kind::Incremental
        } else {
            Kind::Initial
        },
        finished_at: finished.map(time),
        next: standing.next.map(time),
        name: key.sync.to_string(),
        variant: key.variant.to_string(),
        status,
        frequency: frequency(service, row).await?,
        latest_result: last.map(changed).unwrap_or_default(),
        latest,
        records: counts(service, key).await?,
        checkpoint: checkpoint.and_then(|checkpoint| RawValue::from_string(checkpoint.json).ok()),
        held_back_since: service
            .scheduler
            .held_back(&key.connection.environment, &key.connection.integration)
            .map(|held| time(held.since)),
    })
}

fn word(run: &RunRow) -> Word {
    match &run.state {
        RunState::Running => Word::Running,
        // An interrupted run is continued: it is no failure.
        RunState::Ended(Outcome::Success | Outcome::Interrupted { .. }) => Word::Success,
        RunState::Ended(Outcome::Failed { .. }) => Word::Error,
        RunState::Ended(Outcome::Cancelled { .. }) => Word::Stopped,
    }
}

fn changed(run: &RunRow) -> BTreeMap<String, Changed> {
    let counts = run.counts.iter().map(|(model, counts)| {
        let changed = Changed {
            added: counts.added,
            updated: counts.updated,
            deleted: counts.deleted,
        };
        (model.to_string(), changed)
    });
    counts.collect()
}

/// Live records by model, of this variant.
async fn counts(service: &Service, key: &SyncKey) -> Result<BTreeMap<String, u64>> {
    let Ok(digest) = service.catalog.digest_for(key) else {
        return Ok(BTreeMap::new());
    };
    let deployment = service.catalog.deployment(&digest).await?;
    let mut counts = BTreeMap::new();
    for model in deployment.manifest.models.keys() {
        let stats = service.store.stats(&key.stream(model.clone())).await?;
        counts.insert(model.to_string(), stats.live);
    }
    Ok(counts)
}

/// How often a sync runs, as Nango writes it: without `every`.
pub async fn frequency(service: &Service, row: &SyncRow) -> Result<Option<String>> {
    let text = match &row.frequency {
        Some(own) => Some(own.clone()),
        None => {
            let digest = service.catalog.digest_for(&row.key)?;
            let deployment = service.catalog.deployment(&digest).await?;
            deployment.manifest.frequency.clone()
        }
    };
    let parsed = text.map(|text| Frequency::parse(&text)).transpose()?;
    Ok(parsed.map(|frequency| frequency.without_every().to_owned()))
}

/// Bytes of a sync's id: those of a UUID, which apps may take it for.
const ID_BYTES: usize = 16;

/// An id for a sync on a connection, of the form of a UUID: the same for ever, and of no
/// other sync.
pub fn id(key: &SyncKey) -> String {
    let mut bytes = [0; ID_BYTES];
    let hash = key.hash();
    hash.iter()
        .zip(&mut bytes)
        .for_each(|(from, to)| *to = *from);
    let number = u128::from_be_bytes(bytes);
    let group = |shift: u32, bits: u32| (number >> shift) & ((1 << bits) - 1);
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        group(96, 32),
        group(80, 16),
        group(64, 16),
        group(48, 16),
        group(0, 48)
    )
}

/// `name::variant`, or the plain name.
pub fn split(text: &str) -> Result<(crate::model::SyncName, Variant)> {
    let (name, variant) = text.split_once("::").unwrap_or((text, "base"));
    Ok((name.parse()?, variant.parse()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ConnectionKey, SyncName};

    #[test]
    fn an_id_looks_like_a_uuid_and_is_of_one_sync() {
        let key = |variant: &str| SyncKey {
            connection: ConnectionKey::new("prod", "crm", "c1").unwrap(),
            sync: SyncName::new("contacts").unwrap(),
            variant: Variant::new(variant).unwrap(),
        };
        let one = id(&key("base"));
        assert_eq!((one.len(), id(&key("base"))), (36, one.clone()));
        assert_ne!(one, id(&key("v1")));
    }

    #[test]
    fn a_variant_is_named_after_two_colons() {
        let (name, variant) = split("contacts::v1").unwrap();
        assert_eq!((name.as_str(), variant.as_str()), ("contacts", "v1"));
        assert_eq!(split("contacts").unwrap().1, Variant::base());
        for wrong in ["", "::", "a::", "::b", "a::b::c", "a b"] {
            assert!(split(wrong).is_err(), "{wrong}");
        }
    }
}
