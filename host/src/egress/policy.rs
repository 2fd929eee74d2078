//! What may be reached.

/// What the operator allows a connection to reach.
#[derive(Clone, Debug, Default)]
pub struct EgressPolicy {}
