//! The one table of what can go wrong: each code with its blame, HTTP status, exit code
//! and advice.
//!
//! The *code* is the contract (`wit/README.md` lists the same table for guests); the
//! message is for people and may change. A new failure is a new row here, never a new
//! error type elsewhere.

use std::fmt;

/// Whose fault a failure is, decided here once and shown in reports, logs and the CLI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Blame {
    /// The sync's author.
    Guest,
    /// The external API, or the way to it.
    Provider,
    /// Whoever runs or calls this host: its configuration, its limits, its disk.
    Operator,
    /// This program.
    Host,
}

impl fmt::Display for Blame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Blame::Guest => "guest",
            Blame::Provider => "provider",
            Blame::Operator => "operator",
            Blame::Host => "host",
        })
    }
}

macro_rules! codes {
    ($($name:ident $text:literal $blame:ident $status:literal $exit:literal $advice:literal;)*) => {
        /// A stable error code. The set only ever grows.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code {
            $(#[doc = concat!("`", $text, "`: ", $advice)] $name,)*
        }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &[Code] = &[$(Code::$name,)*];

            /// The code as guests, apps and the CLI see it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Code::$name => $text,)* }
            }

            /// Whose fault it is.
            pub const fn blame(self) -> Blame {
                match self { $(Code::$name => Blame::$blame,)* }
            }

            /// The status that the HTTP API answers with.
            pub const fn http_status(self) -> u16 {
                match self { $(Code::$name => $status,)* }
            }

            /// The exit code of the CLI.
            pub const fn exit_code(self) -> u8 {
                match self { $(Code::$name => $exit,)* }
            }

            /// One line on what to do about it.
            pub const fn advice(self) -> &'static str {
                match self { $(Code::$name => $advice,)* }
            }
        }
    };
}

codes! {
    // name               text                  blame    http exit advice
    EgressDenied          "egress.denied"       Guest    403  23 "ask the operator to allow this host, or call one that is allowed";
    ProviderDns           "provider.dns"        Provider 502  40 "check the host name of the connection's base URL";
    ProviderConnect       "provider.connect"    Provider 502  41 "check that the provider is up and reachable from this host";
    ProviderTls           "provider.tls"        Provider 502  42 "check the provider's certificate, or add its CA to the host";
    ProviderTimeout       "provider.timeout"    Provider 504  43 "ask for smaller pages, or raise the request's timeout";
    ProviderReset         "provider.reset"      Provider 502  44 "the connection broke; the next run fetches again from the checkpoint";
    LimitResponse         "limit.response"      Guest    413  45 "ask the provider for smaller pages";
    LimitMemory           "limit.memory"        Guest    507  21 "save each page as it is fetched, or ask for a higher cap in the manifest";
    LimitCpu              "limit.cpu"           Guest    504  22 "look for a loop that does no host call, or split the work over checkpoints";
    LimitTime             "limit.time"          Guest    504  24 "save checkpoints, so that the run can be continued";
    LimitHostcall         "limit.hostcall"      Guest    413  25 "pass less than 16 MiB in one call; save in batches of at most 8 MiB";
    LimitRequests         "limit.requests"      Guest    429  26 "fetch less in one run, or ask the operator for a higher budget";
    LimitStorage          "limit.storage"       Operator 507  27 "free disk space or raise the quota; nothing that was saved is lost";
    LimitHandles          "limit.handles"       Guest    429  28 "drop responses and requests when done with them";
    RecordInvalid         "record.invalid"      Guest    422  50 "mend the named record; nothing of its batch was saved";
    RecordSchema          "record.schema"       Guest    422  51 "make the record fit its model's schema; nothing of its batch was saved";
    ModelUnknown          "model.unknown"       Guest    422  52 "name the model in the manifest";
    CheckpointInvalid     "checkpoint.invalid"  Guest    422  53 "save an object of at most 64 KiB that fits the manifest's checkpoint schema";
    CheckpointConflict    "checkpoint.conflict" Guest    409  54 "another run moved the checkpoint; this one must end";
    MetadataInvalid       "metadata.invalid"    Guest    422  55 "save an object of at most 64 KiB that fits the manifest's metadata schema";
    InvalidArgument       "invalid.argument"    Guest    400  56 "see the message for the argument and what is expected";
    ComponentRejected     "component.rejected"  Guest    422  11 "build the component again as the message says";
    GuestTrap             "guest.trap"          Guest    500  29 "read the backtrace and the guest's stderr in the run's log";
    GuestError            "guest.error"         Guest    500  20 "the sync itself returned this error";
    RunInterrupted        "run.interrupted"     Operator 503  30 "run again: it continues from the checkpoint";
    RunStalled            "run.stalled"         Guest    500  31 "save checkpoints more often, so that each execution gets further";
    RunCancelled          "run.cancelled"       Operator 409  32 "it was told to stop; run again to continue from the checkpoint";
    RunConflict           "run.conflict"        Operator 409  33 "wait for the live run of this sync and connection to end";
    StoreUnavailable      "store.unavailable"   Operator 503  60 "free the disk or mend it, then start the host again; what was acknowledged is kept";
    StoreLocked           "store.locked"        Operator 503  61 "stop the other process, or name another folder with --store";
    StoreDamaged          "store.damaged"       Operator 503  62 "restore the last backup with `tidegate restore`";
    StoreFormat           "store.format"        Operator 503  63 "open it with the Tidegate version that wrote it, or restore a backup made by that";
    CursorStale           "cursor.stale"        Operator 410  64 "read again from the start without a cursor";
    NotFound              "not.found"           Operator 404  65 "check the name; the list command shows what there is";
    ConfigInvalid         "config.invalid"      Operator 400  66 "mend the named key";
    BuildFailed           "build.failed"        Guest    422  10 "mend what the compiler names and build again";
    Usage                 "usage"               Operator 400  2  "see --help";
    Internal              "internal"            Host     500  1  "this is a defect of Tidegate: please report it with the message";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Code {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Code::ALL
            .iter()
            .copied()
            .find(|code| code.as_str() == text)
            .ok_or_else(|| {
                Error::new(
                    Code::InvalidArgument,
                    format!("unknown error code `{text}`"),
                )
            })
    }
}

impl serde::Serialize for Code {
    fn serialize<S: serde::Serializer>(
        &self,
        serializer: S,
    ) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> serde::Deserialize<'de> for Code {
    fn deserialize<D: serde::Deserializer<'de>>(
        deserializer: D,
    ) -> std::result::Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A failure with its code: what crosses every border of this crate (to the guest, the
/// app, the operator). It never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Error {
    /// The stable code.
    pub code: Code,
    /// What went wrong, where, and with which value: a lower-case fragment for people.
    pub message: String,
    /// How many milliseconds to wait before trying again, where the provider said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u32>,
}

/// The result type of this crate's borders.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error with `code` and a message that names what, where and which value.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Error {
            code,
            message: message.into(),
            retry_after_ms: None,
        }
    }

    /// The same error, with the wait that the provider asked for.
    pub fn retry_after(mut self, milliseconds: u32) -> Self {
        self.retry_after_ms = Some(milliseconds);
        self
    }

    /// The same error, with what was being done put in front of the message.
    pub fn context(mut self, doing: impl fmt::Display) -> Self {
        self.message = format!("{doing}: {}", self.message);
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_unique_and_reads_back() {
        for (at, code) in Code::ALL.iter().enumerate() {
            assert_eq!(code.as_str().parse::<Code>().unwrap(), *code);
            for other in &Code::ALL[at + 1..] {
                assert_ne!(code.as_str(), other.as_str());
                assert_ne!(
                    code.exit_code(),
                    other.exit_code(),
                    "{code} and {other} share an exit code"
                );
            }
        }
    }
}
