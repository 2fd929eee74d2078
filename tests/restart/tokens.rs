//! A refresh token that is spent at its first use, with the host killed at each point of
//! the refresh.

use crate::world::{Hold, World, answer, cut_short, scripted, silence};
use anyhow::Result;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tidegate_tests::server::{Received, Server, Step};

/// Where the provider holds its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Point {
    /// The question is there, and the provider has not taken it.
    Asked,
    /// The provider has spent the token, and the host has not heard the end of it.
    Answered,
    /// The host has the next token, and the run waits for its first page.
    Kept,
}

/// A provider whose refresh tokens serve once.
struct Provider {
    /// The one refresh token that it takes.
    good: Mutex<u64>,
    /// Whether it takes the one before too, as many do for a while.
    is_lenient: bool,
    hold: Hold,
    point: Point,
}

impl Provider {
    fn answer(&self, request: &Received) -> Vec<Step> {
        let is_held = self.hold.holds(request);
        if request.path() == "/page" {
            let good = *self.good.lock().unwrap();
            let is_known =
                request.header("authorization") == Some(&format!("Bearer access-{good}"));
            return match (is_held, is_known) {
                (true, _) => silence(),
                (false, true) => answer(200, &json!({})),
                (false, false) => answer(401, &json!({})),
            };
        }
        if is_held && self.point == Point::Asked {
            return silence();
        }
        let granted = self.grant(&request.body);
        match is_held {
            true => cut_short(granted),
            false => granted,
        }
    }

    fn grant(&self, form: &[u8]) -> Vec<Step> {
        let form: BTreeMap<String, String> =
            url::form_urlencoded::parse(form).into_owned().collect();
        let mut good = self.good.lock().unwrap();
        let given = form["refresh_token"].as_str();
        let is_last = given == format!("refresh-{good}");
        let is_before = *good > 0 && given == format!("refresh-{}", *good - 1);
        if !(is_last || is_before && self.is_lenient) {
            return answer(400, &json!({ "error": "invalid_grant" }));
        }
        *good += 1;
        answer(
            200,
            &json!({
                "access_token": format!("access-{good}"),
                "refresh_token": format!("refresh-{good}"),
                "token_type": "Bearer",
                "expires_in": 3_600,
            }),
        )
    }
}

/// What the connection is given.
fn credentials(refresh_token: &str) -> Value {
    json!({
        "credentials": {
            "client_id": "id", "client_secret": "secret", "refresh_token": refresh_token,
        },
        "config": { "script": [
            ["fetch.request", "GET", "/page"],
            ["fetch.send"],
            ["fetch.pending.wait"],
            ["records.batch-save", "Item", "{\"id\":\"1\"}"],
        ]},
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresh_that_is_killed_loses_the_grant_only_where_nobody_can_keep_it() -> Result<()> {
    let Some(sync) = scripted() else {
        return Ok(());
    };
    // The point, a lenient provider, and the refresh tokens that it is asked with in all.
    for (point, is_lenient, asked) in [
        (Point::Asked, false, &["refresh-0", "refresh-0"][..]),
        (Point::Answered, true, &["refresh-0", "refresh-0"]),
        (
            Point::Answered,
            false,
            &["refresh-0", "refresh-0", "refresh-1"],
        ),
        (Point::Kept, false, &["refresh-0", "refresh-1"]),
    ] {
        let what = format!("{point:?}, lenient: {is_lenient}");
        let hold = Hold::default();
        let held = match point {
            Point::Asked | Point::Answered => "/token",
            Point::Kept => "/page",
        };
        hold.at(held);
        let provider = Arc::new(Provider {
            good: Mutex::new(0),
            is_lenient,
            hold: hold.clone(),
            point,
        });
        let server = Server::plain(move |request| provider.answer(request)).await;
        let app = Server::plain(|_| answer(200, &json!({}))).await;
        let auth = json!({ "type": "oauth2_refresh", "token_url": server.url("/token") });
        let mut world = World::new(&server, &app.url("/"), auth, &sync).await?;
        world.connect(credentials("refresh-0")).await?;
        world.schedule().await?;
        let is_there = async || {
            let seen = server.received.lock().unwrap();
            Ok(seen.iter().any(|request| request.path() == held))
        };
        world.service.until(&what, is_there).await?;
        world.service.kill();
        hold.release();
        world.service.start().await?;
        if asked.len() == 3 {
            // The one that was spent is all that is known: the operator is told, and has
            // access granted again.
            let refused = async || {
                let log = world.service.stderr();
                Ok(log.contains("`invalid_grant`") && log.contains("north/crm/acme"))
            };
            world.service.until("it is refused", refused).await?;
            assert!(world.runs().await?.is_empty(), "{what}");
            world.connect(credentials("refresh-1")).await?;
            world.trigger().await?;
        }
        world.until_well(1).await?;
        world.service.stop().await?;
        let forms: Vec<String> = server
            .received
            .lock()
            .unwrap()
            .iter()
            .filter(|request| request.path() == "/token")
            .map(|request| String::from_utf8_lossy(&request.body).into_owned())
            .collect();
        let found: Vec<&str> = forms
            .iter()
            .filter_map(|form| form.rsplit_once("refresh_token="))
            .map(|(_, token)| token)
            .collect();
        assert_eq!(found, asked, "{what}");
    }
    Ok(())
}
