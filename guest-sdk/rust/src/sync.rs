//! A sync: its manifest and its function in one value, and `export!`, which makes a
//! component of it.

use crate::error::Result;
use crate::manifest::{Endpoint, Manifest, SyncType};
use crate::records::Model;
use crate::run::Run;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What a checkpoint or the metadata can be: any type of the author's own that reads
/// and writes JSON and knows its schema. `()` stands for none.
pub trait State: Serialize + DeserializeOwned + JsonSchema + 'static {}

impl<T: Serialize + DeserializeOwned + JsonSchema + 'static> State for T {}

/// A sync: what it is called, what it saves, when it runs, and the function that runs.
///
/// The types of its checkpoint and metadata are read off that function.
///
/// ```
/// use tidegate_sdk::prelude::*;
///
/// /// A person in the address book.
/// #[derive(Serialize, Deserialize, JsonSchema)]
/// struct Contact {
///     id: String,
///     name: String,
/// }
/// impl Model for Contact {}
///
/// /// Where the next run goes on.
/// #[derive(Serialize, Deserialize, JsonSchema)]
/// struct Since {
///     updated_at: Timestamp,
/// }
///
/// fn contacts() -> DataSync {
///     DataSync::new("contacts", "1.0.0", run)
///         .description("The address book, as it changes.")
///         .model::<Contact>()
///         .every("hour")
/// }
///
/// fn run(run: &Run<Since>) -> Result<()> {
///     let since = run.checkpoint()?;
///     // ...
///     # let _ = since;
///     Ok(())
/// }
///
/// tidegate_sdk::export!(contacts);
/// # fn main() {
/// let manifest = contacts().manifest();
/// assert_eq!(manifest["frequency"], "every hour");
/// assert_eq!(manifest["checkpoint"]["required"][0], "updated_at");
/// # }
/// ```
#[must_use = "hand it to `export!`"]
pub struct DataSync {
    manifest: Manifest,
    run: Box<dyn Fn() -> Result<()>>,
}

impl DataSync {
    /// A sync called `name` (letters, digits, `_` and `-`) that runs `run`. `version` is
    /// any text of yours; it is shown beside each run.
    pub fn new<C: State, M: State>(
        name: &str,
        version: &str,
        run: impl Fn(&Run<C, M>) -> Result<()> + 'static,
    ) -> Self {
        DataSync {
            manifest: Manifest::new::<C, M>(name, version),
            run: Box::new(move || run(&Run::new())),
        }
    }

    /// What it does, in a sentence or two for people.
    pub fn description(mut self, text: &str) -> Self {
        self.manifest.description = text.into();
        self
    }

    /// It saves records of `T`. Once for each model.
    pub fn model<T: Model>(mut self) -> Self {
        self.manifest.add_model::<T>();
        self
    }

    /// How often it runs: `"hour"`, `"30 minutes"`, `"day"`.
    pub fn every(mut self, interval: &str) -> Self {
        self.manifest.frequency = Some(format!("every {interval}"));
        self
    }

    /// When it runs, as a cron expression in UTC: `"0 6 * * 1"`.
    pub fn cron(mut self, expression: &str) -> Self {
        self.manifest.frequency = Some(format!("cron: {expression}"));
        self
    }

    /// It does not start by itself on a new connection.
    pub fn manual_start(mut self) -> Self {
        self.manifest.auto_start = false;
        self
    }

    /// Each run fetches everything. Without this, a run fetches what changed.
    pub fn full_refresh(mut self) -> Self {
        self.manifest.sync_type = SyncType::Full;
        self
    }

    /// The host deletes what a successful run did not save. For full refreshes.
    pub fn track_deletes(mut self) -> Self {
        self.manifest.track_deletes = true;
        self
    }

    /// Names the path under which apps read the records.
    pub fn endpoint(mut self, method: &str, path: &str) -> Self {
        self.manifest.endpoints.push(Endpoint {
            method: method.into(),
            path: path.into(),
            group: None,
        });
        self
    }

    /// A scope that the connection's credentials need.
    pub fn scope(mut self, scope: &str) -> Self {
        self.manifest.scopes.push(scope.into());
        self
    }

    /// A host that it asks to reach beside the connection's own.
    pub fn host(mut self, host: &str) -> Self {
        self.manifest.hosts.push(host.into());
        self
    }

    /// The memory cap that it asks for, in MiB; at least 2.
    pub fn memory_mib(mut self, mebibytes: u32) -> Self {
        self.manifest.memory = Some(mebibytes);
        self
    }

    /// The manifest, as `describe` returns it.
    pub fn manifest(&self) -> serde_json::Value {
        // A manifest is plain data with text keys: it always serialises.
        serde_json::to_value(&self.manifest).unwrap_or_default()
    }

    /// Runs it once, on whatever host there is: the one that instantiated the component,
    /// or [`testing`](crate::testing).
    pub(crate) fn execute(&self) -> Result<()> {
        (self.run)()
    }
}

/// Makes the component of a function that returns a [`DataSync`]. One for each crate of
/// type `cdylib`; does nothing when built for another target than `wasm32`.
#[macro_export]
macro_rules! export {
    ($sync:path) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            struct Component;

            impl $crate::bindings::Guest for Component {
                fn describe() -> ::std::string::String {
                    $crate::__describe($sync())
                }

                fn run() -> ::std::result::Result<(), $crate::bindings::tidegate::sync::types::Error> {
                    $crate::__run($sync())
                }
            }

            $crate::__export_component!(Component with_types_in $crate::bindings);
        };
        // Keeps the function from being reported as unused where there is no component.
        #[cfg(not(target_arch = "wasm32"))]
        const _: fn() -> $crate::DataSync = $sync;
    };
}

#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub fn __describe(sync: DataSync) -> String {
    sync.manifest().to_string()
}

#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub fn __run(
    sync: DataSync,
) -> std::result::Result<(), crate::bindings::tidegate::sync::types::Error> {
    sync.execute().map_err(crate::sys::to_host)
}
