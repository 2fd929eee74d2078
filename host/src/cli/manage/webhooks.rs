//! `tidegate webhooks`: what is told to apps, and telling it again.

use super::remote::{RemoteArgs, Sent, encoded};
use super::show::{self, PageArgs};
use crate::cli::output::Output;
use crate::error::Result;
use clap::{Args, Subcommand};

/// Flags of `webhooks`.
#[derive(Args)]
pub(in crate::cli) struct WebhooksArgs {
    #[command(flatten)]
    remote: RemoteArgs,
    #[command(subcommand)]
    command: WebhooksCommand,
}

#[derive(Subcommand)]
enum WebhooksCommand {
    /// List those that wait, or those that are over
    List {
        /// Those that were delivered or given up
        #[arg(long)]
        over: bool,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Send one again, whatever became of it
    Replay {
        /// Its id
        id: String,
    },
}

/// `tidegate webhooks`.
pub(in crate::cli) fn webhooks(args: &WebhooksArgs, output: &Output) -> Result<()> {
    let remote = args.remote.connect()?;
    match &args.command {
        WebhooksCommand::List { over, page } => {
            let state = if *over { "over" } else { "waiting" };
            let path = format!("/v1/webhooks?state={state}");
            let answer = page.read(&remote, &path, "webhooks", "after")?;
            let columns = [
                "id",
                "model",
                "url",
                "state",
                "attempts",
                "next",
                "last_error",
            ];
            show::list(&answer, "webhooks", &columns, output);
        }
        WebhooksCommand::Replay { id } => {
            let path = format!("/v1/webhooks/{}/replay", encoded(id));
            show::one(&remote.call("POST", &path, Sent::Nothing)?, output);
        }
    }
    Ok(())
}
