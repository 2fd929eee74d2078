//! JSON into the author's types, with a message that names the field.

use crate::error::Error;
use serde::de::DeserializeOwned;

/// Reads `json`. The usual way is the fast one; only what fails is read again with the
/// path in view, for the message.
pub(crate) fn from_json<T: DeserializeOwned>(json: &str) -> Result<T, Error> {
    serde_json::from_str(json).map_err(|error| {
        let mut reader = serde_json::Deserializer::from_str(json);
        match serde_path_to_error::deserialize::<_, T>(&mut reader) {
            Err(located) if located.path().iter().next().is_some() => {
                Error::new(format_args!("`{}`: {}", located.path(), located.inner()))
            }
            _ => Error::from(error),
        }
    })
}

/// The beginning of `text`, for messages: at most `max` bytes, and marked when cut.
pub(crate) fn excerpt(text: &str, max: usize) -> String {
    let text = text.trim();
    if text.len() <= max {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(max);
    format!("{} …", text.get(..end).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    struct Page {
        #[allow(dead_code)]
        users: Vec<User>,
    }

    #[derive(Debug, Deserialize)]
    struct User {
        #[allow(dead_code)]
        age: u8,
    }

    #[test]
    fn a_wrong_field_is_named_with_its_path() {
        for (json, says) in [
            (
                r#"{"users":[{"age":1},{"age":"x"}]}"#,
                "`users[1].age`: invalid type: string \"x\", expected u8",
            ),
            (r#"{"users":[{}]}"#, "`users[0]`: missing field `age`"),
            (r#"{"users":"#, "EOF while parsing"),
            ("[]", "invalid length 0"),
        ] {
            let error = from_json::<Page>(json).unwrap_err();
            assert!(error.message().contains(says), "{json}: {error}");
        }
    }

    #[test]
    fn an_excerpt_is_cut_between_characters() {
        assert_eq!(excerpt(" short ", 10), "short");
        assert_eq!(excerpt("aää", 2), "a …");
    }
}
