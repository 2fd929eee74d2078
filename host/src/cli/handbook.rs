//! `tidegate completions` and `tidegate man`: what a package installs beside the program.

use super::output::Output;
use crate::error::{Code, Error, Result};
use clap::{Args, Command};
use clap_complete::Shell;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The program's name, as shells and man know it.
const NAME: &str = "tidegate";

/// Flags of `completions`.
#[derive(Args)]
pub(super) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

/// Flags of `man`.
#[derive(Args)]
pub(super) struct ManArgs {
    /// Write a page for each command into this folder, which must be there
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
}

/// Prints the completions of a shell.
pub(super) fn completions(args: &CompletionsArgs, command: &mut Command) {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, command, NAME, &mut text);
    print(&text);
}

/// Prints the program's page, or writes all pages to a folder.
pub(super) fn man(args: &ManArgs, command: Command, output: &Output) -> Result<()> {
    if let Some(folder) = &args.folder {
        clap_mangen::generate_to(command, folder).map_err(|error| unwritten(folder, &error))?;
        output.say(&format!("the pages are in `{}`", folder.display()));
        return Ok(());
    }
    let mut text = Vec::new();
    clap_mangen::Man::new(command)
        .render(&mut text)
        .map_err(|error| Error::new(Code::Internal, format!("making the page: {error}")))?;
    print(&text);
    Ok(())
}

/// The text as it is, whatever `--json` says: it is for a shell, or for man. A reader that
/// went away is no error.
fn print(text: &[u8]) {
    let _ = std::io::stdout().lock().write_all(text);
}

fn unwritten(folder: &Path, error: &std::io::Error) -> Error {
    Error::new(
        Code::Usage,
        format!("writing pages into `{}`: {error}", folder.display()),
    )
}
