//! The suites' own tools: that they find and build what they say.

use tidegate_tests::{Tidegate, artifacts, component};

/// What a component begins with: `\0asm`, then the version and layer of components.
const COMPONENT: [u8; 8] = [0, b'a', b's', b'm', 0x0d, 0, 1, 0];

#[test]
fn guests_are_built_into_components() {
    let example = |name| artifacts::example("tidegate-test-guests", name);
    for built in [
        component("example-full-refresh"),
        component("tidegate-test-guests"),
        example("no_host_call"),
    ] {
        let Some(bytes) = built else { return };
        assert!(bytes.starts_with(&COMPONENT));
    }
}

#[test]
fn the_program_runs_and_can_be_killed() {
    let ended = Tidegate::new(["--version"]).run().expect(0);
    let version = concat!("tidegate ", env!("CARGO_PKG_VERSION"));
    assert!(ended.stdout.starts_with(version), "{}", ended.stdout);

    let folder = tempfile::tempdir().unwrap();
    let started = Tidegate::new(["quickstart", "--bundled"])
        .folder(folder.path())
        .start();
    let killed = started.kill();
    assert_eq!(killed.code(), None, "a signal ended it");
}
