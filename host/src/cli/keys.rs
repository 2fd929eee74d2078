//! `tidegate master-key`: the keys that seal credentials, in their file; and what a host
//! does at its start when a new one has been added.

use super::output::Output;
use super::settings::Settings;
use crate::catalog::Catalog;
use crate::error::Result;
use crate::vault::{KeyId, MasterKeys};
use clap::{Args, Subcommand};
use std::path::{Path, PathBuf};

/// Flags of `master-key`.
#[derive(Args)]
pub(super) struct KeysArgs {
    /// The settings file of the host [default: tidegate.toml, if there is one]
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// The file of the keys, in the place of the setting `key_file`
    #[arg(long, value_name = "FILE", global = true)]
    key_file: Option<PathBuf>,
    #[command(subcommand)]
    command: KeysCommand,
}

#[derive(Subcommand)]
enum KeysCommand {
    /// List the ids of the keys, the current one first
    List,
    /// Add a key, which takes over when the host is started again
    Rotate,
}

/// Lists or adds keys. Only their ids are shown.
pub(super) fn keys(args: &KeysArgs, output: &Output) -> Result<()> {
    let file = args.key_file.as_ref();
    let file = file.map(|path| path.display().to_string());
    let settings = Settings::read(
        args.config.as_deref(),
        std::env::vars(),
        &[("key_file", file)],
    )?;
    let path = Path::new(settings.text("key_file"));
    let keys = match args.command {
        KeysCommand::List => MasterKeys::from_file(path)?,
        KeysCommand::Rotate => MasterKeys::add_key(path)?,
    };
    let ids: Vec<&str> = keys.ids().map(KeyId::as_str).collect();
    match output.is_json() {
        true => output.json(&ids),
        false => ids.iter().for_each(|id| output.data(id)),
    }
    if let KeysCommand::Rotate = args.command {
        let (id, path) = (keys.current_id(), path.display());
        output.say(&format!(
            "key `{id}` was added to `{path}`; keep a copy of the file, then restart the host: it seals everything anew and logs which keys can be taken out of the file"
        ));
    }
    Ok(())
}

/// Wraps everything with the current key, where there are others, and says which of them
/// are not needed any more.
pub(super) async fn take_over(catalog: &Catalog) -> Result<()> {
    let keys = catalog.master_keys();
    let Some((current, older)) = keys.split_first().filter(|(_, older)| !older.is_empty()) else {
        return Ok(());
    };
    let outcome = catalog.rewrap_all().await?;
    let (rewrapped, older) = (outcome.rows, older.join(" "));
    for error in &outcome.failed {
        tracing::error!(%error, "a secret could not be sealed anew; it stays as it is");
    }
    match outcome.failed.is_empty() {
        true => tracing::warn!(
            rewrapped,
            current,
            removable = older,
            "every secret is sealed with the current master key; the others can be taken out of the key file, but backups from before open with them only"
        ),
        false => tracing::warn!(
            rewrapped,
            current,
            older,
            "not every secret could be sealed anew: keep all master keys in the key file"
        ),
    }
    Ok(())
}
