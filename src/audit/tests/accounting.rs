//! Who asked for whose records: counting, and finding again.

use super::super::accounts::{Accounts, in_words};
use super::super::index::Index;
use super::super::recorded::Recorded;
use super::super::segments::Names;
use super::*;
use crate::engine::released::Tally;
use serde_json::json;

fn entry(reader: &str, event: &str, subjects: &serde_json::Value) -> Recorded {
    serde_json::from_value(json!({
        "n": 7, "time": "2026-11-22T23:59:59.9Z", "event": event, "request": "r-1",
        "reader": reader, "client": "portal", "route": "GET /fhir/{type}", "policy": "p",
        "subjects": subjects,
    }))
    .unwrap()
}

fn told(accounts: &Accounts) -> Vec<(String, u64, u64, u64)> {
    let rows = accounts.rows().map(|(key, access)| {
        let row = format!("{} {} {}", key.subject, key.day, key.reader);
        (row, access.requests, access.released, access.withheld)
    });
    rows.collect()
}

#[test]
fn what_is_about_others_too_does_not_count_and_leaves_no_row() {
    let mut accounts = Accounts::default();
    // TWO-WORLDS: the statement of a family that is hidden from the mother for the daughter's sake.
    accounts.count(
        &entry(
            "M-100",
            "answer",
            &json!({"M-100": {"released": 0, "withheld": 1, "shared_withheld": 1}}),
        ),
        None,
    );
    accounts.count(
        &entry(
            "M-102",
            "answer",
            &json!({"M-100": {"released": 1, "withheld": 0, "shared_released": 1}}),
        ),
        None,
    );
    // Her own, passed over on the way.
    accounts
        .count(&entry("M-100", "refuse", &json!({"M-100": {"released": 0, "withheld": 2}})), None);
    accounts.count(&entry("M-100", "answer", &json!({"?": {"released": 0, "withheld": 2}})), None);
    assert_eq!(told(&accounts), []);
    accounts.count(
        &entry(
            "M-100",
            "answer",
            &json!({"M-100": {"released": 3, "withheld": 2, "shared_released": 1}}),
        ),
        None,
    );
    assert_eq!(told(&accounts), [("M-100 2026-11-22 M-100".to_owned(), 1, 2, 0)]);
}

#[test]
fn the_flushes_of_a_stream_are_one_request() {
    let mut accounts = Accounts::default();
    for _ in 0..3 {
        let subjects = json!({"M-102": {"released": 2, "withheld": 1}, "M-100": {"released": 9, "withheld": 0}});
        accounts.count(&entry("M-100", "flush", &subjects), Some("M-102"));
    }
    assert_eq!(told(&accounts), [("M-102 2026-11-22 M-100".to_owned(), 1, 6, 3)]);
}

#[tokio::test]
async fn what_is_not_yet_recorded_is_not_counted() {
    let place = Place::new(Durability::Written);
    let log = place.open();
    for _ in 0..4 {
        let mut report = Report::default();
        report.by_subject.insert("M-1".to_owned(), Tally { released: 1, ..Tally::default() });
        log.record(&Entry::new(&asker(), Event::Answer).report(&report)).await.unwrap();
    }
    let mut index = Index::of(Names::of(&place.settings.file).unwrap());
    // Two marks, then entries.
    for (until, requests) in [(2, 0), (3, 1), (5, 3), (5, 3), (6, 4)] {
        index.catch_up(until).unwrap();
        let rows = index.rows("M-1").unwrap().0;
        assert_eq!(rows.iter().map(|(_, access)| access.requests).sum::<u64>(), requests);
    }
}

#[test]
fn routes_in_words() {
    for (route, words) in [
        ("GET /api/v1/family/{contract}/claims", "family claims"),
        ("GET /api/v1/claims/{id}", "one of: claims"),
        ("GET /fhir/{type}", "health records"),
        ("GET /fhir/{type}/{id}", "one of: health records"),
        ("GET /fhir/Patient/{id}/$everything", "Patient everything"),
        ("GET /vitals", "vitals"),
    ] {
        assert_eq!(in_words(route), words);
    }
}

#[tokio::test]
async fn each_person_is_found_among_many_and_nobody_else() {
    let mut place = Place::new(Durability::Written);
    place.settings.segment_bytes = 4000;
    let log = place.open();
    for number in 0..60 {
        let mut report = Report::default();
        let tally = Tally { released: number + 1, ..Tally::default() };
        report.by_subject.insert(format!("M-{}", number % 20), tally);
        let asker = Asker { reader: format!("R-{number}"), ..asker() };
        log.record(&Entry::new(&asker, Event::Answer).report(&report)).await.unwrap();
    }
    drop(log);
    let names = Names::of(&place.settings.file).unwrap();
    assert!(names.list_closed().unwrap().len() > 3);
    let mut index = Index::of(names.clone());
    for _ in 0..2 {
        index.catch_up(u64::MAX).unwrap();
        for person in 0..20 {
            let (rows, older) = index.rows(&format!("M-{person}")).unwrap();
            assert!(!older);
            let mut told: Vec<_> =
                rows.iter().map(|(key, access)| (key.reader.clone(), access.released)).collect();
            told.sort();
            let mut expected: Vec<_> = (0..3u64)
                .map(|turn| turn * 20 + person)
                .map(|number| (format!("R-{number}"), number + 1))
                .collect();
            expected.sort();
            assert_eq!(told, expected, "M-{person}");
        }
        for nobody in ["", "M", "M-", "M-100", "M-1x", "N", "M-0\u{0}"] {
            assert_eq!(index.rows(nobody).unwrap().0, [], "{nobody}");
        }
        // The second time from the files alone.
        index = Index::of(names.clone());
    }
}
