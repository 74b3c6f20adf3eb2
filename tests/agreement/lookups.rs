//! Small charts that are full of links, most of which lead out of the body: what is looked up,
//! and how far, decides what is released.

use super::oracle::beside::World;
use super::oracle::people::Family;
use super::oracle::{Oracle, Response};
use super::random::Random;
use super::{agree, oracle, setting};

/// Kinds, the places of their links (`*` for an array), and what those may name.
const LINKS: [(&str, &[(&str, &str)]); 10] = [
    (
        "ExplanationOfBenefit",
        &[
            ("item*.encounter*", "Encounter"),
            ("claim", "Claim"),
            ("diagnosis*.diagnosisReference", "Condition"),
            ("provider", "Practitioner"),
            ("prescription", "MedicationRequest"),
        ],
    ),
    (
        "Claim",
        &[
            ("item*.encounter*", "Encounter"),
            ("related*.claim", "Claim"),
            ("diagnosis*.diagnosisReference", "Condition"),
            ("provider", "Practitioner"),
        ],
    ),
    (
        "Encounter",
        &[
            ("partOf", "Encounter"),
            ("appointment*", "Appointment"),
            ("diagnosis*.condition", "Condition"),
            ("participant*.individual", "Practitioner"),
        ],
    ),
    ("Condition", &[("encounter", "Encounter"), ("recorder", "Practitioner")]),
    ("Observation", &[("encounter", "Encounter"), ("derivedFrom*", "Observation")]),
    (
        "MedicationRequest",
        &[
            ("encounter", "Encounter"),
            ("medicationReference", "Medication"),
            ("reasonReference*", "Condition"),
        ],
    ),
    ("Appointment", &[("basedOn*", "ServiceRequest"), ("reasonReference*", "Condition")]),
    ("ServiceRequest", &[("encounter", "Encounter"), ("reasonReference*", "Condition")]),
    ("Medication", &[]),
    ("Practitioner", &[]),
];

/// The kinds that the shape searches for company.
const COMPANY: [&str; 15] = [
    "AllergyIntolerance",
    "Claim",
    "Condition",
    "DeviceRequest",
    "DiagnosticReport",
    "DocumentReference",
    "Encounter",
    "ExplanationOfBenefit",
    "Immunization",
    "MedicationDispense",
    "MedicationRequest",
    "Observation",
    "Procedure",
    "QuestionnaireResponse",
    "ServiceRequest",
];

const HARMLESS: &str =
    r#"{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10-cm","code":"J10.1"}]}"#;
const TELLING: &str =
    r#"{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10-cm","code":"F33.1"}]}"#;
const UNKNOWN: &str = r#"{"coding":[{"system":"http://example.org/nobody","code":"1"}]}"#;
const PSYCHOLOGIST: &str =
    r#"{"coding":[{"system":"http://nucc.org/provider-taxonomy","code":"103T00000X"}]}"#;
const PODIATRIST: &str =
    r#"{"coding":[{"system":"http://nucc.org/provider-taxonomy","code":"213E00000X"}]}"#;

fn resource(random: &mut Random, kind: &str, id: &str) -> String {
    let mut text = format!(r#"{{"resourceType":"{kind}","id":"{id}""#);
    let person = if random.once_in(25) { 2 } else { 1 };
    let subject = match kind {
        "ExplanationOfBenefit" | "Claim" => Some("patient"),
        "Appointment" | "Medication" | "Practitioner" => None,
        _ => Some("subject"),
    };
    if let Some(subject) = subject.filter(|_| !random.once_in(40)) {
        text += &format!(r#","{subject}":{{"reference":"Patient/p-{person}"}}"#);
    }
    if kind == "Appointment" {
        text += &format!(
            r#","participant":[{{"actor":{{"reference":"Patient/p-{person}"}},"status":"accepted"}}]"#
        );
    }
    let code = match random.below(14) {
        0 => TELLING,
        1 => UNKNOWN,
        _ => HARMLESS,
    };
    let taxonomy = if random.once_in(8) { PSYCHOLOGIST } else { PODIATRIST };
    match kind {
        "ExplanationOfBenefit" | "Claim" => {
            text += &format!(r#","procedure":[{{"procedureCodeableConcept":{code}}}]"#);
        }
        "Encounter" => text += &format!(r#","type":[{code}]"#),
        "Appointment" => text += &format!(r#","reasonCode":[{code}]"#),
        "MedicationRequest" => {}
        "Practitioner" => text += &format!(r#","qualification":[{{"code":{taxonomy}}}]"#),
        _ => text += &format!(r#","code":{code}"#),
    }
    let (_, links) = LINKS.into_iter().find(|(name, _)| *name == kind).unwrap();
    for (place, of) in links {
        if random.once_in(2) {
            text += &link(random, place, of);
        }
    }
    text + "}"
}

fn link(random: &mut Random, place: &str, of: &str) -> String {
    let name = format!("{of}/{}", random.below(4));
    let text = match random.below(20) {
        0 => format!("https://members.example/fhir/{name}"),
        1 => format!("{name}/_history/2"),
        2 => format!("http://elsewhere.example/fhir/{name}"),
        _ => name,
    };
    let mut value = format!(r#"{{"reference":"{text}"}}"#);
    let mut steps: Vec<&str> = place.split('.').collect();
    let first = steps.remove(0);
    for step in steps.into_iter().rev() {
        let (name, many) = (step.trim_end_matches('*'), step.ends_with('*'));
        value = if many { format!("[{value}]") } else { value };
        value = format!(r#"{{"{name}":{value}}}"#);
    }
    let (name, many) = (first.trim_end_matches('*'), first.ends_with('*'));
    let value = if many { format!("[{value}]") } else { value };
    format!(r#","{name}":{value}"#)
}

struct Chart {
    body: String,
    stream: bool,
    world: World,
}

fn chart(seed: u64) -> Chart {
    let mut random = Random::new(seed);
    let mut world = World::new();
    for (kind, _) in LINKS {
        for id in 0..4 {
            if !random.once_in(12) {
                let body = resource(&mut random, kind, &id.to_string());
                world.insert(format!("/fhir/{kind}/{id}"), body.into_bytes());
            }
        }
    }
    searches(&mut random, &mut world);
    let mut records = Vec::new();
    for (kind, _) in &LINKS[..8] {
        for id in 0..4 {
            // In the body as the upstream has it.
            let known = world.get(&format!("/fhir/{kind}/{id}"));
            if let Some(body) = known.filter(|_| random.once_in(6)) {
                records.push(String::from_utf8(body.clone()).unwrap());
            }
        }
    }
    let stream = random.once_in(4);
    let body = if stream {
        records.join("\n")
    } else {
        let entries: Vec<String> =
            records.iter().map(|record| format!(r#"{{"resource":{record}}}"#)).collect();
        format!(r#"{{"resourceType":"Bundle","type":"searchset","entry":[{}]}}"#, entries.join(","))
    };
    Chart { body, stream, world }
}

/// What the searches for company find, most of the time all there is.
fn searches(random: &mut Random, world: &mut World) {
    for kind in COMPANY {
        for person in 0..4 {
            let patient = format!("Patient/p-{person}");
            let mut found = Vec::new();
            for id in 0..4 {
                let one = world.get(&format!("/fhir/{kind}/{id}")).cloned().unwrap_or_default();
                let one = String::from_utf8(one).unwrap();
                if one.contains(&format!("\"{patient}\"")) {
                    found.push(format!(r#"{{"resource":{one}}}"#));
                }
            }
            let body = format!(
                r#"{{"resourceType":"Bundle","type":"searchset","entry":[{}]}}"#,
                found.join(",")
            );
            if !random.once_in(150) {
                world.insert(format!("/fhir/{kind}?patient={patient}"), body.into_bytes());
            }
        }
    }
}

fn family(seed: u64) -> Family {
    let members = "member_id,contract_id,relationship,birth_date,state,from,until,ids\n\
        M-0,C-1,self,1970-01-01,OH,,,Patient/p-0\n\
        M-1,C-1,child,2001-01-01,OH,,,Patient/p-1\n\
        M-2,C-1,child,2001-01-01,OH,,,Patient/p-2\n\
        M-3,C-1,spouse,1971-01-01,OH,,,Patient/p-3\n";
    let reader = ["M-0", "M-0", "M-3", "M-1", "M-2"][usize::try_from(seed % 5).unwrap()];
    let family = Family::new(members, reader, "2026-11-21");
    if seed.is_multiple_of(7) {
        let kind = sequester::engine::facts::GrantKind::Authorization;
        return family.granting("M-1", reader, kind, "mental-health");
    }
    family
}

fn response(chart: &Chart) -> Response<'_> {
    let (target, content_type) = if chart.stream {
        ("/fhir/export/chart.ndjson", "application/fhir+ndjson")
    } else {
        ("/fhir/Encounter", "application/fhir+json")
    };
    Response { method: "GET", target, status: 200, content_type, body: chart.body.as_bytes() }
}

fn released(oracle: &Oracle, family: &Family, chart: &Chart) -> usize {
    let answer = oracle.judge(family, response(chart));
    answer.records.iter().filter(|record| record.released).count()
}

#[test]
fn charts_with_links_out_of_the_body_are_judged_alike() {
    let mut oracle = oracle(Some("https://members.example"));
    let (mut with, mut without) = (0, 0);
    let first = setting("AGREEMENT_SEED", 1);
    for seed in first..first + setting("AGREEMENT_BODIES", 150) * 4 {
        let (chart, family) = (chart(seed), family(seed));
        oracle.world = None;
        without += released(&oracle, &family, &chart);
        oracle.world = Some(chart.world.clone());
        with += released(&oracle, &family, &chart);
        let agreed = agree(&oracle, &family, response(&chart), &[64]);
        assert!(
            agreed.is_ok(),
            "seed {seed} read by {}: {}\n{}\n{}",
            family.reader,
            agreed.unwrap_err(),
            chart.body,
            oracle
                .judge(&family, response(&chart))
                .records
                .iter()
                .fold(String::new(), |told, one| format!("{told}{one:?}\n"),)
        );
    }
    eprintln!("released: {with} with look-ups, {without} without");
    // Company hides more, what it says more is shown.
    assert!(with > without + without / 5, "{with} with look-ups, {without} without");
}

/// What one of the records hides all of its event by, others are found to be of by its links, and
/// not by theirs: nobody searches for appointments.
#[test]
fn the_event_of_what_is_hidden_is_looked_for_too() {
    const SUBJECT: &str = r#""subject":{"reference":"Patient/p-1"}"#;
    let order =
        format!(r#"{{"resourceType":"ServiceRequest","id":"2",{SUBJECT},"code":{HARMLESS}}}"#);
    let visit = format!(
        r#"{{"resourceType":"Encounter","id":"3",{SUBJECT},"appointment":[{{"reference":"Appointment/3"}}]}}"#
    );
    let appointment = r#"{"resourceType":"Appointment","id":"3","participant":[{"actor":{"reference":"Patient/p-1"}}],"basedOn":[{"reference":"ServiceRequest/2"}]}"#;
    let telling = format!(
        r#"{{"resourceType":"Observation","id":"0",{SUBJECT},"code":{TELLING},"encounter":{{"reference":"Encounter/3"}}}}"#
    );
    let bundle = |records: &[&str]| {
        let entries = records.iter().map(|record| format!(r#"{{"resource":{record}}}"#));
        let entries = entries.collect::<Vec<_>>().join(",");
        let entries = if entries.is_empty() { entries } else { format!(r#","entry":[{entries}]"#) };
        format!(r#"{{"resourceType":"Bundle","type":"searchset"{entries}}}"#)
    };
    let found = |kind: &str| if kind == "Encounter" { bundle(&[&visit]) } else { bundle(&[]) };
    let searches = COMPANY
        .iter()
        .map(|kind| (format!("/fhir/{kind}?patient=Patient/p-1"), found(kind).into_bytes()));
    let mut world: World = searches.collect();
    world.insert("/fhir/Appointment/3".to_owned(), appointment.as_bytes().to_vec());
    let mut oracle = oracle(Some("https://members.example"));
    oracle.world = Some(world.clone());
    for (records, stays) in [(vec![&*order], vec![&*order]), (vec![&order, &telling], vec![])] {
        let chart = Chart { body: bundle(&records), stream: false, world: world.clone() };
        let answer = oracle.judge(&family(1), response(&chart));
        assert_eq!(String::from_utf8(answer.body).unwrap(), bundle(&stays));
        agree(&oracle, &family(1), response(&chart), &[0, 64]).unwrap();
    }
}
