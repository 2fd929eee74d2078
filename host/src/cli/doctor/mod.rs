//! `tidegate doctor`: looks at a machine, and at the host on it, and says what is well,
//! what is doubtful, what is broken, and what to do about it.
//!
//! It changes nothing: no file is made or written, no store is opened. What it looks at is
//! what `serve` would use with the same flags, variables and file.

mod files;
mod machine;
mod service;

use super::output::{Output, clean};
use super::serve::{self, ServeArgs};
use super::settings::{Origin, Settings};
use crate::error::{Code, Error, Result};
use clap::Args;
use serde::Serialize;

/// Flags of `doctor`.
#[derive(Args)]
pub(super) struct DoctorArgs {
    #[command(flatten)]
    serve: ServeArgs,
}

/// How something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Ok,
    Warning,
    Failed,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    state: State,
    found: String,
    /// What to do, where it is not ok.
    advice: Option<String>,
    /// What a host would fail with.
    code: Option<Code>,
}

impl Check {
    fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Check {
            name,
            state: State::Ok,
            found: found.into(),
            advice: None,
            code: None,
        }
    }

    fn warning(name: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Check {
            state: State::Warning,
            advice: Some(advice.into()),
            ..Check::ok(name, found)
        }
    }

    fn failed(name: &'static str, error: Error, advice: impl Into<String>) -> Self {
        Check {
            state: State::Failed,
            advice: Some(advice.into()),
            code: Some(error.code),
            ..Check::ok(name, error.message)
        }
    }
}

/// Looks at everything. The error has the code of the first thing that failed.
pub(super) fn doctor(args: &DoctorArgs, output: &Output) -> Result<()> {
    let mut checks = Vec::new();
    match args.serve.settings() {
        Err(error) => {
            let advice = "mend the settings file; nothing that they name was looked at";
            checks.push(Check::failed("settings", error, advice));
            checks.extend(machine::look(None));
        }
        Ok(settings) => {
            checks.push(settings_of(&settings));
            let found = files::look(&settings);
            let holder = found.holder.as_deref();
            checks.extend(found.checks);
            let (host, environments) = service::look(&settings, holder);
            checks.extend(host);
            checks.extend(machine::look(holder));
            checks.push(machine::memory(&settings, environments, holder));
        }
    }
    show(&checks, output);
    verdict(&checks)
}

/// Whether each value can be used, and where those come from that somebody set.
fn settings_of(settings: &Settings) -> Check {
    let name = "settings";
    if let Err(error) = serve::check(settings) {
        let advice = "`tidegate config show --origin` shows where each value comes from";
        return Check::failed(name, error, advice);
    }
    let set = settings
        .rows()
        .filter(|(_, _, origin)| **origin != Origin::Default);
    let set: Vec<String> = set
        .map(|(setting, _, origin)| format!("{} from {origin}", setting.key))
        .collect();
    let found = match set.is_empty() {
        true => "all are the defaults".to_owned(),
        false => format!("{}; the others are the defaults", set.join(", ")),
    };
    match settings.warnings.is_empty() {
        true => Check::ok(name, found),
        false => Check::warning(
            name,
            format!("{found}; {}", settings.warnings.join("; ")),
            "take such variables away, or mend their names",
        ),
    }
}

fn show(checks: &[Check], output: &Output) {
    if output.is_json() {
        return output.json(&serde_json::json!({ "checks": checks }));
    }
    for check in checks {
        let state = match check.state {
            State::Ok => "ok",
            State::Warning => "warning",
            State::Failed => "failed",
        };
        let found = clean(&check.found);
        output.data(&format!("{state:9}{:16}{found}", check.name));
        if let Some(advice) = &check.advice {
            output.data(&format!("{:25}→ {}", "", clean(advice)));
        }
    }
}

fn verdict(checks: &[Check]) -> Result<()> {
    let failed: Vec<&Check> = checks
        .iter()
        .filter(|check| check.state == State::Failed)
        .collect();
    let Some(first) = failed.first() else {
        return Ok(());
    };
    let names: Vec<&str> = failed.iter().map(|check| check.name).collect();
    Err(Error::new(
        first.code.unwrap_or(Code::ConfigInvalid),
        format!(
            "{} of {} checks failed: {}",
            failed.len(),
            checks.len(),
            names.join(", ")
        ),
    ))
}
