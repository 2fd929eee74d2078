//! What the sender counts of webhooks. Labels are words of this program, never a URL, a
//! connection or an environment.

use super::patience::Answer;
use crate::model::{Delivery, DeliveryState};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// Counters and gauges of webhooks. Clones count together.
#[derive(Clone, Debug, Default)]
pub struct WebhookMetrics {
    waiting: Gauge,
    attempts: Family<ResultLabels, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabels {
    result: &'static str,
}

impl WebhookMetrics {
    /// Adds them to what is shown.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "tidegate_webhooks_waiting",
            "Webhooks that are to be sent, now or again later",
            self.waiting.clone(),
        );
        registry.register(
            "tidegate_webhook_attempts",
            "Attempts to send a webhook, by what came of them",
            self.attempts.clone(),
        );
    }

    /// So many more deliveries wait.
    pub(super) fn wait(&self, count: usize) {
        self.waiting.inc_by(signed(count));
    }

    /// So many deliveries wait no more.
    pub(super) fn wait_no_more(&self, count: usize) {
        self.waiting.dec_by(signed(count));
    }

    /// An attempt ended; the delivery is as it stands after it.
    pub(super) fn attempted(&self, delivery: &Delivery, answer: &Answer) {
        let result = match answer {
            Answer::Taken => "delivered",
            Answer::Gone(_) => "gone",
            Answer::Refused(_) => "refused",
            Answer::Unwell(..) => "failed",
        };
        self.attempts.get_or_create(&ResultLabels { result }).inc();
        if delivery.state != DeliveryState::Waiting {
            self.wait_no_more(1);
        }
    }
}

fn signed(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
