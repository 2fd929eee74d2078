//! The `tidegate` program as a stranger meets it: a process with arguments, an exit
//! code, data on stdout and words on stderr.

mod commands;
mod doctor;
mod examples;
mod fixtures;
mod handbook;
mod logs;
mod messages;
mod real_data;
mod served;
mod service;
mod stores;
mod toolchain;
mod traces;
mod typescript;

use serde_json::Value;
use std::path::PathBuf;
use tempfile::TempDir;
use tidegate::error::Code;
use tidegate_provider::ProviderHandle;
use tidegate_tests::Tidegate;
use tidegate_tests::process::Ended;

/// The examples as the program brings them along, so that no target is needed.
const CHECKPOINT: &[u8] = include_bytes!("../../host/bundled/checkpoint.wasm");
const ACCUMULATE: &[u8] = include_bytes!("../../host/bundled/accumulate.wasm");

/// An empty folder in which `tidegate` is called, gone with its store at the end.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        Home(tempfile::tempdir().unwrap())
    }

    /// A home with this component as `sync.wasm`.
    fn with(component: &[u8]) -> Self {
        let home = Home::new();
        home.put("sync.wasm", component);
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn put(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    /// `tidegate` with these arguments, called here.
    fn tidegate(&self, arguments: &[&str]) -> Tidegate {
        Tidegate::new(arguments).folder(self.0.path())
    }

    /// What `arguments` print with `--json`, which must end well and leave stderr empty.
    fn json(&self, arguments: &[&str]) -> Vec<Value> {
        let ended = self.tidegate(arguments).arg("--json").run().expect(0);
        assert_eq!(ended.stderr, "", "{arguments:?}");
        ended.json_lines()
    }

    /// `tidegate run sync.wasm` against a provider.
    fn sync(&self, provider: &ProviderHandle, more: &[&str]) -> Tidegate {
        let run = self.tidegate(&["run", "sync.wasm", "--json", "--base-url", &provider.url()]);
        more.iter().fold(run, |run, argument| run.arg(argument))
    }

    /// The row of a run that must succeed.
    fn synced(&self, provider: &ProviderHandle, more: &[&str]) -> Value {
        let ended = self.sync(provider, more).run().expect(0);
        assert_eq!(ended.stderr, "");
        let row = ended.json();
        assert_eq!(row["state"]["ended"]["state"], "success");
        row
    }

    /// All changes of a model after `cursor`, and the cursor after them.
    fn changes(&self, model: &str, cursor: Option<&str>) -> (Vec<Value>, String) {
        let mut arguments = vec!["records", model, "--all"];
        arguments.extend(cursor.into_iter().flat_map(|cursor| ["--cursor", cursor]));
        let mut lines = self.json(&arguments);
        let last = lines.pop().expect("the last line has the cursor");
        assert_eq!(last["more"], false);
        (lines, last["cursor"].as_str().unwrap().to_owned())
    }
}

/// What a run did to a model: added, updated, deleted, unchanged.
fn counts(row: &Value, model: &str) -> [u64; 4] {
    ["added", "updated", "deleted", "unchanged"].map(|what| {
        let count = row["counts"][model][what].as_u64();
        count.unwrap_or_else(|| panic!("no {what} of {model} in {row}"))
    })
}

/// The field of each line.
fn each<'a>(lines: &'a [Value], field: &str) -> Vec<&'a str> {
    lines
        .iter()
        .map(|line| line[field].as_str().unwrap())
        .collect()
}

/// `ended` with the code's exit code; with `--json` the code and the message stand on
/// stdout, else on stderr. Answers the message.
fn refused(ended: Ended, code: Code) -> String {
    let ended = ended.expect(code.exit_code().into());
    if let Some(last) = ended.stdout.lines().last()
        && let Ok(document) = serde_json::from_str::<Value>(last)
    {
        assert_eq!(ended.stderr, "");
        let error = &document["error"];
        assert_eq!(error["code"], code.as_str());
        assert_eq!(error["advice"], code.advice());
        return error["message"].as_str().unwrap().to_owned();
    }
    assert!(
        ended.stderr.contains(&format!("error[{code}]: ")),
        "{}",
        ended.stderr
    );
    assert!(
        ended
            .stderr
            .ends_with(&format!("hint: {}\n", code.advice())),
        "{}",
        ended.stderr
    );
    ended.stderr
}

/// That `text` holds each of `parts`.
fn holds(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is not in:\n{text}");
    }
}
