//! `tidegate new`: a folder with a sync that builds and runs as it is, to be changed into
//! one's own. No file that is there already is touched.

use super::build::Toolchain;
use super::output::Output;
use crate::error::{Code, Error, Result};
use crate::model::SyncName;
use clap::{Args, ValueEnum};
use serde::Serialize;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// What stands in a template for the sync's name.
const NAME: &str = "{{name}}";

/// Flags of `new`.
#[derive(Args)]
pub(super) struct NewArgs {
    /// Folder to make; the sync is called like it
    folder: PathBuf,
    /// What it is written in
    #[arg(long, value_enum, default_value_t)]
    lang: Language,
    /// How it fetches
    #[arg(long, value_enum, default_value_t)]
    pattern: Pattern,
    /// Write it for Nango's `createSync` instead of Tidegate's own API
    #[arg(long, conflicts_with = "pattern")]
    nango: bool,
}

/// Languages that there is a template for.
#[derive(Clone, Copy, Default, ValueEnum)]
enum Language {
    /// TypeScript
    #[default]
    Ts,
}

/// Which template is taken.
#[derive(Clone, Copy, Default, ValueEnum)]
enum Pattern {
    /// Everything each time: for small lists
    #[default]
    FullRefresh,
    /// What changed since the last run: for what can be sorted by its date of change
    Checkpoint,
    /// Month by month through the past, then what is new: for long histories
    Window,
}

/// A file among the templates.
macro_rules! template {
    ($file:literal) => {
        include_str!(concat!("../../templates/typescript/", $file))
    };
}

impl Pattern {
    /// The sync, and a test of it.
    fn sync(self) -> [&'static str; 2] {
        match self {
            Pattern::FullRefresh => [
                template!("full-refresh.ts"),
                template!("fixtures/full-refresh.json"),
            ],
            Pattern::Checkpoint => [
                template!("checkpoint.ts"),
                template!("fixtures/checkpoint.json"),
            ],
            Pattern::Window => [template!("window.ts"), template!("fixtures/window.json")],
        }
    }
}

/// The files of every project, by where they go.
const FILES: [(&str, &str); 4] = [
    ("package.json", template!("package.json")),
    ("tsconfig.json", template!("tsconfig.json")),
    (".gitignore", template!("gitignore")),
    ("README.md", template!("README.md")),
];

/// What is printed as JSON.
#[derive(Serialize)]
struct Made<'a> {
    folder: &'a Path,
    files: Vec<&'a str>,
}

pub(super) fn new(args: &NewArgs, output: &Output) -> Result<()> {
    let name = name_of(&args.folder)?;
    let Language::Ts = args.lang;
    let [source, fixture] = match args.nango {
        // The same data as in a full refresh, for the other API.
        true => [
            template!("nango.ts"),
            template!("fixtures/full-refresh.json"),
        ],
        false => args.pattern.sync(),
    };
    let place = format!("src/{name}.ts");
    let files: Vec<(&str, &str)> = FILES
        .into_iter()
        .chain([(place.as_str(), source), ("fixtures/first.json", fixture)])
        .collect();
    refuse_present(&args.folder, &files)?;
    // Before anything is written: without it nothing could be done with the folder.
    let toolchain = Toolchain::installed(output)?;
    for (path, text) in &files {
        write(&args.folder.join(path), &text.replace(NAME, name.as_str()))?;
    }
    put_types(&toolchain, &args.folder)?;
    let files = files.iter().map(|(path, _)| *path).collect();
    tell(
        &Made {
            folder: &args.folder,
            files,
        },
        &name,
        output,
    );
    Ok(())
}

/// The sync's name, which is that of its folder.
fn name_of(folder: &Path) -> Result<SyncName> {
    let wrong = |why: String| {
        let message = format!(
            "`{}`: {why}; name a folder such as `my-sync`",
            folder.display()
        );
        Error::new(Code::Usage, message)
    };
    let name = folder.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| wrong("it has no name that a sync could take".into()))?;
    SyncName::new(name).map_err(|error| wrong(error.message))
}

fn refuse_present(folder: &Path, files: &[(&str, &str)]) -> Result<()> {
    let present = files.iter().find(|(path, _)| folder.join(path).exists());
    match present {
        None => Ok(()),
        Some((path, _)) => Err(Error::new(
            Code::Usage,
            format!(
                "`{}` is there already, and nothing is written over; name another folder",
                folder.join(path).display()
            ),
        )),
    }
}

/// Writes a file that must not be there.
fn write(path: &Path, text: &str) -> Result<()> {
    let made = path
        .parent()
        .map_or(Ok(()), std::fs::create_dir_all)
        .and_then(|()| OpenOptions::new().write(true).create_new(true).open(path))
        .and_then(|mut file| file.write_all(text.as_bytes()));
    made.map_err(|error| {
        let why = match error.kind() {
            ErrorKind::AlreadyExists => "it is there already".to_owned(),
            _ => error.to_string(),
        };
        Error::new(Code::Usage, format!("writing `{}`: {why}", path.display()))
    })
}

/// Has the SDK say to editors where its types lie.
fn put_types(toolchain: &Toolchain, folder: &Path) -> Result<()> {
    let put = toolchain
        .command()
        .arg("types")
        .arg(folder)
        .stdin(Stdio::null())
        .output();
    let why = match put {
        Ok(put) if put.status.success() => return Ok(()),
        Ok(put) => String::from_utf8_lossy(&put.stderr).trim().to_owned(),
        Err(error) => error.to_string(),
    };
    let message = format!(
        "the types of the SDK could not be put into `{}`: {why}",
        folder.display()
    );
    Err(Error::new(Code::BuildFailed, message))
}

fn tell(made: &Made<'_>, name: &SyncName, output: &Output) {
    if output.is_json() {
        output.json(made);
        return;
    }
    let folder = made.folder.display();
    output.say(&format!("made `{folder}` with {}", made.files.join(", ")));
    output.say(&format!(
        "\nnext:\n  cd {folder}\n  \
         tidegate dev --base-url https://api.example.com --bearer-env TOKEN   # run it at each change\n  \
         tidegate test                                                        # run it on fixtures/\n  \
         tidegate build                                                       # make dist/{name}.wasm\n  \
         tidegate deploy dist/{name}.wasm --environment NAME --integration NAME"
    ));
}
