//! A row for each kind of text that is no record, and the words it is refused with.

use super::*;

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
