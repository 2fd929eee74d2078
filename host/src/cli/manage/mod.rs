//! Commands to a host that serves, over its HTTP API: one file a family.
//!
//! With `--json` they print the API's answer as it is. Lists go on from page to page by
//! themselves. No secret is an argument.

mod auth;
mod connection;
mod env;
mod integration;
mod key;
mod logs;
mod release;
mod remote;
mod secret;
mod served;
mod show;
mod syncs;
mod webhooks;

pub(super) use connection::{ConnectionsArgs, connection};
pub(super) use env::{EnvArgs, env};
pub(super) use integration::{IntegrationArgs, integration};
pub(super) use key::{KeyArgs, key};
pub(super) use logs::{LogsArgs, logs};
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

use crate::error::{Code, Error, Result};
use serde_json::{Map, Value};

/// The variant that is meant where none is named.
const BASE: &str = "base";

/// A sync as people write it, `NAME` or `NAME::VARIANT`, in its two parts.
fn split(sync: &str) -> (&str, &str) {
    sync.split_once("::").unwrap_or((sync, BASE))
}

/// The JSON object that the flag `--{flag}` was given.
fn object(flag: &str, text: &str) -> Result<Map<String, Value>> {
    serde_json::from_str(text).map_err(|_| {
        Error::new(
            Code::Usage,
            format!("--{flag} `{text}` is not a JSON object"),
        )
    })
}
