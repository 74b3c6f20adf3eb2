//! The file behind the log: appended to, never rewritten.

use crate::config::meant::Durability;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// An open log file.
pub(super) struct Sink {
    file: File,
    durability: Durability,
    /// A write failed half way: the next line begins on a line of its own.
    torn: bool,
    /// A sync failed. The kernel may have dropped the pages and report success next time, so
    /// the sink stays failed until the process starts anew.
    broken: bool,
}

impl Sink {
    pub(super) fn open(path: &Path, durability: Durability) -> io::Result<Sink> {
        let is_new = !path.exists();
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        if is_new && durability == Durability::Sync {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
        }
        Ok(Sink { file, durability, torn: false, broken: false })
    }

    /// Appends whole lines. When it returns they are as durable as was asked for.
    pub(super) fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        if self.broken {
            return Err(io::Error::other("an earlier sync failed"));
        }
        if self.torn {
            self.file.write_all(b"\n")?;
            self.torn = false;
        }
        if let Err(error) = self.file.write_all(lines) {
            self.torn = true;
            return Err(error);
        }
        if self.durability == Durability::Sync
            && let Err(error) = self.file.sync_data()
        {
            self.broken = true;
            return Err(error);
        }
        Ok(())
    }
}
