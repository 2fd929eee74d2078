//! Which syncs a request is about.

use super::error::{Answer, Failure, Part};
use super::read::object;
use super::status;
use crate::catalog::Catalog;
use crate::model::{
    ConnectionId, ConnectionKey, Environment, Integration, SyncName, SyncRow, Variant,
};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// Syncs named in one request; more are refused. Nango's.
const SYNCS_MAX: usize = 256;

/// A sync as a request names it: `name`, `name::variant` or {name, variant}.
#[derive(Deserialize, ToSchema)]
#[serde(
    untagged,
    expecting = "a sync is `name`, `name::variant` or {name, variant}"
)]
#[schema(as = NamedSync)]
pub enum Named {
    /// `name` or `name::variant`.
    Text(String),
    /// The same apart.
    #[serde(deserialize_with = "object")]
    Parts(Parts),
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SyncParts)]
pub struct Parts {
    name: SyncName,
    variant: Option<Variant>,
}

impl Named {
    fn read(self, part: Part) -> Answer<(SyncName, Variant)> {
        match self {
            Named::Parts(parts) => Ok((parts.name, parts.variant.unwrap_or_else(Variant::base))),
            Named::Text(text) => {
                status::split(&text).map_err(|error| Failure::invalid(part, "syncs", error.message))
            }
        }
    }
}

/// Which syncs a request is about.
pub struct Selected {
    environment: Environment,
    integration: Integration,
    connection: Option<ConnectionId>,
    names: Vec<(SyncName, Variant)>,
}

impl Selected {
    /// Checks how many there are and reads their names; `part` is where they stand.
    pub fn new(
        environment: Environment,
        integration: Integration,
        connection: Option<ConnectionId>,
        syncs: Vec<Named>,
        part: Part,
    ) -> Answer<Self> {
        if syncs.len() > SYNCS_MAX {
            let why = format!("they are {}, limit {SYNCS_MAX}", syncs.len());
            return Err(Failure::invalid(part, "syncs", why));
        }
        let names = syncs.into_iter().map(|sync| sync.read(part));
        Ok(Selected {
            environment,
            integration,
            connection,
            names: names.collect::<Answer<_>>()?,
        })
    }

    /// The connection, if one is named.
    pub fn connection(&self) -> Option<ConnectionKey> {
        Some(ConnectionKey {
            environment: self.environment.clone(),
            integration: self.integration.clone(),
            connection: self.connection.clone()?,
        })
    }

    /// The rows: of the named syncs, or all where none is named. Fails where the
    /// integration or the connection is unknown, or where a name has no row.
    pub fn rows(&self, catalog: &Catalog) -> Answer<Vec<Arc<SyncRow>>> {
        catalog
            .integration(&self.environment, &self.integration)
            .map_err(|error| Failure::bad("unknown_provider_config", error.message))?;
        let connection = self.connection();
        if let Some(key) = &connection {
            catalog
                .connection(key)
                .map_err(|error| Failure::missing("unknown_connection", error.message))?;
        }
        let mut rows = catalog.syncs(
            &self.environment,
            Some(&self.integration),
            connection.as_ref(),
        );
        let is = |row: &SyncRow, name: &(SyncName, Variant)| {
            row.key.sync == name.0 && row.key.variant == name.1
        };
        for name in &self.names {
            if !rows.iter().any(|row| is(row, name)) {
                let what = format!("there is no sync `{}` with variant `{}`", name.0, name.1);
                return Err(Failure::bad("no_syncs_found", what));
            }
        }
        if !self.names.is_empty() {
            rows.retain(|row| self.names.iter().any(|name| is(row, name)));
        }
        Ok(rows)
    }
}
