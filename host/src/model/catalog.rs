//! The catalog: what operators and apps set up, as plain rows. Environments own
//! everything else; nothing here holds a secret in the clear.

use super::{
    ConnectionKey, Digest, Environment, Integration, ModelName, Pagination, Place, RateLimit,
    RetryRules, RunId, SyncKey, SyncName,
};
use crate::error::{Code, Error};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use utoipa::ToSchema;

/// A value sealed by the vault, as its JSON text: opaque everywhere else.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SealedText(pub String);

impl fmt::Debug for SealedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealedText(..)")
    }
}

/// One row of the catalog.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum CatalogRow {
    /// A customer of this host.
    Environment(EnvironmentRow),
    /// A key to the API.
    ApiKey(ApiKeyRow),
    /// A provider, as one environment uses it.
    Integration(IntegrationRow),
    /// One account at a provider.
    Connection(ConnectionRow),
    /// Which deployment of a sync runs for an integration.
    Release(ReleaseRow),
    /// A sync on a connection.
    Sync(SyncRow),
}

/// What names a row of the catalog.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CatalogKey {
    /// An environment.
    Environment(Environment),
    /// An API key, by its id.
    ApiKey(String),
    /// An integration of an environment.
    Integration(Environment, Integration),
    /// A connection.
    Connection(ConnectionKey),
    /// A sync of an integration.
    Release(Environment, Integration, SyncName),
    /// A sync on a connection.
    Sync(SyncKey),
}

impl CatalogRow {
    /// What names this row.
    pub fn key(&self) -> CatalogKey {
        match self {
            CatalogRow::Environment(row) => CatalogKey::Environment(row.name.clone()),
            CatalogRow::ApiKey(row) => CatalogKey::ApiKey(row.id.clone()),
            CatalogRow::Integration(row) => {
                CatalogKey::Integration(row.environment.clone(), row.name.clone())
            }
            CatalogRow::Connection(row) => CatalogKey::Connection(row.key.clone()),
            CatalogRow::Release(row) => CatalogKey::Release(
                row.environment.clone(),
                row.integration.clone(),
                row.sync.clone(),
            ),
            CatalogRow::Sync(row) => CatalogKey::Sync(row.key.clone()),
        }
    }
}

/// One step of a change to the catalog.
#[derive(Clone, Debug, PartialEq)]
// There are few at a time; a box would be noise at every place that makes one.
#[allow(clippy::large_enum_variant)]
pub enum CatalogChange {
    /// The row takes the place of one with its key.
    Put(CatalogRow),
    /// The row is gone.
    Remove(CatalogKey),
    /// All that a connection's syncs have left in the store is gone: records, checkpoints,
    /// metadata, runs and their logs. `run.conflict` while one of them is live.
    Erase(ConnectionKey),
}

/// A customer of this host: the owner of connections and of fixed resources.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EnvironmentRow {
    /// Its name.
    pub name: Environment,
    /// What it may use.
    pub resources: Resources,
    /// Where its app hears of runs.
    pub webhooks: WebhookSettings,
    /// How long its records are kept.
    #[serde(default)]
    pub retention: RecordRetention,
    /// The key that webhooks are signed with, sealed.
    pub signing_key: SealedText,
    /// When it was made.
    pub created: Timestamp,
}

/// The fixed resources of an environment, as those of a virtual machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Resources {
    /// Memory of all its running runs together, in MiB.
    pub memory_mib: u64,
    /// Runs at once.
    pub runs: u32,
    /// What its records may take of the disk, compressed, in MiB; no limit if none.
    /// Above it no record is saved (`limit.storage`); checkpoints still are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_mib: Option<u64>,
    /// Bodies of all its runs' requests and responses together, as they are on the wire, in
    /// KiB a second; no limit if none. They go slower, and are not refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub egress_kib_per_second: Option<u32>,
}

/// How long the records of an environment are kept; for ever where nothing is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecordRetention {
    /// Days without a change after which a record's content is taken away; its id, and
    /// what is known of its content, stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prune_after_days: Option<u32>,
    /// Days without a run of any of its syncs after which all records of a connection are
    /// taken away, and its checkpoints.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erase_after_days: Option<u32>,
}

/// Where an environment's app hears of runs, and of which.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookSettings {
    /// The first URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary_url: Option<String>,
    /// A second one, which gets the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secondary_url: Option<String>,
    /// Also of runs that changed nothing.
    #[serde(default)]
    pub on_unchanged: bool,
    /// Of runs that failed.
    #[serde(default = "yes")]
    pub on_error: bool,
}

fn yes() -> bool {
    true
}

/// What an API key opens.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Reading records, statuses, runs and logs.
    Read,
    /// Starting, pausing and triggering syncs; metadata; pruning.
    Control,
    /// Integrations, connections, deployments, keys and webhooks of its environment.
    Manage,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Scope; 3] = [Scope::Read, Scope::Control, Scope::Manage];
}

impl FromStr for Scope {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "read" => Ok(Scope::Read),
            "control" => Ok(Scope::Control),
            "manage" => Ok(Scope::Manage),
            other => Err(Error::new(
                Code::InvalidArgument,
                format!(
                    "`{}` is no scope; there are read, control and manage",
                    other.escape_debug()
                ),
            )),
        }
    }
}

/// A key to the API. Its text is shown once and never kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ApiKeyRow {
    /// Its public part.
    pub id: String,
    /// SHA-256 of its text, in hex.
    pub sha256: String,
    /// Whose it is.
    pub environment: Environment,
    /// What it is for, in the operator's words.
    pub name: String,
    /// What it opens.
    pub scopes: BTreeSet<Scope>,
    /// When it was made.
    pub created: Timestamp,
    /// Since when it opens nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Timestamp>,
}

/// A provider, as one environment uses it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IntegrationRow {
    /// Whose it is.
    pub environment: Environment,
    /// Its name (Nango's `provider_config_key`).
    pub name: Integration,
    /// The provider's name, for people.
    pub provider: String,
    /// Relative URLs are joined to this; its origin gets the credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// How requests prove who they are from.
    #[serde(default)]
    pub auth: AuthScheme,
    /// Hosts beside the base URL's that its syncs may reach.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// Whether plain http is allowed to those hosts.
    #[serde(default)]
    pub allow_http: bool,
    /// What is tried again beyond the usual.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<RetryRules>,
    /// How many requests the provider bears.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimit>,
    /// How the provider numbers its pages, for syncs that leave that to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pagination: Option<Pagination>,
    /// Names of credentials that a guest may have filled in for `{{secret.name}}`, and
    /// where.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub placeholders: BTreeMap<String, BTreeSet<Place>>,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last changed.
    pub updated: Timestamp,
}

/// How requests of an integration prove who they are from. The names in braces are
/// fields of the connection's credentials.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum AuthScheme {
    /// They do not.
    #[default]
    None,
    /// `Authorization: Bearer {token}`.
    Bearer,
    /// `Authorization: Basic` of `{username}` and `{password}`.
    Basic,
    /// `{key}` in a header.
    ApiKeyHeader {
        /// The header's name.
        header: String,
    },
    /// `{key}` in a query parameter.
    ApiKeyQuery {
        /// The parameter's name.
        parameter: String,
    },
    /// Headers as templates, such as `Token token={{key}}`.
    Headers {
        /// Name and template of each.
        headers: BTreeMap<String, String>,
    },
    /// OAuth 2 client credentials: `{client_id}` and `{client_secret}` for a token.
    Oauth2ClientCredentials {
        /// Where tokens are asked for.
        token_url: String,
        /// Scopes, separated by spaces.
        #[serde(default)]
        scope: String,
    },
    /// OAuth 2 refresh: `{client_id}`, `{client_secret}` and `{refresh_token}` for a token.
    Oauth2Refresh {
        /// Where tokens are refreshed.
        token_url: String,
    },
}

/// One account at a provider.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConnectionRow {
    /// Which.
    pub key: ConnectionKey,
    /// A number of its own, as Nango's lists have.
    pub number: u64,
    /// What syncs may read of its set-up: a JSON object without secrets.
    #[serde(default)]
    pub config: Map<String, Value>,
    /// Its credentials, a JSON object of texts, sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<SealedText>,
    /// Takes the place of the environment's webhook URLs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook_url: Option<String>,
    /// The app's own marks.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// The app's user that it belongs to, as the app told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_user: Option<Value>,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last changed.
    pub updated: Timestamp,
}

/// Which deployment of a sync runs for an integration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReleaseRow {
    /// Whose it is.
    pub environment: Environment,
    /// The integration that it syncs.
    pub integration: Integration,
    /// The sync.
    pub sync: SyncName,
    /// What runs now.
    pub digest: Digest,
    /// What ran before, the latest last, and since when each did.
    pub history: Vec<ReleaseEntry>,
    /// Since when it runs.
    pub since: Timestamp,
}

/// A deployment that was released before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseEntry {
    /// Which.
    pub digest: Digest,
    /// Since when.
    pub since: Timestamp,
}

/// A sync on a connection: its schedule's settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SyncRow {
    /// Which sync, connection and variant.
    pub key: SyncKey,
    /// Takes the place of the manifest's frequency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frequency: Option<String>,
    /// It does not run by itself.
    pub paused: bool,
    /// Takes the place of the released deployment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pinned: Option<Digest>,
    /// When it was set up.
    pub created: Timestamp,
}

/// A webhook that is to be sent, or was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Delivery {
    /// The same in every attempt: what an app tells doubles by.
    pub id: DeliveryId,
    /// Whose run.
    pub connection: ConnectionKey,
    /// The model it tells of; several are joined by commas.
    pub model: String,
    /// Where it goes.
    pub url: String,
    /// The exact bytes that are signed and sent.
    pub body: String,
    /// When it was written.
    pub created: Timestamp,
    /// Attempts so far.
    pub attempts: u32,
    /// When the next attempt is due; none if it was delivered or given up.
    pub next: Option<Timestamp>,
    /// How it stands.
    pub state: DeliveryState,
    /// Why the last attempt failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
}

/// How a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryState {
    /// It will be tried (again).
    Waiting,
    /// The app took it.
    Delivered,
    /// It was given up; it can be replayed.
    Dead,
}

/// The id of a delivery: its run and a number in it. Ids sort by the time of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeliveryId {
    /// The run that it tells of.
    pub run: RunId,
    /// Which of the run's deliveries.
    pub number: u32,
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.run, self.number)
    }
}

impl FromStr for DeliveryId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = || {
            Error::new(
                Code::InvalidArgument,
                format!("`{}` is no delivery id", text.escape_debug()),
            )
        };
        let (run, number) = text.rsplit_once('-').ok_or_else(wrong)?;
        Ok(DeliveryId {
            run: run.parse().map_err(|_| wrong())?,
            number: number.parse().map_err(|_| wrong())?,
        })
    }
}

impl TryFrom<String> for DeliveryId {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<DeliveryId> for String {
    fn from(id: DeliveryId) -> String {
        id.to_string()
    }
}

/// The name of a model as Nango's API shows it: `Model::variant` for all but `base`.
pub fn model_label(model: &ModelName, variant: &super::Variant) -> String {
    match *variant == super::Variant::base() {
        true => model.to_string(),
        false => format!("{model}::{variant}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_id_reads_back() {
        let id = DeliveryId {
            run: RunId::new(7, 9),
            number: 3,
        };
        assert_eq!(id.to_string().parse::<DeliveryId>().unwrap(), id);
        for wrong in ["", "3", "x-3", "00000000070000000000000009-"] {
            assert!(wrong.parse::<DeliveryId>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_row_is_kept_with_its_kind_and_sealed_text_is_not_shown() {
        let row = CatalogRow::Environment(EnvironmentRow {
            name: Environment::new("prod").unwrap(),
            resources: Resources {
                memory_mib: 512,
                runs: 4,
                storage_mib: None,
                egress_kib_per_second: None,
            },
            webhooks: WebhookSettings::default(),
            retention: RecordRetention::default(),
            signing_key: SealedText("sealed".into()),
            created: Timestamp::UNIX_EPOCH,
        });
        let json = serde_json::to_string(&row).unwrap();
        assert!(json.starts_with(r#"{"kind":"environment""#), "{json}");
        assert_eq!(serde_json::from_str::<CatalogRow>(&json).unwrap(), row);
        assert!(!format!("{row:?}").contains("sealed\""), "{row:?}");
    }
}
