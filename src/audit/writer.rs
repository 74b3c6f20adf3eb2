//! The writer: a thread that takes all entries that wait, writes them at once, syncs once, and
//! tells them all.

use super::NotRecorded;
use super::chain::Head;
use super::sink::Sink;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// Entries waiting for the writer. More wait in their requests.
const QUEUE_ENTRIES_MAX: usize = 1024;

/// How often it is looked whether a segment is old, a checkpoint due, or a disk back.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// An entry, and whom to tell when it is on disk.
struct Job {
    object: Vec<u8>,
    done: oneshot::Sender<Result<(), NotRecorded>>,
    _place: OwnedSemaphorePermit,
}

/// What requests see of the writer.
#[derive(Debug)]
struct Seen {
    /// Whether the last group could not be written.
    is_failing: AtomicBool,
    head: Mutex<Head>,
}

impl Seen {
    fn outcome(&self, sink: &Sink, outcome: &io::Result<()>) {
        self.is_failing.store(outcome.is_err(), Ordering::Relaxed);
        *self.head.lock().unwrap_or_else(PoisonError::into_inner) = sink.head();
    }
}

/// The thread and the way to it.
#[derive(Debug)]
pub(super) struct Writer {
    jobs: Option<mpsc::Sender<Job>>,
    places: Arc<Semaphore>,
    seen: Arc<Seen>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Records that the process began, if the disk lets it, and starts the thread.
    pub(super) fn start(mut sink: Sink) -> io::Result<Writer> {
        let seen =
            Arc::new(Seen { is_failing: AtomicBool::new(false), head: Mutex::new(sink.head()) });
        let began = sink.append([].into_iter());
        seen.outcome(&sink, &began);
        let (jobs, waiting) = mpsc::channel();
        let thread = std::thread::Builder::new().name("audit".to_owned()).spawn({
            let seen = Arc::clone(&seen);
            move || write_in_groups(sink, &waiting, &seen)
        })?;
        let places = Arc::new(Semaphore::new(QUEUE_ENTRIES_MAX));
        Ok(Writer { jobs: Some(jobs), places, seen, thread: Some(thread) })
    }

    pub(super) fn is_ready(&self) -> bool {
        let is_alive = self.thread.as_ref().is_some_and(|thread| !thread.is_finished());
        is_alive && !self.seen.is_failing.load(Ordering::Relaxed)
    }

    pub(super) fn head(&self) -> Head {
        *self.seen.head.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns when the entry is on disk.
    pub(super) async fn write(&self, object: Vec<u8>) -> Result<(), NotRecorded> {
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

fn write_in_groups(mut sink: Sink, jobs: &mpsc::Receiver<Job>, seen: &Seen) {
    let mut group: Vec<Job> = Vec::new();
    loop {
        match jobs.recv_timeout(LOOK_EVERY) {
            Ok(first) => group.push(first),
            Err(mpsc::RecvTimeoutError::Timeout) => {
                if sink.is_due() {
                    let outcome = sink.append([].into_iter());
                    seen.outcome(&sink, &outcome);
                }
                continue;
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
        }
        while group.len() < QUEUE_ENTRIES_MAX
            && let Ok(job) = jobs.try_recv()
        {
            group.push(job);
        }
        let outcome = sink.append(group.iter().map(|job| job.object.as_slice()));
        seen.outcome(&sink, &outcome);
        let outcome = outcome.map_err(|_| NotRecorded);
        for job in group.drain(..) {
            // The request may have stopped waiting; its entry is on disk all the same.
            job.done.send(outcome).ok();
        }
    }
    let outcome = sink.stop();
    seen.outcome(&sink, &outcome);
}
