//! What has been used up, over a restart.

use super::*;
use crate::engine::released::{Report, Tally};
use std::fs;
use std::os::unix::fs::PermissionsExt;

fn open(path: &Path, lines: &[&str]) -> Result<Arc<Limits>, String> {
    let state = Some(path.to_owned());
    let reads = ReadLimits { rates: rates(lines), long_reads: 2, keys: 1_000, state, shared: None };
    Limits::open(&reads).map(Arc::new)
}

async fn read(limits: &Arc<Limits>, reader: &str, records: u64) -> Result<(), OverLimit> {
    let by_subject =
        [("M-4".to_owned(), Tally { released: records, withheld: 0, ..Tally::default() })].into();
    let shown = Report { released: records, by_subject, ..Report::default() };
    limits.budget(Who { reader, contracts: &[], client: None }).release(&shown, 1).await
}

const RATES: [&str; 3] =
    ["reader records 10 per 30d", "reader subjects 1 per 30d", "subject records 8 per 1d"];

#[tokio::test]
async fn bypass_L10_long_windows_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("limits.state");
    let limits = open(&path, &RATES).unwrap();
    read(&limits, "M-1", 7).await.unwrap();
    limits.save().unwrap();
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = fs::read_to_string(&path).unwrap();
    assert!(!text.contains("M-1") && !text.contains("M-4"), "{text}");
    let limits = open(&path, &RATES).unwrap();
    let over = read(&limits, "M-1", 4).await.unwrap_err();
    assert_eq!(over.scope, Scope::Reader);
    assert_eq!(read(&limits, "M-1", 2).await.unwrap_err().scope, Scope::Subject);
    read(&limits, "M-1", 1).await.unwrap();
    // Who was seen is known: another is one too many.
    let by_subject =
        [("M-5".to_owned(), Tally { released: 1, withheld: 0, ..Tally::default() })].into();
    let shown = Report { released: 1, by_subject, ..Report::default() };
    let who = Who { reader: "M-1", contracts: &[], client: None };
    assert_eq!(limits.budget(who).release(&shown, 1).await.unwrap_err().dimension(), "subjects");
    read(&limits, "M-2", 8).await.unwrap();
}

#[tokio::test]
async fn windows_that_changed_begin_anew_and_others_stay() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("limits.state");
    let limits = open(&path, &["reader records 10 per 30d", "reader records 9 per 1d"]).unwrap();
    read(&limits, "M-1", 7).await.unwrap();
    limits.save().unwrap();
    let limits = open(
        &path,
        &["reader records 20 per 30d", "reader records 9 per 1h", "client records 5 per 1d"],
    );
    let limits = limits.unwrap();
    // Seven tenths of the window are taken, whatever is in it now.
    assert!(read(&limits, "M-1", 7).await.is_err());
    assert!(read(&limits, "M-1", 6).await.is_ok());
}

#[tokio::test]
async fn a_state_that_is_broken_is_told_and_not_taken() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("limits.state");
    let limits = open(&path, &RATES).unwrap();
    for reader in 0..5 {
        read(&limits, &format!("M-{reader}"), 7).await.unwrap();
    }
    limits.save().unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let cut: Vec<&str> = text.lines().collect();
    for broken in [
        String::new(),
        "{}\n".to_owned(),
        text.replacen('1', "x", 1),
        cut[..cut.len() - 1].join("\n"),
        [&cut[..1], &cut[2..]].concat().join("\n"),
        text.chars().take(text.len() / 2).collect(),
    ] {
        fs::write(&path, &broken).unwrap();
        let told = open(&path, &RATES).unwrap_err();
        assert!(told.contains("limits.state: ") && told.contains("move it away"), "{told}");
    }
    fs::write(&path, &text).unwrap();
    assert!(open(&path, &RATES).is_ok());
    fs::remove_file(&path).unwrap();
    let told = open(Path::new("/proc/no/such/state"), &RATES).unwrap_err();
    assert!(told.contains("cannot be written"), "{told}");
}

#[tokio::test]
async fn a_clock_that_was_ahead_locks_nobody_out_for_longer_than_a_window() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("limits.state");
    let limits = open(&path, &["reader records 10 per 1d"]).unwrap();
    read(&limits, "M-1", 10).await.unwrap();
    limits.save().unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let row = text.lines().nth(1).unwrap();
    let full_at = row.split(['[', ']']).nth(2).unwrap();
    let ahead = (full_at.parse::<u64>().unwrap() + 900 * DAY_US).to_string();
    fs::write(&path, text.replace(full_at, &ahead)).unwrap();
    let over =
        read(&open(&path, &["reader records 10 per 1d"]).unwrap(), "M-1", 1).await.unwrap_err();
    assert!(over.retry_after_s <= 86_400, "{over:?}");
}
