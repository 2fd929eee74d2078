//! `tidegate connection`: accounts at providers, with their credentials and metadata.

use super::remote::{RemoteArgs, Sent, encoded};
use super::show::{self, PageArgs};
use crate::cli::output::Output;
use crate::cli::secret;
use crate::cli::values::{object, pair};
use crate::error::{Code, Error, Result};
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

/// Flags of `connection`.
#[derive(Args)]
pub(in crate::cli) struct ConnectionsArgs {
    #[command(flatten)]
    remote: RemoteArgs,
    #[command(subcommand)]
    command: ConnectionCommand,
}

#[derive(Subcommand)]
enum ConnectionCommand {
    /// List the connections
    List {
        /// Only those of this integration
        #[arg(long)]
        integration: Option<String>,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Show one with its configuration and metadata; credentials are never shown
    Show(Which),
    /// Set one up, or change what is named of it
    #[command(visible_alias = "add")]
    Set(SetArgs),
    /// Show or change what an app tells its syncs about it
    Metadata {
        #[command(flatten)]
        which: Which,
        /// Replace it by this JSON object
        #[arg(long, value_name = "JSON", conflicts_with = "merge")]
        set: Option<String>,
        /// Put the fields of this JSON object over it
        #[arg(long, value_name = "JSON")]
        merge: Option<String>,
    },
    /// Remove one and its syncs
    Remove(Which),
}

/// Which connection.
#[derive(Args)]
struct Which {
    /// The integration that it belongs to
    integration: String,
    /// Its id, the app's own
    id: String,
}

#[derive(Args)]
struct SetArgs {
    #[command(flatten)]
    which: Which,
    /// A credential from an environment variable, such as token=MY_TOKEN
    #[arg(long, value_name = "NAME=VAR")]
    credential_env: Vec<String>,
    /// A credential from a file, such as token=token.txt; `-` is stdin
    #[arg(long, value_name = "NAME=FILE")]
    credential_file: Vec<String>,
    /// All credentials from a file with a JSON object of texts; `-` is stdin
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["credential_env", "credential_file"]
    )]
    credentials: Option<String>,
    /// What its syncs may read of its set-up, a JSON object
    #[arg(long, value_name = "JSON")]
    config: Option<String>,
    /// Where its runs are told, in the place of the environment's; `none` for that one
    #[arg(long, value_name = "URL")]
    webhook: Option<String>,
    /// A tag; those that are given replace all
    #[arg(long, value_name = "NAME=VALUE")]
    tag: Vec<String>,
    /// Whose it is in the app, a JSON object such as {"id": "7"}
    #[arg(long, value_name = "JSON")]
    end_user: Option<String>,
}

/// `tidegate connection`.
pub(in crate::cli) fn connection(args: &ConnectionsArgs, output: &Output) -> Result<()> {
    let connect = || args.remote.connect();
    match &args.command {
        ConnectionCommand::List { integration, page } => {
            let path = match integration {
                Some(name) => format!("/v1/connections?integration={}", encoded(name)),
                None => "/v1/connections?".to_owned(),
            };
            let answer = page.read(&connect()?, &path, "connections", "after")?;
            let columns = ["integration", "connection", "has_credentials", "updated"];
            show::list(&answer, "connections", &columns, output);
        }
        ConnectionCommand::Show(which) => {
            show::one(&connect()?.get(&which.shown())?, output);
        }
        ConnectionCommand::Set(set) => {
            let body = Sent::Json(set.body()?.into());
            show::one(&connect()?.call("PUT", &set.which.path(), body)?, output);
        }
        ConnectionCommand::Metadata { which, set, merge } => {
            let (method, text) = match (set, merge) {
                (Some(text), _) => ("POST", text),
                (None, Some(text)) => ("PATCH", text),
                (None, None) => {
                    let found = connect()?.get(&which.shown())?;
                    output.json(found["metadata"].as_object().unwrap_or(&Map::new()));
                    return Ok(());
                }
            };
            let flag = if set.is_some() { "set" } else { "merge" };
            let body = json!({
                "connection_id": which.id,
                "provider_config_key": which.integration,
                "metadata": object(flag, text)?,
            });
            connect()?.call(method, "/connections/metadata", Sent::Json(body))?;
            let found = connect()?.get(&which.shown())?;
            output.json(found["metadata"].as_object().unwrap_or(&Map::new()));
        }
        ConnectionCommand::Remove(which) => {
            show::one(&connect()?.delete(&which.path())?, output);
        }
    }
    Ok(())
}

impl Which {
    fn path(&self) -> String {
        let [integration, id] = [&self.integration, &self.id].map(|text| encoded(text));
        format!("/v1/connections/{integration}/{id}")
    }

    /// The route that has its metadata, too.
    fn shown(&self) -> String {
        let [integration, id] = [&self.integration, &self.id].map(|text| encoded(text));
        format!("/connections/{id}?provider_config_key={integration}")
    }
}

impl SetArgs {
    fn body(&self) -> Result<Map<String, Value>> {
        let mut body = Map::new();
        let mut put = |name: &str, value: Value| body.insert(name.to_owned(), value);
        if let Some(config) = &self.config {
            put("config", object("config", config)?.into());
        }
        if let Some(credentials) = self.credentials()? {
            put("credentials", credentials.into());
        }
        match self.webhook.as_deref() {
            None => None,
            Some("none") => put("webhook_url", Value::Null),
            Some(url) => put("webhook_url", url.into()),
        };
        if !self.tag.is_empty() {
            let tags = self.tag.iter().map(|text| {
                let (name, value) = pair("tag", "NAME=VALUE", text)?;
                Ok((name.to_owned(), value.into()))
            });
            put("tags", Value::Object(tags.collect::<Result<_>>()?));
        }
        if let Some(end_user) = &self.end_user {
            put("end_user", object("end-user", end_user)?.into());
        }
        Ok(body)
    }

    fn credentials(&self) -> Result<Option<Map<String, Value>>> {
        if let Some(path) = &self.credentials {
            return secret::object(path).map(Some);
        }
        let from_stdin = |text: &&String| text.ends_with("=-");
        if self.credential_file.iter().filter(from_stdin).count() > 1 {
            return Err(Error::new(
                Code::Usage,
                "only one --credential-file can be stdin; for several use --credentials -",
            ));
        }
        let mut found = Map::new();
        for text in &self.credential_env {
            let (name, variable) = pair("credential-env", "NAME=VAR", text)?;
            found.insert(name.to_owned(), secret::variable(variable)?.into());
        }
        for text in &self.credential_file {
            let (name, path) = pair("credential-file", "NAME=FILE", text)?;
            found.insert(name.to_owned(), secret::file(path)?.into());
        }
        Ok((!found.is_empty()).then_some(found))
    }
}
