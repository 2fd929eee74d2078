//! Components that are refused before they run: each with what is wrong and what to do.

use anyhow::Result;
use std::fmt::Write;
use tidegate::error::Code;
use tidegate::sandbox::{Sandbox, SandboxOptions};
use tidegate_tests::host::TestHost;

/// A component with this import and the two exports.
fn importing(import: &str) -> Vec<u8> {
    component(
        &format!("(import \"{import}\" (instance))"),
        "(memory (export \"memory\") 1)",
    )
}

/// A component with these imports, whose module holds `core`.
fn component(imports: &str, core: &str) -> Vec<u8> {
    let text = format!(
        r#"(component {imports}
             (core module $m {core}
               (func (export "describe") (result i32) (i32.const 0))
               (func (export "run") (result i32) (i32.const 0)))
             (core instance $i (instantiate $m))
             (func (export "describe") (result string)
               (canon lift (core func $i "describe") (memory (core memory $i "memory"))))
             (func (export "run") (result (result))
               (canon lift (core func $i "run"))))"#
    );
    wat::parse_str(text).expect("the test's own text")
}

fn with_core(core: &str) -> Vec<u8> {
    component("", &format!("(memory (export \"memory\") 1) {core}"))
}

/// A component that describes itself so. `describe` answers the string whose place and
/// length stand at address 0.
fn describing(manifest: &str) -> Vec<u8> {
    const AT: u32 = 8;
    let place = [AT, manifest.len() as u32].map(u32::to_le_bytes).concat();
    let hex =
        |bytes: &[u8]| -> String { bytes.iter().map(|byte| format!("\\{byte:02x}")).collect() };
    with_core(&format!(
        "(data (i32.const 0) \"{}\") (data (i32.const {AT}) \"{}\")",
        hex(&place),
        hex(manifest.as_bytes())
    ))
}

/// A function of `depth` nested loops.
fn nested(depth: usize) -> Vec<u8> {
    with_core(&format!(
        "(func {} {})",
        "(loop ".repeat(depth),
        ")".repeat(depth)
    ))
}

fn globals(count: usize) -> Vec<u8> {
    with_core(&"(global i32 (i32.const 0))".repeat(count))
}

fn long_body() -> Vec<u8> {
    let mut body = String::new();
    for number in 0..400_000 {
        let _ = write!(body, "(drop (i32.const {number}))");
    }
    with_core(&format!("(func {body})"))
}

fn locals() -> Vec<u8> {
    with_core(&format!("(func (local {}))", "i32 ".repeat(6_000)))
}

/// What is given, and what the refusal must name.
fn rows() -> Vec<(&'static str, Vec<u8>, &'static [&'static str])> {
    let good = importing("wasi:cli/environment@0.2.0");
    let mut flipped = good.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0xff;
    vec![
        ("empty", Vec::new(), &["empty"]),
        (
            "random bytes",
            vec![0x7f, b'E', b'L', b'F', 1, 2, 3, 4, 5],
            &["not WebAssembly"],
        ),
        ("text form", b"(component)".to_vec(), &["text form"]),
        (
            "a core module",
            wat::parse_str("(module)").expect("text"),
            &["core module", "wasm32-wasip2"],
        ),
        ("cut", good[..good.len() / 2].to_vec(), &["damaged at byte"]),
        ("flipped", flipped, &["it"]),
        (
            "without exports",
            wat::parse_str("(component)").expect("text"),
            &["exports no `describe`", "sync-guest"],
        ),
        (
            "wasi:http",
            importing("wasi:http/outgoing-handler@0.2.0"),
            &["wasi:http/outgoing-handler", "use `fetch`"],
        ),
        (
            "a newer contract",
            importing("tidegate:sync/fetch@0.2.0"),
            &["tidegate:sync/fetch@0.2.0", "versions 0.1"],
        ),
        (
            "a misspelt interface",
            importing("tidegate:sync/record@0.1.0"),
            &["did you mean `records`?"],
        ),
        (
            "something else",
            importing("acme:weather/api@1.0.0"),
            &["acme:weather/api", "a sync may import"],
        ),
        (
            "nested loops",
            nested(20_000),
            &["nested blocks", "limit 2000"],
        ),
        (
            "globals",
            globals(20_000),
            &["20000 globals", "limit 10000"],
        ),
        (
            "a long body",
            long_body(),
            &["bytes in one function body", "limit 1048576"],
        ),
        ("locals", locals(), &["6000 locals", "limit 5000"]),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_is_refused_with_what_is_wrong() -> Result<()> {
    let host = TestHost::in_memory()?;
    for (name, bytes, says) in rows() {
        let Err(error) = host.accept(&bytes).await else {
            panic!("{name} was accepted")
        };
        assert_eq!(error.code, Code::ComponentRejected, "{name}: {error}");
        assert!(
            says.iter().all(|words| error.message.contains(words)),
            "{name}: {error}"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manifest_that_does_not_fit_is_refused() -> Result<()> {
    let host = TestHost::in_memory()?;
    for (manifest, says) in [
        ("", "not JSON"),
        (
            r#"{"name":"a","version":"1","models":{"A":{"schema":{}}},"frequency":"sometimes"}"#,
            "frequency `sometimes` is not understood",
        ),
        (
            r#"{"name":"a","version":"1","models":{"A":{"schema":{}}},"frequency":"every second"}"#,
            "the shortest is 30 seconds",
        ),
    ] {
        let Err(error) = host.accept(&describing(manifest)).await else {
            panic!("{manifest:?} was accepted")
        };
        assert!(
            error.code == Code::ComponentRejected && error.message.contains(says),
            "{manifest:?}: {error}"
        );
    }
    Ok(())
}

/// A cut, flipped or foreign file of compiled code is never loaded: it is compiled anew.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damaged_compiled_code_is_compiled_anew() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let options = || SandboxOptions {
        cache_folder: Some(folder.path().to_owned()),
        ..SandboxOptions::default()
    };
    let bytes = with_core("");
    Sandbox::new(options())?.compile(&bytes)?;
    let entry = || -> Result<std::path::PathBuf> {
        let mut entries = std::fs::read_dir(folder.path())?
            .filter_map(Result::ok)
            .map(|entry| entry.path());
        Ok(entries
            .find(|path| {
                path.extension()
                    .is_some_and(|extension| extension == "cwasm")
            })
            .expect("an entry"))
    };
    let whole = std::fs::read(entry()?)?;
    for damage in [0, 1, whole.len() / 2, whole.len() - 1] {
        let mut damaged = whole.clone();
        damaged[damage] ^= 1;
        std::fs::write(entry()?, &damaged)?;
        Sandbox::new(options())?.compile(&bytes)?;
        assert_eq!(
            std::fs::read(entry()?)?.len(),
            whole.len(),
            "damage at {damage} was not mended"
        );
    }
    std::fs::write(entry()?, &whole[..10])?;
    Sandbox::new(options())?.compile(&bytes)?;
    assert_eq!(std::fs::read(entry()?)?.len(), whole.len());
    Ok(())
}
