//! Checkpoint: fetch what changed since the last page that was saved. For large sets of
//! a provider that can filter and sort by the date of change.

use tidegate_sdk::prelude::*;

/// A person in the address book.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Contact {
    id: String,
    name: String,
    email: String,
    company: String,
    active: bool,
    updated_at: Timestamp,
}
impl Model for Contact {}

/// Everything that changed before this is saved.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Since {
    updated_at: Timestamp,
}

fn contacts() -> DataSync {
    DataSync::new("contacts", "1.0.0", run)
        .description("The address book, as it changes.")
        .model::<Contact>()
        .every("hour")
}

fn run(run: &Run<Since>) -> Result<()> {
    // `None` on the first run, which fetches everything.
    let since = run.checkpoint()?.map(|checkpoint| checkpoint.updated_at);
    // The provider sorts by date of change, oldest first, and `since` is inclusive: of
    // contacts with the same date, those saved before come again as unchanged, and none is
    // left out.
    let contacts = run
        .get("/contacts")
        .query("limit", 500)
        .query_if("since", since);
    let paging = Paging::cursor("cursor", "next_cursor").items_at("data");
    for page in contacts.paginate::<Contact>(paging) {
        let contacts = page?;
        let saved = run.save(&contacts)?;
        // After the save, never before it: whatever happens next, a run goes on from here.
        if let Some(last) = contacts.last() {
            run.save_checkpoint(&Since {
                updated_at: last.updated_at,
            })?;
            info!("saved up to {}: {saved}", last.updated_at);
        }
    }
    Ok(())
}

tidegate_sdk::export!(contacts);

#[cfg(test)]
mod tests;
