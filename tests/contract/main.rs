//! The contract with guests keeps its word: today's text serves every guest built
//! against a released one, every item says what it is and since when, and what is
//! written beside the text (manifest schema, README) agrees with the host.

mod manifest;
mod readme;
mod text;
