//! A million keys: `cargo test --release --lib limits::tests::million -- --ignored --nocapture`.

use super::*;
use std::fs;

/// Bytes of this process that are in memory.
fn resident_bytes() -> u64 {
    let text = fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

#[tokio::test]
#[ignore = "takes a gigabyte, and is for the figures in the README"]
#[expect(clippy::print_stderr, reason = "the figures are what it is for")]
async fn a_million_readers_by_the_usual_limits() {
    let folder = tempfile::tempdir().unwrap();
    let usual = crate::config::reads::usual_of_all();
    let keys = 1_000_000;
    let reads = ReadLimits {
        rates: usual,
        long_reads: 4,
        keys: keys * 2,
        state: Some(folder.path().join("limits.state")),
        shared: None,
    };
    let limits = Arc::new(Limits::open(&reads).unwrap());
    let before = resident_bytes();
    let began = Instant::now();
    for reader in 0..keys {
        // Families of four, each shown something about two of them.
        let (name, family) = (format!("M-{reader:09}"), vec![format!("C-{:09}", reader / 4)]);
        let mut budget =
            limits.budget(Who { reader: &name, contracts: &family, client: Some("portal") });
        budget.request().await.unwrap();
        let by_subject = [(name.clone(), 20), (format!("M-{:09}", reader / 4 * 4), 20)];
        let by_subject = by_subject.map(|(subject, released)| {
            (
                subject,
                crate::engine::released::Tally {
                    released,
                    ..crate::engine::released::Tally::default()
                },
            )
        });
        let report = crate::engine::released::Report {
            released: 40,
            by_subject: by_subject.into(),
            ..crate::engine::released::Report::default()
        };
        budget.release(&report, 20_000).await.unwrap();
    }
    let each_ns = began.elapsed().as_nanos() / u128::try_from(keys).unwrap();
    let bytes = resident_bytes() - before;
    let rows = limits.keys();
    eprintln!(
        "{rows} rows, {} MiB, {} bytes for a reader, {each_ns} ns for both charges",
        bytes >> 20,
        bytes / u64::try_from(keys).unwrap()
    );
    let began = Instant::now();
    limits.forget_idle();
    eprintln!("looking for what can be forgotten: {} ms", began.elapsed().as_millis());
    let began = Instant::now();
    limits.save().unwrap();
    let size = fs::metadata(folder.path().join("limits.state")).unwrap().len();
    eprintln!("state file: {} MiB in {} ms", size >> 20, began.elapsed().as_millis());
    let began = Instant::now();
    let again = Limits::open(&reads).unwrap();
    eprintln!("read again: {} rows in {} ms", again.keys(), began.elapsed().as_millis());
    assert_eq!(again.keys(), rows);
}
