//! The world of the demo holds what the story needs, whatever day it is.

use super::*;
use jiff::civil::date;
use std::collections::{BTreeMap, BTreeSet};

fn world() -> World {
    World::on(date(2026, 11, 21))
}

#[test]
fn no_two_records_share_a_place() {
    let world = world();
    let places: BTreeSet<_> =
        world.records.iter().map(|record| (record.api, record.kind, &record.id)).collect();
    assert_eq!(places.len(), world.records.len());
}

#[test]
fn the_therapy_shows_everywhere_it_would() {
    let world = world();
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    let secret =
        |record: &&Record| record.subjects == [Who::Ingrid] && !record.may_be_seen_by(Who::Ruth);
    for record in world.records.iter().filter(secret) {
        *kinds.entry(record.kind).or_default() += 1;
    }
    for kind in [
        "Encounter",
        "Condition",
        "ExplanationOfBenefit",
        "Observation",
        "QuestionnaireResponse",
        "MedicationRequest",
        "MedicationDispense",
        "DocumentReference",
        "CareTeam",
        "CarePlan",
        "Goal",
        "ServiceRequest",
        "Claim",
        "ClaimResponse",
        "Communication",
        "Appointment",
        "Provenance",
        "claim",
        "prescription",
        "authorization",
        "care-team-member",
        "accumulator",
        "message",
        "letter-section",
        "payment-line",
    ] {
        assert!(kinds.contains_key(kind), "no {kind} of the therapy");
    }
    assert!(kinds["claim"] > 40 && kinds["ExplanationOfBenefit"] > 40, "{kinds:?}");
}

#[test]
fn some_bills_tell_nothing_by_themselves() {
    let world = world();
    let bills = world.records.iter().filter(|record| record.kind == "ExplanationOfBenefit");
    let silent = |record: &&Record| {
        let text = record.body.to_string();
        record.subjects == [Who::Ingrid]
            && !record.may_be_seen_by(Who::Ruth)
            && !text.contains("F33.1")
            && !text.contains("90837")
    };
    assert!(bills.filter(silent).count() >= 8);
}

#[test]
fn there_is_enough_of_everybody() {
    let world = world();
    let of = |who: Who| world.records.iter().filter(|r| r.subjects.contains(&who)).count();
    assert!(world.records.len() > 600, "{}", world.records.len());
    for (who, least) in
        [(Who::Ruth, 80), (Who::Per, 60), (Who::Ingrid, 250), (Who::Nils, 40), (Who::Maja, 80)]
    {
        assert!(of(who) >= least, "{who:?}: {}", of(who));
    }
    let notes = world.records.iter().filter(|record| record.privacy == Privacy::Nobody).count();
    assert_eq!(notes, 2);
}

#[test]
fn every_part_with_a_privacy_of_its_own_is_there() {
    for record in world().records {
        for (pointer, _) in &record.parts {
            assert!(
                record.body.pointer(pointer).is_some(),
                "{} {}: {pointer}",
                record.kind,
                record.id
            );
        }
    }
}

#[test]
fn ages_hold_on_every_day() {
    for today in [date(2026, 11, 21), date(2028, 2, 29), date(2031, 1, 1)] {
        for who in Who::ALL {
            let age = who.birth_date(today).until((jiff::Unit::Year, today)).unwrap().get_years();
            assert_eq!(i32::from(age), who.person().age_years);
        }
    }
}

#[test]
fn who_may_see_what() {
    use Privacy::{Contact, Nobody, Ordinary, Sensitive};
    use Who::{Ingrid, Maja, Nils, Per, Ruth, Tomas};
    for (privacy, reader, subject, may) in [
        (Sensitive, Ruth, Ingrid, false),
        (Ordinary, Ruth, Ingrid, true),
        (Contact, Ruth, Ingrid, false),
        (Sensitive, Ingrid, Ingrid, true),
        (Nobody, Ingrid, Ingrid, false),
        (Sensitive, Ruth, Nils, false),
        (Contact, Ruth, Nils, true),
        (Sensitive, Per, Maja, true),
        (Sensitive, Ruth, Per, false),
        (Ordinary, Nils, Ingrid, false),
        (Ordinary, Ingrid, Ruth, false),
        (Ordinary, Tomas, Maja, false),
        (Ordinary, Ruth, Tomas, false),
    ] {
        assert_eq!(privacy.lets(reader, subject), may, "{privacy:?} {reader:?} {subject:?}");
    }
}
