//! Different subjects in a window: each with the time at which something about them was last
//! released. Exact, since who was released longer ago than the window is no longer counted; and
//! bounded, since no more are kept than may be seen.

use super::bucket::{TimeUs, WaitUs};
use crate::config::units::Rate;
use std::collections::BTreeMap;

/// Most different subjects in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SeenLimit {
    most: u64,
    per_us: u64,
}

/// A subject, by a keyed hash.
pub(super) type SubjectHash = u64;

/// Who was seen, and when last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    last: BTreeMap<SubjectHash, TimeUs>,
    /// Nobody here was last seen before this.
    oldest: TimeUs,
}

impl SeenLimit {
    pub(super) fn new(rate: Rate) -> SeenLimit {
        let per_us = u64::try_from(rate.per.as_micros()).unwrap_or(u64::MAX);
        SeenLimit { most: rate.most.get(), per_us }
    }

    pub(super) fn per_us(self) -> u64 {
        self.per_us
    }

    /// How many of these would be new, if they may be seen now. `share`: only one in so many of
    /// what else is allowed, at least one.
    pub(super) fn may_see(
        self,
        seen: &mut Seen,
        subjects: &[SubjectHash],
        now: TimeUs,
        share: u64,
    ) -> Result<usize, WaitUs> {
        let most = self.most.checked_div(share).unwrap_or_default().max(1);
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let new = subjects.iter().filter(|subject| !seen.last.contains_key(subject)).count();
        if new == 0 || seen.last.len().saturating_add(new) <= most {
            return Ok(new);
        }
        self.forget(seen, now);
        let new = subjects.iter().filter(|subject| !seen.last.contains_key(subject)).count();
        if new == 0 || seen.last.len().saturating_add(new) <= most {
            return Ok(new);
        }
        let until = seen.oldest.saturating_add(self.per_us);
        Err(WaitUs(if new > most { self.per_us } else { until.saturating_sub(now) }))
    }

    /// Forgets whom the window no longer covers.
    pub(super) fn forget(self, seen: &mut Seen, now: TimeUs) {
        if seen.oldest.saturating_add(self.per_us) > now {
            return;
        }
        seen.last.retain(|_, last| last.saturating_add(self.per_us) > now);
        seen.oldest = seen.last.values().min().copied().unwrap_or(now);
    }

    /// How many more may be seen now.
    pub(super) fn left(self, seen: &Seen) -> u64 {
        self.most.saturating_sub(u64::try_from(seen.last.len()).unwrap_or(u64::MAX))
    }

    /// How long until whoever was seen first is no longer counted.
    pub(super) fn reset_us(self, seen: &Seen, now: TimeUs) -> u64 {
        if seen.last.is_empty() {
            return 0;
        }
        seen.oldest.saturating_add(self.per_us).saturating_sub(now)
    }
}

impl Seen {
    /// These are seen now.
    pub(super) fn see(&mut self, subjects: &[SubjectHash], now: TimeUs) {
        if self.last.is_empty() {
            self.oldest = now;
        }
        for subject in subjects {
            self.last.insert(*subject, now);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.last.len()
    }

    /// For the state file.
    pub(super) fn to_pairs(&self) -> Vec<(SubjectHash, TimeUs)> {
        self.last.iter().map(|(subject, last)| (*subject, *last)).collect()
    }

    /// From the state file.
    pub(super) fn from_pairs(pairs: Vec<(SubjectHash, TimeUs)>) -> Seen {
        let oldest = pairs.iter().map(|(_, last)| *last).min().unwrap_or_default();
        Seen { last: pairs.into_iter().collect(), oldest }
    }
}
