//! Flags that name a connection, and what a run may reach on its behalf.

use super::secret;
use super::values::pair;
use crate::egress::policy::{EgressPolicy, HostRule};
use crate::egress::{Credentials, EgressScope};
use crate::error::{Code, Error, Result};
use crate::model::{ConnectionKey, Manifest, SyncKey, SyncName, Variant};
use clap::Args;
use std::sync::Arc;
use url::Url;

/// Which connection.
#[derive(Args, Clone, Debug)]
pub(super) struct ConnectionArgs {
    /// Id of the connection
    #[arg(long, default_value = "local")]
    connection: String,
    /// Integration that the connection belongs to
    #[arg(long, default_value = "local")]
    integration: String,
    /// Environment (customer) that owns it
    #[arg(long, default_value = "default")]
    environment: String,
    /// Variant of the sync
    #[arg(long, default_value = "base")]
    variant: String,
}

impl ConnectionArgs {
    pub(super) fn connection(&self) -> Result<ConnectionKey> {
        ConnectionKey::new(&self.environment, &self.integration, &self.connection)
    }

    pub(super) fn variant(&self) -> Result<Variant> {
        Variant::new(&self.variant)
    }

    pub(super) fn sync(&self, sync: SyncName) -> Result<SyncKey> {
        Ok(SyncKey {
            connection: self.connection()?,
            sync,
            variant: self.variant()?,
        })
    }
}

/// What may be reached, and with which credentials.
#[derive(Args, Clone, Debug)]
pub(super) struct ReachArgs {
    /// Base URL of the provider's API: relative URLs are joined to it, and only its
    /// origin gets the credentials
    #[arg(long, value_name = "URL")]
    pub(super) base_url: Option<String>,
    /// Allow a host beside the base URL's, as `host`, `*.host` or `host:port`; a host
    /// on a private or loopback address is reached only if it is named here
    #[arg(long, value_name = "HOST")]
    allow_host: Vec<String>,
    /// Allow plain http to the allowed hosts, which shows their traffic to the network
    #[arg(long)]
    allow_http: bool,
    /// Send `Authorization: Bearer` with the secret in this environment variable
    #[arg(long, value_name = "VAR")]
    bearer_env: Option<String>,
    /// Send a header with the secret in an environment variable, as `X-Api-Key=VAR`
    #[arg(long, value_name = "NAME=VAR")]
    header_env: Vec<String>,
}

impl ReachArgs {
    /// What the operator allows a run of this sync on this connection. The hosts that the
    /// manifest asks for are only asked for: the operator allows them by name.
    pub(super) fn scope(
        &self,
        connection: &ConnectionKey,
        manifest: &Manifest,
    ) -> Result<EgressScope> {
        let base_url = self.base_url.as_deref().map(parse_base).transpose()?;
        let mut policy = EgressPolicy::default();
        if let Some(base) = &base_url {
            policy = policy.allow(HostRule::of_base(base)?);
        }
        for host in &self.allow_host {
            policy = policy.allow(host.parse()?);
        }
        if self.allow_http {
            policy = policy.allow_plain_http();
        }
        let missing: Vec<_> = manifest
            .hosts
            .iter()
            .filter(|host| !self.allow_host.contains(host))
            .collect();
        if !missing.is_empty() {
            tracing::warn!(
                ?missing,
                "the manifest asks for hosts that are not allowed; allow them with --allow-host"
            );
        }
        Ok(EgressScope {
            connection: connection.to_string(),
            base_url,
            policy: Arc::new(policy),
            credentials: Arc::new(self.credentials()?),
            conduct: Arc::default(),
        })
    }

    fn credentials(&self) -> Result<Credentials> {
        let mut headers = Vec::new();
        if let Some(variable) = &self.bearer_env {
            headers.push((
                "authorization".to_owned(),
                format!("Bearer {}", secret::variable(variable)?),
            ));
        }
        for text in &self.header_env {
            let (name, variable) = pair("header-env", "NAME=VAR", text)?;
            headers.push((name.to_ascii_lowercase(), secret::variable(variable)?));
        }
        Ok(Credentials {
            headers,
            ..Credentials::default()
        })
    }
}

fn parse_base(text: &str) -> Result<Url> {
    Url::parse(text).map_err(|error| {
        Error::new(
            Code::Usage,
            format!("--base-url `{text}` is not a URL: {error}"),
        )
    })
}
