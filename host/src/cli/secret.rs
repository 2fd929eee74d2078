//! Where secrets come from: variables, files and stdin. Never an argument, which every
//! process of the machine can see and the shell keeps.

use crate::error::{Code, Error, Result};
use crate::limits::KIB;
use serde_json::{Map, Value};
use std::fs::File;
use std::io::Read;

/// Bytes of a secret, or of a file of credentials; more is refused as `usage`, so that a
/// wrong path costs nothing.
const SECRET_BYTES_MAX: u64 = 64 * KIB;

/// The name of a file that means stdin.
const STDIN: &str = "-";

/// The secret in an environment variable.
pub(super) fn variable(name: &str) -> Result<String> {
    std::env::var(name).map_err(|_| {
        wrong(format!(
            "the environment variable `{name}` is not set, or not text"
        ))
    })
}

/// The secret in a file, or on stdin where it is `-`, without the line break at its end.
pub(super) fn file(path: &str) -> Result<String> {
    let text = read(path)?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// Secrets by name: a JSON object of texts in a file, or on stdin where it is `-`.
pub(super) fn object(path: &str) -> Result<Map<String, Value>> {
    // The message has no part of the text: that is secret.
    match serde_json::from_str(&read(path)?) {
        Ok(Value::Object(fields)) if fields.values().all(Value::is_string) => Ok(fields),
        _ => Err(wrong(format!(
            "{} is not a JSON object of texts, such as {{\"token\": \"…\"}}",
            shown(path)
        ))),
    }
}

fn read(path: &str) -> Result<String> {
    let mut text = String::new();
    let read = match path {
        STDIN => limited(std::io::stdin().lock(), &mut text),
        _ => File::open(path).and_then(|file| limited(file, &mut text)),
    };
    match read {
        Ok(_) if text.len() as u64 > SECRET_BYTES_MAX => Err(wrong(format!(
            "{} has more than {SECRET_BYTES_MAX} bytes",
            shown(path)
        ))),
        Ok(_) => Ok(text),
        Err(error) => Err(wrong(format!("reading {}: {error}", shown(path)))),
    }
}

fn limited(from: impl Read, text: &mut String) -> std::io::Result<usize> {
    from.take(SECRET_BYTES_MAX + 1).read_to_string(text)
}

fn shown(path: &str) -> String {
    match path {
        STDIN => "stdin".to_owned(),
        _ => format!("`{path}`"),
    }
}

fn wrong(message: String) -> Error {
    Error::new(Code::Usage, message)
}
