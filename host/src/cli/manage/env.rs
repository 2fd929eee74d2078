//! `tidegate env`: the environments of a host, one for each customer.

use super::remote::{RemoteArgs, Sent, encoded};
use super::show;
use crate::cli::output::Output;
use crate::error::{Code, Result};
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};
use std::str::FromStr;

/// Flags of `env`.
#[derive(Args)]
pub(in crate::cli) struct EnvArgs {
    #[command(flatten)]
    remote: RemoteArgs,
    #[command(subcommand)]
    command: EnvCommand,
}

#[derive(Subcommand)]
enum EnvCommand {
    /// List the environments
    List,
    /// Add one; its first key is shown once
    Add {
        /// Its name
        name: String,
        /// Memory of all its running runs together, in MiB
        #[arg(long, default_value_t = 1_024)]
        memory_mib: u64,
        /// Runs at once
        #[arg(long, default_value_t = 8)]
        runs: u32,
        #[command(flatten)]
        limits: LimitArgs,
        #[command(flatten)]
        webhooks: WebhookArgs,
    },
    /// Change its resources, how long its records are kept, or where its app hears of runs
    Set {
        /// Its name
        name: String,
        /// Memory of all its running runs together, in MiB
        #[arg(long)]
        memory_mib: Option<u64>,
        /// Runs at once
        #[arg(long)]
        runs: Option<u32>,
        #[command(flatten)]
        limits: LimitArgs,
        #[command(flatten)]
        webhooks: WebhookArgs,
    },
    /// Make a new key to sign its webhooks with, shown once; the old one signs no more
    SigningKey {
        /// Its name
        name: String,
    },
    /// Remove one that has no connections and integrations any more, with its keys
    Remove {
        /// Its name
        name: String,
    },
}

/// What an environment may take of disk and network, and how long its records are kept.
#[derive(Args)]
struct LimitArgs {
    /// What its records may take of the disk, in MiB; `none` for no limit
    #[arg(long, value_name = "MIB", value_parser = or_none::<u64>)]
    storage_mib: Option<OrNone<u64>>,
    /// What the bodies of its requests and responses may take of the network, in KiB a
    /// second; `none` for no limit
    #[arg(long, value_name = "KIB", value_parser = or_none::<u32>)]
    egress_kib_per_second: Option<OrNone<u32>>,
    /// Days after which a record that did not change loses its content; `never` keeps it
    #[arg(long, value_name = "DAYS", value_parser = or_none::<u32>)]
    prune_after_days: Option<OrNone<u32>>,
    /// Days after which the records of a connection whose syncs do not run are erased;
    /// `never` keeps them
    #[arg(long, value_name = "DAYS", value_parser = or_none::<u32>)]
    erase_after_days: Option<OrNone<u32>>,
}

/// A number, or none at all.
#[derive(Clone, Copy)]
struct OrNone<T>(Option<T>);

impl<T: Into<Value>> From<OrNone<T>> for Value {
    fn from(number: OrNone<T>) -> Value {
        number.0.map_or(Value::Null, Into::into)
    }
}

/// A number; 0 and the words mean none.
fn or_none<T: FromStr + Default + PartialEq>(text: &str) -> Result<OrNone<T>, String> {
    if matches!(text, "never" | "none") {
        return Ok(OrNone(None));
    }
    let number = text.parse::<T>();
    let number = number.map_err(|_| "write a whole number, or `never` or `none`".to_owned())?;
    Ok(OrNone(
        Some(number).filter(|number| *number != T::default()),
    ))
}

impl LimitArgs {
    /// The resources that were named, with its memory and runs; none if none was.
    fn resources(&self, memory_mib: Option<u64>, runs: Option<u32>) -> Option<Value> {
        named([
            ("memory_mib", memory_mib.map(Value::from)),
            ("runs", runs.map(Value::from)),
            ("storage_mib", self.storage_mib.map(Value::from)),
            (
                "egress_kib_per_second",
                self.egress_kib_per_second.map(Value::from),
            ),
        ])
    }

    /// The retention that was named; none if none was.
    fn retention(&self) -> Option<Value> {
        named([
            ("prune_after_days", self.prune_after_days.map(Value::from)),
            ("erase_after_days", self.erase_after_days.map(Value::from)),
        ])
    }
}

/// An object of what was named; none if nothing was.
fn named<const N: usize>(fields: [(&str, Option<Value>); N]) -> Option<Value> {
    let fields = fields.into_iter();
    let named: Map<String, Value> = fields
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect();
    (!named.is_empty()).then(|| named.into())
}

/// Where an app hears of runs, and of which.
#[derive(Args)]
struct WebhookArgs {
    /// Where its app hears of runs; `none` for nowhere
    #[arg(long, value_name = "URL")]
    webhook: Option<String>,
    /// A second place that hears the same; `none` for no other
    #[arg(long, value_name = "URL")]
    second_webhook: Option<String>,
    /// Whether runs that changed nothing are told, too
    #[arg(long, value_name = "BOOL")]
    webhook_on_unchanged: Option<bool>,
    /// Whether runs that failed are told
    #[arg(long, value_name = "BOOL")]
    webhook_on_error: Option<bool>,
}

impl WebhookArgs {
    /// The settings that were named; none if none was.
    fn body(&self) -> Option<Value> {
        let url = |url: &str| match url {
            "none" => Value::Null,
            url => url.into(),
        };
        let named = [
            ("primary_url", self.webhook.as_deref().map(url)),
            ("secondary_url", self.second_webhook.as_deref().map(url)),
            ("on_unchanged", self.webhook_on_unchanged.map(Value::from)),
            ("on_error", self.webhook_on_error.map(Value::from)),
        ];
        let named = named
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)));
        let named: Map<String, Value> = named.collect();
        (!named.is_empty()).then(|| named.into())
    }
}

/// `tidegate env`.
pub(in crate::cli) fn env(args: &EnvArgs, output: &Output) -> Result<()> {
    let remote = args.remote.connect()?;
    match &args.command {
        EnvCommand::List => {
            let answer = remote.get("/v1/environments")?;
            let columns = [
                "name",
                "resources.memory_mib",
                "resources.runs",
                "resources.storage_mib",
                "resources.egress_kib_per_second",
                "stored_bytes",
                "webhooks.primary_url",
                "created",
            ];
            show::list(&answer, "environments", &columns, output);
        }
        EnvCommand::Add {
            name,
            memory_mib,
            runs,
            limits,
            webhooks,
        } => {
            let resources = limits.resources(Some(*memory_mib), Some(*runs));
            let mut body = json!({ "name": name, "resources": resources });
            if let Some(retention) = limits.retention() {
                body["retention"] = retention;
            }
            if let Some(webhooks) = webhooks.body() {
                body["webhooks"] = webhooks;
            }
            show::one(&remote.post("/v1/environments", body)?, output);
            output.say("neither key is shown again; keep them where your app reads its secrets");
        }
        EnvCommand::Set {
            name,
            memory_mib,
            runs,
            limits,
            webhooks,
        } => {
            let mut body = json!({});
            if let Some(resources) = limits.resources(*memory_mib, *runs) {
                body["resources"] = resources;
            }
            if let Some(retention) = limits.retention() {
                body["retention"] = retention;
            }
            if let Some(webhooks) = webhooks.body() {
                body["webhooks"] = webhooks;
            }
            let changed = remote.call("PATCH", &path(name), Sent::Json(body));
            let changed = changed.map_err(|mut error| {
                if error.code == Code::NotFound {
                    error.message += "; `tidegate env list` shows all";
                }
                error
            });
            show::one(&changed?, output);
        }
        EnvCommand::SigningKey { name } => {
            let path = format!("{}/signing-key", path(name));
            show::one(&remote.call("POST", &path, Sent::Nothing)?, output);
            output.say("the key is not shown again, and webhooks are signed with it from now on");
        }
        EnvCommand::Remove { name } => show::one(&remote.delete(&path(name))?, output),
    }
    Ok(())
}

fn path(name: &str) -> String {
    format!("/v1/environments/{}", encoded(name))
}
