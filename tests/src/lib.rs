//! What the suites share: components built once, the real data where it is, the
//! `tidegate` program as a process that can be killed, a host that serves in this
//! process, an app that takes webhooks and a server that plays scripts. The provider is
//! a crate of its own, `tidegate_provider`.
//!
//! What cannot be had is skipped by a line that says so. With `TIDEGATE_NO_SKIPS` set,
//! as in CI, it is a failure instead.

pub mod app;
pub mod artifacts;
mod cargo;
pub mod host;
pub mod node;
pub mod process;
pub mod server;
pub mod service;
pub mod serving;
pub mod shared;
pub mod typescript;

pub use artifacts::{component, example};
pub use process::Tidegate;
pub use shared::shared_data;

/// Says what is skipped and why.
///
/// # Panics
/// With `TIDEGATE_NO_SKIPS` set.
pub fn skip(what: &str, why: &str) {
    let line = format!("skipped: {what}: {why}");
    assert!(std::env::var_os("TIDEGATE_NO_SKIPS").is_none(), "{line}");
    println!("{line}");
}
