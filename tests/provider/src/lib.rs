//! A provider's API for tests and demos: a real HTTP server on this machine.
//!
//! It pages by cursor, link and offset, filters by date, changes and removes records
//! between runs, keeps a rate limit, and answers slowly, wrongly or not at all when told
//! to. It serves seeded synthetic data or any NDJSON file, and speaks GitHub's commit
//! list, Slack's user list, Salesforce's query of contacts and a plain API of its own. It knows nothing of the host.
//!
//! | path | answers |
//! |---|---|
//! | `/contacts`, `/{set}` | `?cursor&limit&since&after&until&before` → `{"data":[…],"next_cursor":…}` |
//! | `/{set}/offset` | `?offset&limit` and the dates → `{"data":[…],"total","offset","limit"}` |
//! | `/{set}/link` | `?page&per_page` and the dates → `[…]` and a `Link` header |
//! | `/events` | `?from&to&page&per_page`, `to` exclusive → `{"data":[…],"page","pages","total"}` |
//! | `/users` | `?cursor&limit` → Slack's `{"ok","members","response_metadata":{"next_cursor"}}` |
//! | `/services/data/v60.0/query` | `?q=SELECT … FROM Contact …` → Salesforce's contacts, `nextRecordsUrl` |
//! | `/repos/{owner}/{repo}/commits` | `?per_page&page&since&until` → GitHub's list, newest first |
//! | `/echo` | the method, headers, query and body that it received |
//! | `/status/{code}`, `/redirect?to&status` | that status |
//! | `/large?bytes&gzip&chunked` | a body of that many bytes, once decoded |
//! | `/endless` | the same page for ever, always with a next cursor |
//!
//! `since` and `until` are inclusive, `after` and `before` exclusive, to the second.
//! Records are in the order of (date, number), so a checkpoint by date works and meets
//! its pitfall: **records with equal dates**, three by three, across page borders.
//!
//! ```
//! # fn main() -> anyhow::Result<()> {
//! use tidegate_provider::{Fault, Provider};
//!
//! let provider = Provider::builder().contacts(1_000, 7).start_blocking()?;
//! provider.contacts().update([3, 5]);
//! provider.faults().next("/contacts", Fault::Status(503), 2);
//! println!("{}/contacts?limit=100", provider.url());
//! assert!(provider.requests().is_empty());
//! # Ok(())
//! # }
//! ```

#![deny(unsafe_code, missing_docs)]
#![warn(clippy::unwrap_used, clippy::expect_used)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod builder;
mod dates;
mod faults;
mod handle;
mod rate_limit;
mod seen;
mod serve;
mod set;

pub use builder::{Provider, ProviderBuilder};
pub use faults::{Fault, Faults};
pub use handle::{ProviderHandle, serve_until_ctrl_c};
pub use rate_limit::RateLimit;
pub use seen::SeenRequest;
pub use set::{Commits, Records, Set};
