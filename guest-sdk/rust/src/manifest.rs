//! What a sync says of itself: the manifest that `describe` returns, under
//! `wit/manifest.schema.json`, its schemas taken from the Rust types.

use crate::records::Model;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde::{Serialize, Serializer};
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
    pub checkpoint: Option<LazySchema>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<LazySchema>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<Endpoint>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<u32>,
}

/// A type's schema, made when it is written: a run builds its manifest too, and making
/// schemas would be most of the work of a short one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LazySchema(fn() -> Schema);

impl Serialize for LazySchema {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.0)().serialize(serializer)
    }
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct ModelEntry {
    pub schema: LazySchema,
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
            checkpoint: state::<C>(),
            metadata: state::<M>(),
            endpoints: Vec::new(),
            scopes: Vec::new(),
            hosts: Vec::new(),
            memory: None,
        }
    }

    pub fn add_model<T: Model>(&mut self) {
        self.models.insert(
            T::name().into_owned(),
            ModelEntry {
                schema: LazySchema(schema_written::<T>),
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
fn schema_read<T: JsonSchema>() -> Schema {
    SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<T>()
}

/// The schema of what is written: a field that is always there is required.
fn schema_written<T: JsonSchema>() -> Schema {
    SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<T>()
}

/// The schema of a checkpoint or metadata, if the sync has one.
fn state<T: JsonSchema + 'static>() -> Option<LazySchema> {
    (!is_unit::<T>()).then_some(LazySchema(schema_read::<T>))
}
