//! The keys that sign tokens: from a file or a URL, re-read, never older than a day.

mod fetch;
mod parse;

pub(super) use parse::Key;

use crate::config::meant::Keys;
use crate::dial::{Dialer, Trust};
use arc_swap::ArcSwap;
use parse::KeySet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};
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
    loaded: ArcSwap<Loaded>,
    pub(super) ages: Ages,
    /// Held while keys are fetched, so that one fetch serves all who wait.
    last_attempt: Mutex<Option<Instant>>,
}

#[derive(Debug)]
enum Origin {
    File {
        path: PathBuf,
        last_stamp: std::sync::Mutex<Option<Stamp>>,
        /// Milliseconds after `began` when it is to be looked at again.
        next_look_ms: AtomicU64,
        began: Instant,
    },
    Url {
        dialer: Dialer,
        target: String,
    },
}

/// What tells one version of a file from the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    inode: u64,
}

#[derive(Debug, Default)]
struct Loaded {
    keys: KeySet,
    at: Option<Instant>,
}

impl KeyStore {
    /// Reads a file of keys at once; a URL is asked by [`KeyStore::prepare`] or at first use.
    /// The error is words for an operator.
    pub(super) fn new(source: &Keys) -> Result<KeyStore, String> {
        let origin = match source {
            Keys::File(path) => {
                let (path, last_stamp) = (path.clone(), std::sync::Mutex::new(None));
                let (next_look_ms, began) = (AtomicU64::new(0), Instant::now());
                Origin::File { path, last_stamp, next_look_ms, began }
            }
            Keys::Url(url) => {
                let dialer = Dialer::new(url.origin.clone(), &Trust::default(), fetch::TIMEOUT)?;
                Origin::Url { dialer, target: url.target.clone() }
            }
        };
        let store = KeyStore {
            origin,
            loaded: ArcSwap::from_pointee(Loaded::default()),
            ages: AGES,
            last_attempt: Mutex::new(None),
        };
        if let Origin::File { path, .. } = &store.origin {
            store.read_file(path).map_err(|why| format!("{}: {why}", path.display()))?;
        }
        Ok(store)
    }

    /// Whether there are keys that may still be believed.
    pub(super) fn is_ready(&self) -> bool {
        let loaded = self.loaded.load();
        !loaded.keys.is_empty() && self.is_believed(&loaded)
    }

    /// Fetches the keys for the first time.
    pub(super) async fn prepare(&self) {
        if let Origin::Url { dialer, target } = &self.origin {
            self.fetch_if_due(dialer, target).await;
        }
    }

    /// The key of that name.
    pub(super) async fn find(&self, kid: &str) -> Option<Arc<Key>> {
        match &self.origin {
            Origin::File { path, next_look_ms, began, .. } => {
                if is_due(next_look_ms, *began) {
                    // LAST-GOOD: a file that cannot be read leaves the keys that were read before.
                    self.read_file(path).ok();
                }
            }
            Origin::Url { dialer, target } => {
                let loaded = self.loaded.load_full();
                let is_fresh = loaded.at.is_some_and(|at| at.elapsed() < self.ages.fresh);
                if !is_fresh || !loaded.keys.contains_key(kid) {
                    Box::pin(self.fetch_if_due(dialer, target)).await;
                }
            }
        }
        let loaded = self.loaded.load();
        loaded.keys.get(kid).filter(|_| self.is_believed(&loaded)).cloned()
    }

    fn is_believed(&self, loaded: &Loaded) -> bool {
        match self.origin {
            Origin::File { .. } => true,
            Origin::Url { .. } => loaded.at.is_some_and(|at| at.elapsed() < self.ages.max),
        }
    }

    async fn fetch_if_due(&self, dialer: &Dialer, target: &str) {
        let mut last_attempt = self.last_attempt.lock().await;
        if last_attempt.is_some_and(|last| last.elapsed() < self.ages.cooldown) {
            return;
        }
        let fetched = fetch::keys(dialer, target).await;
        // The time between two fetches counts from the end of the first.
        *last_attempt = Some(Instant::now());
        if let Ok(keys) = fetched {
            self.loaded.store(Arc::new(Loaded { keys, at: *last_attempt }));
        }
    }

    fn read_file(&self, path: &std::path::Path) -> Result<(), String> {
        use std::os::unix::fs::MetadataExt;
        let Origin::File { last_stamp, .. } = &self.origin else {
            return Ok(());
        };
        let about = std::fs::metadata(path).map_err(|error| error.to_string())?;
        let stamp =
            Stamp { modified: about.modified().ok(), length: about.len(), inode: about.ino() };
        let mut last_stamp =
            last_stamp.lock().map_err(|_| "an earlier read ended early".to_owned())?;
        if *last_stamp == Some(stamp) {
            return Ok(());
        }
        if stamp.length > u64::try_from(fetch::JWKS_BYTES_MAX).unwrap_or(u64::MAX) {
            return Err("is too long for a key set".to_owned());
        }
        let json = std::fs::read(path).map_err(|error| error.to_string())?;
        let keys = parse::key_set(&json)?;
        *last_stamp = Some(stamp);
        self.loaded.store(Arc::new(Loaded { keys, at: Some(Instant::now()) }));
        Ok(())
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
