//! Clients that send too slowly: they are cut, and hold nobody else up.

use crate::world::World;
use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_that_never_end_are_cut_off() -> Result<()> {
    let world = World::start().await?;
    let mut slow = Vec::new();
    for _ in 0..64 {
        let mut stream = TcpStream::connect(world.address).await?;
        stream
            .write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nx-a: ")
            .await?;
        slow.push(stream);
    }
    let answer = world.ask("GET", "/healthz", &[], None).await?;
    assert_eq!(answer.status, 200);
    // The host ends each of them: the read comes to an end, with or without a 408.
    for mut stream in slow {
        let mut said = Vec::new();
        stream.read_to_end(&mut said).await?;
        assert!(!said.starts_with(b"HTTP/1.1 200"));
    }
    let ready = world.ask("GET", "/readyz", &[], None).await?;
    assert_eq!(
        (ready.status, ready.body["store"].as_str()),
        (200, Some("good"))
    );
    Ok(())
}
