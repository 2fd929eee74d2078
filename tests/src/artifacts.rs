//! Guest components by package name, each built once in a test process; between
//! processes cargo itself sees that nothing has changed.

use crate::cargo;
use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

/// What guests are built for.
const TARGET: &str = "wasm32-wasip2";

/// The components of one package by target name, none where the target is missing.
type Built = Option<HashMap<String, Vec<u8>>>;

static BUILT: LazyLock<Mutex<HashMap<String, Built>>> = LazyLock::new(Mutex::default);

static CAN_BUILD: LazyLock<bool> =
    LazyLock::new(|| cargo::has_target(TARGET) || cargo::add_target(TARGET));

/// The component of `package`, such as `example-window` or `tidegate-test-guests`. None,
/// with a line that says so, where the target is missing and rustup cannot add it.
///
/// # Panics
/// If the package does not compile, or has no component of that name.
pub fn component(package: &str) -> Option<Vec<u8>> {
    find(package, &package.replace('-', "_"), &["--lib"])
}

/// The component that `package` has as `examples/{name}.rs`, such as `no_host_call` of
/// `tidegate-test-guests`; otherwise as [`component`].
pub fn example(package: &str, name: &str) -> Option<Vec<u8>> {
    find(package, name, &["--example", name])
}

fn find(package: &str, target: &str, which: &[&str]) -> Option<Vec<u8>> {
    let key = format!("{package}/{target}");
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    let components = built.entry(key).or_insert_with(|| build(package, which));
    if components.is_none() {
        let why = format!("run `rustup target add {TARGET}` and test again");
        crate::skip(&format!("what needs the component of {package}"), &why);
    }
    let found = components.as_ref()?.get(target).cloned();
    Some(found.unwrap_or_else(|| panic!("{package} built no component {target}")))
}

fn build(package: &str, which: &[&str]) -> Built {
    if !*CAN_BUILD {
        return None;
    }
    let mut arguments = vec!["--profile", "guest", "--target", TARGET, "-p", package];
    arguments.extend(which);
    let wasm = cargo::build(&arguments)
        .into_iter()
        .filter(|(_, path)| path.extension().is_some_and(|end| end == "wasm"));
    let read = wasm.map(|(name, path)| {
        let bytes = std::fs::read(&path);
        let bytes = bytes.unwrap_or_else(|error| panic!("reading {}: {error}", path.display()));
        (name.replace('-', "_"), bytes)
    });
    Some(read.collect())
}
