//! The figures of one key, and what the rates of its scope say of them.

use super::bucket::{Bucket, TimeUs, WaitUs};
use super::charge::{Left, Line, Taking};
use super::seen::{Seen, SeenLimit};
use crate::config::meant::{Dimension, Scope, ScopedRate};

/// How long those wait for whom there is no room to be remembered, microseconds.
const NO_ROOM_US: u64 = 60_000_000;

/// The rates of one scope, by the position of their figures in a row.
#[derive(Debug)]
pub(super) struct Columns {
    pub(super) buckets: Vec<(Bucket, ScopedRate)>,
    pub(super) seen: Vec<(SeenLimit, ScopedRate)>,
}

/// The figures of one key.
#[derive(Debug)]
pub(super) struct Row {
    /// When each bucket is full again.
    pub(super) full_at: Box<[TimeUs]>,
    pub(super) seen: Box<[Seen]>,
}

impl Columns {
    pub(super) fn of(scope: Scope, rates: &[ScopedRate]) -> Columns {
        let (mut buckets, mut seen) = (Vec::new(), Vec::new());
        for rate in rates.iter().filter(|rate| rate.scope == scope) {
            if rate.dimension == Dimension::Subjects {
                seen.push((SeenLimit::new(rate.rate), *rate));
            } else {
                buckets.push((Bucket::new(rate.rate), *rate));
            }
        }
        Columns { buckets, seen }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.buckets.is_empty() && self.seen.is_empty()
    }

    /// The rates in their order in a row, sums first.
    pub(super) fn rates(&self) -> impl Iterator<Item = &ScopedRate> {
        let buckets = self.buckets.iter().map(|(_, rate)| rate);
        buckets.chain(self.seen.iter().map(|(_, rate)| rate))
    }

    pub(super) fn new_row(&self) -> Row {
        let full_at = self.buckets.iter().map(|_| 0).collect();
        Row { full_at, seen: self.seen.iter().map(|_| Seen::default()).collect() }
    }

    /// Which rate refuses this line for longest. `room`: so many more subjects can be remembered.
    pub(super) fn refuses(
        &self,
        row: &mut Row,
        line: &Line,
        now: TimeUs,
        taking: Taking,
        room: usize,
    ) -> Option<(WaitUs, ScopedRate)> {
        let share = match taking {
            Taking::IfThere { share } => share.max(1),
            Taking::Look => 1,
            Taking::Anyway => return None,
        };
        let buckets = self.buckets.iter().zip(&row.full_at).filter_map(|((bucket, rate), at)| {
            let amount = line.amounts.of(rate.dimension).saturating_mul(share);
            Some((bucket.take(*at, now, amount).err()?, *rate))
        });
        let longest = buckets.max_by_key(|(wait, _)| *wait);
        let seen = self.seen.iter().zip(&mut row.seen).filter_map(|((limit, rate), seen)| {
            match limit.may_see(seen, &line.subjects, now, share) {
                Ok(new) if new <= room => None,
                Ok(_) => Some((WaitUs(NO_ROOM_US), *rate)),
                Err(wait) => Some((wait, *rate)),
            }
        });
        longest.into_iter().chain(seen).max_by_key(|(wait, _)| *wait)
    }

    /// Takes a line.
    pub(super) fn take(&self, row: &mut Row, line: &Line, now: TimeUs, share: u64, room: usize) {
        for ((bucket, rate), full_at) in self.buckets.iter().zip(&mut row.full_at) {
            let amount = line.amounts.of(rate.dimension).saturating_mul(share);
            *full_at = bucket.take_anyway(*full_at, now, amount);
        }
        if line.subjects.len() <= room {
            for seen in &mut row.seen {
                seen.see(&line.subjects, now);
            }
        }
    }

    /// What is left of the rate of which the least is left, as a share of the whole.
    pub(super) fn least_left(&self, row: &Row, now: TimeUs) -> Option<Left> {
        let buckets = self.buckets.iter().zip(&row.full_at).map(|((bucket, rate), full_at)| {
            (rate.rate.most.get(), bucket.left(*full_at, now), full_at.saturating_sub(now))
        });
        let seen = self.seen.iter().zip(&row.seen).map(|((limit, rate), seen)| {
            (rate.rate.most.get(), limit.left(seen), limit.reset_us(seen, now))
        });
        let lefts = buckets.chain(seen).enumerate();
        let lefts =
            lefts.map(|(rate, (most, left, reset_us))| Left::new(rate, most, left, reset_us));
        lefts.min_by_key(|left| left.millionths)
    }

    /// Whether a row is as good as a new one.
    pub(super) fn is_idle(&self, row: &mut Row, now: TimeUs) -> bool {
        for ((limit, _), seen) in self.seen.iter().zip(&mut row.seen) {
            limit.forget(seen, now);
        }
        row.full_at.iter().all(|full_at| *full_at <= now) && row.subjects() == 0
    }
}

impl Row {
    /// Subjects remembered.
    pub(super) fn subjects(&self) -> usize {
        self.seen.iter().map(Seen::len).sum()
    }
}
