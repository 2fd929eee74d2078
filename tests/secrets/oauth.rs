//! OAuth 2 by the host: one question for all who need a token, a refresh token that
//! outlives restarts and cancelled runs, and refusals that say what to do.

use crate::world::{Server, Step, World, reply, times};
use anyhow::{Context, Result};
use serde_json::json;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tidegate::catalog::{Catalog, NewConnection, NewIntegration};
use tidegate::clock::{Clock, ManualClock};
use tidegate::egress::Egress;
use tidegate::error::Code;
use tidegate::model::{
    AuthScheme, ConnectionKey, Environment, Integration, Resources, WebhookSettings,
};
use tidegate::store::ServiceStore;
use tidegate::store::memory::MemoryStore;
use tidegate::vault::{MasterKeys, Vault};

const KEY: &str = "one:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const SECRET: &str = "kanarie-client-1f9b";
/// Runs that start at once.
const RUNS: usize = 50;
/// How long a token is good, in seconds.
const LIFETIME: u64 = 600;
/// How long a slow provider takes: enough for all runs to ask meanwhile.
const SLOW: Duration = Duration::from_millis(300);

/// A provider that spends each refresh token at its first use.
struct Strict {
    server: Server,
    /// The one refresh token that it takes.
    good: Arc<Mutex<String>>,
}

impl Strict {
    async fn start() -> Self {
        let good = Arc::new(Mutex::new("refresh-0".to_owned()));
        Strict::on(SocketAddr::from(([127, 0, 0, 1], 0)), good).await
    }

    /// One that knows what another knew, in its place.
    async fn on(address: SocketAddr, good: Arc<Mutex<String>>) -> Self {
        let held = good.clone();
        let server = Server::on(address, None, move |request| {
            let form: BTreeMap<String, String> = url::form_urlencoded::parse(&request.body)
                .into_owned()
                .collect();
            let number = request.before + 1;
            let mut answer = json!({
                "access_token": format!("access-{number}"),
                "token_type": "Bearer",
                "expires_in": LIFETIME,
            });
            let mut good = held.lock().unwrap();
            let is_known = form.get("client_secret").is_some_and(|own| own == SECRET);
            let mut status = if is_known { 200 } else { 401 };
            if form["grant_type"] == "refresh_token" {
                if form["refresh_token"] != *good {
                    status = 400;
                }
                *good = format!("refresh-{number}");
                answer["refresh_token"] = json!(*good);
            }
            if status != 200 {
                let error = if status == 401 {
                    "invalid_client"
                } else {
                    "invalid_grant"
                };
                answer = json!({ "error": error, "error_description": SECRET });
            }
            let body = answer.to_string();
            let mut steps = vec![Step::Wait(SLOW)];
            steps.extend(reply(
                status,
                &[
                    ("content-type", "application/json"),
                    ("connection", "close"),
                ],
                body.as_bytes(),
            ));
            steps.push(Step::Close);
            steps
        })
        .await;
        Strict { server, good }
    }

    fn client_credentials(&self) -> AuthScheme {
        AuthScheme::Oauth2ClientCredentials {
            token_url: self.server.url("/token"),
            scope: "read write".into(),
        }
    }

    fn refresh(&self) -> AuthScheme {
        AuthScheme::Oauth2Refresh {
            token_url: self.server.url("/token"),
        }
    }
}

/// A host's parts that outlive its catalog.
struct Parts {
    store: Arc<MemoryStore>,
    clock: Arc<ManualClock>,
    egress: Arc<dyn Egress>,
    key: ConnectionKey,
}

impl Parts {
    async fn new(auth: AuthScheme, hosts: Vec<String>) -> Result<(Self, Arc<Catalog>)> {
        let clock = Arc::new(ManualClock::new("2026-01-31T12:00:00Z".parse()?));
        let parts = Parts {
            store: Arc::new(MemoryStore::new(clock.clone())),
            clock,
            egress: World::local(times()).egress,
            key: ConnectionKey::new("north", "crm", "acme")?,
        };
        let catalog = parts.open().await?;
        let resources = Resources {
            memory_mib: 64,
            runs: 1,
            storage_mib: None,
            egress_kib_per_second: None,
        };
        catalog
            .add_environment(
                Environment::new("north")?,
                resources,
                WebhookSettings::default(),
            )
            .await?;
        parts.integrate(&catalog, auth, hosts).await?;
        parts.connect(&catalog, "refresh-0").await?;
        Ok((parts, catalog))
    }

    async fn of(provider: &Strict, auth: AuthScheme) -> Result<(Self, Arc<Catalog>)> {
        Parts::new(auth, vec![provider.server.address.to_string()]).await
    }

    /// The catalog as a host finds it at its start.
    async fn open(&self) -> Result<Arc<Catalog>> {
        let vault = Vault::new(MasterKeys::from_text(KEY, "a test")?);
        let store: Arc<dyn ServiceStore> = self.store.clone();
        let clock: Arc<dyn Clock> = self.clock.clone();
        Ok(Arc::new(Catalog::open(store, vault, clock).await?))
    }

    async fn integrate(
        &self,
        catalog: &Catalog,
        auth: AuthScheme,
        hosts: Vec<String>,
    ) -> tidegate::error::Result<()> {
        let new = NewIntegration {
            base_url: Some("https://api.crm.test".into()),
            auth,
            hosts,
            ..NewIntegration::default()
        };
        let name = Integration::new("crm")?;
        catalog
            .put_integration(&self.key.environment, &name, new)
            .await
            .map(drop)
    }

    async fn connect(&self, catalog: &Catalog, refresh_token: &str) -> Result<()> {
        let fields = [
            ("client_id", "id"),
            ("client_secret", SECRET),
            ("refresh_token", refresh_token),
        ];
        let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let new = NewConnection {
            credentials: Some(fields.into()),
            ..NewConnection::default()
        };
        catalog.put_connection(&self.key, new).await?;
        Ok(())
    }

    /// The token that a run would carry.
    async fn token(&self, catalog: &Arc<Catalog>) -> tidegate::error::Result<String> {
        let scope = catalog.scope(&self.key, &self.egress).await?;
        let (name, value) = scope.credentials.headers[0].clone();
        assert_eq!((name.as_str(), &value[..7]), ("authorization", "Bearer "));
        Ok(value[7..].to_owned())
    }

    /// What fifty runs that start at once are told, all the same.
    async fn fifty(&self, catalog: &Arc<Catalog>) -> Result<tidegate::error::Result<String>> {
        let asked = (0..RUNS).map(|_| self.token(catalog));
        let mut answers = futures_util::future::join_all(asked).await;
        let first = answers.pop().context("nobody asked")?;
        assert!(answers.iter().all(|answer| *answer == first), "{answers:?}");
        Ok(first)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_runs_ask_once_and_once_more_a_minute_before_the_end() -> Result<()> {
    let provider = Strict::start().await;
    for (auth, expected) in [
        (
            provider.client_credentials(),
            "grant_type=client_credentials&scope=read+write&client_id=id&client_secret=kanarie-client-1f9b",
        ),
        (
            provider.refresh(),
            "grant_type=refresh_token&client_id=id&client_secret=kanarie-client-1f9b&refresh_token=refresh-0",
        ),
    ] {
        let before = provider.server.count();
        let (parts, catalog) = Parts::of(&provider, auth).await?;
        let access = |number: usize| Ok(format!("access-{}", before + number));
        assert_eq!(parts.fifty(&catalog).await?, access(1));
        let asked = provider.server.nth(before);
        assert_eq!(String::from_utf8_lossy(&asked.body), expected);
        assert_eq!((asked.method(), asked.path()), ("POST", "/token"));
        parts.clock.advance(Duration::from_secs(LIFETIME - 61));
        assert_eq!(parts.fifty(&catalog).await?, access(1));
        parts.clock.advance(Duration::from_secs(1));
        assert_eq!(parts.fifty(&catalog).await?, access(2));
        assert_eq!(provider.server.count(), before + 2);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresh_token_outlives_restarts_and_runs_that_are_cancelled() -> Result<()> {
    let provider = Strict::start().await;
    let (parts, catalog) = Parts::of(&provider, provider.refresh()).await?;
    assert_eq!(parts.token(&catalog).await?, "access-1");
    for number in 2..5 {
        let restarted = parts.open().await?;
        assert_eq!(parts.token(&restarted).await?, format!("access-{number}"));
    }
    // The run that asked goes away while the provider answers; nobody else waits.
    let restarted = parts.open().await?;
    {
        let (own, key, egress) = (restarted.clone(), parts.key.clone(), parts.egress.clone());
        let run = tokio::spawn(async move { own.scope(&key, &egress).await.map(drop) });
        while provider.server.count() < 5 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        run.abort();
    }
    restarted.settle().await;
    assert_eq!(parts.token(&restarted).await?, "access-5");
    let restarted = parts.open().await?;
    assert_eq!(parts.token(&restarted).await?, "access-6");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_is_shared_and_names_the_connection_and_what_to_do() -> Result<()> {
    let provider = Strict::start().await;
    let (parts, catalog) = Parts::of(&provider, provider.refresh()).await?;
    *provider.good.lock().unwrap() = "another".into();
    let error = parts.fifty(&catalog).await?.unwrap_err();
    assert_eq!(provider.server.count(), 1);
    assert_eq!(error.code, Code::ConfigInvalid);
    for part in [
        "north/crm/acme",
        "`invalid_grant`",
        "set the connection's credentials anew",
    ] {
        assert!(error.message.contains(part), "{error}");
    }
    assert!(!error.message.contains(SECRET), "{error}");
    // What the operator sets then is asked with at once.
    let good = provider.good.lock().unwrap().clone();
    parts.connect(&catalog, &good).await?;
    assert_eq!(parts.token(&catalog).await?, "access-2");
    Ok(())
}

/// Credentials that are changed while a token is asked for with those of before count,
/// and no refresh token is spent twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_set_during_a_question_counts() -> Result<()> {
    let provider = Strict::start().await;
    let (parts, catalog) = Parts::of(&provider, provider.refresh()).await?;
    let (own, key, egress) = (catalog.clone(), parts.key.clone(), parts.egress.clone());
    let run = tokio::spawn(async move { own.scope(&key, &egress).await.map(drop) });
    while provider.server.count() < 1 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // The integration is set anew too: its next question waits for the one under way.
    let hosts = vec![provider.server.address.to_string()];
    parts.integrate(&catalog, provider.refresh(), hosts).await?;
    assert_eq!(parts.token(&catalog).await?, "access-2");
    run.await??;
    parts.connect(&catalog, "set by the operator").await?;
    let error = parts.token(&catalog).await.unwrap_err();
    assert!(error.message.contains("`invalid_grant`"), "{error}");
    let asked = String::from_utf8(provider.server.nth(2).body)?;
    assert!(
        asked.ends_with("refresh_token=set+by+the+operator"),
        "{asked}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_is_gone_is_asked_again_once_it_is_back() -> Result<()> {
    let provider = Strict::start().await;
    let (parts, catalog) = Parts::of(&provider, provider.refresh()).await?;
    assert_eq!(parts.token(&catalog).await?, "access-1");
    let (address, good) = (provider.server.address, provider.good.clone());
    drop(provider);
    parts.clock.advance(Duration::from_secs(LIFETIME));
    for _ in 0..2 {
        let error = parts.fifty(&catalog).await?.unwrap_err();
        assert_eq!(error.code, Code::ProviderConnect, "{error}");
        assert!(error.message.contains("north/crm/acme"), "{error}");
        assert!(!error.message.contains(SECRET), "{error}");
    }
    let provider = Strict::on(address, good).await;
    parts.fifty(&catalog).await??;
    let asked = String::from_utf8(provider.server.nth(0).body)?;
    assert!(asked.ends_with("refresh_token=refresh-1"), "{asked}");
    assert_eq!(provider.server.count(), 1);
    Ok(())
}

#[tokio::test]
async fn where_tokens_may_be_asked_for() -> Result<()> {
    let (parts, catalog) = Parts::new(AuthScheme::None, Vec::new()).await?;
    for (token_url, host, says) in [
        ("https://login.crm.test/token", None, None),
        ("https://login.crm.test:8443/token", None, None),
        ("https://93.184.216.34/token", None, None),
        ("http://login.crm.test/token", None, Some("scheme")),
        ("https://127.0.0.1/token", None, Some("ip_loopback")),
        ("https://10.0.0.1/token", None, Some("ip_private")),
        ("https://169.254.169.254/token", None, Some("ip_")),
        (
            "https://169.254.169.254/token",
            Some("169.254.169.254"),
            Some("ip_"),
        ),
        ("https://localhost/token", None, Some("localhost")),
        ("https://user@login.crm.test/token", None, Some("userinfo")),
        ("/token", None, Some("invalid_url")),
        ("http://127.0.0.1:4000/token", Some("127.0.0.1:4000"), None),
        (
            "http://127.0.0.1:4001/token",
            Some("127.0.0.1:4000"),
            Some("ip_loopback"),
        ),
        ("http://login.corp/token", Some("private:login.corp"), None),
    ] {
        for auth in [
            AuthScheme::Oauth2Refresh {
                token_url: token_url.into(),
            },
            AuthScheme::Oauth2ClientCredentials {
                token_url: token_url.into(),
                scope: String::new(),
            },
        ] {
            let hosts = host.into_iter().map(str::to_owned).collect();
            let answer = parts.integrate(&catalog, auth, hosts).await;
            match (says, answer) {
                (None, Ok(())) => {}
                (Some(says), Err(error)) => {
                    assert_eq!(error.code, Code::EgressDenied, "{token_url}");
                    assert!(error.message.contains(says), "{token_url}: {error}");
                    assert!(error.message.contains("`token_url`"), "{error}");
                }
                (_, answer) => anyhow::bail!("{token_url} {host:?}: {answer:?}"),
            }
        }
    }
    Ok(())
}
