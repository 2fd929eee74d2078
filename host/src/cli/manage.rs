//! Commands to a host that serves: environments, keys, integrations, connections,
//! deployments, and the syncs on them.

use super::output::Output;
use super::remote::{Remote, RemoteArgs, Sent, show};
use crate::error::{Code, Error, Result};
use clap::{Args, Subcommand, ValueEnum};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};
use std::path::PathBuf;

/// Flags of `env`.
#[derive(Args)]
pub(super) struct EnvArgs {
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
        /// Where its app hears of runs
        #[arg(long, value_name = "URL")]
        webhook: Option<String>,
    },
}

/// Flags of `key`.
#[derive(Args)]
pub(super) struct KeyArgs {
    #[command(flatten)]
    remote: RemoteArgs,
    #[command(subcommand)]
    command: KeyCommand,
}

#[derive(Subcommand)]
enum KeyCommand {
    /// List the keys of the environment
    List,
    /// Make a key; it is shown once
    Add {
        /// What it is for
        name: String,
        /// What it opens: read, control, manage
        #[arg(long, value_delimiter = ',', default_value = "read,control")]
        scopes: Vec<String>,
    },
    /// From now on the key opens nothing
    Revoke {
        /// Its id
        id: String,
    },
}

/// Flags of `integration`.
#[derive(Args)]
pub(super) struct IntegrationArgs {
    #[command(flatten)]
    remote: RemoteArgs,
    #[command(subcommand)]
    command: IntegrationCommand,
}

#[derive(Subcommand)]
enum IntegrationCommand {
    /// List the integrations
    List,
    /// Set one up, or change it
    Set {
        /// Its name
        name: String,
        /// Relative URLs of its syncs are joined to this
        #[arg(long, value_name = "URL")]
        base_url: Option<String>,
        /// How requests prove who they are from: bearer, basic, header:NAME or query:NAME
        #[arg(long, default_value = "none")]
        auth: String,
        /// A host beside the base URL's that its syncs may reach
        #[arg(long, value_name = "HOST")]
        allow_host: Vec<String>,
        /// Allow plain http to those hosts
        #[arg(long)]
        allow_http: bool,
        /// Further settings, as in docs/http-api.md: '{"rate_limit": …, "retry": …}'
        #[arg(long, value_name = "JSON", value_parser = parse_object)]
        settings: Option<Map<String, Value>>,
    },
    /// Remove one that has no connections
    Remove {
        /// Its name
        name: String,
    },
}

fn parse_object(text: &str) -> Result<Map<String, Value>, String> {
    serde_json::from_str(text).map_err(|error| format!("not a JSON object: {error}"))
}

/// Flags of `connection`.
#[derive(Args)]
pub(super) struct ConnectionsArgs {
    #[command(flatten)]
    remote: RemoteArgs,
    #[command(subcommand)]
    command: ConnectionCommand,
}

#[derive(Subcommand)]
enum ConnectionCommand {
    /// List the connections
    List,
    /// Set one up, or change it
    Set {
        /// The integration that it belongs to
        integration: String,
        /// Its id, the app's own
        id: String,
        /// A credential from an environment variable, such as token=MY_TOKEN
        #[arg(long, value_name = "NAME=VAR")]
        credential_env: Vec<String>,
        /// What its syncs may read of its set-up, a JSON object
        #[arg(long, value_name = "JSON")]
        config: Option<String>,
    },
    /// Remove one and its syncs
    Remove {
        /// The integration that it belongs to
        integration: String,
        /// Its id
        id: String,
    },
}

/// Flags of `deploy`.
#[derive(Args)]
pub(super) struct DeployArgs {
    #[command(flatten)]
    remote: RemoteArgs,
    /// The component
    component: PathBuf,
    /// The integration that it syncs
    #[arg(long)]
    integration: String,
    /// Only show what it would change
    #[arg(long)]
    dry_run: bool,
}

/// Flags of `rollback`.
#[derive(Args)]
pub(super) struct RollbackArgs {
    #[command(flatten)]
    remote: RemoteArgs,
    /// The sync
    sync: String,
    /// Its integration
    #[arg(long)]
    integration: String,
}

/// Flags of `trigger`, `start`, `pause` and `status`.
#[derive(Args)]
pub(super) struct SyncsArgs {
    #[command(flatten)]
    remote: RemoteArgs,
    /// Syncs, as NAME or NAME::VARIANT; all if none is named
    syncs: Vec<String>,
    /// Their integration
    #[arg(long)]
    integration: String,
    /// Their connection; all of the integration if none is named
    #[arg(long)]
    connection: Option<String>,
}

/// What a trigger takes away first.
#[derive(Clone, Copy, ValueEnum)]
enum From {
    /// The checkpoint
    Start,
    /// The checkpoint and the records
    Nothing,
}

/// Flags of `trigger`.
#[derive(Args)]
pub(super) struct TriggerArgs {
    #[command(flatten)]
    syncs: SyncsArgs,
    /// Begin anew: from the `start`, or with `nothing` left of the records
    #[arg(long, value_name = "WHAT")]
    from: Option<From>,
}

/// Flags of `logs`.
#[derive(Args)]
pub(super) struct LogsArgs {
    #[command(flatten)]
    remote: RemoteArgs,
    /// The run
    run: String,
}

/// Flags of `webhooks`.
#[derive(Args)]
pub(super) struct WebhooksArgs {
    #[command(flatten)]
    remote: RemoteArgs,
    #[command(subcommand)]
    command: WebhooksCommand,
}

#[derive(Subcommand)]
enum WebhooksCommand {
    /// List those that wait, or those that are over
    List {
        /// Those that were delivered or given up
        #[arg(long)]
        over: bool,
    },
    /// Send one again, whatever became of it
    Replay {
        /// Its id
        id: String,
    },
}

/// `tidegate env`.
pub(super) fn env(args: &EnvArgs, output: &Output) -> Result<()> {
    let remote = args.remote.connect()?;
    match &args.command {
        EnvCommand::List => {
            let answer = remote.call("GET", "/v1/environments", Sent::Nothing)?;
            let columns = ["name", "resources.memory_mib", "resources.runs", "created"];
            show(&answer, Some("environments"), &columns, output);
        }
        EnvCommand::Add {
            name,
            memory_mib,
            runs,
            webhook,
        } => {
            let mut body = json!({
                "name": name,
                "resources": { "memory_mib": memory_mib, "runs": runs },
            });
            if let Some(url) = webhook {
                body["webhooks"] = json!({ "primary_url": url });
            }
            let answer = remote.call("POST", "/v1/environments", Sent::Json(body))?;
            once(&answer, output);
        }
    }
    Ok(())
}

/// `tidegate key`.
pub(super) fn key(args: &KeyArgs, output: &Output) -> Result<()> {
    let remote = args.remote.connect()?;
    match &args.command {
        KeyCommand::List => {
            let answer = remote.call("GET", "/v1/keys", Sent::Nothing)?;
            let columns = ["id", "name", "scopes", "created", "revoked"];
            show(&answer, Some("keys"), &columns, output);
        }
        KeyCommand::Add { name, scopes } => {
            let body = json!({ "name": name, "scopes": scopes });
            let answer = remote.call("POST", "/v1/keys", Sent::Json(body))?;
            once(&answer, output);
        }
        KeyCommand::Revoke { id } => {
            let path = format!("/v1/keys/{}", encoded(id));
            show(
                &remote.call("DELETE", &path, Sent::Nothing)?,
                None,
                &[],
                output,
            );
        }
    }
    Ok(())
}

/// `tidegate integration`.
pub(super) fn integration(args: &IntegrationArgs, output: &Output) -> Result<()> {
    let remote = args.remote.connect()?;
    match &args.command {
        IntegrationCommand::List => {
            let answer = remote.call("GET", "/v1/integrations", Sent::Nothing)?;
            let columns = [
                "name",
                "provider",
                "base_url",
                "auth.type",
                "hosts",
                "held_back.since",
            ];
            show(&answer, Some("integrations"), &columns, output);
        }
        IntegrationCommand::Set {
            name,
            base_url,
            auth,
            allow_host,
            allow_http,
            settings,
        } => {
            let mut body = json!({
                "base_url": base_url,
                "auth": scheme(auth)?,
                "hosts": allow_host,
                "allow_http": allow_http,
            });
            for (key, value) in settings.iter().flatten() {
                body[key] = value.clone();
            }
            let path = format!("/v1/integrations/{}", encoded(name));
            let answer = remote.call("PUT", &path, Sent::Json(body))?;
            show(&answer, None, &[], output);
        }
        IntegrationCommand::Remove { name } => {
            let path = format!("/v1/integrations/{}", encoded(name));
            show(
                &remote.call("DELETE", &path, Sent::Nothing)?,
                None,
                &[],
                output,
            );
        }
    }
    Ok(())
}

/// `tidegate connection`.
pub(super) fn connection(args: &ConnectionsArgs, output: &Output) -> Result<()> {
    let remote = args.remote.connect()?;
    let path = |integration: &str, id: &str| {
        format!("/v1/connections/{}/{}", encoded(integration), encoded(id))
    };
    match &args.command {
        ConnectionCommand::List => {
            let answer = remote.call("GET", "/v1/connections", Sent::Nothing)?;
            let columns = ["integration", "connection", "has_credentials", "updated"];
            show(&answer, Some("connections"), &columns, output);
        }
        ConnectionCommand::Set {
            integration,
            id,
            credential_env,
            config,
        } => {
            let mut body = Map::new();
            if let Some(config) = config {
                body.insert("config".into(), object(config)?);
            }
            if !credential_env.is_empty() {
                let pairs = credential_env.iter().map(|pair| credential(pair));
                body.insert(
                    "credentials".into(),
                    Value::Object(pairs.collect::<Result<_>>()?),
                );
            }
            let path = path(integration, id);
            let answer = remote.call("PUT", &path, Sent::Json(Value::Object(body)))?;
            show(&answer, None, &[], output);
        }
        ConnectionCommand::Remove { integration, id } => {
            let answer = remote.call("DELETE", &path(integration, id), Sent::Nothing)?;
            show(&answer, None, &[], output);
        }
    }
    Ok(())
}

/// `tidegate deploy`.
pub(super) fn deploy(args: &DeployArgs, output: &Output) -> Result<()> {
    let remote = args.remote.connect()?;
    let bytes = std::fs::read(&args.component).map_err(|error| {
        Error::new(
            Code::Usage,
            format!("reading {}: {error}", args.component.display()),
        )
    })?;
    let path = format!(
        "/v1/deployments?integration={}&dry_run={}",
        encoded(&args.integration),
        args.dry_run
    );
    let answer = remote.call("POST", &path, Sent::Component(bytes))?;
    show(&answer, None, &[], output);
    Ok(())
}

/// `tidegate rollback`.
pub(super) fn rollback(args: &RollbackArgs, output: &Output) -> Result<()> {
    let body = json!({ "integration": args.integration, "sync": args.sync });
    let remote = args.remote.connect()?;
    let answer = remote.call("POST", "/v1/deployments/rollback", Sent::Json(body))?;
    show(&answer, None, &[], output);
    Ok(())
}

/// `tidegate trigger`.
pub(super) fn trigger(args: &TriggerArgs, output: &Output) -> Result<()> {
    let (remote, mut body) = args.syncs.body()?;
    if let Some(from) = args.from {
        let all = matches!(from, From::Nothing);
        body["opts"] = json!({ "reset": true, "emptyCache": all });
    }
    show(
        &remote.call("POST", "/sync/trigger", Sent::Json(body))?,
        None,
        &[],
        output,
    );
    Ok(())
}

/// `tidegate start` and `tidegate pause`.
pub(super) fn start_or_pause(args: &SyncsArgs, what: &str, output: &Output) -> Result<()> {
    let (remote, body) = args.body()?;
    let path = format!("/sync/{what}");
    show(
        &remote.call("POST", &path, Sent::Json(body))?,
        None,
        &[],
        output,
    );
    Ok(())
}

/// `tidegate status`.
pub(super) fn status(args: &SyncsArgs, output: &Output) -> Result<()> {
    let syncs = match args.syncs.is_empty() {
        true => "*".to_owned(),
        false => args.syncs.join(","),
    };
    let mut path = format!(
        "/sync/status?syncs={}&provider_config_key={}",
        encoded(&syncs),
        encoded(&args.integration)
    );
    if let Some(connection) = &args.connection {
        path += &format!("&connection_id={}", encoded(connection));
    }
    let answer = args.remote.connect()?.call("GET", &path, Sent::Nothing)?;
    let columns = [
        "connection_id",
        "name",
        "variant",
        "status",
        "frequency",
        "nextScheduledSyncAt",
        "held_back_since",
        "recordCount",
    ];
    show(&answer, Some("syncs"), &columns, output);
    Ok(())
}

/// `tidegate logs`.
pub(super) fn logs(args: &LogsArgs, output: &Output) -> Result<()> {
    let path = format!("/v1/runs/{}/log", encoded(&args.run));
    let answer = args.remote.connect()?.call("GET", &path, Sent::Nothing)?;
    show(
        &answer,
        Some("lines"),
        &["at", "level", "message", "attributes"],
        output,
    );
    Ok(())
}

/// `tidegate webhooks`.
pub(super) fn webhooks(args: &WebhooksArgs, output: &Output) -> Result<()> {
    let remote = args.remote.connect()?;
    match &args.command {
        WebhooksCommand::List { over } => {
            let state = if *over { "over" } else { "waiting" };
            let path = format!("/v1/webhooks?state={state}");
            let answer = remote.call("GET", &path, Sent::Nothing)?;
            let columns = [
                "id",
                "model",
                "url",
                "state",
                "attempts",
                "next",
                "last_error",
            ];
            show(&answer, Some("webhooks"), &columns, output);
        }
        WebhooksCommand::Replay { id } => {
            let path = format!("/v1/webhooks/{}/replay", encoded(id));
            show(
                &remote.call("POST", &path, Sent::Nothing)?,
                None,
                &[],
                output,
            );
        }
    }
    Ok(())
}

impl SyncsArgs {
    fn body(&self) -> Result<(Remote, Value)> {
        let mut body = json!({
            "syncs": self.syncs,
            "provider_config_key": self.integration,
        });
        if let Some(connection) = &self.connection {
            body["connection_id"] = connection.as_str().into();
        }
        Ok((self.remote.connect()?, body))
    }
}

/// Shows an answer that holds a key, and says that it will not be shown again.
fn once(answer: &Value, output: &Output) {
    show(answer, None, &[], output);
    output.say("the key is shown here and never again; keep it where your app reads its secrets");
}

/// A scheme as the API has it.
fn scheme(text: &str) -> Result<Value> {
    let (kind, name) = text.split_once(':').unwrap_or((text, ""));
    match (kind, name) {
        ("none" | "bearer" | "basic", "") => Ok(json!({ "type": kind })),
        ("header", name) if !name.is_empty() => {
            Ok(json!({ "type": "api_key_header", "header": name }))
        }
        ("query", name) if !name.is_empty() => {
            Ok(json!({ "type": "api_key_query", "parameter": name }))
        }
        _ => Err(Error::new(
            Code::Usage,
            format!("--auth `{text}`: write none, bearer, basic, header:NAME or query:NAME"),
        )),
    }
}

fn credential(pair: &str) -> Result<(String, Value)> {
    let (name, variable) = pair.split_once('=').ok_or_else(|| {
        Error::new(
            Code::Usage,
            format!("--credential-env `{pair}` is not of the form NAME=VAR"),
        )
    })?;
    let secret = std::env::var(variable).map_err(|_| {
        Error::new(
            Code::Usage,
            format!("the environment variable `{variable}` is not set, or not text"),
        )
    })?;
    Ok((name.to_owned(), secret.into()))
}

fn object(text: &str) -> Result<Value> {
    match serde_json::from_str(text) {
        Ok(value @ Value::Object(_)) => Ok(value),
        _ => Err(Error::new(
            Code::Usage,
            format!("--config `{text}` is not a JSON object"),
        )),
    }
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}
