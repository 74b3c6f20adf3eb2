//! The audit log: one line of JSON for every answer, on disk before the answer leaves.
//!
//! RECORD-BEFORE-RELEASE is upheld here: [`AuditLog::release`] and [`Flushes::next`] write the
//! entry and only then open what the engine released. Nobody else calls [`Released::open`].
//! An entry holds ids of people, counts and names of rules; never content, code, query or path.

pub mod accounts;
pub mod balp;
mod chain;
mod entry;
mod head_file;
mod index;
mod key;
mod mark;
mod my_access;
pub(crate) mod offline;
pub mod recorded;
mod recovery;
mod segments;
mod sink;
#[cfg(test)]
mod tests;
pub mod verify;
mod writer;

pub(crate) use chain::to_hex;
pub use chain::{Hash, Head};
pub use entry::{Asker, Entry, Event};
pub use key::PublicKey;
pub use my_access::{Account, NoAccount};

use crate::config::meant;
use crate::crowd::Crowd;
use crate::engine::released::{Released, Report};
use bytes::Bytes;
use index::Index;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use writer::Writer;

/// Most bytes of a stream that one entry covers. Small enough that a cut stream leaves few
/// recorded bytes unsent, large enough that a sync to disk is not paid too often.
pub const FLUSH_BYTES_MAX: usize = 256 * 1024;

/// How long a request waits for its entry to be on disk before it is refused.
const RECORD_TIMEOUT: Duration = Duration::from_secs(10);

/// The entry could not be written, so nothing may leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotRecorded;

/// Bytes whose entry is on disk. Only this module makes them.
pub struct Opened {
    bytes: Bytes,
}

impl Opened {
    /// How many bytes will leave.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing will leave.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// NO-EXIT-WITHOUT-VERDICT: called by the response body, by nobody else.
    pub(crate) fn into_bytes(self) -> Bytes {
        self.bytes
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").field("len", &self.bytes.len()).finish_non_exhaustive()
    }
}

/// The log of one process. Entries are written in groups.
#[derive(Debug)]
pub struct AuditLog {
    writer: Writer,
    index: Arc<Mutex<Index>>,
    #[cfg(test)]
    is_off: bool,
}

impl AuditLog {
    /// Opens (or creates, mode 0600) the files, takes the lock, finds the end of the chain and
    /// starts the writer. A disk that is full or read-only is no error here: nothing leaves until
    /// it can be written.
    pub fn open(settings: &meant::Audit) -> io::Result<AuditLog> {
        AuditLog::on(sink::Sink::open(settings, sink::open_file)?, settings)
    }

    /// Whether the key that signs it can be used, if there is one. The error is words for an
    /// operator.
    pub(crate) fn check_key(settings: &meant::Audit) -> Result<(), String> {
        settings.key.as_deref().map_or(Ok(()), |key| key::Signer::read(key).map(drop))
    }

    fn on(sink: sink::Sink, settings: &meant::Audit) -> io::Result<AuditLog> {
        let index = Index::of(segments::Names::of(&settings.file)?);
        Ok(AuditLog {
            writer: Writer::start(sink)?,
            index: Arc::new(Mutex::new(index)),
            #[cfg(test)]
            is_off: false,
        })
    }

    /// The requests that write to it: their entries are written together.
    pub(crate) fn crowd(&self) -> &Crowd {
        self.writer.crowd()
    }

    /// Throws entries away, to measure what they cost. No program has this, only tests do.
    #[cfg(test)]
    pub(crate) fn turn_off(&mut self) {
        self.is_off = true;
    }

    /// Whether the last entry could be written.
    pub fn is_ready(&self) -> bool {
        self.writer.is_ready()
    }

    /// The last line that is on disk.
    pub fn head(&self) -> Head {
        self.writer.head()
    }

    /// Writes an entry that releases nothing (a refusal, the opening or closing of a stream).
    pub async fn record(&self, entry: &Entry<'_>) -> Result<(), NotRecorded> {
        #[cfg(test)]
        if self.is_off {
            return Ok(());
        }
        let object = entry.object().map_err(|_| NotRecorded)?;
        if object.len() > chain::LINE_BYTES_MAX {
            return Err(NotRecorded);
        }
        let waiting = self.writer.write(object);
        tokio::time::timeout(RECORD_TIMEOUT, waiting).await.map_err(|_| NotRecorded)?
    }

    /// RECORD-BEFORE-RELEASE: writes the entry of a whole body, with the report of what leaves,
    /// then opens it.
    pub async fn release(
        &self,
        entry: Entry<'_>,
        released: Released,
    ) -> Result<Opened, NotRecorded> {
        self.record(&entry.report(&released.report)).await?;
        Ok(Opened { bytes: released.open() })
    }

    /// RECORD-BEFORE-RELEASE: the same for an account that a person gets of their own records.
    pub async fn release_account(
        &self,
        entry: &Entry<'_>,
        account: Account,
    ) -> Result<Opened, NotRecorded> {
        self.record(entry).await?;
        Ok(Opened { bytes: account.into_bytes() })
    }
}

/// What a stream released, leaving in flushes of at most [`FLUSH_BYTES_MAX`].
#[derive(Debug)]
pub struct Flushes {
    unopened: Option<Released>,
    rest: Bytes,
}

impl Flushes {
    /// Nothing has left yet.
    pub fn of(released: Released) -> Flushes {
        Flushes { unopened: Some(released), rest: Bytes::new() }
    }

    /// RECORD-BEFORE-RELEASE: the next flush, once its entry is on disk; `None` when all has
    /// left. `entry` is told how many bytes leave, and on the first call the report.
    pub async fn next(
        &mut self,
        log: &AuditLog,
        entry: &Entry<'_>,
    ) -> Result<Option<Opened>, NotRecorded> {
        if let Some(released) = self.unopened.take() {
            if released.is_empty() && released.report == Report::default() {
                return Ok(None);
            }
            let first = released.len().min(FLUSH_BYTES_MAX);
            log.record(&entry.clone().report(&released.report).bytes(first)).await?;
            self.rest = released.open();
        } else {
            if self.rest.is_empty() {
                return Ok(None);
            }
            let next = self.rest.len().min(FLUSH_BYTES_MAX);
            log.record(&entry.clone().bytes(next)).await?;
        }
        let flush = self.rest.len().min(FLUSH_BYTES_MAX);
        Ok(Some(Opened { bytes: self.rest.split_to(flush) }))
    }
}
