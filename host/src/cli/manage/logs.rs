//! `tidegate logs`: the log of a run of a host that serves, once or while it grows.
//!
//! The host writes a run's lines where the run saves a checkpoint, at its next save or
//! exchange once some have waited for a while, and at its end, so that is when a follower
//! sees them. Each line is printed once, in order; a run is left only
//! when it has ended and its last line was read. A host that is away for a while (it is
//! started anew) is waited for.

use super::remote::{Remote, RemoteArgs, encoded};
use super::show::PageArgs;
use super::split;
use crate::cli::output::{Output, clean};
use crate::cli::progress::log_line;
use crate::error::{Code, Error, Result};
use crate::model::LogLine;
use clap::Args;
use serde::Serialize;
use serde_json::Value;
use std::time::Duration;
use tokio::sync::oneshot;

/// Time between two looks at a run that goes on, or for the next one: there is nothing to
/// wait on, and lines come some at a time.
const LOOK: Duration = Duration::from_secs(1);
/// Runs that are looked through at once for those after the last one that was followed.
const RUNS_AT_ONCE: usize = 50;

/// Flags of `logs`.
#[derive(Args)]
pub(in crate::cli) struct LogsArgs {
    #[command(flatten)]
    remote: RemoteArgs,
    /// The run; or name a sync, whose newest run is meant
    #[arg(required_unless_present = "sync", conflicts_with = "sync")]
    run: Option<String>,
    /// The sync, as NAME or NAME::VARIANT
    #[arg(long, requires_all = ["integration", "connection"])]
    sync: Option<String>,
    /// Its integration
    #[arg(long, requires = "sync")]
    integration: Option<String>,
    /// Its connection
    #[arg(long, requires = "sync")]
    connection: Option<String>,
    /// Print new lines as they are written: of a run until it ends, of a sync also those
    /// of the runs to come, until Ctrl-C
    #[arg(long, short)]
    follow: bool,
}

/// A line as `--follow --json` prints it.
#[derive(Serialize)]
struct Followed<'a> {
    run: &'a str,
    #[serde(flatten)]
    line: &'a Value,
}

/// `tidegate logs`.
pub(in crate::cli) async fn logs(args: &LogsArgs, output: &Output) -> Result<()> {
    let remote = args.remote.connect()?;
    if args.follow {
        let follower = Follower {
            remote,
            output: output.clone(),
            runs: args.runs(),
            host: Answered::NotYet,
        };
        return until_interrupted(follower, args.run.clone()).await;
    }
    let run = match (&args.run, args.runs()) {
        (Some(run), _) => run.clone(),
        (None, Some(runs)) => newest(&remote, &runs)?,
        (None, None) => return Err(Error::new(Code::Usage, "name a run, or a sync")),
    };
    let answer = remote.get(&log_path(&run))?;
    if output.is_json() {
        output.json(&answer);
        return Ok(());
    }
    let lines = answer["lines"].as_array().map(Vec::as_slice);
    let lines = lines.unwrap_or_default();
    if lines.is_empty() {
        output.say("it wrote no lines so far");
    }
    lines.iter().for_each(|line| output.data(&words(line)));
    Ok(())
}

impl LogsArgs {
    /// Where the runs of the sync are listed, newest first; none if a run was named.
    fn runs(&self) -> Option<String> {
        let (sync, variant) = split(self.sync.as_deref()?);
        let [integration, connection] =
            [&self.integration, &self.connection].map(|name| name.as_deref().map(encoded));
        Some(format!(
            "/v1/runs?integration={}&connection={}&sync={}&variant={}",
            integration?,
            connection?,
            encoded(sync),
            encoded(variant)
        ))
    }
}

fn newest(remote: &Remote, runs: &str) -> Result<String> {
    let answer = PageArgs::of(1).read(remote, runs, "runs", "before")?;
    let id = answer["runs"][0]["id"].as_str();
    id.map(str::to_owned).ok_or_else(|| {
        Error::new(
            Code::NotFound,
            "there is no run of this sync on this connection; `tidegate status` shows the syncs",
        )
    })
}

fn log_path(run: &str) -> String {
    format!("/v1/runs/{}/log", encoded(run))
}

/// A line for people.
fn words(line: &Value) -> String {
    match serde_json::from_value::<LogLine>(line.clone()) {
        Ok(line) => log_line(&line),
        // A host of another version may write them otherwise.
        Err(_) => clean(&line.to_string()),
    }
}

/// Follows in a thread of its own, which Ctrl-C need not wait for.
async fn until_interrupted(mut follower: Follower, run: Option<String>) -> Result<()> {
    let (tell, told) = oneshot::channel();
    let follow = move || {
        let outcome = match run {
            Some(run) => follower.run(&run).map(|_| ()),
            None => follower.sync(),
        };
        let _ = tell.send(outcome);
    };
    let broke_off = |error: &dyn std::fmt::Display| {
        Error::new(Code::Internal, format!("following broke off: {error}"))
    };
    std::thread::Builder::new()
        .name("follow".into())
        .spawn(follow)
        .map_err(|error| broke_off(&error))?;
    tokio::select! {
        outcome = told => outcome.map_err(|error| broke_off(&error))?,
        interrupted = tokio::signal::ctrl_c() => interrupted.map_err(|error| broke_off(&error)),
    }
}

/// Whether somebody still reads what is printed.
#[derive(PartialEq, Eq)]
enum Reader {
    Listens,
    Left,
}

/// Whether the host answered.
enum Answered {
    NotYet,
    Yes,
    No,
}

/// Who prints lines as they come.
struct Follower {
    remote: Remote,
    output: Output,
    /// Where the runs of the sync are listed.
    runs: Option<String>,
    /// What the host did when it was asked last.
    host: Answered,
}

impl Follower {
    /// The newest run of the sync and all after it, for as long as somebody reads.
    fn sync(&mut self) -> Result<()> {
        let Some(runs) = self.runs.clone() else {
            return Ok(());
        };
        let (mut last, mut waits): (Option<String>, bool) = (None, false);
        loop {
            let next = self.after(&runs, last.as_deref())?;
            if next.is_empty() {
                if last.is_none() && !std::mem::replace(&mut waits, true) {
                    self.output
                        .say("there is no run yet; waiting for the first");
                }
                std::thread::sleep(LOOK);
            }
            for run in next {
                if self.run(&run)? == Reader::Left {
                    return Ok(());
                }
                last = Some(run);
            }
        }
    }

    /// The runs after `last`, oldest first; the newest alone where there was none before.
    fn after(&mut self, runs: &str, last: Option<&str>) -> Result<Vec<String>> {
        let Some(last) = last else {
            let answer = self.get(&format!("{runs}&limit=1"))?;
            return Ok(ids(&answer).map(str::to_owned).collect());
        };
        let (mut found, mut before) = (Vec::new(), String::new());
        loop {
            let answer = self.get(&format!("{runs}&limit={RUNS_AT_ONCE}{before}"))?;
            // Ids rise with the time.
            let newer: Vec<&str> = ids(&answer).take_while(|id| *id > last).collect();
            found.extend(newer.iter().map(|id| (*id).to_owned()));
            match newer.last().filter(|_| newer.len() == RUNS_AT_ONCE) {
                Some(oldest) => before = format!("&before={oldest}"),
                None => break,
            }
        }
        found.reverse();
        Ok(found)
    }

    /// One run until it has ended and its last line is printed.
    fn run(&mut self, run: &str) -> Result<Reader> {
        let (path, mut printed, mut is_told) = (format!("/v1/runs/{}", encoded(run)), 0, false);
        loop {
            // The run before its log: when it has ended, the log is whole.
            let row = self.get(&path)?;
            if !std::mem::replace(&mut is_told, true) {
                let since = row["started"].as_str().unwrap_or_default();
                self.output.say(&format!("run {run}, started {since}"));
            }
            let log = self.get(&log_path(run))?;
            let lines = log["lines"].as_array().into_iter().flatten();
            for line in lines.skip(printed) {
                printed += 1;
                if self.print(run, line) == Reader::Left {
                    return Ok(Reader::Left);
                }
            }
            let ended = &row["state"]["ended"];
            if !ended.is_null() {
                self.output.say(&ending(run, ended));
                return Ok(Reader::Listens);
            }
            std::thread::sleep(LOOK);
        }
    }

    fn print(&self, run: &str, line: &Value) -> Reader {
        let text = match self.output.is_json() {
            true => serde_json::to_string(&Followed { run, line }).unwrap_or_default(),
            false => words(line),
        };
        match self.output.try_data(&text) {
            true => Reader::Listens,
            false => Reader::Left,
        }
    }

    /// An answer; where a host that was there is away, the one after it has come back.
    fn get(&mut self, path: &str) -> Result<Value> {
        loop {
            let error = match self.remote.get(path) {
                Err(error) if error.code == Code::ProviderConnect => error,
                outcome => {
                    self.host = Answered::Yes;
                    return outcome;
                }
            };
            match self.host {
                Answered::NotYet => return Err(error),
                Answered::Yes => {
                    let words = format!("{}; waiting for it", error.message);
                    self.output.say(&words);
                    self.host = Answered::No;
                }
                Answered::No => {}
            }
            std::thread::sleep(LOOK);
        }
    }
}

/// The ids of listed runs.
fn ids(answer: &Value) -> impl Iterator<Item = &str> {
    let runs = answer["runs"].as_array().into_iter().flatten();
    runs.filter_map(|run| run["id"].as_str())
}

/// How a run ended, for people.
fn ending(run: &str, ended: &Value) -> String {
    let state = ended["state"].as_str().unwrap_or("ended");
    match ended["error"]["message"].as_str() {
        None => format!("run {run}: {state}"),
        Some(message) => {
            let code = ended["error"]["code"].as_str().unwrap_or_default();
            format!("run {run}: {state}: {code}: {}", clean(message))
        }
    }
}
