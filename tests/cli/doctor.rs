//! `doctor`: on a machine that is well, and on one for each thing that may be wrong.

use crate::served::{ENVIRONMENT, Served};
use crate::{Home, holds};
use serde_json::Value;
use std::fs::Permissions;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use tidegate::error::Code;
use tidegate_tests::process::binary;

/// An address where nothing listens, so that a host on this machine is not asked.
const NOBODY: &str = "127.0.0.1:0";

/// What the doctor found of one thing.
fn check<'a>(found: &'a Value, name: &str) -> &'a Value {
    let checks = found["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["name"] == name);
    check.unwrap_or_else(|| panic!("nothing of {name} in {found}"))
}

#[test]
fn a_fresh_folder_is_well_and_stays_empty() {
    let home = Home::new();
    let call = || home.tidegate(&["doctor", "--listen", NOBODY]);
    let found = call().arg("--json").run().expect(0).json();
    let names = [
        "settings",
        "store",
        "free disk",
        "master keys",
        "operator key",
        "address",
        "host",
        "clock",
        "open files",
        "address space",
        "program `sync`",
        "certificates",
        "build tools",
        "memory",
    ];
    for name in names {
        let check = check(&found, name);
        assert_ne!(check["state"], "failed", "{check}");
        assert_ne!(check["found"], "", "{check}");
        assert_eq!(check["state"] == "ok", check["advice"].is_null(), "{check}");
    }
    holds(
        &check(&found, "settings").to_string(),
        &["listen from flag"],
    );
    holds(
        &check(&found, "host").to_string(),
        &["warning", "tidegate serve"],
    );
    let said = call().run().expect(0);
    holds(
        &said.stdout,
        &["ok ", "first start makes it", "→ start it with"],
    );
    assert_eq!(said.stderr, "");
    assert_eq!(std::fs::read_dir(home.path(".")).unwrap().count(), 0);
}

#[test]
fn a_host_that_serves_is_seen_with_its_environments() {
    let served = Served::with(b"");
    let doctor = |more: &[&str]| {
        let call = served
            .home
            .tidegate(&["doctor", "--listen", &served.address]);
        more.iter()
            .fold(call, |call, more| call.arg(more))
            .arg("--json")
    };
    served.add_environment();
    let found = doctor(&[]).run().expect(0).json();
    let process = format!("process {}", served.process());
    for (name, state, says) in [
        ("store", "ok", process.as_str()),
        ("address", "ok", "a host answers"),
        ("host", "ok", env!("CARGO_PKG_VERSION")),
        ("memory", "ok", "1280.0 MiB needed"),
        ("operator key", "ok", ".tidegate/operator-key"),
        ("master keys", "ok", "1 of them"),
    ] {
        let check = check(&found, name);
        assert_eq!(check["state"], state, "{check}");
        holds(check["found"].as_str().unwrap(), &[says]);
    }
    // More than any machine has: told, but no failure, since not all runs run at once.
    let huge = ["env", "set", ENVIRONMENT, "--memory-mib", "1000000000"];
    served.json(&huge);
    let ended = doctor(&[]).env("TIDEGATE_RUNS", "1000000").run().expect(0);
    let found = ended.json();
    assert_eq!(check(&found, "memory")["state"], "warning", "{found}");
    holds(
        check(&found, "memory")["advice"].as_str().unwrap(),
        &["tidegate env set"],
    );
    // Somebody else's key.
    served
        .home
        .put("other-key", "3d1f0c52-9a77-4e0b-b6f3-0a5d2c9e8f41\n");
    let other = served.home.path("other-key");
    std::fs::set_permissions(&other, Permissions::from_mode(0o600)).unwrap();
    let ended = doctor(&[]).env("TIDEGATE_OPERATOR_KEY_FILE", &other).run();
    let ended = ended.expect(Code::ConfigInvalid.exit_code().into());
    holds(&ended.stdout, &["unknown_account", "operator_key_file"]);
}

/// What is wrong in a home, the flags and the variable with which the doctor comes, which
/// check fails or warns, with what it says.
struct Row {
    spoil: fn(&Home),
    variable: (&'static str, &'static str),
    check: &'static str,
    code: Option<Code>,
    says: &'static [&'static str],
}

const NONE: (&str, &str) = ("NO_COLOR", "1");

const ROWS: &[Row] = &[
    Row {
        spoil: |home| home.put("tidegate.toml", "lisen = 1"),
        variable: NONE,
        check: "settings",
        code: Some(Code::ConfigInvalid),
        says: &["`lisen`", "did you mean `listen`"],
    },
    Row {
        spoil: |_| {},
        variable: ("TIDEGATE_RUNS", "many"),
        check: "settings",
        code: Some(Code::ConfigInvalid),
        says: &["`runs` = `many`", "TIDEGATE_RUNS", "--origin"],
    },
    Row {
        spoil: |_| {},
        variable: ("TIDEGATE_LOG_FORMAT", "xml"),
        check: "settings",
        code: Some(Code::ConfigInvalid),
        says: &["`xml`", "json or text"],
    },
    Row {
        spoil: |_| {},
        variable: ("TIDEGATE_RUN", "1"),
        check: "settings",
        code: None,
        says: &["TIDEGATE_RUN sets nothing", "`runs`"],
    },
    Row {
        spoil: |home| home.put(".tidegate/store", "no folder"),
        variable: NONE,
        check: "store",
        code: Some(Code::StoreUnavailable),
        says: &["is no folder"],
    },
    Row {
        spoil: |home| {
            home.put("keys", "one:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n");
            std::fs::set_permissions(home.path("keys"), Permissions::from_mode(0o644)).unwrap();
        },
        variable: ("TIDEGATE_KEY_FILE", "keys"),
        check: "master keys",
        code: Some(Code::ConfigInvalid),
        says: &["has mode 644", "chmod 600"],
    },
    Row {
        spoil: |home| home.put(".tidegate/store/stamp", "{}"),
        variable: NONE,
        check: "master keys",
        code: None,
        says: &["there is a store, but no", "from its copy"],
    },
    Row {
        spoil: |home| {
            home.put(".tidegate/operator-key", "short");
            let path = home.path(".tidegate/operator-key");
            std::fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
        },
        variable: NONE,
        check: "operator key",
        code: Some(Code::InvalidArgument),
        says: &["next start makes another"],
    },
    Row {
        spoil: |_| {},
        variable: ("PATH", "/nowhere"),
        check: "program `sync`",
        code: Some(Code::StoreUnavailable),
        says: &["not in the PATH", "coreutils"],
    },
    Row {
        spoil: |_| {},
        variable: ("PATH", "/nowhere"),
        check: "build tools",
        code: Some(Code::StoreUnavailable),
        says: &["no rustc", "rustup"],
    },
];

#[test]
fn what_is_wrong_is_named_with_what_to_do() {
    for row in ROWS {
        println!("{}: {:?}", row.check, row.variable);
        let home = Home::new();
        (row.spoil)(&home);
        let (name, value) = row.variable;
        let call = || {
            home.tidegate(&["doctor", "--listen", NOBODY])
                .env(name, value)
        };
        let exit = row.code.map_or(0, |code| code.exit_code().into());
        let ended = call().arg("--json").run().expect(exit);
        let lines = ended.json_lines();
        let found = check(&lines[0], row.check);
        assert_ne!(found["state"], "ok", "{found}");
        let words = [&found["found"], &found["advice"]].map(|text| text.as_str().unwrap());
        holds(&words.join("\n"), row.says);
        if let Some(code) = row.code {
            assert_eq!(lines[1]["error"]["code"], code.as_str());
            let said = call().run().expect(exit);
            holds(&said.stderr, &["checks failed: ", "hint: "]);
            holds(&said.stdout, &["failed ", "→ "]);
        }
    }
}

#[test]
fn an_address_that_something_else_has_is_told_from_a_host() {
    let home = Home::new();
    let taken = TcpListener::bind(NOBODY).unwrap();
    let address = taken.local_addr().unwrap().to_string();
    // It takes the connection and closes it without an answer.
    std::thread::spawn(move || taken.incoming().for_each(drop));
    let call = home.tidegate(&["doctor", "--json", "--listen", &address]);
    let ended = call.run().expect(Code::ConfigInvalid.exit_code().into());
    let lines = ended.json_lines();
    let found = check(&lines[0], "address");
    assert_eq!(found["state"], "failed");
    holds(&found.to_string(), &[&address, "no host of Tidegate"]);
}

#[test]
fn too_few_open_files_fail() {
    let home = Home::new();
    let ended = Command::new("sh")
        .arg("-c")
        .arg(format!(
            "ulimit -n 64; exec '{}' doctor --json --listen {NOBODY}",
            binary().display()
        ))
        .current_dir(home.path("."))
        .output()
        .unwrap();
    let text = String::from_utf8(ended.stdout).unwrap();
    let found: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    let found = check(&found, "open files");
    assert_eq!(found["state"], "failed", "{found}");
    holds(
        &found.to_string(),
        &["64 at most", "ulimit -n", "LimitNOFILE"],
    );
    let code = Code::StoreUnavailable.exit_code().into();
    assert_eq!(ended.status.code(), Some(code));
}
