//! A new master key on a machine whose power goes at each step of taking over: every
//! secret opens afterwards, and the next start takes over to the end.

use crate::world::{World, times};
use anyhow::{Context, Result};
use std::sync::Arc;
use tidegate::catalog::{Catalog, NewConnection, NewIntegration};
use tidegate::clock::{Clock, SystemClock};
use tidegate::egress::Egress;
use tidegate::model::{
    AuthScheme, ConnectionKey, Environment, Integration, Resources, WebhookSettings,
};
use tidegate::store::ServiceStore;
use tidegate::store::sled::simulation::Machine;
use tidegate::store::sled::{OpenOptions, SledStore};
use tidegate::vault::{MasterKeys, Vault};

const OLD: &str = "old:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const NEW: &str = "new:ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";
/// More than are sealed anew in one commit.
const CONNECTIONS: usize = 300;
/// Steps within which a machine has certainly taken over.
const STEPS_MAX: u64 = 200;

/// A host's store on a machine, and the catalog that these keys open.
async fn open(machine: &Machine, keys: &str) -> tidegate::error::Result<Arc<Catalog>> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let options = OpenOptions {
        disk_free_bytes_min: 0,
        ..OpenOptions::default()
    };
    let store = SledStore::open_on(machine.platform(), options, clock.clone())?;
    let store: Arc<dyn ServiceStore> = Arc::new(store);
    let vault = Vault::new(MasterKeys::from_text(keys, "a test")?);
    Ok(Arc::new(Catalog::open(store, vault, clock).await?))
}

fn environment() -> tidegate::error::Result<Environment> {
    Environment::new("north")
}

fn connection(number: usize) -> tidegate::error::Result<ConnectionKey> {
    ConnectionKey::new("north", "crm", &format!("c{number}"))
}

/// A machine with connections whose credentials are sealed with the old key; and the
/// environment's signing key.
async fn machine() -> Result<(Machine, Vec<u8>)> {
    let machine = Machine::new(7);
    let catalog = open(&machine, OLD).await?;
    let resources = Resources {
        memory_mib: 64,
        runs: 1,
        storage_mib: None,
        egress_kib_per_second: None,
    };
    catalog
        .add_environment(environment()?, resources, WebhookSettings::default())
        .await?;
    let new = NewIntegration {
        base_url: Some("https://api.crm.test".into()),
        auth: AuthScheme::Bearer,
        ..NewIntegration::default()
    };
    let crm = Integration::new("crm")?;
    catalog.put_integration(&environment()?, &crm, new).await?;
    for number in 0..CONNECTIONS {
        let token = ("token".to_owned(), format!("secret-{number}"));
        let new = NewConnection {
            credentials: Some([token].into()),
            ..NewConnection::default()
        };
        catalog.put_connection(&connection(number)?, new).await?;
    }
    let signing = catalog.signing_key(&environment()?)?.as_bytes().to_vec();
    Ok((machine, signing))
}

/// Opens everything that is sealed.
async fn open_all(catalog: &Arc<Catalog>, signing: &[u8]) -> Result<()> {
    let egress: Arc<dyn Egress> = World::local(times()).egress;
    assert_eq!(catalog.signing_key(&environment()?)?.as_bytes(), signing);
    for number in 0..CONNECTIONS {
        let scope = catalog.scope(&connection(number)?, &egress).await?;
        let (_, value) = scope.credentials.headers.first().context("a header")?;
        assert_eq!(*value, format!("Bearer secret-{number}"));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_power_loss_while_a_key_takes_over_loses_no_secret() -> Result<()> {
    let both = format!("{NEW}\n{OLD}");
    let mut failed = 0;
    for step in 1..STEPS_MAX {
        let (machine, signing) = machine().await?;
        let catalog = open(&machine, &both).await?;
        machine.go_down_at(machine.steps() + step);
        let outcome = catalog.rewrap_all().await;
        drop(catalog);
        machine.restart();
        let catalog = open(&machine, &both).await?;
        open_all(&catalog, &signing).await?;
        if let Ok(whole) = &outcome {
            assert_eq!(
                (whole.rows, whole.failed.len()),
                (CONNECTIONS as u64 + 1, 0)
            );
        }
        let rest = catalog.rewrap_all().await?;
        assert!(rest.failed.is_empty(), "step {step}: {:?}", rest.failed);
        drop(catalog);
        open_all(&open(&machine, NEW).await?, &signing).await?;
        match outcome {
            Err(_) => failed += 1,
            // Two commits at the least, and none of their steps is left.
            Ok(_) if failed > 1 => return Ok(()),
            Ok(_) => anyhow::bail!("only {failed} steps could fail"),
        }
    }
    anyhow::bail!("it never took over")
}
