//! Environments and the keys to their API.

use super::{Catalog, missing, taken};
use crate::error::{Code, Error, Result};
use crate::model::{
    ApiKeyRow, CatalogChange, CatalogKey, CatalogRow, Environment, EnvironmentRow, RecordRetention,
    Resources, Scope, WebhookSettings,
};
use crate::vault::api_key::{self, ApiKey, ApiKeyHash};
use crate::vault::{Secret, signature};
use std::collections::BTreeSet;
use std::sync::Arc;

/// How much of what an environment still has is named where it is refused to remove it;
/// the rest is counted.
const NAMED_MAX: usize = 5;

impl Catalog {
    /// Every environment, by name.
    pub fn environments(&self) -> Vec<Arc<EnvironmentRow>> {
        self.rows().environments.values().cloned().collect()
    }

    /// An environment. `not.found` if there is none of that name.
    pub fn environment(&self, name: &Environment) -> Result<Arc<EnvironmentRow>> {
        let found = self.rows().environments.get(name).cloned();
        found.ok_or_else(|| missing("environment", name))
    }

    /// Adds an environment, with a signing key of its own. `invalid.argument` if the name
    /// is taken.
    pub async fn add_environment(
        &self,
        name: Environment,
        resources: Resources,
        webhooks: WebhookSettings,
    ) -> Result<Arc<EnvironmentRow>> {
        let _changing = self.changing.lock().await;
        if self.environment(&name).is_ok() {
            return Err(taken("environment", name));
        }
        let key = signature::generate_signing_key()?;
        let row = EnvironmentRow {
            signing_key: self.seal(&signing_owner(&name), key.as_bytes())?,
            name: name.clone(),
            resources,
            webhooks,
            retention: RecordRetention::default(),
            created: self.clock.now(),
        };
        self.change(vec![CatalogChange::Put(CatalogRow::Environment(row))])
            .await?;
        self.environment(&name)
    }

    /// Changes what an environment may use or where its app hears of runs.
    pub async fn change_environment(
        &self,
        name: &Environment,
        change: impl FnOnce(&mut EnvironmentRow),
    ) -> Result<Arc<EnvironmentRow>> {
        let _changing = self.changing.lock().await;
        let mut row = (*self.environment(name)?).clone();
        change(&mut row);
        self.change(vec![CatalogChange::Put(CatalogRow::Environment(row))])
            .await?;
        self.environment(name)
    }

    /// Removes an environment with its keys and its webhooks. `invalid.argument` while it
    /// has connections or integrations: what those hold goes only by name.
    pub async fn remove_environment(&self, name: &Environment) -> Result<()> {
        let _changing = self.changing.lock().await;
        self.environment(name)?;
        let connections = self.connections(name, None);
        let integrations = self.integrations(name);
        let connections = connections.iter().map(|row| {
            let (integration, id) = (&row.key.integration, &row.key.connection);
            format!("{integration}/{id}")
        });
        let integrations = integrations.iter().map(|row| row.name.to_string());
        for (what, names) in [
            ("connections", connections.collect::<Vec<_>>()),
            ("integrations", integrations.collect()),
        ] {
            if !names.is_empty() {
                return Err(has_still(name, what, &names));
            }
        }
        let mut changes: Vec<CatalogChange> = self
            .keys(name)
            .iter()
            .map(|row| CatalogChange::Remove(CatalogKey::ApiKey(row.id.clone())))
            .collect();
        changes.push(CatalogChange::Remove(CatalogKey::Environment(name.clone())));
        self.change(changes).await
    }

    /// Makes a new key to sign webhooks with, which takes over at once: those that wait
    /// are signed with it, too.
    pub async fn change_signing_key(&self, name: &Environment) -> Result<Secret> {
        let key = signature::generate_signing_key()?;
        let sealed = self.seal(&signing_owner(name), key.as_bytes())?;
        self.change_environment(name, |row| row.signing_key = sealed)
            .await?;
        Ok(key)
    }

    /// The key that an environment's webhooks are signed with.
    pub fn signing_key(&self, name: &Environment) -> Result<Secret> {
        let row = self.environment(name)?;
        self.unseal(&signing_owner(name), &row.signing_key)
    }

    /// Makes a key to an environment's API. Its text is answered here and kept nowhere.
    pub async fn add_key(
        &self,
        environment: &Environment,
        name: &str,
        scopes: BTreeSet<Scope>,
    ) -> Result<(String, Arc<ApiKeyRow>)> {
        let made = ApiKey::generate()?;
        let row = self.keep_key(environment, name, scopes, &made).await?;
        Ok((made.text.as_str().unwrap_or_default().to_owned(), row))
    }

    /// Takes in a key of another form, such as one that an app already uses with Nango.
    pub async fn import_key(
        &self,
        environment: &Environment,
        name: &str,
        scopes: BTreeSet<Scope>,
        text: &str,
    ) -> Result<Arc<ApiKeyRow>> {
        let made = ApiKey::import(text)?;
        self.keep_key(environment, name, scopes, &made).await
    }

    async fn keep_key(
        &self,
        environment: &Environment,
        name: &str,
        scopes: BTreeSet<Scope>,
        made: &ApiKey,
    ) -> Result<Arc<ApiKeyRow>> {
        let _changing = self.changing.lock().await;
        self.environment(environment)?;
        if self.rows().keys.contains_key(made.id.as_str()) {
            return Err(taken("key", made.id.as_str()));
        }
        let row = ApiKeyRow {
            id: made.id.as_str().to_owned(),
            sha256: made.hash.into(),
            environment: environment.clone(),
            name: name.to_owned(),
            scopes,
            created: self.clock.now(),
            revoked: None,
        };
        self.change(vec![CatalogChange::Put(CatalogRow::ApiKey(row.clone()))])
            .await?;
        Ok(Arc::new(row))
    }

    /// The keys of an environment, revoked ones included.
    pub fn keys(&self, environment: &Environment) -> Vec<Arc<ApiKeyRow>> {
        let rows = self.rows();
        let own = rows
            .keys
            .values()
            .filter(|key| key.environment == *environment);
        own.cloned().collect()
    }

    /// From now on the key opens nothing.
    pub async fn revoke_key(&self, environment: &Environment, id: &str) -> Result<Arc<ApiKeyRow>> {
        let _changing = self.changing.lock().await;
        let found = self.rows().keys.get(id).cloned();
        let found = found.filter(|key| key.environment == *environment);
        let mut row = (*found.ok_or_else(|| missing("key", id))?).clone();
        row.revoked.get_or_insert(self.clock.now());
        self.change(vec![CatalogChange::Put(CatalogRow::ApiKey(row.clone()))])
            .await?;
        Ok(Arc::new(row))
    }

    /// Whose key this is, if it is one that opens anything.
    pub fn authenticate(&self, text: &str) -> Option<Arc<ApiKeyRow>> {
        let id = api_key::parse_id(text)?;
        let row = self.rows().keys.get(id.as_str()).cloned()?;
        let hash = ApiKeyHash::try_from(row.sha256.clone()).ok()?;
        let opens = row.revoked.is_none() && api_key::verify(text, &id, &hash);
        opens.then_some(row)
    }
}

/// The refusal to remove an environment that is not empty.
fn has_still(name: &Environment, what: &str, names: &[String]) -> Error {
    let shown = names.iter().take(NAMED_MAX).map(|each| format!("`{each}`"));
    let shown: Vec<String> = shown.collect();
    let more = match names.len().saturating_sub(NAMED_MAX) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Error::new(
        Code::InvalidArgument,
        format!(
            "environment `{name}` still has {} {what} ({}{more}); remove them first",
            names.len(),
            shown.join(", ")
        ),
    )
}

pub(super) fn signing_owner(name: &Environment) -> String {
    format!("{name} signing key")
}
