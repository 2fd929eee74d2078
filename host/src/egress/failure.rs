//! From what the HTTP stack reports to an error code, and to whether a try may follow.

use super::denied::Denied;
use crate::error::{Code, Error};
use std::error::Error as StdError;
use std::io;

/// A try that brought no response.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What the guest gets if no further try follows.
    pub error: Error,
    /// How far it got.
    pub stage: Stage,
}

/// How far a failed try got, which decides whether another may follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Another try would end the same: a refusal, a limit, a wrong certificate.
    Final,
    /// The provider has not seen the request: every method may be tried again.
    Unsent,
    /// The provider may have acted on it: only methods that may be repeated are.
    MaybeSent,
}

impl Failure {
    /// A failure that no further try mends.
    pub fn last(code: Code, message: impl Into<String>) -> Self {
        Failure {
            error: Error::new(code, message),
            stage: Stage::Final,
        }
    }

    /// The same, of an error that is there.
    pub fn given_up(error: Error) -> Self {
        Failure {
            error,
            stage: Stage::Final,
        }
    }

    /// A failure after which the provider may have acted on the request.
    pub fn maybe_sent(code: Code, message: impl Into<String>) -> Self {
        Failure {
            error: Error::new(code, message),
            stage: Stage::MaybeSent,
        }
    }

    /// What a client reported for a request to `host`, before the response began.
    pub fn of_request(error: &hyper_util::client::legacy::Error, host: &str) -> Self {
        if let Some(own) = find::<Error>(error) {
            return Failure::of_connect(own.clone());
        }
        if let Some(tls) = find::<rustls::Error>(error) {
            return Failure::last(
                Code::ProviderTls,
                format!("no secure connection to {host}: {tls}"),
            );
        }
        if error.is_connect() {
            let why = root(error);
            return Failure {
                error: Error::new(
                    Code::ProviderReset,
                    format!("{host} broke off the handshake: {why}"),
                ),
                stage: Stage::Unsent,
            };
        }
        Failure::of_response(error, host)
    }

    /// What the stack reported while a response of `host` came in.
    pub fn of_response(error: &(dyn StdError + 'static), host: &str) -> Self {
        match find::<hyper::Error>(error) {
            Some(hyper) if hyper.is_parse_too_large() => Failure::last(
                Code::LimitResponse,
                format!("the response headers of {host} are too many or too large"),
            ),
            Some(hyper) if hyper.is_parse() => Failure::maybe_sent(
                Code::ProviderReset,
                format!("{host} did not answer in HTTP: {hyper}"),
            ),
            _ => Failure::maybe_sent(
                Code::ProviderReset,
                format!("{host} broke off the exchange: {}", root(error)),
            ),
        }
    }

    /// An error of the gate or of the dialler.
    fn of_connect(error: Error) -> Self {
        let stage = match error.code {
            Code::ProviderDns | Code::ProviderConnect | Code::ProviderTimeout => Stage::Unsent,
            _ => Stage::Final,
        };
        Failure { error, stage }
    }
}

impl From<Denied> for Failure {
    fn from(denied: Denied) -> Self {
        Failure {
            error: denied.into(),
            stage: Stage::Final,
        }
    }
}

/// The first error of type `T` in the chain of causes.
pub fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

/// The words of the innermost cause, which says most.
fn root(error: &(dyn StdError + 'static)) -> String {
    causes(error)
        .last()
        .map(ToString::to_string)
        .unwrap_or_default()
}

fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| cause(*error))
}

fn cause<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    // `io::Error::source` skips the error that it wraps.
    let wrapped = error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref);
    match wrapped {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_found_inside_wrapped_io_errors() {
        let own = Error::new(Code::EgressDenied, "no");
        let wrapped = io::Error::other(io::Error::other(own.clone()));
        assert_eq!(find::<Error>(&wrapped), Some(&own));
        assert_eq!(root(&wrapped), own.to_string());
    }
}
