//! A host as its operator meets it: the real program, set up over HTTP, with an app that
//! keeps its copy by reading changes alone, through pauses, resets, stops and kills.

mod copy;
mod host;

use anyhow::{Context, Result};
use copy::AppCopy;
use host::Host;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;
use tidegate_provider::{Provider, ProviderHandle};
use tidegate_tests::app::{App, Reply};

/// The environments of the story.
const ENVIRONMENTS: [&str; 2] = ["north", "south"];
/// Changes at the provider, in all.
const CHANGES: usize = 200;
/// Changes between two looks at what else happens.
const CHANGES_AT_ONCE: usize = 5;
/// Members at the start.
const MEMBERS: u64 = 300;
/// Looks at whether a run has ended before the story is given up.
const LOOKS: usize = 600;
/// Time between two looks.
const LOOK: Duration = Duration::from_millis(50);
/// The sync, bundled with the program so that no target is needed.
const FULL_REFRESH: &[u8] = include_bytes!("../../host/bundled/full-refresh.wasm");

/// What the provider has now, by id.
async fn members(provider: &ProviderHandle) -> Result<BTreeMap<String, serde_json::Value>> {
    let (mut all, mut cursor) = (BTreeMap::new(), String::new());
    loop {
        let url = format!("{}/users?limit=200&cursor={cursor}", provider.url());
        let page = reqwest::get(url).await?.text().await?;
        let page: serde_json::Value = serde_json::from_str(&page)?;
        for member in page["members"].as_array().context("no members")? {
            let id = member["id"].as_str().context("no id")?.to_owned();
            let record = json!({
                "id": id, "name": member["name"], "real_name": member["real_name"],
            });
            all.insert(id, record);
        }
        match page["response_metadata"]["next_cursor"].as_str() {
            Some(next) if !next.is_empty() => cursor = next.to_owned(),
            _ => return Ok(all),
        }
    }
}

/// Changes the provider at random.
fn change(provider: &ProviderHandle, random: &mut impl rand::Rng, highest: &mut u64) {
    let users = provider.users();
    for _ in 0..CHANGES_AT_ONCE {
        match random.random_range(0..4) {
            0 => *highest = users.add(random.random_range(1..4)).end,
            1 => drop(users.remove([random.random_range(0..*highest)])),
            _ => drop(users.update([random.random_range(0..*highest)])),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_apps_copy_equals_the_provider_whatever_happens_on_the_way() -> Result<()> {
    // Another test of this process may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let seed = rand::random::<u64>();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let provider = Provider::builder().users(MEMBERS, 7).start().await?;
    let mut highest = MEMBERS;
    let app = App::start(|_, _| Reply::Status(200)).await;
    let mut host = Host::new(app.url("/hook"))?;
    host.start().await?;
    let mut apps = Vec::new();
    for environment in ENVIRONMENTS {
        let made = host.add_environment(environment).await?;
        host.set_up(environment, &provider.url(), FULL_REFRESH)
            .await?;
        apps.push(AppCopy::new(environment, &made)?);
    }
    // A release runs by itself, without anybody asking.
    for copy in &mut apps {
        host.until_synced(copy, 1).await?;
    }
    for _ in 0..CHANGES / CHANGES_AT_ONCE {
        change(&provider, &mut random, &mut highest);
        for copy in &mut apps {
            match random.random_range(0..12) {
                0 => host.pause_and_start(copy).await?,
                1 => host.trigger(copy, json!({"reset": true})).await?,
                2 => {
                    host.trigger(copy, json!({})).await?;
                    tokio::time::sleep(Duration::from_millis(random.random_range(0..40))).await;
                    host.kill();
                    host.start().await?;
                }
                3 => {
                    host.stop().await?;
                    host.start().await?;
                }
                4 => {}
                _ => host.trigger(copy, json!({})).await?,
            }
            copy.read(&host).await?;
        }
    }
    let expected = members(&provider).await?;
    for copy in &mut apps {
        host.sync_to_the_end(copy).await?;
        copy.read(&host).await?;
        assert_eq!(copy.records(), &expected, "{}", copy.environment);
        copy.is_told_of_all(&host, &app).await?;
    }
    host.stop().await
}
