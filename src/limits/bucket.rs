//! The arithmetic of one rate: GCRA, as a bucket that holds `most` and fills again in `per`.
//!
//! All that is kept of a bucket is the time at which it is full again. What is taken moves it
//! into the future; further than `per` ahead of now it cannot be. So a rate of `120 per 1m` lets
//! 120 through at once and then one every half second: in any window at most twice `most`, in the
//! long run `most` in each.
//!
//! Why not the crate `governor`, which the tests hold this against: it decides one cell of one key
//! and takes it at once. A charge here is one decision over a dozen cells of several keys, of
//! which none may be taken if one is refused; what is left is shown without taking; times outlive
//! the process; and bytes do not fit its 32 bits.

use crate::config::units::Rate;

/// Microseconds since 1970.
pub(super) type TimeUs = u64;

/// A rate, ready to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bucket {
    most: u64,
    per_us: u64,
}

/// How long until what was asked for is there, microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct WaitUs(pub(super) u64);

impl Bucket {
    pub(super) fn new(rate: Rate) -> Bucket {
        let per_us = u64::try_from(rate.per.as_micros()).unwrap_or(u64::MAX);
        Bucket { most: rate.most.get(), per_us }
    }

    pub(super) fn per_us(self) -> u64 {
        self.per_us
    }

    /// How long it takes until this amount is there again; rounded up, so that no sum of small
    /// amounts is cheaper than a large one.
    pub(super) fn cost_us(self, amount: u64) -> u64 {
        let time = u128::from(amount).saturating_mul(u128::from(self.per_us));
        u64::try_from(time.div_ceil(u128::from(self.most))).unwrap_or(u64::MAX)
    }

    /// When the bucket is full again if this amount is taken now. An amount over `most` is never
    /// there: refused, with the whole window to wait.
    pub(super) fn take(self, full_at: TimeUs, now: TimeUs, amount: u64) -> Result<TimeUs, WaitUs> {
        if amount == 0 {
            return Ok(full_at);
        }
        if amount > self.most {
            return Err(WaitUs(self.per_us));
        }
        let next = self.take_anyway(full_at, now, amount);
        let latest = now.saturating_add(self.per_us);
        if next > latest { Err(WaitUs(next.saturating_sub(latest))) } else { Ok(next) }
    }

    /// The same without asking whether it is there.
    pub(super) fn take_anyway(self, full_at: TimeUs, now: TimeUs, amount: u64) -> TimeUs {
        if amount == 0 {
            return full_at;
        }
        full_at.max(now).saturating_add(self.cost_us(amount))
    }

    /// How much is there.
    pub(super) fn left(self, full_at: TimeUs, now: TimeUs) -> u64 {
        let taken_us = full_at.saturating_sub(now);
        // One microsecond less was taken than rounding made of it.
        let there_us = self.per_us.saturating_sub(taken_us.saturating_sub(1));
        let left = u128::from(there_us).saturating_mul(u128::from(self.most));
        let left = left.checked_div(u128::from(self.per_us)).unwrap_or_default();
        u64::try_from(left).unwrap_or(u64::MAX).min(self.most)
    }
}
