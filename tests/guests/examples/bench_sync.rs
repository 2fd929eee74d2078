//! What `tests/benches/sync` measures: `"work"` in the connection's config is
//!
//! - `calls`: five host calls of different kinds, for the price of a start;
//! - `paginate`: contacts, page by page, as a sync's author writes it;
//! - `by_hand`: the same without the SDK's paging: one pass over each page's bytes, which
//!   is how the native half of the comparison reads them.

#[path = "../../benches/sync/contact.rs"]
mod contact;

use contact::{Contact, PAGE, Page, Person};
use std::collections::BTreeMap;
use tidegate_sdk::prelude::*;

impl Model for Person {}

#[derive(Deserialize)]
struct Config {
    work: String,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Place {
    cursor: String,
}

/// The metadata may be anything.
type Free = BTreeMap<String, Value>;

fn guest() -> DataSync {
    DataSync::new("bench", "1.0.0", run).model::<Person>()
}

fn run(run: &Run<Place, Free>) -> Result<()> {
    match run.config::<Config>()?.work.as_str() {
        "calls" => calls(run),
        "paginate" => paginate(run),
        "by_hand" => by_hand(run),
        other => bail!("unknown work `{other}`"),
    }
}

/// Four calls; reading the config was the first.
fn calls(run: &Run<Place, Free>) -> Result<()> {
    run.progress("started", 0, None);
    let _ = run.checkpoint()?;
    let _ = run.metadata()?;
    info!("started");
    Ok(())
}

fn paginate(run: &Run<Place, Free>) -> Result<()> {
    let paging = Paging::cursor("cursor", "next_cursor").items_at("data");
    let pages = run.get("/contacts").query("limit", PAGE);
    for contacts in pages.paginate::<Contact>(paging) {
        run.save(contacts?.into_iter().map(Person::from))?;
    }
    Ok(())
}

fn by_hand(run: &Run<Place, Free>) -> Result<()> {
    let mut cursor = String::new();
    loop {
        let mut request = run.get("/contacts").query("limit", PAGE);
        if !cursor.is_empty() {
            request = request.query("cursor", &cursor);
        }
        let page: Page = request.send()?.json()?;
        run.save(page.data.into_iter().map(Person::from))?;
        match page.next_cursor {
            Some(next) => cursor = next,
            None => return Ok(()),
        }
    }
}

tidegate_sdk::export!(guest);
