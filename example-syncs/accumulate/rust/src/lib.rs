//! The anti-pattern: every page is held in memory before the first save. It works in
//! every test, and fails at the first large customer. The checkpoint example is the cure.

use tidegate_sdk::prelude::*;

/// A person in the address book.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Contact {
    id: String,
    name: String,
    email: String,
    company: String,
    note: String,
    updated_at: Timestamp,
}
impl Model for Contact {}

fn contacts() -> DataSync {
    DataSync::new("accumulated-contacts", "1.0.0", run)
        .description("How not to do it: memory grows with the number of contacts.")
        .model::<Contact>()
        .every("day")
        .full_refresh()
}

fn run(run: &Run) -> Result<()> {
    let paging = Paging::cursor("cursor", "next_cursor").items_at("data");
    let mut all = Vec::new();
    for contacts in run
        .get("/contacts")
        .query("limit", 500)
        .paginate::<Contact>(paging)
    {
        all.extend(contacts?); // nothing is ever let go
        info!("collected {} contacts", all.len());
    }
    run.save(all)?; // and until here nothing is safe
    Ok(())
}

tidegate_sdk::export!(contacts);
