//! `cargo run --release -p tidegate-provider --example serve [port] [commits.ndjson.gz]`
//! serves the demo's data, or commits of your own, until Ctrl-C.

use anyhow::Context;
use tidegate_provider::{Commits, Provider, serve_until_ctrl_c};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let port = match arguments.next() {
        Some(port) => port.parse().with_context(|| format!("port: `{port}`"))?,
        None => 0,
    };
    let mut provider = Provider::demo().port(port);
    if let Some(path) = arguments.next() {
        provider = provider.commits(Commits::file(path));
    }
    serve_until_ctrl_c(provider).await
}
