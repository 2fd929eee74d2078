//! A module of `host/src` imports only from the rows below its own, and a library that
//! only one module may know is named nowhere else.

use crate::source::{Token, starts, tokens};

/// The rows, lowest first. Modules of one row do not know each other.
const ROWS: &[&[&str]] = &[
    &["limits", "error"],
    &["model", "clock", "memory"],
    &["vault"],
    &["store", "egress"],
    &["capability"],
    &["sandbox"],
    &["deploy"],
    &["run"],
    &["catalog"],
    &["schedule", "webhook", "retention"],
    &["api"],
    &["cli"],
];

/// Libraries and the modules that may name them: the one door to the network, the one to
/// the disk, the one to the guest, the one to the terminal.
const OWNED: &[(&str, &[&str])] = &[
    ("reqwest", &["egress"]),
    ("hyper", &["egress"]),
    ("hyper_util", &["egress", "api"]),
    ("axum", &["api"]),
    ("ring", &["vault"]),
    ("ureq", &["cli"]),
    ("sled", &["store"]),
    ("wasmtime", &["sandbox", "capability"]),
    ("wasmtime_wasi", &["sandbox", "capability"]),
    ("clap", &["cli"]),
];

#[test]
fn modules_import_from_the_rows_below_only() {
    let files = crate::files("host/src", "rs");
    assert!(files.len() > 10, "host/src has moved");
    let problems = files.iter().flat_map(|(path, text)| violations(path, text));
    crate::none(problems.collect());
}

/// What is wrong in one file of `host/src`. `lib.rs` and `main.rs` stand above the rows.
fn violations(path: &str, text: &str) -> Vec<String> {
    let inside = path.trim_start_matches("host/src/").trim_end_matches(".rs");
    let module: Vec<&str> = inside.split('/').filter(|part| *part != "mod").collect();
    let own = module[0];
    if own == "lib" || own == "main" {
        return Vec::new();
    }
    let tokens = tokens(text);
    let imports = imports(&tokens, module.len());
    let wrong_rows = imports.into_iter().filter_map(|(name, line)| {
        let why = forbidden(own, &name)?;
        Some(format!("{path}:{line}: {why}"))
    });
    wrong_rows.chain(foreign(path, own, &tokens)).collect()
}

/// Why module `own` may not import `name`, if it may not.
fn forbidden(own: &str, name: &str) -> Option<String> {
    let row = |module: &str| ROWS.iter().position(|row| row.contains(&module));
    let (Some(here), Some(there)) = (row(own), row(name)) else {
        let unknown = if row(own).is_none() { own } else { name };
        return Some(format!(
            "module `{unknown}` is in no row; give it one in ROWS of tests/tidy/layers.rs and in host/src/lib.rs"
        ));
    };
    (own != name && there >= here).then(|| {
        format!(
            "`{own}` (row {here}) imports `{name}` (row {there}); move what it needs to a row below {here}, \
             or pass it in as a value or a trait"
        )
    })
}

/// The top-level modules that a file names, with their lines. `depth` is how many
/// modules deep the file is: 1 for `store/mod.rs`, 2 for `store/memory.rs`.
fn imports(tokens: &[Token], depth: usize) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    let (mut braces, mut inline) = (0, Vec::new());
    for (at, token) in tokens.iter().enumerate() {
        match token.text.as_str() {
            "{" => {
                let is_module = at >= 2 && tokens[at - 2].text == "mod";
                braces += 1;
                inline.extend(is_module.then_some(braces));
            }
            "}" => {
                inline.pop_if(|opened| *opened == braces);
                braces -= 1;
            }
            "crate" if !after(tokens, at, &["$"]) => found.extend(heads(&tokens[at + 1..])),
            "super" if !after(tokens, at, &[":", ":"]) => {
                let supers = supers(&tokens[at..]);
                if supers == depth + inline.len() {
                    found.extend(heads(&tokens[at + 3 * supers - 2..]));
                }
            }
            _ => {}
        }
    }
    found.retain(|(name, _)| name.starts_with(char::is_lowercase) && name != "self");
    found
}

/// Whether the tokens before `at` are these.
fn after(tokens: &[Token], at: usize, texts: &[&str]) -> bool {
    at >= texts.len() && starts(&tokens[at - texts.len()..], texts)
}

/// How many `super::` stand in a row.
fn supers(tokens: &[Token]) -> usize {
    tokens
        .chunks(3)
        .take_while(|chunk| starts(chunk, &["super", ":", ":"]))
        .count()
}

/// What follows a path's first part: one word after `::`, or each word that begins an
/// entry of `::{…}`.
fn heads(rest: &[Token]) -> Vec<(String, usize)> {
    if !starts(rest, &[":", ":"]) {
        return Vec::new();
    }
    let named = |token: &Token| (token.text.clone(), token.line);
    let Some(group) = rest.get(2).filter(|token| token.text == "{") else {
        return rest.get(2).map(named).into_iter().collect();
    };
    let (mut depth, mut found, mut first) = (0, Vec::new(), false);
    for token in rest.iter().skip_while(|token| *token != group) {
        match token.text.as_str() {
            "{" => depth += 1,
            "}" => depth -= 1,
            _ if first => found.push(named(token)),
            _ => {}
        }
        if depth == 0 {
            break;
        }
        first = depth == 1 && ["{", ","].contains(&token.text.as_str());
    }
    found
}

/// Paths into a library that belongs to other modules.
fn foreign(path: &str, own: &str, tokens: &[Token]) -> Vec<String> {
    let mut problems = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let Some((library, owners)) = OWNED.iter().find(|(library, _)| token.text == *library)
        else {
            continue;
        };
        let is_path = starts(&tokens[at + 1..], &[":", ":"]);
        let is_start = !after(tokens, at, &[":", ":"]) || after(tokens, at, &["use", ":", ":"]);
        // `use crate::store::{memory, sled::SledStore}` names our own module.
        let is_ours = within_use_of_crate(tokens, at);
        if is_path && is_start && !is_ours && !owners.contains(&own) {
            let (line, owners) = (token.line, owners.join(", "));
            problems.push(format!(
                "{path}:{line}: `{library}` is named in `{own}`, but belongs to {owners}; let that module offer what is needed"
            ));
        }
    }
    problems
}

/// Whether the statement around `at` began with `use` of `crate`, `super` or `self`.
fn within_use_of_crate(tokens: &[Token], at: usize) -> bool {
    let start = tokens[..at]
        .iter()
        .rposition(|token| token.text == ";")
        .map_or(0, |at| at + 1);
    let mut words = tokens[start..at].iter().map(|token| token.text.as_str());
    words.any(|word| word == "use")
        && words
            .next()
            .is_some_and(|word| ["crate", "super", "self"].contains(&word))
}

#[cfg(test)]
mod tests {
    use super::violations;

    #[test]
    fn seeded_mistakes_are_found_with_their_line() {
        for (path, text, line, word) in [
            ("sandbox/mod.rs", "\nuse crate::run::execute;", 2, "`run`"),
            (
                "capability/fetch.rs",
                "use crate::{error::{Error, Code},\n cli::main};",
                2,
                "`cli`",
            ),
            (
                "store/sled/log.rs",
                "fn x() {\n  crate::egress::send() }",
                2,
                "`egress`",
            ),
            (
                "egress/live.rs",
                "use super::super::store::Store;",
                1,
                "`store`",
            ),
            (
                "egress/mod.rs",
                "mod tests { use super::super::store::Store; }",
                1,
                "`store`",
            ),
            ("util.rs", "use crate::error;", 1, "module `util`"),
            ("run/mod.rs", "use crate::util;", 1, "module `util`"),
            ("model/ids.rs", "use crate::clock::Clock;", 1, "`clock`"),
            ("limits.rs", "use crate::error::Code;", 1, "`error`"),
            ("run/mod.rs", "let x = reqwest::get(url);", 1, "`reqwest`"),
            ("cli/mod.rs", "use wasmtime::Engine;", 1, "`wasmtime`"),
            (
                "deploy/mod.rs",
                "use anyhow::x; use ::sled::Db;",
                1,
                "`sled`",
            ),
        ] {
            let path = format!("host/src/{path}");
            let found = violations(&path, text);
            assert_eq!(found.len(), 1, "{path} {text}: {found:?}");
            assert!(
                found[0].starts_with(&format!("{path}:{line}: ")),
                "{found:?}"
            );
            assert!(found[0].contains(word), "{found:?}");
        }
    }

    #[test]
    fn what_is_allowed_passes() {
        for (path, text) in [
            ("main.rs", "tidegate::cli::main()"),
            ("lib.rs", "pub use crate::cli;"),
            (
                "cli/run.rs",
                "use crate::{store::{self, sled::SledStore}, run, error::Result};",
            ),
            (
                "store/mod.rs",
                "use super::error::Error; mod tests { use super::egress_like; }",
            ),
            (
                "capability/mod.rs",
                "mod tests { use super::run; } mod run;",
            ),
            ("capability/run.rs", "use super::cli;"),
            (
                "store/sled/mod.rs",
                "use sled::Db; use crate::model::{json, RunId};",
            ),
            (
                "egress/live.rs",
                "// use crate::store\nlet x = \"crate::store\"; $crate::store::x",
            ),
            ("error.rs", "pub(crate) fn x() {} use std::fmt;"),
        ] {
            let found = violations(&format!("host/src/{path}"), text);
            assert!(found.is_empty(), "{found:?}");
        }
    }
}
