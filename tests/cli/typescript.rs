//! Syncs in TypeScript through the program, with the real Node: `new`, `build`, `run` and
//! `dev`, and what an author reads when something goes wrong.

use crate::{Home, counts, each, holds, refused};
use serde_json::Value;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;
use tempfile::TempDir;
use tidegate::error::Code;
use tidegate_provider::Provider;
use tidegate_tests::Tidegate;
use tidegate_tests::process::Running;
use tidegate_tests::typescript::toolchain;

/// A sync that fails as its metadata says.
const FAILING: &str = "\
import { sync } from '@tidegate/sdk';
import { z } from 'zod';
import { look } from './lib/look.ts';

export default sync({
  version: '1.0.0',
  models: { User: z.object({ id: z.string() }) },
  metadata: z.object({ how: z.string() }),

  run(run) {
    const { how } = run.metadata();
    run.log.info(`begins to ${how}`);
    if (how === 'recurse') deeper(0);
    if (how === 'hoard') for (const all: string[] = []; ; ) all.push('x'.repeat(100) + all.length);
    if (how === 'spin') for (;;);
    if (how === 'tell') run.log.error(String(new Error('told').stack));
    if (how === 'throw') look(undefined);
  },
});

function deeper(n: number): number {
  return deeper(n + 1) + 1;
}
";

/// What it imports; it throws in line 3.
const LOOK: &str = "\
/** The name of what there is. */
export function look(it: { name: string } | undefined): never {
  throw new TypeError(`there is no ${it?.name} here`);
}
";

/// What `tidegate new` makes, each with the flags for it.
const TEMPLATES: [(&str, &[&str]); 4] = [
    ("users", &[]),
    ("contacts", &["--pattern", "checkpoint"]),
    ("history", &["--pattern", "window"]),
    ("members", &["--nango"]),
];

/// A project with the templates and the failing sync, built once for all tests.
struct Project(TempDir);

static PROJECT: LazyLock<Option<Project>> = LazyLock::new(|| {
    let cache = toolchain("syncs in TypeScript")?;
    let home = Home::new();
    let tidegate = |arguments: &[&str]| home.tidegate(arguments).env("TIDEGATE_CACHE", cache);
    for (name, flags) in TEMPLATES {
        let made = tidegate(&[&["new", name], flags].concat()).run().expect(0);
        assert_eq!(made.stdout, "");
        holds(
            &made.stderr,
            &["package.json", &format!("cd {name}"), "tidegate dev"],
        );
    }
    let source = |name: &str| std::fs::read(home.path(&format!("{name}/src/{name}.ts"))).unwrap();
    for (name, _) in &TEMPLATES[1..] {
        home.put(&format!("users/src/{name}.ts"), source(name));
    }
    home.put("users/src/failing.ts", FAILING);
    home.put("users/src/lib/look.ts", LOOK);
    let built = tidegate(&["build", "users"]).run().expect(0);
    for name in ["users", "contacts", "history", "members", "failing"] {
        holds(&built.stdout, &[&format!("{name} 1.0.0")]);
        holds(&built.stderr, &[&format!("built `users/dist/{name}.wasm`")]);
    }
    Some(Project(home.0))
});

/// A home with the component of one sync of the project as `sync.wasm`.
fn home_with(name: &str) -> Option<Home> {
    let project = PROJECT.as_ref()?;
    let component = project.0.path().join(format!("users/dist/{name}.wasm"));
    Some(Home::with(&std::fs::read(component).unwrap()))
}

#[test]
fn what_new_makes_runs_as_it_is() {
    let provider = Provider::builder()
        .users(450, 7)
        .contacts(1_200, 7)
        .start_blocking()
        .unwrap();
    for (sync, model, all) in [
        ("users", "User", 450),
        ("members", "User", 450),
        ("contacts", "Contact", 1_200),
        ("history", "Contact", 1_200),
    ] {
        let Some(home) = home_with(sync) else {
            return;
        };
        println!("{sync}");
        for added in [all, 0] {
            // A checkpoint is inclusive, so that some come again as unchanged.
            let [changes @ .., _] = counts(&home.synced(&provider, &[]), model);
            assert_eq!(changes, [added, 0, 0]);
        }
    }
    let Some(home) = home_with("users") else {
        return;
    };
    home.synced(&provider, &["--memory", "8MiB"]);
    provider.users().remove(0..3);
    provider.users().update(10..15);
    let third = home.synced(&provider, &["--memory", "8MiB"]);
    assert_eq!(counts(&third, "User"), [0, 5, 3, 442]);
}

#[test]
fn the_tests_that_new_makes_pass() {
    let Some(project) = PROJECT.as_ref() else {
        return;
    };
    for (name, _) in TEMPLATES {
        let component = format!("users/dist/{name}.wasm");
        let fixture = format!("{name}/fixtures/first.json");
        let tested = Tidegate::new(["test", &component, "--fixture", &fixture])
            .folder(project.0.path())
            .run()
            .expect(0);
        assert!(tested.stdout.starts_with("ok "), "{}", tested.stdout);
    }
}

#[test]
fn what_goes_wrong_is_named_in_the_authors_lines() {
    let Some(home) = home_with("failing") else {
        return;
    };
    for (how, code, says) in [
        (
            "throw",
            Code::GuestError,
            &[
                "TypeError: there is no undefined here",
                "at look (src/lib/look.ts:3:",
                "(src/failing.ts:17:",
            ][..],
        ),
        (
            "recurse",
            Code::GuestTrap,
            &["recursion went too deep", "without end"],
        ),
        ("hoard", Code::LimitMemory, &["but the cap is 16777216"]),
        ("spin", Code::LimitCpu, &["without a host call"]),
    ] {
        let metadata = format!(r#"{{"how":"{how}"}}"#);
        let arguments = [
            "run",
            "sync.wasm",
            "--memory",
            "16MiB",
            "--cpu-between-calls",
            "1s",
        ];
        let run = home.tidegate(&arguments).arg("--metadata").arg(&metadata);
        let said = refused(run.run(), code);
        holds(&said, says);
        // The report alone, later, knows where it was too.
        let rows = home.json(&["runs"]);
        let id = rows[0]["id"].as_str().unwrap();
        let report = home.json(&["runs", id]).remove(0);
        let found = &report["run"]["post_mortem"];
        assert!(
            found["verdict"]
                .as_str()
                .is_some_and(|verdict| !verdict.contains('\n'))
        );
        if how == "throw" {
            assert!(!said.contains("user.js"), "{said}");
            let frames = found["backtrace"].as_array().unwrap();
            assert!(
                frames[0]
                    .as_str()
                    .unwrap()
                    .starts_with("look (src/lib/look.ts:3:"),
                "{frames:?}"
            );
        }
    }
    let told = home
        .tidegate(&[
            "run",
            "sync.wasm",
            "--logs",
            "--metadata",
            r#"{"how":"tell"}"#,
        ])
        .run()
        .expect(0);
    holds(&told.stderr, &["begins to tell", "(src/failing.ts:16:"]);
}

#[test]
fn a_type_error_names_file_and_line() {
    let Some(cache) = toolchain("a type error in TypeScript") else {
        return;
    };
    let home = Home::new();
    let wrong = FAILING.replace("`begins to ${how}`", "how.length");
    home.put("package.json", r#"{"name":"wrong"}"#);
    home.put("src/sync.ts", wrong);
    home.put("src/lib/look.ts", LOOK);
    let build = |more: &[&str]| {
        let arguments = [&["build", "src/sync.ts"], more].concat();
        home.tidegate(&arguments).env("TIDEGATE_CACHE", cache).run()
    };
    let refused = refused(build(&[]), Code::BuildFailed);
    holds(&refused, &["src/sync.ts:12:", "does not build"]);
    assert!(!home.path("dist/sync.wasm").exists());
    let built = build(&["--no-check", "--json"]).expect(0);
    assert_eq!(built.stderr, "", "words are not asked for");
    assert_eq!(each(&built.json_lines(), "component"), ["dist/sync.wasm"]);
}

/// Waits until `dev` has printed `count` lines of data.
fn printed(dev: &mut Running, count: usize) -> Vec<Value> {
    loop {
        let (stdout, ended) = (dev.stdout(), dev.has_ended());
        let lines: Vec<Value> = stdout
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n'))
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        if lines.len() >= count {
            return lines;
        }
        assert!(!ended, "{stdout}\n{}", dev.stderr());
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn dev_builds_and_runs_again_at_each_change() {
    let Some(cache) = toolchain("dev with TypeScript") else {
        return;
    };
    let home = Home::new();
    let names = |name: &str| format!("export const NAME = '{name}';\n");
    home.put("package.json", r#"{"name":"watched"}"#);
    home.put("shared/name.ts", names("first"));
    home.put(
        "src/sync.ts",
        "import { sync } from '@tidegate/sdk';\nimport { z } from 'zod';\nimport { NAME } from '../shared/name.ts';\n\
         export default sync({\n  models: { User: z.object({ id: z.string() }) },\n  run: (run) => void run.save('User', [{ id: NAME }]),\n});\n",
    );
    let mut dev: Running = Tidegate::new(["dev", "--no-check"])
        .folder(home.0.path())
        .env("TIDEGATE_CACHE", cache)
        .start();
    assert_eq!(each(&printed(&mut dev, 1), "id"), ["first"]);
    // A file beside `src`, known to be a source only from the build.
    watched(&mut dev, 1);
    home.put("shared/name.ts", names("second"));
    // What is new since the last run: the first record stays as it was.
    assert_eq!(each(&printed(&mut dev, 2), "id"), ["first", "second"]);
    watched(&mut dev, 2);
    // What a build writes is no change: were it one, there would be a third run.
    let folder: PathBuf = home.path("dist");
    assert!(folder.join("sync.wasm").is_file());
    dev.interrupt();
    let ended = dev.wait().expect(0);
    assert_eq!(
        ended.stderr.matches("watching `.`").count(),
        2,
        "{}",
        ended.stderr
    );
}

/// Waits until `dev` has said for the `count`th time that it watches.
fn watched(dev: &mut Running, count: usize) {
    while dev.stderr().matches("Ctrl-C ends").count() < count {
        assert!(!dev.has_ended(), "{}", dev.stderr());
        std::thread::sleep(Duration::from_millis(20));
    }
}
