//! The change feed: its order, its pages, its filters and its cursors.

use crate::world::*;
use tidegate::error::Code;
use tidegate::limits::CHANGE_PAGE_BYTES_MAX;
use tidegate::model::{Action, ChangeFilter, Cursor, SaveMode};

/// A feed of 40 entries with all three actions and gaps where records moved on.
async fn busy(world: &World) {
    let run = world.begin("sync").await;
    let ids: Vec<String> = (0..40).map(|n| format!("r{n:02}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    world.save(&run, &ids, 1).await;
    world.save(&run, &ids[5..15], 2).await;
    world.delete(&run, &ids[10..20]).await;
    world.save(&run, &ids[18..22], 3).await;
}

pub async fn sequences_count_the_changes(world: World) {
    let run = world.begin("sync").await;
    let last = async || world.stats().await.last_sequence;
    assert_eq!(last().await, 0);
    world.save(&run, &["a", "b"], 1).await;
    assert_eq!(last().await, 2);
    world.save(&run, &["a", "b"], 1).await;
    assert_eq!(last().await, 2, "an unchanged record took a sequence");
    world.save(&run, &["b", "c"], 2).await;
    assert_eq!(last().await, 4);
    world.delete(&run, &["nobody"]).await;
    assert_eq!(last().await, 4, "a delete of nothing took a sequence");
    world.delete(&run, &["a"]).await;
    assert_eq!(last().await, 5);
    let places: Vec<_> = world.feed().await.iter().map(|c| c.sequence).collect();
    assert_eq!(places, [3, 4, 5], "b, c, a; the places they left are gaps");
}

pub async fn a_record_stands_in_the_feed_once(world: World) {
    let run = world.begin("sync").await;
    for content in 1..=9 {
        world.save(&run, &["a", "b"], content).await;
    }
    world.delete(&run, &["a"]).await;
    assert_eq!(world.feed_words().await, ["b UPDATED 9", "a DELETED 9"]);
}

pub async fn pages_of_every_size_make_the_same_feed(mut world: World) {
    busy(&world).await;
    for _ in 0..2 {
        let whole = world.feed().await;
        assert_eq!(whole.len(), 40);
        assert!(whole.is_sorted_by(|one, next| one.sequence < next.sequence));
        for limit in 1..=41 {
            let paged = world
                .feed_of(&stream(MODEL), limit, ChangeFilter::ALL)
                .await;
            assert_eq!(paged, whole, "in pages of {limit}");
        }
        world.reopen().await;
    }
}

pub async fn every_combination_of_actions_can_be_asked_for(world: World) {
    busy(&world).await;
    let whole = world.feed().await;
    for bits in 1..8 {
        let every = [Action::Added, Action::Updated, Action::Deleted].into_iter();
        let asked: Vec<Action> = every
            .filter(|action| bits >> (*action as u8 - 1) & 1 == 1)
            .collect();
        let mut expected = whole.clone();
        expected.retain(|change| asked.contains(&change.action));
        assert!(!expected.is_empty(), "{asked:?} tests nothing");
        for limit in [1, 3, 100] {
            let filter = ChangeFilter::of(&asked);
            let found = world.feed_of(&stream(MODEL), limit, filter).await;
            assert_eq!(found, expected, "{asked:?} in pages of {limit}");
        }
    }
}

pub async fn a_reader_who_waits_sees_only_what_is_new(mut world: World) {
    let run = world.begin("sync").await;
    world.save(&run, &["a", "b"], 1).await;
    let read = async |world: &World, cursor: Option<Cursor>| {
        let page = world.page(MODEL, cursor);
        let page = page.await.unwrap();
        assert!(!page.more);
        let words: Vec<String> = page.changes.iter().map(words).collect();
        (words, Some(page.cursor))
    };
    let (first, cursor) = read(&world, None).await;
    assert_eq!(first, ["a ADDED 1", "b ADDED 1"]);
    let (nothing, cursor) = read(&world, cursor).await;
    assert!(nothing.is_empty());
    world.save(&run, &["a", "c"], 2).await;
    let (news, cursor) = read(&world, cursor).await;
    assert_eq!(news, ["a UPDATED 2", "c ADDED 2"]);
    world.end(&run, failed()).await;
    world.reopen().await;
    let (nothing, _) = read(&world, cursor).await;
    assert!(nothing.is_empty(), "a restart repeated {nothing:?}");
}

pub async fn the_cursor_of_an_empty_stream_stays_good(world: World) {
    let empty = world.page(MODEL, None).await.unwrap();
    assert!(empty.changes.is_empty() && !empty.more);
    let run = world.begin("sync").await;
    world
        .try_save(&run, "Deal", &lines(&["x"], 1), SaveMode::Override)
        .await
        .unwrap();
    world.save(&run, &["a"], 1).await;
    let page = world.page(MODEL, Some(empty.cursor));
    assert_eq!(words(&page.await.unwrap().changes[0]), "a ADDED 1");
}

pub async fn a_cursor_that_does_not_fit_is_stale(world: World) {
    let run = world.begin("sync").await;
    world.save(&run, &["a", "b"], 1).await;
    world
        .try_save(&run, "Deal", &lines(&["x", "y"], 1), SaveMode::Override)
        .await
        .unwrap();
    let read = async |name: &str, cursor| world.page(name, cursor).await;
    let good = read(MODEL, None).await.unwrap().cursor;
    let stale = [
        ("another stream", "Deal", good),
        ("no stream", "Nothing", good),
        (
            "before a restore",
            MODEL,
            Cursor {
                epoch: good.epoch + 1,
                ..good
            },
        ),
        (
            "the future",
            MODEL,
            Cursor {
                sequence: good.sequence + 1,
                ..good
            },
        ),
        (
            "the far future",
            MODEL,
            Cursor {
                sequence: u64::MAX,
                ..good
            },
        ),
        ("no store's", MODEL, Cursor { stream: 0, ..good }),
    ];
    for (what, name, cursor) in stale {
        assert_eq!(
            code(read(name, Some(cursor)).await),
            Code::CursorStale,
            "{what}"
        );
    }
    for sequence in 0..=good.sequence {
        let cursor = Cursor { sequence, ..good };
        assert!(read(MODEL, Some(cursor)).await.is_ok(), "at {sequence}");
    }
}

pub async fn a_page_ends_by_its_bytes_too(world: World) {
    let run = world.begin("sync").await;
    let text = "x".repeat(900 * 1024);
    let count = CHANGE_PAGE_BYTES_MAX / text.len() + 3;
    for nth in 0..count {
        let ndjson = format!(r#"{{"id":"{nth}","text":"{text}"}}"#);
        let saved = world.try_save(&run, MODEL, &ndjson, SaveMode::Override);
        saved.await.unwrap();
    }
    let key = stream(MODEL);
    let page = world.store().changes(&key, None, 100, ChangeFilter::ALL);
    let page = page.await.unwrap();
    let bytes: usize = page.changes.iter().map(|change| change.body.len()).sum();
    // A store may end it before or after the record that reaches the limit.
    assert!(
        page.more && bytes < CHANGE_PAGE_BYTES_MAX + 2 * text.len(),
        "{bytes} bytes"
    );
    assert_eq!(world.feed().await.len(), count);
}
