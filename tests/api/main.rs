//! The HTTP API over a real listener, with the real scheduler and a component that does
//! what a script tells it: who may ask what, how requests are read, its OpenAPI
//! document, and Nango's own client against it (`client/suite.mjs`).

mod answers;
mod client;
mod document;
mod doors;
mod golden;
mod isolation;
mod kept;
mod openapi;
mod quota;
mod reading;
mod slow;
mod spoilt;
mod tenants;
mod world;
