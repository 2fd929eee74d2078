//! How long things are kept: pruning, erasing, forgetting.

use crate::catalog::environment;
use crate::world::*;
use jiff::SignedDuration;
use tidegate::error::Code;
use tidegate::model::{
    CatalogChange, CatalogKey, ChangeFilter, Cursor, Environment, LogLevel, LogLine, Outcome,
    SaveMode,
};
use tidegate::store::{DeleteGuard, ForgetRuns, PassEnd, PruneQuery, Pruned, RunQuery};

async fn prune(world: &World, through: Option<Cursor>, limit: usize) -> (u64, bool) {
    let query = PruneQuery {
        through,
        unchanged_since: None,
        limit,
    };
    let pruned = world.service().prune(&stream(MODEL), query).await;
    let Pruned { count, more } = pruned.unwrap();
    (count, more)
}

/// The ids of the feed, in order; a pruned one with a star.
async fn feed(world: &World) -> Vec<String> {
    let star = |pruned| if pruned { "*" } else { "" };
    let feed = world.feed().await;
    let words = feed
        .iter()
        .map(|change| format!("{}{}", change.id, star(change.pruned.is_some())));
    words.collect()
}

async fn no_defects(world: &World) {
    let report = world.store().verify().await.unwrap();
    assert_eq!(report.defects, Vec::<String>::new());
}

pub async fn a_pruned_record_stays_in_its_place_without_its_content(mut world: World) {
    let run = world.begin("sync").await;
    world.save(&run, &["a", "b", "c"], 1).await;
    world.end(&run, Outcome::Success).await;
    let before = world.feed().await;
    let read = Cursor {
        sequence: before[1].sequence,
        ..world.page(MODEL, None).await.unwrap().cursor
    };
    world.tick();
    assert_eq!(prune(&world, Some(read), 100).await, (2, false));
    assert_eq!(prune(&world, Some(read), 100).await, (0, false));
    for _ in 0..2 {
        assert_eq!(feed(&world).await, ["a*", "b*", "c"]);
        for (was, is) in before.iter().zip(world.feed().await) {
            let pruned = was.id.as_ref() != "c";
            assert_eq!(is.pruned, pruned.then(|| world.now()));
            assert_eq!(
                is.body,
                if pruned {
                    "{}".into()
                } else {
                    was.body.clone()
                }
            );
            assert_eq!(
                (is.sequence, is.action, is.modified, is.first_seen),
                (was.sequence, was.action, was.modified, was.first_seen)
            );
        }
        let found = world.get(&["b"]).await;
        assert_eq!(found[0].as_ref().unwrap().body, "{}");
        no_defects(&world).await;
        world.reopen().await;
    }
}

pub async fn the_same_content_comes_back_and_is_no_change(mut world: World) {
    let run = world.begin("sync").await;
    world.save(&run, &["a", "b"], 1).await;
    let before = world.feed().await;
    prune(&world, None, 100).await;
    assert_eq!(world.save(&run, &["a"], 1).await, (0, 0, 1));
    for _ in 0..2 {
        let feed = world.feed().await;
        assert_eq!(feed[0], before[0]);
        assert!(feed[1].pruned.is_some());
        no_defects(&world).await;
        world.reopen().await;
    }
    let run = world.begin("other").await;
    assert_eq!(world.save(&run, &["b", "a"], 1).await, (0, 0, 2));
    assert_eq!(world.feed().await, before);
}

pub async fn other_content_is_a_change_as_ever(world: World) {
    let run = world.begin("sync").await;
    world.save(&run, &["a", "b"], 1).await;
    prune(&world, None, 100).await;
    assert_eq!(world.save(&run, &["a"], 2).await, (0, 1, 0));
    assert_eq!(feed(&world).await, ["b*", "a"]);
    assert_eq!(prune(&world, None, 100).await, (1, false));
    assert_eq!(feed(&world).await, ["b*", "a*"]);
    // A merge of another run keeps what changed meanwhile, pruned as it is.
    let stats = world.stats().await;
    assert_eq!((stats.live, stats.deleted), (2, 0));
    no_defects(&world).await;
}

pub async fn a_prune_goes_oldest_first_and_says_whether_there_is_more(world: World) {
    let run = world.begin("sync").await;
    let ids: Vec<String> = (0..2_500).map(|number| number.to_string()).collect();
    for ids in ids.chunks(500) {
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        world.save(&run, &ids, 1).await;
    }
    assert_eq!(prune(&world, None, 1).await, (1, true));
    assert_eq!(prune(&world, None, 2_000).await, (2_000, true));
    assert_eq!(prune(&world, None, 499).await, (499, false));
    let feed = world
        .feed_of(&stream(MODEL), 1_000, ChangeFilter::ALL)
        .await;
    assert!(feed.iter().all(|change| change.pruned.is_some()));
    assert_eq!(world.save(&run, &["7", "2400"], 1).await, (0, 0, 2));
    assert_eq!(prune(&world, None, 10).await, (2, false));
    no_defects(&world).await;
}

pub async fn a_prune_by_age_takes_what_did_not_change(world: World) {
    let run = world.begin("sync").await;
    world.save(&run, &["a", "b"], 1).await;
    let since = world.now() + SignedDuration::from_millis(500);
    world.save(&run, &["b", "c"], 2).await;
    let query = PruneQuery {
        through: None,
        unchanged_since: Some(since),
        limit: 10,
    };
    let pruned = world.service().prune(&stream(MODEL), query).await;
    assert_eq!(
        pruned.unwrap(),
        Pruned {
            count: 1,
            more: false
        }
    );
    assert_eq!(feed(&world).await, ["a*", "b", "c"]);
    // The one behind the last that is taken is too young to be more.
    world.save(&run, &["d"], 1).await;
    let query = PruneQuery {
        unchanged_since: Some(world.now()),
        limit: 2,
        ..query
    };
    let pruned = world.service().prune(&stream(MODEL), query).await;
    assert_eq!(
        pruned.unwrap(),
        Pruned {
            count: 2,
            more: false
        }
    );
}

pub async fn a_tombstone_is_pruned_too_and_a_pruned_record_dies_as_one(mut world: World) {
    let run = world.begin("sync").await;
    world.save(&run, &["a", "b", "c"], 1).await;
    world.delete(&run, &["a"]).await;
    assert_eq!(prune(&world, None, 100).await, (3, false));
    world.open_pass(&run, false).await;
    world.save(&run, &["c"], 1).await;
    let end = world.close_pass(&run, DeleteGuard::OFF).await;
    assert_eq!(end, PassEnd::Deleted(boxed(&["b"])));
    for _ in 0..2 {
        assert_eq!(feed(&world).await, ["c", "a*", "b*"]);
        assert_eq!(prune(&world, None, 1).await.0, 1);
        let run = world.begin("other").await;
        assert_eq!(world.save(&run, &["c"], 1).await, (0, 0, 1));
        world.end(&run, Outcome::Success).await;
        no_defects(&world).await;
        world.reopen().await;
    }
    // What comes back after a delete is new, whatever was pruned.
    let run = world.begin("other").await;
    assert_eq!(world.save(&run, &["a", "b"], 1).await, (2, 0, 0));
    assert_eq!(feed(&world).await, ["c", "a", "b"]);
}

pub async fn a_merge_with_a_pruned_record_is_refused(world: World) {
    let run = world.begin("sync").await;
    world.save(&run, &["a", "b"], 1).await;
    let place = world.page(MODEL, None).await.unwrap();
    let first = Cursor {
        sequence: place.changes[0].sequence,
        ..place.cursor
    };
    prune(&world, Some(first), 100).await;
    let patch = "{\"id\":\"b\",\"w\":1}\n{\"id\":\"a\",\"w\":1}\n";
    let merged = world.try_save(&run, MODEL, patch, SaveMode::Merge).await;
    assert_eq!(code(merged), Code::RecordInvalid);
    assert_eq!(world.feed_words().await, ["a ADDED null", "b ADDED 1"]);
    let patch = "{\"id\":\"b\",\"w\":1}\n";
    let merged = world.try_save(&run, MODEL, patch, SaveMode::Merge).await;
    assert_eq!(counts(merged.unwrap()), (0, 1, 0));
}

pub async fn a_prune_up_to_a_foreign_cursor_is_refused(world: World) {
    let run = world.begin("sync").await;
    world.save(&run, &["a"], 1).await;
    let own = world.page(MODEL, None).await.unwrap().cursor;
    for cursor in [
        Cursor {
            epoch: own.epoch + 1,
            ..own
        },
        Cursor {
            stream: own.stream + 1,
            ..own
        },
        Cursor {
            sequence: own.sequence + 1,
            ..own
        },
    ] {
        let query = PruneQuery {
            through: Some(cursor),
            unchanged_since: None,
            limit: 10,
        };
        let pruned = world.service().prune(&stream(MODEL), query).await;
        assert_eq!(code(pruned), Code::CursorStale, "{cursor:?}");
    }
    assert_eq!(feed(&world).await, ["a"]);
}

pub async fn an_erased_connection_has_left_nothing(mut world: World) {
    let mut other = key("sync");
    other.connection = connection("other");
    let (theirs, _) = world.try_begin(&other).await.unwrap();
    world.save(&theirs, &["a"], 1).await;
    world.end(&theirs, Outcome::Success).await;
    let run = world.begin("sync").await;
    world.save(&run, &["a", "b"], 1).await;
    world.checkpoint(&run, "{\"page\":1}").await;
    world.open_pass(&run, false).await;
    prune(&world, None, 1).await;
    let acme = connection("acme");
    let put = world.store().put_metadata(&acme, "{\"a\":1}", false).await;
    put.unwrap();
    world.end(&run, failed()).await;
    let place = world.page(MODEL, None).await.unwrap().cursor;

    world.service().erase(&acme).await.unwrap();
    for _ in 0..2 {
        assert!(world.feed().await.is_empty());
        let stats = world.stats().await;
        assert_eq!((stats.live, stats.deleted), (0, 0));
        assert_eq!(world.store().checkpoint(&key("sync")).await.unwrap(), None);
        assert_eq!(world.store().metadata(&acme).await.unwrap(), "{}");
        assert_eq!(world.store().run(run.run).await.unwrap(), None);
        let all = RunQuery {
            limit: 10,
            ..RunQuery::default()
        };
        let runs = world.store().runs(all).await.unwrap();
        assert_eq!(runs.len(), 1, "{runs:?}");
        let theirs = other.stream(model(MODEL));
        assert_eq!(world.feed_of(&theirs, 9, ChangeFilter::ALL).await.len(), 1);
        no_defects(&world).await;
        world.reopen().await;
    }
    // A reader goes on from where it was.
    let run = world.begin("sync").await;
    assert_eq!(world.save(&run, &["a", "c"], 1).await, (2, 0, 0));
    let page = world.page(MODEL, Some(place)).await.unwrap();
    let new: Vec<String> = page.changes.iter().map(words).collect();
    assert_eq!(new, ["a ADDED 1", "c ADDED 1"]);
    no_defects(&world).await;
}

pub async fn a_connection_with_a_live_run_is_not_erased(world: World) {
    let run = world.begin("sync").await;
    world.save(&run, &["a"], 1).await;
    let erased = world.service().erase(&connection("acme")).await;
    assert_eq!(code(erased), Code::RunConflict);
    assert_eq!(world.feed_words().await, ["a ADDED 1"]);
    world.service().erase(&connection("none")).await.unwrap();
}

pub async fn a_row_of_the_catalog_goes_with_what_it_owned(mut world: World) {
    let put = vec![CatalogChange::Put(environment("prod", 1))];
    world.service().change_catalog(put).await.unwrap();
    let run = world.begin("sync").await;
    world.save(&run, &["a"], 1).await;
    let name = Environment::new("prod").unwrap();
    let go = || {
        vec![
            CatalogChange::Remove(CatalogKey::Environment(name.clone())),
            CatalogChange::Erase(connection("acme")),
        ]
    };
    let refused = world.service().change_catalog(go()).await;
    assert_eq!(code(refused), Code::RunConflict);
    assert_eq!(world.service().catalog().await.unwrap().len(), 1);
    assert_eq!(world.feed().await.len(), 1);
    world.end(&run, Outcome::Success).await;
    world.service().change_catalog(go()).await.unwrap();
    for _ in 0..2 {
        assert_eq!(world.service().catalog().await.unwrap(), vec![]);
        assert!(world.feed().await.is_empty());
        assert_eq!(world.service().announced(9).await.unwrap(), vec![]);
        world.reopen().await;
    }
}

async fn run_with_log(world: &World, sync: &str) -> tidegate::model::RunId {
    let run = world.begin(sync).await;
    let line = LogLine {
        at: world.now(),
        level: LogLevel::Info,
        message: "here".into(),
        attributes: String::new(),
        exchange: None,
    };
    world.store().append_log(&run, vec![line]).await.unwrap();
    world.end(&run, Outcome::Success).await;
    run.run
}

async fn started(world: &World, run: tidegate::model::RunId) -> jiff::Timestamp {
    world.store().run(run).await.unwrap().unwrap().started
}

pub async fn runs_are_forgotten_by_age_and_number(mut world: World) {
    let mut runs = Vec::new();
    for _ in 0..6 {
        runs.push(run_with_log(&world, "one").await);
    }
    let lonely = run_with_log(&world, "two").await;
    let live = world.begin("one").await.run;
    let (never, now) = (jiff::Timestamp::MIN, world.now());
    let forget = async |world: &World, before, logs_before, per_sync| {
        let query = ForgetRuns {
            before,
            logs_before,
            per_sync,
        };
        let forgotten = world.service().forget_runs(query).await.unwrap();
        (forgotten.runs, forgotten.logs)
    };
    let left = async |world: &World| {
        let all = RunQuery {
            limit: 100,
            ..RunQuery::default()
        };
        let mut ids = Vec::new();
        for row in world.store().runs(all).await.unwrap() {
            ids.push((row.id, world.store().run_log(row.id).await.unwrap().len()));
        }
        ids.reverse();
        ids
    };
    assert_eq!(forget(&world, never, never, 100).await, (0, 0));
    assert_eq!(
        forget(&world, started(&world, runs[2]).await, never, 100).await,
        (2, 0)
    );
    // Of `one` there are four and the live one: three are kept.
    assert_eq!(forget(&world, never, never, 3).await, (2, 0));
    assert_eq!(
        forget(&world, never, started(&world, runs[5]).await, 3).await,
        (0, 1)
    );
    for _ in 0..2 {
        assert_eq!(
            left(&world).await,
            [(runs[4], 0), (runs[5], 1), (lonely, 1), (live, 0)]
        );
        world.reopen().await;
    }
    // The last run of each sync stays, however old.
    assert_eq!(forget(&world, now, now, 100).await.0, 2);
    assert_eq!(left(&world).await, [(lonely, 0), (live, 0)]);
}

pub async fn a_run_that_was_not_told_of_is_not_forgotten(world: World) {
    let put = vec![CatalogChange::Put(environment("prod", 1))];
    world.service().change_catalog(put).await.unwrap();
    let first = run_with_log(&world, "one").await;
    let second = run_with_log(&world, "one").await;
    let query = ForgetRuns {
        before: world.now(),
        logs_before: jiff::Timestamp::MIN,
        per_sync: 1,
    };
    let runs = async |world: &World| world.service().forget_runs(query).await.unwrap().runs;
    assert_eq!(runs(&world).await, 0);
    let told = world.service().put_deliveries(Some(first), vec![]).await;
    told.unwrap();
    assert_eq!(runs(&world).await, 1);
    assert!(world.store().run(second).await.unwrap().is_some());
}

pub async fn stored_bytes_are_those_of_the_environment(mut world: World) {
    let (own, other) = (
        Environment::new("prod").unwrap(),
        Environment::new("test").unwrap(),
    );
    let run = world.begin("sync").await;
    assert_eq!(world.store().stored_bytes(&own), 0);
    let ids: Vec<String> = (0..500).map(|number| number.to_string()).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    world.save(&run, &ids, 1).await;
    let full = world.store().stored_bytes(&own);
    assert!(full > 1_000, "{full}");
    assert_eq!(world.store().stored_bytes(&other), 0);
    world.end(&run, Outcome::Success).await;
    world.reopen().await;
    assert_eq!(world.store().stored_bytes(&own), full);
    prune(&world, None, 500).await;
    let pruned = world.store().stored_bytes(&own);
    assert!(pruned < full, "{pruned} of {full}");
    world.reopen().await;
    assert_eq!(world.store().stored_bytes(&own), pruned);
    world.service().erase(&connection("acme")).await.unwrap();
    assert_eq!(world.store().stored_bytes(&own), 0);
}
