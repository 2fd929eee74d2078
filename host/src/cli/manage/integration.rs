//! `tidegate integration`: providers, as an environment uses them.

use super::auth::AuthArgs;
use super::remote::{RemoteArgs, Sent, encoded};
use super::show;
use crate::cli::output::Output;
use crate::cli::values::object;
use crate::error::Result;
use clap::{Args, Subcommand};
use serde_json::json;

/// Flags of `integration`.
#[derive(Args)]
pub(in crate::cli) struct IntegrationArgs {
    #[command(flatten)]
    remote: RemoteArgs,
    #[command(subcommand)]
    command: IntegrationCommand,
}

#[derive(Subcommand)]
enum IntegrationCommand {
    /// List the integrations
    List,
    /// Set one up, or replace how it is set up
    #[command(visible_alias = "add")]
    Set(SetArgs),
    /// Remove one that has no connections
    Remove {
        /// Its name
        name: String,
    },
}

#[derive(Args)]
struct SetArgs {
    /// Its name
    name: String,
    /// The provider's name, for people [default: the integration's]
    #[arg(long, default_value = "", hide_default_value = true)]
    provider: String,
    /// Relative URLs of its syncs are joined to this, and its origin gets the credentials
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    #[command(flatten)]
    auth: AuthArgs,
    /// A host beside the base URL's that its syncs may reach
    #[arg(long, value_name = "HOST")]
    allow_host: Vec<String>,
    /// Allow plain http to those hosts
    #[arg(long)]
    allow_http: bool,
    /// Further settings, as in docs/http-api.md: '{"rate_limit": …, "retry": …}'
    #[arg(long, value_name = "JSON")]
    settings: Option<String>,
}

/// `tidegate integration`.
pub(in crate::cli) fn integration(args: &IntegrationArgs, output: &Output) -> Result<()> {
    let path = |name: &str| format!("/v1/integrations/{}", encoded(name));
    match &args.command {
        IntegrationCommand::List => {
            let answer = args.remote.connect()?.get("/v1/integrations")?;
            let columns = [
                "name",
                "provider",
                "base_url",
                "auth.type",
                "hosts",
                "held_back.since",
            ];
            show::list(&answer, "integrations", &columns, output);
        }
        IntegrationCommand::Set(set) => {
            let mut body = json!({
                "provider": set.provider,
                "base_url": set.base_url,
                "auth": set.auth.body()?,
                "hosts": set.allow_host,
                "allow_http": set.allow_http,
            });
            if let Some(text) = &set.settings {
                for (key, value) in object("settings", text)? {
                    body[key] = value;
                }
            }
            let remote = args.remote.connect()?;
            let answer = remote.call("PUT", &path(&set.name), Sent::Json(body))?;
            show::one(&answer, output);
        }
        IntegrationCommand::Remove { name } => {
            show::one(&args.remote.connect()?.delete(&path(name))?, output);
        }
    }
    Ok(())
}
