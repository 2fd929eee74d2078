use super::*;
use crate::model::{ConnectionKey, SyncName, Variant};
use proptest::prelude::*;

/// Twice an hour, at times that are not evenly apart.
const UNEVEN: &str = "cron: 0,20 * * * *";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn frequency(text: &str) -> Frequency {
    Frequency::parse(text).unwrap()
}

fn key([environment, integration, id]: [&str; 3], sync: &str, variant: &str) -> SyncKey {
    SyncKey {
        connection: ConnectionKey::new(environment, integration, id).unwrap(),
        sync: SyncName::new(sync).unwrap(),
        variant: Variant::new(variant).unwrap(),
    }
}

/// A frequency, its spread, and a moment between 1970 and 2600.
fn any_interval() -> impl Strategy<Value = (Frequency, u64, Timestamp)> {
    let nanos = 0i128..20_000_000_000_000_000_000;
    (30u64..=31 * DAY, any::<u64>(), nanos).prop_map(|(seconds, spread, nanos)| {
        let now = Timestamp::from_nanosecond(nanos).unwrap();
        (frequency(&format!("{seconds}s")), spread, now)
    })
}

fn any_frequency() -> impl Strategy<Value = (Frequency, u64, Timestamp)> {
    let cron = prop::sample::select(vec![
        "cron: * * * * *",
        "cron: */7 3-5 * * *",
        "cron: 0 3 * * *",
        "cron: 30 2 29 2 *",
        "cron: 0 6 * * 1",
    ]);
    (any_interval(), cron, any::<bool>()).prop_map(|((interval, spread, now), cron, is_cron)| {
        let chosen = if is_cron { frequency(cron) } else { interval };
        (chosen, spread, now)
    })
}

#[test]
fn the_grammar_reads() {
    for (text, seconds, shown) in [
        ("every 5 minutes", 5 * MINUTE, "5 minutes"),
        ("5 minutes", 5 * MINUTE, "5 minutes"),
        ("every 5m", 5 * MINUTE, "5m"),
        ("5m", 5 * MINUTE, "5m"),
        ("every 6min", 6 * MINUTE, "6min"),
        ("every 30 minutes", 30 * MINUTE, "30 minutes"),
        ("every hour", HOUR, "hour"),
        ("hour", HOUR, "hour"),
        ("every 1h", HOUR, "1h"),
        ("every 1 hour", HOUR, "1 hour"),
        ("every 6 hours", 6 * HOUR, "6 hours"),
        ("every day", DAY, "day"),
        ("every 1 day", DAY, "1 day"),
        ("every week", 7 * DAY, "week"),
        ("every month", 30 * DAY, "month"),
        ("month", 30 * DAY, "month"),
        ("every half hour", 30 * MINUTE, "half hour"),
        ("half hour", 30 * MINUTE, "half hour"),
        ("every quarter hour", 15 * MINUTE, "quarter hour"),
        ("quarter hour", 15 * MINUTE, "quarter hour"),
        ("every half day", 12 * HOUR, "half day"),
        ("half day", 12 * HOUR, "half day"),
        // Each unit alone and with a number, with and without the space.
        ("30s", 30, "30s"),
        ("30 sec", 30, "30 sec"),
        ("45secs", 45, "45secs"),
        ("every 90 second", 90, "90 second"),
        ("30 seconds", 30, "30 seconds"),
        ("m", MINUTE, "m"),
        ("min", MINUTE, "min"),
        ("2 mins", 2 * MINUTE, "2 mins"),
        ("every minute", MINUTE, "minute"),
        ("minutes", MINUTE, "minutes"),
        ("h", HOUR, "h"),
        ("3 hr", 3 * HOUR, "3 hr"),
        ("3hrs", 3 * HOUR, "3hrs"),
        ("d", DAY, "d"),
        ("31d", 31 * DAY, "31d"),
        ("31 days", 31 * DAY, "31 days"),
        ("744 hours", 31 * DAY, "744 hours"),
        ("2 weeks", 14 * DAY, "2 weeks"),
        ("1 month", 30 * DAY, "1 month"),
        // Nango's own oddities: the space before a bare unit, a tab, leading zeros.
        ("every  minute", MINUTE, "minute"),
        ("5\tminutes", 5 * MINUTE, "5 minutes"),
        ("005 minutes", 5 * MINUTE, "5 minutes"),
    ] {
        let read = frequency(text);
        let interval = read.interval_at(Timestamp::UNIX_EPOCH);
        assert_eq!(interval, Duration::from_secs(seconds), "{text}");
        assert_eq!(read.without_every(), shown, "{text}");
        assert_eq!(read.to_string(), format!("every {shown}"), "{text}");
        assert_eq!(frequency(&read.to_string()), read, "{text}");
        assert_eq!(frequency(read.without_every()), read, "{text}");
    }
}

#[test]
fn a_cron_expression_reads() {
    let now = at("2026-03-04T10:20:30Z");
    for (text, shown, first) in [
        ("cron: 0 3 * * *", "cron: 0 3 * * *", "2026-03-05T03:00:00Z"),
        (
            "cron:*/5  * * * *",
            "cron: */5 * * * *",
            "2026-03-04T10:25:00Z",
        ),
        (
            "cron: 0 6 * * MON",
            "cron: 0 6 * * MON",
            "2026-03-09T06:00:00Z",
        ),
        (
            "cron: 0 0 29 2 *",
            "cron: 0 0 29 2 *",
            "2028-02-29T00:00:00Z",
        ),
        // The rarest there is: a 29 February on a Monday.
        (
            "cron: 0 0 29 2 +1",
            "cron: 0 0 29 2 +1",
            "2044-02-29T00:00:00Z",
        ),
        // Day and weekday both given: either will do, as in every cron.
        (
            "cron: 0 0 13 * 5",
            "cron: 0 0 13 * 5",
            "2026-03-06T00:00:00Z",
        ),
        // No clock here is put forward in summer.
        (
            "cron: 30 2 29 3 *",
            "cron: 30 2 29 3 *",
            "2026-03-29T02:30:00Z",
        ),
    ] {
        let read = frequency(text);
        assert_eq!(read.to_string(), shown);
        assert_eq!(read.without_every(), shown);
        assert_eq!(frequency(shown), read);
        assert_eq!(read.first_due(now, 12_345), at(first), "{text}");
    }
    let daily = frequency("cron: 0 3 * * *");
    assert_eq!(daily.interval_at(now), Duration::from_secs(DAY));
}

#[test]
fn what_is_no_frequency_is_refused_with_its_reason() {
    let long = format!("every {} minutes", "0".repeat(NAME_BYTES_MAX));
    for (text, says) in [
        // Too short.
        ("every 29 seconds", "too short; the shortest is 30 seconds"),
        ("s", "too short"),
        ("every second", "too short"),
        ("0 minutes", "too short"),
        // Too long.
        ("32 days", "too long; the longest is 31 days"),
        ("745 hours", "too long"),
        ("2 months", "too long"),
        ("99999999999999999999999 hours", "too long"),
        ("18446744073709551615 days", "too long"),
        // Not in the grammar.
        ("", "names no unit"),
        ("every ", "names no unit"),
        ("5", "names no unit"),
        ("every", "`every` is no unit"),
        ("every 5 fortnights", "`fortnights` is no unit"),
        ("every  5 minutes", "is no unit"),
        ("5  minutes", "is no unit"),
        ("1.5 hours", "`.5 hours` is no unit"),
        ("-5 minutes", "is no unit"),
        ("every 5 minutes ", "is no unit"),
        (" every 5 minutes", "is no unit"),
        ("Every 5 minutes", "is no unit"),
        ("every 5 Minutes", "is no unit"),
        ("every 2 half days", "is no unit"),
        ("every 2 half day", "is no unit"),
        ("half week", "is no unit"),
        ("every every hour", "is no unit"),
        ("5 minutes 3 seconds", "is no unit"),
        ("PT5M", "is no unit"),
        ("monday", "is no unit"),
        ("٥ minutes", "is no unit"),
        ("0 3 * * *", "is no unit"),
        ("5 minu\nte", "minu\\nte"),
        (&long, "limit 255"),
        // Not cron, or not one that ever comes, or one with seconds or a year.
        ("cron:", "this one has 0"),
        ("cron: 0 3 * *", "this one has 4"),
        ("cron: 0 0 3 * * *", "this one has 6"),
        ("cron: 0 0 3 * * * 2027", "this one has 7"),
        ("cron: @daily", "this one has 1"),
        ("Cron: 0 3 * * *", "is no unit"),
        ("every cron: 0 3 * * *", "is no unit"),
        ("cron: 60 3 * * *", "cron: 60 3"),
        ("cron: 0 24 * * *", "cron: 0 24"),
        ("cron: 0 3 0 * *", "cron: 0 3 0"),
        ("cron: 0 3 * 13 *", "cron: 0 3 * 13"),
        ("cron: 0 3 * * 8", "cron: 0 3 * * 8"),
        ("cron: */0 3 * * *", "cron: */0"),
        ("cron: a b c d e", "cron: a b"),
        ("cron: 0 3 * * ſun", "more than ASCII"),
        ("cron: 0 0 30 2 *", "no such day ever comes"),
        ("cron: 0 0 31 2,4,6,9,11 *", "no such day ever comes"),
    ] {
        let error = Frequency::parse(text).unwrap_err();
        let fits = match &error {
            FrequencyError::TooShort { .. } => says.starts_with("too short"),
            FrequencyError::TooLong { .. } => says.starts_with("too long"),
            FrequencyError::NotUnderstood { .. } => !says.starts_with("too "),
        };
        let error = Error::from(error);
        assert!(
            fits && error.message.contains(says),
            "{text}: {}",
            error.message
        );
        assert_eq!(error.code, Code::InvalidArgument);
    }
}

#[test]
fn a_frequency_is_stored_as_its_text() {
    let read = frequency("5m");
    let json = serde_json::to_string(&read).unwrap();
    assert_eq!(json, r#""every 5m""#);
    assert_eq!(serde_json::from_str::<Frequency>(&json).unwrap(), read);
    let refused = serde_json::from_str::<Frequency>(r#""every 5s""#).unwrap_err();
    assert!(refused.to_string().contains("too short"), "{refused}");
}

#[test]
fn due_times_by_example() {
    // Last due, now, what is due next, how many were missed; spread 0 is the whole grid.
    let rows = [
        ("5m", "10:00:00", "10:00:00.2", "10:05:00", 0),
        ("5m", "10:00:00", "10:04:59.999999", "10:05:00", 0),
        ("5m", "10:00:00", "10:05:00", "10:10:00", 1),
        ("5m", "10:00:00", "13:02:00", "13:05:00", 36),
        // The last due time was off the grid: a retry, or started by hand.
        ("5m", "10:02:00", "10:02:01", "10:05:00", 0),
        // The clock was set back by half a second: 10:00 has run.
        ("5m", "10:00:00", "09:59:59.5", "10:05:00", 0),
        // By 2 minutes, still under half an interval; by 3 minutes, over it.
        ("5m", "10:00:00", "09:58:00", "10:05:00", 0),
        ("5m", "10:00:00", "09:57:00", "10:00:00", 0),
        // By hours.
        ("5m", "10:00:00", "07:01:00", "07:05:00", 0),
        (UNEVEN, "10:00:00", "10:00:00.2", "10:20:00", 0),
        (UNEVEN, "10:00:00", "12:30:00", "13:00:00", 5),
        (UNEVEN, "10:00:00", "09:59:59.5", "10:20:00", 0),
        (UNEVEN, "10:00:00", "07:01:00", "07:20:00", 0),
    ];
    for (text, last, now, next, missed) in rows {
        let day = |time: &str| at(&format!("2026-03-04T{time}Z"));
        let due = frequency(text).next_due(day(last), day(now), 0);
        let at = day(next);
        assert_eq!(due, Due { at, missed }, "{text} {last} {now}");
    }
}

#[test]
fn missed_times_of_cron_are_counted_to_their_limit() {
    let minutely = frequency("cron: * * * * *");
    let due = minutely.next_due(at("2026-01-01T00:00:00Z"), at("2036-01-01T00:00:30Z"), 0);
    assert_eq!(due.missed, CRON_MISSED_COUNTED_MAX);
    assert_eq!(due.at, at("2036-01-01T00:01:00Z"));
}

#[test]
fn the_end_of_the_calendar_is_no_panic() {
    for text in ["30s", "31d", "cron: 0 3 * * *"] {
        let read = frequency(text);
        for now in [Timestamp::MIN, Timestamp::MAX] {
            let due = read.next_due(Timestamp::MIN, now, 7).at;
            assert!(due >= now, "{text}");
            read.settle(Timestamp::MAX, now, 7);
            read.interval_at(now);
        }
    }
}

#[test]
fn ten_thousand_syncs_are_spread_evenly_over_a_minute() {
    let read = frequency("every minute");
    let now = at("2026-03-04T10:20:30.5Z");
    let mut seconds = [0u32; MINUTE as usize];
    const KEYS: u32 = 10_000;
    for number in 0..KEYS {
        let user = format!("user-{number}");
        let key = key(["prod", "crm", &user], "contacts", "base");
        let due = read.first_due(now, spread_of(&key));
        assert!(due > now && due.duration_since(now).as_secs() <= 60);
        seconds[(due.as_second() % 60) as usize] += 1;
    }
    let expected = f64::from(KEYS) / seconds.len() as f64;
    let chi_square: f64 = seconds
        .iter()
        .map(|found| (f64::from(*found) - expected).powi(2) / expected)
        .sum();
    // Of even spreads, one in a thousand is above 98 at 59 degrees of freedom; the keys
    // are fixed, so the figure is too.
    assert!(chi_square < 98.0, "{chi_square}: {seconds:?}");
}

#[test]
fn the_spread_of_a_key_stays_and_each_part_of_it_counts() {
    let keys = [
        key(["prod", "crm", "u"], "contacts", "base"),
        key(["dev", "crm", "u"], "contacts", "base"),
        key(["prod", "erp", "u"], "contacts", "base"),
        key(["prod", "crm", "v"], "contacts", "base"),
        key(["prod", "crm", "u"], "deals", "base"),
        key(["prod", "crm", "u"], "contacts", "eu"),
    ];
    let spreads: std::collections::BTreeSet<u64> = keys.iter().map(spread_of).collect();
    assert_eq!(spreads.len(), keys.len());
    // A host that computed another one would move every schedule at an upgrade.
    assert_eq!(spread_of(&keys[0]), SPREAD_OF_THE_FIRST);
}

/// What the first release gave for `prod`, `crm`, `u`, `contacts`, `base`.
const SPREAD_OF_THE_FIRST: u64 = 11_125_619_753_842_138_082;

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "(every )?[0-9]{0,3}[ \\t]?[a-z ]{0,12}") {
        if let Ok(read) = Frequency::parse(&text) {
            prop_assert_eq!(Frequency::parse(&read.to_string()).unwrap(), read);
        }
    }

    #[test]
    fn any_cron_is_read_or_refused(text in "cron:( [0-9*/,LW#?+-]{1,6}){5}") {
        if let Ok(read) = Frequency::parse(&text) {
            let now = at("2026-03-04T10:20:30.5Z");
            let due = read.first_due(now, 0);
            prop_assert!(due > now && due < at("2100-01-01T00:00:00Z"), "{} {}", text, due);
        }
    }

    #[test]
    fn the_first_run_is_within_one_interval((read, spread, now) in any_interval()) {
        let due = read.first_due(now, spread);
        let wait = due.duration_since(now).unsigned_abs();
        prop_assert!(due > now && wait <= read.interval_at(now));
        // One grid whenever it is asked.
        prop_assert_eq!(read.first_due(due, spread).duration_since(due).unsigned_abs(),
            read.interval_at(now));
    }

    /// A host whose clock only goes forward, with any downtime: no run is due twice at
    /// once, and runs and missed times together are all the slots that went by.
    #[test]
    fn after_downtime_one_run_stands_for_all_that_was_missed(
        (read, spread, start) in any_interval(),
        steps in prop::collection::vec(0.0f64..40.0, 1..20),
    ) {
        let interval = read.interval_at(start);
        let (mut now, mut due) = (start, read.first_due(start, spread));
        let mut accounted = 0;
        for step in steps {
            now += interval.mul_f64(step * step / 40.0);
            due = read.settle(due, now, spread);
            if due <= now {
                let next = read.next_due(due, now, spread);
                accounted += 1 + next.missed;
                prop_assert!(next.at > now && next.at > due);
                due = next.at;
            }
        }
        prop_assert_eq!(accounted, read.slots_between(start, now, spread));
    }

    /// A clock that jumps to and fro by any amount: what is due is never out of reach.
    #[test]
    fn no_jump_of_the_clock_puts_a_sync_to_sleep(
        (read, spread, start) in any_frequency(),
        jumps in prop::collection::vec((any::<bool>(), 0.0f64..5.0), 1..20),
    ) {
        let (mut now, mut due) = (start, read.first_due(start, spread));
        for (back, jump) in jumps {
            let jump = read.interval_at(start).mul_f64(jump.powi(3));
            let moved = if back { now.checked_sub(jump) } else { now.checked_add(jump) };
            now = moved.unwrap_or(start).clamp(Timestamp::UNIX_EPOCH, at("3000-01-01T00:00:00Z"));
            due = read.settle(due, now, spread);
            if due <= now {
                due = read.next_due(due, now, spread).at;
            }
            let first = read.first_due(now, spread);
            let second = read.first_due(first, spread);
            let slot = second.duration_since(first);
            prop_assert!(due > now && due <= second);
            prop_assert!(due <= first || first.duration_since(now) <= slot / 2);
            prop_assert!(read.next_due(due, now, spread).at > now);
        }
    }

    /// A clock set back by up to half an interval after a run does not run its slot again.
    #[test]
    fn a_small_step_back_repeats_no_slot(
        (read, spread, start) in any_interval(),
        late in 0.0f64..0.99,
        back in 0.0f64..0.5,
    ) {
        let interval = read.interval_at(start);
        let slot = read.first_due(start, spread);
        let ran_at = slot + interval.mul_f64(late);
        let next = read.next_due(slot, ran_at, spread).at;
        let now = ran_at - interval.mul_f64(back);
        prop_assert_eq!(read.settle(next, now, spread), next);
        let again = read.next_due(slot, now, spread).at;
        prop_assert!(again > slot && again > now);
    }
}
