//! The provider over real sockets: its paging, its changes, its faults, its commits.

#![allow(clippy::unwrap_used)]

mod client;
mod commits;
mod faults;
mod paging;
mod requests;
