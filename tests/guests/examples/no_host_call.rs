//! Ends well without a single host call, as a QuickJS component does whose `run` is async
//! behind a plain export.

use tidegate_sdk::prelude::*;

/// Never saved.
#[derive(Serialize, JsonSchema)]
struct Item {
    id: u64,
}
impl Model for Item {}

fn guest() -> DataSync {
    DataSync::new("no-host-call", "1.0.0", |_: &Run| Ok(())).model::<Item>()
}

tidegate_sdk::export!(guest);
