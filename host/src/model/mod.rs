//! The words of the product as plain data, and the rules on them that need no I/O.
//!
//! Nothing here can fail except to parse, and nothing here opens, reads or waits.

mod backoff;
mod catalog;
mod change;
mod conduct;
mod deployment;
mod exchange;
mod frequency;
mod ids;
pub mod json;
mod manifest;
mod record;
mod run;
mod schema;
mod source_map;

pub use backoff::{RETRY_FIRST, RETRY_MAX, retry_after};
pub use catalog::{
    ApiKeyRow, AuthScheme, CatalogChange, CatalogKey, CatalogRow, ConnectionRow, Delivery,
    DeliveryId, DeliveryState, EnvironmentRow, IntegrationRow, RecordRetention, ReleaseEntry,
    ReleaseRow, Resources, Scope, SealedText, SyncRow, WebhookSettings, model_label,
};
pub use change::{Action, Change, ChangeFilter, ChangePage, Classified, Cursor, classify};
pub use conduct::{Pagination, PaginationKind, Place, RateLimit, RateScope, RetryRules};
pub use deployment::Deployment;
pub use exchange::HttpExchange;
pub use frequency::{
    CRON_MISSED_COUNTED_MAX, Due, Frequency, FrequencyError, INTERVAL_MAX, INTERVAL_MIN, spread_of,
};
pub use ids::{
    ConnectionId, ConnectionKey, Digest, Environment, Integration, ModelName, RunId, StreamKey,
    SyncKey, SyncName, Variant,
};
pub use manifest::{
    CheckpointSchema, Endpoint, Manifest, ManifestModel, MetadataSchema, SyncType, nearest,
};
pub use record::{
    ContentHash, Misfits, PRUNED, RecordBatch, RecordSpan, SaveMode, SaveSummary, StoredRecord,
};
pub use run::{
    BlockedDelete, Checkpoint, Growth, LogLevel, LogLine, ModelCounts, Outcome, PostMortem, RunRow,
    RunState, Trigger, Usage,
};
pub use source_map::{SourceMap, part_stack};
