//! What was looked up before and still holds, as the engine asks for it.

use super::Found;
use crate::engine::set::PolicySet;
use std::fmt::Debug;
use std::sync::Arc;

/// What was looked up for other bodies a moment ago.
pub trait Kept: Debug + Send + Sync {
    /// What came of the look-up of that target; `Some(None)` is nothing to judge by, `None` that
    /// it is to be asked for.
    fn kept(&self, policy: &PolicySet, target: &str) -> Option<Option<Arc<Found>>>;

    /// Keeps for a moment what all searches for the company of somebody found together, under a
    /// name that is no target.
    fn keep(&self, policy: &PolicySet, name: &str, found: &Arc<Found>);
}

/// Nothing was looked up before.
#[derive(Clone, Copy, Debug)]
pub struct NothingKept;

impl Kept for NothingKept {
    fn kept(&self, _: &PolicySet, _: &str) -> Option<Option<Arc<Found>>> {
        None
    }

    fn keep(&self, _: &PolicySet, _: &str, _: &Arc<Found>) {}
}
