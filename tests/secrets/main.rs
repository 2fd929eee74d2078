//! Secrets stay where they belong: what a connection holds is in no file, log, answer,
//! webhook or message in any form; tokens that the host asks for are neither lost nor
//! asked for twice.

mod canary;
mod host;
mod oauth;
mod rotation;
mod sinks;
#[path = "../egress/world.rs"]
#[allow(dead_code, unused_imports)]
mod world;
