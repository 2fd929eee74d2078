//! The sync as a program that trusts its author would run it: in this process, through
//! the same egress, the same map, the same scan and hash, into the same store.

use crate::contact::{PAGE, Page, Person};
use anyhow::Result;
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
use tidegate::egress::{EgressScope, OutgoingRequest, Waits};
use tidegate::limits::{EXCHANGE_TIME, MIB, RETRIES_DEFAULT};
use tidegate::memory::MemoryBudget;
use tidegate::model::json::{RecordRules, scan};
use tidegate::model::{ModelName, RunId, SaveMode, SyncName};
use tidegate::store::RunFence;
use tidegate_tests::host::{self, TestHost};
use tokio::time::Instant;

/// Memory that is never the limit here.
const MEMORY_BYTES: u64 = 256 * MIB;
/// Bytes of a record as NDJSON, for the first allocation of a page.
const RECORD_BYTES: usize = 560;

/// What the native sync needs.
pub struct Native {
    scope: EgressScope,
    fence: RunFence,
    model: ModelName,
    rules: Arc<RecordRules>,
    memory: MemoryBudget,
}

impl Native {
    /// Against the provider at `url`.
    pub fn new(url: &str) -> Result<Self> {
        let key = host::key("native", SyncName::new("bench")?)?;
        Ok(Native {
            scope: host::scope(&key.connection, Some(url), Vec::new())?,
            fence: RunFence {
                run: RunId::new(0, 0),
                key,
            },
            model: ModelName::new("Person")?,
            rules: Arc::default(),
            memory: MemoryBudget::new(MEMORY_BYTES),
        })
    }

    /// All pages, once.
    pub async fn sync(&self, host: &TestHost) -> Result<()> {
        let mut cursor = None;
        loop {
            let page = self.fetch(host, cursor).await?;
            let page: Page = serde_json::from_slice(&page)?;
            let mut ndjson = Vec::with_capacity(RECORD_BYTES * page.data.len());
            for person in page.data.into_iter().map(Person::from) {
                serde_json::to_writer(&mut ndjson, &person)?;
                ndjson.push(b'\n');
            }
            let batch = scan(Bytes::from(ndjson), &self.rules)?;
            host.runner
                .store
                .save(&self.fence, &self.model, batch, SaveMode::Override)
                .await?;
            match page.next_cursor {
                Some(next) => cursor = Some(next),
                None => return Ok(()),
            }
        }
    }

    async fn fetch(&self, host: &TestHost, cursor: Option<String>) -> Result<Bytes> {
        let limit = ("limit".to_owned(), PAGE.to_string());
        let query = [
            Some(limit),
            cursor.map(|cursor| ("cursor".to_owned(), cursor)),
        ];
        let request = OutgoingRequest {
            method: "GET".into(),
            url: "/contacts".into(),
            base_url: None,
            query: query.into_iter().flatten().collect(),
            headers: Vec::new(),
            body: None,
            timeout: None::<Duration>,
            retries: RETRIES_DEFAULT,
            retry_on: Vec::new(),
        };
        let deadline = Instant::now() + EXCHANGE_TIME;
        let sent = host
            .runner
            .egress
            .send(
                &self.scope,
                request,
                &self.memory,
                deadline,
                &Waits::default(),
            )
            .await;
        let response = sent.response?;
        anyhow::ensure!(
            response.status == 200,
            "the provider answered {}",
            response.status
        );
        Ok(response.body)
    }
}
