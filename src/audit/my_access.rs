//! `/.sequester/my-access`: what a person is told over HTTP of who asked for their records.
//!
//! An [`Account`] is made here and nowhere else, of one person's rows of the index: ids of
//! members, days, counts and names of routes.

use super::AuditLog;
use super::index::Index;
use bytes::Bytes;
use serde_json::json;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::time::{Duration, Instant};

/// How long a request waits for the index: it is long only where a whole log is read anew.
const WAIT_MAX: Duration = Duration::from_secs(2);
const WAIT_STEP: Duration = Duration::from_millis(10);

/// There is no account now: the index is still made, or the log cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoAccount;

/// What a person is told.
pub struct Account {
    bytes: Bytes,
}

impl Account {
    pub(super) fn into_bytes(self) -> Bytes {
        self.bytes
    }

    /// How many bytes would leave.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether it says nothing; it never does.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("len", &self.bytes.len()).finish_non_exhaustive()
    }
}

impl AuditLog {
    /// The account of this person and of nobody else; `relation` says how a reader stands towards
    /// them. Nobody that is known has an empty one.
    pub async fn account_of(
        &self,
        subject: Option<&str>,
        relation: impl Fn(&str) -> Option<&'static str> + Send,
    ) -> Result<Account, NoAccount> {
        let (rows, has_older) = match subject {
            None => (Vec::new(), false),
            Some(subject) => {
                let (index, subject) = (Arc::clone(&self.index), subject.to_owned());
                let until = self.head().n;
                let reading = tokio::task::spawn_blocking(move || {
                    let mut index = wait_for(&index).ok_or(io::ErrorKind::TimedOut)?;
                    index.catch_up(until)?;
                    index.rows(&subject)
                });
                reading.await.map_err(|_| NoAccount)?.map_err(|_| NoAccount)?
            }
        };
        let accesses = rows.iter().map(|(key, access)| {
            let mut row = json!({
                "day": key.day, "reader": key.reader, "through": access.through,
                "asked": access.asked, "requests": access.requests, "released": access.released,
            });
            if let Some(row) = row.as_object_mut() {
                if let Some(relation) = relation(&key.reader) {
                    row.insert("relation".to_owned(), json!(relation));
                }
                if subject != Some(key.reader.as_str()) {
                    row.insert("withheld".to_owned(), json!(access.withheld));
                }
            }
            row
        });
        let accesses: Vec<_> = accesses.collect();
        let account = json!({"accesses": accesses, "older": has_older});
        Ok(Account { bytes: Bytes::from(account.to_string()) })
    }

    /// Reads into the index what has been written since, so that accounts are quick.
    pub fn look_after_index(&self) {
        let (index, until) = (Arc::clone(&self.index), self.head().n);
        drop(tokio::task::spawn_blocking(move || {
            // What cannot be read now is tried again; whoever asks is told.
            if let Ok(mut index) = index.try_lock() {
                index.catch_up(until).ok();
            }
        }));
    }
}

fn wait_for(index: &Mutex<Index>) -> Option<MutexGuard<'_, Index>> {
    let until = Instant::now() + WAIT_MAX;
    loop {
        match index.try_lock() {
            Ok(index) => return Some(index),
            Err(TryLockError::Poisoned(_)) => return None,
            Err(TryLockError::WouldBlock) if Instant::now() >= until => return None,
            Err(TryLockError::WouldBlock) => std::thread::sleep(WAIT_STEP),
        }
    }
}
