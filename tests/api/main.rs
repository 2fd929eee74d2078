//! The HTTP API over a real listener, with the real scheduler and a component that does
//! what a script tells it: who may ask what, how requests are read, and Nango's own
//! client against it (`client/suite.mjs`).

mod client;
mod doors;
mod golden;
mod isolation;
mod reading;
mod slow;
mod tenants;
mod world;
