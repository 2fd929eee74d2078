//! The gate before every connect: one lookup, the whole answer checked, and only
//! checked addresses handed on to be dialled.
//!
//! IMPORTANT: nothing else in this crate opens a connection to the outside. [`Gate`] is
//! asked for each new connection, also when a pooled one was closed in between, so that
//! a name which changes its mind (DNS rebinding) is checked as often as it is dialled.

use super::address::{can_be_allowed, classify};
use super::denied::{Denied, Reason};
use super::policy::{EgressPolicy, Reach, authority, literal};
use crate::error::{Code, Error, Result};
use async_trait::async_trait;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, RwLock};
use url::Url;

/// Turns a name into addresses.
#[async_trait]
pub trait Resolver: Send + Sync + 'static {
    /// All addresses of `host`, which is a canonical name and never an address.
    async fn lookup(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// The resolver of the operating system.
#[derive(Debug, Default)]
pub struct SystemResolver;

#[async_trait]
impl Resolver for SystemResolver {
    async fn lookup(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        // The port plays no part in the lookup; 0 stands for "none".
        let found = tokio::net::lookup_host((host, 0)).await?;
        Ok(found.map(|address| address.ip()).collect())
    }
}

/// The addresses of this host itself: a guest must not reach the host's own API or a
/// neighbour service through the machine's public address.
#[derive(Debug)]
pub struct OwnAddresses {
    listeners: RwLock<Vec<SocketAddr>>,
    /// `None` asks the operating system each time.
    interfaces: Option<Vec<IpAddr>>,
}

impl OwnAddresses {
    /// The interfaces as the operating system lists them at each check.
    pub fn of_system() -> Self {
        OwnAddresses {
            listeners: RwLock::default(),
            interfaces: None,
        }
    }

    /// A fixed list of interface addresses.
    pub fn fixed(interfaces: Vec<IpAddr>) -> Self {
        OwnAddresses {
            listeners: RwLock::default(),
            interfaces: Some(interfaces),
        }
    }

    /// Names a socket that this host listens on. No rule opens it for guests.
    pub fn add_listener(&self, address: SocketAddr) {
        let mut listeners = self.listeners.write().unwrap_or_else(|e| e.into_inner());
        listeners.push(address);
    }

    fn is_listener(&self, address: SocketAddr) -> bool {
        let listeners = self.listeners.read().unwrap_or_else(|e| e.into_inner());
        listeners.iter().any(|own| {
            own.port() == address.port()
                && (own.ip() == address.ip()
                    || (own.ip().is_unspecified()
                        && (address.ip().is_loopback() || self.is_interface(address.ip()))))
        })
    }

    fn is_interface(&self, address: IpAddr) -> bool {
        match &self.interfaces {
            Some(fixed) => fixed.contains(&address),
            // A system that cannot list its interfaces gives no reason to refuse.
            None => if_addrs::get_if_addrs()
                .unwrap_or_default()
                .iter()
                .any(|interface| interface.ip() == address),
        }
    }
}

/// What stands before every connection of one connection's client.
pub struct Gate {
    /// What the operator allows.
    pub policy: Arc<EgressPolicy>,
    /// Who answers for names.
    pub resolver: Arc<dyn Resolver>,
    /// What is never reached.
    pub own: Arc<OwnAddresses>,
}

impl Gate {
    /// The addresses that may be dialled for `url`, every one of them checked. Errors:
    /// `egress.denied`, or `provider.dns` when there is no answer.
    pub async fn addresses(&self, url: &Url) -> Result<Vec<SocketAddr>> {
        let reach = self.policy.admit(url)?;
        let port = url.port_or_known_default().unwrap_or_default();
        let found = match literal(url) {
            Some(address) => vec![address],
            None => self.lookup(url.host_str().unwrap_or_default()).await?,
        };
        let found: Vec<_> = found
            .into_iter()
            .map(|address| SocketAddr::new(address, port))
            .collect();
        // One bad answer refuses them all: which of them is dialled is not for the
        // owner of the name to choose.
        for address in &found {
            self.check(*address, reach)
                .map_err(|reason| refusal(url, address.ip(), reason))?;
        }
        Ok(found)
    }

    async fn lookup(&self, host: &str) -> Result<Vec<IpAddr>> {
        let failed =
            |why: String| Error::new(Code::ProviderDns, format!("no address for {host}: {why}"));
        let found = self
            .resolver
            .lookup(host)
            .await
            .map_err(|error| failed(error.to_string()))?;
        match found.is_empty() {
            true => Err(failed("the answer is empty".into())),
            false => Ok(found),
        }
    }

    fn check(&self, address: SocketAddr, reach: Reach) -> Result<(), Reason> {
        // The kernel dials ::ffff:a.b.c.d as a.b.c.d; so it is compared as that.
        let plain = SocketAddr::new(address.ip().to_canonical(), address.port());
        if self.own.is_listener(plain) {
            return Err(Reason::IpSelf);
        }
        match classify(address.ip()) {
            Err(reason) if reach == Reach::Private && can_be_allowed(reason) => Ok(()),
            Err(reason) => Err(reason),
            Ok(()) if self.own.is_interface(plain.ip()) && reach == Reach::Public => {
                Err(Reason::IpSelf)
            }
            Ok(()) => Ok(()),
        }
    }
}

/// The refusal of `url` because its host is, or resolves to, `address`.
fn refusal(url: &Url, address: IpAddr, reason: Reason) -> Denied {
    let host = url.host_str().unwrap_or_default();
    if literal(url).is_some() {
        return Denied::new(reason, address.to_string());
    }
    let what = format!("{host} ({address})");
    let own_word = matches!(reason, Reason::IpMetadata | Reason::IpSelf);
    let denied = match own_word || is_inner_name(host) {
        true => Denied::new(reason, what),
        false => Denied::new(Reason::DnsBlockedIp, what),
    };
    match can_be_allowed(reason) {
        true => denied.unless(format!("private:{}", authority(url))),
        false => denied,
    }
}

/// Whether a name only has a meaning on this machine or network, so that an inner
/// address is what it is for and not what somebody made it resolve to.
fn is_inner_name(host: &str) -> bool {
    const INNER_DOMAINS: &[&str] = &["internal", "localdomain", "local", "lan", "home.arpa"];
    !host.contains('.')
        || INNER_DOMAINS.iter().any(|domain| {
            host.strip_suffix(domain)
                .is_some_and(|front| front.ends_with('.'))
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::egress::target;
    use std::sync::Mutex;

    struct Fixed(Vec<IpAddr>, Mutex<u32>);

    #[async_trait]
    impl Resolver for Fixed {
        async fn lookup(&self, _: &str) -> io::Result<Vec<IpAddr>> {
            *self.1.lock().unwrap() += 1;
            Ok(self.0.clone())
        }
    }

    async fn ask(
        rule: &str,
        url: &str,
        answer: &[&str],
        own: &OwnAddresses,
    ) -> (Result<Vec<SocketAddr>>, u32) {
        let answer = answer.iter().map(|ip| ip.parse().unwrap()).collect();
        let resolver = Arc::new(Fixed(answer, Mutex::new(0)));
        let gate = Gate {
            policy: Arc::new(EgressPolicy::default().allow(rule.parse().unwrap())),
            resolver: resolver.clone(),
            own: Arc::new(OwnAddresses {
                listeners: RwLock::new(own.listeners.read().unwrap().clone()),
                interfaces: own.interfaces.clone(),
            }),
        };
        let found = gate.addresses(&target::resolve(None, url).unwrap()).await;
        let lookups = *resolver.1.lock().unwrap();
        (found, lookups)
    }

    #[tokio::test]
    async fn one_lookup_and_the_whole_answer_is_checked() {
        let own = OwnAddresses::fixed(vec!["93.184.216.99".parse().unwrap()]);
        own.add_listener("0.0.0.0:3003".parse().unwrap());
        for (rule, url, answer, expected) in [
            (
                "a.test",
                "https://a.test/",
                &["93.184.216.34", "8.8.8.8"][..],
                Ok(2),
            ),
            (
                "a.test",
                "https://a.test/",
                &["93.184.216.34", "10.0.0.1"],
                Err("dns_blocked_ip"),
            ),
            (
                "a.test",
                "https://a.test/",
                &["93.184.216.99"],
                Err("ip_self"),
            ),
            ("private:a.test", "https://a.test/", &["10.0.0.1"], Ok(1)),
            (
                "private:a.test",
                "https://a.test/",
                &["169.254.169.254"],
                Err("ip_metadata"),
            ),
            (
                "private:a.test",
                "https://a.test/",
                &["93.184.216.99"],
                Ok(1),
            ),
            ("127.0.0.1", "http://127.0.0.1:3003/", &[], Err("ip_self")),
            (
                "private:a.test",
                "http://a.test:3003/",
                &["93.184.216.99"],
                Err("ip_self"),
            ),
            (
                "private:a.test",
                "http://a.test:3003/",
                &["::ffff:127.0.0.1"],
                Err("ip_self"),
            ),
            ("127.0.0.1", "http://127.0.0.1:3004/", &[], Ok(1)),
            (
                "a.test",
                "https://a.test/",
                &[],
                Err("no address for a.test"),
            ),
            (
                "*.a.internal",
                "https://b.a.internal/",
                &["10.0.0.1"],
                Err("ip_private"),
            ),
        ] {
            let (found, lookups) = ask(rule, url, answer, &own).await;
            assert!(lookups <= 1, "{url} was looked up {lookups} times");
            match (found, expected) {
                (Ok(found), Ok(count)) => assert_eq!(found.len(), count, "{url}"),
                (Err(error), Err(word)) => assert!(error.message.contains(word), "{url}: {error}"),
                (found, expected) => panic!("{rule} {url} {answer:?}: {found:?}, not {expected:?}"),
            }
        }
    }
}
