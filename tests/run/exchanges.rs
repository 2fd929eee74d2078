//! A run's log tells of its HTTP exchanges, between the guest's own lines.

use crate::host_and_guest;
use anyhow::{Context, Result};
use std::sync::{Arc, Mutex};
use tidegate::capability::Observer;
use tidegate::limits::EXCHANGES_LOGGED_MAX;
use tidegate::model::{HttpExchange, LogLevel};
use tidegate_provider::{Fault, Provider};
use tidegate_tests::host::{RunSettings, code};

#[derive(Default)]
struct Seen(Mutex<Vec<Option<u16>>>);

impl Observer for Seen {
    fn exchanged(&self, exchange: &HttpExchange) {
        self.0.lock().unwrap().push(exchange.status);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_exchange_is_a_line_of_the_log() -> Result<()> {
    let Some((host, ready)) = host_and_guest().await? else {
        return Ok(());
    };
    let provider = Provider::builder().users(3, 7).start().await?;
    provider.faults().next("/users", Fault::Status(404), 1);
    let seen = Arc::new(Seen::default());
    let fetches = || {
        let mut settings =
            RunSettings::behaviour("fetches").with("url", "/users?limit=2&token=mine");
        settings.base_url = Some(provider.url());
        settings.observer = seen.clone();
        settings
    };
    let row = host.run(&ready, fetches()).await?;
    assert_eq!(code(&row)?, "guest.error");
    let row = host.run(&ready, fetches()).await?;
    assert_eq!(code(&row)?, "ok");
    assert_eq!(*seen.0.lock().unwrap(), [Some(404), Some(200)]);

    let log = host.log(&row).await?;
    let line = &log[0];
    let exchange = line.exchange.as_deref().context("no exchange")?;
    assert_eq!(
        (exchange.method.as_str(), exchange.status, exchange.attempt),
        ("GET", Some(200), 1)
    );
    let url = format!("{}/users?limit=2&token=***", provider.url());
    assert_eq!(exchange.url, url);
    assert!(exchange.response_bytes > 0);
    assert_eq!(line.level, LogLevel::Debug);
    assert!(
        line.message.starts_with(&format!("GET {url}: 200 in ")),
        "{line:?}"
    );
    // The guest's line follows; a guest cannot write one that looks like the host's.
    assert_eq!(
        (log[1].message.as_str(), &log[1].exchange),
        ("fetched", &None)
    );
    assert!(log.len() < EXCHANGES_LOGGED_MAX);
    Ok(())
}
