//! Full refresh: fetch everything each time. For small lists, and for providers that
//! cannot say what changed.

use tidegate_sdk::prelude::*;

/// A member of the workspace.
#[derive(Serialize, Deserialize, JsonSchema)]
struct User {
    id: String,
    name: String,
    real_name: Option<String>,
}
impl Model for User {}

fn users() -> DataSync {
    DataSync::new("users", "1.0.0", run)
        .description("All members of the workspace, fetched whole each hour.")
        .model::<User>()
        .every("hour")
        .full_refresh()
        .track_deletes() // what a run does not save has been removed at the provider
}

fn run(run: &Run) -> Result<()> {
    let paging = Paging::cursor("cursor", "response_metadata.next_cursor").items_at("members");
    for users in run
        .get("/users")
        .query("limit", 200)
        .paginate::<User>(paging)
    {
        let saved = run.save(users?)?; // one page in memory, whatever their number
        info!("saved a page: {saved}");
    }
    Ok(())
}

tidegate_sdk::export!(users);

#[cfg(test)]
mod tests;
