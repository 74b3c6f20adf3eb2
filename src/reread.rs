//! Files that are read again when they have changed.

use crate::engine::diagnostics::Diagnostic;
use arc_swap::ArcSwap;
use std::fmt;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

#[cfg(test)]
mod tests;

/// Most refusals that wait to be told of.
const UNTOLD_MAX: usize = 16;

/// What changes when a file is replaced or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp {
    inode: (u64, u64),
    /// Bytes.
    pub length: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    /// Of what is known of a file.
    pub fn of(metadata: &Metadata) -> Stamp {
        Stamp {
            inode: (metadata.dev(), metadata.ino()),
            length: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// Of the file of that name; `None` if there is none.
    pub fn at(path: &Path) -> Option<Stamp> {
        fs::metadata(path).ok().as_ref().map(Stamp::of)
    }
}

/// What one small file says. LAST-GOOD: a file that is gone or broken changes nothing, and each
/// state of it is refused once.
pub struct Reread<T> {
    path: PathBuf,
    /// Longest file, bytes.
    most: u64,
    read: fn(&[u8]) -> Result<T, String>,
    current: ArcSwap<T>,
    looked: Mutex<Looked>,
}

struct Looked {
    /// `None`: it was not there.
    seen: Option<Stamp>,
    untold: Vec<Diagnostic>,
}

impl<T> Reread<T> {
    /// Reads it for the first time. The error is words for an operator, as are those of `read`.
    pub fn open(
        path: &Path,
        most: u64,
        read: fn(&[u8]) -> Result<T, String>,
    ) -> Result<Reread<T>, String> {
        let seen = Stamp::at(path);
        let first = content(path, most, read)?;
        let looked = Mutex::new(Looked { seen, untold: Vec::new() });
        let current = ArcSwap::from_pointee(first);
        Ok(Reread { path: path.to_owned(), most, read, current, looked })
    }

    /// What is in force.
    pub fn current(&self) -> Arc<T> {
        self.current.load_full()
    }

    /// Looks whether the file has changed; whether there is something new in force.
    pub fn look(&self) -> bool {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        // Taken before the file is read: what changes meanwhile is read again.
        let seen = Stamp::at(&self.path);
        if seen == looked.seen {
            return false;
        }
        looked.seen = seen;
        match content(&self.path, self.most, self.read) {
            Ok(new) => {
                self.current.store(Arc::new(new));
                true
            }
            Err(why) => {
                if looked.untold.len() < UNTOLD_MAX {
                    looked.untold.push(refused(&self.path.display().to_string(), &why));
                }
                false
            }
        }
    }

    /// What was refused since this was asked last.
    pub fn refused(&self) -> Vec<Diagnostic> {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut looked.untold)
    }
}

/// Shows nothing of what was read: keys are.
impl<T> fmt::Debug for Reread<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reread").field("path", &self.path).finish_non_exhaustive()
    }
}

/// What is told of something that could not be read anew.
pub fn refused(name: &str, why: &str) -> Diagnostic {
    Diagnostic::of_file(name, why).help("what was read before stays in force")
}

fn content<T>(path: &Path, most: u64, read: fn(&[u8]) -> Result<T, String>) -> Result<T, String> {
    let system = |error: std::io::Error| error.to_string();
    // Asked before it is opened: opening a pipe would wait for its writer, and all with it.
    let about = fs::metadata(path).map_err(system)?;
    if !about.is_file() {
        return Err("is no regular file".to_owned());
    }
    if about.len() > most {
        return Err(format!("is longer than {most} bytes"));
    }
    read(&fs::read(path).map_err(system)?)
}
