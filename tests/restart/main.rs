//! A host that is killed at a named point, and started again: nothing is lost, and
//! nothing is doubled but webhooks, which keep their id.
//!
//! A point is named from outside. The host waits there because the provider or the app
//! holds its answer back; then it is killed as `kill -9` does.

mod deliveries;
mod runs;
mod tokens;
mod world;
