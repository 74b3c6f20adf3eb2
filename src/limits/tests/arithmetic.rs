//! The arithmetic of a bucket against `governor`, and of subjects seen against a slow count.

use super::super::bucket::{Bucket, WaitUs};
use super::super::seen::{Seen, SeenLimit};
use super::*;
use governor::clock::FakeRelativeClock;
use governor::{Quota, RateLimiter};
use proptest::prelude::*;
use std::num::NonZeroU32;

/// One cell of these takes a whole number of microseconds, as governor needs it.
const RATES: [(u32, &str); 6] =
    [(1, "1m"), (3, "1m"), (120, "1m"), (5_000, "1d"), (1_000, "30d"), (60_000, "1h")];

proptest! {
    #[test]
    fn a_bucket_decides_as_governor_does(
        which in 0..RATES.len(),
        steps in prop::collection::vec((0u64..40_000_000, 1u32..150), 1..60),
    ) {
        let (most, per) = RATES[which];
        let rate = rate(&format!("{most} per {per}")).unwrap();
        let clock = FakeRelativeClock::default();
        let quota = Quota::with_period(rate.per / most).unwrap();
        let quota = quota.allow_burst(NonZeroU32::new(most).unwrap());
        let oracle = RateLimiter::direct_with_clock(quota, clock.clone());
        let bucket = Bucket::new(rate);
        let (mut full_at, mut now) = (0, 1_000_000_000_000);
        for (wait_us, amount) in steps {
            // governor is asked at the same moments.
            clock.advance(Duration::from_micros(wait_us));
            now += wait_us;
            let theirs = oracle.check_n(NonZeroU32::new(amount).unwrap());
            let ours = bucket.take(full_at, now, u64::from(amount));
            prop_assert_eq!(ours.is_ok(), matches!(theirs, Ok(Ok(()))), "{} at {}", amount, now);
            if let Ok(next) = ours {
                full_at = next;
            }
        }
    }

    #[test]
    fn what_is_left_can_be_taken_and_no_more(
        most in 1u64..10_000_000_000, taken in 0u64..10_000_000_000, later in 0u64..DAY_US,
    ) {
        let rate = byte_rate(&format!("{most}B per 1d")).unwrap();
        let bucket = Bucket::new(rate);
        let now = 5 * DAY_US;
        let full_at = bucket.take(0, now, taken.min(most)).unwrap();
        let now = now + later;
        let left = bucket.left(full_at, now);
        prop_assert!(left <= most);
        prop_assert!(left >= most - taken.min(most));
        // One microsecond of rounding.
        prop_assert!(bucket.take(full_at, now + 1, left).is_ok());
        let a_second = bucket.per_us().div_ceil(most).max(2);
        prop_assert!(bucket.take(full_at, now, left + 1 + most / bucket.per_us() * a_second).is_err());
    }

    #[test]
    fn subjects_are_counted_exactly(
        most in 1u64..8,
        steps in prop::collection::vec((0u64..MINUTE_US, prop::collection::vec(0u64..12, 1..4)), 1..80),
    ) {
        let limit = SeenLimit::new(rate(&format!("{most} per 1m")).unwrap());
        let mut seen = Seen::default();
        let mut shown: Vec<(u64, u64)> = Vec::new();
        let mut now = 10 * MINUTE_US;
        for (wait, mut subjects) in steps {
            now += wait / 4;
            subjects.sort_unstable();
            subjects.dedup();
            let mut different: Vec<u64> = shown
                .iter()
                .filter(|(at, _)| at + MINUTE_US > now)
                .map(|(_, subject)| *subject)
                .chain(subjects.iter().copied())
                .collect();
            different.sort_unstable();
            different.dedup();
            let known = subjects.iter().all(|subject| {
                shown.iter().any(|(at, one)| one == subject && at + MINUTE_US > now)
            });
            let fits = u64::try_from(different.len()).unwrap() <= most || known;
            let ours = limit.may_see(&mut seen, &subjects, now, 1);
            prop_assert_eq!(ours.is_ok(), fits);
            if ours.is_ok() {
                seen.see(&subjects, now);
                shown.extend(subjects.iter().map(|subject| (now, *subject)));
            }
            prop_assert!(u64::try_from(seen.len()).unwrap() <= most);
        }
    }
}

#[test]
fn bypass_L4_a_cost_above_the_burst_is_refused_for_ever() {
    let bucket = Bucket::new(rate("10 per 1m").unwrap());
    for amount in [11, 12, 1_000, u64::MAX] {
        assert_eq!(bucket.take(0, DAY_US, amount), Err(WaitUs(MINUTE_US)), "{amount}");
    }
    assert_eq!(bucket.take(0, DAY_US, 10), Ok(DAY_US + MINUTE_US));
}

#[test]
fn nothing_costs_nothing_also_when_nothing_is_left() {
    let bucket = Bucket::new(rate("1 per 1m").unwrap());
    let full_at = bucket.take_anyway(0, DAY_US, 500);
    assert_eq!(bucket.take(full_at, DAY_US, 0), Ok(full_at));
    assert_eq!((bucket.left(full_at, DAY_US), bucket.left(0, DAY_US)), (0, 1));
    assert!(bucket.take(full_at, DAY_US, 1).is_err());
}

#[test]
fn small_amounts_are_not_cheaper_than_a_large_one() {
    // A third of a microsecond each, if it were not rounded up.
    let bucket = Bucket::new(byte_rate("180000000B per 1m").unwrap());
    let mut full_at = 0;
    for _ in 0..1_000 {
        full_at = bucket.take(full_at, DAY_US, 1).unwrap();
    }
    assert!(full_at - DAY_US >= bucket.cost_us(1_000));
}
