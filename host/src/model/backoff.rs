//! How long a sync that failed waits before it is run again.

use std::time::Duration;

/// The wait after the first failure in a row; it doubles with each further one.
pub const RETRY_FIRST: Duration = Duration::from_secs(30);
/// The longest wait, which no further failure lengthens: an app should not be kept
/// behind for longer than an hour by a provider that is back.
pub const RETRY_MAX: Duration = Duration::from_secs(3600);

/// How long to wait after `failures` runs failed in a row, for a sync of that `interval`
/// (see [`super::Frequency::interval_at`]): [`RETRY_FIRST`] doubled with each, but neither
/// over the interval nor over [`RETRY_MAX`]. `random` (any number, evenly drawn) takes up
/// to half of it away, so that syncs which one outage failed do not come back together.
pub fn retry_after(failures: u32, interval: Duration, random: u64) -> Duration {
    let Some(doublings) = failures.checked_sub(1) else {
        return Duration::ZERO;
    };
    let factor = 1u32.checked_shl(doublings).unwrap_or(u32::MAX);
    let whole = RETRY_FIRST
        .saturating_mul(factor)
        .min(interval)
        .min(RETRY_MAX);
    // At most an hour, so it fits 64 bits.
    let nanos = whole.as_nanos() as u64;
    let taken = (u128::from(nanos / 2) * u128::from(random)) >> u64::BITS;
    whole - Duration::from_nanos(taken as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOUR: Duration = Duration::from_secs(3600);
    const DAY: Duration = Duration::from_secs(86_400);

    #[test]
    fn the_wait_doubles_up_to_the_interval_and_an_hour() {
        for (failures, interval, seconds) in [
            (0, DAY, 0),
            (1, DAY, 30),
            (2, DAY, 60),
            (3, DAY, 120),
            (7, DAY, 1920),
            (8, DAY, 3600),
            (33, DAY, 3600),
            (34, DAY, 3600),
            (u32::MAX, DAY, 3600),
            (5, HOUR / 12, 300),
            (2, Duration::from_secs(30), 30),
        ] {
            let longest = retry_after(failures, interval, 0);
            assert_eq!(longest.as_secs(), seconds, "{failures} {interval:?}");
        }
    }

    #[test]
    fn the_random_number_takes_away_up_to_half() {
        let wait = |random| retry_after(4, DAY, random).as_secs_f64();
        assert_eq!(wait(0), 240.0);
        assert_eq!(wait(u64::MAX / 2 + 1), 180.0);
        assert!((wait(u64::MAX) - 120.0).abs() < 1e-6);
    }

    proptest! {
        #[test]
        fn a_wait_is_never_shorter_than_half_nor_longer_than_whole(
            failures in 1u32..,
            seconds in 30u64..31 * 86_400,
            random: u64,
        ) {
            let interval = Duration::from_secs(seconds);
            let wait = retry_after(failures, interval, random);
            let whole = retry_after(failures, interval, 0);
            prop_assert!(wait <= whole && wait * 2 >= whole);
            prop_assert!(whole <= interval.min(RETRY_MAX) && whole >= RETRY_FIRST);
            prop_assert!(retry_after(failures.saturating_add(1), interval, 0) >= whole);
        }
    }
}
