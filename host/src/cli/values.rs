//! What flags hold beside plain words: JSON objects, and pairs.

use crate::error::{Code, Error, Result};
use serde_json::{Map, Value};

/// The JSON object that the flag `--{flag}` was given. `usage` if it is none.
pub(super) fn object(flag: &str, text: &str) -> Result<Map<String, Value>> {
    serde_json::from_str(text).map_err(|_| {
        Error::new(
            Code::Usage,
            format!("--{flag} `{text}` is not a JSON object"),
        )
    })
}

/// The two parts of what the flag `--{flag}` was given, which `form` spells, such as
/// `NAME=VAR`. `usage` if one is missing.
pub(super) fn pair<'a>(flag: &str, form: &str, text: &'a str) -> Result<(&'a str, &'a str)> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !value.is_empty() => Ok((name, value)),
        _ => Err(Error::new(
            Code::Usage,
            format!("--{flag} `{text}` is not of the form {form}"),
        )),
    }
}
