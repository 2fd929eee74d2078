//! What the scanner refuses and in which words, and that its hash is equal exactly when
//! the values are.

use super::*;
use crate::error::{Code, Error};
use crate::limits::{CHECKPOINT_BYTES_MAX, JSON_DEPTH_MAX, METADATA_BYTES_MAX, RECORD_BYTES_MAX};
use crate::model::{ContentHash, ManifestModel, RecordBatch};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::Arc;

fn scan_with(body: impl AsRef<[u8]>, rules: RecordRules) -> Result<RecordBatch, Error> {
    scan(body.as_ref().to_vec().into(), &Arc::new(rules))
}

fn scan_plain(body: impl AsRef<[u8]>) -> Result<RecordBatch, Error> {
    scan_with(body, RecordRules::default())
}

/// The ids of a batch.
fn ids(body: impl AsRef<[u8]>) -> Vec<String> {
    let batch = scan_plain(body).unwrap();
    batch
        .records
        .iter()
        .map(|record| record.id.to_string())
        .collect()
}

/// The hash of a record `{"id":"x","v":<value>}`.
fn hash_of(value: &str) -> ContentHash {
    let batch = scan_plain(format!(r#"{{"id":"x","v":{value}}}"#));
    batch
        .unwrap_or_else(|error| panic!("{value}: {error}"))
        .records[0]
        .hash
}

/// A record whose field `v` has the given text.
fn with(value: impl AsRef<[u8]>) -> Vec<u8> {
    [br#"{"id":"x","v":"#, value.as_ref(), b"}"].concat()
}

#[test]
fn what_is_no_record_is_refused_with_its_place_and_reason() {
    let deep = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    let rows: Vec<(Vec<u8>, &str)> = vec![
        // Not an object, or not one of them.
        (
            b"nonsense".into(),
            "record 0: expected an object, found `nonsense` at byte 0",
        ),
        (b"[]".into(), "expected an object, found `[` at byte 0"),
        (b"7".into(), "expected an object, found `7`"),
        (b"null".into(), "expected an object, found `null`"),
        (b"\"text\"".into(), "expected an object, found"),
        (
            b"[{\"id\":1}]".into(),
            "expected an object, found `[{\\\"id\\\"`",
        ),
        (
            b"{".into(),
            "expected a key in quotes, found the end at byte 1",
        ),
        (b"}".into(), "expected an object, found `}`"),
        (
            b"\xef\xbb\xbf{\"id\":1}".into(),
            "found a byte order mark at byte 0",
        ),
        (
            b"{\"id\":1} {\"id\":2}".into(),
            "expected the end of the line after the object, found `{",
        ),
        (b"{\"id\":1}x".into(), "found `x` at byte 8"),
        (b"{\"id\":1},".into(), "found `,` at byte 8"),
        (b"{\"id\":1}\0".into(), "found `\\0` at byte 8"),
        (
            b"{\"id\":\n1}".into(),
            "record 0: expected a value, found the end at byte 6",
        ),
        (b"// c\n{\"id\":1}".into(), "found `//`"),
        // The record is named, blank lines are not counted.
        (
            b"{\"id\":1}\n\n{\"id\":2}\r\n \n{\"id\":3,}".into(),
            "record 2 (id \"3\"): expected a key in quotes, found `}` at byte 8",
        ),
        (
            b"{\"id\":\"a\\\"b\",\"v\":}".into(),
            "record 0 (id \"a\\\"b\"): expected a value, found `}`",
        ),
        (
            b"{\"v\":{\"id\":1,},\"id\":2}".into(),
            "record 0: expected a key",
        ),
        // Members.
        (
            b"{id:1}".into(),
            "expected a key in quotes, found `id` at byte 1",
        ),
        (
            b"{'id':1}".into(),
            "expected a key in quotes, found `\\'id\\'`",
        ),
        (b"{1:1}".into(), "expected a key in quotes, found `1`"),
        (
            b"{\"id\" 1}".into(),
            "expected `:` after a key, found `1` at byte 6",
        ),
        (b"{\"id\"}".into(), "expected `:` after a key, found `}`"),
        (b"{\"id\":}".into(), "expected a value, found `}` at byte 6"),
        (
            b"{\"id\":1".into(),
            "expected `,` or `}` after a member, found the end at byte 7",
        ),
        (
            b"{\"id\":1;}".into(),
            "expected `,` or `}` after a member, found `;`",
        ),
        (
            b"{\"id\":1 \"v\":2}".into(),
            "expected `,` or `}` after a member, found",
        ),
        (b"{,\"id\":1}".into(), "expected a key in quotes, found `,`"),
        (
            b"{\"id\":1,\"id\":2}".into(),
            "record 0 (id \"1\"): has the key `id` twice in one object at byte 8",
        ),
        (
            b"{\"id\":1,\"a\":1,\"b\":2,\"\\u0061\":3}".into(),
            "has the key `a` twice in one object at byte 20",
        ),
        (
            with(r#"{"long-key-1":1,"long-key-2":2,"long-key-1":3}"#),
            "has the key `long-key-1` twice",
        ),
        (
            with(r#"[{"k":1,"k":1}]"#),
            "has the key `k` twice in one object at byte 22",
        ),
        (with(r#"{"":1,"":2}"#), "has the key `` twice"),
        // Words.
        (
            with("NaN"),
            "(id \"x\"): expected a value, found `NaN` at byte 14",
        ),
        (with("Infinity"), "found `Infinity`"),
        (with("undefined"), "found `undefined`"),
        (with("True"), "found `True`"),
        (with("nul"), "found `nul`"),
        (with("nullx"), "found `nullx`"),
        (with("tru e"), "found `tru`"),
        (with("'a'"), "found `\\'a\\'`"),
        (with("\u{a0}1"), "found `\\u{a0}`"),
        // Numbers.
        (with("+1"), "found `+1`"),
        (with(".5"), "found `.5`"),
        (with("01"), "a number starts with an idle zero at byte 14"),
        (with("-01"), "a number starts with an idle zero"),
        (with("-"), "a number has no digit after its sign at byte 15"),
        (with("-x"), "a number has no digit after its sign"),
        (
            with("1."),
            "a number has no digit after its point at byte 16",
        ),
        (with("1.e5"), "a number has no digit after its point"),
        (with("1e"), "a number has no digit after its exponent sign"),
        (
            with("1e+"),
            "a number has no digit after its exponent sign at byte 17",
        ),
        (
            with("0x10"),
            "expected `,` or `}` after a member, found `x10`",
        ),
        (with("1_000"), "found `_000`"),
        (
            with("1".repeat(65)),
            "a number has 65 characters, limit 64 at byte 14",
        ),
        (
            with("1".repeat(1_000_000)),
            "a number has 1000000 characters, limit 64",
        ),
        (
            with("1e123456789012345678"),
            "an exponent of 18 digits, limit 17",
        ),
        // Strings.
        (with("\"abc"), "a string has no end at byte 14"),
        (with("\"abc\\\"}"), "a string has no end"),
        (
            with("\"a\tb\""),
            "the raw control character 0x09 at byte 16",
        ),
        (with("\"a\0b\""), "the raw control character 0x00"),
        (with("\"01234567890123456789\u{1f}\""), "0x1f at byte 35"),
        (with("\"\\x\""), "`\\x`, which is no JSON escape at byte 15"),
        (with("\"\\u12\""), "`\\u` without four hex digits"),
        (with("\"\\u+123\""), "`\\u` without four hex digits"),
        (
            with("\"\\ud800\""),
            "the lone surrogate `\\ud800` at byte 15",
        ),
        (with("\"\\udc00\""), "the lone surrogate `\\udc00`"),
        (with("\"\\ud800\\u0041\""), "the lone surrogate `\\ud800`"),
        (with("\"\\ud800\\ud800\""), "the lone surrogate `\\ud800`"),
        (with("\"\\ud800x\""), "the lone surrogate `\\ud800`"),
        (with(b"\"\xff\""), "is not UTF-8: found 0xff at byte 15"),
        (with(b"\"\xc0\xaf\""), "is not UTF-8: found 0xc0"),
        (with(b"\"\xed\xa0\x80\""), "is not UTF-8: found 0xed"),
        (with(b"\"\xe2\x82\""), "is not UTF-8: found 0xe2"),
        // Nesting: the record itself is the first level.
        (
            with(deep(64)),
            "record 0 (id \"x\"): nesting is deeper than 64 at byte 77",
        ),
        (
            with("{\"a\":".repeat(64) + "1" + &"}".repeat(64)),
            "nesting is deeper than 64",
        ),
        (
            with("[".repeat(1_000_000)),
            "nesting is deeper than 64 at byte 77",
        ),
        (with("[1"), "expected `,` or `]` after an item, found `}`"),
        (with("[1,]"), "expected a value, found `]`"),
        (with("[1}"), "expected `,` or `]` after an item, found `}`"),
        (
            with("[1 2]"),
            "expected `,` or `]` after an item, found `2`",
        ),
        // Ids.
        (b"{}".into(), "record 0: has no `id` at byte 0"),
        (b"{\"Id\":1}".into(), "has no `id`"),
        (b"{\"v\":{\"id\":1}}".into(), "has no `id`"),
        (b"{\"id\":\"\"}".into(), "`id` is empty at byte 1"),
        (
            b"{\"id\":null}".into(),
            "`id` is `null`, but must be a string or a whole number",
        ),
        (b"{\"id\":true}".into(), "`id` is `true`"),
        (b"{\"id\":[1]}".into(), "`id` is `[1`"),
        (b"{\"id\":{}}".into(), "`id` is `{`"),
        (b"{\"id\":1.5}".into(), "`id` is `1.5`"),
        (b"{\"id\":1e400}".into(), "`id` is `1e400`"),
        (
            b"{\"id\":\"a\\u0000\"}".into(),
            "`id` has the control character `\\0`",
        ),
        (
            b"{\"id\":\"a\\nb\"}".into(),
            "`id` has the control character `\\n`",
        ),
        (
            "{\"id\":\"a\u{85}b\"}".into(),
            "`id` has the control character `\\u{85}`",
        ),
        (
            format!("{{\"id\":\"{}\"}}", "ä".repeat(256)).into(),
            "`id` has 256 characters, limit 255",
        ),
        // Size.
        (
            with(format!("\"{}\"", "x".repeat(RECORD_BYTES_MAX))),
            "record 0: has 1048593 bytes, limit 1048576",
        ),
    ];
    assert!(rows.len() >= 60);
    for (row, says) in rows {
        let shown = String::from_utf8_lossy(&row[..row.len().min(80)]).into_owned();
        let error = scan_plain(&row).expect_err(&shown);
        assert_eq!(error.code, Code::RecordInvalid, "{shown}");
        assert!(error.message.contains(says), "{shown}: {}", error.message);
        assert!(error.message.len() < 200, "{shown}: {}", error.message);
    }
}

#[test]
fn one_bad_record_refuses_the_batch() {
    let good = |id: usize| format!("{{\"id\":{id}}}\n");
    let body: String = (0..17).map(good).collect();
    let bad = format!("{body}{{\"id\":\"x\",\"v\":{}", "[".repeat(100));
    let error = scan_plain(bad).unwrap_err();
    assert_eq!(
        error.message,
        "record 17 (id \"x\"): nesting is deeper than 64 at byte 77"
    );
    assert_eq!(scan_plain(body).unwrap().records.len(), 17);
    let error = scan_plain(vec![b'\n'; crate::limits::BATCH_BYTES_MAX + 1]).unwrap_err();
    assert_eq!(error.code, Code::InvalidArgument);
}

#[test]
fn what_is_a_record_is_kept_to_the_byte() {
    let rows: &[(&str, &[&str])] = &[
        ("", &[]),
        ("\n \r\n\t\n", &[]),
        ("{\"id\":0}", &["0"]),
        (" {\"id\" : \"a b\" } \r\n{\"id\":2}\n", &["a b", "2"]),
        (
            "{\"id\":7.0}\n{\"id\":-7e0}\n{\"id\":1200e-1}\n{\"id\":-0}",
            &["7", "-7", "120", "0"],
        ),
        ("{\"id\":\"a\\u0062\\/\\\"\"}", &["ab/\""]),
        ("{\"id\":\"ü😀\",\"v\":\"\\ud83d\\ude00\\u0000\"}", &["ü😀"]),
        ("{\"v\":1e400,\"w\":-1E-400,\"id\":\"last\"}", &["last"]),
        (
            "{\"id\":123456789012345678901234567890}",
            &["123456789012345678901234567890"],
        ),
    ];
    for (body, expected) in rows {
        assert_eq!(ids(body), *expected, "{body}");
    }
    let deepest = format!(
        "{{\"id\":1,\"v\":{}{}}}",
        "[".repeat(JSON_DEPTH_MAX - 1),
        "]".repeat(JSON_DEPTH_MAX - 1)
    );
    assert_eq!(ids(deepest), ["1"]);
    assert_eq!(
        ids(format!("{{\"id\":\"{}\"}}", "ä".repeat(255))),
        ["ä".repeat(255)]
    );
    let largest = format!(
        "{{\"id\":1,\"v\":\"{}\"}}",
        "x".repeat(RECORD_BYTES_MAX - 15)
    );
    assert_eq!((largest.len(), ids(&largest).len()), (RECORD_BYTES_MAX, 1));

    let batch = scan_plain(" { \"id\" : 1.0 } \r\n{\"v\":2,\"id\":2}").unwrap();
    let json: Vec<&[u8]> = batch
        .records
        .iter()
        .map(|record| batch.json(record))
        .collect();
    assert_eq!(json, [&b"{ \"id\" : 1.0 }"[..], b"{\"v\":2,\"id\":2}"]);
}

#[test]
fn the_later_of_two_records_wins_and_is_named() {
    let batch = scan_plain(
        "{\"id\":1,\"v\":1}\n{\"id\":2}\n{\"id\":\"1\",\"v\":2}\n{\"id\":1.0,\"v\":3}\n{\"id\":3}",
    )
    .unwrap();
    let kept: Vec<(&str, &[u8])> = batch
        .records
        .iter()
        .map(|record| (&*record.id, batch.json(record)))
        .collect();
    assert_eq!(
        kept,
        [
            ("2", &b"{\"id\":2}"[..]),
            ("1", b"{\"id\":1.0,\"v\":3}"),
            ("3", b"{\"id\":3}")
        ]
    );
    assert_eq!(batch.duplicates, ["1".into()]);
}

#[test]
fn numbers_hash_alike_exactly_when_they_are_equal() {
    let classes: &[&[&str]] = &[
        &[
            "0",
            "-0",
            "0.0",
            "-0.000",
            "0e9",
            "0e-99999999999999999",
            "-0E+7",
        ],
        &[
            "1",
            "1.0",
            "1e0",
            "10e-1",
            "0.1e1",
            "1E+0",
            "100e-2",
            "0.00001e5",
        ],
        &["-1", "-1.0", "-10e-1"],
        &["100", "1e2", "1.00e2", "0.1e3"],
        &["1.5", "15e-1", "1.50", "0.15e1"],
        &["0.001", "1e-3", "0.0010"],
        &["1e400", "10e399", "0.1e401", "1000000e394"],
        &["1e401"],
        &["1e-400", "0.1e-399"],
        &["1e99999999999999999", "10e99999999999999998"],
        &["18446744073709551616", "18446744073709551616.0"],
        &["18446744073709551617"],
        &["9007199254740993"],
        &["9007199254740992", "9007199254740.992e3"],
        &["0.1"],
        &["0.1000000000000000055511151231257827"],
        &[
            "12345678901234567890123456789012",
            "1234567890123456789012345678901.2e1",
        ],
        &[
            "123456789012345678901234567890123",
            "12345678901234567890123456789012.3e1",
        ],
        &["10000000000000000000000000000000000", "1e34"],
        &["1e31", "10000000000000000000000000000000"],
        &["\"1\""],
    ];
    for (index, class) in classes.iter().enumerate() {
        for spelling in *class {
            assert_eq!(
                hash_of(spelling),
                hash_of(class[0]),
                "{spelling} and {}",
                class[0]
            );
        }
        for other in &classes[index + 1..] {
            assert_ne!(
                hash_of(class[0]),
                hash_of(other[0]),
                "{} and {}",
                class[0],
                other[0]
            );
        }
    }
}

#[test]
fn spelling_does_not_change_the_hash_and_content_does() {
    for (one, same) in [
        (r#"{"a":1,"b":2}"#, "{ \"b\" : 2.0 ,\r \"a\":1 }"),
        (
            r#"{"a":{"x":1,"y":[1,2]},"a2":0}"#,
            r#"{"a2":0,"a":{"y":[1, 2],"x":1}}"#,
        ),
        (r#""/ä\n\u001f""#, r#""\/\u00e4\u000a\u001F""#),
        (r#""😀""#, r#""\uD83D\uDe00""#),
        (r#"{"\"":1,"é":2}"#, r#"{"\u00E9":2,"\u0022":1}"#),
        (
            r#"{"prefix-long-1":1,"prefix-long-2":2,"prefix-l":3}"#,
            r#"{"prefix-l":3,"prefix-long-2":2,"prefix-long-1":1}"#,
        ),
    ] {
        assert_eq!(hash_of(one), hash_of(same), "{one} and {same}");
    }
    for (one, other) in [
        ("[1,2]", "[2,1]"),
        ("[]", "{}"),
        ("null", "\"null\""),
        (r#"{"a":null}"#, "{}"),
        (r#"{"a":1,"b":2}"#, r#"{"a":2,"b":1}"#),
        (r#"{"a":{"b":1}}"#, r#"{"a":{},"b":1}"#),
        (r#"["a,b"]"#, r#"["a","b"]"#),
        ("\"\u{e9}\"", "\"e\u{301}\""),
    ] {
        assert_ne!(hash_of(one), hash_of(other), "{one} and {other}");
    }
}

#[test]
fn ignored_fields_are_left_out_of_the_hash_at_the_top_only() {
    let hash = |record: &str| {
        let rules = RecordRules::ignoring(["seen", "t\"\n", "id"]);
        scan_with(record, rules).unwrap().records[0].hash
    };
    let plain = hash(r#"{"id":1,"v":1}"#);
    for same in [
        r#"{"seen":1,"id":1,"v":1}"#,
        r#"{"id":2,"v":1.0,"t\u0022\n":[1],"seen":{"a":1}}"#,
    ] {
        assert_eq!(hash(same), plain, "{same}");
    }
    for other in [
        r#"{"id":1,"v":1,"w":{"seen":1}}"#,
        r#"{"id":1,"v":{"seen":1}}"#,
        r#"{"id":1,"v":1,"see":1}"#,
    ] {
        assert_ne!(hash(other), plain, "{other}");
    }
}

#[test]
fn the_top_level_must_have_the_shape_of_the_schema() {
    let model = ManifestModel {
        schema: json!({
            "type": "object",
            "required": ["id", "name"],
            "properties": {
                "id": {"type": "string"},
                "name": {"type": ["string", "null"]},
                "age": {"type": "integer"},
                "rate": {"type": "number"},
                "tags": {"type": "array", "items": {"type": "string"}},
                "owner": {"type": "object", "required": ["login"]},
                "other": {"$ref": "#/$defs/o", "type": "string"},
                "choice": {"anyOf": [{"type": "string"}]},
            },
        }),
        ignore: vec!["age".into()],
    };
    let check = |record: &str| scan_with(record, RecordRules::of(&model));
    for good in [
        r#"{"id":"1","name":"a"}"#,
        r#"{"id":"1","name":null,"age":7.0,"rate":7,"tags":[1],"owner":{},"other":1,"choice":1,"more":true}"#,
        r#"{"rate":0.5,"name":"a","id":"1","age":-1e3}"#,
    ] {
        check(good).unwrap_or_else(|error| panic!("{good}: {error}"));
    }
    for (bad, says) in [
        (
            r#"{"id":"1"}"#,
            "record 0 (id \"1\"): lacks `name`, which the model's schema requires at byte 0",
        ),
        (
            r#"{"id":1,"name":"a"}"#,
            "`id` is integer, but the model's schema says string at byte 1",
        ),
        (
            r#"{"id":"1","name":3}"#,
            "`name` is integer, but the model's schema says null or string at byte 10",
        ),
        (
            r#"{"id":"1","name":"a","age":7.5}"#,
            "`age` is a number with a fraction, but the model's schema says integer",
        ),
        (
            r#"{"id":"1","name":"a","rate":"7"}"#,
            "`rate` is string, but the model's schema says number",
        ),
        (
            r#"{"id":"1","name":"a","tags":{}}"#,
            "`tags` is object, but the model's schema says array",
        ),
        (
            r#"{"id":"1","name":"a","owner":false}"#,
            "`owner` is boolean, but the model's schema says object",
        ),
    ] {
        let error = check(bad).unwrap_err();
        assert_eq!(error.code, Code::RecordSchema, "{bad}");
        assert!(error.message.contains(says), "{bad}: {}", error.message);
    }
}

#[test]
fn objects_are_checked_against_their_own_limit() {
    let check = |json: &str| {
        check_object(
            json.as_bytes(),
            CHECKPOINT_BYTES_MAX,
            Code::CheckpointInvalid,
        )
    };
    check(" {\"page\" : 1, \"since\":{\"a\":null}}\n").unwrap();
    check("{}").unwrap();
    for (bad, says) in [
        ("", "expected an object, found the end at byte 0"),
        ("[]", "expected an object"),
        ("{\"a\":1,\"a\":1}", "has the key `a` twice"),
        ("{} {}", "expected the end of the line"),
        (
            &format!("{{\"a\":\"{}\"}}", "x".repeat(CHECKPOINT_BYTES_MAX)),
            "limit 65536",
        ),
    ] {
        let error = check(bad).unwrap_err();
        assert_eq!(error.code, Code::CheckpointInvalid, "{bad}");
        assert!(error.message.contains(says), "{bad}: {}", error.message);
    }
}

#[test]
fn a_patch_leaves_alone_what_it_does_not_name() {
    for (old, patch, expected) in [
        (
            r#"{"id":1,"n":1.10,"s":"\u00e9"}"#,
            r#"{"id":1}"#,
            r#"{"id":1,"n":1.10,"s":"\u00e9"}"#,
        ),
        (
            r#"{ "id" : 1 , "n" : 1 }"#,
            r#"{"id":1,"n":2e0 ,"m": [ 1 ]}"#,
            r#"{"id":1,"n":2e0,"m":[ 1 ]}"#,
        ),
        (
            r#"{"id":1,"a":{"x":1,"y":{"z":1e400}}}"#,
            r#"{"id":1,"a":{"y":{"w":2}}}"#,
            r#"{"id":1,"a":{"x":1,"y":{"z":1e400,"w":2}}}"#,
        ),
        (
            r#"{"id":1,"a":[1,2]}"#,
            r#"{"id":1,"a":[3]}"#,
            r#"{"id":1,"a":[3]}"#,
        ),
        (
            r#"{"id":1,"a":{"x":1}}"#,
            r#"{"id":1,"a":null}"#,
            r#"{"id":1,"a":null}"#,
        ),
        (
            r#"{"id":1,"a":"}, {"}"#,
            r#"{"id":1,"\u0061":"\"}"}"#,
            r#"{"id":1,"a":"\"}"}"#,
        ),
        (
            r#"{"id":1,"a":{}}"#,
            r#"{"id":1,"a":{}}"#,
            r#"{"id":1,"a":{}}"#,
        ),
    ] {
        let (merged, hash) =
            merge(old.as_bytes(), patch.as_bytes(), &RecordRules::default()).unwrap();
        assert_eq!(
            String::from_utf8_lossy(&merged),
            expected,
            "{old} with {patch}"
        );
        assert_eq!(hash, scan_plain(&merged).unwrap().records[0].hash);
    }
    let half = format!("\"{}\"", "x".repeat(RECORD_BYTES_MAX / 2));
    let (one, other) = (
        format!("{{\"id\":1,\"a\":{half}}}"),
        format!("{{\"id\":1,\"b\":{half}}}"),
    );
    let error = merge(one.as_bytes(), other.as_bytes(), &RecordRules::default()).unwrap_err();
    assert_eq!(error.code, Code::RecordInvalid);
    assert!(
        error
            .message
            .starts_with("after the update: record: has 1048"),
        "{error}"
    );
}

#[test]
fn metadata_is_merged_at_the_top_only() {
    let merge = |old: &str, patch: &str| {
        merge_shallow(
            old.as_bytes(),
            patch.as_bytes(),
            METADATA_BYTES_MAX,
            Code::MetadataInvalid,
        )
    };
    let merged = merge(r#"{"a":{"x":1},"b":1.0}"#, r#"{"a":{"y":2},"c":3}"#).unwrap();
    assert_eq!(
        String::from_utf8_lossy(&merged),
        r#"{"a":{"y":2},"b":1.0,"c":3}"#
    );
    for (old, patch, says) in [
        ("{}", "1", "expected an object, found `1`"),
        ("1", "{}", "present value: expected an object"),
    ] {
        let error = merge(old, patch).unwrap_err();
        assert_eq!(error.code, Code::MetadataInvalid);
        assert!(error.message.contains(says), "{error}");
    }
    let half = |key: &str| format!("{{\"{key}\":\"{}\"}}", "x".repeat(METADATA_BYTES_MAX / 2));
    let error = merge(&half("a"), &half("b")).unwrap_err();
    assert!(error.message.contains("the merged value has 65"), "{error}");
}

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
                (2, false) => format!("{text}00e-2"),
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
