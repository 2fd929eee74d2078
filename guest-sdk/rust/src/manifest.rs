//! What a sync says of itself: the manifest that `describe` returns, under
//! `wit/manifest.schema.json`, its schemas taken from the Rust types.

use crate::records::Model;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde::Serialize;
use std::any::TypeId;
use std::collections::BTreeMap;

/// The manifest as it is written to JSON.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Manifest {
    pub name: String,
    pub version: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    pub models: BTreeMap<String, ModelEntry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frequency: Option<String>,
    pub auto_start: bool,
    pub sync_type: SyncType,
    pub track_deletes: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<Schema>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Schema>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<Endpoint>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<u32>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct ModelEntry {
    pub schema: Schema,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub ignore: &'static [&'static str],
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SyncType {
    Incremental,
    Full,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Endpoint {
    pub method: String,
    pub path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

impl Manifest {
    pub fn new<C: JsonSchema + 'static, M: JsonSchema + 'static>(
        name: &str,
        version: &str,
    ) -> Self {
        Manifest {
            name: name.into(),
            version: version.into(),
            description: String::new(),
            models: BTreeMap::new(),
            frequency: None,
            auto_start: true,
            sync_type: SyncType::Incremental,
            track_deletes: false,
            checkpoint: schema_read::<C>(),
            metadata: schema_read::<M>(),
            endpoints: Vec::new(),
            scopes: Vec::new(),
            hosts: Vec::new(),
            memory: None,
        }
    }

    pub fn add_model<T: Model>(&mut self) {
        // The schema of what is written: a field that is always there is required.
        let settings = SchemaSettings::draft2020_12().for_serialize();
        let schema = settings.into_generator().into_root_schema_for::<T>();
        self.models.insert(
            T::name().into_owned(),
            ModelEntry {
                schema,
                ignore: T::IGNORE,
            },
        );
    }
}

/// Whether `T` is `()`, which stands for "this sync has none".
pub(crate) fn is_unit<T: 'static>() -> bool {
    TypeId::of::<T>() == TypeId::of::<()>()
}

/// The schema of what is read: a field with a default may be absent.
fn schema_read<T: JsonSchema + 'static>() -> Option<Schema> {
    (!is_unit::<T>()).then(|| {
        SchemaSettings::draft2020_12()
            .into_generator()
            .into_root_schema_for::<T>()
    })
}
