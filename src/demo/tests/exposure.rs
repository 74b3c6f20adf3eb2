//! `exposure` over a generated log of the family's portal: it must find exactly the reads that
//! the policies would have stopped, as the bookkeeping of the demo has it, which asks no engine.

mod expected;
mod past;

use crate::demo::family::Who;
use crate::demo::judge::clinical_in;
use expected::{differences, expected, reported};
use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::{Timestamp, ToSpan};
use past::{Past, Read, kept, reads, write_log};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;

/// Whose records in an answer the policies withhold beyond what the bookkeeping knows of: parts
/// of letters and payments that point at a claim which is not in the same body, and totals that
/// the family's page adds. That they were read is the same; how much of them is not.
fn is_counted(read: &Read) -> bool {
    let path = read.target.split('?').next().unwrap();
    !path.ends_with("/letters") && !path.ends_with("/payments")
}

/// Finds what is expected, in so many reads.
fn find_in(count: usize) {
    let past = Past::new();
    let reads = reads(&past.world, count);
    let log = write_log(&past, "access.log", &reads);
    let (mut expected_all, mut found) =
        (expected(&past.world, &reads), reported(&past.report(&log)));
    for row in expected_all.withheld.values_mut().chain(found.withheld.values_mut()) {
        (row.3, row.4) = (0, 0);
    }
    assert_eq!(differences(&past, &reads), Vec::<String>::new());
    assert_eq!(found, expected_all);

    // The same search again asks nothing, and counts records where the bookkeeping is exact.
    let counted: Vec<Read> = reads.into_iter().filter(is_counted).collect();
    let asked = kept(&past).len();
    let log = write_log(&past, "counted.log", &counted);
    let (mut expected, mut found) = (expected(&past.world, &counted), reported(&past.report(&log)));
    assert_eq!(kept(&past).len(), asked);
    for row in expected.withheld.values_mut().chain(found.withheld.values_mut()) {
        row.4 = 0;
    }
    assert_eq!(found, expected);
}

#[test]
fn exactly_the_reads_that_the_policies_would_have_stopped() {
    find_in(500);
}

/// `cargo test --release --lib a_hundred_thousand_reads -- --ignored`
#[test]
#[ignore = "minutes in a debug build"]
fn a_hundred_thousand_reads() {
    find_in(100_000);
}

#[test]
fn no_output_and_no_state_holds_anything_of_a_record() {
    let past = Past::new();
    let log = write_log(&past, "access.log", &reads(&past.world, 40));
    for format in ["human", "json", "csv"] {
        let (code, stdout, stderr) = past.exposure(&log, &["--format", format]);
        assert_eq!(code, 0, "{stderr}");
        assert!(stdout.contains("M-102"), "{stdout}");
        let state = fs::read_to_string(past.file("state")).unwrap();
        let mut found = clinical_in(&past.world, &format!("{stdout}{stderr}{state}")).unwrap();
        // Our word for a relation is one of the payer's too.
        found.retain(|text| text != "spouse");
        assert_eq!(found, Vec::<String>::new(), "{format}");
    }
}

#[test]
fn a_search_that_was_ended_ends_with_the_same_report_and_asks_nothing_twice() {
    let past = Past::new();
    let reads = reads(&past.world, 60);
    let log = write_log(&past, "access.log", &reads);
    let whole = past.report(&log);
    let lines = fs::read_to_string(past.file("state")).unwrap();
    // Ended while a line was being written.
    let half: String = lines.split_inclusive('\n').take(20).collect();
    fs::write(past.file("state"), format!("{half}{{\"request\":\"00")).unwrap();
    assert_eq!(past.report(&log), whole);
    let again = fs::read_to_string(past.file("state")).unwrap();
    assert!(again.starts_with(&half));
    assert_eq!(again.lines().count(), lines.lines().count());
    let digests = |text: &str| -> BTreeSet<String> {
        text.lines().skip(1).map(|line| line.split('"').nth(3).unwrap().to_owned()).collect()
    };
    assert_eq!(digests(&again).len(), again.lines().count() - 1, "one was asked twice");
    assert_eq!(digests(&again), digests(&lines));
    // Another past is another search.
    let (code, _, stderr) = past.exposure(&log, &["--as-of-read"]);
    assert_eq!(code, 2);
    assert!(stderr.contains("begun with other policies, people or options"), "{stderr}");
}

#[test]
fn as_of_the_read_a_parent_was_still_the_guardian_of_a_small_child() {
    let past = Past::new();
    // The son is sixteen; five years ago he was eleven.
    let target = "/api/v1/members/M-103/claims?pageSize=200".to_owned();
    let read = |years: i64| {
        let time = Timestamp::now().checked_sub((years * 365 * 24).hours()).unwrap();
        Read { who: Who::Ruth, target: target.clone(), time }
    };
    let log = write_log(&past, "access.log", &[read(5), read(0)]);
    let reads = |report: &Value| report["withheld"][0]["reads"].as_u64();
    assert_eq!(reads(&past.report(&log)), Some(2));
    fs::remove_file(past.file("state")).unwrap();
    let (_, stdout, _) = past.exposure(&log, &["--as-of-read", "--format", "json"]);
    let report: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(reads(&report), Some(1));
    assert!(report.get("as_of").is_none());
}

#[test]
fn lines_that_tell_of_no_read_are_counted() {
    let past = Past::new();
    let path = past.file("odd.log.gz");
    let mut file = GzEncoder::new(fs::File::create(&path).unwrap(), Compression::fast());
    let line = |user: &str, request: &str, status: u16| {
        format!("10.0.0.7 - {user} [10/Oct/2025:13:55:36 -0700] \"{request}\" {status} 5\n")
    };
    let claims = "GET /api/v1/members/M-102/claims HTTP/1.1";
    let text = [
        line("M-100", claims, 200),
        line("M-100", &claims.replace("GET ", "HEAD "), 200),
        line("M-100", &claims.replace("GET ", "GET https://members.example"), 304),
        line("M-100", claims, 403),
        line("M-100", "POST /fhir/Condition/_search HTTP/1.1", 200),
        line("-", claims, 200),
        line("somebody else", claims, 200),
        line("M-100", "GET /api/v1/claims/CLM-none HTTP/1.1", 200),
        line("M-100", "GET /fhir/Condition?code=F33.1 HTTP/1.1", 200),
        "what is this\n".to_owned(),
        format!("{}\n", "x".repeat(100_000)),
    ];
    file.write_all(text.concat().as_bytes()).unwrap();
    file.finish().unwrap();
    let report = past.report(&path);
    let lines = serde_json::json!({
        "all": 11, "reads": 5, "unreadable": 2, "nobody": 1, "unknown_readers": 1,
        "not_answered": 1, "not_answerable": 1,
    });
    assert_eq!(report["lines"], lines);
    assert_eq!(report["withheld"][0]["reads"], 3);
    assert_eq!(report["requests"]["gone"], 1);
    assert_eq!(report["refused"][0]["cause"], "parameter");
}
