//! Deployments, listings and the check of the whole.

use crate::world::*;
use tidegate::model::{Deployment, Digest, Manifest, SaveMode, StreamKey};

pub async fn a_deployment_is_kept_as_it_first_came(mut world: World) {
    let deployment = |bytes: &[u8], name: &str| Deployment {
        digest: Digest::of(bytes),
        bytes: bytes.len() as u64,
        manifest: Manifest::parse(&manifest(name)).unwrap(),
        accepted: world.now(),
    };
    let (one, two) = (deployment(b"one", "one"), deployment(b"two", "two"));
    world.tick();
    let again = deployment(b"one", "renamed");
    for each in [&one, &two, &again] {
        world.store().put_deployment(each.clone()).await.unwrap();
    }
    world.reopen().await;
    for each in [&one, &two] {
        let found = world.store().deployment(&each.digest).await.unwrap();
        assert_eq!(found.as_ref(), Some(each));
    }
    let nothing = world.store().deployment(&Digest::of(b"three")).await;
    assert_eq!(nothing.unwrap(), None);
}

fn manifest(name: &str) -> String {
    let schema = serde_json::json!({ "type": "object", "x-number": 1.5 });
    let models = serde_json::json!({ "Contact": { "schema": schema, "ignore": ["etag"] } });
    serde_json::json!({ "name": name, "version": "1", "models": models }).to_string()
}

pub async fn streams_are_listed_by_connection(mut world: World) {
    let mut expected = Vec::new();
    for id in ["acme", "umbrella"] {
        let mut key = key("sync");
        key.connection = connection(id);
        let (run, _) = world.try_begin(&key).await.unwrap();
        for name in ["Deal", "Contact"] {
            let ndjson = lines(&["a"], 1);
            let saved = world.try_save(&run, name, &ndjson, SaveMode::Override);
            saved.await.unwrap();
            expected.push(key.stream(model(name)));
        }
        world.end(&run, failed()).await;
    }
    expected.sort();
    world.reopen().await;
    let list = async |of: Option<&str>| {
        let connection = of.map(connection);
        let mut found = world.store().streams(connection.as_ref()).await.unwrap();
        found.sort();
        found
    };
    let of = |id: &str| -> Vec<StreamKey> {
        let mut all = expected.clone();
        all.retain(|stream| stream.connection == connection(id));
        all
    };
    assert_eq!(list(None).await, expected);
    assert_eq!(list(Some("acme")).await, of("acme"));
    assert_eq!(list(Some("umbrella")).await, of("umbrella"));
    assert!(list(Some("acm")).await.is_empty());
}

pub async fn verify_finds_no_defect(mut world: World) {
    let clean = world.store().verify().await.unwrap();
    assert_eq!((clean.streams, clean.defects), (0, vec![]));
    let run = world.begin("sync").await;
    let ids: Vec<String> = (0..200).map(|nth| nth.to_string()).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    world.save(&run, &ids, 1).await;
    world.save(&run, &ids[..150], 2).await;
    world.delete(&run, &ids[100..]).await;
    world.save(&run, &ids[180..], 3).await;
    for _ in 0..2 {
        let report = world.store().verify().await.unwrap();
        assert_eq!(report.streams, 1);
        assert!(report.records >= 200);
        assert_eq!(report.defects, Vec::<String>::new());
        world.reopen().await;
    }
}
