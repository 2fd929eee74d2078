//! A row for each mistake that the arguments alone can hold: what went wrong, where, with
//! which value and what to do, the same with `--json`, and nothing else on stdout.

use crate::{CHECKPOINT, Home, holds, refused};
use tidegate::error::Code;
use tidegate_tests::Tidegate;

/// A mistake: the arguments, the code, and what the message says.
type Row = (&'static [&'static str], Code, &'static [&'static str]);

/// Mistakes that the program itself explains.
const ROWS: &[Row] = &[
    (
        &["run", "missing.wasm"],
        Code::NotFound,
        &["`missing.wasm`", "no such file", "tidegate build"],
    ),
    (
        &["run", "crate"],
        Code::NotFound,
        &["`crate`", "is a folder", "tidegate build"],
    ),
    (
        &["check", "text.wasm"],
        Code::ComponentRejected,
        &["`text.wasm`", "text form", "assemble it"],
    ),
    (
        &["run", "text.wasm"],
        Code::ComponentRejected,
        &["text form"],
    ),
    (
        &["check", "core.wasm"],
        Code::ComponentRejected,
        &["core module", "wasm32-wasip2"],
    ),
    (
        &["check", "bare.wasm"],
        Code::ComponentRejected,
        &["exports no `describe`", "sync-guest"],
    ),
    (
        &["check", "words.wasm"],
        Code::ComponentRejected,
        &["not WebAssembly"],
    ),
    (
        &["check", "empty.wasm"],
        Code::ComponentRejected,
        &["`empty.wasm`", "empty"],
    ),
    (
        &["run", "sync.wasm", "--config", "[1]"],
        Code::Usage,
        &["--config `[1]`", "not a JSON object"],
    ),
    (
        &["run", "sync.wasm", "--metadata", "1"],
        Code::Usage,
        &["--metadata `1`", "not a JSON object"],
    ),
    (
        &["run", "sync.wasm", "--memory", "1KiB"],
        Code::InvalidArgument,
        &["1 KiB", "2048 KiB"],
    ),
    (
        &["run", "sync.wasm", "--base-url", "nope"],
        Code::Usage,
        &["--base-url `nope`", "not a URL"],
    ),
    (
        &["run", "sync.wasm"],
        Code::EgressDenied,
        &["/contacts", "no base URL", "--base-url"],
    ),
    (
        &["run", "sync.wasm", "--allow-host", "a b"],
        Code::ConfigInvalid,
        &["`a b`", "HOST:PORT"],
    ),
    (
        &["run", "sync.wasm", "--bearer-env", "NOT_SET"],
        Code::Usage,
        &["`NOT_SET`", "not set"],
    ),
    (
        &["run", "sync.wasm", "--header-env", "x"],
        Code::Usage,
        &["`x`", "NAME=VAR"],
    ),
    (
        &["run", "sync.wasm", "--connection", ""],
        Code::InvalidArgument,
        &["connection", "1 to 255"],
    ),
    (
        // The first try fails at once; the next would come after the run's time is over.
        &[
            "run",
            "sync.wasm",
            "--time-hard",
            "1s",
            "--base-url",
            "http://127.0.0.1:1",
        ],
        Code::ProviderConnect,
        &["GET /contacts", "127.0.0.1:1", "refused"],
    ),
    (
        &["records", "Contact", "--store", "nowhere"],
        Code::NotFound,
        &["no store at `nowhere`", "--store"],
    ),
    (
        &["runs", "--store", "nowhere"],
        Code::NotFound,
        &["no store at `nowhere`"],
    ),
    (
        &["verify", "--store", "nowhere"],
        Code::NotFound,
        &["no store at `nowhere`"],
    ),
    (
        &["backup", "b", "--store", "nowhere"],
        Code::NotFound,
        &["no store at `nowhere`"],
    ),
    (
        &["restore", "missing", "--store", "new"],
        Code::Usage,
        &["the backup `missing`"],
    ),
    (
        &["metadata", "--set", "3"],
        Code::Usage,
        &["`3`", "not a JSON object"],
    ),
    (
        &["build", "crate"],
        Code::BuildFailed,
        &[
            "no Cargo.toml (Rust)",
            "no package.json or *.ts file",
            "`crate`",
            "`tidegate new`",
        ],
    ),
    (
        &["build", "nowhere"],
        Code::BuildFailed,
        &["no `nowhere`", "`tidegate new`"],
    ),
    (
        &["build", "sync.wasm"],
        Code::BuildFailed,
        &["`sync.wasm` is a component already", "`tidegate check`"],
    ),
    (
        &["build", "crate/notes.txt"],
        Code::BuildFailed,
        &["`crate/notes.txt` is no source", ".ts", "folder of a sync"],
    ),
    (
        &["build", "rust", "--no-check"],
        Code::Usage,
        &["`rust` is written in Rust", "--no-check"],
    ),
    (&["new", "a b"], Code::Usage, &["`a b`", "sync", "my-sync"]),
    (&["new", ".."], Code::Usage, &["`..`", "no name", "my-sync"]),
    (
        &["new", "taken"],
        Code::Usage,
        &["`taken/package.json` is there already", "another folder"],
    ),
    (
        &["dev", "missing.wasm", "--no-watch"],
        Code::NotFound,
        &["`missing.wasm`"],
    ),
];

/// Mistakes that the parser of arguments explains: always words, always exit code 2.
const FLAGS: &[(&[&str], &[&str])] = &[
    (&["run", "--nope"], &["--nope", "Usage: tidegate run"]),
    (&["walk"], &["'walk'", "Usage: tidegate"]),
    (
        &["run", "sync.wasm", "--memory", "12parsecs"],
        &["12parsecs", "write a size such as 16MiB"],
    ),
    (
        &["run", "sync.wasm", "--time-hard", "soon"],
        &["soon", "write a time such as 90s"],
    ),
    (&["runs", "7"], &["`7` is not a run id"]),
    (
        &["records", "Contact", "--cursor", "zzz"],
        &["`zzz` is not a cursor of this host"],
    ),
    (
        &["records", "Contact", "--filter", "gone"],
        &["`gone`", "added, updated or deleted"],
    ),
    (
        &["metadata", "--set", "{}", "--merge", "{}"],
        &["--set", "--merge", "cannot be used with"],
    ),
];

fn home() -> Home {
    let home = Home::with(CHECKPOINT);
    home.put("text.wasm", "(component)");
    home.put("core.wasm", b"\0asm\x01\0\0\0");
    home.put("bare.wasm", b"\0asm\x0d\0\x01\0");
    home.put("words.wasm", "hello");
    home.put("empty.wasm", "");
    home.put("crate/notes.txt", "");
    home.put("rust/Cargo.toml", "");
    home.put("taken/package.json", "{}");
    home
}

#[test]
fn a_mistake_is_named_with_what_to_do() {
    let home = home();
    for (arguments, code, says) in ROWS {
        let call = |json: bool| {
            let call = home.tidegate(arguments);
            if json { call.arg("--json") } else { call }
        };
        println!("tidegate {}", arguments.join(" "));
        let plain = call(false).run();
        assert_eq!(plain.stdout, "", "words do not go to stdout");
        holds(&refused(plain, *code), says);
        let json = call(true).run();
        json.json_lines();
        holds(&refused(json, *code), says);
    }
}

#[test]
fn a_wrong_flag_is_explained() {
    let home = home();
    for (arguments, says) in FLAGS {
        let ended = home.tidegate(arguments).run().expect(2);
        assert_eq!(ended.stdout, "");
        holds(&ended.stderr, says);
        holds(&ended.stderr, &["--help"]);
    }
}

#[test]
fn every_command_has_its_help() {
    let help = Tidegate::new(["--help"]).run().expect(0).stdout;
    let commands: Vec<&str> = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .filter(|command| *command != "help")
        .collect();
    assert!(commands.len() > 10, "{help}");
    for command in commands {
        let help = Tidegate::new([command, "--help"]).run().expect(0);
        assert_eq!(help.stderr, "");
    }
}
