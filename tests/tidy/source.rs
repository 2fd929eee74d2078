//! Just enough of Rust's grammar for the rules: words and signs with their lines,
//! without comments, strings, and (where a rule wants that) without tests.

/// A word, a number or one sign.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    pub text: String,
    /// From 1.
    pub line: usize,
}

/// The tokens of a Rust file. Comments are gone; a string or character is `""`.
pub fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let (mut found, mut at, mut line) = (Vec::new(), 0, 1);
    while at < chars.len() {
        let (kind, length) = token(&chars[at..]);
        let text: String = chars[at..at + length].iter().collect();
        match kind {
            Kind::Blank => {}
            Kind::Quoted => found.push(Token {
                text: "\"\"".into(),
                line,
            }),
            Kind::Word | Kind::Sign => found.push(Token {
                text: text.clone(),
                line,
            }),
        }
        line += text.matches('\n').count();
        at += length;
    }
    found
}

/// The same without what stands under `#[cfg(test)]`.
pub fn without_tests(tokens: &[Token]) -> Vec<Token> {
    let mark = ["#", "[", "cfg", "(", "test", ")", "]"];
    let (mut kept, mut at) = (Vec::new(), 0);
    while at < tokens.len() {
        if starts(&tokens[at..], &mark) {
            at += mark.len() + item_length(&tokens[at + mark.len()..]);
        } else {
            kept.push(tokens[at].clone());
            at += 1;
        }
    }
    kept
}

/// Whether `tokens` begins with these texts.
pub fn starts(tokens: &[Token], texts: &[&str]) -> bool {
    tokens.len() >= texts.len()
        && tokens
            .iter()
            .zip(texts)
            .all(|(token, text)| token.text == *text)
}

/// Whether a file holds nothing but tests, going by its name.
pub fn is_test_file(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/")
}

enum Kind {
    Blank,
    Quoted,
    Word,
    Sign,
}

/// The kind and length of the token that `rest` (never empty) begins with.
fn token(rest: &[char]) -> (Kind, usize) {
    let is_word = |c: &char| c.is_alphanumeric() || *c == '_';
    let until = |end: &str| find(rest, end).map_or(rest.len(), |at| at + end.len());
    let second = rest.get(1).copied().unwrap_or(' ');
    match rest[0] {
        '/' if second == '/' => (Kind::Blank, find(rest, "\n").unwrap_or(rest.len())),
        '/' if second == '*' => (Kind::Blank, until("*/")),
        '"' => (Kind::Quoted, quoted(rest, '"')),
        'r' if second == '"' || second == '#' && raw_hashes(rest).is_some() => {
            let end = format!("\"{}", "#".repeat(raw_hashes(rest).unwrap_or(0)));
            let open = end.len() + 1;
            let close = find(&rest[open..], &end).map_or(rest.len(), |at| open + at + end.len());
            (Kind::Quoted, close)
        }
        '\'' if second == '\\' || rest.get(2) == Some(&'\'') => (Kind::Quoted, quoted(rest, '\'')),
        c if is_word(&c) => (Kind::Word, rest.iter().take_while(|c| is_word(c)).count()),
        c if c.is_whitespace() => (Kind::Blank, 1),
        _ => (Kind::Sign, 1),
    }
}

/// How many `#` stand between `r` and the quote of a raw string; none if it is none.
fn raw_hashes(rest: &[char]) -> Option<usize> {
    let hashes = rest[1..].iter().take_while(|c| **c == '#').count();
    (rest.get(1 + hashes) == Some(&'"')).then_some(hashes)
}

/// Length of a quoted literal, both quotes included.
fn quoted(rest: &[char], quote: char) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != quote {
        at += if rest[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(rest.len())
}

fn find(rest: &[char], wanted: &str) -> Option<usize> {
    let wanted: Vec<char> = wanted.chars().collect();
    rest.windows(wanted.len())
        .position(|window| window == wanted)
}

/// How many tokens an item has: up to its `;`, or to the end of its braces.
fn item_length(tokens: &[Token]) -> usize {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate() {
        match token.text.as_str() {
            "{" => depth += 1,
            "}" if depth == 1 => return at + 1,
            "}" => depth -= 1,
            ";" if depth == 0 => return at + 1,
            _ => {}
        }
    }
    tokens.len()
}

#[test]
fn comments_strings_and_tests_are_told_from_code() {
    let text = r####"
        //! use crate::cli;
        /* use crate::cli; */ let a = "crate::cli \" //"; let b = r#"crate"::cli"#;
        let c = '"'; let d: &'static str = b"x"; let e = '\''; raw(r, 1);
        #[cfg(test)] mod tests { fn x() { crate::cli } }
        #[cfg(test)] use crate::cli;
        end
    "####;
    let found = without_tests(&tokens(text));
    let words: Vec<&str> = found.iter().map(|token| token.text.as_str()).collect();
    assert_eq!(
        words.join(" "),
        "let a = \"\" ; let b = \"\" ; let c = \"\" ; let d : & ' static str = b \"\" ; \
         let e = \"\" ; raw ( r , 1 ) ; end"
    );
    assert_eq!(found.last().unwrap().line, 7);
}
