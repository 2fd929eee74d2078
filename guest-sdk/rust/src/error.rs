//! Errors as a sync meets them: a stable code, a message for people, and `?` from
//! every error of any library.

use std::fmt;
use std::time::Duration;

/// The result of everything in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

macro_rules! codes {
    ($($name:ident $text:literal $meaning:literal;)*) => {
        /// What kind of failure it was, from the list in `wit/README.md`. The list grows,
        /// so a `match` needs a `_` arm.
        #[non_exhaustive]
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum Code {
            $(#[doc = concat!("`", $text, "`: ", $meaning)] $name,)*
            /// A code that is younger than this SDK.
            Other(Box<str>),
        }

        impl Code {
            /// The code as it stands in reports and logs.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Code::$name => $text,)*
                    Code::Other(text) => text,
                }
            }
        }

        impl From<&str> for Code {
            fn from(text: &str) -> Self {
                match text {
                    $($text => Code::$name,)*
                    other => Code::Other(other.into()),
                }
            }
        }
    };
}

codes! {
    EgressDenied "egress.denied" "the host may not be called, or a header may not be set.";
    ProviderDns "provider.dns" "the provider's name does not resolve.";
    ProviderConnect "provider.connect" "nothing answers at the provider's address.";
    ProviderTls "provider.tls" "the provider's certificate is not trusted.";
    ProviderTimeout "provider.timeout" "the provider took too long.";
    ProviderReset "provider.reset" "the connection broke off.";
    LimitResponse "limit.response" "a response was too large.";
    LimitMemory "limit.memory" "the memory cap.";
    LimitCpu "limit.cpu" "the CPU limit.";
    LimitTime "limit.time" "the time limit.";
    LimitHostcall "limit.hostcall" "one call passed too much.";
    LimitRequests "limit.requests" "the budget of requests is spent.";
    LimitStorage "limit.storage" "no room to store more.";
    LimitHandles "limit.handles" "too many requests and responses held at once.";
    RecordInvalid "record.invalid" "a record is not a JSON object with an id, or too large.";
    RecordSchema "record.schema" "a record does not fit its model's schema.";
    ModelUnknown "model.unknown" "the manifest has no such model.";
    CheckpointInvalid "checkpoint.invalid" "the checkpoint does not fit its schema, or cannot be read.";
    CheckpointConflict "checkpoint.conflict" "another run moved the checkpoint.";
    MetadataInvalid "metadata.invalid" "the metadata does not fit its schema, or cannot be read.";
    InvalidArgument "invalid.argument" "an argument that the host refuses.";
    GuestError "guest.error" "the sync's own error: also a status that is no success, or a body that does not decode.";
    RunInterrupted "run.interrupted" "the run was told to stop and will be continued.";
    RunCancelled "run.cancelled" "the run was cancelled.";
    StoreUnavailable "store.unavailable" "the host cannot store at present.";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A failure. `?` makes one from every error that implements [`std::error::Error`];
/// [`bail!`](crate::bail) and [`err!`](crate::err) from a message.
///
/// ```
/// use tidegate_sdk::prelude::*;
///
/// fn amount(text: &str) -> Result<u32> {
///     let amount = text.parse::<u32>().context("reading the amount")?;
///     ensure!(amount > 0, "an amount of {amount} makes no sense");
///     Ok(amount)
/// }
///
/// assert_eq!(amount("12").unwrap(), 12);
/// let error = amount("twelve").unwrap_err();
/// assert_eq!(error.message(), "reading the amount: invalid digit found in string");
/// ```
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    code: Code,
    message: String,
    retry_after: Option<Duration>,
    status: Option<u16>,
}

impl Error {
    /// An error of the sync's own (`guest.error`).
    pub fn new(message: impl fmt::Display) -> Self {
        Error::with_code(Code::GuestError, message)
    }

    /// An error with `code`.
    pub fn with_code(code: Code, message: impl fmt::Display) -> Self {
        Error(Box::new(Inner {
            code,
            message: message.to_string(),
            retry_after: None,
            status: None,
        }))
    }

    /// What kind of failure it is.
    pub fn code(&self) -> &Code {
        &self.0.code
    }

    /// What went wrong, for people.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// How long the provider or the host asked to wait before another try.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The HTTP status, if a response was the failure.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// The same error, with what was being done put in front of its message.
    pub fn context(mut self, doing: impl fmt::Display) -> Self {
        self.0.message = format!("{doing}: {}", self.0.message);
        self
    }

    /// The same error, with how long to wait before another try.
    pub fn with_retry_after(mut self, wait: Option<Duration>) -> Self {
        self.0.retry_after = wait;
        self
    }

    pub(crate) fn with_status(mut self, status: u16) -> Self {
        self.0.status = Some(status);
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code, self.0.message)
    }
}

// What `unwrap` and a failed test print: the message, not the shape of this type.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

// `Error` is no `std::error::Error` itself, so that this can take every other one.
impl<E: std::error::Error> From<E> for Error {
    fn from(error: E) -> Self {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(each) = cause {
            message.push_str(": ");
            message.push_str(&each.to_string());
            cause = each.source();
        }
        Error::new(message)
    }
}

/// Puts what was being done in front of an error, or makes an error of a `None`.
pub trait Context<T> {
    /// The value, or an error that says `doing` first.
    fn context(self, doing: impl fmt::Display) -> Result<T>;
}

impl<T, E: Into<Error>> Context<T> for std::result::Result<T, E> {
    fn context(self, doing: impl fmt::Display) -> Result<T> {
        self.map_err(|error| error.into().context(doing))
    }
}

impl<T> Context<T> for Option<T> {
    fn context(self, missing: impl fmt::Display) -> Result<T> {
        self.ok_or_else(|| Error::new(missing))
    }
}

/// An [`Error`] from a format string.
#[macro_export]
macro_rules! err {
    ($($message:tt)+) => { $crate::Error::new(::std::format!($($message)+)) };
}

/// Ends the function with an [`Error`] from a format string.
#[macro_export]
macro_rules! bail {
    ($($message:tt)+) => { return ::std::result::Result::Err($crate::err!($($message)+)) };
}

/// Ends the function with an [`Error`] from a format string unless the condition holds.
#[macro_export]
macro_rules! ensure {
    ($condition:expr, $($message:tt)+) => { if !$condition { $crate::bail!($($message)+) } };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_read_back_and_unknown_ones_are_kept() {
        for text in [
            "record.invalid",
            "limit.memory",
            "guest.error",
            "limit.moonlight",
        ] {
            assert_eq!(Code::from(text).as_str(), text);
        }
        assert_eq!(
            Code::from("limit.moonlight"),
            Code::Other("limit.moonlight".into())
        );
    }

    #[test]
    fn any_error_becomes_one_with_its_causes() {
        fn read() -> Result<u8> {
            serde_json::from_str("300").context("reading the page")
        }
        let error = read().unwrap_err();
        assert_eq!(*error.code(), Code::GuestError);
        assert!(
            error
                .message()
                .starts_with("reading the page: invalid value"),
            "{error}"
        );
        assert_eq!(
            None::<u8>.context("no owner").unwrap_err().message(),
            "no owner"
        );
    }
}
