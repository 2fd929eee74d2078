//! Write a Tidegate sync in Rust: typed models and one
//! function.
//!
//! ```
//! use tidegate_sdk::prelude::*;
//!
//! /// A member of the workspace.
//! #[derive(Serialize, Deserialize, JsonSchema)]
//! struct User {
//!     id: String,
//!     name: String,
//!     real_name: Option<String>,
//! }
//! impl Model for User {}
//!
//! fn users() -> DataSync {
//!     DataSync::new("users", "1.0.0", run).model::<User>().every("hour").full_refresh().track_deletes()
//! }
//!
//! fn run(run: &Run) -> Result<()> {
//!     let paging = Paging::cursor("cursor", "response_metadata.next_cursor").items_at("members");
//!     for users in run.get("/users").query("limit", 200).paginate::<User>(paging) {
//!         run.save(users?)?;
//!     }
//!     Ok(())
//! }
//!
//! tidegate_sdk::export!(users);
//! # fn main() {
//! # use tidegate_sdk::testing::{Reply, TestHost};
//! # let mut host = TestHost::new().reply("/users?limit=200", Reply::json(json!({
//! #     "members": [{"id": "U1", "name": "Ada", "real_name": null}], "response_metadata": {"next_cursor": ""}
//! # })));
//! # host.run(&users()).unwrap();
//! # assert_eq!(host.records::<User>()[0].name, "Ada");
//! # }
//! ```
//!
//! Build it with `cargo build --target wasm32-wasip2` as a `cdylib` that depends on this
//! crate, `serde` (with `derive`) and `schemars`. There is a file here for each interface
//! of the contract; everything hangs on [`Run`], which the function is given:
//!
//! | to | use |
//! |---|---|
//! | say what the sync is | [`DataSync`] |
//! | fetch | [`Run::get`], [`Run::post`], [`Request`](fetch::Request) |
//! | go through pages | [`Request::paginate`](fetch::Request::paginate), [`Paging`](paginate::Paging) |
//! | save, update, delete, read records | [`Run::save`], [`Run::update`], [`Run::delete`], [`Run::find`], [`Run::list`] |
//! | delete what is gone | [`DataSync::track_deletes`], [`Run::delete_pass`] |
//! | go on where the last run ended | [`Run::checkpoint`], [`Run::save_checkpoint`] |
//! | read the connection's settings | [`Run::metadata`], [`Run::config`] |
//! | go through years | [`Run::backfill`], [`Windows`](window::Windows) |
//! | log | [`info!`], [`warn!`](crate::warn!), … |
//! | test without a host | [`testing`] |
//!
//! Everything fails with [`Error`], and `?` makes one of every other error. A function
//! that returns one ends its run as failed; what was saved stays saved.

#![deny(unsafe_code, missing_docs)]
#![warn(clippy::unwrap_used, clippy::expect_used)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod checkpoint;
mod decode;
pub mod error;
pub mod fetch;
pub mod log;
mod manifest;
mod metadata;
mod pages;
pub mod paginate;
pub mod records;
mod run;
mod sync;
mod sys;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
pub mod window;

pub use error::{Code, Error, Result};
pub use jiff::civil::date;
pub use run::{Memory, Run};
pub use sync::{DataSync, State};

/// What a sync needs, for `use tidegate_sdk::prelude::*`.
pub mod prelude {
    pub use crate::error::{Code, Context, Error, Result};
    pub use crate::fetch::Request;
    pub use crate::paginate::Paging;
    pub use crate::records::{MergingStrategy, Model};
    pub use crate::window::Every;
    pub use crate::{DataSync, Run, bail, debug, ensure, err, error, info, warn};
    pub use jiff::civil::{Date, date};
    pub use jiff::{Timestamp, ToSpan};
    pub use schemars::JsonSchema;
    pub use serde::{Deserialize, Serialize};
    pub use serde_json::{Value, json};
    pub use std::time::Duration;
}

/// The generated bindings, for what this crate does not wrap.
#[cfg(target_arch = "wasm32")]
#[allow(missing_docs, unsafe_code, clippy::all)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "wit",
        world: "sync-guest-blocking",
        pub_export_macro: true,
        export_macro_name: "__export_component",
    });
}

#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub use bindings::__export_component;
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub use sync::{__describe, __run};

#[doc(hidden)]
pub mod __private {
    pub use serde_json::Map;
}
