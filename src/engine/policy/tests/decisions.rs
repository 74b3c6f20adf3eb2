//! Who may see what: the FLOOR, the default rules, grants, restrictions, several contracts.

use super::*;

const LEAVES: [&str; 0] = [];
const OTHERS: [Relation; 6] = [
    Relation::Representative,
    Relation::Guardian,
    Relation::Subscriber,
    Relation::Spouse,
    Relation::Dependent,
    Relation::Outsider,
];

#[test]
fn the_mother_sees_nothing_of_her_grown_daughters_therapy() {
    let table = default_table();
    let mother = standing(Relation::Subscriber, AgeBand::Adult);
    for category in
        ["mental-health", "possible-mental-health", "substance-use", "unclassified", "free-text"]
    {
        assert_eq!(record(&table, &mother, category), ["FLOOR"], "{category}");
        assert_eq!(field(&table, &mother, "", category), ["FLOOR"], "{category}");
    }
    assert_eq!(record(&table, &mother, "reproductive"), ["us-federal/adult-reproductive"]);
    assert_eq!(
        record(&table, &mother, "mental-health hiv"),
        ["FLOOR", "us-federal/adult-hiv"],
        "every rule that asked is told"
    );
    assert_eq!(field(&table, &mother, "", "contact"), ["us-federal/adult-contact"]);
    assert_eq!(field(&table, &mother, "", "aggregate"), ["us-federal/adult-totals"]);
    assert_eq!(record(&table, &mother, ""), LEAVES, "a broken arm is no secret by these rules");
}

#[test]
fn the_daughter_sees_all_of_her_own_but_the_notes() {
    let table = default_table();
    for age in AgeBand::ALL {
        let daughter = standing(Relation::SelfReader, age);
        for category in Category::ALL {
            let told = ids(&table, &table.record(&daughter, Categories::of(category)));
            let expected: &[&str] =
                if category == Category::PsychotherapyNotes { &["FLOOR"] } else { &[] };
            assert_eq!(told, expected, "{} {}", age.name(), category.name());
        }
        assert_eq!(record(&table, &daughter, ""), LEAVES);
    }
}

#[test]
fn a_young_childs_parent_sees_all_but_abuse_and_notes() {
    let table = default_table();
    let mother = standing(Relation::Guardian, AgeBand::Minor);
    assert_eq!(record(&table, &mother, "mental-health substance-use free-text"), LEAVES);
    assert_eq!(record(&table, &mother, "abuse"), ["us-federal/minor-abuse"]);
    assert_eq!(record(&table, &mother, "psychotherapy-notes"), ["FLOOR"]);
    assert_eq!(field(&table, &mother, "", "aggregate"), LEAVES);
}

#[test]
fn a_consenting_minors_care_is_kept_from_the_parent() {
    let table = default_table();
    let mother = standing(Relation::Guardian, AgeBand::ConsentingMinor);
    for category in [
        "mental-health",
        "possible-mental-health",
        "substance-use",
        "reproductive",
        "sexual-health",
        "hiv",
        "gender-affirming",
        "abuse",
        "unclassified",
        "free-text",
        "aggregate",
    ] {
        assert_ne!(record(&table, &mother, category), LEAVES, "{category}");
    }
    for category in ["contact", "developmental", "genetic", ""] {
        assert_eq!(record(&table, &mother, category), LEAVES, "{category}");
    }
}

#[test]
fn floor_holds_where_a_set_releases_everything() {
    let table = table(&[OPEN]);
    for age in AgeBand::ALL {
        for relation in [Relation::Dependent, Relation::Outsider] {
            let sibling = standing(relation, age);
            assert_eq!(record(&table, &sibling, ""), ["FLOOR"]);
            for category in Category::ALL {
                let verdict = table.record(&sibling, Categories::of(category));
                assert_eq!(verdict.action, Action::Withhold);
                let verdict = table.field(&sibling, Categories::NONE, category);
                assert_eq!(verdict.action, Action::Withhold);
            }
        }
        for relation in Relation::ALL {
            let reader = standing(relation, age);
            assert_eq!(record(&table, &reader, "psychotherapy-notes"), ["FLOOR"]);
        }
    }
    for relation in [Relation::Guardian, Relation::Subscriber, Relation::Spouse] {
        let parent = standing(relation, AgeBand::Adult);
        assert_eq!(record(&table, &parent, "mental-health"), ["FLOOR"]);
        assert_eq!(record(&table, &parent, "hiv"), LEAVES);
        let parent = standing(relation, AgeBand::Minor);
        assert_eq!(record(&table, &parent, "mental-health"), LEAVES);
    }
}

#[test]
fn a_grant_for_mental_health_covers_the_weaker_signs_beside_it() {
    let table = default_table();
    let mother =
        with(standing(Relation::Subscriber, AgeBand::Adult), &[authorization("mental-health")]);
    assert_eq!(record(&table, &mother, "mental-health"), LEAVES);
    let beside = "mental-health possible-mental-health unclassified free-text";
    assert_eq!(record(&table, &mother, beside), LEAVES);
    assert_eq!(field(&table, &mother, "mental-health", "free-text"), LEAVES);
    assert_eq!(record(&table, &mother, "unclassified"), ["FLOOR"], "not without it");
    assert_eq!(field(&table, &mother, "", "free-text"), ["FLOOR"]);
    assert_eq!(record(&table, &mother, "mental-health substance-use"), ["FLOOR"]);
    assert_eq!(record(&table, &mother, "mental-health psychotherapy-notes"), ["FLOOR"]);
    assert_eq!(
        record(&table, &mother, "mental-health hiv"),
        ["us-federal/adult-hiv"],
        "each category needs its grant"
    );
}

#[test]
fn notes_leave_only_on_an_authorization_for_exactly_them() {
    let table = default_table();
    let note = "psychotherapy-notes mental-health free-text unclassified";
    for relation in [Relation::SelfReader, Relation::Subscriber, Relation::Outsider] {
        let reader = standing(relation, AgeBand::Adult);
        let exact = with(reader.clone(), &[authorization("psychotherapy-notes")]);
        assert_eq!(record(&table, &exact, note), LEAVES, "{}", relation.name());
        for other in [
            authorization("all"),
            authorization("psychotherapy-notes mental-health"),
            representation("psychotherapy-notes"),
            representation("all"),
        ] {
            let reader = with(reader.clone(), &[other]);
            assert!(record(&table, &reader, note).contains(&"FLOOR".to_owned()));
        }
    }
    let exact = [authorization("psychotherapy-notes")];
    let mother = with(standing(Relation::Subscriber, AgeBand::Adult), &exact);
    assert_eq!(record(&table, &mother, "mental-health"), ["FLOOR"], "the notes, not the claims");
    let herself = with(standing(Relation::SelfReader, AgeBand::Adult), &exact);
    assert_eq!(field(&table, &herself, "mental-health", "psychotherapy-notes"), LEAVES);
}

#[test]
fn who_is_shut_out_needs_the_whole_record_granted() {
    let table = default_table();
    let aunt = |names| with(standing(Relation::Outsider, AgeBand::Adult), &[authorization(names)]);
    assert_eq!(record(&table, &aunt("hiv"), "hiv"), LEAVES);
    assert_eq!(record(&table, &aunt("hiv"), ""), ["FLOOR"], "no category only by `all`");
    assert_eq!(record(&table, &aunt("all"), ""), LEAVES);
    assert_ne!(record(&table, &aunt("hiv"), "hiv genetic"), LEAVES);
    assert_eq!(record(&table, &aunt("hiv genetic"), "hiv genetic"), LEAVES);
    assert_ne!(field(&table, &aunt("hiv"), "hiv", "contact"), LEAVES);
    assert_eq!(field(&table, &aunt("all"), "hiv", "contact"), LEAVES);
    let both = [authorization("hiv"), representation("genetic")];
    let aunt = with(standing(Relation::Outsider, AgeBand::Adult), &both);
    assert_eq!(record(&table, &aunt, "hiv genetic"), LEAVES, "two grants may share a record");
}

#[test]
fn a_representative_is_one_for_what_the_grants_cover_and_no_more() {
    let guardian = "
pack: strict
rules:
  - id: from-relatives
    why: a test
    cite: [a test]
    category: any
    reader: [guardian, subscriber, spouse]
    then: withhold
releases:
  - { category: any, reader: others, why: a test }
";
    let table = table(&[guardian]);
    let subscriber = standing(Relation::Subscriber, AgeBand::Adult);
    let holder = with(subscriber.clone(), &[representation("mental-health")]);
    assert_eq!(record(&table, &holder, "mental-health"), LEAVES, "representative");
    assert_eq!(record(&table, &holder, "mental-health unclassified"), LEAVES);
    assert_eq!(record(&table, &holder, "hiv"), ["strict/from-relatives"], "still the subscriber");
    assert_eq!(record(&table, &holder, ""), ["strict/from-relatives"]);
    let holder = with(subscriber.clone(), &[representation("all")]);
    assert_eq!(record(&table, &holder, ""), LEAVES);
    let holder = with(subscriber, &[authorization("all")]);
    let held = record(&table, &holder, "hiv");
    assert_eq!(held, ["strict/from-relatives"], "an authorization makes no representative");
    let person = with(standing(Relation::SelfReader, AgeBand::Adult), &[representation("all")]);
    assert_eq!(record(&table, &person, "hiv"), LEAVES, "self is never replaced");
}

#[test]
fn an_exception_counts_only_the_kinds_it_names() {
    let text = "
pack: kinds
rules:
  - id: by-authorization
    why: a test
    cite: [a test]
    category: [hiv, genetic]
    reader: others
    then: withhold
    unless: [authorization]
  - id: every-record
    why: a test
    cite: [a test]
    category: any
    subject: { age: minor }
    reader: others
    then: withhold
    unless: [representation]
releases:
  - { category: any, reader: others, why: a test }
";
    let table = table(&[text]);
    let adult = standing(Relation::Subscriber, AgeBand::Adult);
    let minor = standing(Relation::Guardian, AgeBand::Minor);
    assert_eq!(record(&table, &with(adult.clone(), &[authorization("hiv")]), "hiv"), LEAVES);
    let represented = with(adult, &[representation("hiv")]);
    assert_eq!(record(&table, &represented, "hiv"), ["kinds/by-authorization"]);
    assert_eq!(record(&table, &minor, ""), ["kinds/every-record"]);
    let named = with(minor.clone(), &[representation("developmental")]);
    assert_eq!(record(&table, &named, "developmental"), LEAVES);
    assert_eq!(record(&table, &named, "developmental contact"), ["kinds/every-record"]);
    assert_eq!(record(&table, &named, ""), ["kinds/every-record"]);
    assert_eq!(record(&table, &with(minor, &[representation("all")]), ""), LEAVES);
}

#[test]
fn a_restriction_beats_every_grant_but_a_later_one_of_an_adult() {
    let table = default_table();
    let all = restriction("all", Some("2026-01-01"));
    let child = against(standing(Relation::Guardian, AgeBand::Minor), std::slice::from_ref(&all));
    assert_eq!(record(&table, &child, ""), ["restriction"]);
    assert_eq!(record(&table, &child, "contact"), ["restriction"]);

    let adult = against(standing(Relation::Subscriber, AgeBand::Adult), std::slice::from_ref(&all));
    let mut later = authorization("all");
    assert_eq!(
        record(&table, &with(adult.clone(), &[later.clone()]), ""),
        ["restriction"],
        "same day"
    );
    later.from = Some(day("2026-01-02"));
    assert_eq!(record(&table, &with(adult.clone(), &[later.clone()]), ""), LEAVES);
    assert_eq!(record(&table, &with(child, &[later.clone()]), ""), ["restriction"], "no adult");
    let mut named = authorization("hiv");
    named.from = later.from;
    assert_eq!(record(&table, &with(adult.clone(), &[named.clone()]), "hiv"), LEAVES);
    assert_eq!(record(&table, &with(adult.clone(), &[named]), ""), ["restriction"]);
    later.kind = GrantKind::Representation;
    assert_eq!(record(&table, &with(adult, &[later.clone()]), ""), ["restriction"]);

    let open = restriction("all", None);
    later.kind = GrantKind::Authorization;
    let adult = against(standing(Relation::Subscriber, AgeBand::Adult), &[open]);
    assert_eq!(
        record(&table, &with(adult, &[later]), ""),
        ["restriction"],
        "since when is unknown"
    );
}

#[test]
fn a_restriction_names_categories_and_never_touches_the_subject() {
    let table = default_table();
    let named = restriction("contact genetic", Some("2026-01-01"));
    let guardian =
        against(standing(Relation::Guardian, AgeBand::Minor), std::slice::from_ref(&named));
    assert_eq!(record(&table, &guardian, "mental-health"), LEAVES);
    assert_eq!(record(&table, &guardian, "genetic"), ["restriction"]);
    assert_eq!(
        field(&table, &guardian, "genetic", "aggregate"),
        LEAVES,
        "the record is asked apart"
    );
    assert_eq!(field(&table, &guardian, "", "contact"), ["restriction"]);
    let person = against(standing(Relation::SelfReader, AgeBand::Minor), &[named]);
    assert_eq!(record(&table, &person, "genetic"), LEAVES);
}

#[test]
fn the_strongest_action_over_two_contracts_wins() {
    let table = default_table();
    let mut two = standing(Relation::Guardian, AgeBand::Minor);
    assert_eq!(record(&table, &two, "genetic"), LEAVES);
    two.ties.push(Tie { relation: Relation::Dependent, relationship: "self".to_owned() });
    assert_eq!(record(&table, &two, "genetic"), ["FLOOR"]);
    assert_eq!(record(&table, &two, ""), ["FLOOR"]);
}

#[test]
fn who_has_no_tie_is_an_outsider_and_members_make_no_representative() {
    let table = table(&[OPEN]);
    let mut nobody = standing(Relation::Subscriber, AgeBand::Minor);
    nobody.ties.clear();
    assert_eq!(record(&table, &nobody, ""), ["FLOOR"]);
    let claimed = standing(Relation::Representative, AgeBand::Minor);
    assert_eq!(record(&table, &claimed, ""), ["FLOOR"]);
}

#[test]
fn an_unknown_state_or_relationship_meets_every_condition() {
    let text = "
pack: states
rules:
  - id: california
    why: a test
    cite: [a test]
    category: genetic
    subject: { state: [CA, WA] }
    reader: others
    then: withhold
  - id: wards
    why: a test
    cite: [a test]
    category: hiv
    subject: { relationship: [ward, foster] }
    reader: others
    then: withhold
releases:
  - { category: any, reader: others, why: a test }
";
    let table = table(&[text]);
    let mut reader = standing(Relation::Subscriber, AgeBand::Adult);
    assert_eq!(record(&table, &reader, "genetic hiv"), LEAVES);
    reader.state = Some("CA".to_owned());
    assert_eq!(record(&table, &reader, "genetic"), ["states/california"]);
    reader.state = None;
    assert_eq!(record(&table, &reader, "genetic"), ["states/california"]);
    reader.ties[0].relationship = "ward".to_owned();
    assert_eq!(record(&table, &reader, "hiv"), ["states/wards"]);
    reader.ties[0].relationship.clear();
    assert_eq!(record(&table, &reader, "hiv"), ["states/wards"]);
}

#[test]
fn anyone_keeps_totals_from_the_subject_too() {
    let text = "
pack: totals
rules:
  - id: nobody
    why: a test
    cite: [a test]
    category: [aggregate, psychotherapy-notes]
    reader: anyone
    then: withhold
releases:
  - { category: any, reader: others, why: a test }
";
    let table = table(&[text]);
    let person = standing(Relation::SelfReader, AgeBand::Adult);
    assert_eq!(field(&table, &person, "", "aggregate"), ["totals/nobody"]);
    assert_eq!(record(&table, &person, "hiv"), LEAVES);
    let parent = standing(Relation::Guardian, AgeBand::Minor);
    assert_eq!(field(&table, &parent, "", "aggregate"), ["totals/nobody"]);
}

#[test]
fn a_broken_set_withholds_everything_even_from_the_subject() {
    let broken = DecisionTable::default();
    let person = standing(Relation::SelfReader, AgeBand::Adult);
    assert_eq!(record(&broken, &person, ""), ["FLOOR"]);
    for relation in OTHERS {
        assert_eq!(record(&broken, &standing(relation, AgeBand::Minor), ""), ["FLOOR"]);
    }
    let read = DecisionTable::read(&[file("bad", "pack: [")], &mut Vec::new());
    assert_eq!(record(&read, &person, ""), ["FLOOR"]);
}
