//! The records of the mock host: classified as the real one does it, kept in memory.

use crate::error::{Code, Error, Result};
use crate::records::Saved;
use crate::sys::{RecordPage, Write};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// One model's records and its delete pass.
#[derive(Default)]
struct Table {
    live: BTreeMap<String, (u64, Value)>,
    ignore: Vec<String>,
    seen: Option<BTreeSet<String>>,
}

/// All records of the connection.
#[derive(Default)]
pub(crate) struct Cache {
    tables: BTreeMap<String, Table>,
    /// The models of the sync that runs, `None` where any will do.
    declared: Option<BTreeSet<String>>,
    track_deletes: bool,
    sequence: u64,
}

impl Cache {
    /// Takes a manifest's models for the run that begins.
    pub fn declare(&mut self, manifest: &Value) {
        let models = manifest["models"].as_object().into_iter().flatten();
        self.track_deletes = manifest["trackDeletes"] == true;
        self.declared = None;
        let mut declared = BTreeSet::new();
        for (name, model) in models {
            let table = self.tables.entry(name.clone()).or_default();
            table.ignore = model["ignore"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|field| Some(field.as_str()?.into()))
                .collect();
            if self.track_deletes {
                table.seen.get_or_insert_default();
            }
            declared.insert(name.clone());
        }
        if !declared.is_empty() {
            self.declared = Some(declared);
        }
    }

    /// Ends the run: a full refresh that went well deletes what it did not save.
    pub fn end_run(&mut self, well: bool) {
        if self.track_deletes && well {
            for table in self.tables.values_mut() {
                table.close_pass();
            }
        }
    }

    pub fn write(&mut self, kind: Write, model: &str, ndjson: &[u8]) -> Result<Saved> {
        let records = parse(ndjson)?;
        self.sequence += 1;
        let sequence = self.sequence;
        let table = self.table(model)?;
        let mut saved = Saved::default();
        for (id, record) in records {
            table.write(kind, sequence, id, record, &mut saved);
        }
        Ok(saved)
    }

    pub fn delete(&mut self, model: &str, ids: &[String]) -> Result<u32> {
        let table = self.table(model)?;
        let deleted = ids
            .iter()
            .filter(|id| table.live.remove(id.as_str()).is_some())
            .count();
        Ok(u32::try_from(deleted)?)
    }

    pub fn get(&mut self, model: &str, ids: &[String]) -> Result<Vec<Option<String>>> {
        let table = self.table(model)?;
        Ok(ids
            .iter()
            .map(|id| table.live.get(id).map(|(_, record)| record.to_string()))
            .collect())
    }

    /// A page whose cursor is the number of records before it.
    pub fn list(&mut self, model: &str, cursor: Option<&str>, limit: u32) -> Result<RecordPage> {
        self.table(model)?;
        let all = self.live(model);
        let from: usize = cursor.unwrap_or("0").parse()?;
        let page: Vec<String> = all
            .iter()
            .skip(from)
            .take(limit as usize)
            .map(Value::to_string)
            .collect();
        let end = from + page.len();
        Ok((page, (end < all.len()).then(|| end.to_string())))
    }

    pub fn open_pass(&mut self, model: &str) -> Result<()> {
        self.table(model)?.seen.get_or_insert_default();
        Ok(())
    }

    pub fn close_pass(&mut self, model: &str) -> Result<Vec<String>> {
        let table = self.table(model)?;
        if table.seen.is_none() {
            return Err(Error::with_code(
                Code::InvalidArgument,
                format!("no delete pass is open for `{model}`"),
            ));
        }
        Ok(table.close_pass())
    }

    /// The live records in the order in which they last changed.
    pub fn live(&self, model: &str) -> Vec<Value> {
        let mut all: Vec<&(u64, Value)> = self
            .tables
            .get(model)
            .into_iter()
            .flat_map(|table| table.live.values())
            .collect();
        all.sort_by_key(|(sequence, _)| *sequence);
        all.into_iter().map(|(_, record)| record.clone()).collect()
    }

    fn table(&mut self, model: &str) -> Result<&mut Table> {
        if self
            .declared
            .as_ref()
            .is_some_and(|declared| !declared.contains(model))
        {
            let known = self
                .declared
                .iter()
                .flatten()
                .cloned()
                .collect::<Vec<_>>()
                .join("`, `");
            let why = format!(
                "the manifest has no model `{model}`, only `{known}`; add `.model::<…>()` to the sync"
            );
            return Err(Error::with_code(Code::ModelUnknown, why));
        }
        Ok(self.tables.entry(model.into()).or_default())
    }
}

impl Table {
    fn write(&mut self, kind: Write, sequence: u64, id: String, record: Value, saved: &mut Saved) {
        if let Some(seen) = &mut self.seen {
            seen.insert(id.clone());
        }
        let before = self.live.get(&id).map(|(_, record)| record);
        let after = match (kind, before) {
            (Write::Save, _) => record,
            (Write::Update, Some(before)) => merged(before.clone(), record),
            (Write::Update, None) => return,
        };
        match before {
            None => saved.added += 1,
            Some(before) if self.significant(before) == self.significant(&after) => {
                saved.unchanged += 1;
                return;
            }
            Some(_) => saved.updated += 1,
        }
        self.live.insert(id, (sequence, after));
    }

    /// The fields that count as a change.
    fn significant<'a>(&self, record: &'a Value) -> BTreeMap<&'a String, &'a Value> {
        record
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(field, _)| !self.ignore.contains(field))
            .collect()
    }

    /// Deletes what the open pass has not seen; answers the ids.
    fn close_pass(&mut self) -> Vec<String> {
        let Some(seen) = self.seen.take() else {
            return Vec::new();
        };
        let gone: Vec<String> = self
            .live
            .keys()
            .filter(|id| !seen.contains(*id))
            .cloned()
            .collect();
        self.live.retain(|id, _| seen.contains(id));
        gone
    }
}

/// The records of a call, or why one of them refuses all.
fn parse(ndjson: &[u8]) -> Result<Vec<(String, Value)>> {
    let lines = ndjson
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.trim_ascii().is_empty());
    lines
        .enumerate()
        .map(|(index, line)| parse_line(line).map_err(|why| refused(index, &why)))
        .collect()
}

fn parse_line(line: &[u8]) -> Result<(String, Value), String> {
    let record: Value = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    let id = match &record["id"] {
        Value::String(id) if !id.is_empty() => id.clone(),
        Value::Number(id) => id.to_string(),
        _ => return Err("it has no `id` that is text or a number".into()),
    };
    Ok((id, record))
}

fn refused(index: usize, why: &str) -> Error {
    Error::with_code(
        Code::RecordInvalid,
        format!("record {index} of the batch: {why}; nothing of the batch was saved"),
    )
}

/// `patch` merged deep into `record`; lists are replaced.
fn merged(record: Value, patch: Value) -> Value {
    match (record, patch) {
        (Value::Object(mut fields), Value::Object(patch)) => {
            for (name, value) in patch {
                let before = fields.remove(&name).unwrap_or_default();
                fields.insert(name, merged(before, value));
            }
            Value::Object(fields)
        }
        (_, patch) => patch,
    }
}
