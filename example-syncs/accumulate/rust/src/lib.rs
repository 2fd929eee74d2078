//! The anti-pattern: every page is held in memory before the first save. It passes every
//! test and fails at the first large customer. `checkpoint`, beside it, is the cure.

use tidegate_sdk::prelude::*;

/// A person in the address book.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Contact {
    id: String,
    name: String,
    email: String,
    updated_at: Timestamp,
}
impl Model for Contact {}

/// Everything that changed before this is saved.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Since {
    updated_at: Timestamp,
}

fn contacts() -> DataSync {
    DataSync::new("accumulated-contacts", "1.0.0", run)
        .description("How not to do it: memory grows with the number of contacts.")
        .model::<Contact>()
        .every("hour")
}

fn run(run: &Run<Since>) -> Result<()> {
    let since = run.checkpoint()?.map(|checkpoint| checkpoint.updated_at);
    let contacts = run
        .get("/contacts")
        .query("limit", 500)
        .query_if("since", since);
    let paging = Paging::cursor("cursor", "next_cursor").items_at("data");

    let mut responses = Vec::new();
    for page in contacts.paginate::<Value>(paging) {
        responses.extend(page?); // every field of every record, and none is let go
        info!("collected {} contacts", responses.len());
    }

    // Until here nothing is safe: a run that ends sooner has fetched all that for nothing.
    let contacts: Vec<Contact> = responses
        .iter()
        .map(Contact::deserialize)
        .collect::<Result<_, _>>()?;
    run.save(&contacts)?;
    if let Some(last) = contacts.last() {
        run.save_checkpoint(&Since {
            updated_at: last.updated_at,
        })?;
    }
    Ok(())
}

tidegate_sdk::export!(contacts);

#[cfg(test)]
mod tests;
