//! Backfill limit: look only some months back on the first run, and save only what is
//! wanted. For histories of which the app needs the end.

use tidegate_sdk::prelude::*;

/// A person in the address book who is still there.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Contact {
    id: String,
    name: String,
    email: String,
    updated_at: Timestamp,
    active: bool,
}
impl Model for Contact {}

/// What the app may set for each connection.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Settings {
    /// How far back the first run looks.
    #[serde(default = "three")]
    months: u32,
}

fn three() -> u32 {
    3
}

/// Everything that changed before this is saved.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Since {
    updated_at: Timestamp,
}

fn contacts() -> DataSync {
    DataSync::new("recent-contacts", "1.0.0", run)
        .description("Active contacts that changed in the last months.")
        .model::<Contact>()
        .every("hour")
}

fn run(run: &Run<Since, Settings>) -> Result<()> {
    let since = match run.checkpoint()? {
        Some(checkpoint) => checkpoint.updated_at,
        None => run.months_ago(run.metadata()?.months),
    };
    // What the provider can filter, it filters: a record that never travels costs nothing.
    let contacts = run
        .get("/contacts")
        .query("limit", 500)
        .query("since", since);
    let paging = Paging::cursor("cursor", "next_cursor").items_at("data");
    for page in contacts.paginate::<Contact>(paging) {
        let page = page?;
        // What it cannot filter is left out here, before it is saved. One that is no longer
        // active may have been saved earlier, so it goes.
        let (active, gone): (Vec<_>, Vec<_>) = page.iter().partition(|contact| contact.active);
        info!("saved a page: {}", run.save(active)?);
        run.delete::<Contact>(gone.iter().map(|contact| &contact.id))?;
        if let Some(last) = page.last() {
            run.save_checkpoint(&Since {
                updated_at: last.updated_at,
            })?;
        }
    }
    Ok(())
}

tidegate_sdk::export!(contacts);

#[cfg(test)]
mod tests;
