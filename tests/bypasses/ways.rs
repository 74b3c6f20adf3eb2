//! Ways that the catalogue does not number: what leaves beside a record, or stands in it where
//! nobody looked, or in a form that nobody expected.

use super::{
    CLAIMS, DAUGHTER, MOTHER, SECRET, Stand, about, bundle, claim, claims, condition, good,
};

const PSYCHIATRY: &str =
    r#""coding":[{"system":"http://nucc.org/provider-taxonomy","code":"2084P0800X"}]"#;

/// What the reader gets of these resources, from a search that returns them all.
async fn seen(reader: &str, resources: &[String]) -> String {
    let stand = Stand::fhir(&bundle(resources)).await;
    stand.get(reader, "/fhir/Patient/p-102/$everything").await.body
}

/// Whether one of these resources hides itself and the others from the mother, and not from the
/// daughter whose they are.
async fn hidden(resources: &[String]) {
    let hers = condition("open", "p-104", "J06.9", "");
    let with = |more: &[String]| [std::slice::from_ref(&hers), more].concat();
    assert_eq!(seen(MOTHER, &with(resources)).await, bundle(std::slice::from_ref(&hers)));
    assert!(seen(DAUGHTER, resources).await.contains("harmless"));
}

fn observation(more: &str) -> String {
    about("Observation", "harmless", "p-102", &format!("{HARMLESS}{more}"))
}

/// A code that says nothing.
const HARMLESS: &str =
    r#","code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10-cm","code":"R53.83"}]}"#;

#[tokio::test]
async fn a_provider_tells_what_those_tell_that_it_names() {
    let person_of = |more: &str| {
        format!(
            r#"{{"resourceType":"Practitioner","id":"d","qualification":[{{"code":{{{PSYCHIATRY}}}}}],{more}}}"#
        )
    };
    let person = person_of(r#""active":true"#);
    let role = r#"{"resourceType":"PractitionerRole","id":"r","practitioner":{"reference":"Practitioner/d"}}"#;
    let house =
        r#"{"resourceType":"Organization","id":"h","name":"Riverside Psychiatric Hospital"}"#;
    let place = r#"{"resourceType":"Location","id":"l","managingOrganization":{"reference":"Organization/h"}}"#;
    let (role, house, place) = (role.to_owned(), house.to_owned(), place.to_owned());
    let performer =
        |name: &str| observation(&format!(r#","performer":[{{"reference":"{name}"}}]"#));
    hidden(&[performer("PractitionerRole/r"), role.clone(), person]).await;
    // Nobody calls these evidence.
    let assigner = r#","identifier":[{"value":"1","assigner":{"reference":"Organization/h"}}]"#;
    hidden(&[observation(assigner), house.clone()]).await;
    hidden(&[observation(r#","partOf":[{"reference":"Location/l"}]"#), place, house.clone()]).await;
    // By a number, too.
    let number = r#"{"system":"http://hl7.org/fhir/sid/us-npi","value":"123"}"#;
    let numbered = person_of(&format!(r#""identifier":[{number}]"#));
    let bill = format!(
        r#"{{"resourceType":"ExplanationOfBenefit","id":"harmless","patient":{{"reference":"Patient/p-102"}},"provider":{{"identifier":{number}}},"item":[{{"sequence":1,"productOrService":{{"coding":[{{"system":"http://www.ama-assn.org/go/cpt","code":"99213"}}]}}}}]}}"#
    );
    let alone = [bill.clone()];
    assert_eq!(seen(MOTHER, &alone).await, bundle(&alone));
    hidden(&[bill, numbered]).await;
    // A role tells of who has it, also where nobody names the role; so do letters behind a name.
    let name = |suffix: &str| format!(r#""name":[{{"family":"Stone","suffix":["{suffix}"]}}]"#);
    let plain_person =
        |suffix: &str| format!(r#"{{"resourceType":"Practitioner","id":"d",{}}}"#, name(suffix));
    let special = role.replace("}}", &format!("}},\"specialty\":[{{{PSYCHIATRY}}}]}}"));
    hidden(&[performer("Practitioner/d"), plain_person("MD"), special]).await;
    hidden(&[performer("Practitioner/d"), plain_person("LCSW")]).await;
    let all = [performer("Practitioner/d"), plain_person("MD")];
    assert_eq!(seen(MOTHER, &all).await, bundle(&all));
    // One that tells nothing leaves.
    let plain = house.replace("Psychiatric", "General");
    let all = [performer("Organization/h"), plain];
    assert_eq!(seen(MOTHER, &all).await, bundle(&all));
}

#[tokio::test]
async fn a_binary_leaves_with_its_owners_alone() {
    let label = r#","meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"PSYTHPN"}]}"#;
    let content = r#","content":[{"attachment":{"contentType":"text/plain","url":"Binary/b"}}]"#;
    let note = about("DocumentReference", "n", "p-102", &format!("{label}{content}"));
    let text = format!(
        r#"{{"resourceType":"Binary","id":"b","contentType":"text/plain","data":"{SECRET}"}}"#
    );
    let list = |patient: &str| {
        let entry = r#","entry":[{"item":{"reference":"Binary/b"}}]"#;
        about("List", "l", patient, entry)
    };
    for (reader, patient) in [(DAUGHTER, "p-102"), (MOTHER, "p-100")] {
        for all in
            [vec![list(patient), text.clone()], vec![note.clone(), list(patient), text.clone()]]
        {
            let body = seen(reader, &all).await;
            assert!(body.contains("\"l\"") && !body.contains(SECRET), "{body}");
        }
    }
    let open = about("DocumentReference", "o", "p-102", content);
    let body = seen(DAUGHTER, &[note, open.clone(), text.clone()]).await;
    assert!(body.contains("\"o\"") && !body.contains(SECRET), "{body}");
    assert!(seen(DAUGHTER, &[open, text]).await.contains(SECRET));
}

#[tokio::test]
async fn a_provider_named_by_a_number_ties() {
    let therapy = r#"{"coding":[{"system":"http://www.ama-assn.org/go/cpt","code":"90837"}]}"#;
    let bill = |id: &str, code: &str, npi: &str| {
        format!(
            r#"{{"resourceType":"ExplanationOfBenefit","id":"{id}","patient":{{"reference":"Patient/p-102"}},"provider":{{"identifier":{{"system":"http://hl7.org/fhir/sid/us-npi","value":"{npi}"}}}},"item":[{{"sequence":1,"productOrService":{code},"servicedPeriod":{{"start":"2026-11-03"}}}}]}}"#
        )
    };
    let plain = therapy.replace("90837", "99213");
    let all = [bill("harmless", &plain, "123"), bill("therapy", therapy, "123")];
    hidden(&all).await;
    let apart = [bill("harmless", &plain, "124"), bill("therapy", therapy, "123")];
    assert_eq!(seen(MOTHER, &apart).await, bundle(&apart[..1]));
}

#[tokio::test]
async fn words_are_read_where_places_and_definitions_are_named() {
    for more in [
        r#","identifier":[{"value":"1","assigner":{"display":"Riverside Psychiatric Hospital"}}]"#,
        r#","identifier":[{"type":{"text":"psychiatry number"},"value":"1"}]"#,
    ] {
        hidden(&[observation(more)]).await;
    }
    let report = |measure: &str| {
        about(
            "MeasureReport",
            "harmless",
            "p-102",
            &format!(r#","measure":"http://x.example/Measure/{measure}""#),
        )
    };
    hidden(&[report("AntidepressantMedicationManagement")]).await;
    let plain = [report("ColorectalCancerScreening")];
    assert_eq!(seen(MOTHER, &plain).await, bundle(&plain));
    // A number, a town are no words.
    let plain = [observation(r#","identifier":[{"value":"depression-1"}]"#)];
    assert_eq!(seen(MOTHER, &plain).await, bundle(&plain));
}

#[tokio::test]
async fn a_relative_who_is_a_member_is_their_own_person() {
    let relative = format!(
        r#"{{"resourceType":"RelatedPerson","id":"rp-102","patient":{{"reference":"Patient/p-100"}},"address":[{{"line":["{SECRET}"]}}]}}"#
    );
    let body = seen(MOTHER, &[relative]).await;
    assert!(body.contains("rp-102") && !body.contains(SECRET), "{body}");
}

/// What the mother gets of a body of the house.
async fn of_house(path: &str, body: &str) -> String {
    Stand::house(good("application/json", body)).await.get(MOTHER, path).await.body
}

#[tokio::test]
async fn a_value_of_another_form_does_not_pass_for_none() {
    let of = |more: &str| claims(&[claim(SECRET, "M-102", "S93.401A", more)]);
    // What is there and empty is none.
    for more in ["", r#","visitId":null"#, r#","lines":[]"#, r#","lines":"""#, r#","lines":null"#] {
        assert!(of_house(CLAIMS, &of(more)).await.contains(SECRET), "{more}");
    }
    for more in [
        r#","visitId":["V-2"]"#,
        r#","visitId":{"id":"V-2"}"#,
        r#","lines":{"code":"90837","codeSystem":"CPT"}"#,
        r#","lines":["90837"]"#,
        r#","lines":"90837""#,
        r#","lines":[[{"code":"90837"}]]"#,
        r#","provider":[{"npi":"9","taxonomy":"103TC0700X"}]"#,
        r#","provider":"L. Okafor""#,
    ] {
        assert_eq!(of_house(CLAIMS, &of(more)).await, claims(&[]), "{more}");
    }
    // Nor who is spoken of.
    let message = |about: &str| {
        format!(
            r#"{{"messages":[{{"messageId":"m","memberId":"M-100","about":{about},"title":"{SECRET}","codes":[{{"code":"S93.401A","system":"ICD-10-CM"}}]}}]}}"#
        )
    };
    let messages = "/api/v1/family/C-1/messages";
    for about in [r#""M-102""#, r#"[["M-102"]]"#, r#"{"member":"M-102"}"#] {
        let body = of_house(messages, &message(about)).await;
        assert!(!body.contains(SECRET), "{about}: {body}");
    }
    assert!(of_house(messages, &message("[]")).await.contains(SECRET));
    // One object where several records should stand is nobody's.
    let one = claim(SECRET, "M-102", "F33.1", &format!(r#","provider":{{"name":"{SECRET}"}}"#));
    let family = format!(r#"{{"members":[{{"memberId":"M-100","claims":{one}}}]}}"#);
    let body = of_house("/api/v1/family/C-1", &family).await;
    assert!(body.contains("M-100") && !body.contains(SECRET), "{body}");
}

#[tokio::test]
async fn a_person_ties_by_any_of_their_names() {
    let bill = |id: &str, code: &str, patient: &str| {
        format!(
            r#"{{"resourceType":"ExplanationOfBenefit","id":"{id}","patient":{{{patient}}},"provider":{{"reference":"Practitioner/9"}},"billablePeriod":{{"start":"2026-11-03"}},"item":[{{"sequence":1,"productOrService":{{"coding":[{{"system":"http://www.ama-assn.org/go/cpt","code":"{code}"}}]}}}}]}}"#
        )
    };
    hidden(&[
        bill("harmless", "99213", r#""identifier":{"value":"M-102"}"#),
        bill("therapy", "90837", r#""reference":"Patient/p-102""#),
    ])
    .await;
}

#[tokio::test]
async fn what_nobody_names_in_ones_own_record_may_be_somebody_elses() {
    let theirs = claim(SECRET, "M-102", "F33.1", "");
    let with = |more: &str| claims(&[claim("own", "M-100", "F33.1", more)]);
    let dependents = with(&format!(r#","dependents":[{theirs}]"#));
    assert_eq!(of_house(CLAIMS, &dependents).await, with(""));
    // A line that names her goes, not her name alone.
    let lines =
        |more: &str| with(&format!(r#","lines":[{{"code":"99213","codeSystem":"CPT"}}{more}]"#));
    let line = r#",{"code":"90837","codeSystem":"CPT","memberId":"M-102"}"#;
    assert_eq!(of_house(CLAIMS, &lines(line)).await, lines(""));
    // Whoever else is named there is none whom it is about.
    let own = with(r#","orderedBy":"M-102","of":{"memberId":"M-100","by":["M-102"]}"#);
    assert_eq!(of_house(CLAIMS, &own).await, own);
    let inside = condition(SECRET, "p-102", "F33.1", "");
    let with = |more: &str| about("Observation", "own", "p-100", &format!("{HARMLESS}{more}"));
    let body = seen(MOTHER, &[with(&format!(r#","dependents":[{inside}]"#))]).await;
    assert_eq!(body, bundle(&[with("")]));
}

/// A long bill of many days shares the day that stands on its last line as well as the first; of
/// one with more days than can be kept apart, any.
#[tokio::test]
async fn a_long_bill_ties_by_every_line() {
    let bill = |id: &str, provider: &str, items: &str| {
        let provider = format!(r#","provider":{{"reference":"Organization/{provider}"}}"#);
        about("ExplanationOfBenefit", id, "p-102", &format!(r#"{provider},"item":[{items}]"#))
            .replace("subject", "patient")
    };
    let line = |day: &str, system: &str, code: &str| {
        format!(
            r#"{{"sequence":1,"servicedDate":"{day}","productOrService":{{"coding":[{{"system":"{system}","code":"{code}"}}]}}}}"#
        )
    };
    let cpt = "http://www.ama-assn.org/go/cpt";
    let therapy = bill("open", "o", &line("2025-12-28", cpt, "90837"));
    for years in [1, 13] {
        let days = (0..years).flat_map(|year| (1..=12).map(move |month| (2025 - year, month)));
        let days = days.flat_map(|(year, month)| {
            (1..=28).map(move |day| format!("{year}-{month:02}-{day:02}"))
        });
        let lines: Vec<String> = days.map(|day| line(&day, cpt, "99213")).collect();
        hidden(&[bill("harmless", "o", &lines.join(",")), therapy.clone()]).await;
        let alone = [bill("harmless", "o", &lines.join(","))];
        assert_eq!(seen(MOTHER, &alone).await, bundle(&alone));
    }
}

/// What stands beside an unknown code must say something of it.
#[tokio::test]
async fn words_that_say_nothing_explain_no_code() {
    let coded = |text: &str, display: &str| {
        let coding = format!(r#"{{"system":"urn:payer","code":"MH 01"{display}}}"#);
        about(
            "Condition",
            "harmless",
            "p-102",
            &format!(r#","code":{{"coding":[{coding}]{text}}}"#),
        )
    };
    let sprained = coded(r#","text":"Sprained ankle""#, "");
    let sprained = [sprained];
    assert_eq!(seen(MOTHER, &sprained).await, bundle(&sprained));
    for text in ["Diagnosis 1", "N/A", ".", "100 TABLET in 1 BOTTLE", "12"] {
        hidden(&[coded(&format!(r#","text":"{text}""#), "")]).await;
        hidden(&[coded("", &format!(r#","display":"{text}""#))]).await;
    }
    hidden(&[coded("", r#","display":"mh 01""#)]).await;
}

/// FHIR has two ways to say why a value is not there.
#[tokio::test]
async fn what_is_masked_tells_that_something_is() {
    let absent = |code: &str| {
        let why = format!(
            r#"{{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"{code}"}}"#
        );
        observation(&format!(r#","valueCodeableConcept":{{"extension":[{why}]}}"#))
    };
    assert!(seen(MOTHER, &[absent("unknown")]).await.contains("harmless"));
    hidden(&[absent("masked")]).await;
    hidden(&[absent("not-permitted")]).await;
}

/// One authorization, one order: who bears its number is of one event.
#[tokio::test]
async fn numbers_of_authorizations_and_orders_tie() {
    let order = |kind: &str, id: &str, more: &str| about(kind, id, "p-102", more);
    let therapy =
        r#","code":{"coding":[{"system":"http://www.ama-assn.org/go/cpt","code":"90837"}]}"#;
    let number = |place: &str| format!(r#","{place}":{{"value":"G-7"}}"#);
    let session = order("ServiceRequest", "open", &format!("{therapy}{}", number("requisition")));
    let pills = HARMLESS.replace("code\":{", "medicationCodeableConcept\":{");
    let pills =
        order("MedicationRequest", "harmless", &format!("{pills}{}", number("groupIdentifier")));
    let alone = [pills.clone()];
    assert_eq!(seen(MOTHER, &alone).await, bundle(&alone));
    hidden(&[pills, session]).await;
    let bill = |kind: &str, id: &str, code: &str, place: &str| {
        let item = format!(
            r#","item":[{{"sequence":1,"productOrService":{{"coding":[{{"system":"http://www.ama-assn.org/go/cpt","code":"{code}"}}]}}}}],{place}"#
        );
        about(kind, id, "p-102", &item).replace("subject", "patient")
    };
    let plain = bill("ExplanationOfBenefit", "harmless", "99213", r#""preAuthRef":["A-7"]"#);
    let asked = bill("Claim", "open", "90837", r#""insurance":[{"preAuthRef":["A-7"]}]"#);
    hidden(&[plain, asked]).await;
}
