//! Every limit is a named const that says what happens there; no code holds a bare one.

use crate::source::{Token, is_test_file, starts, tokens, without_tests};

/// The home of the limits.
const HOME: &str = "host/src/limits.rs";

/// Consts of it that are units, not limits.
const UNITS: &[&str] = &["KIB", "MIB", "GIB"];

/// Words by which a doc comment tells the outcome; a code in backticks does too.
const OUTCOMES: &[&str] = &[
    "outcome as [`",
    "refused",
    "trap",
    "fails",
    "failure",
    "held",
    "dropped",
    "cut",
    "yields",
    "flushed",
    "anew",
    "replace",
    "wait",
    "counts",
    "ends",
    "is left",
    "sample",
    "may set",
    "honoured",
];

/// Limits whose doc comment does not tell the outcome yet. The list only shrinks: an
/// entry that is no longer needed fails the test.
const WITHOUT_OUTCOME: &[&str] = &[];

#[test]
fn every_limit_says_what_happens_there() {
    let consts = consts(&crate::read(HOME));
    assert!(consts.len() > 50, "{HOME} has moved");
    crate::none(undocumented(&consts, WITHOUT_OUTCOME));
}

#[test]
fn no_code_holds_a_bare_limit() {
    let files = crate::files("host/src", "rs");
    let files = files
        .iter()
        .filter(|(path, _)| path != HOME && !is_test_file(path));
    crate::none(files.flat_map(|(path, text)| bare(path, text)).collect());
}

/// A const with its line and its doc comment.
struct Const {
    name: String,
    line: usize,
    doc: String,
}

fn consts(text: &str) -> Vec<Const> {
    let (mut found, mut doc) = (Vec::new(), String::new());
    for (at, line) in text.lines().enumerate() {
        if let Some(comment) = line.strip_prefix("///") {
            doc += comment;
            continue;
        }
        if let Some((name, _)) = line
            .strip_prefix("pub const ")
            .and_then(|rest| rest.split_once(':'))
        {
            let (name, line, doc) = (name.to_owned(), at + 1, doc.clone());
            found.push(Const { name, line, doc });
        }
        doc.clear();
    }
    found
}

fn undocumented(consts: &[Const], skipped: &[&str]) -> Vec<String> {
    let tells = |doc: &str| {
        OUTCOMES.iter().any(|word| doc.contains(word))
            || doc.split('`').skip(1).step_by(2).any(is_code)
    };
    let mut problems = Vec::new();
    for Const { name, line, doc } in consts
        .iter()
        .filter(|each| !UNITS.contains(&each.name.as_str()))
    {
        let skip = skipped.contains(&name.as_str());
        if doc.trim().is_empty() {
            problems.push(format!("{HOME}:{line}: {name} has no doc comment; give its unit, its reason and what happens there"));
        } else if !tells(doc) && !skip {
            problems.push(format!("{HOME}:{line}: {name} does not say what happens there; name the error code, or say what is refused or cut"));
        } else if tells(doc) && skip {
            problems.push(format!("{HOME}:{line}: {name} says what happens there; take it off WITHOUT_OUTCOME in tests/tidy/limits.rs"));
        }
    }
    let gone = skipped
        .iter()
        .filter(|skip| consts.iter().all(|each| each.name != **skip));
    problems.extend(gone.map(|skip| {
        format!(
            "{skip} is on WITHOUT_OUTCOME in tests/tidy/limits.rs, but not in {HOME}; take it off"
        )
    }));
    problems
}

/// Whether a backticked text is an error code, such as `limit.memory`.
fn is_code(text: &str) -> bool {
    let is_word =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    text.split_once('.')
        .is_some_and(|(area, what)| is_word(area) && is_word(what))
}

/// Bare limits in a file: durations of a literal number, and sizes made by 1024. A const
/// of the module's own is not bare.
fn bare(path: &str, text: &str) -> Vec<String> {
    let tokens = without_tests(&tokens(text));
    let mut problems = Vec::new();
    for at in 0..tokens.len() {
        let Some(what) = limit_at(&tokens[at..]) else {
            continue;
        };
        if !in_const(&tokens[..at]) {
            let line = tokens[at].line;
            problems.push(format!(
                "{path}:{line}: a bare limit, `{what}`; name it in {HOME}, or in a const at the top of this file, with unit, reason and outcome"
            ));
        }
    }
    problems
}

fn limit_at(tokens: &[Token]) -> Option<String> {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    let is_number = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
    let is_time = starts(tokens, &["Duration", ":", ":"])
        && text(3).starts_with("from_")
        && text(4) == "("
        && is_number(text(5));
    let is_size = text(0) == "*" && text(1) == "1024" || text(0) == "1024" && text(1) == "*";
    match (is_time, is_size) {
        (true, _) => Some(format!("Duration::{}({}…)", text(3), text(5))),
        (_, true) => Some(format!("{} {}", text(0), text(1))),
        _ => None,
    }
}

/// Whether the statement that these tokens lead up to is a `const`.
fn in_const(before: &[Token]) -> bool {
    let statement = before
        .iter()
        .rev()
        .take_while(|token| ![";", "{", "}"].contains(&token.text.as_str()));
    statement.into_iter().any(|token| token.text == "const")
}

#[test]
fn seeded_mistakes_are_found() {
    for (text, count) in [
        ("fn x() { sleep(Duration::from_secs(30)) }", 1),
        ("fn x() { let a = 8 * 1024; let b = 1024 * n; }", 2),
        ("fn x() { std::time::Duration::from_millis(1_000) }", 1),
        ("fn x(s: u64) { Duration::from_secs(s) }", 0),
        ("const WAIT: Duration = Duration::from_secs(30);", 0),
        ("const SIZE: usize = 8 * 1024;", 0),
        (
            "#[cfg(test)] mod tests { fn x() { Duration::from_secs(1) } }",
            0,
        ),
        ("// Duration::from_secs(30)\n", 0),
    ] {
        let found = bare("host/src/run/mod.rs", text);
        assert_eq!(found.len(), count, "{text}: {found:?}");
    }
    let consts = consts(
        "/// Bytes; more is `limit.memory`.\npub const A: u64 = 1;\npub const B: u64 = 1;\n\
         /// Bytes of\n/// a thing.\npub const C: u64 = 1;\npub const fn x() {}",
    );
    let found = undocumented(&consts, &["A", "D"]);
    let found: Vec<&str> = found
        .iter()
        .map(|problem| problem.split(' ').next().unwrap())
        .collect();
    let line = |line: usize| format!("{HOME}:{line}:");
    assert_eq!(found, [&line(2), &line(3), &line(6), "D"]);
}
