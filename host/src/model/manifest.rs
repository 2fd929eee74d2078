//! The manifest: what `describe` returns, under `wit/manifest.schema.json`.

use super::{Frequency, ModelName, SyncName};
use crate::error::{Code, Error, Result};
use crate::limits;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// What a sync says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// The sync's name, unique in its environment.
    pub name: SyncName,
    /// The author's version, any text.
    pub version: String,
    /// One or two sentences for people.
    #[serde(default)]
    pub description: String,
    /// The models it saves.
    pub models: BTreeMap<ModelName, ManifestModel>,
    /// When to run, in Nango's grammar (`every hour`) or `cron: …`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frequency: Option<String>,
    /// Whether it starts by itself on a new connection.
    #[serde(default = "yes")]
    pub auto_start: bool,
    /// Whether each run fetches everything or only what changed.
    #[serde(default)]
    pub sync_type: SyncType,
    /// Whether the host deletes what a successful full run did not save.
    #[serde(default)]
    pub track_deletes: bool,
    /// JSON Schema of the checkpoint; without one no checkpoint can be saved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<CheckpointSchema>,
    /// JSON Schema of the connection's metadata.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<MetadataSchema>,
    /// Where an app finds the records, as Nango lists them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<Endpoint>,
    /// Scopes that the connection's credentials need.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// Hosts it asks to reach beside the connection's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// The memory cap it asks for, in MiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<u32>,
}

/// One model of a manifest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ManifestModel {
    /// JSON Schema of a record.
    pub schema: Value,
    /// Top-level fields that are left out of the change hash: a record whose other
    /// fields are the same counts as unchanged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<String>,
    /// Whether a record that does not fit the schema is refused. Otherwise it is saved
    /// all the same, and the run's log says so.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub enforce: bool,
}

impl Default for ManifestModel {
    fn default() -> Self {
        ManifestModel {
            schema: Value::default(),
            ignore: Vec::new(),
            enforce: true,
        }
    }
}

/// JSON Schema of a checkpoint.
pub type CheckpointSchema = Value;
/// JSON Schema of a connection's metadata.
pub type MetadataSchema = Value;

/// Whether a sync fetches everything each time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SyncType {
    /// Only what changed since the checkpoint.
    #[default]
    Incremental,
    /// Everything.
    Full,
}

/// A path under which an app reads a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Endpoint {
    /// HTTP method.
    pub method: String,
    /// Path, such as `/contacts`.
    pub path: String,
    /// Heading in listings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

fn yes() -> bool {
    true
}

fn is_yes(flag: &bool) -> bool {
    *flag
}

/// Keys of a manifest, for "did you mean".
const KEYS: &[&str] = &[
    "name",
    "version",
    "description",
    "models",
    "frequency",
    "autoStart",
    "syncType",
    "trackDeletes",
    "checkpoint",
    "metadata",
    "endpoints",
    "scopes",
    "hosts",
    "memory",
];
/// Keys of one model.
const MODEL_KEYS: &[&str] = &["schema", "ignore", "enforce"];
/// Keys of one endpoint.
const ENDPOINT_KEYS: &[&str] = &["method", "path", "group"];

impl Manifest {
    /// Reads what `describe` returned. An unknown key is an error that names the nearest
    /// known one; every error is `component.rejected` and says where.
    pub fn parse(json: &str) -> Result<Self> {
        let rejected = |why: String| {
            Error::new(
                Code::ComponentRejected,
                format!("the manifest that `describe` returned {why}"),
            )
        };
        if json.len() > limits::MANIFEST_BYTES_MAX {
            return Err(rejected(format!(
                "has {} bytes, limit {}",
                json.len(),
                limits::MANIFEST_BYTES_MAX
            )));
        }
        let value: Value = serde_json::from_str(json)
            .map_err(|error| rejected(format!("is not JSON: {error}")))?;
        let root = value
            .as_object()
            .ok_or_else(|| rejected("is not a JSON object".into()))?;
        no_unknown_keys(root, KEYS, "").map_err(&rejected)?;
        for (name, model) in root
            .get("models")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            let model = model
                .as_object()
                .ok_or_else(|| rejected(format!("has a model `{name}` that is not an object")))?;
            no_unknown_keys(model, MODEL_KEYS, &format!("models.{name}.")).map_err(&rejected)?;
        }
        for endpoint in root
            .get("endpoints")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            if let Some(endpoint) = endpoint.as_object() {
                no_unknown_keys(endpoint, ENDPOINT_KEYS, "endpoints[].").map_err(&rejected)?;
            }
        }
        let manifest: Manifest = serde_json::from_value(value)
            .map_err(|error| rejected(format!("does not fit: {error}")))?;
        manifest.check().map_err(rejected)?;
        Ok(manifest)
    }

    fn check(&self) -> Result<(), String> {
        if self.models.is_empty() {
            return Err("names no model; a sync saves at least one".into());
        }
        let schemas = self
            .models
            .iter()
            .map(|(name, model)| (format!("models.{name}.schema"), &model.schema));
        let others = [
            ("checkpoint", &self.checkpoint),
            ("metadata", &self.metadata),
        ];
        let others = others
            .into_iter()
            .filter_map(|(name, schema)| Some((name.to_owned(), schema.as_ref()?)));
        for (place, schema) in schemas.chain(others) {
            jsonschema::validator_for(schema)
                .map_err(|error| format!("has no valid JSON Schema at `{place}`: {error}"))?;
        }
        if self.track_deletes
            && self.sync_type == SyncType::Incremental
            && self.checkpoint.is_some()
        {
            return Err("sets trackDeletes on an incremental sync with a checkpoint, whose runs do not see every record; \
                        use syncType full, or track-deletes-start and -end around a full pass"
                .into());
        }
        if let Some(frequency) = &self.frequency {
            Frequency::parse(frequency)
                .map_err(|error| format!("has a frequency that cannot be read: {error}"))?;
        }
        let floor = limits::RUN_MEMORY_BYTES_MIN / limits::MIB;
        if let Some(memory) = self.memory.filter(|memory| u64::from(*memory) < floor) {
            return Err(format!(
                "asks for {memory} MiB of memory, but a run needs at least {floor}"
            ));
        }
        Ok(())
    }

    /// The model `name`, or `model.unknown` with the nearest known name.
    pub fn model(&self, name: &str) -> Result<(&ModelName, &ManifestModel)> {
        let found = self.models.iter().find(|(known, _)| known.as_str() == name);
        found.ok_or_else(|| {
            let known = self.models.keys().map(ModelName::as_str);
            Error::new(
                Code::ModelUnknown,
                format!(
                    "the manifest has no model `{}`{}",
                    name.escape_debug(),
                    nearest(name, known)
                ),
            )
        })
    }
}

fn no_unknown_keys(
    object: &serde_json::Map<String, Value>,
    known: &[&str],
    at: &str,
) -> Result<(), String> {
    match object.keys().find(|key| !known.contains(&key.as_str())) {
        None => Ok(()),
        Some(key) => Err(format!(
            "has an unknown key `{at}{}`{}",
            key.escape_debug(),
            nearest(key, known.iter().copied())
        )),
    }
}

/// `; did you mean ...` for the known word nearest to `word`, or nothing when all are far.
pub fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> String {
    let best = known
        .map(|each| {
            (
                strsim::damerau_levenshtein(&word.to_lowercase(), &each.to_lowercase()),
                each,
            )
        })
        .min();
    match best {
        Some((distance, each)) if distance <= 1 + each.len() / 3 => {
            format!("; did you mean `{each}`?")
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_reads_and_its_mistakes_are_named() {
        let good =
            r#"{"name":"users","version":"1","models":{"User":{"schema":{"type":"object"}}}}"#;
        assert!(Manifest::parse(good).unwrap().auto_start);
        for (bad, says) in [
            ("nonsense", "is not JSON"),
            ("[]", "is not a JSON object"),
            (
                r#"{"name":"users","version":"1","models":{}}"#,
                "names no model",
            ),
            (
                r#"{"name":"a b","version":"1","models":{"User":{"schema":{}}}}"#,
                "not allowed",
            ),
            (
                r#"{"name":"users","version":"1","model":{}}"#,
                "unknown key `model`; did you mean `models`?",
            ),
            (
                r#"{"name":"users","version":"1","models":{"User":{"schema":{},"ignored":[]}}}"#,
                "did you mean `ignore`?",
            ),
            (
                r#"{"name":"users","version":"1","models":{"User":{"schema":{"type":"objekt"}}}}"#,
                "models.User.schema",
            ),
            (
                r#"{"name":"users","version":"1","models":{"User":{"schema":{}}},"memory":1}"#,
                "at least 2",
            ),
            (
                r#"{"name":"users","version":"1","models":{"User":{"schema":{}}},"frequency":"sometimes"}"#,
                "frequency `sometimes` is not understood",
            ),
            (
                r#"{"name":"users","version":"1","models":{"User":{"schema":{}}},"frequency":"every second"}"#,
                "the shortest is 30 seconds",
            ),
            (
                r#"{"name":"users","version":"1","models":{"User":{"schema":{}}},"frequency":"cron: 0 3 * *"}"#,
                "frequency `cron: 0 3 * *` is not understood",
            ),
            (
                r#"{"name":"u","version":"1","models":{"U":{"schema":{}}},"checkpoint":{},"trackDeletes":true}"#,
                "trackDeletes",
            ),
        ] {
            let error = Manifest::parse(bad).unwrap_err();
            assert_eq!(error.code, Code::ComponentRejected, "{bad}");
            assert!(error.message.contains(says), "{bad}: {}", error.message);
        }
    }

    #[test]
    fn an_unknown_model_names_the_nearest() {
        let manifest =
            Manifest::parse(r#"{"name":"u","version":"1","models":{"Contact":{"schema":{}}}}"#)
                .unwrap();
        let error = manifest.model("contacts").unwrap_err();
        assert!(
            error.code == Code::ModelUnknown && error.message.contains("did you mean `Contact`?"),
            "{error}"
        );
    }
}
