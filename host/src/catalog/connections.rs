//! Connections: accounts at providers, with their credentials.

use super::integrations::reach;
use super::{Catalog, missing, token};
use crate::egress::{
    Conduct, Credentials, Egress, EgressScope, Placeholder, SharedLine, SharedRate,
};
use crate::error::{Code, Error, Result};
use crate::limits::KIB;
use crate::model::{
    AuthScheme, CatalogChange, CatalogKey, CatalogRow, ConnectionKey, ConnectionRow, Environment,
    Integration, IntegrationRow, RateScope, SealedText,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;
use zeroize::Zeroize;

/// Where in a connection's config a sync finds how pages are numbered.
const PAGINATION: &str = "pagination";

/// What a connection is set up with. What is none stays as it is on a connection that is
/// there.
#[derive(Clone, Default)]
pub struct NewConnection {
    /// What syncs may read of its set-up.
    pub config: Option<Map<String, Value>>,
    /// Its credentials, by the names that the integration's scheme asks for.
    pub credentials: Option<BTreeMap<String, String>>,
    /// Takes the place of the environment's webhook URLs.
    pub webhook_url: Option<Option<String>>,
    /// The app's own marks.
    pub tags: Option<BTreeMap<String, String>>,
    /// The app's user that it belongs to.
    pub end_user: Option<Value>,
}

/// Credentials by name. Cleared from memory when dropped.
#[derive(Default)]
pub(super) struct Fields(pub(super) BTreeMap<String, String>);

impl Drop for Fields {
    fn drop(&mut self) {
        self.0.values_mut().for_each(Zeroize::zeroize);
    }
}

impl Catalog {
    /// The connections of an environment, or of one of its integrations.
    pub fn connections(
        &self,
        environment: &Environment,
        integration: Option<&Integration>,
    ) -> Vec<Arc<ConnectionRow>> {
        let rows = self.rows();
        let own = rows.connections.values().filter(|row| {
            row.key.environment == *environment
                && integration.is_none_or(|name| row.key.integration == *name)
        });
        own.cloned().collect()
    }

    /// A connection. `not.found` if there is none.
    pub fn connection(&self, key: &ConnectionKey) -> Result<Arc<ConnectionRow>> {
        let found = self.rows().connections.get(key).cloned();
        found.ok_or_else(|| missing("connection", &key.connection))
    }

    /// Sets up a connection, or changes the one that is there; a new one gets the syncs
    /// that are released for its integration. `invalid.argument` if credentials lack what
    /// the integration's scheme asks for.
    pub async fn put_connection(
        &self,
        key: &ConnectionKey,
        new: NewConnection,
    ) -> Result<Arc<ConnectionRow>> {
        let _changing = self.changing.lock().await;
        let integration = self.integration(&key.environment, &key.integration)?;
        let before = self.connection(key).ok();
        let now = self.clock.now();
        let has_new_credentials = new.credentials.is_some();
        let credentials = match new.credentials {
            None => before.as_ref().and_then(|row| row.credentials.clone()),
            Some(fields) => {
                let fields = Fields(fields);
                dress(&integration, &fields)?;
                Some(self.seal_fields(key, &fields)?)
            }
        };
        let old = before.as_deref();
        let row = ConnectionRow {
            key: key.clone(),
            number: old.map_or_else(|| self.next_number(), |row| row.number),
            config: new
                .config
                .unwrap_or_else(|| old.map(|row| row.config.clone()).unwrap_or_default()),
            credentials,
            webhook_url: new
                .webhook_url
                .unwrap_or_else(|| old.and_then(|row| row.webhook_url.clone())),
            tags: new
                .tags
                .unwrap_or_else(|| old.map(|row| row.tags.clone()).unwrap_or_default()),
            end_user: new
                .end_user
                .or_else(|| old.and_then(|row| row.end_user.clone())),
            created: old.map_or(now, |row| row.created),
            updated: now,
        };
        let mut changes = vec![CatalogChange::Put(CatalogRow::Connection(row))];
        if old.is_none() {
            changes.extend(self.syncs_for(key).await?);
        }
        self.change(changes).await?;
        if has_new_credentials {
            self.tokens.forget(key);
        }
        self.connection(key)
    }

    /// Removes a connection, its syncs and all that they have left in the store.
    /// `run.conflict` while one of them runs.
    pub async fn remove_connection(&self, key: &ConnectionKey) -> Result<()> {
        let _changing = self.changing.lock().await;
        self.connection(key)?;
        let mut changes: Vec<CatalogChange> = self
            .syncs(&key.environment, Some(&key.integration), Some(key))
            .iter()
            .map(|row| CatalogChange::Remove(CatalogKey::Sync(row.key.clone())))
            .collect();
        changes.push(CatalogChange::Remove(CatalogKey::Connection(key.clone())));
        changes.push(CatalogChange::Erase(key.clone()));
        self.change(changes).await?;
        self.tokens.forget(key);
        Ok(())
    }

    /// What a run reads of its connection's set-up, as JSON: its config, and how the
    /// integration says that pages are numbered, where the config does not say it.
    pub fn config(&self, row: &ConnectionRow) -> Result<String> {
        let integration = self.integration(&row.key.environment, &row.key.integration)?;
        let mut config = row.config.clone();
        if let Some(pagination) = &integration.pagination
            && !config.contains_key(PAGINATION)
        {
            let value = serde_json::to_value(pagination)
                .map_err(|error| Error::new(Code::Internal, error.to_string()))?;
            config.insert(PAGINATION.to_owned(), value);
        }
        Ok(Value::Object(config).to_string())
    }

    /// What a run for a connection may reach and carries. Where the integration's scheme
    /// is one of OAuth 2 and no token is held that serves, one is asked for through
    /// `egress`: `provider.…` or `config.invalid` if none is given.
    pub async fn scope(
        self: &Arc<Self>,
        key: &ConnectionKey,
        egress: &Arc<dyn Egress>,
    ) -> Result<EgressScope> {
        let row = self.connection(key)?;
        let integration = self.integration(&key.environment, &key.integration)?;
        let (base_url, policy) = reach(&integration)?;
        let fields = self.credentials(&row)?;
        let mut credentials = match token::url_of(&integration.auth) {
            Some(_) => self.token(key, egress).await?.credentials(),
            None => dress(&integration, &fields)?,
        };
        credentials.placeholders = placeholders(&integration, &fields);
        Ok(EgressScope {
            connection: key.to_string(),
            base_url,
            policy: Arc::new(policy),
            credentials: Arc::new(credentials),
            conduct: Arc::new(Conduct {
                line: self.line(&key.environment)?,
                ..conduct(&integration, key)
            }),
        })
    }

    /// The line that all runs of an environment share, if it has a bandwidth.
    fn line(&self, name: &Environment) -> Result<Option<SharedLine>> {
        let resources = self.environment(name)?.resources;
        Ok(resources.egress_kib_per_second.map(|kib| SharedLine {
            name: name.to_string(),
            bytes_per_second: u64::from(kib) * KIB,
        }))
    }

    pub(super) fn seal_fields(&self, key: &ConnectionKey, fields: &Fields) -> Result<SealedText> {
        let mut json = serde_json::to_vec(&fields.0)
            .map_err(|error| Error::new(Code::Internal, error.to_string()))?;
        let sealed = self.seal(&owner(key), &json);
        json.zeroize();
        sealed
    }

    /// A connection's credentials in the clear: for [`Catalog::scope`] alone, and for
    /// what it asks tokens with.
    pub(super) fn credentials(&self, row: &ConnectionRow) -> Result<Fields> {
        let Some(sealed) = &row.credentials else {
            return Ok(Fields::default());
        };
        let secret = self.unseal(&owner(&row.key), sealed)?;
        serde_json::from_slice(secret.as_bytes())
            .map(Fields)
            .map_err(|_| {
                Error::new(
                    Code::StoreDamaged,
                    format!("the credentials of {} are no texts by name", row.key),
                )
            })
    }

    fn next_number(&self) -> u64 {
        let rows = self.rows();
        let numbers = rows.connections.values().map(|row| row.number);
        numbers.max().unwrap_or(0) + 1
    }
}

pub(super) fn owner(key: &ConnectionKey) -> String {
    format!("{key} credentials")
}

/// Credentials as requests carry them; nothing where requests carry a token that is asked
/// for with them, once what that needs is there.
fn dress(integration: &IntegrationRow, fields: &Fields) -> Result<Credentials> {
    let field = |name: &str| {
        fields.0.get(name).ok_or_else(|| {
            Error::new(
                Code::InvalidArgument,
                format!(
                    "the credentials lack `{name}`, which integration `{}` needs",
                    integration.name
                ),
            )
        })
    };
    let header = |name: &str, value: String| Credentials {
        headers: vec![(name.to_ascii_lowercase(), value)],
        ..Credentials::default()
    };
    match &integration.auth {
        AuthScheme::None => Ok(Credentials::default()),
        AuthScheme::Bearer => Ok(header(
            "authorization",
            format!("Bearer {}", field("token")?),
        )),
        AuthScheme::Basic => {
            let pair = format!("{}:{}", field("username")?, field("password")?);
            let value = format!("Basic {}", STANDARD.encode(pair));
            Ok(header("authorization", value))
        }
        AuthScheme::ApiKeyHeader { header: name } => Ok(header(name, field("key")?.clone())),
        AuthScheme::ApiKeyQuery { parameter } => Ok(Credentials {
            query: vec![(parameter.clone(), field("key")?.clone())],
            ..Credentials::default()
        }),
        AuthScheme::Headers { headers } => {
            let filled = headers
                .iter()
                .map(|(name, template)| Ok((name.to_ascii_lowercase(), fill(template, &field)?)));
            Ok(Credentials {
                headers: filled.collect::<Result<_>>()?,
                ..Credentials::default()
            })
        }
        AuthScheme::Oauth2ClientCredentials { .. } | AuthScheme::Oauth2Refresh { .. } => {
            for name in token::needs(&integration.auth) {
                field(name)?;
            }
            Ok(Credentials::default())
        }
    }
}

/// What the guest's placeholders stand for. A name that the credentials lack is refused
/// when a request uses it, not before: other requests need not wait for it.
fn placeholders(integration: &IntegrationRow, fields: &Fields) -> BTreeMap<String, Placeholder> {
    let allowed = integration.placeholders.iter().map(|(name, places)| {
        let placeholder = Placeholder {
            value: fields.0.get(name).cloned(),
            places: places.clone(),
        };
        (name.clone(), placeholder)
    });
    allowed.collect()
}

/// How the provider is treated on behalf of a connection.
fn conduct(integration: &IntegrationRow, key: &ConnectionKey) -> Conduct {
    let rate = integration.rate_limit.map(|limit| SharedRate {
        name: match limit.shared_by {
            RateScope::Connection => key.to_string(),
            RateScope::Integration => format!("{}/{}", key.environment, key.integration),
        },
        limit,
    });
    Conduct {
        retry: integration.retry.clone().unwrap_or_default(),
        rate,
        line: None,
    }
}

/// A template with each `{{name}}` filled in.
fn fill<'a>(template: &str, field: &impl Fn(&str) -> Result<&'a String>) -> Result<String> {
    let mut parts = template.split("{{");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once("}}").ok_or_else(|| {
            Error::new(
                Code::InvalidArgument,
                format!("the template `{template}` has `{{{{` without `}}}}`"),
            )
        })?;
        text.push_str(field(name.trim())?);
        text.push_str(rest);
    }
    Ok(text)
}
