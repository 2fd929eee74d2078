//! The error codes that SDK authors read in `wit/README.md` are those of
//! `host/src/error.rs`, with the same blame.

use std::collections::BTreeMap;

const CODE: &str = "host/src/error.rs";
const README: &str = "wit/README.md";
const BLAMES: &[&str] = &["guest", "provider", "operator", "host"];

#[test]
fn the_readmes_table_is_that_of_the_code() {
    let table = in_code(&crate::read(CODE));
    assert!(table.len() > 30, "the table in {CODE} has changed its form");
    crate::none(differences(&table, &in_readme(&crate::read(README))));
}

/// Code and blame of each row of the `codes!` table.
fn in_code(text: &str) -> BTreeMap<String, String> {
    let table = text.split_once("\ncodes! {").map_or("", |(_, table)| table);
    let rows = table.lines().take_while(|line| !line.starts_with('}'));
    rows.filter_map(|line| {
        let mut words = line.split_whitespace().skip(1);
        let code = words.next()?.strip_prefix('"')?.strip_suffix('"')?;
        Some((code.to_owned(), words.next()?.to_lowercase()))
    })
    .collect()
}

/// Code and blame of each table row that begins with a code in backticks.
fn in_readme(text: &str) -> BTreeMap<String, String> {
    let rows = text.lines().filter_map(|line| {
        let mut cells = line.trim().strip_prefix('|')?.split('|').map(str::trim);
        let code = cells.next()?.strip_prefix('`')?.strip_suffix('`')?;
        let blame = cells
            .map(str::to_lowercase)
            .find(|cell| BLAMES.contains(&cell.as_str()));
        Some((code.to_owned(), blame?))
    });
    rows.collect()
}

fn differences(code: &BTreeMap<String, String>, readme: &BTreeMap<String, String>) -> Vec<String> {
    let mut problems = Vec::new();
    for (name, blame) in code {
        match readme.get(name) {
            None => problems.push(format!("{README}: `{name}` of {CODE} has no row; add `| `{name}` | {blame} | … |`")),
            Some(told) if told != blame => problems.push(format!("{README}: `{name}` is blamed on {told}, but in {CODE} on {blame}; mend the one that is wrong")),
            Some(_) => {}
        }
    }
    let unknown = readme.keys().filter(|name| !code.contains_key(*name));
    problems.extend(unknown.map(|name| {
        format!("{README}: `{name}` is no code of {CODE}; add it there or drop the row")
    }));
    problems
}

#[test]
fn seeded_mistakes_are_found() {
    let code = in_code(
        "x\ncodes! {\n    // name text\n    A \"a.a\" Guest 403 23 \"x\";\n    B \"b.b\" Host 500 1 \"y\";\n}\n C \"c.c\" Host 1 1 \"\";",
    );
    let readme = |text: &str| differences(&code, &in_readme(text));
    assert_eq!(
        readme("| `a.a` | guest | x |\n| `b.b` | what | Host |\n| `other` | u32 |"),
        Vec::<String>::new()
    );
    assert_eq!(readme("| `a.a` | host | x |").len(), 2);
    assert!(readme("| `a.a` | guest |\n| `b.b` | host |\n| `d.d` | host |")[0].contains("d.d"));
}
