//! Webhooks: telling apps what runs did, for certain and again if need be.
//!
//! The end of a run is *announced* in the commit that ends it ([`crate::store::CatalogStore`]).
//! From there, in the order of the files: [`body`] makes the messages of a run (spelt by
//! `spelling`, so that both signatures hold), `outbox` writes them as deliveries in one
//! commit with the end of the announcement, `lanes` decides what is sent next, `post`
//! sends one and `patience` decides what its answer means. [`sender`] is the task that
//! drives them.
//!
//! What an app can rely on:
//!
//! - **At least once.** A delivery is tried for days, over restarts of this host. When
//!   all is well it arrives once; after a lost answer it may arrive again, with the same
//!   id (`X-Tidegate-Delivery`, and `deliveryId` in the body).
//! - **No order.** Deliveries of one connection may overtake each other. A webhook says
//!   *that* there are changes; their order is that of the records feed.
//! - **Signed.** Both signatures are over the exact bytes of the body.
//!
//! What an operator can rely on: a URL leads to a public host over https, or to one that
//! the operator's own list names; redirects are not followed; an app that is down costs
//! one attempt at a time and holds up no other.

pub mod body;
mod lanes;
mod metrics;
mod outbox;
mod patience;
mod post;
mod sender;
mod spelling;

pub use metrics::WebhookMetrics;
pub use post::WebhookOptions;
pub use sender::WebhookSender;
