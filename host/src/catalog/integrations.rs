//! Integrations: providers, as environments use them.

use super::{Catalog, conduct, missing, token};
use crate::egress::policy::EgressPolicy;
use crate::error::{Code, Error, Result};
use crate::model::{
    AuthScheme, CatalogChange, CatalogKey, CatalogRow, Environment, Integration, IntegrationRow,
    Pagination, Place, RateLimit, RetryRules,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use url::Url;

/// What an integration is set up with.
#[derive(Clone, Debug, Default)]
pub struct NewIntegration {
    /// The provider's name, for people.
    pub provider: String,
    /// Relative URLs are joined to this; its origin gets the credentials.
    pub base_url: Option<String>,
    /// How requests prove who they are from.
    pub auth: AuthScheme,
    /// Hosts beside the base URL's that its syncs may reach.
    pub hosts: Vec<String>,
    /// Whether plain http is allowed to those hosts.
    pub allow_http: bool,
    /// What is tried again beyond the usual.
    pub retry: Option<RetryRules>,
    /// How many requests the provider bears.
    pub rate_limit: Option<RateLimit>,
    /// How the provider numbers its pages, for syncs that leave that to it.
    pub pagination: Option<Pagination>,
    /// Credentials that a guest may have filled in for `{{secret.name}}`, and where.
    pub placeholders: BTreeMap<String, BTreeSet<Place>>,
}

impl Catalog {
    /// The integrations of an environment, by name.
    pub fn integrations(&self, environment: &Environment) -> Vec<Arc<IntegrationRow>> {
        let rows = self.rows();
        let own = rows
            .integrations
            .values()
            .filter(|row| row.environment == *environment);
        own.cloned().collect()
    }

    /// An integration. `not.found` if there is none of that name.
    pub fn integration(
        &self,
        environment: &Environment,
        name: &Integration,
    ) -> Result<Arc<IntegrationRow>> {
        let key = (environment.clone(), name.clone());
        let found = self.rows().integrations.get(&key).cloned();
        found.ok_or_else(|| missing("integration", name))
    }

    /// Sets up an integration, or changes the one of that name. `invalid.argument` if a
    /// URL, host, rule or placeholder cannot be used.
    pub async fn put_integration(
        &self,
        environment: &Environment,
        name: &Integration,
        new: NewIntegration,
    ) -> Result<Arc<IntegrationRow>> {
        let _changing = self.changing.lock().await;
        self.environment(environment)?;
        let now = self.clock.now();
        let before = self.integration(environment, name).ok();
        let row = IntegrationRow {
            environment: environment.clone(),
            name: name.clone(),
            provider: match new.provider.is_empty() {
                true => name.to_string(),
                false => new.provider,
            },
            base_url: new.base_url,
            auth: new.auth,
            hosts: new.hosts,
            allow_http: new.allow_http,
            retry: new.retry,
            rate_limit: new.rate_limit,
            pagination: new.pagination,
            placeholders: new.placeholders,
            created: before.map_or(now, |row| row.created),
            updated: now,
        };
        // What cannot be used is refused now, not at the first run.
        reach(&row)?;
        conduct::check(&row)?;
        if let Some(url) = token::url_of(&row.auth) {
            token::way(&row, url)
                .map_err(|error| error.context("the integration's `token_url`"))?;
        }
        self.change(vec![CatalogChange::Put(CatalogRow::Integration(row))])
            .await?;
        self.tokens.forget_all(environment, name);
        self.integration(environment, name)
    }

    /// Removes an integration. `invalid.argument` while it has connections.
    pub async fn remove_integration(
        &self,
        environment: &Environment,
        name: &Integration,
    ) -> Result<()> {
        let _changing = self.changing.lock().await;
        self.integration(environment, name)?;
        let connections = self.connections(environment, Some(name)).len();
        if connections > 0 {
            return Err(Error::new(
                Code::InvalidArgument,
                format!("integration `{name}` has {connections} connections; remove them first"),
            ));
        }
        let mut changes = vec![CatalogChange::Remove(CatalogKey::Integration(
            environment.clone(),
            name.clone(),
        ))];
        changes.extend(self.releases(environment, Some(name)).iter().map(|row| {
            CatalogChange::Remove(CatalogKey::Release(
                row.environment.clone(),
                row.integration.clone(),
                row.sync.clone(),
            ))
        }));
        self.change(changes).await
    }
}

/// The base URL and what may be reached.
pub(super) fn reach(row: &IntegrationRow) -> Result<(Option<Url>, EgressPolicy)> {
    let base = match &row.base_url {
        None => None,
        Some(text) => Some(Url::parse(text).map_err(|error| {
            Error::new(
                Code::InvalidArgument,
                format!("the base URL `{text}` of `{}`: {error}", row.name),
            )
        })?),
    };
    let mut policy = EgressPolicy::default();
    if let Some(base) = &base {
        policy = policy.allow(crate::egress::policy::HostRule::of_base(base)?);
    }
    for host in &row.hosts {
        policy = policy.allow(host.parse()?);
    }
    if row.allow_http {
        policy = policy.allow_plain_http();
    }
    Ok((base, policy))
}
