//! The log on good and bad disks, and in bad hands.

mod accounting;
mod disks;
mod tampering;
mod torn;

use super::chain::from_hex;
use super::verify::{Against, LogFiles, Mistake, Summary, verify};
use super::*;
use crate::config::meant::{Audit, Durability};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::encoding::PublicKeyX509Der;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use tempfile::TempDir;

/// A folder with a log and the keys that sign and check it.
struct Place {
    folder: TempDir,
    settings: Audit,
}

impl Place {
    fn new(durability: Durability) -> Place {
        let folder = tempfile::tempdir().unwrap();
        let settings = Audit {
            file: folder.path().join("audit.jsonl"),
            durability,
            key: None,
            segment_bytes: 1 << 30,
            segment_age: Duration::from_hours(24),
        };
        Place { folder, settings }
    }

    /// With a key of its own.
    fn signed() -> Place {
        let mut place = Place::new(Durability::Written);
        let pair = Ed25519KeyPair::generate().unwrap();
        let private = pair.to_pkcs8v1().unwrap();
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
        let pem = |kind: &str, der: &[u8]| {
            format!("-----BEGIN {kind}-----\n{}\n-----END {kind}-----\n", STANDARD.encode(der))
        };
        std::fs::write(place.path("audit.key"), pem("PRIVATE KEY", private.as_ref())).unwrap();
        std::fs::write(place.path("audit.pub"), pem("PUBLIC KEY", public.as_ref())).unwrap();
        place.settings.key = Some(place.path("audit.key"));
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn open(&self) -> AuditLog {
        AuditLog::open(&self.settings).unwrap()
    }

    /// Writes this many entries and ends in order.
    async fn write(&self, entries: usize) {
        let log = self.open();
        let asker = asker();
        for _ in 0..entries {
            log.record(&Entry::new(&asker, Event::Answer).status(200)).await.unwrap();
        }
    }

    /// What is wrong with the log, as `file:line: what`.
    fn wrong(&self, against: &Against) -> (Vec<String>, Summary) {
        let logs = LogFiles::at(std::slice::from_ref(&self.settings.file)).unwrap();
        let mut told = Vec::new();
        let mut tell = |mistake: Mistake| {
            let file = mistake.file.file_name().unwrap().to_str().unwrap().to_owned();
            told.push(format!("{file}:{}: {}", mistake.line.unwrap_or(0), mistake.what));
        };
        let summary = verify(&logs[0], against, &mut tell, &mut |_| {}).unwrap();
        (told, summary)
    }

    /// With the key, if there is one.
    fn against(&self) -> Against {
        let key = self.path("audit.pub");
        let keys = key.exists().then(|| PublicKey::read(&key).unwrap());
        Against { keys: keys.into_iter().collect(), ..Against::default() }
    }

    fn assert_whole(&self) -> Summary {
        let (wrong, summary) = self.wrong(&self.against());
        assert_eq!(wrong, Vec::<String>::new());
        summary
    }

    /// Lines of the open file that are about requests.
    fn entries(&self) -> Vec<serde_json::Value> {
        lines(&self.settings.file).into_iter().filter(|line| line["request"].is_string()).collect()
    }
}

fn asker() -> Asker {
    Asker {
        request: "r-1".to_owned(),
        reader: "M-100".to_owned(),
        client: None,
        route: Some("GET /fhir/{type}".to_owned()),
        policy: "abc".to_owned(),
    }
}

fn lines(path: &Path) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn an_entry_is_on_disk_when_record_returns() {
    let place = Place::new(Durability::Sync);
    let log = place.open();
    let mut report = Report { released: 2, withheld: 1, ..Report::default() };
    report.rules.insert("FLOOR".to_owned(), 1);
    let asker = asker();
    log.record(&Entry::new(&asker, Event::Answer).status(200).bytes(12).report(&report))
        .await
        .unwrap();
    let lines = place.entries();
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["event"], "answer");
    assert_eq!(lines[0]["n"], 3);
    assert_eq!(lines[0]["reader"], "M-100");
    assert_eq!(lines[0]["route"], "GET /fhir/{type}");
    assert_eq!(lines[0]["rules"]["FLOOR"], 1);
    assert_eq!(lines[0]["withheld"], 1);
    assert!(lines[0].get("client").is_none());
    for file in ["audit.jsonl", "audit.jsonl.head"] {
        let mode = std::fs::metadata(place.path(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[tokio::test]
async fn a_second_process_after_the_first_goes_on_with_the_chain() {
    let place = Place::signed();
    for _ in 0..3 {
        place.write(1).await;
    }
    let events: Vec<_> = lines(&place.settings.file)
        .iter()
        .map(|line| line["event"].as_str().unwrap().to_owned())
        .collect();
    let run = ["start", "answer", "stop"];
    assert_eq!(events, [&["begin"][..], &run, &run, &run].concat());
    let summary = place.assert_whole();
    assert_eq!((summary.lines, summary.head.n, summary.signed.unwrap().n), (10, 10, 10));
}

#[tokio::test]
async fn a_second_process_beside_the_first_is_refused() {
    let place = Place::new(Durability::Written);
    let log = place.open();
    let refused = AuditLog::open(&place.settings).unwrap_err().to_string();
    assert_eq!(refused, "another process writes this log");
    drop(log);
    AuditLog::open(&place.settings).unwrap();
}

#[tokio::test]
async fn many_requests_share_a_sync_and_all_are_written() {
    let place = Place::new(Durability::Sync);
    let log = Arc::new(place.open());
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..500 {
        let log = Arc::clone(&log);
        tasks.spawn(async move { log.record(&Entry::new(&asker(), Event::Answer)).await });
    }
    while let Some(outcome) = tasks.join_next().await {
        assert_eq!(outcome.unwrap(), Ok(()));
    }
    assert_eq!(place.entries().len(), 500);
    drop(log);
    place.assert_whole();
}

#[tokio::test]
async fn who_leaves_with_the_turn_to_write_writes_and_nobody_waits_for_him() {
    let place = Place::new(Durability::Written);
    let log = place.open();
    let _both = [log.crowd().join(), log.crowd().join()];
    let asker = asker();
    let entry = Entry::new(&asker, Event::Answer);
    {
        let mut leaves = pin!(log.record(&entry));
        let mut waits = pin!(log.record(&entry));
        let mut context = Context::from_waker(Waker::noop());
        assert!(leaves.as_mut().poll(&mut context).is_pending(), "lets others add theirs");
        assert!(waits.as_mut().poll(&mut context).is_pending());
        assert_eq!(place.entries().len(), 0);
        leaves.set(log.record(&entry));
        assert_eq!(waits.as_mut().poll(&mut context), Poll::Ready(Ok(())));
    }
    assert_eq!(place.entries().len(), 2);
    drop(log);
    place.assert_whole();
}

#[tokio::test]
async fn who_is_alone_writes_at_once() {
    let place = Place::new(Durability::Written);
    let log = place.open();
    let _alone = log.crowd().join();
    let asker = asker();
    let entry = Entry::new(&asker, Event::Answer);
    let mut context = Context::from_waker(Waker::noop());
    assert_eq!(pin!(log.record(&entry)).poll(&mut context), Poll::Ready(Ok(())));
    assert_eq!(place.entries().len(), 1);
}

#[tokio::test]
async fn who_has_the_turn_for_long_does_not_keep_others_waiting() {
    let place = Place::new(Durability::Written);
    let log = place.open();
    let _both = [log.crowd().join(), log.crowd().join()];
    let asker = asker();
    let entry = Entry::new(&asker, Event::Answer);
    {
        let mut dawdles = pin!(log.record(&entry));
        let mut context = Context::from_waker(Waker::noop());
        assert!(dawdles.as_mut().poll(&mut context).is_pending());
        std::thread::sleep(Duration::from_millis(1));
        let mut next = pin!(log.record(&entry));
        assert_eq!(next.as_mut().poll(&mut context), Poll::Ready(Ok(())));
        assert_eq!(place.entries().len(), 2);
        assert_eq!(dawdles.await, Ok(()));
    }
    drop(log);
    place.assert_whole();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_threads_write_and_every_entry_is_there_once() {
    let place = Place::new(Durability::Written);
    let log = Arc::new(place.open());
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..2000 {
        let log = Arc::clone(&log);
        tasks.spawn(async move {
            let asker = Asker { request: format!("r-{n}"), ..asker() };
            log.record(&Entry::new(&asker, Event::Answer)).await
        });
    }
    while let Some(outcome) = tasks.join_next().await {
        assert_eq!(outcome.unwrap(), Ok(()));
    }
    let entries = place.entries();
    let requests: BTreeSet<_> = entries.iter().map(|line| line["request"].to_string()).collect();
    assert_eq!((entries.len(), requests.len()), (2000, 2000));
    drop(log);
    place.assert_whole();
}

#[tokio::test]
async fn segments_are_closed_by_size_and_follow_each_other() {
    let mut place = Place::signed();
    place.settings.segment_bytes = 2000;
    place.write(40).await;
    let summary = place.assert_whole();
    assert!(summary.segments > 4, "{summary:?}");
    assert!(place.path("audit-00000001.jsonl").exists());
    // A closed segment alone, from an archive.
    let logs = LogFiles::at(&[place.path("audit-00000003.jsonl")]).unwrap();
    let mut told = 0;
    let against = Against { from: 3, ..place.against() };
    verify(&logs[0], &against, &mut |_| told += 1, &mut |_| {}).unwrap();
    assert_eq!(told, 0);
    verify(&logs[0], &place.against(), &mut |_| told += 1, &mut |_| {}).unwrap();
    assert_eq!(told, 1);
    // The folder is the log.
    let logs = LogFiles::at(&[place.folder.path().to_owned()]).unwrap();
    assert_eq!(
        (logs.len(), logs[0].paths().count()),
        (1, usize::try_from(summary.segments).unwrap())
    );
}

#[test]
fn a_folder_that_is_not_there_is_an_error_at_start() {
    let mut place = Place::new(Durability::Sync);
    place.settings.file = PathBuf::from("/nonexistent/audit.jsonl");
    assert!(AuditLog::open(&place.settings).is_err());
}

#[test]
fn what_is_no_file_is_no_log() {
    let mut place = Place::new(Durability::Sync);
    let link = place.path("null.jsonl");
    std::os::unix::fs::symlink("/dev/null", &link).unwrap();
    place.settings.file = link;
    let refused = AuditLog::open(&place.settings).unwrap_err().to_string();
    assert!(refused.ends_with("is not a file: a log must be read again"), "{refused}");
}

#[tokio::test]
async fn a_log_of_another_kind_is_not_written_on() {
    let place = Place::new(Durability::Sync);
    std::fs::write(&place.settings.file, "{\"time\":\"2026-01-01T00:00:00Z\"}\n").unwrap();
    let refused = AuditLog::open(&place.settings).unwrap_err().to_string();
    assert!(refused.contains("is not a log of this kind"), "{refused}");
}

#[test]
fn hex_is_small_letters_and_digits() {
    for byte in 0..=u8::MAX {
        let small = char::from(byte).to_digit(16).filter(|_| !byte.is_ascii_uppercase());
        let value = small.map(|value| u8::try_from(value).unwrap());
        assert_eq!(from_hex([byte, b'0'].as_slice()), value.map(|value| [value << 4]), "{byte}");
        assert_eq!(from_hex([b'0', byte].as_slice()), value.map(|value| [value]), "{byte}");
    }
    assert_eq!((from_hex::<1>(b"0"), from_hex::<1>(b"000")), (None, None));
}
