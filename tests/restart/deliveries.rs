//! A webhook, killed at each of its points: from the commit that ends the run to the
//! commit that says "delivered".

use crate::world::{
    CONNECTION, ENVIRONMENT, Hold, INTEGRATION, SYNC, World, answer, cut_short, scripted, silence,
    told,
};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use tidegate::catalog::Catalog;
use tidegate::clock::{Clock, SystemClock};
use tidegate::model::json::{RecordRules, scan};
use tidegate::model::{
    ConnectionKey, Digest, Environment, ModelName, Outcome, Resources, RunId, SaveMode, SyncKey,
    Trigger, Variant, WebhookSettings,
};
use tidegate::store::sled::{OpenOptions, SledStore};
use tidegate::store::{CatalogStore, RunEnd, RunFence, RunStart, Store};
use tidegate::vault::{MasterKeys, Vault};
use tidegate_tests::server::Server;
use tidegate_tests::service::Service;

/// A run that changes this record.
fn saves(id: &str) -> Value {
    let line = json!({ "id": id }).to_string();
    json!({ "config": { "script": [["records.batch-save", "Item", line]] } })
}

async fn idle_provider() -> Server {
    Server::plain(|_| answer(200, &json!({}))).await
}

/// A port on loopback where nobody listens.
fn nowhere() -> Result<SocketAddr> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    Ok(listener.local_addr()?)
}

async fn start(app: &str, sync: &[u8]) -> Result<World> {
    let provider = idle_provider().await;
    let world = World::new(&provider, app, json!({ "type": "none" }), sync).await?;
    world.connect(saves("1")).await?;
    world.trigger().await?;
    Ok(world)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_that_no_app_has_seen_is_sent_after_the_restart() -> Result<()> {
    let Some(sync) = scripted() else {
        return Ok(());
    };
    let address = nowhere()?;
    let mut world = start(&format!("http://{address}/"), &sync).await?;
    let tried = async || {
        let all = world.deliveries().await?;
        Ok(all.values().any(|one| one["attempts"].as_u64() > Some(0)))
    };
    world.service.until("nobody is there", tried).await?;
    let written = world.deliveries().await?;
    let app = Server::on(address, None, |_| answer(200, &json!({}))).await;
    world.crash().await?;
    world.until_told().await?;
    let told = told(&app)?;
    assert!(told.keys().eq(written.keys()), "{told:?} {written:?}");
    assert!(told.values().all(|(times, _)| *times == 1), "{told:?}");
    world.service.stop().await.map(drop)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_whose_answer_was_not_written_down_is_sent_again_under_its_id() -> Result<()> {
    let Some(sync) = scripted() else {
        return Ok(());
    };
    // The app has the request and says nothing; or it says 200, and the host is killed
    // before it has heard the end of it.
    for says_so in [false, true] {
        let hold = Hold::default();
        hold.at("/hook");
        let held = hold.clone();
        let app = Server::plain(move |request| match (held.holds(request), says_so) {
            (false, _) => answer(200, &json!({})),
            (true, false) => silence(),
            (true, true) => cut_short(answer(200, &json!({}))),
        })
        .await;
        let mut world = start(&app.url("/hook"), &sync).await?;
        let asked = async || Ok(app.count() > 0);
        world.service.until("the app is asked", asked).await?;
        let written = world.deliveries().await?;
        assert_eq!(written.len(), 1);
        assert!(written.values().all(|one| one["state"] == "waiting"));
        world.service.kill();
        hold.release();
        world.service.start().await?;
        world.until_told().await?;
        let told = told(&app)?;
        assert!(told.keys().eq(written.keys()), "{told:?} {written:?}");
        assert!(told.values().all(|(times, _)| *times == 2), "{told:?}");
        world.service.stop().await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_that_was_written_down_is_never_sent_again() -> Result<()> {
    let Some(sync) = scripted() else {
        return Ok(());
    };
    let app = Server::plain(|_| answer(200, &json!({}))).await;
    let mut world = start(&app.url("/"), &sync).await?;
    world.until_told().await?;
    world.crash().await?;
    // The next one shows that the host has looked at all that waits.
    world.connect(saves("2")).await?;
    world.trigger().await?;
    world.until_well(2).await?;
    let both = async || Ok(told(&app)?.len() == 2);
    world.service.until("the second is told", both).await?;
    world.until_told().await?;
    let told = told(&app)?;
    assert!(told.values().all(|(times, _)| *times == 1), "{told:?}");
    world.service.stop().await.map(drop)
}

/// Between the commit that ends a run and the look at its announcement nothing outside
/// answers, so the store that a host leaves there is made by the host's own parts: a run
/// ends, and nobody looks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_whose_end_nobody_heard_is_told_after_the_restart() -> Result<()> {
    let app = Server::plain(|_| answer(200, &json!({}))).await;
    let mut service = Service::new(&app.url("/"))?;
    let run = unheard(&service, &app.url("/")).await?;
    service.start().await?;
    let heard = async || Ok(app.count() > 0);
    service.until("the app is told", heard).await?;
    service.kill();
    service.start().await?;
    service.stop().await?;
    let told = told(&app)?;
    assert_eq!(told.len(), 1, "{told:?}");
    for (id, (_, body)) in &told {
        assert!(id.starts_with(&run.to_string()), "{id}");
        assert_eq!(body["runId"], run.to_string());
        assert_eq!(body["responseResults"]["added"], 1);
    }
    Ok(())
}

/// Leaves the store of a host whose only run ended and is announced.
async fn unheard(service: &Service, hook: &str) -> Result<RunId> {
    let folder = service.data();
    std::fs::create_dir_all(&folder)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let (path, own) = (folder.join("store"), clock.clone());
    let open = move || SledStore::open(&path, OpenOptions::default(), own);
    let store = Arc::new(tokio::task::spawn_blocking(open).await??);
    let vault = Vault::new(MasterKeys::create(&folder.join("master-keys"))?);
    let catalog = Catalog::open(store.clone(), vault, clock.clone()).await?;
    let resources = Resources {
        memory_mib: 64,
        runs: 1,
        storage_mib: None,
        egress_kib_per_second: None,
    };
    let settings = WebhookSettings {
        primary_url: Some(hook.to_owned()),
        ..WebhookSettings::default()
    };
    let environment = Environment::new(ENVIRONMENT)?;
    catalog
        .add_environment(environment, resources, settings)
        .await?;
    drop(catalog);
    let run = end_a_run(&store, &*clock).await?;
    assert_eq!(store.announced(2).await?, [run]);
    let store = Arc::into_inner(store).context("nobody else has the store")?;
    tokio::task::spawn_blocking(move || store.close()).await??;
    Ok(run)
}

async fn end_a_run(store: &SledStore, clock: &dyn Clock) -> Result<RunId> {
    let now = clock.now();
    let run = RunId::new(u64::try_from(now.as_millisecond())?, 1);
    let key = SyncKey {
        connection: ConnectionKey::new(ENVIRONMENT, INTEGRATION, CONNECTION)?,
        sync: SYNC.parse()?,
        variant: Variant::base(),
    };
    let begun = store.begin_run(RunStart {
        run,
        key: key.clone(),
        digest: Digest::of(b"a component"),
        version: "1".into(),
        trigger: Trigger::Manual,
        started: now,
        memory_cap_bytes: 1,
    });
    begun.await?;
    let fence = RunFence { run, key };
    let rules = Arc::new(RecordRules::ignoring([]));
    let batch = scan(r#"{"id":"1"}"#.into(), &rules)?;
    let model = ModelName::new("Item")?;
    store
        .save(&fence, &model, batch, SaveMode::Override)
        .await?;
    let end = RunEnd::new(Outcome::Success, now);
    store.finish_run(&fence, end).await?;
    Ok(run)
}
