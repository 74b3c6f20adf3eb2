//! The files behind the log: appended to, closed with a seal, never rewritten.
//!
//! What could not be written whole, or not be synced, is taken back before anything else is
//! written: its requests were refused. So the log goes on by itself when the disk is back. A sync
//! that failed may have dropped pages while the next reports success; but all bytes since the last
//! good sync are written anew, the page they begin in too.

use super::chain::Head;
use super::head_file::HeadFile;
use super::key::Signer;
use super::mark::{Event, Mark};
use super::recovery::{self, State};
use super::segments::Names;
use crate::config::meant::{self, Durability};
use jiff::Timestamp;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

/// Longest time for which the last lines stand without a signature behind them.
pub(super) const CHECKPOINT_EVERY: Duration = Duration::from_secs(10);

/// A file that is appended to.
pub(super) trait Appended: Send {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    fn sync(&mut self) -> io::Result<()>;
    fn cut_to(&mut self, bytes: u64) -> io::Result<()>;
    /// Whether nobody else has touched it: it is still the file of this name, of this length.
    fn is_untouched(&self, path: &Path, bytes: u64) -> io::Result<bool>;
}

/// A file of the file system.
pub(super) struct LogFile {
    file: File,
    /// Device and inode: no other file has them while this one is open.
    identity: (u64, u64),
}

impl LogFile {
    /// Opens (or creates, mode 0600) a file to be appended to.
    pub(super) fn open(path: &Path) -> io::Result<LogFile> {
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        let about = file.metadata()?;
        Ok(LogFile { file, identity: (about.dev(), about.ino()) })
    }
}

impl Appended for LogFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn cut_to(&mut self, bytes: u64) -> io::Result<()> {
        self.file.set_len(bytes)
    }

    /// One question to the system: it is asked before every line.
    fn is_untouched(&self, path: &Path, bytes: u64) -> io::Result<bool> {
        let named = fs::metadata(path)?;
        Ok((named.dev(), named.ino()) == self.identity && named.len() == bytes)
    }
}

/// Opens (or creates, mode 0600) a file to be appended to.
pub(super) type OpenFile = fn(&Path) -> io::Result<Box<dyn Appended>>;

/// Opens a file of the file system.
pub(super) fn open_file(path: &Path) -> io::Result<Box<dyn Appended>> {
    Ok(Box::new(LogFile::open(path)?))
}

/// An open log.
pub(super) struct Sink {
    names: Names,
    settings: meant::Audit,
    open_file: OpenFile,
    signer: Option<Signer>,
    head_file: HeadFile,
    file: Box<dyn Appended>,
    state: State,
    /// Whether this process has recorded that it began.
    is_started: bool,
    /// Something may stand behind the good bytes.
    is_torn: bool,
    /// Entries that could not be written since the last that could.
    refused: u64,
    /// The last line that a signature of ours stands behind, and when.
    signed: (u64, Instant),
}

impl Sink {
    pub(super) fn open(settings: &meant::Audit, open_file: OpenFile) -> io::Result<Sink> {
        let names = Names::of(&settings.file)?;
        let signer = settings.key.as_deref().map(Signer::read).transpose();
        let signer = signer.map_err(io::Error::other)?;
        let mut head_file = HeadFile::lock(&names.head(), settings.durability)?;
        let state = recovery::look_at(&names, &mut head_file)?;
        let file = open_file(&names.open)?;
        if settings.durability == Durability::Sync {
            names.sync_folder()?;
        }
        Ok(Sink {
            names,
            settings: settings.clone(),
            open_file,
            signer,
            head_file,
            file,
            // Cut off before the first line is written: it has been kept aside.
            is_torn: true,
            state,
            is_started: false,
            refused: 0,
            signed: (0, Instant::now()),
        })
    }

    /// What an entry must be before its answer leaves.
    pub(super) fn durability(&self) -> Durability {
        self.settings.durability
    }

    /// The last line that is written.
    pub(super) fn head(&self) -> Head {
        self.state.head
    }

    /// Appends entries. When it returns they are as durable as was asked for, or none is there.
    pub(super) fn append<'e>(
        &mut self,
        entries: impl ExactSizeIterator<Item = &'e [u8]>,
    ) -> io::Result<()> {
        let count = u64::try_from(entries.len()).unwrap_or(u64::MAX);
        let outcome = self.try_append(entries, None);
        if outcome.is_err() {
            self.refused = self.refused.saturating_add(count);
        }
        outcome
    }

    /// Whether there is something to write though nobody asks for it.
    pub(super) fn is_due(&self) -> bool {
        !self.is_started || self.refused > 0 || self.is_full() || self.wants_checkpoint()
    }

    /// Records that the process ends in order.
    pub(super) fn stop(&mut self) -> io::Result<()> {
        self.try_append([].into_iter(), Some(Event::Stop))
    }

    fn try_append<'e>(
        &mut self,
        entries: impl Iterator<Item = &'e [u8]>,
        last: Option<Event>,
    ) -> io::Result<()> {
        if self.is_full() {
            self.close_segment()?;
        }
        let mut group = Group::after(self.state.head);
        let signer = self.signer.as_ref();
        if self.state.good_bytes == 0 {
            let after = Some(self.state.head.hash.to_string());
            group.mark(Mark { after, ..self.mark(Event::Begin) }, signer);
        }
        if !self.is_started {
            let start = Mark {
                version: Some(env!("CARGO_PKG_VERSION").to_owned()),
                found: Some(self.state.found),
                torn: self.state.torn.clone(),
                ..self.mark(Event::Start)
            };
            group.mark(start, signer);
        }
        if self.refused > 0 {
            group.mark(Mark { refused: Some(self.refused), ..self.mark(Event::Resume) }, signer);
        }
        for entry in entries {
            group.entry(entry);
        }
        let checkpoint = self.wants_checkpoint().then_some(Event::Checkpoint);
        if let Some(event) = last.or(checkpoint) {
            group.mark(self.mark(event), signer);
        }
        self.write(&group)?;
        self.is_started = true;
        self.refused = 0;
        Ok(())
    }

    fn write(&mut self, group: &Group) -> io::Result<()> {
        if group.is_broken {
            return Err(io::Error::other("a line could not be made"));
        }
        if group.text.is_empty() {
            return Ok(());
        }
        if self.is_torn {
            self.file.cut_to(self.state.good_bytes)?;
            self.is_torn = false;
        }
        if !self.file.is_untouched(&self.names.open, self.state.good_bytes)? {
            return Err(touched());
        }
        self.is_torn = true;
        self.file.append(&group.text)?;
        if self.settings.durability == Durability::Sync {
            self.file.sync()?;
        }
        self.is_torn = false;
        if self.state.good_bytes == 0 {
            self.state.began = Some(Timestamp::now());
        }
        let bytes = u64::try_from(group.text.len()).unwrap_or(u64::MAX);
        self.state.good_bytes = self.state.good_bytes.saturating_add(bytes);
        self.state.head = group.head;
        if let Some(signed) = group.signed {
            self.signed = (signed.n, Instant::now());
            // The lines are on disk whether or not this is; the next one is tried anew.
            self.head_file.keep(signed).ok();
        }
        Ok(())
    }

    /// Whether the segment has reached its size or its age.
    fn is_full(&self) -> bool {
        let age = self.state.began.map_or(Duration::ZERO, |began| {
            Timestamp::now().duration_since(began).try_into().unwrap_or_default()
        });
        self.state.is_sealed
            || self.state.good_bytes >= self.settings.segment_bytes
            || age >= self.settings.segment_age
    }

    /// Seals the segment, gives it its name, and begins the next. Each step is taken once, however
    /// often the disk fails between them.
    fn close_segment(&mut self) -> io::Result<()> {
        if !self.state.is_sealed {
            let mut group = Group::after(self.state.head);
            group.mark(self.mark(Event::Seal), self.signer.as_ref());
            self.write(&group)?;
            self.state.is_sealed = true;
        }
        let closed = self.names.closed(self.state.segment);
        let is_here = self.file.is_untouched(&self.names.open, self.state.good_bytes);
        match (is_here.unwrap_or(false), closed.exists()) {
            (true, false) => fs::rename(&self.names.open, &closed)?,
            // Renamed before the disk failed.
            (false, true) => {}
            (true, true) => {
                return Err(io::Error::other("a closed segment of this number is there already"));
            }
            (false, false) => return Err(touched()),
        }
        let file = (self.open_file)(&self.names.open)?;
        if !file.is_untouched(&self.names.open, 0)? {
            return Err(touched());
        }
        if self.settings.durability == Durability::Sync {
            self.names.sync_folder()?;
        }
        self.file = file;
        self.state.segment = self.state.segment.saturating_add(1);
        self.state.good_bytes = 0;
        self.state.began = None;
        self.state.is_sealed = false;
        Ok(())
    }

    fn wants_checkpoint(&self) -> bool {
        let (line, at) = self.signed;
        self.state.head.n > line && at.elapsed() >= CHECKPOINT_EVERY
    }

    fn mark(&self, event: Event) -> Mark {
        Mark::new(event, self.state.segment)
    }
}

fn touched() -> io::Error {
    io::Error::other("the log was moved or changed by something else")
}

/// Lines that are written at once.
struct Group {
    text: Vec<u8>,
    head: Head,
    /// The last mark among them.
    signed: Option<Head>,
    is_broken: bool,
}

impl Group {
    fn after(head: Head) -> Group {
        Group { text: Vec::new(), head, signed: None, is_broken: false }
    }

    fn entry(&mut self, entry: &[u8]) {
        match self.head.link(entry, None, &mut self.text) {
            Some(head) => self.head = head,
            None => self.is_broken = true,
        }
    }

    fn mark(&mut self, mark: Mark, signer: Option<&Signer>) {
        match mark.link(self.head, signer, &mut self.text) {
            Some(head) => (self.head, self.signed) = (head, Some(head)),
            None => self.is_broken = true,
        }
    }
}
