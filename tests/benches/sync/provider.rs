//! The provider in a process of its own: this program, started again with a mark in its
//! environment.

use anyhow::{Context, Result};
use std::io::{BufRead, BufReader, Read};
use std::process::{Child as Process, Command, Stdio};
use tidegate_provider::Provider;

/// The mark.
const ROLE: &str = "TIDEGATE_BENCH_ROLE";
const PROVIDER: &str = "provider";
/// Start of the synthetic contacts.
const SEED: u64 = 7;

/// Whether this process is to be the provider.
pub fn is_asked_for() -> bool {
    std::env::var(ROLE).is_ok_and(|role| role == PROVIDER)
}

/// Serves `contacts`, and as many users, until the parent closes our input, by its will or by its end.
pub fn serve(contacts: u64) -> Result<()> {
    let provider = Provider::builder()
        .contacts(contacts, SEED)
        .users(contacts, SEED)
        .start_blocking()?;
    println!("{}", provider.url());
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

/// The provider, seen from the benchmark; it ends when this is dropped.
pub struct Child {
    process: Process,
    url: String,
}

impl Child {
    /// Starts it and waits until it listens.
    pub fn start() -> Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .env(ROLE, PROVIDER)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("starting the provider")?;
        let mut url = String::new();
        let said = process
            .stdout
            .take()
            .context("the provider has no output")?;
        BufReader::new(said).read_line(&mut url)?;
        Ok(Child {
            process,
            url: url.trim().to_owned(),
        })
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}
