//! `tidegate records`: the changes of a model after a cursor, oldest first; of a store, or
//! of a host that serves.

use super::connection::ConnectionArgs;
use super::host::{self, StoreArgs};
use super::manage::{Record, Remote, ServedArgs, read_models, read_records};
use super::output::{Output, count};
use crate::error::{Code, Error, Result};
use crate::limits::CHANGE_PAGE_RECORDS_MAX;
use crate::model::{
    ChangeFilter, ConnectionKey, Cursor, ModelName, StoredRecord, StreamKey, Variant, nearest,
};
use crate::store::Store;
use clap::Args;
use serde::Serialize;
use serde_json::value::RawValue;

/// Flags of `records`.
#[derive(Args)]
pub(super) struct RecordsArgs {
    /// The model; without one the models of the connection are listed
    model: Option<String>,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    served: ServedArgs,
    /// Only what changed after this cursor, which an earlier call printed
    #[arg(long)]
    cursor: Option<Cursor>,
    /// Entries to print at most
    #[arg(long, default_value_t = 100)]
    limit: usize,
    /// Every change there is
    #[arg(long, conflicts_with = "limit")]
    all: bool,
    /// Only these actions, of `added,updated,deleted`
    #[arg(long, default_value = "added,updated,deleted")]
    filter: ChangeFilter,
    /// Only the records themselves, as they were saved
    #[arg(long)]
    bodies: bool,
}

/// A change as it is printed. With `--json` a last line has the cursor to go on with.
#[derive(Serialize)]
struct Printed<'a, T> {
    id: &'a str,
    action: crate::model::Action,
    sequence: u64,
    first_seen: jiff::Timestamp,
    modified: jiff::Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted: Option<jiff::Timestamp>,
    record: Option<T>,
}

pub(super) async fn records(args: RecordsArgs, output: &Output) -> Result<()> {
    let connection = args.connection.connection()?;
    if let Some(remote) = args.served.connect(connection.environment.as_str())? {
        return print_served(&args, &remote, &connection, output);
    }
    let opened = args.store.open_present(&host::clock()).await;
    let store = opened.map_err(host::or_served)?;
    let outcome = match &args.model {
        Some(model) => {
            print_changes(&args, ModelName::new(model)?, &*store, connection, output).await
        }
        None => print_streams(&*store, connection, output).await,
    };
    host::close(store, output).await;
    outcome
}

async fn print_changes(
    args: &RecordsArgs,
    model: ModelName,
    store: &dyn Store,
    connection: ConnectionKey,
    output: &Output,
) -> Result<()> {
    let stream = StreamKey {
        connection,
        model,
        variant: args.connection.variant()?,
    };
    let known = store.streams(Some(&stream.connection)).await?;
    if !known.contains(&stream) {
        let names = known.iter().map(|known| known.model.as_str());
        let near = nearest(stream.model.as_str(), names);
        return Err(Error::new(
            Code::NotFound,
            format!("there are no records of {stream}{near}; `tidegate records` lists the models"),
        ));
    }
    let (mut cursor, mut left) = (args.cursor, if args.all { usize::MAX } else { args.limit });
    loop {
        let page = store
            .changes(
                &stream,
                cursor,
                left.min(CHANGE_PAGE_RECORDS_MAX),
                args.filter,
            )
            .await?;
        left = left.saturating_sub(page.changes.len());
        page.changes
            .iter()
            .for_each(|change| print_change(change, args.bodies, output));
        cursor = Some(page.cursor);
        if !page.more || left == 0 {
            print_end(args, cursor, page.more, output);
            return Ok(());
        }
    }
}

/// The same of a host that serves.
fn print_served(
    args: &RecordsArgs,
    remote: &Remote,
    connection: &ConnectionKey,
    output: &Output,
) -> Result<()> {
    let [integration, id] = [
        connection.integration.as_str(),
        connection.connection.as_str(),
    ];
    let Some(model) = &args.model else {
        print_models(&read_models(remote, integration)?, output);
        return Ok(());
    };
    let (model, variant) = (ModelName::new(model)?, args.connection.variant()?);
    let remote = &remote.of(integration, id);
    let (mut cursor, mut left) = (args.cursor, if args.all { usize::MAX } else { args.limit });
    loop {
        let wanted = left.min(CHANGE_PAGE_RECORDS_MAX);
        let stream = (&model, variant.as_str());
        let page = read_records(remote, stream, cursor, wanted, args.filter)?;
        left = left.saturating_sub(page.changes.len());
        for change in &page.changes {
            print_record(change, args.bodies, output);
            cursor = Some(change.known.cursor);
        }
        // It lies behind the last record where a filter passed over some.
        cursor = page.next.or(cursor);
        if page.next.is_none() || left == 0 {
            print_end(args, cursor, page.next.is_some(), output);
            return Ok(());
        }
    }
}

/// Where to go on, with words or as the last line of JSON.
fn print_end(args: &RecordsArgs, cursor: Option<Cursor>, more: bool, output: &Output) {
    let place = cursor.map(|cursor| cursor.to_string());
    if output.is_json() && !args.bodies {
        output.json(&serde_json::json!({ "cursor": place, "more": more }));
    }
    let words = if more {
        "more with"
    } else {
        "all read; later changes with"
    };
    match place {
        Some(place) => output.say(&format!("{words} --cursor {place}")),
        None => output.say("there are no records"),
    }
}

fn print_record(change: &Record, body_only: bool, output: &Output) {
    if body_only {
        return output.json(&change.body);
    }
    let known = &change.known;
    output.json(&Printed {
        id: &change.body.id(),
        action: known.last_action,
        sequence: known.cursor.sequence,
        first_seen: known.first_seen_at,
        modified: known.last_modified_at,
        deleted: known.deleted_at,
        record: Some(&change.body),
    });
}

fn print_models(models: &[(String, String)], output: &Output) {
    if output.is_json() {
        let print = |(sync, model): &(String, String)| {
            output.json(&serde_json::json!({ "model": model, "sync": sync }));
        };
        return models.iter().for_each(print);
    }
    let rows = models
        .iter()
        .map(|(sync, model)| vec![model.clone(), sync.clone()]);
    output.data(&output.table(&["model", "sync"], rows.collect(), &[]));
}

fn print_change(change: &StoredRecord, body_only: bool, output: &Output) {
    let text = String::from_utf8_lossy(&change.body);
    if body_only {
        return output.data(&text);
    }
    let record = serde_json::from_str::<&RawValue>(&text).ok();
    output.json(&Printed {
        id: &change.id,
        action: change.action,
        sequence: change.sequence,
        first_seen: change.first_seen,
        modified: change.modified,
        deleted: change.deleted,
        record,
    });
}

async fn print_streams(
    store: &dyn Store,
    connection: ConnectionKey,
    output: &Output,
) -> Result<()> {
    let streams = store.streams(Some(&connection)).await?;
    let mut rows = Vec::new();
    for stream in streams {
        let stats = store.stats(&stream).await?;
        match output.is_json() {
            true => output.json(&serde_json::json!({ "model": stream.model, "variant": stream.variant, "stats": stats })),
            false => rows.push(vec![
                stream.model.to_string(),
                if stream.variant == Variant::base() { String::new() } else { stream.variant.to_string() },
                count(stats.live),
                count(stats.deleted),
            ]),
        }
    }
    if !output.is_json() {
        output.data(&output.table(&["model", "variant", "records", "deleted"], rows, &[2, 3]));
    }
    Ok(())
}
