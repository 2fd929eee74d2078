//! How often an environment may ask: told with each answer, refused with 429, and of no
//! concern to anybody else.

use crate::client::packages;
use crate::world::{Tenant, World, bearer};
use anyhow::{Context, Result, ensure};
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use std::process::Command;

/// Requests in a window here.
const LIMIT: u32 = 20;
/// Windows that may end in the middle of a row before it is given up.
const WINDOWS: usize = 5;
/// Requests that are more than fit into the windows of any run of the client.
const MANY: u32 = 1_000;

struct Told {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Told {
    fn number(&self, name: &str) -> Option<u64> {
        self.headers.get(name)?.to_str().ok()?.parse().ok()
    }

    fn limit(&self) -> [Option<u64>; 2] {
        ["x-ratelimit-limit", "x-ratelimit-remaining"].map(|name| self.number(name))
    }

    fn reset(&self) -> Result<u64> {
        self.number("x-ratelimit-reset").context("no reset")
    }
}

async fn ask(world: &World, path: &str, key: &str) -> Result<Told> {
    let request = world.http.get(world.url(path));
    let answer = request.header("authorization", bearer(key)).send().await?;
    Ok(Told {
        status: answer.status().as_u16(),
        headers: answer.headers().clone(),
        body: serde_json::from_str(&answer.text().await?).unwrap_or_default(),
    })
}

/// Asks until it is refused, and answers that refusal; none if the window ended meanwhile.
async fn refusal(world: &World, tenant: &Tenant) -> Result<Option<Told>> {
    // What set the environment up counts, and so does a route that there is not.
    let first = ask(world, "/nowhere", &tenant.key).await?;
    let (reset, mut left) = (first.reset()?, first.limit()[1].context("nothing left")?);
    while left > 0 {
        let told = ask(world, "/integrations", &tenant.key).await?;
        if told.reset()? != reset {
            return Ok(None);
        }
        left -= 1;
        assert_eq!(told.limit(), [Some(LIMIT.into()), Some(left)]);
        assert_eq!(told.status, 200);
    }
    let last = ask(world, "/v1/runs", &tenant.key).await?;
    Ok((last.reset()? == reset).then_some(last))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_environment_is_told_what_is_left_and_refused_beyond_it() -> Result<()> {
    let world = World::limited(LIMIT).await?;
    let (Some(busy), Some(other)) = (world.tenant("busy").await?, world.tenant("other").await?)
    else {
        return Ok(());
    };
    let mut refused = None;
    for _ in 0..WINDOWS {
        refused = refusal(&world, &busy).await?;
        if refused.is_some() {
            break;
        }
    }
    let refusal = refused.context("each window ended in the middle")?;
    let limit = Some(u64::from(LIMIT));
    assert_eq!((refusal.status, refusal.limit()), (429, [limit, Some(0)]));
    let error = &refusal.body["error"];
    assert_eq!(
        [&error["code"], &error["method"], &error["path"]],
        ["too_many_request", "GET", "/v1/runs"]
    );
    assert!((1..=60).contains(&refusal.number("retry-after").context("no wait")?));
    assert_eq!(refusal.headers["access-control-allow-origin"], "*");
    let exposed = refusal.headers["access-control-expose-headers"].to_str()?;
    assert!(exposed.contains("X-RateLimit-Remaining"), "{exposed}");

    // Another environment has its own window; the operator and who has no key have none.
    let told = ask(&world, "/integrations", &other.key).await?;
    assert_eq!((told.status, told.limit()[0]), (200, limit));
    for (key, status) in [(world.operator.as_str(), 200), ("nobody's", 401)] {
        for _ in 0..=LIMIT {
            let told = ask(&world, "/v1/environments", key).await?;
            assert_eq!((told.status, told.limit()), (status, [None, None]), "{key}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_limit_nothing_is_told() -> Result<()> {
    let world = World::start().await?;
    let Some(tenant) = world.tenant("prod").await? else {
        return Ok(());
    };
    let told = ask(&world, "/integrations", &tenant.key).await?;
    assert_eq!((told.status, told.limit()), (200, [None, None]));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_official_client_sees_it_as_an_error_with_its_code() -> Result<()> {
    let Some(folder) = packages("the rate limit through Nango's client")? else {
        return Ok(());
    };
    let world = World::limited(LIMIT).await?;
    let Some(tenant) = world.tenant("prod").await? else {
        return Ok(());
    };
    let told = json!({ "host": world.url(""), "key": tenant.key, "asks": MANY });
    let run = move || {
        let mut node = Command::new("node");
        node.arg(folder.join("limited.mjs"))
            .env("SUITE", told.to_string())
            .output()
    };
    let done = tokio::task::spawn_blocking(run).await??;
    let complaints = String::from_utf8_lossy(&done.stderr);
    ensure!(done.status.success(), "the client broke off: {complaints}");
    let seen: Value = serde_json::from_slice(&done.stdout)?;
    assert_eq!(
        (&seen["status"], &seen["code"], &seen["path"]),
        (
            &json!(429),
            &json!("too_many_request"),
            &json!("/integrations")
        )
    );
    let wait: u32 = seen["wait"].as_str().context("no wait")?.parse()?;
    assert!((1..=60).contains(&wait));
    assert_eq!(seen["remaining"], "0");
    Ok(())
}
