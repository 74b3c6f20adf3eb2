//! How many long reads (streams, `$everything`) of one reader are under way: a rate bounds how
//! much is read, not how much is read at a time.

use super::charge::{Limit, OverLimit};
use super::keys::Key;
use crate::config::meant::Scope;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// When to come again, seconds: how long the others take nobody knows.
const RETRY_AFTER_S: u64 = 5;

/// Those of one process. BOUNDED: no more rows than requests under way.
#[derive(Clone, Debug)]
pub(super) struct LongReads {
    most: u32,
    under_way: Arc<Mutex<HashMap<Key, u32>>>,
}

/// A long read under way, until it is dropped.
#[derive(Debug)]
pub struct LongRead {
    key: Key,
    all: LongReads,
}

impl LongReads {
    pub(super) fn new(most: u32) -> LongReads {
        LongReads { most, under_way: Arc::default() }
    }

    pub(super) fn begin(&self, key: Key) -> Result<LongRead, OverLimit> {
        let mut under_way = self.lock();
        let count = under_way.entry(key).or_default();
        if *count >= self.most {
            let limit = Limit::LongReads(self.most);
            return Err(OverLimit { scope: Scope::Reader, limit, retry_after_s: RETRY_AFTER_S });
        }
        *count = count.saturating_add(1);
        Ok(LongRead { key, all: self.clone() })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, u32>> {
        // Nothing under this lock can panic half way.
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for LongRead {
    fn drop(&mut self) {
        let mut under_way = self.all.lock();
        if let Some(count) = under_way.get_mut(&self.key) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                under_way.remove(&self.key);
            }
        }
    }
}
