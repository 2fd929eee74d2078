//! `tidegate env`: the environments of a host, one for each customer.

use super::remote::{Remote, RemoteArgs, Sent, encoded};
use super::show;
use crate::cli::output::Output;
use crate::error::{Code, Error, Result};
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

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
        webhooks: WebhookArgs,
    },
    /// Change its resources, or where its app hears of runs
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
        webhooks: WebhookArgs,
    },
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
                "webhooks.primary_url",
                "created",
            ];
            show::list(&answer, "environments", &columns, output);
        }
        EnvCommand::Add {
            name,
            memory_mib,
            runs,
            webhooks,
        } => {
            let mut body = json!({
                "name": name,
                "resources": { "memory_mib": memory_mib, "runs": runs },
            });
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
            webhooks,
        } => {
            let mut body = json!({});
            if memory_mib.is_some() || runs.is_some() {
                body["resources"] = resources(&remote, name, *memory_mib, *runs)?;
            }
            if let Some(webhooks) = webhooks.body() {
                body["webhooks"] = webhooks;
            }
            let path = format!("/v1/environments/{}", encoded(name));
            show::one(&remote.call("PATCH", &path, Sent::Json(body))?, output);
        }
    }
    Ok(())
}

/// The resources of an environment with what was named changed: the host takes them as a
/// whole.
fn resources(
    remote: &Remote,
    name: &str,
    memory_mib: Option<u64>,
    runs: Option<u32>,
) -> Result<Value> {
    let all = remote.get("/v1/environments")?;
    let mut rows = all["environments"].as_array().into_iter().flatten();
    let row = rows.find(|row| row["name"] == name).ok_or_else(|| {
        let message = format!("there is no environment `{name}`; `tidegate env list` shows all");
        Error::new(Code::NotFound, message)
    })?;
    let mut resources = row["resources"].clone();
    if let Some(memory_mib) = memory_mib {
        resources["memory_mib"] = memory_mib.into();
    }
    if let Some(runs) = runs {
        resources["runs"] = runs.into();
    }
    Ok(resources)
}
