//! Values by key that are forgotten when their window is over.

use std::collections::HashMap;
use std::time::Duration;

/// Most keys at a time. A reader costs some hundred bytes, with a full set of people some
/// thousand.
pub(super) const KEYS_MAX: usize = 100_000;

/// There is no room for another key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full;

/// Values by key. A window begins with the first use of a key.
#[derive(Debug)]
pub(super) struct Windows<V> {
    per_s: u64,
    keys: HashMap<String, (u64, V)>,
    /// When those that are over were last forgotten.
    swept_s: u64,
}

impl<V: Default> Windows<V> {
    pub(super) fn of(per: Duration) -> Windows<V> {
        Windows { per_s: per.as_secs().max(1), keys: HashMap::new(), swept_s: 0 }
    }

    /// The value of a key in the window of this moment.
    pub(super) fn at(&mut self, key: &str, at_s: u64) -> Result<&mut V, Full> {
        // BOUNDED: [`KEYS_MAX`].
        if self.keys.len() >= KEYS_MAX && !self.keys.contains_key(key) {
            self.sweep(at_s);
            if self.keys.len() >= KEYS_MAX {
                return Err(Full);
            }
        }
        let over = |since: u64| at_s.saturating_sub(since) >= self.per_s;
        let (since, value) =
            self.keys.entry(key.to_owned()).or_insert_with(|| (at_s, V::default()));
        if over(*since) {
            (*since, *value) = (at_s, V::default());
        }
        Ok(value)
    }

    /// Whether a key was used in the window of this moment.
    pub(super) fn is_there(&self, key: &str, at_s: u64) -> bool {
        let since = self.keys.get(key).map(|(since, _)| *since);
        since.is_some_and(|since| at_s.saturating_sub(since) < self.per_s)
    }

    /// Forgets what is over; looks at all keys, so not at every request.
    fn sweep(&mut self, at_s: u64) {
        let pause_s = self.per_s.min(60);
        if at_s.saturating_sub(self.swept_s) < pause_s {
            return;
        }
        self.swept_s = at_s;
        let per_s = self.per_s;
        self.keys.retain(|_, (since, _)| at_s.saturating_sub(*since) < per_s);
    }
}
