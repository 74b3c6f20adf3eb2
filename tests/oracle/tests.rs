//! The oracle itself, against bytes written by hand from the sentences of DESIGN.

use super::people::Family;
use super::{Oracle, Response};
use sequester::engine::diagnostics::SourceFile;
use sequester::engine::facts::GrantKind;

const SYSTEMS: &str = "key,uri_or_oid,status,source,note
ICD-10-CM,http://hl7.org/fhir/sid/icd-10-cm,complete,t,
CPT,http://www.ama-assn.org/go/cpt,complete,t,
SNOMED-CT,http://snomed.info/sct,partial,t,
claim-use,http://example.org/use,administrative,t,
v3-ActCode,http://terminology.hl7.org/CodeSystem/v3-ActCode,complete,t,
NUCC,http://nucc.org/provider-taxonomy,complete,t,
";
const LIST: &str = "system,code_or_range,category,subcategory,reach,from,until,source,note
ICD-10-CM,F20..F29,mental-health,,episode,,,t,
ICD-10-CM,F3*,mental-health,,episode,,,t,
ICD-10-CM,F39,not,,,,,t,
ICD-10-CM,Z13,possible-mental-health,,record,,,t,
ICD-10-CM,B20,hiv,,episode,,2020-12-31,t,
CPT,90837,mental-health,,episode,,,t,
v3-ActCode,PSYTHPN,psychotherapy-notes,,episode,,,t,
NUCC,103T*,mental-health,,episode,,,t,
";
const WORDS: &str = "words,category,reach,not_in,source,note
depress*,mental-health,episode,respiratory depression|depressed skull,t,
group therapy,mental-health,episode,,t,
";
const RULES: &str = "
pack: test
rules:
  - id: adult
    why: w
    cite: [c]
    category: [reproductive, sexual-health, hiv, gender-affirming, genetic, abuse, developmental, contact, aggregate]
    subject: { age: adult }
    reader: others
    then: withhold
    unless: [authorization, representation]
  - id: teen
    why: w
    cite: [c]
    category: [mental-health, unclassified, free-text]
    subject: { age: consenting-minor }
    reader: others
    then: withhold
    unless: [authorization, representation]
";
const HOUSE: &str = "
shape: house
base: /api/v1
routes:
  - { GET: '/family/{contract}', body: json }
  - { GET: '/claims/{id}', body: json, record: claim }
  - { GET: /payments, body: json }
envelope: [$.asOf]
records:
  - { cut: '$.members[*]', kind: member, records: [{ cut: '$.claims[*]', kind: claim }] }
  - { cut: '$.claims[*]', kind: claim }
  - { cut: '$.payments[*]', kind: payment, records: [{ cut: '$.lines[*]', kind: line }] }
kinds:
  member:
    id: $.memberId
    subject: $.memberId
    members: [$.name]
    fields: [{ at: $.address, category: contact }, { at: $.deductibleUsed, category: aggregate }, { at: $.family, category: aggregate, about: contract }]
  claim:
    id: $.claimId
    subject: $.memberId
    date: $.serviceDate
    codes: [{ at: '$.diagnoses[*].code', system: ICD-10-CM }]
    episode: [$.visitId, [$.memberId, $.provider.npi, $.serviceDate]]
    fields: [{ at: $.note, category: psychotherapy-notes }, { at: $.memo, category: free-text }]
    members: [$.amounts, $.provider]
    needs: codes
  payment:
    id: $.paymentId
    members: [$.amount]
    fields: [{ at: $.total, category: aggregate }]
  line:
    subject: $.memberId
    members: [$.amount, $.text]
";
const MEMBERS: &str = "member_id,contract_id,relationship,birth_date,state,from,until,ids
M-100,C-1,self,1973-04-02,OH,2015-01-01,,Patient/p-100
M-101,C-1,spouse,1972-11-30,OH,2015-01-01,,Patient/p-101
M-102,C-1,child,2001-02-03,OH,2015-01-01,,Patient/p-102 RelatedPerson/rp-7
M-103,C-1,child,2018-02-03,OH,2018-02-03,,Patient/p-103
M-200,C-2,self,1970-01-01,OH,,,Patient/p-200
";

fn file(path: &str, text: &str) -> SourceFile {
    SourceFile::new(path, text)
}

fn oracle() -> Oracle {
    let fhir = std::fs::read_to_string("policies/shapes/fhir-r4.yaml").unwrap();
    Oracle::new(
        &[file("house.yaml", HOUSE), file("fhir-r4.yaml", &fhir)],
        &[
            file("codes/systems.csv", SYSTEMS),
            file("codes/list.csv", LIST),
            file("codes/words.csv", WORDS),
        ],
        &[file("rules/test.yaml", RULES)],
    )
}

fn family(reader: &str) -> Family {
    Family::new(MEMBERS, reader, "2026-11-21")
}

/// What the reader gets of a body: its bytes, or the status of the refusal.
fn released(family: &Family, target: &str, body: &str) -> String {
    released_as(family, target, "application/json", body)
}

fn released_as(family: &Family, target: &str, content_type: &str, body: &str) -> String {
    let response =
        Response { method: "GET", target, status: 200, content_type, body: body.as_bytes() };
    let answer = oracle().judge(family, response);
    match answer.refused {
        None => String::from_utf8(answer.body).unwrap(),
        Some(status) => format!("{status} {}", String::from_utf8(answer.body).unwrap()),
    }
}

fn check(reader: &str, target: &str, body: &str, expected: &str) {
    assert_eq!(released(&family(reader), target, body), expected, "read by {reader}");
}

const FAMILY: &str = "/api/v1/family/C-1";

#[test]
fn own_body_leaves_as_it_came() {
    let body = "{ \"asOf\" : 1.10 ,\n \"claims\":[ {\"claimId\":\"1\",\"memberId\":\"M-102\",\"diagnoses\":[{\"code\":\"F32.9\"}],\"x\":9223372036854775809} ] }\n";
    check("M-102", FAMILY, body, body);
}

#[test]
fn mother_does_not_see_the_therapy_claim() {
    let sensitive = r#"{"claimId":"1","memberId":"M-102","diagnoses":[{"code":"F32.9"}]}"#;
    let plain = r#"{"claimId":"2","memberId":"M-102","diagnoses":[{"code":"J45"}]}"#;
    let body = format!("{{\"claims\": [ {sensitive} , {plain} ] }}");
    check("M-100", FAMILY, &body, &format!("{{\"claims\": [ {plain} ] }}"));
    let body = format!("{{\"claims\": [ {sensitive} ] }}");
    check("M-100", FAMILY, &body, "{\"claims\": [] }");
}

#[test]
fn codes_are_trimmed_folded_and_stripped_of_dots_and_escapes() {
    for code in ["f32.9", " F329 ", "\\u0046\\u0033\\u0032.9", "F2.5", "F29.9"] {
        let body = format!(
            r#"{{"claims":[{{"claimId":"1","memberId":"M-102","diagnoses":[{{"code":"{code}"}}]}}]}}"#
        );
        check("M-100", FAMILY, &body, r#"{"claims":[]}"#);
    }
    // `not` cancels the shorter pattern.
    let body = r#"{"claims":[{"claimId":"1","memberId":"M-102","diagnoses":[{"code":"F39"}]}]}"#;
    check("M-100", FAMILY, body, body);
}

#[test]
fn rows_are_compared_with_the_date_of_the_record() {
    let claim = |date: &str| {
        format!(
            r#"{{"claims":[{{"claimId":"1","memberId":"M-102","serviceDate":"{date}","diagnoses":[{{"code":"B20"}}]}}]}}"#
        )
    };
    check("M-100", FAMILY, &claim("2020-12-31"), r#"{"claims":[]}"#);
    check("M-100", FAMILY, &claim("2021-01-01"), &claim("2021-01-01"));
}

#[test]
fn unknown_members_are_cut_with_their_commas() {
    let claim = |middle: &str| format!(r#"{{"claims":[{{{middle}}}]}}"#);
    let before = claim(
        r#" "x":1 , "claimId":"1" ,"y" : 2, "memberId":"M-102","diagnoses":[{"code":"J45","why":"x"}],"z":[] "#,
    );
    let after = claim(r#" "claimId":"1", "memberId":"M-102","diagnoses":[{"code":"J45"}] "#);
    check("M-100", FAMILY, &before, &after);
    check("M-102", FAMILY, &before, &before);
}

#[test]
fn fields_of_others_go_and_ones_own_stay() {
    let body = r#"{"members":[{"memberId":"M-102","name":"A","address":{"city":"x"},"deductibleUsed":1,"family":2}]}"#;
    check("M-100", FAMILY, body, r#"{"members":[{"memberId":"M-102","name":"A"}]}"#);
    let own = r#"{"members":[{"memberId":"M-102","name":"A","address":{"city":"x"},"deductibleUsed":1}]}"#;
    check("M-102", FAMILY, body, own);
}

#[test]
fn a_note_field_is_cut_and_makes_its_event_mental_health() {
    let claims = |one: &str, two: &str| {
        format!(
            r#"{{"claims":[{{"claimId":"1","memberId":"M-102","visitId":7,"diagnoses":[{{"code":"J45"}}]{one}}},{{"claimId":"2","memberId":"M-102","visitId":7,"diagnoses":[{{"code":"J45"}}]{two}}}]}}"#
        )
    };
    let body = claims(r#","note":"she said""#, "");
    check("M-100", FAMILY, &body, r#"{"claims":[]}"#);
    check("M-102", FAMILY, &body, &claims("", ""));
    let authorized =
        family("M-102").granting("M-102", "M-102", GrantKind::Authorization, "psychotherapy-notes");
    assert_eq!(released(&authorized, FAMILY, &body), body);
    // An empty note says nothing, and is cut.
    check("M-100", FAMILY, &claims(r#","note":"""#, ""), &claims("", ""));
}

#[test]
fn events_are_tied_by_visit_and_by_tuple_of_the_same_subject() {
    let claim = |id: &str, member: &str, code: &str, rest: &str| {
        format!(
            r#"{{"claimId":"{id}","memberId":"{member}","diagnoses":[{{"code":"{code}"}}]{rest}}}"#
        )
    };
    let tuple = |day: &str| format!(r#","provider":{{"npi":"9"}},"serviceDate":"{day}""#);
    let a = claim("1", "M-102", "F32", &tuple("2026-01-02T10:00:00Z"));
    let b = claim("2", "M-102", "J45", &tuple("2026-01-02"));
    let c = claim("3", "M-102", "J45", &tuple("2026-01-03"));
    let d = claim("4", "M-103", "J45", &tuple("2026-01-02"));
    let body = format!(r#"{{"claims":[{a},{b},{c},{d}]}}"#);
    check("M-100", FAMILY, &body, &format!(r#"{{"claims":[{c},{d}]}}"#));
    // An empty part ties nothing.
    let empty = r#","provider":{"npi":""},"serviceDate":"2026-01-02""#;
    let body = format!(
        r#"{{"claims":[{},{}]}}"#,
        claim("1", "M-102", "F32", empty),
        claim("2", "M-102", "J45", empty)
    );
    check(
        "M-100",
        FAMILY,
        &body,
        &format!(r#"{{"claims":[{}]}}"#, claim("2", "M-102", "J45", empty)),
    );
}

#[test]
fn reach_record_hides_itself_alone() {
    let body = r#"{"claims":[{"claimId":"1","memberId":"M-102","visitId":7,"diagnoses":[{"code":"Z13"}]},{"claimId":"2","memberId":"M-102","visitId":7,"diagnoses":[{"code":"J45"}]}]}"#;
    let rest = r#"{"claims":[{"claimId":"2","memberId":"M-102","visitId":7,"diagnoses":[{"code":"J45"}]}]}"#;
    check("M-100", FAMILY, body, rest);
}

#[test]
fn without_a_known_code_a_claim_is_unclassified() {
    let body = r#"{"claims":[{"claimId":"1","memberId":"M-102","diagnoses":[]}]}"#;
    check("M-100", FAMILY, body, r#"{"claims":[]}"#);
    let child = r#"{"claims":[{"claimId":"1","memberId":"M-103","diagnoses":[]}]}"#;
    check("M-100", FAMILY, child, child);
}

#[test]
fn nested_records_count_for_themselves_and_go_with_their_parent() {
    let body = r#"{"members":[{"memberId":"M-102","claims":[{"claimId":"1","diagnoses":[{"code":"F32"}]},{"claimId":"2","diagnoses":[{"code":"J45"}]}]},{"memberId":"M-200","claims":[{"claimId":"3","memberId":"M-100"}]}]}"#;
    let rest = r#"{"members":[{"memberId":"M-102","claims":[{"claimId":"2","diagnoses":[{"code":"J45"}]}]}]}"#;
    check("M-100", FAMILY, body, rest);
}

#[test]
fn a_payment_is_judged_line_by_line() {
    let body = r#"{"payments":[{"paymentId":"1","amount":9,"total":5,"secret":1,"lines":[{"memberId":"M-102","amount":1,"text":"group therapy"},{"memberId":"M-102","amount":2,"text":"x-ray"},{"amount":3},{"memberId":"M-100","amount":4}]},{"paymentId":"2","amount":1,"lines":[{"amount":3}]}]}"#;
    let rest = r#"{"payments":[{"paymentId":"1","amount":9,"lines":[{"memberId":"M-102","amount":2,"text":"x-ray"},{"memberId":"M-100","amount":4}]}]}"#;
    check("M-100", "/api/v1/payments", body, rest);
}

#[test]
fn dependents_and_outsiders_get_nothing_but_by_grant() {
    let plain = r#"{"claims":[{"claimId":"2","memberId":"M-102","diagnoses":[{"code":"J45"}]}]}"#;
    check("M-103", FAMILY, plain, r#"{"claims":[]}"#);
    let all = family("M-103").granting("M-102", "M-103", GrantKind::Authorization, "all");
    assert_eq!(released(&all, FAMILY, plain), plain);
    let sensitive = plain.replace("J45", "F32");
    let named =
        family("M-103").granting("M-102", "M-103", GrantKind::Authorization, "mental-health");
    assert_eq!(released(&named, FAMILY, plain), r#"{"claims":[]}"#);
    assert_eq!(released(&named, FAMILY, &sensitive), sensitive);
}

#[test]
fn a_restriction_beats_every_older_grant() {
    let plain = r#"{"claims":[{"claimId":"2","memberId":"M-102","diagnoses":[{"code":"J45"}]}]}"#;
    let granted = family("M-100").granting("M-102", "M-100", GrantKind::Authorization, "all");
    let newer = granted.clone().restricting("M-102", None, "all", 10);
    assert_eq!(released(&newer, FAMILY, plain), r#"{"claims":[]}"#);
    let older = granted.restricting("M-102", None, "all", 40);
    assert_eq!(released(&older, FAMILY, plain), plain);
}

#[test]
fn nothing_released_of_one_thing_is_a_404() {
    let body = r#"{"claimId":"1","memberId":"M-102","diagnoses":[{"code":"F32"}]}"#;
    check("M-100", "/api/v1/claims/1", body, "404 ");
    check("M-102", "/api/v1/claims/1", body, body);
    check("M-100", "/api/v1/family/C-2", "{}", "404 ");
    check("M-100", "/api/v1/other", "{}", "404 ");
}

#[test]
fn unreadable_bodies_are_refused() {
    for body in ["{", "{} {}", "{\"a\":1,\"\\u0061\":2}", "[01]", "\"\\ud800\"", "{\"\\u0000\":1}"]
    {
        check("M-100", FAMILY, body, "502 ");
    }
}

/// A Bundle entry.
fn entry(url: &str, resource: &str) -> String {
    format!(r#"{{"fullUrl":"{url}","resource":{resource}}}"#)
}

fn bundle(entries: &[&str]) -> String {
    format!(r#"{{"resourceType":"Bundle","type":"searchset","entry":[{}]}}"#, entries.join(","))
}

fn condition(id: &str, rest: &str, code: &str) -> String {
    format!(
        r#"{{"resourceType":"Condition","id":"{id}",{rest}"subject":{{"reference":"Patient/p-102"}},"code":{{"coding":[{{"system":"http://hl7.org/fhir/sid/icd-10-cm","code":"{code}"}}]}}}}"#
    )
}

#[test]
fn a_search_has_an_envelope_of_ours() {
    let plain = condition("c2", "", "J45");
    let entries = [
        entry("urn:uuid:1", &condition("c1", "", "F32")),
        entry("http://x.example/Condition/c2", &plain),
    ];
    let upstream = format!(
        r#"{{ "resourceType":"Bundle", "total":2, "type":"searchset","link":[],"entry":[{}] }}"#,
        entries.join(" , ")
    );
    let expected = bundle(&[&entry("http://x.example/Condition/c2", &plain)]);
    check("M-100", "/fhir/Condition?patient=p-102", &upstream, &expected);
    check("M-200", "/fhir/Condition", &upstream, r#"{"resourceType":"Bundle","type":"searchset"}"#);
}

#[test]
fn narrative_labels_versions_and_unknown_elements_of_others_go() {
    let rest = r#""text":{"status":"generated","div":"<div>x</div>"},"meta":{"versionId":"3","lastUpdated":"2020-01-01T00:00:00Z"},"extension":[{"url":"http://x.example/e","valueString":"y"}],"unknown":{"a":1},"#;
    let body = condition("c1", rest, "J45");
    check("M-100", "/fhir/Condition/c1", &body, &condition("c1", "", "J45"));
    check("M-102", "/fhir/Condition/c1", &body, &body);
}

#[test]
fn a_link_out_of_sight_hides_and_a_link_to_a_provider_does_not() {
    let body = condition("c1", r#""encounter":{"reference":"Encounter/e1"},"#, "J45");
    check("M-100", "/fhir/Condition/c1", &body, "404 ");
    let body = condition("c1", r#""asserter":{"reference":"Practitioner/d1"},"#, "J45");
    check("M-100", "/fhir/Condition/c1", &body, &body);
}

#[test]
fn an_event_shares_what_is_known_of_it() {
    let encounter = r#"{"resourceType":"Encounter","id":"e1","status":"finished","class":{"system":"http://example.org/use","code":"x"},"subject":{"reference":"http://api.example/fhir/Patient/p-102/_history/2"}}"#;
    let linked = condition("c1", r#""encounter":{"reference":"urn:uuid:9"},"#, "F32");
    let other = condition("c2", "", "J45");
    let upstream = bundle(&[
        &entry("urn:uuid:9", encounter),
        &entry("urn:uuid:1", &linked),
        &entry("urn:uuid:2", &other),
    ]);
    let expected = bundle(&[&entry("urn:uuid:2", &other)]);
    check("M-100", "/fhir/Condition", &upstream, &expected);
    let whole = upstream.clone();
    check("M-102", "/fhir/Patient/p-102/$everything", &whole, &whole);
}

#[test]
fn evidence_is_one_way_and_one_step() {
    let sick = condition("c1", "", "F32");
    let claim = |id: &str| {
        format!(
            r#"{{"resourceType":"Procedure","id":"{id}","status":"completed","subject":{{"reference":"Patient/p-102"}},"code":{{"coding":[{{"system":"http://www.ama-assn.org/go/cpt","code":"99213"}}]}}"#
        )
    };
    let takes =
        format!("{},\"reasonReference\":[{{\"reference\":\"Condition/c1\"}}]}}", claim("p1"));
    let plain = format!("{}}}", claim("p2"));
    let upstream = bundle(&[
        &entry("urn:uuid:1", &sick),
        &entry("urn:uuid:2", &takes),
        &entry("urn:uuid:3", &plain),
    ]);
    check("M-100", "/fhir/Procedure", &upstream, &bundle(&[&entry("urn:uuid:3", &plain)]));
}

#[test]
fn a_reference_to_what_is_withheld_goes() {
    let sick = condition("c1", "", "F32");
    let plain = condition("c2", "", "J45");
    let list = |items: &str| {
        format!(
            r#"{{"resourceType":"List","id":"l1","status":"current","mode":"working","subject":{{"reference":"Patient/p-102"}},"entry":[{items}]}}"#
        )
    };
    let item = |id: &str| format!(r#"{{"item":{{"reference":"Condition/{id}"}}}}"#);
    let shown = r#"{"item":{"reference":"Condition/c1","display":"a thing"}}"#.to_owned();
    let upstream = bundle(&[
        &entry("urn:uuid:1", &sick),
        &entry("urn:uuid:2", &plain),
        &entry("urn:uuid:3", &list(&[item("c1"), item("c2"), shown].join(", "))),
    ]);
    let expected = bundle(&[
        &entry("urn:uuid:2", &plain),
        &entry(
            "urn:uuid:3",
            &list(&[item("c2"), r#"{"item":{"display":"a thing"}}"#.to_owned()].join(", ")),
        ),
    ]);
    check("M-100", "/fhir/List", &upstream, &expected);
}

#[test]
fn public_kinds_leave_with_what_points_at_them() {
    let doctor =
        r#"{"resourceType":"Practitioner","id":"d1","text":{"status":"empty","div":"<div/>"}}"#;
    let stranger = r#"{"resourceType":"Practitioner","id":"d2"}"#;
    let body = condition("c1", r#""asserter":{"reference":"Practitioner/d1"},"#, "J45");
    let upstream = bundle(&[
        &entry("urn:uuid:1", doctor),
        &entry("urn:uuid:2", stranger),
        &entry("urn:uuid:3", &body),
    ]);
    let expected = bundle(&[&entry("urn:uuid:1", doctor), &entry("urn:uuid:3", &body)]);
    check("M-100", "/fhir/Condition", &upstream, &expected);
    check("M-102", "/fhir/Condition", &upstream, &expected);
    check("M-100", "/fhir/Practitioner", &upstream, &upstream);
    check(
        "M-999",
        "/fhir/Practitioner",
        &upstream,
        r#"{"resourceType":"Bundle","type":"searchset"}"#,
    );
}

#[test]
fn words_judge_codes_of_partial_systems_unless_a_phrase_covers_them() {
    let code = |display: &str| {
        condition("c1", "", "J45").replace(
            r#""system":"http://hl7.org/fhir/sid/icd-10-cm","code":"J45""#,
            &format!(r#""system":"http://snomed.info/sct","code":"1"{display}"#),
        )
    };
    let shown = code(r#","display":"Respiratory depression""#);
    check("M-100", "/fhir/Condition/c1", &shown, &shown);
    check("M-100", "/fhir/Condition/c1", &code(r#","display":"Dépression""#), "404 ");
    check("M-100", "/fhir/Condition/c1", &code(""), "404 ");
}

#[test]
fn a_note_is_withheld_from_everyone_and_its_subject_is_told() {
    let label = r#""meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"PSYTHPN"}]},"#;
    let body = condition("c1", label, "J45");
    check("M-102", "/fhir/Condition/c1", &body, "404 ");
    let upstream = bundle(&[&entry("urn:uuid:1", &body)]);
    let response = Response {
        method: "GET",
        target: "/fhir/Condition",
        status: 200,
        content_type: "application/fhir+json",
        body: upstream.as_bytes(),
    };
    assert!(oracle().judge(&family("M-102"), response).own_note_withheld);
    assert!(!oracle().judge(&family("M-100"), response).own_note_withheld);
}

#[test]
fn kinds_that_nobody_named_are_only_for_their_subject() {
    let body =
        r#"{"resourceType":"Novelty","id":"1","patient":{"reference":"Patient/p-102"},"x":[1]}"#;
    let upstream = bundle(&[&entry("urn:uuid:1", body)]);
    check("M-102", "/fhir/Condition", &upstream, &upstream);
    check("M-100", "/fhir/Condition", &upstream, r#"{"resourceType":"Bundle","type":"searchset"}"#);
}

#[test]
fn lines_are_judged_one_by_one() {
    let (sick, plain) = (condition("c1", "", "F32"), condition("c2", "", "J45"));
    let export = |body: &str| {
        released_as(
            &family("M-100"),
            "/fhir/export/Condition.ndjson",
            "application/fhir+ndjson",
            body,
        )
    };
    assert_eq!(export(&format!("{sick}\r\n {plain} \n{plain}")), format!("{plain}\n{plain}\n"));
    assert_eq!(export(&format!("{plain}\n\n{plain}\n")), format!("502 {plain}\n"));
    assert_eq!(export(""), "");
}

#[test]
fn every_subject_must_let_the_reader_see_it() {
    let body = |about: &str| {
        format!(
            r#"{{"resourceType":"Communication","id":"1","status":"completed","subject":{{"reference":"Patient/p-103"}}{about}}}"#
        )
    };
    let alone = body("");
    check("M-100", "/fhir/Communication/1", &alone, &alone);
    check(
        "M-100",
        "/fhir/Communication/1",
        &body(r#","about":[{"reference":"Patient/p-200"}]"#),
        "404 ",
    );
    check(
        "M-100",
        "/fhir/Communication/1",
        &body(r#","about":[{"reference":"Patient/nobody"}]"#),
        "404 ",
    );
}
