//! Records: typed models in, batches of NDJSON out.

use crate::error::{Code, Error, Result};
use crate::run::Run;
use crate::sync::State;
use crate::sys::{self, Write};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::borrow::Cow;
use std::fmt;
use std::ops::AddAssign;

/// Bytes of JSON after which a batch goes to the host. The contract allows 8 MiB in a
/// call; 1 MiB is 2,000 records of 500 B, enough for a durable write to cost little a
/// record, and it keeps guest and host together under 4 MiB for any number of records.
const BATCH_BYTES: usize = 1024 * 1024;

/// Bytes of JSON that the host takes in one call; a single record above it cannot be
/// sent.
const CALL_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Ids that the host takes in one call; more become several calls.
const IDS_PER_CALL_MAX: usize = 10_000;

/// Records asked for in one call of `list`.
const LIST_PAGE: u32 = 1_000;

/// A type whose values are saved as records. It has a field `id`, text or number, that
/// is unique in the model.
///
/// ```
/// use tidegate_sdk::prelude::*;
///
/// /// A person in the address book.
/// #[derive(Serialize, Deserialize, JsonSchema)]
/// struct Contact {
///     id: String,
///     name: String,
///     seen_at: String,
/// }
///
/// impl Model for Contact {
///     const IGNORE: &'static [&'static str] = &["seen_at"];
/// }
///
/// assert_eq!(Contact::name(), "Contact");
/// ```
pub trait Model: Serialize + JsonSchema {
    /// Top-level fields that do not count as a change when they differ.
    const IGNORE: &'static [&'static str] = &[];

    /// The model's name in the manifest and for apps: the type's, or what
    /// `#[serde(rename)]` makes of it.
    fn name() -> Cow<'static, str> {
        Self::schema_name()
    }
}

// So that a slice or a borrowing iterator can be saved as well as a list.
impl<T: Model> Model for &T {
    const IGNORE: &'static [&'static str] = T::IGNORE;

    fn name() -> Cow<'static, str> {
        T::name()
    }
}

/// What saves did, summed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    /// New records, and ones that were deleted before.
    pub added: u64,
    /// Records whose content changed.
    pub updated: u64,
    /// Records that are as they were.
    pub unchanged: u64,
}

impl Saved {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.added + self.updated + self.unchanged
    }
}

impl AddAssign for Saved {
    fn add_assign(&mut self, other: Saved) {
        self.added += other.added;
        self.updated += other.updated;
        self.unchanged += other.unchanged;
    }
}

impl fmt::Display for Saved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} added, {} updated, {} unchanged",
            self.added, self.updated, self.unchanged
        )
    }
}

/// What a save does to a record that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MergingStrategy {
    /// The new record takes its place. The default.
    Override,
    /// A record that another run changed after this run began keeps its content.
    IgnoreIfModifiedAfterStart,
}

impl<C: State, M: State> Run<C, M> {
    /// Saves records: a `Vec`, a slice, an iterator, of any length. Ok means that all of
    /// them are durable. They go to the host in batches; a record that is refused refuses
    /// its batch, and the batches before it stay saved.
    ///
    /// ```
    /// use tidegate_sdk::prelude::*;
    /// use tidegate_sdk::testing::TestHost;
    ///
    /// #[derive(Serialize, Deserialize, JsonSchema)]
    /// struct Item { id: u32 }
    /// impl Model for Item {}
    ///
    /// let items = DataSync::new("items", "1", |run: &Run| {
    ///     let saved = run.save((0..100_000).map(|id| Item { id }))?;
    ///     assert_eq!(saved.added, 100_000);
    ///     let again = run.save(&[Item { id: 7 }])?;
    ///     assert_eq!(again.unchanged, 1);
    ///     Ok(())
    /// });
    /// TestHost::new().run(&items).unwrap();
    /// ```
    pub fn save<T: Model>(&self, records: impl IntoIterator<Item = T>) -> Result<Saved> {
        self.write(Write::Save, &T::name(), records)
    }

    /// Merges fields deep into the live records of `T` with the same `id`; ids that are
    /// not live are left alone. Each patch is an object with the `id` and what changes.
    pub fn update<T: Model>(
        &self,
        patches: impl IntoIterator<Item = impl Serialize>,
    ) -> Result<Saved> {
        self.write(Write::Update, &T::name(), patches)
    }

    /// Saves NDJSON as it is: one JSON object a line, each with an `id`. For records that
    /// arrive in that form already; at most 8 MiB.
    pub fn save_ndjson(&self, model: &str, ndjson: &[u8]) -> Result<Saved> {
        sys::write(Write::Save, model, ndjson)
    }

    /// Deletes the live ones of these ids; answers how many there were.
    pub fn delete<T: Model>(&self, ids: impl IntoIterator<Item = impl ToString>) -> Result<u64> {
        let mut deleted = 0;
        for_chunks(ids, |chunk| {
            deleted += u64::from(sys::batch_delete(&T::name(), chunk)?);
            Ok(())
        })?;
        Ok(deleted)
    }

    /// The live records with these ids, in their order, `None` for those not there.
    pub fn find<T: Model + DeserializeOwned>(
        &self,
        ids: impl IntoIterator<Item = impl ToString>,
    ) -> Result<Vec<Option<T>>> {
        let mut found = Vec::new();
        for_chunks(ids, |chunk| {
            for record in sys::get_records(&T::name(), chunk)? {
                found.push(
                    record
                        .map(|json| crate::decode::from_json(&json))
                        .transpose()?,
                );
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// All live records of `T`, in the order in which they last changed, fetched from the
    /// host as the iterator goes on.
    pub fn list<T: Model + DeserializeOwned>(&self) -> impl Iterator<Item = Result<T>> {
        let mut page = Vec::<String>::new().into_iter();
        let mut next = Some(None::<String>);
        std::iter::from_fn(move || {
            loop {
                if let Some(json) = page.next() {
                    return Some(crate::decode::from_json::<T>(json.as_str()));
                }
                let cursor = next.take()?;
                match sys::list_records(&T::name(), cursor.as_deref(), LIST_PAGE) {
                    Ok((records, cursor)) => {
                        page = records.into_iter();
                        next = cursor.map(Some);
                    }
                    Err(error) => return Some(Err(error)),
                }
            }
        })
    }

    /// Opens a delete pass over `T`: what is saved from here on counts as seen, and
    /// [`finish`](DeletePass::finish) deletes the rest. A pass survives interrupted runs:
    /// open it at the start of each. (A full refresh that declares
    /// [`track_deletes`](crate::DataSync::track_deletes) needs no pass.)
    pub fn delete_pass<T: Model>(&self) -> Result<DeletePass> {
        let model = T::name().into_owned();
        sys::track_deletes_start(&model)?;
        Ok(DeletePass { model })
    }

    /// Sets how the saves of this run meet records of `T` that are there.
    pub fn merging<T: Model>(&self, strategy: MergingStrategy) -> Result<()> {
        sys::set_merging_strategy(&T::name(), strategy)
    }

    fn write(
        &self,
        kind: Write,
        model: &str,
        records: impl IntoIterator<Item = impl Serialize>,
    ) -> Result<Saved> {
        // Taken, not borrowed: the iterator may itself save records of another model.
        let mut batch = self.batch.take();
        let saved = batch.write_all(kind, model, records);
        self.batch.replace(batch);
        saved
    }
}

/// A delete pass under way. Dropped without `finish`, as by a `?`, it stays open and
/// deletes nothing; the next run may go on with it.
#[must_use = "a pass deletes only when it is finished"]
#[derive(Debug)]
pub struct DeletePass {
    model: String,
}

impl DeletePass {
    /// Closes the pass and deletes the live records that it has not seen; answers their
    /// ids, at most 10,000 of them. Call it when every page has been saved.
    pub fn finish(self) -> Result<Vec<String>> {
        sys::track_deletes_end(&self.model)
    }
}

/// The NDJSON on its way to the host: one buffer, used again for every batch of a run.
#[derive(Default)]
pub(crate) struct Batch {
    json: Vec<u8>,
}

impl Batch {
    fn write_all(
        &mut self,
        kind: Write,
        model: &str,
        records: impl IntoIterator<Item = impl Serialize>,
    ) -> Result<Saved> {
        let mut saved = Saved::default();
        self.json.clear();
        for record in records {
            let before = self.json.len();
            serde_json::to_writer(&mut self.json, &record)?;
            self.json.push(b'\n');
            let length = self.json.len() - before;
            if length > CALL_BYTES_MAX {
                let why = format!(
                    "a record of `{model}` has {length} bytes of JSON, but a call takes at most {CALL_BYTES_MAX}"
                );
                return Err(Error::with_code(Code::RecordInvalid, why));
            }
            if self.json.len() >= BATCH_BYTES {
                // The new record goes along if it fits, and else alone in the next batch.
                let end = if self.json.len() <= CALL_BYTES_MAX {
                    self.json.len()
                } else {
                    before
                };
                saved += self.flush(kind, model, end)?;
            }
        }
        let end = self.json.len();
        if end > 0 {
            saved += self.flush(kind, model, end)?;
        }
        Ok(saved)
    }

    /// Sends the first `end` bytes and keeps the others.
    fn flush(&mut self, kind: Write, model: &str, end: usize) -> Result<Saved> {
        let saved = sys::write(kind, model, self.json.get(..end).unwrap_or_default())?;
        self.json.drain(..end);
        Ok(saved)
    }
}

/// Hands the ids on in pieces that one call takes.
fn for_chunks(
    ids: impl IntoIterator<Item = impl ToString>,
    mut each: impl FnMut(&[String]) -> Result<()>,
) -> Result<()> {
    let ids: Vec<String> = ids.into_iter().map(|id| id.to_string()).collect();
    ids.chunks(IDS_PER_CALL_MAX).try_for_each(&mut each)
}
