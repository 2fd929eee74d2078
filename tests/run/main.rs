//! Runs through the real sandbox, store and egress: the limits, the walls between runs,
//! and how a run ends. The guest is `tests/guests`, whose behaviour is in the
//! connection's config.

mod components;
mod exchanges;
mod hostile;
mod lifecycle;
mod memory;
mod pooled;
mod seam;
mod source_map;
mod text;
mod waits;

use anyhow::{Context, Result};
use tidegate::deploy::Ready;
use tidegate_tests::host::TestHost;

/// The package of the test guest.
const GUEST: &str = "tidegate-test-guests";

/// A host with the test guest accepted; none, with a line that says so, where it cannot
/// be built.
async fn host_and_guest() -> Result<Option<(TestHost, Ready)>> {
    let Some(component) = tidegate_tests::component(GUEST) else {
        return Ok(None);
    };
    let host = TestHost::in_memory()?;
    let ready = host
        .accept(&component)
        .await
        .context("accepting the test guest")?;
    Ok(Some((host, ready)))
}
