//! The audit log: one line of JSON for every answer, on disk before the answer leaves.
//!
//! RECORD-BEFORE-RELEASE is upheld here: [`AuditLog::release`] and [`Flushes::next`] write the
//! entry and only then open what the engine released. Nobody else calls [`Released::open`].
//! An entry holds ids of people, counts and names of rules; never content, code, query or path.

mod entry;
pub(crate) mod offline;
mod sink;
#[cfg(test)]
mod tests;

pub use entry::{Asker, Entry, Event};

use crate::config::meant::Durability;
use crate::engine::released::{Released, Report};
use bytes::Bytes;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Most bytes of a stream that one entry covers. Small enough that a cut stream leaves few
/// recorded bytes unsent, large enough that a sync to disk is not paid too often.
pub const FLUSH_BYTES_MAX: usize = 256 * 1024;

/// Entries waiting for the writer. More wait in their requests.
const QUEUE_ENTRIES_MAX: usize = 1024;

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

/// A line for the writer, and whom to tell when it is on disk.
struct Job {
    line: Vec<u8>,
    done: oneshot::Sender<Result<(), NotRecorded>>,
}

/// The log of one process. One thread writes; requests wait for it in groups.
#[derive(Debug)]
pub struct AuditLog {
    queue: mpsc::Sender<Job>,
    /// Whether the last group could not be written.
    is_failing: Arc<AtomicBool>,
}

impl AuditLog {
    /// Opens (or creates, mode 0600) the file for appending and starts the writer.
    pub fn open(file: &Path, durability: Durability) -> io::Result<AuditLog> {
        let sink = sink::Sink::open(file, durability)?;
        let (queue, jobs) = mpsc::channel(QUEUE_ENTRIES_MAX);
        let is_failing = Arc::new(AtomicBool::new(false));
        std::thread::Builder::new().name("audit".to_owned()).spawn({
            let is_failing = Arc::clone(&is_failing);
            move || write_in_groups(sink, jobs, &is_failing)
        })?;
        Ok(AuditLog { queue, is_failing })
    }

    /// Whether the last entry could be written.
    pub fn is_ready(&self) -> bool {
        !self.is_failing.load(Ordering::Relaxed) && !self.queue.is_closed()
    }

    /// Writes an entry that releases nothing (a refusal, the opening or closing of a stream).
    pub async fn record(&self, entry: &Entry<'_>) -> Result<(), NotRecorded> {
        let (done, written) = oneshot::channel();
        let job = Job { line: entry.line().map_err(|_| NotRecorded)?, done };
        let waiting = async {
            self.queue.send(job).await.map_err(|_| NotRecorded)?;
            written.await.map_err(|_| NotRecorded)?
        };
        tokio::time::timeout(RECORD_TIMEOUT, waiting).await.map_err(|_| NotRecorded)?
    }

    /// RECORD-BEFORE-RELEASE: writes the entry of a whole body, then opens it.
    pub async fn release(
        &self,
        entry: &Entry<'_>,
        released: Released,
    ) -> Result<Opened, NotRecorded> {
        self.record(entry).await?;
        Ok(Opened { bytes: released.open() })
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

/// The writer: takes all entries that wait, writes them at once, syncs once, tells them all.
fn write_in_groups(mut sink: sink::Sink, mut jobs: mpsc::Receiver<Job>, is_failing: &AtomicBool) {
    let mut lines = Vec::new();
    let mut waiting = Vec::new();
    while let Some(first) = jobs.blocking_recv() {
        lines.extend_from_slice(&first.line);
        waiting.push(first.done);
        while waiting.len() < QUEUE_ENTRIES_MAX
            && let Ok(job) = jobs.try_recv()
        {
            lines.extend_from_slice(&job.line);
            waiting.push(job.done);
        }
        let outcome = sink.append(&lines).map_err(|_| NotRecorded);
        is_failing.store(outcome.is_err(), Ordering::Relaxed);
        lines.clear();
        for done in waiting.drain(..) {
            // The request may have stopped waiting; its entry is on disk all the same.
            done.send(outcome).ok();
        }
    }
}
