//! `tidegate key`: the API keys of an environment.

use super::remote::{RemoteArgs, encoded};
use super::show;
use crate::cli::output::Output;
use crate::cli::secret;
use crate::error::Result;
use clap::{Args, Subcommand};
use serde_json::json;

/// Flags of `key`.
#[derive(Args)]
pub(in crate::cli) struct KeyArgs {
    #[command(flatten)]
    remote: RemoteArgs,
    #[command(subcommand)]
    command: KeyCommand,
}

#[derive(Subcommand)]
enum KeyCommand {
    /// List the keys of the environment
    List,
    /// Make a key, which is shown once; or take in one that an app has
    Add {
        /// What it is for
        name: String,
        /// What it opens: read, control, manage
        #[arg(long, value_delimiter = ',', default_value = "read,control")]
        scopes: Vec<String>,
        /// Take in the key (a UUID) in this environment variable, which an app uses already
        #[arg(long, value_name = "VAR")]
        import_env: Option<String>,
        /// Take in the key in this file; `-` is stdin
        #[arg(long, value_name = "FILE", conflicts_with = "import_env")]
        import_file: Option<String>,
    },
    /// From now on the key opens nothing
    Revoke {
        /// Its id
        id: String,
    },
}

/// `tidegate key`.
pub(in crate::cli) fn key(args: &KeyArgs, output: &Output) -> Result<()> {
    let remote = args.remote.connect()?;
    match &args.command {
        KeyCommand::List => {
            let answer = remote.get("/v1/keys")?;
            let columns = ["id", "name", "scopes", "created", "revoked"];
            show::list(&answer, "keys", &columns, output);
        }
        KeyCommand::Add {
            name,
            scopes,
            import_env,
            import_file,
        } => {
            let import = match (import_env, import_file) {
                (Some(name), _) => Some(secret::variable(name)?),
                (None, Some(path)) => Some(secret::file(path)?),
                (None, None) => None,
            };
            let mut body = json!({ "name": name, "scopes": scopes });
            if let Some(import) = &import {
                body["import"] = import.as_str().into();
            }
            show::one(&remote.post("/v1/keys", body)?, output);
            if import.is_none() {
                output.say("the key is not shown again; keep it where your app reads its secrets");
            }
        }
        KeyCommand::Revoke { id } => {
            let path = format!("/v1/keys/{}", encoded(id));
            show::one(&remote.delete(&path)?, output);
        }
    }
    Ok(())
}
