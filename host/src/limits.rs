//! Every number that this host enforces: its unit, why it is what it is, and what
//! happens there. Nothing else in the crate holds a bare limit.

use std::time::Duration;

/// One kibibyte in bytes.
pub const KIB: u64 = 1024;
/// One mebibyte in bytes.
pub const MIB: u64 = 1024 * KIB;
/// One gibibyte in bytes.
pub const GIB: u64 = 1024 * MIB;

// ---- one run -------------------------------------------------------------------------

/// Memory of one run in bytes, summed over linear memories, tables and host buffers,
/// where neither manifest nor operator says otherwise. A Rust sync of the examples
/// peaks under 4 MiB, a QuickJS one at 6 to 8, a Python one at 13; 128 leaves room for a
/// page of 10 MB. Growth past it is refused and the run ends as `limit.memory`.
pub const RUN_MEMORY_BYTES: u64 = 128 * MIB;

/// The most that a manifest may ask for where the operator sets no ceiling, in bytes.
/// A larger wish is refused at deployment as `component.rejected`.
pub const RUN_MEMORY_BYTES_CEILING: u64 = 512 * MIB;

/// The least memory a run can have, in bytes: a Rust component starts with 1.1 MiB
/// (17 pages). Less is refused as `invalid.argument`.
pub const RUN_MEMORY_BYTES_MIN: u64 = 2 * MIB;

/// What one table element counts against the memory cap, in bytes: a host pointer.
pub const TABLE_ELEMENT_BYTES: u64 = 8;

/// CPU time without a host call, after which a run ends as `limit.cpu`.
pub const RUN_CPU_BETWEEN_CALLS: Duration = Duration::from_secs(30);

/// CPU time of a whole run, after which it ends as `limit.cpu`.
pub const RUN_CPU: Duration = Duration::from_secs(600);

/// Wall time after which a run ends at its next checkpoint as `run.interrupted` and is
/// continued by the next execution.
pub const RUN_TIME_SOFT: Duration = Duration::from_secs(15 * 60);

/// Wall time after which a run ends at once as `limit.time`.
pub const RUN_TIME_HARD: Duration = Duration::from_secs(24 * 3600);

/// How often the epoch advances. A guest yields at each tick, so that one which spins
/// holds a worker thread no longer than this; a tick itself costs one atomic add.
pub const EPOCH_TICK: Duration = Duration::from_millis(10);

/// How long one host call may take where it sets no limit of its own (`fetch` and
/// `sleep` do), after which the run ends as `limit.time`. Covers a store that hangs.
pub const HOST_CALL_TIME: Duration = Duration::from_secs(60);

/// Bytes that one host call may copy out of the guest: the largest batch plus as much
/// again for argument lists. wasmtime's own default of 128 MiB let 200 aliases of one
/// string hold 234 MiB of the host. Past it the run ends as `limit.hostcall`.
pub const HOSTCALL_FUEL_BYTES: usize = 16 * MIB as usize;

/// Stack of the guest in bytes; recursion past it is `guest.trap`. A call of a function in
/// JavaScript takes some 750 bytes of it: measured, 1,400 calls deep.
pub const WASM_STACK_BYTES: usize = MIB as usize;

/// Stack of a run's fibre in bytes. What the guest's stack leaves is all that host
/// functions have; an overflow there ends the process, so no host function recurses on
/// what a guest passes.
pub const FIBER_STACK_BYTES: usize = 2 * MIB as usize;

/// Live component-model handles of one run. StarlingMonkey drops none during a run, so
/// thousands must fit. Past it the run traps as `limit.handles`.
pub const COMPONENT_HANDLES_MAX: usize = 10_000;

/// Host-side resources (requests, pending, responses, WASI streams) of one run. The
/// same reason and outcome as [`COMPONENT_HANDLES_MAX`].
pub const RESOURCES_MAX: usize = 10_000;

/// Bytes that a guest may ask of the random source in one call; past it the call traps.
pub const RANDOM_BYTES_MAX: u64 = 64 * KIB;

/// Core instances in one component: a componentize-py component has about 43. Counted
/// by the limiter because instance state is invisible to the memory sum. Past it
/// instantiation fails.
pub const INSTANCES_MAX: usize = 256;

/// Linear memories of one run; past it instantiation fails.
pub const MEMORIES_MAX: usize = 16;

/// Most runs at once in a sandbox with pooled slots. Each reserves 16 memories of 4 GiB of
/// address space, of which there are 128 TiB. A larger pool is refused at the start.
pub const POOLED_RUNS_MAX: u32 = 1_024;

/// Elements of one table in a sandbox with pooled slots, whose tables cannot be larger.
/// Past it the table does not grow, which a guest sees as refused memory.
pub const POOLED_TABLE_ELEMENTS_MAX: usize = 100_000;

/// Tables of one run; past it instantiation fails.
pub const TABLES_MAX: usize = 32;

/// stdout and stderr kept of one run, in bytes each; the rest is dropped and the log
/// says so.
pub const STDIO_BYTES_MAX: usize = 64 * KIB as usize;

/// HTTP exchanges of one run; past it `fetch` answers `limit.requests`.
pub const REQUESTS_PER_RUN_MAX: u64 = 1_000_000;

/// Executions in a row that were interrupted without the checkpoint moving before the
/// next one is refused as `run.stalled`.
pub const INTERRUPTIONS_WITHOUT_PROGRESS_MAX: u32 = 3;

/// Longest wait of a scheduled run for its provider, or asleep, that takes place in the run,
/// holding its memory and its environment's room. A longer one ends it where it can go on
/// from its checkpoint without loss: it is continued when the wait is over.
pub const WAIT_IN_RUN_MAX: Duration = Duration::from_secs(60);

/// Executions in a row that ended before a long wait without the checkpoint moving before
/// the next one waits in its place, so that its tries run out and the sync hears of it.
pub const WAITS_WITHOUT_PROGRESS_MAX: u32 = 3;

/// Runs of an integration in a row that found its provider unwell (no connection, or a
/// 5xx), after which its scheduled runs are held back and one probe goes first …
pub const BREAKER_RUNS: u32 = 5;
/// … when they are of as many connections: one broken account is held back by its own
/// wait alone.
pub const BREAKER_CONNECTIONS: usize = 3;
/// How long they are held before the first probe; twice as long after each that fails …
pub const BREAKER_WAIT_FIRST: Duration = Duration::from_secs(30);
/// … up to this, so that a provider which is back waits no longer for its runs.
pub const BREAKER_WAIT_MAX: Duration = Duration::from_secs(600);

/// Growth events kept for the post-mortem; later ones replace the last.
pub const GROWTHS_KEPT: usize = 64;

/// Variants of one sync on one connection; one more is `invalid.argument`. Nango's cap.
pub const VARIANTS_MAX: usize = 100;

// ---- what a guest passes -------------------------------------------------------------

/// JSON bytes of one `batch-save`; a larger call is `invalid.argument`. Half of
/// [`HOSTCALL_FUEL_BYTES`], so that the clear message comes before the trap.
pub const BATCH_BYTES_MAX: usize = 8 * MIB as usize;

/// Bytes of one record's JSON; a larger one is `record.invalid`.
pub const RECORD_BYTES_MAX: usize = MIB as usize;

/// Depth of nesting in one record; deeper is `record.invalid`. The scanner recurses.
pub const JSON_DEPTH_MAX: usize = 64;

/// Characters of one JSON number; longer is `record.invalid`.
pub const JSON_NUMBER_CHARS_MAX: usize = 64;

/// Characters of a record id, as Nango's; longer is `record.invalid`.
pub const RECORD_ID_CHARS_MAX: usize = 255;

/// Ids in one `get` or `batch-delete`; more is `invalid.argument`.
pub const IDS_PER_CALL_MAX: usize = 10_000;

/// Bytes of a checkpoint, as JSON; more is `checkpoint.invalid`.
pub const CHECKPOINT_BYTES_MAX: usize = 64 * KIB as usize;

/// Bytes of a connection's metadata, as JSON; more is `metadata.invalid`.
pub const METADATA_BYTES_MAX: usize = 64 * KIB as usize;

/// Bytes of one log line; a longer one is cut and marked.
pub const LOG_LINE_BYTES_MAX: usize = 8 * KIB as usize;

/// Bytes of a run's log; past it one closing line says so and the rest is dropped.
pub const LOG_BYTES_MAX: usize = MIB as usize;

/// HTTP exchanges that a run's log tells of, at about 100 bytes each once packed; further
/// ones are dropped, and the log says at its end how many.
pub const EXCHANGES_LOGGED_MAX: usize = 500;

/// Exchanges without success that the log tells of beyond [`EXCHANGES_LOGGED_MAX`], so
/// that a long run shows why it failed. The same outcome as [`EXCHANGES_LOGGED_MAX`].
pub const FAILED_EXCHANGES_LOGGED_MAX: usize = 100;

/// Bytes of an exchange's URL in a run's log; a longer one is cut and marked.
pub const EXCHANGE_URL_BYTES_MAX: usize = 512;

/// Longest `run.sleep` in milliseconds; more is `invalid.argument`.
pub const SLEEP_MS_MAX: u32 = 10 * 60 * 1000;

/// Bytes of a name (sync, variant, integration, connection, model); longer is
/// `invalid.argument`. Nango's grammars end at 255.
pub const NAME_BYTES_MAX: usize = 255;

// ---- components ----------------------------------------------------------------------

/// Bytes of a component; a larger one is `component.rejected`. The largest real one
/// seen is 22 MB (Python).
pub const COMPONENT_BYTES_MAX: usize = 64 * MIB as usize;
/// Core modules in a component; largest seen 8. Past this and the six limits below, the
/// component is `component.rejected` before it is compiled.
pub const COMPONENT_MODULES_MAX: usize = 64;
/// Core instances a component declares, else refused; largest seen 43.
pub const COMPONENT_INSTANCES_MAX: usize = 256;
/// Globals in one module, else refused; largest seen 36. 1,000,000 cost 15 MB of host
/// memory for each instance, which no limiter sees.
pub const MODULE_GLOBALS_MAX: u32 = 10_000;
/// Functions in one module, else refused; largest seen 12,705.
pub const MODULE_FUNCTIONS_MAX: u32 = 100_000;
/// Bytes of one function body, else refused; largest seen 171,628. A straight line of
/// 1.3 MiB cost Cranelift 5.8 s and 563 MiB.
pub const FUNCTION_BODY_BYTES_MAX: usize = MIB as usize;
/// Nested blocks in one function, else refused. 20,000 nested loops (59 KiB) cost 19 s:
/// quadratic.
pub const FUNCTION_NESTING_MAX: usize = 2_000;
/// Locals of one function, else refused.
pub const FUNCTION_LOCALS_MAX: u32 = 5_000;

/// Memory of `describe` in bytes beyond what the component starts with; past it the
/// component is `component.rejected`.
pub const DESCRIBE_MEMORY_BYTES: u64 = 16 * MIB;
/// CPU time of `describe`; past it the component is `component.rejected`.
pub const DESCRIBE_CPU: Duration = Duration::from_secs(1);
/// Bytes of a manifest, as JSON; more is `component.rejected`.
pub const MANIFEST_BYTES_MAX: usize = 256 * KIB as usize;

/// Bytes of a component's source map; a larger one is left out, with a warning when the
/// component is checked, and errors then name generated lines. Five bytes a position: a
/// bundle of 200,000 positions fits, whose table takes 4 MB beside the compiled code.
pub const SOURCE_MAP_BYTES_MAX: usize = MIB as usize;
/// Bytes of a source's name in it; a map with a longer one is left out. Each position in a
/// guest's words is replaced by such a name.
pub const SOURCE_NAME_BYTES_MAX: usize = 512;
/// Positions that are replaced in one text of a guest; the further ones stay as they are,
/// so that a text of nothing else is not dropped on the host as one a hundred times as long.
pub const SOURCE_PLACES_MAX: usize = 1_000;

// ---- egress --------------------------------------------------------------------------

/// Bytes of a URL; a longer one is `egress.denied`.
pub const URL_BYTES_MAX: usize = 16 * KIB as usize;
/// Redirects followed for one request; the next is `egress.denied`.
pub const REDIRECTS_MAX: u32 = 5;
/// Time to connect, TLS included; then `provider.timeout`.
pub const CONNECT_TIME: Duration = Duration::from_secs(10);
/// Time without one byte of a response; then `provider.timeout`.
pub const READ_IDLE_TIME: Duration = Duration::from_secs(30);
/// Time of one whole exchange where the guest sets none; then `provider.timeout`.
pub const EXCHANGE_TIME: Duration = Duration::from_secs(120);
/// The longest time of one exchange that a guest may set.
pub const EXCHANGE_TIME_MAX: Duration = Duration::from_secs(600);
/// Bytes of a response on the wire; more is `limit.response`.
pub const RESPONSE_WIRE_BYTES_MAX: u64 = 16 * MIB;
/// Bytes of a response after decoding; more is `limit.response`.
pub const RESPONSE_DECODED_BYTES_MAX: u64 = 32 * MIB;
/// Headers of a response; more is `limit.response`.
pub const RESPONSE_HEADERS_MAX: usize = 100;
/// Bytes of a response's headers; more is `limit.response`.
pub const RESPONSE_HEADER_BYTES_MAX: u32 = 64 * KIB as u32;
/// Headers that a guest may set; more is `invalid.argument`.
pub const REQUEST_HEADERS_MAX: usize = 100;
/// Bytes of the headers that a guest may set; more is `invalid.argument`.
pub const REQUEST_HEADER_BYTES_MAX: usize = 32 * KIB as usize;
/// Bytes of a request body; more is `invalid.argument`.
pub const REQUEST_BODY_BYTES_MAX: usize = 8 * MIB as usize;
/// Retries of one request where the guest sets none; then the guest gets the last
/// failure. Nango's syncs set 3 in 1,014 of 1,131 cases.
pub const RETRIES_DEFAULT: u32 = 3;
/// The most retries that a guest may set.
pub const RETRIES_MAX: u32 = 20;
/// First wait of the exponential backoff; doubles with each try, jittered.
pub const BACKOFF_FIRST: Duration = Duration::from_secs(3);
/// Longest wait between two tries without word from the provider.
pub const BACKOFF_MAX: Duration = Duration::from_secs(600);
/// Longest `Retry-After` that is honoured; beyond it the response goes to the guest.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(3600);
/// Headers that an integration may name as telling a wait; more are refused as
/// `invalid.argument`. Each is looked for in every response that is tried again.
pub const RETRY_HEADERS_MAX: usize = 8;
/// Requests of an integration's rate limit at most; more are refused as
/// `invalid.argument`. A limit that is higher is none.
pub const RATE_REQUESTS_MAX: u32 = 1_000_000;
/// Seconds of an integration's rate limit at most, a day; more are refused as
/// `invalid.argument`, for no run is longer.
pub const RATE_SECONDS_MAX: u32 = 24 * 3600;
/// The least bandwidth of an environment in KiB a second; less is refused as
/// `invalid.argument`. Slower, the largest response would take longer than most providers
/// keep a connection open.
pub const EGRESS_KIB_PER_SECOND_MIN: u32 = 16;
/// Placeholders that an integration may allow; more are refused as `invalid.argument`.
/// Each is looked for in every response.
pub const PLACEHOLDERS_MAX: usize = 16;
/// Placeholders in the query or the body of one request; more are `invalid.argument`. A
/// body of nothing but them would grow a thousandfold.
pub const PLACEHOLDERS_PER_REQUEST_MAX: usize = 64;
/// Exchanges in flight to one host for one connection, shared by all its runs; more wait.
pub const EXCHANGES_PER_CONNECTION_HOST_MAX: usize = 16;
/// Bytes of request and response bodies in one recording of `dev --record`; more is
/// `limit.response`, and no file is written. It is to be read by people.
pub const RECORDING_BYTES_MAX: u64 = 32 * MIB;
/// Bytes of a fixture that `test` reads; more is `config.invalid`. A recording of the
/// largest size fits, with its bodies twice as long as text.
pub const FIXTURE_BYTES_MAX: u64 = 128 * MIB;

// ---- store ---------------------------------------------------------------------------

/// Free disk below which no new run is taken and no record saved (`limit.storage`), in
/// bytes. Checkpoints and run reports still go through: they are the reserve's purpose.
pub const DISK_FREE_BYTES_MIN: u64 = GIB;
/// Bytes of the store's journal after which what it holds is flushed and it starts anew.
/// It bounds what is applied again when the store opens (0.2 s here); a larger one would
/// flush less often and longer.
pub const STORE_JOURNAL_BYTES: u64 = 24 * MIB;
/// Entries of the log that no index run knows yet, over all streams: they wait in memory,
/// at about 100 bytes each, and are read again when the store opens. At so many, the
/// streams with most of them are indexed until half are left. More make opening slower,
/// fewer make more work.
pub const STORE_INDEX_ENTRIES_WAITING: usize = 64 * 1024;
/// Bytes of memory that the store's map may hold before it is opened anew, which takes
/// 50 to 300 ms: sled's own cache limit is not kept. Roughly a million records.
pub const STORE_MAP_BYTES: u64 = 256 * MIB;
/// Time after which opening the store is given up as `store.damaged`: sled can spin on
/// damage. 5M records open in 0.3 s, and the journal is applied in less.
pub const STORE_OPEN_TIME: Duration = Duration::from_secs(60);
/// Time after which a read of the store is given up as `store.damaged`, for the same
/// reason: the largest page takes 50 ms. Shorter than [`HOST_CALL_TIME`], so that the
/// store's message comes first.
pub const STORE_READ_TIME: Duration = Duration::from_secs(45);
/// Records in one page of the change feed at most; a larger wish is cut to it.
pub const CHANGE_PAGE_RECORDS_MAX: usize = 10_000;
/// Payload bytes after which a page of the change feed ends. One record always fits.
pub const CHANGE_PAGE_BYTES_MAX: usize = 16 * MIB as usize;
/// Share of live records above which a delete pass is held for the operator …
pub const DELETE_GUARD_SHARE: f64 = 0.30;
/// … when it is also more records than this; a held pass deletes nothing.
pub const DELETE_GUARD_RECORDS: u64 = 1_000;
/// Ids shown as a sample of what a held pass would delete.
pub const DELETE_SAMPLE_IDS: usize = 10;

const _: () = {
    assert!(BATCH_BYTES_MAX * 2 <= HOSTCALL_FUEL_BYTES);
    assert!(RECORD_BYTES_MAX <= BATCH_BYTES_MAX);
    assert!(CHECKPOINT_BYTES_MAX < BATCH_BYTES_MAX && METADATA_BYTES_MAX < BATCH_BYTES_MAX);
    assert!(WASM_STACK_BYTES * 2 <= FIBER_STACK_BYTES);
    assert!(
        RUN_MEMORY_BYTES_MIN <= RUN_MEMORY_BYTES && RUN_MEMORY_BYTES <= RUN_MEMORY_BYTES_CEILING
    );
    assert!(RESPONSE_WIRE_BYTES_MAX <= RESPONSE_DECODED_BYTES_MAX);
};
