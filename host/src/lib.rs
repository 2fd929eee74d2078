//! Tidegate runs data syncs that strangers wrote, as WebAssembly components.
//!
//! One record's way through this crate, which is also the reading order:
//!
//! 1. [`deploy`] checks a component, asks it for its manifest and accepts it;
//! 2. [`run`] opens a run for one connection and instantiates the component in a
//! 3. [`sandbox`], which caps the sum of the memory, the CPU and the time of that run;
//! 4. the guest calls an import, and every import passes the one seam of [`capability`];
//! 5. `fetch` goes out by [`egress`], the only door to the network;
//! 6. `batch-save` is scanned and hashed by [`model`], where nothing does I/O,
//! 7. and committed by [`store`], which classifies it as added, updated or unchanged,
//!    and answers only when it is durable;
//! 8. when the guest returns, [`run`] works out the outcome and the deletes and writes
//!    the report in one commit;
//! 9. a reader asks [`store`] for the changes after its cursor.
//!
//! A module imports only from the rows before its own; `tests/tidy` holds it to that:
//! `limits error` < `model clock memory` < `vault` < `store egress` < `capability` <
//! `sandbox` < `deploy` < `run` < `catalog` < `schedule webhook` < `api` < `cli`.

#![deny(unsafe_code, missing_docs)]
#![warn(clippy::unwrap_used, clippy::expect_used)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod api;
pub mod capability;
pub mod catalog;
pub mod cli;
pub mod clock;
pub mod deploy;
pub mod egress;
pub mod error;
pub mod limits;
pub mod memory;
pub mod model;
pub mod retention;
pub mod run;
pub mod sandbox;
pub mod schedule;
pub mod store;
pub mod vault;
pub mod webhook;
