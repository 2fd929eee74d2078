//! One HTTP exchange of a run, as its log keeps it.

use crate::error::Code;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use utoipa::ToSchema;

/// A request that a run put on the wire, or was refused at the gate, and what came of it.
/// There is no header and no body in it, and its URL holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HttpExchange {
    /// When it began, after the waiting.
    pub began: Timestamp,
    /// The method.
    pub method: String,
    /// Where to, without user, fragment and secrets; a long one is cut.
    pub url: String,
    /// The status, once there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why there was no whole response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Code>,
    /// From its beginning to its end, in milliseconds.
    pub duration_ms: u64,
    /// Bytes of the request's body.
    pub request_bytes: u64,
    /// Bytes of the response's body on the wire.
    pub response_bytes: u64,
    /// Which try of the request it belongs to, from 1; each redirect is an exchange of
    /// its try.
    pub attempt: u32,
    /// How long it waited before it began, for a backoff, a rate limit or the provider's
    /// own word, in milliseconds.
    pub waited_ms: u64,
}

impl HttpExchange {
    /// Whether it ended otherwise than with a response below 400.
    pub fn failed(&self) -> bool {
        self.error.is_some() || self.status.is_none_or(|status| status >= 400)
    }

    /// Whether the provider itself is not well: it did not answer, or with a 5xx.
    pub fn provider_is_down(&self) -> bool {
        match self.error {
            Some(Code::ProviderDns | Code::ProviderConnect | Code::ProviderTls) => true,
            Some(Code::ProviderTimeout | Code::ProviderReset) => true,
            _ => self.status.is_some_and(|status| status >= 500),
        }
    }
}

impl fmt::Display for HttpExchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: ", self.method, self.url)?;
        match (self.error, self.status) {
            (Some(error), _) => write!(f, "{error}")?,
            (None, Some(status)) => write!(f, "{status}")?,
            (None, None) => f.write_str("no answer")?,
        }
        write!(f, " in {} ms", self.duration_ms)?;
        if self.attempt > 1 {
            write!(f, ", try {}", self.attempt)?;
        }
        if self.waited_ms > 0 {
            write!(f, ", after a wait of {} ms", self.waited_ms)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_how_it_went() {
        let fine = HttpExchange {
            began: Timestamp::UNIX_EPOCH,
            method: "GET".into(),
            url: "https://a.test/".into(),
            status: Some(200),
            error: None,
            duration_ms: 7,
            request_bytes: 0,
            response_bytes: 2,
            attempt: 1,
            waited_ms: 0,
        };
        for (status, error, text, failed, down) in [
            (
                Some(200),
                None,
                "GET https://a.test/: 200 in 7 ms",
                false,
                false,
            ),
            (
                Some(404),
                None,
                "GET https://a.test/: 404 in 7 ms",
                true,
                false,
            ),
            (
                Some(502),
                None,
                "GET https://a.test/: 502 in 7 ms",
                true,
                true,
            ),
            (
                Some(200),
                Some(Code::ProviderReset),
                "GET https://a.test/: provider.reset in 7 ms",
                true,
                true,
            ),
            (
                None,
                Some(Code::EgressDenied),
                "GET https://a.test/: egress.denied in 7 ms",
                true,
                false,
            ),
            (
                None,
                None,
                "GET https://a.test/: no answer in 7 ms",
                true,
                false,
            ),
        ] {
            let exchange = HttpExchange {
                status,
                error,
                ..fine.clone()
            };
            assert_eq!(exchange.to_string(), text);
            assert_eq!(
                (exchange.failed(), exchange.provider_is_down()),
                (failed, down),
                "{text}"
            );
            let json = serde_json::to_string(&exchange).unwrap();
            assert_eq!(
                serde_json::from_str::<HttpExchange>(&json).unwrap(),
                exchange
            );
        }
        let later = HttpExchange {
            attempt: 2,
            waited_ms: 3000,
            ..fine
        };
        assert_eq!(
            later.to_string(),
            "GET https://a.test/: 200 in 7 ms, try 2, after a wait of 3000 ms"
        );
    }
}
