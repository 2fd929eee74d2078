//! A host that serves, over real HTTP with the real scheduler: the feed while it grows,
//! and what the operator sees of it all.

mod doors;
mod feed;
mod metrics;
mod world;
