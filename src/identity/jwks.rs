//! The keys that sign tokens: from a file or a URL, re-read, never older than a day.

mod fetch;
mod parse;

pub(super) use parse::Key;

use crate::config::meant::Keys;
use crate::dial::{Dialer, Trust};
use crate::engine::diagnostics::Diagnostic;
use crate::reread::{Reread, refused};
use arc_swap::{ArcSwap, ArcSwapOption};
use parse::KeySet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How long keys from a URL are believed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ages {
    /// From this age on they are fetched again.
    pub(super) fresh: Duration,
    /// Keys that cannot be fetched again are believed up to this age: an issuer that withdraws
    /// a key must be heard within a day.
    pub(super) max: Duration,
    /// Time between two fetches, successful or not, whoever asks for whatever key.
    pub(super) cooldown: Duration,
}

const AGES: Ages = Ages {
    fresh: Duration::from_mins(10),
    max: Duration::from_hours(24),
    cooldown: Duration::from_secs(30),
};

/// Time between two looks at a file.
const FILE_LOOK: Duration = Duration::from_secs(1);

/// The keys in force.
#[derive(Debug)]
pub(super) struct KeyStore {
    origin: Origin,
    pub(super) ages: Ages,
}

#[derive(Debug)]
enum Origin {
    File {
        keys: Reread<KeySet>,
        /// Milliseconds after `began` when it is to be looked at again.
        next_look_ms: AtomicU64,
        began: Instant,
    },
    Url {
        dialer: Dialer,
        target: String,
        fetched: ArcSwap<Fetched>,
        /// Held while keys are fetched, so that one fetch serves all who wait.
        last_attempt: Mutex<Option<Instant>>,
        /// Why the last fetch failed, until it is told.
        failed: ArcSwapOption<String>,
    },
}

#[derive(Debug, Default)]
struct Fetched {
    keys: KeySet,
    at: Option<Instant>,
}

impl KeyStore {
    /// Reads a file of keys at once; a URL is asked by [`KeyStore::prepare`] or at first use.
    /// The error is words for an operator.
    pub(super) fn new(source: &Keys) -> Result<KeyStore, String> {
        let origin = match source {
            Keys::File(path) => {
                let keys = Reread::open(path, fetch::JWKS_BYTES_MAX, parse::key_set)
                    .map_err(|why| format!("{}: {why}", path.display()))?;
                let (next_look_ms, began) = (AtomicU64::new(0), Instant::now());
                Origin::File { keys, next_look_ms, began }
            }
            Keys::Url(url) => Origin::Url {
                dialer: Dialer::new(url.origin.clone(), &Trust::default(), fetch::TIMEOUT)?,
                target: url.target.clone(),
                fetched: ArcSwap::default(),
                last_attempt: Mutex::new(None),
                failed: ArcSwapOption::empty(),
            },
        };
        Ok(KeyStore { origin, ages: AGES })
    }

    /// Whether there are keys that may still be believed.
    pub(super) fn is_ready(&self) -> bool {
        match &self.origin {
            Origin::File { .. } => true,
            Origin::Url { fetched, .. } => self.believed(&fetched.load()).is_some(),
        }
    }

    /// Fetches the keys for the first time.
    pub(super) async fn prepare(&self) {
        self.fetch_if_due().await;
    }

    /// The key of that name.
    pub(super) async fn find(&self, kid: &str) -> Option<Arc<Key>> {
        match &self.origin {
            Origin::File { keys, next_look_ms, began } => {
                if is_due(next_look_ms, *began) {
                    keys.look();
                }
                keys.current().get(kid).cloned()
            }
            Origin::Url { fetched, .. } => {
                let before = fetched.load_full();
                let is_fresh = before.at.is_some_and(|at| at.elapsed() < self.ages.fresh);
                if !is_fresh || !before.keys.contains_key(kid) {
                    Box::pin(self.fetch_if_due()).await;
                }
                self.believed(&fetched.load())?.get(kid).cloned()
            }
        }
    }

    /// What a file or an issuer gave since this was asked last that was not taken.
    pub(super) fn refused(&self) -> Vec<Diagnostic> {
        match &self.origin {
            Origin::File { keys, .. } => keys.refused(),
            Origin::Url { dialer, target, failed, .. } => {
                let why = failed.swap(None);
                let told = why.map(|why| refused(&format!("{}{target}", dialer.origin()), &why));
                told.into_iter().collect()
            }
        }
    }

    fn believed<'f>(&self, fetched: &'f Fetched) -> Option<&'f KeySet> {
        let believed = fetched.at.is_some_and(|at| at.elapsed() < self.ages.max);
        (believed && !fetched.keys.is_empty()).then_some(&fetched.keys)
    }

    async fn fetch_if_due(&self) {
        let Origin::Url { dialer, target, fetched, last_attempt, failed } = &self.origin else {
            return;
        };
        let mut last_attempt = last_attempt.lock().await;
        if last_attempt.is_some_and(|last| last.elapsed() < self.ages.cooldown) {
            return;
        }
        let answer = fetch::keys(dialer, target).await;
        // The time between two fetches counts from the end of the first.
        *last_attempt = Some(Instant::now());
        match answer {
            Ok(keys) => {
                fetched.store(Arc::new(Fetched { keys, at: *last_attempt }));
            }
            Err(why) => failed.store(Some(Arc::new(why))),
        }
    }
}

/// Whether it is time for another look; true to one of those who ask at a time.
fn is_due(next_look_ms: &AtomicU64, began: Instant) -> bool {
    let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let now_ms = milliseconds(began.elapsed());
    let due_ms = next_look_ms.load(Ordering::Relaxed);
    let next_ms = now_ms.saturating_add(milliseconds(FILE_LOOK));
    due_ms <= now_ms
        && next_look_ms
            .compare_exchange(due_ms, next_ms, Ordering::Relaxed, Ordering::Relaxed)
            .is_ok()
}
