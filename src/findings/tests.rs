//! Simulated days: the clock is a number.

use super::*;
use crate::config::units::Rate;
use std::num::NonZeroU64;
use std::time::Duration;

const MINUTE_S: u64 = 60;
const HOUR_S: u64 = 60 * MINUTE_S;
const DAY_S: u64 = 24 * HOUR_S;
const START_S: u64 = 20_000 * DAY_S;

fn rate(most: u64, hours: u64) -> Rate {
    Rate { most: NonZeroU64::new(most).unwrap(), per: Duration::from_hours(hours) }
}

fn settings() -> Settings {
    Settings {
        slow_drip_days: 16,
        sweep: rate(30, 1),
        client_sweep: rate(100_000, 1),
        not_found: rate(30, 1),
        withheld: rate(20_000, 24),
        ids_in_sequence: 10,
        once_per: Duration::from_hours(24),
        state: "unused".into(),
    }
}

fn read(at_s: u64, reader: &str, subjects: &[&str]) -> Seen {
    Seen {
        at_s,
        reader: reader.to_owned(),
        subjects: subjects.iter().map(|&subject| subject.to_owned()).collect(),
        ..Seen::default()
    }
}

/// Kind, reader, subject, count.
fn told(raised: Vec<Raised>) -> Vec<(&'static str, String, Option<String>, u64)> {
    raised.into_iter().map(|it| (it.kind.name(), it.reader, it.subject, it.count)).collect()
}

#[test]
fn the_mother_who_looks_every_night_is_a_slow_drip_once_a_month() {
    let mut findings = Findings::new(settings());
    let mut nights = Vec::new();
    for day in 0..90 {
        for again in 0..3 {
            let at_s = START_S + day * DAY_S + 23 * HOUR_S + again * MINUTE_S;
            for found in told(findings.see(&read(at_s, "M-100", &["M-102", "M-100", "?"]))) {
                assert_eq!(found.0, "slow-drip");
                assert_eq!((found.1.as_str(), found.2.as_deref()), ("M-100", Some("M-102")));
                nights.push((day, found.3));
            }
        }
    }
    assert_eq!(nights, [(15, 16), (45, 30), (75, 30)]);
}

#[test]
fn two_days_a_week_are_no_slow_drip() {
    let mut findings = Findings::new(settings());
    for day in (0..365).filter(|day| day % 7 < 2) {
        let seen = read(START_S + day * DAY_S, "M-100", &["M-102"]);
        assert_eq!(findings.see(&seen), Vec::new());
    }
}

#[test]
fn a_slow_drip_outlives_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("findings");
    let mut raised = 0;
    for day in 0..40 {
        let mut findings = Findings::new(settings());
        findings.load(&file).unwrap();
        raised += findings.see(&read(START_S + day * DAY_S, "M-100", &["M-102"])).len();
        findings.save(&file).unwrap();
    }
    assert_eq!(raised, 1);
    let kept = std::fs::read_to_string(&file).unwrap();
    assert_eq!(kept.lines().count(), 1);
    std::fs::write(&file, kept.replace("last", "lost")).unwrap();
    assert!(Findings::new(settings()).load(&file).is_err());
}

#[test]
fn a_sweep_over_many_people_is_told_once_a_day() {
    let mut findings = Findings::new(settings());
    let mut found = Vec::new();
    for person in 0..200 {
        let subject = format!("M-{person}");
        found.extend(findings.see(&read(START_S + person * 10, "M-7777", &[&subject])));
    }
    assert_eq!(told(found), [("sweep", "M-7777".to_owned(), None, 30)]);
    // As many in as many hours are a clerk of nobody's concern.
    for person in 0..200 {
        let subject = format!("M-{person}");
        let seen = read(START_S + DAY_S + person * HOUR_S, "M-8888", &[&subject]);
        assert_eq!(findings.see(&seen), Vec::new());
    }
}

#[test]
fn a_family_that_looks_at_everything_all_day_is_no_finding() {
    let mut findings = Findings::new(settings());
    let family = ["M-100", "M-101", "M-102", "M-103", "M-104", "M-105"];
    for minute in 0..16 * 60 {
        for reader in family {
            let seen = Seen { withheld: 3, ..read(START_S + minute * MINUTE_S, reader, &family) };
            assert_eq!(findings.see(&seen), Vec::new());
        }
    }
}

#[test]
fn a_client_that_reads_the_whole_book_is_told_without_a_reader() {
    let settings = Settings { client_sweep: rate(100, 1), ..settings() };
    let mut findings = Findings::new(settings);
    let mut found = Vec::new();
    for person in 0..500 {
        let (reader, subject) = (format!("M-{person}"), format!("M-{person}-child"));
        let client = Some("scraper".to_owned());
        let seen = Seen { client, ..read(START_S + person, &reader, &[&subject]) };
        found.extend(findings.see(&seen));
    }
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].kind, found[0].reader.as_str()), (Kind::ClientSweep, ""));
    assert_eq!(found[0].client.as_deref(), Some("scraper"));
}

#[test]
fn who_looks_for_what_is_not_there_is_told_and_hidden_is_as_absent() {
    for withheld in [0, 1] {
        let mut findings = Findings::new(settings());
        let mut found = Vec::new();
        for request in 0..100 {
            let seen = Seen { not_found: true, withheld, ..read(START_S + request, "M-100", &[]) };
            found.extend(findings.see(&seen));
        }
        assert_eq!(told(found), [("not-found", "M-100".to_owned(), None, 30)]);
    }
}

#[test]
fn ids_that_run_on_are_told_and_others_are_not() {
    let ask = |findings: &mut Findings, at: u64, path: String| {
        let id = NumberedId::at_the_end_of(&path);
        assert!(id.is_some(), "{path}");
        findings.see(&Seen { id, ..read(START_S + at, "M-100", &[]) })
    };
    let mut findings = Findings::new(settings());
    let up: Vec<Raised> = (0..40)
        .flat_map(|at| ask(&mut findings, at, format!("/claims/CLM-{:05}", 1000 + at)))
        .collect();
    assert_eq!(told(up), [("ids-in-sequence", "M-100".to_owned(), None, 10)]);
    let mut findings = Findings::new(settings());
    for at in 0..40 {
        // A reader turns over claims of theirs, again and again.
        let number = 1000 + at * 7919 % 9000;
        for _ in 0..3 {
            assert_eq!(ask(&mut findings, at, format!("/claims/CLM-{number}")), Vec::new());
        }
    }
    assert_eq!(NumberedId::at_the_end_of("/fhir/Patient/abc"), None);
}

#[test]
fn what_the_engine_finds_is_told_once_for_each_route_and_day() {
    let mut findings = Findings::new(settings());
    let mut found = Vec::new();
    for day in 0..3 {
        for request in 0..50 {
            for route in ["GET /a", "GET /b"] {
                found.extend(findings.see(&Seen {
                    route: Some(route.to_owned()),
                    found: vec![(Finding::PsychotherapyNote, 2), (Finding::UnknownSystem, 9)],
                    ..read(START_S + day * DAY_S + request, "M-100", &[])
                }));
            }
        }
    }
    assert_eq!(found.len(), 3 * 2 * 2);
    assert!(found.iter().all(|raised| raised.reader.is_empty() && raised.subject.is_none()));
}

#[test]
fn what_is_watched_is_bounded() {
    let mut findings = Findings::new(settings());
    for reader in 0..windows::KEYS_MAX + 10 {
        let seen = read(START_S, &format!("M-{reader}"), &["M-x"]);
        findings.see(&seen);
    }
    assert_eq!(findings.unwatched(), 10);
    // An hour later there is room again.
    findings.see(&read(START_S + HOUR_S, "M-another", &["M-x"]));
    assert_eq!(findings.unwatched(), 10);
}
