//! The log on good and bad disks.

use super::*;
use std::os::unix::fs::PermissionsExt;

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
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let log = AuditLog::open(&path, Durability::Sync).unwrap();
    let mut report = Report { released: 2, withheld: 1, ..Report::default() };
    report.rules.insert("FLOOR".to_owned(), 1);
    let asker = asker();
    log.record(&Entry::new(&asker, Event::Answer).status(200).bytes(12).report(&report))
        .await
        .unwrap();
    let lines = lines(&path);
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["event"], "answer");
    assert_eq!(lines[0]["reader"], "M-100");
    assert_eq!(lines[0]["route"], "GET /fhir/{type}");
    assert_eq!(lines[0]["rules"]["FLOOR"], 1);
    assert_eq!(lines[0]["withheld"], 1);
    assert!(lines[0].get("client").is_none());
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn a_second_process_appends() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let asker = asker();
    for _ in 0..2 {
        let log = AuditLog::open(&path, Durability::Written).unwrap();
        log.record(&Entry::new(&asker, Event::Refuse).status(404)).await.unwrap();
    }
    assert_eq!(lines(&path).len(), 2);
}

#[tokio::test]
async fn many_requests_share_a_sync_and_all_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let log = Arc::new(AuditLog::open(&path, Durability::Sync).unwrap());
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..500 {
        let log = Arc::clone(&log);
        tasks.spawn(async move { log.record(&Entry::new(&asker(), Event::Answer)).await });
    }
    while let Some(outcome) = tasks.join_next().await {
        assert_eq!(outcome.unwrap(), Ok(()));
    }
    assert_eq!(lines(&path).len(), 500);
}

#[tokio::test]
async fn a_full_disk_records_nothing() {
    let log = AuditLog::open(Path::new("/dev/full"), Durability::Sync).unwrap();
    let asker = asker();
    assert_eq!(log.record(&Entry::new(&asker, Event::Answer)).await, Err(NotRecorded));
    assert_eq!(log.record(&Entry::new(&asker, Event::Answer)).await, Err(NotRecorded));
}

#[test]
fn a_folder_that_is_not_there_is_an_error_at_start() {
    assert!(AuditLog::open(Path::new("/nonexistent/audit.jsonl"), Durability::Sync).is_err());
}
