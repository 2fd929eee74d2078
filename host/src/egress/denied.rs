//! Why the gate refused a request: one reason code each, the same codes as the vectors
//! in `tests/egress/ssrf-vectors.json`.

use crate::error::{Code, Error};
use std::fmt;

macro_rules! reasons {
    ($($name:ident $text:literal $words:literal;)*) => {
        /// Why a request, or an address that its host resolved to, was refused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Reason {
            $(#[doc = concat!("`", $text, "`: ", $words)] $name,)*
        }

        impl Reason {
            /// Every reason.
            pub const ALL: &[Reason] = &[$(Reason::$name,)*];

            /// The stable code.
            pub const fn as_str(self) -> &'static str {
                match self { $(Reason::$name => $text,)* }
            }

            /// What is wrong, as the end of a sentence that starts with the value.
            const fn words(self) -> &'static str {
                match self { $(Reason::$name => $words,)* }
            }
        }
    };
}

reasons! {
    InvalidUrl       "invalid_url"        "is not a URL that this host sends";
    UrlTooLong       "url_too_long"       "is too long for a URL";
    Scheme           "scheme"             "has a scheme that is not allowed";
    Userinfo         "userinfo"           "names a user in the URL; the host adds credentials itself";
    Port             "port"               "has a port that is not allowed";
    HostNotAllowed   "host_not_allowed"   "is not among the allowed hosts";
    HostLocalhost    "host_localhost"     "is this machine";
    DnsBlockedIp     "dns_blocked_ip"     "resolves to an address that is not allowed";
    TooManyRedirects "too_many_redirects" "redirects too often";
    IpBenchmark      "ip_benchmark"       "is a benchmarking address";
    IpBroadcast      "ip_broadcast"       "is the broadcast address";
    IpCgnat          "ip_cgnat"           "is a carrier's inner address";
    IpDocumentation  "ip_documentation"   "is a documentation address";
    IpEmbeddedV4     "ip_embedded_v4"     "carries an IPv4 address inside an IPv6 one";
    IpLinkLocal      "ip_linklocal"       "is a link-local address";
    IpLoopback       "ip_loopback"        "is a loopback address";
    IpMetadata       "ip_metadata"        "is a metadata address";
    IpMulticast      "ip_multicast"       "is a multicast address";
    IpPrivate        "ip_private"         "is a private address";
    IpReserved       "ip_reserved"        "is a reserved address";
    IpSelf           "ip_self"            "is an address of this host itself";
    IpThisNetwork    "ip_this_network"    "is an address of 0.0.0.0/8";
    IpUnspecified    "ip_unspecified"     "is the unspecified address";
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A refusal. As an [`Error`] it is `egress.denied`, its message starts with the reason
/// code and ends with the flag that would allow it, where one can.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    /// The code of the reason.
    pub reason: Reason,
    /// What was refused: a host, an address, a part of a URL. Never a path or query,
    /// which may hold a secret.
    pub what: String,
    /// The value for `--allow-host` that would allow it.
    pub allow: Option<String>,
}

impl Denied {
    /// A refusal of `what`, which no flag can lift.
    pub fn new(reason: Reason, what: impl Into<String>) -> Self {
        Denied {
            reason,
            what: what.into(),
            allow: None,
        }
    }

    /// The same refusal, with the rule that would lift it.
    pub fn unless(mut self, rule: impl Into<String>) -> Self {
        self.allow = Some(rule.into());
        self
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Denied { reason, what, .. } = self;
        write!(f, "{reason}: {what} {}", reason.words())?;
        match &self.allow {
            Some(rule) => write!(f, "; allow it with --allow-host {rule}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Denied {}

impl From<Denied> for Error {
    fn from(denied: Denied) -> Error {
        Error::new(Code::EgressDenied, denied.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_names_the_reason_and_the_way_out() {
        let denied = Denied::new(Reason::IpLoopback, "127.0.0.1").unless("127.0.0.1:8080");
        let error = Error::from(denied);
        assert_eq!(error.code, Code::EgressDenied);
        assert_eq!(
            error.message,
            "ip_loopback: 127.0.0.1 is a loopback address; allow it with --allow-host 127.0.0.1:8080"
        );
    }
}
