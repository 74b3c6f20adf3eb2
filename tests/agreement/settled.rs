//! Bodies on which the two once differed, each named by what it was.

use super::oracle::Response;
use super::oracle::people::Family;
use super::{CHUNK_BYTES, agree, oracle};
use sequester::engine::facts::GrantKind;

const MEMBERS: &str = "member_id,contract_id,relationship,birth_date,state,from,until,ids
M-100,C-1,self,1973-04-02,OH,2015-01-01,,Patient/p-100
M-101,C-1,spouse,1972-11-30,OH,2015-01-01,,Patient/p-101
M-102,C-1,child,2001-02-03,OH,2015-01-01,,Patient/p-102
M-103,C-1,child,2018-02-03,OH,2018-02-03,,Patient/p-103
M-200,C-2,self,1970-01-01,OH,,,Patient/p-200
";

/// What the mother reads; the second redactor must say `expected`, and the engine the same.
fn check_in(family: &Family, target: &str, body: &str, expected: &str) {
    let response = Response {
        method: "GET",
        target,
        status: 200,
        content_type: "application/json",
        body: body.as_bytes(),
    };
    let oracle = oracle(None);
    let answer = oracle.judge(family, response);
    assert_eq!(answer.refused, None);
    assert_eq!(String::from_utf8(answer.body).unwrap(), expected);
    if let Err(why) = agree(&oracle, family, response, &CHUNK_BYTES) {
        panic!("the engine does not: {why}");
    }
}

fn family() -> Family {
    Family::new(MEMBERS, "M-100", "2026-11-21")
}

fn check(target: &str, body: &str, expected: &str) {
    check_in(&family(), target, body, expected);
}

const HOUSE: &str = "/api/v1/family/C-1";

/// A search set of these resources.
fn bundle(resources: &[&str]) -> String {
    if resources.is_empty() {
        return r#"{"resourceType":"Bundle","type":"searchset"}"#.to_owned();
    }
    let entries: Vec<String> =
        resources.iter().map(|one| format!(r#"{{"resource":{one}}}"#)).collect();
    format!(r#"{{"resourceType":"Bundle","type":"searchset","entry":[{}]}}"#, entries.join(","))
}

fn search(resources: &[&str], expected: &[&str]) {
    check("/fhir/Condition", &bundle(resources), &bundle(expected));
}

#[test]
fn a_member_without_a_name_is_no_container() {
    let body = r#"{"members":[{"name":"A","claims":[{"claimId":"1","memberId":"M-100"}]}]}"#;
    check(HOUSE, body, r#"{"members":[]}"#);
}

#[test]
fn words_are_not_looked_for_in_addresses_of_a_house_body() {
    let body = r#"{"members":[{"memberId":"M-102","address":"1 Psychotherapy Road"}]}"#;
    check(HOUSE, body, r#"{"members":[{"memberId":"M-102"}]}"#);
}

#[test]
fn escapes_do_not_hide_a_word() {
    let body = r#"{"members":[{"memberId":"M-102","coverageStatus":"d\u0065pression"}]}"#;
    check(HOUSE, body, r#"{"members":[]}"#);
}

#[test]
fn a_total_speaks_of_those_on_other_contracts_too() {
    let members = "member_id,contract_id,relationship,birth_date,state,from,until,ids
M-300,C-3,self,1973-04-02,OH,,,
M-301,C-3,child,2018-02-03,OH,,,
M-200,C-2,self,1970-01-01,OH,,,
";
    let family = Family::new(members, "M-300", "2026-11-21");
    let claims = r#""claims":[{"memberId":"M-200"}]"#;
    let body = format!(r#"{{"members":[{{"memberId":"M-301","claimCount":2,{claims}}}]}}"#);
    let expected = r#"{"members":[{"memberId":"M-301","claims":[]}]}"#;
    check_in(&family, "/api/v1/family/C-3", &body, expected);
}

#[test]
fn a_kind_that_nobody_named_is_not_for_parents() {
    search(
        &[r#"{"resourceType":"Novelty","id":"1","patient":{"reference":"Patient/p-103"}}"#],
        &[],
    );
}

const ICD: &str = r#"{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10-cm","code":"J20.9"}]}"#;

#[test]
fn evidence_gives_that_it_could_not_be_judged() {
    let target = format!(
        r#"{{"resourceType":"Condition","id":"c1","subject":{{"reference":"Patient/p-102"}},"code":{ICD},"encounter":{{"reference":"Encounter/away"}}}}"#
    );
    let takes = format!(
        r#"{{"resourceType":"Procedure","id":"p1","status":"done","subject":{{"reference":"Patient/p-102"}},"code":{ICD},"reasonReference":[{{"reference":"Condition/c1"}}]}}"#
    );
    search(&[&target, &takes], &[]);
}

#[test]
fn what_is_hidden_by_its_code_still_gives_what_its_words_say() {
    // The father's record is withheld by its code; what else it says is told to the child's.
    let target = r#"{"resourceType":"Condition","id":"c1","subject":{"reference":"Patient/p-101"},"code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10-cm","code":"F32.9","display":"Domestic violence"}]}}"#;
    let takes = format!(
        r#"{{"resourceType":"Procedure","id":"p1","status":"done","subject":{{"reference":"Patient/p-103"}},"code":{ICD},"reasonReference":[{{"reference":"Condition/c1"}}]}}"#
    );
    search(&[target, &takes], &[]);
}

#[test]
fn what_is_pointed_at_from_what_goes_does_not_stay() {
    let condition = format!(
        r#"{{"resourceType":"Condition","id":"c1","subject":{{"reference":"Patient/p-103"}},"code":{ICD}}}"#
    );
    let provenance = |agents: &str| {
        format!(
            r#"{{"resourceType":"Provenance","id":"1","target":[{{"reference":"Condition/c1"}}],"recorded":"2026-01-01","agent":[{agents}]}}"#
        )
    };
    let hidden = r#"{"who":{"reference":"RelatedPerson/away"},"onBehalfOf":{"reference":"Organization/o1"}}"#;
    let shown = r#"{"who":{"reference":"Practitioner/d1"}}"#;
    let before = provenance(&format!("{hidden},{shown}"));
    let organization = r#"{"resourceType":"Organization","id":"o1"}"#;
    search(&[&condition, &before, organization], &[&condition, &provenance(shown)]);
}

#[test]
fn a_reference_does_not_outlive_what_it_points_at() {
    let takes = r#"{"resourceType":"MedicationRequest","id":"1","status":"active","intent":"order","subject":{"reference":"Patient/p-103"},"medicationReference":{"reference":"Medication/m1"}}"#;
    let medication = r#"{"resourceType":"Medication","id":"m1","ingredient":{"itemReference":{"identifier":{}}}}"#;
    search(&[takes, medication], &[]);
}

#[test]
fn an_extension_inside_a_listed_one_must_be_listed_too() {
    let patient = |race: &str| {
        format!(
            r#"{{"resourceType":"Patient","id":"p-103","extension":[{{"url":"http://hl7.org/fhir/us/core/StructureDefinition/us-core-race","extension":[{race}]}}]}}"#
        )
    };
    let listed = r#"{"url":"text","valueString":"x"}"#;
    let other = r#"{"url":"http://x.example/therapist","valueString":"y"}"#;
    search(&[&patient(&format!("{listed},{other}"))], &[&patient(listed)]);
}

#[test]
fn an_object_where_a_list_should_be_keeps_nothing_unknown() {
    let claim = |item: &str| {
        format!(
            r#"{{"resourceType":"ExplanationOfBenefit","id":"1",{item}"patient":{{"reference":"Patient/p-103"}},"diagnosis":[{{"diagnosisCodeableConcept":{ICD}}}]}}"#
        )
    };
    search(&[&claim(r#""item":{"surprise":[]},"#)], &[&claim("")]);
}

#[test]
fn a_grant_is_measured_by_the_record_with_its_field() {
    let body = r#"{"members":[{"memberId":"M-103","name":"A","address":"x"}]}"#;
    let family = Family::new(MEMBERS, "M-102", "2026-11-21");
    let named = family.granting("M-103", "M-102", GrantKind::Representation, "mental-health");
    check_in(&named, HOUSE, body, r#"{"members":[]}"#);
}
