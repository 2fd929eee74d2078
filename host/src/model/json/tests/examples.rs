//! What is kept, hashed, judged and merged, by example.

use super::*;

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
        enforce: true,
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

#[test]
fn what_does_not_fit_is_counted_where_it_is_not_enforced() {
    let model = ManifestModel {
        schema: json!({"required": ["id", "name", "zip"], "properties": {"id": {"type": "string"}}}),
        enforce: false,
        ..ManifestModel::default()
    };
    let rules = || RecordRules::of(&model);
    let fits = r#"{"id":"a","name":1,"zip":2}"#;
    let batch = scan_with(format!("{fits}\n{{\"id\":7}}\n{{\"id\":\"c\"}}\n"), rules()).unwrap();
    assert_eq!((batch.records.len(), batch.misfits.count), (3, 2));
    assert!(
        batch
            .misfits
            .first
            .starts_with("record 1 (id \"7\"): `id` is integer"),
        "{}",
        batch.misfits.first
    );
    // A lenient look changes no hash.
    assert_eq!(
        batch.records[0].hash,
        scan_plain(fits).unwrap().records[0].hash
    );
    assert_eq!(
        batch.records[2].hash,
        scan_plain(r#"{"id":"c"}"#).unwrap().records[0].hash
    );
    assert_eq!(scan_with(fits, rules()).unwrap().misfits.count, 0);
    for no_record in [r#"{"name":1}"#, r#"{"id":""}"#, "[]"] {
        let error = scan_with(no_record, rules()).unwrap_err();
        assert_eq!(error.code, Code::RecordInvalid, "{no_record}");
    }
}
