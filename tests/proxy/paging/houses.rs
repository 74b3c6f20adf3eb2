//! Pages of house shapes, by cursor, offset and number.

use super::payer::{Dialect, Item, Stage, next_of};
use crate::proxy::client::Answer;
use crate::proxy::deployment::{DAUGHTER, MOTHER};
use serde_json::Value;

pub(super) const CLAIMS: &str = "/api/v1/family/C-1/claims";

/// A claim for the small child, which the mother sees.
pub(super) fn open(id: &str) -> Item {
    claim(id, "M-104", "J06.9")
}

/// A claim for the daughter's therapy, which she does not.
pub(super) fn hidden(id: &str) -> Item {
    claim(id, "M-102", "F33.1")
}

fn claim(id: &str, member: &str, code: &str) -> Item {
    let body = format!(
        "{{\"claimId\":\"{id}\",\"memberId\":\"{member}\",\"serviceDate\":\"2026-01-01\",\"diagnoses\":[{{\"code\":\"{code}\"}}],\"amounts\":{{\"paid\":1.10}}}}"
    );
    body.into()
}

/// Eleven open claims; and the same with hidden ones among them, before, between and behind.
pub(super) fn worlds() -> [Vec<Item>; 2] {
    let without: Vec<Item> = (0..11).map(|number| open(&format!("CLM-{number}"))).collect();
    let mut with = Vec::new();
    for (number, item) in without.iter().enumerate() {
        with.extend((0..number % 4).map(|twin| hidden(&format!("HID-{number}-{twin}"))));
        with.push(item.clone());
    }
    with.push(hidden("HID-last"));
    [without, with]
}

fn ids(answer: &Answer) -> Vec<String> {
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    let claims = body["claims"].as_array().unwrap().iter();
    claims.map(|claim| claim["claimId"].as_str().unwrap().to_owned()).collect()
}

fn comparable(pages: &[Answer]) -> Vec<Answer> {
    pages.iter().map(Answer::comparable).collect()
}

#[tokio::test]
async fn pages_are_the_same_whatever_is_hidden_on_every_dialect() {
    for dialect in
        [Dialect::Cursor, Dialect::Offset, Dialect::OffsetMore, Dialect::Page, Dialect::PageMore]
    {
        let stage = Stage::set(dialect, "page-records: 3, reader: []", "").await;
        let mut seen: Vec<Vec<Answer>> = Vec::new();
        for (items, pretty) in worlds().into_iter().zip([false, true]) {
            stage.holds(|held| (held.items, held.pretty) = (items, pretty));
            seen.push(stage.pages(MOTHER, &format!("{CLAIMS}?pageSize=2&from=2026-01-01")).await);
        }
        assert_eq!(comparable(&seen[0]), comparable(&seen[1]), "{dialect:?}");
        let fill: Vec<usize> = seen[0].iter().map(|page| ids(page).len()).collect();
        assert_eq!(fill, [2, 2, 2, 2, 2, 1], "{dialect:?}");
        let all: Vec<String> = seen[0].iter().flat_map(ids).collect();
        assert_eq!(all, (0..11).map(|number| format!("CLM-{number}")).collect::<Vec<_>>());
        // Bytes as they came, between an envelope of ours.
        let last = r#"{"asOf":"2026-11-21","claims":[{"claimId":"CLM-10","memberId":"M-104","serviceDate":"2026-01-01","diagnoses":[{"code":"J06.9"}],"amounts":{"paid":1.10}}]}"#;
        assert_eq!(seen[0][5].body.replace('\n', ""), last);
        // What the reader says of pages stays here: three at a time, from the beginning.
        for request in stage.asked() {
            assert!(request.contains("pageSize=3") && request.contains("from=2026-01-01"));
            let line = request.lines().next().unwrap();
            assert!(line.len() < 120, "none of our cursors is in {line}");
        }
    }
}

/// A claim of a visit's laboratory, harmless by itself, and the therapist's of the same visit.
#[tokio::test]
async fn what_belongs_together_is_judged_together_wherever_pages_end() {
    let of_visit = |id: &str, code: &str| -> Item {
        let claim = claim(id, "M-102", code);
        claim.body.replace("\"serviceDate\"", "\"visitId\":\"V-1\",\"serviceDate\"").into()
    };
    let stage = Stage::set(Dialect::Cursor, "reader: []", "").await;
    let items = [
        of_visit("CLM-laboratory", "J06.9"),
        open("CLM-1"),
        claim("CLM-ankle", "M-102", "S93.401A"),
        open("CLM-2"),
        of_visit("CLM-therapy", "F33.1"),
    ];
    for page_max in 1..6 {
        stage.holds(|held| (held.items, held.page_max) = (items.to_vec(), page_max));
        for size in [1, 2, 50] {
            let pages = stage.pages(MOTHER, &format!("{CLAIMS}?pageSize={size}")).await;
            let seen: Vec<String> = pages.iter().flat_map(ids).collect();
            assert_eq!(seen, ["CLM-1", "CLM-ankle", "CLM-2"], "{page_max} and {size}");
        }
    }
}

#[tokio::test]
async fn a_page_tells_nothing_but_that_there_is_more() {
    let stage = Stage::set(Dialect::Cursor, "reader: []", "").await;
    stage.items(&worlds()[1]);
    let first = stage.get(MOTHER, &format!("{CLAIMS}?pageSize=1")).await;
    let body: Value = serde_json::from_str(&first.body).unwrap();
    let names: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(names, ["asOf", "claims", "page"]);
    assert_eq!(body["page"].as_object().unwrap().len(), 1);
    assert_eq!(body["page"]["next"].as_str().unwrap().len(), 60);
    // A page of none, of as many as there are, and of more than may be.
    let none = stage.get(MOTHER, &format!("{CLAIMS}?pageSize=0")).await;
    assert_eq!(none.body, r#"{"asOf":"2026-11-21","claims":[]}"#);
    for size in ["11", "12", "999999999999999999999"] {
        let all = stage.get(MOTHER, &format!("{CLAIMS}?pageSize={size}")).await;
        assert_eq!((ids(&all).len(), all.body.contains("page")), (11, false), "{size}");
    }
    // Nothing there, nothing to be seen, a page behind the end: the same.
    for items in [Vec::new(), vec![hidden("HID-1")]] {
        stage.items(&items);
        let empty = stage.get(MOTHER, CLAIMS).await;
        assert_eq!(empty.body, none.body);
    }
}

#[tokio::test]
async fn fifty_is_a_page_where_nobody_says_how_many() {
    let stage = Stage::set(Dialect::Cursor, "page-records: 60, reader: []", "").await;
    let items: Vec<Item> = (0..130).map(|number| open(&format!("CLM-{number}"))).collect();
    stage.items(&items);
    let fill = |pages: &[Answer]| pages.iter().map(|page| ids(page).len()).collect::<Vec<_>>();
    assert_eq!(fill(&stage.pages(MOTHER, CLAIMS).await), [50, 50, 30]);
    assert_eq!(fill(&stage.pages(MOTHER, &format!("{CLAIMS}?pageSize=100")).await), [60, 60, 10]);
}

#[tokio::test]
async fn head_is_get_on_further_pages_too() {
    let stage = Stage::set(Dialect::Cursor, "page-records: 3, reader: []", "").await;
    stage.items(&worlds()[1]);
    let target = format!("{CLAIMS}?pageSize=2");
    let second = next_of(&target, "cursor", &stage.get(MOTHER, &target).await).unwrap();
    let get = stage.get(MOTHER, &second).await;
    let token = stage.proxy.files.token(MOTHER);
    let line = format!("HEAD {second}");
    let head = crate::proxy::client::ask(stage.proxy.address, &line, &[&token]).await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert_eq!(head.comparable().fields, get.comparable().fields);
}

#[tokio::test]
async fn records_that_come_and_go_between_pages() {
    let stage = Stage::set(Dialect::Offset, "page-records: 4, reader: []", "").await;
    let [without, _] = worlds();
    let target = format!("{CLAIMS}?pageSize=3");
    let second_after = async |items: Vec<Item>| {
        stage.items(&without);
        let second = next_of(&target, "start", &stage.get(MOTHER, &target).await).unwrap();
        stage.items(&items);
        ids(&stage.get(MOTHER, &second).await)
    };
    let as_it_was = ["CLM-3", "CLM-4", "CLM-5"];
    assert_eq!(second_after(without.clone()).await, as_it_was);
    // Something new before: nothing comes twice. Something hidden: nothing at all.
    for new in [open("CLM-new"), hidden("HID-new")] {
        let mut items = without.clone();
        items.insert(0, new);
        assert_eq!(second_after(items).await, as_it_was);
    }
    // Something gone that was shown: nothing is left out.
    for gone in [0, 1, 2] {
        let mut items = without.clone();
        items.remove(gone);
        assert_eq!(second_after(items).await, as_it_was, "{gone}");
    }
    // Gone, or hidden since, are the same.
    let mut items = without.clone();
    items[2] = hidden("CLM-2");
    assert_eq!(second_after(items).await, as_it_was);
    assert_eq!(second_after(Vec::new()).await, Vec::<String>::new());
}

#[tokio::test]
async fn what_leaves_on_a_page_is_charged_and_recorded_and_nothing_else() {
    let stage =
        Stage::set(Dialect::Cursor, "page-records: 3, reader: [{ records: 5 per 1d }]", "").await;
    stage.items(&worlds()[1]);
    let pages = async |count: usize| {
        let mut target = format!("{CLAIMS}?pageSize=2");
        let mut statuses = Vec::new();
        for _ in 0..count {
            let page = stage.get(MOTHER, &target).await;
            statuses.push(page.status);
            if page.status == 200 {
                target = next_of(&target, "cursor", &page).unwrap();
            }
        }
        statuses
    };
    assert_eq!(pages(3).await, [200, 200, 429]);
    let audit = stage.proxy.files.audit();
    assert_eq!(audit.len(), 3, "one entry for a request, however many pages were read for it");
    for line in &audit[..2] {
        assert_eq!((&line["released"], &line["withheld"]), (&2.into(), &16.into()));
        assert_eq!(line["subjects"]["M-104"]["released"], 2);
        assert_eq!(line["subjects"]["M-102"]["withheld"], 16);
        assert_eq!(line["route"], "GET /api/v1/family/{contract}/claims");
        assert!(!line.to_string().contains("pageSize"));
    }
}

/// The daughter pages through her own, and sees all of it.
#[tokio::test]
async fn ones_own_pages_leave_nothing_out() {
    let stage = Stage::set(Dialect::Page, "page-records: 3, reader: []", "").await;
    let items: Vec<Item> = (0..8).map(|number| hidden(&format!("CLM-{number}"))).collect();
    stage.items(&items);
    let pages = stage.pages(DAUGHTER, "/api/v1/members/M-102/claims?pageSize=3").await;
    let bodies: String = pages.iter().map(|page| page.body.as_str()).collect();
    assert!(items.iter().all(|item| bodies.contains(&item.body)), "{bodies}");
    assert_eq!(pages.len(), 3);
}
