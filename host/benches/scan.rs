//! How fast batches are scanned: checked, identified and hashed, one core.
//!
//! `cargo bench --bench scan`. One iteration is a batch of 1,000 records (100 at 5 KB);
//! read the `item/s` rows as records a second and the `B/s` rows as bytes of JSON.

use bytes::Bytes;
use divan::counter::{BytesCount, ItemsCount};
use std::sync::Arc;
use tidegate::model::json::{RecordRules, scan};

fn main() {
    divan::main();
}

/// Bytes of one record and records of a batch.
const SIZES: [(usize, usize); 3] = [(400, 1_000), (500, 1_000), (5_000, 100)];

/// A batch as a sync of an issue tracker would pass it: mixed types, a nested object, an
/// array and text that fills up to `bytes` for each record; keys in no order.
fn batch(bytes: usize, records: usize) -> Bytes {
    let mut batch = String::new();
    for id in 0..records {
        let mut record = format!(
            r#"{{"id":"issue-{id:07}","title":"Crash when the page is saved, seen {id} times","number":{id},"state":"open","ratio":{}.25,"locked":false,"user":{{"login":"someone-{id}","id":{},"site_admin":false}},"labels":["bug","p1"],"created_at":"2026-11-22T05:53:16Z","closed_at":null,"body":""#,
            id % 97,
            id * 7919
        );
        while record.len() + 3 < bytes {
            let filler = r#"Every line says \"more\" of the same, and then it ends here.\n"#;
            let room = (bytes - 3 - record.len()).min(filler.len());
            record.push_str(if room < filler.len() { "." } else { filler });
        }
        record.push_str("\"}\n");
        batch.push_str(&record);
    }
    batch.into()
}

#[divan::bench(args = SIZES)]
fn scan_batch(bencher: divan::Bencher, (bytes, records): (usize, usize)) {
    let body = batch(bytes, records);
    let rules = Arc::new(RecordRules::default());
    bencher
        .counter(ItemsCount::new(records))
        .counter(BytesCount::new(body.len()))
        .bench_local(|| scan(body.clone(), &rules));
}

/// The share of the hash alone: blake3 over text of the same size.
#[divan::bench(args = SIZES)]
fn hash_alone(bencher: divan::Bencher, (bytes, records): (usize, usize)) {
    let body = batch(bytes, records);
    bencher
        .counter(ItemsCount::new(records))
        .counter(BytesCount::new(body.len()))
        .bench_local(|| {
            let lines = body.split(|byte| *byte == b'\n');
            lines.fold(0, |sum: u64, line| {
                sum + u64::from(blake3::hash(line).as_bytes()[0])
            })
        });
}
