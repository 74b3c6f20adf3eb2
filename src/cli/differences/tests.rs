//! Sets are exact, and each difference is a clear line.

use super::super::answer::Judged;
use super::super::cases::Expected;
use super::{covers, differences, expected_cuts};
use crate::engine::diagnostics::SourceFile;
use crate::engine::explain::{Account, CutAccount, RecordAccount};
use crate::engine::released::{Refusal, Report};
use crate::engine::yaml;

fn record(id: &str, released: bool, cuts: &[&str]) -> RecordAccount {
    let cut = |place: &&str| CutAccount {
        asked: Vec::new(),
        place: (*place).to_owned(),
        because: "free-text".to_owned(),
        rules: Vec::new(),
    };
    RecordAccount {
        place: format!("$.claims[{id}]"),
        kind: "claim".to_owned(),
        id: (!id.is_empty()).then(|| id.to_owned()),
        released,
        cuts: cuts.iter().map(cut).collect(),
        ..RecordAccount::default()
    }
}

fn judged(refusal: Option<Refusal>) -> Judged {
    let records = vec![
        record("C-1", true, &["$.lines[0].note", "$.lines[1].note", "$.memo"]),
        record("C-2", false, &[]),
        record("C-2", false, &[]),
        record("", true, &[]),
    ];
    let account = Some(Account { records, envelope: Vec::new() });
    Judged { plan: None, refusal, report: Report { account, ..Report::default() } }
}

#[track_caller]
fn check(expected: &str, refusal: Option<Refusal>, told: &[&str]) {
    let file = SourceFile::new("case.yaml", expected);
    let mut mistakes = Vec::new();
    let expected: Expected = yaml::read(&file, &mut mistakes).unwrap();
    let cuts = expected_cuts(&file, &expected, &mut mistakes);
    assert_eq!(mistakes, []);
    assert_eq!(differences(&expected, &cuts, &judged(refusal)), told);
}

#[test]
fn as_expected() {
    check(
        "{ released: [claim/C-1, '$.claims[]'], withheld: [C-2], cut: ['C-1 $.lines[*].note', C-1 $.memo] }",
        None,
        &[],
    );
}

#[test]
fn every_difference() {
    check(
        "{ released: [C-1, C-3], withheld: [C-4], cut: ['C-1 $.lines[0].note', C-1 $.name], status: 404 }",
        None,
        &[
            "status: expected 404, got 200",
            "released: expected and not there: C-3",
            "released: there and not expected: $.claims[]",
            "withheld: expected and not there: C-4",
            "withheld: there and not expected: C-2",
            "cut: expected and not there: C-1 $.name",
            "cut: there and not expected: C-1 $.lines[1].note (free-text)",
            "cut: there and not expected: C-1 $.memo (free-text)",
        ],
    );
    check(
        "{ released: [C-1, '$.claims[]'], withheld: [C-2], cut: ['C-1 $.lines[*].note', C-1 $.memo] }",
        Some(Refusal::Unreadable { at: 7, why: "duplicate key" }),
        &["status: expected 200, got 502 (unreadable body at byte 7: duplicate key)"],
    );
}

#[test]
fn where_nothing_leaves_it_need_not_be_said_of_what() {
    check(
        "{ released: [C-1, '$.claims[]'], cut: ['C-1 $.lines[*].note', C-1 $.memo], status: 404 }",
        Some(Refusal::NotFound),
        &[],
    );
}

#[test]
fn a_place_that_is_none() {
    let file = SourceFile::new("case.yaml", "{ cut: [C-1] }");
    let mut mistakes = Vec::new();
    let expected: Expected = yaml::read(&file, &mut mistakes).unwrap();
    expected_cuts(&file, &expected, &mut mistakes);
    assert_eq!(mistakes[0].message, "`C-1` is no place");
}

#[test]
fn any_index() {
    for (path, place) in [
        ("$.a", "$.a"),
        ("$.a[*]", "$.a[0]"),
        ("$.a[*].b[*].c", "$.a[10].b[2].c"),
        ("$.a[1].b[*]", "$.a[1].b[7]"),
        ("$[*]", "$[3]"),
    ] {
        assert!(covers(path, place), "{path} {place}");
    }
    for (path, place) in [
        ("$.a", "$.b"),
        ("$.a", "$.a[0]"),
        ("$.a[*]", "$.a"),
        ("$.a[*]", "$.a[]"),
        ("$.a[*]", "$.a['x']"),
        ("$.a[*]", "$.a[0].b"),
        ("$.a[1]", "$.a[2]"),
    ] {
        assert!(!covers(path, place), "{path} {place}");
    }
}
