//! What may be reached: schemes, ports, hosts. Pure; looks nothing up.
//!
//! Nothing is allowed that the operator did not name. A private or loopback address is
//! reached only through a rule that names that very host as private; a rule for a
//! public name never leads inside, whatever its DNS answers.

use super::address::{can_be_allowed, classify};
use super::denied::{Denied, Reason};
use crate::error::{Code, Error, Result};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use url::{Host, Url};

/// The port that is allowed without being named.
const HTTPS_PORT: u16 = 443;
/// The port that is allowed with plain HTTP.
const HTTP_PORT: u16 = 80;

/// What the operator allows a connection to reach. The default allows nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct EgressPolicy {
    rules: Vec<HostRule>,
    ports: Vec<u16>,
    any_host: bool,
    any_port: bool,
    plain_http: bool,
    no_redirects: bool,
}

/// One entry of the operator's list: `api.example.com`, `*.example.net`,
/// `api.example.com:8443`, `http://old.example.com`, `127.0.0.1:8080` or
/// `private:wiki.corp:8443`.
///
/// A port allows that port only; none allows the policy's ports. `http://` allows plain
/// HTTP. `private:` allows private and loopback addresses, both schemes and, where no
/// port is named, every port; an address of that kind, or `localhost`, implies it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HostRule {
    /// Canonical host, as `Url::host_str` gives it; for a wildcard what follows `*.`.
    host: String,
    /// Whether it stands for the names below `host` (and not for `host`).
    below: bool,
    port: Option<u16>,
    plain_http: bool,
    private: bool,
}

/// How far the addresses of an admitted host are trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Public addresses only.
    Public,
    /// Private and loopback ones as well: the operator named this host.
    Private,
}

impl EgressPolicy {
    /// Adds a rule.
    pub fn allow(mut self, rule: HostRule) -> Self {
        self.rules.push(rule);
        self
    }

    /// Allows every public host.
    pub fn allow_any_host(mut self) -> Self {
        self.any_host = true;
        self
    }

    /// Allows `port` on every allowed host, beside 443.
    pub fn allow_port(mut self, port: u16) -> Self {
        self.ports.push(port);
        self
    }

    /// Allows every port but 0.
    pub fn allow_any_port(mut self) -> Self {
        self.any_port = true;
        self
    }

    /// Allows plain HTTP, and port 80, on every allowed host. Credentials then travel
    /// in the clear.
    pub fn allow_plain_http(mut self) -> Self {
        self.plain_http = true;
        self
    }

    /// Hands a redirect over as the response that it is, instead of following it.
    pub fn without_redirects(mut self) -> Self {
        self.no_redirects = true;
        self
    }

    /// Whether redirects are followed.
    pub fn follows_redirects(&self) -> bool {
        !self.no_redirects
    }

    /// Checks a canonical URL: scheme, port and host, and the address where the host is
    /// one. What a name resolves to is checked when it is dialled.
    pub fn admit(&self, url: &Url) -> Result<Reach, Denied> {
        let host = url.host_str().unwrap_or_default();
        let port = url.port_or_known_default().unwrap_or_default();
        let rules = || self.rules.iter().filter(|rule| rule.names(host));
        let fits = |rule: &HostRule| rule.port.is_none_or(|only| only == port);
        if port != 0 && rules().any(|rule| rule.private && fits(rule)) {
            return check_private(url).map(|()| Reach::Private);
        }
        check_public(url)?;
        if url.scheme() == "http" && !self.plain_http && !rules().any(|rule| rule.plain_http) {
            let denied = Denied::new(Reason::Scheme, format!("`http:` to {host}"));
            return Err(denied.unless(format!("http://{}", authority(url))));
        }
        let named = rules().any(|rule| rule.port == Some(port));
        if port == 0 {
            return Err(Denied::new(Reason::Port, format!("{host}:0")));
        }
        if !named && !self.has_port(url, port) {
            return Err(Denied::new(Reason::Port, authority(url)).unless(authority(url)));
        }
        if !self.any_host && !rules().any(fits) {
            return Err(Denied::new(Reason::HostNotAllowed, host).unless(authority(url)));
        }
        Ok(Reach::Public)
    }

    fn has_port(&self, url: &Url, port: u16) -> bool {
        self.any_port
            || port == HTTPS_PORT
            || (port == HTTP_PORT && url.scheme() == "http")
            || self.ports.contains(&port)
    }
}

/// Refuses a literal that no rule can open.
fn check_private(url: &Url) -> Result<(), Denied> {
    match literal(url).map(|address| (address, classify(address))) {
        Some((address, Err(reason))) if !can_be_allowed(reason) => {
            Err(Denied::new(reason, address.to_string()))
        }
        _ => Ok(()),
    }
}

/// Refuses `localhost` and every literal that is not public.
fn check_public(url: &Url) -> Result<(), Denied> {
    let host = url.host_str().unwrap_or_default();
    if is_localhost(host) {
        return Err(Denied::new(Reason::HostLocalhost, host).unless(authority(url)));
    }
    let Some(address) = literal(url) else {
        return Ok(());
    };
    classify(address).map_err(|reason| {
        let denied = Denied::new(reason, address.to_string());
        match can_be_allowed(reason) {
            true => denied.unless(authority(url)),
            false => denied,
        }
    })
}

/// The address, where the host of `url` is one.
pub fn literal(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Ipv4(address) => Some(address.into()),
        Host::Ipv6(address) => Some(address.into()),
        Host::Domain(_) => None,
    }
}

fn is_localhost(host: &str) -> bool {
    host == "localhost" || host.ends_with(".localhost")
}

/// `host` or `host:port`, as a rule would name it.
pub fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

impl HostRule {
    fn names(&self, host: &str) -> bool {
        match host.strip_suffix(&self.host) {
            Some("") => !self.below,
            Some(front) => self.below && front.ends_with('.'),
            None => false,
        }
    }
}

impl HostRule {
    /// The rule that lets requests reach a base URL, with its scheme and port. An address
    /// that is private or loopback counts as named; a name that resolves to one does not.
    pub fn of_base(base: &url::Url) -> Result<Self> {
        let scheme = match base.scheme() {
            "http" => "http://",
            _ => "",
        };
        let port = base
            .port_or_known_default()
            .map(|port| format!(":{port}"))
            .unwrap_or_default();
        format!("{scheme}{}{port}", base.host_str().unwrap_or_default()).parse()
    }
}

impl FromStr for HostRule {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = |why: &str| {
            Error::new(
                Code::ConfigInvalid,
                format!(
                    "`{}` is not a host to allow: {why}; write HOST, HOST:PORT, *.HOST, http://HOST or private:HOST",
                    text.escape_debug()
                ),
            )
        };
        let (private, rest) = split_word(text, "private:");
        let (plain_http, rest) = split_word(rest, "http://");
        let (_, rest) = split_word(rest, "https://");
        let (below, rest) = split_word(rest, "*.");
        if rest.contains(['/', '@', '?', '#', '\\', '*']) || rest.contains(char::is_whitespace) {
            return Err(wrong("it holds more than a host and a port"));
        }
        let url = super::target::resolve(None, &format!("https://{rest}/"))
            .map_err(|_| wrong("it does not parse"))?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let address = literal(&url);
        if below && (private || address.is_some() || !host.contains('.')) {
            return Err(wrong("`*.` needs a public domain after it"));
        }
        let inside = is_localhost(&host)
            || address
                .and_then(|address| classify(address).err())
                .is_some_and(can_be_allowed);
        Ok(HostRule {
            // `Url` drops the scheme's own port, which a rule may well name.
            port: url
                .port()
                .or_else(|| rest.ends_with(":443").then_some(HTTPS_PORT)),
            private: private || (inside && !below),
            host,
            below,
            plain_http,
        })
    }
}

fn split_word<'a>(text: &'a str, word: &str) -> (bool, &'a str) {
    match text.strip_prefix(word) {
        Some(rest) => (true, rest),
        None => (false, text),
    }
}

impl fmt::Display for HostRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let private = if self.private { "private:" } else { "" };
        let scheme = if self.plain_http { "http://" } else { "" };
        let below = if self.below { "*." } else { "" };
        write!(f, "{private}{scheme}{below}{}", self.host)?;
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admit(rules: &[&str], url: &str) -> Result<Reach, Reason> {
        let policy = rules
            .iter()
            .map(|rule| rule.parse().unwrap())
            .fold(EgressPolicy::default(), EgressPolicy::allow);
        let url = super::super::target::resolve(None, url).unwrap();
        policy.admit(&url).map_err(|denied| denied.reason)
    }

    #[test]
    fn rules() {
        use Reach::{Private, Public};
        for (rule, url, expected) in [
            ("a.test", "https://a.test/", Ok(Public)),
            ("a.test", "https://a.test:8443/", Err(Reason::Port)),
            ("a.test", "http://a.test/", Err(Reason::Scheme)),
            ("a.test:8443", "https://a.test:8443/", Ok(Public)),
            (
                "a.test:8443",
                "https://a.test/",
                Err(Reason::HostNotAllowed),
            ),
            ("a.test:443", "https://a.test/", Ok(Public)),
            ("http://a.test", "http://a.test/", Ok(Public)),
            ("http://a.test", "https://a.test/", Ok(Public)),
            ("http://a.test:81", "http://a.test:81/", Ok(Public)),
            ("*.a.test", "https://b.a.test/", Ok(Public)),
            ("*.a.test", "https://c.b.a.test/", Ok(Public)),
            ("*.a.test", "https://a.test/", Err(Reason::HostNotAllowed)),
            ("*.a.test", "https://ba.test/", Err(Reason::HostNotAllowed)),
            ("A.Test.", "https://a.test/", Ok(Public)),
            ("127.0.0.1:8080", "http://127.0.0.1:8080/", Ok(Private)),
            (
                "127.0.0.1:8080",
                "http://127.0.0.1:8081/",
                Err(Reason::IpLoopback),
            ),
            (
                "127.0.0.1:8080",
                "http://127.0.0.2:8080/",
                Err(Reason::IpLoopback),
            ),
            ("127.0.0.1", "http://127.0.0.1:9/", Ok(Private)),
            ("127.0.0.1", "http://127.0.0.1:0/", Err(Reason::IpLoopback)),
            ("[::1]:8080", "http://[::1]:8080/", Ok(Private)),
            ("localhost:8080", "http://localhost:8080/", Ok(Private)),
            (
                "localhost:8080",
                "http://127.0.0.1:8080/",
                Err(Reason::IpLoopback),
            ),
            (
                "private:wiki.corp:8443",
                "https://wiki.corp:8443/",
                Ok(Private),
            ),
            ("wiki.corp:8443", "https://wiki.corp:8443/", Ok(Public)),
            (
                "169.254.169.254",
                "http://169.254.169.254/",
                Err(Reason::IpMetadata),
            ),
            (
                "private:169.254.169.254",
                "http://169.254.169.254/",
                Err(Reason::IpMetadata),
            ),
            ("8.8.8.8", "https://8.8.8.8/", Ok(Public)),
        ] {
            assert_eq!(admit(&[rule], url), expected, "{rule} for {url}");
        }
        assert_eq!(admit(&[], "https://a.test/"), Err(Reason::HostNotAllowed));
    }

    #[test]
    fn a_rule_reads_back_and_nonsense_does_not() {
        for text in [
            "a.test",
            "*.a.test",
            "a.test:8443",
            "http://a.test",
            "private:wiki.corp:8443",
        ] {
            assert_eq!(text.parse::<HostRule>().unwrap().to_string(), text);
        }
        assert_eq!(
            "127.0.0.1:8080".parse::<HostRule>().unwrap().to_string(),
            "private:127.0.0.1:8080"
        );
        for text in [
            "",
            "*",
            "*.com",
            "*.127.0.0.1",
            "a.*",
            "a.test/path",
            "u@a.test",
            "a b",
            "private:*.corp.test",
            "ftp://a.test",
            "a.test:x",
        ] {
            assert!(text.parse::<HostRule>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_way_out_is_a_rule_that_works() {
        for url in [
            "http://127.0.0.1:8080/",
            "https://a.test/",
            "http://a.test/",
            "https://a.test:8443/",
            "http://localhost:1/",
            "https://10.0.0.1/",
            "http://[::1]:9/",
        ] {
            let parsed = super::super::target::resolve(None, url).unwrap();
            let denied = EgressPolicy::default().admit(&parsed).unwrap_err();
            let rule = denied.allow.unwrap();
            assert!(admit(&[&rule], url).is_ok(), "{rule} for {url}");
        }
    }
}
