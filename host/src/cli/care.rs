//! `tidegate verify`, `backup` and `restore`: care for the store.

use super::host::{self, StoreArgs};
use super::output::{Output, count};
use crate::error::{Code, Error, Result};
use crate::store::Store;
use clap::Args;

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
    found.defects.iter().for_each(|defect| output.say(&format!("defect: {defect}")));
    let [streams, blocks, records] = [found.streams, found.blocks, found.records].map(count);
    output.say(&format!("{streams} streams, {blocks} blocks and {records} records read"));
    match found.defects.first() {
        None => {
            output.say("no defects");
            Ok(())
        }
        Some(first) => Err(Error::new(Code::StoreDamaged, format!("{} defects, the first: {first}", found.defects.len()))),
    }
}
