//! The writer. Who finds nobody about to write takes the turn, lets the other requests of its
//! thread run until they have nothing to do, and writes the entries of all of them at once: to
//! wake a thread for it would take longer. Where the disk is slow, or entries are synced, a thread
//! does it.

use super::NotRecorded;
use super::chain::Head;
use super::sink::Sink;
use crate::config::meant::Durability;
use crate::crowd::Crowd;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// Entries waiting to be written. More wait in their requests.
const QUEUE_ENTRIES_MAX: usize = 1024;

/// How often it is looked whether a segment is old, a checkpoint due, or a disk back.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A write that takes longer than this would keep other requests of its thread waiting.
const QUICK: Duration = Duration::from_millis(1);

/// How long entries wait for who lets others go first; then the next to come writes. The requests
/// of one thread may take long, while others are idle.
const PATIENCE: Duration = Duration::from_micros(500);

/// Groups that a request writes before it leaves what came meanwhile to the thread.
const GROUPS_IN_TURN: usize = 4;

/// An entry, and whom to tell when it is on disk.
struct Job {
    object: Vec<u8>,
    done: oneshot::Sender<Result<(), NotRecorded>>,
    _place: OwnedSemaphorePermit,
}

/// What waits, and who sees to it.
#[derive(Default)]
struct Queue {
    jobs: Vec<Job>,
    /// Since when a request has the turn: it will write soon.
    turn_since: Option<Instant>,
    /// Whether somebody writes, who looks again before they end.
    is_writing: bool,
    /// Whether the thread is to write.
    is_the_threads: bool,
    is_ending: bool,
}

/// What requests and the thread share.
struct Shared {
    queue: Mutex<Queue>,
    call: Condvar,
    /// Locked by who writes. Poisoned by a panic in the midst of a write: then nothing is
    /// recorded any more, and nothing leaves.
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
            queue: Mutex::default(),
            call: Condvar::new(),
            is_quick: AtomicBool::new(may_be_quick),
            may_be_quick,
            is_failing: AtomicBool::new(false),
            head: Mutex::new(sink.head()),
            sink: Mutex::new(sink),
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets an entry wait to be written; with the turn, if the caller is to write.
    fn push(self: &Arc<Self>, job: Job) -> Result<Option<Turn>, NotRecorded> {
        let mut queue = self.queue();
        if self.sink.is_poisoned() {
            return Err(NotRecorded);
        }
        queue.jobs.push(job);
        if queue.is_writing || queue.is_the_threads {
            return Ok(None);
        }
        if !self.is_quick.load(Ordering::Relaxed) {
            self.leave_to_thread(&mut queue);
            return Ok(None);
        }
        let waited = queue.turn_since.map(|since| since.elapsed());
        if waited.is_some_and(|waited| waited < PATIENCE) {
            return Ok(None);
        }
        queue.turn_since = Some(Instant::now());
        Ok(Some(Turn { shared: Arc::clone(self), is_late: waited.is_some() }))
    }

    fn leave_to_thread(&self, queue: &mut Queue) {
        queue.is_the_threads = true;
        self.call.notify_one();
    }

    /// Whether the caller is to write: nobody else does.
    fn begins(&self) -> bool {
        let mut queue = self.queue();
        if queue.is_writing {
            return false;
        }
        queue.turn_since = None;
        queue.is_writing = true;
        true
    }

    /// Writes what waits, group by group, to the end; by who began.
    fn write_what_waits(&self) {
        let Ok(mut sink) = self.sink.lock() else { return };
        for _ in 0..GROUPS_IN_TURN {
            let mut queue = self.queue();
            if queue.jobs.is_empty() {
                queue.is_writing = false;
                return;
            }
            let group = std::mem::take(&mut queue.jobs);
            drop(queue);
            let objects = group.iter().map(|job| job.object.as_slice());
            let outcome = self.write(&mut sink, |sink| sink.append(objects));
            for job in group {
                // The request may have stopped waiting; its entry is on disk all the same.
                job.done.send(outcome).ok();
            }
            if !self.is_quick.load(Ordering::Relaxed) {
                break;
            }
        }
        let mut queue = self.queue();
        queue.is_writing = false;
        self.leave_to_thread(&mut queue);
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

    /// What the thread does: writes when it is called, looks now and then what is due, and at the
    /// end records that.
    fn keep(&self) {
        loop {
            let is_idle = |queue: &mut Queue| !queue.is_the_threads && !queue.is_ending;
            let waited = self.call.wait_timeout_while(self.queue(), LOOK_EVERY, is_idle);
            let (mut queue, _) = waited.unwrap_or_else(PoisonError::into_inner);
            let nobody_waits = queue.jobs.is_empty();
            let is_ending = queue.is_ending && nobody_waits;
            queue.is_the_threads = false;
            drop(queue);
            if !self.begins() {
                // Who writes looks again; who panicked in it never ends.
                if self.sink.is_poisoned() {
                    return;
                }
                continue;
            }
            let Ok(mut sink) = self.sink.lock() else { return };
            if is_ending {
                self.write(&mut sink, Sink::stop).ok();
                return;
            }
            if nobody_waits && sink.is_due() {
                self.write(&mut sink, |sink| sink.append([].into_iter())).ok();
            }
            drop(sink);
            self.write_what_waits();
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("head", &self.head).finish_non_exhaustive()
    }
}

/// The right and the duty to write: what waits is written when it ends, however that comes.
struct Turn {
    shared: Arc<Shared>,
    /// Whether entries have waited long enough.
    is_late: bool,
}

impl Drop for Turn {
    fn drop(&mut self) {
        if self.shared.begins() {
            self.shared.write_what_waits();
        }
    }
}

/// The thread and the way to it.
#[derive(Debug)]
pub(super) struct Writer {
    places: Arc<Semaphore>,
    crowd: Crowd,
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
        let thread = std::thread::Builder::new().name("audit".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || shared.keep()
        })?;
        let places = Arc::new(Semaphore::new(QUEUE_ENTRIES_MAX));
        Ok(Writer { places, crowd: Crowd::default(), shared, thread: Some(thread) })
    }

    pub(super) fn is_ready(&self) -> bool {
        let is_alive = self.thread.as_ref().is_some_and(|thread| !thread.is_finished());
        is_alive
            && !self.shared.sink.is_poisoned()
            && !self.shared.is_failing.load(Ordering::Relaxed)
    }

    /// Who will write.
    pub(super) fn crowd(&self) -> &Crowd {
        &self.crowd
    }

    pub(super) fn head(&self) -> Head {
        *self.shared.head.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns when the entry is on disk.
    pub(super) async fn write(&self, object: Vec<u8>) -> Result<(), NotRecorded> {
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(|_| NotRecorded)?;
        let (done, written) = oneshot::channel();
        if let Some(turn) = self.shared.push(Job { object, done, _place: place })? {
            if !turn.is_late {
                // Requests of this thread that are as far now add theirs: one write for all.
                self.crowd.let_others_go().await;
            }
            drop(turn);
        }
        written.await.map_err(|_| NotRecorded)?
    }
}

/// The thread records that the process ends, and ends.
impl Drop for Writer {
    fn drop(&mut self) {
        self.shared.queue().is_ending = true;
        self.shared.call.notify_one();
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has told so itself.
            thread.join().ok();
        }
    }
}
