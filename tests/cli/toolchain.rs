//! The TypeScript toolchain's place in the program: what is said where Node or npm lack,
//! and when it is installed. Node and npm are scripts made here, so this runs everywhere.

use crate::{CHECKPOINT, Home, each, holds, refused};
use std::os::unix::fs::PermissionsExt;
use tidegate::error::Code;
use tidegate_provider::Provider;
use tidegate_tests::Tidegate;

/// Answers as Node does, and as the SDK's tool would: with two components.
const NODE: &str = r#"#!/bin/sh
case "$1" in
  --version) echo v20.1.0 ;;
  *) echo "$@" >> calls
     echo "words of the tool" >&2
     echo '{"name":"contacts","component":"one.wasm","bytes":1,"sources":["src/one.ts"]}'
     echo '{"name":"people","component":"two.wasm","bytes":1,"sources":["src/two.ts"]}' ;;
esac
"#;

const NPM: &str = "#!/bin/sh\ncase \"$1\" in --version) echo 11.0.0 ;; *) echo \"npm $1\" >> \"$CALLS\" ;; esac\n";

const BROKEN_NPM: &str = "#!/bin/sh\ncase \"$1\" in --version) echo 11.0.0 ;; *) echo 'npm error network: no registry here' >&2; exit 1 ;; esac\n";

/// A project in an empty folder, where these programs are all that is in the PATH.
fn project(programs: &[(&str, &str)]) -> Home {
    let home = Home::new();
    home.put("sync/package.json", "{}");
    home.put("lone.ts", "export default 1;\n");
    home.put("one.wasm", CHECKPOINT);
    home.put("two.wasm", CHECKPOINT);
    home.put("programs/README", "");
    put_programs(&home, programs);
    home
}

fn put_programs(home: &Home, programs: &[(&str, &str)]) {
    for (name, text) in programs {
        let path = format!("programs/{name}");
        home.put(&path, text);
        let executable = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(home.path(&path), executable).unwrap();
    }
}

fn tidegate(home: &Home, arguments: &[&str]) -> Tidegate {
    home.tidegate(arguments)
        .env("PATH", home.path("programs"))
        .env("TIDEGATE_CACHE", home.path("cache"))
        .env("CALLS", home.path("npm-calls"))
}

fn calls(home: &Home, file: &str) -> Vec<String> {
    let calls = std::fs::read_to_string(home.path(file)).unwrap_or_default();
    calls.lines().map(str::to_owned).collect()
}

#[test]
fn what_is_missing_is_named_with_what_to_do() {
    let old = "#!/bin/sh\necho v18.19.0\n";
    let broken = "#!/bin/sh\nexit 3\n";
    for (programs, says) in [
        (
            &[][..],
            &["no `node` in the PATH", "Node 20", "nodejs.org"][..],
        ),
        (
            &[("node", old)],
            &["`node` is v18.19.0", "Node 20", "nodejs.org"],
        ),
        (
            &[("node", broken)],
            &["`node` does not work", "exit status: 3"],
        ),
        (
            &[("node", NODE)],
            &["no `npm` in the PATH", "comes with Node"],
        ),
        (
            &[("node", NODE), ("npm", BROKEN_NPM)],
            &["no registry here", "fetched once", "must reach"],
        ),
    ] {
        let home = project(programs);
        for arguments in [
            &["build", "sync"][..],
            &["build", "lone.ts"],
            &["new", "fresh"],
        ] {
            let ended = tidegate(&home, arguments).run();
            holds(&refused(ended, Code::BuildFailed), says);
        }
        assert!(!home.path("fresh").exists(), "nothing is half made");
    }
}

#[test]
fn the_toolchain_is_installed_once_and_never_half() {
    let home = project(&[("node", NODE), ("npm", BROKEN_NPM)]);
    refused(tidegate(&home, &["build", "sync"]).run(), Code::BuildFailed);
    assert_eq!(
        calls(&home, "calls"),
        Vec::<String>::new(),
        "it is not used"
    );

    put_programs(&home, &[("npm", NPM)]);
    let first = tidegate(&home, &["build", "sync"]).run().expect(0);
    holds(
        &first.stderr,
        &["installing the TypeScript toolchain", "words of the tool"],
    );
    let second = tidegate(&home, &["build", "sync"]).run().expect(0);
    assert!(!second.stderr.contains("installing"), "{}", second.stderr);
    assert_eq!(calls(&home, "npm-calls"), ["npm install"]);

    let installed: Vec<_> = std::fs::read_dir(home.path("cache"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    let [folder] = &installed[..] else {
        panic!("{installed:?}");
    };
    // The contract's folder is a link in the source tree: here are the files themselves.
    for part in [
        "package-lock.json",
        "bin/tidegate-sdk.mjs",
        "src/guest/host.d.ts",
        "runtime/steady.wasm",
        "wit/deps/tidegate/world.wit",
        "wit/deps/tidegate/manifest.schema.json",
    ] {
        assert!(folder.join(part).is_file(), "{part}");
    }
    for part in ["test", "node_modules", "wit/deps/tidegate/released"] {
        assert!(!folder.join(part).exists(), "{part}");
    }
}

#[test]
fn every_component_of_a_folder_is_checked_and_told() {
    let home = project(&[("node", NODE), ("npm", NPM)]);
    let built = tidegate(&home, &["build", "sync"]).run().expect(0);
    assert_eq!(built.stdout.matches("contacts 1.0.0").count(), 2);
    holds(&built.stderr, &["built `one.wasm`", "built `two.wasm`"]);
    let lines = tidegate(&home, &["build", "sync", "--json"])
        .run()
        .expect(0);
    assert_eq!(
        each(&lines.json_lines(), "component"),
        ["one.wasm", "two.wasm"]
    );

    tidegate(
        &home,
        &["build", "lone.ts", "--out", "elsewhere", "--no-check"],
    )
    .run()
    .expect(0);
    let calls = calls(&home, "calls");
    holds(
        &calls[0],
        &["bin/tidegate-sdk.mjs build sync --out sync/dist"],
    );
    holds(&calls[2], &["build lone.ts --out elsewhere --no-check"]);
}

#[test]
fn dev_runs_the_sync_that_is_named() {
    let home = project(&[("node", NODE), ("npm", NPM)]);
    let provider = Provider::builder().contacts(3, 7).start_blocking().unwrap();
    let dev = |more: &[&str]| {
        let dev = tidegate(
            &home,
            &["dev", "sync", "--no-watch", "--base-url", &provider.url()],
        );
        more.iter().fold(dev, |dev, argument| dev.arg(argument))
    };
    holds(
        &refused(dev(&[]).run(), Code::Usage),
        &["2 syncs in `sync`", "contacts, people", "--sync"],
    );
    holds(
        &refused(dev(&["--sync", "peple"]).run(), Code::Usage),
        &["no sync `peple`", "contacts, people"],
    );
    let said = dev(&["--sync", "people"]).run().expect(0);
    assert_eq!(said.json_lines().len(), 3);
}

#[test]
fn a_checked_out_sdk_is_used_as_it_is() {
    let home = project(&[("node", NODE)]);
    let build = || tidegate(&home, &["build", "sync"]).env("TIDEGATE_TYPESCRIPT_SDK", "sdk");
    home.put("sdk/bin/tidegate-sdk.mjs", "");
    holds(
        &refused(build().run(), Code::BuildFailed),
        &["TIDEGATE_TYPESCRIPT_SDK", "`sdk`", "node_modules"],
    );
    home.put("sdk/node_modules/.keep", "");
    build().run().expect(0);
    holds(
        &calls(&home, "calls")[0],
        &["sdk/bin/tidegate-sdk.mjs build sync"],
    );
    assert!(!home.path("cache").exists(), "nothing is installed");
}
