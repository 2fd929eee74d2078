//! What a data set is made of before anything changes.

/// Records by number. The first [`Base::len`] are there from the start; higher numbers
/// are records that are added later, so every number must yield a record.
pub(crate) trait Base: Send + Sync {
    /// How many records there are from the start.
    fn len(&self) -> u64;

    /// The date of record `n < len` in seconds since 1970. Never falls as `n` grows.
    fn at(&self, n: u64) -> i64;

    /// The id of record `n`.
    fn id(&self, n: u64) -> String;

    /// Appends record `n` as JSON, in its `version` (0 is the first) and dated `at`.
    fn write(&self, n: u64, version: u32, at: i64, out: &mut Vec<u8>);
}
