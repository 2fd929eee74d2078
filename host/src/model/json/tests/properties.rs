//! What holds for any JSON, against serde_json and against respelt copies.

use super::*;

/// Any JSON value with at most a few levels; numbers that serde_json keeps exactly.
fn any_value() -> impl Strategy<Value = Value> {
    let text = prop_oneof!["[a-z]{0,12}", "\\PC{0,9}", "[\\x00-\\x20\"\\\\/é😀]{0,12}"];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1000i32..1000, 0u32..4)
            .prop_map(|(n, places)| Value::from(f64::from(n) / f64::from(10u32.pow(places)))),
        text.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::hash_map(text.clone(), inner, 0..6)
                .prop_map(|members| members.into_iter().collect::<Value>()),
        ]
    })
}

/// Writes `value` in another spelling, chosen by the bits of `dice`.
fn respell(value: &Value, dice: &mut impl FnMut(usize) -> usize, out: &mut String) {
    let space = [" ", "", "\t", "", "  "];
    out.push_str(space[dice(space.len())]);
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            let by = dice(members.len() + 1) % members.len().max(1);
            members.rotate_left(by);
            out.push('{');
            for (index, (key, value)) in members.into_iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                respell_text(key, dice, out);
                out.push_str(space[dice(space.len())]);
                out.push(':');
                respell(value, dice, out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                respell(item, dice, out);
            }
            out.push(']');
        }
        Value::String(text) => respell_text(text, dice, out),
        Value::Number(number) => {
            let text = number.to_string();
            out.push_str(&match (dice(4), text.contains('.')) {
                (0, true) => format!("{text}00"),
                (0, false) => format!("{text}.0"),
                (1, _) => format!("{text}e0"),
                (2, true) => format!("{text}E+0"),
                (2, false) if text != "0" => format!("{text}00e-2"),
                _ => text,
            });
        }
        other => out.push_str(&other.to_string()),
    }
    out.push_str(space[dice(space.len())]);
}

fn respell_text(text: &str, dice: &mut impl FnMut(usize) -> usize, out: &mut String) {
    out.push('"');
    for each in text.chars() {
        let must = each < ' ' || each == '"' || each == '\\';
        if must || dice(5) == 0 {
            for unit in each.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04X}"));
            }
        } else {
            out.push(each);
        }
    }
    out.push('"');
}

/// Numbers below a bound, from seeded bits.
fn dice(mut seed: u64) -> impl FnMut(usize) -> usize {
    move |below| {
        seed = seed
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (seed >> 33) as usize % below.max(1)
    }
}

/// A value with numbers as the scanner sees them: 1.0 and 1 are one.
fn normal(value: &Value) -> Value {
    match value {
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() && float.fract() == 0.0 => Value::from(float as i64),
            _ => value.clone(),
        },
        Value::Array(items) => items.iter().map(normal).collect(),
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(key, _)| key.as_str());
            let pairs = members
                .into_iter()
                .map(|(key, value)| (key.clone(), normal(value)));
            Value::Object(pairs.collect())
        }
        other => other.clone(),
    }
}

/// Whether serde_json's strict parser takes `text` and none of our own rules forbids it.
fn oracle(text: &str) -> bool {
    struct Unique;
    impl<'de> serde::de::DeserializeSeed<'de> for Unique {
        type Value = ();
        fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
            from.deserialize_any(self)
        }
    }
    impl<'de> serde::de::Visitor<'de> for Unique {
        type Value = ();
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("JSON without a key twice")
        }
        fn visit_unit<E>(self) -> Result<(), E> {
            Ok(())
        }
        fn visit_bool<E>(self, _: bool) -> Result<(), E> {
            Ok(())
        }
        fn visit_i64<E>(self, _: i64) -> Result<(), E> {
            Ok(())
        }
        fn visit_u64<E>(self, _: u64) -> Result<(), E> {
            Ok(())
        }
        fn visit_f64<E>(self, _: f64) -> Result<(), E> {
            Ok(())
        }
        fn visit_str<E>(self, _: &str) -> Result<(), E> {
            Ok(())
        }
        fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
            while items.next_element_seed(Unique)?.is_some() {}
            Ok(())
        }
        fn visit_map<A: serde::de::MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
            let mut keys = std::collections::HashSet::new();
            while let Some(key) = members.next_key::<String>()? {
                if !keys.insert(key) {
                    return Err(serde::de::Error::custom("twice"));
                }
                members.next_value_seed(Unique)?;
            }
            Ok(())
        }
    }
    let mut parser = serde_json::Deserializer::from_str(text);
    let parsed = serde::de::DeserializeSeed::deserialize(Unique, &mut parser);
    parsed.and_then(|()| parser.end()).is_ok() && text.trim_start().starts_with('{')
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_same_value_in_any_spelling_has_the_same_hash(value in any_value(), seed: u64) {
        let mut other = String::new();
        respell(&value, &mut dice(seed), &mut other);
        prop_assert_eq!(hash_of(&value.to_string()), hash_of(&other), "{}", other);
    }

    #[test]
    fn a_record_is_hashed_alike_in_any_company(values in prop::collection::vec(any_object(), 1..8), seed: u64) {
        let mut dice = dice(seed);
        let mut batch = String::new();
        let mut alone = Vec::new();
        for (id, mut value) in values.into_iter().enumerate() {
            value["id"] = id.into();
            let mut text = String::new();
            respell(&value, &mut dice, &mut text);
            alone.push(scan_plain(value.to_string()).unwrap().records[0].hash);
            batch.push_str(&format!("{text}\n"));
        }
        let together: Vec<_> = scan_plain(batch).unwrap().records.iter().map(|record| record.hash).collect();
        prop_assert_eq!(together, alone);
    }

    #[test]
    fn two_values_have_the_same_hash_only_if_they_are_equal(one in any_value(), other in any_value()) {
        let equal = normal(&one) == normal(&other);
        prop_assert_eq!(hash_of(&one.to_string()) == hash_of(&other.to_string()), equal);
    }

    #[test]
    fn a_changed_value_has_another_hash(value in any_value(), seed: u64) {
        let mut changed = value.clone();
        let mut dice = dice(seed);
        change(&mut changed, &mut dice);
        prop_assert_ne!(normal(&value), normal(&changed));
        prop_assert_ne!(hash_of(&value.to_string()), hash_of(&changed.to_string()));
    }

    #[test]
    fn it_accepts_what_serde_json_accepts(value in any_value(), seed: u64, edits in 0usize..4) {
        let mut text = String::new();
        let mut dice = dice(seed);
        respell(&json!({"id": 1, "v": value}), &mut dice, &mut text);
        let mut chars: Vec<char> = text.chars().collect();
        for _ in 0..edits {
            let at = dice(chars.len());
            let spare = ['"', '\\', '{', '}', '[', ']', ',', ':', '0', '-', '.', 'e', 'u', ' ', '\u{1}', 'é'];
            match dice(3) {
                0 => drop(chars.remove(at)),
                1 => chars.insert(at, spare[dice(spare.len())]),
                _ => chars[at] = spare[dice(spare.len())],
            }
        }
        let text: String = chars.into_iter().collect();
        let ours = check_object(text.as_bytes(), RECORD_BYTES_MAX, Code::RecordInvalid);
        // serde_json refuses numbers that no f64 holds, which are text to us.
        if ours.is_ok() != oracle(&text) {
            let refused = serde_json::from_str::<Value>(&text).map_err(|error| error.to_string());
            let range = refused.is_err_and(|error| error.contains("out of range"));
            prop_assert!(ours.is_ok() && range, "{}: {:?}", text, ours);
        }
    }

    #[test]
    fn any_bytes_are_refused_or_scanned_but_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = scan_plain(&bytes);
        let _ = scan_plain(with(&bytes));
    }

    #[test]
    fn a_merge_is_the_merge_of_the_values(old in any_object(), patch in any_object(), seed: u64) {
        let mut dice = dice(seed);
        let (mut old_text, mut patch_text) = (String::new(), String::new());
        respell(&old, &mut dice, &mut old_text);
        respell(&patch, &mut dice, &mut patch_text);
        let (merged, hash) = merge(old_text.as_bytes(), patch_text.as_bytes(), &RecordRules::default()).unwrap();
        let mut expected = old.clone();
        deep_merge(&mut expected, &patch);
        prop_assert_eq!(hash, scan_plain(&merged).unwrap().records[0].hash);
        prop_assert_eq!(hash, scan_plain(expected.to_string()).unwrap().records[0].hash);
    }

    #[test]
    fn the_last_record_of_each_id_is_kept(ids in prop::collection::vec(0u8..30, 0..60)) {
        let lines = ids.iter().enumerate().map(|(at, id)| format!("{{\"id\":{id},\"at\":{at}}}\n"));
        let batch = scan_plain(lines.collect::<String>()).unwrap();
        let last = |at: &usize| !ids[at + 1..].contains(&ids[*at]);
        let expected: Vec<String> = (0..ids.len()).filter(last).map(|at| format!("{{\"id\":{},\"at\":{at}}}", ids[at])).collect();
        let found: Vec<_> = batch.records.iter().map(|record| String::from_utf8_lossy(batch.json(record)).into_owned()).collect();
        prop_assert_eq!(found, expected);
        let mut twice: Vec<Box<str>> = ids.iter().filter(|id| ids.iter().filter(|each| each == id).count() > 1).map(|id| id.to_string().into()).collect();
        twice.sort();
        twice.dedup();
        prop_assert_eq!(batch.duplicates, twice);
    }
}

/// A record with some fields that two of them are likely to share.
fn any_object() -> impl Strategy<Value = Value> {
    let nested = prop::collection::hash_map("[abc]", any_value(), 0..3)
        .prop_map(|members| members.into_iter().collect::<Value>());
    prop::collection::hash_map("[a-d]", prop_oneof![any_value(), nested], 0..4).prop_map(
        |members| {
            let mut members: serde_json::Map<String, Value> = members.into_iter().collect();
            members.insert("id".into(), 1.into());
            Value::Object(members)
        },
    )
}

fn deep_merge(old: &mut Value, patch: &Value) {
    match (old, patch) {
        (Value::Object(old), Value::Object(patch)) => {
            for (key, value) in patch {
                match old.get_mut(key) {
                    Some(before) => deep_merge(before, value),
                    None => drop(old.insert(key.clone(), value.clone())),
                }
            }
        }
        (old, patch) => *old = patch.clone(),
    }
}

/// Changes one place in `value`.
fn change(value: &mut Value, dice: &mut impl FnMut(usize) -> usize) {
    match value {
        Value::Array(items) if !items.is_empty() => {
            let at = dice(items.len());
            change(&mut items[at], dice);
        }
        Value::Object(members) if !members.is_empty() => {
            let at = dice(members.len());
            change(members.values_mut().nth(at).unwrap(), dice);
        }
        Value::String(text) => text.push('x'),
        Value::Number(number) => *value = Value::from(number.to_string() + "!"),
        Value::Bool(bool) => *bool = !*bool,
        Value::Null => *value = Value::from(0),
        Value::Array(items) => items.push(Value::Null),
        Value::Object(members) => drop(members.insert("added".into(), Value::Null)),
    }
}
