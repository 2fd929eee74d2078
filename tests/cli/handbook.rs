//! Completions and man pages: made for every shell and every command.

use crate::{Home, holds, refused};
use std::process::Command;
use tidegate::error::Code;

/// A shell, and what only its own completions have.
const SHELLS: &[(&str, &str)] = &[
    ("bash", "complete -F _tidegate"),
    ("zsh", "#compdef tidegate"),
    ("fish", "complete -c tidegate"),
    ("elvish", "edit:completion"),
    ("powershell", "Register-ArgumentCompleter"),
];

#[test]
fn every_shell_learns_every_command() {
    let home = Home::new();
    for (shell, own) in SHELLS {
        let said = home.tidegate(&["completions", shell]).run().expect(0);
        assert_eq!(said.stderr, "");
        for part in [own, "doctor", "connection", "credential-file"] {
            assert!(said.stdout.contains(part), "{shell} without `{part}`");
        }
    }
    let other = home.tidegate(&["completions", "cmd"]).run().expect(2);
    holds(&other.stderr, &["'cmd'", "bash"]);
}

#[test]
fn bash_takes_them() {
    let home = Home::new();
    let said = home.tidegate(&["completions", "bash"]).run().expect(0);
    home.put("tidegate.bash", &said.stdout);
    let words = "source tidegate.bash; COMP_WORDS=(tidegate doc); COMP_CWORD=1; \
                 _tidegate tidegate doc tidegate; echo \"${COMPREPLY[@]}\"";
    let bash = Command::new("bash")
        .args(["-c", words])
        .current_dir(home.path("."))
        .output();
    match bash {
        Ok(ended) => assert_eq!(String::from_utf8_lossy(&ended.stdout).trim(), "doctor"),
        Err(error) => tidegate_tests::skip("bash's completions", &error.to_string()),
    }
}

#[test]
fn every_command_has_its_page() {
    let home = Home::new();
    std::fs::create_dir(home.path("man1")).unwrap();
    home.tidegate(&["man", "--folder", "man1"]).run().expect(0);
    for page in [
        "tidegate.1",
        "tidegate-serve.1",
        "tidegate-connection.1",
        "tidegate-connection-set.1",
        "tidegate-completions.1",
    ] {
        let text = std::fs::read_to_string(home.path("man1").join(page)).unwrap();
        holds(&text, &[".TH", ".SH NAME", "tidegate"]);
    }
    let one = home.tidegate(&["man"]).run().expect(0);
    let whole = std::fs::read_to_string(home.path("man1/tidegate.1")).unwrap();
    holds(&one.stdout, &[".TH tidegate 1", "doctor"]);
    holds(&whole, &["doctor"]);
    let nowhere = home.tidegate(&["man", "--folder", "nowhere"]).run();
    holds(&refused(nowhere, Code::Usage), &["`nowhere`"]);
}
