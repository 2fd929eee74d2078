//! One component for the tests: what it does is chosen by `behaviour` in the
//! connection's config. [`Config`] lists what else a behaviour can be told.
//!
//! The behaviours that the SDK does not allow (handles never dropped, aliased lists) go
//! through the raw bindings in [`hostile`].

mod hostile;
mod items;

use items::{Item, items};
use std::collections::BTreeMap;
use std::hint::black_box;
use tidegate_sdk::prelude::*;

/// What a test tells the guest, all but `behaviour` optional.
#[derive(Deserialize)]
#[serde(default)]
struct Config {
    /// What to do: an arm of [`run`].
    behaviour: String,
    /// Where `never_returns_from_fetch`, `fetches`, `fetch_each_page` and `counts_pages` go.
    url: String,
    /// What `fetches` posts there as JSON; without it, it gets.
    body: Option<serde_json::Value>,
    /// How long `sleeps` and the pauses between pages are, in milliseconds.
    ms: u64,
    /// How many records (or lines, or handles) in all.
    records: u64,
    /// How many records in a page.
    page: u64,
    /// How many pages `checkpoint_each_page` and `fetch_each_page` save.
    pages: u64,
    /// About how many bytes of JSON a record has.
    bytes: usize,
    /// What `bad_records` saves, as it stands.
    ndjson: String,
    /// What `returns_error` says.
    message: String,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            behaviour: String::new(),
            url: "/".into(),
            body: None,
            ms: 0,
            records: 1_000_000,
            page: 1_000,
            pages: 10,
            bytes: 500,
            ndjson: String::new(),
            message: "the guest gave up".into(),
        }
    }
}

/// Where the next run goes on.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Place {
    /// The last page that is saved, from 1 on.
    page: u64,
}

/// Anything: the metadata is the tests' own.
type Free = BTreeMap<String, serde_json::Value>;

fn guest() -> DataSync {
    DataSync::new("guest", "1.0.0", run)
        .description("Behaves as the connection's config says.")
        .model::<Item>()
}

fn run(run: &Run<Place, Free>) -> Result<()> {
    let config: Config = run.config()?;
    match config.behaviour.as_str() {
        "ok_small" => save(run, items(0..3, config.bytes)),
        "save_million" => save_pages(run, &config),
        "accumulate_generated" => accumulate(run, &config),
        "big_batches" => save(run, items(0..100_000, config.bytes)),
        "checkpoint_each_page" => checkpoint_each_page(run, &config),
        "fetch_each_page" => fetch_each_page(run, &config),
        "saves_then_checkpoint_then_spins" => {
            save(run, items(0..config.page, config.bytes))?;
            run.save_checkpoint(&Place { page: 1 })?;
            spin()
        }
        "bad_records" => bad_records(run, &config),
        "swallow_errors" => swallow_errors(run, &config),
        "returns_error" => Err(err!("{}", config.message)),
        "panics" => panic!("{}", config.message),
        "traps_after_save" => {
            save(run, items(0..config.page, config.bytes))?;
            std::process::abort()
        }
        "eats_memory" => eat_memory(),
        "recurses" => bail!("came back from {}", recurse(0)),
        "spins" => spin(),
        "sleeps" => run.sleep(Duration::from_millis(config.ms)),
        "fetches" | "never_returns_from_fetch" => {
            let request = match &config.body {
                Some(body) => run.post(&config.url).json(body),
                None => run.get(&config.url),
            };
            let body = request.send()?.text()?;
            info!("fetched"; bytes = body.len());
            Ok(())
        }
        "counts_pages" => {
            let mut count = 0;
            for page in run
                .get(&config.url)
                .paginate::<serde_json::Value>(run.paging()?)
            {
                count += page?.len();
            }
            bail!("{count} items came")
        }
        "log_flood" => {
            (0..config.records)
                .for_each(|n| info!("line {n} of a log that nobody can want to read"; n = n));
            Ok(())
        }
        "handle_flood" => hostile::keep_handles(config.records),
        "aliases" => hostile::alias_one_string(),
        other => bail!("unknown behaviour `{other}`"),
    }
}

fn save(run: &Run<Place, Free>, items: impl Iterator<Item = Item>) -> Result<()> {
    let saved = run.save(items)?;
    info!("saved: {saved}"; total = saved.total());
    Ok(())
}

/// The pages that `records` and `page` make, as ranges of ids.
fn pages(config: &Config) -> impl Iterator<Item = std::ops::Range<u64>> {
    let (records, page) = (config.records, config.page.max(1));
    (0..records.div_ceil(page)).map(move |n| n * page..((n + 1) * page).min(records))
}

fn save_pages(run: &Run<Place, Free>, config: &Config) -> Result<()> {
    for page in pages(config) {
        run.save(items(page, config.bytes))?;
    }
    Ok(())
}

/// The anti-pattern: everything in memory before the first save.
fn accumulate(run: &Run<Place, Free>, config: &Config) -> Result<()> {
    let mut all = Vec::new();
    for page in pages(config) {
        all.extend(items(page, config.bytes));
        run.progress("collected", u32::try_from(all.len())?, None);
    }
    save(run, all.into_iter())
}

/// Page by page, each with its checkpoint; goes on after the last one.
fn checkpoint_each_page(run: &Run<Place, Free>, config: &Config) -> Result<()> {
    let first = run.checkpoint()?.map_or(1, |place| place.page + 1);
    for page in first..=config.pages {
        run.save(items(
            (page - 1) * config.page..page * config.page,
            config.bytes,
        ))?;
        run.save_checkpoint(&Place { page })?;
        run.sleep(Duration::from_millis(config.ms))?;
    }
    Ok(())
}

/// The same, with a request for each page.
fn fetch_each_page(run: &Run<Place, Free>, config: &Config) -> Result<()> {
    let first = run.checkpoint()?.map_or(1, |place| place.page + 1);
    for page in first..=config.pages {
        run.get(&config.url).send()?.text()?;
        run.save(items(
            (page - 1) * config.page..page * config.page,
            config.bytes,
        ))?;
        run.save_checkpoint(&Place { page })?;
    }
    Ok(())
}

/// Reports what the host says to the given records.
fn bad_records(run: &Run<Place, Free>, config: &Config) -> Result<()> {
    match run.save_ndjson(&Item::name(), config.ndjson.as_bytes()) {
        Ok(saved) => {
            info!("accepted"; added = saved.added, updated = saved.updated, unchanged = saved.unchanged)
        }
        Err(error) => info!("refused"; code = error.code().as_str(), message = error.message()),
    }
    Ok(())
}

/// Makes mistakes and says nothing of them.
fn swallow_errors(run: &Run<Place, Free>, config: &Config) -> Result<()> {
    let _ = run.save_ndjson(&Item::name(), b"{\"no\":\"id\"}\n");
    let _ = run.save_ndjson("Unknown", b"{\"id\":1}\n");
    let _ = run
        .get("http://169.254.169.254/latest/meta-data/")
        .retries(0)
        .send();
    let _ = run.merge_metadata("not an object");
    save(run, items(0..config.page, config.bytes))
}

fn eat_memory() -> Result<()> {
    let mut eaten: Vec<Vec<u8>> = Vec::new();
    loop {
        eaten.push(black_box(vec![1; 1024 * 1024]));
    }
}

fn recurse(depth: u64) -> u64 {
    // Always so, but the compiler must not know.
    if black_box(true) {
        recurse(black_box(depth + 1)) + 1
    } else {
        depth
    }
}

#[inline(never)]
fn spin() -> Result<()> {
    loop {
        black_box(());
    }
}

tidegate_sdk::export!(guest);
