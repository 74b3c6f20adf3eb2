//! What people and programs read.

use super::{About, Judged, as_json, human};
use crate::engine::explain::{Account, CutAccount, Evidence, RecordAccount};
use crate::engine::released::{Finding, Refusal, Report};
use std::collections::BTreeMap;

fn judged() -> Judged {
    let withheld = RecordAccount {
        place: "$.entry[1].resource".to_owned(),
        kind: "ExplanationOfBenefit".to_owned(),
        id: Some("eob-2".to_owned()),
        subjects: vec!["M-102".to_owned()],
        categories: vec!["mental-health", "unclassified"],
        released: false,
        rules: vec!["FLOOR".to_owned(), "us-federal/adult".to_owned()],
        evidence: vec![
            Evidence {
                categories: vec!["mental-health"],
                place: "$.diagnosis[0].code".to_owned(),
                because: "codes/icd10cm.csv:12 F20..F29".to_owned(),
            },
            Evidence {
                categories: vec!["unclassified"],
                place: "$.item[0]".to_owned(),
                because: "link out of sight".to_owned(),
            },
        ],
        cuts: Vec::new(),
    };
    let released = RecordAccount {
        place: "$.entry[2].resource".to_owned(),
        kind: "Claim".to_owned(),
        released: true,
        cuts: vec![CutAccount {
            place: "$.\u{1b}[31m\u{202e}".to_owned(),
            asked: Vec::new(),
            because: "not named by the shape".to_owned(),
            rules: Vec::new(),
        }],
        ..RecordAccount::default()
    };
    let account =
        Account { records: vec![withheld, released], envelope: vec!["$.total".to_owned()] };
    let findings = BTreeMap::from([(Finding::PsychotherapyNote, 2)]);
    let report = Report { account: Some(account), findings, ..Report::default() };
    Judged { plan: None, refusal: None, report }
}

const ABOUT: About<'static> =
    About { reader: "M-100", today: jiff::civil::date(2026, 11, 21), policies: "abc" };

#[test]
fn for_people() {
    let expected = "\
no route, read by M-100 on 2026-11-21
the answer is 200
1 released, 1 withheld, 1 place cut from those released

WITHHELD  ExplanationOfBenefit eob-2  at $.entry[1].resource
  about     M-102
  category  mental-health, unclassified
  rule      FLOOR, us-federal/adult
  because   $.diagnosis[0].code  mental-health  codes/icd10cm.csv:12 F20..F29
            $.item[0]            unclassified   link out of sight

released  Claim  at $.entry[2].resource
  cut       $.\\u{1b}[31m\\u{202e}  not named by the shape

outside records, cut
  $.total

findings
  psychotherapy-note-upstream × 2
";
    let text = human(&ABOUT, &judged());
    assert!(text == expected, "got\n{text}\nexpected\n{expected}");
}

#[test]
fn a_refusal_for_people() {
    let judged = Judged { refusal: Some(Refusal::NotFound), plan: None, report: Report::default() };
    assert_eq!(
        human(&ABOUT, &judged),
        "no route, read by M-100 on 2026-11-21\nthe answer is 404 not found\n0 released, 0 withheld, 0 places cut from those released\n"
    );
}

#[test]
fn for_programs() {
    let json = as_json(&ABOUT, &judged());
    assert_eq!(json["status"], 200);
    assert_eq!(json["records"][0]["verdict"], "withheld");
    assert_eq!(json["records"][0]["evidence"][1]["because"], "link out of sight");
    assert_eq!(json["records"][1]["cuts"][0]["rules"], serde_json::json!([]));
    assert_eq!(json["envelope"][0], "$.total");
    assert_eq!(json["findings"]["psychotherapy-note-upstream"], 2);
}
