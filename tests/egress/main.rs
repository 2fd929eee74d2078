//! The door out, through real sockets: what leaves, what comes back, and above all what
//! is never dialled.
//!
//! No test of this suite sends a packet past the loopback interface: [`world`] leads
//! every checked address to a listener of its own and writes down what it was asked for.

mod bandwidth;
mod bodies;
mod budgets;
mod exchanges;
mod headers;
mod http2;
mod outside;
mod placeholders;
mod redirects;
mod retries;
mod secrets;
mod vectors;
mod world;
