//! The catalog, components and the outbox of the durable store.
//!
//! Rows are JSON under keys of their own. Components are files beside the map, named by
//! their digest and written before anything names them: a map is no place for megabytes.

use super::bytes::damaged;
use super::keys::{self, Table};
use super::map::io_error;
use super::runs::{from_json, to_json};
use super::shared::Shared;
use super::writer::Writer;
use super::{SledStore, disk::Disk};
use crate::error::Result;
use crate::model::{
    CatalogChange, CatalogKey, CatalogRow, Delivery, DeliveryId, DeliveryState, Digest,
    Environment, RunId,
};
use crate::store::catalog::{CatalogStore, DeliveryQuery};
use async_trait::async_trait;
use bytes::Bytes;

/// Front of the names of components' files.
pub(super) const COMPONENT: &str = "component-";
/// A component's file while it is being written.
const UNFINISHED: &str = "unfinished-component";
/// Deliveries that are looked at in one read while an environment's are sought.
const DELIVERIES_LOOKED_AT: usize = 1_000;
/// Deliveries that are forgotten in one commit.
const FORGOTTEN_AT_ONCE: usize = 512;

#[async_trait]
impl CatalogStore for SledStore {
    async fn change_catalog(&self, changes: Vec<CatalogChange>) -> Result<()> {
        self.queue
            .write(move |writer| writer.change_catalog(&changes))
            .await
    }

    async fn catalog(&self) -> Result<Vec<CatalogRow>> {
        self.read(|shared| shared.all_json(Table::Catalog)).await
    }

    async fn put_component(&self, bytes: Bytes) -> Result<Digest> {
        let digest = Digest::of(&bytes);
        if self.component(&digest).await?.is_some() {
            return Ok(digest);
        }
        // By the committer, so that two of them never write the same file.
        self.queue
            .write(move |writer| {
                writer.needs_room()?;
                write_component(&*writer.shared.platform.disk(), &digest, &bytes)
            })
            .await?;
        Ok(digest)
    }

    async fn component(&self, digest: &Digest) -> Result<Option<Bytes>> {
        let digest = *digest;
        self.read(move |shared| read_component(&*shared.platform.disk(), &digest))
            .await
    }

    async fn announced(&self, limit: usize) -> Result<Vec<RunId>> {
        self.read(move |shared| {
            let (from, to) = keys::all(Table::Announced);
            shared.with_map(|map| {
                let runs = map.range(&from, &to).take(limit).map(|pair| {
                    let run = keys::run_at_end(&pair?.0);
                    run.ok_or_else(|| damaged("an announcement has no run"))
                });
                runs.collect()
            })
        })
        .await
    }

    async fn put_deliveries(
        &self,
        announced: Option<RunId>,
        deliveries: Vec<Delivery>,
    ) -> Result<()> {
        self.queue
            .write(move |writer| writer.put_deliveries(announced, &deliveries))
            .await
    }

    async fn delivery(&self, id: DeliveryId) -> Result<Option<Delivery>> {
        self.read(move |shared| {
            for table in [Table::Waiting, Table::Over] {
                let value = shared.with_map(|map| map.get(&keys::delivery(table, id)))?;
                if let Some(bytes) = value {
                    return from_json(&bytes).map(Some);
                }
            }
            Ok(None)
        })
        .await
    }

    async fn deliveries(&self, query: DeliveryQuery) -> Result<Vec<Delivery>> {
        self.read(move |shared| shared.deliveries(&query)).await
    }

    async fn forget_deliveries(&self, before: jiff::Timestamp) -> Result<u64> {
        let mut forgotten = 0;
        loop {
            let removed = self
                .queue
                .write(move |writer| writer.forget_deliveries(before))
                .await?;
            forgotten += removed;
            if removed == 0 {
                return Ok(forgotten);
            }
        }
    }
}

impl Writer {
    fn change_catalog(&mut self, changes: &[CatalogChange]) -> Result<()> {
        let rows = changes.iter().filter_map(|change| match change {
            CatalogChange::Put(row) => Some(to_json(row).map(|json| (row.key(), Some(json)))),
            CatalogChange::Remove(key) => Some(Ok((key.clone(), None))),
            CatalogChange::Erase(_) => None,
        });
        let rows = rows.collect::<Result<Vec<_>>>()?;
        for change in changes {
            if let CatalogChange::Erase(connection) = change {
                self.erase(connection)?;
            }
            if let CatalogChange::Remove(CatalogKey::Environment(name)) = change {
                self.forget_webhooks_of(name)?;
            }
        }
        for (key, row) in rows {
            let key = keys::catalog(&key);
            match row {
                Some(row) => self.put(key, row),
                None => self.remove(key),
            }
        }
        Ok(())
    }

    /// Takes away what was told or is to be told to an environment's app.
    fn forget_webhooks_of(&mut self, environment: &Environment) -> Result<()> {
        let mut gone = Vec::new();
        for table in [Table::Waiting, Table::Over] {
            for key in self.keys_in(&keys::all(table))? {
                let row = self.get(&key)?;
                let delivery: Option<Delivery> = row.map(|row| from_json(&row)).transpose()?;
                if delivery.is_some_and(|found| found.connection.environment == *environment) {
                    gone.push(key);
                }
            }
        }
        gone.into_iter().for_each(|key| self.remove(key));
        Ok(())
    }

    /// Announces the end of a run, if its environment is one that the operator set up.
    pub(super) fn announce(&mut self, run: RunId, environment: &Environment) -> Result<()> {
        let environment = CatalogKey::Environment(environment.clone());
        if self.get(&keys::catalog(&environment))?.is_some() {
            self.put(keys::announced(run), Vec::new());
        }
        Ok(())
    }

    fn put_deliveries(&mut self, announced: Option<RunId>, deliveries: &[Delivery]) -> Result<()> {
        let rows = deliveries.iter().map(|delivery| {
            let (to, from) = match delivery.state {
                DeliveryState::Waiting => (Table::Waiting, Table::Over),
                DeliveryState::Delivered | DeliveryState::Dead => (Table::Over, Table::Waiting),
            };
            let row = to_json(delivery)?;
            Ok((
                keys::delivery(to, delivery.id),
                row,
                keys::delivery(from, delivery.id),
            ))
        });
        for (key, row, other) in rows.collect::<Result<Vec<_>>>()? {
            self.put(key, row);
            self.remove(other);
        }
        if let Some(run) = announced {
            self.remove(keys::announced(run));
        }
        Ok(())
    }

    fn forget_deliveries(&mut self, before: jiff::Timestamp) -> Result<u64> {
        let (from, to) = keys::all(Table::Over);
        let old: Vec<Vec<u8>> = self.shared.with_map(|map| {
            let mut old = Vec::new();
            for pair in map.range(&from, &to) {
                let (key, value) = pair?;
                // Ids sort by the time of their run, so the old ones stand in front.
                let delivery: Delivery = from_json(&value)?;
                if delivery.created >= before || old.len() == FORGOTTEN_AT_ONCE {
                    break;
                }
                old.push(key.to_vec());
            }
            Ok(old)
        })?;
        let count = old.len() as u64;
        old.into_iter().for_each(|key| self.remove(key));
        Ok(count)
    }
}

impl Shared {
    fn all_json<T: serde::de::DeserializeOwned>(&self, table: Table) -> Result<Vec<T>> {
        let (from, to) = keys::all(table);
        self.with_map(|map| {
            let rows = map.range(&from, &to).map(|pair| from_json(&pair?.1));
            rows.collect()
        })
    }

    fn deliveries(&self, query: &DeliveryQuery) -> Result<Vec<Delivery>> {
        let table = match query.waiting {
            true => Table::Waiting,
            false => Table::Over,
        };
        let (mut from, to) = keys::all(table);
        if let Some(after) = query.after {
            from = [keys::delivery(table, after), vec![0]].concat();
        }
        let mut found = Vec::new();
        loop {
            let page: Vec<(Vec<u8>, Delivery)> = self.with_map(|map| {
                let pairs = map
                    .range(&from, &to)
                    .take(DELIVERIES_LOOKED_AT)
                    .map(|pair| {
                        let (key, value) = pair?;
                        Ok((key.to_vec(), from_json(&value)?))
                    });
                pairs.collect()
            })?;
            let Some((last, _)) = page.last() else {
                return Ok(found);
            };
            from = [last.as_slice(), &[0]].concat();
            let wanted = |delivery: &Delivery| {
                let environment = query.environment.as_ref();
                environment.is_none_or(|wanted| *wanted == delivery.connection.environment)
            };
            for (_, delivery) in page.into_iter().filter(|(_, delivery)| wanted(delivery)) {
                if found.len() == query.limit {
                    return Ok(found);
                }
                found.push(delivery);
            }
        }
    }
}

fn component_name(digest: &Digest) -> String {
    format!("{COMPONENT}{digest}")
}

/// Writes a component's file; it is there whole or not at all.
pub(super) fn write_component(disk: &dyn Disk, digest: &Digest, bytes: &[u8]) -> Result<()> {
    let written = || {
        let mut file = disk.create(UNFINISHED)?;
        file.append(bytes)?;
        file.sync()?;
        disk.rename(UNFINISHED, &component_name(digest))?;
        disk.sync_names()
    };
    written().map_err(|error| io_error("writing a component", &error))
}

fn read_component(disk: &dyn Disk, digest: &Digest) -> Result<Option<Bytes>> {
    let bytes = match disk.read(&component_name(digest)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io_error("reading a component", &error)),
    };
    match Digest::of(&bytes) == *digest {
        true => Ok(Some(bytes.into())),
        false => Err(damaged(format!(
            "the file of component {digest} has other bytes; deploy it again"
        ))),
    }
}

/// The components there are.
pub(super) fn components(disk: &dyn Disk) -> Result<Vec<(Digest, Vec<u8>)>> {
    let names = disk
        .names()
        .map_err(|error| io_error("listing components", &error))?;
    let digests = names
        .iter()
        .filter_map(|name| Digest::try_from(name.strip_prefix(COMPONENT)?.to_owned()).ok());
    let read = digests.map(|digest| {
        let bytes = read_component(disk, &digest)?;
        Ok((digest, bytes.unwrap_or_default().to_vec()))
    });
    read.collect()
}
