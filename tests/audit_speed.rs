//! How fast a log of a million lines is verified. Measured by
//! `cargo test --release --test it -- --ignored a_million_lines --nocapture`.

use sequester::audit::verify::{Against, LogFiles, verify};
use sequester::audit::{Asker, AuditLog, Entry, Event};
use sequester::config::meant::{Audit, Durability};
use sequester::engine::released::{Report, Tally};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Entries, and how many requests are under way.
const ENTRIES: usize = 1_000_000;
const REQUESTS: usize = 64;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a million lines; see the top of the file"]
async fn a_million_lines() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Audit {
        file: folder.path().join("audit.jsonl"),
        durability: Durability::Written,
        key: None,
        segment_bytes: 256 << 20,
        segment_age: Duration::from_hours(24),
    };
    let log = Arc::new(AuditLog::open(&settings).unwrap());
    let mut report = Report { released: 12, withheld: 3, ..Report::default() };
    report.rules.insert("FLOOR".to_owned(), 3);
    for subject in ["M-100", "M-102"] {
        report
            .by_subject
            .insert(subject.to_owned(), Tally { released: 6, withheld: 2, ..Tally::default() });
    }
    let began = Instant::now();
    let mut requests = tokio::task::JoinSet::new();
    for _ in 0..REQUESTS {
        let (log, report) = (Arc::clone(&log), report.clone());
        requests.spawn(async move {
            let asker = Asker {
                request: "0123456789abcdef0123456789abcdef".to_owned(),
                reader: "M-100".to_owned(),
                client: Some("portal".to_owned()),
                route: Some("GET /fhir/{type}".to_owned()),
                policy: "0123456789abcdef".repeat(4),
            };
            for _ in 0..ENTRIES / REQUESTS {
                let entry = Entry::new(&asker, Event::Answer).status(200).bytes(9000);
                log.record(&entry.report(&report)).await.unwrap();
            }
        });
    }
    requests.join_all().await;
    drop(log);
    let written = began.elapsed();
    let logs = LogFiles::at(&[folder.path().to_owned()]).unwrap();
    let began = Instant::now();
    let mut wrong = 0;
    let summary = verify(&logs[0], &Against::default(), &mut |_| wrong += 1, &mut |_| {}).unwrap();
    let took = began.elapsed();
    assert_eq!((wrong, summary.lines >= u64::try_from(ENTRIES).unwrap()), (0, true));
    let mb_per_s = |time: Duration| u128::from(summary.bytes) / 1000 / time.as_millis().max(1);
    tell(&format!(
        "{} lines, {} MB in {} segments: written in {} ms ({} MB/s), verified in {} ms ({} MB/s)",
        summary.lines,
        summary.bytes / 1_000_000,
        summary.segments,
        written.as_millis(),
        mb_per_s(written),
        took.as_millis(),
        mb_per_s(took),
    ));
}

#[expect(clippy::print_stdout, reason = "what a measurement is for")]
fn tell(line: &str) {
    println!("{line}");
}
