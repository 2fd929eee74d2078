//! What an app is told of a run: the messages, before they have a target.
//!
//! - A success sends one message per model that it changed, or per model of the sync
//!   where the environment wants to hear of unchanged ones too.
//! - A failed or cancelled run sends one message for the whole run, where the
//!   environment wants to hear of errors.
//! - Rows that an unsuccessful run saved are there to be read, and no later success may
//!   ever mention them: the next one counts only its own changes, and its
//!   `modifiedAfter` is its own start. Apps written for Nango read only when told
//!   `"success":true`, and would miss those rows for good. So each changed model of such
//!   a run is told with `"success":true` and `"partial":true`: "these changes are there
//!   to be read; the run itself did not end well". What went wrong is in the failure
//!   message, which lists the same changes under `changes`.
//! - An interrupted run is continued, so it sends the partial messages and no failure.

use super::spelling;
use crate::model::{
    DeliveryId, ModelCounts, ModelName, Outcome, RunRow, RunState, WebhookSettings,
};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// How a moment is written: milliseconds, as JavaScript does. Cut, never rounded up, so
/// that nothing which came after it seems to be before.
const MOMENT: &str = "%Y-%m-%dT%H:%M:%S%.3fZ";

/// One message of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// The model that it tells of; several are joined by commas.
    pub model: String,
    fields: Map<String, Value>,
}

impl Message {
    /// The exact bytes to sign and send: compact, with sorted keys.
    pub fn body(&self, id: DeliveryId) -> String {
        let mut fields = self.fields.clone();
        fields.insert("deliveryId".into(), id.to_string().into());
        spelling::object(&fields)
    }
}

/// The messages of a run that ended; none of one that lives. `models` are those of the
/// sync's manifest, `initial` says that no run of the sync succeeded before.
pub fn messages(
    run: &RunRow,
    settings: &WebhookSettings,
    models: &[ModelName],
    initial: bool,
) -> Vec<Message> {
    let RunState::Ended(outcome) = &run.state else {
        return Vec::new();
    };
    let success = *outcome == Outcome::Success;
    let all: BTreeSet<&ModelName> = models.iter().chain(run.counts.keys()).collect();
    let told = all
        .iter()
        .map(|model| (*model, run.counts.get(*model).copied().unwrap_or_default()))
        .filter(|(_, counts)| changed(counts) || (success && settings.on_unchanged));
    let mut messages: Vec<Message> = told
        .map(|(model, counts)| of_model(run, model, &counts, initial, success))
        .collect();
    let failed = matches!(outcome, Outcome::Failed { .. } | Outcome::Cancelled { .. });
    if failed && settings.on_error {
        messages.push(of_failure(run, outcome, &all, initial));
    }
    messages
}

fn changed(counts: &ModelCounts) -> bool {
    counts.added > 0 || counts.updated > 0 || counts.deleted > 0
}

fn of_model(
    run: &RunRow,
    model: &ModelName,
    counts: &ModelCounts,
    initial: bool,
    success: bool,
) -> Message {
    let mut fields = common(run, model.as_str(), initial);
    let started = moment(run.started);
    fields.insert("success".into(), true.into());
    fields.insert("responseResults".into(), results(counts));
    fields.insert("modifiedAfter".into(), started.clone().into());
    fields.insert("queryTimeStamp".into(), started.into());
    if !success {
        fields.insert("partial".into(), true.into());
    }
    Message {
        model: model.to_string(),
        fields,
    }
}

fn of_failure(
    run: &RunRow,
    outcome: &Outcome,
    models: &BTreeSet<&ModelName>,
    initial: bool,
) -> Message {
    let names: Vec<&str> = models.iter().map(|model| model.as_str()).collect();
    let model = names.join(",");
    let mut fields = common(run, &model, initial);
    fields.insert("success".into(), false.into());
    fields.insert("startedAt".into(), moment(run.started).into());
    let ended = run.ended.unwrap_or(run.started);
    fields.insert("failedAt".into(), moment(ended).into());
    if let Some(error) = outcome.error() {
        let error = json!({
            "type": "script_error",
            "description": error.message,
            "payload": { "code": error.code.as_str(), "blame": error.code.blame() },
        });
        fields.insert("error".into(), error);
    }
    let changes: Map<String, Value> = run
        .counts
        .iter()
        .filter(|(_, counts)| changed(counts))
        .map(|(model, counts)| (model.to_string(), results(counts)))
        .collect();
    if !changes.is_empty() {
        fields.insert("changes".into(), changes.into());
    }
    Message { model, fields }
}

/// What every message has.
fn common(run: &RunRow, model: &str, initial: bool) -> Map<String, Value> {
    let connection = run.connection();
    let run_id = run.id.to_string();
    let sync_type = if initial { "INITIAL" } else { "INCREMENTAL" };
    let texts = [
        ("from", "nango"),
        ("type", "sync"),
        ("connectionId", connection.connection.as_str()),
        ("providerConfigKey", connection.integration.as_str()),
        ("syncName", run.key.sync.as_str()),
        ("syncVariant", run.key.variant.as_str()),
        ("model", model),
        ("syncType", sync_type),
        ("runId", &run_id),
    ];
    let mut fields: Map<String, Value> = texts
        .into_iter()
        .map(|(name, text)| (name.to_owned(), text.into()))
        .collect();
    let (from, to) = (&run.checkpoint_before, &run.checkpoint_after);
    if from.is_some() || to.is_some() {
        let checkpoints = json!({ "from": checkpoint(from), "to": checkpoint(to) });
        fields.insert("checkpoints".into(), checkpoints);
    }
    fields
}

fn checkpoint(json: &Option<String>) -> Value {
    let text = json.as_deref().unwrap_or("null");
    // What the store holds was checked when it was saved; null says "none" otherwise.
    serde_json::from_str(text).unwrap_or_default()
}

fn results(counts: &ModelCounts) -> Value {
    json!({ "added": counts.added, "updated": counts.updated, "deleted": counts.deleted })
}

fn moment(at: Timestamp) -> String {
    at.strftime(MOMENT).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Code, Error};
    use crate::model::{ConnectionKey, Digest, RunId, SyncKey, SyncName, Trigger, Usage, Variant};

    /// A run that ended so, with (added, updated, deleted) of each model.
    fn run(outcome: Outcome, counts: &[(&str, [u64; 3])]) -> RunRow {
        let counts = counts.iter().map(|(model, [added, updated, deleted])| {
            let counts = ModelCounts {
                added: *added,
                updated: *updated,
                deleted: *deleted,
                unchanged: 9,
            };
            (ModelName::new(model).unwrap(), counts)
        });
        RunRow {
            id: RunId::new(1, 1),
            key: SyncKey {
                connection: ConnectionKey::new("prod", "github", "acme").unwrap(),
                sync: SyncName::new("issues").unwrap(),
                variant: Variant::base(),
            },
            digest: Digest::of(b"component"),
            version: "1".into(),
            trigger: Trigger::Schedule,
            attempt: 1,
            started: "2026-01-31T12:00:00.123987Z".parse().unwrap(),
            ended: Some("2026-01-31T12:00:05Z".parse().unwrap()),
            state: RunState::Ended(outcome),
            counts: counts.collect(),
            usage: Usage::default(),
            checkpoint_before: None,
            checkpoint_after: Some(r#"{"page": 2, "at": "x"}"#.into()),
            blocked_deletes: Vec::new(),
            warnings: Vec::new(),
            post_mortem: None,
        }
    }

    fn id() -> DeliveryId {
        let run = RunId::new(1, 1);
        DeliveryId { run, number: 1 }
    }

    fn failed() -> Outcome {
        let error = Error::new(Code::LimitMemory, "too much");
        Outcome::Failed { error }
    }

    #[test]
    fn the_bytes_of_a_success() {
        let run = run(Outcome::Success, &[("Issue", [3, 2, 1])]);
        let messages = messages(&run, &WebhookSettings::default(), &[], true);
        assert_eq!(messages.len(), 1);
        assert_eq!(
            messages[0].body(id()),
            concat!(
                r#"{"checkpoints":{"from":null,"to":{"at":"x","page":2}},"connectionId":"acme","#,
                r#""deliveryId":"00000000010000000000000001-1","from":"nango","model":"Issue","#,
                r#""modifiedAfter":"2026-01-31T12:00:00.123Z","providerConfigKey":"github","#,
                r#""queryTimeStamp":"2026-01-31T12:00:00.123Z","#,
                r#""responseResults":{"added":3,"deleted":1,"updated":2},"#,
                r#""runId":"00000000010000000000000001","success":true,"#,
                r#""syncName":"issues","syncType":"INITIAL","syncVariant":"base","type":"sync"}"#,
            )
        );
    }

    #[test]
    fn the_bytes_of_a_failure() {
        let mut run = run(failed(), &[("Issue", [1, 0, 0]), ("Label", [0, 0, 0])]);
        run.checkpoint_after = None;
        let messages = messages(
            &run,
            &WebhookSettings {
                on_error: true,
                ..WebhookSettings::default()
            },
            &[],
            false,
        );
        assert_eq!(
            messages[1].body(id()),
            concat!(
                r#"{"changes":{"Issue":{"added":1,"deleted":0,"updated":0}},"connectionId":"acme","#,
                r#""deliveryId":"00000000010000000000000001-1","#,
                r#""error":{"description":"too much","payload":{"blame":"guest","code":"limit.memory"},"type":"script_error"},"#,
                r#""failedAt":"2026-01-31T12:00:05.000Z","from":"nango","model":"Issue,Label","#,
                r#""providerConfigKey":"github","runId":"00000000010000000000000001","#,
                r#""startedAt":"2026-01-31T12:00:00.123Z","success":false,"syncName":"issues","#,
                r#""syncType":"INCREMENTAL","syncVariant":"base","type":"sync"}"#,
            )
        );
    }

    #[test]
    fn who_is_told_what() {
        let interrupted = Outcome::Interrupted {
            error: Error::new(Code::RunInterrupted, "x"),
        };
        let cancelled = Outcome::Cancelled {
            error: Error::new(Code::RunCancelled, "x"),
        };
        let (on, off) = (true, false);
        let none: &[(&str, [u64; 3])] = &[("Issue", [0; 3])];
        let some: &[(&str, [u64; 3])] = &[("Issue", [0, 0, 1]), ("Label", [0; 3])];
        // Words: the model, then `+` for success, `~` for partial, `-` for failure.
        for (outcome, counts, on_unchanged, on_error, expected) in [
            (Outcome::Success, none, off, on, ""),
            (Outcome::Success, none, on, on, "Issue+ Label+ User+"),
            (Outcome::Success, some, off, on, "Issue+"),
            (Outcome::Success, some, on, on, "Issue+ Label+ User+"),
            (failed(), none, on, on, "Issue,Label,User-"),
            (failed(), none, on, off, ""),
            (failed(), some, off, on, "Issue~ Issue,Label,User-"),
            (failed(), some, off, off, "Issue~"),
            (cancelled.clone(), some, on, on, "Issue~ Issue,Label,User-"),
            (interrupted.clone(), some, on, on, "Issue~"),
            (interrupted.clone(), none, on, on, ""),
        ] {
            let run = run(outcome, counts);
            let settings = WebhookSettings {
                on_unchanged,
                on_error,
                ..WebhookSettings::default()
            };
            let models: Vec<ModelName> = ["User", "Issue", "Label"]
                .map(|name| ModelName::new(name).unwrap())
                .into();
            let words: Vec<String> = messages(&run, &settings, &models, false)
                .iter()
                .map(|message| {
                    let fields = &message.fields;
                    let sign = match (&fields["success"], fields.get("partial")) {
                        (Value::Bool(false), _) => "-",
                        (_, Some(_)) => "~",
                        _ => "+",
                    };
                    format!("{}{sign}", message.model)
                })
                .collect();
            assert_eq!(words.join(" "), expected, "{:?} {counts:?}", run.state);
        }
    }
}
