//! The shared vectors, twice: against the gate alone, and from end to end with every
//! dial written down.

use crate::world::{self, Authority, Received, Server, Step, World, get, refused, times};
use serde::Deserialize;
use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use tidegate::egress::gate::{Gate, OwnAddresses};
use tidegate::egress::policy::{EgressPolicy, literal};
use tidegate::egress::{Credentials, EgressScope, target};
use tidegate::error::Error;
use url::Url;

#[derive(Deserialize)]
struct File {
    count: usize,
    reasons: Vec<String>,
    vectors: Vec<Vector>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vector {
    pub id: String,
    policy: String,
    pub url: String,
    resolves_to: Option<Answers>,
    expected: String,
    reason: String,
    #[serde(default)]
    allow_hosts: Vec<String>,
    base: Option<String>,
    final_url: Option<String>,
    redirect_to: Option<String>,
    location_resolves_to: Option<Vec<String>>,
    must_drop_auth: Option<bool>,
    #[serde(default, rename = "loop")]
    loops: bool,
    // Said for people, or played by `outside`.
    #[serde(rename = "category")]
    _category: String,
    #[serde(rename = "why")]
    _why: String,
    #[serde(rename = "note")]
    _note: Option<String>,
    #[serde(rename = "dns_sequence")]
    _dns_sequence: Option<bool>,
    #[serde(rename = "env")]
    _env: Option<serde_json::Value>,
}

#[derive(Clone, Deserialize)]
#[serde(untagged)]
enum Answers {
    Always(Vec<String>),
    InTurn(Vec<Vec<String>>),
}

/// The public address that stands for one of this host's own.
const OWN_ADDRESS: &str = "93.184.216.99";
const CANARIES: [&str; 3] = [
    "canary-bearer-7f3a",
    "canary-header-7f3a",
    "canary-query-7f3a",
];

pub fn vectors() -> Vec<Vector> {
    let file: File = serde_json::from_str(include_str!("ssrf-vectors.json")).unwrap();
    assert_eq!((file.count, file.vectors.len()), (171, 171));
    for vector in &file.vectors {
        assert!(file.reasons.contains(&vector.reason), "{}", vector.id);
    }
    file.vectors
}

impl Vector {
    fn policy(&self) -> EgressPolicy {
        match self.policy.as_str() {
            "open" => EgressPolicy::default()
                .allow_any_host()
                .allow_any_port()
                .allow_plain_http(),
            "default" => EgressPolicy::default().allow_any_host(),
            "allowlist" => self
                .allow_hosts
                .iter()
                .map(|host| host.parse().unwrap())
                .fold(EgressPolicy::default(), EgressPolicy::allow),
            other => panic!("unknown policy {other}"),
        }
    }

    /// One row of answers for each lookup.
    fn answers(&self) -> Vec<Vec<IpAddr>> {
        let parse = |text: &String| match text.as_str() {
            "<host-own-public-ip>" => OWN_ADDRESS.parse().unwrap(),
            text => text.parse().unwrap(),
        };
        match &self.resolves_to {
            None => Vec::new(),
            Some(Answers::Always(one)) => vec![one.iter().map(parse).collect()],
            Some(Answers::InTurn(rows)) => rows
                .iter()
                .map(|row| row.iter().map(parse).collect())
                .collect(),
        }
    }

    fn base(&self) -> Option<Url> {
        self.base.as_ref().map(|base| base.parse().unwrap())
    }

    fn is_allowed(&self) -> bool {
        self.expected == "allow"
    }

    /// How many requests are to be made: as many as there are answers in turn.
    fn rounds(&self) -> usize {
        self.answers().len().max(1)
    }

    /// Whether a name in the vector has an answer in `names`.
    fn fill(&self, names: &world::Names) {
        let host = |url: &str| {
            Some(
                target::resolve(self.base().as_ref(), url)
                    .ok()?
                    .host_str()?
                    .to_owned(),
            )
        };
        if let Some(host) = host(&self.url) {
            names.set(&host, self.answers());
        }
        let Some(to) = self.redirect_to.as_deref().and_then(host) else {
            return;
        };
        if let Some(answers) = &self.location_resolves_to {
            names.set(
                &to,
                vec![answers.iter().map(|text| text.parse().unwrap()).collect()],
            );
        }
    }
}

fn own_addresses() -> Arc<OwnAddresses> {
    Arc::new(OwnAddresses::fixed(vec![OWN_ADDRESS.parse().unwrap()]))
}

// ---- the gate alone ------------------------------------------------------------------

async fn ask_gate(gate: &Gate, vector: &Vector) -> Result<Vec<SocketAddr>, Error> {
    let mut found = Vec::new();
    for _ in 0..vector.rounds() {
        let url = target::resolve(vector.base().as_ref(), &vector.url)?;
        if let Some(expected) = &vector.final_url {
            assert_eq!(url.as_str(), expected, "{}", vector.id);
        }
        found.extend(gate.addresses(&url).await?);
        if let Some(location) = &vector.redirect_to {
            found.extend(gate.addresses(&target::redirected(&url, location)?).await?);
        }
    }
    Ok(found)
}

#[tokio::test]
async fn the_gate_gives_the_expected_reason_for_each() {
    let mut asked = 0;
    // How many hops are too many is for the one who follows them, and comes below.
    for vector in vectors().iter().filter(|vector| !vector.loops) {
        let names = Arc::new(world::Names::default());
        vector.fill(&names);
        let gate = Gate {
            policy: Arc::new(vector.policy()),
            resolver: names.clone(),
            own: own_addresses(),
        };
        let found = ask_gate(&gate, vector).await;
        check_outcome(vector, found.as_ref().err());
        asked += 1;
    }
    assert_eq!(asked, 170);
}

#[track_caller]
fn check_outcome(vector: &Vector, error: Option<&Error>) {
    let id = &vector.id;
    match error {
        None => assert!(
            vector.is_allowed(),
            "{id} was allowed, expected {}",
            vector.reason
        ),
        Some(error) => {
            assert_eq!(error.code.as_str(), "egress.denied", "{id}: {error}");
            let reason = error.message.split(':').next().unwrap();
            assert_eq!(reason, vector.reason, "{id}: {error}");
            assert!(!vector.is_allowed(), "{id}: {error}");
        }
    }
}

// ---- from end to end -----------------------------------------------------------------

/// Two servers that stand for the whole internet, one of them with TLS.
struct Internet {
    plain: Server,
    secure: Server,
    location: Arc<Mutex<Option<String>>>,
    authority: Authority,
}

impl Internet {
    async fn new(vectors: &[Vector]) -> Self {
        let authority = Authority::new();
        let location: Arc<Mutex<Option<String>>> = Arc::default();
        let acceptor = authority.acceptor(&names_to_prove(vectors), |_| ());
        let (one, two) = (location.clone(), location.clone());
        Internet {
            plain: Server::start(None, move |request| answer(request, &one)).await,
            secure: Server::start(Some(acceptor), move |request| answer(request, &two)).await,
            location,
            authority,
        }
    }

    fn world(&self) -> World {
        let (plain, secure) = (self.plain.address, self.secure.address);
        let route = move |address: SocketAddr| if address.port() == 80 { plain } else { secure };
        World::new(times(), vec![self.authority.root()], own_addresses(), route)
    }

    fn take_received(&self) -> Vec<Received> {
        let mut received = std::mem::take(&mut *self.plain.received.lock().unwrap());
        received.append(&mut self.secure.received.lock().unwrap());
        received
    }
}

/// Closes after each answer, so that every request dials, and is checked, anew.
fn answer(request: &Received, location: &Mutex<Option<String>>) -> Vec<Step> {
    let redirects = request.path().starts_with("/start") || request.path().starts_with("/loop");
    let location = location.lock().unwrap().clone().filter(|_| redirects);
    let mut steps = match &location {
        Some(location) => {
            world::reply(302, &[("location", location), ("connection", "close")], b"")
        }
        None => world::reply(200, &[("connection", "close")], b"fine"),
    };
    steps.push(Step::Close);
    steps
}

/// Every host that some vector may reach over TLS.
fn names_to_prove(vectors: &[Vector]) -> Vec<String> {
    let mut names = HashSet::new();
    for vector in vectors {
        let first = target::resolve(vector.base().as_ref(), &vector.url).ok();
        let second = vector
            .redirect_to
            .as_ref()
            .and_then(|to| target::resolve(None, to).ok());
        for url in [first, second].into_iter().flatten() {
            let name = url.host_str().unwrap().trim_matches(['[', ']']).to_owned();
            names.insert(name);
        }
    }
    names.into_iter().collect()
}

fn scope_of(vector: &Vector) -> EgressScope {
    let base = match &vector.redirect_to {
        // The connection's own origin is where the redirect starts.
        Some(_) => Some("https://api.example.com/".parse().unwrap()),
        None => vector.base(),
    };
    let [bearer, header, query] = CANARIES;
    EgressScope {
        base_url: base,
        credentials: Arc::new(Credentials {
            headers: vec![
                ("Authorization".into(), format!("Bearer {bearer}")),
                ("X-Api-Key".into(), header.into()),
            ],
            query: vec![("apikey".into(), query.into())],
            ..Credentials::default()
        }),
        ..world::scope(vector.policy())
    }
}

/// The addresses that may be dialled for `vector`: those of answers that are good as a
/// whole.
fn checked_set(vector: &Vector) -> HashSet<IpAddr> {
    let own: IpAddr = OWN_ADDRESS.parse().unwrap();
    let mut rows = vector.answers();
    let elsewhere = vector.location_resolves_to.iter().flatten();
    rows.push(elsewhere.map(|text| text.parse().unwrap()).collect());
    if let Ok(url) = target::resolve(vector.base().as_ref(), &vector.url) {
        rows.push(literal(&url).into_iter().collect());
    }
    let is_good =
        |address: &IpAddr| tidegate::egress::address::classify(*address).is_ok() && *address != own;
    rows.retain(|row| row.iter().all(is_good));
    rows.into_iter().flatten().collect()
}

#[tokio::test]
async fn each_holds_through_real_sockets() {
    let vectors = vectors();
    let internet = Internet::new(&vectors).await;
    for vector in &vectors {
        let world = internet.world();
        vector.fill(&world.names);
        *internet.location.lock().unwrap() = vector.redirect_to.clone();
        let scope = scope_of(vector);
        let mut last = world.send(&scope, get(&vector.url)).await;
        for _ in 1..vector.rounds() {
            let response = last.response.as_ref();
            assert!(response.is_ok(), "{}: {response:?}", vector.id);
            last = world.send(&scope, get(&vector.url)).await;
        }
        check_outcome(vector, last.response.as_ref().err());
        let received = internet.take_received();
        let dials = world.dials.lock().unwrap();
        // Each connection carries one request here, so the two logs must agree: a dial
        // log that missed something would prove nothing.
        assert_eq!(dials.len(), received.len(), "{}", vector.id);
        let checked = checked_set(vector);
        for address in dials.iter() {
            assert!(
                checked.contains(&address.ip()),
                "{} dialled {address}",
                vector.id
            );
        }
        match &last.response {
            Ok(response) => check_allowed(vector, &response.url, &received),
            Err(_) => check_denied(vector, &received),
        }
    }
}

fn check_allowed(vector: &Vector, url: &str, received: &[Received]) {
    let id = &vector.id;
    assert_eq!(
        received.len(),
        if vector.redirect_to.is_some() { 2 } else { 1 },
        "{id}"
    );
    if let Some(expected) = &vector.final_url {
        assert_eq!(url, expected, "{id}");
    }
    assert!(
        CANARIES.iter().all(|canary| !url.contains(canary)),
        "{id}: {url}"
    );
    let Some(must_drop) = vector.must_drop_auth else {
        return;
    };
    let [first, second] = received else {
        unreachable!()
    };
    for canary in CANARIES {
        assert!(
            first.head.contains(canary),
            "{id}: {canary} never went to its own origin"
        );
        assert_eq!(second.head.contains(canary), !must_drop, "{id}: {canary}");
    }
}

fn check_denied(vector: &Vector, received: &[Received]) {
    let first_hops = match vector.reason.as_str() {
        "too_many_redirects" => 6,
        _ if vector.redirect_to.is_some() => 1,
        _ => vector.rounds() - 1,
    };
    assert_eq!(received.len(), first_hops, "{}", vector.id);
}

// ---- rebinding -----------------------------------------------------------------------

#[tokio::test]
async fn a_name_that_flips_never_leads_inside() {
    /// Lookups against the gate, and requests through sockets.
    const LOOKUPS: usize = 10_000;
    const REQUESTS: usize = 100;
    let public: IpAddr = "93.184.216.34".parse().unwrap();
    let inside: IpAddr = "127.0.0.1".parse().unwrap();
    let flips = |count: usize| -> Vec<Vec<IpAddr>> {
        (0..count)
            .map(|at| match at % 3 {
                0 => vec![public],
                1 => vec![inside],
                _ => vec![public, inside],
            })
            .collect()
    };
    let open = EgressPolicy::default()
        .allow_any_host()
        .allow_any_port()
        .allow_plain_http();

    let names = Arc::new(world::Names::default());
    names.set("flip.test", flips(LOOKUPS));
    let gate = Gate {
        policy: Arc::new(open.clone()),
        resolver: names.clone(),
        own: own_addresses(),
    };
    let url: Url = "http://flip.test/".parse().unwrap();
    for at in 0..LOOKUPS {
        match gate.addresses(&url).await {
            Ok(found) => assert_eq!((at % 3, found), (0, vec![SocketAddr::new(public, 80)])),
            Err(error) => assert!(at % 3 != 0 && error.message.starts_with("dns_blocked_ip")),
        }
    }
    assert_eq!(names.asked.lock().unwrap().len(), LOOKUPS);

    let server = Server::plain(|request| answer(request, &Mutex::new(None))).await;
    let there = server.address;
    let world = World::new(times(), Vec::new(), own_addresses(), move |_| there);
    world.names.set("flip.test", flips(REQUESTS));
    let scope = world::scope(open);
    for at in 0..REQUESTS {
        let sent = world.send(&scope, get("http://flip.test/")).await;
        match at % 3 {
            0 => assert!(sent.response.is_ok(), "{:?}", sent.response),
            _ => assert!(refused(&sent).1.starts_with("dns_blocked_ip")),
        }
    }
    let dials = world.dials.lock().unwrap();
    assert_eq!(dials.len(), REQUESTS.div_ceil(3));
    assert!(dials.iter().all(|address| address.ip() == public));
}
