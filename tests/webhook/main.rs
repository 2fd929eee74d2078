//! Webhooks through their real parts: a run that ends in the store, the outbox, the gate
//! with real sockets, and an app on loopback that checks what it is sent.
//!
//! Time stands still until a test turns it, so that waits of days cost nothing.

mod deliveries;
mod outages;
mod targets;
mod world;
