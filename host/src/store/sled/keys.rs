//! Keys of the ordered map. The first byte is the table; names carry their length in
//! front and numbers are big-endian, so that no key of one owner is a prefix of
//! another's and a range never shows a neighbour.

use super::bytes::Input;
use crate::error::Result;
use crate::model::{
    CatalogKey, ConnectionKey, DeliveryId, Digest, ModelName, RunId, StreamKey, SyncKey, Variant,
};

/// Last commit that was applied: number and running hash.
pub(super) const COMMIT: &[u8] = b"Z";
/// Format, store id and epoch.
pub(super) const STAMP: &[u8] = b"V";

/// A table: the first byte of its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Table {
    /// Runs that ended and are to be told of.
    Announced = b'A',
    /// Blocks of the log, by stream and first sequence.
    Block = b'C',
    /// Which sequences are current, in chunks. Derived.
    Places = b'D',
    /// Which sequences are pruned, in chunks.
    Pruned = b'F',
    /// Filters of index runs. Derived.
    Filter = b'B',
    /// Sequences seen by a delete pass.
    Seen = b'G',
    /// Buckets of the id index. Derived.
    Bucket = b'I',
    /// What runs the index of a stream has. Derived.
    Manifest = b'J',
    /// Bytes of components: in backups only, in files otherwise.
    Component = b'E',
    /// Checkpoints.
    Checkpoint = b'K',
    /// Blocks of a run's log.
    Log = b'L',
    /// Metadata of connections.
    Metadata = b'M',
    /// The catalog, by the kind of row and its names.
    Catalog = b'H',
    /// Names of streams and their numbers.
    Name = b'N',
    /// Deliveries that are over.
    Over = b'O',
    /// Open delete passes.
    Pass = b'P',
    /// Interruptions in a row.
    Tally = b'Q',
    /// Rows of runs.
    Run = b'R',
    /// Runs by what they synced, newest first.
    RunOf = b'r',
    /// State of a stream.
    State = b'S',
    /// Deployments.
    Deployment = b'T',
    /// What a live run did, per model.
    Counts = b'U',
    /// Deliveries that wait.
    Waiting = b'W',
    /// Live runs.
    Live = b'X',
    /// Streams that were cleared and whose room was not given back yet.
    Cleared = b'Y',
}

/// First and last (excluded) key of a range.
pub(super) type Range = (Vec<u8>, Vec<u8>);

fn key(table: Table) -> Vec<u8> {
    vec![table as u8]
}

fn put_name(key: &mut Vec<u8>, name: &str) {
    // A name has at most 255 bytes: `limits::NAME_BYTES_MAX`.
    key.push(name.len().min(usize::from(u8::MAX)) as u8);
    key.extend_from_slice(name.as_bytes());
}

fn named(table: Table, names: &[&str]) -> Vec<u8> {
    let mut key = key(table);
    for name in names {
        put_name(&mut key, name);
    }
    key
}

fn connection_names(key: &ConnectionKey) -> [&str; 3] {
    [
        key.environment.as_str(),
        key.integration.as_str(),
        key.connection.as_str(),
    ]
}

/// Every key that starts with `prefix`.
pub(super) fn under(prefix: Vec<u8>) -> Range {
    let mut end = prefix.clone();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            break;
        }
    }
    (prefix, end)
}

/// Every key of a table.
pub(super) fn all(table: Table) -> Range {
    under(key(table))
}

fn of_stream(table: Table, stream: u32) -> Vec<u8> {
    let mut key = key(table);
    key.extend(stream.to_be_bytes());
    key
}

pub(super) fn name(stream: &StreamKey) -> Vec<u8> {
    let [environment, integration, connection] = connection_names(&stream.connection);
    let (model, variant) = (stream.model.as_str(), stream.variant.as_str());
    let names = [environment, integration, connection, model, variant];
    named(Table::Name, &names)
}

/// The stream that a key of the table of names names.
pub(super) fn stream_of_name(key: &[u8]) -> Result<StreamKey> {
    let mut input = Input::new(key, "a stream's name");
    input.byte()?;
    let mut name = || -> Result<String> {
        let length = input.byte()?;
        let bytes = input.take(length.into())?;
        String::from_utf8(bytes.to_vec()).map_err(|_| input.wrong("is not text"))
    };
    let (environment, integration, connection) = (name()?, name()?, name()?);
    Ok(StreamKey {
        connection: ConnectionKey::new(&environment, &integration, &connection)?,
        model: ModelName::new(&name()?)?,
        variant: Variant::new(&name()?)?,
    })
}

pub(super) fn state(stream: u32) -> Vec<u8> {
    of_stream(Table::State, stream)
}

pub(super) fn manifest(stream: u32) -> Vec<u8> {
    of_stream(Table::Manifest, stream)
}

pub(super) fn block(stream: u32, first: u64) -> Vec<u8> {
    let mut key = of_stream(Table::Block, stream);
    key.extend(first.to_be_bytes());
    key
}

/// The keys of the blocks whose first sequence lies in `from..to`.
pub(super) fn blocks(stream: u32, from: u64, to: u64) -> Range {
    (block(stream, from), block(stream, to))
}

/// The last number of a key: the sequence, chunk or count that it ends with.
pub(super) fn last_u64(key: &[u8]) -> Result<u64> {
    match key.split_last_chunk::<8>() {
        Some((_, number)) => Ok(u64::from_be_bytes(*number)),
        None => Err(super::bytes::damaged("a key of the store is too short")),
    }
}

/// The stream that a key starts with, in the tables that have it there.
pub(super) fn stream_of(key: &[u8]) -> Result<u32> {
    Input::new(key.get(1..).unwrap_or_default(), "a key of the store").u32()
}

pub(super) fn places(stream: u32, chunk: u64) -> Vec<u8> {
    let mut key = of_stream(Table::Places, stream);
    key.extend(chunk.to_be_bytes());
    key
}

pub(super) fn all_places(stream: u32) -> Range {
    under(of_stream(Table::Places, stream))
}

pub(super) fn pruned(stream: u32, chunk: u64) -> Vec<u8> {
    let mut key = of_stream(Table::Pruned, stream);
    key.extend(chunk.to_be_bytes());
    key
}

pub(super) fn all_pruned(stream: u32) -> Range {
    under(of_stream(Table::Pruned, stream))
}

pub(super) fn cleared(stream: u32) -> Vec<u8> {
    of_stream(Table::Cleared, stream)
}

pub(super) fn bucket(stream: u32, run: u32, bucket: u32) -> Vec<u8> {
    let mut key = of_stream(Table::Bucket, stream);
    key.extend(run.to_be_bytes());
    key.extend(bucket.to_be_bytes());
    key
}

pub(super) fn buckets(stream: u32, run: u32) -> Range {
    let mut key = of_stream(Table::Bucket, stream);
    key.extend(run.to_be_bytes());
    under(key)
}

pub(super) fn filter(stream: u32, run: u32, part: u32) -> Vec<u8> {
    let mut key = of_stream(Table::Filter, stream);
    key.extend(run.to_be_bytes());
    key.extend(part.to_be_bytes());
    key
}

pub(super) fn filters(stream: u32, run: u32) -> Range {
    let mut key = of_stream(Table::Filter, stream);
    key.extend(run.to_be_bytes());
    under(key)
}

pub(super) fn checkpoint(sync: &SyncKey) -> Vec<u8> {
    named(Table::Checkpoint, &sync.names())
}

pub(super) fn tally(sync: &SyncKey) -> Vec<u8> {
    named(Table::Tally, &sync.names())
}

pub(super) fn live(sync: &SyncKey) -> Vec<u8> {
    named(Table::Live, &sync.names())
}

pub(super) fn metadata(connection: &ConnectionKey) -> Vec<u8> {
    named(Table::Metadata, &connection_names(connection))
}

pub(super) fn pass(sync: &SyncKey, model: &ModelName) -> Vec<u8> {
    let mut key = named(Table::Pass, &sync.names());
    put_name(&mut key, model.as_str());
    key
}

pub(super) fn seen(pass: u64, entry: u64) -> Vec<u8> {
    let mut key = key(Table::Seen);
    key.extend(pass.to_be_bytes());
    key.extend(entry.to_be_bytes());
    key
}

/// The pass that a key of the table of what passes have seen belongs to.
pub(super) fn pass_of_seen(key: &[u8]) -> Result<u64> {
    Input::new(key.get(1..).unwrap_or_default(), "a key of the store").u64()
}

pub(super) fn all_seen(pass: u64) -> Range {
    let mut key = key(Table::Seen);
    key.extend(pass.to_be_bytes());
    under(key)
}

pub(super) fn run(run: RunId) -> Vec<u8> {
    let mut key = key(Table::Run);
    key.extend(run.to_bytes());
    key
}

pub(super) fn run_of(sync: &SyncKey, run: RunId) -> Vec<u8> {
    let mut key = named(Table::RunOf, &sync.names());
    key.extend(run.to_bytes());
    key
}

pub(super) fn runs_of(sync: &SyncKey) -> Range {
    under(named(Table::RunOf, &sync.names()))
}

/// The run that a key of the tables of runs and announcements ends with.
pub(super) fn run_at_end(key: &[u8]) -> Option<RunId> {
    let (_, id) = key.split_last_chunk::<16>()?;
    Some(RunId::from_bytes(*id))
}

/// The keys of a table that belong to syncs of a connection.
pub(super) fn of_connection(table: Table, connection: &ConnectionKey) -> Range {
    under(named(table, &connection_names(connection)))
}

pub(super) fn counts(run: RunId, model: &ModelName) -> Vec<u8> {
    let mut key = key(Table::Counts);
    key.extend(run.to_bytes());
    put_name(&mut key, model.as_str());
    key
}

pub(super) fn all_counts(run: RunId) -> Range {
    let mut key = key(Table::Counts);
    key.extend(run.to_bytes());
    under(key)
}

pub(super) fn log(run: RunId, part: u64) -> Vec<u8> {
    let mut key = key(Table::Log);
    key.extend(run.to_bytes());
    key.extend(part.to_be_bytes());
    key
}

/// The run that a key of the table of logs belongs to.
pub(super) fn run_of_log(key: &[u8]) -> Result<RunId> {
    let id = Input::new(key.get(1..).unwrap_or_default(), "the key of a log").array()?;
    Ok(RunId::from_bytes(id))
}

pub(super) fn logs(run: RunId) -> Range {
    let mut key = key(Table::Log);
    key.extend(run.to_bytes());
    under(key)
}

/// The key of a row of the catalog: a byte for its kind, then its names.
pub(super) fn catalog(row: &CatalogKey) -> Vec<u8> {
    let (kind, names) = match row {
        CatalogKey::Environment(name) => (b'e', vec![name.as_str()]),
        CatalogKey::ApiKey(id) => (b'k', vec![id.as_str()]),
        CatalogKey::Integration(environment, name) => {
            (b'i', vec![environment.as_str(), name.as_str()])
        }
        CatalogKey::Connection(key) => (b'c', connection_names(key).to_vec()),
        CatalogKey::Release(environment, integration, sync) => (
            b'r',
            vec![environment.as_str(), integration.as_str(), sync.as_str()],
        ),
        CatalogKey::Sync(key) => (b's', key.names().to_vec()),
    };
    let mut key = key(Table::Catalog);
    key.push(kind);
    for name in names {
        put_name(&mut key, name);
    }
    key
}

pub(super) fn announced(run: RunId) -> Vec<u8> {
    let mut key = key(Table::Announced);
    key.extend(run.to_bytes());
    key
}

pub(super) fn delivery(table: Table, id: DeliveryId) -> Vec<u8> {
    let mut key = key(table);
    key.extend(id.run.to_bytes());
    key.extend(id.number.to_be_bytes());
    key
}

pub(super) fn component(digest: &Digest) -> Vec<u8> {
    let mut key = key(Table::Component);
    key.extend(digest.as_bytes());
    key
}

pub(super) fn deployment(digest: &Digest) -> Vec<u8> {
    let mut key = key(Table::Deployment);
    key.extend(digest.as_bytes());
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn a_stream() -> impl Strategy<Value = StreamKey> {
        let part = "[a-b_-]{1,4}";
        (part, "[a-b:@/. -]{1,4}", part, part).prop_filter_map(
            "grammar",
            |(environment, connection, model, variant)| {
                Some(StreamKey {
                    connection: ConnectionKey::new(&environment, &model, &connection).ok()?,
                    model: ModelName::new(&model).ok()?,
                    variant: Variant::new(&variant).ok()?,
                })
            },
        )
    }

    proptest! {
        #[test]
        fn no_owners_range_holds_anothers_key(a in a_stream(), b in a_stream(), one: u32, two: u32) {
            prop_assert_eq!(stream_of_name(&name(&a)).unwrap(), a.clone());
            let (from, to) = under(name(&a));
            let inside = (from.as_slice()..to.as_slice()).contains(&name(&b).as_slice());
            prop_assert_eq!(inside, a == b);
            let (from, to) = blocks(one, 0, u64::MAX);
            let inside = (from.as_slice()..to.as_slice()).contains(&block(two, 7).as_slice());
            prop_assert_eq!(inside, one == two);
        }

        #[test]
        fn a_prefix_range_holds_exactly_what_starts_with_it(prefix: Vec<u8>, other: Vec<u8>) {
            let (from, to) = under(prefix.clone());
            let inside = other >= from && (to.is_empty() || other < to);
            prop_assert_eq!(inside, other.starts_with(&prefix));
        }
    }
}
