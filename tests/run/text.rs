//! Components written by hand, for what no SDK's guest would do.

use anyhow::Result;

/// A component of `count` core modules, each with a memory of one page that grows by
/// `pages` when the sync runs. The guest traps if a growth is refused, as an allocator
/// would, or if any page has content: it fills each, so that the next run in the same
/// place would find it.
pub fn memories(count: usize, pages: u32) -> Result<Vec<u8>> {
    // From the second word on: 1 if anything is there, -1 if the growth is refused.
    let module = format!(
        r#"(core module $grower
             (memory (export "memory") 1)
             (func (export "grow") (result i32)
               (local $at i32)
               (if (i32.eq (memory.grow (i32.const {pages})) (i32.const -1)) (then (return (i32.const -1))))
               (local.set $at (i32.mul (memory.size) (i32.const 65536)))
               (loop $down
                 (local.set $at (i32.sub (local.get $at) (i32.const 4096)))
                 (if (i64.ne (i64.load (local.get $at)) (i64.const 0)) (then (return (i32.const 1))))
                 (i64.store (local.get $at) (i64.const -1))
                 (br_if $down (local.get $at)))
               (i32.const 0)))"#
    );
    let instances: String = (0..count)
        .map(|n| format!("(core instance $g{n} (instantiate $grower))"))
        .collect();
    let aliases: String = (0..count)
        .map(|n| format!(r#"(core func $grow{n} (alias core export $g{n} "grow"))"#))
        .collect();
    let imports: String = (0..count)
        .map(|n| format!(r#"(import "g" "grow{n}" (func $grow{n} (result i32)))"#))
        .collect();
    let exports: String = (0..count)
        .map(|n| format!(r#"(export "grow{n}" (func $grow{n}))"#))
        .collect();
    let calls: String = (0..count)
        .map(|n| format!("(if (call $grow{n}) (then unreachable))"))
        .collect();
    let manifest =
        r#"{\"name\":\"memories\",\"version\":\"1\",\"models\":{\"Item\":{\"schema\":{}}}}"#;
    let length = manifest.replace('\\', "").len();
    let text = format!(
        r#"(component
             (import "tidegate:sync/types@0.1.0" (instance $types
               (type $error' (record (field "code" string) (field "message" string) (field "retry-after-ms" (option u32))))
               (export "error" (type $error (eq $error')))))
             (alias export $types "error" (type $error))
             {module} {instances} {aliases}
             (core module $main
               {imports}
               (memory (export "memory") 1)
               (data (i32.const 16) "{manifest}")
               (data (i32.const 0) "\10\00\00\00")
               (data (i32.const 4) "\{low:02x}\{high:02x}\00\00")
               (func (export "describe") (result i32) (i32.const 0))
               (func (export "run") (result i32) {calls} (i32.const 2048))
               (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096)))
             (core instance $main (instantiate $main (with "g" (instance {exports}))))
             (func (export "describe") (result string)
               (canon lift (core func $main "describe") (memory (core memory $main "memory")) (realloc (core func $main "realloc"))))
             (func (export "run") (result (result (error $error)))
               (canon lift (core func $main "run") (memory (core memory $main "memory")) (realloc (core func $main "realloc")))))"#,
        low = length & 0xff,
        high = length >> 8,
    );
    Ok(wat::parse_str(text)?)
}
