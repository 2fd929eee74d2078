//! Paging as the integration has it: what its operator has set up once for all syncs.

use crate::Run;
use crate::error::{Code, Error, Result};
use crate::paginate::Paging;
use crate::sync::State;
use serde::Deserialize;

/// What of the connection's config says how pages are numbered.
#[derive(Deserialize)]
struct Config {
    pagination: Option<Pagination>,
}

#[derive(Deserialize)]
struct Pagination {
    #[serde(rename = "type")]
    kind: Kind,
    #[serde(default)]
    param: String,
    next: Option<String>,
    #[serde(default)]
    items: String,
    start: Option<u64>,
    #[serde(default)]
    in_body: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Cursor,
    Link,
    Offset,
    Page,
}

impl<C: State, M: State> Run<C, M> {
    /// How the provider numbers its pages, as the integration's operator has set it up
    /// (`pagination`), or the connection's config says. An error where neither does: say
    /// it in the sync then.
    pub fn paging(&self) -> Result<Paging> {
        let config: Config = self.config()?;
        match config.pagination {
            Some(pagination) => Ok(pagination.paging()),
            None => Err(Error::with_code(
                Code::InvalidArgument,
                "the integration does not say how its pages are numbered; set its `pagination`, or \
                 say it in the sync",
            )),
        }
    }
}

impl Pagination {
    fn paging(&self) -> Paging {
        let next = self.next.as_deref().unwrap_or_default();
        let paging = match (&self.kind, &self.next) {
            (Kind::Cursor, _) => Paging::cursor(&self.param, next),
            (Kind::Link, None) => Paging::link(),
            (Kind::Link, Some(_)) => Paging::link_at(next),
            (Kind::Offset, _) => Paging::offset(&self.param),
            (Kind::Page, _) => Paging::page(&self.param),
        };
        let paging = paging.items_at(&self.items);
        let paging = match self.start {
            Some(start) => paging.starting_at(start),
            None => paging,
        };
        match self.in_body {
            true => paging.in_body(),
            false => paging,
        }
    }
}
