//! Disks that are full, fail, are slow, and come back.

use super::super::sink::{Appended, LogFile, Sink, open_file};
use super::*;
use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// What the disks of all tests of this file do: they run one after the other.
static DISK: Mutex<()> = Mutex::new(());
/// Bytes that still have room.
static ROOM: AtomicU64 = AtomicU64::new(u64::MAX);
static SYNC_FAILS: AtomicU64 = AtomicU64::new(0);
static SYNC_MS: AtomicU64 = AtomicU64::new(0);
static WRITE_MS: AtomicU64 = AtomicU64::new(0);
static CUT_FAILS: AtomicU64 = AtomicU64::new(0);
static WRITE_PANICS: AtomicU64 = AtomicU64::new(0);

/// A file on a disk that does as it is told.
struct BadFile(LogFile);

impl Appended for BadFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let room = ROOM.load(Ordering::SeqCst);
        let room = usize::try_from(room).unwrap();
        std::thread::sleep(Duration::from_millis(WRITE_MS.load(Ordering::SeqCst)));
        assert_eq!(WRITE_PANICS.load(Ordering::SeqCst), 0, "a fault of ours in a write");
        if bytes.len() > room {
            // A part of it is written, as a full disk does.
            self.0.append(&bytes[..room]).unwrap();
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.0.append(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        std::thread::sleep(Duration::from_millis(SYNC_MS.load(Ordering::SeqCst)));
        if SYNC_FAILS.load(Ordering::SeqCst) > 0 {
            return Err(io::Error::other("EIO"));
        }
        self.0.sync()
    }

    fn cut_to(&mut self, bytes: u64) -> io::Result<()> {
        if CUT_FAILS.load(Ordering::SeqCst) > 0 {
            return Err(io::Error::other("EROFS"));
        }
        self.0.cut_to(bytes)
    }

    fn is_untouched(&self, path: &Path, bytes: u64) -> io::Result<bool> {
        self.0.is_untouched(path, bytes)
    }
}

fn open_bad(path: &Path) -> io::Result<Box<dyn Appended>> {
    Ok(Box::new(BadFile(LogFile::open(path)?)))
}

fn log_on_bad_disk(place: &Place) -> AuditLog {
    let sink = Sink::open(&place.settings, open_bad).unwrap();
    AuditLog::on(sink, &place.settings).unwrap()
}

async fn record(log: &AuditLog) -> Result<(), NotRecorded> {
    log.record(&Entry::new(&asker(), Event::Answer)).await
}

#[tokio::test]
#[expect(clippy::await_holding_lock, reason = "these tests run one after the other")]
async fn a_disk_that_fails_stops_releases_until_it_is_back() {
    let _one = DISK.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    for fault in ["full at once", "full in a line", "sync", "cut"] {
        let mut place = Place::signed();
        place.settings.durability = Durability::Sync;
        let log = log_on_bad_disk(&place);
        record(&log).await.unwrap();
        assert!(log.is_ready());
        match fault {
            "full at once" => ROOM.store(0, Ordering::SeqCst),
            "full in a line" => ROOM.store(77, Ordering::SeqCst),
            "sync" => SYNC_FAILS.store(1, Ordering::SeqCst),
            _ => {
                ROOM.store(77, Ordering::SeqCst);
                CUT_FAILS.store(1, Ordering::SeqCst);
            }
        }
        for _ in 0..3 {
            assert_eq!(record(&log).await, Err(NotRecorded), "{fault}");
            assert!(!log.is_ready());
        }
        ROOM.store(u64::MAX, Ordering::SeqCst);
        SYNC_FAILS.store(0, Ordering::SeqCst);
        CUT_FAILS.store(0, Ordering::SeqCst);
        // Nobody needs to ask: it looks for itself.
        tokio::time::timeout(Duration::from_secs(10), async {
            while !log.is_ready() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await
        .unwrap();
        record(&log).await.unwrap();
        drop(log);
        assert_eq!(place.entries().len(), 2, "{fault}");
        let resumed = lines(&place.settings.file);
        let resumed = resumed.iter().find(|line| line["event"] == "resume").unwrap();
        assert_eq!(resumed["refused"], 3, "{fault}");
        place.assert_whole();
    }
}

#[tokio::test]
#[expect(clippy::await_holding_lock, reason = "these tests run one after the other")]
async fn a_disk_that_is_full_when_a_segment_ends_loses_nothing() {
    let _one = DISK.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut place = Place::signed();
    place.settings.segment_bytes = 1500;
    for room in (0..2000).step_by(97) {
        ROOM.store(u64::MAX, Ordering::SeqCst);
        let log = log_on_bad_disk(&place);
        record(&log).await.unwrap();
        ROOM.store(room, Ordering::SeqCst);
        record(&log).await.ok();
        ROOM.store(u64::MAX, Ordering::SeqCst);
        record(&log).await.unwrap();
        drop(log);
        place.assert_whole();
    }
}

#[tokio::test]
#[expect(clippy::await_holding_lock, reason = "these tests run one after the other")]
async fn an_entry_waits_for_a_slow_disk() {
    let _one = DISK.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let place = Place::new(Durability::Sync);
    SYNC_MS.store(400, Ordering::SeqCst);
    let log = log_on_bad_disk(&place);
    let waiting = tokio::time::timeout(Duration::from_millis(200), record(&log)).await;
    assert!(waiting.is_err(), "told before it was on disk");
    let (first, second) = tokio::join!(record(&log), record(&log));
    assert_eq!((first, second), (Ok(()), Ok(())));
    SYNC_MS.store(0, Ordering::SeqCst);
}

#[tokio::test]
#[expect(clippy::await_holding_lock, reason = "these tests run one after the other")]
async fn requests_do_not_write_to_a_slow_disk_themselves() {
    let _one = DISK.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let place = Place::new(Durability::Written);
    let log = log_on_bad_disk(&place);
    WRITE_MS.store(300, Ordering::SeqCst);
    // The first finds out; from then on only the writer waits.
    record(&log).await.unwrap();
    let waiting = tokio::time::timeout(Duration::from_millis(100), record(&log)).await;
    assert!(waiting.is_err(), "nothing else went on meanwhile");
    WRITE_MS.store(0, Ordering::SeqCst);
    for _ in 0..3 {
        record(&log).await.unwrap();
    }
    drop(log);
    assert_eq!(place.entries().len(), 5);
    place.assert_whole();
}

#[tokio::test]
#[expect(clippy::await_holding_lock, reason = "these tests run one after the other")]
async fn after_a_panic_in_a_write_nothing_is_recorded_and_the_log_still_ends() {
    let _one = DISK.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    for durability in [Durability::Sync, Durability::Written] {
        let place = Place::new(durability);
        let log = Arc::new(log_on_bad_disk(&place));
        record(&log).await.unwrap();
        WRITE_PANICS.store(1, Ordering::SeqCst);
        // Whoever writes, the thread or the request, it is not recorded.
        let writes = Arc::clone(&log);
        let written = tokio::spawn(async move { record(&writes).await }).await;
        assert!(!matches!(written, Ok(Ok(()))), "recorded");
        WRITE_PANICS.store(0, Ordering::SeqCst);
        assert_eq!(record(&log).await, Err(NotRecorded));
        assert!(!log.is_ready());
        let (ended, has_ended) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            drop(log);
            ended.send(()).unwrap();
        });
        assert_eq!(has_ended.recv_timeout(Duration::from_secs(5)), Ok(()));
    }
}

#[tokio::test]
async fn what_moves_or_changes_the_file_stops_releases() {
    for durability in [Durability::Sync, Durability::Written] {
        let place = Place::new(durability);
        let (file, moved) = (place.settings.file.clone(), place.path("audit.jsonl.1"));
        // As `logrotate` does it, in both ways.
        let log = place.open();
        record(&log).await.unwrap();
        std::fs::rename(&file, &moved).unwrap();
        assert_eq!(record(&log).await, Err(NotRecorded));
        std::fs::rename(&moved, &file).unwrap();
        record(&log).await.unwrap();
        drop(log);
        place.assert_whole();

        let log = place.open();
        let before = std::fs::read(&file).unwrap();
        std::fs::write(&file, "").unwrap();
        assert_eq!(record(&log).await, Err(NotRecorded));
        std::fs::write(&file, before).unwrap();
        record(&log).await.unwrap();

        let mut other = std::fs::File::options().append(true).open(&file).unwrap();
        other.write_all(b"{}\n").unwrap();
        assert_eq!(record(&log).await, Err(NotRecorded));
    }
}

#[test]
fn the_files_of_the_file_system_are_appended_to() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    for _ in 0..2 {
        open_file(&path).unwrap().append(b"x\n").unwrap();
    }
    assert_eq!(std::fs::read(&path).unwrap(), b"x\nx\n");
}
