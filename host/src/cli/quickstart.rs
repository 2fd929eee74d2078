//! `tidegate quickstart`: the whole product in a minute, on this machine alone.
//!
//! A demo provider, a full refresh and a sync by checkpoint, each run twice with changes
//! in between, and then the mistake that most often ends a sync: pages gathered in memory.

use super::build::{build_crate, has_target};
use super::execute::{ExecuteArgs, execute};
use super::host::{self, StoreArgs};
use super::output::{Output, count};
use super::report::report;
use crate::error::{Code, Error, Result};
use crate::limits::MIB;
use crate::model::RunRow;
use crate::run::Runner;
use clap::{Args, FromArgMatches};
use std::path::{Path, PathBuf};
use tidegate_provider::{Provider, ProviderHandle};

/// Contacts that the demo provider starts with.
const CONTACTS: u64 = 20_000;
/// Members of the demo workspace.
const USERS: u64 = 500;
/// Start of the demo data's random numbers: the same figures for everybody.
const SEED: u64 = 7;
/// The memory cap under which the accumulating sync is shown to fail.
const SMALL_CAP: u64 = 8 * MIB;

/// The examples, from the source tree or else as they were bundled with this binary.
const EXAMPLES: [(&str, &[u8]); 3] = [
    (
        "full-refresh",
        include_bytes!("../../bundled/full-refresh.wasm"),
    ),
    (
        "checkpoint",
        include_bytes!("../../bundled/checkpoint.wasm"),
    ),
    (
        "accumulate",
        include_bytes!("../../bundled/accumulate.wasm"),
    ),
];

/// Flags of `quickstart`.
#[derive(Args)]
pub(super) struct QuickstartArgs {
    /// Folder for the demo's store; what an earlier quickstart left there is removed
    #[arg(long, default_value = ".tidegate/quickstart", value_name = "DIR")]
    folder: PathBuf,
    /// Use the bundled components even where the examples can be built
    #[arg(long)]
    bundled: bool,
}

/// Marks a folder as one that a quickstart made, and a later one may remove.
const MARK: &str = "made-by-tidegate-quickstart";

pub(super) async fn quickstart(args: QuickstartArgs, output: &Output) -> Result<()> {
    clear(&args.folder)?;
    let store_args = StoreArgs {
        store: args.folder.join("store"),
    };
    let examples = components(args.bundled, output)?;
    let clock = host::clock();
    let provider = start_provider().await?;
    output.heading(&format!(
        "A provider at {} has {} users and {} contacts",
        provider.url(),
        count(provider.users().len()),
        count(provider.contacts().len())
    ));
    let store = store_args.open(&clock).await?;
    let runner = host::runner(
        host::sandbox(Some(store_args.code_cache()))?,
        store.clone(),
        clock,
    )?;
    let demo = Demo {
        runner,
        provider,
        output: output.clone(),
    };
    let outcome = demo.play(examples).await;
    drop(demo);
    host::close(store, output).await;
    outcome?;
    let folder = store_args.store.display();
    output.heading("Look around");
    output.say(&format!(
        "  tidegate records --store {folder} User --limit 3"
    ));
    output.say(&format!("  tidegate runs --store {folder}"));
    output.say("  example-syncs/README.md says which pattern suits which data");
    Ok(())
}

struct Demo {
    runner: Runner,
    provider: ProviderHandle,
    output: Output,
}

impl Demo {
    async fn play(&self, [refresh, checkpoint, accumulate]: [Vec<u8>; 3]) -> Result<()> {
        let (say, users, contacts) = (
            &self.output,
            self.provider.users(),
            self.provider.contacts(),
        );
        say.heading("1. full-refresh: everything, each time; the host finds what changed");
        self.succeed(refresh.clone(), None).await?;
        users.update(0..12);
        users.remove(20..24);
        users.add(3);
        say.heading("   12 users changed, 4 went, 3 came; the second run reports exactly them");
        self.succeed(refresh, None).await?;

        say.heading("2. checkpoint: only what changed since the last page that was saved");
        self.succeed(checkpoint.clone(), None).await?;
        contacts.update(100..130);
        contacts.add(20);
        say.heading("   30 contacts changed, 20 came; the second run fetches a page, not the set");
        self.succeed(checkpoint, None).await?;

        say.heading("3. accumulate: every page kept in memory before one save, under 8 MiB");
        let row = self.run(accumulate, Some(SMALL_CAP)).await?;
        match super::execute::verdict(&row) {
            Err(error) if error.code == Code::LimitMemory => Ok(()),
            _ => Err(Error::new(
                Code::Internal,
                "the accumulating sync did not reach its memory cap",
            )),
        }
    }

    async fn succeed(&self, component: Vec<u8>, memory: Option<u64>) -> Result<()> {
        super::execute::verdict(&self.run(component, memory).await?)
    }

    async fn run(&self, component: Vec<u8>, memory: Option<u64>) -> Result<RunRow> {
        let mut args = defaults::<ExecuteArgs>()?;
        args.reach.base_url = Some(self.provider.url());
        args.memory = memory;
        let row = execute(&self.runner, component, &args, false, &self.output, false).await?;
        report(&row, &self.output);
        Ok(row)
    }
}

/// Flags as they are when none is given, so that the demo runs what a user would.
fn defaults<T: Args + FromArgMatches>() -> Result<T> {
    let command = T::augment_args(clap::Command::new("defaults"));
    let wrong = |error: clap::Error| {
        Error::new(
            Code::Internal,
            format!("the default flags do not parse: {error}"),
        )
    };
    let mut matches = command.try_get_matches_from(["defaults"]).map_err(wrong)?;
    T::from_arg_matches_mut(&mut matches).map_err(wrong)
}

async fn start_provider() -> Result<ProviderHandle> {
    let provider = Provider::builder()
        .contacts(CONTACTS, SEED)
        .users(USERS, SEED);
    provider.start().await.map_err(|error| {
        Error::new(
            Code::Internal,
            format!("starting the demo provider: {error:#}"),
        )
    })
}

/// Removes what an earlier quickstart left; a folder of anybody else is left alone.
fn clear(folder: &Path) -> Result<()> {
    let wrong = |error: std::io::Error| {
        Error::new(
            Code::Usage,
            format!("preparing the folder `{}`: {error}", folder.display()),
        )
    };
    if folder.exists() {
        if !folder.join(MARK).exists() {
            let message = format!(
                "`{}` was not made by a quickstart; name another with --folder",
                folder.display()
            );
            return Err(Error::new(Code::Usage, message));
        }
        std::fs::remove_dir_all(folder).map_err(wrong)?;
    }
    std::fs::create_dir_all(folder).map_err(wrong)?;
    std::fs::write(folder.join(MARK), "").map_err(wrong)
}

fn components(bundled: bool, output: &Output) -> Result<[Vec<u8>; 3]> {
    let sources = Path::new("example-syncs");
    let build = !bundled && sources.is_dir() && has_target(Path::new("."));
    if build {
        output.say("building the example syncs (the first time takes a minute)");
    } else {
        output.say("using the bundled components of the example syncs");
    }
    let [refresh, checkpoint, accumulate] = EXAMPLES.map(|(name, bundled)| match build {
        false => Ok(bundled.to_vec()),
        true => host::read_component(&build_crate(&sources.join(name).join("rust"), output)?),
    });
    Ok([refresh?, checkpoint?, accumulate?])
}
