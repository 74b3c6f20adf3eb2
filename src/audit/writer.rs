//! The writer. Who has an entry writes it, if the disk is quick and nobody else is writing: to
//! wake a thread for it would take longer. Else a thread takes all entries that wait, writes them
//! at once, syncs once, and tells them all.

use super::NotRecorded;
use super::chain::Head;
use super::sink::Sink;
use crate::config::meant::Durability;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// Entries waiting for the writer. More wait in their requests.
const QUEUE_ENTRIES_MAX: usize = 1024;

/// How often it is looked whether a segment is old, a checkpoint due, or a disk back.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A write that takes longer than this would keep other requests of its thread waiting.
const QUICK: Duration = Duration::from_millis(1);

/// An entry, and whom to tell when it is on disk.
struct Job {
    object: Vec<u8>,
    done: oneshot::Sender<Result<(), NotRecorded>>,
    _place: OwnedSemaphorePermit,
}

/// What requests and the thread share.
struct Shared {
    /// Locked while something is written. BOUNDED: requests never wait for it, only the thread.
    sink: Mutex<Sink>,
    /// Whether requests may write: only what need not be synced, and while the disk is quick.
    is_quick: AtomicBool,
    may_be_quick: bool,
    /// Whether the last group could not be written.
    is_failing: AtomicBool,
    head: Mutex<Head>,
}

impl Shared {
    fn of(sink: Sink) -> Shared {
        let may_be_quick = sink.durability() == Durability::Written;
        Shared {
            is_quick: AtomicBool::new(may_be_quick),
            may_be_quick,
            is_failing: AtomicBool::new(false),
            head: Mutex::new(sink.head()),
            sink: Mutex::new(sink),
        }
    }

    /// Writes a group, or its end; tells what came of it.
    fn write(
        &self,
        sink: &mut Sink,
        writing: impl FnOnce(&mut Sink) -> io::Result<()>,
    ) -> Result<(), NotRecorded> {
        let began = Instant::now();
        let outcome = writing(sink);
        self.is_quick.store(self.may_be_quick && began.elapsed() <= QUICK, Ordering::Relaxed);
        self.is_failing.store(outcome.is_err(), Ordering::Relaxed);
        *self.head.lock().unwrap_or_else(PoisonError::into_inner) = sink.head();
        outcome.map_err(|_| NotRecorded)
    }

    /// Writes an entry here and now; `None` if it must wait for the thread.
    fn write_now(&self, object: &[u8]) -> Option<Result<(), NotRecorded>> {
        if !self.is_quick.load(Ordering::Relaxed) {
            return None;
        }
        let mut sink = self.sink.try_lock().ok()?;
        Some(self.write(&mut sink, |sink| sink.append([object].into_iter())))
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("head", &self.head).finish_non_exhaustive()
    }
}

/// The thread and the way to it.
#[derive(Debug)]
pub(super) struct Writer {
    jobs: Option<mpsc::Sender<Job>>,
    places: Arc<Semaphore>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Records that the process began, if the disk lets it, and starts the thread.
    pub(super) fn start(sink: Sink) -> io::Result<Writer> {
        let shared = Arc::new(Shared::of(sink));
        if let Ok(mut sink) = shared.sink.lock() {
            // A disk that is full now may have room later.
            shared.write(&mut sink, |sink| sink.append([].into_iter())).ok();
        }
        let (jobs, waiting) = mpsc::channel();
        let thread = std::thread::Builder::new().name("audit".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || write_in_groups(&waiting, &shared)
        })?;
        let places = Arc::new(Semaphore::new(QUEUE_ENTRIES_MAX));
        Ok(Writer { jobs: Some(jobs), places, shared, thread: Some(thread) })
    }

    pub(super) fn is_ready(&self) -> bool {
        let is_alive = self.thread.as_ref().is_some_and(|thread| !thread.is_finished());
        is_alive && !self.shared.is_failing.load(Ordering::Relaxed)
    }

    pub(super) fn head(&self) -> Head {
        *self.shared.head.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns when the entry is on disk.
    pub(super) async fn write(&self, object: Vec<u8>) -> Result<(), NotRecorded> {
        if let Some(written) = self.shared.write_now(&object) {
            return written;
        }
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(|_| NotRecorded)?;
        let (done, written) = oneshot::channel();
        let jobs = self.jobs.as_ref().ok_or(NotRecorded)?;
        jobs.send(Job { object, done, _place: place }).map_err(|_| NotRecorded)?;
        written.await.map_err(|_| NotRecorded)?
    }
}

/// The thread writes what waits, records that the process ends, and ends.
impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs.take();
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has told so itself.
            thread.join().ok();
        }
    }
}

/// Ends when nobody can send any more, or after a panic in the midst of a write: then nothing is
/// recorded, and nothing leaves.
fn write_in_groups(jobs: &mpsc::Receiver<Job>, shared: &Shared) {
    let mut group: Vec<Job> = Vec::new();
    loop {
        let is_ending = match jobs.recv_timeout(LOOK_EVERY) {
            Ok(first) => {
                group.push(first);
                false
            }
            Err(mpsc::RecvTimeoutError::Timeout) => false,
            Err(mpsc::RecvTimeoutError::Disconnected) => true,
        };
        let Ok(mut sink) = shared.sink.lock() else { return };
        if is_ending {
            shared.write(&mut sink, Sink::stop).ok();
            return;
        }
        while group.len() < QUEUE_ENTRIES_MAX
            && let Ok(job) = jobs.try_recv()
        {
            group.push(job);
        }
        if group.is_empty() && !sink.is_due() {
            continue;
        }
        let objects = group.iter().map(|job| job.object.as_slice());
        let outcome = shared.write(&mut sink, |sink| sink.append(objects));
        drop(sink);
        for job in group.drain(..) {
            // The request may have stopped waiting; its entry is on disk all the same.
            job.done.send(outcome).ok();
        }
    }
}
