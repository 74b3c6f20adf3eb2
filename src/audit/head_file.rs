//! The small file beside the log: its last signed head, so that a log that lost its end is
//! noticed, and a lock, so that two processes never write one log.

use super::chain::{Chain, Head, Line};
use crate::config::meant::Durability;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

/// Bytes of the file, always: one sector, of which a disk writes all or nothing.
const BYTES: usize = 512;

/// What stands in the file, as the one line of a chain of its own: what is torn is not believed.
#[derive(Serialize, Deserialize)]
struct Kept {
    head: String,
    time: String,
}

/// The file, locked for as long as this lives.
#[derive(Debug)]
pub(super) struct HeadFile {
    file: File,
    durability: Durability,
}

impl HeadFile {
    /// Opens or creates it and takes the lock.
    pub(super) fn lock(path: &Path, durability: Durability) -> io::Result<HeadFile> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(HeadFile { file, durability }),
            Err(TryLockError::WouldBlock) => {
                Err(io::Error::other("another process writes this log"))
            }
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Keeps this head in place of the one before.
    pub(super) fn keep(&self, head: Head) -> io::Result<()> {
        let kept = Kept { head: head.to_string(), time: Timestamp::now().to_string() };
        let mut line = Vec::with_capacity(BYTES);
        Head::START.link(&serde_json::to_vec(&kept)?, None, &mut line);
        line.pop();
        line.resize(BYTES.saturating_sub(1), b' ');
        line.push(b'\n');
        self.file.write_all_at(&line, 0)?;
        if self.durability == Durability::Sync { self.file.sync_data() } else { Ok(()) }
    }

    /// What is kept.
    pub(super) fn kept(&mut self) -> Option<Head> {
        read(&mut self.file)
    }
}

/// What is kept in the file beside a log; `None` if there is no such file, or nothing that can be
/// read in it.
pub(super) fn kept_in(path: &Path) -> io::Result<Option<Head>> {
    match File::open(path) {
        Ok(mut file) => Ok(read(&mut file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether a process writes the log of this file.
pub(super) fn is_locked(path: &Path) -> bool {
    let shared = File::open(path).map(|file| file.try_lock_shared());
    matches!(shared, Ok(Err(TryLockError::WouldBlock)))
}

fn read(file: &mut File) -> Option<Head> {
    let mut all = [0; BYTES];
    file.read_exact(&mut all).ok()?;
    let line = [all.trim_ascii_end(), b"\n"].concat();
    let line = Line::read(&line)?;
    Chain::after(Head::START).follow(&line).ok()?;
    let kept: Kept = serde_json::from_slice(&line.object()).ok()?;
    kept.head.parse().ok()
}
