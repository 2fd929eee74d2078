//! One attempt of one delivery: loaded, signed, sent through the gate, and its outcome
//! written down.

use super::patience::{self, Answer};
use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::egress::policy::{EgressPolicy, HostRule};
use crate::egress::{
    Credentials, Egress, EgressScope, IncomingResponse, OutgoingRequest, Waits, target,
};
use crate::error::{Code, Error, Result};
use crate::limits::KIB;
use crate::memory::MemoryBudget;
use crate::model::{Delivery, DeliveryId, DeliveryState};
use crate::store::ServiceStore;
use crate::vault::{Secret, signature};
use jiff::Timestamp;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// Time for one attempt, connection and answer included; then it has failed. Nango's.
pub(super) const ATTEMPT_TIME: Duration = Duration::from_secs(20);
/// Bytes of an answer, which nobody reads; with a larger one the attempt has failed, for
/// it may never end.
const ANSWER_BYTES_MAX: u64 = 64 * KIB;
/// Who sends.
const USER_AGENT: &str = concat!("tidegate/", env!("CARGO_PKG_VERSION"), " (webhooks)");

/// What webhooks may reach beyond public hosts over https.
#[derive(Clone, Debug, Default)]
pub struct WebhookOptions {
    /// Hosts that may be private, on other schemes or both: the operator's own list.
    pub allow_hosts: Vec<HostRule>,
    /// Plain http to public hosts.
    pub allow_http: bool,
}

/// What attempts are made with.
pub(super) struct Post {
    pub(super) store: Arc<dyn ServiceStore>,
    pub(super) catalog: Arc<Catalog>,
    pub(super) egress: Arc<dyn Egress>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) options: WebhookOptions,
}

impl Post {
    /// Attempts a delivery, and answers how it stands then and why; none if there was
    /// nothing to send any more. The outcome is durable, unless the store fails: then the
    /// delivery is sent again after the next start.
    pub async fn attempt(&self, id: DeliveryId) -> Option<(Delivery, Answer)> {
        let loaded = self.store.delivery(id).await;
        let delivery = match loaded {
            Ok(found) => found.filter(|found| found.state == DeliveryState::Waiting)?,
            Err(error) => {
                tracing::error!(delivery = %id, %error, "reading a webhook");
                return None;
            }
        };
        let answer = self.send(&delivery).await;
        // Removed meanwhile: it took its webhooks along, and this one must not come back.
        self.catalog
            .environment(&delivery.connection.environment)
            .ok()?;
        let now = self.clock.now();
        let delivery = patience::after(delivery, &answer, now, rand::random());
        report(&delivery);
        let written = self.store.put_deliveries(None, vec![delivery.clone()]);
        if let Err(error) = written.await {
            tracing::error!(delivery = %id, %error, "writing down the outcome of a webhook");
        }
        Some((delivery, answer))
    }

    async fn send(&self, delivery: &Delivery) -> Answer {
        let environment = &delivery.connection.environment;
        let prepared = self.catalog.signing_key(environment).and_then(|key| {
            let scope = self.scope(delivery)?;
            Ok((scope, request(delivery, &key)))
        });
        let (scope, request) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => return Answer::Refused(error.to_string()),
        };
        let memory = MemoryBudget::new(ANSWER_BYTES_MAX);
        let deadline = Instant::now() + ATTEMPT_TIME;
        let sent = self
            .egress
            .send(&scope, request, &memory, deadline, &Waits::default())
            .await;
        match sent.response {
            Ok(response) => of_response(&response, self.clock.now()),
            Err(error) => of_error(&error),
        }
    }

    /// What this delivery may reach: its own URL at a public host, and what the operator
    /// lists. IMPORTANT: the URL is a customer's. No rule is made of its host, because a
    /// rule that names an inner address opens it.
    fn scope(&self, delivery: &Delivery) -> Result<EgressScope> {
        let url = target::resolve(None, &delivery.url)?;
        // Any public host, and yet this one only: redirects are not followed.
        let mut policy = EgressPolicy::default().allow_any_host().without_redirects();
        if let Some(port) = url.port() {
            policy = policy.allow_port(port);
        }
        if self.options.allow_http {
            policy = policy.allow_plain_http();
        }
        let rules = self.options.allow_hosts.iter().cloned();
        Ok(EgressScope {
            connection: format!("webhooks of {}", delivery.connection.environment),
            base_url: None,
            policy: Arc::new(rules.fold(policy, EgressPolicy::allow)),
            credentials: Arc::new(Credentials::default()),
            conduct: Arc::default(),
        })
    }
}

fn request(delivery: &Delivery, key: &Secret) -> OutgoingRequest {
    let (key, body) = (key.as_bytes(), delivery.body.as_bytes());
    let attempt = delivery.attempts.saturating_add(1);
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("user-agent", USER_AGENT.to_owned()),
        ("x-nango-hmac-sha256", signature::hmac_sha256_hex(key, body)),
        ("x-nango-signature", signature::legacy_sha256_hex(key, body)),
        ("x-tidegate-attempt", attempt.to_string()),
        ("x-tidegate-delivery", delivery.id.to_string()),
    ];
    OutgoingRequest {
        method: "POST".into(),
        url: delivery.url.clone(),
        base_url: None,
        query: Vec::new(),
        headers: headers.map(|(name, value)| (name.to_owned(), value)).into(),
        body: Some(delivery.body.clone().into()),
        timeout: Some(ATTEMPT_TIME),
        retries: 0,
        retry_on: Vec::new(),
    }
}

fn of_response(response: &IncomingResponse, now: Timestamp) -> Answer {
    let status = response.status;
    let why = format!("the app answered {status}");
    match status {
        200..=299 => Answer::Taken,
        300..=399 => Answer::Refused(format!(
            "{why}; redirects are not followed: name the URL that it leads to"
        )),
        410 => Answer::Gone(format!("{why}: it wants this webhook no more")),
        408 | 425 | 429 | 500.. => Answer::Unwell(why, asked_wait(&response.headers, now)),
        _ => Answer::Refused(why),
    }
}

fn of_error(error: &Error) -> Answer {
    match error.code {
        Code::EgressDenied | Code::InvalidArgument => Answer::Refused(error.to_string()),
        Code::LimitMemory | Code::LimitResponse => Answer::Refused(format!(
            "{}: the app's answer has more than {ANSWER_BYTES_MAX} bytes; answer with none",
            error.code
        )),
        _ => Answer::Unwell(error.to_string(), None),
    }
}

/// `Retry-After`, in seconds or as a date.
fn asked_wait(headers: &[(String, String)], now: Timestamp) -> Option<Duration> {
    let (_, value) = headers.iter().find(|(name, _)| name == "retry-after")?;
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = httpdate::parse_http_date(value.trim()).ok()?;
    at.duration_since(SystemTime::from(now)).ok()
}

fn report(delivery: &Delivery) {
    let (id, attempts) = (delivery.id, delivery.attempts);
    let environment = &delivery.connection.environment;
    let why = delivery.last_error.as_deref().unwrap_or_default();
    match delivery.state {
        DeliveryState::Delivered => {
            tracing::debug!(delivery = %id, %environment, attempts, "webhook delivered");
        }
        DeliveryState::Waiting => {
            tracing::info!(delivery = %id, %environment, attempts, why, "webhook failed; it is tried again");
        }
        DeliveryState::Dead => {
            tracing::warn!(delivery = %id, %environment, attempts, why, "webhook given up; it can be replayed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::MemoryBudget;

    #[test]
    fn what_an_answer_means() {
        let now: Timestamp = "2026-11-22T06:00:00Z".parse().unwrap();
        let held = || MemoryBudget::new(0).hold(0).unwrap();
        for (status, header, expected) in [
            (200, None, "taken"),
            (299, None, "taken"),
            (302, None, "refused"),
            (401, None, "refused"),
            (408, None, "unwell"),
            (410, None, "gone"),
            (413, Some("7"), "refused"),
            (425, None, "unwell"),
            (429, Some("7"), "unwell 7s"),
            (500, None, "unwell"),
            (503, Some("Sun, 22 Nov 2026 06:01:00 GMT"), "unwell 60s"),
            (503, Some("Sun, 22 Nov 2020 06:01:00 GMT"), "unwell"),
            (503, Some("soon"), "unwell"),
        ] {
            let headers = header.map(|value: &str| ("retry-after".to_owned(), value.to_owned()));
            let response = IncomingResponse {
                status,
                headers: headers.into_iter().collect(),
                url: String::new(),
                body: bytes::Bytes::new(),
                held: held(),
            };
            let found = match of_response(&response, now) {
                Answer::Taken => "taken".into(),
                Answer::Gone(_) => "gone".into(),
                Answer::Refused(_) => "refused".into(),
                Answer::Unwell(_, None) => "unwell".into(),
                Answer::Unwell(_, Some(wait)) => format!("unwell {wait:?}"),
            };
            assert_eq!(found, expected, "{status} {header:?}");
        }
    }
}
