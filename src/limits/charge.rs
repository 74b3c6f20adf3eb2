//! What is charged at once: for each key that it concerns, how much of what.

use super::bucket::Bucket;
use super::keys::Key;
use super::seen::SubjectHash;
use crate::config::meant::{Dimension, Scope, ScopedRate};
use crate::config::units::Rate;
use std::fmt;

/// So much of everything that is counted as a sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Amounts {
    pub(super) requests: u64,
    pub(super) records: u64,
    pub(super) bytes: u64,
}

impl Amounts {
    pub(super) const ONE_REQUEST: Amounts = Amounts { requests: 1, records: 0, bytes: 0 };

    /// Subjects are no sum.
    pub(super) fn of(&self, dimension: Dimension) -> u64 {
        match dimension {
            Dimension::Requests => self.requests,
            Dimension::Records => self.records,
            Dimension::Bytes => self.bytes,
            Dimension::Subjects => 0,
        }
    }
}

/// What one key is charged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) scope: Scope,
    pub(super) key: Key,
    pub(super) amounts: Amounts,
    pub(super) subjects: Vec<SubjectHash>,
}

/// How strictly a charge is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taking {
    /// If all of it is there, and one in so many of what else would be allowed.
    IfThere { share: u64 },
    /// Not taken: only whether it is there.
    Look,
    /// Taken, there or not: somebody else has decided.
    Anyway,
}

/// Over a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverLimit {
    /// Whose.
    pub scope: Scope,
    /// Of what; none if too many long reads are under way.
    pub limit: Limit,
    /// Whole seconds until as much is let through, at least 1.
    pub retry_after_s: u64,
}

/// What was used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// A rate.
    Rate(Dimension, Rate),
    /// So many long reads at a time.
    LongReads(u32),
}

impl OverLimit {
    /// What was used up, for metrics.
    pub fn dimension(&self) -> &'static str {
        match self.limit {
            Limit::Rate(dimension, _) => dimension.name(),
            Limit::LongReads(_) => "long-reads",
        }
    }
}

/// For operators; words and figures of the deployment, nobody's name.
impl fmt::Display for OverLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scope = self.scope.name();
        match self.limit {
            Limit::Rate(dimension, rate) => {
                let (most, name, seconds) = (rate.most, dimension.name(), rate.per.as_secs());
                write!(f, "over the limit of {most} {name} in {seconds} s by {scope}")
            }
            Limit::LongReads(most) => write!(f, "over the limit of {most} long reads by {scope}"),
        }
    }
}

/// What is left to a reader of the rate of which the least is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Left {
    /// Its position among the rates of readers.
    pub(super) rate: usize,
    /// How much that is.
    pub(super) rest: u64,
    /// Seconds until all of it is back; of subjects, until the first is.
    pub(super) reset_s: u64,
    /// What is left as a share of the whole: near enough to compare by.
    pub(super) millionths: u64,
}

impl Left {
    pub(super) fn new(rate: usize, most: u64, left: u64, reset_us: u64) -> Left {
        let share = u128::from(left).saturating_mul(1_000_000).checked_div(u128::from(most));
        let millionths = u64::try_from(share.unwrap_or_default()).unwrap_or(u64::MAX);
        Left { rate, rest: left, reset_s: reset_us.div_ceil(1_000_000), millionths }
    }

    /// From what was taken: microseconds until a bucket is full again, or subjects seen.
    pub(super) fn of(position: usize, rate: &ScopedRate, taken: u64) -> Left {
        let (most, bucket) = (rate.rate.most.get(), Bucket::new(rate.rate));
        if rate.is_of_subjects() {
            return Left::new(position, most, most.saturating_sub(taken), bucket.per_us());
        }
        Left::new(position, most, bucket.left(taken, 0), taken)
    }
}
