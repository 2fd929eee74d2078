//! JSON as JavaScript spells it: compact, and with keys in the order that its objects
//! have after their text was read.
//!
//! Nango's older check of a signature parses the body and writes it again with
//! `JSON.stringify`, so the text must survive that unchanged: keys that are array indices
//! come first and by value, the others sorted; a number has JavaScript's digits. Whole
//! numbers beyond 2^53 are kept as they are, because other apps can read them; there the
//! older check fails and only the HMAC over the raw bytes holds.

use serde_json::{Map, Number, Value};
use std::cmp::Ordering;

/// From here on JavaScript writes a number with an exponent.
const PLAIN_BELOW: f64 = 1e21;
/// Below this as well.
const PLAIN_FROM: f64 = 1e-6;
/// The first number that is no array index any more: 2^32 - 1.
const INDEX_END: u32 = u32::MAX;

/// The text of an object.
pub(super) fn object(fields: &Map<String, Value>) -> String {
    let mut text = String::new();
    put_object(fields, &mut text);
    text
}

fn put(value: &Value, text: &mut String) {
    match value {
        Value::Object(fields) => put_object(fields, text),
        Value::Array(items) => {
            text.push('[');
            for (at, item) in items.iter().enumerate() {
                text.push_str(if at == 0 { "" } else { "," });
                put(item, text);
            }
            text.push(']');
        }
        Value::Number(number) => text.push_str(&spelt(number)),
        // serde_json escapes what JavaScript escapes, in the same way.
        Value::Null | Value::Bool(_) | Value::String(_) => text.push_str(&value.to_string()),
    }
}

fn put_object(fields: &Map<String, Value>, text: &mut String) {
    let mut sorted: Vec<(&String, &Value)> = fields.iter().collect();
    sorted.sort_by(|one, other| order(one.0, other.0));
    text.push('{');
    for (at, (key, value)) in sorted.into_iter().enumerate() {
        text.push_str(if at == 0 { "" } else { "," });
        text.push_str(&Value::from(key.as_str()).to_string());
        text.push(':');
        put(value, text);
    }
    text.push('}');
}

fn order(one: &str, other: &str) -> Ordering {
    match (index(one), index(other)) {
        (Some(one), Some(other)) => one.cmp(&other),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => one.encode_utf16().cmp(other.encode_utf16()),
    }
}

/// The array index that a key is to JavaScript.
fn index(key: &str) -> Option<u32> {
    let number: u32 = key.parse().ok()?;
    (number < INDEX_END && number.to_string() == key).then_some(number)
}

fn spelt(number: &Number) -> String {
    let Some(value) = number.as_f64().filter(|_| number.is_f64()) else {
        return number.to_string();
    };
    if value == 0.0 {
        return "0".into();
    }
    if (PLAIN_FROM..PLAIN_BELOW).contains(&value.abs()) {
        return value.to_string();
    }
    let text = format!("{value:e}");
    match text.contains("e-") {
        true => text,
        false => text.replace('e', "e+"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn spell(json: &str) -> String {
        object(&serde_json::from_str(json).unwrap())
    }

    #[test]
    fn keys_and_numbers_are_as_javascript_has_them() {
        // What JSON.stringify(JSON.parse(..)) makes of the right side is the right side
        // itself, but for the number beyond 2^53.
        for (json, expected) in [
            (
                r#"{ "b": 1, "a": {"d": [], "c": null} }"#,
                r#"{"a":{"c":null,"d":[]},"b":1}"#,
            ),
            (
                r#"{"a":1,"10":2,"9":3,"-1":4,"01":5,"4294967295":6,"4294967294":7}"#,
                r#"{"9":3,"10":2,"4294967294":7,"-1":4,"01":5,"4294967295":6,"a":1}"#,
            ),
            (
                r#"{"\ufb33":1,"\ud83d\ude00":2}"#,
                "{\"😀\":2,\"\u{fb33}\":1}",
            ),
            (
                r#"{"n":[1.0,-0.0,1e20,1e21,1.5e300,1e-6,1.5e-7,0.1]}"#,
                r#"{"n":[1,0,100000000000000000000,1e+21,1.5e+300,0.000001,1.5e-7,0.1]}"#,
            ),
            (r#"{"n":9007199254740993}"#, r#"{"n":9007199254740993}"#),
            (
                r#"{"s":"\u0001\n\"\u007f\/\u00e4"}"#,
                "{\"s\":\"\\u0001\\n\\\"\u{7f}/ä\"}",
            ),
        ] {
            assert_eq!(spell(json), expected, "{json}");
        }
    }

    proptest! {
        #[test]
        fn the_text_is_the_same_value_whatever_the_order(
            mut fields in proptest::collection::hash_map("[0-9a-cé\"\\\\]{0,4}", any::<i32>(), 0..8)
                .prop_map(|fields| fields.into_iter().collect::<Vec<_>>()),
        ) {
            let map = |fields: &[(String, i32)]| -> Map<String, Value> {
                fields.iter().map(|(key, value)| (key.clone(), Value::from(*value))).collect()
            };
            let text = object(&map(&fields));
            prop_assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), Value::Object(map(&fields)));
            fields.reverse();
            prop_assert_eq!(object(&map(&fields)), text);
        }
    }
}
