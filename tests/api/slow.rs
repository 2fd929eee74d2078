//! Clients that send too slowly, take nothing, send too much or are too many: they are
//! cut, and hold nobody else up.

use crate::world::{LONG, LOOK, Tenant, World, bearer};
use anyhow::{Context, Result, ensure};
use serde_json::json;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{sleep, timeout};

/// Connections of each kind that is slow.
const CONNECTIONS: usize = 64;
/// Connections of a crowd: more than the host has places.
const CROWD: usize = 1_200;
/// Between two bytes of a slow client.
const PAUSE: Duration = Duration::from_millis(500);
/// Bytes that a client who reads nothing has room for.
const SMALL_BUFFER: u32 = 4_096;
/// A sync that saves more than sockets hold, in few pages of the feed.
const RECORDS: u64 = 20_000;

/// What slow clients begin with: nothing, either version of HTTP, a request.
const BEGINNINGS: &[&[u8]] = &[
    b"",
    b"P",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n",
    b"GET",
    b"GET /healthz HTTP/1.1\r\nhost: x\r\nx-a: ",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_clients_are_cut_and_hold_nobody_up() -> Result<()> {
    let world = World::start().await?;
    let Some(tenant) = world.tenant("prod").await? else {
        return Ok(());
    };
    let Some(component) = tidegate_tests::component("tidegate-test-guests") else {
        return Ok(());
    };
    world.deploy(&tenant, component).await?;
    let config = json!({ "config": { "behaviour": "save_million", "records": RECORDS } });
    let path = "/v1/connections/crm/large";
    world.done(&tenant, "PUT", path, Some(config)).await?;
    world.run_sync(&tenant, "large", "guest").await?;
    let over = AtomicBool::new(false);
    let slow = async {
        let cut = tokio::try_join!(
            beginnings_that_never_end(&world),
            headers_byte_by_byte(&world),
            a_body_byte_by_byte(&world, &tenant),
            a_stream_that_nobody_reads(&world, &tenant),
            an_answer_that_nobody_reads(&world, &tenant),
        );
        over.store(true, Ordering::SeqCst);
        cut
    };
    let (cut, served) = tokio::join!(slow, well_behaved(&world, &tenant, &over));
    cut?;
    served
}

/// Asks like everybody else until the slow ones are over; each answer must come.
async fn well_behaved(world: &World, tenant: &Tenant, over: &AtomicBool) -> Result<()> {
    while !over.load(Ordering::SeqCst) {
        for path in ["/healthz", "/readyz", "/connections", "/v1/runs?limit=1"] {
            let asked = world.done(tenant, "GET", path, None);
            timeout(LONG, asked).await.context("nobody answers")??;
        }
        sleep(LOOK).await;
    }
    Ok(())
}

async fn beginnings_that_never_end(world: &World) -> Result<()> {
    let mut slow = Vec::new();
    for beginning in BEGINNINGS {
        for _ in 0..CONNECTIONS {
            let mut stream = TcpStream::connect(world.address).await?;
            stream.write_all(beginning).await?;
            slow.push((stream, *beginning));
        }
    }
    for (stream, beginning) in slow {
        let said = timeout(LONG, all_of(stream)).await;
        let said = said.with_context(|| format!("{beginning:?} is waited for"))?;
        ensure!(!said.starts_with(b"HTTP/1.1 200"), "{beginning:?}");
    }
    Ok(())
}

/// Progress alone does not help.
async fn headers_byte_by_byte(world: &World) -> Result<()> {
    let mut stream = TcpStream::connect(world.address).await?;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nx-a: ").await?;
    let dripping = async { while drip(&mut stream).await.is_ok() {} };
    timeout(LONG, dripping)
        .await
        .context("headers are waited for")
}

/// One byte; an error once the other side is gone.
async fn drip(stream: &mut TcpStream) -> Result<()> {
    stream.write_all(b"a").await?;
    sleep(PAUSE).await;
    let mut end = [0];
    match stream.try_read(&mut end) {
        Ok(0) => anyhow::bail!("the connection was closed"),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Ok(()),
        Err(error) => Err(error.into()),
    }
}

async fn a_body_byte_by_byte(world: &World, tenant: &Tenant) -> Result<()> {
    let stream = TcpStream::connect(world.address).await?;
    let (mut reads, mut writes) = stream.into_split();
    let head = head(tenant, "POST", "/sync/trigger", "content-length: 100000");
    writes.write_all(head.as_bytes()).await?;
    let dripping = tokio::spawn(async move {
        while writes.write_all(b" ").await.is_ok() {
            sleep(PAUSE).await;
        }
    });
    let said = timeout(LONG, answer_of(&mut reads)).await;
    dripping.abort();
    let said = said.context("the body is waited for")??;
    ensure!(said.starts_with("HTTP/1.1 408"), "{said}");
    ensure!(said.contains("request_timeout"), "{said}");
    Ok(())
}

/// A reader that takes nothing loses its place.
async fn a_stream_that_nobody_reads(world: &World, tenant: &Tenant) -> Result<()> {
    let mut stream = narrow(world).await?;
    let path = "/v1/records/stream?model=Item";
    stream
        .write_all(head(tenant, "GET", path, "accept: text/event-stream").as_bytes())
        .await?;
    for readers in ["1", "0"] {
        let seen = async {
            let line = format!("tidegate_feed_readers {readers}");
            while !metrics(world).await?.lines().any(|own| own == line) {
                sleep(LOOK).await;
            }
            anyhow::Ok(())
        };
        let seen = timeout(LONG, seen).await;
        seen.with_context(|| format!("there are never {readers} readers"))??;
    }
    drop(stream);
    Ok(())
}

async fn metrics(world: &World) -> Result<String> {
    let operator = bearer(&world.operator);
    let headers = [("authorization", operator.as_str())];
    let answer = world.ask("GET", "/metrics", &headers, None).await?;
    Ok(answer.body.as_str().unwrap_or_default().to_owned())
}

/// An answer that is not taken is not kept for ever: what is read late is cut off.
async fn an_answer_that_nobody_reads(world: &World, tenant: &Tenant) -> Result<()> {
    let mut stream = narrow(world).await?;
    let path = "/records?model=Item&limit=10000";
    stream
        .write_all(head(tenant, "GET", path, "accept: */*").as_bytes())
        .await?;
    // The host gives up after 30 seconds.
    sleep(Duration::from_secs(35)).await;
    let said = timeout(LONG, all_of(stream)).await.context("it goes on")?;
    ensure!(said.starts_with(b"HTTP/1.1 200"), "{} bytes", said.len());
    ensure!(
        !said.ends_with(b"0\r\n\r\n"),
        "it was kept: {} bytes",
        said.len()
    );
    Ok(())
}

/// A connection that takes little at once.
async fn narrow(world: &World) -> Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(SMALL_BUFFER)?;
    Ok(socket.connect(world.address).await?)
}

/// All that still comes, whether it ends well or not.
async fn all_of(mut stream: TcpStream) -> Vec<u8> {
    let mut said = Vec::new();
    let _ = stream.read_to_end(&mut said).await;
    said
}

fn head(tenant: &Tenant, method: &str, path: &str, header: &str) -> String {
    head_with(&tenant.key, method, path, header)
}

fn head_with(key: &str, method: &str, path: &str, header: &str) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n\
         tidegate-environment: prod\r\nconnection-id: large\r\nprovider-config-key: crm\r\n\
         {header}\r\n\r\n"
    )
}

/// The head and body of one answer; the body has a length.
async fn answer_of(reads: &mut (impl AsyncReadExt + Unpin)) -> Result<String> {
    let mut said = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&said).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                let is_length = name.eq_ignore_ascii_case("content-length");
                is_length.then(|| value.trim().parse::<usize>().ok())?
            });
            if length.is_some_and(|length| body.len() >= length) {
                return Ok(text);
            }
        }
        let mut bytes = [0; 4096];
        let read = reads.read(&mut bytes).await?;
        ensure!(read > 0, "it ended after: {text}");
        said.extend_from_slice(&bytes[..read]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_of_silent_connections_passes() -> Result<()> {
    let world = World::start().await?;
    // This one is there before them, and stays.
    let known = world.ask("GET", "/healthz", &[], None).await?;
    assert_eq!(known.status, 200);
    let mut crowd = Vec::new();
    for _ in 0..CROWD {
        match TcpStream::connect(world.address).await {
            Ok(stream) => crowd.push(stream),
            Err(error) => {
                let why = format!("connection {} cannot be had: {error}", crowd.len());
                tidegate_tests::skip("a crowd of connections", &why);
                return Ok(());
            }
        }
    }
    let answer = timeout(LONG, world.ask("GET", "/healthz", &[], None)).await;
    assert_eq!(
        answer.context("who was there is not answered")??.status,
        200
    );
    let newcomer = reqwest::Client::builder().no_proxy().build()?;
    let asked = newcomer.get(world.url("/healthz")).send();
    let answer = timeout(LONG, asked).await;
    assert_eq!(answer.context("a newcomer is not answered")??.status(), 200);
    for stream in crowd {
        let said = timeout(LONG, all_of(stream)).await;
        said.context("a place is held for ever")?;
    }
    Ok(())
}

/// One environment's slow uploads take one place; the others go on deploying.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_that_never_end_hold_up_their_own_environment_alone() -> Result<()> {
    let world = World::start().await?;
    let Some(slow) = world.tenant("prod").await? else {
        return Ok(());
    };
    let other = world.tenant("other").await?.context("it was built")?;
    let header = "content-type: application/wasm\r\ncontent-length: 1000";
    // It is told to go on when its body is read, and that is after it has its place.
    let asking = format!("{header}\r\nexpect: 100-continue");
    let mut held = TcpStream::connect(world.address).await?;
    held.write_all(head(&slow, "POST", COMPONENTS, &asking).as_bytes())
        .await?;
    let mut told = [0; b"HTTP/1.1 100".len()];
    let reads = timeout(LONG, held.read_exact(&mut told)).await;
    reads.context("its body is never read")??;
    ensure!(&told == b"HTTP/1.1 100", "{told:?}");
    for _ in 0..CONNECTIONS {
        let mut next = TcpStream::connect(world.address).await?;
        next.write_all(head(&slow, "POST", COMPONENTS, header).as_bytes())
            .await?;
        let said = timeout(LONG, answer_of(&mut next)).await;
        let said = said.context("it is taken in beside the first")??;
        ensure!(said.starts_with("HTTP/1.1 503"), "{said}");
        ensure!(said.contains("busy"), "{said}");
        ensure!(said.contains("of this environment"), "{said}");
    }
    // It is no component; what counts is that it is looked at.
    let deployed = world
        .http
        .post(world.url(COMPONENTS))
        .header("authorization", bearer(&other.key))
        .header("content-type", "application/wasm")
        .body("\0asm")
        .send();
    let deployed = timeout(LONG, deployed).await.context("it waits")??;
    ensure!(deployed.status() == 422, "{}", deployed.status());
    // Whoever goes away gives the place back.
    drop(held);
    let component = tidegate_tests::component("tidegate-test-guests");
    let component = component.context("it was built")?;
    timeout(LONG, world.deploy(&slow, component))
        .await
        .context("the place is held for ever")?
}

/// Routes that read a body, with the key that opens them.
const BODIES: &[(&str, &str, Key)] = &[
    ("PATCH", "/records/prune", Key::Tenant),
    ("POST", "/sync/trigger", Key::Tenant),
    ("POST", "/sync/start", Key::Tenant),
    ("POST", "/sync/pause", Key::Tenant),
    ("PUT", "/sync/update-connection-frequency", Key::Tenant),
    ("POST", "/sync/a/variant/b", Key::Tenant),
    ("DELETE", "/sync/a/variant/b", Key::Tenant),
    ("POST", "/connections", Key::Tenant),
    (
        "PATCH",
        "/connections/large?provider_config_key=crm",
        Key::Tenant,
    ),
    ("POST", "/connections/metadata", Key::Tenant),
    ("PATCH", "/connections/metadata", Key::Tenant),
    ("POST", "/v1/environments", Key::Operator),
    ("PATCH", "/v1/environments/prod", Key::Tenant),
    ("POST", "/v1/keys", Key::Tenant),
    ("PUT", "/v1/integrations/crm", Key::Operator),
    ("PUT", "/v1/connections/crm/large", Key::Tenant),
    ("POST", "/v1/deployments/rollback", Key::Tenant),
    ("POST", "/v1/deployments/pin", Key::Tenant),
    ("POST", COMPONENTS, Key::Tenant),
];

/// The route whose body is a component.
const COMPONENTS: &str = "/v1/deployments?integration=crm";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Key {
    Tenant,
    Operator,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_is_too_large_is_refused_on_every_route() -> Result<()> {
    let world = World::start().await?;
    let Some(tenant) = world.tenant("prod").await? else {
        return Ok(());
    };
    let path = "/v1/connections/crm/large";
    world.done(&tenant, "PUT", path, Some(json!({}))).await?;
    for (method, path, key) in BODIES {
        let limit = match *path {
            COMPONENTS => tidegate::limits::COMPONENT_BYTES_MAX,
            _ => tidegate::api::JSON_BODY_BYTES_MAX,
        };
        let kind = match *path {
            COMPONENTS => "application/wasm",
            _ => "application/json",
        };
        let key = match key {
            Key::Tenant => &tenant.key,
            Key::Operator => &world.operator,
        };
        let declared = format!("content-type: {kind}\r\ncontent-length: {}", limit + 1);
        let endless = format!("content-type: {kind}\r\ntransfer-encoding: chunked");
        for (header, sends) in [(declared, 0), (endless, limit + 1)] {
            let said = too_large(&world, &head_with(key, method, path, &header), sends).await?;
            let what = format!("{method} {path}, {sends} bytes sent: {said}");
            ensure!(said.starts_with("HTTP/1.1 413"), "{what}");
            ensure!(said.contains("payload_too_large"), "{what}");
        }
        let answer = world.ask("GET", "/healthz", &[], None).await?;
        assert_eq!(answer.status, 200, "after {method} {path}");
    }
    // What nobody would read is not waited for either.
    for (key, path, status) in [
        ("nothing", "/sync/trigger", "401"),
        (tenant.key.as_str(), "/nowhere", "404"),
    ] {
        let head = head_with(key, "POST", path, "content-length: 99999999999");
        let said = too_large(&world, &head, 0).await?;
        ensure!(said.starts_with(&format!("HTTP/1.1 {status}")), "{said}");
    }
    Ok(())
}

/// A plain client writes all of its request before it reads a byte. It is refused after
/// the head, and must be able to read that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_sends_all_before_it_reads_is_told_why_it_is_refused() -> Result<()> {
    const BODY: usize = 16 << 20;
    let world = World::start().await?;
    let Some(tenant) = world.tenant("prod").await? else {
        return Ok(());
    };
    for (key, path, status) in [
        (tenant.key.as_str(), "/sync/trigger", "413"),
        ("nothing", "/sync/trigger", "401"),
        (tenant.key.as_str(), "/nowhere", "404"),
    ] {
        let header = format!("content-type: application/json\r\ncontent-length: {BODY}");
        let mut request = head_with(key, "POST", path, &header).into_bytes();
        request.resize(request.len() + BODY, b' ');
        let mut stream = TcpStream::connect(world.address).await?;
        let written = timeout(LONG, stream.write_all(&request)).await;
        let written = written.context("its body is not taken")?;
        written.with_context(|| format!("{status} of {path} breaks off"))?;
        let said = timeout(LONG, answer_of(&mut stream)).await;
        let said = said.context("it is not answered")??;
        ensure!(said.starts_with(&format!("HTTP/1.1 {status}")), "{said}");
    }
    Ok(())
}

/// Sends a head and so many bytes in chunks, as far as they are taken; the answer.
async fn too_large(world: &World, head: &str, bytes: usize) -> Result<String> {
    const CHUNK: usize = 64 * 1024;
    let stream = TcpStream::connect(world.address).await?;
    let (mut reads, mut writes) = stream.into_split();
    writes.write_all(head.as_bytes()).await?;
    let sending = tokio::spawn(async move {
        let mut chunk = format!("{CHUNK:x}\r\n").into_bytes();
        chunk.resize(chunk.len() + CHUNK, b' ');
        chunk.extend(b"\r\n");
        for _ in 0..bytes.div_ceil(CHUNK) {
            if writes.write_all(&chunk).await.is_err() {
                break;
            }
        }
        // Held open: the answer must come without the end of the body.
        writes
    });
    let said = timeout(LONG, answer_of(&mut reads)).await;
    sending.abort();
    said.context("the rest of the body is waited for")?
}
