//! The sync that the golden requests of Nango's client name: three contacts, and a
//! checkpoint.

use tidegate_sdk::prelude::*;

/// Ids that requests ask for; one holds a comma.
const IDS: [&str; 3] = ["first", "a", "b,c"];

/// What is saved.
#[derive(Serialize, JsonSchema)]
struct Contact {
    id: &'static str,
}
impl Model for Contact {}

/// Where the next run would go on.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Place {
    page: u64,
}

fn guest() -> DataSync {
    DataSync::new("contacts", "1.0.0", run).model::<Contact>()
}

fn run(run: &Run<Place>) -> Result<()> {
    run.save(IDS.map(|id| Contact { id }))?;
    run.save_checkpoint(&Place { page: 1 })
}

tidegate_sdk::export!(guest);
