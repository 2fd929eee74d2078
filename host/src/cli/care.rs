//! `tidegate verify`, `backup` and `restore`: care for the store.

use super::host::{self, StoreArgs};
use super::output::{Output, count};
use crate::error::{Code, Error, Result};
use crate::store::Store;
use crate::store::sled::{OpenOptions, SledStore};
use clap::Args;
use std::fs::File;
use std::path::{Path, PathBuf};

/// Flags of `verify`.
#[derive(Args)]
pub(super) struct VerifyArgs {
    #[command(flatten)]
    store: StoreArgs,
}

pub(super) async fn verify(args: VerifyArgs, output: &Output) -> Result<()> {
    let store = args.store.open_present(&host::clock()).await?;
    let found = store.verify().await;
    host::close(store, output).await;
    let found = found?;
    if output.is_json() {
        output.json(&found);
    }
    found
        .defects
        .iter()
        .for_each(|defect| output.say(&format!("defect: {defect}")));
    let [streams, blocks, records] = [found.streams, found.blocks, found.records].map(count);
    output.say(&format!(
        "{streams} streams, {blocks} blocks and {records} records read"
    ));
    match found.defects.first() {
        None => {
            output.say("no defects");
            Ok(())
        }
        Some(first) => Err(Error::new(
            Code::StoreDamaged,
            format!("{} defects, the first: {first}", found.defects.len()),
        )),
    }
}

/// Flags of `backup`.
#[derive(Args)]
pub(super) struct BackupArgs {
    /// The file to write; it must not be there yet
    file: PathBuf,
    #[command(flatten)]
    store: StoreArgs,
}

pub(super) async fn backup(args: BackupArgs, output: &Output) -> Result<()> {
    let store = args.store.open_present(&host::clock()).await?;
    let outcome = write_backup(store.clone(), &args.file).await;
    host::close(store, output).await;
    let bytes = outcome?;
    output.say(&format!(
        "{} bytes written to `{}`",
        count(bytes),
        args.file.display()
    ));
    Ok(())
}

async fn write_backup(store: std::sync::Arc<SledStore>, path: &Path) -> Result<u64> {
    let path = path.to_owned();
    let write = move || -> Result<u64> {
        let wrong = |error: std::io::Error| {
            Error::new(
                Code::Usage,
                format!("writing the backup `{}`: {error}", path.display()),
            )
        };
        let mut file = File::create_new(&path).map_err(wrong)?;
        store.backup(&mut file)?;
        file.sync_all().map_err(wrong)?;
        Ok(file.metadata().map_err(wrong)?.len())
    };
    tokio::task::spawn_blocking(write)
        .await
        .map_err(|error| Error::new(Code::Internal, format!("the backup broke off: {error}")))?
}

/// Flags of `restore`.
#[derive(Args)]
pub(super) struct RestoreArgs {
    /// The backup
    file: PathBuf,
    /// Folder for the restored store; it must be empty or not there
    #[arg(
        long,
        env = "TIDEGATE_STORE",
        default_value = ".tidegate/store",
        value_name = "DIR"
    )]
    store: PathBuf,
}

pub(super) async fn restore(args: RestoreArgs, output: &Output) -> Result<()> {
    let shown = args.store.display().to_string();
    let read = move || -> Result<()> {
        let file = File::open(&args.file).map_err(|error| {
            Error::new(
                Code::Usage,
                format!("reading the backup `{}`: {error}", args.file.display()),
            )
        })?;
        SledStore::restore(file, &args.store, OpenOptions::default(), host::clock()).map(|_| ())
    };
    tokio::task::spawn_blocking(read)
        .await
        .map_err(|error| Error::new(Code::Internal, format!("the restore broke off: {error}")))??;
    output.say(&format!("restored to `{shown}`; the checkpoints are those of the backup, so the next runs fetch what came after"));
    output.say(
        "cursors of apps from before are refused as `cursor.stale`: they read again from the start",
    );
    Ok(())
}
