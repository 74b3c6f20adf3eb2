//! The policy set in force. LAST-GOOD: a set takes effect whole or not at all, a broken one never
//! replaces a good one, and the process never starts with one.

use super::read_folder;
use crate::engine::diagnostics::{Diagnostic, Severity};
use crate::engine::set::{PolicyFiles, PolicySet};
use crate::members::States;
use crate::reread::Stamp;
use arc_swap::ArcSwap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, TryLockError};
use std::time::Duration;

/// How often the folder is looked at for changes: a listing costs a few system calls
/// per file, too much for every request and nothing once a second.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Deepest folder below `policies/` that is looked at.
const WATCHED_DEPTH_MAX: usize = 4;
/// Most files that are looked at; more are a mistake that reading tells.
const WATCHED_FILES_MAX: usize = 10_000;

/// A policy set in force, with what `members` needs of the same folder.
#[derive(Debug)]
pub struct Policies {
    /// What the engine judges by.
    pub set: Arc<PolicySet>,
    /// `states.csv` of the same folder.
    pub states: Arc<States>,
}

/// Gets the mistakes and warnings of a reading.
type Tell = dyn Fn(&[Diagnostic]) + Send + Sync;

/// Holds the set in force and looks after its folder.
pub struct PolicyStore {
    folder: PathBuf,
    current: ArcSwap<Policies>,
    watch: Mutex<Watch>,
    tell: Box<Tell>,
    /// Changed sets that were refused.
    refused: AtomicU64,
}

/// What was seen of the folder.
struct Watch {
    /// What the set in force, or the last broken one, was read from.
    read: Vec<(PathBuf, Stamp)>,
    /// What was seen last.
    seen: Vec<(PathBuf, Stamp)>,
}

impl PolicyStore {
    /// Reads the folder for the first time. Every mistake of every file is told; any error and
    /// there is no store. `tell` gets the mistakes and warnings of this and of later readings.
    pub fn open(
        folder: &Path,
        tell: impl Fn(&[Diagnostic]) + Send + Sync + 'static,
    ) -> Result<PolicyStore, Vec<Diagnostic>> {
        let stamps = stamps_of(folder);
        let (policies, mistakes) = read(folder);
        let Some(policies) = policies else { return Err(mistakes) };
        if !mistakes.is_empty() {
            tell(&mistakes);
        }
        Ok(PolicyStore {
            folder: folder.to_owned(),
            current: ArcSwap::from_pointee(policies),
            watch: Mutex::new(Watch { read: stamps.clone(), seen: stamps }),
            tell: Box::new(tell),
            refused: AtomicU64::new(0),
        })
    }

    /// The set in force. One request keeps the one it began with.
    pub fn current(&self) -> Arc<Policies> {
        self.current.load_full()
    }

    /// How many changed sets were refused so far.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Looks for changes and takes a changed set into force if it is whole. Reads files: not for
    /// an async worker (see [`PolicyStore::watch`]).
    ///
    /// A set is read once its folder has looked the same twice, so that files replaced one after
    /// the other are not taken half old, half new. Returns whether a new set is in force.
    pub(super) fn refresh(&self) -> bool {
        let mut watch = match self.watch.try_lock() {
            Ok(watch) => watch,
            // Who finds it taken has somebody else look.
            Err(TryLockError::WouldBlock) => return false,
            // A reading that panicked was told by the panic hook; the next change is read again.
            Err(TryLockError::Poisoned(left)) => {
                self.watch.clear_poison();
                self.refused.fetch_add(1, Ordering::Relaxed);
                left.into_inner()
            }
        };
        let seen = stamps_of(&self.folder);
        let settled = seen == watch.seen;
        watch.seen.clone_from(&seen);
        if seen == watch.read || !settled {
            return false;
        }
        watch.read.clone_from(&seen);
        let (policies, mistakes) = read(&self.folder);
        if stamps_of(&self.folder) != seen {
            watch.read.clear();
            return false;
        }
        if !mistakes.is_empty() {
            (self.tell)(&mistakes);
        }
        let Some(policies) = policies else {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return false;
        };
        self.current.store(Arc::new(policies));
        true
    }

    /// Looks for changes for as long as it is polled.
    pub async fn watch(self: Arc<Self>) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let store = Arc::clone(&self);
            tokio::task::spawn_blocking(move || store.refresh()).await.ok();
        }
    }
}

impl fmt::Debug for PolicyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PolicyStore").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// Reads and compiles a folder: everything that is wrong, and the set if nothing is.
pub fn read(folder: &Path) -> (Option<Policies>, Vec<Diagnostic>) {
    let (files, mut mistakes) = read_folder(folder);
    let policies = compile(&files, &mut mistakes);
    (policies, mistakes)
}

/// Compiles what was read. LAST-GOOD: nothing, if anything has been or is told to be wrong.
pub fn compile(files: &PolicyFiles, mistakes: &mut Vec<Diagnostic>) -> Option<Policies> {
    let (set, found) = PolicySet::compile(files);
    mistakes.extend(found);
    let states = files.states.as_ref().and_then(|states| States::read(states, mistakes));
    if mistakes.iter().any(|mistake| mistake.severity == Severity::Error) {
        return None;
    }
    Some(Policies { set: Arc::new(set?), states: Arc::new(states?) })
}

/// What the folder looks like, by path. What cannot be looked at is left out: reading tells.
fn stamps_of(folder: &Path) -> Vec<(PathBuf, Stamp)> {
    let mut stamps = Vec::new();
    let mut folders = vec![(folder.to_owned(), 0_usize)];
    while let Some((folder, depth)) = folders.pop() {
        for path in super::list(&folder).unwrap_or_default() {
            let Ok(metadata) = fs::metadata(&path) else { continue };
            if metadata.is_dir() {
                if depth < WATCHED_DEPTH_MAX {
                    folders.push((path, depth.saturating_add(1)));
                }
                continue;
            }
            if stamps.len() >= WATCHED_FILES_MAX {
                return stamps;
            }
            stamps.push((path, Stamp::of(&metadata)));
        }
    }
    stamps.sort();
    stamps
}
