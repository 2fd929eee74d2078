//! Egress to the live network, by reqwest.
