//! Commands to a host that serves, over its HTTP API: one file a family.
//!
//! With `--json` they print the API's answer as it is. A list is read page after page, up
//! to its `--limit`. No secret is an argument.

mod auth;
mod connection;
mod env;
mod integration;
mod key;
mod logs;
mod prune;
mod release;
mod remote;
mod served;
mod show;
mod syncs;
mod webhooks;

pub(super) use connection::{ConnectionsArgs, connection};
pub(super) use env::{EnvArgs, env};
pub(super) use integration::{IntegrationArgs, integration};
pub(super) use key::{KeyArgs, key};
pub(super) use logs::{LogsArgs, logs};
pub(super) use prune::{PruneArgs, prune};
pub(super) use release::{
    DeployArgs, PinArgs, ReleasesArgs, RollbackArgs, deploy, pin, releases, rollback,
};
pub(super) use remote::{Remote, Sent};
pub(super) use served::{Record, ServedArgs, read_models, read_records, read_run, read_runs};
pub(super) use syncs::{
    FrequencyArgs, SyncsArgs, TriggerArgs, VariantArgs, frequency, pause, start, status, trigger,
    variant,
};
pub(super) use webhooks::{WebhooksArgs, webhooks};

/// The variant that is meant where none is named.
const BASE: &str = "base";

/// A sync as people write it, `NAME` or `NAME::VARIANT`, in its two parts.
fn split(sync: &str) -> (&str, &str) {
    sync.split_once("::").unwrap_or((sync, BASE))
}
