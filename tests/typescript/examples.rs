//! The project in `example-syncs/nango`, as people write for Nango, through the real parts:
//! each sync meets the provider, the changes at it, and its memory cap.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tidegate::deploy::Ready;
use tidegate::model::{Action, RunRow};
use tidegate_provider::{Commits, Provider};
use tidegate_tests::host::{RunSettings, TestHost, code, connection_key};
use tidegate_tests::node;

/// A cap that every sync which saves page by page stays under, in MiB.
const SMALL_MIB: u64 = 16;
/// A cap that the one which collects all pages runs into.
const TIGHT_MIB: u64 = 24;
/// The connection of [`RunSettings`].
const CONNECTION: &str = "acme";

/// A host with one of the project's syncs.
struct Served {
    host: TestHost,
    sync: Ready,
}

/// The project's syncs by name, each on a host of its own; none without Node.
async fn project() -> Result<Option<BTreeMap<String, Served>>> {
    let Some(built) = node::syncs("example-syncs/nango") else {
        return Ok(None);
    };
    let mut served = BTreeMap::new();
    for (name, component) in built {
        let host = TestHost::in_memory()?;
        let sync = host.accept(&component).await?;
        served.insert(name, Served { host, sync });
    }
    Ok(Some(served))
}

impl Served {
    async fn run(&self, url: &str, memory_mib: u64) -> Result<RunRow> {
        let settings = RunSettings::default().provider(url).memory_mib(memory_mib);
        self.host.run(&self.sync, settings).await
    }

    /// A run that must end well; what it added, updated, deleted and left as it was.
    async fn counts(&self, url: &str, model: &str) -> Result<[u64; 4]> {
        let row = self.run(url, SMALL_MIB).await?;
        assert_eq!(code(&row)?, "ok", "{:?}", row.state);
        let row = serde_json::to_value(&row)?;
        let counts = &row["counts"][model];
        let of = |name: &str| counts[name].as_u64().unwrap_or_default();
        Ok([of("added"), of("updated"), of("deleted"), of("unchanged")])
    }

    async fn records(&self, model: &str) -> Result<BTreeMap<String, Value>> {
        let feed = self.host.feed(CONNECTION, model).await?;
        let live = feed
            .iter()
            .filter(|change| change.action != Action::Deleted);
        live.map(|change| Ok((change.id.to_string(), serde_json::from_slice(&change.body)?)))
            .collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn syncs_written_for_nango_meet_their_providers() -> Result<()> {
    let Some(syncs) = project().await? else {
        return Ok(());
    };
    let of = |name: &str| syncs.get(name).with_context(|| format!("no sync {name}"));
    full_refresh(of("users")?).await.context("users")?;
    by_checkpoint(of("contacts")?).await.context("contacts")?;
    accumulate(of("contacts-accumulate")?, of("contacts")?)
        .await
        .context("contacts-accumulate")?;
    windows(of("commits")?).await.context("commits")
}

async fn full_refresh(users: &Served) -> Result<()> {
    let provider = Provider::builder().users(450, 7).start().await?;
    assert_eq!(users.counts(&provider.url(), "User").await?, [450, 0, 0, 0]);
    provider.users().update(0..12);
    provider.users().remove(20..24);
    provider.users().add(3);
    assert_eq!(
        users.counts(&provider.url(), "User").await?,
        [3, 12, 4, 434]
    );
    let records = users.records("User").await?;
    let mut ids = provider.users().ids();
    ids.sort_unstable();
    assert!(records.keys().eq(&ids), "{:?}", records.keys());
    Ok(())
}

async fn by_checkpoint(contacts: &Served) -> Result<()> {
    let provider = Provider::builder().contacts(4_500, 7).start().await?;
    assert_eq!(
        contacts.counts(&provider.url(), "Contact").await?,
        [4_500, 0, 0, 0]
    );
    provider.forget_requests();
    provider.contacts().update(100..130);
    provider.contacts().add(20);
    // Three contacts share the date of the checkpoint, which is inclusive.
    assert_eq!(
        contacts.counts(&provider.url(), "Contact").await?,
        [20, 30, 0, 3]
    );
    assert_eq!(provider.requests().len(), 1);
    assert_eq!(contacts.records("Contact").await?.len(), 4_520);
    Ok(())
}

/// The one that collects ends at its cap and says why; its cure passes far below it.
async fn accumulate(accumulating: &Served, cured: &Served) -> Result<()> {
    let provider = Provider::builder().contacts(60_000, 7).start().await?;
    let row = accumulating.run(&provider.url(), TIGHT_MIB).await?;
    assert_eq!(code(&row)?, "limit.memory");
    let row = serde_json::to_value(&row)?;
    let said = row["post_mortem"].to_string();
    for words in ["nothing", "save each page"] {
        assert!(said.contains(words), "`{words}` is not in {said}");
    }
    assert!(accumulating.records("Contact").await?.is_empty());
    let row = cured.run(&provider.url(), SMALL_MIB).await?;
    assert_eq!(code(&row)?, "ok", "{:?}", row.state);
    Ok(())
}

async fn windows(commits: &Served) -> Result<()> {
    let history = Commits::synthetic(20, 24);
    let provider = Provider::builder().commits(history).start().await?;
    let settings = json!({ "owner": "acme", "repo": "app", "fromDate": "2016-01-01" });
    let connection = connection_key(CONNECTION)?;
    let store = &commits.host.runner.store;
    store
        .put_metadata(&connection, &settings.to_string(), false)
        .await?;
    let [added, updated, deleted, _] = commits.counts(&provider.url(), "Commit").await?;
    assert_eq!([added, updated, deleted], [2_748, 0, 0]);
    let metadata: Value = serde_json::from_str(&store.metadata(&connection).await?)?;
    assert_eq!(metadata["useMetadata"], false, "{metadata}");
    assert_eq!(metadata["fromDate"], metadata["toDate"], "{metadata}");
    assert_eq!(metadata["repo"], "app", "{metadata}");
    // Then only what is new: a page from the newest commit on.
    provider.forget_requests();
    let [added, updated, deleted, _] = commits.counts(&provider.url(), "Commit").await?;
    assert_eq!([added, updated, deleted], [0, 0, 0]);
    assert_eq!(provider.requests().len(), 1);
    Ok(())
}
