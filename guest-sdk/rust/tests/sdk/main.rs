//! The SDK through its own test host: what an author relies on.

mod fetch;
mod manifest;
mod paginate;
mod records;
mod state;
mod window;

use tidegate_sdk::prelude::*;
use tidegate_sdk::testing::TestHost;

/// Runs `work` as a sync on `host`, and fails the test if it fails.
fn on(mut host: TestHost, work: impl Fn(&Run) -> Result<()> + 'static) -> TestHost {
    host.run(&DataSync::new("test", "1", work)).unwrap();
    host
}
