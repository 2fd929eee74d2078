use proptest::prelude::*;
use serde_json::Value;
use std::cell::RefCell;
use std::rc::Rc;
use tidegate_sdk::prelude::*;
use tidegate_sdk::testing::{Reply, TestHost};
use tidegate_sdk::window::{Progress, Window, Windows};

fn starts(from: Date, to: Date, every: Every) -> Vec<String> {
    Windows::new(from, to, every)
        .map(|window| window.from.to_string())
        .collect()
}

#[test]
fn windows_lie_where_they_should() {
    let rows: &[(Date, Date, Every, &[&str])] = &[
        // A leap year, and one that is none.
        (
            date(2024, 1, 31),
            date(2024, 5, 1),
            Every::Months(1),
            &["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30"],
        ),
        (
            date(2023, 1, 30),
            date(2023, 4, 1),
            Every::Months(1),
            &["2023-01-30", "2023-02-28", "2023-03-30"],
        ),
        // 29 February, year by year.
        (
            date(2024, 2, 29),
            date(2029, 1, 1),
            Every::Months(12),
            &[
                "2024-02-29",
                "2025-02-28",
                "2026-02-28",
                "2027-02-28",
                "2028-02-29",
            ],
        ),
        // Over the new year, in weeks, and cut at the end.
        (
            date(2025, 12, 25),
            date(2026, 1, 9),
            Every::Weeks(1),
            &["2025-12-25", "2026-01-01", "2026-01-08"],
        ),
        (
            date(2026, 2, 27),
            date(2026, 3, 2),
            Every::Days(1),
            &["2026-02-27", "2026-02-28", "2026-03-01"],
        ),
        // Nothing to do.
        (date(2026, 3, 1), date(2026, 3, 1), Every::Days(1), &[]),
        (date(2026, 3, 2), date(2026, 3, 1), Every::Months(1), &[]),
        // No length is one, not for ever.
        (
            date(2026, 3, 1),
            date(2026, 3, 3),
            Every::Days(0),
            &["2026-03-01", "2026-03-02"],
        ),
        // The end of the calendar.
        (
            date(9999, 11, 30),
            Date::MAX,
            Every::Months(1),
            &["9999-11-30", "9999-12-30"],
        ),
        (
            date(9999, 12, 1),
            Date::MAX,
            Every::Months(u16::MAX),
            &["9999-12-01"],
        ),
    ];
    for (from, to, every, expected) in rows {
        assert_eq!(
            starts(*from, *to, *every),
            *expected,
            "{from} to {to} every {every:?}"
        );
    }
}

#[test]
fn the_month_under_way_ends_with_the_end() {
    let last = Windows::new(date(2026, 1, 1), date(2026, 8, 12), Every::Months(1))
        .last()
        .unwrap();
    assert_eq!(
        last,
        Window {
            from: date(2026, 8, 1),
            to: date(2026, 8, 12)
        }
    );
    assert_eq!(last.since().to_string(), "2026-08-01T00:00:00Z");
    assert_eq!(last.until().to_string(), "2026-08-12T00:00:00Z");
    assert_eq!(last.last_second().to_string(), "2026-08-11T23:59:59Z");
    let far = Window {
        from: Date::MIN,
        to: Date::MAX,
    };
    assert!(
        far.since() < far.last_second(),
        "no date is too far for a timestamp"
    );
}

fn any_date() -> impl Strategy<Value = Date> {
    (1i16..=9990, 1i8..=12, 1i8..=31).prop_map(|(year, month, day)| {
        Date::new(year, month, day.min(date(year, month, 1).days_in_month())).unwrap()
    })
}

fn any_every() -> impl Strategy<Value = Every> {
    (0u8..3, 1u16..40).prop_map(|(unit, length)| match unit {
        0 => Every::Days(length),
        1 => Every::Weeks(length),
        _ => Every::Months(length),
    })
}

proptest! {
    #[test]
    fn windows_cover_the_time_without_gap_or_overlap(from in any_date(), days in 0i64..2_000, every in any_every()) {
        let to = from.saturating_add(days.days());
        let windows: Vec<Window> = Windows::new(from, to, every).collect();
        prop_assert_eq!(windows.is_empty(), from >= to);
        if let (Some(first), Some(last)) = (windows.first(), windows.last()) {
            prop_assert_eq!((first.from, last.to), (from, to));
        }
        for pair in windows.windows(2) {
            prop_assert_eq!(pair[0].to, pair[1].from);
        }
        for window in &windows {
            prop_assert!(window.from < window.to);
        }
    }

    #[test]
    fn months_are_counted_from_the_start_and_never_drift(from in any_date(), months in 1i32..120) {
        let to = from.saturating_add(months.months());
        for (index, window) in Windows::new(from, to, Every::Months(1)).enumerate() {
            // By the calendar alone: the same day of the month, or the last where there is none.
            let month = i32::from(from.month()) - 1 + index as i32;
            let first = date(from.year() + (month / 12) as i16, (month % 12) as i8 + 1, 1);
            prop_assert_eq!(window.from.first_of_month(), first);
            prop_assert_eq!(window.from.day(), from.day().min(first.days_in_month()));
        }
    }

    #[test]
    fn going_on_after_a_day_leaves_out_what_lies_before(from in any_date(), days in 1i64..1_000, at in 0i64..1_100, every in any_every()) {
        let (to, day) = (from.saturating_add(days.days()), from.saturating_add(at.days()));
        let all = Windows::new(from, to, every);
        let rest: Vec<Window> = all.clone().after(day).collect();
        let expected: Vec<Window> = all.filter(|window| window.to > day).map(|window| Window { from: window.from.max(day), ..window }).collect();
        prop_assert_eq!(rest, expected);
    }
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Since {
    day: Date,
}

/// A sync that fetches each month from 15 January to 1 June 2026 and notes which.
fn months(every: Every, from: Date) -> (DataSync, Rc<RefCell<Vec<String>>>) {
    let fetched = Rc::new(RefCell::new(Vec::new()));
    let notes = fetched.clone();
    let sync = DataSync::new("months", "1", move |run: &Run<Since>| {
        let end = run.backfill(from, run.today(), every, |window| {
            run.get("/month").query("from", window.from).send()?;
            notes.borrow_mut().push(window.to_string());
            Ok(Since { day: window.to })
        })?;
        notes
            .borrow_mut()
            .push(format!("new since {}", end.strftime("%F")));
        Ok(())
    });
    (sync, fetched)
}

fn provider() -> TestHost {
    TestHost::new()
        .serve(|_| Reply::json(Value::Null))
        .now("2026-06-01T08:00:00Z")
}

const ALL: [&str; 6] = [
    "2026-01-15 to 2026-02-15",
    "2026-02-15 to 2026-03-15",
    "2026-03-15 to 2026-04-15",
    "2026-04-15 to 2026-05-15",
    "2026-05-15 to 2026-06-01",
    "new since 2026-06-01",
];

#[test]
fn a_backfill_that_is_stopped_anywhere_goes_on_with_the_window_it_was_in() {
    for stop in 1..=5 {
        for by_checkpoint in [false, true] {
            let (sync, fetched) = months(Every::Months(1), date(2026, 1, 15));
            let mut host = provider().with_metadata(json!({"owner": "ada"}));
            if by_checkpoint {
                host.stop_at_checkpoint(stop)
            } else {
                host.stop_at_request(stop)
            }
            assert_eq!(*host.run(&sync).unwrap_err().code(), Code::RunInterrupted);
            // Days later: the plan stays as it was, and so do its windows.
            let mut host = host.now("2026-06-20T08:00:00Z");
            host.run(&sync).unwrap();
            assert_eq!(*fetched.borrow(), ALL, "stopped at {stop}");
            assert_eq!(host.metadata()["owner"], "ada", "the app's own fields stay");
            assert_eq!(host.checkpoint(), json!({"day": "2026-06-01"}));
        }
    }
}

#[test]
fn a_window_that_fails_is_fetched_again_and_named() {
    let (sync, fetched) = months(Every::Months(1), date(2026, 1, 15));
    let mut host = provider()
        .reply("/month?from=2026-03-15", Reply::status(500))
        .reply("/month?from=2026-03-15", Reply::json(1));
    let error = host.run(&sync).unwrap_err();
    assert!(
        error
            .message()
            .starts_with("window 2026-03-15 to 2026-04-15: GET /month answered 500"),
        "{error}"
    );
    host.run(&sync).unwrap();
    assert_eq!(*fetched.borrow(), ALL);
}

#[test]
fn a_complete_backfill_answers_at_once() {
    let (sync, fetched) = months(Every::Months(1), date(2026, 1, 15));
    let mut host = provider();
    host.run(&sync).unwrap();
    let progress: Progress = serde_json::from_value(host.metadata()["window"].clone()).unwrap();
    assert!(progress.is_complete());
    fetched.borrow_mut().clear();
    host.run(&sync).unwrap();
    assert_eq!(*fetched.borrow(), ["new since 2026-06-01"]);
}

#[test]
fn another_length_goes_on_and_an_earlier_start_begins_anew() {
    let mut host = provider();
    host.stop_at_request(3);
    let (sync, fetched) = months(Every::Months(1), date(2026, 1, 15));
    host.run(&sync).unwrap_err();
    let (wider, wider_fetched) = months(Every::Months(2), date(2026, 1, 15));
    host.run(&wider).unwrap();
    assert_eq!(*fetched.borrow(), ALL[..2]);
    assert_eq!(
        *wider_fetched.borrow(),
        [
            "2026-03-15 to 2026-05-15",
            "2026-05-15 to 2026-06-01",
            "new since 2026-06-01"
        ]
    );

    let (later, later_fetched) = months(Every::Months(2), date(2026, 4, 1));
    host.run(&later).unwrap();
    assert_eq!(
        *later_fetched.borrow(),
        ["new since 2026-06-01"],
        "a later start has it all"
    );
    let (earlier, earlier_fetched) = months(Every::Months(6), date(2025, 12, 1));
    host.run(&earlier).unwrap();
    assert_eq!(
        *earlier_fetched.borrow(),
        ["2025-12-01 to 2026-06-01", "new since 2026-06-01"]
    );
}

#[test]
fn progress_is_told_and_a_damaged_one_is_an_error() {
    let (sync, _) = months(Every::Months(1), date(2026, 1, 15));
    let mut host = provider();
    host.run(&sync).unwrap();
    assert_eq!(
        host.progress().first().unwrap(),
        &(ALL[0].to_owned(), 0, Some(5))
    );
    let mut host = provider().with_metadata(json!({"window": {"from": "soon"}}));
    let error = host.run(&sync).unwrap_err();
    assert!(
        error.message().contains("reading `window` of the metadata"),
        "{error}"
    );
}
