//! The form of CHANGELOG.md: versions newest first, each entry a whole sentence under a
//! known heading, so that a reader finds what concerns them.

const FILE: &str = "CHANGELOG.md";

/// What an entry may stand under: what one can do now, what is safer or faster, what
/// would break for whom, and what only developers notice.
const HEADINGS: &[&str] = &[
    "Features",
    "Safety and performance",
    "Breaking",
    "Fixes",
    "Internals",
];

#[test]
fn the_changelog_keeps_its_form() {
    let cargo = crate::read("Cargo.toml");
    let version = cargo
        .lines()
        .find_map(|line| line.strip_prefix("version = \""));
    let version = version.and_then(|rest| rest.split('"').next()).unwrap();
    crate::none(problems(&crate::read(FILE), version));
}

/// What is wrong with a changelog of a project whose version is `current`.
fn problems(text: &str, current: &str) -> Vec<String> {
    let (mut problems, mut versions, mut under_heading) = (Vec::new(), Vec::new(), false);
    if !text.starts_with("# Changelog\n") {
        problems.push(format!("{FILE}:1: begins with `# Changelog`"));
    }
    let mut lines = text.lines().enumerate().skip(1).peekable();
    while let Some((at, line)) = lines.next() {
        let mut wrong = |what: String| problems.push(format!("{FILE}:{}: {what}", at + 1));
        if let Some(title) = line.strip_prefix("## ") {
            under_heading = false;
            match version(title) {
                Some(version) => versions.push((at + 1, version)),
                None => wrong(format!(
                    "`{title}` is no release; write `Unreleased`, or `1.2.3 (2026-01-31)`"
                )),
            }
        } else if let Some(title) = line.strip_prefix("### ") {
            under_heading = true;
            if !HEADINGS.contains(&title) {
                wrong(format!(
                    "`{title}` is no heading; use one of {}",
                    HEADINGS.join(", ")
                ));
            }
        } else if line.starts_with("- ") {
            let mut entry = line.to_owned();
            while let Some((_, more)) = lines.next_if(|(_, next)| next.starts_with("  ")) {
                entry += more;
            }
            if !under_heading {
                wrong("an entry stands under a `### ` heading".into());
            }
            if !entry.ends_with(['.', '`', ')']) {
                wrong("an entry is a sentence with its full stop: what Tidegate does now, what it did before, who notices".into());
            }
        }
    }
    problems.extend(misordered(&versions, current));
    problems
}

/// A release's number, greatest for what is unreleased.
fn version(title: &str) -> Option<[u32; 3]> {
    if title == "Unreleased" {
        return Some([u32::MAX; 3]);
    }
    let (number, date) = title.split_once(" (")?;
    let digits = |text: &str, count: usize| {
        text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    let parts: Vec<&str> = date.strip_suffix(')')?.split('-').collect();
    let is_date = matches!(parts[..], [y, m, d] if digits(y, 4) && digits(m, 2) && digits(d, 2));
    let numbers: Vec<u32> = number
        .split('.')
        .map(|part| part.parse().ok())
        .collect::<Option<_>>()?;
    numbers.try_into().ok().filter(|_| is_date)
}

fn misordered(versions: &[(usize, [u32; 3])], current: &str) -> Vec<String> {
    let mut problems: Vec<String> = versions
        .windows(2)
        .filter(|pair| pair[0].1 <= pair[1].1)
        .map(|pair| format!("{FILE}:{}: releases stand newest first", pair[1].0))
        .collect();
    let newest = versions.first().map(|(_, version)| *version);
    let told = newest.is_some_and(|newest| {
        newest == [u32::MAX; 3] || newest.map(|part| part.to_string()).join(".") == current
    });
    if !told {
        problems.push(format!(
            "{FILE}: tells nothing of {current}; begin with `## Unreleased` or that version"
        ));
    }
    problems
}

#[test]
fn seeded_mistakes_are_found() {
    let good = "# Changelog\n\nWhat changed.\n\n## Unreleased\n\n### Features\n\n- It syncs\n  records.\n\n## 0.1.0 (2026-01-31)\n\n### Fixes\n- It did not.\n";
    assert_eq!(problems(good, "0.1.0"), Vec::<String>::new());
    for (from, to, line) in [
        ("# Changelog\n", "# Changes\n", ":1:"),
        ("### Features", "### Stuff", ":7:"),
        ("### Features\n", "\n", ":9:"),
        ("  records.", "  records", ":9:"),
        ("(2026-01-31)", "(January)", ":12:"),
        ("## Unreleased", "## 0.0.9 (2026-02-01)", ":12:"),
        (
            "## Unreleased",
            "## 0.3.0 (2026-02-01)",
            "tells nothing of 0.1.0",
        ),
    ] {
        let found = problems(&good.replacen(from, to, 1), "0.1.0");
        assert!(
            found.iter().any(|problem| problem.contains(line)),
            "{from}: {found:?}"
        );
    }
}
