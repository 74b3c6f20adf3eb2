//! Every place a reader can have towards a subject.

use super::*;

#[track_caller]
fn check(members: &str, reader: &str, subject: &str, expected: &[&str]) {
    assert_eq!(relations(members, reader, subject, TODAY), expected, "{reader} → {subject}");
}

#[test]
fn the_family_of_the_story() {
    check(FAMILY, "M-100", "M-100", &["self"]);
    check(FAMILY, "M-100", "M-101", &["subscriber"]);
    check(FAMILY, "M-100", "M-102", &["subscriber"]);
    check(FAMILY, "M-100", "M-103", &["guardian"]);
    check(FAMILY, "M-100", "M-104", &["guardian"]);
    check(FAMILY, "M-101", "M-100", &["spouse"]);
    check(FAMILY, "M-101", "M-102", &["spouse"]);
    check(FAMILY, "M-101", "M-104", &["guardian"]);
    check(FAMILY, "M-102", "M-102", &["self"]);
    for other in ["M-100", "M-101", "M-103", "M-104"] {
        check(FAMILY, "M-102", other, &["dependent"]);
    }
}

#[test]
fn guardians_are_subscriber_and_spouse_of_children_who_are_listed_so() {
    for relationship in ["child", "adopted", "foster", "step", "ward", "grandchild", "CHILD"] {
        let members =
            format!("A,C,self,1970,,,,\nB,C,partner,1970,,,,\nX,C,{relationship},2018,,,,\n");
        check(&members, "A", "X", &["guardian"]);
        check(&members, "B", "X", &["guardian"]);
        check(&members, "X", "A", &["dependent"]);
    }
    for relationship in ["other", "parent", "injured", "spouse", "niece", ""] {
        let members =
            format!("A,C,self,1970,,,,\nB,C,common,1970,,,,\nX,C,{relationship},2018,,,,\n");
        check(&members, "A", "X", &["subscriber"]);
        check(&members, "B", "X", &["spouse"]);
    }
}

#[test]
fn an_ex_spouse_is_neither_spouse_nor_guardian() {
    let members = format!("{FAMILY}M-109,C-1,ex-spouse,1971-01-01,OH,,,\n");
    for subject in ["M-100", "M-101", "M-102", "M-104"] {
        check(&members, "M-109", subject, &["dependent"]);
    }
    check(&members, "M-100", "M-109", &["subscriber"]);
}

#[test]
fn a_lapsed_row_ties_in_neither_direction() {
    let members = "
A,C,self,1970,,,,
B,C,child,2018,,2020-01-01,2026-11-20,
D,C,spouse,1970,,2026-11-22,,
E,C,child,2018,,2026-11-21,2026-11-21,
";
    check(members, "A", "B", &["outsider"]);
    check(members, "B", "A", &["outsider"]);
    check(members, "B", "B", &["self"]);
    check(members, "A", "D", &["outsider"]);
    check(members, "D", "E", &["outsider"]);
    check(members, "A", "E", &["guardian"]);
    let people = view(&register(members, "", ""), "B", TODAY);
    assert!(!people.reader_is_on("C"));
    assert_eq!(people.household(people.reader().unwrap()), [people.reader().unwrap()]);
}

#[test]
fn the_spouse_of_nobody_in_force_is_no_spouse() {
    let members = "
A,C,self,1970,,,2026-11-20,
B,C,spouse,1970,,,,
X,C,child,2018,,,,
";
    check(members, "B", "X", &["dependent"]);
    assert_eq!(relations(members, "B", "X", "2026-11-20"), ["guardian"]);
}

#[test]
fn two_subscribers_at_a_time_are_none() {
    let members = "
A,C,self,1970,,,,
B,C,self,1970,,2026-01-01,,
S,C,spouse,1970,,,,
X,C,child,2018,,,,
";
    for reader in ["A", "B", "S"] {
        check(members, reader, "X", &["dependent"]);
    }
    assert_eq!(relations(members, "A", "X", "2025-12-31"), ["guardian"]);
    let told = told(&files(members, "", ""));
    assert_eq!(told, ["warning: a second subscriber of one contract at the same time at 3:5"]);
    let in_turn = "A,C,self,1970,,,2025-12-31,\nB,C,self,1970,,2026-01-01,,\n";
    assert!(super::told(&files(in_turn, "", "")).is_empty());
}

#[test]
fn two_shared_contracts_are_two_ties() {
    let members = "
A,C-1,self,1970,,,,
X,C-1,child,2018,,,,
X,C-2,self,2018,,,,
A,C-2,other,1970,,,,
X,C-3,child,2018,,,,
";
    check(members, "A", "X", &["guardian", "dependent"]);
    check(members, "X", "A", &["dependent", "subscriber"]);
    let people = view(&register(members, "", ""), "A", TODAY);
    let ties = standing(&people, "X").ties;
    assert_eq!(ties[0].relationship, "child");
    assert_eq!(ties[1].relationship, "self");
}

#[test]
fn who_shares_no_contract_is_an_outsider() {
    let members = format!("{FAMILY}N,C-2,self,1970,,,,\n");
    check(&members, "N", "M-104", &["outsider"]);
    check(&members, "M-100", "N", &["outsider"]);
    check(&members, "nobody", "M-104", &["outsider"]);
    let people = view(&register(&members, "", ""), "nobody", TODAY);
    assert_eq!(people.reader(), None);
    assert!(!people.reader_is_on("C-1"));
    let tie = &standing(&people, "M-104").ties[0];
    assert_eq!(tie.relationship, "child", "rules about children hold for outsiders too");
}

#[test]
fn a_person_of_no_row_is_an_adult_and_tied_to_nobody() {
    let people = view(&register(FAMILY, "", ""), "M-100", TODAY);
    let standing = people.standing(PersonId(99));
    assert_eq!(standing.age, AgeBand::Adult);
    assert_eq!(standing.state, None);
    assert_eq!(standing.ties.len(), 1);
    assert_eq!(standing.ties[0].relation, Relation::Outsider);
    assert_eq!(people.household(PersonId(99)), [PersonId(99)]);
    assert!(people.names(PersonId(99)).is_empty());
}

#[test]
fn household_is_everyone_in_force_on_the_persons_contracts() {
    let members = "
A,C-1,self,1970,,,,
B,C-1,child,2001,,,,
B,C-2,self,2001,,,,
D,C-2,spouse,2001,,,,
E,C-1,child,2001,,,2020-01-01,
";
    let people = view(&register(members, "", ""), "A", TODAY);
    let names = |person: &str| -> Vec<String> {
        let household = people.household(people.find(person).unwrap());
        household.into_iter().map(|person| people.names(person)[0].clone()).collect()
    };
    assert_eq!(names("A"), ["A", "B"]);
    assert_eq!(names("B"), ["A", "B", "D"]);
    assert_eq!(names("E"), ["E"]);
    assert!(people.reader_is_on("C-1"));
    assert!(!people.reader_is_on("C-2"));
    assert!(!people.reader_is_on("C-9"));
}

#[test]
fn names_find_their_person() {
    let people = view(&register(FAMILY, "", ""), "Patient/p-100", TODAY);
    assert_eq!(people.reader(), people.find("M-100"));
    assert_eq!(people.find("MBR-0100"), people.find("M-100"));
    assert_eq!(people.find("patient/p-100"), None, "exactly as written");
    assert_eq!(people.find(""), None);
    let daughter = people.find("M-102").unwrap();
    assert_eq!(people.names(daughter), ["M-102", "Patient/p-102", "RelatedPerson/rp-7"]);
    assert_eq!(people.today(), day(TODAY));
}
