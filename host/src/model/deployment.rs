//! A deployment: one checked version of a sync.

use super::{Digest, Manifest};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A component that was checked, described and accepted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Deployment {
    /// Identity of the component's bytes.
    pub digest: Digest,
    /// Size of the component in bytes.
    pub bytes: u64,
    /// What `describe` returned.
    pub manifest: Manifest,
    /// When it was first accepted.
    pub accepted: Timestamp,
}
