//! The walk: readers, subjects and what the default rules let them see, from the files up.

use super::*;
use crate::engine::category::{Categories, Category};
use crate::engine::policy::{Action, DecisionTable};

/// Everything a policy holder has no business with, one record each, and one that is no secret.
const SENSITIVE: [&str; 4] = ["mental-health", "substance-use", "hiv", "unclassified"];

fn rules() -> DecisionTable {
    let text = include_str!("../../../policies/rules/us-federal.yaml");
    let mut mistakes = Vec::new();
    let table = DecisionTable::read(&[SourceFile::new("us-federal.yaml", text)], &mut mistakes);
    assert_eq!(mistakes, []);
    table
}

/// What a reader sees of a subject: `plain`, and each of [`SENSITIVE`].
fn sees(register: &Arc<Register>, reader: &str, subject: &str, today: &str) -> Vec<&'static str> {
    let (people, table) = (view(register, reader, today), rules());
    let standing = standing(&people, subject);
    let leaves = |categories| table.record(&standing, categories).action == Action::Release;
    let plain = leaves(Categories::NONE).then_some("plain");
    let sensitive =
        SENSITIVE.into_iter().filter(|name| leaves(Categories::of(Category::named(name).unwrap())));
    let notes = Categories::of(Category::PsychotherapyNotes);
    let notes = leaves(notes).then_some("notes");
    plain.into_iter().chain(sensitive).chain(notes).collect()
}

const ALL: [&str; 5] = ["plain", "mental-health", "substance-use", "hiv", "unclassified"];
const PLAIN: [&str; 1] = ["plain"];
const NOTHING: [&str; 0] = [];

#[test]
fn the_mother_reads_the_family() {
    let family = register(FAMILY, "", "");
    assert_eq!(sees(&family, "M-100", "M-100", TODAY), ALL);
    assert_eq!(sees(&family, "M-100", "M-101", TODAY), PLAIN, "her husband");
    assert_eq!(sees(&family, "M-100", "M-102", TODAY), PLAIN, "her daughter of 25");
    assert_eq!(sees(&family, "M-100", "M-103", TODAY), PLAIN, "her son of 16 in California");
    assert_eq!(sees(&family, "M-100", "M-104", TODAY), ALL, "her child of 8");
}

#[test]
fn the_daughter_reads_herself_and_nobody_else() {
    let family = register(FAMILY, "", "");
    assert_eq!(sees(&family, "M-102", "M-102", TODAY), ALL);
    for other in ["M-100", "M-101", "M-103", "M-104"] {
        assert_eq!(sees(&family, "M-102", other, TODAY), NOTHING, "{other}");
    }
}

#[test]
fn an_ex_spouse_a_stranger_and_nobody_see_nothing() {
    let members = format!("{FAMILY}EX,C-1,ex-spouse,1970,,,,\nFAR,C-2,self,1970,,,,\n");
    let family = register(&members, "", "");
    for reader in ["EX", "FAR", "nobody"] {
        for subject in ["M-100", "M-102", "M-104"] {
            assert_eq!(sees(&family, reader, subject, TODAY), NOTHING, "{reader} {subject}");
        }
    }
}

#[test]
fn a_step_parent_and_a_guardian_abroad_of_no_state() {
    let members = "
A,C,self,1980,OH,,,
B,C,spouse,1980,OH,,,
X,C,step,2018,OH,,,
Y,C,step,2013-01-01,OH,,,
W,D,ward,2013-01-01,,,,
G,D,self,1960,,,,
";
    let register = register(members, "", "");
    assert_eq!(sees(&register, "B", "X", TODAY), ALL, "a step-child of 8");
    assert_eq!(sees(&register, "B", "Y", TODAY), ALL, "of 13 in Ohio: consents from 14");
    assert_eq!(sees(&register, "G", "W", TODAY), PLAIN, "of 13 in no state: consents from 12");
}

#[test]
fn a_person_on_two_contracts_with_the_reader() {
    let members = "
A,C-1,self,1980,OH,,,
X,C-1,child,2018,OH,,,
S,C-2,self,1980,OH,,,
A,C-2,ex-spouse,1980,OH,,,
X,C-2,child,2018,OH,,,
";
    let register = register(members, "", "");
    assert_eq!(sees(&register, "S", "X", TODAY), ALL);
    assert_eq!(sees(&register, "A", "X", TODAY), NOTHING, "the strongest action wins");
}

#[test]
fn a_lapsed_grant_opens_nothing_more() {
    let rows = "G-1,authorization,M-102,M-100,mental-health,2026-01-01,2026-06-30,,IAL2\n";
    let family = register(FAMILY, rows, "");
    assert_eq!(sees(&family, "M-100", "M-102", "2026-06-30"), ["plain", "mental-health"]);
    assert_eq!(sees(&family, "M-100", "M-102", "2026-07-01"), PLAIN);
    assert_eq!(sees(&family, "M-101", "M-102", "2026-06-30"), PLAIN, "the father has none");
}

#[test]
fn a_birthday_at_midnight_in_another_time_zone() {
    let family = register(FAMILY, "", "");
    // The son turns 18 on 2028-05-05; it is that day on Kiritimati when it is 10:00 UTC before.
    let view_at = |now: &str| {
        let today = today_at_utc_plus_14(now.parse().unwrap()).to_string();
        let people = view(&family, "M-100", &today);
        let son = standing(&people, "M-103");
        (son.age.name(), son.ties[0].relation.name())
    };
    assert_eq!(view_at("2028-05-04T09:59:59Z"), ("consenting-minor", "guardian"));
    assert_eq!(view_at("2028-05-04T10:00:00Z"), ("adult", "subscriber"));
    assert_eq!(sees(&family, "M-100", "M-104", "2030-09-08"), ALL, "12 in a year of 14");
    assert_eq!(sees(&family, "M-100", "M-104", "2032-09-09"), PLAIN, "14 in Ohio");
}

#[test]
fn a_restriction_closes_and_a_later_authorization_of_an_adult_opens() {
    let restriction = "R-1,M-102,contract,all,2026-03-01,\n";
    let family = register(FAMILY, "", restriction);
    assert_eq!(sees(&family, "M-100", "M-102", TODAY), NOTHING);
    assert_eq!(sees(&family, "M-102", "M-102", TODAY), ALL);
    let later = "G-1,authorization,M-102,M-100,all,2026-03-02,2026-12-31,,IAL2\n";
    let family = register(FAMILY, later, restriction);
    assert_eq!(sees(&family, "M-100", "M-102", TODAY), ALL);
    let before = later.replace("2026-03-02", "2026-03-01");
    let family = register(FAMILY, &before, restriction);
    assert_eq!(sees(&family, "M-100", "M-102", TODAY), NOTHING);
}

#[test]
fn who_has_no_birth_date_is_nobodys_child() {
    let members = FAMILY.replace("2018-09-09,OH", ",OH");
    let family = register(&members, "", "");
    assert_eq!(sees(&family, "M-100", "M-104", TODAY), PLAIN);
}
